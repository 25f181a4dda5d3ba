//! The lake: Parquet files with fresh names, one Delta commit per table that adds and removes them, and the plain mirror.
//!
//! Nobody else commits. Files are written first and seen by nobody; a commit makes them the table in one step, and only if
//! the table still stands where the caller planned from. This crate must not know a channel, a report or the SQL engine.
//! The clock it is given marks deletions and log entries; it never decides what a table contains.

mod commit;
mod compact;
mod error;
mod known;
mod log;
mod mirror;
mod months;
mod parquet_file;
mod schema;
mod state;
mod statistics;
#[cfg(test)]
mod tests;
mod vacuum;
mod writer;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use takings_storage::Store;
use tokio::sync::Semaphore;

use known::Known;

pub use commit::Committed;
pub use compact::Compacted;
pub use error::{Error, Result};
pub use mirror::MirrorWriter;
pub use schema::{PARTITION_COLUMN, table_schema};
pub use state::{DataFile, TableState};
pub use writer::{NewFile, TableWriter};

/// The tables of one store, under `lake/`, and their mirror, under `bi/`.
#[derive(Clone)]
pub struct Lake {
    store: Store,
    retention_days: u32,
    now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    places: Arc<Semaphore>,
    known: Known,
}

impl Lake {
    /// `retention_days`: how long replaced files and log entries are kept for time travel (written into each table's
    /// properties, so that other Delta tools keep to it). `now`: the time that marks deletions.
    pub fn new(store: Store, retention_days: u32, now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self { store, retention_days, now: Arc::new(now), places: Arc::new(Semaphore::new(writer::PLACED_AT_ONCE)), known: Known::default() }
    }

    /// The same lake by way of another store of the same files.
    #[must_use]
    pub fn on(&self, store: Store) -> Self {
        Self { store, ..self.clone() }
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A table's folder, relative to the store.
    pub fn table_path(table: &str) -> String {
        format!("lake/{table}")
    }

    /// A data file's path, relative to the store.
    pub fn file_path(table: &str, file: &DataFile) -> String {
        format!("lake/{table}/{}", file.path)
    }

    fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }
}

impl fmt::Debug for Lake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lake").field("store", self.store.url()).field("retention_days", &self.retention_days).finish()
    }
}
