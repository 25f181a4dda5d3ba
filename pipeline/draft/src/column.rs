//! A column's texts → the type and the parse keys that all of them bear out. What they leave open stays open.

use crate::dates::{ZONES, dates};
use crate::numbers::{CURRENCY_SIGNS, Exact, MARKS, Marks, Signs, is_mark, read};
use crate::sorts::{Sort, sort};

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Guess {
    /// No value at all.
    Nothing,
    Text(&'static str),
    Number(NumberGuess),
    Date(Vec<&'static str>),
    /// A format with names of months, and their language.
    NamedDate(&'static str, &'static str),
    NamedTimestamp(&'static str, &'static str),
    Timestamp(Vec<&'static str>),
    /// Forms of `duration`.
    Duration(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NumberGuess {
    /// Each reads all values, and they don't mean the same; with the digits behind the mark of decimals.
    pub marks: Vec<(Marks, u32)>,
    pub signs: Signs,
    pub digits_before: u32,
    pub sum: Option<Exact>,
}

/// A column of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub guess: Guess,
    /// Texts besides the empty one that mean no value.
    pub nulls: Vec<String>,
    /// Which of [`ZONES`] the values name.
    pub zones: Vec<&'static str>,
    /// Why the column is text though it seems to be more, and the text that keeps it from it.
    pub stray: Option<(String, String)>,
    /// Its values are ids of so many digits that a spreadsheet would cut them.
    pub long_ids: bool,
    pub filled: usize,
    pub rows: usize,
}

const NULLS: [&str; 12] = ["--", "-", "—", "N/A", "n/a", "NA", "#N/A", "null", "NULL", "None", "nan", "NaN"];

/// What the cells of a column with this header hold.
pub(crate) fn see<'a>(header: &str, cells: impl Iterator<Item = &'a str>) -> Seen {
    let (mut rows, mut values) = (0, Vec::new());
    for cell in cells {
        rows += 1;
        let cell = cell.trim();
        if !cell.is_empty() {
            values.push(cell);
        }
    }
    let kept: Vec<&str> = values.iter().copied().filter(|value| !is_null(value)).collect();
    if kept.is_empty() {
        return Seen { guess: Guess::Nothing, nulls: Vec::new(), zones: Vec::new(), stray: None, long_ids: false, filled: values.len(), rows };
    }
    let guess = typed(header, &kept);
    let mut nulls: Vec<String> = Vec::new();
    if !matches!(guess, Guess::Text(_)) {
        nulls = values.iter().filter(|value| is_null(value)).map(|value| (*value).to_owned()).collect();
        nulls.sort_unstable();
        nulls.dedup();
    }
    let filled = if nulls.is_empty() { values.len() } else { kept.len() };
    let stray = match &guess {
        Guess::Text("") => stray(header, &kept),
        Guess::Text(why @ SAME_DIGITS) => Some((format!("{why} (of a count: type int64 in the contract)"), kept[0].to_owned())),
        _ => None,
    };
    let named = match &guess {
        Guess::Timestamp(formats) => formats.iter().any(|format| format.ends_with("%Z")),
        Guess::NamedTimestamp(format, _) => format.ends_with("%Z"),
        _ => false,
    };
    let names = |name: &&'static str| named && kept.iter().any(|value| value.ends_with(name));
    let zones = ZONES.iter().map(|(name, _)| *name).filter(names).collect();
    let long_ids = matches!(guess, Guess::Text(why) if !why.is_empty()) && kept.iter().all(|value| (10..=14).contains(&value.len()) && is_digits(value));
    Seen { guess, nulls, zones, stray, long_ids, filled, rows }
}

fn stray(header: &str, values: &[&str]) -> Option<(String, String)> {
    let day = crate::dates::stray(values, header).map(|(why, text)| (why.to_owned(), text));
    let found = day.or_else(|| crate::numbers::stray(values, sort(header) == Sort::Money));
    found.map(|(why, text)| (why, text.to_owned()))
}

/// Also the dash of accounts beside a sign of currency: `$ -`.
fn is_null(text: &&str) -> bool {
    let dash = || {
        CURRENCY_SIGNS
            .iter()
            .any(|(sign, _)| text.strip_prefix(sign).or_else(|| text.strip_suffix(sign)).is_some_and(|rest| matches!(rest.trim(), "-" | "–" | "—" | "--")))
    };
    NULLS.contains(text) || dash()
}

fn typed(header: &str, values: &[&str]) -> Guess {
    let words = words(header);
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    let iso_duration =
        |value: &&str| value.starts_with("PT") && value.len() > 2 && value[2..].bytes().all(|byte| byte.is_ascii_digit() || b"HMS.".contains(&byte));
    if values.iter().all(iso_duration) {
        return Guess::Duration("iso");
    }
    let clock = |value: &&str| {
        let parts: Vec<&str> = value.split(':').collect();
        parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if values.iter().all(clock) && has(&["duration", "length", "watch", "average", "avg", "runtime"]) {
        return Guess::Duration("h:mm:ss");
    }
    if let Some(guess) = dates(values, header) {
        return guess;
    }
    let id = has(&[
        "id",
        "ids",
        "isrc",
        "upc",
        "ean",
        "sku",
        "asin",
        "isbn",
        "iban",
        "code",
        "zip",
        "postal",
        "phone",
        "account",
        "reference",
        "identifier",
        "grid",
        "digits",
        "batch",
        "numero",
        "codigo",
        "kennung",
        "merchant",
    ]) || words.iter().any(|word| NUMBERED.iter().any(|end| word.len() > end.len() && word.ends_with(end)))
        || (has(&["number", "no", "nr"]) && !words.iter().any(|word| word == "of"));
    let zeros = values.iter().any(|value| value.len() > 1 && value.starts_with('0') && value.bytes().all(|byte| byte.is_ascii_digit()));
    let long = values.iter().any(|value| value.len() >= 12 && value.bytes().all(|byte| byte.is_ascii_digit()));
    let spoilt =
        |value: &&str| value.split_once('.').is_some_and(|(whole, rest)| !rest.is_empty() && is_digits(whole) && rest.bytes().all(|digit| digit == b'0'));
    if id && values.iter().all(|value| is_digits(value) || spoilt(value)) && values.iter().any(spoilt) {
        return Guess::Text(SPOILT_ID);
    }
    let money = values.iter().any(|value| value.contains(['.', ',']) && read(value, MARKS[1]).is_some());
    if zeros || long || (id && !money) {
        let why = if zeros { "zeros in front are kept" } else { "an id: nothing is calculated with it" };
        let digits = |value: &&str| value.bytes().any(|byte| byte.is_ascii_digit());
        return Guess::Text(if values.iter().all(digits) { why } else { "" });
    }
    if sort(header) == Sort::Other && same_digits(values) {
        return Guess::Text(SAME_DIGITS);
    }
    number(values).map_or(Guess::Text(""), Guess::Number)
}

/// Whether all have as many digits, as numbers that name something have and counts hardly do.
fn same_digits(values: &[&str]) -> bool {
    let digits = values[0].len();
    values.iter().all(|value| value.len() == digits && is_digits(value)) && (digits >= 8 || (digits >= 5 && values.len() >= 3))
}

/// Why a column of numbers without another name is text.
const SAME_DIGITS: &str = "as each of its values has as many digits, as ids have";

/// Ends of words that name numbers of things: `Abrechnungsnummer`.
const NUMBERED: [&str; 3] = ["nummer", "number", "nr"];

/// Why a column of ids takes `123.0` as 123.
pub(crate) const SPOILT_ID: &str = "an id that a spreadsheet took for a number";

pub(crate) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The words of a header, in small letters.
pub(crate) fn words(header: &str) -> Vec<String> {
    crate::names::snake(header).split('_').map(str::to_owned).collect()
}

fn number(values: &[&str]) -> Option<NumberGuess> {
    let mut fitting: Vec<(Marks, NumberGuess)> = Vec::new();
    for marks in MARKS {
        let mut guess = NumberGuess { marks: vec![(marks, 0)], signs: Signs::default(), digits_before: 1, sum: Some(Exact { mantissa: 0, scale: 0 }) };
        let fits = values.iter().all(|value| {
            let Some((exact, signs)) = read(value, marks) else { return false };
            guess.marks[0].1 = guess.marks[0].1.max(exact.scale);
            guess.digits_before = guess.digits_before.max(exact.digits_before());
            guess.sum = guess.sum.and_then(|sum| sum.plus(exact));
            let all = &mut guess.signs;
            all.currency = match (all.currency, signs.currency) {
                (Some(known), Some(sign)) if known != sign => Some("?"),
                (known, sign) => known.or(sign),
            };
            all.percent |= signs.percent;
            all.parentheses |= signs.parentheses;
            all.trailing_minus |= signs.trailing_minus;
            all.exponent |= signs.exponent;
            all.any_grouping |= signs.any_grouping;
            true
        });
        // Marks that no value has tell nothing apart.
        let used = |mark: Option<char>| mark.is_none_or(|mark| values.iter().any(|value| value.contains(|sign| is_mark(sign, mark))));
        if fits && used(marks.thousands) {
            fitting.push((marks, guess));
        }
    }
    let (_, mut best) = fitting.first()?.clone();
    for (marks, other) in &fitting[1..] {
        let same = |value: &&str| match (read(value, best.marks[0].0), read(value, *marks)) {
            (Some((one, _)), Some((two, _))) => one.same(two),
            _ => false,
        };
        if !values.iter().all(same) {
            best.marks.push((*marks, other.marks[0].1));
        }
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(header: &str, values: &[&str]) -> String {
        let seen = see(header, values.iter().copied());
        let what = match &seen.guess {
            Guess::Number(number) => {
                let shown = |(marks, scale): &(Marks, u32)| format!("{:?}{:?} scale {scale}", marks.decimal.unwrap(), marks.thousands.unwrap_or('x'));
                let marks: Vec<String> = number.marks.iter().map(shown).collect();
                format!("number {}", marks.join(" or "))
            }
            other => format!("{other:?}"),
        };
        if seen.nulls.is_empty() { what } else { format!("{what} nulls {:?}", seen.nulls) }
    }

    #[test]
    fn columns_are_what_all_their_values_say() {
        assert_eq!(seen("Date", &["2026-02-01", "2026-02-28"]), "Date([\"%Y-%m-%d\"])");
        assert_eq!(seen("Date", &["02/14/2026", "02/01/2026"]), "Date([\"%m/%d/%Y\"])");
        assert_eq!(seen("Date", &["01/02/2026", "03/02/2026"]), "Date([\"%m/%d/%Y\", \"%d/%m/%Y\"])");
        assert_eq!(seen("Month", &["JUN-25", "Jul-25"]), "Date([\"%b-%y\"])");
        assert_eq!(seen("Period", &["2025-Q4"]), "Date([\"%Y-Q%q\"])");
        assert_eq!(seen("Period", &["2025.02", "2024.12"]), "Date([\"%Y.%m\"])");
        assert_eq!(seen("Monat", &["01.2025"]), "Date([\"%m.%Y\"])");
        assert_eq!(seen("Period", &["2025.1", "2025.02"]), "number '.''x' scale 2");
        assert_eq!(seen("Amount", &["2025.02"]), "number '.''x' scale 2");
        assert_eq!(seen("date/time", &["Jan 5, 2026 1:23:45 PM PST", "Jul 5, 2026 11:23:45 AM PDT"]), "Timestamp([\"%b %-d, %Y %-I:%M:%S %p %Z\"])");
        assert_eq!(seen("Datum", &["01.06.2025 00:10:55 UTC"]), "Timestamp([\"%d.%m.%Y %H:%M:%S %Z\"])");
        assert_eq!(seen("Sale Date", &["31 July, 2026"]), "Date([\"%d %b, %Y\"])");
        assert_eq!(seen("order_charged_timestamp", &["1767225600"]), "Timestamp([\"unix\"])");
        assert_eq!(seen("Abrechnungsnummer", &["24190571"]), "Text(\"an id: nothing is calculated with it\")");
        assert_eq!(seen("card_last_four_digits", &["4242"]), "Text(\"an id: nothing is calculated with it\")");
        assert_eq!(seen("Sale Date", &["45689", "45716"]), "Date([\"excel\"])");
        assert_eq!(seen("Datum", &["45689", "45716.25"]), "Timestamp([\"excel\"])");
        assert_eq!(seen("Date", &["45689", "99999"]), "number '.''x' scale 0");
        assert_eq!(seen("Units", &["45689", "45716"]), "number '.''x' scale 0");
        assert_eq!(seen("Units", &["20260214"]), "number '.''x' scale 0");
        assert_eq!(seen("Date", &["2025-W07"]), "Date([\"%G-W%V\"])");
        assert_eq!(seen("Datum", &["3. März 2025", "12. Dez. 2025"]), "NamedDate(\"%d. %b %Y\", \"de\")");
        assert_eq!(seen("Date", &["1er févr. 2025", "5 août 2025"]), "NamedDate(\"%d %b %Y\", \"fr\")");
        assert_eq!(seen("Date", &["March 4th, 2025", "March 22nd, 2025"]), "Date([\"%b %-d, %Y\"])");
        assert_eq!(seen("Title", &["12 angry 1957"]), "Text(\"\")");
        assert_eq!(seen("Order", &["20260214"]), "Text(\"as each of its values has as many digits, as ids have\")");
        assert_eq!(seen("UPC", &["0190000000003"]), "Text(\"zeros in front are kept\")");
        assert_eq!(seen("Payout ID", &["700.0", "", "701.0"]), "Text(\"an id that a spreadsheet took for a number\")");
        assert_eq!(seen("Amount", &["1,234.50", "2"]), "number '.'',' scale 2");
        assert_eq!(seen("Amount", &["1.234,50", "2,5"]), "number ',''.' scale 2");
        assert_eq!(seen("Amount", &["1,234"]), "number '.'',' scale 0 or ',''x' scale 3");
        assert_eq!(seen("Amount", &["1,5", "0,005521855338613"]), "number ',''x' scale 15");
        assert_eq!(seen("Amount", &["12", "$-", "$ -"]), "number '.''x' scale 0 nulls [\"$ -\", \"$-\"]");
        assert_eq!(seen("Amount", &["1'234.50", "1’000’000.05"]), "number '.''\\'' scale 2");
        assert_eq!(seen("Amount", &["1,23,456.78", "999.5"]), "number '.'',' scale 2");
        assert_eq!(seen("Amount", &["12", "--"]), "number '.''x' scale 0 nulls [\"--\"]");
        assert_eq!(seen("Name", &["12", "x"]), "Text(\"\")");
        assert_eq!(seen("Time", &["10:11:12"]), "Text(\"\")");
        assert_eq!(seen("Average view duration", &["0:03:25"]), "Duration(\"h:mm:ss\")");
        assert_eq!(seen("x", &["", " "]), "Nothing");
    }
}
