//! Report files: sections, columns and how a printed row is traced.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{File, Result};

/// One report: a named CSV of sections.
#[derive(Debug, Clone)]
pub struct Report {
    pub name: String,
    pub title: String,
    pub job: String,
    pub channel: String,
    /// File name with `{tick}` for the tick's date.
    pub file: String,
    /// Exports of the channel that it depends on.
    pub exports: Vec<String>,
    /// Made only where the instance has enhanced data sharing.
    pub sharing_only: bool,
    /// SQL; the report is made when it gives a row.
    pub made_when: Option<String>,
    /// Whether text cells that a spreadsheet would take for a formula get a leading `'`.
    pub formula_guard: bool,
    /// Views that several sections read: their rows are made once for an interval, and held.
    pub shared: Vec<String>,
    pub description: String,
    pub rules: Vec<String>,
    pub sections: Vec<Section>,
    pub path: PathBuf,
    /// The file's text, for run keys.
    pub text: String,
}

#[derive(Debug, Clone)]
pub struct Section {
    pub name: String,
    pub title: String,
    pub data_set: String,
    /// The covered day is the tick minus so many days, where it is not the job's interval.
    pub days_before: Option<u32>,
    pub sort: Vec<SortKey>,
    pub trace: Option<Trace>,
    pub columns: Vec<ReportColumn>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    pub column: String,
    pub descending: bool,
}

/// How the model rows behind a printed row are found.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    pub model: String,
    /// Output column of the section → column of the model.
    #[serde(default)]
    pub keys: BTreeMap<String, String>,
    pub filter: Option<String>,
}

#[derive(Debug, Clone)]
pub struct ReportColumn {
    pub header: String,
    /// Output column of the section's SQL.
    pub column: String,
    pub kind: ColumnKind,
    /// Stands empty unless the instance has enhanced data sharing.
    pub sharing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text, date, date-time or integer: printed as it is.
    Plain,
    Decimal(Digits),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digits {
    Exactly(u8),
    /// As the feed has it, without trailing zeros.
    Feed,
}

impl Report {
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let raw: RawReport = crate::parse(path, text)?;
        let file = File { path, text };
        if !raw.file.contains("{tick}") {
            return Err(file.wrong("file", format!("file = \"{}\" does not contain {{tick}}", raw.file)).next("two ticks would write the same file"));
        }
        let mut sections = Vec::new();
        for (at, section) in raw.sections.into_iter().enumerate() {
            sections.push(section.checked(&raw.report, raw.days_before, file, at)?);
        }
        if sections.is_empty() {
            return Err(file.wrong("sections", "a report needs at least one section"));
        }
        Ok(Self {
            name: raw.report,
            title: raw.title,
            job: raw.job,
            channel: raw.channel,
            file: raw.file,
            exports: raw.exports,
            sharing_only: raw.sharing_only,
            made_when: raw.made_when,
            formula_guard: raw.formula_guard,
            shared: raw.shared,
            description: raw.description,
            rules: raw.rules,
            sections,
            path: path.to_owned(),
            text: text.to_owned(),
        })
    }

    pub(crate) fn file(&self) -> File<'_> {
        File { path: &self.path, text: &self.text }
    }

    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReport {
    report: String,
    title: String,
    job: String,
    channel: String,
    file: String,
    #[serde(default)]
    exports: Vec<String>,
    #[serde(default)]
    sharing_only: bool,
    made_when: Option<String>,
    #[serde(default = "yes")]
    formula_guard: bool,
    days_before: Option<u32>,
    #[serde(default)]
    shared: Vec<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    rules: Vec<String>,
    sections: Vec<RawSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSection {
    name: String,
    title: String,
    data_set: Option<String>,
    days_before: Option<u32>,
    #[serde(default)]
    sort: Vec<String>,
    trace: Option<Trace>,
    columns: Vec<RawReportColumn>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReportColumn {
    header: String,
    column: Option<String>,
    digits: Option<RawDigits>,
    #[serde(default)]
    sharing: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawDigits {
    Number(u8),
    Word(String),
}

fn yes() -> bool {
    true
}

impl RawSection {
    fn checked(self, report: &str, days_before: Option<u32>, file: File<'_>, at: usize) -> Result<Section> {
        let name = self.name;
        let wrong = |place: usize, what: String| file.wrong(&format!("sections/{at}/columns/{place}/digits"), format!("section `{name}`, {what}"));
        let columns =
            self.columns.into_iter().enumerate().map(|(place, column)| column.checked().map_err(|what| wrong(place, what))).collect::<Result<Vec<_>>>()?;
        let sort = self
            .sort
            .iter()
            .map(|key| match key.strip_prefix('-') {
                Some(column) => SortKey { column: column.to_owned(), descending: true },
                None => SortKey { column: key.clone(), descending: false },
            })
            .collect();
        Ok(Section {
            data_set: self.data_set.unwrap_or_else(|| format!("{report}_{name}")),
            title: self.title,
            days_before: self.days_before.or(days_before),
            sort,
            trace: self.trace,
            columns,
            name,
        })
    }
}

impl RawReportColumn {
    fn checked(self) -> Result<ReportColumn, String> {
        let kind = match self.digits {
            None => ColumnKind::Plain,
            Some(RawDigits::Number(digits)) if digits <= 18 => ColumnKind::Decimal(Digits::Exactly(digits)),
            Some(RawDigits::Number(digits)) => {
                return Err(format!("column \"{}\": {digits} digits are too many (18 at most)", self.header));
            }
            Some(RawDigits::Word(word)) if word == "feed" => ColumnKind::Decimal(Digits::Feed),
            Some(RawDigits::Word(word)) => {
                return Err(format!("column \"{}\": digits = \"{word}\" is not known; write a number or \"feed\"", self.header));
            }
        };
        Ok(ReportColumn { column: self.column.unwrap_or_else(|| snake_case(&self.header)), header: self.header, kind, sharing: self.sharing })
    }
}

/// `User's State` → `users_state`.
fn snake_case(header: &str) -> String {
    let mut name = String::with_capacity(header.len());
    for character in header.chars().filter(|character| *character != '\'') {
        if character.is_ascii_alphanumeric() {
            name.push(character.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    name.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_give_column_names() {
        for (header, column) in [
            ("User's State", "users_state"),
            ("U.S. Sales Tax Refunds Amount", "u_s_sales_tax_refunds_amount"),
            ("# of Payments", "of_payments"),
            ("Uncollected (< 31 days pending)", "uncollected_31_days_pending"),
        ] {
            assert_eq!(snake_case(header), column);
        }
    }

    #[test]
    fn a_file_name_without_tick_is_refused() {
        let text = "report = \"r\"\ntitle = \"R\"\njob = \"j\"\nchannel = \"c\"\nfile = \"r.csv\"\nsections = []\n";
        let error = Report::parse(Path::new("config/reports/r.toml"), text).unwrap_err().to_string();
        assert!(error.contains("{tick}"), "{error}");
    }
}
