//! Cells in the order of their rows → records.

use crate::general::record::{Record, Records};
use crate::general::tokeniser::MAX_COLUMNS;
use crate::{Error, RECORD_LIMIT, Result};

/// No kind of workbook has as many rows.
pub(super) const MAX_ROWS: u64 = u32::MAX as u64;

/// A cell with a value; row and column from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub row: u64,
    pub column: usize,
    pub text: String,
}

/// Gives the cells of a sheet row by row, from left to right.
pub(super) trait Cells {
    fn next(&mut self) -> Result<Option<Cell>>;
}

pub(super) struct Rows<C> {
    /// For messages.
    name: String,
    cells: C,
    ahead: Option<Cell>,
    /// The row that comes next, from 0.
    row: u64,
    started: bool,
}

impl<C: Cells> Rows<C> {
    pub fn new(name: String, cells: C) -> Self {
        Self { name, cells, ahead: None, row: 0, started: false }
    }

    fn read(&mut self) -> Result<()> {
        self.ahead = self.cells.next()?;
        match &self.ahead {
            Some(cell) if cell.row >= MAX_ROWS => Err(again(format!("{}: a row is beyond the {MAX_ROWS} that a sheet may have", self.name))),
            Some(cell) if cell.column >= MAX_COLUMNS => Err(no_column(&self.name, cell.row, cell.column)),
            _ => Ok(()),
        }
    }
}

/// A cell (from 0) beyond those that are read.
pub(super) fn no_column(name: &str, row: u64, column: usize) -> Error {
    again(format!("{name}, row {}: column {} is beyond the {MAX_COLUMNS} of a sheet", row.saturating_add(1), column.saturating_add(1)))
}

/// Cells that repeat a text, or refer to one, can come to more than the file.
pub(super) fn too_long(name: &str, row: u64) -> Error {
    Error::data(format!("{name}, row {}: the row is longer than {RECORD_LIMIT} bytes", row.saturating_add(1))).next("save the sheet as CSV and hand that in")
}

fn again(what: String) -> Error {
    Error::data(what).next("open the workbook, save it again as xlsx, and hand that in")
}

impl<C: Cells> Records for Rows<C> {
    fn next(&mut self, record: &mut Record) -> Result<bool> {
        if !self.started {
            self.started = true;
            self.read()?;
        }
        record.clear(self.row + 1);
        let Some(first) = &self.ahead else { return Ok(false) };
        let row = first.row;
        if row > self.row {
            // Rows without a cell are one gap.
            self.row = row;
            return Ok(true);
        }
        while let Some(cell) = self.ahead.take() {
            if cell.row > row {
                self.ahead = Some(cell);
                break;
            }
            if cell.row < row || cell.column < record.len() {
                return Err(again(format!("{}, row {}: the cells are not in order", self.name, row + 1)));
            }
            if record.size() + cell.text.len() > RECORD_LIMIT {
                return Err(too_long(&self.name, row));
            }
            while record.len() < cell.column {
                record.push("");
            }
            record.push(&cell.text);
            self.read()?;
        }
        let mut raw = std::mem::take(&mut record.raw);
        for (at, cell) in record.cells().enumerate() {
            raw.push_str(if at == 0 { "" } else { "\t" });
            raw.push_str(cell);
        }
        record.raw = raw;
        self.row = row + 1;
        Ok(true)
    }

    fn next_line(&mut self, record: &mut Record) -> Result<bool> {
        self.next(record)
    }

    fn lines(&self) -> u64 {
        self.row
    }
}
