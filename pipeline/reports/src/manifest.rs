//! `<file>.manifest.json`: what a delivered report holds and what it was made from. It is written last: a report without one is
//! not delivered yet.

use serde::{Deserialize, Serialize};
use takings_definitions::{Interval, Report};

use crate::run::instant;
use crate::{Error, Fingerprint, Input, Layout, ReportRun, Result, Total, Withheld, Written, WrittenSection};

/// The members of the file, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub report: String,
    pub channel: String,
    pub instance: String,
    pub job: String,
    pub tick: String,
    /// What the job covers at the tick.
    pub interval: Period,
    pub known_at: String,
    pub run_key: String,
    /// The name of the report file, which stands beside this one.
    pub file: String,
    pub sha256: String,
    pub bytes: u64,
    pub sections: Vec<SectionManifest>,
    pub inputs: Vec<Input>,
    pub withheld: Vec<Withheld>,
    pub warnings: Vec<String>,
}

/// `start` is in, `end` is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    pub start: String,
    pub end: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionManifest {
    pub name: String,
    pub title: String,
    /// What the section covers; not every section covers the job's interval.
    pub interval: Period,
    pub rows: u64,
    pub totals: Vec<Total>,
    pub data_set: String,
    /// `None` where the section is empty.
    pub data_set_file: Option<DataSetFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSetFile {
    /// Counts from the store.
    pub path: String,
    pub sha256: String,
    pub bytes: u64,
}

impl Manifest {
    /// Inputs, withheld rows and warnings are put into an order of their own: the order in which they were found does not show.
    pub fn new(report: &Report, run: &ReportRun, written: &Written, layout: &Layout, revision: u32) -> Self {
        let mut inputs = run.inputs.clone();
        inputs.sort();
        inputs.dedup();
        let mut withheld = run.withheld.clone();
        withheld.sort_by(|one, other| (&one.export, &one.path).cmp(&(&other.export, &other.path)));
        let mut warnings = run.warnings.clone();
        warnings.sort();
        warnings.dedup();
        Self {
            report: report.name.clone(),
            channel: run.instance.channel.clone(),
            instance: run.instance.name.clone(),
            job: run.job.to_owned(),
            tick: run.tick.to_string(),
            interval: Period::of(run.interval),
            known_at: instant(run.known_at),
            run_key: run.run_key.to_owned(),
            file: layout.file(revision),
            sha256: written.file.sha256.clone(),
            bytes: written.file.bytes,
            sections: written.sections.iter().map(|section| SectionManifest::of(section, layout, revision)).collect(),
            inputs,
            withheld,
            warnings,
        }
    }

    /// Reads a manifest back; `path` names it in errors.
    pub fn parse(path: &str, text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| Error::File {
            place: format!("{path}:{}:{}", error.line(), error.column()),
            message: format!("not a manifest of a report: {}", what(&error)),
            next: "put the file back as it was written, or move it away together with its report to have both made again".to_owned(),
        })
    }

    pub fn to_json(&self) -> String {
        pretty(self)
    }
}

impl Period {
    fn of(interval: Interval) -> Self {
        Self { start: instant(interval.start), end: instant(interval.end) }
    }
}

impl SectionManifest {
    fn of(section: &WrittenSection, layout: &Layout, revision: u32) -> Self {
        Self {
            name: section.name.clone(),
            title: section.title.clone(),
            interval: Period::of(section.covers),
            rows: section.rows,
            totals: section.totals.clone(),
            data_set: section.data_set.clone(),
            data_set_file: section.file.clone().map(|Fingerprint { sha256, bytes }| DataSetFile {
                path: layout.data_set_path(&section.data_set, revision),
                sha256,
                bytes,
            }),
        }
    }
}

/// Two spaces, members in the order of their declaration, one newline at the end.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    // Only a map with keys that are not text or a failing writer could make this fail, and there is neither.
    let mut text = serde_json::to_string_pretty(value).expect("structs of text and numbers are JSON");
    text.push('\n');
    text
}

/// What is wrong with a JSON text, without the place, which is named apart from it.
pub(crate) fn what(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(what, _)| what.to_owned())
}
