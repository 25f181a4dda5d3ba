//! The scheduler on a real ledger, with time, sources and runs made up: no test waits.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use takings_definitions::Job;
use takings_runs::{Claim, Error, Holder, Ledger, NewRun, RunLease, RunState, TickFilter, TickState};
use takings_scheduler::{Due, Look, Scheduler, Woken};
use tempfile::TempDir;

const LEASE: TimeDelta = TimeDelta::minutes(5);

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A project with jobs, a ledger and sources that a test changes.
struct Desk {
    _folder: TempDir,
    ledger: Ledger,
    jobs: BTreeMap<String, Job>,
    look: RefCell<Look>,
}

impl Desk {
    async fn new(jobs: &[(&str, &str)]) -> Self {
        // A ledger syncs every write; in memory that costs nothing.
        let folder = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap();
        let ledger = Ledger::open("ledger.sqlite", folder.path()).await.unwrap();
        let jobs = jobs.iter().map(|(name, rest)| ((*name).to_owned(), job(name, rest))).collect();
        Self { _folder: folder, ledger, jobs, look: RefCell::new(Look { files: 1, ..Look::default() }) }
    }

    fn scheduler(&self, name: &str, pid: u32) -> Scheduler {
        let holder = Holder { id: name.into(), host: "host".into(), pid, program_version: "0.1.0".into() };
        Scheduler { ledger: self.ledger.clone(), holder, retry_after: TimeDelta::minutes(5) }
    }

    async fn wake(&self, by: &Scheduler, now: &str) -> Woken {
        by.wake(&self.jobs, at(now), true, async |_| self.look.borrow().clone()).await.unwrap()
    }

    async fn begin(&self, by: &Scheduler, due: &Due, now: DateTime<Utc>) -> Result<RunLease, Error> {
        let job = &self.jobs[&due.job];
        let new = NewRun {
            id: None,
            job: due.job.clone(),
            tick: due.tick.at,
            interval: job.interval(due.tick),
            known_at: job.known_at(due.tick),
            claim: Claim::Due,
            note: due.warning.clone(),
        };
        self.ledger.begin_run(&new, &by.holder, LEASE, now, |_| true).await
    }

    /// A run from claim to end.
    async fn run(&self, by: &Scheduler, due: &Due, now: &str, end: RunState) {
        let lease = self.begin(by, due, at(now)).await.unwrap();
        let way: &[RunState] = if end == RunState::Delivered { &[RunState::Running, RunState::Published, RunState::Delivered] } else { &[end] };
        for state in way {
            self.ledger.move_run(lease.run.id, *state, (end == RunState::Failed).then_some("the store is away"), at(now)).await.unwrap();
        }
        self.ledger.release(&lease).await.unwrap();
    }

    /// Wakes and runs until nothing is to run; what ran, in order.
    async fn run_all(&self, by: &Scheduler, now: &str) -> Vec<String> {
        let mut ran = Vec::new();
        while let Some(due) = self.wake(by, now).await.run {
            ran.push(format!("{} {}", due.job, due.tick.date));
            self.run(by, &due, now, RunState::Delivered).await;
        }
        ran
    }

    async fn states(&self) -> Vec<String> {
        let ticks = self.ledger.ticks(&TickFilter::default()).await.unwrap();
        ticks.iter().map(|tick| format!("{} {} {}", tick.job, tick.tick.format("%m-%d"), tick.state)).collect()
    }

    async fn note(&self, job: &str) -> String {
        let ticks = self.ledger.ticks(&TickFilter { job: Some(job.into()), ..TickFilter::default() }).await.unwrap();
        ticks.last().and_then(|tick| tick.note.clone()).unwrap_or_default()
    }
}

fn job(name: &str, rest: &str) -> Job {
    let schedule = if rest.contains("schedule") { "" } else { "schedule = \"0 0 * * *\"\n" };
    let text = format!("job = \"{name}\"\n{schedule}timezone = \"UTC\"\ncovers = \"previous_day\"\n{rest}\n");
    Job::parse(Path::new("jobs/j.toml"), &text).unwrap()
}

#[tokio::test]
async fn the_first_tick_is_the_newest_that_is_settled_and_each_runs_once() {
    let desk = Desk::new(&[("nightly", "")]).await;
    let one = desk.scheduler("one", 1);
    assert_eq!(desk.run_all(&one, "2026-03-16T08:00:00Z").await, ["nightly 2026-03-15"]);
    assert_eq!(desk.run_all(&one, "2026-03-16T23:59:59Z").await, [""; 0]);
    // Due at tick + settle, to the second.
    assert_eq!(desk.run_all(&one, "2026-03-17T00:00:00Z").await, ["nightly 2026-03-16"]);
}

