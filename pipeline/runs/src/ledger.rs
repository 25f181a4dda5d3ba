//! Opening the ledger and binding it to one store.

use std::path::{Path, PathBuf};

use takings_definitions::url_without_secrets;
use takings_faults::{Faults, Kind};

use crate::database::{Database, Postgres, Sqlite, address};
use crate::query::query;
use crate::{Error, Result, row};

/// The records of one project and environment. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Ledger {
    database: Database,
    name: String,
    pub(crate) faults: Faults,
}

impl Ledger {
    /// Opens or makes a ledger: a path (counted from `base` when relative), `sqlite:path`, `sqlite:///path` or
    /// `postgres://user@host:port/database`.
    pub async fn open(url_or_path: &str, base: &Path) -> Result<Self> {
        Self::open_with(url_or_path, None, base, Faults::default()).await
    }

    /// The same with the password of the database's user, and a gate that is asked before each statement.
    pub async fn open_with(url_or_path: &str, password: Option<&str>, base: &Path, faults: Faults) -> Result<Self> {
        let refused = |reason: String, next: &'static str| Error::Open { given: url_without_secrets(url_or_path), reason, next };
        let leave = faults.ask(Kind::Query, "open").map_err(|fault| refused(fault.to_string(), AGAIN))?;
        let (database, name) = match url_or_path.split_once(':') {
            Some(("postgres" | "postgresql", _)) => {
                let (options, name) = address::parse(url_or_path, password, base).map_err(|(reason, next)| refused(reason, next))?;
                let opened = Postgres::open(options).await;
                (Database::Postgres(opened.map_err(|(reason, next)| refused(format!("{name} can't be opened: {reason}"), next))?), name)
            }
            _ => {
                let file = base.join(file_of(url_or_path).map_err(|reason| refused(reason, WHERE))?);
                if password.is_some() {
                    return Err(refused("a file has no password".to_owned(), "leave ledger.password out"));
                }
                if let Some(folder) = file.parent() {
                    std::fs::create_dir_all(folder).map_err(|source| Error::Folder { path: folder.to_owned(), source })?;
                }
                let opened = Sqlite::open(&file).await;
                let next = "check the path and its rights, or set ledger.url";
                (Database::Sqlite(opened.map_err(|error| refused(format!("{} can't be opened: {error}", file.display()), next))?), file.display().to_string())
            }
        };
        let ledger = Self { database, name, faults };
        let ready = match leave.finish() {
            Ok(()) => ledger.migrate().await,
            Err(fault) => Err(refused(fault.to_string(), AGAIN)),
        };
        if let Err(error) = ready {
            // Else its connections would be closed at some later moment.
            ledger.close().await;
            return Err(error);
        }
        Ok(ledger)
    }

    async fn migrate(&self) -> Result<()> {
        let leave = self.ask(Kind::Commit, "migrate")?;
        self.database.migrate().await.map_err(|source| Error::Migrate { ledger: self.name.clone(), source })?;
        self.finish(leave)
    }

    /// The ledger's file, or its host and database, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Binds the ledger to a store on first use; afterwards another store is refused.
    pub async fn check_store(&self, store_id: &str) -> Result<()> {
        let bind = query("INSERT INTO meta (name, value) VALUES ('store_id', $1) ON CONFLICT (name) DO NOTHING").bind(store_id);
        self.change("check_store", bind).await?;
        match self.store_id().await? {
            Some(recorded) if recorded != store_id => Err(Error::OtherStore { ledger: self.name.clone(), recorded, given: store_id.to_owned() }),
            _ => Ok(()),
        }
    }

    /// The store that the ledger is bound to.
    pub async fn store_id(&self) -> Result<Option<String>> {
        let row = self.row("store_id", query("SELECT value FROM meta WHERE name = 'store_id'")).await?;
        row.map(|row| row::text(&row, "value")).transpose()
    }

    /// Waits for open calls and closes the connections; the write-ahead log of a file goes into it.
    pub async fn close(&self) {
        self.database.close().await;
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }
}

const WHERE: &str = "write a path such as state/ledger.sqlite, or postgres://user@host/database";
const AGAIN: &str = "run again";

/// The file that a path or an `sqlite:` url names, or why it names none.
fn file_of(given: &str) -> Result<PathBuf, String> {
    let path = match given.split_once(':') {
        Some(("sqlite", path)) => path.strip_prefix("//").unwrap_or(path),
        Some((scheme, rest)) if rest.starts_with("//") => return Err(format!("this program keeps its ledger in SQLite or PostgreSQL, not in `{scheme}`")),
        _ => given,
    };
    match path.trim() {
        "" => Err("it names no file".to_owned()),
        ":memory:" => Err("a ledger in memory forgets everything".to_owned()),
        _ => Ok(PathBuf::from(path)),
    }
}
