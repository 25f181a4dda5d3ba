//! The ledger: what each job owes tick by tick, runs and their steps, the lease that lets one run at a time, landed files, decode accounting, snapshots, what
//! marts were built of, deliveries. It is kept in SQLite or in PostgreSQL.
//!
//! Time comes in with each call and is never read here. This crate must not know what a table holds, how a file is decoded or
//! where it lies; it keeps records about them.

mod call;
mod cause;
mod database;
mod deliveries;
mod error;
mod figures;
mod landing_files;
mod lease;
mod ledger;
mod migrations;
mod models;
mod query;
mod restore;
mod row;
mod run;
mod snapshots;
mod stale;
mod steps;
mod ticks;
mod units;

pub use database::Recorded;
pub use deliveries::{Delivery, DeliveryFilter, DeliveryState, Standing};
pub use error::{Error, Result};
pub use figures::{Count, Figures, NewestDone, StepSum};
pub use landing_files::LandingFile;
pub use lease::{Claim, Holder, LeaseInfo, NewRun, RunLease};
pub use ledger::Ledger;
pub use models::ModelState;
pub use restore::Restored;
pub use run::{Run, RunDetails, RunFilter, RunState};
pub use snapshots::Snapshot;
pub use stale::StaleReport;
pub use steps::{Step, StepFigures, StepKey};
pub use ticks::{NewTick, TickFilter, TickMove, TickRecord, TickState};
pub use units::{Unit, UnitKey};
pub use uuid::Uuid;
