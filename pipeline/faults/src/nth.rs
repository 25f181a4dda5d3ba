//! The gate of the crash tests: it counts operations and lets one of them go wrong.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::{Answer, Gate, Injected, Kind, Operation};

/// What goes wrong.
pub enum Fault {
    /// It fails and nothing of it is done.
    Fail,
    /// Half of it is done; see [`Kind`].
    Tear,
    /// The process ends there: neither this operation nor any after it is done, those of destructors included.
    End,
    /// This is called in its place, while every other operation waits: it may end the process for good.
    Call(Box<dyn Fn(&Fired) + Send + Sync>),
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fail => "fails",
            Self::Tear => "is done by half",
            Self::End => "is where the process ends",
            Self::Call(_) => "is where the test is called",
        })
    }
}

/// The operation that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// Counted from 1.
    pub number: u64,
    pub kind: Kind,
    pub on: String,
}

/// Counts operations (for [`Fault::Tear`] those that can be torn); the `at`-th goes wrong. With 0 none does.
pub struct Nth {
    fault: Fault,
    at: u64,
    counts: Box<dyn Fn(&Operation<'_>) -> bool + Send + Sync>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    seen: Vec<(Kind, String)>,
    fired: Option<Fired>,
}

impl Nth {
    pub fn new(fault: Fault, at: u64) -> Self {
        Self { fault, at, counts: Box::new(|_| true), state: Mutex::default() }
    }

    /// Only these are counted; all others go, until the end.
    #[must_use]
    pub fn counting(self, counts: impl Fn(&Operation<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self { counts: Box::new(counts), ..self }
    }

    /// Whether the process has ended: no operation goes any more.
    pub fn has_ended(&self) -> bool {
        self.is_over(&self.state())
    }

    fn is_over(&self, state: &State) -> bool {
        matches!(self.fault, Fault::End) && state.fired.is_some()
    }

    /// The operation that went wrong. `None`: there were fewer.
    pub fn fired(&self) -> Option<Fired> {
        self.state().fired.clone()
    }

    /// How many operations were counted.
    pub fn count(&self) -> u64 {
        self.state().seen.len() as u64
    }

    /// The counted operations in their order.
    pub fn seen(&self) -> Vec<(Kind, String)> {
        self.state().seen.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Nth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operation {} {:?}", self.at, self.fault)
    }
}

impl Gate for Nth {
    fn ask(&self, operation: Operation<'_>) -> Answer {
        let mut state = self.state();
        if self.is_over(&state) {
            return Answer::Fail(Injected("injected fault: the process has ended".to_owned()));
        }
        if !(self.counts)(&operation) || matches!(self.fault, Fault::Tear) && !operation.kind.can_be_torn() {
            return Answer::Go;
        }
        state.seen.push((operation.kind, operation.on.to_owned()));
        let number = state.seen.len() as u64;
        let fault = || Injected(format!("injected fault: operation {number}, {:?} of {}, {:?}", operation.kind, operation.on, self.fault));
        if number == self.at {
            let fired = Fired { number, kind: operation.kind, on: operation.on.to_owned() };
            state.fired = Some(fired.clone());
            match &self.fault {
                Fault::Fail | Fault::End => Answer::Fail(fault()),
                Fault::Tear => Answer::Tear(fault()),
                Fault::Call(call) => {
                    call(&fired);
                    Answer::Fail(fault())
                }
            }
        } else {
            Answer::Go
        }
    }
}
