//! Log lines on stderr: text for people, JSON for machines.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::cli::{Cli, Command, LogFormat};
use crate::failure::Result;
use crate::otlp::{self, Traces};

/// `-v` shows steps, `-vv` details, `TAKINGS_LOG` anything. The scheduler shows steps: nobody stands beside it.
/// Gives what sends the last spans when it is dropped.
pub fn start(cli: &Cli) -> Result<Option<Traces>> {
    let verbose = cli.verbose.max(u8::from(matches!(cli.command, Command::Serve(_))));
    let default = match verbose {
        0 => "warn,buoyant_kernel=off",
        1 => "takings=info,takings_scheduler=info,warn,buoyant_kernel=off",
        // The engine and its parser would tell of every step of planning.
        _ => "debug,buoyant_kernel=off,sqlx=info,h2=info,hyper=info,datafusion=info,sqlparser=info",
    };
    let filter = EnvFilter::try_from_env("TAKINGS_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match cli.log_format {
        LogFormat::Text => lines.boxed(),
        // One object a line; the spans carry run, job, tick and step.
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(true).boxed(),
    };
    let (spans, traces) = cli.otlp.as_deref().map(otlp::layer).transpose()?.unzip();
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).init();
    Ok(traces)
}
