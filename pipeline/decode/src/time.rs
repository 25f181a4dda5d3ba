//! Text → instants (microseconds since 1970 in UTC) by the formats that the export declares, tried in order.
//!
//! ISO shapes (`2026-03-15`, `2026-03-15T12:00:00Z`, `2026-03-15 12:00:00.0`, with or without an offset) have their own fast reader
//! ([`crate::iso`]); all other formats go through chrono. A text without a zone is UTC, a format without a time of day means
//! midnight, an offset counts only where the format has one. Years 1 to 9999 are taken; finer than a microsecond is refused, not cut.

use chrono::format::{Fixed, Item, Parsed, StrftimeItems};
use chrono::{Datelike, NaiveDateTime, NaiveTime, Timelike};

use crate::iso::{Iso, Memo};

pub(crate) const MICROS_A_DAY: i64 = 86_400_000_000;

/// 0001-01-01T00:00:00Z and the last microsecond of the year 9999.
pub(crate) const FIRST: i64 = -62_135_596_800_000_000;
pub(crate) const LAST: i64 = 253_402_300_799_999_999;

/// No format that people write is longer.
const LONGEST: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeProblem {
    /// In none of the formats, or no such date or time.
    Form,
    /// More digits than a microsecond has.
    TooFine,
    /// Before the year 1 or after 9999.
    Range,
    /// A day is wanted, but the text has a time of day.
    TimeOfDay,
}

#[derive(Debug)]
pub(crate) struct Formats(Vec<Format>);

#[derive(Debug)]
enum Format {
    Iso(Iso),
    Other(Vec<Item<'static>>),
}

impl Formats {
    /// The error is the format that can't be used, with its reason.
    pub(crate) fn new(formats: &[String]) -> Result<Self, String> {
        formats.iter().map(|format| Format::new(format).map_err(|why| format!("\"{format}\" {why}"))).collect::<Result<_, _>>().map(Self)
    }

    #[inline(always)]
    pub(crate) fn instant(&self, text: &[u8], memo: &mut Memo) -> Result<i64, TimeProblem> {
        let mut problem = TimeProblem::Form;
        for format in &self.0 {
            let read = match format {
                Format::Iso(iso) => iso.instant(text, memo),
                Format::Other(items) => other(text, items),
            };
            match read {
                Ok(micros) => return Ok(micros),
                Err(TimeProblem::Form) => {}
                Err(known) => problem = known,
            }
        }
        Err(problem)
    }

