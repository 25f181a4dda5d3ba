//! What a Delta log says about the columns of a file: exact, or nothing at all.
//!
//! A reader may answer a query from these figures alone, so a cut text, a rounded decimal or a shortened timestamp would be a
//! wrong figure in somebody's report. The sums are checked `i128`, for control totals.

use std::fmt::Write;

use arrow::array::{Array, ArrayRef, AsArray, Decimal64Array, Decimal128Array, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Decimal64Type, Decimal128Type, SchemaRef};
use chrono::{DateTime, Datelike};
use takings_pages::ColumnRange;

use crate::{Error, Result};

/// Longer texts are not kept as a file's least or greatest value.
const TEXT_BYTES: usize = 32;

/// The figures of a file's columns, kept while it is written.
pub(crate) struct FileStatistics {
    rows: u64,
    columns: Vec<ColumnStatistics>,
}

struct ColumnStatistics {
    name: String,
    kind: DataType,
    nulls: u64,
    range: Range,
    /// Sum at the column's scale; decimals only.
    sum: i128,
}

/// Least and greatest value.
#[derive(Clone)]
enum Range {
    /// No value, or one that can't be written exactly.
    None,
    /// Integers, days, microseconds and decimals at their scale.
    Numbers(i128, i128),
    Texts(String, String),
}

