//! The ledger's promises, each on a file of its own.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use expect_test::expect;
use serde_json::json;
use takings_definitions::Interval;
use takings_runs::{
    Delivery, DeliveryFilter, DeliveryState, Error, Holder, LandingFile, Ledger, ModelState, NewRun, RunFilter, RunLease, RunState, StepFigures, Unit, UnitKey,
    Uuid,
};
use tempfile::TempDir;

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
    }
}

fn holder(id: &str, host: &str, pid: u32) -> Holder {
    Holder { id: id.into(), host: host.into(), pid, program_version: "0.1.0".into() }
}

async fn open(folder: &TempDir) -> Ledger {
    Ledger::open("state/ledger.db", folder.path()).await.unwrap()
}

async fn begun(ledger: &Ledger) -> RunLease {
    ledger.begin_run(&nightly(), &holder("a", "host", 1), LEASE, now(), |_| true).await.unwrap()
}

fn tables(pairs: &[(&str, i64)]) -> BTreeMap<String, i64> {
    pairs.iter().map(|(table, version)| ((*table).to_owned(), *version)).collect()
}

#[tokio::test]
async fn opening_makes_the_folder_and_opening_again_keeps_the_records() {
    let folder = TempDir::new().unwrap();
    let first = open(&folder).await;
    let run = begun(&first).await.run;
    first.close().await;
    let again = Ledger::open(&format!("sqlite://{}", folder.path().join("state/ledger.db").display()), folder.path()).await.unwrap();
    assert_eq!(again.list_runs(&RunFilter::default()).await.unwrap(), [run]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_open_a_new_ledger_at_once() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_owned();
    let opens: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            tokio::spawn(async move { Ledger::open("ledger.db", &path).await })
        })
        .collect();
    for open in opens {
        open.await.unwrap().unwrap().check_store("one").await.unwrap();
    }
}

