//! Which delivered reports are stale: rows of what they cover became known after their known-at. Nothing is restated by itself.
//!
//! A row belongs to what a report covers by its business date, the date that its table is partitioned by. Tables without one hold
//! revisions of things, not events; they make nothing stale.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, Months, NaiveDate, TimeDelta, Utc};
use takings_definitions::{ColumnType, Instance, Interval, Job, Layer, Report, Table};
use takings_engine::{Parameters, ScanFile, Tables};
use takings_runs::{ModelState, StaleReport, StepFigures};
use uuid::Uuid;

use crate::context::{Context, now};
use crate::failure::Result;
use crate::report::covered;
use crate::run_key::{KeyHash, names_of_report};
use crate::step;
use crate::transform::Transformed;

/// How far back delivered reports are looked at.
const WINDOW: TimeDelta = TimeDelta::days(62);
/// So many ticks of a report are looked at, the newest.
const TICKS: u64 = 400;

/// Rows of one raw table that were known long after their business date, by minute of both.
struct Late {
    at: DateTime<Utc>,
    known: DateTime<Utc>,
    rows: u64,
}

/// A delivered report: what it covers and what it knew.
struct Delivered<'a> {
    job: &'a Job,
    report: &'a Report,
    instance: &'a Instance,
    tick: DateTime<Utc>,
    known_at: DateTime<Utc>,
    intervals: Vec<Interval>,
}

/// Under this name the ledger keeps what was looked at last.
const LOOKED_AT: &str = "stale reports";

/// Looks for stale reports, records and says them. Gives all that are stale. Where nothing was landed or delivered since the last look that came
/// to its end, there is nothing to see.
pub async fn find(context: &Context, run: Uuid, transformed: &Transformed, force: bool) -> Result<Vec<StaleReport>> {
    let delivered = delivered(context).await?;
    let looked_at = looked_at(context, transformed, &delivered);
    if !force && context.ledger.model_state(LOOKED_AT).await?.as_ref() == Some(&looked_at) {
        return Ok(Vec::new());
    }
    let stale = look(context, run, transformed, delivered).await?;
    context.ledger.set_model_state(Some(run), LOOKED_AT, &looked_at, now()).await?;
    Ok(stale)
}

/// The versions of the raw tables, and which reports stand.
fn looked_at(context: &Context, transformed: &Transformed, delivered: &[Delivered<'_>]) -> ModelState {
    let raw = |name: &str| context.project.tables.get(name).is_some_and(|table| table.layer == Layer::Raw);
    let inputs = transformed.versions.iter().filter(|(name, _)| raw(name)).map(|(name, version)| (name.clone(), *version)).collect();
    let reports = delivered.iter().fold(KeyHash::default(), |hash, found| {
        let times = format!("{} {}", found.tick.to_rfc3339(), found.known_at.to_rfc3339());
        hash.part(&found.report.name).part(&found.instance.name).part(&times)
    });
    ModelState { definition_hash: reports.finish(), inputs, version: 0 }
}

async fn look(context: &Context, run: Uuid, transformed: &Transformed, delivered: Vec<Delivered<'_>>) -> Result<Vec<StaleReport>> {
    step::recorded(context, run, "stale", async {
        let mut tables: BTreeMap<&str, Vec<&Table>> = BTreeMap::new();
        let mut read: BTreeMap<(&str, &str), Vec<&Delivered<'_>>> = BTreeMap::new();
        for found in &delivered {
            let of_report = match tables.entry(&found.report.name) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(event_tables(context, found.report)?),
            };
            for table in of_report {
                read.entry((&table.name, &found.instance.name)).or_default().push(found);
            }
        }
        let mut late: BTreeMap<(&str, &str), Vec<Late>> = BTreeMap::new();
        for ((table, instance), by) in read {
            late.insert((table, instance), late_rows(context, &transformed.tables, context.project.table(table)?, &by).await?);
        }
        for found in &delivered {
            let mut rows = 0;
            let mut until = found.known_at;
            for table in tables.get(found.report.name.as_str()).into_iter().flatten() {
                for row in late.get(&(table.name.as_str(), found.instance.name.as_str())).into_iter().flatten() {
                    if row.known > found.known_at && found.intervals.iter().any(|interval| row.at >= interval.start && row.at < interval.end) {
                        rows += row.rows;
                        until = until.max(row.known);
                    }
                }
            }
            if rows > 0 {
                say(context, found, rows, until).await?;
            }
        }
        let stale = context.ledger.stale_reports().await?;
        let figures = StepFigures { rows: stale.iter().map(|stale| stale.rows).sum(), files: stale.len() as u64, ..StepFigures::default() };
        Ok((stale, figures))
    })
    .await
}

