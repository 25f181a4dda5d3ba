//! Crash tests: for N = 1, 2, 3 … the N-th operation of the store or the ledger goes wrong, in every way there is, until a run has
//! fewer operations. After each, what readers find is whole; the job is started again as it was, and all is as if nothing had been.
//!
//! A fault that did not fire is a failure of the test, never a success.

pub mod feeds;
mod kills;
pub mod place;
mod standstill;
pub mod state;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use takings_faults::{Fault, Faults, Fired, Kind, Nth, Operation};

use feeds::Mini;
use place::{Ended, Place, Scene};
use state::State;

/// The named points of a run, at each of which a fault must have been seen to fire: the kind of the operation, and how what it is done to begins.
const STEPS: [(Kind, &str); 26] = [
    (Kind::Step, "pull"),
    (Kind::Step, "land"),
    (Kind::Step, "publish"),
    (Kind::Step, "mirror"),
    (Kind::Step, "emit"),
    (Kind::Place, "landing/blobs/"),
    (Kind::Place, "landing/records/"),
    (Kind::Step, "decode"),
    (Kind::Place, "quarantine/"),
    (Kind::Place, "lake/mini_sale/period_month="),
    (Kind::Place, "lake/mini_sale/_delta_log/"),
    (Kind::Step, "transform"),
    (Kind::Place, "lake/fct_sale/_delta_log/"),
    (Kind::Step, "snapshot"),
    (Kind::Commit, "record_snapshot"),
    (Kind::Place, "bi/fct_sale/"),
    (Kind::Place, "datasets/"),
    (Kind::Place, "reports/"),
    (Kind::Step, "stale"),
    (Kind::Commit, "begin_run"),
    (Kind::Commit, "move_run"),
    (Kind::Commit, "record_landing"),
    (Kind::Commit, "save_units"),
    (Kind::Commit, "set_model_state"),
    (Kind::Commit, "record_delivery"),
    (Kind::Commit, "release"),
];

/// How many runs of a stage go side by side: each waits half of its time, for its ledger and its threads.
const AT_ONCE: usize = 2;

/// The question to the ledger that comes before each move of a file.
const FENCE: &str = "stands";

/// The same of a compaction.
const COMPACTION: [(Kind, &str); 3] = [(Kind::Read, "lake/mini_sale/period_month="), (Kind::Place, "lake/mini_sale/_delta_log/"), (Kind::Commit, "rearranged")];

/// A place before a run, and what it is before and after one that nobody disturbs.
struct Stage {
    name: &'static str,
    scene: Scene,
    template: Place,
    before: State,
    end: State,
    /// Which operations are counted.
    counts: fn(Operation<'_>) -> bool,
    /// At what else than [`STEPS`] a fault must have been seen to fire.
    also: &'static [(Kind, &'static str)],
}

impl Stage {
    /// Nothing is there yet.
    fn first(mini: &Mini) -> Self {
        Self::on("first run", mini.night(1), Place::new())
    }

    /// The same while files are decoded beside those that still land: what changes the store.
    fn beside(mini: &Mini) -> Self {
        let scene = Scene { threads: 2, ..mini.night(1) };
        Self { counts: |done| done.kind.changes() && done.on != FENCE, ..Self::on("first run on two threads", scene, Place::new()) }
    }

    /// The same on an object store that knows no rename, as a bucket: what changes it.
    fn bucket(mini: &Mini) -> Self {
        Self { counts: |done| done.kind.changes(), ..Self::on("first run on a bucket", mini.night(1), Place::bucket()) }
    }

    /// One night is there. Then nine are missed; in the tenth a file has grown, one was rewritten and one is new.
    fn second(mini: &Mini) -> Self {
        let place = Place::new();
        assert_eq!(place.run(&mini.night(1), Faults::default()), Ended::Well);
        // The fence is asked as in the first run.
        Self { counts: |done| done.on != FENCE, ..Self::on("second run", mini.night(10), place).with_stale_report() }
    }

