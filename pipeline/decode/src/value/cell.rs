//! The text of a column in a row: from its source, by the rules that stand before any parsing.

use std::borrow::Cow;

use regex::Regex;
use takings_definitions::{CellTest, ColumnSpec, Split, is_blank, trimmed};

use crate::Block;
use crate::reject::{Finding, rule};

/// Where a text comes from, in one part.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The part has nothing for the column.
    Absent,
    Cell(usize),
    /// The same in every row.
    Fixed(Option<String>),
    Join(Vec<Piece>),
    /// Whether a cell says so.
    Test(usize, CellTest),
}

#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Text(String),
    Cell(usize),
}

/// What a test says, as text.
pub(crate) const YES: &str = "true";
pub(crate) const NO: &str = "false";

/// What is done with a text before it is read.
#[derive(Debug)]
pub(crate) struct TextRules {
    nulls: Vec<String>,
    take: Option<Regex>,
    split: Option<Split>,
    pub(crate) fill_down: bool,
    default: Option<String>,
    prefix: Option<String>,
    strip: String,
}

impl TextRules {
    /// `typed`: an empty text is nothing that its type could hold, and so no value, whatever `nulls` say.
    pub(crate) fn new(nulls: &[String], typed: bool, spec: Option<&ColumnSpec>) -> Self {
        let nulls = nulls.iter().map(|text| trimmed(text)).chain(typed.then_some(""));
        Self {
            nulls: nulls.map(str::to_owned).collect(),
            take: spec.and_then(|spec| spec.take.clone()),
            split: spec.and_then(|spec| spec.split.clone()),
            fill_down: spec.is_some_and(|spec| spec.fill_down),
            default: spec.and_then(|spec| spec.default.clone()),
            prefix: spec.and_then(|spec| spec.prefix.clone()),
            strip: spec.map(|spec| spec.strip.clone()).unwrap_or_default(),
        }
    }

    /// A source's text without what surrounds it; None: no value.
    pub(crate) fn raw<'a>(&self, source: &'a Source, block: &'a Block, row: usize) -> Option<Cow<'a, str>> {
        match source {
            Source::Absent => None,
            Source::Cell(at) => self.value(block.cell(row, *at)).map(Cow::Borrowed),
            Source::Fixed(text) => text.as_deref().and_then(|text| self.value(text)).map(Cow::Borrowed),
            Source::Test(at, test) => Some(Cow::Borrowed(if test.holds(trimmed(block.cell(row, *at))) { YES } else { NO })),
            Source::Join(pieces) => {
                let mut joined = String::new();
                let mut any = false;
                for piece in pieces {
                    match piece {
                        Piece::Text(text) => joined.push_str(text),
                        Piece::Cell(at) => {
                            let value = self.value(block.cell(row, *at));
                            any |= value.is_some();
                            joined.push_str(value.unwrap_or_default());
                        }
                    }
                }
                if any { self.value(&joined).map(|text| Cow::Owned(text.to_owned())) } else { None }
            }
        }
    }

    fn value<'a>(&self, text: &'a str) -> Option<&'a str> {
        let text = if self.strip.is_empty() { trimmed(text) } else { text.trim_matches(|end| is_blank(end) || self.strip.contains(end)) };
        if self.nulls.iter().any(|null| null == text) { None } else { Some(text) }
    }

    /// What is taken of a source's text, and what stands for no value.
    pub(crate) fn shaped<'a>(&'a self, text: Option<Cow<'a, str>>) -> Result<Option<Cow<'a, str>>, Finding> {
        let mut text = text;
        if let (Some(pattern), Some(whole)) = (&self.take, &text) {
            let found = pattern.captures(whole).ok_or_else(|| Finding::new(rule::TAKE, format!("does not have the form of `take`, {pattern}")))?;
            text = found.name("value").and_then(|found| self.value(found.as_str())).map(|found| Cow::Owned(found.to_owned()));
        }
        if let (Some(Split { by, nth }), Some(whole)) = (&self.split, &text) {
            text = whole.split(by.as_str()).nth(nth - 1).and_then(|piece| self.value(piece)).map(|piece| Cow::Owned(piece.to_owned()));
        }
        let text = text.or_else(|| self.default.as_deref().map(Cow::Borrowed));
        Ok(match (&self.prefix, text) {
            (Some(prefix), Some(text)) if !text.starts_with(prefix.as_str()) => Some(Cow::Owned(format!("{prefix}{text}"))),
            (_, text) => text,
        })
    }
}
