//! `takings sample`: made-up feeds.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::{Cli, SampleArgs};
use crate::failure::Result;
use crate::output::{self, thousands};

pub fn sample(cli: &Cli, args: &SampleArgs) -> Result<ExitCode> {
    let options = takings_sample::Options::new(&args.out, args.seed, args.events);
    let progress = output::Progress::new(cli.json);
    progress.step("sample", &format!("{} billing events, seed {}", thousands(args.events), args.seed));
    let summary = takings_sample::write(&options, &mut |done| progress.at(&format!("{} events", thousands(done))))?;
    progress.done();
    if cli.json {
        output::json(
            &json!({"out": args.out, "feeds": summary.feeds.iter().map(|feed| json!({"feed": feed.feed, "files": feed.files, "rows": feed.rows, "bytes": feed.bytes})).collect::<Vec<_>>()}),
        );
        return Ok(ExitCode::SUCCESS);
    }
    let rows = summary.feeds.iter().map(|feed| vec![feed.feed.to_string(), feed.files.to_string(), thousands(feed.rows), thousands(feed.bytes)]).collect();
    println!("{}", output::table(&["feed", "files", "rows", "bytes"], rows, &[1, 2, 3]));
    // A url is relative to the project, which is not where the user stands.
    let out = std::path::absolute(&args.out)?;
    println!("\nto run on it:\n  TAKINGS_INSTANCES__AWS_MARKETPLACE__MAIN__URL={} takings run nightly --at 2026-03-15", out.display());
    Ok(ExitCode::SUCCESS)
}
