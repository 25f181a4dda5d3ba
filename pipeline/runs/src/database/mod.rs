//! The databases that can hold a ledger, behind one face. It must not know tables or what is recorded.

mod postgres;
mod sqlite;

pub(crate) use postgres::{Postgres, address, code, is_lost, said};
pub(crate) use sqlite::Sqlite;

use sqlx::migrate::MigrateError;

use crate::query::{Query, Row};

#[derive(Debug, Clone)]
pub(crate) enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// A transaction that nobody else writes beside: what it reads stays true until it commits. Dropped without a commit, it changes nothing.
pub(crate) enum Transaction {
    Sqlite(sqlite::Transaction),
    Postgres(postgres::Transaction),
}

/// Why a call failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub source: sqlx::Error,
    /// The connection was lost; what became of the change.
    pub lost: Option<Recorded>,
}

/// What became of a change whose connection was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    No,
    /// It could not be found out.
    Unknown,
}

/// What a statement did.
pub(crate) struct Changed {
    pub rows: u64,
    /// The first row that it gave back, where it was asked for.
    pub given: Option<Row>,
}

impl From<sqlx::Error> for Failed {
    fn from(source: sqlx::Error) -> Self {
        Self { source, lost: None }
    }
}

impl Database {
    /// One statement in a transaction of its own. `gives`: it gives a row back.
    pub(crate) async fn change(&self, statement: &Query, gives: bool) -> Result<Changed, Failed> {
        match self {
            Self::Sqlite(sqlite) => Ok(sqlite.change(statement, gives).await?),
            Self::Postgres(postgres) => postgres.change(statement, gives).await,
        }
    }

    pub(crate) async fn rows(&self, query: &Query) -> Result<Vec<Row>, Failed> {
        match self {
            Self::Sqlite(sqlite) => Ok(sqlite.rows(query).await?),
            Self::Postgres(postgres) => postgres.rows(query).await,
        }
    }

    pub(crate) async fn begin(&self) -> Result<Transaction, Failed> {
        match self {
            Self::Sqlite(sqlite) => Ok(Transaction::Sqlite(sqlite.begin().await?)),
            Self::Postgres(postgres) => Ok(Transaction::Postgres(postgres.begin().await?)),
        }
    }

    pub(crate) async fn migrate(&self) -> Result<(), MigrateError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.migrate().await,
            Self::Postgres(postgres) => postgres.migrate().await,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }

    /// The time in the database, as a query that gives it in `at`. `None`: the database is a file of this machine, whose clock is that of
    /// whoever asks.
    pub(crate) fn clock(&self) -> Option<Query> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(_) => Some(postgres::clock()),
        }
    }
}

impl Transaction {
    pub(crate) async fn execute(&mut self, statement: &Query) -> Result<u64, Failed> {
        match self {
            Self::Sqlite(transaction) => Ok(statement.of().execute(&mut **transaction).await?.rows_affected()),
            Self::Postgres(transaction) => Ok(transaction.change(statement, false).await?.rows),
        }
    }

    pub(crate) async fn rows(&mut self, query: &Query) -> Result<Vec<Row>, Failed> {
        match self {
            Self::Sqlite(transaction) => Ok(query.of().fetch_all(&mut **transaction).await?.into_iter().map(Row::Sqlite).collect()),
            Self::Postgres(transaction) => transaction.rows(query).await,
        }
    }

    pub(crate) async fn commit(self) -> Result<(), Failed> {
        match self {
            Self::Sqlite(transaction) => Ok(transaction.commit().await?),
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }
}
