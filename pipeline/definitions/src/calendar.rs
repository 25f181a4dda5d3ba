//! A schedule's ticks in a time zone. Pure: no clock, no ledger.
//!
//! The pattern is read against civil time (what a clock on the wall shows) and each civil time becomes one instant: one that comes
//! twice when clocks go back ticks at its first, one that is left out when they go forward ticks at the first instant after the gap,
//! and a civil day that a zone leaves out has no tick. So each civil day has its ticks exactly once, in order, in every zone.

use std::str::FromStr;

use chrono::{DateTime, Days, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;

use crate::Tick;

/// No zone is further than this from UTC.
const FARTHEST: TimeDelta = TimeDelta::hours(26);

/// A five-field pattern in an IANA zone.
#[derive(Debug, Clone)]
pub struct Calendar {
    cron: Cron,
    pub zone: Tz,
}

impl Calendar {
    /// Reads a pattern; what is wrong with it, otherwise.
    pub(crate) fn new(pattern: &str, zone: Tz) -> Result<Self, String> {
        let fields = pattern.split_whitespace().count();
        if fields != 5 {
            return Err(format!("{fields} fields"));
        }
        let cron = Cron::from_str(pattern).map_err(|error| error.to_string())?;
        let start = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN).and_utc();
        cron.find_next_occurrence(&start, true).map_err(|_| "it never comes".to_owned())?;
        Ok(Self { cron, zone })
    }

    /// The ticks of a half-open span of time, in order.
    pub fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Tick> {
        // A gap moves a tick forward by its length: the civil times a day around the span hold all its ticks.
        let civil = self.civil_times((from - FARTHEST).naive_utc(), (to + FARTHEST).naive_utc());
        let mut ticks = ticks(self.zone, civil);
        ticks.retain(|tick| tick.at >= from && tick.at < to);
        ticks
    }

    /// The newest tick at or before an instant.
    pub fn at_or_before(&self, at: DateTime<Utc>) -> Option<Tick> {
        let mut civil = (at + FARTHEST).naive_utc();
        // Each step goes back by a pattern's occurrence; those that are still ahead are few.
        loop {
            let found = self.cron.find_previous_occurrence(&civil.and_utc(), true).ok()?.naive_utc();
            if let Some(tick) = tick(self.zone, found).filter(|tick| tick.at <= at) {
                // A later civil time may have become the same instant: the one `between` keeps is meant.
                return self.between(tick.at, tick.at + TimeDelta::seconds(1)).pop();
            }
            civil = found - TimeDelta::seconds(1);
        }
    }

    /// The oldest tick after an instant.
    pub fn after(&self, at: DateTime<Utc>) -> Option<Tick> {
        let mut civil = (at - FARTHEST).naive_utc();
        loop {
            let found = self.cron.find_next_occurrence(&civil.and_utc(), false).ok()?.naive_utc();
            if let Some(tick) = tick(self.zone, found).filter(|tick| tick.at > at) {
                return self.between(tick.at, tick.at + TimeDelta::seconds(1)).pop();
            }
            civil = found;
        }
    }

    /// The ticks that belong to a civil day.
    pub fn of_day(&self, day: NaiveDate) -> Vec<Tick> {
        let civil = self.civil_times(day.and_time(NaiveTime::MIN), (day + Days::new(1)).and_time(NaiveTime::MIN));
        ticks(self.zone, civil)
    }

    /// The tick at exactly this instant.
    pub fn tick(&self, at: DateTime<Utc>) -> Option<Tick> {
        self.between(at, at + TimeDelta::seconds(1)).pop().filter(|tick| tick.at == at)
    }

    /// The pattern's civil times of a half-open span.
    fn civil_times(&self, from: NaiveDateTime, to: NaiveDateTime) -> Vec<NaiveDateTime> {
        let mut times = Vec::new();
        let mut next = self.cron.find_next_occurrence(&from.and_utc(), true);
        while let Ok(found) = next {
            let civil = found.naive_utc();
            if civil >= to {
                break;
            }
            times.push(civil);
            next = self.cron.find_next_occurrence(&found, false);
        }
        times
    }
}

/// The instants of civil times: in order, each once.
fn ticks(zone: Tz, civil: impl IntoIterator<Item = NaiveDateTime>) -> Vec<Tick> {
    let mut ticks: Vec<Tick> = civil.into_iter().filter_map(|civil| tick(zone, civil)).collect();
    ticks.sort();
    // Of civil times that became the same instant the last is kept: it is the one the clock shows then.
    ticks.reverse();
    ticks.dedup_by_key(|tick| tick.at);
    ticks.reverse();
    ticks
}

