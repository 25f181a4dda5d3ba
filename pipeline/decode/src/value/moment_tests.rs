//! Formats against chrono's printing, and text by text.

use std::collections::BTreeMap;

use chrono::{FixedOffset, NaiveDate};

use super::moment::*;

use chrono::{NaiveDateTime, NaiveTime, TimeDelta, Timelike};

fn meaning() -> Meaning {
    Meaning { years_from: 1970, zones: BTreeMap::from([("PST".to_owned(), FixedOffset::west_opt(8 * 3600).unwrap())]) }
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
        ("%Y-%m-%d %H:%M", "2024-01-01 24:00", "Form"),
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
        ("%s", "-1", "1969-12-31 Day 86399000000 +00:00"),
        ("%s", "99999999999999", "Range"),
    ] {
        let found = match MomentFormat::new(format).unwrap().read(text, &meaning()) {
            Ok(Moment { day, span, time, offset }) => {
                let more = time.map(|time| format!(" {time}")).unwrap_or_default() + &offset.map(|offset| format!(" {offset}")).unwrap_or_default();
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
        ("%Y-%Q", "has %Q; known: %Y %y %q %m %b %B %d %j %H %I %p %M %S %f %.f %z %Z %s %a %A"),
    ] {
        assert_eq!(MomentFormat::new(format).unwrap_err(), why, "{format}");
    }
}
