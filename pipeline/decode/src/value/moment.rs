//! Dates and times by declared formats: what a text says, read completely or not at all.
//!
//! Formats are those of strftime as far as exports need them; a month, quarter or year may stand alone. Names are English, in any case.

use std::collections::BTreeMap;

use chrono::{Datelike, FixedOffset, NaiveDate};

use super::blank::is_blank;
use crate::time::TimeProblem;

/// A compiled format.
#[derive(Debug, Clone)]
pub(crate) struct MomentFormat {
    items: Vec<Item>,
}

/// What a text names: a day, or a longer period by its first day; perhaps a time of day, perhaps an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) day: NaiveDate,
    pub(crate) span: Span,
    /// Microseconds since midnight.
    pub(crate) time: Option<i64>,
    pub(crate) offset: Option<FixedOffset>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Span {
    Day,
    Month,
    Quarter,
    Year,
}

/// How two digits of a year and names of zones are to be understood.
#[derive(Debug, Clone)]
pub(crate) struct Meaning {
    /// The first of the hundred years that two digits can mean.
    pub(crate) years_from: i32,
    pub(crate) zones: BTreeMap<String, FixedOffset>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Literal(char),
    Blank,
    /// Digits: at least, at most.
    Digits(Field, usize, usize),
    MonthName,
    WeekdayName,
    AmPm,
    /// With the point in front of it; it may be missing as a whole.
    PointFraction,
    Offset,
    ZoneName,
    /// A literal Z behind a time.
    Zulu,
    Epoch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Year,
    ShortYear,
    Quarter,
    Month,
    Day,
    DayOfYear,
    Hour,
    HalfDayHour,
    Minute,
    Second,
    Fraction,
}

/// What a text holds while it is read.
#[derive(Debug, Default)]
struct Found {
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
    epoch: Option<i64>,
}

const MONTHS: [&str; 12] = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl MomentFormat {
    /// The error says what is wrong with the format.
    pub(crate) fn new(format: &str) -> Result<Self, String> {
        let expanded = expand(format);
        let mut items = Vec::new();
        let mut rest = expanded.chars().peekable();
        while let Some(character) = rest.next() {
            let item = match character {
                '%' => {
                    let mut code = rest.next();
                    let short = code == Some('-');
                    if matches!(code, Some('-' | '_' | '0')) {
                        code = rest.next();
                    }
                    specifier(code, &mut rest, short)?
                }
                'Z' if items.iter().any(|item| matches!(item, Item::Digits(Field::Second | Field::Minute, _, _))) && rest.peek().is_none() => Item::Zulu,
                blank if is_blank(blank) => Item::Blank,
                other => Item::Literal(other),
            };
            if !(item == Item::Blank && items.last() == Some(&Item::Blank)) {
                items.push(item);
            }
        }
        let format = Self { items: full_width_where_adjacent(items) };
        format.check()?;
        Ok(format)
    }

    /// A format has to give a year, each thing once, and hours that are complete.
    fn check(&self) -> Result<(), String> {
        let count = |wanted: &[Field]| self.items.iter().filter(|item| matches!(item, Item::Digits(field, _, _) if wanted.contains(field))).count();
        let has = |wanted: Item| self.items.iter().filter(|item| **item == wanted).count();
        if has(Item::Epoch) == 1 && self.items.len() == 1 {
            return Ok(());
        }
        for fields in [
            &[Field::Year, Field::ShortYear][..],
            &[Field::Day],
            &[Field::DayOfYear],
            &[Field::Hour, Field::HalfDayHour],
            &[Field::Minute],
            &[Field::Second],
            &[Field::Quarter],
        ] {
            if count(fields) > 1 {
                return Err("says the same thing twice".to_owned());
            }
        }
        let months = count(&[Field::Month]) + has(Item::MonthName);
        let (days, quarters, of_year) = (count(&[Field::Day]), count(&[Field::Quarter]), count(&[Field::DayOfYear]));
        let halves = count(&[Field::HalfDayHour]);
        if count(&[Field::Year, Field::ShortYear]) == 0 {
            return Err("gives no year".to_owned());
        }
        if months + quarters + of_year > 1 || (days > 0 && months == 0) {
            return Err("gives no day, month, quarter or year that can be told: a day needs its month, a quarter stands alone".to_owned());
        }
        if halves != has(Item::AmPm) {
            return Err("has %I without %p or %p without %I".to_owned());
        }
        let hours = halves + count(&[Field::Hour]);
        if hours > 0 && days + of_year == 0 {
            return Err("gives a time of day without a day".to_owned());
        }
        if hours == 0 && count(&[Field::Minute, Field::Second]) > 0 {
            return Err("gives minutes without an hour".to_owned());
        }
        Ok(())
    }

    /// The whole text; outer white space is none of it.
    pub(crate) fn read(&self, text: &str, meaning: &Meaning) -> Result<Moment, TimeProblem> {
        let mut found = Found::default();
        let mut rest = text;
        for item in &self.items {
            rest = found.take(*item, rest, meaning)?;
        }
        if !rest.is_empty() {
            return Err(TimeProblem::Form);
        }
        found.moment(meaning.years_from)
    }
}

