//! What is written is read back by the parquet crate's own reader, and equal rows give equal bytes.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Int32Type, SchemaRef};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding};
use parquet::file::reader::{FileReader, SerializedFileReader};
use takings_pages::{ColumnRange, FileEncoder, Press};

struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn maybe<T>(&mut self, one_in: u64, value: T) -> Option<T> {
        (self.below(one_in) != 0).then_some(value)
    }
}

fn rows(chance: &mut Chance, count: usize) -> RecordBatch {
    let decimals = |values: Vec<Option<i128>>, precision, scale| -> ArrayRef {
        Arc::new(values.into_iter().collect::<Decimal128Array>().with_precision_and_scale(precision, scale).unwrap())
    };
    let mut run = (0, 0);
    let mut runs = || {
        if run.0 == 0 {
            run = (chance.below(40) + 1, chance.below(300));
        }
        run.0 -= 1;
        run.1
    };
    let codes: Vec<u64> = (0..count).map(|_| runs()).collect();
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("few", Arc::new(codes.iter().map(|code| Some(format!("code {}", code % 5))).collect::<StringArray>()), false),
        ("runs", Arc::new(codes.iter().map(|code| chance.maybe(20, format!("é{code}"))).collect::<StringArray>()), true),
        ("id", Arc::new((0..count).map(|_| chance.maybe(9, format!("{:016x}", chance_id(chance)))).collect::<StringArray>()), true),
        ("long", Arc::new((0..count).map(|at| (at % 50 == 0).then(|| "x".repeat(chance.below(3000) as usize))).collect::<StringArray>()), true),
        ("none", Arc::new(StringArray::new_null(count)), true),
        ("day", Arc::new((0..count).map(|at| chance.maybe(30, (at / 700) as i32 - 20)).collect::<Date32Array>()), true),
        ("line", Arc::new((0..count as i64).collect::<Int64Array>()), false),
        ("any", Arc::new((0..count).map(|_| chance.maybe(3, (chance.0 as i64).wrapping_mul(77))).collect::<Int64Array>()), true),
        ("at", Arc::new((0..count).map(|_| Some(chance.below(1 << 31) as i64 * 1_000_000)).collect::<TimestampMicrosecondArray>().with_timezone("UTC")), false),
        ("flag", Arc::new((0..count).map(|_| chance.maybe(4, chance.0 & 64 == 0)).collect::<BooleanArray>()), true),
        (
            "small",
            decimals(
                (0..count)
                    .map(|_| {
                        let value = i128::from(chance.below(9999)) - 5000;
                        chance.maybe(5, value)
                    })
                    .collect(),
                9,
                2,
            ),
            true,
        ),
        ("money", decimals((0..count).map(|_| Some(i128::from(chance.below(1 << 31)) * i128::from(chance.below(2)) - 7)).collect(), 18, 4), false),
        (
            "wide",
            decimals(
                (0..count)
                    .map(|_| {
                        let value = i128::from(chance.below(1 << 31)) * -1_000_000_007_000_000_001;
                        chance.maybe(6, value)
                    })
                    .collect(),
                38,
                10,
            ),
            true,
        ),
        ("rate", decimals((0..count).map(|_| Some(i128::from(chance.below(12)) << 70)).collect(), 28, 10), false),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn chance_id(chance: &Chance) -> u64 {
    chance.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The same rows with texts as dictionaries (not in the order of the rows, each value twice, some on no row) and small decimals in 64 bits.
fn coded(batch: &RecordBatch) -> RecordBatch {
    let code = |array: &ArrayRef| -> ArrayRef {
        match array.data_type() {
            DataType::Utf8 => {
                let texts = array.as_string::<i32>();
                let known: BTreeSet<&str> = texts.iter().flatten().chain(["", "on no row", "~"]).collect();
                let known: Vec<&str> = known.into_iter().collect();
                let last = known.len() * 2 - 1;
                let key = |(row, text): (usize, Option<&str>)| {
                    let at = known.binary_search(&text?).unwrap();
                    Some(if row % 2 == 0 { at } else { last - at } as i32)
                };
                let keys: Int32Array = texts.iter().enumerate().map(key).collect();
                let values = StringArray::from_iter_values(known.iter().chain(known.iter().rev()));
                Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values)).unwrap())
            }
            DataType::Decimal128(precision @ ..=18, scale) => cast(array, &DataType::Decimal64(*precision, *scale)).unwrap(),
            _ => array.clone(),
        }
    };
    let names = batch.schema();
    let columns = names.fields().iter().zip(batch.columns()).map(|(field, array)| (field.name(), code(array), field.is_nullable()));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// The same rows with texts as views.