#[tokio::test]
async fn what_is_no_ledger_is_refused_with_the_next_step() {
    let folder = TempDir::new().unwrap();
    let mut said = String::new();
    for given in ["postgres://host/takings", "sqlite:", "sqlite::memory:"] {
        let error = Ledger::open(given, folder.path()).await.unwrap_err();
        assert!(error.is_config() && !error.is_retryable());
        said += &format!("{error}\n");
    }
    expect![[r#"
        ledger "postgres://host/takings": this program keeps its ledger in SQLite, not in `postgres`; write a path such as state/ledger.db, or sqlite:path
        ledger "sqlite:": it names no file; write a path such as state/ledger.db, or sqlite:path
        ledger "sqlite::memory:": a ledger in memory forgets everything; write a path such as state/ledger.db, or sqlite:path
    "#]]
    .assert_eq(&said);
    std::fs::write(folder.path().join("notes.txt"), "this is a text file and no ledger, long enough to have a header").unwrap();
    assert!(Ledger::open("notes.txt", folder.path()).await.unwrap_err().is_config());
    assert!(Ledger::open("notes.txt/ledger.db", folder.path()).await.unwrap_err().to_string().starts_with("can't make the folder "));
}

#[tokio::test]
async fn a_ledger_belongs_to_one_store() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    assert_eq!(ledger.store_id().await.unwrap(), None);
    ledger.check_store("store-1").await.unwrap();
    ledger.check_store("store-1").await.unwrap();
    let error = ledger.check_store("store-2").await.unwrap_err();
    assert!(error.is_config());
    assert_eq!(
        error.to_string(),
        format!(
            "ledger {} belongs to store store-1, but the settings name store store-2; set ledger.url to that store's own ledger, or store.url back",
            ledger.name()
        )
    );
    assert_eq!(ledger.store_id().await.unwrap().as_deref(), Some("store-1"));
}

/// Puts a run into a state by the shortest way.
async fn run_in(ledger: &Ledger, state: RunState) -> Uuid {
    let lease = begun(ledger).await;
    let way: &[RunState] = match state {
        RunState::Claimed => &[],
        RunState::Running => &[RunState::Running],
        RunState::Published => &[RunState::Running, RunState::Published],
        RunState::Delivered => &[RunState::Running, RunState::Published, RunState::Delivered],
        RunState::Failed => &[RunState::Failed],
        RunState::Nothing => &[RunState::Nothing],
    };
    for step in way {
        ledger.move_run(lease.run.id, *step, (*step == RunState::Failed).then_some("x"), now()).await.unwrap();
    }
    ledger.release(&lease).await.unwrap();
    lease.run.id
}

#[tokio::test]
async fn a_run_moves_along_its_states_and_no_other_way() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let mut allowed = String::new();
    for from in RunState::ALL {
        let mut to_states = Vec::new();
        for to in RunState::ALL {
            let run = run_in(&ledger, from).await;
            match ledger.move_run(run, to, Some("why"), now()).await {
                Ok(()) => to_states.push(to.as_str()),
                Err(Error::Transition { .. }) => assert_eq!(ledger.show_run(&run.to_string()).await.unwrap().run.state, from),
                Err(error) => panic!("{error}"),
            }
        }
        allowed += &format!("{from} -> {}\n", to_states.join(", "));
    }
    expect![[r#"
        claimed -> running, failed, nothing
        running -> published, failed, nothing
        published -> delivered, failed, nothing
        delivered -> 
        failed -> 
        nothing -> 
    "#]]
    .assert_eq(&allowed);
}

#[tokio::test]
async fn a_failure_has_a_reason_and_an_end() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let lease = begun(&ledger).await;
    let (id, later) = (lease.run.id, now() + TimeDelta::seconds(5));
    assert!(matches!(ledger.move_run(id, RunState::Failed, None, later).await, Err(Error::NoReason { .. })));
    assert_eq!(ledger.show_run(&id.to_string()).await.unwrap().run.ended_at, None);
    ledger.move_run(id, RunState::Failed, Some("2 files were stopped"), later).await.unwrap();
    let run = ledger.show_run(&id.to_string()).await.unwrap().run;
    assert_eq!((run.state, run.ended_at, run.error.as_deref()), (RunState::Failed, Some(later), Some("2 files were stopped")));
    let missing = ledger.move_run(Uuid::nil(), RunState::Running, None, later).await.unwrap_err();
    assert_eq!(missing.to_string(), "no run 00000000-0000-0000-0000-000000000000 in the ledger; `takings runs list` shows what ran");
}

#[tokio::test]
async fn a_live_lease_keeps_others_out_and_says_who_holds_it() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let new = NewRun { id: Some(Uuid::from_u128(7)), ..nightly() };
    ledger.begin_run(&new, &holder("a", "books", 41), LEASE, now(), |_| true).await.unwrap();
    let later = now() + TimeDelta::seconds(59);
    let error = ledger.begin_run(&nightly(), &holder("b", "desk", 42), LEASE, later, |_| panic!("a process of another host can't be asked about")).await;
    let error = error.unwrap_err();
    assert!(error.is_retryable() && matches!(error, Error::Busy(_)));
    expect!["another run holds the project: nightly for 2026-03-15T00:00:00Z by process 41 on books (holder a, run 00000000-0000-0000-0000-000000000007) since 2026-03-15T01:00:00Z, last heard of at 2026-03-15T01:00:00Z; wait until it ends, or stop that process: a lease that is not renewed ends at 2026-03-15T01:01:00Z"]
        .assert_eq(&error.to_string());
    assert_eq!(ledger.list_runs(&RunFilter::default()).await.unwrap().len(), 1, "a refused run leaves no trace");
    let same = ledger.begin_run(&new, &holder("b", "desk", 42), LEASE, now() + LEASE, |_| true).await.unwrap_err();
    assert!(matches!(same, Error::RunExists(_)), "{same}");
}

#[tokio::test]
async fn a_heartbeat_keeps_the_lease_and_a_lost_one_is_noticed() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let first = begun(&ledger).await;
    ledger.move_run(first.run.id, RunState::Running, None, now()).await.unwrap();
    ledger.heartbeat(&first, now() + TimeDelta::seconds(50)).await.unwrap();
    let other = holder("b", "desk", 2);
    assert!(matches!(ledger.begin_run(&nightly(), &other, LEASE, now() + TimeDelta::seconds(100), |_| true).await, Err(Error::Busy(_))));
    let second = ledger.begin_run(&nightly(), &other, LEASE, now() + TimeDelta::seconds(110), |_| true).await.unwrap();
    assert_eq!((second.token, second.run.attempt), (first.token + 1, 2));
    let lost = ledger.heartbeat(&first, now() + TimeDelta::seconds(111)).await.unwrap_err();
    assert!(matches!(lost, Error::LeaseLost { .. }), "{lost}");
    ledger.release(&first).await.unwrap();
    ledger.heartbeat(&second, now() + TimeDelta::seconds(112)).await.unwrap();
    let taken = ledger.show_run(&first.run.id.to_string()).await.unwrap().run;
    assert_eq!(taken.state, RunState::Failed);
    assert_eq!(taken.error.as_deref(), Some("its process ended without finishing it; found by process 2 on desk"));
    assert!(matches!(ledger.move_run(first.run.id, RunState::Published, None, now()).await, Err(Error::Transition { .. })), "a run taken over can't publish");
}

