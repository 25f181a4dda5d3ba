//! One column of a block, row by row: its texts, its values, and what is wrong with them.

use std::borrow::Cow;
use takings_definitions::trimmed;

use arrow::array::{StringArray, StringBuilder};

use super::cell::Source;
use super::values::ValueColumn;
use crate::Block;
use crate::reject::{Finding, RAW_LIMIT, rule};

/// Something that is wrong with a row.
pub(crate) struct Problem {
    pub(crate) row: usize,
    pub(crate) column: Option<usize>,
    pub(crate) text: String,
    pub(crate) finding: Finding,
}

/// One column's texts, row by row.
pub(crate) struct Cells<'a> {
    pub(crate) column: &'a ValueColumn,
    pub(crate) block: &'a Block,
    pub(crate) source: &'a Source,
    pub(crate) with: Option<&'a Source>,
    pub(crate) above: &'a mut Option<String>,
    pub(crate) reasons: Option<StringBuilder>,
}

impl<'a> Cells<'a> {
    /// The text that is to be read. Rows that are skipped still fill those below them.
    fn next(&mut self, row: usize, skipped: bool) -> Result<Option<Cow<'a, str>>, Finding> {
        let column = self.column;
        let rules = &column.rules;
        let mut text = rules.raw(self.source, self.block, row);
        if rules.fill_down {
            match &text {
                Some(text) => *self.above = Some(text.clone().into_owned()),
                None => text = self.above.clone().map(Cow::Owned),
            }
        }
        if skipped {
            return Ok(None);
        }
        let text = rules.shaped(text)?;
        let text = match (&column.map, text) {
            (None, text) => text,
            (Some(map), Some(text)) => match map.get(&text) {
                Some(value) => {
                    let value = Cow::Borrowed(value);
                    self.note(None);
                    Some(value)
                }
                None => {
                    Some(self.unknown(Some(&text)).ok_or_else(|| Finding::new(rule::MAP, "is not in the reference table; add it there, or say `unknown`"))?)
                }
            },
            (Some(_), None) => self.unknown(None),
        };
        match (self.with.and_then(|with| rules.raw(with, self.block, row)), text) {
            (Some(with), Some(text)) => Ok(Some(Cow::Owned(format!("{text} {with}")))),
            (_, text) => Ok(text),
        }
    }

    /// The value of what the map does not know, and the note why.
    fn unknown(&mut self, text: Option<&str>) -> Option<Cow<'a, str>> {
        let unknown = self.column.spec.as_ref().and_then(|spec| spec.unknown.as_deref());
        if unknown.is_some() {
            match text {
                Some(text) => self.note(Some(&format!("unknown: {text}"))),
                None => self.note(Some("no value")),
            }
        } else {
            self.note(None);
        }
        unknown.map(Cow::Borrowed)
    }

    fn note(&mut self, reason: Option<&str>) {
        if let Some(reasons) = &mut self.reasons {
            reasons.append_option(reason);
        }
    }

    /// A row without a text still has a place among the reasons.
    fn keep_place(&mut self, places: usize) {
        if let Some(reasons) = &mut self.reasons {
            while arrow::array::ArrayBuilder::len(reasons) < places {
                reasons.append_null();
            }
        }
    }
}

/// Where a column's problems go.
pub(crate) struct Findings<'a> {
    pub(crate) problems: &'a mut Vec<Problem>,
    pub(crate) column: usize,
    pub(crate) cells: &'a Block,
    pub(crate) source: &'a Source,
    pub(crate) with: Option<&'a Source>,
    pub(crate) nullable: bool,
}

impl Findings<'_> {
    #[cold]
    fn add(&mut self, row: usize, finding: Finding) {
        self.add_text(row, None, finding);
    }

    /// `joined`: the text of a column that is joined from several.
    #[cold]
    fn add_text(&mut self, row: usize, joined: Option<&str>, finding: Finding) {
        let text = match self.source {
            Source::Join(_) => joined.unwrap_or_default().to_owned(),
            source => [Some(source), self.with]
                .into_iter()
                .flatten()
                .map(|source| plain(source, self.cells, row))
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join(" "),
        };
        let shown = text[..text.floor_char_boundary(RAW_LIMIT)].to_owned();
        self.problems.push(Problem { row, column: Some(self.column), text: shown, finding });
    }

    fn null(&mut self, row: usize) {
        if !self.nullable {
            self.add(row, Finding::new(rule::NULL, "is no value, and the column must have one"));
        }
    }
}

