//! `takings`: the command line and the wiring of all stages. Nothing but its own binary imports it.
//!
//! Exit codes: 0 done; 1 a data or check failure, said on stderr and recorded; 2 a usage or configuration error.

mod cli;
mod commands;
mod context;
#[cfg(test)]
mod crash;
mod emit;
mod failure;
mod held;
mod holder;
mod job;
mod log;
mod mirror;
mod output;
mod parallel;
mod publish;
mod pull;
mod quarantine;
mod rebuild;
mod report;
mod run_key;
mod serve;
mod shipped;
mod stale;
mod step;
mod stop;
mod trace;
mod transform;
mod vacuum;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

/// The program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log::start(&cli);
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(failure::Failure::from)
        .and_then(|runtime| runtime.block_on(commands::run(cli)));
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit_code()
        }
    }
}