#[tokio::test]
async fn missed_ticks_are_made_up_in_order_by_the_rule() {
    for (misfire, ran, skipped) in
        [("all", vec!["16", "17", "18", "19"], vec![]), ("latest", vec!["19"], vec!["16", "17", "18"]), ("none", vec![], vec!["16", "17", "18", "19"])]
    {
        let desk = Desk::new(&[("nightly", &format!("misfire = \"{misfire}\""))]).await;
        let one = desk.scheduler("one", 1);
        desk.run_all(&one, "2026-03-16T00:00:00Z").await;
        let made_up = desk.run_all(&one, "2026-03-20T07:00:00Z").await;
        assert_eq!(made_up, ran.iter().map(|day| format!("nightly 2026-03-{day}")).collect::<Vec<_>>(), "{misfire}");
        let ticks = desk.ledger.ticks(&TickFilter::default()).await.unwrap();
        let left: Vec<String> = ticks.iter().filter(|tick| tick.state == TickState::Skipped).map(|tick| tick.tick.format("%d").to_string()).collect();
        assert_eq!(left, skipped, "{misfire}");
        // Each with its original interval and known-at, whenever it ran.
        for tick in &ticks {
            assert_eq!((tick.interval.start, tick.interval.end, tick.known_at), (tick.tick - TimeDelta::days(1), tick.tick, tick.tick + TimeDelta::days(1)));
        }
        // The next one comes in time again.
        assert_eq!(desk.run_all(&one, "2026-03-21T00:00:20Z").await, ["nightly 2026-03-20"], "{misfire}");
    }
}

#[tokio::test]
async fn a_start_in_the_job_reaches_back() {
    let desk = Desk::new(&[("nightly", "start = \"2026-03-13\"")]).await;
    assert_eq!(desk.run_all(&desk.scheduler("one", 1), "2026-03-16T00:00:00Z").await, ["nightly 2026-03-13", "nightly 2026-03-14", "nightly 2026-03-15"]);
}

#[tokio::test]
async fn two_schedulers_run_each_tick_once() {
    let desk = Desk::new(&[("nightly", "start = \"2026-03-01\"")]).await;
    let (one, two) = (desk.scheduler("one", 1), desk.scheduler("two", 2));
    let now = "2026-03-16T00:00:00Z";
    let mut ran = 0;
    // Both look at the same time and mean the same tick; whoever comes second is refused, also when the first is through already.
    while let (Some(first), Some(second)) = (desk.wake(&one, now).await.run, desk.wake(&two, now).await.run) {
        assert_eq!(first, second);
        let (winner, loser) = if ran % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let lease = desk.begin(winner, &first, at(now)).await.unwrap();
        assert!(matches!(desk.begin(loser, &second, at(now)).await, Err(Error::Busy(_))));
        desk.ledger.move_run(lease.run.id, RunState::Nothing, None, at(now)).await.unwrap();
        desk.ledger.release(&lease).await.unwrap();
        assert!(matches!(desk.begin(loser, &second, at(now)).await, Err(Error::NotDue { .. })));
        ran += 1;
    }
    assert_eq!(ran, 15);
    assert_eq!(desk.ledger.list_runs(&Default::default()).await.unwrap().len(), 15);
}

#[tokio::test]
async fn a_dead_scheduler_is_taken_over_when_its_lease_ends() {
    let desk = Desk::new(&[("nightly", "")]).await;
    let (one, two) = (desk.scheduler("one", 1), desk.scheduler("two", 2));
    let due = desk.wake(&one, "2026-03-16T00:00:00Z").await.run.unwrap();
    desk.begin(&one, &due, at("2026-03-16T00:00:00Z")).await.unwrap();
    assert_eq!(desk.wake(&two, "2026-03-16T00:04:59Z").await.run, None, "the lease of the first has not ended");
    assert!(desk.ledger.recover(&two.holder, at("2026-03-16T00:05:00Z"), |_| true).await.unwrap());
    assert_eq!(desk.run_all(&two, "2026-03-16T00:05:00Z").await, ["nightly 2026-03-15"]);
    assert_eq!(desk.states().await, ["nightly 03-15 delivered"]);
}

