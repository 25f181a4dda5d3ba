//! The ledger in PostgreSQL, for schedulers on several machines.
//!
//! Whoever changes something takes a turn first and holds it until its transaction ends: as in SQLite one writes at a time, so nothing can
//! deadlock or has to be repeated because of somebody else. A connection that breaks is replaced: reads, and changes that are known to be
//! not recorded, are done again; a commit that got no answer is looked up.

use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Row as _};
use uuid::Uuid;

use super::{Changed, Failed, Recorded};
use crate::migrations::{Dialect, migrations};
use crate::query::{Query, Row, query};

pub(crate) mod address;

const CONNECTIONS: u32 = 8;
/// How long a call waits for a connection, and with it for a server that restarts.
const CONNECT: Duration = Duration::from_secs(30);
/// The same for the first connection: what is wrong with it is most often a setting.
const FIRST_CONNECT: Duration = Duration::from_secs(10);
/// A server that says nothing for so long is taken for gone. Longer than what a statement may wait for its turn.
const ANSWER: Duration = Duration::from_secs(90);
/// How often a call is done on connections that break.
const TRIES: usize = 3;
/// So many writes are kept to be looked up.
const KEPT: i64 = 1_000;

/// How each connection works, whatever the server's defaults are: what a call said is done must outlive a power cut, and who has a turn but is
/// not heard of loses it.
const SESSION: &str = "SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = '60s'; SET default_transaction_isolation = 'read committed';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// A statement after this one sees all that was committed before its turn.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
const TAKE_TURN: &str = "WITH mine AS (UPDATE turns SET turn = turn + 1 RETURNING turn), old AS (DELETE FROM writes WHERE turn <= (SELECT turn FROM mine) - $2)
    INSERT INTO writes (turn, id) SELECT turn, $1 FROM mine RETURNING turn";
/// Waits until whoever has the turn is through.
const LAST_TURN: &str = "SELECT turn FROM turns FOR UPDATE";
const FIND_WRITE: &str = "SELECT turn FROM writes WHERE turn = $1 AND id = $2";

#[derive(Debug, Clone)]
pub(crate) struct Postgres {
    pool: PgPool,
}

/// A change under way, in its turn.
pub(crate) struct Transaction {
    open: sqlx::Transaction<'static, sqlx::Postgres>,
    turn: i64,
    id: String,
    home: Postgres,
}

/// The server's time as text, see `row::stamp`.
pub(super) fn clock() -> Query {
    query("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS at")
}

/// Is the connection gone, or the server going?
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        // Shut down, crashed, starting, closed for being idle; a transaction closed for being idle; all about connections.
        error => code(error).is_some_and(|code| matches!(code, "57P01" | "57P02" | "57P03" | "57P05" | "25P03") || code.starts_with("08")),
    }
}

/// The SQLSTATE of an error that PostgreSQL gave.
pub(crate) fn code(error: &sqlx::Error) -> Option<&str> {
    let sqlx::Error::Database(error) = error else { return None };
    error.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::code)
}

/// What went wrong. The driver adds a line of the server's own source code.
pub(crate) fn said(error: &sqlx::Error) -> String {
    let refused = match error {
        sqlx::Error::Database(refused) => refused.try_downcast_ref::<PgDatabaseError>(),
        _ => None,
    };
    match refused {
        None => error.to_string(),
        Some(refused) => [Some(refused.message()), refused.detail()].into_iter().flatten().collect::<Vec<_>>().join(": "),
    }
}

fn not_recorded(source: sqlx::Error) -> Failed {
    let lost = is_lost(&source) || matches!(source, sqlx::Error::PoolTimedOut);
    Failed { source, lost: lost.then_some(Recorded::No) }
}

/// Waits for an answer of the server, but not for ever.
async fn answer<T>(call: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    match tokio::time::timeout(ANSWER, call).await {
        Ok(answer) => answer,
        Err(_) => Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the server does not answer"))),
    }
}

impl Postgres {
    /// Opens the ledger, or says why not and what to do.
    pub(crate) async fn open(options: PgConnectOptions) -> Result<Self, (String, &'static str)> {
        let mut first = first_connection(&options).await.map_err(|error| (said(&error), address::next_step(&error)))?;
        let is = answer(sqlx::query("SELECT current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby").fetch_one(&mut first)).await;
        let known = is.and_then(|row| Ok((row.try_get::<String, _>("encoding")?, row.try_get::<bool, _>("standby")?)));
        let (encoding, standby) = known.map_err(|error| (said(&error), address::next_step(&error)))?;
        if encoding != "UTF8" {
            return Err((
                format!("the database holds texts as {encoding}"),
                "make a database for the ledger with: createdb --encoding=UTF8 --template=template0",
            ));
        }
        if standby {
            return Err(("the server is a standby, which can't be written to".to_owned(), "name the primary server in ledger.url"));
        }
        drop(first.close().await);
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(CONNECT)
            .after_connect(|connection, _| Box::pin(async move { sqlx::raw_sql(SESSION).execute(connection).await.map(drop) }))
            .connect_lazy_with(options);
        Ok(Self { pool })
    }

