//! The clock of a simulated world. A thread that belongs to one of its processes reads it in place of the machine's.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static HERE: RefCell<Option<Clock>> = const { RefCell::new(None) };
}

/// Clones are one clock.
#[derive(Debug, Clone)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    pub fn at(time: DateTime<Utc>) -> Self {
        Self(Arc::new(AtomicI64::new(time.timestamp_micros())))
    }

    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub fn jump(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_microseconds().unwrap(), Ordering::SeqCst);
    }

    /// A runtime by whose threads this is the clock.
    pub fn runtime(&self) -> Runtime {
        let clock = self.clone();
        Builder::new_multi_thread().worker_threads(1).enable_all().on_thread_start(move || clock.rules_here()).build().unwrap()
    }

    /// The clock of this thread, for threads that it starts.
    pub fn of_here() -> Option<Self> {
        HERE.with_borrow(Clone::clone)
    }

    /// From now on this is the clock of this thread.
    pub fn rules_here(&self) {
        HERE.set(Some(self.clone()));
    }
}

/// The time in the world that this thread belongs to. Between two looks a millisecond passes.
pub fn simulated() -> Option<DateTime<Utc>> {
    HERE.with_borrow(|here| {
        let clock = here.as_ref()?;
        clock.jump(TimeDelta::milliseconds(1));
        Some(clock.now())
    })
}
