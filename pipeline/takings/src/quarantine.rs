//! The quarantine: every record that was not taken, with its reason, raw text and identity, as Parquet under `quarantine/`.
//!
//! One file per unit, replaced whole; the file goes when its unit is published clean or is no longer wanted. It is written and read a few
//! thousand records at a time (who reads holds the compressed file): a large file that is stopped is no reason to need much memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use takings_decode::Reject;
use takings_definitions::{Channel, Export};
use takings_runs::{Unit, UnitKey};
use takings_sources::LandingRecord;
use takings_storage::{StagedFile, Store};

use crate::failure::{Failure, Result};
use crate::publish::{Outcome, UnitOutcome};
use crate::rejects::Rejects;

/// The rule of good records of a file that was stopped.
const STOPPED: &str = "file_stopped";

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
        Self { part, line, column: None, rule: STOPPED.to_owned(), reason: reason.to_owned(), text: String::new(), raw }
    }
}

impl From<Reject> for Entry {
    fn from(reject: Reject) -> Self {
        let Reject { part, line, column, rule, text, raw, reason } = reject;
        Self { part, line, column, rule: rule.to_owned(), reason, text, raw }
    }
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

/// So many entries, or bytes of them, are encoded at once.
const ENTRIES: usize = 8192;
const BYTES: usize = 4 << 20;
/// Rows, and bytes of encoded pages, that wait for the end of their row group.
const GROUP_ROWS: usize = 1 << 17;
const GROUP_BYTES: usize = 16 << 20;

/// A unit's quarantine file while it is written; before [`Writer::finish`] nobody sees it.
pub struct Writer<'a> {
    export: &'a Export,
    record: &'a LandingRecord,
    unit: &'a str,
    parquet: ArrowWriter<Vec<u8>>,
    file: StagedFile,
    waiting: Vec<Entry>,
    bytes: usize,
    records: Counted,
}

impl<'a> Writer<'a> {
    pub async fn new(store: &Store, export: &'a Export, record: &'a LandingRecord, unit: &'a str) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_max_row_group_bytes(Some(GROUP_BYTES))
            .set_created_by("takings".to_owned());
        let parquet = ArrowWriter::try_new(Vec::new(), schema(), Some(properties.build())).map_err(Failure::run)?;
        Ok(Self { export, record, unit, parquet, file: store.stage().await?, waiting: Vec::new(), bytes: 0, records: Counted::default() })
    }

    /// Entries of one record follow one another.
    pub async fn add(&mut self, entry: Entry) -> Result<()> {
        self.bytes += entry.raw.len() + entry.text.len() + entry.reason.len();
        self.records.count((entry.part.as_str(), entry.line.cast_signed()));
        self.waiting.push(entry);
        if self.waiting.len() >= ENTRIES || self.bytes >= BYTES { self.encode().await } else { Ok(()) }
    }

    async fn encode(&mut self) -> Result<()> {
        let rows = batch(self.export, self.record, self.unit, &self.waiting)?;
        self.waiting.clear();
        self.bytes = 0;
        self.parquet.write(&rows).map_err(Failure::run)?;
        self.hand_over().await
    }

    /// Writes what of the file is complete.
    async fn hand_over(&mut self) -> Result<()> {
        let bytes = std::mem::take(self.parquet.inner_mut());
        if bytes.is_empty() { Ok(()) } else { Ok(self.file.write(bytes.into()).await?) }
    }

    /// So far.
    pub fn records(&self) -> u64 {
        self.records.records
    }

    /// Puts the file into its place; says how many records it holds.
    pub async fn finish(mut self) -> Result<u64> {
        self.encode().await?;
        self.parquet.finish().map_err(Failure::run)?;
        self.hand_over().await?;
        self.file.commit(&format!("{}{}.parquet", folder(&self.record.channel, &self.export.name), self.unit)).await?;
        Ok(self.records.records)
    }

    /// Throws away what was written.
    pub async fn discard(self) -> Result<()> {
        Ok(self.file.discard().await?)
    }
}

/// Writes a unit's quarantine file.
pub async fn write(store: &Store, export: &Export, record: &LandingRecord, unit: &str, entries: impl IntoIterator<Item = Entry>) -> Result<()> {
    let mut writer = Writer::new(store, export, record, unit).await?;
    for entry in entries {
        writer.add(entry).await?;
    }
    writer.finish().await?;
    Ok(())
}

