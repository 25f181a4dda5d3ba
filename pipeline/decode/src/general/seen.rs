//! What stands around a part's records: trailers, target cells, single records that checks ask for. It must not know rows or types.

use std::collections::BTreeMap;

use takings_definitions::{Check, Expect, Export, Target, Trailer};

use super::record::Record;
use crate::{Error, Result};

/// A trailer's pattern that fits more lines than this is none.
const TRAILERS_LIMIT: usize = 1000;

/// One line that a trailer's pattern fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub line: u64,
    pub value: String,
    /// The pattern's other named groups.
    pub groups: BTreeMap<String, String>,
}

/// What was seen of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub trailers: BTreeMap<String, Vec<Found>>,
    pub cells: BTreeMap<String, String>,
    /// Of each record type that a check asks for the fields of the last one.
    pub records: BTreeMap<String, Vec<String>>,
    pub lines: u64,
}

/// Looks at each record on its way.
pub(crate) struct Watch<'a> {
    name: String,
    trailers: &'a [Trailer],
    cells: &'a BTreeMap<String, Target>,
    records: Vec<&'a str>,
    column: usize,
    pub seen: Seen,
}

impl<'a> Watch<'a> {
    pub fn new(name: &str, export: &'a Export) -> Self {
        let asked = |check: &'a Check| match &check.expect {
            Some(Expect::Record { record, .. }) => Some(record.as_str()),
            _ => None,
        };
        Self {
            name: name.to_owned(),
            trailers: &export.frame.trailers,
            cells: &export.frame.cells,
            records: export.checks.iter().filter_map(asked).collect(),
            column: export.frame.records.as_ref().map_or(0, |records| records.column),
            seen: Seen::default(),
        }
    }

    /// Takes what the record says outside of the table; whether it is a trailer.
    pub fn look(&mut self, record: &Record) -> Result<bool> {
        for (name, target) in self.cells {
            let value = match target {
                Target::At { column, row } if *row == record.line => record.cell(*column).trim(),
                Target::Line { line: None, .. } if self.seen.cells.contains_key(name) => continue,
                Target::Line { line, pattern } if line.is_none_or(|line| line == record.line) => {
                    pattern.captures(&record.raw).and_then(|found| found.name("value")).map_or("", |value| value.as_str().trim())
                }
                _ => continue,
            };
            if !value.is_empty() {
                self.seen.cells.insert(name.clone(), value.to_owned());
            }
        }
        if let Some(kind) = self.records.iter().find(|kind| **kind == record.cell(self.column).trim()) {
            self.seen.records.insert((*kind).to_owned(), record.cells().map(str::to_owned).collect());
        }
        for trailer in self.trailers {
            let Some(found) = trailer.line.captures(&record.raw) else { continue };
            let named = trailer.line.capture_names().flatten().filter(|name| *name != "value");
            let groups = named.filter_map(|name| Some((name.to_owned(), found.name(name)?.as_str().trim().to_owned()))).collect();
            let value = found.name("value").map_or("", |value| value.as_str().trim()).to_owned();
            let all = self.seen.trailers.entry(trailer.name.clone()).or_default();
            all.push(Found { line: record.line, value, groups });
            if all.len() > TRAILERS_LIMIT {
                return Err(Error::data(format!("{}:{}: the trailer `{}` fits more than {TRAILERS_LIMIT} lines", self.name, record.line, trailer.name))
                    .next("make its pattern in [[exports.frame.trailer]] narrower"));
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// The end of the part: a trailer that must be there is.
    pub fn end(mut self, lines: u64) -> Result<Seen> {
        self.seen.lines = lines;
        match self.trailers.iter().find(|trailer| !trailer.optional && !self.seen.trailers.contains_key(&trailer.name)) {
            None => Ok(self.seen),
            Some(missing) => Err(Error::data(format!("{}: the trailer `{}` is missing behind line {lines}: the file was cut off", self.name, missing.name))
                .next("ask for the file again; a trailer that not all files have is `optional = true`")),
        }
    }
}

impl Seen {
    /// Each trailer's one value; with several values it has none.
    pub fn trailer_values(&self) -> BTreeMap<String, String> {
        let one = |(name, found): (&String, &Vec<Found>)| {
            let first = found.first()?;
            found.iter().all(|other| other.value == first.value).then(|| (name.clone(), first.value.clone()))
        };
        self.trailers.iter().filter_map(one).collect()
    }
}