/// A cell as it stands, without outer white space.
fn plain<'a>(source: &'a Source, block: &'a Block, row: usize) -> &'a str {
    match source {
        Source::Cell(at) | Source::Test(at, _) => trimmed(block.cell(row, *at)),
        Source::Fixed(text) => text.as_deref().unwrap_or_default(),
        Source::Absent | Source::Join(_) => "",
    }
}

pub(crate) fn beside<'a>(source: Option<&'a Source>, block: &'a Block, row: usize) -> &'a str {
    source.map_or("", |source| plain(source, block, row))
}

/// Values of the rows that are not skipped. `parse` gets the row and its place among those.
pub(crate) fn read_values<T>(
    cells: &mut Cells<'_>,
    found: &mut Findings<'_>,
    skip: &[bool],
    mut parse: impl FnMut(usize, usize, &str) -> Result<T, Finding>,
) -> Vec<Option<T>> {
    let mut values = Vec::with_capacity(skip.len());
    for (row, skipped) in skip.iter().enumerate() {
        let text = cells.next(row, *skipped);
        if *skipped {
            continue;
        }
        values.push(match text {
            Ok(Some(text)) => parse(row, values.len(), &text).map(Some).unwrap_or_else(|finding| {
                found.add_text(row, Some(&text), finding);
                None
            }),
            Ok(None) => {
                found.null(row);
                None
            }
            Err(finding) => {
                found.add(row, finding);
                None
            }
        });
        cells.keep_place(values.len());
    }
    values
}

pub(crate) fn texts_of(cells: &mut Cells<'_>, found: &mut Findings<'_>, skip: &[bool], whole_decimals: bool) -> StringArray {
    let mut builder = StringBuilder::with_capacity(skip.len(), skip.len() * 8);
    for (row, skipped) in skip.iter().enumerate() {
        let text = cells.next(row, *skipped);
        if *skipped {
            continue;
        }
        let text = match text {
            Ok(Some(text)) if whole_decimals => whole(&text).map(|whole| Some(Cow::Owned(whole.to_owned()))),
            other => other,
        };
        match text
            .and_then(|text| if text.as_ref().is_some_and(|text| text.contains('\0')) { Err(Finding::new(rule::NUL, "holds a NUL byte")) } else { Ok(text) })
        {
            Ok(Some(text)) => builder.append_value(text),
            Ok(None) => {
                found.null(row);
                builder.append_null();
            }
            Err(finding) => {
                found.add(row, finding);
                builder.append_null();
            }
        }
        cells.keep_place(arrow::array::ArrayBuilder::len(&builder));
    }
    builder.finish()
}

/// An id that a spreadsheet took for a number: `123.0` is 123, and what it cut (`1.2E+11`) is refused.
fn whole(text: &str) -> Result<&str, Finding> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((whole, decimals)) = text.split_once('.')
        && digits(whole)
        && digits(decimals)
        && decimals.bytes().all(|digit| digit == b'0')
    {
        return Ok(whole);
    }
    let cut = text.split_once(['E', 'e']).is_some_and(|(number, tens)| {
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        digits(whole) && digits(decimals) && tens.strip_prefix('+').is_some_and(digits)
    });
    if cut { Err(Finding::new(rule::DIGITS, "is an id that a spreadsheet cut to a few digits; export the file again")) } else { Ok(text) }
}

pub(crate) fn boolean(text: &str, yes: &[String], no: &[String]) -> Result<bool, Finding> {
    let is = |words: &[String]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    match (is(yes), is(no)) {
        (true, false) => Ok(true),
        (false, true) => Ok(false),
        _ => Err(Finding::new(rule::BOOLEAN, format!("is neither true ({}) nor false ({})", yes.join(", "), no.join(", ")))),
    }
}