/// Writes the bad records of a unit that is published, or removes its file where it has none.
pub async fn keep(store: &Store, export: &Export, record: &LandingRecord, unit: &str, rejects: Rejects) -> Result<()> {
    if rejects.count() > 0 {
        return write(store, export, record, unit, rejects.into_kept().into_iter().map(Entry::from)).await;
    }
    let path = format!("{}{unit}.parquet", folder(&record.channel, &export.name));
    if store.exists(&path).await? {
        store.delete(&path).await?;
    }
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
        let path = object.location.as_ref();
        let (mut unit, mut rules): (Option<Listed>, BTreeMap<String, Counted>) = (None, BTreeMap::new());
        let mut all = Counted::default();
        for batch in batches(store, path, &["channel", "export", "instance", "source_path", "part", "rule", "line"]).await? {
            let rows = Rows(batch?);
            for row in 0..rows.count() {
                let place = (rows.text("part", row), rows.number("line", row));
                all.count(place);
                match rules.get_mut(rows.text("rule", row)) {
                    Some(counted) => counted.count(place),
                    None => rules.entry(rows.text("rule", row).to_owned()).or_default().count(place),
                }
                unit.get_or_insert_with(|| Listed {
                    id: unit_of(path),
                    channel: rows.text("channel", row).to_owned(),
                    export: rows.text("export", row).to_owned(),
                    instance: rows.text("instance", row).to_owned(),
                    source_path: rows.text("source_path", row).to_owned(),
                    records: 0,
                    rules: BTreeMap::new(),
                });
            }
        }
        if let Some(unit) = unit {
            let rules = rules.into_iter().map(|(rule, counted)| (rule, counted.records)).collect();
            listed.push(Listed { records: all.records, rules, ..unit });
        }
    }
    Ok(listed)
}

/// Counts records of which several entries may tell, one behind the other.
#[derive(Default)]
struct Counted {
    records: u64,
    last: Option<(String, i64)>,
}

impl Counted {
    fn count(&mut self, (part, line): (&str, i64)) {
        if self.last.as_ref().is_none_or(|last| (last.0.as_str(), last.1) != (part, line)) {
            self.records += 1;
            self.last = Some((part.to_owned(), line));
        }
    }
}

/// The first entries of one unit, and how many there are. Records with a fault of their own come first.
pub async fn show(store: &Store, id: &str, limit: usize) -> Result<(Vec<Row>, usize)> {
    for object in store.list("quarantine/").await? {
        let path = object.location.as_ref();
        if unit_of(path) != id {
            continue;
        }
        let (mut bad, mut good, mut all) = (Vec::new(), Vec::new(), 0);
        let columns: Vec<&str> = TEXT_COLUMNS.into_iter().chain(["version", "line"]).collect();
        for batch in batches(store, path, &columns).await? {
            let rows = Rows(batch?);
            all += rows.count();
            for row in 0..rows.count() {
                let kept = if rows.text("rule", row) == STOPPED { &mut good } else { &mut bad };
                // Those of the batches before stand in order.
                let last = limit.checked_sub(1).and_then(|at| kept.get(at));
                if last.is_none_or(|last: &Row| (rows.text("part", row), rows.number("line", row)) < last.place()) {
                    kept.push(rows.row(row));
                }
            }
            first(&mut bad, limit);
            first(&mut good, limit);
        }
        bad.extend(good);
        bad.truncate(limit);
        return Ok((bad, all));
    }
    Err(Failure::usage(format!("the quarantine has no `{id}`; `takings quarantine list` shows the ids")))
}

/// Those of them that stand first in the unit.
fn first(rows: &mut Vec<Row>, limit: usize) {
    rows.sort_by(|one, other| one.place().cmp(&other.place()));
    rows.truncate(limit);
}

/// One row of a quarantine file.
#[derive(Debug, serde::Serialize)]
pub struct Row {
    #[serde(flatten)]
    pub text: BTreeMap<&'static str, String>,
    pub version: i64,
    pub line: i64,
}

impl Row {
    fn place(&self) -> (&str, i64) {
        (&self.text["part"], self.line)
    }
}

/// Some rows of a quarantine file.
struct Rows(RecordBatch);

impl Rows {
    fn count(&self) -> usize {
        self.0.num_rows()
    }

    /// Empty where it is null, or no column of the file.
    fn text(&self, name: &str, row: usize) -> &str {
        let column = self.0.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        column.filter(|column| column.is_valid(row)).map_or("", |column| column.value(row))
    }

    fn number(&self, name: &str, row: usize) -> i64 {
        self.0.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>()).map_or(0, |column| column.value(row))
    }

    fn row(&self, row: usize) -> Row {
        let text = TEXT_COLUMNS.into_iter().map(|name| (name, self.text(name, row).to_owned())).collect();
        Row { text, version: self.number("version", row), line: self.number("line", row) }
    }
}

/// These columns of a quarantine file, some rows at a time.
async fn batches(store: &Store, path: &str, columns: &[&str]) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
    let named = format!("{}{path}", store.url());
    let bytes = store.get(path).await?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).and_then(|builder| {
        let wanted = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        builder.with_projection(wanted).build()
    });
    let reader = reader.map_err(|error| Failure::run(format!("{named}: {error}")))?;
    Ok(reader.map(move |batch| batch.map_err(|error| Failure::run(format!("{named}: {error}")))))
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
