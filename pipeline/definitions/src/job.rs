//! Job files: when a job's ticks are, what each covers, what it waits for and what is done about ticks that were missed or failed.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::calendar::{Calendar, day_before, midnight};
use crate::job_file::RawJob;
use crate::{Error, Interval, Result, Tick};

/// One job.
#[derive(Debug, Clone)]
pub struct Job {
    pub name: String,
    pub description: String,
    pub schedule: String,
    pub zone: Tz,
    pub covers: Covers,
    /// How long after its tick an interval counts as known. A tick is due then.
    pub settle: TimeDelta,
    /// What a due tick waits for.
    pub ready: Option<Ready>,
    /// What is done about ticks that were not started in time.
    pub misfire: Misfire,
    /// What is done about a tick that comes while one of the same job runs.
    pub overlap: Overlap,
    /// How long after it is due a tick that is not done counts as late.
    pub due_by: Option<TimeDelta>,
    /// How often a failed tick is tried again.
    pub retries: u32,
    /// How long a run may take.
    pub timeout: Option<TimeDelta>,
    pub steps: Vec<JobStep>,
    /// Jobs whose tick at or before this one must be done first.
    pub needs: Vec<String>,
    /// Exports that the watch step expects to have changed since the covered interval began.
    pub expects: Vec<String>,
    /// The first civil day whose ticks the scheduler makes.
    pub start: Option<NaiveDate>,
    pub path: PathBuf,
    pub calendar: Calendar,
    /// The file's text, for messages about it.
    pub(crate) text: String,
}

/// A due tick waits until a file of each of these exports has changed after the covered interval ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    pub exports: Vec<String>,
    /// The tick waits at least so long after it is due …
    pub after: TimeDelta,
    /// … and at most so long; then it takes what is there, with a warning.
    pub until: TimeDelta,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covers {
    PreviousDay,
    #[serde(rename = "previous_7_days")]
    Previous7Days,
    PreviousMonth,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Misfire {
    /// Each is made up, the oldest first.
    #[default]
    All,
    /// Only the newest is made up.
    Latest,
    /// None is made up.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// It waits its turn.
    #[default]
    Queue,
    /// It is skipped.
    Forbid,
}

/// What a tick of a job does, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStep {
    /// Pull, decode, publish, transform, mirror, and emit the reports of this job.
    Reports,
    /// Fail where an expected export did not come.
    Watch,
    /// Make few lake files of many small ones.
    Compact,
    /// Delete lake files that no snapshot within the retention needs.
    Vacuum,
}

