//! `[exports.frame]`: where in a file the table stands, and what stands around it.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use super::column::Condition;
use super::column_keys::RawCondition;
use super::place::Place;

use crate::Result;

#[derive(Debug, Clone)]
pub struct Frame {
    /// Lines before the header (behind a `sep=` line).
    pub skip_lines: u64,
    /// Cells that the header has; what stands before it is left out.
    pub header_has: Vec<String>,
    /// The header's line, or row of the sheet.
    pub header_row: Option<u64>,
    /// The lines of which the header is made, from 1.
    pub header_rows: usize,
    /// The line or row of the first record.
    pub start_row: Option<u64>,
    /// The file has no header: names by position.
    pub header: Option<Vec<String>>,
    pub end: End,
    pub sections: Vec<FrameSection>,
    pub records: Option<RecordTypes>,
    pub trailers: Vec<Trailer>,
    pub cells: BTreeMap<String, Target>,
    pub parent: Option<Parent>,
}

#[derive(Debug, Clone, Default)]
pub enum End {
    #[default]
    File,
    /// The first blank record.
    Blank,
    /// The first record whose first cell fits.
    First(Regex),
}

/// One of several tables in a file.
#[derive(Debug, Clone)]
pub struct FrameSection {
    pub name: String,
    /// Over the record before its header: its cells with a delimiter between them, empty ones at the end left out. What its named groups
    /// capture each record of the section gets.
    pub title: Regex,
    /// Left out on purpose.
    pub ignore: bool,
}

/// Records of several types.
#[derive(Debug, Clone)]
pub struct RecordTypes {
    /// From 0.
    pub column: usize,
    pub types: Vec<String>,
    pub ignore: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Trailer {
    pub name: String,
    /// Captures `value`; other names give what the value is for (`by` of checks).
    pub line: Regex,
    pub optional: bool,
}

/// A value outside of the table.
#[derive(Debug, Clone)]
pub enum Target {
    /// Column from 0, line or row from 1.
    At { column: usize, row: u64 },
    /// What a pattern captures of a line; None: of the first line that it fits.
    Line { line: Option<u64>, pattern: Regex },
}

#[derive(Debug, Clone)]
pub struct Parent {
    /// Which records are parents.
    pub when: Condition,
    /// Columns whose empty cells take the parent's.
    pub inherit: Vec<String>,
    /// Name → the column whose cell of the parent each child gets under it.
    pub give: BTreeMap<String, String>,
    pub keep: Keep,
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            skip_lines: 0,
            header_has: Vec::new(),
            header_row: None,
            header_rows: 1,
            start_row: None,
            header: None,
            end: End::default(),
            sections: Vec::new(),
            records: None,
            trailers: Vec::new(),
            cells: BTreeMap::new(),
            parent: None,
        }
    }
}

