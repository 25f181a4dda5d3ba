//! `takings serve`: wakes, asks the scheduler what is due, and runs it. One run at a time; a second scheduler on the project waits its turn.
//!
//! Nothing is kept in memory that the ledger does not know: a scheduler that ends at any moment is followed by the next.

mod http;
mod metrics;
mod status;
mod ticker;

use std::sync::Arc;

use takings_engine::Graph;
use takings_runs::Claim;
use takings_scheduler::{Due, Scheduler, Woken};
use tokio::sync::Notify;

use crate::cli::Cli;
use crate::context::{self, Context, now};
use crate::failure::{Failure, Result};
use crate::holder::{self, AtWork};
use crate::job::{self, Order};
use crate::output::Progress;
use crate::stop::{self, Stop};
use crate::watch;
use status::Status;

/// Serves until it is asked to stop, or with `once` until nothing is due. Gives how many runs failed.
pub async fn serve(cli: &Cli, once: bool) -> Result<usize> {
    let context = Context::open(cli).await?;
    let settings = context.project.settings.scheduler.clone();
    let stop = Stop::default();
    stop::on_signals(&stop)?;
    let status = Arc::new(Status::new(settings.poll));
    let at_work = AtWork::new();
    let scheduler = Scheduler { ledger: context.ledger.clone(), holder: at_work.holder.clone(), retry_after: settings.retry_after };
    if let Some(address) = settings.listen {
        http::listen(address, status.clone(), context.ledger.clone()).await?;
    }
    let wake = Arc::new(Notify::new());
    let ticker = ticker::start(settings.poll, wake.clone()).await?;
    tracing::info!(jobs = context.project.jobs.len(), ledger = context.ledger.name(), "serving");
    let desk = Desk { cli, scheduler, status, stop };
    let failed = desk.work(context, once, &wake).await;
    ticker.end().await;
    failed
}

struct Desk<'a> {
    cli: &'a Cli,
    scheduler: Scheduler,
    status: Arc<Status>,
    stop: Stop,
}

/// A run at work on a thread of its own.
type Running = tokio::task::JoinHandle<Result<bool>>;

impl Desk<'_> {
    async fn work(&self, mut context: Context, once: bool, wake: &Notify) -> Result<usize> {
        let mut running: Option<Running> = None;
        let mut failed = 0;
        loop {
            if running.is_none() {
                // Definitions may be edited at any time: each look sees them as they are.
                match self.reload(&mut context) {
                    Ok(()) => self.status.mended(),
                    Err(failure) if once => return Err(failure),
                    Err(failure) => {
                        self.status.broken(&failure.to_string());
                        tracing::error!("nothing runs until this is mended: {failure}");
                    }
                }
            }
            let (woken, held) = match self.look(&context, running.is_none()).await {
                Ok(found) => found,
                Err(failure) if once => return Err(failure),
                // The next look tries again.
                Err(failure) => {
                    self.status.failed(&failure.to_string());
                    tracing::error!("{failure}");
                    (Woken::default(), false)
                }
            };
            match woken.run {
                Some(due) if !self.stop.is_asked() => running = Some(self.begin(due)),
                // While somebody else runs, what will be left to do is not known.
                _ if once && running.is_none() && !held => return Ok(failed),
                _ => {}
            }
            tokio::select! {
                () = wake.notified() => {}
                () = self.stop.asked(), if !self.stop.is_asked() => {}
                ended = ended(&mut running) => {
                    running = None;
                    match ended? {
                        Ok(good) => failed += usize::from(!good),
                        Err(failure) if once => return Err(failure),
                        Err(failure) => {
                            // It could not even begin, and is due still: not again before the next tick of the clock.
                            self.status.failed(&failure.to_string());
                            tracing::error!("{failure}");
                            tokio::select! {
                                () = wake.notified() => {}
                                () = self.stop.asked() => {}
                            }
                        }
                    }
                }
            }
            if self.stop.is_asked() && running.is_none() {
                tracing::info!("stopped");
                return Ok(failed);
            }
        }
    }

    /// The same store and ledger with the definitions as they are now; a changed store or ledger needs a restart.
    fn reload(&self, context: &mut Context) -> Result<()> {
        let project = context::project(self.cli)?;
        let (old, new) = (&context.project.settings, &project.settings);
        if old.store != new.store || old.ledger != new.ledger {
            return Err(Failure::usage("store.url or ledger.url was changed; start the scheduler again"));
        }
        context.graph = Graph::new(&project)?;
        context.project = project;
        Ok(())
    }

    /// One look at calendar and ledger, and whether another process holds the project.
    async fn look(&self, context: &Context, idle: bool) -> Result<(Woken, bool)> {
        if self.status.is_broken() {
            return Ok((Woken::default(), false));
        }
        let now = now();
        let scheduler = &self.scheduler;
        if idle && scheduler.ledger.recover(&scheduler.holder, now, holder::alive_in(&context.store)).await? {
            tracing::warn!("a run was left by a process that ended; its tick is due again");
        }
        let held = idle && scheduler.ledger.lease().await?.is_some();
        let woken = scheduler.wake(&context.project.jobs, now, idle && !held, async |job| watch::look(context, job).await).await?;
        let before = self.status.seen().waiting;
        for waiting in woken.waiting.iter().filter(|waiting| !before.contains(waiting)) {
            tracing::info!(job = waiting.job, tick = %waiting.tick.format("%Y-%m-%dT%H:%M:%SZ"), "{}", waiting.why);
        }
        // While a run is at work nobody asks what the others wait for.
        self.status.woken(now, if idle { &woken.waiting } else { &before });
        Ok((woken, held))
    }

    /// Starts a run on a thread of its own: decoding keeps its thread busy, and the scheduler goes on looking.
    fn begin(&self, due: Due) -> Running {
        let (cli, stop) = (self.cli.clone(), self.stop.clone());
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || runtime.block_on(run(&cli, &due, stop)))
    }
}

/// Runs one tick. `true`: it did not fail, or somebody else has it.
async fn run(cli: &Cli, due: &Due, stop: Stop) -> Result<bool> {
    let context = Context::open(cli).await?;
    let job = context.project.job(&due.job)?;
    let order =
        Order { job, tick: due.tick, known_at: job.known_at(due.tick), force: false, restate: false, claim: Claim::Due, warning: due.warning.clone(), stop };
    match job::run(&context, &order, &Progress::new(true)).await {
        Ok(summary) => Ok(summary.failures().is_empty()),
        Err(failure) if failure.is_busy() => {
            tracing::debug!("{failure}");
            Ok(true)
        }
        // It is recorded and logged with the run.
        Err(failure) => Ok(failure.is_stopped()),
    }
}

/// The end of the run at work; never, when there is none. A run that panicked ends the scheduler: whoever starts it again finds the
/// tick due.
async fn ended(running: &mut Option<Running>) -> Result<Result<bool>> {
    match running {
        None => std::future::pending().await,
        Some(run) => run.await.map_err(|error| Failure::run(format!("a run broke off: {error}; please report this"))),
    }
}
