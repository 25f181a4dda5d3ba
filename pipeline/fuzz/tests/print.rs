//! Rows that are printed and decoded are the same rows: by both ways, in the dialects that exports come in. And the accounts of records
//! hold for any bytes.

use std::sync::LazyLock;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate};
use proptest::prelude::*;
use takings_fuzz::{Flat, General, TARGETS};

const COLUMNS: &str = r#"
    { name = "id", type = "text" },
    { name = "amount", type = "decimal(38,9)", currency = "currency" },
    { name = "currency", type = "text" },
    { name = "units", type = "int64" },
    { name = "trial", type = "bool" },
    { name = "day", type = "date" },
    { name = "at", type = "timestamp" },
"#;
const SCALE: usize = 9;

/// A row of the contract's columns; amounts at their scale, days and microseconds since 1970.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    id: Option<String>,
    amount: Option<i128>,
    currency: Option<String>,
    units: Option<i64>,
    trial: Option<bool>,
    day: Option<i32>,
    at: Option<i64>,
}

/// How a dialect writes.
#[derive(Debug, Clone, Copy)]
struct Dialect {
    delimiter: char,
    newline: &'static str,
    decimal: char,
    thousands: Option<char>,
    day: &'static str,
    at: &'static str,
    /// None: no quotes; what would need them is escaped.
    quote: Option<char>,
    words: [&'static str; 2],
    null: &'static str,
    /// Negative amounts in parentheses.
    parentheses: bool,
}

const PLAIN: Dialect = Dialect {
    delimiter: ',',
    newline: "\n",
    decimal: '.',
    thousands: None,
    day: "%Y-%m-%d",
    at: "%Y-%m-%dT%H:%M:%S%.fZ",
    quote: Some('"'),
    words: ["true", "false"],
    null: "",
    parentheses: false,
};

/// What the plain way reads.
const FLAT: [Dialect; 4] = [
    PLAIN,
    Dialect { delimiter: ';', newline: "\r\n", thousands: Some(','), at: "%Y-%m-%d %H:%M:%S%.f", ..PLAIN },
    Dialect { delimiter: '\t', day: "%d-%b-%Y", at: "%Y-%m-%dT%H:%M:%S%.f%z", words: ["yes", "no"], ..PLAIN },
    Dialect { delimiter: '|', thousands: Some(' '), day: "%m/%d/%Y", at: "%d/%m/%Y %H:%M:%S%.f", null: "N/A", ..PLAIN },
];

/// What only the general way reads.
const GENERAL: [Dialect; 4] = [
    Dialect { delimiter: ';', decimal: ',', thousands: Some('.'), day: "%d.%m.%Y", at: "%d.%m.%Y %H:%M:%S%.f", ..PLAIN },
    Dialect { delimiter: '\t', quote: None, thousands: Some(','), parentheses: true, day: "%m/%d/%Y", at: "%m/%d/%Y %I:%M:%S%.f %p", ..PLAIN },
    Dialect { quote: Some('\''), newline: "\r\n", decimal: ',', thousands: Some(' '), day: "%Y%m%d", at: "%Y%m%dT%H%M%S%.fZ", words: ["oui", "non"], ..PLAIN },
    Dialect { delimiter: '|', thousands: Some('\''), parentheses: true, day: "%B %d, %Y", at: "%a, %d %b %Y %H:%M:%S%.f %z", null: "--", ..PLAIN },
];

static FLATS: LazyLock<Vec<Flat>> = LazyLock::new(|| FLAT.iter().map(|dialect| Flat::new(&dialect.export(true), COLUMNS)).collect());
static GENERALS: LazyLock<Vec<General>> = LazyLock::new(|| FLAT.iter().chain(&GENERAL).map(|dialect| General::new(&dialect.export(false), COLUMNS)).collect());

impl Dialect {
    /// The export that says so.
    fn export(&self, plain: bool) -> String {
        let text = |character: char| format!("\"{}\"", if character == '\'' { "'".to_owned() } else { character.escape_default().to_string() });
        let mut export = format!("path = 'x'\nnulls = ['{}']\n", self.null);
        self.thousands.into_iter().for_each(|mark| export += &format!("thousands = {}\n", text(mark)));
        if plain {
            return export + &format!("delimiter = {}\ntimestamps = ['{}', '{}']\n", text(self.delimiter), self.at, self.day);
        }
        export += &format!("decimal = {}\nparentheses = {}\n", text(self.decimal), self.parentheses);
        export += &format!("[exports.text]\ndelimiter = {}\n", text(self.delimiter));
        export += &self.quote.map_or_else(|| "quote = \"\"\nescape = '\\'\n".to_owned(), |quote| format!("quote = {}\n", text(quote)));
        export += &format!("[exports.columns.day]\nformats = ['{}']\n[exports.columns.at]\nformats = ['{}']\n", self.day, self.at);
        export + &format!("[exports.columns.trial]\nbool = {{ yes = ['{}'], no = ['{}'] }}\n", self.words[0], self.words[1])
    }

