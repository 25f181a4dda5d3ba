//! The plain mirror: the current rows of every mart as one Parquet file per month under `bi/`, for tools without a Delta reader.
//!
//! Columns that identify persons or accounts are pseudonyms there unless the row's instance shares them; without a key they stand empty.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};
use chrono::NaiveDate;
use futures::TryStreamExt;
use takings_definitions::{Layer, Pii, SortKey, Table};
use takings_engine::{Parameters, SendableRecordBatchStream, Tables};
use takings_reports::Pseudonymiser;
use takings_runs::ModelState;
use uuid::Uuid;

use crate::context::{Context, now};
use crate::failure::{Failure, Result};
use crate::parallel::spread;
use crate::run_key::KeyHash;

/// Brings the mirror of every mart to the given versions; only months whose files have changed are written.
pub async fn mirror(context: &Context, run: Uuid, versions: &BTreeMap<String, i64>, tables: &Tables, force: bool) -> Result<Vec<String>> {
    let marts: Vec<&Table> = context.project.tables.values().filter(|table| table.layer == Layer::Mart && versions.contains_key(&table.name)).collect();
    let sharing: BTreeSet<&str> =
        context.project.settings.instances.iter().filter(|instance| instance.enhanced_data_sharing).map(|instance| instance.name.as_str()).collect();
    let key = pseudonym_key(context)?;
    let mut written = Vec::new();
    for table in marts {
        let version = versions[&table.name];
        let shown = Shown { masks: masks_key(&sharing, key.as_deref()), version };
        let before = last_shown(context, table).await?.filter(|_| !force);
        if before.as_ref() == Some(&shown) {
            continue;
        }
        let before = before.filter(|before| before.masks == shown.masks).map(|before| before.version);
        let masks = Masks::new(table, &sharing, key.as_deref());
        let months = changed_months(context, table, before, version).await?;
        tracing::debug!(table = table.name, months = months.len(), "mirroring");
        spread(context.threads, months.into_iter().collect(), |month| mirror_month(context, tables, table, &masks, month))?;
        context.lake.mirror_prune(&table.name, &months_of(tables, table)).await?;
        let state = ModelState { definition_hash: shown.masks, inputs: BTreeMap::new(), version };
        context.ledger.set_model_state(Some(run), &ledger_name(table), &state, now()).await?;
        written.push(table.name.clone());
    }
    Ok(written)
}

async fn mirror_month(context: &Context, tables: &Tables, table: &Table, masks: &Masks<'_>, month: Option<NaiveDate>) -> Result<()> {
    let schema = takings_lake::table_schema(table);
    let what = format!("mirror of {}", table.name);
    let mut rows = rows_of(context, tables, table, month).await?;
    let mut writer = context.lake.mirror_writer(&table.name, month, &schema).await?;
    while let Some(batch) = rows.try_next().await.map_err(|error| takings_engine::Error::running(&what, &error))? {
        let batch = takings_engine::conform(&table.name, &schema, &batch)?;
        writer.write(&masks.apply(table, &batch)?).await?;
    }
    writer.commit().await?;
    Ok(())
}

/// What the mirror of a table shows.
#[derive(PartialEq, Eq)]
struct Shown {
    masks: String,
    version: i64,
}

async fn last_shown(context: &Context, table: &Table) -> Result<Option<Shown>> {
    let state = context.ledger.model_state(&ledger_name(table)).await?;
    Ok(state.map(|state| Shown { masks: state.definition_hash, version: state.version }))
}

fn ledger_name(table: &Table) -> String {
    format!("bi/{}", table.name)
}

/// Who sees what in clear, and a fingerprint of the key.
fn masks_key(sharing: &BTreeSet<&str>, key: Option<&[u8]>) -> String {
    let mark = key.map_or_else(String::new, |key| Pseudonymiser::new(key, "fingerprint").of("key"));
    sharing.iter().fold(KeyHash::default().part(&mark), |hash, name| hash.part(name)).finish()
}

async fn changed_months(context: &Context, table: &Table, before: Option<i64>, version: i64) -> Result<BTreeSet<Option<NaiveDate>>> {
    let now = context.lake.state(table, Some(version)).await?;
    let before = match before {
        Some(before) => context.lake.state(table, Some(before)).await?,
        None => None,
    };
    let [now, before] = [&now, &before].map(|state| state.as_ref().map_or(&[][..], |state| &state.files));
    let paths: BTreeSet<&str> = before.iter().map(|file| file.path.as_str()).collect();
    let now_paths: BTreeSet<&str> = now.iter().map(|file| file.path.as_str()).collect();
    let came = now.iter().filter(|file| !paths.contains(file.path.as_str()));
    let went = before.iter().filter(|file| !now_paths.contains(file.path.as_str()));
    let mut months: BTreeSet<Option<NaiveDate>> = came.chain(went).map(|file| file.period_month).collect();
    if !table.is_partitioned() && months.is_empty() && before.is_empty() {
        months.insert(None);
    }
    let still: BTreeSet<Option<NaiveDate>> = now.iter().map(|file| file.period_month).collect();
    months.retain(|month| still.contains(month) || month.is_none());
    Ok(months)
}

