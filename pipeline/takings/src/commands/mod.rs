//! One file per group of commands: what was typed becomes work, what was done becomes text or JSON.

mod backfill;
mod calendar;
mod catalog;
mod channel;
mod check;
mod history;
mod init;
mod plan;
mod quarantine;
mod run;
mod sample;
mod serve;
mod sql;
mod trace;
mod upkeep;

pub use sql::snapshot_tables;

use std::process::ExitCode;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::CommandFactory;
use takings_definitions::{Job, Project, Tick};

use crate::cli::{Cli, Command, TickArgs};
use crate::context::now;
use crate::failure::{Failure, Result};

pub async fn run(cli: Cli) -> Result<ExitCode> {
    match &cli.command {
        Command::Run(args) => run::run(&cli, args).await,
        Command::Serve(args) => serve::serve(&cli, args).await,
        Command::Backfill(args) => backfill::backfill(&cli, args).await,
        Command::Plan(args) => plan::plan(&cli, args).await,
        Command::Check => check::check(&cli).await,
        Command::Sql(args) => sql::sql(&cli, args).await,
        Command::Sources => catalog::sources(&cli).await,
        Command::Tables(args) => catalog::tables(&cli, args).await,
        Command::Reports(args) => catalog::reports(&cli, args).await,
        Command::Runs(args) => history::runs(&cli, args).await,
        Command::Quarantine(args) => quarantine::quarantine(&cli, args).await,
        Command::Trace(args) => trace::trace(&cli, args).await,
        Command::Channel(args) => channel::channel(&cli, args),
        Command::Sample(args) => sample::sample(&cli, args),
        Command::Init(args) => init::init(&cli, args),
        Command::Rebuild(args) => upkeep::rebuild(&cli, args).await,
        Command::Compact => upkeep::compact(&cli).await,
        Command::Vacuum => upkeep::vacuum(&cli).await,
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "takings", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The tick and known-at that the flags mean.
fn tick_of<'a>(project: &'a Project, args: &TickArgs) -> Result<(&'a Job, Tick, DateTime<Utc>)> {
    let job = project.job(&args.job)?;
    let tick = match &args.at {
        Some(text) => job.tick_at(text)?,
        None => job.newest_settled(now())?,
    };
    let known_at = match args.known_at.as_deref() {
        None => job.known_at(tick),
        Some("now") => now(),
        Some(text) => instant(text, "--known-at")?,
    };
    Ok((job, tick, known_at))
}

/// A day (its midnight UTC) or an instant.
fn instant(text: &str, flag: &str) -> Result<DateTime<Utc>> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    match DateTime::parse_from_rfc3339(text) {
        Ok(at) => Ok(at.with_timezone(&Utc)),
        Err(_) => Err(Failure::usage(format!("{flag} \"{text}\" is neither a day nor an instant; write 2026-03-16 or 2026-03-16T00:00:00Z"))),
    }
}
