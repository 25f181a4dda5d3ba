//! Runs: one attempt at one tick of a job, as a small state machine.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use takings_definitions::Interval;
use uuid::Uuid;

use crate::call::Change;
use crate::query::{Row, query};
use crate::row::{self, stamp};
use crate::ticks::{self, Mover};
use crate::{Delivery, DeliveryFilter, Error, Ledger, Result, Snapshot, Step, TickMove, TickState};

/// One attempt at one tick of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub id: Uuid,
    pub job: String,
    pub tick: DateTime<Utc>,
    pub interval: Interval,
    pub known_at: DateTime<Utc>,
    /// 1 for the first run of a tick; a rerun, a restatement or a backfill is 2, 3, ….
    pub attempt: u64,
    /// 0 for the first try of the attempt; a retry is 1, 2, ….
    pub retry: u64,
    pub state: RunState,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub host: String,
    pub program_version: String,
    pub error: Option<String>,
}

/// `claimed → running → published → delivered`; each of the first three may fail or turn out to have nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// The lease is held; nothing was done yet.
    Claimed,
    Running,
    /// The lake's snapshot is recorded.
    Published,
    /// The reports stand.
    Delivered,
    Failed,
    /// There was nothing to do.
    Nothing,
}

impl RunState {
    pub const ALL: [Self; 6] = [Self::Claimed, Self::Running, Self::Published, Self::Delivered, Self::Failed, Self::Nothing];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Running => "running",
            Self::Published => "published",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Nothing => "nothing",
        }
    }

    /// The state of a name, as a user types it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    pub fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Nothing)
    }

    pub fn may_become(self, to: Self) -> bool {
        match to {
            Self::Claimed => false,
            Self::Running => self == Self::Claimed,
            Self::Published => self == Self::Running,
            Self::Delivered => self == Self::Published,
            Self::Failed | Self::Nothing => !self.is_final(),
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which runs to list; what is `None` does not narrow.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub job: Option<String>,
    pub state: Option<RunState>,
    pub tick: Option<DateTime<Utc>>,
    /// At most so many, the newest.
    pub limit: Option<u64>,
}

/// A run with all that is recorded about it.
#[derive(Debug, Clone)]
pub struct RunDetails {
    pub run: Run,
    pub steps: Vec<Step>,
    pub snapshots: Vec<Snapshot>,
    pub deliveries: Vec<Delivery>,
    /// What became of its tick, in this run and others.
    pub moves: Vec<TickMove>,
}

impl Ledger {
    /// Moves a run on. A step that the state machine does not know is an error and changes nothing; a failure needs its reason.
    pub async fn move_run(&self, id: Uuid, to: RunState, error: Option<&str>, now: DateTime<Utc>) -> Result<()> {
        if to == RunState::Failed && error.is_none_or(|error| error.trim().is_empty()) {
            return Err(Error::NoReason { run: id });
        }
        let mut transaction = self.write("move_run").await?;
        step(&mut transaction, id, to, error, now).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Ends a run that was asked to stop: it counts as failed, its tick is due again.
    pub async fn give_back(&self, id: Uuid, reason: &str, now: DateTime<Utc>) -> Result<()> {
        let mut transaction = self.write("give_back").await?;
        let tick = ticks::of_run(&mut transaction, id).await?;
        let run = step(&mut transaction, id, RunState::Failed, Some(reason), now).await?;
        if let Some(tick) = tick {
            let mover = Mover { host: &run.host, version: &run.program_version, at: now };
            ticks::set(&mut transaction, &tick, TickState::Due, Some(id), Some(reason), mover).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Runs, newest start first.
    pub async fn list_runs(&self, filter: &RunFilter) -> Result<Vec<Run>> {
        let rows = self
            .rows(
                "list_runs",
                query(
                    "SELECT * FROM runs
             WHERE (CAST($1 AS TEXT) IS NULL OR job = $1) AND (CAST($2 AS TEXT) IS NULL OR state = $2) AND (CAST($3 AS TEXT) IS NULL OR tick = $3)
             ORDER BY started_at DESC, number DESC, id LIMIT $4",
                )
                .bind(&filter.job)
                .bind(filter.state.map(RunState::as_str))
                .bind(filter.tick.map(stamp))
                .bind(row::figure("limit", filter.limit.unwrap_or(i64::MAX as u64))?),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// One run by its id or by as much of its start as makes it clear.
    pub async fn show_run(&self, id: &str) -> Result<RunDetails> {
        let run = self.find_run(id).await?;
        let steps = self.steps(run.id).await?;
        let snapshots = self.snapshots_of(run.id).await?;
        let deliveries = self.deliveries(&DeliveryFilter { run: Some(run.id), ..DeliveryFilter::default() }).await?;
        let moves = self.tick_moves(&run.job, run.tick).await?;
        Ok(RunDetails { run, steps, snapshots, deliveries, moves })
    }

    async fn find_run(&self, id: &str) -> Result<Run> {
        let prefix = id.trim().to_ascii_lowercase();
        if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
            return Err(unknown(id));
        }
        let rows = self.rows("find_run", query("SELECT * FROM runs WHERE id LIKE $1 ORDER BY id").bind(format!("{prefix}%"))).await?;
        match rows.as_slice() {
            [] => Err(unknown(id)),
            [row] => read(row),
            _ => Err(Error::AmbiguousRun { prefix, count: rows.len() }),
        }
    }
}

/// Moves a run, and the tick that follows it. Gives the run as it was.
async fn step(transaction: &mut Change, id: Uuid, to: RunState, error: Option<&str>, now: DateTime<Utc>) -> Result<Run> {
    let run = find(transaction, id).await?.ok_or_else(|| unknown(&id.to_string()))?;
    if !run.state.may_become(to) {
        return Err(Error::Transition { run: id, from: run.state, to });
    }
    transaction
        .execute(
            query("UPDATE runs SET state = $1, error = $2, ended_at = $3 WHERE id = $4")
                .bind(to.as_str())
                .bind(error)
                .bind(to.is_final().then(|| stamp(now)))
                .bind(id.to_string()),
        )
        .await?;
    if let Some(tick) = ticks::of_run(transaction, id).await? {
        // What it ran without stays said; a failure says why.
        let note = error.or(tick.note.as_deref());
        ticks::set(transaction, &tick, to.into(), Some(id), note, Mover { host: &run.host, version: &run.program_version, at: now }).await?;
    }
    Ok(run)
}

fn unknown(id: &str) -> Error {
    Error::Unknown { what: "run", name: id.to_owned(), next: "`takings runs list` shows what ran" }
}

pub(crate) async fn find(transaction: &mut Change, id: Uuid) -> Result<Option<Run>> {
    let row = transaction.row(query("SELECT * FROM runs WHERE id = $1").bind(id.to_string())).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Run> {
    let state = row::text(row, "state")?;
    Ok(Run {
        id: row::id(row, "id")?,
        job: row::text(row, "job")?,
        tick: row::time(row, "tick")?,
        interval: Interval { start: row::time(row, "interval_start")?, end: row::time(row, "interval_end")? },
        known_at: row::time(row, "known_at")?,
        attempt: row::count(row, "attempt")?,
        retry: row::count(row, "retry")?,
        state: RunState::named(&state).ok_or(Error::Stored { column: "state", text: state, kind: "state of a run" })?,
        started_at: row::time(row, "started_at")?,
        ended_at: row::optional_time(row, "ended_at")?,
        host: row::text(row, "host")?,
        program_version: row::text(row, "program_version")?,
        error: row::optional_text(row, "error")?,
    })
}