/// The partitions that a mirror consists of; a table without partitions has one, even when it is empty.
fn months_of(tables: &Tables, table: &Table) -> Vec<Option<NaiveDate>> {
    if !table.is_partitioned() {
        return vec![None];
    }
    let months: BTreeSet<Option<NaiveDate>> = tables.get(&table.name).into_iter().flatten().map(|file| file.month).collect();
    months.into_iter().collect()
}

/// The current rows of one month, in a fixed order. The months are spread over the cores, so each takes one.
async fn rows_of(context: &Context, tables: &Tables, table: &Table, month: Option<NaiveDate>) -> Result<SendableRecordBatchStream> {
    let engine = context.engine.with_threads(1);
    let mut session = engine.session(&context.project, &context.graph, tables.clone(), Parameters::constants(&context.project.settings.parameters));
    let current = if table.column("known_to").is_some() { " where known_to is null" } else { "" };
    let mut frame = session.plan_text(&table.path, &format!("select * from {}{current}", table.name)).await?;
    if let Some(month) = month {
        frame = takings_engine::only_months(&table.name, frame, &BTreeSet::from([month]))?;
    }
    // The order of the raw lines, ties by the key: few long texts are compared.
    let lines = ["_file_id", "_line"].into_iter().filter(|column| table.column(column).is_some());
    let order: Vec<SortKey> =
        lines.chain(table.key.iter().map(String::as_str)).map(|column| SortKey { column: column.to_owned(), descending: false }).collect();
    let frame = takings_engine::ordered(&table.name, frame, &order)?;
    Ok(session.stream(&format!("mirror of {}", table.name), frame).await?)
}

/// The secret that the settings refer to.
fn pseudonym_key(context: &Context) -> Result<Option<Vec<u8>>> {
    let secret = context.project.settings.pseudonym_key.as_ref();
    Ok(secret.map(|secret| secret.value("secrets.pseudonym_key", context.root())).transpose()?)
}

/// Which columns of a table are masked, and how.
struct Masks<'a> {
    columns: Vec<(usize, Option<Pseudonymiser>)>,
    sharing: &'a BTreeSet<&'a str>,
}

impl<'a> Masks<'a> {
    fn new(table: &Table, sharing: &'a BTreeSet<&'a str>, key: Option<&[u8]>) -> Self {
        let purpose = |pii: Pii| match pii {
            Pii::AccountNumber => "account_number",
            Pii::EmailDomain => "email_domain",
            Pii::Person => "person",
        };
        let columns = table
            .columns
            .iter()
            .enumerate()
            .filter_map(|(at, column)| column.pii.map(|pii| (at, key.map(|key| Pseudonymiser::new(key, purpose(pii))))))
            .collect();
        Self { columns, sharing }
    }

    fn apply(&self, table: &Table, batch: &RecordBatch) -> Result<RecordBatch> {
        if self.columns.is_empty() {
            return Ok(batch.clone());
        }
        let (mut fields, mut columns) = (batch.schema().fields().to_vec(), batch.columns().to_vec());
        let instances = batch.column_by_name("_instance").map(|column| cast(column, &DataType::Utf8)).transpose().map_err(Failure::run)?;
        let instances = instances.as_ref().and_then(|column| column.as_any().downcast_ref::<StringArray>());
        for (at, pseudonymiser) in &self.columns {
            let name = &table.columns[*at].name;
            let Some(index) = batch.schema().index_of(name).ok() else { continue };
            let values = cast(&columns[index], &DataType::Utf8).map_err(Failure::run)?;
            let Some(values) = values.as_any().downcast_ref::<StringArray>() else { continue };
            let masked = StringArray::from_iter(values.iter().enumerate().map(|(row, value)| {
                let shares = instances.is_some_and(|instances| instances.is_valid(row) && self.sharing.contains(instances.value(row)));
                match (value, pseudonymiser) {
                    (Some(value), _) if shares => Some(value.to_owned()),
                    (Some(value), Some(pseudonymiser)) => Some(pseudonymiser.of(value)),
                    _ => None,
                }
            }));
            fields[index] = Arc::new(fields[index].as_ref().clone().with_data_type(DataType::Utf8));
            columns[index] = Arc::new(masked);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(Failure::run)
    }
}
