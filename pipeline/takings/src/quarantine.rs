//! The quarantine: every record that was not taken, with its reason, raw text and identity, as Parquet under `quarantine/`.
//!
//! One file per unit, replaced whole; the file goes when its unit is published clean or is no longer wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use takings_decode::Reject;
use takings_definitions::{Channel, Export};
use takings_runs::{Unit, UnitKey};
use takings_sources::LandingRecord;
use takings_storage::Store;

use crate::failure::{Failure, Result};
use crate::publish::{Outcome, UnitOutcome};

/// One problem of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Member, sheet or section; empty for a plain file.
    pub part: String,
    pub line: u64,
    pub column: Option<String>,
    pub rule: String,
    pub reason: String,
    pub text: String,
    pub raw: String,
}

impl Entry {
    /// A good record of a file that was stopped.
    pub fn stopped(part: String, line: u64, raw: String, reason: &str) -> Self {
        Self { part, line, column: None, rule: "file_stopped".to_owned(), reason: reason.to_owned(), text: String::new(), raw }
    }
}

pub fn entries(rejects: &[Reject]) -> Vec<Entry> {
    rejects
        .iter()
        .map(|reject| Entry {
            part: reject.part.clone(),
            line: reject.line,
            column: reject.column.clone(),
            rule: reject.rule.to_string(),
            reason: reject.reason.clone(),
            text: reject.text.clone(),
            raw: reject.raw.clone(),
        })
        .collect()
}

const TEXT_COLUMNS: [&str; 12] = ["unit", "channel", "export", "instance", "file_id", "source_path", "part", "column", "rule", "reason", "text", "raw"];

fn schema() -> Arc<Schema> {
    let mut fields: Vec<Field> = TEXT_COLUMNS.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
    fields.push(Field::new("version", DataType::Int64, false));
    fields.push(Field::new("line", DataType::Int64, false));
    Arc::new(Schema::new(fields))
}

fn folder(channel: &str, export: &str) -> String {
    format!("quarantine/{channel}/{export}/")
}

/// Writes a unit's quarantine file, in one piece.
pub async fn write(store: &Store, export: &Export, record: &LandingRecord, unit: &str, mut entries: Vec<Entry>) -> Result<()> {
    entries.sort_by(|a, b| (&a.part, a.line, &a.column).cmp(&(&b.part, b.line, &b.column)));
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).set_created_by("takings".to_owned()).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema(), Some(properties)).map_err(Failure::run)?;
    for part in entries.chunks(8192) {
        writer.write(&batch(export, record, unit, part)?).map_err(Failure::run)?;
    }
    let bytes = writer.into_inner().map_err(Failure::run)?;
    store.replace(&format!("{}{unit}.parquet", folder(&record.channel, &export.name)), bytes).await?;
    Ok(())
}

fn batch(export: &Export, record: &LandingRecord, unit: &str, entries: &[Entry]) -> Result<RecordBatch> {
    let text = |value: &dyn Fn(&Entry) -> Option<String>| Arc::new(StringArray::from_iter(entries.iter().map(value))) as Arc<dyn Array>;
    let same = |value: &str| {
        let value = value.to_owned();
        text(&move |_| Some(value.clone()))
    };
    let number =
        |value: &dyn Fn(&Entry) -> u64| Arc::new(Int64Array::from_iter_values(entries.iter().map(|entry| value(entry).cast_signed()))) as Arc<dyn Array>;
    let columns = vec![
        same(unit),
        same(&record.channel),
        same(&export.name),
        same(&record.instance),
        same(&record.file_id),
        same(&record.source_path),
        text(&|entry| Some(entry.part.clone())),
        text(&|entry| entry.column.clone()),
        text(&|entry| Some(entry.rule.clone())),
        text(&|entry| Some(entry.reason.clone())),
        text(&|entry| Some(entry.text.clone())),
        text(&|entry| Some(entry.raw.clone())),
        number(&|_| record.version),
        number(&|entry| entry.line),
    ];
    RecordBatch::try_new(schema(), columns).map_err(Failure::run)
}

