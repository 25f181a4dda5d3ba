//! Connections that break and servers that restart: what was under way is told clearly or done once, what comes next works.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::Connection;
use takings_faults::{Answer, Faults, Gate, Operation};
use takings_runs::{Claim, Error, Holder, Ledger, NewRun, NewTick, Recorded, RunFilter, RunState, TickFilter, TickState};

use super::lossy::{Lossy, Lost};
use super::place::{Database, Place};
use super::server::{self, Server};
use super::{LEASE, begun, holder, nightly, now};

fn is_lost(error: &Error) -> bool {
    matches!(error, Error::Lost { recorded: Recorded::No, .. }) && error.is_retryable() && !error.is_config()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_without_an_answer_is_looked_up() {
    let Some(place) = Place::postgres() else { return };
    let lossy = Lossy::before(&place).await;
    let ledger = lossy.open(&place).await;
    // One statement: it is done once, whichever way the connection broke.
    lossy.lose(Lost::Answer);
    let lease = begun(&ledger).await;
    let run = lease.run.id;
    for lost in [Lost::Answer, Lost::Request] {
        lossy.lose(lost);
        ledger.start_step(run, "pull", now()).await.unwrap();
        lossy.lose(lost);
        ledger.heartbeat(&lease, now()).await.unwrap();
    }
    assert_eq!(ledger.show_run(&run.to_string()).await.unwrap().steps.len(), 2);
    assert_eq!(ledger.list_runs(&RunFilter::default()).await.unwrap().len(), 1);
    // Several statements: the commit that stands is found, the one that was lost is told.
    let tables = [("a".to_owned(), 1)].into();
    lossy.lose(Lost::Answer);
    ledger.record_snapshot(Some(run), &tables, now()).await.unwrap();
    lossy.lose(Lost::Request);
    let error = ledger.record_snapshot(Some(run), &tables, now()).await.unwrap_err();
    assert!(is_lost(&error), "{error}");
    assert!(error.to_string().ends_with("nothing of `record_snapshot` was recorded: check that the server runs and can be reached, then run again"), "{error}");
    assert_eq!(ledger.snapshots_since(now()).await.unwrap().len(), 1);
    lossy.lose(Lost::Answer);
    ledger.move_run(run, RunState::Running, None, now()).await.unwrap();
    lossy.lose(Lost::Request);
    assert!(is_lost(&ledger.move_run(run, RunState::Published, None, now()).await.unwrap_err()));
    assert_eq!(ledger.show_run(&run.to_string()).await.unwrap().run.state, RunState::Running);
    ledger.move_run(run, RunState::Published, None, now()).await.unwrap();
    assert_eq!(lossy.left(), 0, "every break was met");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_that_can_t_be_looked_up_is_told() {
    let Some(place) = Place::postgres() else { return };
    let lossy = Lossy::before(&place).await;
    let ledger = lossy.open(&place).await;
    let run = begun(&ledger).await.run.id;
    lossy.lose(Lost::Server);
    let error = ledger.move_run(run, RunState::Running, None, now()).await.unwrap_err();
    assert!(matches!(error, Error::Lost { recorded: Recorded::Unknown, .. }), "{error}");
    assert!(error.to_string().contains("; whether `move_run` was recorded could not be found out: check that the server runs, then look at "), "{error}");
    assert!(ledger.latest_snapshot().await.is_err(), "the server is away");
    lossy.mend();
    assert_eq!(ledger.show_run(&run.to_string()).await.unwrap().run.state, RunState::Running);
}

/// Breaks something at the N-th operation.
struct Breaks<F> {
    left: AtomicU64,
    how: F,
}

impl<F> std::fmt::Debug for Breaks<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("breaks a connection")
    }
}

impl<F: Fn() + Send + Sync> Gate for Breaks<F> {
    fn ask(&self, _: Operation<'_>) -> Answer {
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) == Ok(1) {
            (self.how)();
        }
        Answer::Go
    }
}

/// A call that may break off, and works when it is made again.
async fn again<T>(call: impl AsyncFn() -> Result<T, Error>) -> T {
    match call().await {
        Err(error) if is_lost(&error) => call().await.unwrap(),
        done => done.unwrap(),
    }
}

/// A tick from due to delivered, in which any call may have to be made again.
async fn run_through(ledger: &Ledger, tick: DateTime<Utc>) {
    let a = holder("a", "books", 1);
    let new = NewRun { tick, claim: Claim::Due, ..nightly() };
    let due = NewTick { job: new.job.clone(), tick, interval: new.interval, known_at: new.known_at };
    again(async || ledger.record_due(std::slice::from_ref(&due), &a, now()).await).await;
    let lease = again(async || ledger.begin_run(&new, &a, LEASE, now(), |_| true).await).await;
    for state in [RunState::Running, RunState::Published, RunState::Delivered] {
        if state == RunState::Published {
            again(async || ledger.record_snapshot(Some(lease.run.id), &[("a".to_owned(), 1)].into(), now()).await).await;
            again(async || ledger.heartbeat(&lease, now()).await).await;
        }
        again(async || ledger.move_run(lease.run.id, state, None, now()).await).await;
    }
    again(async || ledger.release(&lease).await).await;
    let moves: Vec<TickState> = ledger.tick_moves("nightly", tick).await.unwrap().iter().map(|step| step.state).collect();
    assert_eq!(moves, [TickState::Due, TickState::Claimed, TickState::Running, TickState::Published, TickState::Delivered]);
    assert_eq!(ledger.list_runs(&RunFilter { tick: Some(tick), ..RunFilter::default() }).await.unwrap().len(), 1);
    assert_eq!(ledger.show_run(&lease.run.id.to_string()).await.unwrap().snapshots.len(), 1);
    assert_eq!(ledger.lease().await.unwrap(), None);
}

