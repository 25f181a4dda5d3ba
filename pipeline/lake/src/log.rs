//! A table's Delta log: where it lies and what it says.

use std::sync::Arc;

use deltalake_core::DeltaTableError;
use deltalake_core::kernel::EagerSnapshot;
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::table::state::DeltaTableState;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use url::Url;

use crate::{Error, Lake, Result};

/// The application whose transaction version numbers the commits of a table.
pub(crate) const APPLICATION: &str = "takings";

/// The log of one table.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) table: String,
    pub(crate) store: LogStoreRef,
}

impl Log {
    /// The latest version, or a given one, from its first line on. `None` when the table was never committed.
    pub(crate) async fn read(&self, version: Option<i64>) -> Result<Option<DeltaTableState>> {
        let wanted = version.map(|version| u64::try_from(version).map_err(|_| self.no_version(version, "versions count from 0".into()))).transpose()?;
        match (DeltaTableState::try_new(self.store.as_ref(), wanted).await, version) {
            (Ok(read), _) => Ok(Some(read)),
            (Err(DeltaTableError::NotATable(_)), None) => Ok(None),
            (Err(error), None) => Err(self.unreadable(error)),
            (Err(error), Some(version)) => match DeltaTableState::try_new(self.store.as_ref(), None).await {
                Err(DeltaTableError::NotATable(_)) => Ok(None),
                _ => Err(self.no_version(version, error.to_string())),
            },
        }
    }

    /// The version of the last commit by this program.
    pub(crate) async fn application_version(&self, snapshot: &EagerSnapshot) -> Result<Option<i64>> {
        snapshot.transaction_version(self.store.as_ref(), APPLICATION).await.map_err(|error| Error::delta(&self.table, "read its transaction version", error))
    }

    pub(crate) fn unreadable(&self, error: DeltaTableError) -> Error {
        Error::delta(&self.table, "read its Delta log", error)
    }

    fn no_version(&self, version: i64, reason: String) -> Error {
        Error::NoVersion { table: self.table.clone(), version, reason }
    }
}

impl Lake {
    pub(crate) fn log(&self, table: &str) -> Result<Log> {
        // A URL of our own: its path is the path in the store, whatever the store is.
        let place =
            Url::parse(&format!("takings:///{}/", Self::table_path(table))).map_err(|error| Error::data(table, format!("not a table's name: {error}")))?;
        let root = self.store.object_store();
        let in_table = Arc::new(PrefixStore::new(root.clone(), Path::from(Self::table_path(table))));
        Ok(Log { table: table.to_owned(), store: default_logstore(in_table, root, &place, &StorageConfig::default()) })
    }
}
