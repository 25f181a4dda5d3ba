//! Landed files, decode accounting, snapshots, marts and deliveries.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::json;
use takings_faults::{Fault, Faults, Nth};
use takings_runs::{Delivery, DeliveryFilter, DeliveryState, LandingFile, ModelState, RunState, Standing, StepFigures, Unit, UnitKey, Uuid};

use super::place::{Place, on_both};
use super::{LEASE, begun, holder, nightly, now};

on_both!(
    a_landing_file_only_moves_forward,
    units_add_up_and_are_replaced_together,
    texts_are_kept_as_they_are_and_ordered_by_their_bytes,
    sums_are_whole_numbers,
    each_call_passes_the_gate_with_as_many_operations,
    a_snapshot_is_whole_or_not_there,
    readers_never_see_half_a_snapshot,
    a_mart_remembers_its_last_build,
    deliveries_are_kept_per_run_and_found_by_filter,
    standing_ticks_are_those_shortly_before_the_newest,
);

fn tables(pairs: &[(&str, i64)]) -> BTreeMap<String, i64> {
    pairs.iter().map(|(table, version)| ((*table).to_owned(), *version)).collect()
}

async fn a_landing_file_only_moves_forward(place: &Place) {
    let ledger = place.open().await;
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
    // Nothing new: nothing is written.
    let gate = std::sync::Arc::new(Nth::new(Fault::Fail, 0));
    let watched = place.open_through(Faults::through(gate.clone())).await;
    watched.record_landing(None, &[file("b.csv", 3), file("a.csv", 2)]).await.unwrap();
    assert!(gate.seen().iter().all(|(_, on)| on != "record_landing"), "{:?}", gate.seen());
}

async fn units_add_up_and_are_replaced_together(place: &Place) {
    let ledger = place.open().await;
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
    assert_eq!(ledger.withheld_units("aws_account").await.unwrap(), [unit("1", 5, 1)]);
    ledger.save_units(None, &[unit("1", 6, 0), unit("2", 1, 0)], &replaced).await.unwrap();
    assert_eq!(ledger.units_of_file("0f").await.unwrap(), [unit("1", 6, 0), unit("2", 1, 0)]);
}

async fn texts_are_kept_as_they_are_and_ordered_by_their_bytes(place: &Place) {
    let ledger = place.open().await;
    let names = ["Zoë/b.csv", "a b.csv", "a-b.csv", "a/b.csv", "ab.csv", "a_b.csv", "Ab.csv", "ä.csv", "日本.csv", "\u{1f4d6}.csv", "%_'\"\\.csv", ""];
    let file = |name: &&str| LandingFile {
        channel: "aws_marketplace".into(),
        instance: "main".into(),
        export: "account".into(),
        source_path: (*name).into(),
        file_id: "0f".into(),
        version: 1,
        size: i64::MAX as u64,
        sha256: "ff".into(),
    };
    ledger.record_landing(None, &names.iter().map(file).collect::<Vec<_>>()).await.unwrap();
    let found = ledger.landing_files("aws_marketplace", "main").await.unwrap();
    let mut sorted = names;
    sorted.sort_unstable();
    assert_eq!(found, sorted.iter().map(file).collect::<Vec<_>>());
    // NUL is the one sign that not every database takes.
    let run = begun(&ledger).await.run.id;
    ledger.move_run(run, RunState::Failed, Some("line 1: \"a\0b\""), now()).await.unwrap();
    assert_eq!(ledger.show_run(&run.to_string()).await.unwrap().run.error.as_deref(), Some("line 1: \"a\u{fffd}b\""));
}

async fn sums_are_whole_numbers(place: &Place) {
    let ledger = place.open().await;
    let run = begun(&ledger).await.run.id;
    for rows in [2, 3] {
        let step = ledger.start_step(run, "decode", now()).await.unwrap();
        ledger.end_step(step, &StepFigures { rows, bytes: 1 << 60, files: 1, detail: json!({}) }, now()).await.unwrap();
    }
    ledger.move_run(run, RunState::Nothing, None, now()).await.unwrap();
    let figures = ledger.figures().await.unwrap();
    let found = figures.steps.iter().map(|sum| (sum.name.as_str(), sum.count, sum.rows, sum.bytes, sum.files)).collect::<Vec<_>>();
    assert_eq!(found, [("decode", 2, 5, 1 << 61, 2)]);
    assert_eq!((figures.runs[0].state.as_str(), figures.runs[0].count, figures.done[0].tick), ("nothing", 1, nightly().tick));
}

/// Crash tests count the operations in SQLite; in PostgreSQL there is the question for the time besides.
async fn each_call_passes_the_gate_with_as_many_operations(place: &Place) {
    let gate = std::sync::Arc::new(Nth::new(Fault::Fail, 0));
    let ledger = place.open_through(Faults::through(gate.clone())).await;
    let lease = begun(&ledger).await;
    ledger.heartbeat(&lease, now()).await.unwrap();
    ledger.record_snapshot(None, &tables(&[("a", 1)]), now()).await.unwrap();
    ledger.latest_snapshot().await.unwrap();
    ledger.release(&lease).await.unwrap();
    let seen: Vec<String> = gate.seen().iter().map(|(kind, on)| format!("{kind:?} {on}")).collect();
    let asked = usize::from(place.database.is_some());
    let expected: Vec<String> = [
        ("Query open", 1),
        ("Commit migrate", 1),
        ("Query begin_run", 11 + asked),
        ("Commit begin_run", 1),
        ("Query clock", asked),
        ("Commit heartbeat", 1),
        ("Query record_snapshot", 3),
        ("Commit record_snapshot", 1),
        ("Query latest_snapshot", 1),
        ("Commit release", 1),
    ]
    .into_iter()
    .flat_map(|(operation, times)| std::iter::repeat_n(operation.to_owned(), times))
    .collect();
    assert_eq!(seen, expected);
}

