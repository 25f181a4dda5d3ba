//! Starting a run under the project's lease, so that one run at a time changes the project.
//!
//! The lease is a row with an end that its holder moves on by heartbeats. It passes on when it is given back, when it has ended,
//! or when its holder is known to be dead. Its token rises with every change of hands. Its times are those
//! of the database where machines share one, else those that come in with the call.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use takings_definitions::Interval;
use uuid::Uuid;

use crate::call::Change;
use crate::query::{Query, Row, query};
use crate::row::{self, stamp};
use crate::ticks::{self, Mover};
use crate::{Error, Ledger, NewTick, Result, Run, RunState, TickRecord, TickState, run};

/// The name of the lease that a run takes.
const PROJECT: &str = "project";

/// What is to be run.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// `None`: a new id is made.
    pub id: Option<Uuid>,
    pub job: String,
    pub tick: DateTime<Utc>,
    pub interval: Interval,
    pub known_at: DateTime<Utc>,
    pub claim: Claim,
    /// What the run has to do without, for the record of its tick.
    pub note: Option<String>,
}

/// By what right a run is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The tick is due, or failed and is tried again: refused with [`Error::NotDue`] when it has moved on.
    Due,
    /// Somebody asked for this tick, whatever was done before.
    Asked,
    /// It belongs to no tick.
    Chore,
}

/// The process that runs it.
#[derive(Debug, Clone)]
pub struct Holder {
    /// Different for each run: it tells the run's process from a later one with the same number.
    pub id: String,
    pub host: String,
    pub pid: u32,
    pub program_version: String,
}

/// A run that was started, and the right to go on with it.
#[derive(Debug, Clone)]
pub struct RunLease {
    pub run: Run,
    pub holder: String,
    /// Rises with every lease of the project.
    pub token: i64,
    length: TimeDelta,
}

/// Who holds the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseInfo {
    pub holder: String,
    pub host: String,
    pub pid: u32,
    pub run: Uuid,
    pub job: String,
    pub tick: DateTime<Utc>,
    pub since: DateTime<Utc>,
    pub heartbeat_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

impl fmt::Display for LeaseInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        write!(
            f,
            "another run holds the project: {} for {} by process {} on {} (holder {}, run {}) since {}, last heard of at {}; wait until it ends, or stop that \
             process: a lease that is not renewed ends at {}",
            self.job,
            second(self.tick),
            self.pid,
            self.host,
            self.holder,
            self.run,
            second(self.since),
            second(self.heartbeat_at),
            second(self.expires_at),
        )
    }
}

impl Ledger {
    /// Starts a run: takes the lease for `length`, ends what a dead holder left unfinished and records the run as claimed, all or
    /// nothing. `alive` says whether the holder of a lease is at work still, as far as that is known here: a lease whose holder is not
    /// passes on at once.
    pub async fn begin_run(
        &self,
        new: &NewRun,
        holder: &Holder,
        length: TimeDelta,
        now: DateTime<Utc>,
        alive: impl Fn(&LeaseInfo) -> bool + Send + Sync,
    ) -> Result<RunLease> {
        let mut transaction = self.write("begin_run").await?;
        let clock = transaction.clock(now).await?;
        let token = match current(&mut transaction).await? {
            Some((token, Some(lease))) => {
                let dead = !alive(&lease);
                if lease.expires_at > clock && !dead {
                    return Err(Error::Busy(Box::new(lease)));
                }
                token + 1
            }
            Some((token, None)) => token + 1,
            None => 1,
        };
        end_unfinished(&mut transaction, holder, now).await?;
        let tick = ticks::find(&mut transaction, &new.job, new.tick).await?;
        if new.claim == Claim::Due {
            let state = tick.as_ref().map(|tick| tick.state);
            if !matches!(state, Some(TickState::Due | TickState::Failed)) {
                let state = state.map_or_else(|| "not recorded".to_owned(), |state| state.to_string());
                return Err(Error::NotDue { job: new.job.clone(), tick: stamp(new.tick), state });
            }
        }
        let run = insert(&mut transaction, new, holder, now).await?;
        claim(&mut transaction, new, tick, run.id, Mover::of(holder, now)).await?;
        transaction
            .execute(
                query(
                    "INSERT INTO leases (name, token, holder, host, pid, run_id, since, heartbeat_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)
             ON CONFLICT (name) DO UPDATE SET token = excluded.token, holder = excluded.holder, host = excluded.host, pid = excluded.pid,
                 run_id = excluded.run_id, since = excluded.since, heartbeat_at = excluded.heartbeat_at, expires_at = excluded.expires_at",
                )
                .bind(PROJECT)
                .bind(token)
                .bind(&holder.id)
                .bind(&holder.host)
                .bind(i64::from(holder.pid))
                .bind(run.id.to_string())
                .bind(stamp(clock))
                .bind(stamp(clock + length)),
            )
            .await?;
        transaction.commit().await?;
        Ok(RunLease { run, holder: holder.id.clone(), token, length })
    }

