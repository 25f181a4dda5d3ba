//! Compaction: the small files of a month become one, with their rows in the order of the files.
//!
//! A file's name says what it was made from. A compacted file takes over the paths of those that it stands for, in its log entry:
//! whoever looks for their units, or for what has changed, finds them there.

use std::collections::BTreeMap;

use arrow::record_batch::RecordBatchReader;
use chrono::NaiveDate;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use takings_definitions::Table;

use crate::commit::Change;
use crate::{DataFile, Error, Lake, NewFile, Result};

/// Bytes of a file that is large enough, and that compacted ones become, about.
pub(crate) const TARGET: u64 = 32 << 20;
/// So many small files of a month are worth the work.
const MANY: usize = 4;
/// Parts of a compacted file: they stand in its log entry.
const PARTS: usize = 1_000;

/// A table of which files were compacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// Its version before, with the same rows.
    pub from: i64,
    pub version: i64,
    /// How many files became how many.
    pub files: usize,
    pub into: usize,
}

impl Lake {
    /// Makes few files of the small ones of each month. `None`: there was nothing worth it.
    pub async fn compact(&self, table: &Table) -> Result<Option<Compacted>> {
        let Some(state) = self.state(table, None).await? else { return Ok(None) };
        let mut change = Change { adds: Vec::new(), removes: Vec::new(), rearranges: true };
        for files in worth_it(&state.files) {
            let new = self.merge(table, &files).await?;
            if let Some(new) = new {
                change.adds.push(new);
                change.removes.extend(files.into_iter().cloned());
            }
        }
        if change.adds.is_empty() {
            return Ok(None);
        }
        let (files, into) = (change.removes.len(), change.adds.len());
        let info = BTreeMap::from([("step".to_owned(), "compact".to_owned())]);
        let committed = self.commit_as(table, Some(state.app_version), change, info).await?;
        Ok(Some(Compacted { from: state.version, version: committed.version, files, into }))
    }

    /// One file with the rows of others. `None`: one of them has other columns than the table has now; its rows are due to be made again.
    async fn merge(&self, table: &Table, files: &[&DataFile]) -> Result<Option<NewFile>> {
        let parts = files.iter().flat_map(|file| file.origins()).map(str::to_owned).collect();
        let mut writer = self.writer(table, None)?.taking_over(parts);
        for file in files {
            let path = Self::file_path(&table.name, file);
            let failed = |source| Error::Parquet { path: path.clone(), source };
            let bytes = self.store().get(&path).await?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).and_then(ParquetRecordBatchReaderBuilder::build).map_err(failed)?;
            if reader.schema().fields() != writer.file_schema().fields() {
                writer.abort().await?;
                return Ok(None);
            }
            for batch in reader {
                let batch = batch.map_err(|error| failed(error.into()))?;
                writer.write_to(file.period_month, &batch).await?;
            }
        }
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        let mut made = writer.finish().await?;
        match made.pop() {
            Some(new) if made.is_empty() && new.file.rows == rows => Ok(Some(new)),
            new => {
                let written: u64 = made.iter().chain(&new).map(|new| new.file.rows).sum();
                Err(Error::data(&table.name, format!("compaction made {written} rows of {rows}; nothing was committed")))
            }
        }
    }
}

/// Groups of files to be made one, each of one month.
fn worth_it(files: &[DataFile]) -> Vec<Vec<&DataFile>> {
    let mut months: BTreeMap<Option<NaiveDate>, Vec<&DataFile>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.size < TARGET / 2) {
        months.entry(file.period_month).or_default().push(file);
    }
    let mut groups = Vec::new();
    for small in months.into_values() {
        let mut group: Vec<&DataFile> = Vec::new();
        let (mut size, mut parts) = (0, 0);
        for file in small {
            let more = file.origins().count();
            if size + file.size > TARGET || parts + more > PARTS {
                groups.push(std::mem::take(&mut group));
                (size, parts) = (0, 0);
            }
            group.push(file);
            (size, parts) = (size + file.size, parts + more);
        }
        groups.push(group);
    }
    groups.retain(|group| group.len() >= MANY);
    groups
}
