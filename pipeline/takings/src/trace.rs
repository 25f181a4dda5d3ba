//! From a printed row back to the raw lines: the model rows behind it, proven by printing the row from them alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use chrono::{DateTime, Utc};
use takings_decode::FileIdentity;
use takings_decode::general::RawRecord;
use takings_definitions::{Channel, Export, Instance, Report, Section};
use takings_engine::Session;
use takings_reports::{Manifest, ReportWriter, SectionRows};
use takings_sources::LandingRecord;

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::general::General;
use crate::report::{self, Night};
use crate::{commands, pull};

/// A printed row and where it comes from.
#[derive(Debug, serde::Serialize)]
pub struct Traced {
    pub report: String,
    pub section: String,
    pub header: Vec<String>,
    pub cells: Vec<String>,
    pub model: String,
    /// Whether the section's SQL gives the printed row from these model rows alone.
    pub proven: bool,
    pub lines: Vec<RawLine>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct RawLine {
    pub path: String,
    pub line: i64,
    pub raw: String,
}

/// Traces row `row` (from 1) of section `section` (from 1) of a report file.
pub async fn trace(context: &Context, file: &Path, section: usize, row: usize) -> Result<Traced> {
    let manifest = manifest_of(file)?;
    let report = context.project.report(&manifest.report)?;
    let Some(instance) = context.project.instances_of(&report.channel).find(|instance| instance.name == manifest.instance) else {
        return Err(Failure::usage(format!("the report is of instance {}, which is not configured", manifest.instance)));
    };
    let Some(definition) = section.checked_sub(1).and_then(|at| report.sections.get(at)) else {
        return Err(Failure::usage(format!("{} has sections 1 to {}", report.name, report.sections.len())));
    };
    let printed = printed_row(file, report, definition, row)?;
    let Some(how) = &definition.trace else {
        return Err(Failure::usage(format!("{}: section `{}` declares no trace", report.path.display(), definition.name)));
    };
    let job = context.project.job(&report.job)?;
    let tables = commands::snapshot_tables(context, None).await?;
    let tick = job.recorded_tick(time(&manifest.tick)?);
    let night = Night {
        job,
        tick,
        known_at: time(&manifest.known_at)?,
        tables: &tables,
        engine: context.engine.clone(),
        stopped: &std::collections::BTreeSet::new(),
        small: report::SmallViews::default(),
        force: false,
        restate: false,
    };

    let mut session = report::section_session(context, &night, instance, definition, false);
    let batches = section_batches(context, &mut session, report, definition).await?;
    let place = place_of(&night, report, instance, definition, &batches, &printed, row)?;
    let (batch, at) = place.ok_or_else(|| {
        Failure::run(format!("the current snapshot no longer gives row {row} of section {section}; run the job again with --force to see what has changed"))
    })?;
    let mut conditions = vec![format!("({})", how.filter.as_deref().unwrap_or("true"))];
    for (from, column) in &how.keys {
        conditions.push(takings_engine::same_value(column, &batch, from, at)?);
    }
    let condition = conditions.join(" and ");

    let mut model = report::section_session(context, &night, instance, definition, false);
    let frame = model.plan_text(&report.path, &format!("select distinct _file_id, _line from {} where {condition}", how.model)).await?;
    let places = file_lines(&model.collect(&how.model, frame).await?);
    let lines = raw_lines(context, places).await?;

    let mut alone = report::section_session(context, &night, instance, definition, false).with_filter(&how.model, &condition);
    let batches = section_batches(context, &mut alone, report, definition).await?;
    let again = print(&night, report, instance, definition, &batches)?;
    let proven = again.rows.contains(&printed.1);
    Ok(Traced { report: report.name.clone(), section: definition.title.clone(), header: printed.0, cells: printed.1, model: how.model.clone(), proven, lines })
}

fn manifest_of(file: &Path) -> Result<Manifest> {
    let mut path = file.as_os_str().to_owned();
    path.push(".manifest.json");
    let path = PathBuf::from(path);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::usage(format!("{}: {error}; trace needs a report file as Takings wrote it, with its manifest beside it", path.display())))?;
    Ok(Manifest::parse(&path.display().to_string(), &text)?)
}

fn time(text: &str) -> Result<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).map_err(|error| Failure::run(format!("the manifest's time {text}: {error}")))
}

/// Header and cells of the row, as the file has them.
fn printed_row(file: &Path, report: &Report, section: &Section, row: usize) -> Result<(Vec<String>, Vec<String>)> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
    let sections = takings_reports::read_report(&text, report)?;
    let Some(found) = sections.into_iter().find(|found| found.name == section.name) else {
        return Err(Failure::run(format!("{} has no section {}", file.display(), section.title)));
    };
    let rows = found.rows.len();
    match row.checked_sub(1).and_then(|at| found.rows.into_iter().nth(at)) {
        Some(cells) => Ok((found.header, cells)),
        None => Err(Failure::usage(format!("section {} has rows 1 to {rows}", section.title))),
    }
}

