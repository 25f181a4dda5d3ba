//! How the memory limit is dealt to sorts, joins and aggregates.
//!
//! A plan registers many consumers that can spill, and few of them hold anything at one time. An equal share for each that is
//! registered leaves all of them with too little to work; here those that hold something share, and a part stays free for
//! those that are small or can't spill.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use datafusion::common::resources_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// A memory limit that is shared by those who use it.
#[derive(Debug)]
pub(crate) struct SharedPool {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    reserved: usize,
    /// What each consumer that can spill holds; none that holds nothing.
    spillers: HashMap<usize, usize>,
}

impl SharedPool {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much more a consumer may take.
    fn available(&self, state: &State, consumer: &MemoryConsumer) -> usize {
        let free = self.limit.saturating_sub(state.reserved);
        if !consumer.can_spill() {
            return free;
        }
        let held = state.spillers.get(&consumer.id()).copied().unwrap_or(0);
        let small = (self.limit / 64).saturating_sub(held).min(free);
        // A quarter stays for those that are small or can't spill.
        let others = state.spillers.len() - usize::from(held > 0);
        let share = (self.limit / 4 * 3) / (others + 1);
        let fair = share.saturating_sub(held).min(free.saturating_sub(self.limit / 4));
        small.max(fair)
    }
}

impl State {
    fn add(&mut self, consumer: &MemoryConsumer, bytes: usize) {
        self.reserved += bytes;
        if consumer.can_spill() && bytes > 0 {
            *self.spillers.entry(consumer.id()).or_default() += bytes;
        }
    }

    fn take(&mut self, consumer: &MemoryConsumer, bytes: usize) {
        self.reserved = self.reserved.saturating_sub(bytes);
        if let Some(held) = self.spillers.get_mut(&consumer.id()) {
            *held = held.saturating_sub(bytes);
            if *held == 0 {
                self.spillers.remove(&consumer.id());
            }
        }
    }
}

impl MemoryPool for SharedPool {
    fn name(&self) -> &'static str {
        "shared"
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.state().add(reservation.consumer(), additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.state().take(reservation.consumer(), shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut state = self.state();
        let consumer = reservation.consumer();
        let available = self.available(&state, consumer);
        if additional > available {
            return Err(resources_datafusion_err!("{} needs {additional} bytes more, {available} are left for it of {self}", consumer.name()));
        }
        state.add(consumer, additional);
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.state().reserved
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

impl fmt::Display for SharedPool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} MiB (engine.memory)", self.limit >> 20)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn consumer(pool: &Arc<dyn MemoryPool>, name: &str, can_spill: bool) -> MemoryReservation {
        MemoryConsumer::new(name).with_can_spill(can_spill).register(pool)
    }

    #[test]
    fn only_those_that_hold_something_share() {
        let pool: Arc<dyn MemoryPool> = Arc::new(SharedPool::new(6400));
        let idle: Vec<_> = (0..100).map(|at| consumer(&pool, &format!("idle {at}"), true)).collect();
        let first = consumer(&pool, "first", true);
        first.try_grow(4800).unwrap();
        assert!(first.try_grow(1).is_err(), "a quarter stays free");
        let second = consumer(&pool, "second", true);
        second.try_grow(100).unwrap();
        assert!(second.try_grow(1).is_err(), "small ones have their part, larger ones wait until the first has spilled");
        first.free();
        second.try_grow(2400).unwrap();
        first.try_grow(2300).unwrap();
        assert!(first.try_grow(200).is_err(), "half of three quarters each");
        drop(idle);
    }

    #[test]
    fn who_cannot_spill_may_take_all_that_is_free() {
        let pool: Arc<dyn MemoryPool> = Arc::new(SharedPool::new(6400));
        let join = consumer(&pool, "join", false);
        join.try_grow(6000).unwrap();
        let error = join.try_grow(500).unwrap_err().to_string();
        assert!(error.contains("join needs 500 bytes more, 400 are left for it of 0 MiB (engine.memory)"), "{error}");
        let sort = consumer(&pool, "sort", true);
        sort.try_grow(100).unwrap();
        assert!(sort.try_grow(1).is_err());
        assert_eq!(pool.reserved(), 6100);
        drop((join, sort));
        assert_eq!(pool.reserved(), 0);
    }
}
