//! One record as text, whatever it was read from, and what gives records. It must not know headers, frames or types.

use std::fmt::Write;

use crate::Result;

/// A record of cells. Its memory is used again for the next one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    /// Where it starts: line of the text, or row of the sheet; from 1.
    pub line: u64,
    /// The cells' text, one after the other.
    text: String,
    ends: Vec<usize>,
    /// As it stands in the file, without its line break.
    pub raw: String,
    pub wrong: Option<Wrong>,
}

/// What is wrong with a record as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub rule: &'static str,
    pub what: String,
    /// The text that is wrong, where one is.
    pub text: String,
}

impl Record {
    pub fn clear(&mut self, line: u64) {
        self.line = line;
        self.text.clear();
        self.ends.clear();
        self.raw.clear();
        self.wrong = None;
    }

    pub fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all cells.
    pub fn size(&self) -> usize {
        self.text.len()
    }

    /// A cell's text; empty where the record has no such cell.
    pub fn cell(&self, at: usize) -> &str {
        let Some(end) = self.ends.get(at) else { return "" };
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start..*end]
    }

    pub fn cells(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|at| self.cell(at))
    }

    /// Adds empty cells, or leaves out those at the end.
    pub fn resize(&mut self, width: usize) {
        self.ends.resize(width, self.text.len());
        self.text.truncate(self.ends.last().copied().unwrap_or(0));
    }

    /// Puts another text into some cells.
    pub fn replace(&mut self, cells: &[(usize, &str)]) {
        let old = self.clone();
        self.text.clear();
        self.ends.clear();
        for (at, cell) in old.cells().enumerate() {
            self.push(cells.iter().find(|(place, _)| *place == at).map_or(cell, |(_, text)| text));
        }
    }

    /// Takes characters out of all cells; the record as it stands in the file keeps them.
    pub fn strip(&mut self, characters: &[char]) {
        if !self.text.contains(characters) {
            return;
        }
        let old = self.clone();
        self.text.clear();
        self.ends.clear();
        for cell in old.cells() {
            self.text.extend(cell.chars().filter(|character| !characters.contains(character)));
            self.ends.push(self.text.len());
        }
    }

    /// All cells are empty.
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Its cells on one line, as a title is matched: empty ones at the end left out.
    pub fn title(&self) -> String {
        let filled = (0..self.len()).rev().find(|at| !self.cell(*at).trim().is_empty()).map_or(0, |last| last + 1);
        let mut title = String::new();
        for at in 0..filled {
            let _ = write!(title, "{}{}", if at == 0 { "" } else { "," }, self.cell(at).trim());
        }
        title
    }

    pub fn refuse(&mut self, rule: &'static str, what: impl Into<String>, text: impl Into<String>) {
        if self.wrong.is_none() {
            self.wrong = Some(Wrong { rule, what: what.into(), text: text.into() });
        }
    }
}

/// Gives the records of one part, in order.
pub(crate) trait Records {
    /// The next record; false at the end. An empty line, or a gap between rows, is a record without cells.
    fn next(&mut self, record: &mut Record) -> Result<bool>;

    /// The next line alone, whatever quotes it has; of a sheet the next row. False at the end.
    fn next_line(&mut self, record: &mut Record) -> Result<bool>;

    /// Lines or rows that were passed; behind the end those of the whole part.
    fn lines(&self) -> u64;
}

/// Records whose cells lack some characters.
pub(crate) struct Stripped<'a> {
    pub records: Box<dyn Records + 'a>,
    pub characters: &'a [char],
}

impl Records for Stripped<'_> {
    fn next(&mut self, record: &mut Record) -> Result<bool> {
        let found = self.records.next(record)?;
        record.strip(self.characters);
        Ok(found)
    }

    fn next_line(&mut self, record: &mut Record) -> Result<bool> {
        let found = self.records.next_line(record)?;
        record.strip(self.characters);
        Ok(found)
    }

    fn lines(&self) -> u64 {
        self.records.lines()
    }
}