/// Removes the files of units that are no longer wanted.
pub async fn forget_others(store: &Store, channel: &Channel, export: &Export, wanted: &BTreeSet<String>) -> Result<()> {
    for object in store.list(&folder(&channel.name, &export.name)).await? {
        let unit = unit_of(object.location.as_ref());
        if !wanted.contains(&unit) {
            store.delete(object.location.as_ref()).await?;
        }
    }
    Ok(())
}

/// Removes a unit's file, where the unit was published without a bad record.
pub async fn forget(store: &Store, channel: &str, export: &str, unit: &str) -> Result<()> {
    let path = format!("{}{unit}.parquet", folder(channel, export));
    if store.exists(&path).await? {
        store.delete(&path).await?;
    }
    Ok(())
}

/// What the quarantine holds of one unit.
#[derive(Debug, serde::Serialize)]
pub struct Listed {
    pub id: String,
    pub channel: String,
    pub export: String,
    pub instance: String,
    pub source_path: String,
    pub records: u64,
    /// Records by rule.
    pub rules: BTreeMap<String, u64>,
}

pub async fn list(store: &Store) -> Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for object in store.list("quarantine/").await? {
        let rows = read(store, object.location.as_ref()).await?;
        let Some(first) = rows.first() else { continue };
        let mut rules: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
        for row in &rows {
            rules.entry(row.text["rule"].clone()).or_default().insert(row.line);
        }
        listed.push(Listed {
            id: unit_of(object.location.as_ref()),
            channel: first.text["channel"].clone(),
            export: first.text["export"].clone(),
            instance: first.text["instance"].clone(),
            source_path: first.text["source_path"].clone(),
            records: rows.iter().map(|row| row.line).collect::<BTreeSet<_>>().len() as u64,
            rules: rules.into_iter().map(|(rule, lines)| (rule, lines.len() as u64)).collect(),
        });
    }
    Ok(listed)
}

/// The entries of one unit.
pub async fn show(store: &Store, id: &str) -> Result<Vec<Row>> {
    for object in store.list("quarantine/").await? {
        if unit_of(object.location.as_ref()) == id {
            return read(store, object.location.as_ref()).await;
        }
    }
    Err(Failure::usage(format!("the quarantine has no `{id}`; `takings quarantine list` shows the ids")))
}

/// One row of a quarantine file.
#[derive(Debug, serde::Serialize)]
pub struct Row {
    #[serde(flatten)]
    pub text: BTreeMap<&'static str, String>,
    pub version: i64,
    pub line: i64,
}

async fn read(store: &Store, path: &str) -> Result<Vec<Row>> {
    let bytes = store.get(path).await?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| Failure::run(format!("{path}: {error}")))?;
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|error| Failure::run(format!("{path}: {error}")))?;
        let number = |name: &str, row: usize| {
            batch.column_by_name(name).and_then(|column| column.as_any().downcast_ref::<Int64Array>()).map_or(0, |column| column.value(row))
        };
        for row in 0..batch.num_rows() {
            let text = TEXT_COLUMNS
                .iter()
                .map(|name| {
                    let column = batch.column_by_name(name).and_then(|column| column.as_any().downcast_ref::<StringArray>());
                    (*name, column.filter(|column| column.is_valid(row)).map_or(String::new(), |column| column.value(row).to_owned()))
                })
                .collect();
            rows.push(Row { text, version: number("version", row), line: number("line", row) });
        }
    }
    Ok(rows)
}

fn unit_of(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).trim_end_matches(".parquet").to_owned()
}

/// A unit's accounting for the ledger.
pub fn accounting(unit: &UnitOutcome, outcome: &Outcome) -> Unit {
    Unit {
        key: UnitKey { table: outcome.table.clone(), unit: unit.unit.clone() },
        export: outcome.export.clone(),
        instance: unit.instance.clone(),
        file_id: unit.file_id.clone(),
        source_path: unit.source_path.clone(),
        version: unit.version,
        records: unit.records,
        published: unit.published,
        quarantined: unit.quarantined,
        duplicate: 0,
        excluded: unit.excluded.values().sum(),
        totals: serde_json::to_value(
            unit.totals.iter().map(|total| (format!("{} {}", total.column, total.currency), total.sum.to_string())).collect::<BTreeMap<_, _>>(),
        )
        .unwrap_or_default(),
    }
}
