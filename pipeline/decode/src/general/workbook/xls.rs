//! Workbooks of Excel 97 to 2003 (BIFF8): the stream of the compound file, its shared strings and styles, cells as they stream.

mod compound;
mod strings;

use std::collections::HashMap;

use super::damaged;
use super::formats::{Shows, number};
use super::rows::{Cell, Cells, Rows};
use crate::general::record::Records;
use crate::{Error, Result};
use strings::Strings;

/// The largest workbook of this kind.
const LIMIT: usize = 64 << 20;

pub(crate) struct Xls {
    name: String,
    stream: Vec<u8>,
    /// Name, and where its records start; None for charts and the like.
    sheets: Vec<(String, Option<usize>)>,
    strings: Strings,
    styles: Vec<Shows>,
    from_1904: bool,
}

/// A record of the stream: type, data, and where the next one starts.
fn record(stream: &[u8], at: usize) -> Option<(u16, &[u8], usize)> {
    let head = stream.get(at..at.checked_add(4)?)?;
    let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
    let data = stream.get(at + 4..at + 4 + length)?;
    Some((u16::from_le_bytes([head[0], head[1]]), data, at + 4 + length))
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

impl Xls {
    pub fn open(name: &str, bytes: &[u8]) -> Result<Self> {
        if bytes.len() > LIMIT {
            return Err(Error::data(format!("{name} is an old workbook (xls) of more than {} MiB", LIMIT >> 20)).next("save it as xlsx"));
        }
        let stream = compound::stream(name, bytes)?;
        let mut book = Self { name: name.to_owned(), stream, sheets: Vec::new(), strings: Strings::default(), styles: Vec::new(), from_1904: false };
        book.globals().ok_or_else(|| damaged(name, "its records are cut off"))??;
        Ok(book)
    }

    /// The records before the first sheet; None where they are not whole.
    fn globals(&mut self) -> Option<Result<()>> {
        let mut formats: HashMap<u32, Shows> = HashMap::new();
        let mut ids = Vec::new();
        let mut at = 0;
        loop {
            let (kind, data, next) = record(&self.stream, at)?;
            match kind {
                0x0809 if u16_at(data, 0)? != 0x0600 => {
                    return Some(Err(Error::data(format!("{} is a workbook of before Excel 97", self.name)).next("save it as xlsx")));
                }
                0x002F => return Some(Err(Error::data(format!("{} is encrypted", self.name)).next("save it without a password"))),
                0x0022 => self.from_1904 = u16_at(data, 0)? == 1,
                0x0085 => {
                    let offset = usize::try_from(u32_at(data, 0)?).ok()?;
                    let title = strings::short(data.get(6..)?)?;
                    self.sheets.push((title, (*data.get(5)? == 0).then_some(offset)));
                }
                0x041E => {
                    formats.insert(u32::from(u16_at(data, 0)?), Shows::of(&strings::long(data.get(2..)?)?));
                }
                0x00E0 => ids.push(u32::from(u16_at(data, 2)?)),
                0x00FC => {
                    let mut pieces = vec![data];
                    let mut end = next;
                    while let Some((0x003C, more, after)) = record(&self.stream, end) {
                        pieces.push(more);
                        end = after;
                    }
                    self.strings = Strings::read(&pieces)?;
                    at = end;
                    continue;
                }
                0x000A => break,
                _ => {}
            }
            at = next;
        }
        self.styles = ids.into_iter().map(|id| formats.get(&id).copied().unwrap_or_else(|| Shows::built_in(id))).collect();
        Some(Ok(()))
    }

    pub fn sheets(&self) -> Vec<String> {
        self.sheets.iter().map(|(name, _)| name.clone()).collect()
    }

    pub fn rows(&self, sheet: &str) -> Result<Box<dyn Records + '_>> {
        let name = format!("{}, sheet {sheet:?}", self.name);
        let at = self.sheets.iter().find(|(title, _)| title == sheet).and_then(|(_, at)| *at);
        Ok(Box::new(Rows::new(name.clone(), SheetCells { book: self, name, at, several: None })))
    }
}

struct SheetCells<'a> {
    book: &'a Xls,
    name: String,
    /// The next record; None behind the end.
    at: Option<usize>,
    /// A record of several cells, and which of them is next.
    several: Option<(&'a [u8], usize)>,
}