async fn a_snapshot_is_whole_or_not_there(place: &Place) {
    let ledger = place.open().await;
    assert_eq!(ledger.latest_snapshot().await.unwrap(), None);
    assert!(ledger.record_snapshot(None, &tables(&[("a", 1), ("z", -1)]), now()).await.is_err());
    assert_eq!(ledger.latest_snapshot().await.unwrap(), None);
    let run = begun(&ledger).await.run.id;
    let first = ledger.record_snapshot(Some(run), &tables(&[("a", 1), ("b", 4)]), now()).await.unwrap();
    let second = ledger.record_snapshot(None, &tables(&[]), now() - TimeDelta::days(1)).await.unwrap();
    assert_eq!(ledger.latest_snapshot().await.unwrap().as_ref(), Some(&second), "the newest recorded is the latest");
    assert_eq!(ledger.snapshot(first.id).await.unwrap().as_ref(), Some(&first));
    assert_eq!(ledger.snapshot(Uuid::nil()).await.unwrap(), None);
    assert_eq!(ledger.snapshots_since(now()).await.unwrap(), std::slice::from_ref(&first));
    assert_eq!(ledger.snapshots_since(now() - TimeDelta::days(1)).await.unwrap(), [first.clone(), second]);
    assert_eq!(ledger.show_run(&run.to_string()).await.unwrap().snapshots, [first]);
}

async fn readers_never_see_half_a_snapshot(place: &Place) {
    let (writer, reader) = (place.open().await, place.open().await);
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

async fn a_mart_remembers_its_last_build(place: &Place) {
    let ledger = place.open().await;
    let state = |version| ModelState { definition_hash: "d1".into(), inputs: tables(&[("aws_account", 3)]), version };
    assert_eq!(ledger.model_state("dim_account").await.unwrap(), None);
    for version in [0, 1] {
        ledger.set_model_state(None, "dim_account", &state(version), now()).await.unwrap();
    }
    assert_eq!(ledger.model_state("dim_account").await.unwrap(), Some(state(1)));
    ledger.forget_model("dim_account").await.unwrap();
    assert_eq!(ledger.model_state("dim_account").await.unwrap(), None);
}

async fn deliveries_are_kept_per_run_and_found_by_filter(place: &Place) {
    let ledger = place.open().await;
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
    let empty =
        Delivery { path: None, sha256: None, bytes: None, run_key: None, note: Some("no data".into()), ..delivery(lease.run.id, "b", DeliveryState::NotMade) };
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
    assert_eq!(
        list(DeliveryFilter { state: Some(DeliveryState::NotMade), instance: Some("main".into()), ..DeliveryFilter::default() }).await,
        std::slice::from_ref(&empty)
    );
    assert_eq!(list(DeliveryFilter { tick: Some(now()), ..DeliveryFilter::default() }).await, []);
    assert_eq!(ledger.show_run(&lease.run.id.to_string()).await.unwrap().deliveries, [first, empty]);
}

async fn standing_ticks_are_those_shortly_before_the_newest(place: &Place) {
    let ledger = place.open().await;
    let day = |days: i64| nightly().tick + TimeDelta::days(days);
    let mut known = now();
    for (instance, days, state) in [
        ("main", 0, DeliveryState::Delivered),
        ("main", 30, DeliveryState::Delivered),
        ("main", 30, DeliveryState::Unchanged),
        ("main", 31, DeliveryState::Conflict),
        ("other", 10, DeliveryState::Delivered),
        ("other", 9, DeliveryState::Delivered),
        ("main", 39, DeliveryState::Delivered),
        ("main", 50, DeliveryState::NotMade),
    ] {
        known += TimeDelta::hours(1);
        let lease = begun(&ledger).await;
        let delivery = Delivery {
            run: lease.run.id,
            report: "a".into(),
            instance: instance.into(),
            tick: day(days),
            state,
            path: None,
            sha256: None,
            bytes: None,
            run_key: None,
            known_at: known,
            revision: 1,
            delivered_at: now(),
            note: None,
        };
        ledger.record_delivery(&delivery).await.unwrap();
        ledger.move_run(lease.run.id, RunState::Failed, Some("x"), now()).await.unwrap();
        ledger.release(&lease).await.unwrap();
    }
    let standing = |instance: &str, days, hours| Standing { instance: instance.into(), tick: day(days), known_at: now() + TimeDelta::hours(hours) };
    let all = [standing("main", 30, 3), standing("main", 39, 7), standing("other", 10, 5)];
    assert_eq!(ledger.standing("a", TimeDelta::days(30), 9).await.unwrap(), all);
    assert_eq!(ledger.standing("a", TimeDelta::days(30), 2).await.unwrap(), all[..2]);
    assert_eq!(ledger.standing("b", TimeDelta::days(30), 9).await.unwrap(), []);
}
