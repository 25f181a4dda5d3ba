//! A run under its lease: the lease is renewed while the run works, and a run that lost it stops.

use std::future::Future;

use chrono::TimeDelta;
use takings_runs::{Holder, NewRun, RunLease, RunState};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::context::{Context, now};
use crate::failure::{Failure, Result};

/// So many heartbeats fit into a lease: one may fail, and another be late.
const BEATS: i32 = 3;

/// The right to run; it is renewed until this is dropped.
pub struct Held {
    pub lease: RunLease,
    beat: JoinHandle<()>,
    lost: watch::Receiver<Option<String>>,
}

impl Held {
    /// Starts a run and the heartbeat of its lease.
    pub async fn begin(context: &Context, new: &NewRun) -> Result<Self> {
        let length = context.project.settings.scheduler.lease;
        let lease = context.ledger.begin_run(new, &holder(), length, now(), alive).await?;
        let (lose, lost) = watch::channel(None);
        let (ledger, beating) = (context.ledger.clone(), lease.clone());
        let beat = tokio::spawn(async move {
            loop {
                tokio::time::sleep((length / BEATS).to_std().unwrap_or_default()).await;
                match ledger.heartbeat(&beating, now()).await {
                    Ok(()) => {}
                    Err(error @ takings_runs::Error::LeaseLost { .. }) => {
                        let _ = lose.send(Some(error.to_string()));
                        return;
                    }
                    Err(error) => tracing::warn!("the lease could not be renewed: {error}"),
                }
            }
        });
        Ok(Self { lease, beat, lost })
    }

    pub fn run(&self) -> Uuid {
        self.lease.run.id
    }

    /// Works until it is through, the time is up or the lease is lost.
    pub async fn within<T>(&self, timeout: Option<TimeDelta>, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut lost = self.lost.clone();
        let over = async {
            match timeout.and_then(|timeout| timeout.to_std().ok()) {
                Some(timeout) => tokio::time::sleep(timeout).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            outcome = work => outcome,
            Ok(_) = lost.changed() => Err(Failure::run(lost.borrow().clone().unwrap_or_default())),
            () = over => Err(Failure::run(format!("it took longer than {} seconds, the job's timeout", timeout.unwrap_or_default().num_seconds()))),
        }
    }

    /// Why this process has no say about the run any more: another took it over.
    pub async fn lost(&self, context: &Context) -> Option<String> {
        let told = self.lost.borrow().clone();
        match told {
            Some(why) => Some(why),
            None => match context.ledger.heartbeat(&self.lease, now()).await {
                Err(error @ takings_runs::Error::LeaseLost { .. }) => Some(error.to_string()),
                _ => None,
            },
        }
    }

    /// Ends the run and gives the lease back.
    pub async fn end(self, context: &Context, state: RunState, message: Option<&str>) -> Result<()> {
        let ended = context.ledger.move_run(self.run(), state, message, now()).await;
        context.ledger.release(&self.lease).await?;
        Ok(ended?)
    }

    /// Gives run and lease back: the tick is due again.
    pub async fn give_back(self, context: &Context, why: &str) -> Result<()> {
        let ended = context.ledger.give_back(self.run(), why, now()).await;
        context.ledger.release(&self.lease).await?;
        Ok(ended?)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.beat.abort();
    }
}

/// This process, as the ledger names it.
pub fn holder() -> Holder {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "localhost".to_owned(), |name| name.trim().to_owned());
    Holder { id: Uuid::new_v4().to_string(), host, pid: std::process::id(), program_version: env!("CARGO_PKG_VERSION").to_owned() }
}

/// Whether a process of this machine lives. Where that can't be known, it is taken to live: its lease ends by itself.
pub fn alive(pid: u32) -> bool {
    !std::path::Path::new("/proc/self").exists() || std::path::Path::new("/proc").join(pid.to_string()).exists()
}
