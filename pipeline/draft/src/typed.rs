//! What was seen of a column → its type in the contract, its parse keys, or a question.

use crate::column::{Guess, NumberGuess, SPOILT_ID, Seen};
use crate::dates::{EXCEL, ZONES};
use crate::numbers::Marks;
use crate::plan::{Column, Question, Source};
use crate::sorts::{Sort, sort};
use crate::write::{list, quoted};

/// What other columns of the file bear out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evidence {
    /// The file's marks; None: nothing tells them, or columns differ.
    pub marks: Option<Marks>,
    /// Whether the month stands before the day.
    pub month_first: Option<bool>,
}

impl Evidence {
    pub fn of<'a>(all: impl Iterator<Item = &'a Seen>) -> Self {
        let (mut decimals, mut thousands, mut orders) = (Vec::new(), Vec::new(), Vec::new());
        for seen in all {
            match &seen.guess {
                Guess::Number(number) if number.marks.len() == 1 => {
                    let (marks, scale) = number.marks[0];
                    let behind = if number.signs.percent { scale > 2 } else { scale > 0 };
                    if marks.thousands.is_some() {
                        thousands.push(marks.thousands);
                    }
                    // Whole numbers say nothing of a mark they don't have.
                    if (behind && !number.signs.exponent) || marks.thousands.is_some() {
                        decimals.push(marks.decimal);
                    }
                }
                Guess::Date(formats) | Guess::Timestamp(formats) if formats.len() == 1 => orders.extend(month_first(formats[0])),
                _ => {}
            }
        }
        let one = |mut all: Vec<Option<char>>| {
            all.dedup();
            all.first().copied().flatten().filter(|first| all.iter().all(|other| *other == Some(*first)))
        };
        let decimal = one(decimals);
        let marks = decimal.map(|decimal| Marks { decimal: Some(decimal), thousands: one(thousands).filter(|mark| *mark != decimal) });
        let month_first = orders.first().copied().filter(|first| orders.iter().all(|other| other == first));
        Self { marks, month_first }
    }
}

/// Whether a format of digits has the month first; None: it can't be mistaken.
fn month_first(format: &str) -> Option<bool> {
    let (month, day) = (format.find("%m")?, format.find("%d")?);
    (!format.starts_with("%Y")).then_some(month < day)
}

/// The column of a header.
pub(crate) fn column(name: String, header: &str, seen: &Seen, evidence: &Evidence) -> Column {
    let mut column = Column { name, source: Source::Header(header.to_owned()), kind: "text".to_owned(), nullable: true, ..Column::default() };
    column.always = seen.filled == seen.rows && seen.rows > 0;
    if !seen.nulls.is_empty() {
        let nulls = std::iter::once("").chain(seen.nulls.iter().map(String::as_str));
        let zero = matches!(seen.guess, Guess::Number(_)) && seen.nulls.iter().all(|text| text.ends_with(['-', '–', '—']) && text != "--");
        let why = if zero { "no value; where a dash means zero: default = \"0\" beside this" } else { "texts that mean no value" };
        column.keys.push(("nulls", list(nulls), why.to_owned()));
    }
    column.about = format!("{header}.");
    match &seen.guess {
        Guess::Nothing => "No value in the sample.".clone_into(&mut column.about),
        Guess::Text("") => {}
        Guess::Text(why) => {
            column.about = format!("{header}; text: {why}.");
            if *why == SPOILT_ID {
                column.keys.push(("whole_decimals", "true".to_owned(), "123.0 is 123".to_owned()));
            } else if seen.long_ids {
                let why = "what a spreadsheet cut, 1.2E+11, goes to quarantine; 123.0 is 123".to_owned();
                column.keys.push(("whole_decimals", "true".to_owned(), why));
            }
        }
        Guess::Date(formats) => {
            "date".clone_into(&mut column.kind);
            moment(&mut column, formats, evidence);
        }
        Guess::NamedDate(format, language) => {
            "date".clone_into(&mut column.kind);
            moment(&mut column, &[*format], evidence);
            column.keys.push(("languages", list([*language]), "of the names of months".to_owned()));
        }
        Guess::Timestamp(formats) => timestamp(&mut column, formats, seen, evidence),
        Guess::NamedTimestamp(format, language) => {
            timestamp(&mut column, &[*format], seen, evidence);
            column.keys.push(("languages", list([*language]), "of the names of months".to_owned()));
        }
        Guess::Duration(form) => {
            "decimal(18,6)".clone_into(&mut column.kind);
            column.keys.push(("duration", quoted(form), "becomes seconds".to_owned()));
            "Seconds.".clone_into(&mut column.about);
        }
        Guess::Number(number) => typed_number(&mut column, header, number, evidence),
    }
    column
}

