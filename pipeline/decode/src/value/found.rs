//! A text while it is read by a format: item by item, then all that was found together. It must not know how formats are written.

use chrono::{Datelike, Days, FixedOffset, NaiveDate, Weekday};
use chrono_tz::Tz;
use takings_definitions::is_blank;

use super::moment::{Count, Field, Item, Meaning, Moment, Span};
use crate::time::TimeProblem;

/// What a text holds while it is read.
#[derive(Debug, Default)]
pub(super) struct Found {
    year: Option<i64>,
    short_year: Option<i64>,
    quarter: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: Option<i64>,
    half_day_hour: Option<i64>,
    afternoon: Option<bool>,
    minute: Option<i64>,
    second: Option<i64>,
    micros: Option<i64>,
    weekday: Option<u32>,
    offset: Option<FixedOffset>,
    zone: Option<Tz>,
    iso_year: Option<i64>,
    week: Option<i64>,
    day_of_week: Option<i64>,
    /// Read from a count alone.
    counted: Option<Moment>,
}

impl Found {
    /// Reads one item; what is left of the text.
    pub(super) fn take<'a>(&mut self, item: Item, text: &'a str, meaning: &Meaning) -> Result<&'a str, TimeProblem> {
        let missing = TimeProblem::Form;
        match item {
            Item::Literal(wanted) => {
                let first = text.chars().next().ok_or(missing)?;
                let same = first == wanted || first.to_lowercase().eq(wanted.to_lowercase());
                if same { Ok(&text[first.len_utf8()..]) } else { Err(missing) }
            }
            Item::Blank => {
                let rest = text.trim_start_matches(is_blank);
                if rest.len() < text.len() { Ok(rest) } else { Err(missing) }
            }
            Item::Digits(Field::Fraction, ..) => self.fraction(text),
            Item::PointFraction => match text.strip_prefix('.') {
                Some(rest) => self.fraction(rest),
                None => Ok(text),
            },
            Item::Digits(field, least, most) => {
                let length = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
                if length < least {
                    return Err(missing);
                }
                let value = text[..length].bytes().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
                *self.field(field) = Some(value);
                Ok(&text[length..])
            }
            Item::MonthName => {
                let (at, rest) = meaning.names.month(text).ok_or(missing)?;
                self.month = Some(at as i64 + 1);
                Ok(rest)
            }
            Item::WeekdayName => {
                let (at, rest) = meaning.names.weekday(text).ok_or(missing)?;
                self.weekday = u32::try_from(at).ok();
                Ok(rest)
            }
            Item::Point => Ok(text.strip_prefix('.').unwrap_or(text)),
            Item::Ordinal => Ok(without_ordinal(text)),
            Item::AmPm => {
                let (afternoon, rest) = half_day(text).ok_or(missing)?;
                self.afternoon = Some(afternoon);
                Ok(rest)
            }
            Item::Offset => {
                let (offset, rest) = offset(text).ok_or(missing)?;
                self.offset = Some(offset);
                Ok(rest)
            }
            Item::Zulu => {
                self.offset = FixedOffset::east_opt(0);
                text.strip_prefix(['Z', 'z']).ok_or(missing)
            }
            Item::ZoneName => {
                if let Some((zone, rest)) = zone(text) {
                    self.zone = Some(zone);
                    return Ok(rest);
                }
                let length = text.find(|character: char| !character.is_alphabetic()).unwrap_or(text.len());
                let (name, rest) = text.split_at(length);
                let known = meaning.zones.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, offset)| *offset);
                let utc = ["utc", "gmt", "z"].iter().any(|known| known.eq_ignore_ascii_case(name));
                self.offset = known.or_else(|| FixedOffset::east_opt(0).filter(|_| utc));
                if self.offset.is_some() { Ok(rest) } else { Err(missing) }
            }
            Item::Count(count) => {
                self.counted = Some(counted(text, count)?);
                Ok("")
            }
        }
    }

    fn field(&mut self, field: Field) -> &mut Option<i64> {
        match field {
            Field::Year => &mut self.year,
            Field::ShortYear => &mut self.short_year,
            Field::IsoYear => &mut self.iso_year,
            Field::Week => &mut self.week,
            Field::DayOfWeek => &mut self.day_of_week,
            Field::Quarter => &mut self.quarter,
            Field::Month => &mut self.month,
            Field::Day => &mut self.day,
            Field::DayOfYear => &mut self.day_of_year,
            Field::Hour => &mut self.hour,
            Field::HalfDayHour => &mut self.half_day_hour,
            Field::Minute => &mut self.minute,
            Field::Second => &mut self.second,
            Field::Fraction => &mut self.micros,
        }
    }

    fn fraction<'a>(&mut self, text: &'a str) -> Result<&'a str, TimeProblem> {
        let length = text.bytes().take_while(u8::is_ascii_digit).count();
        if length == 0 {
            return Err(TimeProblem::Form);
        }
        let (digits, finer) = text[..length].split_at(length.min(6));
        if finer.bytes().any(|digit| digit != b'0') {
            return Err(TimeProblem::TooFine);
        }
        let value = digits.bytes().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
        self.micros = Some((digits.len()..6).fold(value, |value, _| value * 10));
        Ok(&text[length..])
    }

    pub(super) fn moment(&self, years_from: i32) -> Result<Moment, TimeProblem> {
        if let Some(counted) = self.counted {
            return Ok(counted);
        }
        let year = match (self.year.or(self.iso_year), self.short_year) {
            (Some(year), _) => i32::try_from(year).ok(),
            (None, Some(short)) => i32::try_from(short).ok().map(|short| years_from + (short - years_from).rem_euclid(100)),
            (None, None) => None,
        };
        let year = year.ok_or(TimeProblem::Form)?;
        if !(1..=9999).contains(&year) {
            return Err(TimeProblem::Range);
        }
        let day = |month: i64, day: i64| NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?);
        let week = |week: i64, of_week: i64| {
            let weekday = Weekday::try_from(u8::try_from(of_week.checked_sub(1)?).ok()?).ok()?;
            NaiveDate::from_isoywd_opt(year, u32::try_from(week).ok()?, weekday)
        };
        let (day, span) = match (self.day_of_year, self.quarter, self.month, self.day) {
            _ if self.week.is_some() => {
                let span = if self.day_of_week.is_some() { Span::Day } else { Span::Week };
                (self.week.and_then(|number| week(number, self.day_of_week.unwrap_or(1))), span)
            }
            (Some(of_year), ..) => (u32::try_from(of_year).ok().and_then(|of_year| NaiveDate::from_yo_opt(year, of_year)), Span::Day),
            (None, Some(quarter), ..) => ((1..=4).contains(&quarter).then(|| day(quarter * 3 - 2, 1)).flatten(), Span::Quarter),
            (None, None, Some(month), Some(of_month)) => (day(month, of_month), Span::Day),
            (None, None, Some(month), None) => (day(month, 1), Span::Month),
            (None, None, None, _) => (day(1, 1), Span::Year),
        };
        let day = day.ok_or(TimeProblem::Form)?;
        if self.weekday.is_some_and(|weekday| span != Span::Day || weekday != day.weekday().num_days_from_monday()) {
            return Err(TimeProblem::Form);
        }
        Ok(Moment { day, span, time: self.time()?, offset: self.offset, zone: self.zone })
    }

    /// Microseconds since midnight.
    fn time(&self) -> Result<Option<i64>, TimeProblem> {
        let hour = match (self.hour, self.half_day_hour, self.afternoon) {
            (Some(hour), ..) if hour < 24 => hour,
            // The midnight at which the day ends.
            (Some(24), ..) if [self.minute, self.second, self.micros].iter().all(|rest| rest.unwrap_or(0) == 0) => 24,
            (None, Some(hour), Some(afternoon)) if (1..=12).contains(&hour) => hour % 12 + if afternoon { 12 } else { 0 },
            (None, None, _) => return Ok(None),
            _ => return Err(TimeProblem::Form),
        };
        let (minute, second) = (self.minute.unwrap_or(0), self.second.unwrap_or(0));
        if minute > 59 || second > 59 {
            return Err(TimeProblem::Form);
        }
        Ok(Some((hour * 3600 + minute * 60 + second) * 1_000_000 + self.micros.unwrap_or(0)))
    }
}

