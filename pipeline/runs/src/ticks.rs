//! What each job owes, tick by tick: `due → claimed → running → published → delivered`, and what else can become of a tick.
//!
//! A tick follows the run that has claimed it. A failed run stays failed whatever becomes of its tick.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use takings_definitions::Interval;
use uuid::Uuid;

use crate::call::Change;
use crate::query::{Row, query};
use crate::row::{self, stamp};
use crate::{Error, Holder, Ledger, Result, RunState};

/// One tick of a job, as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickRecord {
    pub job: String,
    pub tick: DateTime<Utc>,
    pub interval: Interval,
    pub known_at: DateTime<Utc>,
    pub state: TickState,
    /// How many tries have failed since it was due.
    pub failures: u32,
    /// The run that claimed it last.
    pub run: Option<Uuid>,
    /// What it waits for, ran without or ended with.
    pub note: Option<String>,
    /// Since when it was overdue.
    pub late_since: Option<DateTime<Utc>>,
    pub changed_at: DateTime<Utc>,
}

/// A tick that became due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTick {
    pub job: String,
    pub tick: DateTime<Utc>,
    pub interval: Interval,
    pub known_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TickState {
    /// Its time has come; nobody has claimed it.
    Due,
    Claimed,
    Running,
    Published,
    /// Its reports stand.
    Delivered,
    /// It ran, and there was nothing to deliver.
    Nothing,
    /// Its exports have no file at all.
    Empty,
    /// Its last try failed; another is to come.
    Failed,
    /// All its tries failed.
    GivenUp,
    /// Missed or overlapped, and the job's rule is not to make it up.
    Skipped,
}

impl TickState {
    pub const ALL: [Self; 10] =
        [Self::Due, Self::Claimed, Self::Running, Self::Published, Self::Delivered, Self::Nothing, Self::Empty, Self::Failed, Self::GivenUp, Self::Skipped];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Claimed => "claimed",
            Self::Running => "running",
            Self::Published => "published",
            Self::Delivered => "delivered",
            Self::Nothing => "nothing",
            Self::Empty => "empty",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
            Self::Skipped => "skipped",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Nothing is owed any more.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Delivered | Self::Nothing | Self::Empty | Self::Skipped)
    }

    /// A run is at work on it.
    pub fn is_running(self) -> bool {
        matches!(self, Self::Claimed | Self::Running | Self::Published)
    }

    pub fn may_become(self, to: Self) -> bool {
        match to {
            // Given back, or its process died.
            Self::Due => self.is_running(),
            // A user may run any tick again.
            Self::Claimed => !self.is_running(),
            Self::Running => self == Self::Claimed,
            Self::Published => self == Self::Running,
            Self::Delivered => self == Self::Published,
            Self::Nothing | Self::Failed => self.is_running(),
            Self::Empty | Self::Skipped => matches!(self, Self::Due | Self::Failed),
            Self::GivenUp => self == Self::Failed,
        }
    }
}

impl fmt::Display for TickState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<RunState> for TickState {
    fn from(state: RunState) -> Self {
        match state {
            RunState::Claimed => Self::Claimed,
            RunState::Running => Self::Running,
            RunState::Published => Self::Published,
            RunState::Delivered => Self::Delivered,
            RunState::Failed => Self::Failed,
            RunState::Nothing => Self::Nothing,
        }
    }
}

/// One move of a tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickMove {
    pub state: TickState,
    pub at: DateTime<Utc>,
    pub host: String,
    pub program_version: String,
    pub run: Option<Uuid>,
    pub note: Option<String>,
}

/// Which ticks to list; what is `None` does not narrow.
#[derive(Debug, Clone, Default)]
pub struct TickFilter {
    pub job: Option<String>,
    /// At or after.
    pub from: Option<DateTime<Utc>>,
    /// At or before.
    pub to: Option<DateTime<Utc>>,
}

/// Who moves a tick, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mover<'a> {
    pub host: &'a str,
    pub version: &'a str,
    pub at: DateTime<Utc>,
}

impl<'a> Mover<'a> {
    pub(crate) fn of(holder: &'a Holder, at: DateTime<Utc>) -> Self {
        Self { host: &holder.host, version: &holder.program_version, at }
    }
}

impl Ledger {
    /// Records ticks as due; those that are known already stay as they are. Gives those that are new.
    pub async fn record_due(&self, due: &[NewTick], by: &Holder, now: DateTime<Utc>) -> Result<Vec<NewTick>> {
        let mut transaction = self.write("record_due").await?;
        let mut recorded = Vec::new();
        for tick in due {
            if insert(&mut transaction, tick, TickState::Due, None, None, Mover::of(by, now)).await? {
                recorded.push(tick.clone());
            }
        }
        transaction.commit().await?;
        Ok(recorded)
    }