impl FileStatistics {
    pub(crate) fn new(schema: &SchemaRef) -> Self {
        let column = |field: &arrow::datatypes::FieldRef| ColumnStatistics {
            name: field.name().clone(),
            kind: field.data_type().clone(),
            nulls: 0,
            range: Range::None,
            sum: 0,
        };
        Self { rows: 0, columns: schema.fields().iter().map(column).collect() }
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes the rows of a batch in, whose columns are those of the file. Ranges come from the encoder, which looks at each value anyway.
    pub(crate) fn update(&mut self, table: &str, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        for (column, values) in self.columns.iter_mut().zip(batch.columns()) {
            column.nulls += values.null_count() as u64;
            if matches!(column.kind, DataType::Decimal128(..)) {
                column.sum = sum(values).and_then(|more| column.sum.checked_add(more)).ok_or_else(|| {
                    Error::data(table, format!("the sum of column `{}` is out of range; give the column a bound in its contract", column.name))
                })?;
            }
        }
        Ok(())
    }

    /// The ranges of the columns, over the whole file.
    pub(crate) fn set_ranges(&mut self, ranges: Vec<ColumnRange>) {
        for (column, range) in self.columns.iter_mut().zip(ranges) {
            column.range = match range {
                ColumnRange::None => Range::None,
                ColumnRange::Numbers(least, greatest) => Range::Numbers(least, greatest),
                ColumnRange::Texts(least, greatest) => match (String::from_utf8(least), String::from_utf8(greatest)) {
                    (Ok(least), Ok(greatest)) if least.len() <= TEXT_BYTES && greatest.len() <= TEXT_BYTES => Range::Texts(least, greatest),
                    _ => Range::None,
                },
            };
        }
    }

    /// The sum of each decimal column.
    pub(crate) fn totals(&self) -> Vec<(String, i128)> {
        self.columns.iter().filter(|column| matches!(column.kind, DataType::Decimal128(..))).map(|column| (column.name.clone(), column.sum)).collect()
    }

    /// As the log writes it.
    pub(crate) fn json(&self) -> String {
        let ranges: Vec<(String, String, String)> = self.columns.iter().filter_map(ColumnStatistics::range_json).collect();
        let object = |pairs: Vec<String>| format!("{{{}}}", pairs.join(","));
        let least = object(ranges.iter().map(|(name, least, _)| format!("{name}:{least}")).collect());
        let greatest = object(ranges.iter().map(|(name, _, greatest)| format!("{name}:{greatest}")).collect());
        let nulls = object(self.columns.iter().map(|column| format!("{}:{}", quoted(&column.name), column.nulls)).collect());
        format!("{{\"numRecords\":{},\"minValues\":{least},\"maxValues\":{greatest},\"nullCount\":{nulls}}}", self.rows)
    }
}

impl ColumnStatistics {
    fn range_json(&self) -> Option<(String, String, String)> {
        let (least, greatest) = match &self.range {
            Range::Numbers(least, greatest) => (number_json(&self.kind, *least)?, number_json(&self.kind, *greatest)?),
            Range::Texts(least, greatest) => (quoted(least), quoted(greatest)),
            Range::None => return None,
        };
        Some((quoted(&self.name), least, greatest))
    }
}

/// None: out of range.
fn sum(values: &ArrayRef) -> Option<i128> {
    match values.data_type() {
        DataType::Decimal64(..) => sum_narrow(values.as_primitive::<Decimal64Type>()),
        _ => sum_wide(values.as_primitive::<Decimal128Type>()),
    }
}

/// Sums of 64 bits, where the values allow, are added side by side.
const SIDE_BY_SIDE: usize = 1 << 16;
/// So many values below this stay below 2^62.
const SMALL: i64 = 1 << 46;

fn sum_narrow(values: &Decimal64Array) -> Option<i128> {
    if values.null_count() > 0 {
        return values.iter().flatten().try_fold(0i128, |sum, value| sum.checked_add(value.into()));
    }
    values.values().chunks(SIDE_BY_SIDE).try_fold(0i128, |sum, chunk| {
        if chunk.iter().all(|value| (-SMALL..SMALL).contains(value)) {
            return sum.checked_add(chunk.iter().sum::<i64>().into());
        }
        chunk.iter().try_fold(sum, |sum, value| sum.checked_add(i128::from(*value)))
    })
}

fn sum_wide(values: &Decimal128Array) -> Option<i128> {
    if values.null_count() > 0 {
        return values.iter().flatten().try_fold(0, i128::checked_add);
    }
    values.values().chunks(SIDE_BY_SIDE).try_fold(0i128, |sum, chunk| {
        if chunk.iter().all(|value| (-i128::from(SMALL)..i128::from(SMALL)).contains(value)) {
            return sum.checked_add(i128::from(chunk.iter().map(|value| *value as i64).sum::<i64>()));
        }
        chunk.iter().try_fold(sum, |sum, value| sum.checked_add(*value))
    })
}

fn number_json(kind: &DataType, value: i128) -> Option<String> {
    match kind {
        DataType::Decimal128(_, scale) => decimal_text(value, usize::try_from(*scale).ok()?),
        DataType::Date32 => {
            let date = Date32Type::to_naive_date_opt(i32::try_from(value).ok()?)?;
            (1..=9999).contains(&date.year()).then(|| format!("\"{date}\""))
        }
        DataType::Timestamp(..) => {
            let time = DateTime::from_timestamp_micros(i64::try_from(value).ok()?)?;
            (1..=9999).contains(&time.year()).then(|| format!("\"{}\"", time.format("%Y-%m-%dT%H:%M:%S%.6fZ")))
        }
        _ => Some(value.to_string()),
    }
}

/// Every digit of a decimal, as a JSON number.
fn decimal_text(value: i128, scale: usize) -> Option<String> {
    let digits = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at_checked(digits.len() - scale)?;
    let mut text = String::with_capacity(digits.len() + 2);
    let sign = if value < 0 { "-" } else { "" };
    write!(text, "{sign}{whole}").ok()?;
    if scale > 0 {
        write!(text, ".{fraction}").ok()?;
    }
    Some(text)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, BooleanArray, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray};
    use expect_test::expect;
    use takings_pages::{FileEncoder, Press};

    use super::*;

    fn check(batches: &[&[(&str, ArrayRef)]], expected: expect_test::Expect) {
        let batches: Vec<RecordBatch> = batches
            .iter()
            .map(|columns| RecordBatch::try_from_iter_with_nullable(columns.iter().map(|(name, array)| (name, array.clone(), true))).unwrap())
            .collect();
        let mut statistics = FileStatistics::new(&batches[0].schema());
        let (mut encoder, mut press) = (FileEncoder::new(&batches[0].schema()).unwrap(), Press::new().unwrap());
        for batch in &batches {
            statistics.update("t", batch).unwrap();
            encoder.write(batch, &mut press).unwrap();
        }
        statistics.set_ranges(encoder.finish(&mut press).unwrap().1);
        expected.assert_eq(&statistics.json());
        assert!(serde_json::from_str::<serde_json::Value>(&statistics.json()).is_ok());
    }

    fn decimals(values: &[Option<i128>]) -> ArrayRef {
        Arc::new(values.iter().copied().collect::<Decimal128Array>().with_precision_and_scale(28, 10).unwrap())
    }