async fn section_batches(context: &Context, session: &mut Session<'_>, report: &Report, section: &Section) -> Result<Vec<RecordBatch>> {
    let frame = report::section_rows(context, session, report, section).await?;
    let schema = std::sync::Arc::new(frame.schema().as_arrow().clone());
    let mut batches = session.collect(&format!("{}/{}", report.name, section.name), frame).await?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    Ok(batches)
}

/// The section alone, printed and read back.
fn print(night: &Night<'_>, report: &Report, instance: &Instance, section: &Section, batches: &[RecordBatch]) -> Result<SectionRows> {
    let alone = Report { sections: vec![section.clone()], ..report.clone() };
    let mut text = Vec::new();
    let mut writer = ReportWriter::new(&alone, instance.enhanced_data_sharing, &mut text);
    let covered = report::covered(night.job, night.tick, section);
    let Some(first) = batches.first() else { return Err(Failure::run("no rows")) };
    let mut rows = writer.section(&section.name, covered, first.schema(), std::io::sink())?;
    for batch in batches {
        rows.write(batch)?;
    }
    rows.finish()?;
    writer.finish()?;
    let text = String::from_utf8_lossy(&text).into_owned();
    takings_reports::read_report(&text, &alone)?.into_iter().next().ok_or_else(|| Failure::run("no section"))
}

/// The batch and place of the printed row: the same row number if it still prints the same, else any row that does.
fn place_of(
    night: &Night<'_>,
    report: &Report,
    instance: &Instance,
    section: &Section,
    batches: &[RecordBatch],
    printed: &(Vec<String>, Vec<String>),
    row: usize,
) -> Result<Option<(RecordBatch, usize)>> {
    let now = print(night, report, instance, section, batches)?;
    let same = now.rows.get(row - 1).is_some_and(|cells| *cells == printed.1);
    let found = if same { Some(row - 1) } else { now.rows.iter().position(|cells| *cells == printed.1) };
    let Some(mut at) = found else { return Ok(None) };
    for batch in batches {
        if at < batch.num_rows() {
            return Ok(Some((batch.clone(), at)));
        }
        at -= batch.num_rows();
    }
    Ok(None)
}

fn file_lines(batches: &[RecordBatch]) -> Vec<(String, i64)> {
    let mut places = Vec::new();
    for batch in batches {
        let Ok(files) = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8) else { continue };
        let lines = batch.column(1).as_primitive::<arrow::datatypes::Int64Type>();
        places.extend((0..batch.num_rows()).filter(|row| files.is_valid(*row)).map(|row| (files.as_string::<i32>().value(row).to_owned(), lines.value(row))));
    }
    places.sort();
    places
}

async fn raw_lines(context: &Context, places: Vec<(String, i64)>) -> Result<Vec<RawLine>> {
    let landed = pull::landed(context, &[]).await?;
    let records: BTreeMap<&str, &LandingRecord> = landed.values().flatten().map(|record| (record.file_id.as_str(), record)).collect();
    let mut lines = Vec::new();
    // Files of the general way are read once for all their lines.
    let mut whole: BTreeMap<&str, (&Channel, &LandingRecord, BTreeSet<i64>)> = BTreeMap::new();
    for (file, line) in &places {
        let Some(record) = records.get(file.as_str()) else {
            return Err(Failure::run(format!("the landing zone has no file {file}")));
        };
        match context.project.channels.get(&record.channel).filter(|channel| channel.export(&record.export).is_some_and(Export::is_general)) {
            Some(channel) => {
                whole.entry(file).or_insert_with(|| (channel, record, BTreeSet::new())).2.insert(*line);
            }
            None => {
                let raw = context.landing.raw_record(record, line.unsigned_abs()).await?;
                lines.push(RawLine { path: record.source_path.clone(), line: *line, raw });
            }
        }
    }
    for (channel, record, wanted) in whole.into_values() {
        lines_of_whole_file(context, channel, record, &wanted, &mut lines)?;
    }
    lines.sort();
    lines.dedup();
    Ok(lines)
}

/// These lines of a file of the general way, of all exports that read it.
fn lines_of_whole_file(context: &Context, channel: &Channel, record: &LandingRecord, wanted: &BTreeSet<i64>, lines: &mut Vec<RawLine>) -> Result<()> {
    let file = FileIdentity { instance: record.instance.clone(), file_id: record.file_id.clone(), path: record.source_path.clone() };
    for export in channel.exports.iter().filter(|export| export.landed_as() == record.export) {
        let table = context.project.table(&export.table)?;
        General::new(&context.engine, &context.project, channel, export, table)?.records(context, &file, record, |RawRecord { part, line, raw }| {
            let line = line.cast_signed();
            if wanted.contains(&line) {
                let path = if part.is_empty() { record.source_path.clone() } else { format!("{} {part}", record.source_path) };
                lines.push(RawLine { path, line, raw });
            }
            Ok(())
        })?;
    }
    Ok(())
}
