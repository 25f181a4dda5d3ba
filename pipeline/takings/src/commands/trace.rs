//! `takings trace`: the raw lines behind a printed row.

use std::process::ExitCode;

use crate::cli::{Cli, TraceArgs};
use crate::context::Context;
use crate::failure::Result;
use crate::{output, trace as tracing_back};

pub async fn trace(cli: &Cli, args: &TraceArgs) -> Result<ExitCode> {
    let context = Context::open(cli).await?;
    let traced = tracing_back::trace(&context, &args.file, args.section, args.row).await?;
    let proven = traced.proven;
    if cli.json {
        output::json(&traced);
    } else {
        println!("{}, {}, row {}", traced.report, traced.section, args.row);
        for (header, cell) in traced.header.iter().zip(&traced.cells).filter(|(_, cell)| !cell.is_empty()) {
            println!("  {header}: {cell}");
        }
        println!("\nfrom {} lines behind {}:", traced.lines.len(), traced.model);
        for line in &traced.lines {
            println!("{}:{}\n  {}", line.path, line.line, line.raw.trim_end().replace('\n', "\n  "));
        }
        println!(
            "\n{}",
            if proven {
                "the section's SQL gives this row from these lines alone"
            } else {
                "these lines alone do not give the row: the section's trace declaration is incomplete"
            }
        );
    }
    Ok(if proven { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