fn tick(zone: Tz, civil: NaiveDateTime) -> Option<Tick> {
    let day = civil.date();
    match zone.from_local_datetime(&civil) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => Some(Tick { at: at.with_timezone(&Utc), date: day }),
        // A day that the zone leaves out, as Samoa left out 30 December 2011, has no ticks.
        MappedLocalTime::None if midnight(zone, day) == midnight(zone, day + Days::new(1)) => None,
        MappedLocalTime::None => Some(Tick { at: after_gap(zone, civil), date: day }),
    }
}

/// Midnight of a civil day; where a clock change leaves it out, the first instant after.
pub(crate) fn midnight(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    let civil = day.and_time(NaiveTime::MIN);
    match zone.from_local_datetime(&civil) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => at.with_timezone(&Utc),
        MappedLocalTime::None => after_gap(zone, civil),
    }
}

/// The last civil day that was over when `day` began: the day before, unless the zone left it out.
pub(crate) fn day_before(zone: Tz, day: NaiveDate) -> NaiveDate {
    let end = midnight(zone, day);
    let mut before = day - Days::new(1);
    while midnight(zone, before) >= end {
        before = before - Days::new(1);
    }
    before
}

/// The first instant whose civil time is not before one that is left out.
fn after_gap(zone: Tz, civil: NaiveDateTime) -> DateTime<Utc> {
    let (mut before, mut after) = (civil.and_utc() - FARTHEST, civil.and_utc() + FARTHEST);
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if zone.from_utc_datetime(&middle.naive_utc()).naive_local() >= civil {
            after = middle;
        } else {
            before = middle;
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Datelike;

    fn calendar(pattern: &str, zone: &str) -> Calendar {
        Calendar::new(pattern, zone.parse().unwrap()).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn shown(ticks: &[Tick]) -> Vec<String> {
        ticks.iter().map(|tick| format!("{} {}", tick.date, tick)).collect()
    }

    #[test]
    fn a_pattern_has_five_fields_and_comes() {
        let wrong = |pattern: &str| Calendar::new(pattern, Tz::UTC).unwrap_err();
        assert_eq!(wrong("0 0 * *"), "4 fields");
        assert_eq!(wrong("0 0 0 * * *"), "6 fields");
        assert_eq!(wrong("@daily"), "1 fields");
        assert_eq!(wrong("0 0 30 2 *"), "it never comes");
        assert!(Calendar::new("60 0 * * *", Tz::UTC).is_err());
    }

    #[test]
    fn a_time_left_out_ticks_after_the_gap_and_one_that_comes_twice_at_its_first() {
        // Berlin 2026: 02:00 becomes 03:00 on 29 March, 03:00 becomes 02:00 on 25 October.
        let berlin = calendar("30 2 * * *", "Europe/Berlin");
        assert_eq!(
            shown(&berlin.between(at("2026-03-28T00:00:00Z"), at("2026-03-31T00:00:00Z"))),
            ["2026-03-28 2026-03-28T01:30:00Z", "2026-03-29 2026-03-29T01:00:00Z", "2026-03-30 2026-03-30T00:30:00Z"]
        );
        assert_eq!(
            shown(&berlin.between(at("2026-10-24T12:00:00Z"), at("2026-10-27T00:00:00Z"))),
            ["2026-10-25 2026-10-25T00:30:00Z", "2026-10-26 2026-10-26T01:30:00Z"]
        );
    }

    #[test]
    fn a_pattern_of_every_half_hour_stays_in_order_over_both_changes() {
        let often = calendar("*/30 * * * *", "Europe/Berlin");
        for (day, count) in [("2026-03-29", 46), ("2026-10-25", 48)] {
            let ticks = often.of_day(day.parse().unwrap());
            assert_eq!(ticks.len(), count, "{day}");
            assert!(ticks.windows(2).all(|pair| pair[0].at < pair[1].at));
        }
    }

    #[test]
    fn a_day_that_a_zone_left_out_has_no_tick_and_the_next_covers_the_day_before_it() {
        let apia: Tz = "Pacific/Apia".parse().unwrap();
        for pattern in ["0 0 * * *", "30 2 * * *"] {
            let days: Vec<u32> =
                calendar(pattern, "Pacific/Apia").between(at("2011-12-29T05:00:00Z"), at("2012-01-01T05:00:00Z")).iter().map(|tick| tick.date.day()).collect();
            assert_eq!(days, [29, 31, 1], "{pattern}");
        }
        assert_eq!(day_before(apia, "2011-12-31".parse().unwrap()).to_string(), "2011-12-29");
    }

    #[test]
    fn a_tick_keeps_its_civil_day_where_the_gap_ends_at_midnight() {
        // Nuuk 2024: 23:00 on 30 March is followed by 00:00 on the 31st.
        let nuuk = calendar("30 23 * * *", "America/Nuuk");
        assert_eq!(
            shown(&nuuk.between(at("2024-03-30T12:00:00Z"), at("2024-04-01T12:00:00Z"))),
            ["2024-03-30 2024-03-31T01:00:00Z", "2024-03-31 2024-04-01T00:30:00Z"]
        );
    }

    #[test]
    fn neighbours_are_found_in_sparse_calendars_too() {
        let leap = calendar("0 0 29 2 *", "America/New_York");
        assert_eq!(leap.at_or_before(at("2027-01-01T00:00:00Z")).unwrap().to_string(), "2024-02-29T05:00:00Z");
        assert_eq!(leap.after(at("2024-02-29T05:00:00Z")).unwrap().to_string(), "2028-02-29T05:00:00Z");
        let tick = leap.at_or_before(at("2024-02-29T05:00:00Z")).unwrap();
        assert_eq!(leap.tick(tick.at), Some(tick));
        assert_eq!(leap.tick(tick.at + TimeDelta::seconds(1)), None);
    }

    /// Every IANA zone, 2000 to 2040, at times of day that clock changes touch: each civil day that the zone has ticks exactly once, in
    /// order, and what nightly ticks cover follows each other without gap or overlap.
    #[test]
    fn each_civil_day_once_in_every_zone() {
        let (first, last) = (NaiveDate::from_ymd_opt(2000, 1, 1).unwrap(), NaiveDate::from_ymd_opt(2041, 1, 1).unwrap());
        let days: Vec<NaiveDate> = first.iter_days().take_while(|day| *day < last).collect();
        assert_eq!(days.len(), 14_976);
        let (mut gaps, mut twice, mut left_out) = (0, 0, 0);
        for zone in chrono_tz::TZ_VARIANTS {
            let midnights: Vec<DateTime<Utc>> = days.iter().map(|day| midnight(zone, *day)).collect();
            assert!(midnights.is_sorted(), "{zone}");
            for (hour, minute) in [(0, 0), (0, 30), (2, 30), (23, 45)] {
                let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
                let ticks = ticks(zone, days.iter().map(|day| day.and_time(time)));
                let mut next = ticks.iter();
                for (number, day) in days.iter().enumerate() {
                    if midnights.get(number + 1) == Some(&midnights[number]) {
                        left_out += 1;
                        continue;
                    }
                    let tick = next.next().unwrap_or_else(|| panic!("{zone} {time}: {day} has no tick"));
                    assert_eq!(tick.date, *day, "{zone} {time}");
                    assert!(tick.at >= midnights[number] && midnights.get(number + 1).is_none_or(|end| tick.at <= *end), "{zone} {time} {day}: {tick}");
                    match zone.from_local_datetime(&day.and_time(time)) {
                        MappedLocalTime::None => gaps += 1,
                        MappedLocalTime::Ambiguous(..) => twice += 1,
                        MappedLocalTime::Single(_) => {}
                    }
                }
                assert_eq!(next.next(), None, "{zone} {time}");
                assert!(ticks.windows(2).all(|pair| pair[0].at < pair[1].at), "{zone} {time}");
                // What each tick covers as "the previous day" begins where the tick before it ended; the days are the same at all times.
                if hour == 2 {
                    assert!(ticks.windows(2).all(|pair| day_before(zone, pair[1].date) == pair[0].date), "{zone}");
                }
            }
        }
        assert!(gaps > 1_000 && twice > 1_000 && left_out > 0, "{gaps} {twice} {left_out}: nothing was proven");
    }

    /// What the property above takes for granted: patterns give the civil times that it uses, and days in pieces give the same ticks as
    /// the whole span.
    #[test]
    fn the_pieces_make_the_whole() {
        for zone in ["UTC", "Europe/Berlin", "America/Sao_Paulo", "America/St_Johns", "Africa/Cairo", "Pacific/Apia", "Asia/Tehran", "America/Havana"] {
            for pattern in ["0 0 * * *", "30 2 * * *", "*/20 0-3 * * 1", "0 0 15 * *"] {
                let calendar = calendar(pattern, zone);
                let (from, to) = (at("2010-12-30T11:17:00Z"), at("2013-01-02T01:00:00Z"));
                let whole = calendar.between(from, to);
                let mut pieces = Vec::new();
                let mut start = from;
                while start < to {
                    let end = (start + TimeDelta::hours(31)).min(to);
                    pieces.extend(calendar.between(start, end));
                    start = end;
                }
                assert_eq!(whole, pieces, "{pattern} in {zone}");
                assert!(whole.windows(2).all(|pair| calendar.after(pair[0].at) == Some(pair[1]) && calendar.at_or_before(pair[1].at) == Some(pair[1])));
            }
        }
    }
}
