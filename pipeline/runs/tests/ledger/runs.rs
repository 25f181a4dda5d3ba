//! Runs, their states and steps, and the lease.

use chrono::TimeDelta;
use expect_test::expect;
use serde_json::json;
use takings_runs::{Error, Ledger, NewRun, RunFilter, RunState, StepFigures, Uuid};

use super::place::{Place, on_both};
use super::{LEASE, at, begun, holder, nightly, now};

on_both!(
    a_run_moves_along_its_states_and_no_other_way,
    a_failure_has_a_reason_and_an_end,
    a_live_lease_keeps_others_out_and_says_who_holds_it,
    a_heartbeat_keeps_the_lease_and_a_lost_one_is_noticed,
    a_dead_process_gives_way_at_once,
    of_eight_that_begin_at_once_one_wins,
    runs_are_listed_by_filter_and_found_by_the_start_of_their_id,
    steps_keep_their_order_and_figures_and_end_once,
);

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

async fn a_run_moves_along_its_states_and_no_other_way(place: &Place) {
    let ledger = place.open().await;
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

async fn a_failure_has_a_reason_and_an_end(place: &Place) {
    let ledger = place.open().await;
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

async fn a_live_lease_keeps_others_out_and_says_who_holds_it(place: &Place) {
    let ledger = place.open().await;
    let new = NewRun { id: Some(Uuid::from_u128(7)), ..nightly() };
    ledger.begin_run(&new, &holder("a", "books", 41), LEASE, now(), |_| true).await.unwrap();
    let later = now() + TimeDelta::seconds(59);
    place.clock(later);
    let error = ledger.begin_run(&nightly(), &holder("b", "desk", 42), LEASE, later, |_| true).await;
    let error = error.unwrap_err();
    assert!(error.is_retryable() && matches!(error, Error::Busy(_)));
    expect!["another run holds the project: nightly for 2026-03-15T00:00:00Z by process 41 on books (holder a, run 00000000-0000-0000-0000-000000000007) since 2026-03-15T01:00:00Z, last heard of at 2026-03-15T01:00:00Z; wait until it ends, or stop that process: a lease that is not renewed ends at 2026-03-15T01:01:00Z"]
        .assert_eq(&error.to_string());
    assert_eq!(ledger.list_runs(&RunFilter::default()).await.unwrap().len(), 1, "a refused run leaves no trace");
    place.clock(now() + LEASE);
    let same = ledger.begin_run(&new, &holder("b", "desk", 42), LEASE, now() + LEASE, |_| true).await.unwrap_err();
    assert!(matches!(same, Error::RunExists(_)), "{same}");
}

async fn a_heartbeat_keeps_the_lease_and_a_lost_one_is_noticed(place: &Place) {
    let ledger = place.open().await;
    let first = begun(&ledger).await;
    ledger.move_run(first.run.id, RunState::Running, None, now()).await.unwrap();
    let at = |seconds| {
        let at = now() + TimeDelta::seconds(seconds);
        place.clock(at);
        at
    };
    ledger.heartbeat(&first, at(50)).await.unwrap();
    let other = holder("b", "desk", 2);
    assert!(matches!(ledger.begin_run(&nightly(), &other, LEASE, at(100), |_| true).await, Err(Error::Busy(_))));
    at(109);
    ledger.stands(&first).await.unwrap();
    let second = ledger.begin_run(&nightly(), &other, LEASE, at(110), |_| true).await.unwrap();
    assert_eq!((second.token, second.run.attempt), (first.token + 1, 2));
    assert!(matches!(ledger.stands(&first).await, Err(Error::LeaseLost { .. })));
    ledger.stands(&second).await.unwrap();
    let lost = ledger.heartbeat(&first, at(111)).await.unwrap_err();
    assert!(matches!(lost, Error::LeaseLost { .. }), "{lost}");
    ledger.release(&first).await.unwrap();
    ledger.heartbeat(&second, at(112)).await.unwrap();
    let taken = ledger.show_run(&first.run.id.to_string()).await.unwrap().run;
    assert_eq!(taken.state, RunState::Failed);
    assert_eq!(taken.error.as_deref(), Some("its process ended without finishing it; found by process 2 on desk"));
    assert!(matches!(ledger.move_run(first.run.id, RunState::Published, None, now()).await, Err(Error::Transition { .. })), "a run taken over can't publish");
}

async fn a_dead_process_gives_way_at_once(place: &Place) {
    let ledger = place.open().await;
    ledger.begin_run(&nightly(), &holder("a", "books", 41), LEASE, now(), |_| true).await.unwrap();
    let next = ledger
        .begin_run(&nightly(), &holder("b", "desk", 42), LEASE, now(), |lease| {
            assert_eq!((lease.pid, lease.holder.as_str()), (41, "a"));
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

async fn of_eight_that_begin_at_once_one_wins(place: &Place) {
    let ledgers = [place.open().await, place.open().await];
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

async fn runs_are_listed_by_filter_and_found_by_the_start_of_their_id(place: &Place) {
    let ledger = place.open().await;
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

async fn steps_keep_their_order_and_figures_and_end_once(place: &Place) {
    let ledger = place.open().await;
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
