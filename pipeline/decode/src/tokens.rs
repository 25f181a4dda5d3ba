//! Where the cells of a chunk stand: one pass over the bytes, by quotes, delimiters and newlines.
//!
//! Records of the right shape go into the index, the others are listed with what is wrong about them. RFC 4180: a quoted cell starts
//! and ends with a quote, quotes inside of it are doubled. LF and CRLF end a record; a record without any byte is no record.
//! Chunks of the plainest kind go through [`crate::scan`]. This module must not know types, nulls or columns by name.

use std::ops::Range;

use memchr::memchr3_iter;

use crate::scan;

/// The records of a chunk that have the right shape, and the ones that don't.
#[derive(Debug, Default)]
pub(crate) struct Index {
    width: usize,
    rows: usize,
    /// Per record `stride` marks: the byte before its first cell, then the byte behind each cell. Where the records stand one behind the
    /// other, the byte behind the last cell is that before the next record, and `stride` is `width`; else it is one more. Before the
    /// first byte of the chunk stands [`BEFORE`].
    marks: Vec<u32>,
    stride: usize,
    /// All of the chunk is known to be ASCII without NUL.
    pub(crate) ascii: bool,
    /// Per record: newlines of the chunk before it; empty where each record has one line.
    lines: Vec<u32>,
    pub(crate) broken: Vec<Broken>,
    /// The cells of the record that is being read.
    ends: Vec<u32>,
}

/// One less than nothing: one more is the first byte.
const BEFORE: u32 = u32::MAX;

/// A record that has not the shape of its header.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) line: u32,
    pub(crate) bytes: Range<usize>,
    pub(crate) shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The record has so many cells.
    Ragged(usize),
    /// The cell with this number has a quote where none may stand.
    StrayQuote(usize),
    /// The chunk ends inside of a quoted cell.
    OpenQuote,
}

impl Index {
    /// Indexes a chunk of records with `width` cells each. Chunks are below 4 GiB.
    pub(crate) fn fill(&mut self, bytes: &[u8], delimiter: u8, width: usize) {
        if !self.fill_plain(bytes, delimiter, width) {
            self.fill_any(bytes, delimiter, width);
        }
    }

    /// The chunk as the fast scan reads it. False: it has a record that is not of the plainest kind.
    fn fill_plain(&mut self, bytes: &[u8], delimiter: u8, width: usize) -> bool {
        self.clear(width, width);
        // A record of one cell may be a blank line, which is none.
        if width < 2 {
            return false;
        }
        self.marks.push(BEFORE);
        let Some(scan::Plain { newlines: rows, returns, ascii }) = scan::plain(bytes, delimiter, &mut self.marks) else { return false };
        let has_shape = rows * width + 1 == self.marks.len() && self.marks[1..].chunks_exact(width).all(|ends| bytes[ends[width - 1] as usize] == b'\n');
        if !has_shape {
            return false;
        }
        (self.rows, self.ascii) = (rows, ascii);
        if returns {
            self.part_records();
            for ends in self.marks.chunks_exact_mut(self.stride) {
                let newline = ends[width] as usize;
                if newline > ends[width - 1] as usize + 1 && bytes[newline - 1] == b'\r' {
                    ends[width] -= 1;
                }
            }
        }
        true
    }

    /// Each record gets all of its marks for itself, and its line.
    fn part_records(&mut self) {
        if self.stride == self.width {
            self.marks = (0..self.rows).flat_map(|row| &self.marks[row * self.width..=(row + 1) * self.width]).copied().collect();
            self.stride = self.width + 1;
        }
        if self.lines.is_empty() {
            self.lines = (0..self.rows as u32).collect();
        }
    }

