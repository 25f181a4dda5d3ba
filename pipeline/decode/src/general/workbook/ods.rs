//! OpenDocument spreadsheets: one document with all tables, read as it streams. Repeated rows and cells have a limit.

use super::damaged;
use super::formats::{Shows, written};
use super::rows::{Cell, Cells, Rows, no_column, too_long};
use super::xml::{Node, Tag, Xml, append};
use crate::general::record::Records;
use crate::general::tokeniser::MAX_COLUMNS;
use crate::general::unpack::Archive;
use crate::{Error, RECORD_LIMIT, Result};

/// How many cells a document may make by repeating others.
const REPEATED_LIMIT: u64 = 5_000_000;

pub(crate) struct Ods {
    archive: Archive,
    sheets: Vec<String>,
}

impl Ods {
    pub fn open(archive: Archive) -> Result<Self> {
        let mut xml = Xml::new(archive.name(), archive.required("content.xml")?);
        let mut sheets = Vec::new();
        loop {
            match xml.next()? {
                Node::Start(tag) if tag.is("table") => sheets.push(name_of(&tag, archive.name())?),
                Node::Done => break,
                _ => {}
            }
        }
        Ok(Self { archive, sheets })
    }

    pub fn sheets(&self) -> Vec<String> {
        self.sheets.clone()
    }

    pub fn rows(&self, sheet: &str) -> Result<Box<dyn Records + '_>> {
        let name = format!("{}, sheet {sheet:?}", self.archive.name());
        let mut xml = Xml::new(&name, self.archive.required("content.xml")?);
        loop {
            match xml.next()? {
                Node::Start(tag) if tag.is("table") && name_of(&tag, &name)? == sheet => break,
                Node::Done => return Err(damaged(&name, "the sheet is not there")),
                _ => {}
            }
        }
        let cells = TableCells { name: name.clone(), xml, row: 0, waiting: Vec::new(), times: 0, given: 0, repeated: 0, ended: false };
        Ok(Box::new(Rows::new(name, cells)))
    }
}

fn name_of(tag: &Tag<'_>, file: &str) -> Result<String> {
    tag.attribute("name").ok_or_else(|| damaged(file, "a table has no name"))
}

struct TableCells<'a> {
    name: String,
    xml: Xml<'a>,
    /// Of the cells that wait, from 0.
    row: u64,
    /// Column and text of one row, which is given so many times.
    waiting: Vec<(usize, String)>,
    times: u64,
    given: usize,
    repeated: u64,
    ended: bool,
}

impl Cells for TableCells<'_> {
    fn next(&mut self) -> Result<Option<Cell>> {
        loop {
            if self.times > 0 {
                if let Some((column, text)) = self.waiting.get(self.given) {
                    self.given += 1;
                    return Ok(Some(Cell { row: self.row, column: *column, text: text.clone() }));
                }
                self.times -= 1;
                self.row += 1;
                self.given = 0;
                if self.times > 0 {
                    self.repeat(self.waiting.len() as u64)?;
                }
                continue;
            }
            if self.ended {
                return Ok(None);
            }
            match self.xml.next()? {
                Node::Start(tag) if tag.is("table-row") => {
                    let times = repeats(&tag, "number-rows-repeated");
                    self.read_row()?;
                    if self.waiting.is_empty() {
                        self.row = self.row.saturating_add(times);
                    } else {
                        self.times = times;
                        self.given = 0;
                    }
                }
                Node::End(name) if name == "table" => self.ended = true,
                Node::Done => return Err(damaged(&self.name, "it ends inside of a sheet")),
                _ => {}
            }
        }
    }
}

