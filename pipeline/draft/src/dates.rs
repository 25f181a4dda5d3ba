//! Texts of days and times → the formats that read all of them. Those that can mean another day stand side by side.

use std::sync::LazyLock;

use takings_decode::DateFormat;
use takings_definitions::LANGUAGES;

use crate::column::{Guess, is_digits, words};

/// Formats of days, months and quarters. Those that can mean another day stand side by side: day first or month first.
const DATES: [&str; 49] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%m-%d-%y",
    "%d-%m-%y",
    "%d.%m.%y",
    "%b %-d, %Y",
    "%b %-d %Y",
    "%d %b %Y",
    "%d %b, %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b-%d-%Y",
    "%d. %b %Y",
    "%d de %b de %Y",
    "%a, %b %-d, %Y",
    "%a, %d %b %Y",
    "%a %b %d %Y",
    "%Y年%m月%d日",
    "%Y年%m月",
    "%G-W%V",
    "%Y-%m",
    "%Y/%m",
    "%Y%m",
    "%Y.%m",
    "%m.%Y",
    "%B %Y",
    "%B, %Y",
    "%b-%y",
    "%b-%Y",
    "%b %y",
    "%m/%Y",
    "%m-%Y",
    "%YM%m",
    "%Y-Q%q",
    "%YQ%q",
    "%Y Q%q",
    "Q%q %Y",
    "Q%q-%Y",
    "%Y-%m-%dT00:00:00",
    "%Y-%m-%d 00:00:00",
];

const TIMESTAMPS: [&str; 41] = [
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%:z",
    "%Y-%m-%dT%H:%M:%S%.f%:z",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S %Z",
    "%Y-%m-%d %H:%M:%S%:z",
    "%Y-%m-%d %H:%M:%S %:z",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %-I:%M:%S %p",
    "%m/%d/%Y %-I:%M %p",
    "%d/%m/%Y %-I:%M %p",
    "%d/%m/%Y %-I:%M:%S %p",
    "%m/%d/%y %-I:%M:%S %p",
    "%m/%d/%y %-I:%M%P",
    "%d/%m/%y %-I:%M%P",
    "%m/%d/%y %H:%M",
    "%d/%m/%y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%b %-d, %Y %-I:%M:%S %p",
    "%b %-d, %Y %-I:%M %p",
    "%b %-d, %Y %-I:%M:%S %p %Z",
    "%d %b %Y %-I:%M:%S %p %Z",
    "%d %b %Y %H:%M:%S %Z",
    "%d %b %Y %H:%M:%S",
    "%d %b %Y %H:%M",
    "%d. %b %Y %H:%M:%S %Z",
    "%d. %b %Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S %Z",
    "%d/%m/%Y %H:%M:%S %Z",
    "%d.%m.%Y %H:%M:%S %Z",
    "%d.%m.%Y %H:%M %Z",
];

/// Names of zones that mean one offset in exports, and that offset; the layer knows UTC, GMT and names like Europe/Berlin by itself.
pub(crate) const ZONES: [(&str, i32); 11] =
    [("PST", -8), ("PDT", -7), ("MST", -7), ("MDT", -6), ("EST", -5), ("EDT", -4), ("CET", 1), ("CEST", 2), ("MEZ", 1), ("MESZ", 2), ("JST", 9)];

/// Formats whose texts are numbers as well.
const LIKE_NUMBERS: [&str; 4] = ["%Y%m%d", "%Y%m", "%Y.%m", "%m.%Y"];

/// Words of headers of dates.
const DATED: [&str; 17] =
    ["date", "day", "month", "period", "time", "on", "week", "datum", "tag", "monat", "zeitraum", "periode", "mois", "fecha", "mes", "data", "periodo"];

/// Words of headers under which a number of five digits is a day as spreadsheets count them.
const SERIAL: [&str; 20] = [
    "date", "day", "datum", "fecha", "data", "dato", "dag", "jour", "tag", "month", "monat", "mois", "mes", "period", "periode", "periodo", "zeitraum",
    "created", "updated", "on",
];

/// Words of headers under which so many digits are seconds or milliseconds since 1970.
const COUNTED: [&str; 7] = ["timestamp", "epoch", "unix", "time", "created", "updated", "date"];
const UNIX: [(&str, usize); 2] = [("unix", 10), ("unix-ms", 13)];

/// The format of such numbers.
pub(crate) const EXCEL: &str = "excel";

/// A day of 1990 to 2049, perhaps with a time of day.
fn is_serial(value: &str) -> bool {
    let (day, time) = value.split_once('.').unwrap_or((value, "0"));
    day.len() == 5 && is_digits(day) && is_digits(time) && ("32874".."54789").contains(&day)
}

