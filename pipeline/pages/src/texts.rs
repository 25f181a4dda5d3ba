//! A column of texts: codes of the dictionary, or plain texts once it is given up.

use arrow::array::{Array, AsArray, Int32Array, StringArray, StringViewArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Int32Type};
use parquet::basic::Encoding;

use crate::hybrid;
use crate::page::{self, Press};
use crate::text::{TextDictionary, hash};

/// So many texts have a dictionary whether they repeat or not.
const FEW: usize = 256;

/// The first texts of a chunk tell whether any repeat: so many are looked at.
const FIRST: usize = 1 << 12;

/// Least and greatest.
pub(crate) type TextBounds = (Vec<u8>, Vec<u8>);

/// How far texts of a batch were taken.
pub(crate) enum Taken {
    /// Up to this row.
    To(usize),
    /// Up to this row, whose text the dictionary does not take.
    Full(usize),
}

#[derive(Default)]
pub(crate) struct Texts {
    dictionary: TextDictionary,
    /// The open page: codes, or plain texts once the dictionary is given up.
    codes: Vec<u32>,
    plain: Vec<u8>,
    given_up: bool,
    /// Texts of the chunk's finished pages.
    before: usize,
    /// The code of each value of the batch that is being written, where it comes as a dictionary.
    known: Vec<u32>,
    /// The hash of each of those values.
    hashes: Vec<u64>,
    batch_rows: usize,
    /// Of the plain texts of the chunk, and of the whole file.
    range: TextRange,
    pub(crate) file_range: TextRange,
}

/// The value was not met yet.
const UNKNOWN: u32 = u32::MAX;

/// Texts as they come: each by itself, or as keys of values.
#[derive(Clone, Copy)]
pub(crate) enum Incoming<'a> {
    Each(&'a StringArray),
    Views(&'a StringViewArray),
    Keyed(&'a Int32Array, &'a StringArray),
}

impl<'a> Incoming<'a> {
    pub(crate) fn of(array: &'a dyn Array) -> Option<Self> {
        match array.data_type() {
            DataType::Utf8 => Some(Self::Each(array.as_string())),
            DataType::Utf8View => Some(Self::Views(array.as_string_view())),
            DataType::Dictionary(..) => {
                let array = array.as_dictionary_opt::<Int32Type>()?;
                Some(Self::Keyed(array.keys(), array.values().as_string_opt()?))
            }
            _ => None,
        }
    }

    pub(crate) fn nulls(self) -> Option<&'a NullBuffer> {
        let nulls = match self {
            Self::Each(texts) => texts.nulls(),
            Self::Views(texts) => texts.nulls(),
            Self::Keyed(keys, _) => keys.nulls(),
        };
        nulls.filter(|nulls| nulls.null_count() > 0)
    }

    fn text(self, row: usize) -> &'a [u8] {
        match self {
            Self::Each(texts) => texts.value(row).as_bytes(),
            Self::Views(texts) => texts.value(row).as_bytes(),
            Self::Keyed(keys, texts) => texts.value(keys.value(row) as usize).as_bytes(),
        }
    }
}

impl Texts {
    pub(crate) fn memory(&self) -> usize {
        self.dictionary.memory() + self.codes.len() * 4 + self.plain.len()
    }

    pub(crate) fn release(&mut self) {
        self.dictionary = TextDictionary::default();
        (self.codes, self.plain) = (Vec::new(), Vec::new());
        (self.known, self.hashes) = (Vec::new(), Vec::new());
    }

    pub(crate) fn give_up(&mut self) {
        self.given_up = true;
    }

    /// The values of earlier batches say nothing about the next one's.
    pub(crate) fn start_batch(&mut self, rows: usize) {
        self.known.clear();
        self.batch_rows = rows;
    }