/// Runs ticks through, each with a break one operation later, until a run has fewer operations. Gives how many broke.
async fn break_everywhere(place: &Place, step: u64, how: impl Fn() + Send + Sync + 'static) -> u64 {
    let gate = Arc::new(Breaks { left: AtomicU64::new(0), how });
    let ledger = place.open_through(Faults::through(gate.clone())).await;
    let mut at = 1;
    loop {
        gate.left.store(at, Ordering::SeqCst);
        run_through(&ledger, nightly().tick + TimeDelta::days(i64::try_from(at).unwrap())).await;
        if gate.left.swap(0, Ordering::SeqCst) > 0 {
            return (at - 1) / step;
        }
        at += step;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whichever_operation_a_connection_breaks_at_all_is_recorded_once() {
    let Some(place) = Place::postgres() else { return };
    let database = place.database.as_ref().unwrap();
    let (server, name) = (database.server, database.name.clone());
    let all = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let broke = break_everywhere(&place, 1, move || drop(server.sql(&name, all))).await;
    println!("{broke} operations met broken connections");
    assert!(broke > 40, "{broke}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_restarts_in_the_middle_is_found_again() {
    let Some(server) = server::own("") else { return };
    // The gate may outlive this test's stack; the server ends with the process.
    let server: &'static Server = Box::leak(Box::new(server));
    let place = Place { database: Some(Database::new(server)), ..Place::sqlite() };
    let crash = AtomicBool::new(false);
    let broke = break_everywhere(&place, 9, move || server.restart(if crash.fetch_xor(true, Ordering::SeqCst) { "immediate" } else { "fast" })).await;
    println!("{broke} restarts");
    assert!(broke > 3, "{broke}");
    assert_eq!(place.open().await.ticks(&TickFilter::default()).await.unwrap().len() as u64, broke + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_machines_whose_clocks_differ_neither_takes_what_the_other_holds() {
    let Some(place) = Place::postgres() else { return };
    let ledger = place.open().await;
    let (books, desk) = (holder("a", "books", 1), holder("b", "desk", 1));
    let begin = async |by: &Holder, at| ledger.begin_run(&nightly(), by, LEASE, at, |_| true).await;
    let first = begin(&books, now()).await.unwrap();
    // The clock of one machine is an hour ahead, that of the other an hour behind; the server's counts.
    assert!(matches!(begin(&desk, now() + TimeDelta::hours(1)).await, Err(Error::Busy(_))));
    assert!(!ledger.recover(&desk, now() + TimeDelta::hours(1), |_| true).await.unwrap());
    place.clock(now() + TimeDelta::seconds(30));
    ledger.heartbeat(&first, now() - TimeDelta::hours(1)).await.unwrap();
    let held = ledger.lease().await.unwrap().unwrap();
    assert_eq!((held.heartbeat_at, held.expires_at), (now() + TimeDelta::seconds(30), now() + TimeDelta::seconds(90)));
    place.clock(now() + TimeDelta::seconds(89));
    assert!(matches!(begin(&desk, now() + TimeDelta::hours(1)).await, Err(Error::Busy(_))));
    place.clock(now() + TimeDelta::seconds(90));
    let second = begin(&desk, now() - TimeDelta::hours(1)).await.unwrap();
    assert_eq!(second.token, first.token + 1);
    assert!(matches!(ledger.heartbeat(&first, now()).await, Err(Error::LeaseLost { .. })));
    assert!(matches!(ledger.record_snapshot(Some(first.run.id), &[].into(), now()).await, Err(Error::LeaseLost { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_that_stops_in_its_turn_holds_nobody_up_for_ever() {
    let Some(place) = Place::postgres() else { return };
    let ledger = place.open().await;
    let database = place.database.as_ref().unwrap();
    let mut other = sqlx::PgConnection::connect(&database.url()).await.unwrap();
    // As one of the ledger's own connections whose machine was switched off, only sooner.
    sqlx::raw_sql("SET idle_in_transaction_session_timeout = '1s'; BEGIN; UPDATE turns SET turn = turn + 1").execute(&mut other).await.unwrap();
    let waited = tokio::time::timeout(Duration::from_secs(20), ledger.job_start("nightly", now(), now())).await;
    assert_eq!(waited.unwrap().unwrap(), now());
    assert_eq!(database.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"), "0");
}
