//! Two processes that take turns: one of them goes on, the other stands still in the middle of what it does, and chance says when they change.
//! So a history is the same each time, though two processes meet in it.
//!
//! They change places at an operation of the store, never at one of the ledger: a transaction that stands still holds the other up.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use takings_faults::{Answer, Gate, Injected, Kind, Nth, Operation};

use super::chance::Chance;

/// Longer than anything that a process does between two operations.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    turn: usize,
    over: [bool; 2],
    changes: u64,
}

impl Turns {
    /// The first process begins.
    pub fn of_two() -> Self {
        Self { state: Mutex::new(State { turn: 0, over: [false, false], changes: 0 }), changed: Condvar::new() }
    }

    pub fn alone() -> Self {
        Self { state: Mutex::new(State { turn: 0, over: [false, true], changes: 0 }), changed: Condvar::new() }
    }

    /// Stands still until it is this process's turn.
    pub fn wait(&self, me: usize) {
        let state = self.lock();
        let (state, waited) =
            self.changed.wait_timeout_while(state, PATIENCE, |state| state.turn != me && !state.over[1 - me]).unwrap_or_else(PoisonError::into_inner);
        drop(state);
        assert!(!waited.timed_out(), "the other process waits for this one, which stands still");
    }

    /// Lets the other go on, and stands still until it gives the turn back or ends.
    pub fn give(&self, me: usize) {
        let mut state = self.lock();
        if state.over[1 - me] {
            return;
        }
        state.turn = 1 - me;
        state.changes += 1;
        drop(state);
        self.changed.notify_all();
        self.wait(me);
    }

    /// This process does nothing any more.
    pub fn end(&self, me: usize) {
        let mut state = self.lock();
        state.over[me] = true;
        state.turn = 1 - me;
        drop(state);
        self.changed.notify_all();
    }

    /// How often they changed places in the middle of something.
    pub fn changes(&self) -> u64 {
        self.lock().changes
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A moment at which a process stands still for long, and what happens meanwhile before the other goes on.
pub struct Stall {
    pub at: Moment,
    pub meanwhile: Box<dyn FnOnce() + Send>,
}

#[derive(Debug, Clone, Copy)]
pub enum Moment {
    /// An operation of the store, counted from 1.
    Number(u64),
    /// The first operation of this kind on something whose name begins so.
    First(Kind, &'static str),
}

impl Moment {
    fn is(self, number: u64, operation: Operation<'_>) -> bool {
        match self {
            Self::Number(at) => at == number,
            Self::First(kind, on) => operation.kind == kind && operation.on.starts_with(on),
        }
    }
}

/// Where a process asks before each operation: it may lose its turn there, and the operation may go wrong.
pub struct Door {
    me: usize,
    turns: Arc<Turns>,
    fault: Arc<Nth>,
    asked: AtomicU64,
    /// The turn changes at one in so many operations.
    one_in: u64,
    chance: Mutex<Chance>,
    stall: Mutex<Option<Stall>>,
}

impl Door {
    pub fn new(me: usize, turns: Arc<Turns>, fault: Arc<Nth>, one_in: u64, chance: Chance, stall: Option<Stall>) -> Self {
        Self { me, turns, fault, asked: AtomicU64::new(0), one_in, chance: Mutex::new(chance), stall: Mutex::new(stall) }
    }

    fn take_turns(&self, operation: Operation<'_>) {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut stall = self.stall.lock().unwrap_or_else(PoisonError::into_inner);
        match stall.take() {
            Some(now) if now.at.is(number, operation) => {
                drop(stall);
                (now.meanwhile)();
                self.turns.give(self.me);
            }
            // Until then the other has not begun.
            Some(later) => *stall = Some(later),
            None => {
                drop(stall);
                let gives = self.chance.lock().unwrap_or_else(PoisonError::into_inner).one_in(self.one_in);
                if gives {
                    self.turns.give(self.me);
                }
            }
        }
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "door of process {}, {:?}", self.me, self.fault)
    }
}

impl Gate for Door {
    fn ask(&self, operation: Operation<'_>) -> Answer {
        if self.fault.has_ended() {
            return Answer::Fail(Injected("injected fault: the process has ended".to_owned()));
        }
        if !matches!(operation.kind, Kind::Query | Kind::Commit) {
            self.take_turns(operation);
        }
        self.fault.ask(operation)
    }
}