fn viewed(batch: &RecordBatch) -> RecordBatch {
    let view = |array: &ArrayRef| if *array.data_type() == DataType::Utf8 { cast(array, &DataType::Utf8View).unwrap() } else { array.clone() };
    let names = batch.schema();
    let columns = names.fields().iter().zip(batch.columns()).map(|(field, array)| (field.name(), view(array), field.is_nullable()));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn written(batch: &RecordBatch, cuts: &[usize], end_group_at: Option<usize>) -> (Bytes, Vec<ColumnRange>) {
    written_as(&batch.schema(), batch, cuts, end_group_at)
}

fn written_as(schema: &SchemaRef, batch: &RecordBatch, cuts: &[usize], end_group_at: Option<usize>) -> (Bytes, Vec<ColumnRange>) {
    let mut press = Press::new().unwrap();
    let mut encoder = FileEncoder::new(schema).unwrap();
    let (mut file, mut from) = (Vec::new(), 0);
    for step in cuts.iter().cycle() {
        let rows = (*step).min(batch.num_rows() - from);
        encoder.write(&batch.slice(from, rows), &mut press).unwrap();
        file.extend(encoder.take());
        from += rows;
        if end_group_at.is_some_and(|at| from == at) {
            encoder.release(&mut press).unwrap();
        }
        if from == batch.num_rows() {
            break;
        }
    }
    let (rest, ranges) = encoder.finish(&mut press).unwrap();
    file.extend(rest);
    (file.into(), ranges)
}

fn read(file: &Bytes, like: &RecordBatch) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.clone()).unwrap();
    assert_eq!(reader.schema().fields(), like.schema().fields());
    concat_batches(&like.schema(), &reader.build().unwrap().collect::<Result<Vec<_>, _>>().unwrap()).unwrap()
}

#[test]
fn every_value_comes_back_and_equal_rows_give_equal_bytes() {
    let mut chance = Chance(11);
    for count in [1, 7, 8, 9, 300, 5_000, 32_768, 70_000, 100_003] {
        let batch = rows(&mut chance, count);
        let (file, _) = written(&batch, &[count], None);
        assert_eq!(read(&file, &batch), batch, "{count}");
        for cuts in [&[1000][..], &[40_000], &[333, 1, 20_000]] {
            assert!(written(&batch, cuts, None).0 == file, "{count} {cuts:?}");
        }
    }
}

#[test]
fn views_codes_and_narrow_decimals_give_the_same_bytes() {
    let mut chance = Chance(17);
    for count in [1, 9, 300, 5_000, 70_000, 100_003] {
        let batch = rows(&mut chance, count);
        let coded = coded(&batch);
        let viewed = viewed(&batch);
        assert!(coded.schema() != batch.schema() && viewed.schema() != batch.schema());
        for end_group_at in [None, Some(60_000)] {
            let plain = written(&batch, &[20_000], end_group_at);
            assert!(written_as(&batch.schema(), &viewed, &[12_000], end_group_at) == plain, "{count} views");
            for cuts in [&[20_000][..], &[4_000], &[60_000]] {
                assert!(written_as(&batch.schema(), &coded, cuts, end_group_at) == plain, "{count} {cuts:?}");
            }
        }
    }
}

#[test]
fn row_groups_start_over() {
    let batch = rows(&mut Chance(3), 90_000);
    let (file, _) = written(&batch, &[30_000], Some(60_000));
    assert_eq!(SerializedFileReader::new(file.clone()).unwrap().metadata().num_row_groups(), 2);
    assert_eq!(read(&file, &batch), batch);
}

#[test]
fn empty_files_are_files() {
    let batch = rows(&mut Chance(3), 10).slice(0, 0);
    let (file, ranges) = written(&batch, &[1], None);
    assert_eq!(read(&file, &batch).num_rows(), 0);
    assert!(ranges.iter().all(|range| *range == ColumnRange::None));
}