#[tokio::test]
async fn a_dead_process_of_this_host_gives_way_at_once() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    ledger.begin_run(&nightly(), &holder("a", "books", 41), LEASE, now(), |_| true).await.unwrap();
    let next = ledger
        .begin_run(&nightly(), &holder("b", "books", 42), LEASE, now(), |pid| {
            assert_eq!(pid, 41);
            false
        })
        .await
        .unwrap();
    assert_eq!(ledger.lease().await.unwrap().unwrap().run, next.run.id);
    ledger.release(&next).await.unwrap();
    assert_eq!(ledger.lease().await.unwrap(), None);
    let third = ledger.begin_run(&nightly(), &holder("c", "desk", 1), LEASE, now(), |_| true).await.unwrap();
    assert_eq!(third.token, 3, "the token rises over a release as well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_eight_that_begin_at_once_one_wins() {
    let folder = TempDir::new().unwrap();
    let ledgers = [open(&folder).await, open(&folder).await];
    for round in 1..=5 {
        let tries: Vec<_> = (0..8)
            .map(|n| {
                let ledger = ledgers[n % 2].clone();
                tokio::spawn(async move { ledger.begin_run(&nightly(), &holder(&format!("h{n}"), "host", 100 + n as u32), LEASE, now(), |_| true).await })
            })
            .collect();
        let mut won = Vec::new();
        for result in tries {
            match result.await.unwrap() {
                Ok(lease) => won.push(lease),
                Err(Error::Busy(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(won.len(), 1);
        assert_eq!((won[0].run.attempt, won[0].token), (round, round as i64));
        ledgers[0].release(&won[0]).await.unwrap();
    }
    assert_eq!(ledgers[1].list_runs(&RunFilter::default()).await.unwrap().len(), 5);
}

#[tokio::test]
async fn runs_are_listed_by_filter_and_found_by_the_start_of_their_id() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    for (n, job) in ["nightly", "weekly", "nightly"].into_iter().enumerate() {
        let new = NewRun { id: Some(Uuid::from_u128(0xab00 << 112 | n as u128)), job: job.into(), ..nightly() };
        let lease = ledger.begin_run(&new, &holder("a", "host", 1), LEASE, now() + TimeDelta::seconds(n as i64), |_| true).await.unwrap();
        ledger.move_run(lease.run.id, RunState::Nothing, None, now()).await.unwrap();
        ledger.release(&lease).await.unwrap();
    }
    let count = async |filter: RunFilter| ledger.list_runs(&filter).await.unwrap().iter().map(|run| run.attempt).collect::<Vec<_>>();
    assert_eq!(count(RunFilter { job: Some("nightly".into()), ..RunFilter::default() }).await, [2, 1]);
    assert_eq!(count(RunFilter { limit: Some(1), ..RunFilter::default() }).await, [2]);
    assert_eq!(count(RunFilter { state: Some(RunState::Failed), ..RunFilter::default() }).await.len(), 0);
    assert_eq!(count(RunFilter { tick: Some(nightly().tick), ..RunFilter::default() }).await.len(), 3);
    assert!(matches!(ledger.show_run("ab00").await, Err(Error::AmbiguousRun { count: 3, .. })));
    assert_eq!(ledger.show_run("AB000000-0000-0000-0000-000000000001").await.unwrap().run.job, "weekly");
    for wrong in ["", "%", "ff"] {
        assert!(matches!(ledger.show_run(wrong).await, Err(Error::Unknown { .. })), "{wrong}");
    }
}

#[tokio::test]
async fn steps_keep_their_order_and_figures_and_end_once() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let run = begun(&ledger).await.run.id;
    let pull = ledger.start_step(run, "pull", now()).await.unwrap();
    let decode = ledger.start_step(run, "decode", now()).await.unwrap();
    let figures = StepFigures { rows: 5, bytes: 1 << 40, files: 2, detail: json!({"new": 2}) };
    ledger.end_step(pull, &figures, now() + TimeDelta::milliseconds(1500)).await.unwrap();
    assert!(matches!(ledger.end_step(pull, &StepFigures::default(), now()).await, Err(Error::Step { .. })));
    assert!(matches!(ledger.end_step(decode, &StepFigures { rows: u64::MAX, ..StepFigures::default() }, now()).await, Err(Error::Figure { .. })));
    let steps = ledger.show_run(&run.to_string()).await.unwrap().steps;
    assert_eq!(steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), ["pull", "decode"]);
    assert_eq!((&steps[0].figures, steps[0].ended_at), (&figures, Some(at("2026-03-15T01:00:01.5Z"))));
    assert_eq!(steps[1].ended_at, None);
    assert!(ledger.start_step(Uuid::nil(), "pull", now()).await.is_err(), "a step belongs to a run");
}

#[tokio::test]
async fn a_landing_file_only_moves_forward() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let file = |path: &str, version: u64| LandingFile {
        channel: "aws_marketplace".into(),
        instance: "main".into(),
        export: "account".into(),
        source_path: path.into(),
        file_id: "0f".into(),
        version,
        size: 10 * version,
        sha256: format!("{version:064x}"),
    };
    ledger.record_landing(None, &[file("b.csv", 1), file("a.csv", 2)]).await.unwrap();
    ledger.record_landing(None, &[file("b.csv", 3), file("a.csv", 1)]).await.unwrap();
    assert_eq!(ledger.landing_files("aws_marketplace", "main").await.unwrap(), [file("a.csv", 2), file("b.csv", 3)]);
    assert_eq!(ledger.landing_files("aws_marketplace", "other").await.unwrap(), []);
}