    /// The scheduler finds the first night due and runs it: what it asks and tells the ledger.
    fn scheduled(mini: &Mini) -> Self {
        let stage = Self::on("scheduled run", mini.scheduled(), Place::new());
        assert!(stage.end.says("nightly starts at"));
        let counts = |done: Operation<'_>| matches!(done.kind, Kind::Query | Kind::Commit) && done.on != FENCE;
        Self { counts, also: &[(Kind::Commit, "job_start"), (Kind::Commit, "record_due")], ..stage }
    }

    /// All nine nights are there, so that a table gets its first checkpoint. Only what is done to the Delta logs differs from the
    /// second run, so that only this goes wrong.
    fn tenth(mini: &Mini) -> Self {
        let place = Place::new();
        for night in 1..10 {
            assert_eq!(place.run(&mini.night(night), Faults::default()), Ended::Well);
        }
        Self { counts: |done| done.kind.changes() && done.on.contains("/_delta_log/"), ..Self::on("tenth run", mini.night(10), place).with_stale_report() }
    }

    /// After five nights the files of a month become one.
    fn compaction(mini: &Mini) -> Self {
        let place = Place::new();
        for night in 1..6 {
            assert_eq!(place.run(&mini.night(night), Faults::default()), Ended::Well);
        }
        let stage = Self::on("compaction", mini.upkeep(5), place);
        let files = |state: &State| state.files_of("mini_sale");
        assert!(files(&stage.end) > files(&stage.before), "nothing was compacted");
        Self { counts: |done| done.kind.changes() || done.on.starts_with("lake/"), also: &COMPACTION, ..stage }
    }

    /// What came shows that a report which stands is stale.
    fn with_stale_report(self) -> Self {
        assert!(!self.before.says("is stale") && self.end.says("is stale"));
        Self { also: &[(Kind::Commit, "record_stale")], ..self }
    }

    fn on(name: &'static str, scene: Scene, template: Place) -> Self {
        let undisturbed = template.copy();
        assert_eq!(undisturbed.run(&scene, Faults::default()), Ended::Well);
        let (before, end) = (State::of(&template.copy(), &scene), State::of(&undisturbed, &scene));
        assert!(end.has("reports/") && end.has("datasets/") && end.has("bi/") && !end.snapshot.is_empty());
        Self { name, scene, template, before, end, counts: |_| true, also: &[] }
    }

    /// What is wrong after a fault, before anything else is started and after the job is started again.
    fn violations(&self, place: &Place, ended: &Ended) -> Vec<String> {
        let mut found = Vec::new();
        let seen = State::of(&place.copy(), &self.scene);
        found.extend(seen.is_between(&self.before, &self.end));
        let missing = seen.is(&self.end);
        let is_done = missing.is_empty();
        if *ended == Ended::Well {
            found.extend(missing.into_iter().map(|what| format!("the run said that it went well, but {what}")));
        }
        match place.run(&self.scene, Faults::default()) {
            Ended::Well => {
                let mended = State::of(place, &self.scene);
                // The scheduler does not run again what is done: the next tick's run sweeps.
                let swept = !(self.scene.scheduled && is_done);
                let left = if swept { mended.leftovers() } else { Vec::new() };
                found.extend([mended.is(&self.end), left].concat().into_iter().map(|what| format!("after the restart {what}")));
            }
            Ended::Badly(why) => found.push(format!("the restart failed: {why}")),
        }
        found
    }

