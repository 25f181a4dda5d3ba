//! Simulation: histories of a small project, each drawn from a seed. Sources send late, cut, growing, rewritten and doubled files, clocks jump,
//! two schedulers meet, and store and ledger fail; at the end all is as if nothing had.
//!
//! `cargo xtask sim --seeds N [--from SEED]` runs more seeds, or one again.

mod chance;
pub mod clock;
mod history;
mod process;
mod readers;
mod rest;
mod source;
mod turns;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use history::{Counts, FAULTS, World};
use source::Event;

/// So many seeds run with all other tests.
const SEEDS: u64 = 300;

/// Of so many seeds each kind of event must have happened in some.
const ENOUGH: u64 = 300;

/// What must have happened besides the events of the source and the faults.
const KINDS: [&str; 14] = [
    "a day later",
    "some hours later",
    "days later: the clock jumps over ticks",
    "earlier: the clock jumps back",
    "two schedulers changed turns",
    "a scheduler stood still",
    "the source changed while a scheduler stood still",
    "a run went well",
    "a run failed",
    "a run broke off",
    "a run was taken over",
    "a run was refused, for another had the project or the tick",
    "a report was refused: it has other bytes",
    "a tick was given up",
];

/// Lives through one history; what is wrong with it, with its lines.
fn play(seed: u64, tell: bool) -> (Counts, Option<String>) {
    let mut world = World::new(seed);
    let told = world.told.clone();
    let lived = catch_unwind(AssertUnwindSafe(|| world.live()));
    let wrong = match lived {
        Ok(wrong) => wrong,
        Err(panic) => vec![format!("it panicked: {}", panic.downcast_ref::<String>().map_or("no text", String::as_str))],
    };
    let told = std::mem::take(&mut *told.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    let lines: String = told.lines.iter().map(|line| format!("    {line}\n")).collect();
    if tell && wrong.is_empty() {
        eprintln!("seed {seed}\n{lines}");
    }
    let failed = (!wrong.is_empty()).then(|| format!("seed {seed} failed: {}; replay: cargo xtask sim --seeds 1 --from {seed}\n{lines}", wrong.join("\n  ")));
    (told.counts, failed)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is \"{text}\", not a number")))
}

#[test]
fn histories_end_as_if_nothing_had_gone_wrong() {
    let start = Instant::now();
    let (from, seeds) = (number("TAKINGS_SIM_FROM").unwrap_or(1), number("TAKINGS_SIM_SEEDS").unwrap_or(SEEDS));
    let next = AtomicU64::new(from);
    let all = Mutex::new((Counts::new(), Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= from + seeds {
                return;
            }
            let (counts, failed) = play(seed, seeds == 1);
            let mut all = all.lock().unwrap();
            for (kind, count) in counts {
                *all.0.entry(kind).or_default() += count;
            }
            if let Some(failed) = failed {
                eprintln!("{failed}");
                all.1.push(seed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    let (counts, failed) = all.into_inner().unwrap();
    eprintln!("{seeds} seeds from {from}, {} failed, {:.0} s", failed.len(), start.elapsed().as_secs_f32());
    for (kind, count) in &counts {
        eprintln!("{count:7}  {kind}");
    }
    assert!(failed.is_empty(), "seeds {failed:?} failed");
    if seeds >= ENOUGH {
        let events = Event::ALL.iter().map(|event| format!("source: {event:?}"));
        let faults = FAULTS.iter().map(|kind| format!("an operation {kind}"));
        for kind in events.chain(faults).chain(KINDS.map(str::to_owned)) {
            assert!(counts.get(&kind).is_some_and(|count| *count > 0), "it never happened: {kind}");
        }
    }
}