fn timestamp(column: &mut Column, formats: &[&'static str], seen: &Seen, evidence: &Evidence) {
    "timestamp".clone_into(&mut column.kind);
    moment(column, formats, evidence);
    if !seen.zones.is_empty() {
        let zones = ZONES.iter().filter(|(name, _)| seen.zones.contains(name)).map(|(name, hours)| format!("{name} = \"{hours:+03}:00\""));
        let zones = format!("{{ {} }}", zones.collect::<Vec<_>>().join(", "));
        column.keys.push(("zones", zones, "what these names mean here; others: quarantine".to_owned()));
    }
    if formats[0].starts_with("unix") {
        "Counted since 1970, in UTC.".clone_into(&mut column.about);
    } else if !formats[0].contains(['Z', 'z']) {
        "Taken as UTC: the text says no zone (`zone = \"America/Los_Angeles\"`).".clone_into(&mut column.about);
    }
}

fn moment(column: &mut Column, formats: &[&'static str], evidence: &Evidence) {
    let about = |format: &str| match (format.contains("%d") || format.contains("%-d"), format.contains("%q")) {
        _ if format.starts_with("unix") => "",
        _ if format == EXCEL => {
            "days as spreadsheets count them: 45689 is 2025-02-01 (in books of old Macs excel-1904); where these are numbers, take this out"
        }
        (true, _) => "",
        (_, true) => "a quarter is its first day; its last with end_of = \"quarter\"",
        _ => "a month is its first day; its last with end_of = \"month\"",
    };
    match formats {
        [one] => column.keys.push(("formats", list([*one]), about(one).to_owned())),
        several => match evidence.month_first.and_then(|order| several.iter().find(|format| month_first(format) == Some(order))) {
            Some(format) => {
                column.keys.push(("formats", list([*format]), "day and month in the order that another column of the file shows".to_owned()));
            }
            None => {
                let answer = |format: &&'static str| {
                    let order = if month_first(format) == Some(true) { "month first" } else { "day first" };
                    (vec![("formats", list([*format]))], order.to_owned())
                };
                let why = "no value of the sample tells the order of day and month: none has a day behind the 12th".to_owned();
                column.question = Some(Question { why, answers: several.iter().map(answer).collect() });
            }
        },
    }
}

fn typed_number(column: &mut Column, header: &str, number: &NumberGuess, evidence: &Evidence) {
    let settled = match &number.marks[..] {
        [one] => Some(*one),
        several => evidence.marks.and_then(|marks| {
            let agrees = |(one, _): &&(Marks, u32)| {
                one.decimal == marks.decimal && (one.thousands.is_none() || marks.thousands.is_none() || one.thousands == marks.thousands)
            };
            several.iter().find(agrees).copied()
        }),
    };
    match settled {
        None => ask(column, number),
        Some((marks, scale)) => {
            let default = evidence.marks.unwrap_or(Marks { decimal: Some('.'), thousands: None });
            // Whole numbers are read the same with any mark.
            let plain = scale == 0 && marks.thousands.is_none();
            if !plain && marks.decimal != default.decimal {
                column.keys.push(("decimal", quoted(&marks.decimal.unwrap_or('.').to_string()), String::new()));
            }
            if !plain && marks.decimal != default.decimal && marks.thousands.is_none() && default.thousands.is_some() {
                column.keys.push(("thousands", quoted(""), String::new()));
            }
            if marks.thousands.is_some() && marks.thousands != default.thousands {
                column.keys.push(("thousands", quoted(&marks.thousands.unwrap_or(',').to_string()), String::new()));
            }
        }
    }
    let signs = number.signs;
    let scale = settled.map_or_else(|| number.marks.iter().map(|(_, scale)| *scale).max().unwrap_or(0), |(_, scale)| scale);
    for (key, said, why) in [
        ("currency_signs", signs.currency.is_some(), "$ € £ … before or behind"),
        ("percent", signs.percent, "85% is 0.85"),
        ("parentheses", signs.parentheses, "(1.20) is -1.20"),
        ("trailing_minus", signs.trailing_minus, "1.20- is -1.20"),
        ("exponent", signs.exponent, "1E-3, read exactly"),
    ] {
        if said {
            column.keys.push((key, "true".to_owned(), why.to_owned()));
        }
    }
    if signs.any_grouping {
        column.keys.push(("grouping", quoted("any"), "12,34,567".to_owned()));
    }
    column.sign = signs.currency;
    let sort = if signs.currency.is_some() { Sort::Money } else { sort(header) };
    let whole = scale == 0 && signs.currency.is_none() && !signs.percent && matches!(sort, Sort::Count | Sort::Other) && number.digits_before < 18;
    column.kind = if whole { "int64".to_owned() } else { decimal(sort, number, scale) };
}

/// Room for what the sample shows and more: digits beyond go to quarantine.
fn decimal(sort: Sort, number: &NumberGuess, scale: u32) -> String {
    let scale = match scale {
        0..=4 if sort == Sort::Money => 10,
        0..=6 if sort != Sort::Money => 6,
        0..=18 => 18,
        scale => scale.min(30),
    };
    let precision = if scale == 10 { 28 } else { 38 };
    let precision = if scale == 6 && number.digits_before <= 10 { 18 } else { precision };
    format!("decimal({precision},{scale})")
}

fn ask(column: &mut Column, number: &NumberGuess) {
    let mark = |mark: Option<char>| quoted(&mark.map_or_else(String::new, |mark| mark.to_string()));
    let answer = |(marks, _): &(Marks, u32)| {
        let meaning = match marks.thousands {
            Some(thousands) => format!("{thousands:?} is a mark of thousands"),
            None => format!("{:?} is the mark of decimals", marks.decimal.unwrap_or('.')),
        };
        (vec![("decimal", mark(marks.decimal)), ("thousands", mark(marks.thousands))], meaning)
    };
    let why = "the values of the sample read as thousands and as decimals, and no other column tells which".to_owned();
    column.question = Some(Question { why, answers: number.marks.iter().map(answer).collect() });
}
