//! The ledger in a file: SQLite, which lets one write at a time.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use tokio::time::{Instant, sleep};

use super::Changed;
use crate::cause::Cause;
use crate::migrations::{Dialect, migrations};
use crate::query::{Query, Row};

/// How long a call waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECTIONS: u32 = 4;
/// Rows that a connection's thread reads before it waits for who takes them: each wait costs more than many rows.
const ROWS_AT_ONCE: usize = 1_000;
/// SQLite does not wait for the lock under which a file gets its write-ahead log, so that opening is tried again.
const OPEN_PAUSE: Duration = Duration::from_millis(20);

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
            .row_buffer_size(ROWS_AT_ONCE)
            .busy_timeout(BUSY_TIMEOUT);
        let give_up = Instant::now() + BUSY_TIMEOUT;
        loop {
            match SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options.clone()).await {
                Err(error) if Cause::of(&error) == Cause::Locked && Instant::now() < give_up => sleep(OPEN_PAUSE).await,
                opened => return Ok(Self { pool: opened? }),
            }
        }
    }

    pub(super) async fn migrate(&self) -> Result<(), MigrateError> {
        let migrations = migrations(&Dialect::Sqlite);
        // Of two processes that bring a ledger up to date at once, the slower one can find each step made before it.
        let mut left = migrations.iter().count();
        loop {
            match migrations.run(&self.pool).await {
                Err(_) if left > 0 => left -= 1,
                done => return done,
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
