//! Cells of indexed records as values: quotes taken off, nulls known, broken text refused.

use std::ops::Range;

use crate::reject::{Finding, rule};
use crate::tokens::Index;

/// The texts that mean "no value" in an export.
#[derive(Debug)]
pub(crate) struct Nulls {
    empty: bool,
    words: Vec<Vec<u8>>,
    longest: usize,
    /// One of the words begins like a number or a date.
    numbers: bool,
}

impl Nulls {
    pub(crate) fn new(texts: &[String]) -> Self {
        let words: Vec<Vec<u8>> = texts.iter().filter(|text| !text.is_empty()).map(|text| text.clone().into_bytes()).collect();
        Self {
            empty: words.len() < texts.len(),
            longest: words.iter().map(Vec::len).max().unwrap_or(0),
            numbers: words.iter().any(|word| word[0] == b'-' || word[0].is_ascii_digit()),
            words,
        }
    }

    /// A null may look like a number or a date.
    #[inline]
    pub(crate) fn hold_numbers(&self) -> bool {
        self.numbers
    }

    #[inline]
    fn hold(&self, text: &[u8]) -> bool {
        match text.first() {
            None => self.empty,
            Some(first) => text.len() <= self.longest && self.words.iter().any(|word| word.first() == Some(first) && word == text),
        }
    }
}

/// A chunk with its index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) index: &'a Index,
    pub(crate) nulls: &'a Nulls,
    /// All of the chunk is UTF-8 without NUL: no cell needs a look of its own.
    sound: bool,
}

impl<'a> Cells<'a> {
    pub(crate) fn new(bytes: &'a [u8], index: &'a Index, nulls: &'a Nulls) -> Self {
        let sound = index.ascii || memchr::memchr(0, bytes).is_none() && std::str::from_utf8(bytes).is_ok();
        Self { bytes, index, nulls, sound }
    }

    /// A cell's value; quoted or not makes no difference, also for nulls.
    #[inline]
    pub(crate) fn value<'s>(&self, row: usize, source: usize, scratch: &'s mut Vec<u8>) -> Result<Option<&'s [u8]>, Finding>
    where
        'a: 's,
    {
        self.value_at(self.index.cell(row, source), scratch)
    }

    /// The value of the cell that stands there.
    #[inline]
    pub(crate) fn value_at<'s>(&self, place: Range<usize>, scratch: &'s mut Vec<u8>) -> Result<Option<&'s [u8]>, Finding>
    where
        'a: 's,
    {
        let raw = &self.bytes[place];
        let text = if raw.first() == Some(&b'"') { unquoted(raw, scratch) } else { raw };
        if self.nulls.hold(text) {
            return Ok(None);
        }
        if !self.sound {
            sound(text)?;
        }
        Ok(Some(text))
    }
}

#[cold]
fn sound(text: &[u8]) -> Result<(), Finding> {
    if std::str::from_utf8(text).is_err() {
        return Err(Finding::new(rule::UTF8, "is not UTF-8 text"));
    }
    if memchr::memchr(0, text).is_some() {
        return Err(Finding::new(rule::NUL, "holds a NUL byte"));
    }
    Ok(())
}

/// The text between the quotes of a well-formed quoted cell, doubled quotes made single.
pub(crate) fn unquoted<'s>(raw: &'s [u8], scratch: &'s mut Vec<u8>) -> &'s [u8] {
    let inside = raw.get(1..raw.len() - 1).unwrap_or_default();
    if memchr::memchr(b'"', inside).is_none() {
        return inside;
    }
    scratch.clear();
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'"', rest) {
        scratch.extend_from_slice(&rest[..=at]);
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    scratch.extend_from_slice(rest);
    scratch
}