#[tokio::test]
async fn a_tick_waits_for_its_exports_and_fires_at_until_without_them() {
    let ready = "ready = { exports = [\"billing_event\", \"offer\"], after = \"10 minutes\", until = \"3 hours\" }";
    let desk = Desk::new(&[("nightly", ready)]).await;
    let one = desk.scheduler("one", 1);
    let come = |export: &str, at: Option<DateTime<Utc>>| desk.look.borrow_mut().changed.insert(export.into(), at);
    let waits = async |now: &str| {
        let woken = desk.wake(&one, now).await;
        assert_eq!(woken.run, None);
        assert_eq!(woken.waiting[0].why, desk.note("nightly").await, "the ledger says it too");
        woken.waiting[0].why.clone()
    };
    assert_eq!(waits("2026-03-16T00:00:00Z").await, "starts no earlier than 2026-03-16T00:10:00Z");
    // Its newest file is older than the end of what the tick covers.
    come("billing_event", Some(at("2026-03-14T23:59:59Z")));
    assert_eq!(waits("2026-03-16T00:10:00Z").await, "waits for billing_event, offer until 2026-03-16T03:00:00Z");
    come("billing_event", Some(at("2026-03-15T00:00:00Z")));
    come("offer", None);
    assert_eq!(waits("2026-03-16T02:59:59Z").await, "waits for offer until 2026-03-16T03:00:00Z");
    let fires = desk.wake(&one, "2026-03-16T03:00:00Z").await.run.unwrap();
    assert_eq!(fires.warning.as_deref(), Some("without offer: nothing of it came by 2026-03-16T03:00:00Z"));
    desk.run(&one, &fires, "2026-03-16T03:00:00Z", RunState::Delivered).await;
    assert_eq!(desk.note("nightly").await, "without offer: nothing of it came by 2026-03-16T03:00:00Z", "what it ran without stays said");
    // With all there it does not wait.
    for export in ["billing_event", "offer"] {
        come(export, Some(at("2026-03-16T05:00:00Z")));
    }
    let next = desk.wake(&one, "2026-03-17T00:10:00Z").await.run.unwrap();
    assert_eq!((next.tick.date.to_string(), next.warning), ("2026-03-16".into(), None));
}

#[tokio::test]
async fn a_tick_without_any_file_is_empty() {
    let desk = Desk::new(&[("nightly", "")]).await;
    let one = desk.scheduler("one", 1);
    *desk.look.borrow_mut() = Look::default();
    assert_eq!(desk.run_all(&one, "2026-03-16T00:00:00Z").await, [""; 0]);
    assert_eq!(desk.states().await, ["nightly 03-15 empty"]);
    // A source that can't be looked at is not empty: the run says what is wrong.
    desk.look.borrow_mut().failed = Some("no such bucket".into());
    assert_eq!(desk.run_all(&one, "2026-03-17T00:00:00Z").await, ["nightly 2026-03-16"]);
}

#[tokio::test]
async fn a_job_that_needs_another_runs_after_it() {
    let weekly = "schedule = \"0 0 * * 1\"\nneeds = [\"nightly\"]";
    let desk = Desk::new(&[("a_weekly", weekly), ("nightly", "")]).await;
    let one = desk.scheduler("one", 1);
    let now = "2026-03-17T00:00:00Z";
    let due = desk.wake(&one, now).await.run.unwrap();
    assert_eq!(due.job, "nightly", "both are due at once; the needed one comes first");
    desk.run(&one, &due, now, RunState::Failed).await;
    let woken = desk.wake(&one, now).await;
    assert_eq!(woken.run, None);
    let said: Vec<&str> = woken.waiting.iter().map(|waiting| waiting.why.as_str()).collect();
    assert_eq!(said, ["is tried again at 2026-03-17T00:05:00Z", "needs nightly at 2026-03-16T00:00:00Z, which is failed"]);
    assert_eq!(desk.run_all(&one, "2026-03-17T00:05:00Z").await, ["nightly 2026-03-16", "a_weekly 2026-03-16"]);
}

