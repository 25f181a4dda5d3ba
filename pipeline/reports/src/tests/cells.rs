//! Arrow values → cells: what each type prints, and what is refused.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Decimal256Array, DictionaryArray, Float64Array, Int32Array, Int64Array, LargeStringArray, NullArray,
    StringArray, StringViewArray, TimestampMicrosecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::{Int32Type, i256};
use expect_test::{Expect, expect};

use super::{batch, report, texts, write};

/// Prints one column `x`, declared with `attributes`, as the cells of its rows joined with ` | `; or the error.
fn check(attributes: &str, array: ArrayRef, expected: Expect) {
    let report = report(&[("rows", "Rows", &format!("{{ header = \"X\"{attributes} }}"))]);
    let printed = match write(&report, false, &[vec![batch(vec![("x", array)])]]) {
        Ok(made) => made.file.lines().skip(1).collect::<Vec<_>>().join(" | ").replace('\r', "<CR>"),
        Err(error) => format!("{error} [data: {}, config: {}]", error.is_data(), error.is_config()),
    };
    expected.assert_eq(&printed);
}

const TWO: &str = ", digits = 2";
const FEED: &str = ", digits = \"feed\"";

fn decimals(values: &[Option<i128>], precision: u8, scale: i8) -> ArrayRef {
    Arc::new(Decimal128Array::from(values.to_vec()).with_precision_and_scale(precision, scale).unwrap())
}

