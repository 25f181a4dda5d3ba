//! `takings runs`: what ran, and what became of it.

use std::process::ExitCode;

use serde_json::json;
use takings_runs::{RunDetails, RunFilter};

use super::calendar;
use crate::cli::{Cli, RunsAction, RunsArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;

pub async fn runs(cli: &Cli, args: &RunsArgs) -> Result<ExitCode> {
    let context = Context::open(cli).await?;
    match (args.action, &args.id) {
        (RunsAction::Show, Some(id)) => show(cli, &context.ledger.show_run(id).await?),
        (RunsAction::Show, None) => return Err(Failure::usage("`takings runs show` needs the id of a run; `takings runs` lists them")),
        (RunsAction::Calendar, _) => calendar::ticks(cli, args, &context).await?,
        (RunsAction::List, _) => list(cli, args, &context).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(cli: &Cli, args: &RunsArgs, context: &Context) -> Result<()> {
    let runs = context.ledger.list_runs(&RunFilter { job: args.job.clone(), limit: Some(50), ..RunFilter::default() }).await?;
    if cli.json {
        output::json(&runs.iter().map(run_json).collect::<Vec<_>>());
        return Ok(());
    }
    calendar::strips(args, context).await?;
    let rows = runs
        .iter()
        .map(|run| {
            vec![
                run.id.to_string(),
                run.job.clone(),
                stamp(run.tick),
                run.state.as_str().to_owned(),
                try_of(run),
                stamp(run.started_at),
                run.ended_at.map(stamp).unwrap_or_default(),
            ]
        })
        .collect();
    println!("{}", output::table(&["run", "job", "tick", "state", "try", "started", "ended"], rows, &[]));
    Ok(())
}

fn show(cli: &Cli, details: &RunDetails) {
    let run = &details.run;
    if cli.json {
        output::json(&json!({
            "run": run_json(run),
            "steps": details.steps.iter().map(|step| json!({"name": step.name, "started": stamp(step.started_at), "ended": step.ended_at.map(stamp), "rows": step.figures.rows, "bytes": step.figures.bytes, "files": step.figures.files, "detail": step.figures.detail})).collect::<Vec<_>>(),
            "snapshots": details.snapshots.iter().map(|snapshot| json!({"id": snapshot.id, "tables": snapshot.tables})).collect::<Vec<_>>(),
            "deliveries": details.deliveries.iter().map(|delivery| json!({"report": delivery.report, "instance": delivery.instance, "state": delivery.state.as_str(), "path": delivery.path, "note": delivery.note, "run_key": delivery.run_key})).collect::<Vec<_>>(),
            "tick": details.moves.iter().map(|step| json!({"state": step.state.as_str(), "at": stamp(step.at), "host": step.host, "version": step.program_version, "run": step.run, "note": step.note})).collect::<Vec<_>>(),
        }));
        return;
    }
    println!("run {}: {} at {}, attempt {}, {}", run.id, run.job, stamp(run.tick), try_of(run), run.state.as_str());
    println!("covers {}, known at {}, by {} on {}", run.interval, stamp(run.known_at), run.program_version, run.host);
    if let Some(error) = &run.error {
        println!("error: {error}");
    }
    let steps = details
        .steps
        .iter()
        .map(|step| {
            vec![
                step.name.clone(),
                stamp(step.started_at),
                step.ended_at.map(stamp).unwrap_or_default(),
                output::thousands(step.figures.rows),
                output::thousands(step.figures.bytes),
                step.figures.files.to_string(),
            ]
        })
        .collect();
    println!("\n{}", output::table(&["step", "started", "ended", "rows", "bytes", "files"], steps, &[3, 4, 5]));
    for snapshot in &details.snapshots {
        println!("\nsnapshot {} of {} tables", snapshot.id, snapshot.tables.len());
    }
    let deliveries = details
        .deliveries
        .iter()
        .map(|delivery| {
            vec![
                delivery.report.clone(),
                delivery.instance.clone(),
                delivery.state.as_str().to_owned(),
                delivery.path.clone().or_else(|| delivery.note.clone()).unwrap_or_default(),
            ]
        })
        .collect();
    println!("\n{}", output::table(&["report", "instance", "state", "file or reason"], deliveries, &[]));
    let moves = details
        .moves
        .iter()
        .map(|step| {
            vec![step.state.as_str().to_owned(), stamp(step.at), step.host.clone(), step.program_version.clone(), step.note.clone().unwrap_or_default()]
        })
        .collect();
    println!("\n{}", output::table(&["tick", "at", "host", "version", "note"], moves, &[]));
}

/// `1`, or `1, retry 2`.
fn try_of(run: &takings_runs::Run) -> String {
    if run.retry == 0 { run.attempt.to_string() } else { format!("{}, retry {}", run.attempt, run.retry) }
}

fn run_json(run: &takings_runs::Run) -> serde_json::Value {
    json!({"id": run.id, "job": run.job, "tick": stamp(run.tick), "known_at": stamp(run.known_at), "state": run.state.as_str(), "attempt": run.attempt, "retry": run.retry, "started": stamp(run.started_at), "ended": run.ended_at.map(stamp), "error": run.error})
}

fn stamp(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