async fn say(context: &Context, found: &Delivered<'_>, rows: u64, known_until: DateTime<Utc>) -> Result<()> {
    let stale = StaleReport {
        job: found.job.name.clone(),
        report: found.report.name.clone(),
        instance: found.instance.name.clone(),
        tick: found.tick,
        rows,
        known_until,
        found_at: now(),
    };
    if context.ledger.record_stale(&stale).await? {
        tracing::warn!(report = stale.report, instance = stale.instance, "{}", message(&stale));
    }
    Ok(())
}

/// What is stale, and how to mend it.
pub fn message(stale: &StaleReport) -> String {
    let tick = stale.tick.format("%Y-%m-%dT%H:%M:%SZ");
    format!(
        "report {} of {} at {tick} is stale: {} rows of what it covers became known later; `takings run {} --at {tick} --known-at now --restate` restates it",
        stale.report, stale.instance, stale.rows, stale.job
    )
}

/// The reports that stand, each tick with the latest known-at of its deliveries.
async fn delivered(context: &Context) -> Result<Vec<Delivered<'_>>> {
    let mut all = Vec::new();
    for report in &context.project.reports {
        let Some(job) = context.project.jobs.get(&report.job) else { continue };
        let standing = context.ledger.standing(&report.name, WINDOW, TICKS).await?;
        for instance in context.project.instances_of(&report.channel) {
            for found in standing.iter().filter(|found| found.instance == instance.name) {
                let of_job = job.recorded_tick(found.tick);
                let intervals = report.sections.iter().map(|section| covered(job, of_job, section)).collect();
                all.push(Delivered { job, report, instance, tick: found.tick, known_at: found.known_at, intervals });
            }
        }
    }
    Ok(all)
}

/// The raw tables that a report reads and that have a business date.
fn event_tables<'a>(context: &'a Context, report: &Report) -> Result<Vec<&'a Table>> {
    let names: BTreeSet<String> = names_of_report(&context.project, &context.graph, report)?;
    let tables = names.iter().filter_map(|name| context.project.tables.get(name));
    Ok(tables.filter(|table| table.layer == Layer::Raw && !table.partition_from.is_empty()).collect())
}

/// Rows that were known later than any on-time row of these reports of an instance can be, of the months that they cover.
async fn late_rows(context: &Context, tables: &Tables, table: &Table, by: &[&Delivered<'_>]) -> Result<Vec<Late>> {
    let spans = || by.iter().flat_map(|found| found.intervals.iter().map(|interval| (interval, found.known_at)));
    let (Some(instance), Some(lag)) = (by.first().map(|found| found.instance), spans().map(|(interval, known_at)| known_at - interval.end).min()) else {
        return Ok(Vec::new());
    };
    let covered: BTreeSet<NaiveDate> = spans().flat_map(|(interval, _)| months(interval)).collect();
    let is_covered = |file: &&ScanFile| file.month.is_none_or(|month| covered.contains(&month));
    let files: Vec<ScanFile> = tables.get(&table.name).into_iter().flatten().filter(is_covered).cloned().collect();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let dates: Vec<String> = table
        .partition_from
        .iter()
        .map(|name| match table.column(name).map(|column| &column.kind) {
            Some(ColumnType::Date) => format!("arrow_cast({name}, 'Timestamp(Microsecond, Some(\"UTC\"))')"),
            _ => name.clone(),
        })
        .collect();
    // Of other channels than its own a report reads all instances.
    let is_own = context.project.channels.get(&instance.channel).is_some_and(|channel| channel.exports.iter().any(|export| export.table == table.name));
    let own = if is_own { " where _instance = $instance" } else { "" };
    let sql = format!(
        "with dated as (select coalesce({}) as at, _known_at as known from {}{own})
         select date_trunc('minute', at) as at, max(known) as known, count(*) as n from dated where known > at + interval '{} seconds'
         group by date_trunc('minute', at), date_trunc('minute', known)",
        dates.join(", "),
        table.name,
        lag.num_seconds().max(0),
    );
    let parameters = Parameters::constants(&context.project.settings.parameters).text("instance", &instance.name);
    let mut session = context.engine.session(&context.project, &context.graph, Tables::from([(table.name.clone(), files)]), parameters);
    let what = format!("late rows of {}", table.name);
    let frame = session.plan_text(Path::new("stale"), &sql).await?;
    let mut late = Vec::new();
    for batch in session.collect(&what, frame).await? {
        let (at, known) = (batch.column(0).as_primitive::<TimestampMicrosecondType>(), batch.column(1).as_primitive::<TimestampMicrosecondType>());
        let rows = batch.column(2).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            if let (Some(at), Some(known)) = (DateTime::from_timestamp_micros(at.value(row)), DateTime::from_timestamp_micros(known.value(row))) {
                late.push(Late { at, known, rows: rows.value(row).unsigned_abs() });
            }
        }
    }
    Ok(late)
}

/// The first days of the months that an interval lies in.
fn months(interval: &Interval) -> impl Iterator<Item = NaiveDate> {
    let end = interval.end.date_naive();
    iter::successors(interval.start.date_naive().with_day(1), |month| month.checked_add_months(Months::new(1))).take_while(move |month| *month <= end)
}