    /// Every operation goes wrong once.
    fn check(&self, fault: fn() -> Fault) {
        let start = Instant::now();
        let wrong = Mutex::new(Vec::new());
        let hit = |gate: &Nth, place: &Place, ended: &Ended| -> Option<Fired> {
            let hit = gate.fired()?;
            let found = self.violations(place, ended);
            wrong.lock().unwrap().extend(found.into_iter().map(|what| format!("{hit:?}: {what}")));
            Some(hit)
        };
        let next = AtomicU64::new(1);
        let until_none_fires = || {
            let mut fired = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let (gate, place, ended) = self.run(self.nth(fault(), number));
                let Some(hit) = hit(&gate, &place, &ended) else {
                    // Fewer operations than that: nothing was disturbed.
                    assert!(gate.count() < number, "the fault at operation {number} did not fire");
                    assert_eq!((ended, State::of(&place, &self.scene).is(&self.end)), (Ended::Well, Vec::new()));
                    return fired;
                };
                fired.push(hit);
            }
        };
        let mut fired: Vec<Fired> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(until_none_fires)).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        let counted = fired.len();
        // What is read ahead changes the numbers of what follows, so that one operation is met twice and another never: it is now.
        for label in self.labels(&fault()) {
            if fired.iter().all(|hit| label_of(hit.kind, &hit.on) != label) {
                let counts = self.counts;
                let wanted = label.clone();
                let nth = Nth::new(fault(), 1).counting(move |operation| counts(*operation) && label_of(operation.kind, operation.on) == wanted);
                let (gate, place, ended) = self.run(nth);
                fired.push(hit(&gate, &place, &ended).unwrap_or_else(|| panic!("the fault at {label} did not fire")));
            }
        }
        let wrong = wrong.into_inner().unwrap();
        eprintln!(
            "{}, an operation {:?}: {counted} faults by number and {} by name, all fired, {} violations, {:.0} s",
            self.name,
            fault(),
            fired.len() - counted,
            wrong.len(),
            start.elapsed().as_secs_f32()
        );
        assert!(wrong.is_empty(), "{} violations:\n{}", wrong.len(), wrong.join("\n"));
        self.covers(&fault(), &fired);
    }

    fn nth(&self, fault: Fault, number: u64) -> Nth {
        let counts = self.counts;
        Nth::new(fault, number).counting(move |operation| counts(*operation))
    }

    fn run(&self, nth: Nth) -> (Arc<Nth>, Place, Ended) {
        let (gate, place) = (Arc::new(nth), self.template.copy());
        let ended = place.run(&self.scene, Faults::through(gate.clone()));
        (gate, place, ended)
    }

    /// The operations of a run that nobody disturbs, each once.
    fn labels(&self, fault: &Fault) -> BTreeSet<String> {
        let never = if matches!(fault, Fault::Tear) { Fault::Tear } else { Fault::Fail };
        let (counter, _, _) = self.run(self.nth(never, 0));
        counter.seen().iter().map(|(kind, on)| label_of(*kind, on)).collect()
    }

    /// Each step of a run was hit.
    fn covers(&self, fault: &Fault, fired: &[Fired]) {
        let steps = if self.scene.job == "nightly" { &STEPS[..] } else { &[] };
        let torn = matches!(fault, Fault::Tear);
        let counted = |kind, on| (self.counts)(Operation { kind, on }) && (!torn || kind.can_be_torn());
        for (kind, on) in steps.iter().chain(self.also).copied().filter(|(kind, on)| counted(*kind, on)) {
            assert!(fired.iter().any(|hit| hit.kind == kind && hit.on.starts_with(on)), "no fault fired at {kind:?} of {on}");
        }
        if self.name == "tenth run" {
            assert!(fired.iter().any(|hit| hit.on.ends_with(".checkpoint.parquet")), "no fault fired at a checkpoint");
        }
    }
}

/// An operation by what it does, whatever the ids and hashes in its path.
fn label_of(kind: Kind, on: &str) -> String {
    format!("{kind:?} of {}", state::nameless(on))
}

#[test]
fn first_run_each_operation_fails() {
    Stage::first(&Mini::new()).check(|| Fault::Fail);
}

#[test]
fn first_run_each_operation_is_torn() {
    Stage::first(&Mini::new()).check(|| Fault::Tear);
}

