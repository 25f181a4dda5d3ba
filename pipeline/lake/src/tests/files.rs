//! What stands in the files is what was written, and nothing else.

use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::basic::{Compression, Encoding, Type};
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::*;
use crate::writer::PLACED_AT_ONCE;

#[tokio::test]
async fn every_digit_and_microsecond_comes_back() {
    let place = place();
    let rows = [("2026-03-01", 9_999_999_999_999_999_999_999_999_999), ("2026-03-01", -1_234_567_890_123_456_789_012_345_678), ("2026-03-01", 1)];
    let new = place.write(None, &rows).await.remove(0);
    let batch = place.read(&Lake::file_path("aws_charge", &new.file));
    let written = charges(&rows);
    assert_eq!(batch.num_columns(), written.num_columns() - 1, "the month stands in the path alone");
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        assert_eq!(column, written.column_by_name(field.name()).unwrap(), "{}", field.name());
    }
    let sum = rows.iter().map(|(_, amount)| amount).sum();
    assert_eq!(new.totals, [("amount".to_owned(), sum), ("rate".to_owned(), 999 - 678 + 1)]);
    assert_eq!(new.file.size, std::fs::metadata(place.folder.path().join(Lake::file_path("aws_charge", &new.file))).unwrap().len());
}

#[tokio::test]
async fn files_are_compressed_and_tell_nothing_about_their_making() {
    let place = place();
    let rows: Vec<(&str, i128)> = (1..=3000).map(|amount| ("2026-03-01", amount * 7919)).collect();
    let new = place.write(None, &rows).await.remove(0);
    let reader = SerializedFileReader::new(std::fs::File::open(place.folder.path().join(Lake::file_path("aws_charge", &new.file))).unwrap()).unwrap();
    let metadata = reader.metadata();
    assert_eq!(metadata.file_metadata().created_by(), Some("takings"));
    let group = metadata.row_group(0);
    for column in group.columns() {
        // A column of one small page is not compressed.
        assert!(matches!(column.compression(), Compression::ZSTD(_) | Compression::UNCOMPRESSED));
        assert!(column.statistics().is_some_and(|statistics| statistics.null_count_opt() == Some(0)), "{}", column.column_path());
        // DuckDB can't read it on wide decimals.
        let is_wide = column.column_type() == Type::FIXED_LEN_BYTE_ARRAY;
        assert!(!is_wide || column.encodings().all(|encoding| encoding != Encoding::BYTE_STREAM_SPLIT));
    }
    let amounts = group.columns().iter().find(|column| column.column_path().string() == "amount").unwrap();
    assert!(matches!(amounts.compression(), Compression::ZSTD(_)));
    let kind = |name: &str| group.columns().iter().find(|column| column.column_path().string() == name).unwrap().column_type();
    assert_eq!((kind("amount"), kind("rate"), kind("charged_at")), (Type::FIXED_LEN_BYTE_ARRAY, Type::INT64, Type::INT64));
}

#[tokio::test]
async fn many_months_need_few_open_files() {
    let place = place();
    let months: Vec<String> = (0..40).map(|n| format!("{}-{:02}-01", 2020 + n / 12, 1 + n % 12)).collect();
    let rows: Vec<(&str, i128)> = months.iter().map(|month| (month.as_str(), 1)).collect();
    let mut writer = place.lake.writer(&table(), Some("feed.1")).unwrap();
    writer.write(&charges(&rows)).await.unwrap();
    writer.write(&charges(&rows[..2])).await.unwrap();
    writer.write(&charges(&rows[38..])).await.unwrap();
    // Besides the open ones some are on their way into their places.
    assert!(std::fs::read_dir(place.folder.path().join("staging")).unwrap().count() <= 32 + PLACED_AT_ONCE);
    let files = writer.finish().await.unwrap();
    // The two first months were completed before their second rows came; the two last were still open.
    assert_eq!(files.len(), 42);
    assert_eq!(files.iter().map(|new| new.file.rows).sum::<u64>(), 44);
    assert!(files.is_sorted_by_key(|new| new.file.period_month));
    assert!(files.iter().all(|new| new.file.units().eq(["feed.1"])));
    place.commit(None, files, vec![]).await.unwrap();
    assert_eq!(place.amounts(None).await, [1; 44]);
}

