//! The wish to stop: asked for by a signal, seen by a run between two of its steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::failure::{Failure, Result};

/// Cheap to clone; all clones are one wish.
#[derive(Clone, Default)]
pub struct Stop(Arc<Wish>);

#[derive(Default)]
struct Wish {
    asked: AtomicBool,
    told: Notify,
}

impl Stop {
    pub fn ask(&self) {
        self.0.asked.store(true, Ordering::SeqCst);
        self.0.told.notify_waiters();
    }

    pub fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// Ends when it is asked for, at once if it was.
    pub async fn asked(&self) {
        let told = self.0.told.notified();
        tokio::pin!(told);
        // Enabled before the look: a wish between look and wait is not lost.
        told.as_mut().enable();
        if !self.is_asked() {
            told.await;
        }
    }

    /// Between two steps: an error when the run should be given back.
    pub fn check(&self, next: &str) -> Result<()> {
        if self.is_asked() { Err(Failure::stopped(format!("given back before {next}: asked to stop"))) } else { Ok(()) }
    }
}

/// From now on the first SIGTERM or SIGINT asks to stop, and a second one ends the process at once: what is committed stays, and the
/// next run goes on from there.
pub fn on_signals(stop: &Stop) -> Result<()> {
    let stop = stop.clone();
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        let name = signals.next().await;
        tracing::warn!("{name}: stopping after the step at work; once more ends it at once");
        stop.ask();
        let name = signals.next().await;
        tracing::warn!("{name} again: ending now; the next run goes on from here");
        std::process::exit(1);
    });
    Ok(())
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> &'static str {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "interrupt"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wish_is_seen_by_those_who_wait_and_those_who_come_later() {
        let stop = Stop::default();
        stop.check("pull").unwrap();
        let waits = tokio::spawn({
            let stop = stop.clone();
            async move { stop.asked().await }
        });
        tokio::task::yield_now().await;
        stop.ask();
        waits.await.unwrap();
        stop.asked().await;
        let failure = stop.check("pull").unwrap_err();
        assert!(failure.is_stopped());
        assert_eq!(failure.to_string(), "given back before pull: asked to stop");
    }
}
