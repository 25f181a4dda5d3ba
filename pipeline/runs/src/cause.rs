//! What an error of a database means, and what to do about it.

use sqlx::migrate::MigrateError;
use sqlx::sqlite::SqliteError;

use crate::database::{Recorded, code, is_lost, said};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    NoRoom,
    /// Somebody else writes, and goes on writing.
    Locked,
    /// Rights on a file.
    File,
    /// Rights in a database.
    Rights,
    Damaged,
    Disk,
    /// It can be read only.
    Standby,
    Other,
}

impl Cause {
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        if let Some(code) = code(error) {
            return match code {
                "53100" => Self::NoRoom,
                "55P03" | "40P01" | "40001" => Self::Locked,
                "42501" => Self::Rights,
                "25006" => Self::Standby,
                "58030" => Self::Disk,
                "XX001" | "XX002" => Self::Damaged,
                _ => Self::Other,
            };
        }
        match (sqlite_code(error), error) {
            (Some(13), _) => Self::NoRoom,
            (Some(5 | 6), _) => Self::Locked,
            (Some(3 | 8 | 14), _) => Self::File,
            (Some(11 | 26), _) => Self::Damaged,
            (Some(10), _) | (None, sqlx::Error::Io(_)) => Self::Disk,
            (None, sqlx::Error::PoolTimedOut) => Self::Locked,
            _ => Self::Other,
        }
    }

    pub(crate) fn next_step(self) -> &'static str {
        match self {
            Self::NoRoom => "make room on the disk that holds it, then run again: nothing needs to be cleaned up",
            Self::Locked => "another process keeps it locked; wait for that one, then run again",
            Self::File => "check the rights on the file and on its folder, where SQLite writes beside it, then run again",
            Self::Rights => "give its user the rights on the ledger's tables, or let it own them",
            Self::Damaged => "restore it from a backup",
            Self::Disk => "look at the disk that holds it, then run again",
            Self::Standby => "name the primary server in ledger.url",
            Self::Other => "run again",
        }
    }
}

/// SQLite's primary result code, which stands in the low byte of the extended ones.
fn sqlite_code(error: &sqlx::Error) -> Option<i64> {
    let sqlx::Error::Database(error) = error else { return None };
    error.try_downcast_ref::<SqliteError>()?;
    error.code()?.parse::<i64>().ok().map(|code| code & 0xff)
}

pub(crate) fn of_migration(error: &MigrateError) -> String {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => said(error),
        error => error.to_string(),
    }
}

pub(crate) fn after_migration(error: &MigrateError) -> &'static str {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else {
        return "if a newer version of the program wrote it, use that version";
    };
    match Cause::of(error) {
        Cause::Rights => "let its user own the database, or give it the right to make tables there: grant create on schema public to NAME",
        _ if is_lost(error) && code(error).is_some() => "check that the server runs and can be reached, then run again",
        cause => cause.next_step(),
    }
}

pub(crate) fn after_loss(call: &str, recorded: Recorded) -> String {
    match recorded {
        Recorded::No => format!("nothing of `{call}` was recorded: check that the server runs and can be reached, then run again"),
        Recorded::Unknown => {
            format!("whether `{call}` was recorded could not be found out: check that the server runs, then look at `takings runs` before you run again")
        }
    }
}
