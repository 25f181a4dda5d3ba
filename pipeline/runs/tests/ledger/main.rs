//! The ledger's promises, each on a file of its own and in a database of its own.

mod access;
mod breaking;
mod lossy;
mod opening;
mod place;
mod records;
mod runs;
mod server;
mod ticks;

use chrono::{DateTime, TimeDelta, Utc};
use takings_definitions::Interval;
use takings_runs::{Claim, Holder, Ledger, NewRun, RunLease};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    at("2026-03-15T01:00:00Z")
}

const LEASE: TimeDelta = TimeDelta::seconds(60);

fn nightly() -> NewRun {
    NewRun {
        id: None,
        job: "nightly".into(),
        tick: at("2026-03-15T00:00:00Z"),
        interval: Interval { start: at("2026-03-14T00:00:00Z"), end: at("2026-03-15T00:00:00Z") },
        known_at: at("2026-03-16T00:00:00Z"),
        claim: Claim::Asked,
        note: None,
    }
}

fn holder(id: &str, host: &str, pid: u32) -> Holder {
    Holder { id: id.into(), host: host.into(), pid, program_version: "0.1.0".into() }
}

async fn begun(ledger: &Ledger) -> RunLease {
    ledger.begin_run(&nightly(), &holder("a", "host", 1), LEASE, now(), |_| true).await.unwrap()
}
