//! A look into a file whose channel file is not written yet: its members and sheets, and what stands in them. Packing is opened as
//! for reading, within the same limits; nothing is chosen, framed or typed.

use std::io::{Cursor, Read};

use takings_definitions::{TextForm, Unpack};

use super::encoding;
use super::record::{Record, Records};
use super::tokeniser::Text;
use super::unpack::{Content, Open, is_litter, pieces};
use super::workbook::Workbook;
use crate::Result;

/// One part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peeked {
    /// Empty for a file that is no zip.
    pub member: String,
    pub sample: Sample,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sample {
    /// The first bytes of a text, and whether there are more.
    Text { bytes: Vec<u8>, cut: bool },
    /// The first rows of a sheet, and whether there are more.
    Sheet { name: String, rows: Vec<Row>, cut: bool },
}

/// A record of a text or a row of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// From 1.
    pub line: u64,
    pub cells: Vec<String>,
    /// What breaks the record as a whole.
    pub wrong: Option<String>,
    /// As it stands in the file.
    pub raw: String,
}

/// Looks at the first `bytes` of each text and the first `rows` of each sheet.
pub fn peek(path: &str, file: &[u8], bytes: usize, rows: usize) -> Result<Vec<Peeked>> {
    let open = Open::new(path.to_owned(), move || Ok(Box::new(file)));
    let mut all = Vec::new();
    for piece in pieces(&open, &Unpack::default(), &|member| Ok(!is_litter(member)))? {
        let member = piece.member.clone();
        let name = if member.is_empty() { path.to_owned() } else { format!("{path}!{member}") };
        if let Some(book) = Workbook::open(&name, &piece.content)? {
            for sheet in book.sheets() {
                let (rows, cut) = first(&mut *book.rows(&sheet)?, rows)?;
                all.push(Peeked { member: member.clone(), sample: Sample::Sheet { name: sheet, rows, cut } });
            }
        } else if let Content::Text(text) = &piece.content {
            let mut head = Vec::new();
            text.open()?.take(bytes as u64 + 1).read_to_end(&mut head).map_err(|error| text.broken(&error))?;
            let cut = head.len() > bytes;
            head.truncate(bytes);
            all.push(Peeked { member, sample: Sample::Text { bytes: head, cut } });
        }
    }
    Ok(all)
}

/// The first records of a text as a text form reads it.
pub fn text_records(name: &str, bytes: &[u8], form: &TextForm, limit: usize) -> Result<Vec<Row>> {
    let open = Open::new(name.to_owned(), move || Ok(Box::new(Cursor::new(bytes))));
    let (input, cells) = encoding::open(&open, form)?;
    Ok(first(&mut Text::new(name, input, cells, form)?, limit)?.0)
}

fn first(records: &mut dyn Records, limit: usize) -> Result<(Vec<Row>, bool)> {
    let (mut rows, mut record) = (Vec::new(), Record::default());
    while records.next(&mut record)? {
        if rows.len() == limit {
            return Ok((rows, true));
        }
        let wrong = record.wrong.take().map(|wrong| wrong.what);
        rows.push(Row { line: record.line, cells: record.cells().map(str::to_owned).collect(), wrong, raw: record.raw.clone() });
    }
    Ok((rows, false))
}
