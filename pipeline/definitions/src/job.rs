//! Job files: schedule, zone, what a tick covers, and when the interval is settled.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;
use serde::Deserialize;

use crate::{Error, Interval, Result, Tick};

/// One job: when its ticks are and which interval each covers.
#[derive(Debug, Clone)]
pub struct Job {
    pub name: String,
    pub description: String,
    pub schedule: String,
    pub zone: Tz,
    pub covers: Covers,
    /// How long after its tick an interval counts as known.
    pub settle: TimeDelta,
    pub path: PathBuf,
    /// The file's text, for run keys.
    pub text: String,
    cron: Cron,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covers {
    PreviousDay,
    #[serde(rename = "previous_7_days")]
    Previous7Days,
    PreviousMonth,
}

impl Job {
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let raw: RawJob = crate::parse(path, text)?;
        let cron = Cron::from_str(&raw.schedule)
            .map_err(|error| Error::in_file(path, format!("schedule \"{}\": {error}", raw.schedule)).next("five fields: minute hour day month weekday"))?;
        let zone: Tz = raw.timezone.parse().map_err(|_| {
            let error = Error::in_file(path, format!("timezone \"{}\" is not an IANA zone", raw.timezone));
            match crate::nearest(&raw.timezone, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())) {
                Some(best) => error.next(format!("did you mean \"{best}\"?")),
                None => error.next("for example \"UTC\" or \"Europe/Berlin\""),
            }
        })?;
        let settle = span(&raw.settle)
            .ok_or_else(|| Error::in_file(path, format!("settle \"{}\" is not a time span", raw.settle)).next("for example \"1 day\" or \"6 hours\""))?;
        Ok(Self {
            name: raw.job,
            description: raw.description,
            schedule: raw.schedule,
            zone,
            covers: raw.covers,
            settle,
            path: path.to_owned(),
            text: text.to_owned(),
            cron,
        })
    }

    /// The interval that a tick covers, in the job's zone.
    pub fn interval(&self, tick: Tick) -> Interval {
        let (first, end) = match self.covers {
            Covers::PreviousDay => (tick.date - Days::new(1), tick.date),
            Covers::Previous7Days => (tick.date - Days::new(7), tick.date),
            Covers::PreviousMonth => tick.month_before(),
        };
        Interval { start: self.midnight(first), end: self.midnight(end) }
    }

    /// The instant by which a tick's rows must be known.
    pub fn known_at(&self, tick: Tick) -> DateTime<Utc> {
        tick.at + self.settle
    }

    /// The tick that the user means by a civil day or an instant; anything else is refused with the two nearest ticks.
    pub fn tick_at(&self, text: &str) -> Result<Tick> {
        let ticks = |day: NaiveDate| self.ticks_of_day(day);
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return match ticks(day)[..] {
                [tick] => Ok(tick),
                [] => Err(self.not_a_tick(text, self.midnight(day))),
                ref several => Err(Error::new(format!("{} has {} ticks on {day}", self.name, several.len()))
                    .next(format!("name one: {}", several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")))),
            };
        }
        let Ok(at) = DateTime::parse_from_rfc3339(text) else {
            return Err(Error::new(format!("\"{text}\" is neither a day nor an instant")).next("write 2026-03-15 or 2026-03-15T00:00:00Z"));
        };
        let at = at.with_timezone(&Utc);
        ticks(at.with_timezone(&self.zone).date_naive()).into_iter().find(|tick| tick.at == at).ok_or_else(|| self.not_a_tick(text, at))
    }

    /// The newest tick whose settle time has passed at `now`.
    pub fn newest_settled(&self, now: DateTime<Utc>) -> Result<Tick> {
        self.at_or_before(now - self.settle).ok_or_else(|| Error::in_file(&self.path, "the schedule has no tick in the past"))
    }

    fn at_or_before(&self, at: DateTime<Utc>) -> Option<Tick> {
        let found = self.cron.find_previous_occurrence(&at.with_timezone(&self.zone), true).ok()?;
        Some(Tick::new(found.with_timezone(&Utc), self.zone))
    }

    fn ticks_of_day(&self, day: NaiveDate) -> Vec<Tick> {
        let start = self.midnight(day);
        let end = self.midnight(day + Days::new(1));
        let mut ticks = Vec::new();
        let mut from = start.with_timezone(&self.zone);
        let mut inclusive = true;
        while let Ok(next) = self.cron.find_next_occurrence(&from, inclusive) {
            if next.with_timezone(&Utc) >= end {
                break;
            }
            ticks.push(Tick::new(next.with_timezone(&Utc), self.zone));
            from = next;
            inclusive = false;
        }
        ticks.dedup();
        ticks
    }

    fn not_a_tick(&self, text: &str, near: DateTime<Utc>) -> Error {
        let before = self.at_or_before(near).map(|tick| tick.to_string());
        let after =
            self.cron.find_next_occurrence(&near.with_timezone(&self.zone), false).ok().map(|next| Tick::new(next.with_timezone(&Utc), self.zone).to_string());
        let nearest: Vec<String> = [before, after].into_iter().flatten().collect();
        Error::new(format!("{text} is not a tick of {} (\"{}\" in {})", self.name, self.schedule, self.zone))
            .next(format!("nearest: {}", nearest.join(" and ")))
    }

    /// Midnight of a civil day; where a clock change skips it, the first instant after.
    fn midnight(&self, day: NaiveDate) -> DateTime<Utc> {
        let local = day.and_time(NaiveTime::MIN);
        (0..=24 * 4)
            .find_map(|quarter| self.zone.from_local_datetime(&(local + TimeDelta::minutes(15 * quarter))).earliest())
            .map_or_else(|| local.and_utc(), |at| at.with_timezone(&Utc))
    }
}

/// `1 day`, `6 hours`, `90 minutes`.
fn span(text: &str) -> Option<TimeDelta> {
    let (number, unit) = text.trim().split_once(' ')?;
    let number: i64 = number.parse().ok().filter(|number| *number >= 0)?;
    match unit.trim().trim_end_matches('s') {
        "day" => TimeDelta::try_days(number),
        "hour" => TimeDelta::try_hours(number),
        "minute" => TimeDelta::try_minutes(number),
        _ => None,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawJob {
    job: String,
    #[serde(default)]
    description: String,
    schedule: String,
    timezone: String,
    covers: Covers,
    #[serde(default = "one_day")]
    settle: String,
}

fn one_day() -> String {
    "1 day".to_owned()
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
    fn the_newest_settled_tick_lies_a_settle_time_back() {
        let job = job("0 0 * * *", "UTC", "previous_day");
        let now = "2026-03-16T00:00:00Z".parse().unwrap();
        assert_eq!(job.newest_settled(now).unwrap().to_string(), "2026-03-15T00:00:00Z");
        assert_eq!(job.newest_settled(now - TimeDelta::seconds(1)).unwrap().to_string(), "2026-03-14T00:00:00Z");
    }

    #[test]
    fn a_wrong_zone_names_the_nearest() {
        let text = "job = \"j\"\nschedule = \"0 0 * * *\"\ntimezone = \"Europe/Berln\"\ncovers = \"previous_day\"\n";
        let error = Job::parse(Path::new("jobs/j.toml"), text).unwrap_err().to_string();
        assert!(error.contains("Europe/Berlin"), "{error}");
    }
}
