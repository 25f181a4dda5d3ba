//! What jobs owe: due, claimed once, taken over, retried, given back, closed, stale.

use chrono::{DateTime, TimeDelta, Utc};
use expect_test::expect;
use takings_runs::{
    Claim, Delivery, DeliveryState, Error, Holder, Ledger, NewRun, NewTick, RunFilter, RunLease, RunState, StaleReport, TickFilter, TickRecord, TickState,
};

use super::place::{Place, on_both};
use super::{LEASE, at, holder, nightly, now};

on_both!(
    a_tick_is_due_once_and_its_way_is_recorded,
    a_tick_that_was_done_meanwhile_is_not_run_again,
    of_eight_that_claim_a_due_tick_one_runs_it,
    a_retry_is_the_same_attempt_and_the_failed_run_stays_failed,
    a_restatement_that_fails_takes_nothing_back,
    what_a_dead_process_held_is_due_again_when_its_lease_ends,
    a_run_given_back_is_due_again_and_no_failure_of_its_tick,
    a_tick_is_closed_only_while_nobody_works_on_it,
    a_tick_is_marked_late_once_and_a_start_stays,
    a_stale_report_is_news_once_and_mended_by_a_delivery_that_knows_its_rows,
);

fn new_tick() -> NewTick {
    let run = nightly();
    NewTick { job: run.job, tick: run.tick, interval: run.interval, known_at: run.known_at }
}

fn due() -> NewRun {
    NewRun { claim: Claim::Due, ..nightly() }
}

async fn begin(ledger: &Ledger, new: &NewRun, by: &Holder, at: DateTime<Utc>) -> Result<RunLease, Error> {
    ledger.begin_run(new, by, LEASE, at, |_| true).await
}

async fn only(ledger: &Ledger) -> TickRecord {
    let mut ticks = ledger.ticks(&TickFilter::default()).await.unwrap();
    assert_eq!(ticks.len(), 1);
    ticks.remove(0)
}

async fn fail(ledger: &Ledger, lease: &RunLease, at: DateTime<Utc>) {
    ledger.move_run(lease.run.id, RunState::Failed, Some("no route to the store"), at).await.unwrap();
    ledger.release(lease).await.unwrap();
}

