//! Batches → report file, data sets and the account of what was written.

use std::fmt::Write;
use std::io;
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch};
use expect_test::{Expect, expect};
use takings_definitions::Report;

use super::{batch, day, report, texts, write};
use crate::{Error, Fingerprint, ReportWriter};

const FEES: &str = "{ header = \"Id\" }, { header = \"Amount\", digits = 2 }, { header = \"Currency\" }";

fn check(report: &Report, sections: &[Vec<RecordBatch>], expected: Expect) {
    let made = write(report, false, sections).unwrap();
    assert_eq!(made.written.file, Fingerprint::of(made.file.as_bytes()));
    let mut text = made.file.clone();
    for (section, data_set) in made.written.sections.iter().zip(&made.data_sets) {
        assert_eq!(section.file.clone(), (!data_set.is_empty()).then(|| Fingerprint::of(data_set.as_bytes())));
        write!(text, "--- {} rows {}", section.data_set, section.rows).unwrap();
        for total in &section.totals {
            write!(text, ", {} {} {}", total.column, total.currency.as_deref().unwrap_or("-"), total.sum).unwrap();
        }
        write!(text, "\n{data_set}").unwrap();
    }
    expected.assert_eq(&text);
}

fn fees(rows: &[(&str, Option<i128>, Option<&str>)]) -> RecordBatch {
    let amounts = Decimal128Array::from(rows.iter().map(|row| row.1).collect::<Vec<_>>()).with_precision_and_scale(38, 10).unwrap();
    let ids = texts(&rows.iter().map(|row| Some(row.0)).collect::<Vec<_>>());
    batch(vec![
        ("currency", texts(&rows.iter().map(|row| row.2).collect::<Vec<_>>())),
        ("amount", Arc::new(amounts)),
        ("id", ids),
        ("not_printed", {
            let lines: ArrayRef = Arc::new(Int64Array::from(vec![1; rows.len()]));
            lines
        }),
    ])
}

const CENT: i128 = 100_000_000;