    pub(super) async fn migrate(&self) -> Result<(), MigrateError> {
        migrations(&Dialect::Postgres).run(&self.pool).await
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    pub(super) async fn rows(&self, query: &Query) -> Result<Vec<Row>, Failed> {
        let mut tries = 1;
        loop {
            match answer(reading(query).fetch_all(&self.pool)).await {
                Err(error) if is_lost(&error) && tries < TRIES => tries += 1,
                rows => return Ok(rows.map_err(not_recorded)?.into_iter().map(Row::Postgres).collect()),
            }
        }
    }

    /// A statement in a turn of its own. Where it is known that it was not recorded, it is done again.
    pub(super) async fn change(&self, statement: &Query, gives: bool) -> Result<Changed, Failed> {
        let mut tries = 1;
        loop {
            let done = async {
                let mut transaction = self.begin().await?;
                let changed = transaction.change(statement, gives).await?;
                transaction.commit().await?;
                Ok(changed)
            };
            match done.await {
                Err(Failed { source, lost: Some(Recorded::No) }) if is_lost(&source) && tries < TRIES => tries += 1,
                done => return done,
            }
        }
    }

    pub(super) async fn begin(&self) -> Result<Transaction, Failed> {
        let id = Uuid::new_v4().to_string();
        let mut tries = 1;
        loop {
            match answer(self.take_turn(&id)).await {
                Err(error) if is_lost(&error) && tries < TRIES => tries += 1,
                begun => {
                    let (open, turn) = begun.map_err(not_recorded)?;
                    return Ok(Transaction { open, turn, id, home: self.clone() });
                }
            }
        }
    }

    async fn take_turn(&self, id: &str) -> sqlx::Result<(sqlx::Transaction<'static, sqlx::Postgres>, i64)> {
        let mut open = self.pool.begin_with(BEGIN).await?;
        let turn = sqlx::query(TAKE_TURN).bind(id).bind(KEPT).fetch_one(&mut *open).await?.try_get("turn")?;
        Ok((open, turn))
    }

    /// Was a commit recorded that got no answer? `None`: so many were recorded since that it can't be known.
    async fn find_write(&self, turn: i64, id: &str) -> sqlx::Result<Option<bool>> {
        let mut tries = 1;
        loop {
            let found = answer(async {
                let mut open = self.pool.begin_with(BEGIN).await?;
                let last: i64 = sqlx::query(LAST_TURN).fetch_one(&mut *open).await?.try_get("turn")?;
                let found = sqlx::query(FIND_WRITE).bind(turn).bind(id).fetch_optional(&mut *open).await?.is_some();
                open.rollback().await?;
                Ok((found || last < turn + KEPT).then_some(found))
            });
            match found.await {
                Err(error) if is_lost(&error) && tries < TRIES => tries += 1,
                found => return found,
            }
        }
    }
}

impl Transaction {
    /// Before the commit is sent nothing can be recorded, whatever breaks.
    pub(super) async fn change(&mut self, statement: &Query, gives: bool) -> Result<Changed, Failed> {
        if gives {
            let row = answer(reading(statement).fetch_one(&mut *self.open)).await.map_err(not_recorded)?;
            return Ok(Changed { rows: 1, given: Some(Row::Postgres(row)) });
        }
        let done = answer(statement.of().execute(&mut *self.open)).await.map_err(not_recorded)?;
        Ok(Changed { rows: done.rows_affected(), given: None })
    }

    pub(super) async fn rows(&mut self, query: &Query) -> Result<Vec<Row>, Failed> {
        let rows = answer(reading(query).fetch_all(&mut *self.open)).await.map_err(not_recorded)?;
        Ok(rows.into_iter().map(Row::Postgres).collect())
    }

    pub(super) async fn commit(self) -> Result<(), Failed> {
        match answer(self.open.commit()).await {
            Err(source) if is_lost(&source) => {
                tracing::warn!("the ledger's connection broke while a change was recorded: {}; looking it up", said(&source));
                match self.home.find_write(self.turn, &self.id).await {
                    Ok(Some(true)) => Ok(()),
                    Ok(Some(false)) => Err(Failed { source, lost: Some(Recorded::No) }),
                    Ok(None) | Err(_) => Err(Failed { source, lost: Some(Recorded::Unknown) }),
                }
            }
            done => Ok(done?),
        }
    }
}

/// A query whose rows may change their columns while this process lives: another version of the program may add some.
fn reading(query: &Query) -> sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments> {
    query.of().persistent(false)
}

/// Waits a little for a server that starts just now.
async fn first_connection(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    let end = tokio::time::Instant::now() + FIRST_CONNECT;
    loop {
        let error = match tokio::time::timeout_at(end, options.connect()).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => error,
            Err(_) => return Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the server does not answer"))),
        };
        let starting = match &error {
            sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
            error => matches!(code(error), Some("57P03" | "53300")),
        };
        let pause = Duration::from_millis(200);
        if !starting || tokio::time::Instant::now() + pause > end {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
    }
}
