//! Dates and times by declared formats: what a text says, read completely or not at all.
//!
//! Formats are those of strftime as far as exports need them; a week, month, quarter or year may stand alone. Counts of days or seconds
//! have a word as format.

use std::collections::BTreeMap;
use takings_definitions::is_blank;

use chrono::{FixedOffset, NaiveDate};
use chrono_tz::Tz;

use super::found::Found;
use super::names::Names;
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
    /// Named by the text itself.
    pub(crate) zone: Option<Tz>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Span {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// How two digits of a year, names of zones and names of months are to be understood.
#[derive(Debug, Clone)]
pub(crate) struct Meaning {
    /// The first of the hundred years that two digits can mean.
    pub(crate) years_from: i32,
    pub(crate) zones: BTreeMap<String, FixedOffset>,
    pub(crate) names: Names,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    Literal(char),
    Blank,
    /// Digits: at least, at most.
    Digits(Field, usize, usize),
    MonthName,
    WeekdayName,
    /// Behind a name; it may be missing.
    Point,
    /// `st`, `th`, `er` … behind a day; it may be missing.
    Ordinal,
    AmPm,
    /// With the point in front of it; it may be missing as a whole.
    PointFraction,
    Offset,
    ZoneName,
    /// A literal Z behind a time.
    Zulu,
    /// The whole text is a number that counts something.
    Count(Count),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// Since 1970, UTC.
    Seconds,
    Milliseconds,
    /// Of spreadsheets: days since the last of December 1899, with a 29th of February 1900 that never was.
    From1900,
    /// Days since the first of January 1904.
    From1904,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Year,
    ShortYear,
    /// Of the week.
    IsoYear,
    Week,
    /// From Monday as 1.
    DayOfWeek,
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

impl MomentFormat {
    /// The error says what is wrong with the format.
    pub(crate) fn new(format: &str) -> Result<Self, String> {
        let count = match format {
            "unix" => Some(Count::Seconds),
            "unix-ms" => Some(Count::Milliseconds),
            "excel" => Some(Count::From1900),
            "excel-1904" => Some(Count::From1904),
            _ => None,
        };
        if let Some(count) = count {
            return Ok(Self { items: vec![Item::Count(count)] });
        }
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
        let format = Self { items: with_what_may_be_missing(&full_width_where_adjacent(items)) };
        format.check()?;
        Ok(format)
    }

    /// A format has to give a year, each thing once, and hours that are complete.
    fn check(&self) -> Result<(), String> {
        let count = |wanted: &[Field]| self.items.iter().filter(|item| matches!(item, Item::Digits(field, _, _) if wanted.contains(field))).count();
        let has = |wanted: Item| self.items.iter().filter(|item| **item == wanted).count();
        if self.items == [Item::Count(Count::Seconds)] {
            return Ok(());
        }
        for fields in [
            &[Field::Year, Field::ShortYear, Field::IsoYear][..],
            &[Field::Day],
            &[Field::DayOfYear],
            &[Field::Hour, Field::HalfDayHour],
            &[Field::Minute],
            &[Field::Second],
            &[Field::Quarter],
            &[Field::Week],
            &[Field::DayOfWeek],
        ] {
            if count(fields) > 1 {
                return Err("says the same thing twice".to_owned());
            }
        }
        let months = count(&[Field::Month]) + has(Item::MonthName);
        let (days, quarters, of_year) = (count(&[Field::Day]), count(&[Field::Quarter]), count(&[Field::DayOfYear]));
        let halves = count(&[Field::HalfDayHour]);
        if count(&[Field::Year, Field::ShortYear, Field::IsoYear]) == 0 {
            return Err("gives no year".to_owned());
        }
        let (weeks, of_week) = (count(&[Field::Week]), count(&[Field::DayOfWeek]));
        if weeks != count(&[Field::IsoYear]) || of_week > weeks || (weeks > 0 && months + quarters + of_year > 0) {
            return Err("a week is %G-W%V: the year of the week, the week, perhaps its day %u, and no month".to_owned());
        }
        if months + quarters + of_year > 1 || (days > 0 && months == 0) {
            return Err("gives no day, month, quarter or year that can be told: a day needs its month, a quarter stands alone".to_owned());
        }
        if halves != has(Item::AmPm) {
            return Err("has %I without %p or %p without %I".to_owned());
        }
        let hours = halves + count(&[Field::Hour]);
        if hours > 0 && days + of_year + of_week == 0 {
            return Err("gives a time of day without a day".to_owned());
        }
        if hours == 0 && count(&[Field::Minute, Field::Second]) > 0 {
            return Err("gives minutes without an hour".to_owned());
        }
        Ok(())
    }

    /// Whether it gives a week and no day of it.
    pub(crate) fn is_week(&self) -> bool {
        let has = |wanted: Field| self.items.iter().any(|item| matches!(item, Item::Digits(field, ..) if *field == wanted));
        has(Field::Week) && !has(Field::DayOfWeek)
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
        Some('G') => Item::Digits(Field::IsoYear, 4, 4),
        Some('V') => two(Field::Week),
        Some('u') => Item::Digits(Field::DayOfWeek, 1, 1),
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
        Some('s') => Item::Count(Count::Seconds),
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
            return Err(format!("has %{other}; known: %Y %y %q %m %b %B %d %j %G %V %u %H %I %p %M %S %f %.f %z %Z %s %a %A"));
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

/// Names cut short may have a point behind them, days the letters of an ordinal: `Sept. 4th`.
fn with_what_may_be_missing(items: &[Item]) -> Vec<Item> {
    let mut all: Vec<Item> = Vec::with_capacity(items.len() + 2);
    for (at, item) in items.iter().enumerate() {
        let letter = matches!(items.get(at + 1), Some(Item::Literal(next)) if next.is_alphabetic());
        match item {
            Item::Literal('.') if all.last() == Some(&Item::Point) => {}
            Item::MonthName | Item::WeekdayName => all.extend([*item, Item::Point]),
            Item::Digits(Field::Day, ..) if !letter && !matches!(items.get(at + 1), Some(Item::Digits(..) | Item::MonthName)) => {
                all.extend([*item, Item::Ordinal]);
            }
            other => all.push(*other),
        }
    }
    all
}