type Compiled = Vec<(&'static str, DateFormat)>;

static DATE_FORMATS: LazyLock<Compiled> = LazyLock::new(|| compiled(&DATES));
static TIMESTAMP_FORMATS: LazyLock<Compiled> = LazyLock::new(|| compiled(&TIMESTAMPS));

fn compiled(formats: &[&'static str]) -> Compiled {
    formats.iter().filter_map(|format| Some((*format, DateFormat::with_zones(format, &[], &ZONES).ok()?))).collect()
}

/// A date with marks, or a month by its name: nothing that a label would look like.
pub(crate) fn is_date(text: &str) -> bool {
    let as_number = |name: &str| LIKE_NUMBERS.contains(&name) && text.contains('.');
    DATE_FORMATS.iter().chain(TIMESTAMP_FORMATS.iter()).any(|(name, format)| !as_number(name) && format.read(text).is_some())
}

/// The formats of a single text that stands outside of a table.
pub(crate) fn date_formats(text: &str) -> Vec<&'static str> {
    match dates(&[text], "date") {
        Some(Guess::Date(formats)) => formats,
        _ => Vec::new(),
    }
}

/// Whether a header has one of these words, or a longer word that ends so: `Zahlungsdatum`.
fn has(header: &str, known: &[&str]) -> bool {
    let ends = |word: &str| ["date", "datum"].iter().any(|end| word.len() > end.len() + 2 && word.ends_with(end) && word != "update");
    words(header).iter().any(|word| known.contains(&word.as_str()) || (known.contains(&"date") && ends(word)))
}

pub(crate) fn dates(values: &[&str], header: &str) -> Option<Guess> {
    let all = |formats: &Compiled| -> Vec<&'static str> {
        let fits = |format: &DateFormat| values.iter().all(|value| format.read(value).is_some());
        formats.iter().filter(|(_, format)| fits(format)).map(|(format, _)| *format).collect()
    };
    let mut found = all(&DATE_FORMATS);
    // Digits alone are a date only where the header says so.
    let dated = has(header, &DATED);
    let century = |year: &str| year.starts_with("19") || year.starts_with("20");
    let plausible = |format: &str| match format {
        "%m.%Y" => values.iter().all(|value| value.len() == 7 && century(&value[3..])),
        // 2025.1 may be October that lost its zero.
        "%Y.%m" => values.iter().all(|value| value.len() == 7 && century(value)),
        _ => values.iter().all(|value| century(value)),
    };
    found.retain(|format| !LIKE_NUMBERS.contains(format) || (dated && plausible(format)));
    if !found.is_empty() {
        return Some(Guess::Date(told_apart(&found)));
    }
    if has(header, &COUNTED)
        && let Some(format) =
            UNIX.iter().find(|(_, length)| values.iter().all(|value| value.len() == *length && is_digits(value) && value.starts_with(['1', '2'])))
    {
        return Some(Guess::Timestamp(vec![format.0]));
    }
    if has(header, &SERIAL) && values.iter().all(|value| is_serial(value)) {
        let times = values.iter().any(|value| value.contains('.'));
        return Some(if times { Guess::Timestamp(vec![EXCEL]) } else { Guess::Date(vec![EXCEL]) });
    }
    let found = all(&TIMESTAMP_FORMATS);
    if !found.is_empty() {
        return Some(Guess::Timestamp(told_apart(&found)));
    }
    named_dates(values)
}

/// Dates and times with names of months in another language than English; where several languages read them, all must mean the same.
fn named_dates(values: &[&str]) -> Option<Guess> {
    // Digits and letters in each: other texts are not tried.
    let mixed = |value: &&str| value.bytes().any(|byte| byte.is_ascii_digit()) && value.chars().any(char::is_alphabetic) && value.len() < 40;
    if !values.iter().all(mixed) {
        return None;
    }
    let read = |format: &'static str, language: &'static str| -> Option<Vec<i64>> {
        let compiled = DateFormat::with_zones(format, &[language.to_owned()], &ZONES).ok()?;
        values.iter().map(|value| compiled.read(value)).collect()
    };
    let only = |formats: &[&'static str]| {
        let named = formats.iter().copied().filter(|format| format.contains("%b") || format.contains("%B"));
        let each = |format| LANGUAGES.iter().skip(1).filter_map(move |language| Some((format, *language, read(format, language)?)));
        let found: Vec<(&'static str, &'static str, Vec<i64>)> = named.flat_map(each).collect();
        let (format, language, moments) = found.first()?;
        found.iter().all(|(_, _, other)| other == moments).then_some((*format, *language))
    };
    let day = only(&DATES).map(|(format, language)| Guess::NamedDate(format, language));
    day.or_else(|| only(&TIMESTAMPS).map(|(format, language)| Guess::NamedTimestamp(format, language)))
}

/// Why a column of texts is none of dates, though it seems to be one, and the text that keeps it from it.
pub(crate) fn stray<'a>(values: &[&'a str], header: &str) -> Option<(&'static str, &'a str)> {
    let first = values.first()?;
    let digits = |value: &&str| value.bytes().any(|byte| byte.is_ascii_digit());
    let clock = |value: &&str| value.split_once(':').is_some_and(|(hour, _)| hour.len() <= 2 && is_digits(hour));
    let named = has(header, &DATED) && values.iter().all(|value| digits(value) && !clock(value));
    let begins = digits(first) && is_date(first);
    if !named && !begins {
        return None;
    }
    let reads = |format: &DateFormat| values.iter().filter(|value| format.read(value).is_some()).count();
    let best = DATE_FORMATS.iter().chain(TIMESTAMP_FORMATS.iter()).max_by_key(|(_, format)| reads(format)).filter(|(_, format)| reads(format) > 0);
    match best {
        Some((_, format)) if named || reads(format) * 4 >= values.len() * 3 => {
            Some(("though other values of it are dates", *values.iter().find(|value| format.read(value).is_none())?))
        }
        None if named => Some(("though its header names a day or a time", *first)),
        _ => None,
    }
}

/// The first format, and the one that takes day and month the other way around.
fn told_apart(found: &[&'static str]) -> Vec<&'static str> {
    let Some(first) = found.first().copied() else { return Vec::new() };
    let turned = |format: &str| format.replacen("%m", "%x", 1).replacen("%d", "%m", 1).replacen("%x", "%d", 1);
    let other = found.iter().copied().find(|other| *other != first && *other == turned(first));
    std::iter::once(first).chain(other).collect()
}