#[test]
fn what_a_page_of_a_few_kilobytes_holds_is_not_compressed() {
    let mut chance = Chance(23);
    let compressions = |count: usize, chance: &mut Chance| {
        let batch = rows(chance, count);
        let (file, _) = written(&batch, &[count], None);
        assert_eq!(read(&file, &batch), batch, "{count}");
        let metadata = SerializedFileReader::new(file).unwrap().metadata().clone();
        let columns = metadata.row_group(0).columns().to_vec();
        columns.into_iter().map(|column| (column.column_path().string(), column.compression())).collect::<Vec<_>>()
    };
    let small = compressions(20, &mut chance);
    assert!(small.iter().all(|(name, compression)| name == "long" || *compression == Compression::UNCOMPRESSED), "{small:?}");
    let large = compressions(5_000, &mut chance);
    let of = |name: &str| large.iter().find(|(column, _)| column == name).map(|(_, compression)| *compression);
    assert_eq!((of("flag"), of("none")), (Some(Compression::UNCOMPRESSED), Some(Compression::UNCOMPRESSED)));
    assert!(matches!((of("id"), of("line")), (Some(Compression::ZSTD(_)), Some(Compression::ZSTD(_)))), "{large:?}");
    // Two pages of flags.
    let pages = compressions(70_000, &mut chance);
    assert!(pages.iter().any(|(name, compression)| name == "flag" && matches!(compression, Compression::ZSTD(_))), "{pages:?}");
}

#[test]
fn ranges_and_statistics_are_exact() {
    let batch = rows(&mut Chance(5), 80_000);
    let (file, ranges) = written(&batch, &[1234], None);
    let metadata = SerializedFileReader::new(file).unwrap().metadata().clone();
    for (at, column) in metadata.row_group(0).columns().iter().enumerate() {
        let array = batch.column(at);
        let statistics = column.statistics().unwrap();
        assert_eq!(statistics.null_count_opt(), Some(array.null_count() as u64), "{}", column.column_path());
        if let Some(texts) = array.as_any().downcast_ref::<StringArray>() {
            let (least, greatest) = (texts.iter().flatten().min(), texts.iter().flatten().max());
            let expected = least.zip(greatest).map_or(ColumnRange::None, |(a, b)| ColumnRange::Texts(a.into(), b.into()));
            assert_eq!(ranges[at], expected);
            if greatest.is_some_and(|text| text.len() <= 64) {
                assert_eq!((statistics.min_bytes_opt(), statistics.max_bytes_opt()), (least.map(str::as_bytes), greatest.map(str::as_bytes)));
            }
        }
        if let Some(wide) = array.as_any().downcast_ref::<Decimal128Array>() {
            let (least, greatest) = (wide.iter().flatten().min().unwrap(), wide.iter().flatten().max().unwrap());
            assert_eq!(ranges[at], ColumnRange::Numbers(least, greatest));
        }
        if let Some(numbers) = array.as_any().downcast_ref::<Int64Array>() {
            let (least, greatest) = (numbers.iter().flatten().min().unwrap(), numbers.iter().flatten().max().unwrap());
            assert_eq!(ranges[at], ColumnRange::Numbers(least.into(), greatest.into()));
            assert_eq!(statistics.min_bytes_opt(), Some(&least.to_le_bytes()[..]));
            assert_eq!(statistics.max_bytes_opt(), Some(&greatest.to_le_bytes()[..]));
        }
    }
    let encodings = |name: &str| -> Vec<Encoding> {
        let column = metadata.row_group(0).columns().iter().find(|column| column.column_path().string() == name).unwrap();
        column.encodings().collect()
    };
    assert!(encodings("few").contains(&Encoding::RLE_DICTIONARY));
    assert!(!encodings("id").contains(&Encoding::RLE_DICTIONARY), "ids that hardly repeat have no dictionary");
    assert!(encodings("line").contains(&Encoding::BYTE_STREAM_SPLIT));
    assert!(!encodings("wide").contains(&Encoding::BYTE_STREAM_SPLIT), "DuckDB can't read it on wide decimals");
}

#[test]
fn a_dictionary_that_grows_too_large_is_given_up_in_the_middle() {
    let texts: StringArray = (0..60_000).map(|at| Some(format!("{}{}", at / 3, "y".repeat(1000)))).collect();
    let batch = RecordBatch::try_from_iter([("text", Arc::new(texts) as ArrayRef)]).unwrap();
    let (file, _) = written(&batch, &[7_777], None);
    assert_eq!(read(&file, &batch), batch);
    assert!(written(&batch, &[60_000], None).0 == file);
    assert!(written_as(&batch.schema(), &coded(&batch), &[7_777], None).0 == file);
}
