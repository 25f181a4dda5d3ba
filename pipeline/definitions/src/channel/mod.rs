//! Channel files: the exports of one place where the seller sells, and how each is recognised and read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde::Deserialize;

pub(crate) mod against;
mod column;
mod parse_keys;

pub use column::{BUILT_IN_TABLES, CellTest, ColumnSpec, Condition, DurationForm, Factor, Factors, Mapping, Period, Piece, Sign, Split, ValueSource};
pub use parse_keys::{BoolWords, Grouping, ParseKeys, Thousands};

use crate::{File, Result};

/// The schema version of channel files that this program reads.
const SCHEMA_VERSION: u32 = 1;

/// One channel: a place where the seller sells.
#[derive(Debug, Clone)]
pub struct Channel {
    pub name: String,
    pub title: String,
    pub exports: Vec<Export>,
    pub path: PathBuf,
    /// The file's text, for run keys.
    pub text: String,
}

/// Files of one layout.
#[derive(Debug, Clone)]
pub struct Export {
    pub name: String,
    /// The raw table that its rows go to.
    pub table: String,
    /// Matched against the path below the instance's url.
    pub path: Regex,
    pub mode: Mode,
    /// Table columns whose header must be there; a file without one is stopped.
    pub required: Vec<String>,
    pub unknown_columns: UnknownColumns,
    /// Table column → the header names it may have. Columns not named here use their own name.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Table or scratch column → where its value comes from.
    pub columns: BTreeMap<String, ColumnSpec>,
    /// How texts are written, for columns that don't say it themselves.
    pub parse: ParseKeys,
    /// Cell texts that mean "no value".
    pub nulls: Vec<String>,
    /// Formats of date-times, tried in order; UTC where the text names no zone.
    pub timestamps: Vec<String>,
    pub delimiter: u8,
    pub thousands: Option<char>,
    /// Records that are left out on purpose, each by a named rule.
    pub exclude: Vec<Exclusion>,
    /// How many rows of a file may be quarantined before the file is stopped.
    pub quarantine_limit: u64,
}

/// Records whose column has one of some values are left out and counted under the rule's name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    pub name: String,
    pub column: String,
    pub equals: Vec<String>,
}

/// What a new file means for the rows of earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Rows are added.
    Append,
    /// A new version of a file replaces the rows of its earlier version.
    ReplaceFile,
    /// A file replaces all rows of its period.
    ReplacePeriod,
    /// Every version of a row is published; SQL resolves them.
    Versioned,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownColumns {
    /// Columns that the layout does not know are left out, and the run says so.
    Warn,
    #[default]
    Stop,
}

impl Channel {
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let raw: RawChannel = crate::parse(path, text)?;
        let file = File { path, text };
        if raw.version != SCHEMA_VERSION {
            return Err(file
                .wrong("version", format!("channel schema version {} is not known", raw.version))
                .next(format!("this program reads version {SCHEMA_VERSION}")));
        }
        let exports = raw.exports.into_iter().enumerate().map(|(at, export)| export.checked(file, at)).collect::<Result<Vec<_>>>()?;
        for (at, export) in exports.iter().enumerate() {
            if exports[..at].iter().any(|other| other.name == export.name) {
                return Err(file.wrong(&format!("exports/{at}/name"), format!("export `{}` is declared twice", export.name)));
            }
        }
        Ok(Self { name: raw.channel, title: raw.title, exports, path: path.to_owned(), text: text.to_owned() })
    }

    pub(crate) fn file(&self) -> File<'_> {
        File { path: &self.path, text: &self.text }
    }

    pub fn export(&self, name: &str) -> Option<&Export> {
        self.exports.iter().find(|export| export.name == name)
    }

    /// The exports whose path pattern matches: one is right, none is unknown, more are ambiguous.
    pub fn recognise(&self, path: &str) -> Vec<&Export> {
        self.exports.iter().filter(|export| export.path.is_match(path)).collect()
    }
}

impl Export {
    /// The header names that a table column may have.
    pub fn header_names<'a>(&'a self, column: &'a str) -> Vec<&'a str> {
        match self.headers.get(column) {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => vec![column],
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChannel {
    version: u32,
    channel: String,
    title: String,
    exports: Vec<RawExport>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExport {
    name: String,
    table: String,
    path: String,
    mode: Mode,
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    unknown_columns: UnknownColumns,
    #[serde(default)]
    headers: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    columns: BTreeMap<String, ColumnSpec>,
    #[serde(default = "default_nulls")]
    nulls: Vec<String>,
    #[serde(default = "default_timestamps")]
    timestamps: Vec<String>,
    delimiter: Option<String>,
    thousands: Option<Thousands>,
    decimal: Option<char>,
    grouping: Option<Grouping>,
    currency_signs: Option<bool>,
    percent: Option<bool>,
    parentheses: Option<bool>,
    trailing_minus: Option<bool>,
    exponent: Option<bool>,
    whole_decimals: Option<bool>,
    #[serde(default, deserialize_with = "parse_keys::zone")]
    zone: Option<chrono_tz::Tz>,
    #[serde(default, deserialize_with = "parse_keys::zones")]
    zones: Option<BTreeMap<String, chrono::FixedOffset>>,
    years_from: Option<u16>,
    bool: Option<BoolWords>,
    #[serde(default)]
    exclude: Vec<Exclusion>,
    #[serde(default)]
    quarantine_limit: u64,
}

fn default_nulls() -> Vec<String> {
    vec![String::new()]
}

fn default_timestamps() -> Vec<String> {
    ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d"].map(str::to_owned).to_vec()
}

impl RawExport {
    fn checked(self, file: File<'_>, at: usize) -> Result<Export> {
        let wrong = |key: &str, what: String| file.wrong(&format!("exports/{at}/{key}"), format!("export `{}`: {what}", self.name));
        let pattern = Regex::new(&self.path).map_err(|error| wrong("path", format!("path pattern: {error}")))?;
        let delimiter = match self.delimiter.as_deref() {
            None => b',',
            Some(text) => match text.as_bytes() {
                [byte] => *byte,
                _ => return Err(wrong("delimiter", format!("delimiter {text:?} is not one byte"))),
            },
        };
        let parse = ParseKeys {
            decimal: self.decimal,
            thousands: self.thousands,
            grouping: self.grouping,
            currency_signs: self.currency_signs,
            percent: self.percent,
            parentheses: self.parentheses,
            trailing_minus: self.trailing_minus,
            exponent: self.exponent,
            whole_decimals: self.whole_decimals,
            nulls: Some(self.nulls.clone()),
            formats: Some(self.timestamps.clone()),
            zone: self.zone,
            zones: self.zones,
            years_from: self.years_from,
            bool: self.bool,
        };
        if let Some((key, what)) = parse.problem() {
            return Err(wrong(key, what));
        }
        Ok(Export {
            parse,
            table: self.table,
            path: pattern,
            mode: self.mode,
            required: self.required,
            unknown_columns: self.unknown_columns,
            headers: self.headers,
            columns: self.columns,
            nulls: self.nulls,
            timestamps: self.timestamps,
            delimiter,
            thousands: self.thousands.and_then(|mark| mark.0),
            exclude: self.exclude,
            quarantine_limit: self.quarantine_limit,
            name: self.name,
        })
    }
}
