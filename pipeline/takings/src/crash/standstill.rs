//! A run stands still for longer than its lease, at each moment at which it replaces or deletes what readers see. Another takes the project over,
//! finds other feeds and makes all anew; then the first goes on. Nothing of what it still had to do may be seen.

use std::fmt;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use takings_faults::{Answer, Faults, Gate, Kind, Operation};

use super::feeds::Mini;
use super::place::{Ended, Place, Scene};
use super::state::State;
use crate::context::now;
use crate::simulation::clock::Clock;

/// Longer than a lease.
const STALLED: TimeDelta = TimeDelta::minutes(6);

/// At the `at`-th move of a file that readers see: what others do meanwhile.
struct Standstill {
    at: usize,
    /// Deletes, too; on a bucket they go by name alone.
    deletes: bool,
    seen: Mutex<Vec<(Kind, String)>>,
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl fmt::Debug for Standstill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "standstill at move {}", self.at)
    }
}

impl Gate for Standstill {
    fn ask(&self, operation: Operation<'_>) -> Answer {
        let moves = operation.kind == Kind::Place || self.deletes && operation.kind == Kind::Delete;
        if moves && super::state::SHOWN.iter().any(|part| operation.on.starts_with(part)) {
            let mut seen = self.seen.lock().unwrap();
            seen.push((operation.kind, operation.on.to_owned()));
            if seen.len() == self.at {
                drop(seen);
                let meanwhile = self.meanwhile.lock().unwrap().take().unwrap();
                meanwhile();
            }
        }
        Answer::Go
    }
}

/// A run of `first` stands still at each of its moves in turn, while `second` is run. The moves.
fn stand_still(template: &Place, first: &Scene, second: &Scene, deletes: bool) -> Vec<(Kind, String)> {
    let undisturbed = template.copy();
    assert_eq!(undisturbed.run(second, Faults::default()), Ended::Well);
    let end = State::of(&undisturbed, second);
    for at in 1.. {
        let (place, clock) = (template.copy(), Clock::at(now()));
        let (same, scene, late) = (place.again(), second.clone(), clock.clone());
        let meanwhile = move || {
            late.jump(STALLED);
            assert_eq!(same.run_by(&late, &scene, Faults::default()), Ended::Well);
        };
        let gate = Arc::new(Standstill { at, deletes, seen: Mutex::default(), meanwhile: Mutex::new(Some(Box::new(meanwhile))) });
        let ended = place.run_by(&clock, first, Faults::through(gate.clone()));
        let seen = gate.seen.lock().unwrap().clone();
        if gate.meanwhile.lock().unwrap().is_some() {
            assert_eq!(seen.len(), at - 1, "the standstill at move {at} did not come");
            return seen;
        }
        let at = &seen[at - 1];
        assert!(matches!(&ended, Ended::Badly(why) if why.contains("lost its lease")), "{at:?}: {ended:?}");
        let after = State::of(&place, second);
        let otherwise = after.shows_otherwise(&end, |_| false);
        assert!(otherwise.is_empty(), "after a standstill at {at:?}: {otherwise:?}");
    }
    unreachable!()
}

#[test]
fn what_a_run_still_had_to_do_when_it_was_taken_over_is_never_seen() {
    let mini = Mini::new();
    let (night, no_sales, nothing) = (mini.night(1), mini.first_night_without_sales(), mini.first_night_without_any());
    let one_night = Place::new();
    assert_eq!(one_night.run(&night, Faults::default()), Ended::Well);
    let fresh = Place::new();
    let mut moves = Vec::new();
    // First it places what others make otherwise or not at all, then it deletes what others make.
    for (template, first, second) in [(&fresh, &night, &no_sales), (&fresh, &night, &nothing), (&fresh, &no_sales, &night), (&one_night, &nothing, &night)] {
        moves.extend(stand_still(template, first, second, true));
    }
    let count = |kind: Kind, part: &str| moves.iter().filter(|(done, on)| *done == kind && on.starts_with(part)).count();
    for (kind, part) in [(Kind::Place, "bi/"), (Kind::Place, "datasets/"), (Kind::Place, "reports/"), (Kind::Delete, "bi/"), (Kind::Delete, "datasets/")] {
        assert!(count(kind, part) > 0, "no run stood still at a {kind:?} of {part}: {moves:?}");
    }
    eprintln!("a run stood still at each of {} moves of files that readers see: nothing of it was seen after its successor", moves.len());
}

#[test]
fn what_a_run_still_had_to_put_into_a_bucket_is_never_seen() {
    let mini = Mini::new();
    let moves = stand_still(&Place::bucket(), &mini.night(1), &mini.first_night_without_sales(), false);
    assert!(moves.len() > 5, "{moves:?}");
}
