//! What one look at the calendar and the ledger leads to.

use chrono::{DateTime, Utc};
use takings_definitions::Tick;

/// The tick to run now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub job: String,
    pub tick: Tick,
    /// What it has to do without.
    pub warning: Option<String>,
}

/// A due tick that can't start yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub job: String,
    pub tick: DateTime<Utc>,
    pub why: String,
}

/// What a call of `wake` found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Woken {
    pub run: Option<Due>,
    pub waiting: Vec<Waiting>,
}
