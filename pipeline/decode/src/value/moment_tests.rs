//! Formats against chrono's printing, and text by text.

use std::collections::BTreeMap;

use chrono::{FixedOffset, NaiveDate};

use super::moment::*;
use super::names::Names;

use chrono::{NaiveDateTime, NaiveTime, TimeDelta, Timelike};

fn meaning() -> Meaning {
    Meaning { years_from: 1970, zones: BTreeMap::from([("PST".to_owned(), FixedOffset::west_opt(8 * 3600).unwrap())]), names: Names::of(&[]) }
}

/// Every moment that chrono prints by a format is read back by it.
#[test]
fn what_chrono_prints_is_read() {
    let mut state: u64 = 0x1234_5678_9ABC_DEF1;
    let mut next = |limit: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % limit
    };
    let formats = [
        "%Y-%m-%d %H:%M:%S",
        "%m/%d/%Y %I:%M:%S %p",
        "%b %-d, %Y %H:%M:%S",
        "%A, %d %B %Y %H:%M:%S",
        "%Y%m%d%H%M%S",
        "%d-%b-%Y %l:%M:%S%P",
        "%Y-%j %T",
        "%a %e %h %Y %T",
        "%d.%m.%Y kl. %k:%M:%S",
    ];
    for _ in 0..4_000 {
        let seconds = next(9_000 * 365 * 86_400);
        let at: NaiveDateTime = NaiveDate::from_ymd_opt(1000, 1, 1).unwrap().and_time(NaiveTime::MIN) + TimeDelta::seconds(seconds as i64);
        for format in formats {
            let text = at.format(format).to_string();
            let found = MomentFormat::new(format).unwrap().read(&text, &meaning()).unwrap_or_else(|problem| panic!("{format}: {text}: {problem:?}"));
            let expected = i64::from(at.time().num_seconds_from_midnight()) * 1_000_000;
            assert_eq!((found.day, found.time, found.span), (at.date(), Some(expected), Span::Day), "{format}: {text}");
        }
    }
}

