//! The boundary between reading and typing: records as text, some thousands at a time, and what holds for their whole part.
//!
//! Whatever a file was (zip, workbook, UTF-16, several tables in one), behind this boundary there are only cells of text. This module
//! must not know types, columns of a contract or formats of files.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::reject::RAW_LIMIT;

/// What holds for all records of a part: a plain file, a member of an archive, a sheet, or one section of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartFacts {
    /// `member`, `sheet`, `member!sheet`, with `#section` behind it; empty for a plain file.
    pub part: String,
    /// The line (of a workbook: the row) of the header; 0 where the file has none.
    pub header_line: u64,
    /// The names of the blocks' columns as they stand in the file, outer white space and stripped characters taken off. The second
    /// `Currency` is `Currency#2`, a column without a name is `#5` (its place, from 1). What unpivot adds stands behind: the value, the
    /// name, the named groups.
    pub header: Vec<String>,
    /// Named groups of the export's `path` and of the layout's `file`.
    pub groups: BTreeMap<String, String>,
    /// Target cells of the frame that were found.
    pub cells: BTreeMap<String, String>,
    /// Trailers that were found; whole only where a column of the export takes its value from one, else empty.
    pub trailers: BTreeMap<String, String>,
}

/// Rows of one part. Rows of one record (unpivot makes several) stand next to each other, in the same block, with the same line:
/// part and line are what tells a record.
#[derive(Debug, Clone)]
pub struct Block {
    pub part: Arc<PartFacts>,
    text: String,
    /// Per row `width` ends of cells in `text`.
    ends: Vec<u32>,
    width: usize,
    lines: Vec<u64>,
    raw: String,
    raw_ends: Vec<u32>,
    records: u64,
}

impl Block {
    pub fn new(part: Arc<PartFacts>) -> Self {
        let width = part.header.len();
        Self { part, text: String::new(), ends: Vec::new(), width, lines: Vec::new(), raw: String::new(), raw_ends: Vec::new(), records: 0 }
    }

    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// How many records the rows are made of.
    pub fn records(&self) -> u64 {
        self.records
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// Bytes of text that the block holds.
    pub fn size(&self) -> usize {
        self.text.len() + self.raw.len() + self.ends.len() * size_of::<u32>()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// A cell's text, quotes and escapes taken off, white space as it stands in the file.
    #[inline]
    pub fn cell(&self, row: usize, column: usize) -> &str {
        let at = row * self.width + column;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start as usize..self.ends[at] as usize]
    }

    /// The line on which the row's record starts; in workbooks the row of the sheet.
    pub fn line(&self, row: usize) -> u64 {
        self.lines[row]
    }

    /// The record as it stands in the file, without its line break, at most [`RAW_LIMIT`] bytes of it. Rows of one record share it.
    pub fn raw(&self, row: usize) -> &str {
        let first = (0..row).rev().take_while(|before| self.lines[*before] == self.lines[row]).last().unwrap_or(row);
        let start = if first == 0 { 0 } else { self.raw_ends[first - 1] };
        &self.raw[start as usize..self.raw_ends[first] as usize]
    }

    /// Adds a row. Cells that are missing at its end are empty, cells beyond the width are left out: who pushes has looked at both.
    pub fn push<'a>(&mut self, line: u64, raw: &str, cells: impl IntoIterator<Item = &'a str>) {
        let mut cells = cells.into_iter();
        for _ in 0..self.width {
            self.text.push_str(cells.next().unwrap_or_default());
            self.ends.push(self.text.len() as u32);
        }
        if self.lines.last() != Some(&line) {
            self.records += 1;
            self.raw.push_str(&raw[..raw.floor_char_boundary(RAW_LIMIT)]);
        }
        self.lines.push(line);
        self.raw_ends.push(self.raw.len() as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_record_share_its_line_and_text() {
        let part = Arc::new(PartFacts { header: vec!["a".into(), "b".into()], ..PartFacts::default() });
        let mut block = Block::new(part);
        block.push(2, "1,2,3", ["1", "2"]);
        block.push(2, "1,2,3", ["1", "3"]);
        block.push(2, "1,2,3", ["1", "4"]);
        block.push(5, "x", ["x"]);
        assert_eq!((block.rows(), block.records(), block.width()), (4, 2, 2));
        assert_eq!(
            (0..4).map(|row| (block.line(row), block.raw(row), block.cell(row, 1))).collect::<Vec<_>>(),
            [(2, "1,2,3", "2"), (2, "1,2,3", "3"), (2, "1,2,3", "4"), (5, "x", "")]
        );
    }
}