    /// Takes the texts of rows into the page: as codes, as far as the dictionary takes them, or plain, as far as the page is not full.
    pub(crate) fn take(&mut self, incoming: Incoming<'_>, from: usize, rows: usize) -> Taken {
        if self.given_up {
            return Taken::To(self.take_plain(incoming, from, rows));
        }
        // The look comes at the same text, however the batches are cut.
        let are_first = self.before == 0 && self.codes.len() < FIRST;
        let most = if are_first { FIRST - self.codes.len() } else { usize::MAX };
        let taken = self.take_codes(incoming, from, rows, most);
        if are_first && self.codes.len() == FIRST {
            self.look();
        }
        taken
    }

    /// Takes at most so many texts as codes.
    fn take_codes(&mut self, incoming: Incoming<'_>, from: usize, rows: usize, most: usize) -> Taken {
        match (incoming, incoming.nulls()) {
            (Incoming::Keyed(keys, values), None) => {
                let to = rows.min(from.saturating_add(most));
                let keys = &keys.values()[from..to];
                let taken = self.meet_all(keys, values);
                let Self { codes, known, .. } = self;
                codes.extend(keys[..taken].iter().map(|key| known[*key as usize]));
                if taken < keys.len() { Taken::Full(from + taken) } else { Taken::To(to) }
            }
            (Incoming::Keyed(keys, values), nulls) => self.take_each(nulls, from, rows, most, |texts, row| {
                let key = keys.value(row);
                (texts.knows(key) || texts.meet(key, values)).then(|| texts.known[key as usize])
            }),
            (Incoming::Each(each), nulls) => self.take_each(nulls, from, rows, most, |texts, row| texts.dictionary.code(each.value(row).as_bytes())),
            (Incoming::Views(each), nulls) => self.take_each(nulls, from, rows, most, |texts, row| texts.dictionary.code(each.value(row).as_bytes())),
        }
    }

    #[inline]
    fn take_each(&mut self, nulls: Option<&NullBuffer>, from: usize, rows: usize, most: usize, code: impl Fn(&mut Self, usize) -> Option<u32>) -> Taken {
        let end = self.codes.len().saturating_add(most);
        for row in from..rows {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            let Some(code) = code(self, row) else { return Taken::Full(row) };
            self.codes.push(code);
            if self.codes.len() == end {
                return Taken::To(row + 1);
            }
        }
        Taken::To(rows)
    }

    /// The first texts are there. Where hardly one repeats there will be no dictionary: what would it be for.
    fn look(&mut self) {
        if self.dictionary.len() * 10 <= FIRST * 9 {
            return;
        }
        self.given_up = true;
        let dictionary = std::mem::take(&mut self.dictionary);
        for code in std::mem::take(&mut self.codes) {
            self.push_plain(dictionary.text(code));
        }
        self.known.clear();
    }

    /// Whether the value was met already.
    #[inline]
    fn knows(&self, key: i32) -> bool {
        self.known.get(key as usize).is_some_and(|code| *code != UNKNOWN)
    }

    /// Gives codes to the values of keys, up to the first that the dictionary does not take; gives its place.
    fn meet_all(&mut self, keys: &[i32], values: &StringArray) -> usize {
        let mut met = 0;
        while let Some(more) = keys[met..].iter().position(|key| !self.knows(*key)) {
            met += more;
            if !self.meet(keys[met], values) {
                return met;
            }
            met += 1;
        }
        keys.len()
    }

    /// Gives the value a code. Codes are given in the order of rows: values that no row has get none.
    fn meet(&mut self, key: i32, values: &StringArray) -> bool {
        if self.known.is_empty() {
            self.known.resize(values.len(), UNKNOWN);
            self.hashes.clear();
            // A part of a batch that was dealt to many months may have few of its values.
            if self.batch_rows * 4 >= values.len() {
                self.hashes.extend(texts_of(values).map(hash));
                self.dictionary.look_ahead(&self.hashes);
            }
        }
        let text = values.value(key as usize).as_bytes();
        let hash = self.hashes.get(key as usize).copied().unwrap_or_else(|| hash(text));
        let Some(code) = self.dictionary.find(text, hash) else { return false };
        self.known[key as usize] = code;
        true
    }

