//! The ticker: wakes the scheduler now and then. It knows nothing of jobs; what is due is computed from the ledger.

use std::sync::Arc;

use chrono::TimeDelta;
use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler};

use crate::failure::{Failure, Result};

pub struct Ticker(JobScheduler);

/// Wakes at once and then after every `poll`, in UTC.
pub async fn start(poll: TimeDelta, wake: Arc<Notify>) -> Result<Ticker> {
    let failed = |error: tokio_cron_scheduler::JobSchedulerError| Failure::run(format!("the ticker can't start: {error}"));
    let every = poll.to_std().unwrap_or(std::time::Duration::from_secs(30));
    let scheduler = JobScheduler::new().await.map_err(failed)?;
    let tick = Job::new_repeated_async(every, move |_, _| {
        let wake = wake.clone();
        Box::pin(async move { wake.notify_one() })
    });
    scheduler.add(tick.map_err(failed)?).await.map_err(failed)?;
    scheduler.start().await.map_err(failed)?;
    Ok(Ticker(scheduler))
}

impl Ticker {
    pub async fn end(mut self) {
        if let Err(error) = self.0.shutdown().await {
            tracing::debug!("the ticker did not end: {error}");
        }
    }
}