#[test]
fn sections_have_titles_headers_and_an_empty_line_between() {
    let report = report(&[("one", "Fees", FEES), ("two", "Refunds", FEES), ("three", "Credits", FEES)]);
    check(
        &report,
        &[
            vec![fees(&[("a", Some(150 * CENT), Some("USD"))]), fees(&[("b", Some(-CENT), Some("JPY")), ("c", None, Some("USD"))])],
            vec![fees(&[])],
            vec![fees(&[("d", Some(0), None), ("e", Some(CENT), Some("EUR"))])],
        ],
        expect![[r#"
            Fees
            Id,Amount,Currency
            a,1.50,USD
            b,-0.01,JPY
            c,,USD

            Refunds
            Id,Amount,Currency

            Credits
            Id,Amount,Currency
            d,0.00,
            e,0.01,EUR
            --- fees_one rows 3, Amount JPY -0.01, Amount USD 1.50
            Id,Amount,Currency
            a,1.50,USD
            b,-0.01,JPY
            c,,USD
            --- fees_two rows 0
            --- fees_three rows 2, Amount - 0.00, Amount EUR 0.01
            Id,Amount,Currency
            d,0.00,
            e,0.01,EUR
        "#]],
    );
}

#[test]
fn a_report_of_one_section_has_no_title() {
    check(
        &report(&[("one", "Fees", FEES)]),
        &[vec![fees(&[("a", Some(CENT), Some("USD"))])]],
        expect![[r#"
        Id,Amount,Currency
        a,0.01,USD
        --- fees_one rows 1, Amount USD 0.01
        Id,Amount,Currency
        a,0.01,USD
    "#]],
    );
}

#[test]
fn a_report_without_rows_says_so_and_has_no_data_set() {
    let report = report(&[("one", "Fees", FEES), ("two", "Refunds", FEES)]);
    check(
        &report,
        &[vec![fees(&[])], vec![fees(&[])]],
        expect![[r#"
        Fees
        Id,Amount,Currency

        Refunds
        Id,Amount,Currency
        --- fees_one rows 0
        --- fees_two rows 0
    "#]],
    );
    assert!(write(&report, false, &[vec![fees(&[])], vec![fees(&[])]]).unwrap().written.is_empty());
    assert!(!write(&report, false, &[vec![fees(&[])], vec![fees(&[("a", None, None)])]]).unwrap().written.is_empty());
}

#[test]
fn titles_headers_and_cells_are_quoted_where_they_need_it() {
    let columns = "{ header = \"Uncollected (< 31 days, pending)\", column = \"x\" }, { header = \"Say \\\"hi\\\"\", column = \"y\" }";
    let report = report(&[("one", "Fees, refunds", columns), ("two", "A \"title\"\nof two lines", columns)]);
    let rows =
        batch(vec![("x", texts(&[Some("a,b"), Some("line\nbreak"), Some(" space "), None])), ("y", texts(&[Some("\"q\""), Some("ünï"), Some("#"), None]))]);
    check(
        &report,
        &[vec![rows.clone()], vec![rows.slice(0, 1)]],
        expect![[r#"
        "Fees, refunds"
        "Uncollected (< 31 days, pending)","Say ""hi"""
        "a,b","""q"""
        "line
        break",ünï
         space ,#
        ,

        "A ""title""
        of two lines"
        "Uncollected (< 31 days, pending)","Say ""hi"""
        "a,b","""q"""
        --- fees_one rows 4
        "Uncollected (< 31 days, pending)","Say ""hi"""
        "a,b","""q"""
        "line
        break",ünï
         space ,#
        ,
        --- fees_two rows 1
        "Uncollected (< 31 days, pending)","Say ""hi"""
        "a,b","""q"""
    "#]],
    );
}

#[test]
fn a_row_of_one_empty_cell_is_not_an_empty_line() {
    let report = report(&[("one", "One", "{ header = \"X\" }"), ("two", "Two", "{ header = \"X\" }")]);
    let rows = batch(vec![("x", texts(&[None, Some(""), Some("a")]))]);
    check(
        &report,
        &[vec![rows.clone()], vec![rows.slice(0, 1)]],
        expect![[r#"
        One
        X
        ""
        ""
        a

        Two
        X
        ""
        --- fees_one rows 3
        X
        ""
        ""
        a
        --- fees_two rows 1
        X
        ""
    "#]],
    );
}

#[test]
fn amounts_of_two_currencies_never_add() {
    let columns = "{ header = \"Amount\", digits = \"feed\" }, { header = \"Base Currency Code\" }, { header = \"Invoice Currency\" }";
    let amounts: ArrayRef = Arc::new(Decimal128Array::from(vec![15, 25, 1]).with_precision_and_scale(28, 1).unwrap());
    let rows = batch(vec![
        ("amount", amounts),
        ("base_currency_code", texts(&[Some("USD"), Some("USD"), Some("USD")])),
        ("invoice_currency", texts(&[Some("USD"), Some("EUR"), Some("USD")])),
    ]);
    check(
        &report(&[("one", "One", columns)]),
        &[vec![rows]],
        expect![[r#"
        Amount,Base Currency Code,Invoice Currency
        1.5,USD,USD
        2.5,USD,EUR
        0.1,USD,USD
        --- fees_one rows 3, Amount USD/EUR 2.5, Amount USD/USD 1.6
        Amount,Base Currency Code,Invoice Currency
        1.5,USD,USD
        2.5,USD,EUR
        0.1,USD,USD
    "#]],
    );
}

#[test]
fn the_batches_sizes_do_not_show() {
    let report = report(&[("one", "One", FEES)]);
    let rows: Vec<_> = (0..20_000).map(|row| ("a", Some(row * CENT), Some("USD"))).collect();
    let whole = write(&report, false, &[vec![fees(&rows)]]).unwrap();
    let pieces = write(&report, false, &[vec![fees(&rows[..1]), fees(&[]), fees(&rows[1..8_193]), fees(&rows[8_193..])]]).unwrap();
    assert_eq!((whole.file == pieces.file, whole.data_sets == pieces.data_sets, &whole.written), (true, true, &pieces.written));
    assert_eq!((whole.written.sections[0].rows, whole.written.sections[0].totals[0].sum.as_str()), (20_000, "1999900.00"));
}

#[test]
fn an_error_names_the_row_in_its_section() {
    let report = report(&[("one", "One", FEES)]);
    let good: Vec<_> = (0..9_000).map(|_| ("a", Some(CENT), Some("USD"))).collect();
    let error = write(&report, false, &[vec![fees(&good), fees(&[("b", Some(CENT), None), ("c", Some(CENT / 2), None)])]]).err().unwrap();
    expect![[r#"report fees, section one, column "Amount", row 9002: 0.005 has more than 2 digits after the point; round it in sql/reports/fees/one.sql"#]]
        .assert_eq(&error.to_string());
}

#[test]
fn what_gathers_in_the_sinks_can_be_carried_on_between_batches() {
    let report = report(&[("one", "One", FEES)]);
    let (mut file, mut data_set, mut carried) = (Vec::new(), Vec::new(), (Vec::new(), Vec::new()));
    let mut writer = ReportWriter::new(&report, false, &mut file);
    let mut rows = writer.section("one", day("2026-03-14"), fees(&[]).schema(), &mut data_set).unwrap();
    for id in ["a", "b"] {
        rows.write(&fees(&[(id, Some(CENT), None)])).unwrap();
        let (file, data_set) = rows.sinks();
        carried.0.append(file);
        carried.1.append(data_set);
    }
    rows.finish().unwrap();
    let written = writer.finish().unwrap();
    assert!(file.is_empty() && data_set.is_empty());
    assert_eq!(written.file, Fingerprint::of(&carried.0));
    assert_eq!(written.sections[0].file, Some(Fingerprint::of(&carried.1)));
    assert_eq!(carried.0, b"Id,Amount,Currency\na,0.01,\nb,0.01,\n");
}

#[test]
fn sections_out_of_order_are_refused() {
    let report = report(&[("one", "One", FEES), ("two", "Two", FEES)]);
    let schema = fees(&[]).schema();
    let mut writer = ReportWriter::new(&report, false, Vec::new());
    assert!(matches!(writer.section("two", day("2026-03-14"), schema.clone(), Vec::new()), Err(Error::Order { .. })));
    drop(writer.section("one", day("2026-03-14"), schema.clone(), Vec::new()).unwrap());
    assert!(matches!(writer.section("two", day("2026-03-14"), schema, Vec::new()), Err(Error::Order { .. })), "section one was not finished");
    assert!(matches!(writer.finish(), Err(Error::Order { .. })));
}

#[test]
fn a_batch_of_other_types_is_refused() {
    let report = report(&[("one", "One", "{ header = \"X\", digits = \"feed\" }")]);
    let decimals = |scale| batch(vec![("x", Arc::new(Decimal128Array::from(vec![1]).with_precision_and_scale(28, scale).unwrap()) as ArrayRef)]);
    assert!(matches!(write(&report, false, &[vec![decimals(2), decimals(3)]]), Err(Error::Order { .. })));
}

#[test]
fn a_sink_that_fails_is_named() {
    struct Full(io::ErrorKind);
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::new(self.0, "no room"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let report = report(&[("one", "One", FEES)]);
    let schema = fees(&[]).schema();
    let error =
        ReportWriter::new(&report, false, Full(io::ErrorKind::StorageFull)).section("one", day("2026-03-14"), schema.clone(), Vec::new()).err().unwrap();
    assert_eq!((error.to_string().as_str(), error.is_retryable()), ("report fees can't be written: no room", false));
    let mut writer = ReportWriter::new(&report, false, Vec::new());
    let mut rows = writer.section("one", day("2026-03-14"), schema, Full(io::ErrorKind::TimedOut)).unwrap();
    let error = rows.write(&fees(&[("a", None, None)])).unwrap_err();
    assert_eq!((error.to_string().as_str(), error.is_retryable()), ("data set fees_one can't be written: no room", true));
}
