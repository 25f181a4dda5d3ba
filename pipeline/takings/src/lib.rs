//! `takings`: the command line and the wiring of all stages. Nothing but its own binary imports it.
//!
//! Exit codes: 0 done; 1 a data or check failure, said on stderr and recorded; 2 a usage or configuration error.

mod calculations;
mod chosen;
mod cli;
mod commands;
mod compact;
mod context;
#[cfg(test)]
mod crash;
mod emit;
mod failure;
mod general;
mod held;
mod holder;
mod inputs;
mod job;
mod log;
mod mirror;
mod otlp;
mod output;
mod parallel;
mod publish;
mod pull;
mod quarantine;
mod rebuild;
mod rebuild_ledger;
mod rejects;
mod report;
mod run_key;
mod serve;
mod shipped;
#[cfg(test)]
mod simulation;
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

/// Gives memory back between the steps of a run, where the system's allocator keeps most of it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    end_quietly_when_nobody_reads();
    match run(cli) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit_code()
        }
    }
}

fn run(cli: Cli) -> failure::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let _within = runtime.enter();
    let _traces = log::start(&cli)?;
    runtime.block_on(commands::run(cli))
}

/// `takings sql … | head`: when the reader has gone, there is nothing more to do.
fn end_quietly_when_nobody_reads() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let gone = panic.payload_as_str().is_some_and(|text| text.starts_with("failed printing to std") && text.contains("Broken pipe"));
        if gone {
            // As a shell counts a process that the pipe has ended.
            std::process::exit(141);
        }
        usual(panic);
    }));
}
