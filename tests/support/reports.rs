//! Report files as sections, header and rows, read with a plain CSV reader and what `takings reports show` declares.

use std::path::Path;

use super::place::Place;

pub struct Declared {
    pub name: String,
    pub file: String,
    pub job: String,
    pub sections: Vec<DeclaredSection>,
}

pub struct DeclaredSection {
    pub title: String,
    pub data_set: String,
    pub headers: Vec<String>,
}

/// A section as it stands in a file.
pub struct Section {
    pub title: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// All report definitions of the channel that the tests feed.
pub fn declared(place: &Place) -> Vec<Declared> {
    let listed = place.takings(&["--json", "reports"]).ok().json();
    let own = listed.as_array().unwrap().iter().filter(|report| report["channel"] == "aws_marketplace");
    let names = own.map(|report| report["report"].as_str().unwrap().to_owned());
    names.map(|name| Declared::of(place, &name)).collect()
}

impl Declared {
    /// The definition of one report.
    pub fn of(place: &Place, name: &str) -> Self {
        let shown = place.takings(&["--json", "reports", "show", name]).ok().json();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let sections = shown["sections"].as_array().unwrap().iter().map(|section| DeclaredSection {
            title: text(&section["title"]),
            data_set: text(&section["data_set"]),
            headers: section["columns"].as_array().unwrap().iter().map(text).collect(),
        });
        Self { file: text(&shown["file"]), job: text(&shown["job"]), sections: sections.collect(), name: name.to_owned() }
    }

    /// The tick that the tests run this report's job at.
    pub fn tick(&self) -> &'static str {
        if self.job == "weekly" { "2026-03-16" } else { "2026-03-15" }
    }

    /// Where its file stands under `reports/`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.name, self.file.replace("{tick}", self.tick()))
    }

    /// Reads a file of this report; panics where it has another shape than declared.
    pub fn read(&self, file: &Path) -> Vec<Section> {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let mut records = reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()).peekable();
        let mut sections = Vec::new();
        for (at, section) in self.sections.iter().enumerate() {
            if self.sections.len() > 1 {
                assert_eq!(records.next().as_deref(), Some([section.title.clone()].as_slice()), "{}", file.display());
            }
            let header = records.next().unwrap();
            assert_eq!(header, section.headers, "{}", file.display());
            let next = self.sections.get(at + 1).map(|section| vec![section.title.clone()]);
            let mut rows = Vec::new();
            while let Some(row) = records.next_if(|record| Some(record) != next.as_ref()) {
                assert_eq!(row.len(), header.len(), "{}: {row:?}", file.display());
                rows.push(row);
            }
            sections.push(Section { title: section.title.clone(), header, rows });
        }
        assert!(records.next().is_none(), "{}: more than the declared sections", file.display());
        sections
    }
}

impl Section {
    /// The cells of one column.
    pub fn column(&self, name: &str) -> Vec<&str> {
        let at = self.header.iter().position(|header| header == name).unwrap_or_else(|| panic!("{} has no column {name}", self.title));
        self.rows.iter().map(|row| row[at].as_str()).collect()
    }
}