impl TableCells<'_> {
    fn repeat(&mut self, cells: u64) -> Result<()> {
        self.repeated = self.repeated.saturating_add(cells);
        if self.repeated > REPEATED_LIMIT {
            return Err(Error::data(format!("{}: more than {REPEATED_LIMIT} cells repeat others", self.name)).next("save the sheet as CSV and hand that in"));
        }
        Ok(())
    }

    fn read_row(&mut self) -> Result<()> {
        self.waiting.clear();
        let (mut column, mut size) = (0usize, 0usize);
        loop {
            match self.xml.next()? {
                Node::Start(tag) if tag.is("table-cell") || tag.is("covered-table-cell") => {
                    let times = repeats(&tag, "number-columns-repeated");
                    let typed = typed(&tag);
                    let end = if tag.is("table-cell") { "table-cell" } else { "covered-table-cell" };
                    let shown = self.text(end)?;
                    let text = typed.unwrap_or(shown);
                    let end = column.saturating_add(usize::try_from(times).unwrap_or(usize::MAX));
                    if text.is_empty() {
                        column = end;
                        continue;
                    }
                    if end > MAX_COLUMNS {
                        return Err(no_column(&self.name, self.row, end - 1));
                    }
                    size = size.saturating_add(text.len().saturating_mul(end - column));
                    if size > RECORD_LIMIT {
                        return Err(too_long(&self.name, self.row));
                    }
                    self.repeat(times - 1)?;
                    self.waiting.extend((column..end).map(|column| (column, text.clone())));
                    column = end;
                }
                Node::End(name) if name == "table-row" => return Ok(()),
                Node::Done => return Err(damaged(&self.name, "it ends inside of a row")),
                _ => {}
            }
        }
    }

    /// The cell's paragraphs, up to its end; notes are none of it.
    fn text(&mut self, end: &str) -> Result<String> {
        let mut text = String::new();
        let (mut paragraphs, mut inside, mut notes) = (0, 0usize, 0usize);
        loop {
            match self.xml.next()? {
                Node::Start(tag) if tag.is("annotation") => notes += 1,
                Node::Start(tag) if tag.is("p") && notes == 0 => {
                    if paragraphs > 0 {
                        append(&mut text, "\n", &self.name)?;
                    }
                    paragraphs += 1;
                    inside += 1;
                }
                Node::Start(tag) if notes == 0 && tag.is("s") => {
                    let spaces = tag.attribute("c").and_then(|count| count.parse::<usize>().ok()).unwrap_or(1);
                    append(&mut text, &" ".repeat(spaces.min(1 << 16)), &self.name)?;
                }
                Node::Start(tag) if notes == 0 && tag.is("tab") => text.push('\t'),
                Node::Start(tag) if notes == 0 && tag.is("line-break") => text.push('\n'),
                Node::Text(more) if inside > 0 && notes == 0 => append(&mut text, &more, &self.name)?,
                Node::End(name) if name == end => return Ok(text),
                Node::End(name) if name == "annotation" => notes = notes.saturating_sub(1),
                Node::End(name) if name == "p" && notes == 0 => inside = inside.saturating_sub(1),
                Node::Done => return Err(damaged(&self.name, "it ends inside of a cell")),
                _ => {}
            }
        }
    }
}

fn repeats(tag: &Tag<'_>, name: &str) -> u64 {
    tag.attribute(name).and_then(|times| times.parse().ok()).unwrap_or(1).max(1)
}

/// The value of a cell that is not text.
fn typed(tag: &Tag<'_>) -> Option<String> {
    match tag.attribute("value-type")?.as_str() {
        "float" | "percentage" | "currency" => {
            let text = tag.attribute("value")?;
            Some(written(&text, Shows::Number, false).unwrap_or(text))
        }
        "date" => tag.attribute("date-value"),
        "time" => tag.attribute("time-value").map(|text| time(&text).unwrap_or(text)),
        "boolean" => tag.attribute("boolean-value").map(|text| text.to_uppercase()),
        "string" => tag.attribute("string-value"),
        _ => None,
    }
}

/// `PT12H30M05S` → `12:30:05`.
fn time(text: &str) -> Option<String> {
    let (hours, rest) = text.strip_prefix("PT")?.split_once('H')?;
    let (minutes, rest) = rest.split_once('M')?;
    let seconds = rest.strip_suffix('S')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty();
    (digits(hours) && digits(minutes) && digits(seconds)).then(|| format!("{hours:0>2}:{minutes:0>2}:{seconds:0>2}"))
}
