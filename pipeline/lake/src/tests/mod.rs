//! The lake's promises on a local store. What a table holds is read back from its files with the Parquet reader.

mod clients;
mod commits;
mod compactions;
mod files;
mod mirrors;
mod processes;
mod vacuums;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{ArrayRef, AsArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{Date32Type, Decimal128Type};
use chrono::{DateTime, NaiveDate};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use takings_definitions::Table;
use takings_storage::Store;

use crate::{Committed, DataFile, Lake, NewFile, Result, table_schema};

const CONTRACT: &str = r#"
    table = "aws_charge"
    layer = "raw"
    description = "Charges."
    grain = "One row per charge."
    key = ["charge_id"]
    partition = { from = ["charged_at"] }
    known_at = ["charged_at"]
    columns = [
      { name = "charge_id", type = "text", nullable = false },
      { name = "amount", type = "decimal(28,10)" },
      { name = "rate", type = "decimal(18,6)" },
      { name = "charged_at", type = "timestamp" },
    ]
"#;

fn contract(text: &str) -> Table {
    Table::parse(Path::new("config/tables/aws_charge.toml"), text).unwrap()
}

fn table() -> Table {
    contract(CONTRACT)
}

/// A lake in a folder of its own, with a clock that the test sets.
struct Place {
    folder: tempfile::TempDir,
    lake: Lake,
    clock: Arc<AtomicI64>,
}

const START: i64 = 1_772_000_000;

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(AtomicI64::new(START));
    let store = Store::open(folder.path().to_str().unwrap(), Path::new("/")).unwrap();
    let now = clock.clone();
    let lake = Lake::new(store, 35, move || DateTime::from_timestamp(now.load(Ordering::SeqCst), 0).unwrap());
    Place { folder, lake, clock }
}

fn month(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Rows of `aws_charge`: month and amount at ten decimals.
fn charges(rows: &[(&str, i128)]) -> RecordBatch {
    let table = table();
    let days = |text: &str| Date32Type::from_naive_date(month(text));
    let micros = |text: &str| month(text).and_hms_micro_opt(3, 4, 5, 123_456).unwrap().and_utc().timestamp_micros();
    let time = |shift: i64| TimestampMicrosecondArray::from_iter_values(rows.iter().map(|(text, _)| micros(text) + shift)).with_timezone("UTC");
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(|(text, amount)| format!("{text}/{amount}")))),
        Arc::new(Decimal128Array::from_iter_values(rows.iter().map(|(_, amount)| *amount)).with_precision_and_scale(28, 10).unwrap()),
        Arc::new(Decimal128Array::from_iter_values(rows.iter().map(|(_, amount)| amount % 1_000)).with_precision_and_scale(18, 6).unwrap()),
        Arc::new(time(0)),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|_| "main"))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|_| "f1"))),
        Arc::new(Int64Array::from_iter_values(2..2 + rows.len() as i64)),
        Arc::new(time(1)),
        Arc::new(Date32Array::from_iter_values(rows.iter().map(|(text, _)| days(text)))),
    ];
    RecordBatch::try_new(table_schema(&table), columns).unwrap()
}

impl Place {
    async fn write(&self, unit: Option<&str>, rows: &[(&str, i128)]) -> Vec<NewFile> {
        let mut writer = self.lake.writer(&table(), unit).unwrap();
        writer.write(&charges(rows)).await.unwrap();
        writer.finish().await.unwrap()
    }

    async fn commit(&self, expected: Option<i64>, adds: Vec<NewFile>, removes: Vec<DataFile>) -> Result<Committed> {
        self.lake.commit(&table(), expected, adds, removes, BTreeMap::from([("run_key".into(), "k1".into())])).await
    }

    async fn files(&self, version: Option<i64>) -> Vec<DataFile> {
        self.lake.state(&table(), version).await.unwrap().unwrap().files.clone()
    }

    fn read(&self, path: &str) -> RecordBatch {
        let file = std::fs::File::open(self.folder.path().join(path)).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let batches: Vec<RecordBatch> = reader.map(|batch| batch.unwrap()).collect();
        concat_batches(&batches[0].schema(), &batches).unwrap()
    }

    /// The amounts that a version holds, sorted.
    async fn amounts(&self, version: Option<i64>) -> Vec<i128> {
        let mut amounts = Vec::new();
        for file in self.files(version).await {
            let batch = self.read(&Lake::file_path("aws_charge", &file));
            assert_eq!(batch.num_rows() as u64, file.rows);
            amounts.extend(batch.column_by_name("amount").unwrap().as_primitive::<Decimal128Type>().values().iter());
        }
        amounts.sort_unstable();
        amounts
    }
}

/// The same files once more, as a caller would name them who commits twice.
fn copied(files: &[NewFile]) -> Vec<NewFile> {
    let copy = |new: &NewFile| NewFile { file: new.file.clone(), statistics: new.statistics.clone(), totals: new.totals.clone(), placing: None };
    files.iter().map(copy).collect()
}
