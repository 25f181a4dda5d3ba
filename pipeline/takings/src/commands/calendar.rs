//! The calendar of `takings runs`: per job and tick, what ran, is due, late, missing or stale.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde_json::json;
use takings_definitions::{Job, Tick};
use takings_runs::{Ledger, TickFilter, TickRecord, TickState};

use crate::cli::{Cli, RunsArgs};
use crate::context::{Context, now};
use crate::failure::Result;
use crate::output;

/// One tick of a job's calendar, with what the ledger knows of it.
struct Entry {
    tick: Tick,
    record: Option<TickRecord>,
    /// Delivered reports of it that are stale.
    stale: Vec<String>,
    standing: Standing,
}

/// How a tick stands, the most pressing first where several hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    GivenUp,
    Failed,
    /// Overdue, and nobody is at work on it.
    Late,
    /// Settled, and the ledger does not know it.
    Missing,
    Running,
    Due,
    Stale,
    Skipped,
    Delivered,
    Nothing,
    Empty,
    /// Its time has not come.
    Ahead,
}

impl Standing {
    const ALL: [Self; 12] = [
        Self::Delivered,
        Self::Nothing,
        Self::Empty,
        Self::Stale,
        Self::Running,
        Self::Due,
        Self::Late,
        Self::Missing,
        Self::Failed,
        Self::GivenUp,
        Self::Skipped,
        Self::Ahead,
    ];

    fn of(record: Option<&TickRecord>, due: bool, late: bool, stale: bool) -> Self {
        match record.map(|record| record.state) {
            None if !due => Self::Ahead,
            None if late => Self::Late,
            None => Self::Missing,
            Some(TickState::GivenUp) => Self::GivenUp,
            Some(TickState::Failed) => Self::Failed,
            Some(state) if state.is_running() => Self::Running,
            Some(TickState::Due) if late => Self::Late,
            Some(TickState::Due) => Self::Due,
            Some(TickState::Skipped) => Self::Skipped,
            Some(TickState::Delivered) if stale => Self::Stale,
            Some(TickState::Delivered) => Self::Delivered,
            Some(TickState::Empty) => Self::Empty,
            Some(_) => Self::Nothing,
        }
    }

    fn sign(self) -> char {
        match self {
            Self::GivenUp => 'X',
            Self::Failed => 'F',
            Self::Late => 'L',
            Self::Missing => '?',
            Self::Running => '>',
            Self::Due => 'd',
            Self::Stale => 's',
            Self::Skipped => '-',
            Self::Delivered => '#',
            Self::Nothing => '0',
            Self::Empty => 'e',
            Self::Ahead => '.',
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::GivenUp => "given up",
            Self::Failed => "failed, to be tried again",
            Self::Late => "late",
            Self::Missing => "missing",
            Self::Running => "running",
            Self::Due => "due",
            Self::Stale => "stale",
            Self::Skipped => "skipped",
            Self::Delivered => "delivered",
            Self::Nothing => "nothing to deliver",
            Self::Empty => "no file",
            Self::Ahead => "settles later",
        }
    }
}

/// A line of signs per job, one a day.
pub async fn strips(args: &RunsArgs, context: &Context) -> Result<()> {
    let now = now();
    let last = now.date_naive();
    let days: Vec<NaiveDate> = (0..u64::from(args.days.max(1))).rev().map(|back| last - Days::new(back)).collect();
    let jobs = jobs(args, context)?;
    let width = jobs.iter().map(|job| job.name.len()).max().unwrap_or(0);
    let mut used = BTreeSet::new();
    let months: String = days.iter().map(|day| if day.format("%d").to_string() == "01" { '|' } else { ' ' }).collect();
    let mut lines = Vec::new();
    for job in jobs {
        let mut of_day: BTreeMap<NaiveDate, Standing> = BTreeMap::new();
        for entry in entries(&context.ledger, job, args.days, now).await? {
            let shown = of_day.entry(entry.tick.date).or_insert(entry.standing);
            *shown = entry.standing.min(*shown);
        }
        used.extend(of_day.values().copied());
        let line: String = days.iter().map(|day| of_day.get(day).map_or(' ', |standing| standing.sign())).collect();
        lines.push(format!("{:width$}  {}", job.name, line.trim_end()));
    }
    let (Some(first), Some(end)) = (days.first(), days.last()) else { return Ok(()) };
    println!("ticks from {first} to {end}");
    if months.contains('|') {
        println!("{:width$}  {}", "", months.trim_end());
    }
    println!("{}", lines.join("\n"));
    let legend: Vec<String> =
        Standing::ALL.into_iter().filter(|standing| used.contains(standing)).map(|standing| format!("{} {}", standing.sign(), standing.word())).collect();
    if !legend.is_empty() {
        println!("{}", legend.join(", "));
    }
    println!();
    Ok(())
}

