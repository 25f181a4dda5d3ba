//! A scheduler as a process of its own: it opens the project, looks what is due and runs it, until there is nothing or a run fails.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use takings_faults::{Faults, Nth};
use takings_runs::Claim;
use takings_scheduler::{Due, Scheduler};

use super::clock::Clock;
use super::turns::{Door, Turns};
use crate::context::{Context, now};
use crate::crash::place::{Place, Scene};
use crate::failure::Result;
use crate::holder::{self, AtWork};
use crate::job::{self, Order};
use crate::output::Progress;
use crate::stop::Stop;
use crate::watch;

/// So often it looks again while another process holds the project.
const LOOKS: u32 = 4;

/// One life of a process.
pub struct Process<'a> {
    pub me: usize,
    pub place: &'a Path,
    pub scene: &'a Scene,
    pub clock: Clock,
    pub turns: Arc<Turns>,
}

/// What a process did.
#[derive(Debug, Default)]
pub struct Lived {
    pub did: Vec<Did>,
}

#[derive(Debug, PartialEq)]
pub enum Did {
    /// A run came to its end; its failures.
    Ran(DateTime<Utc>, Vec<String>),
    /// It broke off.
    Broke(DateTime<Utc>, String),
    /// Another process has the project or the tick.
    Busy(String),
    /// It could not even look.
    Stuck(String),
    Waits(String),
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = |at: &DateTime<Utc>| at.format("%m-%d").to_string();
        match self {
            Self::Ran(tick, failures) if failures.is_empty() => write!(f, "ran {}", day(tick)),
            Self::Ran(tick, failures) => write!(f, "ran {}, which failed: {}", day(tick), failures.join("; ")),
            Self::Broke(tick, why) => write!(f, "broke off {}: {why}", day(tick)),
            Self::Busy(why) => write!(f, "was refused: {why}"),
            Self::Stuck(why) => write!(f, "could not look: {why}"),
            Self::Waits(why) => write!(f, "waits: {why}"),
        }
    }
}

impl Process<'_> {
    /// Lives until it knows of nothing to run, has failed, or its end comes.
    pub fn live(&self, door: Door, fault: &Nth) -> Lived {
        self.turns.wait(self.me);
        let lived = self.within(Faults::through(Arc::new(door)), async |context| self.serve(context, fault).await);
        self.turns.end(self.me);
        lived
    }

    /// As a person would run one tick by hand, and restate what was delivered otherwise.
    pub fn by_hand(&self, tick: DateTime<Utc>) -> Lived {
        self.within(Faults::default(), async |context| {
            let due = Due { job: "nightly".to_owned(), tick: context.project.job("nightly").unwrap().recorded_tick(tick), warning: None };
            vec![run(context, &due, Claim::Asked, true).await]
        })
    }

    fn within(&self, faults: Faults, work: impl AsyncFnOnce(&Context) -> Vec<Did>) -> Lived {
        self.clock.rules_here();
        let did = self.clock.runtime().block_on(async {
            match Place::at(self.place).open(self.scene, faults).await {
                Err(failure) => vec![Did::Stuck(failure.to_string())],
                Ok(context) => {
                    let did = work(&context).await;
                    context.ledger.close().await;
                    did
                }
            }
        });
        Lived { did }
    }

    async fn serve(&self, context: &Context, fault: &Nth) -> Vec<Did> {
        let at_work = AtWork::new();
        let scheduler = Scheduler { ledger: context.ledger.clone(), holder: at_work.holder.clone(), retry_after: TimeDelta::zero() };
        let (mut did, mut looks) = (Vec::new(), 0);
        loop {
            match look(context, &scheduler).await {
                Err(failure) => did.push(Did::Stuck(failure.to_string())),
                Ok(Found::Held) if looks < LOOKS => {
                    looks += 1;
                    self.turns.give(self.me);
                    continue;
                }
                Ok(Found::Held) => return did,
                Ok(Found::Nothing(waits)) => {
                    did.extend(waits.into_iter().map(Did::Waits));
                    return did;
                }
                Ok(Found::Due(due)) => did.push(run(context, &due, Claim::Due, false).await),
            }
            // After a fault it goes on once, as a process does that lives.
            let failed = did.iter().filter(|did| matches!(did, Did::Broke(..) | Did::Stuck(_)) || matches!(did, Did::Ran(_, failures) if !failures.is_empty()));
            if fault.has_ended() || failed.count() > usize::from(fault.fired().is_some()) || did.len() > 30 {
                return did;
            }
        }
    }
}

enum Found {
    Due(Due),
    Held,
    Nothing(Vec<String>),
}

/// As `takings serve` looks.
async fn look(context: &Context, scheduler: &Scheduler) -> Result<Found> {
    scheduler.ledger.recover(&scheduler.holder, now(), holder::alive_in(&context.store)).await?;
    let held = scheduler.ledger.lease().await?.is_some();
    let woken = scheduler.wake(&context.project.jobs, now(), !held, async |job| watch::look(context, job).await).await?;
    Ok(match woken.run {
        Some(due) => Found::Due(due),
        None if held => Found::Held,
        None => Found::Nothing(woken.waiting.into_iter().map(|waiting| waiting.why).collect()),
    })
}

async fn run(context: &Context, due: &Due, claim: Claim, restate: bool) -> Did {
    let job = context.project.job(&due.job).unwrap();
    let order =
        Order { job, tick: due.tick, known_at: job.known_at(due.tick), force: false, restate, claim, warning: due.warning.clone(), stop: Stop::default() };
    match job::run(context, &order, &Progress::new(true)).await {
        Ok(summary) => Did::Ran(due.tick.at, summary.failures()),
        Err(failure) if failure.is_busy() => Did::Busy(failure.to_string()),
        Err(failure) => Did::Broke(due.tick.at, failure.to_string()),
    }
}