#[tokio::test]
async fn a_failure_is_tried_again_later_and_later_and_given_up_at_last() {
    let desk = Desk::new(&[("nightly", "retries = 2\ndue_by = \"15 minutes\"")]).await;
    let one = desk.scheduler("one", 1);
    let mut tries = Vec::new();
    for minute in 0..180 {
        let now = format!("2026-03-16T{:02}:{:02}:00Z", minute / 60, minute % 60);
        if let Some(due) = desk.wake(&one, &now).await.run {
            tries.push(minute);
            desk.run(&one, &due, &now, RunState::Failed).await;
        }
    }
    assert_eq!(tries, [0, 5, 25]);
    assert_eq!(desk.states().await, ["nightly 03-15 given_up"]);
    assert_eq!(desk.note("nightly").await, "3 tries failed, the last: the store is away");
    let tick = desk.ledger.ticks(&TickFilter::default()).await.unwrap().remove(0);
    assert_eq!(tick.late_since, Some(at("2026-03-16T00:15:00Z")));
    let tries: Vec<(u64, u64)> = desk.ledger.list_runs(&Default::default()).await.unwrap().iter().map(|run| (run.attempt, run.retry)).collect();
    assert_eq!(tries, [(1, 2), (1, 1), (1, 0)]);
    // The next night is not held back.
    assert_eq!(desk.run_all(&one, "2026-03-17T00:00:00Z").await, ["nightly 2026-03-16"]);
}

#[tokio::test]
async fn a_tick_that_comes_while_one_runs_waits_or_is_skipped() {
    for (overlap, states) in
        [("queue", ["nightly 03-15 delivered", "nightly 03-16 delivered"]), ("forbid", ["nightly 03-15 delivered", "nightly 03-16 skipped"])]
    {
        let desk = Desk::new(&[("nightly", &format!("overlap = \"{overlap}\""))]).await;
        let one = desk.scheduler("one", 1);
        let due = desk.wake(&one, "2026-03-16T23:00:00Z").await.run.unwrap();
        let lease = desk.begin(&one, &due, at("2026-03-16T23:00:00Z")).await.unwrap();
        let busy = one.wake(&desk.jobs, at("2026-03-17T00:00:30Z"), false, async |_| panic!("nothing is to be started")).await.unwrap();
        assert_eq!(busy, Woken::default());
        for state in [RunState::Running, RunState::Published, RunState::Delivered] {
            desk.ledger.move_run(lease.run.id, state, None, at("2026-03-17T01:00:00Z")).await.unwrap();
        }
        desk.ledger.release(&lease).await.unwrap();
        desk.run_all(&one, "2026-03-17T01:00:00Z").await;
        assert_eq!(desk.states().await, states, "{overlap}");
    }
}

#[tokio::test]
async fn what_a_user_ran_by_hand_is_done() {
    let desk = Desk::new(&[("nightly", "start = \"2026-03-14\"")]).await;
    let one = desk.scheduler("one", 1);
    let job = &desk.jobs["nightly"];
    let tick = job.tick_at("2026-03-14").unwrap();
    let new =
        NewRun { id: None, job: "nightly".into(), tick: tick.at, interval: job.interval(tick), known_at: job.known_at(tick), claim: Claim::Asked, note: None };
    let lease = desk.ledger.begin_run(&new, &one.holder, LEASE, at("2026-03-15T12:00:00Z"), |_| true).await.unwrap();
    desk.ledger.move_run(lease.run.id, RunState::Nothing, None, at("2026-03-15T12:00:00Z")).await.unwrap();
    desk.ledger.release(&lease).await.unwrap();
    assert_eq!(desk.run_all(&one, "2026-03-16T00:00:00Z").await, ["nightly 2026-03-15"]);
}

/// A year of nights in Berlin, woken every seven minutes with breaks of up to days: each civil day once, in order, each interval where
/// the one before it ended.
#[tokio::test]
async fn a_year_with_breaks_and_clock_changes_has_each_day_once() {
    let mut desk = Desk::new(&[]).await;
    let text = "job = \"nightly\"\nschedule = \"30 2 * * *\"\ntimezone = \"Europe/Berlin\"\ncovers = \"previous_day\"\n";
    desk.jobs.insert("nightly".into(), Job::parse(Path::new("jobs/j.toml"), text).unwrap());
    let one = desk.scheduler("one", 1);
    let (mut now, end) = (at("2026-01-01T12:00:00Z"), at("2027-01-01T12:00:00Z"));
    let mut seed = 7u64;
    while now < end {
        desk.run_all(&one, &now.to_rfc3339()).await;
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        now += TimeDelta::minutes(7 + (seed >> 33) as i64 % 3_000);
    }
    desk.run_all(&one, &end.to_rfc3339()).await;
    let ticks = desk.ledger.ticks(&TickFilter::default()).await.unwrap();
    assert_eq!(ticks.len(), 366);
    assert!(ticks.iter().all(|tick| tick.state == TickState::Delivered));
    assert!(ticks.windows(2).all(|pair| pair[0].interval.end == pair[1].interval.start));
}