fn specifier(code: Option<char>, rest: &mut std::iter::Peekable<std::str::Chars<'_>>, short: bool) -> Result<Item, String> {
    let two = |field| Item::Digits(field, 1, 2);
    let exactly_two = |field| Item::Digits(field, if short { 1 } else { 2 }, 2);
    Ok(match code {
        Some('Y') => Item::Digits(Field::Year, 4, 4),
        Some('y') => Item::Digits(Field::ShortYear, 2, 2),
        Some('q') => Item::Digits(Field::Quarter, 1, 1),
        Some('m') => two(Field::Month),
        Some('d' | 'e') => two(Field::Day),
        Some('j') => Item::Digits(Field::DayOfYear, 1, 3),
        Some('H' | 'k') => two(Field::Hour),
        Some('I' | 'l') => two(Field::HalfDayHour),
        Some('M') => exactly_two(Field::Minute),
        Some('S') => exactly_two(Field::Second),
        Some('f') => Item::Digits(Field::Fraction, 1, usize::MAX),
        Some('b' | 'B' | 'h') => Item::MonthName,
        Some('a' | 'A') => Item::WeekdayName,
        Some('p' | 'P') => Item::AmPm,
        Some('z') => Item::Offset,
        Some('Z') => Item::ZoneName,
        Some('s') => Item::Epoch,
        Some('%') => Item::Literal('%'),
        Some('n' | 't') => Item::Blank,
        Some(':') if rest.next_if_eq(&'z').is_some() => Item::Offset,
        Some('.') => {
            rest.next_if(char::is_ascii_digit);
            rest.next_if_eq(&'f').ok_or("has %. without f")?;
            Item::PointFraction
        }
        Some('3' | '6' | '9') if rest.next_if_eq(&'f').is_some() => Item::Digits(Field::Fraction, 1, usize::MAX),
        Some(other) => {
            return Err(format!("has %{other}; known: %Y %y %q %m %b %B %d %j %H %I %p %M %S %f %.f %z %Z %s %a %A"));
        }
        None => return Err("ends with %".to_owned()),
    })
}

/// Shorthands of strftime.
fn expand(format: &str) -> String {
    [("%F", "%Y-%m-%d"), ("%T", "%H:%M:%S"), ("%R", "%H:%M"), ("%D", "%m/%d/%y"), ("%r", "%I:%M:%S %p")]
        .iter()
        .fold(format.to_owned(), |text, (short, long)| text.replace(short, long))
}

/// `%Y%m%d` has no marks: each of its numbers has all its digits.
fn full_width_where_adjacent(items: Vec<Item>) -> Vec<Item> {
    let numeric = |at: usize| matches!(items.get(at), Some(Item::Digits(..)));
    let widened = |(at, item): (usize, &Item)| match *item {
        Item::Digits(field, _, most) if most <= 4 && (numeric(at + 1) || (at > 0 && numeric(at - 1))) => Item::Digits(field, most, most),
        other => other,
    };
    items.iter().enumerate().map(widened).collect()
}

