//! What a report is made for: the part of a run that its metadata repeats. No time of the clock, no host, no place of a store.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use takings_definitions::{Instance, Interval, Tick};

use crate::Total;

/// One report of one instance at one tick.
#[derive(Debug, Clone)]
pub struct ReportRun<'a> {
    pub instance: &'a Instance,
    pub job: &'a str,
    pub tick: Tick,
    /// What the job covers at this tick.
    pub interval: Interval,
    pub known_at: DateTime<Utc>,
    pub run_key: &'a str,
    pub inputs: Vec<Input>,
    pub withheld: Vec<Withheld>,
    pub warnings: Vec<String>,
}

/// A landed file that the report's exports were read from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Input {
    pub export: String,
    /// Counts from the instance's url.
    pub path: String,
    pub sha256: String,
}

/// Rows of an input that stand in quarantine and so are missing in the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    pub export: String,
    pub path: String,
    pub rows: u64,
    pub amounts: Vec<Total>,
}

/// `2026-03-15T00:00:00Z`, with as many parts of a second as there are.
pub(crate) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