    /// Takes plain texts up to the one that fills the page; gives the row behind it.
    fn take_plain(&mut self, incoming: Incoming<'_>, from: usize, rows: usize) -> usize {
        let nulls = incoming.nulls();
        for row in from..rows {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            self.push_plain(incoming.text(row));
            if self.is_full() {
                return row + 1;
            }
        }
        rows
    }

    #[inline]
    fn push_plain(&mut self, text: &[u8]) {
        self.range.widen(text);
        self.plain.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.plain.extend_from_slice(text);
    }

    /// The page of plain texts has the size of a page.
    pub(crate) fn is_full(&self) -> bool {
        self.plain.len() >= page::BYTES
    }

    pub(crate) fn encode(&mut self, press: &mut Press) -> Encoding {
        if self.given_up && self.codes.is_empty() {
            press.raw.extend_from_slice(&self.plain);
            self.plain.clear();
            return Encoding::PLAIN;
        }
        self.before += self.codes.len();
        let seldom = self.dictionary.len() > FEW && self.dictionary.len() * 2 > self.before;
        self.given_up |= seldom;
        if seldom && self.before == self.codes.len() {
            // The first page, and hardly a text twice: no dictionary at all.
            for code in std::mem::take(&mut self.codes) {
                let text = self.dictionary.text(code);
                self.range.widen(text);
                press.raw.extend_from_slice(&(text.len() as u32).to_le_bytes());
                press.raw.extend_from_slice(text);
            }
            self.clear();
            return Encoding::PLAIN;
        }
        let width = hybrid::width(self.dictionary.len());
        press.raw.push(width as u8);
        hybrid::codes(&mut press.raw, &self.codes, width);
        self.codes.clear();
        Encoding::RLE_DICTIONARY
    }

    fn clear(&mut self) {
        self.dictionary.clear();
        self.known.clear();
    }

    /// The dictionary goes into `raw`; gives the number of its entries and the chunk's range.
    pub(crate) fn end_chunk(&mut self, press: &mut Press) -> (usize, Option<TextBounds>) {
        let mut range = std::mem::take(&mut self.range);
        if let Some((least, greatest)) = self.dictionary.bounds() {
            range.widen(least);
            range.widen(greatest);
        }
        let range = range.found;
        if let Some((least, greatest)) = &range {
            self.file_range.widen(least);
            self.file_range.widen(greatest);
        }
        let entries = self.dictionary.len();
        press.raw.extend_from_slice(self.dictionary.plain());
        self.clear();
        self.before = 0;
        // What had a dictionary for a while gets one again.
        self.given_up = self.given_up && entries == 0;
        (entries, range)
    }
}

fn texts_of(values: &StringArray) -> impl Iterator<Item = &[u8]> {
    let data = values.value_data();
    values.value_offsets().windows(2).map(|ends| &data[ends[0] as usize..ends[1] as usize])
}

/// The least and the greatest of some texts.
#[derive(Default)]
pub(crate) struct TextRange {
    found: Option<TextBounds>,
    /// Their first bytes as numbers: nearly every other text is told to lie between them by its own.
    heads: (u64, u64),
}

impl TextRange {
    #[inline]
    fn widen(&mut self, text: &[u8]) {
        let head = first_bytes(text);
        if self.heads.0 < head && head < self.heads.1 {
            return;
        }
        self.widen_by(text);
    }

    fn widen_by(&mut self, text: &[u8]) {
        match &mut self.found {
            None => self.found = Some((text.to_vec(), text.to_vec())),
            Some((least, _)) if text < least.as_slice() => text.clone_into(least),
            Some((_, greatest)) if text > greatest.as_slice() => text.clone_into(greatest),
            Some(_) => return,
        }
        if let Some((least, greatest)) = &self.found {
            self.heads = (first_bytes(least), first_bytes(greatest));
        }
    }

    pub(crate) fn into_bounds(self) -> Option<TextBounds> {
        self.found
    }
}

/// A text with a smaller number is a smaller text; zeros stand behind a short one.
#[inline]
fn first_bytes(text: &[u8]) -> u64 {
    match text.first_chunk() {
        Some(first) => u64::from_be_bytes(*first),
        None => text.iter().chain(std::iter::repeat(&0)).take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)),
    }
}
