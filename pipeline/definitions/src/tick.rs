//! Ticks and the intervals they cover. No clock.

use std::fmt;

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};

/// An instant of a job's schedule, with the civil day it belongs to in the job's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick {
    pub at: DateTime<Utc>,
    pub date: NaiveDate,
}

impl Tick {
    /// First day of the tick's month before.
    pub(crate) fn month_before(self) -> (NaiveDate, NaiveDate) {
        let end = self.date.with_day(1).unwrap_or(self.date);
        let last = end - Days::new(1);
        (last.with_day(1).unwrap_or(last), end)
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.at.format("%Y-%m-%dT%H:%M:%SZ"))
    }
}

/// A half-open span of time: start is in, end is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.start.format("%Y-%m-%dT%H:%M:%SZ"), self.end.format("%Y-%m-%dT%H:%M:%SZ"))
    }
}
