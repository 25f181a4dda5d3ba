//! One pass: record what became due, close what the rules close, and choose what runs next.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use takings_definitions::{Job, JobStep, Overlap, Tick};
use takings_runs::{Holder, Ledger, NewTick, Result, TickFilter, TickRecord, TickState};

use crate::rules::{GRACE, is_given_up, missed, retry_at};
use crate::{Due, Look, Waiting, Woken};

/// Looks for work in one project.
#[derive(Debug, Clone)]
pub struct Scheduler {
    pub ledger: Ledger,
    pub holder: Holder,
    /// How long after a failure the first retry is.
    pub retry_after: TimeDelta,
}

/// A tick that may run, and in which order.
struct Candidate<'a> {
    job: &'a Job,
    tick: Tick,
    record: TickRecord,
}

impl Scheduler {
    /// Brings the ledger up to date with the calendar at `now`, and names what to run. With `idle` false nothing is named: a run is at work.
    /// `look` looks at a job's sources; it is asked only about a tick that nothing else holds back.
    pub async fn wake(&self, jobs: &BTreeMap<String, Job>, now: DateTime<Utc>, idle: bool, look: impl AsyncFn(&Job) -> Look) -> Result<Woken> {
        let mut owed = Vec::new();
        for job in jobs.values() {
            owed.extend(self.owed(job, now).await?);
        }
        let mut woken = Woken::default();
        if !idle {
            return Ok(woken);
        }
        // What was due first runs first; jobs that need others come after them.
        owed.sort_by_key(|candidate| (candidate.job.due_at(candidate.tick), depth(jobs, candidate.job), candidate.job.name.clone()));
        let mut blocked: Vec<&str> = Vec::new();
        for candidate in &owed {
            // A job's ticks run in order: one that waits holds back those after it.
            if blocked.contains(&candidate.job.name.as_str()) {
                continue;
            }
            match self.start(jobs, candidate, now, &look).await? {
                Start::Now(warning) => {
                    woken.run = Some(Due { job: candidate.job.name.clone(), tick: candidate.tick, warning });
                    break;
                }
                Start::Later(why) => {
                    blocked.push(&candidate.job.name);
                    self.ledger.note_tick(&candidate.job.name, candidate.tick.at, &why).await?;
                    woken.waiting.push(Waiting { job: candidate.job.name.clone(), tick: candidate.tick.at, why });
                }
                Start::Never => {}
            }
        }
        Ok(woken)
    }