    #[test]
    fn every_digit_is_kept() {
        let long = -1_234_567_890_123_456_789_012_345_678;
        check(
            &[
                &[("a", decimals(&[Some(long), None])), ("n", Arc::new(Int64Array::from(vec![i64::MIN, 3])))],
                &[("a", decimals(&[Some(5), Some(0)])), ("n", Arc::new(Int64Array::from(vec![None, Some(i64::MAX)])))],
            ],
            expect![[
                r#"{"numRecords":4,"minValues":{"a":-123456789012345678.9012345678,"n":-9223372036854775808},"maxValues":{"a":0.0000000005,"n":9223372036854775807},"nullCount":{"a":1,"n":1}}"#
            ]],
        );
    }

    #[test]
    fn times_keep_their_microseconds_and_days_are_days() {
        let times = Arc::new(TimestampMicrosecondArray::from(vec![1_704_164_645_123_456, -62_135_596_800_000_000]).with_timezone("UTC"));
        check(
            &[&[("t", times), ("d", Arc::new(Date32Array::from(vec![Some(20_513), None])))]],
            expect![[
                r#"{"numRecords":2,"minValues":{"t":"0001-01-01T00:00:00.000000Z","d":"2026-03-01"},"maxValues":{"t":"2024-01-02T03:04:05.123456Z","d":"2026-03-01"},"nullCount":{"t":0,"d":1}}"#
            ]],
        );
    }

    #[test]
    fn what_can_t_be_said_exactly_is_left_out() {
        let long = "x".repeat(33);
        let beyond = Arc::new(TimestampMicrosecondArray::from(vec![0, 253_402_300_800_000_000]).with_timezone("UTC"));
        check(
            &[&[
                ("short", Arc::new(StringArray::from(vec!["a \"q\"", "é"]))),
                ("long", Arc::new(StringArray::from(vec!["a", long.as_str()]))),
                ("none", Arc::new(StringArray::from(vec![None::<&str>, None]))),
                ("flag", Arc::new(BooleanArray::from(vec![true, false]))),
                ("beyond", beyond),
            ]],
            expect![[
                r#"{"numRecords":2,"minValues":{"short":"a \"q\""},"maxValues":{"short":"é"},"nullCount":{"short":0,"long":0,"none":2,"flag":0,"beyond":0}}"#
            ]],
        );
    }

    #[test]
    fn a_sum_that_does_not_fit_is_an_error() {
        let wide = Arc::new(Decimal128Array::from(vec![i128::MAX, 1]).with_precision_and_scale(38, 0).unwrap());
        let batch = RecordBatch::try_from_iter([("amount", wide as ArrayRef)]).unwrap();
        let error = FileStatistics::new(&batch.schema()).update("fct_x", &batch).unwrap_err();
        assert!(error.is_data());
        assert_eq!(error.to_string(), "table fct_x: the sum of column `amount` is out of range; give the column a bound in its contract");
    }

    #[test]
    fn sums_are_exact_in_any_width() {
        let values = [SMALL - 1, -SMALL, SMALL, i64::MAX, i64::MAX, i64::MIN, -7];
        for count in 0..=values.len() {
            for nulls in [false, true] {
                let values: Vec<Option<i64>> = values[..count].iter().copied().map(Some).chain(nulls.then_some(None)).collect();
                let expected: i128 = values.iter().flatten().map(|value| i128::from(*value)).sum();
                let wide: ArrayRef = Arc::new(values.iter().map(|value| value.map(i128::from)).collect::<Decimal128Array>());
                let narrow: ArrayRef = Arc::new(values.into_iter().collect::<Decimal64Array>());
                assert_eq!((sum(&wide), sum(&narrow)), (Some(expected), Some(expected)));
            }
        }
    }

    #[test]
    fn decimals_below_one_have_their_zeros() {
        assert_eq!(decimal_text(-1, 2).unwrap(), "-0.01");
        assert_eq!(decimal_text(0, 2).unwrap(), "0.00");
        assert_eq!(decimal_text(1234, 2).unwrap(), "12.34");
        assert_eq!(decimal_text(-1234, 0).unwrap(), "-1234");
        assert_eq!(decimal_text(i128::MIN, 38).unwrap(), "-1.70141183460469231731687303715884105728");
    }
}