    /// Any chunk, mark by mark.
    fn fill_any(&mut self, bytes: &[u8], delimiter: u8, width: usize) {
        self.clear(width, width + 1);
        let mut record = Record::default();
        let mut lines = 0;
        for at in memchr3_iter(delimiter, b'"', b'\n', bytes) {
            let byte = bytes[at];
            if record.in_quotes {
                match byte {
                    b'"' => record.close(at),
                    b'\n' => lines += 1,
                    _ => {}
                }
            } else if byte == delimiter {
                record.end_cell(at, at + 1);
                self.ends.push(at as u32);
            } else if byte == b'"' {
                record.open(at);
            } else {
                self.end_record(&record, bytes, at);
                lines += 1;
                record = Record { start: at + 1, cell: at + 1, line: lines, ..Record::default() };
            }
        }
        if record.in_quotes {
            self.broken.push(Broken { line: record.line, bytes: record.start..bytes.len(), shape: Shape::OpenQuote });
        } else {
            self.end_record(&record, bytes, bytes.len());
        }
    }

    fn clear(&mut self, width: usize, stride: usize) {
        (self.width, self.stride, self.rows, self.ascii) = (width, stride, 0, false);
        self.marks.clear();
        self.lines.clear();
        self.broken.clear();
        self.ends.clear();
    }