#[test]
fn a_tick_moves_along_its_states_and_no_other_way() {
    let mut allowed = String::new();
    for from in TickState::ALL {
        let to: Vec<&str> = TickState::ALL.into_iter().filter(|to| from.may_become(*to)).map(TickState::as_str).collect();
        allowed += &format!("{from} -> {}\n", to.join(", "));
    }
    expect![[r#"
        due -> claimed, empty, skipped
        claimed -> due, running, nothing, failed
        running -> due, published, nothing, failed
        published -> due, delivered, nothing, failed
        delivered -> claimed
        nothing -> claimed
        empty -> claimed
        failed -> claimed, empty, given_up, skipped
        given_up -> claimed
        skipped -> claimed
    "#]]
    .assert_eq(&allowed);
}

async fn a_tick_is_due_once_and_its_way_is_recorded(place: &Place) {
    let ledger = place.open().await;
    let (a, b) = (holder("a", "books", 1), holder("b", "desk", 2));
    assert_eq!(ledger.record_due(&[new_tick()], &a, now()).await.unwrap(), [new_tick()]);
    assert_eq!(ledger.record_due(&[new_tick()], &b, now()).await.unwrap(), []);
    let new = NewRun { note: Some("without billing_event".into()), ..due() };
    let lease = begin(&ledger, &new, &b, now() + TimeDelta::seconds(1)).await.unwrap();
    for state in [RunState::Running, RunState::Published, RunState::Delivered] {
        ledger.move_run(lease.run.id, state, None, now() + TimeDelta::seconds(2)).await.unwrap();
    }
    let moves = ledger.tick_moves("nightly", nightly().tick).await.unwrap();
    let shown: Vec<String> = moves
        .iter()
        .map(|step| {
            let run = if step.run.is_some() { "run" } else { "no run" };
            format!("{} at {} by {} {} in {run}: {}", step.state, step.at.format("%S"), step.host, step.program_version, step.note.as_deref().unwrap_or("-"))
        })
        .collect();
    expect![[r#"
        due at 00 by books 0.1.0 in no run: -
        claimed at 01 by desk 0.1.0 in run: without billing_event
        running at 02 by desk 0.1.0 in run: without billing_event
        published at 02 by desk 0.1.0 in run: without billing_event
        delivered at 02 by desk 0.1.0 in run: without billing_event"#]]
    .assert_eq(&shown.join("\n"));
}

async fn a_tick_that_was_done_meanwhile_is_not_run_again(place: &Place) {
    let ledger = place.open().await;
    let (a, b) = (holder("a", "books", 1), holder("b", "desk", 2));
    assert!(matches!(begin(&ledger, &due(), &a, now()).await, Err(Error::NotDue { .. })), "a tick that was never due");
    ledger.record_due(&[new_tick()], &a, now()).await.unwrap();
    let lease = begin(&ledger, &due(), &a, now()).await.unwrap();
    ledger.move_run(lease.run.id, RunState::Nothing, None, now()).await.unwrap();
    ledger.release(&lease).await.unwrap();
    let late = begin(&ledger, &due(), &b, now()).await.unwrap_err();
    assert_eq!(late.to_string(), "tick 2026-03-15T00:00:00.000000Z of nightly is not due any more: it is nothing");
    assert_eq!(ledger.list_runs(&RunFilter::default()).await.unwrap().len(), 1);
    assert_eq!(ledger.lease().await.unwrap(), None, "the refused one holds nothing");
}

async fn of_eight_that_claim_a_due_tick_one_runs_it(place: &Place) {
    let mut ledgers = Vec::new();
    for _ in 0..8 {
        ledgers.push(place.open().await);
    }
    for day in 0..4 {
        let new = NewRun { tick: nightly().tick + TimeDelta::days(day), ..due() };
        let tick = NewTick { tick: new.tick, ..new_tick() };
        let mut tries = tokio::task::JoinSet::new();
        for (n, ledger) in ledgers.iter().cloned().enumerate() {
            let (new, tick) = (new.clone(), tick.clone());
            tries.spawn(async move {
                let by = holder(&format!("h{n}"), &format!("host{n}"), 1);
                let recorded = ledger.record_due(&[tick], &by, now()).await.unwrap().len();
                (recorded, begin(&ledger, &new, &by, now()).await)
            });
        }
        let (mut recorded, mut won) = (0, Vec::new());
        while let Some(tried) = tries.join_next().await {
            match tried.unwrap() {
                (new, Ok(lease)) => {
                    recorded += new;
                    won.push(lease);
                }
                (new, Err(Error::Busy(_))) => recorded += new,
                (_, Err(error)) => panic!("{error}"),
            }
        }
        assert_eq!((recorded, won.len()), (1, 1));
        assert_eq!((won[0].run.attempt, won[0].run.retry, won[0].token), (1, 0, day + 1));
        ledgers[0].move_run(won[0].run.id, RunState::Nothing, None, now()).await.unwrap();
        ledgers[0].release(&won[0]).await.unwrap();
        for ledger in &ledgers {
            assert!(matches!(begin(ledger, &new, &holder("late", "host", 1), now()).await, Err(Error::NotDue { .. })));
        }
    }
    assert_eq!(ledgers[0].list_runs(&RunFilter::default()).await.unwrap().len(), 4);
}

async fn a_retry_is_the_same_attempt_and_the_failed_run_stays_failed(place: &Place) {
    let ledger = place.open().await;
    let a = holder("a", "books", 1);
    ledger.record_due(&[new_tick()], &a, now()).await.unwrap();
    for number in 0..2 {
        let lease = begin(&ledger, &due(), &a, now()).await.unwrap();
        assert_eq!((lease.run.attempt, lease.run.retry), (1, number));
        fail(&ledger, &lease, now()).await;
        assert_eq!((only(&ledger).await.state, only(&ledger).await.failures), (TickState::Failed, number as u32 + 1));
    }
    assert_eq!(only(&ledger).await.note.as_deref(), Some("no route to the store"));
    assert!(ledger.close_tick("nightly", nightly().tick, TickState::GivenUp, "2 tries failed", &a, now()).await.unwrap());
    assert!(matches!(begin(&ledger, &due(), &a, now()).await, Err(Error::NotDue { .. })));
    let asked = begin(&ledger, &nightly(), &a, now()).await.unwrap();
    assert_eq!((asked.run.attempt, asked.run.retry), (2, 0));
    for state in [RunState::Running, RunState::Published, RunState::Delivered] {
        ledger.move_run(asked.run.id, state, None, now()).await.unwrap();
    }
    let tick = only(&ledger).await;
    assert_eq!((tick.state, tick.failures, tick.run), (TickState::Delivered, 0, Some(asked.run.id)));
    let states: Vec<RunState> = ledger.list_runs(&RunFilter::default()).await.unwrap().iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Delivered, RunState::Failed, RunState::Failed]);
}

async fn a_restatement_that_fails_takes_nothing_back(place: &Place) {
    let ledger = place.open().await;
    let a = holder("a", "books", 1);
    let first = begin(&ledger, &nightly(), &a, now()).await.unwrap();
    for state in [RunState::Running, RunState::Published, RunState::Delivered] {
        ledger.move_run(first.run.id, state, None, now()).await.unwrap();
    }
    ledger.release(&first).await.unwrap();
    let again = begin(&ledger, &nightly(), &a, now()).await.unwrap();
    fail(&ledger, &again, now()).await;
    let tick = only(&ledger).await;
    assert_eq!((tick.state, tick.run), (TickState::Delivered, Some(first.run.id)));
}

async fn what_a_dead_process_held_is_due_again_when_its_lease_ends(place: &Place) {
    let ledger = place.open().await;
    let (a, b) = (holder("a", "books", 1), holder("b", "desk", 2));
    ledger.record_due(&[new_tick()], &a, now()).await.unwrap();
    let dead = begin(&ledger, &due(), &a, now()).await.unwrap();
    ledger.move_run(dead.run.id, RunState::Running, None, now()).await.unwrap();
    place.clock(now() + LEASE - TimeDelta::seconds(1));
    assert!(!ledger.recover(&b, now() + LEASE - TimeDelta::seconds(1), |_| true).await.unwrap(), "its lease has not ended");
    assert!(!ledger.recover(&holder("c", "books", 3), now(), |_| true).await.unwrap(), "its process lives");
    place.clock(now() + LEASE);
    assert!(ledger.recover(&b, now() + LEASE, |_| true).await.unwrap());
    assert!(!ledger.recover(&b, now() + LEASE, |_| true).await.unwrap());
    let tick = only(&ledger).await;
    assert_eq!((tick.state, tick.failures), (TickState::Due, 0));
    assert_eq!(tick.note.as_deref(), Some("its process ended without finishing it; found by process 2 on desk"));
    // The dead one wakes up after all: whatever it does, it has no say.
    let tables = [("a".to_owned(), 1)].into();
    assert!(matches!(ledger.heartbeat(&dead, now() + LEASE).await, Err(Error::LeaseLost { .. })));
    assert!(matches!(ledger.record_snapshot(Some(dead.run.id), &tables, now() + LEASE).await, Err(Error::LeaseLost { .. })));
    assert!(ledger.move_run(dead.run.id, RunState::Published, None, now() + LEASE).await.is_err());
    let next = begin(&ledger, &due(), &b, now() + LEASE).await.unwrap();
    assert_eq!((next.token, next.run.attempt, next.run.retry), (dead.token + 1, 1, 1));
}

async fn a_run_given_back_is_due_again_and_no_failure_of_its_tick(place: &Place) {
    let ledger = place.open().await;
    let a = holder("a", "books", 1);
    ledger.record_due(&[new_tick()], &a, now()).await.unwrap();
    let lease = begin(&ledger, &due(), &a, now()).await.unwrap();
    ledger.move_run(lease.run.id, RunState::Running, None, now()).await.unwrap();
    ledger.give_back(lease.run.id, "given back: asked to stop", now()).await.unwrap();
    let tick = only(&ledger).await;
    assert_eq!((tick.state, tick.failures, tick.note.as_deref()), (TickState::Due, 0, Some("given back: asked to stop")));
    assert_eq!(ledger.show_run(&lease.run.id.to_string()).await.unwrap().run.state, RunState::Failed);
}

async fn a_tick_is_closed_only_while_nobody_works_on_it(place: &Place) {
    let ledger = place.open().await;
    let a = holder("a", "books", 1);
    let close = async |to| ledger.close_tick("nightly", nightly().tick, to, "why", &a, now()).await.unwrap();
    assert!(!close(TickState::Skipped).await, "there is no such tick");
    ledger.record_due(&[new_tick()], &a, now()).await.unwrap();
    assert!(!close(TickState::GivenUp).await, "it never failed");
    let lease = begin(&ledger, &due(), &a, now()).await.unwrap();
    assert!(!close(TickState::Skipped).await, "a run is at work");
    fail(&ledger, &lease, now()).await;
    assert!(close(TickState::Empty).await);
    assert!(!close(TickState::Skipped).await, "it is done");
}

async fn a_tick_is_marked_late_once_and_a_start_stays(place: &Place) {
    let ledger = place.open().await;
    ledger.record_due(&[new_tick()], &holder("a", "books", 1), now()).await.unwrap();
    assert!(ledger.mark_late("nightly", nightly().tick, now()).await.unwrap());
    assert!(!ledger.mark_late("nightly", nightly().tick, now() + LEASE).await.unwrap());
    assert_eq!(only(&ledger).await.late_since, Some(now()));
    assert_eq!(ledger.recorded_start("nightly").await.unwrap(), None);
    assert_eq!(ledger.job_start("nightly", nightly().tick, now()).await.unwrap(), nightly().tick);
    assert_eq!(ledger.job_start("nightly", now(), now()).await.unwrap(), nightly().tick);
}

async fn a_stale_report_is_news_once_and_mended_by_a_delivery_that_knows_its_rows(place: &Place) {
    let ledger = place.open().await;
    let run = begin(&ledger, &nightly(), &holder("a", "books", 1), now()).await.unwrap().run;
    let delivery = |known_at| Delivery {
        run: run.id,
        report: "daily_business".into(),
        instance: "main".into(),
        tick: run.tick,
        state: DeliveryState::Delivered,
        path: None,
        sha256: None,
        bytes: None,
        run_key: None,
        known_at,
        revision: 1,
        delivered_at: now(),
        note: None,
    };
    ledger.record_delivery(&delivery(run.known_at)).await.unwrap();
    let stale = StaleReport {
        job: "nightly".into(),
        report: "daily_business".into(),
        instance: "main".into(),
        tick: run.tick,
        rows: 3,
        known_until: at("2026-03-20T00:00:00Z"),
        found_at: now(),
    };
    assert!(ledger.record_stale(&stale).await.unwrap());
    assert!(!ledger.record_stale(&stale).await.unwrap());
    assert_eq!(ledger.stale_reports().await.unwrap(), std::slice::from_ref(&stale));
    assert!(ledger.record_stale(&StaleReport { rows: 4, ..stale.clone() }).await.unwrap());
    ledger.record_delivery(&delivery(stale.known_until)).await.unwrap();
    assert_eq!(ledger.stale_reports().await.unwrap(), []);
}
