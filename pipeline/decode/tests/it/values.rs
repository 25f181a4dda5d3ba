//! The general way from text to values: shapes that real exports have, column by column.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use expect_test::{Expect, expect};
use takings_decode::{Block, FileIdentity, PartFacts, Typed, Typing, Values};
use takings_definitions::{Channel, Reference, Table};

use crate::feed::shown_row;
use crate::random::Random;

const TABLE: &str = r#"
    table = "line"
    layer = "raw"
    description = "Lines."
    grain = "One row per line."
"#;

/// A case: columns of the contract, keys of the export, and lines of cells; the first is the header.
pub struct Case<'a> {
    pub contract: &'a str,
    pub columns: &'a str,
    pub export: &'a str,
    pub facts: PartFacts,
    pub lines: &'a [&'a [&'a str]],
}

impl<'a> Case<'a> {
    fn new(columns: &'a str, export: &'a str, lines: &'a [&'a [&'a str]]) -> Self {
        Self { contract: "", columns, export, facts: PartFacts { header_line: 1, ..PartFacts::default() }, lines }
    }

    pub fn values(&self) -> Result<Arc<Values>, String> {
        let table = format!("{TABLE}{}\ncolumns = [\n{}\n]", self.contract, self.columns);
        let channel = format!(
            "version = 1\nchannel = \"shop\"\ntitle = \"Shop\"\n[[exports]]\nname = \"e\"\ntable = \"line\"\npath = '(?<period>\\d{{6}})?.*'\nmode = \"append\"\n{}",
            self.export
        );
        let channel = Channel::parse(Path::new("config/channels/shop.toml"), &channel).map_err(|error| error.to_string())?;
        let table = Table::parse(Path::new("config/tables/line.toml"), &table).map_err(|error| error.to_string())?;
        let reference = |name: &str, text: &str| {
            let path = format!("config/reference/{name}.csv");
            (name.to_owned(), Reference::parse(Path::new(&path), text).unwrap())
        };
        let references = BTreeMap::from([
            reference("stores", "name,code\nApple Music,apple\niTunes,apple\n"),
            reference("apple", "name,first_day,last_day\n2014-09,2014-08-31,2014-09-27\n2014-10,2014-09-28,2014-10-25\n"),
        ]);
        Values::new(&channel.exports[0], &table, &references).map(Arc::new).map_err(|error| format!("({}) {error}", kind(&error)))
    }

    fn typing(&self) -> Result<(Typing, Arc<PartFacts>), String> {
        let header = self.lines[0].iter().map(|name| (*name).to_owned()).collect();
        let part = Arc::new(PartFacts { header, ..self.facts.clone() });
        let file = FileIdentity { instance: "main".into(), file_id: "f1".into(), path: "x.csv".into() };
        let typing = Typing::new(self.values()?, file, part.clone()).map_err(|error| format!("({}) {error}", kind(&error)))?;
        Ok((typing, part))
    }

    fn show(&self) -> String {
        let (mut typing, part) = match self.typing() {
            Ok(made) => made,
            Err(error) => return format!("stopped {error}\n"),
        };
        let mut text = String::new();
        typing.warnings().iter().for_each(|warning| writeln!(text, "warning {warning}").unwrap());
        let mut block = Block::new(part);
        for (at, cells) in self.lines[1..].iter().enumerate() {
            block.push(at as u64 + 2, &cells.join("|"), cells.iter().copied());
        }
        write_typed(&mut text, &typing.decode(&block).unwrap());
        text
    }
}

fn write_typed(text: &mut String, typed: &Typed) {
    for row in 0..typed.batch.num_rows() {
        let shown = shown_row(&typed.batch, row).replace(" _instance=\"main\" _file_id=\"f1\"", "").replace(" _known_at=0001-01-01T00:00:00Z", "");
        let scratch = shown_row(&typed.scratch, row);
        writeln!(text, "row {shown}{}{scratch}", if scratch.is_empty() { "" } else { " + " }).unwrap();
    }
    for reject in &typed.rejects {
        writeln!(text, "reject {} {} {}: {}", reject.line, reject.column.as_deref().unwrap_or("-"), reject.rule, reject.reason).unwrap();
    }
    typed.totals.iter().for_each(|total| writeln!(text, "total {} {} {}", total.column, total.currency, total.sum).unwrap());
}

fn kind(error: &takings_decode::Error) -> &'static str {
    if error.is_data() { "data" } else { "config" }
}

fn check(columns: &str, export: &str, lines: &[&[&str]], expected: Expect) {
    expected.assert_eq(&Case::new(columns, export, lines).show());
}