/// `Europe/Berlin`, `America/Argentina/Buenos_Aires`: a name of the time zone database that can't be an abbreviation.
fn zone(text: &str) -> Option<(Tz, &str)> {
    let length = text.find(|mark: char| !mark.is_ascii_alphanumeric() && !matches!(mark, '/' | '_' | '-' | '+')).unwrap_or(text.len());
    let (name, rest) = text.split_at(length);
    Some((name.contains('/').then(|| name.parse().ok())??, rest))
}

/// `+01:00`, `-0500`, `+01`, `Z`.
fn offset(text: &str) -> Option<(FixedOffset, &str)> {
    if let Some(rest) = text.strip_prefix(['Z', 'z']) {
        return Some((FixedOffset::east_opt(0)?, rest));
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' | '\u{2212}' => -1,
        _ => return None,
    };
    let rest = &text[text.chars().next()?.len_utf8()..];
    let two = |text: &str| text.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())).and_then(|digits| digits.parse::<i32>().ok());
    let hours = two(rest)?;
    let rest = &rest[2..];
    let behind = rest.strip_prefix(':').unwrap_or(rest);
    let (minutes, rest) = match two(behind) {
        Some(minutes) => (minutes, &behind[2..]),
        None => (0, rest),
    };
    let offset = (hours < 24 && minutes < 60).then(|| FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))).flatten()?;
    Some((offset, rest))
}

