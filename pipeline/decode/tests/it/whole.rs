//! Whole files through the general way: bytes in, typed rows, rejects, counts, totals and checks out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Cursor, Read, Write as _};
use std::path::Path;

use expect_test::{Expect, expect};
use takings_decode::general::{CheckOutcome, FileOutcome, Layout, RawRecord, Reader, Sink, Taken};
use takings_decode::{Error, FileIdentity, PartFacts, Reject, Typed};
use takings_definitions::{Channel, Table};

use crate::feed::shown_row;

pub const TABLE: &str = r#"
    table = "sale"
    layer = "raw"
    description = "Sales."
    grain = "One row per sale."
    parts = true
    columns = [
      { name = "day", type = "date" },
      { name = "title", type = "text" },
      { name = "units", type = "int64" },
      { name = "amount", type = "decimal(20,6)", currency = "currency" },
      { name = "currency", type = "text" },
    ]
"#;

/// Everything that a reading gave.
#[derive(Default)]
struct Shown {
    text: String,
    rows: u64,
    rejects: u64,
}

impl Sink for Shown {
    type Error = Error;

    fn rows(&mut self, _: &Layout, _: &PartFacts, typed: Typed) -> Result<Taken, Error> {
        for row in 0..typed.batch.num_rows() {
            let row = shown_row(&typed.batch, row).replace(" _instance=\"main\" _file_id=\"f1\"", "").replace(" _known_at=0001-01-01T00:00:00Z", "");
            writeln!(self.text, "row {}", row.replace(" _part=\"\"", "")).unwrap();
        }
        self.rows += typed.batch.num_rows() as u64;
        Ok(Taken::all(typed))
    }

    fn reject(&mut self, reject: Reject) -> Result<(), Error> {
        let part = if reject.part.is_empty() { String::new() } else { format!("{} ", reject.part) };
        writeln!(self.text, "reject {part}{} {}: {}", reject.line, reject.rule, reject.reason).unwrap();
        self.rejects += 1;
        Ok(())
    }
}

