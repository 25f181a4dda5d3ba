//! The rules of a job about single ticks: missed ones, retries. Pure.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::{DateTime, TimeDelta, Utc};
use takings_definitions::{Job, Misfire, Tick};
use takings_runs::TickRecord;

/// A tick that is first seen later than this after it was due was missed: no scheduler was there.
pub(crate) const GRACE: TimeDelta = TimeDelta::minutes(10);
/// Each retry waits longer than the one before by this factor …
const FACTOR: f32 = 4.0;
/// … and never longer than this.
const LONGEST: Duration = Duration::from_secs(6 * 3600);

/// Whether a tick that nobody has seen yet is made up, or why not. `newest`: no later tick of the job is due.
pub(crate) fn missed(job: &Job, tick: Tick, newest: bool, now: DateTime<Utc>) -> Option<String> {
    let late = now - job.due_at(tick) > GRACE;
    match job.misfire {
        Misfire::None if late => Some("missed, and misfire = \"none\"".to_owned()),
        Misfire::Latest if late && !newest => Some("missed, and misfire = \"latest\"".to_owned()),
        _ => None,
    }
}

/// When a failed tick is tried again.
pub(crate) fn retry_at(tick: &TickRecord, first: TimeDelta) -> DateTime<Utc> {
    let first = first.to_std().unwrap_or_default();
    let delays = ExponentialBuilder::new().with_min_delay(first).with_factor(FACTOR).with_max_delay(LONGEST.max(first)).without_max_times().build();
    let delay = delays.into_iter().nth(tick.failures.saturating_sub(1) as usize).unwrap_or(LONGEST);
    tick.changed_at + TimeDelta::from_std(delay).unwrap_or(TimeDelta::hours(6))
}

/// Whether a failed tick has no try left.
pub(crate) fn is_given_up(job: &Job, tick: &TickRecord) -> bool {
    tick.failures > job.retries
}

#[cfg(test)]
mod tests {
    use super::*;
    use takings_definitions::Interval;
    use takings_runs::TickState;

    #[test]
    fn retries_wait_longer_and_longer_up_to_six_hours() {
        let at = DateTime::UNIX_EPOCH;
        let minutes = |failures| {
            let tick = TickRecord {
                job: "j".into(),
                tick: at,
                interval: Interval { start: at, end: at },
                known_at: at,
                state: TickState::Failed,
                failures,
                run: None,
                note: None,
                late_since: None,
                changed_at: at,
            };
            (retry_at(&tick, TimeDelta::minutes(5)) - at).num_minutes()
        };
        assert_eq!([1, 2, 3, 4, 5, 60].map(minutes), [5, 20, 80, 320, 360, 360]);
    }
}