/// Every tick in a table.
pub async fn ticks(cli: &Cli, args: &RunsArgs, context: &Context) -> Result<()> {
    let now = now();
    let mut rows = Vec::new();
    let mut objects = Vec::new();
    for job in jobs(args, context)? {
        for entry in entries(&context.ledger, job, args.days, now).await? {
            let record = entry.record.as_ref();
            let stale = (!entry.stale.is_empty()).then(|| format!("stale: {}", entry.stale.join(", ")));
            let late = record.and_then(|record| record.late_since).map(|since| format!("late since {}", second(since)));
            let notes: Vec<String> = [stale, late, record.and_then(|record| record.note.clone())].into_iter().flatten().collect();
            objects.push(json!({
                "job": job.name, "tick": entry.tick.to_string(), "day": entry.tick.date.to_string(), "covers": job.interval(entry.tick).to_string(),
                "due": second(job.due_at(entry.tick)), "standing": entry.standing.word(), "state": record.map(|record| record.state.as_str()),
                "failures": record.map_or(0, |record| record.failures), "run": record.and_then(|record| record.run),
                "late_since": record.and_then(|record| record.late_since).map(second), "stale": entry.stale, "note": record.and_then(|record| record.note.clone()),
            }));
            rows.push(vec![job.name.clone(), entry.tick.to_string(), second(job.due_at(entry.tick)), entry.standing.word().to_owned(), notes.join("; ")]);
        }
    }
    if cli.json {
        output::json(&objects);
    } else {
        println!("{}", output::table(&["job", "tick", "due", "state", ""], rows, &[]));
    }
    Ok(())
}

fn jobs<'a>(args: &RunsArgs, context: &'a Context) -> Result<Vec<&'a Job>> {
    match &args.job {
        Some(name) => Ok(vec![context.project.job(name)?]),
        None => Ok(context.project.jobs.values().collect()),
    }
}

/// The ticks of the last days: those of the calendar since the first that the ledger knows of or the scheduler answers for, and any
/// other that was run.
async fn entries(ledger: &Ledger, job: &Job, days: u16, now: DateTime<Utc>) -> Result<Vec<Entry>> {
    let from = now - TimeDelta::days(i64::from(days));
    let filter = TickFilter { job: Some(job.name.clone()), ..TickFilter::default() };
    let mut known: BTreeMap<DateTime<Utc>, TickRecord> = ledger.ticks(&filter).await?.into_iter().map(|record| (record.tick, record)).collect();
    let start = match job.start {
        Some(day) => Some(job.day(day).start),
        None => ledger.recorded_start(&job.name).await?,
    };
    let first = start.or_else(|| known.keys().next().copied());
    let stale = ledger.stale_reports().await?;
    let mut ticks: BTreeMap<DateTime<Utc>, Tick> = known.keys().filter(|tick| **tick >= from).map(|tick| (*tick, job.recorded_tick(*tick))).collect();
    if let Some(first) = first {
        ticks.extend(job.calendar.between(first.max(from), now).into_iter().map(|tick| (tick.at, tick)));
    }
    Ok(ticks
        .into_values()
        .map(|tick| {
            let record = known.remove(&tick.at);
            let stale: Vec<String> = stale
                .iter()
                .filter(|stale| stale.job == job.name && stale.tick == tick.at)
                .map(|stale| format!("{} of {} ({} rows)", stale.report, stale.instance, stale.rows))
                .collect();
            let late = job.late_at(tick).is_some_and(|late| now >= late);
            let standing = Standing::of(record.as_ref(), now >= job.due_at(tick), late, !stale.is_empty());
            Entry { tick, record, stale, standing }
        })
        .collect())
}

fn second(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