pub fn reader(exports: &str, own: &str) -> Result<Reader, Error> {
    let text = format!("version = 1\nchannel = \"shop\"\ntitle = \"Shop\"\n[[exports]]\nname = \"sale\"\ntable = \"sale\"\nmode = \"append\"\n{exports}");
    let channel = Channel::parse(Path::new("config/channels/shop.toml"), &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let table = Table::parse(Path::new("config/tables/sale.toml"), TABLE).unwrap();
    Reader::new(&channel, channel.export(own).unwrap(), &table, &BTreeMap::new())
}

fn identity(path: &str) -> FileIdentity {
    FileIdentity { instance: "main".into(), file_id: "f1".into(), path: path.into() }
}

fn shown(exports: &str, path: &str, bytes: &[u8]) -> String {
    let reader = match reader(exports, "sale") {
        Ok(reader) => reader,
        Err(error) => return format!("refused: {error}\n"),
    };
    let mut shown = Shown::default();
    let open = || Ok(Box::new(Cursor::new(bytes)) as Box<dyn Read>);
    match reader.read(&identity(path), &open, &mut shown) {
        Ok(outcome) => {
            assert_eq!((outcome.rows, outcome.quarantined), (shown.rows, shown.rejects));
            shown.text + &told(&outcome)
        }
        Err(error) => format!("{}stopped ({}): {error}\n", shown.text, if error.is_data() { "data" } else { "other" }),
    }
}

fn told(outcome: &FileOutcome) -> String {
    let FileOutcome { records, published, rows, quarantined, excluded, totals, ignored, checks, warnings, .. } = outcome;
    let mut text = format!("{records} records: {published} published in {rows} rows, {quarantined} quarantined, excluded {excluded:?}\n");
    totals.iter().for_each(|total| writeln!(text, "total {} {} {}", total.column, total.currency, total.sum).unwrap());
    ignored.iter().for_each(|part| writeln!(text, "ignored {part}").unwrap());
    for check in checks {
        let CheckOutcome { holds, .. } = check;
        writeln!(text, "{} {check}", holds.map_or("--", |holds| if holds { "ok" } else { "NO" })).unwrap();
    }
    warnings.iter().for_each(|warning| writeln!(text, "warning {warning}").unwrap());
    if let Some(stopped) = outcome.stopped() {
        writeln!(text, "STOPPED {stopped}").unwrap();
    }
    text
}

pub fn check(exports: &str, path: &str, bytes: impl AsRef<[u8]>, expected: &Expect) {
    expected.assert_eq(&shown(exports, path, bytes.as_ref()));
}

pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const APPLE: &str = r#"
path = '_(?<period>\d{4})_(?<region>[A-Z]{2})\.txt$'
[exports.headers]
day = ["Start Date"]
title = ["Title"]
units = ["Quantity"]
amount = ["Extended Partner Share"]
currency = ["Partner Share Currency"]
[exports.columns.day]
formats = ["%m/%d/%Y"]
[exports.text]
delimiter = "\t"
quote = ""
[[exports.frame.trailer]]
name = "Total_Rows"
line = '^Total_Rows\t(?<value>.*)$'
[[exports.frame.trailer]]
name = "Total_Amount"
line = '^Total_Amount\t(?<value>.*)$'
[[exports.frame.trailer]]
name = "Total_Units"
line = '^Total_Units\t(?<value>.*)$'
[[exports.checks]]
name = "rows"
kind = "rows"
expect = { trailer = "Total_Rows" }
[[exports.checks]]
name = "amount"
kind = "sum"
column = "amount"
expect = { trailer = "Total_Amount" }
[[exports.checks]]
name = "units"
kind = "sum"
column = "units"
level = "display"
expect = { trailer = "Total_Units" }
"#;

#[test]
fn a_report_says_what_it_comes_to() {
    let header = "Start Date\tQuantity\tExtended Partner Share\tPartner Share Currency\tTitle\n";
    let rows = "08/31/2014\t1\t2.10\tCHF\tA \"Film\"\n08/31/2014\t-1\t-0.6\tCHF\tOther\n";
    let trailers = "Total_Rows\t2\nTotal_Amount\t1.5\nTotal_Units\t2\n";
    check(
        APPLE,
        "1_0914_CH.txt",
        format!("{header}{rows}{trailers}"),
        &expect![[r#"
            row day=2014-08-31 title="A \"Film\"" units=1 amount=2.100000 currency="CHF" _line=2
            row day=2014-08-31 title="Other" units=-1 amount=-0.600000 currency="CHF" _line=3
            2 records: 2 published in 2 rows, 0 quarantined, excluded {}
            total amount CHF 1500000
            ok check `rows`: 2 as expected
            ok check `amount`: 1.5 as expected
            -- check `units`: expected 2 (trailer `Total_Units` on line 6), found 0: a difference of -2
        "#]],
    );
    check(
        APPLE,
        "1_0914_CH.txt",
        format!("{header}{rows}{}", trailers.replace("1.5", "1.49").replace("\t2\nTotal_A", "\t3\nTotal_A")),
        &expect![[r#"
            row day=2014-08-31 title="A \"Film\"" units=1 amount=2.100000 currency="CHF" _line=2
            row day=2014-08-31 title="Other" units=-1 amount=-0.600000 currency="CHF" _line=3
            2 records: 2 published in 2 rows, 0 quarantined, excluded {}
            total amount CHF 1500000
            NO check `rows`: expected 3 (trailer `Total_Rows` on line 4), found 2: a difference of -1
            NO check `amount`: expected 1.49 (trailer `Total_Amount` on line 5), found 1.5: a difference of 0.01
            -- check `units`: expected 2 (trailer `Total_Units` on line 6), found 0: a difference of -2
            STOPPED check `rows`: expected 3 (trailer `Total_Rows` on line 4), found 2: a difference of -1; check `amount`: expected 1.49 (trailer `Total_Amount` on line 5), found 1.5: a difference of 0.01
        "#]],
    );
    check(
        APPLE,
        "1_0914_CH.txt",
        format!("{header}{rows}Total_Rows\t2\n"),
        &expect![[r#"
        row day=2014-08-31 title="A \"Film\"" units=1 amount=2.100000 currency="CHF" _line=2
        row day=2014-08-31 title="Other" units=-1 amount=-0.600000 currency="CHF" _line=3
        stopped (data): 1_0914_CH.txt: the trailer `Total_Amount` is missing behind line 4: the file was cut off; ask for the file again; a trailer that not all files have is `optional = true`
    "#]],
    );
}

const STUDIO: &str = r#"
path = '(?<period>\d+)\.zip$'
[exports.unpack]
members = ['^Table data\.csv$']
ignore = ['^Totals\.csv$', '^Chart']
[[exports.exclude]]
name = "totals"
column = "Content"
equals = ["Total"]
[exports.headers]
title = ["Content"]
units = ["Views"]
amount = ["Revenue (USD)"]
[exports.columns.currency]
constant = "USD"
[[exports.checks]]
name = "views"
kind = "sum"
column = "units"
level = "advisory"
expect = { part = "Totals.csv", column = "Views", row = 1 }
[[exports.checks]]
name = "one"
kind = "single"
column = "currency"
[[exports.checks]]
name = "twice"
kind = "unique"
columns = ["title"]
"#;

#[test]
fn another_part_says_what_a_part_comes_to() {
    let table = b"Content,Views,Revenue (USD)\nTotal,30,1.5\nA,10,0.5\nB,19,1\nA,0,0\n";
    let file = zip(&[("Table data.csv", table), ("Totals.csv", b"Date,Views\n2026-01-01,30\n"), ("Chart data.csv", b"x\n")]);
    check(
        STUDIO,
        "202601.zip",
        file,
        &expect![[r#"
            row title="A" units=10 amount=0.500000 currency="USD" _line=3 _part="Table data.csv"
            row title="B" units=19 amount=1.000000 currency="USD" _line=4 _part="Table data.csv"
            row title="A" units=0 amount=0.000000 currency="USD" _line=5 _part="Table data.csv"
            4 records: 3 published in 3 rows, 0 quarantined, excluded {"totals": 1}
            total amount USD 1500000
            ignored Totals.csv
            ignored Chart data.csv
            NO check `views`: expected 30 ("Views" of row 1 in Totals.csv), found 29: a difference of -1
            ok check `one`: holds
            NO check `twice`: line 5 repeats title "A"
            warning 202601.zip: check `views`: expected 30 ("Views" of row 1 in Totals.csv), found 29: a difference of -1
            STOPPED check `twice`: line 5 repeats title "A"
        "#]],
    );
}

const SHEETS: &str = r#"
path = '(?<period>\d+)'
required = ["amount"]
unknown_columns = "warn"
nulls = ["", "N/A"]
[exports.unpivot]
headers = '^Royalty \((?<code>[A-Z]{3})\)$'
value = "royalty"
name = "metric"
[exports.columns.amount]
from = "royalty"
[exports.columns.currency]
from = "code"
[[exports.checks]]
name = "sums"
kind = "sum"
column = "amount"
by = ["currency"]
expect = { trailer = "sum" }
[[exports.frame.trailer]]
name = "sum"
line = '^Sum (?<currency>[A-Z]{3}): (?<value>.*)$'
optional = true
"#;

#[test]
fn amounts_in_several_currencies() {
    let file = "title,Royalty (USD),Royalty (EUR)\nA,1,2\nB,N/A,3\nC,,\nD,x,5\n";
    check(
        SHEETS,
        "2026.csv",
        format!("{file}Sum USD: 1\nSum EUR: 5.00\nSum GBP: 0\n"),
        &expect![[r#"
        reject 5 decimal: amount: "x" is not a decimal number
        row title="A" amount=1.000000 currency="USD" _line=2
        row title="A" amount=2.000000 currency="EUR" _line=2
        row title="B" amount=3.000000 currency="EUR" _line=3
        4 records: 2 published in 3 rows, 1 quarantined, excluded {"unpivot": 1}
        total amount EUR 5000000
        total amount USD 1000000
        ok check `sums` (EUR): 5 as expected
        ok check `sums` (GBP): 0 as expected
        ok check `sums` (USD): 1 as expected
    "#]],
    );
    check(
        SHEETS,
        "2026.csv",
        format!("{file}Sum EUR: 5\n"),
        &expect![[r#"
        reject 5 decimal: amount: "x" is not a decimal number
        row title="A" amount=1.000000 currency="USD" _line=2
        row title="A" amount=2.000000 currency="EUR" _line=2
        row title="B" amount=3.000000 currency="EUR" _line=3
        4 records: 2 published in 3 rows, 1 quarantined, excluded {"unpivot": 1}
        total amount EUR 5000000
        total amount USD 1000000
        ok check `sums` (EUR): 5 as expected
        NO check `sums` (USD): found 1, and the file says nothing of it
        STOPPED check `sums` (USD): found 1, and the file says nothing of it
    "#]],
    );
    check(
        SHEETS,
        "2026.csv",
        file,
        &expect![[r#"
        reject 5 decimal: amount: "x" is not a decimal number
        row title="A" amount=1.000000 currency="USD" _line=2
        row title="A" amount=2.000000 currency="EUR" _line=2
        row title="B" amount=3.000000 currency="EUR" _line=3
        4 records: 2 published in 3 rows, 1 quarantined, excluded {"unpivot": 1}
        total amount EUR 5000000
        total amount USD 1000000
        -- check `sums`: the file doesn't say what it should be
    "#]],
    );
}

#[test]
fn the_same_money_twice() {
    let export = "path = 'x'\nunknown_columns = \"warn\"\n[exports.unpack]\nmembers = ['.']\n[[exports.checks]]\nname = \"repeats\"\nkind = \"no_repeat\"\ncolumn = \"units\"\n";
    let all = b"units\n1\n2\n3\n";
    check(
        export,
        "x.zip",
        zip(&[("a.csv", b"units\n1\n"), ("b.csv", b"units\n2\n3\n"), ("all.csv", all)]),
        &expect![[r#"
        row units=1 _line=2 _part="a.csv"
        row units=2 _line=2 _part="b.csv"
        row units=3 _line=3 _part="b.csv"
        row units=1 _line=2 _part="all.csv"
        row units=2 _line=3 _part="all.csv"
        row units=3 _line=4 _part="all.csv"
        6 records: 6 published in 6 rows, 0 quarantined, excluded {}
        NO check `repeats`: all.csv has 6, which is what all other parts have together
        STOPPED check `repeats`: all.csv has 6, which is what all other parts have together
    "#]],
    );
    check(
        export,
        "x.zip",
        zip(&[("a.csv", b"units\n1\n"), ("b.csv", b"units\n2\n")]),
        &expect![[r#"
            row units=1 _line=2 _part="a.csv"
            row units=2 _line=2 _part="b.csv"
            2 records: 2 published in 2 rows, 0 quarantined, excluded {}
            ok check `repeats`: holds
        "#]],
    );
}

#[test]
fn a_check_that_looks_at_nothing_is_refused() {
    let check_of = |kind: &str| format!("path = 'x'\n[[exports.checks]]\nname = \"c\"\n{kind}\n");
    check(
        &check_of("kind = \"sum\"\ncolumn = \"amuont\"\nexpect = { constant = \"1\" }"),
        "x",
        "",
        &expect![[r#"
        refused: export `sale`, check `c`: `amuont` is not a column of sale (nearest: `amount`)
    "#]],
    );
    check(
        &check_of("kind = \"sum\"\ncolumn = \"title\"\nexpect = { constant = \"1\" }"),
        "x",
        "",
        &expect![[r#"
        refused: export `sale`, check `c`: title is text, and only numbers have a sum
    "#]],
    );
    check(
        &check_of("kind = \"unique\"\ncolumns = [\"titel\"]"),
        "x",
        "",
        &expect![[r#"
        refused: export `sale`, check `c`: `titel` is not a column of sale (nearest: `title`)
    "#]],
    );
}

#[test]
fn a_constant_is_compared_with_the_whole_file() {
    let export = "path = 'x'\n[exports.unpack]\nmembers = ['.']\n[[exports.checks]]\nname = \"c\"\nkind = \"sum\"\ncolumn = \"units\"\nexpect = { constant = \"7\" }\ntolerance = \"1\"\n";
    check(
        export,
        "x.zip",
        zip(&[("a.csv", b"units\n1\n"), ("b.csv", b"units\n5\n")]),
        &expect![[r#"
            row units=1 _line=2 _part="a.csv"
            row units=5 _line=2 _part="b.csv"
            2 records: 2 published in 2 rows, 0 quarantined, excluded {}
            ok check `c`: 6, and 7 is expected: near enough
        "#]],
    );
    check(
        export,
        "x.zip",
        zip(&[("a.csv", b"units\n1\n"), ("b.csv", b"units\n8\n")]),
        &expect![[r#"
        row units=1 _line=2 _part="a.csv"
        row units=8 _line=2 _part="b.csv"
        2 records: 2 published in 2 rows, 0 quarantined, excluded {}
        NO check `c`: expected 7, found 9: a difference of 2
        STOPPED check `c`: expected 7, found 9: a difference of 2
    "#]],
    );
}

/// An error of the caller's own.
#[derive(Debug)]
struct Own(String);

impl From<Error> for Own {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

/// Ends the reading at the third reject.
struct Ends(usize);

impl Sink for Ends {
    type Error = Own;

    fn rows(&mut self, _: &Layout, _: &PartFacts, typed: Typed) -> Result<Taken, Own> {
        Ok(Taken::all(typed))
    }

    fn reject(&mut self, _: Reject) -> Result<(), Own> {
        self.0 += 1;
        if self.0 == 3 { Err(Own("three are enough".into())) } else { Ok(()) }
    }
}

const FLAT: &str = r#"
path = '\.tsv$'
unknown_columns = "warn"
[exports.text]
delimiter = "\t"
quote = ""
escape = "\\"
comment = '#'
[exports.frame]
header = ["type", "block", "units", "amount", "currency"]
[exports.frame.records]
types = ["SU04.01"]
ignore = ["HEAD", "AS03.01", "FOOT"]
[[exports.checks]]
name = "lines"
kind = "lines"
expect = { record = "FOOT", field = 2 }
"#;

#[test]
fn lines_of_a_file_are_counted_with_its_comments() {
    let file = "#HEAD\tversion\nHEAD\tx\nAS03.01\tB1\tA\\|B\n# sales\nSU04.01\tB1\t5\t1.25\tEUR\nFOOT\t6\n";
    check(
        FLAT,
        "d.tsv",
        file,
        &expect![[r#"
            row units=5 amount=1.250000 currency="EUR" _line=5
            4 records: 1 published in 1 rows, 0 quarantined, excluded {"type AS03.01": 1, "type FOOT": 1, "type HEAD": 1}
            total amount EUR 1250000
            ok check `lines`: 6 as expected
        "#]],
    );
    check(
        FLAT,
        "d.tsv",
        file.replace("FOOT\t6", "FOOT\t7"),
        &expect![[r#"
            row units=5 amount=1.250000 currency="EUR" _line=5
            4 records: 1 published in 1 rows, 0 quarantined, excluded {"type AS03.01": 1, "type FOOT": 1, "type HEAD": 1}
            total amount EUR 1250000
            NO check `lines`: expected 7 (field 2 of record FOOT), found 6: a difference of -1
            STOPPED check `lines`: expected 7 (field 2 of record FOOT), found 6: a difference of -1
        "#]],
    );
}

struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(io::ErrorKind::ConnectionReset, "the line broke"))
    }
}

#[test]
fn a_sink_ends_the_reading_and_a_broken_line_is_no_fault_of_the_file() {
    let reader = reader("path = 'x'\n[exports.text]\nragged = \"refuse\"\n", "sale").unwrap();
    let file = format!("title,units\n{}", "x\n".repeat(10));
    let mut sink = Ends(0);
    let open = || Ok(Box::new(Cursor::new(file.as_bytes())) as Box<dyn Read>);
    assert_eq!(reader.read(&identity("x.csv"), &open, &mut sink).unwrap_err().0, "three are enough");
    assert_eq!(sink.0, 3);
    let broken = || Ok(Box::new(Cursor::new(b"title,").chain(Failing)) as Box<dyn Read>);
    let error = reader.read(&identity("x.csv"), &broken, &mut Shown::default()).unwrap_err();
    assert!(error.is_retryable() && !error.is_data(), "{error}");
    assert_eq!(error.to_string(), "x.csv can't be read: the line broke; run again when its place can be reached");
}

#[test]
fn records_of_a_stopped_file_are_there_as_text() {
    let reader = reader(APPLE, "sale").unwrap();
    let file = "Start Date\tQuantity\tExtended Partner Share\tPartner Share Currency\tTitle\n08/31/2014\t1\t2.10\tCHF\tA\nbad\nTotal_Rows\t9\nTotal_Amount\t2\nTotal_Units\t1\n";
    let open = || Ok(Box::new(Cursor::new(file.as_bytes())) as Box<dyn Read>);
    let mut found = Vec::new();
    reader
        .records(&identity("1_0914_CH.txt"), &open, &mut |record: RawRecord| {
            found.push((record.line, record.raw));
            Ok::<_, Error>(())
        })
        .unwrap();
    found.sort();
    assert_eq!(found, [(2, "08/31/2014\t1\t2.10\tCHF\tA".to_owned()), (3, "bad".to_owned())]);
}