    /// Frees the project of a holder whose lease has ended or whose process is dead: its run has failed and its tick is due again.
    /// `true`: there was one.
    pub async fn recover(&self, by: &Holder, now: DateTime<Utc>, alive: impl Fn(&LeaseInfo) -> bool + Send + Sync) -> Result<bool> {
        let mut transaction = self.write("recover").await?;
        let Some((token, Some(lease))) = current(&mut transaction).await? else { return Ok(false) };
        let dead = !alive(&lease);
        if lease.expires_at > transaction.clock(now).await? && !dead {
            return Ok(false);
        }
        end_unfinished(&mut transaction, by, now).await?;
        // The token stays: the next lease gets the next one.
        transaction.execute(query("UPDATE leases SET holder = NULL WHERE name = $1 AND token = $2").bind(PROJECT).bind(token)).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Moves the lease's end on. [`Error::LeaseLost`] when it went to another process.
    pub async fn heartbeat(&self, lease: &RunLease, now: DateTime<Utc>) -> Result<()> {
        let clock = self.clock(now).await?;
        let done = self
            .change(
                "heartbeat",
                query("UPDATE leases SET heartbeat_at = $1, expires_at = $2 WHERE name = $3 AND token = $4 AND holder = $5")
                    .bind(stamp(clock))
                    .bind(stamp(clock + lease.length))
                    .bind(PROJECT)
                    .bind(lease.token)
                    .bind(&lease.holder),
            )
            .await?;
        if done == 1 { Ok(()) } else { Err(self.lost(lease).await?) }
    }

    /// [`Error::LeaseLost`] when the lease went to another process. One whose end has passed still stands: nobody has taken it.
    pub async fn stands(&self, lease: &RunLease) -> Result<()> {
        let held = query("SELECT token FROM leases WHERE name = $1 AND token = $2 AND holder = $3").bind(PROJECT).bind(lease.token).bind(&lease.holder);
        if self.row("stands", held).await?.is_some() { Ok(()) } else { Err(self.lost(lease).await?) }
    }

    /// Gives the lease back. One that went to another process is left alone.
    pub async fn release(&self, lease: &RunLease) -> Result<()> {
        self.change(
            "release",
            query("UPDATE leases SET holder = NULL WHERE name = $1 AND token = $2 AND holder = $3").bind(PROJECT).bind(lease.token).bind(&lease.holder),
        )
        .await?;
        Ok(())
    }

    /// Who holds the project, whether or not the lease has ended.
    pub async fn lease(&self) -> Result<Option<LeaseInfo>> {
        let row = self.row("lease", current_lease()).await?;
        Ok(row.as_ref().map(held).transpose()?.flatten())
    }

    async fn lost(&self, lease: &RunLease) -> Result<Error> {
        let why = match self.lease().await? {
            Some(other) => format!("process {} on {} took it at {}", other.pid, other.host, other.since.format("%Y-%m-%dT%H:%M:%SZ")),
            None => "it was given back".to_owned(),
        };
        Ok(Error::LeaseLost { run: lease.run.id, why })
    }
}

fn current_lease() -> Query {
    query("SELECT leases.*, runs.job, runs.tick FROM leases JOIN runs ON runs.id = leases.run_id WHERE leases.name = $1").bind(PROJECT)
}

/// The lease's token, and its holder unless it was given back.
async fn current(transaction: &mut Change) -> Result<Option<(i64, Option<LeaseInfo>)>> {
    let row = transaction.row(current_lease()).await?;
    row.as_ref().map(|row| Ok((row::number(row, "token")?, held(row)?))).transpose()
}

fn held(row: &Row) -> Result<Option<LeaseInfo>> {
    let Some(holder) = row::optional_text(row, "holder")? else { return Ok(None) };
    let pid = row::number(row, "pid")?;
    Ok(Some(LeaseInfo {
        holder,
        host: row::text(row, "host")?,
        pid: u32::try_from(pid).map_err(|_| Error::Stored { column: "pid", text: pid.to_string(), kind: "process id" })?,
        run: row::id(row, "run_id")?,
        job: row::text(row, "job")?,
        tick: row::time(row, "tick")?,
        since: row::time(row, "since")?,
        heartbeat_at: row::time(row, "heartbeat_at")?,
        expires_at: row::time(row, "expires_at")?,
    }))
}

/// Whoever gets the lease is alone: a run that has not ended has no process any more.
async fn end_unfinished(transaction: &mut Change, holder: &Holder, now: DateTime<Utc>) -> Result<()> {
    let why = format!("its process ended without finishing it; found by process {} on {}", holder.pid, holder.host);
    transaction
        .execute(
            query("UPDATE runs SET state = 'failed', ended_at = $1, error = $2 WHERE state IN ('claimed', 'running', 'published')").bind(stamp(now)).bind(&why),
        )
        .await?;
    ticks::free_unfinished(transaction, &why, Mover::of(holder, now)).await
}

/// The tick follows the run. One that is done stays done while it is run again: a failed restatement takes nothing back.
async fn claim(transaction: &mut Change, new: &NewRun, tick: Option<TickRecord>, run: Uuid, mover: Mover<'_>) -> Result<()> {
    let note = new.note.as_deref();
    match tick {
        _ if new.claim == Claim::Chore => Ok(()),
        None => {
            let new = NewTick { job: new.job.clone(), tick: new.tick, interval: new.interval, known_at: new.known_at };
            ticks::insert(transaction, &new, TickState::Claimed, Some(run), note, mover).await.map(drop)
        }
        Some(tick) if matches!(tick.state, TickState::Delivered | TickState::Nothing) => Ok(()),
        Some(tick) => ticks::set(transaction, &tick, TickState::Claimed, Some(run), note, mover).await,
    }
}

async fn insert(transaction: &mut Change, new: &NewRun, holder: &Holder, now: DateTime<Utc>) -> Result<Run> {
    let id = new.id.unwrap_or_else(Uuid::new_v4);
    if run::find(transaction, id).await?.is_some() {
        return Err(Error::RunExists(id));
    }
    let before = transaction
        .row(query("SELECT attempt, retry, number FROM runs WHERE job = $1 AND tick = $2 ORDER BY number DESC LIMIT 1").bind(&new.job).bind(stamp(new.tick)))
        .await?;
    let (attempt, retry, number) = match &before {
        None => (1, 0, 1),
        Some(row) => {
            let (attempt, retry, number) = (row::count(row, "attempt")?, row::count(row, "retry")?, row::count(row, "number")?);
            if new.claim == Claim::Due { (attempt, retry + 1, number + 1) } else { (attempt + 1, 0, number + 1) }
        }
    };
    transaction
        .execute(
            query(
                "INSERT INTO runs (id, job, tick, interval_start, interval_end, known_at, number, attempt, retry, state, started_at, host, program_version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            )
            .bind(id.to_string())
            .bind(&new.job)
            .bind(stamp(new.tick))
            .bind(stamp(new.interval.start))
            .bind(stamp(new.interval.end))
            .bind(stamp(new.known_at))
            .bind(row::figure("number", number)?)
            .bind(row::figure("attempt", attempt)?)
            .bind(row::figure("retry", retry)?)
            .bind(RunState::Claimed.as_str())
            .bind(stamp(now))
            .bind(&holder.host)
            .bind(&holder.program_version),
        )
        .await?;
    Ok(Run {
        id,
        job: new.job.clone(),
        tick: new.tick,
        interval: new.interval,
        known_at: new.known_at,
        attempt,
        retry,
        state: RunState::Claimed,
        started_at: now,
        ended_at: None,
        host: holder.host.clone(),
        program_version: holder.program_version.clone(),
        error: None,
    })
}