    /// A day: a date, or an instant that is midnight in UTC.
    #[inline]
    pub(crate) fn day(&self, text: &[u8], memo: &mut Memo) -> Result<i32, TimeProblem> {
        let micros = self.instant(text, memo)?;
        if micros.rem_euclid(MICROS_A_DAY) != 0 {
            return Err(TimeProblem::TimeOfDay);
        }
        i32::try_from(micros.div_euclid(MICROS_A_DAY)).map_err(|_| TimeProblem::Range)
    }
}

impl Format {
    fn new(format: &str) -> Result<Self, String> {
        if let Some(iso) = Iso::of(format) {
            return Ok(Self::Iso(iso));
        }
        let items = StrftimeItems::new(format).parse_to_owned().map_err(|error| format!("is not a date-time format: {error}"))?;
        if items.iter().any(|item| matches!(item, Item::Fixed(Fixed::TimezoneName))) {
            return Err("has %Z, a zone's name, which gives no offset: use %z".to_owned());
        }
        Ok(Self::Other(items))
    }
}

#[inline(always)]
pub(crate) fn in_range(micros: i64) -> Result<i64, TimeProblem> {
    if (FIRST..=LAST).contains(&micros) { Ok(micros) } else { Err(TimeProblem::Range) }
}

/// Any other format, by chrono. It skips white space and cuts fractions behind the ninth digit; we do neither.
fn other(text: &[u8], items: &[Item]) -> Result<i64, TimeProblem> {
    let text = std::str::from_utf8(text).map_err(|_| TimeProblem::Form)?;
    if text.len() > LONGEST || text.trim() != text {
        return Err(TimeProblem::Form);
    }
    let mut parsed = Parsed::new();
    chrono::format::parse(&mut parsed, text, items.iter()).map_err(|_| TimeProblem::Form)?;
    if text.split('.').skip(1).any(cut_by_chrono) {
        return Err(TimeProblem::TooFine);
    }
    let at = utc(&parsed).ok_or(TimeProblem::Form)?;
    if !(1..=9999).contains(&at.year()) {
        return Err(TimeProblem::Range);
    }
    match at.nanosecond() {
        leap if leap >= 1_000_000_000 => Err(TimeProblem::Form),
        fine if fine % 1000 != 0 => Err(TimeProblem::TooFine),
        _ => in_range(at.and_utc().timestamp_micros()),
    }
}

/// Whether a fraction has digits behind the ninth that are not zero.
fn cut_by_chrono(fraction: &str) -> bool {
    fraction.bytes().take_while(u8::is_ascii_digit).skip(9).any(|digit| digit != b'0')
}

fn utc(parsed: &Parsed) -> Option<NaiveDateTime> {
    if parsed.offset().is_some() {
        return Some(parsed.to_datetime().ok()?.naive_utc());
    }
    if parsed.hour_mod_12().is_some() || parsed.hour_div_12().is_some() || parsed.timestamp().is_some() {
        return parsed.to_naive_datetime_with_offset(0).ok();
    }
    Some(parsed.to_naive_date().ok()?.and_time(NaiveTime::MIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    use chrono::DateTime;
    use expect_test::{Expect, expect};

    fn read(formats: &[&str], text: &str) -> String {
        let formats = Formats::new(&formats.iter().map(|format| (*format).to_owned()).collect::<Vec<_>>()).unwrap();
        let mut memo = Memo::default();
        let instant = formats.instant(text.as_bytes(), &mut memo).map(|micros| DateTime::from_timestamp_micros(micros).unwrap().to_rfc3339());
        let day = formats.day(text.as_bytes(), &mut memo).map(|days| days.to_string());
        let show = |found: Result<String, TimeProblem>| found.unwrap_or_else(|problem| format!("{problem:?}"));
        format!("{text:<36} {:<34} {}\n", show(instant), show(day))
    }

    fn check(formats: &[&str], texts: &[&str], expected: Expect) {
        expected.assert_eq(&texts.iter().map(|text| read(formats, text)).collect::<String>());
    }

    const FEED: [&str; 4] = ["%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%d"];

    #[test]
    fn both_dialects_of_the_feeds() {
        check(
            &FEED,
            &[
                "2018-12-31T00:00:00Z",
                "2024-12-24 11:31:47.0",
                "2024-12-24 11:31:47",
                "2024-02-29T23:59:59.999999Z",
                "2024-01-02T23:00:00-05:00",
                "2024-01-02T19:00:00-0500",
                "2024-01-02",
                "9999-01-01T00:00:00Z",
                "0001-01-01T00:00:00Z",
                "0001-01-01T00:00:00+01:00",
                "0000-12-31T00:00:00Z",
                "2023-02-29T00:00:00Z",
                "2024-13-01T00:00:00Z",
                "2024-01-01T24:00:00Z",
                "2024-01-01T00:00:60Z",
                "2024-01-01T00:00:00.1234560Z",
                "2024-01-01T00:00:00.1234567Z",
                "2024-01-01T00:00:00.Z",
                "2024-01-01T00:00:00",
                "2024-01-01T00:00:00z",
                "2024-1-1",
                " 2024-01-01",
                "2024-01-01T00:00:00+24:00",
                "",
                "null",
                "２024-01-01",
            ],
            expect![[r#"
                2018-12-31T00:00:00Z                 2018-12-31T00:00:00+00:00          17896
                2024-12-24 11:31:47.0                2024-12-24T11:31:47+00:00          TimeOfDay
                2024-12-24 11:31:47                  2024-12-24T11:31:47+00:00          TimeOfDay
                2024-02-29T23:59:59.999999Z          2024-02-29T23:59:59.999999+00:00   TimeOfDay
                2024-01-02T23:00:00-05:00            2024-01-03T04:00:00+00:00          TimeOfDay
                2024-01-02T19:00:00-0500             2024-01-03T00:00:00+00:00          19725
                2024-01-02                           2024-01-02T00:00:00+00:00          19724
                9999-01-01T00:00:00Z                 9999-01-01T00:00:00+00:00          2932532
                0001-01-01T00:00:00Z                 0001-01-01T00:00:00+00:00          -719162
                0001-01-01T00:00:00+01:00            Range                              Range
                0000-12-31T00:00:00Z                 Range                              Range
                2023-02-29T00:00:00Z                 Form                               Form
                2024-13-01T00:00:00Z                 Form                               Form
                2024-01-01T24:00:00Z                 Form                               Form
                2024-01-01T00:00:60Z                 Form                               Form
                2024-01-01T00:00:00.1234560Z         2024-01-01T00:00:00.123456+00:00   TimeOfDay
                2024-01-01T00:00:00.1234567Z         TooFine                            TooFine
                2024-01-01T00:00:00.Z                Form                               Form
                2024-01-01T00:00:00                  Form                               Form
                2024-01-01T00:00:00z                 Form                               Form
                2024-1-1                             Form                               Form
                 2024-01-01                          Form                               Form
                2024-01-01T00:00:00+24:00            Form                               Form
                                                     Form                               Form
                null                                 Form                               Form
                ２024-01-01                           Form                               Form
            "#]],
        );
    }

    #[test]
    fn other_formats_go_through_chrono() {
        check(
            &["%d-%b-%Y", "%m/%d/%Y", "%m/%d/%Y %I:%M %p", "%Y%m%dT%H%M%S%.f%z", "%s"],
            &[
                "1-JAN-9999",
                "31-dec-2024",
                "31-Feb-2024",
                "3/7/2024",
                "13/07/2024",
                "3/7/2024 1:05 pm",
                "3/7/2024 13:05",
                "20240102T230000-0500",
                "20240102T230000.12345678901+0000",
                "20240102T230000.12345600000+0000",
                "1704067200",
                " 3/7/2024",
                "3/7/12024",
            ],
            expect![[r#"
                1-JAN-9999                           9999-01-01T00:00:00+00:00          2932532
                31-dec-2024                          2024-12-31T00:00:00+00:00          20088
                31-Feb-2024                          Form                               Form
                3/7/2024                             2024-03-07T00:00:00+00:00          19789
                13/07/2024                           Form                               Form
                3/7/2024 1:05 pm                     2024-03-07T13:05:00+00:00          TimeOfDay
                3/7/2024 13:05                       Form                               Form
                20240102T230000-0500                 2024-01-03T04:00:00+00:00          TimeOfDay
                20240102T230000.12345678901+0000     TooFine                            TooFine
                20240102T230000.12345600000+0000     2024-01-02T23:00:00.123456+00:00   TimeOfDay
                1704067200                           2024-01-01T00:00:00+00:00          19723
                 3/7/2024                            Form                               Form
                3/7/12024                            Form                               Form
            "#]],
        );
    }

    #[test]
    fn a_format_that_gives_no_instant_is_refused() {
        assert_eq!(Formats::new(&["%Y-%m-%d %Z".to_owned()]).unwrap_err(), "\"%Y-%m-%d %Z\" has %Z, a zone's name, which gives no offset: use %z");
        assert!(Formats::new(&["%Y-%Q".to_owned()]).unwrap_err().starts_with("\"%Y-%Q\" is not a date-time format"));
    }
}