#[tokio::test]
async fn units_add_up_and_are_replaced_together() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let unit = |name: &str, records: u64, quarantined: u64| Unit {
        key: UnitKey { table: "aws_account".into(), unit: name.into() },
        export: "account".into(),
        instance: "main".into(),
        file_id: "0f".into(),
        source_path: "AccountFeed_V1/data.csv".into(),
        version: 1,
        records,
        published: records - quarantined,
        quarantined,
        duplicate: 0,
        excluded: 0,
        totals: json!({"amount": {"USD": "1234567890123456789012345678.1234567890"}}),
    };
    ledger.save_units(None, &[unit("0", 3, 0), unit("1", 5, 1)], &[]).await.unwrap();
    let lost = Unit { published: 1, ..unit("2", 9, 0) };
    let replaced = [unit("0", 3, 0).key];
    let error = ledger.save_units(None, &[unit("3", 1, 0), lost], &replaced).await.unwrap_err();
    assert!(error.is_data());
    assert_eq!(
        error.to_string(),
        "aws_account, AccountFeed_V1/data.csv (2): 9 records read, but 1 accounted for (published + quarantined + duplicate + excluded); \
         nothing was published: run again, and report it if it stays"
    );
    assert_eq!(ledger.units("aws_account").await.unwrap(), [unit("0", 3, 0), unit("1", 5, 1)]);
    ledger.save_units(None, &[unit("1", 6, 0), unit("2", 1, 0)], &replaced).await.unwrap();
    assert_eq!(ledger.units_of_file("0f").await.unwrap(), [unit("1", 6, 0), unit("2", 1, 0)]);
}

