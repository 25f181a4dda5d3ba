//! Days and seconds in UTC. The only use of the calendar library; knows no clock.

use chrono::{Datelike, NaiveDate};

/// Days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

const SECONDS: i64 = 86_400;

impl Day {
    pub const fn of(year: i32, month: u32, day: u32) -> Self {
        let date = NaiveDate::from_ymd_opt(year, month, day).expect("a date of the calendar");
        Day(date.to_epoch_days())
    }

    pub fn date(self) -> NaiveDate {
        NaiveDate::from_epoch_days(self.0).expect("a day of the calendar")
    }

    pub fn year_month(self) -> (i32, u32) {
        let date = self.date();
        (date.year(), date.month())
    }

    pub fn day_of_month(self) -> u32 {
        self.date().day()
    }

    pub fn first_of_month(self) -> Day {
        Day(self.0 - self.day_of_month() as i32 + 1)
    }

    pub const fn plus(self, days: i32) -> Day {
        Day(self.0 + days)
    }

    pub fn at(self, second: i64) -> Moment {
        Moment(i64::from(self.0) * SECONDS + second)
    }

    pub fn start(self) -> Moment {
        self.at(0)
    }

    pub fn end(self) -> Moment {
        self.at(SECONDS - 1)
    }

    pub fn until(self, last: Day) -> impl Iterator<Item = Day> {
        (self.0..=last.0).map(Day)
    }
}

impl Moment {
    pub fn day(self) -> Day {
        Day(self.0.div_euclid(SECONDS) as i32)
    }

    pub fn plus(self, seconds: i64) -> Moment {
        Moment(self.0 + seconds)
    }

    /// `2026-03-14T09:12:33Z`
    pub fn write_iso(self, out: &mut Vec<u8>) {
        self.write_parts(b'T', out);
        out.push(b'Z');
    }

    /// `2026-03-14 09:12:33.0`, the dialect of the newer agreement feeds.
    pub fn write_spaced(self, out: &mut Vec<u8>) {
        self.write_parts(b' ', out);
        out.extend_from_slice(b".0");
    }

    fn write_parts(self, between: u8, out: &mut Vec<u8>) {
        let date = self.day().date();
        let second = self.0.rem_euclid(SECONDS) as u32;
        let year = date.year() as u32;
        pair(year / 100, out);
        pair(year % 100, out);
        for (mark, part) in [(b'-', date.month()), (b'-', date.day()), (between, second / 3600), (b':', second / 60 % 60), (b':', second % 60)] {
            out.push(mark);
            pair(part, out);
        }
    }
}

fn pair(value: u32, out: &mut Vec<u8>) {
    out.push(b'0' + (value / 10) as u8);
    out.push(b'0' + (value % 10) as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dialects() {
        let moment = Day::of(2024, 12, 24).at(11 * 3600 + 31 * 60 + 47);
        let mut out = Vec::new();
        moment.write_iso(&mut out);
        out.push(b'|');
        moment.write_spaced(&mut out);
        assert_eq!(out, b"2024-12-24T11:31:47Z|2024-12-24 11:31:47.0");
    }
}
