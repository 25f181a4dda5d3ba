//! The ledger in a file: SQLite, which lets one write at a time.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::Changed;
use crate::migrations::{Dialect, migrations};
use crate::query::{Query, Row};

/// How long a call waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECTIONS: u32 = 4;
/// Two processes that open a new ledger bring it up to date at once: the slower one finds the tables made and tries again.
const MIGRATION_TRIES: usize = 5;

#[derive(Debug, Clone)]
pub(crate) struct Sqlite {
    pool: SqlitePool,
}

pub(super) type Transaction = sqlx::Transaction<'static, sqlx::Sqlite>;

impl Sqlite {
    pub(crate) async fn open(file: &Path) -> sqlx::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What a call said is done must outlive a power cut, not just a kill.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        Ok(Self { pool: SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await? })
    }

    pub(super) async fn migrate(&self) -> Result<(), MigrateError> {
        let migrations = migrations(&Dialect::Sqlite);
        let mut tries = 1;
        loop {
            match migrations.run(&self.pool).await {
                Err(error) if tries == MIGRATION_TRIES => return Err(error),
                Err(_) => tries += 1,
                Ok(()) => return Ok(()),
            }
        }
    }

    pub(super) async fn change(&self, statement: &Query, gives: bool) -> sqlx::Result<Changed> {
        if gives {
            let row = statement.of().fetch_one(&self.pool).await?;
            return Ok(Changed { rows: 1, given: Some(Row::Sqlite(row)) });
        }
        Ok(Changed { rows: statement.of().execute(&self.pool).await?.rows_affected(), given: None })
    }

    pub(super) async fn rows(&self, query: &Query) -> sqlx::Result<Vec<Row>> {
        Ok(query.of().fetch_all(&self.pool).await?.into_iter().map(Row::Sqlite).collect())
    }

    pub(super) async fn begin(&self) -> sqlx::Result<Transaction> {
        self.pool.begin_with("BEGIN IMMEDIATE").await
    }

    /// Waits for open calls and closes the file; its write-ahead log goes into it.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}