#[tokio::test]
async fn what_is_aborted_or_dropped_is_not_seen() {
    let place = place();
    place.commit(None, place.write(None, &[("2026-03-01", 1)]).await, vec![]).await.unwrap();
    let mut aborted = place.lake.writer(&table(), None).unwrap();
    let months: Vec<String> = (1..=12).flat_map(|n| [format!("2024-{n:02}-01"), format!("2025-{n:02}-01")]).collect();
    aborted.write(&charges(&months.iter().map(|month| (month.as_str(), 5)).collect::<Vec<_>>())).await.unwrap();
    aborted.abort().await.unwrap();
    let parquet = place.lake.store().list("lake/aws_charge").await.unwrap().iter().filter(|meta| meta.location.as_ref().ends_with(".parquet")).count();
    assert_eq!(parquet, 1);

    place.write(None, &[("2026-03-01", 2)]).await;
    let mut dropped = place.lake.writer(&table(), None).unwrap();
    dropped.write(&charges(&[("2026-03-01", 3)])).await.unwrap();
    drop(dropped);
    assert_eq!(place.amounts(None).await, [1]);
    assert_eq!(std::fs::read_dir(place.folder.path().join("staging")).unwrap().count(), 0);
}

#[tokio::test]
async fn codes_and_narrow_decimals_are_written_as_the_tables_types() {
    let place = place();
    let months = ["2026-03-01", "2026-04-01", "2026-03-01", "2026-03-01", "2026-04-01"];
    let rows: Vec<(&str, i128)> = months.into_iter().zip([7, 7, -5, 7, 999_000]).collect();
    let plain = charges(&rows);
    let columns = plain.columns().iter().map(|column| match column.data_type() {
        DataType::Utf8 => cast(column, &DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))).unwrap(),
        DataType::Decimal128(18, 6) => cast(column, &DataType::Decimal64(18, 6)).unwrap(),
        _ => column.clone(),
    });
    let names = plain.schema();
    let coded = names.fields().iter().zip(columns).map(|(field, column)| (field.name(), column, field.is_nullable()));
    let coded = RecordBatch::try_from_iter_with_nullable(coded).unwrap();
    let write = async |batch: &RecordBatch| {
        let mut writer = place.lake.writer(&table(), None).unwrap();
        writer.write(batch).await.unwrap();
        writer.finish().await.unwrap()
    };
    let (plain, coded) = (write(&plain).await, write(&coded).await);
    assert_eq!((plain.len(), coded.len()), (2, 2));
    for (plain, coded) in plain.iter().zip(&coded) {
        assert_eq!((&plain.statistics, &plain.totals, plain.file.rows), (&coded.statistics, &coded.totals, coded.file.rows));
        let bytes = |new: &NewFile| std::fs::read(place.folder.path().join(Lake::file_path("aws_charge", &new.file))).unwrap();
        assert!(bytes(plain) == bytes(coded));
    }
}

#[tokio::test]
async fn rows_that_break_the_contract_are_refused() {
    let place = place();
    let error = async |batch: RecordBatch| {
        let error = place.lake.writer(&table(), None).unwrap().write(&batch).await.unwrap_err();
        assert!(error.is_data(), "{error}");
        error.to_string()
    };
    let good = charges(&[("2026-03-01", 1)]);
    let with = |name: &str, column: ArrayRef| {
        let schema = good.schema();
        let columns = schema
            .fields()
            .iter()
            .zip(good.columns())
            .map(|(field, old)| (field.name().clone(), if field.name() == name { column.clone() } else { old.clone() }, true));
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    };
    let text = error(with("charge_id", Arc::new(StringArray::from(vec![None::<&str>])))).await;
    assert!(text.starts_with("table aws_charge: ") && text.contains("'charge_id' is declared as non-nullable"), "{text}");
    let text = error(with("period_month", Arc::new(Date32Array::from(vec![None])))).await;
    assert!(text.contains("period_month"), "{text}");
    let text = error(with("period_month", Arc::new(Date32Array::from(vec![20_514])))).await;
    assert_eq!(text, "table aws_charge: `period_month` 2026-03-02 is not the first day of a month");
    let text = error(with("amount", Arc::new(Int64Array::from(vec![1])))).await;
    assert_eq!(text, "table aws_charge: column `amount` of a batch is Int64, not Decimal128(28, 10)");
    let text = error(good.project(&[0, 1]).unwrap()).await;
    assert_eq!(text, "table aws_charge: a batch lacks the column `rate`");
    assert!(place.lake.writer(&table(), Some("a/b")).is_err());
}

#[test]
fn a_marts_month_stands_last() {
    let mart = contract(
        r#"
        table = "fct_charge"
        layer = "mart"
        description = "d"
        grain = "g"
        partition = { from = ["period_month"] }
        columns = [{ name = "period_month", type = "date" }, { name = "amount", type = "decimal(28,10)" }, { name = "known_to", type = "timestamp" }]
    "#,
    );
    let names: Vec<String> = table_schema(&mart).fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["amount", "known_to", "period_month"]);
    let names: Vec<String> = table_schema(&table()).fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["charge_id", "amount", "rate", "charged_at", "_instance", "_file_id", "_line", "_known_at", "period_month"]);
}
