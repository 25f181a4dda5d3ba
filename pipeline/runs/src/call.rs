//! How the ledger's database is called: each statement by a name, with its fault point, and errors that name the ledger.

use chrono::{DateTime, Utc};
use takings_faults::{Kind, Leave};

use crate::database::{Failed, Transaction};
use crate::query::{Query, Row};
use crate::{Error, Ledger, Result, row};

impl Ledger {
    /// One statement that changes something, in a transaction of its own: how many rows it changed.
    pub(crate) async fn change(&self, name: &'static str, statement: Query) -> Result<u64> {
        let leave = self.ask(Kind::Commit, name)?;
        let done = self.database().change(&statement, false).await.map_err(|failed| self.failed(name, failed))?;
        self.finish(leave)?;
        Ok(done.rows)
    }

    /// The same for a statement that gives a row back.
    pub(crate) async fn change_one(&self, name: &'static str, statement: Query) -> Result<Row> {
        let leave = self.ask(Kind::Commit, name)?;
        let done = self.database().change(&statement, true).await.map_err(|failed| self.failed(name, failed))?;
        self.finish(leave)?;
        Ok(done.given.ok_or(sqlx::Error::RowNotFound)?)
    }

    pub(crate) async fn rows(&self, name: &'static str, query: Query) -> Result<Vec<Row>> {
        self.finish(self.ask(Kind::Query, name)?)?;
        self.database().rows(&query).await.map_err(|failed| self.failed(name, failed))
    }

    /// The same for a query that gives one row at most.
    pub(crate) async fn row(&self, name: &'static str, query: Query) -> Result<Option<Row>> {
        Ok(self.rows(name, query).await?.into_iter().next())
    }

    /// A transaction that nobody writes beside: what it reads stays true until it commits. Dropped without a commit, it changes
    /// nothing.
    pub(crate) async fn write(&self, name: &'static str) -> Result<Change> {
        self.finish(self.ask(Kind::Query, name)?)?;
        let transaction = self.database().begin().await.map_err(|failed| self.failed(name, failed))?;
        Ok(Change { transaction, name, ledger: self.clone() })
    }

    /// The time that leases are measured by. Where several machines share the ledger, that is the database's: their clocks differ.
    pub(crate) async fn clock(&self, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
        match self.database().clock() {
            None => Ok(now),
            Some(query) => read_clock(self.row("clock", query).await?.as_ref()),
        }
    }

    pub(crate) fn ask(&self, kind: Kind, name: &str) -> Result<Leave> {
        self.faults.ask(kind, name).map_err(|fault| self.failed(name, sqlx::Error::Io(fault.into()).into()))
    }

    pub(crate) fn finish(&self, leave: Leave) -> Result<()> {
        leave.finish().map_err(|fault| Error::Database { ledger: self.name().to_owned(), source: sqlx::Error::Io(fault.into()) })
    }

    fn failed(&self, name: &str, Failed { source, lost }: Failed) -> Error {
        let ledger = self.name().to_owned();
        match lost {
            None => Error::Database { ledger, source },
            Some(recorded) => Error::Lost { ledger, call: name.to_owned(), recorded, source },
        }
    }
}

fn read_clock(row: Option<&Row>) -> Result<DateTime<Utc>> {
    row::time(row.ok_or(sqlx::Error::RowNotFound)?, "at")
}

/// An open transaction.
pub(crate) struct Change {
    transaction: Transaction,
    name: &'static str,
    ledger: Ledger,
}

impl Change {
    pub(crate) async fn execute(&mut self, statement: Query) -> Result<u64> {
        self.ledger.finish(self.ledger.ask(Kind::Query, self.name)?)?;
        self.transaction.execute(&statement).await.map_err(|failed| self.ledger.failed(self.name, failed))
    }

    pub(crate) async fn rows(&mut self, query: Query) -> Result<Vec<Row>> {
        self.ledger.finish(self.ledger.ask(Kind::Query, self.name)?)?;
        self.transaction.rows(&query).await.map_err(|failed| self.ledger.failed(self.name, failed))
    }

    pub(crate) async fn row(&mut self, query: Query) -> Result<Option<Row>> {
        Ok(self.rows(query).await?.into_iter().next())
    }

    /// As [`Ledger::clock`].
    pub(crate) async fn clock(&mut self, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
        match self.ledger.database().clock() {
            None => Ok(now),
            Some(query) => read_clock(self.row(query).await?.as_ref()),
        }
    }

    pub(crate) async fn commit(self) -> Result<()> {
        let leave = self.ledger.ask(Kind::Commit, self.name)?;
        self.transaction.commit().await.map_err(|failed| self.ledger.failed(self.name, failed))?;
        self.ledger.finish(leave)
    }
}