impl Job {
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        RawJob::parse(path, text)?.checked(path, text)
    }

    /// The interval that a tick covers, in the job's zone.
    pub fn interval(&self, tick: Tick) -> Interval {
        let (first, end) = match self.covers {
            Covers::PreviousDay => (day_before(self.zone, tick.date), tick.date),
            Covers::Previous7Days => (tick.date - Days::new(7), tick.date),
            Covers::PreviousMonth => tick.month_before(),
        };
        Interval { start: midnight(self.zone, first), end: midnight(self.zone, end) }
    }

    /// A civil day of the job's zone.
    pub fn day(&self, day: NaiveDate) -> Interval {
        Interval { start: midnight(self.zone, day), end: midnight(self.zone, day + Days::new(1)) }
    }

    /// The instant by which a tick's rows must be known.
    pub fn known_at(&self, tick: Tick) -> DateTime<Utc> {
        tick.at + self.settle
    }

    /// When a tick is due: its rows are known then.
    pub fn due_at(&self, tick: Tick) -> DateTime<Utc> {
        tick.at + self.settle
    }

    /// When a due tick that is not done counts as late.
    pub fn late_at(&self, tick: Tick) -> Option<DateTime<Utc>> {
        self.due_by.map(|span| self.due_at(tick) + span)
    }

    /// What of the definition decides the content of a report of a given tick and known-at, for run keys.
    pub fn content(&self) -> String {
        format!("{} {} {:?}", self.name, self.zone, self.covers)
    }

    /// The tick that the user means by a civil day or an instant; anything else is refused with the two nearest ticks.
    pub fn tick_at(&self, text: &str) -> Result<Tick> {
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return match self.calendar.of_day(day)[..] {
                [tick] => Ok(tick),
                [] => Err(self.not_a_tick(text, midnight(self.zone, day))),
                ref several => Err(Error::new(format!("{} has {} ticks on {day}", self.name, several.len()))
                    .next(format!("name one: {}", several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")))),
            };
        }
        let Ok(at) = DateTime::parse_from_rfc3339(text) else {
            return Err(Error::new(format!("\"{text}\" is neither a day nor an instant")).next("write 2026-03-15 or 2026-03-15T00:00:00Z"));
        };
        let at = at.with_timezone(&Utc);
        self.calendar.tick(at).ok_or_else(|| self.not_a_tick(text, at))
    }

    /// The ticks from one that the user names to another, both included. A civil day means all its ticks and need not have one.
    pub fn ticks_from_to(&self, from: &str, to: &str) -> Result<Vec<Tick>> {
        let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        let first = match day(from) {
            Some(day) => self.calendar.of_day(day).first().map_or(self.day(day).start, |tick| tick.at),
            None => self.tick_at(from)?.at,
        };
        // Exclusive. A tick of the last day may stand at its very end, where a gap has moved it.
        let end = match day(to) {
            Some(day) => self.calendar.of_day(day).last().map_or(self.day(day).end, |tick| tick.at + TimeDelta::seconds(1)),
            None => self.tick_at(to)?.at + TimeDelta::seconds(1),
        };
        if end <= first {
            return Err(Error::new(format!("{to} lies before {from}")).next("the first tick comes first"));
        }
        Ok(self.calendar.between(first, end))
    }

    /// The tick at an instant that was recorded as one, whatever the schedule has become since.
    pub fn recorded_tick(&self, at: DateTime<Utc>) -> Tick {
        self.calendar.tick(at).unwrap_or_else(|| Tick { at, date: at.with_timezone(&self.zone).date_naive() })
    }

    /// The newest tick whose settle time has passed at `now`.
    pub fn newest_settled(&self, now: DateTime<Utc>) -> Result<Tick> {
        self.calendar.at_or_before(now - self.settle).ok_or_else(|| Error::in_file(&self.path, "the schedule has no tick in the past"))
    }

    fn not_a_tick(&self, text: &str, near: DateTime<Utc>) -> Error {
        let nearest: Vec<String> = [self.calendar.at_or_before(near), self.calendar.after(near)].into_iter().flatten().map(|tick| tick.to_string()).collect();
        Error::new(format!("{text} is not a tick of {} (\"{}\" in {})", self.name, self.schedule, self.zone))
            .next(format!("nearest: {}", nearest.join(" and ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(schedule: &str, zone: &str, covers: &str) -> Job {
        let text = format!("job = \"j\"\nschedule = \"{schedule}\"\ntimezone = \"{zone}\"\ncovers = \"{covers}\"\n");
        Job::parse(Path::new("jobs/j.toml"), &text).unwrap()
    }

    fn covered(job: &Job, at: &str) -> String {
        match job.tick_at(at) {
            Ok(tick) => format!("{tick} covers {}", job.interval(tick)),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_day_names_its_tick() {
        assert_eq!(covered(&job("0 0 * * *", "UTC", "previous_day"), "2026-03-15"), "2026-03-15T00:00:00Z covers [2026-03-14T00:00:00Z, 2026-03-15T00:00:00Z)");
        assert_eq!(
            covered(&job("0 0 * * 1", "UTC", "previous_7_days"), "2026-03-16"),
            "2026-03-16T00:00:00Z covers [2026-03-09T00:00:00Z, 2026-03-16T00:00:00Z)"
        );
        assert_eq!(
            covered(&job("0 0 15 * *", "UTC", "previous_month"), "2026-03-15"),
            "2026-03-15T00:00:00Z covers [2026-02-01T00:00:00Z, 2026-03-01T00:00:00Z)"
        );
    }

    #[test]
    fn what_is_not_a_tick_is_refused_with_the_two_nearest() {
        assert_eq!(
            covered(&job("0 0 * * 1", "UTC", "previous_7_days"), "2026-03-15"),
            "2026-03-15 is not a tick of j (\"0 0 * * 1\" in UTC); nearest: 2026-03-09T00:00:00Z and 2026-03-16T00:00:00Z"
        );
        assert!(covered(&job("0 0 * * *", "UTC", "previous_day"), "2026-03-15T01:00:00Z").contains("nearest: 2026-03-15T00:00:00Z and 2026-03-16T00:00:00Z"));
        assert!(covered(&job("0 0 * * *", "UTC", "previous_day"), "15.3.2026").contains("neither a day nor an instant"));
    }

    #[test]
    fn a_short_day_covers_23_hours() {
        // Berlin, 29 March 2026: clocks go forward.
        assert_eq!(
            covered(&job("0 0 * * *", "Europe/Berlin", "previous_day"), "2026-03-30"),
            "2026-03-29T22:00:00Z covers [2026-03-28T23:00:00Z, 2026-03-29T22:00:00Z)"
        );
    }

    #[test]
    fn what_ticks_cover_follows_each_other_without_gap_or_overlap() {
        for (schedule, covers) in [("30 2 * * *", "previous_day"), ("0 0 * * 1", "previous_7_days"), ("45 23 15 * *", "previous_month")] {
            for zone in ["Pacific/Apia", "Europe/Berlin", "America/Sao_Paulo", "America/Nuuk", "America/St_Johns", "Africa/Cairo"] {
                let job = job(schedule, zone, covers);
                let ticks = job.calendar.between("2010-01-01T00:00:00Z".parse().unwrap(), "2026-01-01T00:00:00Z".parse().unwrap());
                assert!(ticks.len() > 100);
                for pair in ticks.windows(2) {
                    assert_eq!(job.interval(pair[0]).end, job.interval(pair[1]).start, "{schedule} in {zone} at {}", pair[1]);
                }
            }
        }
    }

    #[test]
    fn the_newest_settled_tick_lies_a_settle_time_back() {
        let job = job("0 0 * * *", "UTC", "previous_day");
        let now = "2026-03-16T00:00:00Z".parse().unwrap();
        assert_eq!(job.newest_settled(now).unwrap().to_string(), "2026-03-15T00:00:00Z");
        assert_eq!(job.newest_settled(now - TimeDelta::seconds(1)).unwrap().to_string(), "2026-03-14T00:00:00Z");
    }

    #[test]
    fn a_range_takes_both_ends_and_days_without_a_tick() {
        let range = |job: &Job, from, to| match job.ticks_from_to(from, to) {
            Ok(ticks) => ticks.iter().map(|tick| tick.date.to_string()).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        };
        assert_eq!(range(&job("0 0 * * *", "UTC", "previous_day"), "2026-03-13", "2026-03-15"), "2026-03-13 2026-03-14 2026-03-15");
        assert_eq!(range(&job("0 0 * * 1", "UTC", "previous_7_days"), "2026-03-01", "2026-03-15"), "2026-03-02 2026-03-09");
        assert_eq!(range(&job("0 0,12 * * *", "Europe/Berlin", "previous_day"), "2026-03-29", "2026-03-29"), "2026-03-29 2026-03-29");
        assert_eq!(
            range(&job("0 0 * * *", "UTC", "previous_day"), "2026-03-15", "2026-03-14"),
            "2026-03-14 lies before 2026-03-15; the first tick comes first"
        );
    }
}