/// `AM`, `p.m.`, `a. m.`: whether it is the afternoon, and what stands behind.
fn half_day(text: &str) -> Option<(bool, &str)> {
    let afternoon = match text.chars().next()? {
        'a' | 'A' => false,
        'p' | 'P' => true,
        _ => return None,
    };
    let pointed = text[1..].strip_prefix('.');
    let rest = pointed.map_or(&text[1..], |rest| rest.trim_start_matches(is_blank)).strip_prefix(['m', 'M'])?;
    let rest = pointed.and_then(|_| rest.strip_prefix('.')).unwrap_or(rest);
    (!rest.starts_with(char::is_alphabetic)).then_some((afternoon, rest))
}

/// What stands behind the letters of an ordinal, if there are any.
fn without_ordinal(text: &str) -> &str {
    let length = text.find(|character: char| !character.is_alphabetic() && character != '°').unwrap_or(text.len());
    let (letters, rest) = text.split_at(length);
    let known = ["st", "nd", "rd", "th", "er", "º", "ª", "°"].iter().any(|known| known.eq_ignore_ascii_case(letters));
    if known { rest } else { text }
}

/// A number that counts seconds or days.
fn counted(text: &str, count: Count) -> Result<Moment, TimeProblem> {
    let form = TimeProblem::Form;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let at = |micros: i64, offset: Option<FixedOffset>| {
        let at = chrono::DateTime::from_timestamp_micros(micros).filter(|at| (1..=9999).contains(&at.year())).ok_or(TimeProblem::Range)?;
        Ok(Moment { day: at.date_naive(), span: Span::Day, time: Some(micros.rem_euclid(86_400_000_000)), offset, zone: None })
    };
    match count {
        Count::Seconds | Count::Milliseconds => {
            let unit = if count == Count::Seconds { 1_000_000 } else { 1_000 };
            if !digits(text.strip_prefix('-').unwrap_or(text)) {
                return Err(form);
            }
            let micros = text.parse::<i64>().ok().and_then(|value| value.checked_mul(unit)).ok_or(TimeProblem::Range)?;
            at(micros, FixedOffset::east_opt(0))
        }
        Count::From1900 | Count::From1904 => {
            let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
            if !digits(whole) || !digits(fraction) {
                return Err(form);
            }
            let days: u64 = whole.parse().map_err(|_| TimeProblem::Range)?;
            let days = match days {
                0..2_957_004 if count == Count::From1904 => days + 1462,
                // The day that never was, and what no spreadsheet shows as a day.
                0 | 60 | 2_958_466.. => return Err(TimeProblem::Range),
                1..60 => days + 1,
                _ => days,
            };
            let day = NaiveDate::from_ymd_opt(1899, 12, 30).and_then(|first| first.checked_add_days(Days::new(days))).ok_or(TimeProblem::Range)?;
            // Spreadsheets keep times of day as parts of a day, in about fifteen digits: the nearest second is meant.
            let fraction = &fraction[..fraction.len().min(18)];
            let (parts, of) = (fraction.parse::<i128>().map_err(|_| form)?, 10i128.pow(u32::try_from(fraction.len()).unwrap_or(18)));
            let seconds = i64::try_from((parts * 86_400 * 2 + of) / (of * 2)).map_err(|_| form)?;
            let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros();
            at(midnight + seconds * 1_000_000, None)
        }
    }
}
