//! Fault points: the store and the ledger ask here before each operation whether it shall work.
//!
//! In production nobody stands at the gate and each question is one comparison. Crash tests put a [`Gate`] there that counts
//! the operations and lets one of them fail, be done by half, or be the last of its process. This crate must not know what an
//! operation is for.

mod nth;

use std::fmt;
use std::sync::Arc;

pub use nth::{Fault, Fired, Nth};

/// What is about to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation<'a> {
    pub kind: Kind,
    /// A path in the store, or what a call of the ledger or a step of the work is named.
    pub on: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Bytes of a file, or its size. Done by half: the first half of the bytes comes.
    Read,
    /// Done by half: the first half of the names comes.
    List,
    /// A new file in a place where nobody looks.
    Stage,
    /// Bytes into a staged file. Done by half: the first half of them is written.
    Write,
    /// A staged file onto its path, or a whole upload. Done by half: it is done, but the caller is told that it failed.
    Place,
    /// A staged file is thrown away.
    Unstage,
    /// Done by half: as with `Place`.
    Delete,
    /// A statement of the ledger that reads, or that a transaction still holds back.
    Query,
    /// A statement or transaction of the ledger takes effect. Done by half: as with `Place`.
    Commit,
    /// A step of the work that touches neither.
    Step,
}

impl Kind {
    /// Is something written, or could it be?
    pub fn changes(self) -> bool {
        !matches!(self, Self::Read | Self::List | Self::Query | Self::Step)
    }

    /// Is there a half of it that differs from nothing of it?
    pub fn can_be_torn(self) -> bool {
        matches!(self, Self::Read | Self::List | Self::Write | Self::Place | Self::Delete | Self::Commit)
    }
}

/// Decides what happens to each operation. It may be asked from several threads at once.
pub trait Gate: fmt::Debug + Send + Sync {
    fn ask(&self, operation: Operation<'_>) -> Answer;
}

#[derive(Debug)]
pub enum Answer {
    Go,
    /// Don't do it, say that it failed.
    Fail(Injected),
    /// Do half of it, then say that it failed.
    Tear(Injected),
}

/// The error that a gate wants to be reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injected(pub String);

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Injected {}

impl From<Injected> for std::io::Error {
    fn from(fault: Injected) -> Self {
        Self::other(fault)
    }
}

/// The way to the gate, if there is one. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Faults(Option<Arc<dyn Gate>>);

impl Faults {
    /// All that has this value asks this gate.
    pub fn through(gate: Arc<dyn Gate>) -> Self {
        Self(Some(gate))
    }

    /// Is nobody there to ask?
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Asks before an operation: an error where it must not be done, else how far it may go.
    pub fn ask(&self, kind: Kind, on: &str) -> Result<Leave, Injected> {
        let Some(gate) = &self.0 else { return Ok(Leave(None)) };
        match gate.ask(Operation { kind, on }) {
            Answer::Go => Ok(Leave(None)),
            Answer::Fail(fault) => Err(fault),
            Answer::Tear(fault) => Ok(Leave(Some(fault))),
        }
    }

    /// A named point of the work at which nothing is read or written.
    pub fn reach(&self, step: &str) -> Result<(), Injected> {
        self.ask(Kind::Step, step)?.finish()
    }
}

/// Leave to do an operation, whole or by half.
#[derive(Debug)]
#[must_use = "an operation that is done by half ends with `finish`"]
pub struct Leave(Option<Injected>);

impl Leave {
    /// Only half of it may be done.
    pub fn is_torn(&self) -> bool {
        self.0.is_some()
    }

    /// How much of a length may be done.
    pub fn part(&self, length: usize) -> usize {
        if self.is_torn() { length / 2 } else { length }
    }

    /// The error after an operation that was done by half.
    pub fn finish(self) -> Result<(), Injected> {
        self.0.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(fault: Fault, at: u64) -> (Arc<Nth>, Faults) {
        let nth = Arc::new(Nth::new(fault, at));
        (nth.clone(), Faults::through(nth))
    }

    #[test]
    fn without_a_gate_all_goes() {
        let leave = Faults::default().ask(Kind::Write, "a").unwrap();
        assert_eq!((leave.is_torn(), leave.part(9)), (false, 9));
        leave.finish().unwrap();
    }

    #[test]
    fn one_fails_and_the_others_go() {
        let (nth, faults) = through(Fault::Fail, 2);
        faults.reach("one").unwrap();
        assert_eq!(faults.ask(Kind::Place, "two").unwrap_err().to_string(), "injected fault: operation 2, Place of two, fails");
        faults.reach("three").unwrap();
        assert_eq!(nth.fired(), Some(Fired { number: 2, kind: Kind::Place, on: "two".into() }));
        assert_eq!(nth.count(), 3);
    }

    #[test]
    fn one_is_done_by_half() {
        let (nth, faults) = through(Fault::Tear, 1);
        let leave = faults.ask(Kind::Write, "one").unwrap();
        assert_eq!((leave.is_torn(), leave.part(9)), (true, 4));
        leave.finish().unwrap_err();
        assert!(!faults.ask(Kind::Write, "two").unwrap().is_torn() && nth.fired().is_some());
    }

    #[test]
    fn after_the_end_nothing_goes() {
        let (nth, faults) = through(Fault::End, 2);
        faults.reach("one").unwrap();
        faults.reach("two").unwrap_err();
        faults.reach("three").unwrap_err();
        assert_eq!(nth.fired().map(|fired| fired.on), Some("two".to_owned()));
    }

    #[test]
    fn only_what_is_counted_goes_wrong_and_all_ends() {
        let nth = Arc::new(Nth::new(Fault::End, 1).counting(|operation| operation.kind.changes()));
        let faults = Faults::through(nth.clone());
        faults.reach("one").unwrap();
        faults.ask(Kind::Delete, "two").unwrap_err();
        faults.reach("three").unwrap_err();
        assert_eq!(nth.fired().map(|fired| (fired.number, fired.on)), Some((1, "two".to_owned())));
    }

    #[test]
    fn a_fault_that_is_never_reached_has_not_fired() {
        let (nth, faults) = through(Fault::End, 3);
        faults.reach("one").unwrap();
        assert_eq!((nth.fired(), nth.count()), (None, 1));
    }
}
