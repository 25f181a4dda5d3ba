//! The first record of a file against the layout: which cell holds which column, by name. A file that doesn't fit is stopped here.

use std::fmt;

use takings_definitions::{UnknownColumns, nearest};

use crate::cells::unquoted;
use crate::delimiter;
use crate::layout::{Layout, folded};
use crate::splitter::{BOM, header_end};
use crate::tokens::{Index, Shape};
use crate::{Error, Result};

/// Where the columns of a layout stand in the records of one file.
#[derive(Debug)]
pub(crate) struct Header {
    /// Cells per record.
    pub(crate) width: usize,
    /// Per column of the layout the number of its cell.
    pub(crate) sources: Vec<Option<usize>>,
    /// As it stands, without its line end.
    pub(crate) record: Vec<u8>,
    pub(crate) warnings: Vec<String>,
}

impl Header {
    pub(crate) fn new(layout: &Layout, path: &str, record: &[u8]) -> Result<Self> {
        let (line, names, record) = names(layout, path, record)?;
        let wrong = |what: String| Error::data(format!("{path}:{line}: {what}"));
        let mut sources = vec![None; layout.columns.len()];
        let mut unknown = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let key = folded(name);
            let Some(column) = layout.columns.iter().position(|column| column.headers.contains(&key)) else {
                unknown.push(at);
                continue;
            };
            if let Some(first) = sources[column].replace(at) {
                let table_column = &layout.columns[column].name;
                return Err(wrong(format!("header cells {} \"{}\" and {} \"{name}\" are both {table_column}", first + 1, names[first], at + 1))
                    .next("leave one of them out of the file"));
            }
        }
        check_missing(layout, &sources, &unknown.iter().map(|at| names[*at].as_str()).collect::<Vec<_>>()).map_err(|what| {
            let missing = layout.columns.iter().zip(&sources).filter(|(column, source)| column.required && source.is_none());
            let other = delimiter::hint(&names, missing.map(|(column, _)| column.headers.iter().map(String::as_str).collect()));
            let next = || format!("correct the file, or name the header under [exports.headers] of export `{}`", layout.export);
            wrong(what).next(other.unwrap_or_else(next))
        })?;
        let known = || layout.columns.iter().flat_map(|column| column.headers.iter().map(String::as_str));
        let unknown: Vec<Unknown> = unknown.into_iter().map(|at| Unknown::new(at, &names[at], &layout.export, nearest(&folded(&names[at]), known()))).collect();
        if layout.unknown == UnknownColumns::Stop && !unknown.is_empty() {
            return Err(
                wrong(listed(&unknown)).next(format!("add them to the contract of {}, or set unknown_columns = \"warn\" to leave them out", layout.table))
            );
        }
        let warnings = left_out(&format!("{path}:{line}"), &layout.export, &unknown).into_iter().collect();
        Ok(Self { width: names.len(), sources, record, warnings })
    }
}

/// The header's line, its names, BOM and quotes taken off, and its bytes.
fn names(layout: &Layout, path: &str, record: &[u8]) -> Result<(u64, Vec<String>, Vec<u8>)> {
    if record.starts_with(b"\xFF\xFE") || record.starts_with(b"\xFE\xFF") {
        return Err(Error::data(format!("{path}: the file is UTF-16 text")).next("save it as UTF-8"));
    }
    let record = &record[..header_end(record).unwrap_or(record.len())];
    let record = record.strip_prefix(BOM).unwrap_or(record);
    let mut index = Index::default();
    index.fill(record, layout.delimiter, 1);
    let width = match index.broken.first().map(|broken| (broken.shape, broken.line)) {
        None if index.rows() == 0 => return Err(Error::data(format!("{path}: the file has no header")).next("the first record of a file names its columns")),
        None => 1,
        Some((Shape::Ragged(width), _)) => width,
        Some((Shape::StrayQuote(_) | Shape::OpenQuote, line)) => {
            return Err(Error::data(format!("{path}:{}: the header's quotes don't match", line + 1))
                .next("a quoted name starts and ends with \", quotes inside are doubled"));
        }
    };
    index.fill(record, layout.delimiter, width);
    let line = u64::from(index.line(0)) + 1;
    let mut scratch = Vec::new();
    let name = |at: usize| {
        let raw = &record[index.cell(0, at)];
        let text = if raw.first() == Some(&b'"') { unquoted(raw, &mut scratch) } else { raw };
        String::from_utf8(text.to_vec()).map_err(|_| {
            let shown = String::from_utf8_lossy(&text[..text.len().min(60)]).into_owned();
            Error::data(format!("{path}:{line}: header cell {} {shown:?} is not UTF-8 text", at + 1))
                .next("save the file as UTF-8; packed files have to be unpacked")
        })
    };
    Ok((line, (0..width).map(name).collect::<Result<_>>()?, record[index.record(0)].to_vec()))
}

/// A cell of a header that no column takes, and why.
pub(crate) struct Unknown {
    pub(crate) what: String,
    pub(crate) why: String,
    /// The name that it may be.
    pub(crate) nearest: String,
}

impl Unknown {
    /// The cell with this number, and the known name that is nearest to its own.
    pub(crate) fn new(at: usize, name: &str, export: &str, nearest: Option<&str>) -> Self {
        if name.trim().is_empty() || *name == format!("#{}", at + 1) {
            return Self { what: format!("header cell {}", at + 1), why: "has no name".to_owned(), nearest: String::new() };
        }
        let nearest = nearest.map(|best| format!(" (nearest: \"{best}\")")).unwrap_or_default();
        Self { what: format!("column {name:?}"), why: format!("is not known to export `{export}`"), nearest }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.what, self.why, self.nearest)
    }
}

/// One warning of all columns that are left out: a folder of files of a newer version has many.
pub(crate) fn left_out(place: &str, export: &str, unknown: &[Unknown]) -> Option<String> {
    match unknown {
        [] => None,
        [one] => Some(format!("{place}: {one}; it is left out")),
        several => {
            let names: Vec<String> = several.iter().map(|one| format!("{}{}", one.what, one.nearest)).collect();
            Some(format!("{place}: export `{export}` does not know {}; they are left out", names.join(", ")))
        }
    }
}

/// All of them, where they stop the file.
pub(crate) fn listed(unknown: &[Unknown]) -> String {
    unknown.iter().map(Unknown::to_string).collect::<Vec<_>>().join(", ")
}

fn check_missing(layout: &Layout, sources: &[Option<usize>], unknown: &[&str]) -> Result<(), String> {
    let missing: Vec<String> = layout
        .columns
        .iter()
        .zip(sources)
        .filter(|(column, source)| column.required && source.is_none())
        .map(|(column, _)| match nearest(&column.name, unknown.iter().copied().filter(|name| !name.is_empty())) {
            Some(best) => format!("{} (nearest: \"{best}\")", column.name),
            None => column.name.clone(),
        })
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("the header lacks {}", missing.join(", "))) }
}
