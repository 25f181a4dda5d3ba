//! What a table consists of at a version.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use chrono::NaiveDate;
use deltalake_core::kernel::{EagerSnapshot, LogicalFileView};
use futures::stream::{self, StreamExt, TryStreamExt};
use takings_definitions::Table;

use crate::{Error, Lake, PARTITION_COLUMN, Result};

/// So many logs are read at once.
const READ_AT_ONCE: usize = 8;

/// A table at one version of its Delta log.
#[derive(Debug, Clone)]
pub struct TableState {
    pub version: i64,
    /// Counts the commits of this program; a commit says which one it was planned on. 0: there was none.
    pub app_version: i64,
    /// Sorted by path.
    pub files: Vec<DataFile>,
    pub schema: SchemaRef,
}

/// A Parquet file of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Relative to the table's folder.
    pub path: String,
    pub size: u64,
    pub rows: u64,
    /// The month that all rows belong to; `None` in a table without partitions.
    pub period_month: Option<NaiveDate>,
    /// The paths of the files whose rows it took over when it was compacted; none = its rows were written here.
    pub parts: Vec<String>,
}

impl DataFile {
    /// The files whose rows it holds, as they were first written.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        let own = self.parts.is_empty().then_some(self.path.as_str());
        own.into_iter().chain(self.parts.iter().map(String::as_str))
    }

    /// What it was made from, as given to [`Lake::writer`].
    pub fn units(&self) -> impl Iterator<Item = &str> {
        self.origins().filter_map(unit_of)
    }
}

impl Lake {
    /// The table's latest version, or a given one. `None`: there is no such table yet.
    pub async fn state(&self, table: &Table, version: Option<i64>) -> Result<Option<Arc<TableState>>> {
        self.state_of(&table.name, version).await
    }

    /// The latest versions of tables, side by side; those that are not there are left out.
    pub async fn states<'t>(&self, tables: impl IntoIterator<Item = &'t Table>) -> Result<BTreeMap<String, Arc<TableState>>> {
        let read = stream::iter(tables).map(async |table| Ok((table.name.clone(), self.state(table, None).await?))).buffered(READ_AT_ONCE);
        read.try_filter_map(async |(name, state)| Ok(state.map(|state| (name, state)))).try_collect().await
    }

    /// The newest version that was read or committed by way of this lake; only where there is none the log is looked at. Whoever plans on it finds at
    /// its commit whether somebody else has committed since.
    pub async fn known_state(&self, table: &Table) -> Result<Option<Arc<TableState>>> {
        match self.known.latest(&table.name) {
            Some(latest) => Ok(latest.map(|read| read.state)),
            None => self.state(table, None).await,
        }
    }

    /// The same as [`Lake::state`] by the table's name alone.
    pub async fn state_of(&self, table: &str, version: Option<i64>) -> Result<Option<Arc<TableState>>> {
        Ok(self.known.read(&self.log(table)?, version).await?.map(|read| read.state))
    }
}

pub(crate) fn version_number(table: &str, version: u64) -> Result<i64> {
    i64::try_from(version).map_err(|_| Error::data(table, format!("version {version} is out of range")))
}

pub(crate) fn data_files(table: &str, snapshot: &EagerSnapshot) -> Result<Vec<DataFile>> {
    let log_data = snapshot.try_log_data().map_err(|error| Error::delta(table, "list its files", error))?;
    let mut files = log_data.iter().map(|view| data_file(table, &view)).collect::<Result<Vec<_>>>()?;
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn data_file(table: &str, view: &LogicalFileView) -> Result<DataFile> {
    let path = view.path().into_owned();
    let wrong = |what: String| Error::data(table, format!("file {path} in its Delta log {what}; it was not committed by this program"));
    let rows = view.num_records().ok_or_else(|| wrong("has no number of rows".into()))?;
    let size = u64::try_from(view.size()).map_err(|_| wrong(format!("has the size {}", view.size())))?;
    let period_month = match view.partition_values_map().remove(PARTITION_COLUMN).flatten() {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| wrong(format!("has the month \"{text}\"")))?),
    };
    Ok(DataFile { parts: parts(&path, view), size, rows: rows as u64, period_month, path })
}

/// The tag of a compacted file: its parts, a line each.
pub(crate) const PARTS_TAG: &str = "takings.parts";

fn parts(path: &str, view: &LogicalFileView) -> Vec<String> {
    if unit_of(path).is_some() {
        // Most files: a compacted one has no unit of its own.
        return Vec::new();
    }
    // The only way to a file's tags; they may be gone after a checkpoint of another writer, then the file has no units and is made again.
    #[allow(deprecated)]
    let tags = view.add_action().tags.unwrap_or_default();
    let parts = tags.get(PARTS_TAG).cloned().flatten().unwrap_or_default();
    parts.lines().map(str::to_owned).collect()
}

/// The name of a new file.
pub(crate) fn file_name(month: Option<NaiveDate>, unit: Option<&str>, id: uuid::Uuid) -> String {
    let folder = month.map(|month| format!("{PARTITION_COLUMN}={month}/")).unwrap_or_default();
    let unit = unit.map(|unit| format!("{unit}-")).unwrap_or_default();
    format!("{folder}{unit}{id}.parquet")
}

/// The unit in a file's name, which ends in `-<uuid>.parquet`.
fn unit_of(path: &str) -> Option<&str> {
    const UUID_LENGTH: usize = 36;
    let stem = path.rsplit('/').next()?.strip_suffix(".parquet")?;
    let unit = stem.get(..stem.len().checked_sub(UUID_LENGTH)?)?.strip_suffix('-')?;
    (!unit.is_empty()).then_some(unit)
}
