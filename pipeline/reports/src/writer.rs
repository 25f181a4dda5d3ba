//! Writes a report file and its data sets while the rows come in: one batch at a time is in memory.
//!
//! UTF-8 without BOM, LF, quotes only where a cell needs them. A report of several sections has a title line, a header line and
//! the rows of each, with one empty line between sections; a report of one section has no title line. A row of one empty cell is
//! written as `""`, so an empty line always is the end of a section.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use takings_definitions::{Interval, Report, Section};

use crate::cells::{CellFault, Columns};
use crate::fingerprint::Fingerprinting;
use crate::totals::Totals;
use crate::{Error, Fingerprint, Result, Total};

/// Rows that are turned into text at once.
const ROWS_AT_ONCE: usize = 8192;

/// What a report's files hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub file: Fingerprint,
    pub sections: Vec<WrittenSection>,
}

impl Written {
    /// Whether no section has a row: such a report is not delivered.
    pub fn is_empty(&self) -> bool {
        self.sections.iter().all(|section| section.rows == 0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenSection {
    pub name: String,
    pub title: String,
    pub data_set: String,
    pub covers: Interval,
    pub rows: u64,
    pub totals: Vec<Total>,
    /// `None` where the section is empty: its data set is not delivered, and nothing was written to its sink.
    pub file: Option<Fingerprint>,
}

/// Writes one report file, section after section in the definition's order.
pub struct ReportWriter<'r, W: Write> {
    report: &'r Report,
    sharing: bool,
    out: Fingerprinting<W>,
    begun: usize,
    sections: Vec<WrittenSection>,
}

impl<'r, W: Write> ReportWriter<'r, W> {
    /// `sharing`: whether the instance may show the columns that are marked with it.
    pub fn new(report: &'r Report, sharing: bool, sink: W) -> Self {
        Self { report, sharing, out: Fingerprinting::new(sink), begun: 0, sections: Vec::new() }
    }

    /// Begins the next section: `schema` is what its SQL gives, `data_set` takes its plain CSV.
    ///
    /// A column that the schema lacks, or whose type has no form in a report, is an error even when no row comes.
    pub fn section<D: Write>(&mut self, name: &str, covers: Interval, schema: SchemaRef, data_set: D) -> Result<SectionWriter<'_, 'r, W, D>> {
        let report = self.report;
        let next = report.sections.get(self.begun).filter(|next| next.name == name && self.sections.len() == self.begun);
        let Some(section) = next else {
            return Err(self.order(format!("section {name} is begun out of order, or before the one before it was finished")));
        };
        let columns = Columns::new(report, section, self.sharing, &RecordBatch::new_empty(schema))?;
        self.begun += 1;
        let mut opening = Vec::new();
        if self.begun > 1 {
            opening.push(b'\n');
        }
        let header = line(section.columns.iter().map(|column| column.header.as_str())).map_err(|source| self.unwritten(source))?;
        if report.sections.len() > 1 {
            opening.extend(line([section.title.as_str()]).map_err(|source| self.unwritten(source))?);
        }
        opening.extend(&header);
        self.out.write(&opening).map_err(|source| self.unwritten(source))?;
        let totals = Totals::new(columns.summed(section));
        Ok(SectionWriter { writer: self, section, covers, header, rows: 0, totals, data_set: Fingerprinting::new(data_set) })
    }

    /// What the file holds, once all sections are finished.
    pub fn finish(self) -> Result<Written> {
        if self.sections.len() != self.report.sections.len() {
            let unfinished = self.report.sections.get(self.sections.len()).map_or("", |section| section.name.as_str());
            return Err(self.order(format!("section {unfinished} is not written")));
        }
        let Self { report, out, sections, .. } = self;
        let file = out.finish().map_err(|source| unwritten(report, source))?;
        Ok(Written { file, sections })
    }

    fn order(&self, message: String) -> Error {
        Error::Order { report: self.report.name.clone(), message }
    }

    fn unwritten(&self, source: io::Error) -> Error {
        unwritten(self.report, source)
    }
}

fn unwritten(report: &Report, source: io::Error) -> Error {
    Error::Write { what: format!("report {}", report.name), source }
}

/// Writes the rows of one section.
pub struct SectionWriter<'w, 'r, W: Write, D: Write> {
    writer: &'w mut ReportWriter<'r, W>,
    section: &'r Section,
    covers: Interval,
    header: Vec<u8>,
    rows: u64,
    totals: Totals,
    data_set: Fingerprinting<D>,
}

impl<W: Write, D: Write> SectionWriter<'_, '_, W, D> {
    /// Appends rows in the order they have. After an error the files are unusable.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        for offset in (0..batch.num_rows()).step_by(ROWS_AT_ONCE) {
            let rows = batch.slice(offset, ROWS_AT_ONCE.min(batch.num_rows() - offset));
            let mut text = self.text(&rows)?;
            self.writer.out.write(&text).map_err(|source| self.writer.unwritten(source))?;
            if self.rows == 0 {
                text.splice(..0, self.header.iter().copied());
            }
            self.data_set.write(&text).map_err(|source| data_set_unwritten(self.section, source))?;
            self.rows += rows.num_rows() as u64;
        }
        Ok(())
    }

