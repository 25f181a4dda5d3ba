//! The ledger: runs and their steps, the lease that lets one run at a time, landed files, decode accounting, snapshots, what
//! marts were built of, deliveries.
//!
//! Time comes in with each call and is never read here. This crate must not know what a table holds, how a file is decoded or
//! where it lies; it keeps records about them.

mod call;
mod deliveries;
mod error;
mod landing_files;
mod lease;
mod ledger;
mod models;
mod row;
mod run;
mod snapshots;
mod steps;
mod units;

pub use deliveries::{Delivery, DeliveryFilter, DeliveryState};
pub use error::{Error, Result};
pub use landing_files::LandingFile;
pub use lease::{Holder, LeaseInfo, NewRun, RunLease};
pub use ledger::Ledger;
pub use models::ModelState;
pub use run::{Run, RunDetails, RunFilter, RunState};
pub use snapshots::Snapshot;
pub use steps::{Step, StepFigures, StepKey};
pub use units::{Unit, UnitKey};
pub use uuid::Uuid;
