//! How the ledger's file is called: each statement by a name, with its fault point, and errors that name the file.

use sqlx::sqlite::{SqliteArguments, SqliteQueryResult, SqliteRow};
use sqlx::{Sqlite, Transaction};
use takings_faults::{Faults, Kind, Leave};

use crate::{Error, Ledger, Result};

pub(crate) type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

impl Ledger {
    /// One statement that changes something, in a transaction of its own.
    pub(crate) async fn change(&self, name: &'static str, statement: Query<'_>) -> Result<SqliteQueryResult> {
        let leave = self.ask(Kind::Commit, name)?;
        let done = statement.execute(self.pool()).await.map_err(|error| self.failed(error))?;
        self.finish(leave)?;
        Ok(done)
    }

    /// The same for a statement that gives a row back.
    pub(crate) async fn change_one(&self, name: &'static str, statement: Query<'_>) -> Result<SqliteRow> {
        let leave = self.ask(Kind::Commit, name)?;
        let row = statement.fetch_one(self.pool()).await.map_err(|error| self.failed(error))?;
        self.finish(leave)?;
        Ok(row)
    }

    pub(crate) async fn rows(&self, name: &'static str, query: Query<'_>) -> Result<Vec<SqliteRow>> {
        self.finish(self.ask(Kind::Query, name)?)?;
        query.fetch_all(self.pool()).await.map_err(|error| self.failed(error))
    }

    pub(crate) async fn row(&self, name: &'static str, query: Query<'_>) -> Result<Option<SqliteRow>> {
        self.finish(self.ask(Kind::Query, name)?)?;
        query.fetch_optional(self.pool()).await.map_err(|error| self.failed(error))
    }

    /// A transaction that holds the write lock from its start: what it reads stays true until it commits. Dropped without a
    /// commit, it changes nothing.
    pub(crate) async fn write(&self, name: &'static str) -> Result<Change> {
        self.finish(self.ask(Kind::Query, name)?)?;
        let transaction = self.pool().begin_with("BEGIN IMMEDIATE").await.map_err(|error| self.failed(error))?;
        Ok(Change { transaction, name, ledger: self.clone() })
    }

    pub(crate) fn ask(&self, kind: Kind, name: &str) -> Result<Leave> {
        self.faults().ask(kind, name).map_err(|fault| self.failed(sqlx::Error::Io(fault.into())))
    }

    pub(crate) fn finish(&self, leave: Leave) -> Result<()> {
        leave.finish().map_err(|fault| self.failed(sqlx::Error::Io(fault.into())))
    }

    fn failed(&self, source: sqlx::Error) -> Error {
        Error::Database { ledger: self.name().to_owned(), source }
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }
}

/// An open transaction.
pub(crate) struct Change {
    transaction: Transaction<'static, Sqlite>,
    name: &'static str,
    ledger: Ledger,
}

impl Change {
    pub(crate) async fn execute(&mut self, statement: Query<'_>) -> Result<SqliteQueryResult> {
        self.ledger.finish(self.ledger.ask(Kind::Query, self.name)?)?;
        statement.execute(&mut *self.transaction).await.map_err(|error| self.ledger.failed(error))
    }

    pub(crate) async fn row(&mut self, query: Query<'_>) -> Result<Option<SqliteRow>> {
        self.ledger.finish(self.ledger.ask(Kind::Query, self.name)?)?;
        query.fetch_optional(&mut *self.transaction).await.map_err(|error| self.ledger.failed(error))
    }

    pub(crate) async fn rows(&mut self, query: Query<'_>) -> Result<Vec<SqliteRow>> {
        self.ledger.finish(self.ledger.ask(Kind::Query, self.name)?)?;
        query.fetch_all(&mut *self.transaction).await.map_err(|error| self.ledger.failed(error))
    }

    pub(crate) async fn commit(self) -> Result<()> {
        let leave = self.ledger.ask(Kind::Commit, self.name)?;
        self.transaction.commit().await.map_err(|error| self.ledger.failed(error))?;
        self.ledger.finish(leave)
    }
}