    /// The sinks of the report file and of the data set, for a caller who carries on what gathered there.
    pub fn sinks(&mut self) -> (&mut W, &mut D) {
        (&mut self.writer.out.sink, &mut self.data_set.sink)
    }

    pub fn finish(self) -> Result<()> {
        let Self { writer, section, covers, rows, totals, data_set, .. } = self;
        let file = data_set.finish().map_err(|source| data_set_unwritten(section, source))?;
        writer.sections.push(WrittenSection {
            name: section.name.clone(),
            title: section.title.clone(),
            data_set: section.data_set.clone(),
            covers,
            rows,
            totals: totals.finish(|column| section.columns[column].header.clone()),
            file: (rows > 0).then_some(file),
        });
        Ok(())
    }

    fn text(&mut self, batch: &RecordBatch) -> Result<Vec<u8>> {
        let (report, section) = (self.writer.report, self.section);
        let columns = Columns::new(report, section, self.writer.sharing, batch)?;
        if columns.summed(section) != self.totals.summed() {
            return Err(self.writer.order(format!("section {}: a batch has other types than the schema it was begun with", section.name)));
        }
        let currencies = currencies(section);
        let (mut text, mut currency, mut amounts) = (String::new(), String::new(), Vec::new());
        for row in 0..batch.num_rows() {
            let fault = |at: usize, why: CellFault| why.in_row(report, section, &section.columns[at], self.rows + row as u64 + 1);
            currency.clear();
            for at in &currencies {
                if !currency.is_empty() {
                    currency.push('/');
                }
                columns.cells[*at].print(row, false, &mut currency).map_err(|why| fault(*at, why))?;
            }
            amounts.clear();
            let start = text.len();
            for (at, cells) in columns.cells.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                let cell = text.len();
                let amount = cells.print(row, report.formula_guard, &mut text).map_err(|why| fault(at, why))?;
                if cells.are_text() {
                    quote_from(&mut text, cell);
                }
                if cells.total_scale().is_some() {
                    amounts.push(amount.unwrap_or(0));
                }
            }
            if text.len() == start {
                text.push_str("\"\"");
            }
            text.push('\n');
            self.totals.add(&currency, &amounts).map_err(|at| fault(at, CellFault::SumTooLarge))?;
        }
        Ok(text.into_bytes())
    }
}

/// Puts the cell at the end of a text into quotes, if it needs them.
fn quote_from(text: &mut String, start: usize) {
    if text.as_bytes()[start..].iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        let cell = text.split_off(start).replace('"', "\"\"");
        text.push('"');
        text.push_str(&cell);
        text.push('"');
    }
}

/// The columns that say in which currency a row's amounts are: those with `currency` as a word of their name.
fn currencies(section: &Section) -> Vec<usize> {
    let names_currency = |name: &str| name.split('_').any(|word| word == "currency");
    section.columns.iter().enumerate().filter(|(_, column)| names_currency(&column.column)).map(|(at, _)| at).collect()
}

/// One record as CSV.
fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> io::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(cells).map_err(io::Error::from)?;
    csv.into_inner().map_err(csv::IntoInnerError::into_error)
}

fn data_set_unwritten(section: &Section, source: io::Error) -> Error {
    Error::Write { what: format!("data set {}", section.data_set), source }
}