    /// Moves a tick that no run has claimed: to empty, skipped or given up. `false`: it has moved on meanwhile, and stays.
    pub async fn close_tick(&self, job: &str, tick: DateTime<Utc>, to: TickState, note: &str, by: &Holder, now: DateTime<Utc>) -> Result<bool> {
        let mut transaction = self.write("close_tick").await?;
        let Some(from) = find(&mut transaction, job, tick).await? else { return Ok(false) };
        if from.state.is_running() || !from.state.may_become(to) {
            return Ok(false);
        }
        set(&mut transaction, &from, to, from.run, Some(note), Mover::of(by, now)).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Says what a due tick waits for.
    pub async fn note_tick(&self, job: &str, tick: DateTime<Utc>, note: &str) -> Result<()> {
        self.change(
            "note_tick",
            query("UPDATE ticks SET note = $1 WHERE job = $2 AND tick = $3 AND state = 'due' AND (note IS NULL OR note <> $1)")
                .bind(note)
                .bind(job)
                .bind(stamp(tick)),
        )
        .await?;
        Ok(())
    }

    /// Marks a tick as overdue, once. `true`: it was not marked before.
    pub async fn mark_late(&self, job: &str, tick: DateTime<Utc>, since: DateTime<Utc>) -> Result<bool> {
        let done = self
            .change(
                "mark_late",
                query("UPDATE ticks SET late_since = $1 WHERE job = $2 AND tick = $3 AND late_since IS NULL").bind(stamp(since)).bind(job).bind(stamp(tick)),
            )
            .await?;
        Ok(done == 1)
    }

    /// Ticks by job, the oldest first.
    pub async fn ticks(&self, filter: &TickFilter) -> Result<Vec<TickRecord>> {
        let rows = self
            .rows(
                "ticks",
                query(
                    "SELECT * FROM ticks WHERE (CAST($1 AS TEXT) IS NULL OR job = $1) AND (CAST($2 AS TEXT) IS NULL OR tick >= $2)
                 AND (CAST($3 AS TEXT) IS NULL OR tick <= $3)
             ORDER BY job, tick",
                )
                .bind(&filter.job)
                .bind(filter.from.map(stamp))
                .bind(filter.to.map(stamp)),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// How a tick came to where it is, the first move first.
    pub async fn tick_moves(&self, job: &str, tick: DateTime<Utc>) -> Result<Vec<TickMove>> {
        let rows =
            self.rows("tick_moves", query("SELECT * FROM tick_moves WHERE job = $1 AND tick = $2 ORDER BY position").bind(job).bind(stamp(tick))).await?;
        rows.iter().map(read_move).collect()
    }

    /// From which tick on the scheduler answers for a job: `first` when nothing was recorded before.
    pub async fn job_start(&self, job: &str, first: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
        self.change(
            "job_start",
            query("INSERT INTO job_starts (job, tick, recorded_at) VALUES ($1, $2, $3) ON CONFLICT (job) DO NOTHING")
                .bind(job)
                .bind(stamp(first))
                .bind(stamp(now)),
        )
        .await?;
        self.recorded_start(job).await.map(|start| start.unwrap_or(first))
    }

    /// The recorded start of a job, if the scheduler has seen it.
    pub async fn recorded_start(&self, job: &str) -> Result<Option<DateTime<Utc>>> {
        let row = self.row("recorded_start", query("SELECT tick FROM job_starts WHERE job = $1").bind(job)).await?;
        row.as_ref().map(|row| row::time(row, "tick")).transpose()
    }
}

/// Makes a tick's row, unless there is one.
pub(crate) async fn insert(transaction: &mut Change, new: &NewTick, state: TickState, run: Option<Uuid>, note: Option<&str>, mover: Mover<'_>) -> Result<bool> {
    let done = transaction.execute(query(
        "INSERT INTO ticks (job, tick, interval_start, interval_end, known_at, state, run_id, note, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (job, tick) DO NOTHING",
    )
    .bind(&new.job)
    .bind(stamp(new.tick))
    .bind(stamp(new.interval.start))
    .bind(stamp(new.interval.end))
    .bind(stamp(new.known_at))
    .bind(state.as_str())
    .bind(run.map(|run| run.to_string()))
    .bind(note)
    .bind(stamp(mover.at)))
    .await?;
    let inserted = done == 1;
    if inserted {
        record_move(transaction, &new.job, new.tick, state, run, note, mover).await?;
    }
    Ok(inserted)
}

/// Moves a tick; the caller has checked that it may.
pub(crate) async fn set(transaction: &mut Change, from: &TickRecord, to: TickState, run: Option<Uuid>, note: Option<&str>, mover: Mover<'_>) -> Result<()> {
    let failures = match to {
        TickState::Failed => from.failures + 1,
        to if to.is_done() => 0,
        _ => from.failures,
    };
    transaction
        .execute(
            query("UPDATE ticks SET state = $1, failures = $2, run_id = $3, note = $4, changed_at = $5 WHERE job = $6 AND tick = $7")
                .bind(to.as_str())
                .bind(i64::from(failures))
                .bind(run.map(|run| run.to_string()))
                .bind(note)
                .bind(stamp(mover.at))
                .bind(&from.job)
                .bind(stamp(from.tick)),
        )
        .await?;
    record_move(transaction, &from.job, from.tick, to, run, note, mover).await
}

async fn record_move(
    transaction: &mut Change,
    job: &str,
    tick: DateTime<Utc>,
    state: TickState,
    run: Option<Uuid>,
    note: Option<&str>,
    mover: Mover<'_>,
) -> Result<()> {
    transaction
        .execute(
            query(
                "INSERT INTO tick_moves (job, tick, position, state, moved_at, host, program_version, run_id, note)
         VALUES ($1, $2, (SELECT COALESCE(MAX(position), 0) + 1 FROM tick_moves WHERE job = $1 AND tick = $2), $3, $4, $5, $6, $7, $8)",
            )
            .bind(job)
            .bind(stamp(tick))
            .bind(state.as_str())
            .bind(stamp(mover.at))
            .bind(mover.host)
            .bind(mover.version)
            .bind(run.map(|run| run.to_string()))
            .bind(note),
        )
        .await?;
    Ok(())
}

pub(crate) async fn find(transaction: &mut Change, job: &str, tick: DateTime<Utc>) -> Result<Option<TickRecord>> {
    let row = transaction.row(query("SELECT * FROM ticks WHERE job = $1 AND tick = $2").bind(job).bind(stamp(tick))).await?;
    row.as_ref().map(read).transpose()
}

/// The tick that follows a run, if any.
pub(crate) async fn of_run(transaction: &mut Change, run: Uuid) -> Result<Option<TickRecord>> {
    let of_run = query("SELECT * FROM ticks WHERE run_id = $1 AND state IN ('claimed', 'running', 'published')").bind(run.to_string());
    let row = transaction.row(of_run).await?;
    row.as_ref().map(read).transpose()
}

/// Ticks of runs whose process ended are due again.
pub(crate) async fn free_unfinished(transaction: &mut Change, note: &str, mover: Mover<'_>) -> Result<()> {
    let rows = transaction.rows(query("SELECT * FROM ticks WHERE state IN ('claimed', 'running', 'published')")).await?;
    for row in &rows {
        let tick = read(row)?;
        set(transaction, &tick, TickState::Due, tick.run, Some(note), mover).await?;
    }
    Ok(())
}

fn read(row: &Row) -> Result<TickRecord> {
    let failures = row::count(row, "failures")?;
    Ok(TickRecord {
        job: row::text(row, "job")?,
        tick: row::time(row, "tick")?,
        interval: Interval { start: row::time(row, "interval_start")?, end: row::time(row, "interval_end")? },
        known_at: row::time(row, "known_at")?,
        state: state(row)?,
        failures: u32::try_from(failures).map_err(|_| Error::Stored { column: "failures", text: failures.to_string(), kind: "count" })?,
        run: row::optional_id(row, "run_id")?,
        note: row::optional_text(row, "note")?,
        late_since: row::optional_time(row, "late_since")?,
        changed_at: row::time(row, "changed_at")?,
    })
}

fn read_move(row: &Row) -> Result<TickMove> {
    Ok(TickMove {
        state: state(row)?,
        at: row::time(row, "moved_at")?,
        host: row::text(row, "host")?,
        program_version: row::text(row, "program_version")?,
        run: row::optional_id(row, "run_id")?,
        note: row::optional_text(row, "note")?,
    })
}

fn state(row: &Row) -> Result<TickState> {
    let text = row::text(row, "state")?;
    TickState::named(&text).ok_or(Error::Stored { column: "state", text, kind: "state of a tick" })
}