#[test]
fn first_run_ends_at_each_operation() {
    Stage::first(&Mini::new()).check(|| Fault::End);
}

#[test]
fn on_two_threads_each_operation_fails() {
    Stage::beside(&Mini::new()).check(|| Fault::Fail);
}

#[test]
fn on_two_threads_a_run_ends_at_each_operation() {
    Stage::beside(&Mini::new()).check(|| Fault::End);
}

#[test]
fn second_run_each_operation_fails() {
    Stage::second(&Mini::new()).check(|| Fault::Fail);
}

#[test]
fn second_run_each_operation_is_torn() {
    Stage::second(&Mini::new()).check(|| Fault::Tear);
}

#[test]
fn second_run_ends_at_each_operation() {
    Stage::second(&Mini::new()).check(|| Fault::End);
}

#[test]
fn tenth_run_each_operation_fails() {
    Stage::tenth(&Mini::new()).check(|| Fault::Fail);
}

#[test]
fn tenth_run_each_operation_is_torn() {
    Stage::tenth(&Mini::new()).check(|| Fault::Tear);
}

#[test]
fn tenth_run_ends_at_each_operation() {
    Stage::tenth(&Mini::new()).check(|| Fault::End);
}

#[test]
fn compaction_each_operation_fails() {
    Stage::compaction(&Mini::new()).check(|| Fault::Fail);
}

#[test]
fn compaction_each_operation_is_torn() {
    Stage::compaction(&Mini::new()).check(|| Fault::Tear);
}

#[test]
fn compaction_ends_at_each_operation() {
    Stage::compaction(&Mini::new()).check(|| Fault::End);
}

#[test]
fn scheduled_run_each_operation_fails() {
    Stage::scheduled(&Mini::new()).check(|| Fault::Fail);
}

#[test]
fn scheduled_run_each_operation_is_torn() {
    Stage::scheduled(&Mini::new()).check(|| Fault::Tear);
}

#[test]
fn scheduled_run_ends_at_each_operation() {
    Stage::scheduled(&Mini::new()).check(|| Fault::End);
}

#[test]
fn on_a_bucket_each_operation_is_torn() {
    Stage::bucket(&Mini::new()).check(|| Fault::Tear);
}

#[test]
fn on_a_bucket_a_run_ends_at_each_operation() {
    Stage::bucket(&Mini::new()).check(|| Fault::End);
}

/// A run ends while it delivers, and before the next one the source changes: nothing of the report that was never delivered stays.
#[test]
fn what_was_not_delivered_goes_when_the_feeds_change() {
    let mini = Mini::new();
    let stage = Stage::first(&mini);
    for scene in [mini.first_night_without_sales(), mini.first_night_without_any()] {
        let undisturbed = Place::new();
        assert_eq!(undisturbed.run(&scene, Faults::default()), Ended::Well);
        let end = State::of(&undisturbed, &scene);
        let mut hits = 0;
        for number in 1.. {
            let gate = Arc::new(Nth::new(Fault::End, number).counting(|operation| operation.kind == Kind::Place));
            let place = stage.template.copy();
            let ended = place.run(&stage.scene, Faults::through(gate.clone()));
            let Some(fired) = gate.fired() else {
                assert_eq!(ended, Ended::Well);
                break;
            };
            if fired.on.starts_with("datasets/") || fired.on.starts_with("reports/") {
                hits += 1;
                assert_eq!(place.run(&scene, Faults::default()), Ended::Well);
                let names = |state: &State| state.shown().into_iter().map(|(path, bytes)| (path.to_owned(), bytes.len())).collect::<Vec<_>>();
                let after = State::of(&place, &scene);
                assert!(after.shown() == end.shown(), "{fired:?}: {:?}, should be {:?}", names(&after), names(&end));
            }
        }
        assert!(hits >= 6, "only {hits} faults fired while the report was delivered");
    }
}
