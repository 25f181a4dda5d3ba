//! A run under its lease: the lease is renewed while the run works, and a run that lost it stops. Until then, it may stand still
//! anywhere: the lease is the fence of the store, so that it writes nothing over what its successor wrote.

use std::future::Future;
use std::sync::Arc;

use chrono::TimeDelta;
use futures::FutureExt;
use futures::future::BoxFuture;
use takings_definitions::Interval;
use takings_runs::{Claim, Ledger, NewRun, RunLease, RunState};
use takings_storage::{Fallen, Fence, Fenced};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::Instrument;
use uuid::Uuid;

use crate::context::{Context, now};
use crate::failure::{Failure, Result};
use crate::holder::{self, AtWork};

/// So many heartbeats fit into a lease: one may fail, and another be late.
const BEATS: i32 = 3;

/// Does work under the project's lease, as a run of its own, until it is through, its time is up or the lease is lost. How it ended is
/// recorded before it is returned.
pub async fn leased<T>(
    context: &Context,
    new: &NewRun,
    timeout: Option<TimeDelta>,
    work: impl AsyncFnOnce(&Held) -> Result<T>,
    end_of: impl FnOnce(&T) -> (RunState, Option<String>),
) -> Result<T> {
    let held = Held::begin(context, new).await?;
    let span = tracing::info_span!("run", run = %held.run(), job = new.job, tick = %new.tick.format("%Y-%m-%dT%H:%M:%SZ"));
    async {
        tracing::info!(attempt = held.lease.run.attempt, retry = held.lease.run.retry, "claimed");
        let outcome = held
            .within(timeout, async {
                context.ledger.move_run(held.run(), RunState::Running, None, now()).await?;
                // Before anything is looked at: what a run before this one still has to put in place stays out.
                context.store.sweep_staging().await?;
                work(&held).await
            })
            .await;
        if let Some(lost) = held.lost(context).await {
            // Whoever took the run over has ended it in the ledger.
            tracing::error!("failed: {lost}");
            return Err(Failure::run(lost));
        }
        let recorded = match &outcome {
            Err(failure) if failure.is_stopped() => {
                tracing::warn!("{failure}");
                held.give_back(context, &failure.to_string()).await
            }
            Err(failure) => {
                tracing::error!("failed: {failure}");
                held.end(context, RunState::Failed, Some(&failure.to_string())).await
            }
            Ok(done) => {
                let (state, message) = end_of(done);
                match &message {
                    Some(message) => tracing::error!("failed: {message}"),
                    None => tracing::info!("{state}"),
                }
                held.end(context, state, message.as_deref()).await
            }
        };
        if let Err(failure) = &recorded {
            tracing::error!("the end of the run could not be recorded: {failure}");
        }
        // What failed first is told first.
        outcome.and_then(|done| recorded.map(|()| done))
    }
    .instrument(span)
    .await
}

/// A run that belongs to no tick.
pub fn chore(name: String) -> NewRun {
    let at = now();
    NewRun { id: None, job: name, tick: at, interval: Interval { start: at, end: at }, known_at: at, claim: Claim::Chore, note: None }
}

/// The right to run; it is renewed until this is dropped.
pub struct Held {
    pub lease: RunLease,
    /// Until this is dropped nobody takes the run for dead.
    _at_work: AtWork,
    beat: JoinHandle<()>,
    lost: watch::Receiver<Option<String>>,
    _fenced: Fenced,
}

impl Held {
    /// Starts a run and the heartbeat of its lease.
    async fn begin(context: &Context, new: &NewRun) -> Result<Self> {
        let length = context.project.settings.scheduler.lease;
        let at_work = AtWork::seen_in(&context.store).await;
        let lease = context.ledger.begin_run(new, &at_work.holder, length, now(), holder::alive_in(&context.store)).await?;
        let fenced = context.store.fenced_by(Arc::new(LeaseFence { ledger: context.ledger.clone(), lease: lease.clone() }));
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
        Ok(Self { lease, _at_work: at_work, beat, lost, _fenced: fenced })
    }

    pub fn run(&self) -> Uuid {
        self.lease.run.id
    }

    /// Works until it is through, the time is up or the lease is lost.
    async fn within<T>(&self, timeout: Option<TimeDelta>, work: impl Future<Output = Result<T>>) -> Result<T> {
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
    async fn lost(&self, context: &Context) -> Option<String> {
        let told = self.lost.borrow().clone();
        match told {
            Some(why) => Some(why),
            None => match context.ledger.heartbeat(&self.lease, now()).await {
                Err(error @ takings_runs::Error::LeaseLost { .. }) => Some(error.to_string()),
                _ => None,
            },
        }
    }

    /// Ends the run and gives the lease back. A run whose end can't be recorded keeps its lease, as that of a dead holder: whoever finds it
    /// ends the run.
    async fn end(&self, context: &Context, state: RunState, message: Option<&str>) -> Result<()> {
        self.beat.abort();
        context.ledger.move_run(self.run(), state, message, now()).await?;
        Ok(context.ledger.release(&self.lease).await?)
    }

    /// Gives run and lease back: the tick is due again.
    async fn give_back(&self, context: &Context, why: &str) -> Result<()> {
        self.beat.abort();
        context.ledger.give_back(self.run(), why, now()).await?;
        Ok(context.ledger.release(&self.lease).await?)
    }
}

/// Stands until another process has the lease.
#[derive(Debug)]
struct LeaseFence {
    ledger: Ledger,
    lease: RunLease,
}

impl Fence for LeaseFence {
    fn name(&self) -> String {
        self.lease.run.id.to_string()
    }

    fn fallen(&self) -> BoxFuture<'_, Fallen> {
        async {
            match self.ledger.stands(&self.lease).await {
                Ok(()) => Ok(None),
                Err(lost @ takings_runs::Error::LeaseLost { .. }) => Ok(Some(lost.to_string())),
                Err(error) => Err(error.into()),
            }
        }
        .boxed()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.beat.abort();
    }
}
