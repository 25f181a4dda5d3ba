//! What was read of the tables' logs. A version of a table never changes, so it is read once; of the latest one only what came since is read.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deltalake_core::table::state::DeltaTableState;

use crate::Result;
use crate::log::Log;
use crate::state::{TableState, data_files, version_number};

/// So many versions of a table are kept: a run asks for the ones before and after what it commits.
const VERSIONS: usize = 4;

/// A version of a table's log, and what it says.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) log: DeltaTableState,
    pub(crate) state: Arc<TableState>,
}

/// What is known of the tables of a lake, as long as it is open: for a run. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    tables: Arc<Mutex<HashMap<String, Versions>>>,
}

#[derive(Debug, Default)]
struct Versions {
    read: BTreeMap<i64, Version>,
    /// The latest one when it was looked for last, or committed; `Some(None)`: there was no such table.
    latest: Option<Option<i64>>,
}

impl Known {
    /// The table's latest version, or a given one. `None`: it was never committed.
    pub(crate) async fn read(&self, log: &Log, version: Option<i64>) -> Result<Option<Version>> {
        match version {
            Some(version) => match self.version(&log.table, version) {
                Some(known) => Ok(Some(known)),
                None => self.read_anew(log, Some(version)).await,
            },
            None => match self.latest(&log.table).flatten() {
                Some(known) => Ok(Some(self.advanced(log, known).await?)),
                None => self.read_anew(log, None).await,
            },
        }
    }

    /// The latest version when it was looked for last; `Some(None)`: there was no such table.
    pub(crate) fn latest(&self, table: &str) -> Option<Option<Version>> {
        let tables = self.lock();
        let versions = tables.get(table)?;
        match versions.latest? {
            Some(latest) => versions.read.get(&latest).cloned().map(Some),
            None => Some(None),
        }
    }

    /// What a commit made of the table. The commit stands whatever this finds: what can't be kept is looked for when it is asked for.
    pub(crate) fn committed(&self, table: &str, log: DeltaTableState, app_version: i64) {
        if self.keep(table, log, app_version, true).is_err() {
            self.moved_on(table);
        }
    }

    /// The table has another version than the latest that is known.
    pub(crate) fn moved_on(&self, table: &str) {
        if let Some(versions) = self.lock().get_mut(table) {
            versions.latest = None;
        }
    }

    async fn read_anew(&self, log: &Log, version: Option<i64>) -> Result<Option<Version>> {
        match log.read(version).await? {
            Some(read) => Ok(Some(self.read_through(log, read, version.is_none()).await?)),
            None if version.is_none() => {
                self.lock().entry(log.table.clone()).or_default().latest = Some(None);
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// The log is listed from the known version on; without newer ones nothing is read.
    async fn advanced(&self, log: &Log, known: Version) -> Result<Version> {
        let mut latest = known.log.clone();
        latest.update(log.store.as_ref(), None).await.map_err(|error| log.unreadable(error))?;
        if latest.version() == known.log.version() { Ok(known) } else { self.read_through(log, latest, true).await }
    }

    async fn read_through(&self, log: &Log, read: DeltaTableState, is_latest: bool) -> Result<Version> {
        let app_version = log.application_version(read.snapshot()).await?.unwrap_or(0);
        self.keep(&log.table, read, app_version, is_latest)
    }

    fn keep(&self, table: &str, log: DeltaTableState, app_version: i64, is_latest: bool) -> Result<Version> {
        let version = version_number(table, log.version())?;
        let snapshot = log.snapshot();
        let state = Arc::new(TableState { version, app_version, files: data_files(table, snapshot)?, schema: snapshot.arrow_schema() });
        let read = Version { log, state };
        let mut tables = self.lock();
        let versions = tables.entry(table.to_owned()).or_default();
        versions.read.insert(version, read.clone());
        if is_latest {
            versions.latest = Some(versions.latest.flatten().max(Some(version)));
        }
        if versions.read.len() > VERSIONS {
            let needed = [Some(version), versions.latest.flatten()];
            let oldest = versions.read.keys().copied().find(|kept| !needed.contains(&Some(*kept)));
            oldest.and_then(|oldest| versions.read.remove(&oldest));
        }
        Ok(read)
    }

    fn version(&self, table: &str, version: i64) -> Option<Version> {
        self.lock().get(table)?.read.get(&version).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Versions>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