impl Cells for SheetCells<'_> {
    fn next(&mut self) -> Result<Option<Cell>> {
        loop {
            if let Some(cell) = self.one_of_several() {
                return Ok(Some(cell));
            }
            let Some(at) = self.at else { return Ok(None) };
            let book = self.book;
            let cut_off = || damaged(&self.name, "its records are cut off");
            let (kind, data, next) = record(&book.stream, at).ok_or_else(cut_off)?;
            self.at = (kind != 0x000A).then_some(next);
            if kind == 0x00BD {
                self.several = Some((data, 0));
                continue;
            }
            let text = match kind {
                0x0203 => data.get(6..14).and_then(|bytes| bytes.try_into().ok()).map(|bytes| self.number(f64::from_le_bytes(bytes), data)),
                0x027E => u32_at(data, 6).map(|packed| self.number(unpacked(packed), data)),
                0x00FD => u32_at(data, 6).and_then(|at| book.strings.get(at as usize)).map(str::to_owned),
                0x0204 | 0x00D6 => data.get(6..).and_then(strings::long),
                0x0205 => data.get(6..8).map(|value| truth_or_error(value[0], value[1] != 0)),
                0x0006 => self.result(data, next),
                _ => continue,
            };
            let (Some(row), Some(column), Some(text)) = (u16_at(data, 0), u16_at(data, 2), text) else { return Err(cut_off()) };
            if !text.is_empty() {
                return Ok(Some(Cell { row: u64::from(row), column: usize::from(column), text }));
            }
        }
    }
}

impl SheetCells<'_> {
    fn number(&self, value: f64, data: &[u8]) -> String {
        self.styled(value, u16_at(data, 4).unwrap_or_default())
    }

    fn styled(&self, value: f64, style: u16) -> String {
        if !value.is_finite() {
            return value.to_string();
        }
        number(value, self.book.styles.get(usize::from(style)).copied().unwrap_or_default(), self.book.from_1904)
    }

    fn one_of_several(&mut self) -> Option<Cell> {
        let (data, at) = self.several?;
        let place = 4 + 6 * at;
        // The last two bytes say the last column.
        let cell = if place + 8 <= data.len() { u16_at(data, place).zip(u32_at(data, place + 2)) } else { None };
        let Some((style, packed)) = cell else {
            self.several = None;
            return None;
        };
        self.several = Some((data, at + 1));
        let text = self.styled(unpacked(packed), style);
        Some(Cell { row: u64::from(u16_at(data, 0)?), column: usize::from(u16_at(data, 2)?) + at, text })
    }

    /// What a formula came to; a text stands in a record behind it.
    fn result(&self, data: &[u8], next: usize) -> Option<String> {
        let value = data.get(6..14)?;
        if value[6..8] != [0xFF, 0xFF] {
            return Some(self.number(f64::from_le_bytes(value.try_into().ok()?), data));
        }
        Some(match value[0] {
            0 => {
                let mut at = next;
                loop {
                    match record(&self.book.stream, at)? {
                        (0x0207, text, _) => return strings::long(text),
                        // Shared formulas and arrays stand between.
                        (0x04BC | 0x0221 | 0x0236, _, after) => at = after,
                        _ => return None,
                    }
                }
            }
            1 => truth_or_error(value[2], false),
            2 => truth_or_error(value[2], true),
            _ => String::new(),
        })
    }
}

/// A number in four bytes.
fn unpacked(packed: u32) -> f64 {
    let value = if packed & 2 == 0 { f64::from_bits(u64::from(packed & !3) << 32) } else { f64::from((packed as i32) >> 2) };
    if packed & 1 == 0 { value } else { value / 100.0 }
}

fn truth_or_error(value: u8, error: bool) -> String {
    match (error, value) {
        (false, 0) => "FALSE",
        (false, _) => "TRUE",
        (true, 0x00) => "#NULL!",
        (true, 0x07) => "#DIV/0!",
        (true, 0x0F) => "#VALUE!",
        (true, 0x17) => "#REF!",
        (true, 0x1D) => "#NAME?",
        (true, 0x24) => "#NUM!",
        (true, _) => "#N/A",
    }
    .to_owned()
}
