//! What is due: the calendar minus what the ledger says is done.
//!
//! [`Scheduler::wake`] is called again and again with the time: it records ticks as their time comes, skips, closes and gives up those
//! that the job's rules say, and names the one tick to run next. This crate must not know the clock, the lake, or what a run does.

mod pass;
mod rules;
mod scheduler;
mod sources;

pub use pass::{Due, Waiting, Woken};
pub use scheduler::Scheduler;
pub use sources::Look;
