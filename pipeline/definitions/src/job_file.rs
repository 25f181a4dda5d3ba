//! A job file's text into a [`Job`]; each mistake names its line.

use std::path::Path;

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use serde::Deserialize;
use toml::Spanned;

use crate::calendar::Calendar;
use crate::job::{Covers, Job, JobStep, Misfire, Overlap, Ready};
use crate::span::{EXAMPLES, span};
use crate::toml_text::position;
use crate::{Error, Result};

/// A tick that failed is tried again so often where the job does not say it.
const RETRIES: u32 = 3;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawJob {
    job: String,
    #[serde(default)]
    description: String,
    schedule: Spanned<String>,
    timezone: Spanned<String>,
    covers: Covers,
    settle: Option<Spanned<String>>,
    ready: Option<RawReady>,
    #[serde(default)]
    misfire: Misfire,
    #[serde(default)]
    overlap: Overlap,
    due_by: Option<Spanned<String>>,
    retries: Option<u32>,
    timeout: Option<Spanned<String>>,
    steps: Option<Spanned<Vec<JobStep>>>,
    #[serde(default)]
    needs: Vec<Spanned<String>>,
    #[serde(default)]
    expects: Vec<Spanned<String>>,
    start: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReady {
    exports: Spanned<Vec<Spanned<String>>>,
    after: Option<Spanned<String>>,
    until: Spanned<String>,
}

/// What in a job file names something that is defined elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    Jobs,
    Exports,
}

impl RawJob {
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self> {
        crate::parse(path, text)
    }

    pub(crate) fn checked(self, path: &Path, text: &str) -> Result<Job> {
        let at = |offset: usize, message: String| {
            let (line, column) = position(text, offset);
            Error::at(path, line, column, message)
        };
        let length = |key: &str, value: &Spanned<String>| {
            span(value.get_ref()).ok_or_else(|| at(value.span().start, format!("{key} \"{}\" is not a time span", value.get_ref())).next(EXAMPLES))
        };
        let optional = |key: &str, value: &Option<Spanned<String>>| value.as_ref().map(|value| length(key, value)).transpose();
        let zone: Tz = self.timezone.get_ref().parse().map_err(|_| {
            let error = at(self.timezone.span().start, format!("timezone \"{}\" is not an IANA zone", self.timezone.get_ref()));
            match crate::nearest(self.timezone.get_ref(), chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())) {
                Some(best) => error.next(format!("did you mean \"{best}\"?")),
                None => error.next("for example \"UTC\" or \"Europe/Berlin\""),
            }
        })?;
        let calendar = Calendar::new(self.schedule.get_ref(), zone).map_err(|reason| {
            at(self.schedule.span().start, format!("schedule \"{}\": {reason}", self.schedule.get_ref())).next("five fields: minute hour day month weekday")
        })?;
        let ready = match &self.ready {
            None => None,
            Some(raw) => {
                if raw.exports.get_ref().is_empty() {
                    return Err(at(raw.exports.span().start, "ready.exports names no export".to_owned()).next("name those to wait for, or leave out `ready`"));
                }
                let (after, until) = (optional("ready.after", &raw.after)?.unwrap_or_default(), length("ready.until", &raw.until)?);
                if until < after {
                    return Err(at(raw.until.span().start, "ready.until lies before ready.after".to_owned()).next("both count from tick + settle"));
                }
                Some(Ready { exports: names(raw.exports.get_ref()), after, until })
            }
        };
        let start = match &self.start {
            None => None,
            Some(value) => Some(NaiveDate::parse_from_str(value.get_ref(), "%Y-%m-%d").map_err(|_| {
                at(value.span().start, format!("start \"{}\" is not a day", value.get_ref())).next("write the first day to make, such as \"2026-03-01\"")
            })?),
        };
        let steps = match &self.steps {
            None => vec![JobStep::Reports],
            Some(steps) if steps.get_ref().is_empty() => {
                return Err(at(steps.span().start, "steps is empty".to_owned()).next("leave it out, or name some of: reports, watch, vacuum"));
            }
            Some(steps) => steps.get_ref().clone(),
        };
        Ok(Job {
            settle: optional("settle", &self.settle)?.unwrap_or(TimeDelta::days(1)),
            due_by: optional("due_by", &self.due_by)?,
            timeout: optional("timeout", &self.timeout)?,
            name: self.job,
            description: self.description,
            schedule: self.schedule.into_inner(),
            zone,
            covers: self.covers,
            ready,
            misfire: self.misfire,
            overlap: self.overlap,
            retries: self.retries.unwrap_or(RETRIES),
            steps,
            needs: names(&self.needs),
            expects: names(&self.expects),
            start,
            path: path.to_owned(),
            calendar,
            text: text.to_owned(),
        })
    }

    /// Where a name stands in the file.
    fn place(&self, what: Names, name: &str) -> Option<usize> {
        let in_ready = self.ready.iter().flat_map(|ready| ready.exports.get_ref());
        let found = match what {
            Names::Jobs => self.needs.iter().find(|found| found.get_ref() == name),
            Names::Exports => in_ready.chain(&self.expects).find(|found| found.get_ref() == name),
        };
        found.map(|found| found.span().start)
    }
}

