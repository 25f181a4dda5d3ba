//! Log lines on stderr: text for people, JSON for machines.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command, LogFormat};

/// `-v` shows steps, `-vv` details, `TAKINGS_LOG` anything. The scheduler shows steps: nobody stands beside it.
pub fn start(cli: &Cli) {
    let verbose = cli.verbose.max(u8::from(matches!(cli.command, Command::Serve(_))));
    let default = match verbose {
        0 => "warn,buoyant_kernel=off",
        1 => "takings=info,takings_scheduler=info,warn,buoyant_kernel=off",
        _ => "debug,buoyant_kernel=off,sqlx=info,h2=info,hyper=info",
    };
    let filter = EnvFilter::try_from_env("TAKINGS_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    match cli.log_format {
        LogFormat::Text => lines.init(),
        // One object a line; the spans carry run, job, tick and step.
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(true).init(),
    }
}