    fn end_record(&mut self, record: &Record, bytes: &[u8], at: usize) {
        let end = if at > record.cell && bytes[at - 1] == b'\r' { at - 1 } else { at };
        if end == record.start {
            self.ends.clear();
            return;
        }
        let mut record = *record;
        record.end_cell(end, at);
        self.ends.push(end as u32);
        let shape = match record.stray {
            Some(cell) => Some(Shape::StrayQuote(cell)),
            None => (self.ends.len() != self.width).then_some(Shape::Ragged(self.ends.len())),
        };
        match shape {
            Some(shape) => {
                self.broken.push(Broken { line: record.line, bytes: record.start..end, shape });
                self.ends.clear();
            }
            None => {
                self.marks.push((record.start as u32).wrapping_sub(1));
                self.marks.append(&mut self.ends);
                self.lines.push(record.line);
                self.rows += 1;
            }
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn line(&self, row: usize) -> u32 {
        if self.lines.is_empty() { row as u32 } else { self.lines[row] }
    }

    /// The bytes of a cell as they stand, quotes included.
    #[inline]
    pub(crate) fn cell(&self, row: usize, column: usize) -> Range<usize> {
        let at = row * self.stride + column;
        self.marks[at].wrapping_add(1) as usize..self.marks[at + 1] as usize
    }

    /// The bytes of a column's cells, row by row.
    #[inline]
    pub(crate) fn column(&self, column: usize) -> impl Iterator<Item = Range<usize>> {
        let (marks, stride) = (&self.marks[..], self.stride);
        let mut at = column;
        (0..self.rows).map(move |_| {
            let place = marks[at].wrapping_add(1) as usize..marks[at + 1] as usize;
            at += stride;
            place
        })
    }

    pub(crate) fn record(&self, row: usize) -> Range<usize> {
        self.cell(row, 0).start..self.cell(row, self.width - 1).end
    }

    /// Keeps only the records that are not marked.
    pub(crate) fn drop_marked(&mut self, marked: &[bool]) {
        self.part_records();
        let stride = self.stride;
        let mut kept = 0;
        for (row, _) in marked.iter().enumerate().filter(|(_, marked)| !**marked) {
            self.lines[kept] = self.lines[row];
            self.marks.copy_within(row * stride..(row + 1) * stride, kept * stride);
            kept += 1;
        }
        self.rows = kept;
        self.lines.truncate(kept);
        self.marks.truncate(kept * stride);
    }
}

/// The record that is being read.
#[derive(Debug, Clone, Copy, Default)]
struct Record {
    start: usize,
    line: u32,
    /// Start and number of the current cell.
    cell: usize,
    number: usize,
    in_quotes: bool,
    /// Behind the last quote that closed in this cell; 0 while it has none.
    closed: usize,
    stray: Option<usize>,
}

impl Record {
    #[inline]
    fn open(&mut self, at: usize) {
        if at != self.cell && at != self.closed {
            self.stray.get_or_insert(self.number);
        }
        self.in_quotes = true;
    }

    #[inline]
    fn close(&mut self, at: usize) {
        self.in_quotes = false;
        self.closed = at + 1;
    }

    #[inline]
    fn end_cell(&mut self, end: usize, next: usize) {
        if self.closed != 0 && self.closed != end {
            self.stray.get_or_insert(self.number);
        }
        self.closed = 0;
        self.cell = next;
        self.number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, width: usize) -> (Vec<String>, Vec<(&str, u32, Shape)>) {
        let mut index = Index::default();
        index.fill(input.as_bytes(), b',', width);
        let rows = (0..index.rows()).map(|row| (0..width).map(|column| &input[index.cell(row, column)]).collect::<Vec<_>>().join("|")).collect();
        let broken = index.broken.iter().map(|broken| (&input[broken.bytes.clone()], broken.line, broken.shape)).collect();
        (rows, broken)
    }

    #[test]
    fn cells_stand_between_delimiters() {
        let (rows, broken) = check("a,,\"c,\"\"\n\"\r\n\r\n\n\"\",\r,\"f\"\r\n1,2,3", 3);
        assert_eq!(rows, ["a||\"c,\"\"\n\"", "\"\"|\r|\"f\"", "1|2|3"]);
        assert_eq!(broken, []);
    }

    #[test]
    fn records_of_another_shape_are_listed() {
        let (rows, broken) = check("a\n1,2\n5\" disk,x\n7\" disk,y\n\"a\"b,c\n\"a\"\"b\",c\n3,4,5\n6,\"7", 2);
        assert_eq!(rows, ["1|2", "\"a\"\"b\"|c"]);
        assert_eq!(
            broken,
            [
                ("a", 0, Shape::Ragged(1)),
                ("5\" disk,x\n7\" disk,y", 2, Shape::StrayQuote(0)),
                ("\"a\"b,c", 4, Shape::StrayQuote(0)),
                ("3,4,5", 6, Shape::Ragged(3)),
                ("6,\"7", 7, Shape::OpenQuote),
            ]
        );
    }

    #[test]
    fn the_fast_scan_finds_what_reading_mark_by_mark_finds() {
        let mut seed = 9_u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let mut taken = [0; 2];
        for round in 0..60_000 {
            let width = 1 + next(4) as usize;
            let mut input = Vec::new();
            for _ in 0..next(12) {
                for cell in 0..width {
                    if cell > 0 {
                        input.push(b',');
                    }
                    let cells: [&[u8]; 10] =
                        [b"", b"a", b"\"\"", b"\"a,b\"", b"\"\"\"a\"\"\"", b"long text of a cell", b"\r", b"\"x\"\"\"", b"1.50", "é".as_bytes()];
                    input.extend_from_slice(cells[next(10) as usize]);
                }
                input.extend_from_slice(if next(5) == 0 { b"\r\n" } else { b"\n" });
            }
            // Every second chunk has bytes where they do not belong.
            for _ in 0..if round % 2 == 0 { 0 } else { 1 + next(2) } {
                if !input.is_empty() {
                    let at = next(input.len() as u64) as usize;
                    input[at] = b"\",\n\rx"[next(5) as usize];
                }
            }
            let (mut fast, mut any) = (Index::default(), Index::default());
            any.fill_any(&input, b',', width);
            let plain = fast.fill_plain(&input, b',', width);
            taken[usize::from(plain)] += 1;
            let text = String::from_utf8_lossy(&input);
            if plain {
                assert!(any.broken.is_empty(), "{text:?}");
                fast.part_records();
                assert_eq!((fast.rows, &fast.lines, &fast.marks), (any.rows, &any.lines, &any.marks), "{text:?}");
            } else if round % 2 == 0 && width > 1 && !input.is_empty() {
                panic!("not plain: {text:?}");
            }
        }
        assert!(taken[0] > 10_000 && taken[1] > 20_000, "{taken:?}");
    }

    #[test]
    fn marked_records_are_dropped() {
        let mut index = Index::default();
        index.fill(b"a,b\nc,d\ne,f\n", b',', 2);
        index.drop_marked(&[false, true, false]);
        assert_eq!((index.rows(), index.cell(1, 1), index.line(1)), (2, 10..11, 2));
    }
}
