//! One export: files of one layout, or of several versions of it, and how their records become rows.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use super::check::{Check, Expect};
use super::column::ColumnSpec;
use super::frame::Frame;
use super::layout::LayoutVersion;
use super::parse_keys::ParseKeys;
use super::place::Place;
use super::rows::{Calculation, CellTest, Exclusion, Unpivot};
use super::text::TextForm;
use super::unpack::Unpack;
use crate::Result;

/// Files of one layout.
#[derive(Debug, Clone)]
pub struct Export {
    pub name: String,
    /// The raw table that its rows go to.
    pub table: String,
    /// Matched against the path below the instance's url; None: another part of the files of `part_of`.
    pub path: Option<Regex>,
    pub part_of: Option<String>,
    pub mode: Mode,
    /// Named groups of `path`: the newest file of the same values counts (`replace_period`).
    pub period_key: Vec<String>,
    /// Named groups of `path`, compared as text, before the order of landing.
    pub newest: Vec<String>,
    pub delete: Option<Delete>,
    pub duplicate_content: DuplicateContent,
    pub unpack: Unpack,
    pub text: TextForm,
    pub frame: Frame,
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
    pub unpivot: Option<Unpivot>,
    /// In order.
    pub calculate: Vec<Calculation>,
    pub checks: Vec<Check>,
    /// How many rows of a file may be quarantined before the file is stopped.
    pub quarantine_limit: u64,
    /// Versions of the layout, of which exactly one must fit a part; empty: the export itself is the only one.
    pub layouts: Vec<LayoutVersion>,
    pub(super) general: bool,
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

/// Whether the same bytes under a second path count again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateContent {
    #[default]
    Accept,
    Refuse,
}

/// Rows that end a version.
#[derive(Debug, Clone)]
pub struct Delete {
    /// A header.
    pub column: String,
    pub test: CellTest,
    /// The contract's bool column that says so.
    pub into: String,
}

impl Export {
    /// The header names that a table column may have.
    pub fn header_names<'a>(&'a self, column: &'a str) -> Vec<&'a str> {
        match self.headers.get(column) {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => vec![column],
        }
    }

    /// Whether it says more than a plain CSV export needs: its files are landed whole and read part by part.
    pub fn is_general(&self) -> bool {
        self.general
    }

    /// The export under which its files are landed.
    pub fn landed_as(&self) -> &str {
        self.part_of.as_deref().unwrap_or(&self.name)
    }

    /// Others read parts of its files.
    pub(super) fn read_whole(&mut self) {
        self.general = true;
    }

    /// The export as each version of its layout makes it; without versions itself.
    pub fn effective(&self) -> impl Iterator<Item = &Self> {
        let own = self.layouts.is_empty().then_some(self);
        own.into_iter().chain(self.layouts.iter().map(|layout| &layout.export))
    }
}

impl Export {
    /// What names another part of the export has to name something.
    pub(super) fn check_names(&self, place: Place<'_>) -> Result<()> {
        for (key, groups) in [("period_key", &self.period_key), ("newest", &self.newest)] {
            for (at, group) in groups.iter().enumerate() {
                let known: Vec<&str> = self.path.iter().flat_map(|path| path.capture_names().flatten()).collect();
                if self.path.is_some() && !known.contains(&group.as_str()) {
                    return Err(place.unknown(&format!("{key}/{at}"), format!("{key}: `{group}` is no named group of the path"), group, known));
                }
            }
        }
        if !self.period_key.is_empty() && self.mode != Mode::ReplacePeriod {
            return Err(place.wrong("period_key", "a period_key goes with mode = \"replace_period\""));
        }
        for (at, check) in self.checks.iter().enumerate() {
            if self.checks[..at].iter().any(|other| other.name == check.name) {
                return Err(place.wrong(&format!("checks/{at}/name"), format!("check `{}` is declared twice", check.name)));
            }
            let (what, known, name): (_, Vec<&str>, _) = match &check.expect {
                Some(Expect::Trailer(name)) => ("trailer", self.frame.trailers.iter().map(|trailer| trailer.name.as_str()).collect(), name),
                Some(Expect::Cell(name)) => ("cell", self.frame.cells.keys().map(String::as_str).collect(), name),
                _ => continue,
            };
            if !known.contains(&name.as_str()) {
                let key = format!("checks/{at}/expect/{what}");
                return Err(place.unknown(&key, format!("check `{}`: the frame has no {what} `{name}`", check.name), name, known));
            }
        }
        for (at, check) in self.checks.iter().enumerate().filter(|(_, check)| !check.by.is_empty()) {
            let says = |name: &str| match &check.expect {
                Some(Expect::Trailer(trailer)) => {
                    let mut patterns = self.frame.trailers.iter().filter(|other| other.name == *trailer).map(|other| &other.line);
                    patterns.any(|line| line.capture_names().flatten().any(|group| group == name))
                }
                _ => false,
            };
            if let Some(place_of) = check.by.iter().position(|name| !says(name)) {
                let name = &check.by[place_of];
                let message = format!("check `{}`: by `{name}` needs a trailer whose pattern captures `{name}` too", check.name);
                return Err(place.wrong(&format!("checks/{at}/by/{place_of}"), message).next(format!("write (?<{name}>…) in the trailer's pattern")));
            }
        }
        for (at, rule) in self.exclude.iter().enumerate() {
            if self.exclude[..at].iter().any(|other| other.name == rule.name) {
                return Err(place.wrong(&format!("exclude/{at}/name"), format!("exclude rule `{}` is declared twice", rule.name)));
            }
        }
        Ok(())
    }
}