    /// Records what of a job became due, closes what its rules close; what is left to run, the oldest first.
    async fn owed<'a>(&self, job: &'a Job, now: DateTime<Utc>) -> Result<Vec<Candidate<'a>>> {
        let Some(first) = self.first(job, now).await? else { return Ok(Vec::new()) };
        let ticks = job.calendar.between(first, now - job.settle + TimeDelta::seconds(1));
        let filter = TickFilter { job: Some(job.name.clone()), from: Some(first), to: None };
        let known: BTreeMap<DateTime<Utc>, TickRecord> = self.ledger.ticks(&filter).await?.into_iter().map(|tick| (tick.tick, tick)).collect();
        let fresh: Vec<Tick> = ticks.iter().filter(|tick| !known.contains_key(&tick.at)).copied().collect();
        let recorded = self.ledger.record_due(&fresh.iter().map(|tick| new_tick(job, *tick)).collect::<Vec<_>>(), &self.holder, now).await?;
        let running = known.values().any(|tick| tick.state.is_running());
        for tick in &fresh {
            if !recorded.iter().any(|new| new.tick == tick.at) {
                continue;
            }
            // A tick that comes now overlaps; one that is made up was missed before, and waits its turn.
            let overlaps = job.overlap == Overlap::Forbid && running && now - job.due_at(*tick) <= GRACE;
            let why = if overlaps {
                Some("another tick of the job was running, and overlap = \"forbid\"".to_owned())
            } else {
                missed(job, *tick, ticks.last() == Some(tick), now)
            };
            match why {
                Some(why) => self.close(job, tick.at, TickState::Skipped, &why, now).await?,
                None => tracing::info!(job = job.name, tick = %tick, "due"),
            }
        }
        let of_calendar: BTreeMap<DateTime<Utc>, Tick> = ticks.into_iter().map(|tick| (tick.at, tick)).collect();
        let mut owed = Vec::new();
        for record in self.ledger.ticks(&filter).await? {
            // A tick that the schedule does not have any more is nobody's.
            let Some(tick) = of_calendar.get(&record.tick).copied() else { continue };
            self.watch_lateness(job, tick, &record, now).await?;
            match record.state {
                TickState::Failed if is_given_up(job, &record) => {
                    let last = record.note.as_deref().unwrap_or_default();
                    self.close(job, tick.at, TickState::GivenUp, &format!("{} tries failed, the last: {last}", record.failures), now).await?;
                }
                TickState::Due | TickState::Failed => owed.push(Candidate { job, tick, record }),
                _ => {}
            }
        }
        Ok(owed)
    }

    /// The first tick that the scheduler answers for: what the job says, or the newest that was settled when the scheduler saw it first.
    async fn first(&self, job: &Job, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
        if let Some(day) = job.start {
            // The zone's midnight; a tick that belongs to the day is not before it.
            return Ok(Some(job.day(day).start));
        }
        match self.ledger.recorded_start(&job.name).await? {
            Some(start) => Ok(Some(start)),
            None => match job.calendar.at_or_before(now - job.settle) {
                Some(tick) => Ok(Some(self.ledger.job_start(&job.name, tick.at, now).await?)),
                None => Ok(None),
            },
        }
    }

    async fn watch_lateness(&self, job: &Job, tick: Tick, record: &TickRecord, now: DateTime<Utc>) -> Result<()> {
        let Some(late_at) = job.late_at(tick).filter(|late_at| now >= *late_at) else { return Ok(()) };
        if record.state.is_done() || record.late_since.is_some() {
            return Ok(());
        }
        if self.ledger.mark_late(&job.name, tick.at, late_at).await? {
            tracing::warn!(job = job.name, tick = %tick, state = %record.state, "late: it was to be done by {}", late_at.format("%Y-%m-%dT%H:%M:%SZ"));
        }
        Ok(())
    }

    /// Whether a tick can start.
    async fn start(&self, jobs: &BTreeMap<String, Job>, candidate: &Candidate<'_>, now: DateTime<Utc>, look: &impl AsyncFn(&Job) -> Look) -> Result<Start> {
        let Candidate { job, tick, record } = candidate;
        if record.state == TickState::Failed {
            let at = retry_at(record, self.retry_after);
            if now < at {
                return Ok(Start::Later(format!("is tried again at {}", second(at))));
            }
        }
        if let Some(why) = self.needed(jobs, job, *tick).await? {
            return Ok(Start::Later(why));
        }
        if !job.steps.contains(&JobStep::Reports) {
            return Ok(Start::Now(None));
        }
        let due = job.due_at(*tick);
        if let Some(ready) = &job.ready
            && now < due + ready.after
        {
            return Ok(Start::Later(format!("starts no earlier than {}", second(due + ready.after))));
        }
        let seen = look(job).await;
        let until = job.ready.as_ref().map_or(due, |ready| due + ready.until);
        let missing = job.ready.as_ref().map(|ready| seen.missing(ready, job.interval(*tick))).unwrap_or_default();
        if now < until && !missing.is_empty() {
            return Ok(Start::Later(format!("waits for {} until {}", missing.join(", "), second(until))));
        }
        if seen.is_empty() {
            self.close(job, tick.at, TickState::Empty, "its exports have no file", now).await?;
            return Ok(Start::Never);
        }
        if missing.is_empty() {
            return Ok(Start::Now(None));
        }
        let warning = format!("without {}: nothing of it came by {}", missing.join(", "), second(until));
        tracing::warn!(job = job.name, tick = %tick, "{warning}");
        Ok(Start::Now(Some(warning)))
    }

    /// Which needed tick of another job is not done yet.
    async fn needed(&self, jobs: &BTreeMap<String, Job>, job: &Job, tick: Tick) -> Result<Option<String>> {
        for name in &job.needs {
            let Some(other) = jobs.get(name) else { continue };
            let Some(needed) = other.calendar.at_or_before(tick.at) else { continue };
            let first = match other.start {
                Some(day) => Some(other.day(day).start),
                None => self.ledger.recorded_start(name).await?,
            };
            let filter = TickFilter { job: Some(name.clone()), from: Some(needed.at), to: Some(needed.at) };
            match self.ledger.ticks(&filter).await?.first() {
                Some(record) if record.state.is_done() => {}
                Some(record) => return Ok(Some(format!("needs {name} at {needed}, which is {}", record.state))),
                // What lies before the scheduler's time is nobody's to make.
                None if first.is_some_and(|first| needed.at < first) => {}
                None => return Ok(Some(format!("needs {name} at {needed}, which is not due yet"))),
            }
        }
        Ok(None)
    }

    async fn close(&self, job: &Job, tick: DateTime<Utc>, to: TickState, why: &str, now: DateTime<Utc>) -> Result<()> {
        if self.ledger.close_tick(&job.name, tick, to, why, &self.holder, now).await? {
            let tick = second(tick);
            match to {
                TickState::GivenUp => tracing::error!(job = job.name, tick, "given up: {why}"),
                _ => tracing::warn!(job = job.name, tick, "{to}: {why}"),
            }
        }
        Ok(())
    }
}

enum Start {
    Now(Option<String>),
    Later(String),
    /// It was closed.
    Never,
}

fn new_tick(job: &Job, tick: Tick) -> NewTick {
    NewTick { job: job.name.clone(), tick: tick.at, interval: job.interval(tick), known_at: job.known_at(tick) }
}

/// How many jobs must come before this one. There are no circles: the project was checked.
fn depth(jobs: &BTreeMap<String, Job>, job: &Job) -> usize {
    job.needs.iter().filter_map(|name| jobs.get(name)).map(|needed| 1 + depth(jobs, needed)).max().unwrap_or(0)
}

fn second(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