#[test]
fn formats_and_texts_one_by_one() {
    for (format, text, expected) in [
        ("%m/%d/%y", "1/2/69", "2069-01-02 Day"),
        ("%m/%d/%y", "1/2/70", "1970-01-02 Day"),
        ("%b-%y", "JUN-25", "2025-06-01 Month"),
        ("%b %Y", "Sept. 2024", "2024-09-01 Month"),
        ("%Y", "2015", "2015-01-01 Year"),
        ("Q%q %Y", "q4 2024", "2024-10-01 Quarter"),
        ("%Y%m%d", "2024115", "Form"),
        ("%Y-%m-%d", "02024-1-1", "Form"),
        ("%Y-%m-%d", "2024-1-1", "2024-01-01 Day"),
        ("%Y-%m-%d", "0000-01-01", "Range"),
        ("%Y-%m-%d", "２024-01-01", "Form"),
        ("%Y-%m-%d %H:%M:%S%.f", "2024-01-01 00:00:00.1234567", "TooFine"),
        ("%Y-%m-%d %H:%M:%S%.f", "2024-01-01 00:00:00.5", "2024-01-01 Day 500000"),
        ("%Y-%m-%d %H:%M", "2024-01-01 24:00", "2024-01-01 Day 86400000000"),
        ("%Y-%m-%d %H:%M", "2024-01-01 24:01", "Form"),
        ("%Y-%m-%d %H:%M", "2024-01-01 25:00", "Form"),
        ("%Y-%m-%d %I:%M %p", "2024-01-01 0:30 AM", "Form"),
        ("%Y-%m-%d %I:%M %p", "2024-01-01 12:30 am", "2024-01-01 Day 1800000000"),
        ("%Y-%m-%d %I:%M %p", "2024-01-01 1:30\u{202f}PM", "2024-01-01 Day 48600000000"),
        ("%a, %Y-%m-%d", "Mon, 2024-01-01", "2024-01-01 Day"),
        ("%a, %Y-%m-%d", "Tue, 2024-01-01", "Form"),
        ("%Y-%m-%dT%H:%M:%S%z", "2024-01-01T00:00:00+05:30", "2024-01-01 Day 0 +05:30"),
        ("%Y-%m-%dT%H:%M:%S%:z", "2024-01-01T00:00:00-08", "2024-01-01 Day 0 -08:00"),
        ("%Y-%m-%dT%H:%M:%SZ", "2024-01-01T00:00:00Z", "2024-01-01 Day 0 +00:00"),
        ("%Y-%m-%d %H:%M %Z", "2024-01-01 00:00 pst", "2024-01-01 Day 0 -08:00"),
        ("%Y-%m-%d %H:%M %Z", "2024-01-01 00:00 EST", "Form"),
        ("%Y-%m-%d %H:%M %Z", "2024-07-01 00:00 Europe/Berlin", "2024-07-01 Day 0 Europe/Berlin"),
        ("%Z %Y-%m-%d %H:%M", "America/Argentina/Buenos_Aires 2024-07-01 00:00", "2024-07-01 Day 0 America/Argentina/Buenos_Aires"),
        ("%Y-%m-%d %H:%M %Z", "2024-07-01 00:00 Etc/GMT+5", "2024-07-01 Day 0 Etc/GMT+5"),
        ("%Y-%m-%d %H:%M %Z", "2024-07-01 00:00 Europe/Berln", "Form"),
        ("%Y-%m-%d %H:%M %Z", "2024-07-01 00:00 CET", "Form"),
        ("%s", "-1", "1969-12-31 Day 86399000000 +00:00"),
        ("%s", "99999999999999", "Range"),
        ("%s", "+1", "Form"),
        ("unix", "1735689600", "2025-01-01 Day 0 +00:00"),
        ("unix-ms", "1735689600123", "2025-01-01 Day 123000 +00:00"),
        ("unix-ms", "1735689600.5", "Form"),
        ("excel", "45689", "2025-02-01 Day 0"),
        ("excel", "45689.5", "2025-02-01 Day 43200000000"),
        ("excel", "45689.9999884259", "2025-02-01 Day 86399000000"),
        ("excel", "45689,9999999999", "2025-02-02 Day 0"),
        ("excel", "59", "1900-02-28 Day 0"),
        ("excel", "60", "Range"),
        ("excel", "61", "1900-03-01 Day 0"),
        ("excel", "0", "Range"),
        ("excel", "-1", "Form"),
        ("excel", "4.5E4", "Form"),
        ("excel", "2958465", "9999-12-31 Day 0"),
        ("excel", "2958466", "Range"),
        ("excel-1904", "44227", "2025-02-01 Day 0"),
        ("excel-1904", "0", "1904-01-01 Day 0"),
        ("%G-W%V", "2025-W07", "2025-02-10 Week"),
        ("%G-W%V", "2025-W01", "2024-12-30 Week"),
        ("%G-W%V", "2026-W53", "2026-12-28 Week"),
        ("%G-W%V", "2025-W53", "Form"),
        ("%G week %V", "2025 week 7", "2025-02-10 Week"),
        ("%G-W%V-%u", "2025-W07-7", "2025-02-16 Day"),
        ("%G-W%V-%u", "2025-W07-8", "Form"),
        ("%G-W%V-%u", "2025-W07-0", "Form"),
        ("%B %d, %Y", "March 4th, 2025", "2025-03-04 Day"),
        ("%B %d, %Y", "March 22ND, 2025", "2025-03-22 Day"),
        ("%B %d, %Y", "March 4xx, 2025", "Form"),
        ("%B %dth, %Y", "March 4th, 2025", "2025-03-04 Day"),
        ("%dT%m.%Y", "4T3.2025", "2025-03-04 Day"),
        ("%d. %b. %Y", "3. Mar. 2025", "2025-03-03 Day"),
        ("%d. %b. %Y", "3. May 2025", "2025-05-03 Day"),
        ("%d %b %Y", "3 Mar. 2025", "2025-03-03 Day"),
        ("%B.%Y", "April.2025", "2025-04-01 Month"),
        ("%Y-%m-%d %I:%M %p", "2024-01-01 1:30 p. m.", "2024-01-01 Day 48600000000"),
        ("%Y-%m-%d %I:%M %p", "2024-01-01 1:30 a.m.", "2024-01-01 Day 5400000000"),
        ("%Y-%m-%d %I:%M %p", "2024-01-01 1:30 amx", "Form"),
    ] {
        let found = match MomentFormat::new(format).unwrap().read(text, &meaning()) {
            Ok(Moment { day, span, time, offset, zone }) => {
                let more = time.map(|time| format!(" {time}")).unwrap_or_default() + &offset.map(|offset| format!(" {offset}")).unwrap_or_default();
                let more = more + &zone.map(|zone| format!(" {zone}")).unwrap_or_default();
                format!("{day} {span:?}{more}")
            }
            Err(problem) => format!("{problem:?}"),
        };
        assert_eq!(found, expected, "{format}: {text}");
    }
}

