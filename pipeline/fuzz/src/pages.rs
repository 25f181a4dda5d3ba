//! The page encoder: what it writes the parquet crate's own reader reads back, and neither how rows are cut into batches nor the form in
//! which their values come changes a byte.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Int32Type, SchemaRef};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use takings_pages::{FileEncoder, Press};

/// More rows than a page has.
const MOST: usize = 50_000;
const FEW: usize = 1_000;
const CUTS: [usize; 4] = [20_000, 999, 333, 7];

/// The first byte: how rows are cut into batches, whether a row group ends early, whether the rows come again and again. Behind it values: how
/// often each, whether it is null, its length, its bytes.
pub fn pages(bytes: &[u8]) -> bool {
    let Some((choice, mut input)) = bytes.split_first() else { return false };
    let mut values: Vec<Option<&[u8]>> = Vec::new();
    while let [control, length, rest @ ..] = input {
        let (value, rest) = rest.split_at((usize::from(*length) % 40).min(rest.len()));
        let times = (1 + usize::from(control & 31)) * if control & 32 == 0 { 1 } else { 300 };
        values.extend(std::iter::repeat_n((control & 64 == 0).then_some(value), times.min(MOST - values.len())));
        input = rest;
    }
    if values.is_empty() {
        return false;
    }
    // Few inputs fill a page: those that do take a hundred times as long.
    let count = if choice & 24 == 24 { MOST } else { values.len().min(FEW) };
    let values: Vec<Option<&[u8]>> = values.into_iter().cycle().take(count).collect();
    let (cut, group) = (CUTS[usize::from(choice & 3)].min(count), (choice & 4 != 0).then_some(count / 2));
    let rows = rows(&values);
    let file = written(&rows.schema(), &rows, count, group);
    assert_eq!(read(&file, &rows), rows);
    for (form, same) in [("as it is", rows.clone()), ("coded", formed(&rows, coded)), ("views", formed(&rows, viewed))] {
        assert!(written(&rows.schema(), &same, cut, group) == file, "other bytes, {form}, in batches of {cut}");
    }
    true
}

/// Each value as a column of every type.
fn rows(values: &[Option<&[u8]>]) -> RecordBatch {
    let number = |value: &[u8]| value.iter().take(8).fold(0i64, |number, byte| number << 8 | i64::from(*byte));
    let wide = |value: &[u8]| value.iter().take(15).fold(0i128, |number, byte| number << 8 | i128::from(*byte)) - (1 << 100);
    let each = || values.iter().copied();
    let decimals = |numbers: Decimal128Array, digits, scale| numbers.with_precision_and_scale(digits, scale).expect("digits and scale of a decimal");
    let columns: [(&str, ArrayRef); 7] = [
        ("text", Arc::new(each().map(|value| value.map(String::from_utf8_lossy)).collect::<StringArray>())),
        ("number", Arc::new(each().map(|value| value.map(number)).collect::<Int64Array>())),
        ("day", Arc::new(each().map(|value| value.map(|value| number(value) as i32)).collect::<Date32Array>())),
        ("flag", Arc::new(each().map(|value| value.map(|value| number(value) & 1 == 1)).collect::<BooleanArray>())),
        ("small", Arc::new(decimals(each().map(|value| value.map(|value| i128::from(number(value) % 1_000_000))).collect(), 9, 2))),
        ("money", Arc::new(decimals(each().map(|value| value.map(|value| i128::from(number(value) >> 5))).collect(), 18, 4))),
        ("wide", Arc::new(decimals(each().map(|value| value.map(wide)).collect(), 38, 10))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).expect("columns of one length")
}

fn formed(rows: &RecordBatch, form: impl Fn(&ArrayRef) -> ArrayRef) -> RecordBatch {
    let names = rows.schema();
    let columns = names.fields().iter().zip(rows.columns()).map(|(field, column)| (field.name(), form(column), true));
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length")
}

/// Texts as dictionaries, each value twice and some on no row, small decimals in 64 bits.
fn coded(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            let known: BTreeSet<&str> = texts.iter().flatten().chain(["", "on no row", "~"]).collect();
            let known: Vec<&str> = known.into_iter().collect();
            let last = known.len() * 2 - 1;
            let key = |(row, text): (usize, Option<&str>)| {
                let at = known.binary_search(&text?).ok()?;
                Some(if row % 2 == 0 { at } else { last - at } as i32)
            };
            let keys: Int32Array = texts.iter().enumerate().map(key).collect();
            let texts = StringArray::from_iter_values(known.iter().chain(known.iter().rev()));
            Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::new(texts)))
        }
        DataType::Decimal128(digits @ ..=18, scale) => cast(column, &DataType::Decimal64(*digits, *scale)).expect("so many digits fit"),
        _ => Arc::clone(column),
    }
}

fn viewed(column: &ArrayRef) -> ArrayRef {
    if *column.data_type() == DataType::Utf8 { cast(column, &DataType::Utf8View).expect("texts as views") } else { Arc::clone(column) }
}

/// `group`: the rows after which a row group ends early.
fn written(schema: &SchemaRef, rows: &RecordBatch, cut: usize, group: Option<usize>) -> Bytes {
    let mut press = Press::new().expect("a compressor");
    let mut encoder = FileEncoder::new(schema).expect("types that are written");
    let end = group.unwrap_or(0);
    for (from, to) in [(0, end), (end, rows.num_rows())] {
        for from in (from..to).step_by(cut) {
            encoder.write(&rows.slice(from, cut.min(to - from)), &mut press).expect("rows that are written");
        }
        encoder.release(&mut press).expect("the end of a row group");
    }
    encoder.finish(&mut press).expect("the end of a file").0.into()
}

fn read(file: &Bytes, like: &RecordBatch) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.clone()).and_then(ParquetRecordBatchReaderBuilder::build).expect("a file that can be read");
    let batches = reader.collect::<Result<Vec<_>, _>>().expect("rows that can be read");
    concat_batches(&like.schema(), &batches).expect("columns as they were written")
}
