//! Opening the ledger and binding it to one store.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::Row;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use takings_faults::{Faults, Kind};

use crate::{Error, Result};

/// How long a call waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECTIONS: u32 = 4;
/// Two processes that open a new ledger bring it up to date at once: the slower one finds the tables made and tries again.
const MIGRATION_TRIES: usize = 5;

/// The records of one project and environment. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Ledger {
    pool: SqlitePool,
    name: String,
    pub(crate) faults: Faults,
}

impl Ledger {
    /// Opens or makes a ledger: a path (counted from `base` when relative), `sqlite:path` or `sqlite:///path`.
    pub async fn open(url_or_path: &str, base: &Path) -> Result<Self> {
        Self::open_with(url_or_path, base, Faults::default()).await
    }

    /// The same, and asks at a gate before each statement.
    pub async fn open_with(url_or_path: &str, base: &Path, faults: Faults) -> Result<Self> {
        let file = base.join(file_of(url_or_path)?);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(|source| Error::Folder { path: folder.to_owned(), source })?;
        }
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What a call said is done must outlive a power cut, not just a kill.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let refused = |reason: String| Error::Open {
            given: url_or_path.to_owned(),
            reason: format!("{} can't be opened: {reason}", file.display()),
            next: "check the path and its rights, or set ledger.url",
        };
        let leave = faults.ask(Kind::Query, "open").map_err(|fault| refused(fault.to_string()))?;
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await.map_err(|error| refused(error.to_string()))?;
        let ledger = Self { pool, name: file.display().to_string(), faults };
        let ready = match leave.finish() {
            Ok(()) => ledger.migrate().await,
            Err(fault) => Err(refused(fault.to_string())),
        };
        if let Err(error) = ready {
            // Else the file would be closed at some later moment.
            ledger.close().await;
            return Err(error);
        }
        Ok(ledger)
    }

    async fn migrate(&self) -> Result<()> {
        let migrations = sqlx::migrate!("./migrations");
        let leave = self.ask(Kind::Commit, "migrate")?;
        let mut tries = 1;
        loop {
            match migrations.run(&self.pool).await {
                Ok(()) => return self.finish(leave),
                Err(source) if tries == MIGRATION_TRIES => return Err(Error::Migrate { ledger: self.name.clone(), source }),
                Err(_) => tries += 1,
            }
        }
    }

    /// The ledger's file, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Binds the ledger to a store on first use; afterwards another store is refused.
    pub async fn check_store(&self, store_id: &str) -> Result<()> {
        let bind = sqlx::query("INSERT INTO meta (name, value) VALUES ('store_id', $1) ON CONFLICT (name) DO NOTHING").bind(store_id);
        self.change("check_store", bind).await?;
        match self.store_id().await? {
            Some(recorded) if recorded != store_id => Err(Error::OtherStore { ledger: self.name.clone(), recorded, given: store_id.to_owned() }),
            _ => Ok(()),
        }
    }

    /// The store that the ledger is bound to.
    pub async fn store_id(&self) -> Result<Option<String>> {
        let row = self.row("store_id", sqlx::query("SELECT value FROM meta WHERE name = 'store_id'")).await?;
        Ok(row.map(|row| row.try_get("value")).transpose()?)
    }

    /// Waits for open calls and closes the file; its write-ahead log goes into it.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.pool
    }
}

fn file_of(given: &str) -> Result<PathBuf> {
    let refused = |reason: String| Error::Open { given: given.to_owned(), reason, next: "write a path such as state/ledger.db, or sqlite:path" };
    let path = match given.split_once(':') {
        Some(("sqlite", path)) => path.strip_prefix("//").unwrap_or(path),
        Some((scheme, rest)) if rest.starts_with("//") => return Err(refused(format!("this program keeps its ledger in SQLite, not in `{scheme}`"))),
        _ => given,
    };
    match path.trim() {
        "" => Err(refused("it names no file".into())),
        ":memory:" => Err(refused("a ledger in memory forgets everything".into())),
        _ => Ok(PathBuf::from(path)),
    }
}