#[test]
fn formats_that_give_no_moment_are_refused() {
    for (format, why) in [
        ("%m/%d", "gives no year"),
        ("%Y-%d", "gives no day, month, quarter or year that can be told: a day needs its month, a quarter stands alone"),
        ("%Y %m %b", "gives no day, month, quarter or year that can be told: a day needs its month, a quarter stands alone"),
        ("%Y %y", "says the same thing twice"),
        ("%Y-%m-%d %I:%M", "has %I without %p or %p without %I"),
        ("%Y-%m %H:%M", "gives a time of day without a day"),
        ("%Y-%m-%d %M", "gives minutes without an hour"),
        ("%Y-%", "ends with %"),
        ("%Y-W%V", "a week is %G-W%V: the year of the week, the week, perhaps its day %u, and no month"),
        ("%G-%m", "a week is %G-W%V: the year of the week, the week, perhaps its day %u, and no month"),
        ("%Y-%Q", "has %Q; known: %Y %y %q %m %b %B %d %j %G %V %u %H %I %p %M %S %f %.f %z %Z %s %a %A"),
    ] {
        assert_eq!(MomentFormat::new(format).unwrap_err(), why, "{format}");
    }
}

#[test]
fn names_are_of_the_languages_that_are_said() {
    for (languages, format, text, expected) in [
        (&["de"][..], "%d. %B %Y", "3. März 2025", Some("2025-03-03")),
        (&["de"], "%d. %b %Y", "12. Dez. 2025", Some("2025-12-12")),
        (&["de"], "%a, %d. %b. %Y", "Mo, 3. Mrz 2025", Some("2025-03-03")),
        (&["de"], "%d. %B %Y", "3. March 2025", None),
        (&["fr"], "%d %B %Y", "1er janvier 2025", Some("2025-01-01")),
        (&["fr"], "%a %d %b %Y", "mar. 4 févr. 2025", Some("2025-02-04")),
        (&["fr", "en"], "%d %b %Y", "4 Feb 2025", Some("2025-02-04")),
        (&["es"], "%d de %B de %Y", "3 de marzo de 2025", Some("2025-03-03")),
        (&["ru"], "%d %B %Y г.", "3 мая 2025 г.", Some("2025-05-03")),
        (&["fi", "en"], "%d %b %Y", "3 mar 2025", None),
    ] {
        let languages: Vec<String> = languages.iter().map(|code| (*code).to_owned()).collect();
        let meaning = Meaning { names: Names::of(&languages), ..meaning() };
        let found = MomentFormat::new(format).unwrap().read(text, &meaning).ok().map(|moment| moment.day.to_string());
        assert_eq!(found.as_deref(), expected, "{format}: {text}");
    }
}