impl Frame {
    /// The names that titles of sections and parents give to records.
    pub fn given(&self) -> impl Iterator<Item = &str> {
        let titles = self.sections.iter().flat_map(|section| section.title.capture_names().flatten());
        titles.chain(self.parent.iter().flat_map(|parent| parent.give.keys().map(String::as_str)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Children, and parents that have none.
    #[default]
    Children,
    Parents,
    Both,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFrame {
    skip_lines: Option<u64>,
    header_has: Option<Vec<String>>,
    header_row: Option<u64>,
    header_rows: Option<usize>,
    start_row: Option<u64>,
    header: Option<Vec<String>>,
    end: Option<RawEnd>,
    sections: Option<Vec<RawSection>>,
    records: Option<RawRecords>,
    trailer: Option<Vec<RawTrailer>>,
    cells: Option<BTreeMap<String, RawTarget>>,
    parent: Option<RawParent>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum RawEnd {
    Word(String),
    First { first: String },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSection {
    name: String,
    title: String,
    #[serde(default)]
    ignore: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecords {
    #[serde(default = "first")]
    column: usize,
    types: Vec<String>,
    #[serde(default)]
    ignore: Vec<String>,
}

fn first() -> usize {
    1
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTrailer {
    name: String,
    line: String,
    #[serde(default)]
    optional: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum RawTarget {
    At(String),
    Line {
        line: Option<u64>,
        #[serde(rename = "match")]
        pattern: String,
    },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawParent {
    parent_when: RawCondition,
    #[serde(default)]
    inherit: Vec<String>,
    #[serde(default)]
    give: BTreeMap<String, String>,
    #[serde(default)]
    keep: Keep,
}

impl RawFrame {
    pub fn over(self, base: Self) -> Self {
        Self {
            skip_lines: self.skip_lines.or(base.skip_lines),
            header_has: self.header_has.or(base.header_has),
            header_row: self.header_row.or(base.header_row),
            header_rows: self.header_rows.or(base.header_rows),
            start_row: self.start_row.or(base.start_row),
            header: self.header.or(base.header),
            end: self.end.or(base.end),
            sections: self.sections.or(base.sections),
            records: self.records.or(base.records),
            trailer: self.trailer.or(base.trailer),
            cells: self.cells.or(base.cells),
            parent: self.parent.or(base.parent),
        }
    }

    pub fn checked(&self, place: Place<'_>) -> Result<Frame> {
        let finders = [self.header_has.is_some(), self.header_row.is_some(), self.header.is_some()];
        if finders.iter().filter(|given| **given).count() > 1 {
            return Err(place.wrong("frame", "header_has, header_row and header each say where the header is").next("keep one of them"));
        }
        if self.header_row == Some(0) || self.start_row == Some(0) {
            return Err(place.wrong("frame", "lines and rows are counted from 1"));
        }
        let header_rows = self.header_rows.unwrap_or(1);
        if !(1..=10).contains(&header_rows) || (self.header.is_some() && header_rows > 1) {
            return Err(place.wrong("frame/header_rows", "header_rows is how many lines of the file make the header, from 1 to 10"));
        }
        if let (Some(header), Some(start)) = (self.header_row, self.start_row)
            && start < header + header_rows as u64
        {
            return Err(place.wrong("frame/start_row", format!("start_row {start} is not below header_row {header}")));
        }
        for (key, list) in [("frame/header_has", &self.header_has), ("frame/header", &self.header)] {
            if let Some(list) = list {
                place.filled(key, list)?;
            }
        }
        Ok(Frame {
            skip_lines: self.skip_lines.unwrap_or(0),
            header_has: self.header_has.clone().unwrap_or_default(),
            header_row: self.header_row,
            header_rows,
            start_row: self.start_row,
            header: self.header.clone(),
            end: self.end(place)?,
            sections: self.sections(place)?,
            records: self.records(place)?,
            trailers: self.trailers(place)?,
            cells: self.cells(place)?,
            parent: self.parent.as_ref().map(|parent| parent.checked(place)).transpose()?,
        })
    }

    fn end(&self, place: Place<'_>) -> Result<End> {
        match &self.end {
            None => Ok(End::File),
            Some(RawEnd::Word(word)) if word == "blank" => Ok(End::Blank),
            Some(RawEnd::Word(word)) => {
                Err(place.wrong("frame/end", format!("end = \"{word}\" is not known")).next("write end = \"blank\" or end = { first = '^Total' }"))
            }
            Some(RawEnd::First { first }) => Ok(End::First(place.regex("frame/end/first", first)?)),
        }
    }

    fn sections(&self, place: Place<'_>) -> Result<Vec<FrameSection>> {
        let sections = self.sections.iter().flatten().enumerate();
        sections
            .map(|(at, raw)| {
                let title = place.regex(&format!("frame/sections/{at}/title"), &raw.title)?;
                Ok(FrameSection { name: raw.name.clone(), title, ignore: raw.ignore })
            })
            .collect()
    }

    fn records(&self, place: Place<'_>) -> Result<Option<RecordTypes>> {
        let Some(raw) = &self.records else { return Ok(None) };
        place.filled("frame/records/types", &raw.types)?;
        let column = raw.column.checked_sub(1).ok_or_else(|| place.wrong("frame/records/column", "columns are counted from 1"))?;
        if let Some(both) = raw.types.iter().find(|name| raw.ignore.contains(name)) {
            return Err(place.wrong("frame/records/ignore", format!("record type {both:?} is both read and ignored")));
        }
        if self.header.is_none() {
            return Err(place.wrong("frame/records", "records of several types have no common header").next("name the cells of these types with `header`"));
        }
        Ok(Some(RecordTypes { column, types: raw.types.clone(), ignore: raw.ignore.clone() }))
    }

    fn trailers(&self, place: Place<'_>) -> Result<Vec<Trailer>> {
        let trailers = self.trailer.iter().flatten().enumerate();
        trailers
            .map(|(at, raw)| {
                let line = place.capturing(&format!("frame/trailer/{at}/line"), &raw.line, "value")?;
                Ok(Trailer { name: raw.name.clone(), line, optional: raw.optional })
            })
            .collect()
    }

    fn cells(&self, place: Place<'_>) -> Result<BTreeMap<String, Target>> {
        let cells = self.cells.iter().flatten();
        cells
            .map(|(name, raw)| {
                let key = format!("frame/cells/{name}");
                let target = match raw {
                    RawTarget::At(text) => {
                        let (column, row) =
                            address(text).ok_or_else(|| place.wrong(&key, format!("{text:?} is no cell")).next("column letters and row, like \"B1\""))?;
                        Target::At { column, row }
                    }
                    RawTarget::Line { line: Some(0), .. } => return Err(place.wrong(&key, "lines are counted from 1")),
                    RawTarget::Line { line, pattern } => Target::Line { line: *line, pattern: place.capturing(&format!("{key}/match"), pattern, "value")? },
                };
                Ok((name.clone(), target))
            })
            .collect()
    }
}

impl RawParent {
    fn checked(&self, place: Place<'_>) -> Result<Parent> {
        let when = self.parent_when.clone().checked("parent_when").map_err(|what| place.wrong("frame/parent/parent_when", what))?;
        Ok(Parent { when, inherit: self.inherit.clone(), give: self.give.clone(), keep: self.keep })
    }
}

/// `B1` → column 1 (from 0), row 1.
fn address(text: &str) -> Option<(usize, u64)> {
    let letters = text.find(|character: char| !character.is_ascii_alphabetic()).filter(|letters| (1..=3).contains(letters))?;
    let column = text[..letters].bytes().fold(0, |column, letter| column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    let digits = &text[letters..];
    let row = digits.parse().ok().filter(|row| *row > 0 && digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some((column - 1, row))
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn a_cell_is_letters_and_a_row() {
        assert_eq!(["A1", "B1", "Z10", "AA2", "xfd3"].map(address), [Some((0, 1)), Some((1, 1)), Some((25, 10)), Some((26, 2)), Some((16_383, 3))]);
        assert_eq!(["", "1", "A", "A0", "A-1", "A+1", "ABCD1", "A1B"].map(address), [None; 8]);
    }
}
