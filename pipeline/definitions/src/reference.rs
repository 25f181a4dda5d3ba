//! Reference tables: CSV files under `config/reference/` with a header, for maps and calendars of channel files.

use std::path::{Path, PathBuf};

use crate::{BUILT_IN_TABLES, Error, Result};

/// A reference table, all of it text.
#[derive(Debug, Clone)]
pub struct Reference {
    /// The file's name without its ending.
    pub name: String,
    pub header: Vec<String>,
    pub rows: Vec<ReferenceRow>,
    pub path: PathBuf,
    /// The file's text, for run keys.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceRow {
    /// Of the file, from 1.
    pub line: u64,
    /// As many as the header has, without outer white space.
    pub cells: Vec<String>,
}

/// The columns of a calendar.
pub const CALENDAR_COLUMNS: [&str; 3] = ["name", "first_day", "last_day"];

impl Reference {
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if BUILT_IN_TABLES.contains(&name.as_str()) {
            return Err(Error::in_file(path, format!("`{name}` is built in")).next("give the file another name"));
        }
        let bytes = text.trim_start_matches('\u{feff}').as_bytes();
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
        let broken = |error: &csv::Error| Error::in_file(path, format!("is no CSV: {error}"));
        let header: Vec<String> = reader.headers().map_err(|error| broken(&error))?.iter().map(str::to_owned).collect();
        if header.iter().all(String::is_empty) {
            return Err(Error::in_file(path, "has no header").next("its first line names its columns"));
        }
        if let Some(twice) = header.iter().enumerate().find(|(at, name)| header[..*at].contains(name)) {
            return Err(Error::at(path, 1, 1, format!("column `{}` stands twice in the header", twice.1)));
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| broken(&error))?;
            let line = record.position().map_or(0, |position| line_at(bytes, position.byte()));
            if record.len() != header.len() {
                let message = format!("the record has {} cells, the header has {}", record.len(), header.len());
                return Err(Error::at(path, usize::try_from(line).unwrap_or_default(), 1, message));
            }
            rows.push(ReferenceRow { line, cells: record.iter().map(str::to_owned).collect() });
        }
        Ok(Self { name, header, rows, path: path.to_owned(), text: text.to_owned() })
    }

    /// The place of a column.
    pub fn column(&self, name: &str) -> Result<usize> {
        self.header.iter().position(|column| column == name).ok_or_else(|| {
            let error = Error::in_file(&self.path, format!("has no column `{name}`"));
            match crate::nearest(name, self.header.iter().map(String::as_str)) {
                Some(best) => error.next(format!("did you mean `{best}`?")),
                None => error.next(format!("columns: {}", self.header.join(", "))),
            }
        })
    }
}

/// The line of the record that starts at a place, or behind the blank lines there.
fn line_at(bytes: &[u8], place: u64) -> u64 {
    let place = usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
    let blank = bytes[place..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    bytes[..place + blank].iter().filter(|byte| **byte == b'\n').count() as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Reference> {
        Reference::parse(Path::new("config/reference/stores.csv"), text)
    }

    #[test]
    fn a_table_is_header_and_rows() {
        let table = parse("\u{feff}name, code\nApple Music,apple\n\n\"Amazon, Inc.\",amazon\n").unwrap();
        assert_eq!((table.name.as_str(), &table.header[..]), ("stores", &["name".to_owned(), "code".to_owned()][..]));
        let lines: Vec<(u64, &str)> = table.rows.iter().map(|row| (row.line, row.cells[0].as_str())).collect();
        assert_eq!(lines, [(2, "Apple Music"), (4, "Amazon, Inc.")]);
        assert_eq!(table.column("cod").unwrap_err().to_string(), "config/reference/stores.csv: has no column `cod`; did you mean `code`?");
    }

    #[test]
    fn broken_tables_name_their_line() {
        assert_eq!(parse("a,b\n1\n").unwrap_err().to_string(), "config/reference/stores.csv:2:1: the record has 1 cells, the header has 2");
        assert_eq!(parse("a,a\n").unwrap_err().to_string(), "config/reference/stores.csv:1:1: column `a` stands twice in the header");
        assert_eq!(parse("").unwrap_err().to_string(), "config/reference/stores.csv: has no header; its first line names its columns");
        let error = Reference::parse(Path::new("config/reference/countries.csv"), "a\n").unwrap_err().to_string();
        assert_eq!(error, "config/reference/countries.csv: `countries` is built in; give the file another name");
    }
}
