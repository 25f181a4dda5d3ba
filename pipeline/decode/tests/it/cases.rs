//! Records, good and bad.

use std::sync::Arc;

use expect_test::{Expect, expect};
use takings_decode::{Chunk, Decoder, FileIdentity, RAW_LIMIT, RECORD_LIMIT};

use crate::feed::{CHANNEL, HEADER, TABLE, decode_file, layout, show};

/// The records of a file with the feed's own header.
fn check(records: impl AsRef<[u8]>, expected: Expect) {
    expected.assert_eq(&show(CHANNEL, TABLE, &[HEADER.as_bytes(), records.as_ref()].concat()));
}

#[test]
fn a_row_has_every_type_and_knows_where_it_stands() {
    check(
        "007,\"1,234.5000\",USD,-3,true,2026-03-15,2026-03-14T23:59:59.5Z,2026-03-16 01:00:00.0,DE\n",
        expect![[r#"
        row id="007" amount=1234.5000 currency="USD" quantity=-3 trial=true day=2026-03-15 sold_at=2026-03-14T23:59:59.500Z updated_at=2026-03-16T01:00:00Z country="DE" _instance="main" _file_id="f1" _line=2 _known_at=2026-03-16T01:00:00Z period_month=2026-03-01
        total amount USD 12345000
    "#]],
    );
}

#[test]
fn an_amount_is_in_a_currency_of_three_letters() {
    // What is nothing may be in any, and is none of the amounts beside it.
    check(
        "a,1,USD,,,,2026-03-15,,\nb,0,?,,,,2026-03-15,,\nc,2,USD,,,,2026-03-15,,\nd,3,US,,,,2026-03-15,,\ne,4,$,,,,2026-03-15,,\n",
        expect![[r#"
        row id="a" amount=1.0000 currency="USD" sold_at=2026-03-15T00:00:00Z _instance="main" _file_id="f1" _line=2 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        row id="b" amount=0.0000 currency="?" sold_at=2026-03-15T00:00:00Z _instance="main" _file_id="f1" _line=3 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        row id="c" amount=2.0000 currency="USD" sold_at=2026-03-15T00:00:00Z _instance="main" _file_id="f1" _line=4 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        reject line 5 amount currency "3": amount: "3" is an amount in "US", which is no currency of three letters: where the export writes others, `map` gives their codes
          of "d,3,US,,,,2026-03-15,,"
        reject line 6 amount currency "4": amount: "4" is an amount in "$", which is no currency of three letters: where the export writes others, `map` gives their codes
          of "e,4,$,,,,2026-03-15,,"
        total amount ? 0
        total amount USD 30000
    "#]],
    );
}

#[test]
fn nulls_quoted_or_not() {
    check(
        "a,,,null,\"\",,2026-03-15,\"null\",\nb,null,NULL,,,1-JAN-2027,,2026-01-01,\" \"\n",
        expect![[r#"
        row id="a" sold_at=2026-03-15T00:00:00Z _instance="main" _file_id="f1" _line=2 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        row id="b" currency="NULL" day=2027-01-01 updated_at=2026-01-01T00:00:00Z country=" " _instance="main" _file_id="f1" _line=3 _known_at=2026-01-01T00:00:00Z period_month=2027-01-01
    "#]],
    );
}

#[test]
fn quotes_newlines_and_line_numbers() {
    check(
        "\r\n\"a\"\"b\",1,USD,,,,2026-03-15,,\"x,\r\ny\"\r\n\n\n\"\"\"\",2,USD,,,,2026-03-15,,=1+1\nlast,-0.5,EUR,,,,2026-03-15,, é ",
        expect![[r#"
        row id="a\"b" amount=1.0000 currency="USD" sold_at=2026-03-15T00:00:00Z country="x,\r\ny" _instance="main" _file_id="f1" _line=3 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        row id="\"" amount=2.0000 currency="USD" sold_at=2026-03-15T00:00:00Z country="=1+1" _instance="main" _file_id="f1" _line=7 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        row id="last" amount=-0.5000 currency="EUR" sold_at=2026-03-15T00:00:00Z country=" é " _instance="main" _file_id="f1" _line=8 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        total amount EUR -5000
        total amount USD 30000
    "#]],
    );
}

#[test]
fn a_record_of_another_shape_is_rejected() {
    check(
        "a,1\n5\" disk,1,USD,,,,2026-03-15,,\nb\",1,USD,,,,2026-03-15,,\nc,1,USD,,,,2026-03-15,,\nd,1,\"USD",
        expect![[r#"
        row id="c" amount=1.0000 currency="USD" sold_at=2026-03-15T00:00:00Z _instance="main" _file_id="f1" _line=5 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        reject line 2 - ragged "": the record has 2 cells, the header has 9
          of "a,1"
        reject line 3 - quoting "": cell 1 has a quote where none may stand: a quoted cell starts and ends with ", quotes inside are doubled
          of "5\" disk,1,USD,,,,2026-03-15,,\nb\",1,USD,,,,2026-03-15,,"
        reject line 6 - unclosed_quote "": a quote is opened and the file ends without the one that closes it
          of "d,1,\"USD"
        total amount USD 10000
    "#]],
    );
}

#[test]
fn a_cell_that_is_not_exact_is_rejected() {
    check(
        "\
a,1.23456,USD,,,,2026-03-15,,
b,1e3,USD,,,,2026-03-15,,
c,$5,USD,,,,2026-03-15,,
d,123456789.00,USD,,,,2026-03-15,,
e,5000000.0001,USD,,,,2026-03-15,,
f,-5000000.00000,USD,,,,2026-03-15,,
g,\"12,34\",USD,,,,2026-03-15,,
h,1,USD,1.0,,,2026-03-15,,
i,1,USD,99999999999999999999,,,2026-03-15,,
j,1,USD,,maybe,,2026-03-15,,
k,1,USD,,,2026-03-15T00:00:01Z,2026-03-15,,
l,1,USD,,,2026-03-15T00:00:00Z,2026-03-15,,
m,1,USD,,,,15.3.2026,,
n,1,USD,,,,2026-02-30,,
o,1,USD,,,,2026-03-15T00:00:00.0000001Z,,
",
        expect![[r#"
            row id="f" amount=-5000000.0000 currency="USD" sold_at=2026-03-15T00:00:00Z _instance="main" _file_id="f1" _line=7 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
            row id="l" amount=1.0000 currency="USD" day=2026-03-15 sold_at=2026-03-15T00:00:00Z _instance="main" _file_id="f1" _line=13 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
            reject line 2 amount digits "1.23456": amount: "1.23456" has more than 4 decimals
              of "a,1.23456,USD,,,,2026-03-15,,"
            reject line 3 amount decimal "1e3": amount: "1e3" is not a decimal number
              of "b,1e3,USD,,,,2026-03-15,,"
            reject line 4 amount decimal "$5": amount: "$5" is not a decimal number
              of "c,$5,USD,,,,2026-03-15,,"
            reject line 5 amount size "123456789.00": amount: "123456789.00" is larger than decimal(12,4) holds
              of "d,123456789.00,USD,,,,2026-03-15,,"
            reject line 6 amount bound "5000000.0001": amount: "5000000.0001" is beyond the bound that the contract sets
              of "e,5000000.0001,USD,,,,2026-03-15,,"
            reject line 8 amount decimal "\"12,34\"": amount: "\"12,34\"" is not a decimal number
              of "g,\"12,34\",USD,,,,2026-03-15,,"
            reject line 9 quantity integer "1.0": quantity: "1.0" is not a whole number
              of "h,1,USD,1.0,,,2026-03-15,,"
            reject line 10 quantity size "99999999999999999999": quantity: "99999999999999999999" is larger than 64 bits hold
              of "i,1,USD,99999999999999999999,,,2026-03-15,,"
            reject line 11 trial boolean "maybe": trial: "maybe" is neither true nor false
              of "j,1,USD,,maybe,,2026-03-15,,"
            reject line 12 day date "2026-03-15T00:00:01Z": day: "2026-03-15T00:00:01Z" has a time of day (UTC), and the column holds days
              of "k,1,USD,,,2026-03-15T00:00:01Z,2026-03-15,,"
            reject line 14 sold_at timestamp "15.3.2026": sold_at: "15.3.2026" is in none of the export's date-time formats
              of "m,1,USD,,,,15.3.2026,,"
            reject line 15 sold_at timestamp "2026-02-30": sold_at: "2026-02-30" is in none of the export's date-time formats
              of "n,1,USD,,,,2026-02-30,,"
            reject line 16 sold_at digits "2026-03-15T00:00:00.0000001Z": sold_at: "2026-03-15T00:00:00.0000001Z" is finer than a microsecond
              of "o,1,USD,,,,2026-03-15T00:00:00.0000001Z,,"
            total amount USD -49999990000
        "#]],
    );
}

#[test]
fn an_amount_that_is_not_zero_needs_its_currency() {
    check(
        "a,0,,,,,2026-03-15,,\nb,1,null,,,,2026-03-15,,\nc,,,,,,2026-03-15,,\nd,1,EUR,,,,2026-03-15,,\ne,2.5,USD,,,,2026-03-15,,\nf,1,EUR,,,,2026-03-15,,\n",
        expect![[r#"
        row id="a" amount=0.0000 sold_at=2026-03-15T00:00:00Z _instance="main" _file_id="f1" _line=2 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        row id="c" sold_at=2026-03-15T00:00:00Z _instance="main" _file_id="f1" _line=4 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        row id="d" amount=1.0000 currency="EUR" sold_at=2026-03-15T00:00:00Z _instance="main" _file_id="f1" _line=5 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        row id="e" amount=2.5000 currency="USD" sold_at=2026-03-15T00:00:00Z _instance="main" _file_id="f1" _line=6 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        row id="f" amount=1.0000 currency="EUR" sold_at=2026-03-15T00:00:00Z _instance="main" _file_id="f1" _line=7 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        reject line 3 amount currency "1": amount: "1" is an amount without a currency: currency is empty
          of "b,1,null,,,,2026-03-15,,"
        total amount EUR 20000
        total amount USD 25000
    "#]],
    );
}

#[test]
fn a_row_needs_its_dates() {
    check(
        "a,,,,,,,2026-03-15,\nb,,,,,2026-03-31,,,\nc,,,,,2026-02-28,9999-12-31T12:00:00Z,,\nd,,,,,1-feb-2024,2026-12-31,,\n",
        expect![[r#"
        row id="d" day=2024-02-01 sold_at=2026-12-31T00:00:00Z _instance="main" _file_id="f1" _line=5 _known_at=2027-01-01T00:00:00Z period_month=2024-02-01
        reject line 2 - partition "": no column of the partition has a value
          of "a,,,,,,,2026-03-15,"
        reject line 3 - known_at "": no column of known_at has a value (within the years 1 to 9999)
          of "b,,,,,2026-03-31,,,"
        reject line 4 - known_at "": no column of known_at has a value (within the years 1 to 9999)
          of "c,,,,,2026-02-28,9999-12-31T12:00:00Z,,"
    "#]],
    );
}

#[test]
fn one_record_has_one_reject_with_all_its_problems() {
    check(
        ",x,USD,y,z,,never,,\nb,1,USD,,,,2026-03-15,,\n",
        expect![[r#"
        row id="b" amount=1.0000 currency="USD" sold_at=2026-03-15T00:00:00Z _instance="main" _file_id="f1" _line=3 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        reject line 2 id null "": id: "" is no value, and the column must have one; amount: "x" is not a decimal number; quantity: "y" is not a whole number; trial: "z" is neither true nor false; sold_at: "never" is in none of the export's date-time formats
          of ",x,USD,y,z,,never,,"
        total amount USD 10000
    "#]],
    );
}

#[test]
fn bytes_that_are_no_text_are_rejected_where_they_stand() {
    check(
        b"a\xff,1,USD,,,,2026-03-15,,\nb,1,USD,,,,2026-03-15,,N\0L\nc,1\0,USD,,,,2026-03-15,,\nd,1,USD,,,,2026-03-15,,\xc3\xa9\n",
        expect![[r#"
        row id="d" amount=1.0000 currency="USD" sold_at=2026-03-15T00:00:00Z country="é" _instance="main" _file_id="f1" _line=5 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        reject line 2 id utf8 "a�": id: "a�" is not UTF-8 text
          of "a�,1,USD,,,,2026-03-15,,"
        reject line 3 country nul "N\0L": country: "N\0L" holds a NUL byte
          of "b,1,USD,,,,2026-03-15,,N\0L"
        reject line 4 amount nul "1\0": amount: "1\0" holds a NUL byte
          of "c,1\0,USD,,,,2026-03-15,,"
        total amount USD 10000
    "#]],
    );
}

#[test]
fn a_raw_text_is_capped() {
    let long = format!("{HEADER}{},x,USD,,,,2026-03-15,,\n", "é".repeat(40_000));
    let layout = Arc::new(layout(CHANNEL, TABLE).unwrap());
    let output = decode_file(&layout, long.as_bytes(), 1 << 20).unwrap();
    assert_eq!((output.rejects.len(), output.rejects[0].raw.len()), (1, RAW_LIMIT));
}

#[test]
fn a_record_without_end_is_passed_by() {
    let lines = RECORD_LIMIT / 1000;
    let file = format!("{HEADER}a,1,USD,,,,2026-03-15,,\n\"{}\",\nb,1,USD,,,,2026-03-15,,\n", format!("{}\n", "x".repeat(1000)).repeat(lines));
    let layout = Arc::new(layout(CHANNEL, TABLE).unwrap());
    let output = decode_file(&layout, file.as_bytes(), 1 << 20).unwrap();
    assert_eq!((output.records, &output.lines[..]), (3, &[2, 4 + lines as i64][..]));
    let reject = &output.rejects[0];
    assert_eq!((reject.line, reject.rule, reject.raw.len()), (3, "too_long", RAW_LIMIT));
}

#[test]
fn a_decoder_is_shared_by_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let file = FileIdentity { instance: "main".into(), file_id: "f1".into(), path: "sales.csv".into() };
    let layout = Arc::new(layout(CHANNEL, TABLE).unwrap());
    let decoder = Decoder::new(layout, file, HEADER.as_bytes()).unwrap();
    shared(&decoder);
    let decode = |line: u64| decoder.decode(&Chunk::new("a,1,USD,,,,2026-03-15,,\n".repeat(100), line)).unwrap().totals[0].sum;
    let sums: Vec<i128> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| decode(2))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(sums, [1_000_000; 4]);
}

#[test]
fn a_table_without_partition_and_always_known() {
    let table =
        TABLE.replace("partition =", "# partition =").replace("known_at = [\"updated_at\", { column = \"sold_at\", plus_days = 1 }]", "known_at = \"always\"");
    expect![[r#"
        row id="a" _instance="main" _file_id="f1" _line=2 _known_at=0001-01-01T00:00:00Z
    "#]]
    .assert_eq(&show(CHANNEL, &table, b"id,amount\na,\n"));
}

#[test]
fn an_empty_month_has_no_rows() {
    check("", expect![""]);
    check("\r\n\n", expect![""]);
}
