//! Writes a report file and its data sets while the rows come in: one batch at a time is in memory.
//!
//! UTF-8 without BOM, LF, quotes only where a cell needs them. A report of several sections has a title line, a header line and
//! the rows of each, with one empty line between sections; a report of one section has no title line. A row of one empty cell is
//! written as `""`, so an empty line always is the end of a section.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use takings_definitions::{Interval, Report, Section};

use crate::cells::{CellFault, Columns, Form};
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
        let rows = Rows {
            report,
            section,
            sharing: self.sharing,
            currencies: currencies(section),
            count: 0,
            totals: Totals::new(columns.summed(section)),
            text: Vec::new(),
        };
        let data_set = if self.is_one_data_set() { DataSet::SameAsFile(data_set) } else { DataSet::Own(Fingerprinting::new(data_set)) };
        Ok(SectionWriter { writer: self, covers, header, rows, data_set })
    }

    /// Whether the file has the bytes of its one data set, unless that has no row: a report of one section has no title line.
    pub fn is_one_data_set(&self) -> bool {
        self.report.sections.len() == 1
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
    covers: Interval,
    header: Vec<u8>,
    rows: Rows<'r>,
    data_set: DataSet<D>,
}

/// Where the rows of a section go besides the report file.
enum DataSet<D> {
    /// Its bytes are the file's, and so is their hash.
    SameAsFile(D),
    Own(Fingerprinting<D>),
}

impl<D: Write> DataSet<D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::SameAsFile(sink) => sink.write_all(bytes),
            Self::Own(sink) => sink.write(bytes),
        }
    }
}

impl<W: Write, D: Write> SectionWriter<'_, '_, W, D> {
    /// Appends rows in the order they have. After an error the files are unusable.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        for offset in (0..batch.num_rows()).step_by(ROWS_AT_ONCE) {
            let is_first = self.rows.count == 0;
            self.rows.print(&batch.slice(offset, ROWS_AT_ONCE.min(batch.num_rows() - offset)))?;
            self.writer.out.write(&self.rows.text).map_err(|source| self.writer.unwritten(source))?;
            let unwritten = |source| data_set_unwritten(self.rows.section, source);
            if is_first {
                self.data_set.write(&self.header).map_err(unwritten)?;
            }
            self.data_set.write(&self.rows.text).map_err(unwritten)?;
        }
        Ok(())
    }

    /// The sinks of the report file and of the data set, for a caller who carries on what gathered there.
    pub fn sinks(&mut self) -> (&mut W, &mut D) {
        let data_set = match &mut self.data_set {
            DataSet::SameAsFile(sink) => sink,
            DataSet::Own(sink) => &mut sink.sink,
        };
        (&mut self.writer.out.sink, data_set)
    }

    pub fn finish(self) -> Result<()> {
        let Self { writer, covers, rows: Rows { section, count, totals, .. }, data_set, .. } = self;
        let file = match data_set {
            DataSet::SameAsFile(mut sink) => sink.flush().map(|()| writer.out.so_far()),
            DataSet::Own(sink) => sink.finish(),
        };
        let file = file.map_err(|source| data_set_unwritten(section, source))?;
        writer.sections.push(WrittenSection {
            name: section.name.clone(),
            title: section.title.clone(),
            data_set: section.data_set.clone(),
            covers,
            rows: count,
            totals: totals.finish(|column| section.columns[column].header.clone()),
            file: (count > 0).then_some(file),
        });
        Ok(())
    }
}

/// Rows on their way to text.
struct Rows<'r> {
    report: &'r Report,
    section: &'r Section,
    sharing: bool,
    /// Columns that say in which currency a row's amounts are.
    currencies: Vec<usize>,
    /// Rows so far.
    count: u64,
    totals: Totals,
    /// Of the rows printed last.
    text: Vec<u8>,
}

impl Rows<'_> {
    /// Prints rows into `text`, over those before.
    fn print(&mut self, batch: &RecordBatch) -> Result<()> {
        let (report, section) = (self.report, self.section);
        let columns = Columns::new(report, section, self.sharing, batch)?;
        if columns.summed(section) != self.totals.summed() {
            let message = format!("section {}: a batch has other types than the schema it was begun with", section.name);
            return Err(Error::Order { report: report.name.clone(), message });
        }
        let form = Form { guard: report.formula_guard, quote: true };
        let summed: Vec<bool> = columns.cells.iter().map(|cells| cells.total_scale().is_some()).collect();
        let (mut currency, mut amounts) = (Vec::new(), Vec::new());
        self.text.clear();
        for row in 0..batch.num_rows() {
            let fault = |at: usize, why: CellFault| why.in_row(report, section, &section.columns[at], self.count + row as u64 + 1);
            currency.clear();
            for at in &self.currencies {
                if !currency.is_empty() {
                    currency.push(b'/');
                }
                columns.cells[*at].print(row, Form { guard: false, quote: false }, &mut currency).map_err(|why| fault(*at, why))?;
            }
            amounts.clear();
            let start = self.text.len();
            for (at, (cells, summed)) in columns.cells.iter().zip(&summed).enumerate() {
                if at > 0 {
                    self.text.push(b',');
                }
                let amount = cells.print(row, form, &mut self.text).map_err(|why| fault(at, why))?;
                if *summed {
                    amounts.push(amount.unwrap_or(0));
                }
            }
            if self.text.len() == start {
                self.text.extend_from_slice(b"\"\"");
            }
            self.text.push(b'\n');
            self.totals.add(&currency, &amounts).map_err(|at| fault(at, CellFault::SumTooLarge))?;
        }
        self.count += batch.num_rows() as u64;
        Ok(())
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
