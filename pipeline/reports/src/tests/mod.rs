//! One `check` per boundary: what goes in as small tables and definitions, what comes out as text.

mod cells;
mod delivery;
mod files;
mod metadata;
mod reading;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use chrono::{DateTime, NaiveDate, Utc};
use takings_definitions::{Instance, Interval, Patterns, Report, Tick};

use crate::{Input, ReportRun, ReportWriter, Result, Written};

/// A report of the sections (name, title and column lines each).
fn report(sections: &[(&str, &str, &str)]) -> Report {
    let mut text = "report = \"fees\"\ntitle = \"Fees\"\njob = \"nightly\"\nchannel = \"aws_marketplace\"\nfile = \"fees_report_{tick}.csv\"\n".to_owned();
    for (name, title, columns) in sections {
        text.push_str(&format!("[[sections]]\nname = \"{name}\"\ntitle = {title}\ncolumns = [{columns}]\n", title = serde_json::json!(title)));
    }
    Report::parse(Path::new("config/reports/fees.toml"), &text).unwrap()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

fn texts(cells: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(cells.to_vec()))
}

/// What the writer made: the report file, the data sets by section, and the account of both.
struct Made {
    file: String,
    data_sets: Vec<String>,
    written: Written,
}

/// Writes a report with one batch list per section.
fn write(report: &Report, sharing: bool, sections: &[Vec<RecordBatch>]) -> Result<Made> {
    let (mut file, mut data_sets) = (Vec::new(), Vec::new());
    let mut writer = ReportWriter::new(report, sharing, &mut file);
    for (section, batches) in report.sections.iter().zip(sections) {
        let mut data_set = Vec::new();
        let mut rows = writer.section(&section.name, day("2026-03-14"), batches[0].schema(), &mut data_set)?;
        for batch in batches {
            rows.write(batch)?;
        }
        rows.finish()?;
        data_sets.push(String::from_utf8(data_set).unwrap());
    }
    let written = writer.finish()?;
    Ok(Made { file: String::from_utf8(file).unwrap(), data_sets, written })
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> Interval {
    let start = at(&format!("{text}T00:00:00Z"));
    Interval { start, end: start + chrono::TimeDelta::days(1) }
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn instance() -> Instance {
    Instance {
        channel: "aws_marketplace".to_owned(),
        name: "main".to_owned(),
        url: "file:///somewhere".to_owned(),
        seller_account: "012345678901".to_owned(),
        enhanced_data_sharing: false,
        ignore: Patterns::default(),
    }
}

fn run<'a>(instance: &'a Instance, run_key: &'a str) -> ReportRun<'a> {
    ReportRun {
        instance,
        job: "nightly",
        tick: Tick { at: at("2026-03-15T00:00:00Z"), date: date("2026-03-15") },
        interval: day("2026-03-14"),
        known_at: at("2026-03-16T00:00:00Z"),
        run_key,
        inputs: vec![input("billing_event", "b.csv", "bb"), input("account", "a.csv", "aa"), input("billing_event", "b.csv", "bb")],
        withheld: Vec::new(),
        warnings: vec!["second".to_owned(), "first".to_owned()],
    }
}

fn input(export: &str, path: &str, sha256: &str) -> Input {
    Input { export: export.to_owned(), path: path.to_owned(), sha256: sha256.to_owned() }
}
