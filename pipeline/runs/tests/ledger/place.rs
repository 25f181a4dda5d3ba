//! Where a test keeps its ledger: a file of its own, or a database of its own on a real server.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, SecondsFormat, Utc};
use takings_faults::Faults;
use takings_runs::Ledger;
use tempfile::TempDir;

use super::now;
use super::server::{self, Server};

pub struct Place {
    pub folder: TempDir,
    pub database: Option<Database>,
}

pub struct Database {
    pub server: &'static Server,
    pub name: String,
}

/// The server's clock is the test's: the function that stands first in the search path is found first.
const CLOCK: &str = "CREATE TABLE test_clock (at TIMESTAMPTZ NOT NULL); INSERT INTO test_clock VALUES (now());
    CREATE FUNCTION public.clock_timestamp() RETURNS TIMESTAMPTZ LANGUAGE sql AS 'SELECT at FROM public.test_clock'";

impl Place {
    pub fn sqlite() -> Self {
        Self { folder: TempDir::new().unwrap(), database: None }
    }

    /// `None` where there is no server.
    pub fn postgres() -> Option<Self> {
        Some(Self { folder: TempDir::new().unwrap(), database: Some(Database::new(server::shared()?)) })
    }

    pub fn url(&self) -> String {
        self.database.as_ref().map_or_else(|| "state/ledger.db".to_owned(), Database::url)
    }

    pub async fn open(&self) -> Ledger {
        Ledger::open(&self.url(), self.folder.path()).await.unwrap()
    }

    pub async fn open_through(&self, faults: Faults) -> Ledger {
        Ledger::open_with(&self.url(), None, self.folder.path(), faults).await.unwrap()
    }

    /// Lets the time of leases be so late, where it is not the one that comes in with a call.
    pub fn clock(&self, at: DateTime<Utc>) {
        if let Some(database) = &self.database {
            database.clock(at);
        }
    }
}

impl Database {
    pub fn new(server: &'static Server) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("ledger_{}", MADE.fetch_add(1, Ordering::Relaxed));
        // With an order of texts that is not that of their bytes.
        server.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"));
        server.sql("postgres", &format!("ALTER DATABASE {name} SET search_path = public, pg_catalog"));
        server.sql(&name, CLOCK);
        let database = Self { server, name };
        database.clock(now());
        database
    }

    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    pub fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.name, sql)
    }

    pub fn clock(&self, at: DateTime<Utc>) {
        self.sql(&format!("UPDATE test_clock SET at = '{}'", at.to_rfc3339_opts(SecondsFormat::Micros, true)));
    }
}

/// Each of these functions is a test on both databases.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            use crate::place::Place;

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn sqlite() {
                super::$name(&Place::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn postgres() {
                if let Some(place) = Place::postgres() {
                    super::$name(&place).await;
                }
            }
        })+
    };
}
pub(crate) use on_both;