impl Job {
    /// A mistake about a name that this job's file uses, at its line.
    pub(crate) fn wrong_name(&self, what: Names, name: &str, message: String) -> Error {
        let offset = RawJob::parse(&self.path, &self.text).ok().and_then(|raw| raw.place(what, name));
        match offset {
            Some(offset) => {
                let (line, column) = position(&self.text, offset);
                Error::at(&self.path, line, column, message)
            }
            None => Error::in_file(&self.path, message),
        }
    }
}

fn names(spanned: &[Spanned<String>]) -> Vec<String> {
    spanned.iter().map(|name| name.get_ref().clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "job = \"j\"\nschedule = \"0 0 * * *\"\ntimezone = \"UTC\"\ncovers = \"previous_day\"\n";

    fn parse(rest: &str) -> Result<Job> {
        Job::parse(Path::new("jobs/j.toml"), &format!("{HEAD}{rest}"))
    }

    #[test]
    fn what_is_left_out_has_a_usual_value() {
        let job = parse("").unwrap();
        assert_eq!((job.settle, job.retries, job.misfire, job.overlap), (TimeDelta::days(1), 3, Misfire::All, Overlap::Queue));
        assert_eq!((job.ready, job.due_by, job.timeout, job.steps, job.start), (None, None, None, vec![JobStep::Reports], None));
    }

    #[test]
    fn every_field_is_read() {
        let job = parse(
            "settle = \"6 hours\"\nmisfire = \"latest\"\noverlap = \"forbid\"\ndue_by = \"2 hours\"\nretries = 0\ntimeout = \"90 minutes\"\n\
             steps = [\"watch\", \"vacuum\"]\nneeds = [\"k\"]\nexpects = [\"offer\"]\nstart = \"2026-03-01\"\n\
             ready = { exports = [\"billing_event\"], after = \"10 minutes\", until = \"3 hours\" }\n",
        )
        .unwrap();
        assert_eq!((job.settle, job.misfire, job.overlap, job.retries), (TimeDelta::hours(6), Misfire::Latest, Overlap::Forbid, 0));
        assert_eq!((job.due_by, job.timeout), (Some(TimeDelta::hours(2)), Some(TimeDelta::minutes(90))));
        assert_eq!((job.steps, job.needs, job.expects), (vec![JobStep::Watch, JobStep::Vacuum], vec!["k".to_owned()], vec!["offer".to_owned()]));
        assert_eq!(job.start.map(|day| day.to_string()).as_deref(), Some("2026-03-01"));
        assert_eq!(job.ready, Some(Ready { exports: vec!["billing_event".into()], after: TimeDelta::minutes(10), until: TimeDelta::hours(3) }));
    }

    #[test]
    fn mistakes_name_line_column_and_the_next_step() {
        let cases = [
            (
                "settle = \"a day\"\n",
                "jobs/j.toml:5:10: settle \"a day\" is not a time span; for example \"1 day\", \"6 hours\", \"90 minutes\" or \"30 seconds\"",
            ),
            ("misfire = \"every\"\n", "jobs/j.toml:5:11: unknown value `every`; known: all, latest, none"),
            ("overlap = \"forbidden\"\n", "jobs/j.toml:5:11: unknown value `forbidden`; known: queue, forbid"),
            ("steps = [\"watch\", \"vacum\"]\n", "jobs/j.toml:5:19: unknown value `vacum`; did you mean `vacuum`?"),
            ("steps = []\n", "jobs/j.toml:5:9: steps is empty; leave it out, or name some of: reports, watch, vacuum"),
            ("start = \"1 March\"\n", "jobs/j.toml:5:9: start \"1 March\" is not a day; write the first day to make, such as \"2026-03-01\""),
            ("retries = -1\n", "jobs/j.toml:5:11: invalid value: integer `-1`, expected u32"),
            ("tiemout = \"1 hour\"\n", "jobs/j.toml:5:1: unknown key `tiemout`; did you mean `timeout`?"),
            (
                "[ready]\nexports = [\"a\"]\nafter = \"2 hours\"\nuntil = \"1 hour\"\n",
                "jobs/j.toml:8:9: ready.until lies before ready.after; both count from tick + settle",
            ),
            ("[ready]\nexports = []\nuntil = \"1 hour\"\n", "jobs/j.toml:6:11: ready.exports names no export; name those to wait for, or leave out `ready`"),
        ];
        for (rest, message) in cases {
            assert_eq!(parse(rest).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_wrong_schedule_or_zone_names_its_line() {
        let message = |from: &str, to: &str| Job::parse(Path::new("jobs/j.toml"), &HEAD.replace(from, to)).unwrap_err().to_string();
        assert_eq!(message("0 0 * * *", "0 0 * *"), "jobs/j.toml:2:12: schedule \"0 0 * *\": 4 fields; five fields: minute hour day month weekday");
        assert_eq!(message("UTC", "Europe/Berln"), "jobs/j.toml:3:12: timezone \"Europe/Berln\" is not an IANA zone; did you mean \"Europe/Berlin\"?");
    }
}