impl Found {
    /// Reads one item; what is left of the text.
    fn take<'a>(&mut self, item: Item, text: &'a str, meaning: &Meaning) -> Result<&'a str, TimeProblem> {
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
                let (at, rest) = name(text, &MONTHS).ok_or(missing)?;
                self.month = Some(at as i64 + 1);
                Ok(rest)
            }
            Item::WeekdayName => {
                let (at, rest) = name(text, &WEEKDAYS).ok_or(missing)?;
                self.weekday = u32::try_from(at).ok();
                Ok(rest)
            }
            Item::AmPm => {
                let half = text.get(..2).filter(|_| !text[2..].starts_with(char::is_alphabetic));
                self.afternoon = match half.map(str::to_ascii_lowercase).as_deref() {
                    Some("am") => Some(false),
                    Some("pm") => Some(true),
                    _ => return Err(missing),
                };
                Ok(&text[2..])
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
                let length = text.find(|character: char| !character.is_alphabetic()).unwrap_or(text.len());
                let (name, rest) = text.split_at(length);
                let known = meaning.zones.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, offset)| *offset);
                let utc = ["utc", "gmt", "z"].iter().any(|known| known.eq_ignore_ascii_case(name));
                self.offset = known.or_else(|| FixedOffset::east_opt(0).filter(|_| utc));
                if self.offset.is_some() { Ok(rest) } else { Err(missing) }
            }
            Item::Epoch => {
                let value: i64 = text.parse().ok().filter(|_| !text.starts_with('+')).ok_or(missing)?;
                self.epoch = Some(value);
                Ok("")
            }
        }
    }

    fn field(&mut self, field: Field) -> &mut Option<i64> {
        match field {
            Field::Year => &mut self.year,
            Field::ShortYear => &mut self.short_year,
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

    fn moment(&self, years_from: i32) -> Result<Moment, TimeProblem> {
        if let Some(seconds) = self.epoch {
            let at = chrono::DateTime::from_timestamp(seconds, 0).ok_or(TimeProblem::Range)?;
            if !(1..=9999).contains(&at.year()) {
                return Err(TimeProblem::Range);
            }
            let time = seconds.rem_euclid(86_400) * 1_000_000;
            return Ok(Moment { day: at.date_naive(), span: Span::Day, time: Some(time), offset: FixedOffset::east_opt(0) });
        }
        let year = match (self.year, self.short_year) {
            (Some(year), _) => i32::try_from(year).ok(),
            (None, Some(short)) => i32::try_from(short).ok().map(|short| years_from + (short - years_from).rem_euclid(100)),
            (None, None) => None,
        };
        let year = year.ok_or(TimeProblem::Form)?;
        if !(1..=9999).contains(&year) {
            return Err(TimeProblem::Range);
        }
        let day = |month: i64, day: i64| NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?);
        let (day, span) = match (self.day_of_year, self.quarter, self.month, self.day) {
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
        Ok(Moment { day, span, time: self.time()?, offset: self.offset })
    }

    /// Microseconds since midnight.
    fn time(&self) -> Result<Option<i64>, TimeProblem> {
        let hour = match (self.hour, self.half_day_hour, self.afternoon) {
            (Some(hour), ..) if hour < 24 => hour,
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

/// A name in full or by three letters (`Sept` too), with or without a point behind it.
fn name<'a>(text: &'a str, names: &[&str]) -> Option<(usize, &'a str)> {
    let length = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (word, rest) = text.split_at(length);
    let word = word.to_ascii_lowercase();
    let at = names.iter().position(|name| *name == word || (word.len() == 3 && name.starts_with(&word)) || (word == "sept" && *name == "september"))?;
    let short = names[at] != word;
    Some((at, rest.strip_prefix('.').filter(|_| short).unwrap_or(rest)))
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