#[tokio::test]
async fn a_snapshot_is_whole_or_not_there() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    assert_eq!(ledger.latest_snapshot().await.unwrap(), None);
    assert!(ledger.record_snapshot(None, &tables(&[("a", 1), ("z", -1)]), now()).await.is_err());
    assert_eq!(ledger.latest_snapshot().await.unwrap(), None);
    let run = begun(&ledger).await.run.id;
    let first = ledger.record_snapshot(Some(run), &tables(&[("a", 1), ("b", 4)]), now()).await.unwrap();
    let second = ledger.record_snapshot(None, &tables(&[]), now() - TimeDelta::days(1)).await.unwrap();
    assert_eq!(ledger.latest_snapshot().await.unwrap().as_ref(), Some(&second), "the newest recorded is the latest");
    assert_eq!(ledger.snapshot(first.id).await.unwrap().as_ref(), Some(&first));
    assert_eq!(ledger.snapshot(Uuid::nil()).await.unwrap(), None);
    assert_eq!(ledger.snapshots_since(now()).await.unwrap(), [first.clone()]);
    assert_eq!(ledger.snapshots_since(now() - TimeDelta::days(1)).await.unwrap(), [first.clone(), second]);
    assert_eq!(ledger.show_run(&run.to_string()).await.unwrap().snapshots, [first]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_never_see_half_a_snapshot() {
    let folder = TempDir::new().unwrap();
    let (writer, reader) = (open(&folder).await, open(&folder).await);
    let writing = tokio::spawn(async move {
        for version in 0..40 {
            let tables = (0..20).map(|table| (format!("t{table}"), version)).collect();
            writer.record_snapshot(None, &tables, now()).await.unwrap();
        }
    });
    let mut seen = 0;
    while !writing.is_finished() || seen == 0 {
        if let Some(snapshot) = reader.latest_snapshot().await.unwrap() {
            let versions: std::collections::BTreeSet<i64> = snapshot.tables.values().copied().collect();
            assert_eq!((snapshot.tables.len(), versions.len()), (20, 1));
            seen += 1;
        }
    }
    writing.await.unwrap();
    assert_eq!(reader.snapshots_since(now()).await.unwrap().len(), 40);
}

#[tokio::test]
async fn a_mart_remembers_its_last_build() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let state = |version| ModelState { definition_hash: "d1".into(), inputs: tables(&[("aws_account", 3)]), version };
    assert_eq!(ledger.model_state("dim_account").await.unwrap(), None);
    for version in [0, 1] {
        ledger.set_model_state(None, "dim_account", &state(version), now()).await.unwrap();
    }
    assert_eq!(ledger.model_state("dim_account").await.unwrap(), Some(state(1)));
    ledger.forget_model("dim_account").await.unwrap();
    assert_eq!(ledger.model_state("dim_account").await.unwrap(), None);
}

#[tokio::test]
async fn deliveries_are_kept_per_run_and_found_by_filter() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let lease = begun(&ledger).await;
    let delivery = |run: Uuid, report: &str, state| Delivery {
        run,
        report: report.into(),
        instance: "main".into(),
        tick: nightly().tick,
        state,
        path: Some(format!("reports/{report}/x.csv")),
        sha256: Some("ff".into()),
        bytes: Some(12),
        run_key: Some("k".into()),
        known_at: nightly().known_at,
        revision: 1,
        delivered_at: now(),
        note: None,
    };
    let empty = Delivery { path: None, sha256: None, bytes: None, run_key: None, note: Some("no data".into()), ..delivery(lease.run.id, "b", DeliveryState::NotMade) };
    let first = delivery(lease.run.id, "a", DeliveryState::Delivered);
    for said in [&delivery(lease.run.id, "a", DeliveryState::Conflict), &empty, &first] {
        ledger.record_delivery(said).await.unwrap();
    }
    ledger.release(&lease).await.unwrap();
    let rerun = ledger.begin_run(&nightly(), &holder("a", "host", 1), LEASE, now() + LEASE, |_| true).await.unwrap().run.id;
    let second = delivery(rerun, "a", DeliveryState::Unchanged);
    ledger.record_delivery(&second).await.unwrap();
    let list = async |filter| ledger.deliveries(&filter).await.unwrap();
    assert_eq!(list(DeliveryFilter::default()).await, [second.clone(), first.clone(), empty.clone()]);
    assert_eq!(list(DeliveryFilter { report: Some("a".into()), limit: Some(1), ..DeliveryFilter::default() }).await, [second]);
    assert_eq!(list(DeliveryFilter { state: Some(DeliveryState::NotMade), instance: Some("main".into()), ..DeliveryFilter::default() }).await, [empty.clone()]);
    assert_eq!(list(DeliveryFilter { tick: Some(now()), ..DeliveryFilter::default() }).await, []);
    assert_eq!(ledger.show_run(&lease.run.id.to_string()).await.unwrap().deliveries, [first, empty]);
}