    fn file(&self, rows: &[Row]) -> String {
        let names = ["id", "amount", "currency", "units", "trial", "day", "at"].map(str::to_owned);
        let records = std::iter::once(names).chain(rows.iter().map(|row| self.cells(row)));
        records.map(|cells| cells.map(|cell| self.cell(&cell)).join(&self.delimiter.to_string()) + self.newline).collect()
    }

    fn cells(&self, row: &Row) -> [String; 7] {
        let day = |day: i32| NaiveDate::from_epoch_days(day).unwrap().format(self.day).to_string();
        let at = |at: i64| DateTime::from_timestamp_micros(at).unwrap().format(self.at).to_string();
        let cells = [
            row.id.clone(),
            row.amount.map(|amount| self.amount(amount)),
            row.currency.clone(),
            row.units.map(|units| units.to_string()),
            row.trial.map(|trial| self.words[usize::from(!trial)].to_owned()),
            row.day.map(day),
            row.at.map(at),
        ];
        cells.map(|cell| cell.unwrap_or_else(|| self.null.to_owned()))
    }

    fn amount(&self, amount: i128) -> String {
        let digits = format!("{:0>width$}", amount.unsigned_abs(), width = SCALE + 1);
        let (whole, decimals) = digits.split_at(digits.len() - SCALE);
        let mut text = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if let Some(mark) = self.thousands.filter(|_| at > 0 && (whole.len() - at).is_multiple_of(3)) {
                text.push(mark);
            }
            text.push(digit);
        }
        let decimals = decimals.trim_end_matches('0');
        if !decimals.is_empty() {
            text = format!("{text}{}{decimals}", self.decimal);
        }
        match (amount < 0, self.parentheses) {
            (false, _) => text,
            (true, false) => format!("-{text}"),
            (true, true) => format!("({text})"),
        }
    }

    fn cell(&self, text: &str) -> String {
        let special = |mark: char| mark == self.delimiter || mark == '\n' || mark == '\r' || Some(mark) == self.quote;
        match self.quote {
            Some(quote) if text.contains(special) => format!("{quote}{}{quote}", text.replace(quote, &format!("{quote}{quote}"))),
            Some(_) => text.to_owned(),
            None => text.chars().flat_map(|mark| (special(mark) || mark == '\\').then_some('\\').into_iter().chain([mark])).collect(),
        }
    }
}

/// Text that is a value in each dialect: with no white space outside, which the general way takes off, and no word for null.
fn text() -> impl Strategy<Value = String> {
    let anything = prop_oneof![4 => "[a-zA-Z0-9 ,;|\t\"'\\\\=+-]{1,12}", 2 => "\\PC{1,8}", 1 => "[a\n\r\"',]{1,6}"];
    anything.prop_map(|text| text.trim().to_owned()).prop_filter("a value", |text| !["", "--", "N/A"].contains(&text.as_str()) && !text.contains('\0'))
}

