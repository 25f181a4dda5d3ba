//! Names of columns: as they stand in the file, cleaned, and each only once.

use std::collections::HashMap;

use takings_definitions::{Export, Ragged, ValueSource};

use super::record::Record;
use crate::layout::folded;

/// A part's header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub line: u64,
    /// Cleaned.
    pub found: Vec<String>,
    /// The same, but the second `Currency` is `Currency#2` and a column without a name `#5`.
    pub names: Vec<String>,
}

impl Header {
    /// Of one line, or of several: each column's cells with a space between them. A cell of an upper line also stands above the empty ones
    /// to its right, as merged cells do.
    pub fn of(lines: &[Record], strip: &[char], ragged: Ragged) -> Self {
        let mut found = vec![String::new(); lines.iter().map(Record::len).max().unwrap_or(0)];
        for (at, line) in lines.iter().enumerate() {
            let mut above = String::new();
            for (column, name) in found.iter_mut().enumerate() {
                let mut cell = cleaned(line.cell(column), strip);
                if at + 1 < lines.len() {
                    if cell.is_empty() {
                        cell.clone_from(&above);
                    } else {
                        above.clone_from(&cell);
                    }
                }
                if !name.is_empty() && !cell.is_empty() {
                    name.push(' ');
                }
                name.push_str(&cell);
            }
        }
        if ragged.trims() {
            while found.last().is_some_and(String::is_empty) {
                found.pop();
            }
        }
        Self { line: lines.first().map_or(0, |line| line.line), names: unique(&found), found }
    }

    pub fn given(names: &[String]) -> Self {
        Self { line: 0, found: names.to_vec(), names: unique(names) }
    }

    /// Where a column stands: by its name, or `#5` by its place.
    pub fn place(&self, name: &str) -> Option<usize> {
        let key = folded(name);
        let by_name = self.names.iter().position(|known| folded(known) == key);
        by_name.or_else(|| key.strip_prefix('#')?.parse::<usize>().ok()?.checked_sub(1).filter(|place| *place < self.names.len()))
    }

    /// Where the column of a rule stands: a header, or the header of a table column.
    pub fn place_for(&self, export: &Export, name: &str) -> Option<usize> {
        self.place(name).or_else(|| source_names(export, name).iter().find_map(|header| self.place(header)))
    }
}

/// The headers that a table column may be read from.
pub(crate) fn source_names(export: &Export, column: &str) -> Vec<String> {
    match export.columns.get(column).map(|spec| &spec.source) {
        Some(ValueSource::Headers(names)) => names.clone(),
        Some(ValueSource::Own) | None => export.header_names(column).into_iter().map(str::to_owned).collect(),
        Some(_) => Vec::new(),
    }
}

pub(crate) fn cleaned(cell: &str, strip: &[char]) -> String {
    let kept: String = cell.chars().filter(|character| !strip.contains(character)).collect();
    kept.trim().to_owned()
}

fn unique(names: &[String]) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let name = |(at, name): (usize, &String)| {
        if name.is_empty() {
            return format!("#{}", at + 1);
        }
        let count = seen.entry(folded(name)).or_default();
        *count += 1;
        if *count == 1 { name.clone() } else { format!("{name}#{count}") }
    };
    names.iter().enumerate().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_has_a_name_of_its_own() {
        let mut record = Record::default();
        for cell in ["\u{feff}Currency ", "Amo\u{ad}unt", "", "currency", "Currency", ""] {
            record.push(cell);
        }
        let header = Header::of(std::slice::from_ref(&record), &['\u{feff}', '\u{ad}'], Ragged::Refuse);
        assert_eq!(header.names, ["Currency", "Amount", "#3", "currency#2", "Currency#3", "#6"]);
        assert_eq!(["currency", "CURRENCY#2", "#3", "#2", "#7", "x"].map(|name| header.place(name)), [Some(0), Some(3), Some(2), Some(1), None, None]);
        assert_eq!(Header::of(std::slice::from_ref(&record), &[], Ragged::Fit).names.len(), 5);
        let mut record = Record::default();
        record.push("Net\u{a0}Amount\n (USD)");
        assert_eq!(Header::of(std::slice::from_ref(&record), &[], Ragged::Refuse).place("net amount (usd)"), Some(0));
    }
    #[test]
    fn lines_of_a_header_make_one_name() {
        let lines = [&["", "2024", "", "2025", ""][..], &["Title", "Nov", "Dec", "Jan", "Total"]].map(|cells| {
            let mut record = Record::default();
            cells.iter().for_each(|cell| record.push(cell));
            record
        });
        assert_eq!(Header::of(&lines, &[], Ragged::Refuse).names, ["Title", "2024 Nov", "2024 Dec", "2025 Jan", "2025 Total"]);
    }
}
