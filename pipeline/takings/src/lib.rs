//! `takings`: the command line and the wiring of all stages. Nothing but its own binary imports it.
//!
//! Exit codes: 0 done; 1 a data or check failure, said on stderr and recorded; 2 a usage or configuration error.

mod cli;
mod commands;
mod context;
#[cfg(test)]
mod crash;
mod failure;
mod holder;
mod job;
mod mirror;
mod output;
mod parallel;
mod publish;
mod quarantine;
mod report;
mod run_key;
mod trace;
mod transform;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

/// The program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(cli.verbose);
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

/// Log lines go to stderr; `-v` shows steps, `-vv` details, `TAKINGS_LOG` anything.
fn start_log(verbose: u8) {
    let default = match verbose {
        0 => "warn,buoyant_kernel=off",
        1 => "takings=info,warn,buoyant_kernel=off",
        _ => "debug,buoyant_kernel=off,sqlx=info,h2=info,hyper=info",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("TAKINGS_LOG").unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