fn row() -> impl Strategy<Value = Row> {
    // A dozen of them still have a sum.
    let largest = 10i128.pow(37);
    let amount = prop_oneof![4 => -1_000_000_000_000i128..1_000_000_000_000, 1 => -largest..=largest];
    let last = DateTime::from_timestamp_micros(253_402_300_799_999_999).unwrap();
    let days = NaiveDate::from_ymd_opt(1, 1, 1).unwrap().to_epoch_days()..=last.date_naive().to_epoch_days();
    let instants = -62_135_596_800_000_000i64..=last.timestamp_micros();
    (
        proptest::option::of(text()),
        proptest::option::of(amount),
        prop_oneof!["EUR", "USD", "JPY"],
        proptest::option::of(any::<i64>()),
        proptest::option::of(any::<bool>()),
        proptest::option::of(days),
        proptest::option::of(instants),
    )
        .prop_map(|(id, amount, currency, units, trial, day, at)| Row { id, amount, currency: Some(currency), units, trial, day, at })
}

fn rows_of(batches: &[RecordBatch]) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cell = |name: &str| Some(&batch[name]).filter(|array| array.is_valid(row));
            let text = |array: &ArrayRef| array.as_string::<i32>().value(row).to_owned();
            rows.push(Row {
                id: cell("id").map(text),
                amount: cell("amount").map(|array| array.as_primitive::<Decimal128Type>().value(row)),
                currency: cell("currency").map(text),
                units: cell("units").map(|array| array.as_primitive::<Int64Type>().value(row)),
                trial: cell("trial").map(|array| array.as_boolean().value(row)),
                day: cell("day").map(|array| array.as_primitive::<Date32Type>().value(row)),
                at: cell("at").map(|array| array.as_primitive::<TimestampMicrosecondType>().value(row)),
            });
        }
    }
    rows
}

fn config(cases: u32) -> ProptestConfig {
    // A failure is told with its input; it is no file of the repository.
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn the_plain_way_reads_what_was_printed(rows in proptest::collection::vec(row(), 0..12), dialect in 0..FLAT.len(), target in 1usize..200) {
        let file = FLAT[dialect].file(&rows);
        let output = FLATS[dialect].read(file.as_bytes(), target).unwrap();
        prop_assert_eq!(&output.rejects, &[], "{}", file);
        prop_assert_eq!(rows_of(&output.batches), rows, "{}", file);
    }

    #[test]
    fn the_general_way_reads_what_was_printed(rows in proptest::collection::vec(row(), 0..12), dialect in 0..FLAT.len() + GENERAL.len()) {
        let printed = FLAT.iter().chain(&GENERAL).nth(dialect).unwrap().file(&rows);
        let (outcome, kept) = GENERALS[dialect].read("x", printed.as_bytes()).unwrap();
        prop_assert_eq!(&kept.rejects, &[], "{}", printed);
        prop_assert_eq!(outcome.records, rows.len() as u64, "{}", printed);
        prop_assert_eq!(rows_of(&kept.batches), rows, "{}", printed);
    }

    #[test]
    fn accounts_hold_for_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..120), rows in proptest::collection::vec(row(), 0..4), at in any::<prop::sample::Index>()) {
        for (_, target) in TARGETS {
            target(&bytes);
        }
        // Bytes in the middle of a file that is otherwise whole.
        for (dialect, (flat, general)) in FLAT.iter().zip(FLATS.iter().zip(GENERALS.iter())) {
            let mut file = dialect.file(&rows).into_bytes();
            let header = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
            let at = header + at.index(file.len() - header + 1);
            file.splice(at..at, bytes.iter().copied());
            let plain = flat.read(&file, 50).unwrap();
            prop_assert_eq!(plain.records, rows_of(&plain.batches).len() as u64 + plain.rejects.len() as u64);
            let read = general.read("x", &file);
            prop_assert!(read.is_ok(), "{:?}", read.err());
        }
    }
}
