//! What the scheduler says about itself: alive, ready, and why not.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use takings_scheduler::Waiting;

/// A scheduler that has not looked for so many polls hangs.
const SILENT_POLLS: i32 = 10;

pub struct Status {
    poll: TimeDelta,
    seen: Mutex<Seen>,
}

#[derive(Default, Clone)]
pub struct Seen {
    pub looked_at: Option<DateTime<Utc>>,
    pub looks: u64,
    pub waiting: Vec<Waiting>,
    /// What is wrong with the definitions.
    pub(super) broken: Option<String>,
    /// What went wrong at the last look.
    pub(super) failed: Option<String>,
}

impl Status {
    pub fn new(poll: TimeDelta) -> Self {
        Self { poll, seen: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn seen(&self) -> Seen {
        self.lock().clone()
    }

    pub fn woken(&self, now: DateTime<Utc>, waiting: &[Waiting]) {
        let mut seen = self.lock();
        seen.looked_at = Some(now);
        seen.looks += 1;
        seen.waiting = waiting.to_vec();
        seen.failed = None;
    }

    pub fn failed(&self, why: &str) {
        self.lock().failed = Some(why.to_owned());
    }

    pub fn broken(&self, why: &str) {
        self.lock().broken = Some(why.to_owned());
    }

    pub fn mended(&self) {
        self.lock().broken = None;
    }

    pub fn is_broken(&self) -> bool {
        self.lock().broken.is_some()
    }

    /// Why it is not alive: it has stopped looking.
    pub fn dead(&self, now: DateTime<Utc>) -> Option<String> {
        let seen = self.seen();
        let silent = now - seen.looked_at?;
        (silent > self.poll * SILENT_POLLS && seen.broken.is_none()).then(|| format!("it has not looked for work for {} seconds", silent.num_seconds()))
    }

    /// Why it can't run anything.
    pub fn unready(&self, now: DateTime<Utc>) -> Option<String> {
        let dead = self.dead(now);
        let seen = self.lock();
        let never = seen.looked_at.is_none().then(|| "it has not looked for work yet".to_owned());
        dead.or_else(|| seen.broken.clone()).or_else(|| seen.failed.clone()).or(never)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_once_it_has_looked_and_dead_when_it_stops_looking() {
        let status = Status::new(TimeDelta::seconds(30));
        let now = DateTime::UNIX_EPOCH;
        assert_eq!((status.dead(now), status.unready(now).as_deref()), (None, Some("it has not looked for work yet")));
        status.woken(now, &[]);
        assert_eq!(status.unready(now + TimeDelta::seconds(300)), None);
        assert_eq!(status.dead(now + TimeDelta::seconds(301)).as_deref(), Some("it has not looked for work for 301 seconds"));
        status.broken("jobs/nightly.toml:3:1: …");
        assert_eq!(status.unready(now).as_deref(), Some("jobs/nightly.toml:3:1: …"));
        status.mended();
        status.failed("disk full");
        assert_eq!(status.unready(now).as_deref(), Some("disk full"));
        status.woken(now, &[]);
        assert_eq!(status.unready(now), None);
    }
}
