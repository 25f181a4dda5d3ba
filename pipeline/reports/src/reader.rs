//! Reads a report file back into sections and rows, by the definition it was written with. Nothing is guessed: a file that
//! another definition made, or that was edited, is refused.

use csv::{ReaderBuilder, StringRecord, Terminator};
use takings_definitions::{Report, Section};

use crate::{Error, Result};

/// One section of a file, as printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionRows {
    pub name: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// The sections of a report file in the definition's order. Cells are as printed: a formula guard stays, and an empty cell does
/// not say whether it was null.
pub fn read_report(text: &str, report: &Report) -> Result<Vec<SectionRows>> {
    let mut records = Records::new(text, report);
    records.whole()?;
    let mut sections = Vec::with_capacity(report.sections.len());
    for section in &report.sections {
        records.gap(section, usize::from(!sections.is_empty()))?;
        if report.sections.len() > 1 {
            records.expect(section, "title", &[section.title.as_str()])?;
            records.gap(section, 0)?;
        }
        let header: Vec<&str> = section.columns.iter().map(|column| column.header.as_str()).collect();
        records.expect(section, "header", &header)?;
        let mut rows = Vec::new();
        while let Some(row) = records.row(section, header.len())? {
            rows.push(row);
        }
        sections.push(SectionRows { name: section.name.clone(), header: header.into_iter().map(str::to_owned).collect(), rows });
    }
    if records.empty_lines() > 0 || records.next()?.is_some() {
        return Err(records.wrong("more lines after the last section"));
    }
    Ok(sections)
}

struct Records<'a> {
    text: &'a str,
    report: &'a Report,
    csv: csv::Reader<&'a [u8]>,
    /// Line on which the last record began.
    line: u64,
}

impl<'a> Records<'a> {
    fn new(text: &'a str, report: &'a Report) -> Self {
        let csv = ReaderBuilder::new().has_headers(false).flexible(true).terminator(Terminator::Any(b'\n')).from_reader(text.as_bytes());
        Self { text, report, csv, line: 1 }
    }

    /// Whether nothing is cut off: the last line has its end, and every quote its partner.
    fn whole(&self) -> Result<()> {
        let quotes = self.text.bytes().filter(|byte| *byte == b'"').count();
        if self.text.ends_with('\n') && quotes % 2 == 0 { Ok(()) } else { Err(self.wrong("the file's end is cut off")) }
    }

    /// How many empty lines are next. The CSV reader passes them over in silence; a row of one empty cell is `""` and none of them.
    fn empty_lines(&self) -> usize {
        let rest = usize::try_from(self.csv.position().byte()).ok().and_then(|at| self.text.as_bytes().get(at..)).unwrap_or_default();
        rest.iter().take_while(|byte| **byte == b'\n').count()
    }

    fn gap(&self, section: &Section, lines: usize) -> Result<()> {
        if self.empty_lines() == lines {
            return Ok(());
        }
        let expected = if lines == 0 { "no empty line may" } else { "exactly one empty line must" };
        Err(self.wrong(format!("{expected} follow here, before or in section {}", section.name)))
    }

    fn next(&mut self) -> Result<Option<StringRecord>> {
        let mut record = StringRecord::new();
        let begins = self.csv.position().line() + self.empty_lines() as u64;
        let some = self.csv.read_record(&mut record).map_err(|error| self.wrong(error.to_string()))?;
        self.line = begins;
        Ok(some.then_some(record))
    }

    fn expect(&mut self, section: &Section, what: &str, cells: &[&str]) -> Result<()> {
        match self.next()? {
            Some(record) if record.iter().eq(cells.iter().copied()) => Ok(()),
            Some(record) => {
                let found = record.iter().collect::<Vec<_>>().join(",");
                Err(self.wrong(format!("not the {what} of section {}, but {found:?}", section.name)))
            }
            None => Err(self.wrong(format!("the file ends before the {what} of section {}", section.name))),
        }
    }

    /// The next row of the section; `None` at its end.
    fn row(&mut self, section: &Section, width: usize) -> Result<Option<Vec<String>>> {
        if self.empty_lines() > 0 {
            return Ok(None);
        }
        let Some(record) = self.next()? else { return Ok(None) };
        if record.len() != width {
            return Err(self.wrong(format!("a row of section {} has {} cells where its header has {width}", section.name, record.len())));
        }
        Ok(Some(record.iter().map(str::to_owned).collect()))
    }

    fn wrong(&self, message: impl Into<String>) -> Error {
        Error::File {
            place: format!("report {}, line {}", self.report.name, self.line),
            message: message.into(),
            next: "compare the file's SHA-256 with its manifest: it was edited, or it was made by another definition of the report".to_owned(),
        }
    }
}
