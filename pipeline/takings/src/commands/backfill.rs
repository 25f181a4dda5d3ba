//! `takings backfill`: a job for a range of its ticks, one after the other.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;
use takings_definitions::{Job, Tick};
use takings_runs::{Claim, TickFilter};

use crate::cli::{BackfillArgs, Cli};
use crate::context::Context;
use crate::failure::Result;
use crate::job::{self, Order, Summary};
use crate::output::{self, Progress};
use crate::stop::{self, Stop};

/// How long it waits before it looks again whether another run has ended.
const PATIENCE: Duration = Duration::from_secs(2);

pub async fn backfill(cli: &Cli, args: &BackfillArgs) -> Result<ExitCode> {
    let context = Context::open(cli).await?;
    let job = context.project.job(&args.job)?;
    let ticks = job.ticks_from_to(&args.from, &args.to)?;
    let done = if args.missing { done(&context, job, &ticks).await? } else { BTreeSet::new() };
    let left: Vec<Tick> = ticks.iter().filter(|tick| !done.contains(&tick.at)).copied().collect();
    say(cli, &format!("{}: {} ticks from {} to {}, {} to run", job.name, ticks.len(), args.from, args.to, left.len()));
    let stop = Stop::default();
    stop::on_signals(&stop)?;
    let mut outcomes = Vec::new();
    let mut failed = 0;
    for (number, tick) in left.iter().enumerate() {
        let ran = one(cli, args, &context, job, *tick, &stop).await;
        let (state, message) = match &ran {
            Ok(summary) if summary.failures().is_empty() => ("done", String::new()),
            Ok(summary) => ("failed", summary.failures().join("\n")),
            Err(failure) if failure.is_stopped() => {
                say(cli, &format!("stopped before {tick}; go on with: takings backfill {} --from {tick} --to {}{}", job.name, args.to, flags(args)));
                return Ok(ExitCode::from(1));
            }
            // What is wrong with the definitions is wrong for every tick.
            Err(failure) if failure.is_usage() => return ran.map(|_| ExitCode::SUCCESS),
            Err(failure) => ("failed", failure.to_string()),
        };
        failed += usize::from(state == "failed");
        say(cli, &format!("{} of {}: {} at {tick}: {state}", number + 1, left.len(), job.name));
        for line in message.lines() {
            eprintln!("error: {tick}: {line}");
        }
        outcomes.push(json!({"tick": tick.to_string(), "state": state, "run": ran.as_ref().ok().map(|summary| summary.run), "error": message}));
    }
    if cli.json {
        output::json(&json!({"job": job.name, "done_before": done.len(), "ticks": outcomes}));
    } else if failed > 0 {
        println!("{failed} of {} ticks failed; `takings backfill {} --from {} --to {} --missing` tries them again", left.len(), job.name, args.from, args.to);
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Runs one tick; while another run holds the project it waits.
async fn one(cli: &Cli, args: &BackfillArgs, context: &Context, job: &Job, tick: Tick, stop: &Stop) -> Result<Summary> {
    let order = Order { job, tick, known_at: job.known_at(tick), force: false, restate: args.restate, claim: Claim::Asked, warning: None, stop: stop.clone() };
    let mut told = false;
    loop {
        stop.check(&tick.to_string())?;
        let progress = Progress::new(cli.json);
        let outcome = job::run(context, &order, &progress).await;
        progress.done();
        match outcome {
            Err(failure) if failure.is_busy() => {
                if !told {
                    eprintln!("waiting: {failure}");
                    told = true;
                }
                tokio::select! {
                    () = tokio::time::sleep(PATIENCE) => {}
                    () = stop.asked() => {}
                }
            }
            outcome => return outcome,
        }
    }
}

async fn done(context: &Context, job: &Job, ticks: &[Tick]) -> Result<BTreeSet<DateTime<Utc>>> {
    let (Some(first), Some(last)) = (ticks.first(), ticks.last()) else { return Ok(BTreeSet::new()) };
    let filter = TickFilter { job: Some(job.name.clone()), from: Some(first.at), to: Some(last.at) };
    let known = context.ledger.ticks(&filter).await?;
    // A skipped tick is done for the scheduler alone: nobody has made its reports.
    let made = |state: takings_runs::TickState| state.is_done() && state != takings_runs::TickState::Skipped;
    Ok(known.into_iter().filter(|tick| made(tick.state)).map(|tick| tick.tick).collect())
}

fn flags(args: &BackfillArgs) -> String {
    [(args.missing, " --missing"), (args.restate, " --restate")].into_iter().filter(|(set, _)| *set).map(|(_, flag)| flag).collect()
}

fn say(cli: &Cli, what: &str) {
    if !cli.json {
        println!("{what}");
    }
}