/// Nineteen digits may be more than 64 bits: refused, not left empty.
#[test]
fn whole_numbers_beyond_64_bits_are_refused() {
    check(
        r#"{ name = "units", type = "int64" }"#,
        "decimal = \".\"",
        &[&["units"], &["9223372036854775807"], &["9223372036854775808"], &["-9223372036854775808"], &["-9223372036854775809"], &["9999999999999999999"]],
        expect![[r#"
            row units=9223372036854775807 _line=2
            row units=-9223372036854775808 _line=4
            reject 3 units size: units: "9223372036854775808" is larger than 64 bits hold
            reject 5 units size: units: "-9223372036854775809" is larger than 64 bits hold
            reject 6 units size: units: "9999999999999999999" is larger than 64 bits hold
        "#]],
    );
}

#[test]
fn etsy_signs_and_dashes() {
    check(
        r#"{ name = "amount", type = "decimal(18,6)", currency = "currency" }, { name = "currency", type = "text" }"#,
        "nulls = [\"\", \"--\"]\ncurrency_signs = true\nthousands = \",\"\nparentheses = true",
        &[
            &["Amount", "Currency"],
            &["-$0.20", "USD"],
            &["--", "USD"],
            &["$1,234.50", "USD"],
            &["€0.20", "USD"],
            &["USD 3.00", "USD"],
            &["3.00 USD", "EUR"],
            &["($1.20)", "USD"],
            &["$(1.20)", "USD"],
            &["$12,34", "USD"],
            &["0.20", ""],
            &["US$ -1.5", "USD"],
            &["0.00", ""],
        ],
        expect![[r#"
            row amount=-0.200000 currency="USD" _line=2
            row currency="USD" _line=3
            row amount=1234.500000 currency="USD" _line=4
            row amount=3.000000 currency="USD" _line=6
            row amount=-1.200000 currency="USD" _line=8
            row amount=-1.200000 currency="USD" _line=9
            row amount=-1.500000 currency="USD" _line=12
            row amount=0.000000 _line=13
            reject 5 amount currency: amount: "€0.20" says "€", and the row's currency is USD
            reject 7 amount currency: amount: "3.00 USD" says "USD", and the row's currency is EUR
            reject 10 amount decimal: amount: "$12,34" is not a decimal number
            reject 11 amount currency: amount: "0.20" is an amount without a currency: currency is empty
            total amount USD 1233400000
        "#]],
    );
}

#[test]
fn believe_and_paypal_decimal_commas() {
    let columns =
        r#"{ name = "net", type = "decimal(38,18)", currency = "currency" }, { name = "currency", type = "text" }, { name = "label", type = "text" }"#;
    check(
        columns,
        "decimal = \",\"\nthousands = \".\"\n[exports.headers]\nnet = [\"Revenu net\", \"Net revenue\"]\ncurrency = [\"Devise\"]\nlabel = [\"Nom du label\"]",
        &[
            &["Revenu net", "Devise", "Nom du label"],
            &["0,005521855338613", "EUR", " Été "],
            &["1.234,56", "EUR", ""],
            &["-1.234.567,8", "EUR", "x"],
            &["1234,56", "EUR", "x"],
            &["1.23", "EUR", "x"],
            &["1,234.56", "EUR", "x"],
            &["0,0000000000000000001", "EUR", "x"],
        ],
        expect![[r#"
            row net=0.005521855338613000 currency="EUR" label="Été" _line=2
            row net=1234.560000000000000000 currency="EUR" _line=3
            row net=-1234567.800000000000000000 currency="EUR" label="x" _line=4
            row net=1234.560000000000000000 currency="EUR" label="x" _line=5
            reject 6 net decimal: net: "1.23" is not a decimal number
            reject 7 net decimal: net: "1,234.56" is not a decimal number
            reject 8 net digits: net: "0,0000000000000000001" has more than 18 decimals
            total net EUR -1232098674478144661387000
        "#]],
    );
    check(
        columns,
        "unknown_columns = \"warn\"\n[exports.headers]\nnet = [\"Revenu net\"]\n[exports.columns.currency]\nconstant = \"EUR\"",
        &[&["Revenu nett", "Devise"], &["1", "EUR"]],
        expect![[r#"
            warning x.csv:1: export `e` does not know column "Revenu nett" (nearest: "Revenu net"), column "Devise"; they are left out
            row currency="EUR" _line=2
        "#]],
    );
}

#[test]
fn many_digits_thousands_and_other_marks() {
    check(
        r#"{ name = "amount", type = "decimal(38,18)" }"#,
        "thousands = \" \"\ntrailing_minus = true\npercent = true\nexponent = true",
        &[
            &["amount"],
            &["0.00139510587933175"],
            &["0.12345678901234567"],
            &["1 234 567.5"],
            &["1\u{a0}234.5"],
            &["1\u{202f}234"],
            &["1.20-"],
            &["−3.5"],
            &["85%"],
            &["1E-3"],
            &["1.5e+06"],
            &["1e-19"],
            &["1e99999999999"],
            &[".5"],
            &["5."],
            &["1 23"],
            &["-1-"],
            &[" 7 "],
        ],
        expect![[r#"
            row amount=0.001395105879331750 _line=2
            row amount=0.123456789012345670 _line=3
            row amount=1234567.500000000000000000 _line=4
            row amount=1234.500000000000000000 _line=5
            row amount=1234.000000000000000000 _line=6
            row amount=-1.200000000000000000 _line=7
            row amount=-3.500000000000000000 _line=8
            row amount=0.850000000000000000 _line=9
            row amount=0.001000000000000000 _line=10
            row amount=1500000.000000000000000000 _line=11
            row amount=0.500000000000000000 _line=14
            row amount=7.000000000000000000 _line=18
            reject 12 amount digits: amount: "1e-19" has more than 18 decimals
            reject 13 amount size: amount: "1e99999999999" is larger than decimal(38,18) holds
            reject 15 amount decimal: amount: "5." is not a decimal number
            reject 16 amount decimal: amount: "1 23" is not a decimal number
            reject 17 amount decimal: amount: "-1-" is not a decimal number
        "#]],
    );
    check(
        r#"{ name = "amount", type = "decimal(20,2)" }, { name = "swiss", type = "decimal(20,2)" }"#,
        "thousands = \",\"\ngrouping = \"any\"\n[exports.columns.swiss]\nthousands = \"'\"",
        &[&["amount", "swiss"], &["12,34,567.00", "1'234.50"], &["1,50", "1’234"], &["1,2345", "1'23"], &["1234567", "1,234"]],
        expect![[r#"
            row amount=1234567.00 swiss=1234.50 _line=2
            reject 3 amount decimal: amount: "1,50" is not a decimal number
            reject 4 swiss decimal: swiss: "1'23" is not a decimal number
            reject 5 swiss decimal: swiss: "1,234" is not a decimal number
        "#]],
    );
}

#[test]
fn google_play_times_with_named_zones() {
    check(
        r#"{ name = "sold_at", type = "timestamp" }, { name = "day", type = "date" }"#,
        "[exports.columns.sold_at]\nheader = \"Transaction Date\"\nwith = \"Transaction Time\"\nformats = [\"%b %-d, %Y %I:%M:%S %p %Z\"]\nzones = { PST = \"-08:00\", PDT = \"-07:00\" }\n[exports.columns.day]\ncopy = \"sold_at\"\nformats = [\"%b %-d, %Y\"]",
        &[
            &["Transaction Date", "Transaction Time"],
            &["Nov 1, 2019", "3:29:44 AM PDT"],
            &["Nov 3, 2019", "1:30:00 AM PST"],
            &["Nov 3, 2019", "1:30:00 AM PDT"],
            &["Nov 3, 2019", "1:30:00 AM CET"],
            &["Feb 29, 2019", "1:30:00 AM PST"],
            &["Nov 3, 2019", ""],
        ],
        expect![[r#"
            row sold_at=2019-11-01T10:29:44Z day=2019-11-01 _line=2
            row sold_at=2019-11-03T09:30:00Z day=2019-11-03 _line=3
            row sold_at=2019-11-03T08:30:00Z day=2019-11-03 _line=4
            reject 5 sold_at timestamp: sold_at: "Nov 3, 2019 1:30:00 AM CET" is in none of the declared formats
            reject 6 sold_at timestamp: sold_at: "Feb 29, 2019 1:30:00 AM PST" is in none of the declared formats; day: "Feb 29, 2019" is in none of the declared formats
            reject 7 sold_at timestamp: sold_at: "Nov 3, 2019" is in none of the declared formats
        "#]],
    );
}

#[test]
fn times_whose_zone_is_a_cell() {
    check(
        r#"{ name = "at", type = "timestamp" }"#,
        "[exports.columns.at]\njoin = [\"{Datum}\", \" \", \"{Uhrzeit}\", \" \", \"{Zeitzone}\"]\nformats = [\"%d.%m.%Y %H:%M:%S %Z\"]\nzones = { CET = \"+01:00\" }",
        &[
            &["Datum", "Uhrzeit", "Zeitzone"],
            &["05.07.2024", "09:10:11", "Europe/Berlin"],
            &["05.01.2024", "09:10:11", "Europe/Berlin"],
            &["05.07.2024", "09:10:11", "CET"],
            &["31.03.2024", "02:30:00", "Europe/Berlin"],
            &["05.07.2024", "09:10:11", "Europe/Berln"],
        ],
        expect![[r#"
            row at=2024-07-05T07:10:11Z _line=2
            row at=2024-01-05T08:10:11Z _line=3
            row at=2024-07-05T08:10:11Z _line=4
            reject 5 at zone: at: "31.03.2024 02:30:00 Europe/Berlin" never was in Europe/Berlin: the clocks went forward
            reject 6 at timestamp: at: "05.07.2024 09:10:11 Europe/Berln" is in none of the declared formats
        "#]],
    );
}

#[test]
fn civil_times_of_a_zone() {
    check(
        r#"{ name = "at", type = "timestamp" }"#,
        "zone = \"America/Los_Angeles\"\ntimestamps = [\"%m/%d/%y %I:%M%p\", \"%Y-%m-%d %H:%M\", \"%Y-%m-%dT%H:%M:%SZ\", \"%Y-%m-%d\"]",
        &[
            &["at"],
            &["11/25/22 5:45pm"],
            &["2022-07-01 00:00"],
            &["2022-03-13 02:30"],
            &["2022-11-06 01:30"],
            &["2022-11-06T01:30:00Z"],
            &["2022-11-06"],
            &["13/25/22 5:45pm"],
            &["11/25/22 13:45pm"],
        ],
        expect![[r#"
            row at=2022-11-26T01:45:00Z _line=2
            row at=2022-07-01T07:00:00Z _line=3
            row at=2022-11-06T01:30:00Z _line=6
            row at=2022-11-06T07:00:00Z _line=7
            reject 4 at zone: at: "2022-03-13 02:30" never was in America/Los_Angeles: the clocks went forward
            reject 5 at zone: at: "2022-11-06 01:30" was twice in America/Los_Angeles: the clocks went back, and the text names no offset
            reject 8 at timestamp: at: "13/25/22 5:45pm" is in none of the declared formats
            reject 9 at timestamp: at: "11/25/22 13:45pm" is in none of the declared formats
        "#]],
    );
}

#[test]
fn days_months_quarters_and_fiscal_periods() {
    check(
        r#"{ name = "day", type = "date" }, { name = "until", type = "date" }, { name = "fiscal_from", type = "date" }, { name = "fiscal_to", type = "date" }"#,
        "[exports.columns.day]\nheader = \"Period\"\nformats = [\"%m/%d/%Y\", \"%b-%y\", \"%B %Y\", \"%Y-Q%q\", \"%Y%m%d\", \"%d-%b-%y\", \"%b %-d, %Y\", \"%m/%d/%Y %I:%M:%S %p\", \"%Y-%m\"]\n[exports.columns.until]\ncopy = \"day\"\nformats = [\"%m/%d/%Y\", \"%b-%y\", \"%B %Y\", \"%Y-Q%q\", \"%Y%m%d\", \"%d-%b-%y\", \"%b %-d, %Y\", \"%m/%d/%Y %I:%M:%S %p\", \"%Y-%m\"]\nend_of = \"month\"\n[exports.columns.fiscal_from]\nheader = \"Fiscal\"\nformats = [\"%m%y\"]\nfiscal = \"apple\"\n[exports.columns.fiscal_to]\ncopy = \"fiscal_from\"\nformats = [\"%m%y\"]\nfiscal = \"apple\"\nend_of = \"month\"",
        &[
            &["Period", "Fiscal"],
            &["08/31/2014", "0914"],
            &["JUN-25", "1014"],
            &["June 2025", "1114"],
            &["2024-Q1", ""],
            &["20240229", ""],
            &["8-May-20", ""],
            &["Dec 4, 2019", ""],
            &["7/31/2023 12:00:00 AM", ""],
            &["7/31/2023 12:00:01 AM", ""],
            &["2023-02", ""],
            &["2024-Q5", ""],
            &["20230229", ""],
            &["Juni 2025", ""],
        ],
        expect![[r#"
            row day=2014-08-31 until=2014-08-31 fiscal_from=2014-08-31 fiscal_to=2014-09-27 _line=2
            row day=2025-06-01 until=2025-06-30 fiscal_from=2014-09-28 fiscal_to=2014-10-25 _line=3
            row day=2024-01-01 until=2024-03-31 _line=5
            row day=2024-02-29 until=2024-02-29 _line=6
            row day=2020-05-08 until=2020-05-08 _line=7
            row day=2019-12-04 until=2019-12-04 _line=8
            row day=2023-07-31 until=2023-07-31 _line=9
            row day=2023-02-01 until=2023-02-28 _line=11
            reject 4 fiscal_from fiscal: fiscal_from: "1114" (2014-11) is no period of the calendar apple; add it to config/reference/apple.csv; fiscal_to: "1114" (2014-11) is no period of the calendar apple; add it to config/reference/apple.csv
            reject 10 day date: day: "7/31/2023 12:00:01 AM" has a time of day, and the column holds days (`take` takes the day alone); until: "7/31/2023 12:00:01 AM" has a time of day, and the column holds days (`take` takes the day alone)
            reject 12 day date: day: "2024-Q5" is in none of the declared formats; until: "2024-Q5" is in none of the declared formats
            reject 13 day date: day: "20230229" is in none of the declared formats; until: "20230229" is in none of the declared formats
            reject 14 day date: day: "Juni 2025" is in none of the declared formats; until: "Juni 2025" is in none of the declared formats
        "#]],
    );
}

#[test]
fn durations_units_and_watch_time() {
    check(
        r#"{ name = "seconds", type = "int64" }, { name = "hours", type = "decimal(18,6)" }, { name = "minutes", type = "decimal(18,4)" }"#,
        "[exports.columns.seconds]\nheader = \"Duration\"\nduration = [\"h:mm:ss\", \"m:ss\", \"iso\"]\n[exports.columns.hours]\nheader = \"Watched\"\ndivide = \"60\"\n[exports.columns.minutes]\nheader = \"Streamed\"\nunit = { column = \"Unit\", hours = \"60\", minutes = \"1\", seconds = \"0.25\" }",
        &[
            &["Duration", "Watched", "Streamed", "Unit"],
            &["0:03:25", "90", "1.5", "hours"],
            &["3:25", "30", "2", "Minutes"],
            &["PT0H0M0S", "0", "1", "seconds"],
            &["PT1H1.5S", "6", "", ""],
            &["1:2:3", "100", "1", "days"],
        ],
        expect![[r#"
            row seconds=205 hours=1.500000 minutes=90.0000 _line=2
            row seconds=205 hours=0.500000 minutes=2.0000 _line=3
            row seconds=0 hours=0.000000 minutes=0.2500 _line=4
            reject 5 seconds integer: seconds: "PT1H1.5S" is not a whole number
            reject 6 seconds duration: seconds: "1:2:3" is no duration of the declared form; hours: "100" has more than 6 decimals; minutes: "1" has the unit "days" in Unit; known: hours, minutes, seconds
        "#]],
    );
}

#[test]
fn signs_by_the_kind_of_row() {
    check(
        r#"{ name = "quantity", type = "int64" }, { name = "refunded", type = "int64" }, { name = "amount", type = "decimal(18,2)" }"#,
        "[exports.columns.quantity]\nnegative = { column = \"Sales or Return\", equals = [\"R\"] }\n[exports.columns.refunded]\nflip = true\n[exports.columns.amount]\nflip = { column = \"Sales or Return\", matches = '^R' }",
        &[
            &["Quantity", "Refunded", "Amount", "Sales or Return"],
            &["1", "2", "5.00", "S"],
            &["1", "-2", "5.00", "R"],
            &["-1", "0", "-5.00", "R"],
            &["-1", "", "1", "S"],
            &["1.0", "", "1", "S"],
        ],
        expect![[r#"
            row quantity=1 refunded=-2 amount=5.00 _line=2
            row quantity=-1 refunded=2 amount=-5.00 _line=3
            row quantity=-1 refunded=0 amount=5.00 _line=4
            reject 5 quantity sign: quantity: "-1" is negative, and Sales or Return ("S") says that it is not
            reject 6 quantity integer: quantity: "1.0" is not a whole number as it is written (`whole_decimals = true` takes 5.0 as 5)
        "#]],
    );
}

#[test]
fn ids_that_went_through_a_spreadsheet() {
    check(
        r#"{ name = "id", type = "text", nullable = false }, { name = "isbn", type = "text" }, { name = "channel", type = "text" }, { name = "units", type = "int64" }"#,
        "whole_decimals = true\n[exports.columns.id]\nheader = \"Payout ID\"\nwhole_decimals = true\n[exports.columns.isbn]\nheader = \"Primary ISBN\"\nstrip = \"'\"\n[exports.columns.channel]\nprefix = \"UC\"",
        &[
            &["Payout ID", "Primary ISBN", "Channel", "Units"],
            &["123.0", "'9781234567890", "abc", "12.0"],
            &["00123", "'978'", "UCabc", "12"],
            &["1.23457E+11", "", "", "12.5"],
            &["", "", "", ""],
            &["12.50", "", "", "-3.00"],
        ],
        expect![[r#"
            row id="123" isbn="9781234567890" channel="UCabc" units=12 _line=2
            row id="00123" isbn="978" channel="UCabc" units=12 _line=3
            row id="12.50" units=-3 _line=6
            reject 4 id digits: id: "1.23457E+11" is an id that a spreadsheet cut to a few digits; export the file again; units: "12.5" is not a whole number
            reject 5 id null: id: "" is no value, and the column must have one
        "#]],
    );
}

#[test]
fn countries_with_reasons_and_own_tables() {
    check(
        r#"{ name = "country", type = "text" }, { name = "why", type = "text" }, { name = "store", type = "text" }, { name = "currency", type = "text" }"#,
        "[exports.columns.country]\nheader = \"Territory\"\nmap = \"countries\"\nunknown = \"ZZ\"\nreason = \"why\"\n[exports.columns.store]\nmap = \"stores\"\n[exports.columns.currency]\nmap = \"currencies\"",
        &[
            &["Territory", "Store", "Currency"],
            &["USA", "iTunes", "usd"],
            &["United Kingdom", "APPLE MUSIC", "Euro"],
            &["zz", "", "EUR"],
            &["", "", ""],
            &["Côte d'Ivoire", "Spotify", "$"],
        ],
        expect![[r#"
            row country="US" store="apple" currency="USD" _line=2
            row country="GB" store="apple" currency="EUR" _line=3
            row country="ZZ" why="unknown: zz" currency="EUR" _line=4
            row country="ZZ" why="no value" _line=5
            reject 6 store map: store: "Spotify" is not in the reference table; add it there, or say `unknown`; currency: "$" is not in the reference table; add it there, or say `unknown`
        "#]],
    );
}

#[test]
fn sources_that_are_not_headers() {
    let mut case = Case::new(
        r#"{ name = "period", type = "date" }, { name = "paid", type = "decimal(18,2)", currency = "currency" }, { name = "currency", type = "text" },
           { name = "title", type = "text" }, { name = "sheet", type = "text" }, { name = "artist", type = "text" }, { name = "first", type = "text" }, { name = "net", type = "decimal(18,2)" }, { name = "again", type = "text" }"#,
        "unknown_columns = \"warn\"\n[exports.frame.cells]\nmonth = \"B1\"\n[[exports.frame.trailer]]\nname = \"Total\"\nline = '^Total (?<value>.*)$'\n[exports.columns.period]\nfile = \"period\"\nformats = [\"%Y%m\"]\n[exports.columns.paid]\ntrailer = \"Total\"\n[exports.columns.currency]\nheader = \"Currency#2\"\n[exports.columns.title]\njoin = [\"{Artist}\", \" - \", \"{Song}\"]\n[exports.columns.sheet]\npart = '^(?<value>\\w+)_Q'\n[exports.columns.artist]\nfill = \"down\"\ndefault = \"nobody\"\n[exports.columns.first]\nheader = \"Genres\"\nsplit = { by = \"|\", nth = 2 }\n[exports.columns.net]\nheader = \"#6\"\ntake = '^(?<value>[\\d.]+) of'\n[exports.columns.again]\ncopy = \"title\"\n[exports.columns._month]\ntype = \"text\"\ncell = \"month\"",
        &[
            &["Artist", "Song", "Genres", "Currency", "Currency#2", "#6"],
            &["", "x", "a", "EUR", "USD", "5.00 of 6"],
            &["Aa", "One", "rock|pop", "EUR", "USD", "1.00 of 2"],
            &["", "", "rock| |x", "EUR", "EUR", ""],
            &["Bb", "", "", "EUR", "EUR", "none"],
        ],
    );
    case.facts.part = "2024.zip!sales_Q1".into();
    case.facts.groups.insert("period".into(), "202403".into());
    case.facts.cells.insert("month".into(), " January 2025".into());
    case.facts.trailers.insert("Total".into(), "7.50".into());
    case.contract = "parts = true\npartition = { from = [\"period\"] }\nknown_at = [{ column = \"period\", end_of = \"month\", plus_days = 15 }]";
    expect![[r#"
        warning x.csv!2024.zip!sales_Q1:1: column "Currency" is not known to export `e` (nearest: "Currency#2"); it is left out
        row period=2024-03-01 paid=7.50 currency="USD" title="- x" sheet="sales" artist="nobody" net=5.00 again="- x" _line=2 _known_at=2024-04-16T00:00:00Z _part="2024.zip!sales_Q1" period_month=2024-03-01 + _month="January 2025"
        row period=2024-03-01 paid=7.50 currency="USD" title="Aa - One" sheet="sales" artist="Aa" first="pop" net=1.00 again="Aa - One" _line=3 _known_at=2024-04-16T00:00:00Z _part="2024.zip!sales_Q1" period_month=2024-03-01 + _month="January 2025"
        row period=2024-03-01 paid=7.50 currency="EUR" sheet="sales" artist="Aa" _line=4 _known_at=2024-04-16T00:00:00Z _part="2024.zip!sales_Q1" period_month=2024-03-01 + _month="January 2025"
        reject 5 net take: net: "none" does not have the form of `take`, ^(?<value>[\d.]+) of
        total paid EUR 750
        total paid USD 1500
    "#]].assert_eq(&case.show());
}

#[test]
fn names_that_the_channel_file_gives_are_known() {
    let lines: &[&[&str]] = &[&["cell_1", "cell_2"], &["a", "b"]];
    let mut case = Case::new(r#"{ name = "cell_1", type = "text" }"#, "[exports.frame]\nheader = [\"cell_1\", \"cell_2\"]", lines);
    case.facts.header_line = 0;
    expect![[r#"
        row cell_1="a" _line=2
    "#]]
    .assert_eq(&case.show());
}

#[test]
fn a_part_that_does_not_fit_is_stopped() {
    let columns = r#"{ name = "id", type = "text", nullable = false }, { name = "amount", type = "decimal(18,2)" }"#;
    let sign = "[exports.columns.amount]\nnegative = { column = \"Kind\", equals = [\"R\"] }";
    let all = [
        Case::new(columns, "", &[&["amuont", "Idd"]]).show(),
        Case::new(columns, "[exports.headers]\nid = [\"Id\", \"Identifier\"]", &[&["Id", "identifier"]]).show(),
        Case::new(columns, sign, &[&["id", "amount", "Kinds"]]).show(),
        Case::new(columns, sign, &[&["id", "Kinds"]]).show(),
        Case::new(columns, "unknown_columns = \"warn\"", &[&["id", "#2", "Amount#2"]]).show(),
        Case::new(columns, "[exports.columns.id]\njoin = [\"{a}\", \"{b}\"]", &[&["a"]]).show(),
        Case::new(columns, "[exports.columns.id]\npart = '^(?<value>Q\\d)$'", &[&["amount"]]).show(),
        Case::new(columns, "[exports.columns.id]\nfile = \"period\"", &[&["amount"]]).show(),
        Case::new(columns, "timestamps = [\"%Y-%m-%d %Q\"]", &[&["id"]]).show(),
        Case::new(r#"{ name = "day", type = "date" }"#, "timestamps = [\"%m/%d\"]", &[&["day"]]).show(),
        Case::new(r#"{ name = "day", type = "date" }"#, "timestamps = [\"%Y-%m-%d %I:%M\"]", &[&["day"]]).show(),
    ];
    expect![[r#"
        stopped (data) x.csv:1: the header lacks id (nearest: "Idd"); correct the file, or name the header under [exports.headers] of export `e`
        stopped (data) x.csv:1: id: header cells 1 "Id" and 2 "identifier" are both this column; leave one of them out of the column's header names
        stopped (data) x.csv:1: amount: `negative` looks at "Kind", which the header lacks (nearest: "Kinds"); correct the file, or the column's `negative`
        stopped (data) x.csv:1: column "Kinds" is not known to export `e`; add them to the contract of line, or set unknown_columns = "warn" to leave them out
        warning x.csv:1: export `e` does not know header cell 2, column "Amount#2"; they are left out
        stopped (data) x.csv:1: id: `join` names "b", which the header lacks (nearest: "a"); correct the file, or the column's `join`
        stopped (data) x.csv:1: id: the part's name "" is not of the form ^(?<value>Q\d)$; correct the column's `part`
        stopped (data) x.csv:1: id: the file's path has no group `period` here; correct `path` of the export, or the file's name
        stopped (config) export `e` into line: column day: format "%m/%d" gives no year
        stopped (config) export `e` into line: column day: format "%Y-%m-%d %I:%M" has %I without %p or %p without %I
    "#]]
    .assert_eq(&all.concat());
}

#[test]
fn rows_of_a_record_go_together_and_blocks_follow_each_other() {
    let case = Case::new(
        r#"{ name = "artist", type = "text" }, { name = "amount", type = "decimal(18,2)" }"#,
        "unknown_columns = \"warn\"\n[exports.columns.artist]\nfill = \"down\"",
        &[&["artist", "amount"]],
    );
    let (mut typing, part) = case.typing().unwrap();
    let mut text = String::new();
    for (line, rows) in [(2, [["A", "1"], ["", "2"]]), (3, [["B", "x"], ["", "2"]]), (4, [["", "5"], ["", "y"]]), (5, [["", "6"], ["C", "7"]])] {
        let mut block = Block::new(part.clone());
        rows.iter().for_each(|cells| block.push(line, &format!("raw {line}"), cells.iter().copied()));
        let typed = typing.decode(&block).unwrap();
        assert_eq!((typed.records, typed.rows), (1, 2));
        write_typed(&mut text, &typed);
    }
    expect![[r#"
        row artist="A" amount=1.00 _line=2
        row artist="A" amount=2.00 _line=2
        reject 3 amount decimal: amount: "x" is not a decimal number
        reject 4 amount decimal: amount: "y" is not a decimal number
        row artist="B" amount=6.00 _line=5
        row artist="C" amount=7.00 _line=5
    "#]]
    .assert_eq(&text);
}

#[test]
fn calculated_columns_are_looked_at_behind_the_calculation() {
    let mut case = Case::new(
        r#"{ name = "day", type = "date" }, { name = "net", type = "decimal(18,2)", nullable = false, currency = "currency", bound = "100" }, { name = "currency", type = "text" }"#,
        "[exports.columns._gross]\ntype = \"decimal(18,2)\"\nheader = \"Gross\"\n[[exports.calculate]]\ncolumn = \"net\"\nvalue = \"_gross\"\n[[exports.calculate]]\ncolumn = \"day\"\nvalue = \"day\"",
        &[
            &["day", "net", "currency", "Gross"],
            &["2026-03-05", "1", "EUR", "5"],
            &["", "200", "EUR", "5"],
            &["2026-03-05", "", "", "5"],
            &["2026-03-05", "2", "", "5"],
        ],
    );
    case.contract = "partition = { from = [\"day\"] }\nknown_at = [\"day\"]";
    let (mut typing, part) = case.typing().unwrap();
    let mut block = Block::new(part);
    case.lines[1..].iter().zip(2..).for_each(|(cells, line)| block.push(line, "", cells.iter().copied()));
    let typed = typing.decode(&block).unwrap();
    assert_eq!((typed.rejects.len(), typed.batch.num_rows(), typed.totals.len()), (0, 4, 0));
    assert_eq!(typed.batch.schema(), *typing.batch_schema());
    let values = case.values().unwrap();
    assert!(!values.is_final());
    let finished = values.finish(&typed.batch).unwrap();
    assert_eq!(finished.batch.schema(), *values.schema());
    let mut text: String = (0..finished.batch.num_rows()).map(|row| shown_row(&finished.batch, row) + "\n").collect();
    finished.unfit.iter().for_each(|unfit| writeln!(text, "unfit {} {}: {}", unfit.row, unfit.rule, unfit.reason).unwrap());
    finished.totals.iter().for_each(|total| writeln!(text, "total {} {} {}", total.column, total.currency, total.sum).unwrap());
    expect![[r#"
        day=2026-03-05 net=1.00 currency="EUR" _instance="main" _file_id="f1" _line=2 _known_at=2026-03-05T00:00:00Z period_month=2026-03-01
        unfit 1 bound: net: is beyond the bound that the contract sets
        unfit 1 known_at: no column of known_at has a value (within the years 1 to 9999)
        unfit 1 partition: no column of the partition has a value
        unfit 2 null: net: is no value, and the column must have one
        unfit 3 currency: net: is an amount without a currency: currency is empty
        total net EUR 100
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_row_that_ends_a_version_is_marked() {
    let columns = r#"{ name = "event_id", type = "text" }, { name = "gone", type = "bool", nullable = false }"#;
    // The words of other columns mean nothing here.
    let export = "delete = { column = \"is_deleted\", equals = [\"1\", \"J\"], into = \"gone\" }\nbool = { yes = [\"ja\"], no = [\"nein\"] }";
    let lines = [&["event_id", "is_deleted"][..], &["e1", "0"], &["e2", "1"], &["e3", " J "], &["e4", ""]];
    expect![[r#"
        row event_id="e1" gone=false _line=2
        row event_id="e2" gone=true _line=3
        row event_id="e3" gone=true _line=4
        row event_id="e4" gone=false _line=5
    "#]]
    .assert_eq(&Case::new(columns, export, &lines).show());
    let lines = [&["event_id", "deleted"][..], &["e1", "0"]];
    expect![[r#"
        stopped (data) x.csv:1: gone: `delete` looks at "is_deleted", which the header lacks; correct the file, or the export's `delete`
    "#]]
    .assert_eq(&Case::new(columns, export, &lines).show());
}

/// Any text in any cell: rows and rejects add up to the records, and nothing panics.
#[test]
fn any_text_is_a_value_or_a_reject() {
    let header = ["id", "amount", "currency", "n", "flag", "day", "at", "length", "country", "why"];
    let lines = [&header[..]];
    let case = Case::new(
        r#"{ name = "id", type = "text" }, { name = "amount", type = "decimal(38,18)", currency = "currency" }, { name = "currency", type = "text" },
           { name = "n", type = "int64" }, { name = "flag", type = "bool" }, { name = "day", type = "date" }, { name = "at", type = "timestamp" },
           { name = "length", type = "decimal(20,6)" }, { name = "country", type = "text" }, { name = "why", type = "text" }"#,
        "unknown_columns = \"warn\"\ncurrency_signs = true\npercent = true\nparentheses = true\ntrailing_minus = true\nexponent = true\nthousands = \" \"\ngrouping = \"any\"\nzone = \"Europe/Berlin\"\nzones = { PST = \"-08:00\" }\nwhole_decimals = true\ntimestamps = [\"%Y-%m-%d %H:%M:%S%.f %Z\", \"%b %-d, %Y %I:%M%p\", \"%Y%m%d\", \"%Y-Q%q\", \"%d.%m.%y\", \"%s\", \"%Y-%m-%dT%H:%M:%S%z\"]\n[exports.columns.id]\nwhole_decimals = true\nsplit = { by = \"|\", nth = 2 }\ndefault = \"-\"\nprefix = \"é\"\nstrip = \"'\"\n[exports.columns.amount]\nflip = { column = \"flag\", matches = 'y' }\nmultiply = \"0.1\"\n[exports.columns.length]\nduration = [\"h:mm:ss\", \"m:ss\", \"iso\"]\ndivide = \"3600\"\n[exports.columns.day]\ntake = '^(?<value>.{1,8})'\nend_of = \"quarter\"\n[exports.columns.country]\nmap = \"countries\"\nunknown = \"ZZ\"\nreason = \"why\"",
        &lines,
    );
    let (mut typing, part) = case.typing().unwrap();
    let pieces = [
        "",
        " ",
        "\u{a0}",
        "-",
        "−",
        "+",
        "(",
        ")",
        "%",
        "$",
        "€",
        "US$",
        "kr.",
        "USD",
        "EUR",
        "1",
        "0",
        "9",
        "12",
        "345",
        "2024",
        "02",
        "29",
        ".",
        ",",
        ":",
        "/",
        "T",
        "Z",
        "PST",
        "e",
        "E+",
        "PT",
        "H",
        "M",
        "S",
        "PM",
        "Nov",
        "Q",
        "|",
        "'",
        "é",
        "\u{feff}",
        "\0",
        "日",
        "y",
        "true",
        "UK",
        "99999999999999999999",
        "\u{202e}",
        "\n",
    ];
    let mut random = Random::new(7);
    let (mut rows, mut rejects) = (0, 0);
    for round in 0..400 {
        let mut block = Block::new(part.clone());
        for row in 0..20u64 {
            let cells: Vec<String> =
                header.iter().map(|_| (0..if random.below(10) == 0 { random.below(7) } else { 0 }).map(|_| random.pick(&pieces)).collect()).collect();
            block.push(round * 100 + row / 2 + 2, &cells.join("|"), cells.iter().map(String::as_str));
        }
        let typed = typing.decode(&block).unwrap();
        assert_eq!(typed.records, 10);
        let mut lines: Vec<u64> = typed.rejects.iter().map(|reject| reject.line).collect();
        lines.extend((0..typed.batch.num_rows()).step_by(2).map(|row| {
            let lines = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(&typed.batch["_line"]);
            assert_eq!(lines.value(row), lines.value(row + 1));
            lines.value(row) as u64
        }));
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), 10);
        rows += typed.batch.num_rows();
        rejects += typed.rejects.len();
    }
    assert!(rejects > 1000 && rows > 300, "{rows} rows, {rejects} rejects");
}
