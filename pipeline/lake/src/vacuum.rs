//! Deletes files that no kept version of a table names.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};
use deltalake_core::table::state::DeltaTableState;
use futures::TryStreamExt;
use takings_definitions::Table;

use crate::log::Log;
use crate::{Error, Lake, Result, TableState};

impl Lake {
    /// Deletes the data files that neither the current version nor one of `keep_versions` names, and that were removed from
    /// the table (or, if they never were in it, written) longer than `retention` ago. Gives their paths in the store.
    ///
    /// The retention also protects the files that a running writer has not committed yet: it must be longer than a run.
    pub async fn vacuum(&self, table: &Table, keep_versions: &BTreeSet<i64>, retention: Duration) -> Result<Vec<String>> {
        let log = self.log(&table.name)?;
        // Listed first: what is committed meanwhile is then in the current version.
        let folder = Lake::table_path(&table.name);
        let listed = self.store.list(&folder).await?;
        let Some(current) = self.known.read(&log, None).await? else { return Ok(Vec::new()) };

        let mut kept = HashSet::new();
        keep_files(&current.state, &mut kept);
        for &version in keep_versions {
            if let Some(read) = self.known.read(&log, Some(version)).await? {
                keep_files(&read.state, &mut kept);
            }
        }
        let removed_at = tombstones(&log, &current.log).await?;

        let before = self.now() - retention;
        let mut deleted = Vec::new();
        for object in listed {
            let path = object.location.as_ref();
            let Some(in_table) = path.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('/')) else { continue };
            if in_table.starts_with("_delta_log/") || !in_table.ends_with(".parquet") || kept.contains(in_table) {
                continue;
            }
            let since = removed_at.get(in_table).map_or(object.last_modified, |&removed| removed.max(object.last_modified));
            if since < before {
                self.store.delete(path).await?;
                deleted.push(path.to_owned());
            }
        }
        Ok(deleted)
    }
}

fn keep_files(state: &TableState, kept: &mut HashSet<String>) {
    kept.extend(state.files.iter().map(|file| file.path.clone()));
}

/// When each file was removed from the table. One without a time counts as removed just now.
async fn tombstones(log: &Log, current: &DeltaTableState) -> Result<HashMap<String, DateTime<Utc>>> {
    current
        .all_tombstones(log.store.as_ref())
        .map_ok(|file| {
            let removed = file.deletion_timestamp().and_then(DateTime::from_timestamp_millis).unwrap_or(DateTime::<Utc>::MAX_UTC);
            (file.path().into_owned(), removed)
        })
        .try_collect()
        .await
        .map_err(|error| Error::delta(&log.table, "list the files it removed", error))
}
