//! What can go wrong with the ledger, by what a caller does about it.

use std::path::PathBuf;

use uuid::Uuid;

use crate::cause::{self, Cause};
use crate::database::said;
use crate::{LeaseInfo, Recorded, RunState};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The setting does not name a ledger that can be opened.
    #[error("ledger \"{given}\": {reason}; {next}")]
    Open { given: String, reason: String, next: &'static str },
    #[error("can't make the folder {} for the ledger: {source}; check the rights on its parent folder, or set ledger.url", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("ledger {ledger}: its tables can't be brought up to date: {}; {}", cause::of_migration(source), cause::after_migration(source))]
    Migrate { ledger: String, source: sqlx::migrate::MigrateError },
    /// The ledger belongs to another store.
    #[error("ledger {ledger} belongs to store {recorded}, but the settings name store {given}; set ledger.url to that store's own ledger, or store.url back")]
    OtherStore { ledger: String, recorded: String, given: String },
    /// Another run holds the project.
    #[error("{0}")]
    Busy(Box<LeaseInfo>),
    /// The lease went to another process; what this one still does must not be published.
    #[error("run {run} lost its lease: {why}; this process must stop, and the run may be started again")]
    LeaseLost { run: Uuid, why: String },
    #[error("run {run} is {from} and can't become {to}")]
    Transition { run: Uuid, from: RunState, to: RunState },
    /// Somebody else has claimed or done it.
    #[error("tick {tick} of {job} is not due any more: it is {state}")]
    NotDue { job: String, tick: String, state: String },
    #[error("run {run} fails without a reason; say what went wrong")]
    NoReason { run: Uuid },
    #[error("run {0} is in the ledger already; leave its id out, or give it a new one")]
    RunExists(Uuid),
    #[error("no {what} {name} in the ledger; {next}")]
    Unknown { what: &'static str, name: String, next: &'static str },
    #[error("{count} runs start with {prefix}; write more of the id")]
    AmbiguousRun { prefix: String, count: usize },
    #[error("step {position} of run {run} has ended already, or was never started")]
    Step { run: Uuid, position: i64 },
    /// Records were lost or doubled.
    #[error(
        "{table}, {path} ({unit}): {records} records read, but {accounted} accounted for (published + quarantined + duplicate + excluded); \
         nothing was published: run again, and report it if it stays"
    )]
    Accounting { table: String, path: String, unit: String, records: u64, accounted: String },
    #[error("the ledger can't hold the figure {figure} of {what}")]
    Figure { what: &'static str, figure: u64 },
    /// The ledger holds something that this program did not write.
    #[error("ledger column {column} holds \"{text}\", which is no {kind}; restore the ledger from a backup")]
    Stored { column: &'static str, text: String, kind: &'static str },
    #[error("ledger {ledger}: {}; {}", said(source), Cause::of(source).next_step())]
    Database { ledger: String, source: sqlx::Error },
    /// The connection to the database broke.
    #[error("ledger {ledger}: the connection broke: {}; {}", said(source), cause::after_loss(call, *recorded))]
    Lost { ledger: String, call: String, recorded: Recorded, source: sqlx::Error },
    /// A row lacks a column or has another type there.
    #[error("ledger: a row can't be read: {0}; restore the ledger from a backup")]
    Row(#[from] sqlx::Error),
}

impl Error {
    /// May the same call work a moment later?
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Busy(_) | Self::Lost { .. } => true,
            Self::Database { source, .. } => matches!(source, sqlx::Error::Io(_)) || Cause::of(source) == Cause::Locked,
            _ => false,
        }
    }

    /// Do the figures of the data not add up?
    pub fn is_data(&self) -> bool {
        matches!(self, Self::Accounting { .. })
    }

    /// Must a setting, a right or what was typed be changed?
    pub fn is_config(&self) -> bool {
        matches!(
            self,
            Self::Open { .. } | Self::Folder { .. } | Self::Migrate { .. } | Self::OtherStore { .. } | Self::Unknown { .. } | Self::AmbiguousRun { .. }
        )
    }
}