#[test]
fn decimals_have_exactly_the_declared_digits() {
    check(
        TWO,
        decimals(&[Some(15_000_000_000), Some(-5_000_000_000), Some(0), None, Some(-100_000_000)], 28, 10),
        expect![[r#"1.50 | -0.50 | 0.00 | "" | -0.01"#]],
    );
    check(TWO, decimals(&[Some(1), Some(-1)], 38, 0), expect!["1.00 | -1.00"]);
    check(TWO, Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(7)])), expect![[r#"-9223372036854775808.00 | "" | 7.00"#]]);
    check(", digits = 0", decimals(&[Some(700)], 5, 2), expect!["7"]);
    check(", digits = 18", decimals(&[Some(1)], 38, 18), expect!["0.000000000000000001"]);
}

#[test]
fn a_tie_and_a_tiny_negative_are_refused_and_never_become_minus_zero() {
    check(
        TWO,
        decimals(&[Some(1_000), Some(1_005)], 28, 3),
        expect![[
            r#"report fees, section rows, column "X", row 2: 1.005 has more than 2 digits after the point; round it in sql/reports/fees/rows.sql [data: true, config: false]"#
        ]],
    );
    check(
        TWO,
        decimals(&[Some(-4)], 28, 3),
        expect![[
            r#"report fees, section rows, column "X", row 1: -0.004 has more than 2 digits after the point; round it in sql/reports/fees/rows.sql [data: true, config: false]"#
        ]],
    );
    check(
        TWO,
        decimals(&[Some(-5)], 28, 3),
        expect![[
            r#"report fees, section rows, column "X", row 1: -0.005 has more than 2 digits after the point; round it in sql/reports/fees/rows.sql [data: true, config: false]"#
        ]],
    );
}

#[test]
fn a_decimal_38_10_keeps_every_digit() {
    let largest = 10i128.pow(38) - 1;
    check(
        ", digits = 10",
        decimals(&[Some(largest), Some(-largest)], 38, 10),
        expect!["9999999999999999999999999999.9999999999 | -9999999999999999999999999999.9999999999"],
    );
    check(
        FEED,
        decimals(&[Some(largest), Some(-largest)], 38, 10),
        expect!["9999999999999999999999999999.9999999999 | -9999999999999999999999999999.9999999999"],
    );
    check(TWO, decimals(&[Some(largest / 10i128.pow(8) * 10i128.pow(8))], 38, 10), expect!["9999999999999999999999999999.99"]);
    check(
        TWO,
        decimals(&[Some(largest)], 38, 0),
        expect![[
            r#"report fees, section rows, column "X", row 1: 99999999999999999999999999999999999999 has more than 38 digits; look for a wrong join or a runaway product in sql/reports/fees/rows.sql [data: true, config: false]"#
        ]],
    );
}

#[test]
fn feed_digits_have_no_trailing_zeros() {
    check(FEED, decimals(&[Some(0), Some(1_500_000), Some(-3), Some(20_000_000), None], 18, 6), expect![[r#"0 | 1.5 | -0.000003 | 20 | """#]]);
    check(FEED, decimals(&[Some(12)], 5, -3), expect!["12000"]);
    check(FEED, Arc::new(Int64Array::from(vec![100, 0, -10])), expect!["100 | 0 | -10"]);
}

#[test]
fn wide_decimals_are_taken_while_they_fit() {
    let wide = |value| -> ArrayRef { Arc::new(Decimal256Array::from(vec![value]).with_precision_and_scale(76, 10).unwrap()) };
    check(TWO, wide(i256::from_i128(-12_500_000_000)), expect!["-1.25"]);
    check(
        TWO,
        wide(i256::from_i128(i128::MAX).checked_mul(i256::from_i128(100)).unwrap()),
        expect![[
            r#"report fees, section rows, column "X", row 1: 1701411834604692317316873037158.8410572700 has more than 38 digits; look for a wrong join or a runaway product in sql/reports/fees/rows.sql [data: true, config: false]"#
        ]],
    );
}

#[test]
fn a_sum_that_overflows_names_its_row() {
    let half = i128::MAX / 2 + 1;
    check(
        FEED,
        decimals(&[Some(half - 1), Some(half - 1), Some(5)], 38, 0),
        expect![[
            r#"report fees, section rows, column "X", row 3: the column's sum up to here has more than 38 digits; look for a wrong join or a runaway product in sql/reports/fees/rows.sql [data: true, config: false]"#
        ]],
    );
}

#[test]
fn floats_are_refused_everywhere() {
    let float = || -> ArrayRef { Arc::new(Float64Array::from(vec![1.5])) };
    check(
        TWO,
        float(),
        expect![[
            r#"report fees, section rows, column "X": `x` is Float64: no float near money; make it a decimal in sql/reports/fees/rows.sql [data: false, config: true]"#
        ]],
    );
    check(
        "",
        float(),
        expect![[
            r#"report fees, section rows, column "X": `x` is Float64: no float near money; make it a decimal in sql/reports/fees/rows.sql [data: false, config: true]"#
        ]],
    );
}

#[test]
fn digits_and_type_must_agree() {
    check(
        "",
        decimals(&[Some(1)], 28, 10),
        expect![[
            r#"report fees, section rows, column "X": `x` is Decimal128(28, 10), but the column declares no digits; declare digits = N, or digits = "feed", in the report's file [data: false, config: true]"#
        ]],
    );
    check(
        TWO,
        texts(&[Some("1.00")]),
        expect![[
            r#"report fees, section rows, column "X": `x` is Utf8, but the column declares digits; make it a decimal in sql/reports/fees/rows.sql, or take digits out of the report's file [data: false, config: true]"#
        ]],
    );
    check(
        "",
        Arc::new(arrow::array::BinaryArray::from(vec![b"x".as_slice()])),
        expect![[
            r#"report fees, section rows, column "X": `x` is Binary, which has no form in a report; make it a text, date, timestamp, integer, boolean or decimal in sql/reports/fees/rows.sql [data: false, config: true]"#
        ]],
    );
}

#[test]
fn dates_and_times() {
    check("", Arc::new(Date32Array::from(vec![Some(0), None, Some(20_526), Some(-719_162)])), expect![[r#"1970-01-01 | "" | 2026-03-14 | 0001-01-01"#]]);
    check(
        "",
        Arc::new(Date32Array::from(vec![i32::MAX])),
        expect![[
            r#"report fees, section rows, column "X", row 1: the date 2147483647 days from 1970-01-01 is outside the years 0000 to 9999; look at where sql/reports/fees/rows.sql takes it from [data: true, config: false]"#
        ]],
    );
    check(
        "",
        Arc::new(TimestampMicrosecondArray::from(vec![Some(1_773_446_399_000_000), None, Some(-1_000_000)]).with_timezone("UTC")),
        expect![[r#"2026-03-13T23:59:59Z | "" | 1969-12-31T23:59:59Z"#]],
    );
    check(
        "",
        Arc::new(TimestampMicrosecondArray::from(vec![1_773_446_399_000_001, 0])),
        expect![[
            r#"report fees, section rows, column "X", row 1: 2026-03-13T23:59:59.000001Z has parts of a second; cut it to seconds in sql/reports/fees/rows.sql [data: true, config: false]"#
        ]],
    );
    check(
        "",
        Arc::new(TimestampNanosecondArray::from(vec![-1])),
        expect![[
            r#"report fees, section rows, column "X", row 1: 1969-12-31T23:59:59.999999999Z has parts of a second; cut it to seconds in sql/reports/fees/rows.sql [data: true, config: false]"#
        ]],
    );
    check("", Arc::new(TimestampSecondArray::from(vec![0, i64::from(u32::MAX)])), expect!["1970-01-01T00:00:00Z | 2106-02-07T06:28:15Z"]);
    check(
        "",
        Arc::new(TimestampSecondArray::from(vec![i64::MAX])),
        expect![[
            r#"report fees, section rows, column "X", row 1: the time 9223372036854775807 seconds from 1970-01-01 is outside the years 0000 to 9999; look at where sql/reports/fees/rows.sql takes it from [data: true, config: false]"#
        ]],
    );
}

#[test]
fn integers_booleans_and_nothing() {
    check("", Arc::new(Int64Array::from(vec![Some(-7), None, Some(i64::MAX)])), expect![[r#"-7 | "" | 9223372036854775807"#]]);
    check("", Arc::new(Int32Array::from(vec![-7, 0])), expect!["-7 | 0"]);
    check(
        "",
        Arc::new(UInt64Array::from(vec![u64::MAX])),
        expect![[
            r#"report fees, section rows, column "X": Cast error: Can't cast value 18446744073709551615 to type Int64; make the column a 64-bit integer or a text in the section's SQL [data: false, config: true]"#
        ]],
    );
    check("", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])), expect![[r#"true | "" | false"#]]);
    check("", Arc::new(NullArray::new(2)), expect![[r#""" | """#]]);
    check(TWO, Arc::new(NullArray::new(1)), expect![[r#""""#]]);
}

#[test]
fn texts_of_every_kind() {
    check("", texts(&[Some("a"), None, Some("")]), expect![[r#"a | "" | """#]]);
    check("", Arc::new(LargeStringArray::from(vec![Some("=a"), None])), expect![[r#"'=a | """#]]);
    check("", Arc::new(StringViewArray::from(vec![Some("=a view that does not fit inline"), None])), expect![[r#"'=a view that does not fit inline | """#]]);
    check("", Arc::new(vec![Some("=a"), None, Some("=a")].into_iter().collect::<DictionaryArray<Int32Type>>()), expect![[r#"'=a | "" | '=a"#]]);
}

#[test]
fn formulas_are_guarded_in_texts_only() {
    check(
        "",
        texts(&[Some("=1+1"), Some("+1"), Some("-1"), Some("@x"), Some("\tx"), Some("\rx"), Some(" =x"), Some("a=1"), Some("'=1"), Some("=\"x\",1")]),
        expect![[r#"'=1+1 | '+1 | '-1 | '@x | '	x | "'<CR>x" |  =x | a=1 | '=1 | "'=""x"",1""#]],
    );
    check("", Arc::new(Int64Array::from(vec![-1])), expect!["-1"]);
    check(TWO, decimals(&[Some(-100)], 5, 2), expect!["-1.00"]);
}

#[test]
fn a_view_prints_as_any_text_does() {
    let mut all: Vec<Option<String>> =
        (1_u8..=0x7f).flat_map(|byte| [0, 1, 10, 11, 12].map(|before| Some(format!("{}{}b", "a".repeat(before), char::from(byte))))).collect();
    all.extend(
        ["", "a\u{1f}", "ü", "=ü", "€uro and more", "a title, quoted \"so\"", "a title, quoted \"so\"", "twelve bytes", "thirteen byte"]
            .map(|text| Some(text.to_owned())),
    );
    all.extend([None, Some("twelve,bytes".to_owned()), Some("twelve,bytes".to_owned()), None]);
    let printed = |column: ArrayRef| {
        let report = report(&[("rows", "Rows", "{ header = \"X\" }")]);
        write(&report, false, &[vec![batch(vec![("x", column)])]]).unwrap().file
    };
    assert_eq!(printed(Arc::new(StringViewArray::from_iter(all.iter().map(Option::as_deref)))), printed(Arc::new(StringArray::from(all))));
}

#[test]
fn the_guard_can_be_left_out() {
    let mut report = report(&[("rows", "Rows", "{ header = \"X\" }")]);
    report.formula_guard = false;
    let made = write(&report, false, &[vec![batch(vec![("x", texts(&[Some("=1+1")]))])]]).unwrap();
    assert_eq!(made.file, "X\n=1+1\n");
    assert_eq!(made.data_sets, ["X\n=1+1\n"]);
}

#[test]
fn a_column_that_the_sql_lacks_names_the_nearest() {
    let check = |given: &str, expected: Expect| {
        let report = report(&[("rows", "Rows", "{ header = \"Customer's State\" }")]);
        let error = write(&report, false, &[vec![batch(vec![(given, texts(&[]))])]]).err().unwrap();
        assert!(error.is_config());
        expected.assert_eq(&error.to_string());
    };
    check(
        "customer_state",
        expect![[
            r#"report fees, section rows, column "Customer's State": sql/reports/fees/rows.sql gives no column `customers_state`; did you mean `customer_state`?"#
        ]],
    );
    check("x", expect![[r#"report fees, section rows, column "Customer's State": sql/reports/fees/rows.sql gives no column `customers_state`; it gives x"#]]);
}

#[test]
fn a_shared_column_stands_empty_without_sharing() {
    let report = report(&[("rows", "Rows", "{ header = \"Id\" }, { header = \"Amount\", digits = 2, sharing = true }")]);
    let rows = || vec![vec![batch(vec![("id", texts(&[Some("a")])), ("amount", decimals(&[Some(150)], 5, 2))])]];
    let hidden = write(&report, false, &rows()).unwrap();
    assert_eq!((hidden.file.as_str(), hidden.written.sections[0].totals.len()), ("Id,Amount\na,\n", 0));
    let shown = write(&report, true, &rows()).unwrap();
    assert_eq!((shown.file.as_str(), shown.written.sections[0].totals[0].sum.as_str()), ("Id,Amount\na,1.50\n", "1.50"));
    // It must be there all the same, and of a type that can be printed.
    let error = write(&report, false, &[vec![batch(vec![("id", texts(&[Some("a")]))])]]).err().unwrap();
    assert!(error.is_config(), "{error}");
}
