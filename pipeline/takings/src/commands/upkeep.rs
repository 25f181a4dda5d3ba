//! `takings rebuild` and `takings vacuum`.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::{Cli, RebuildArgs};
use crate::context::Context;
use crate::failure::Result;
use crate::output::{self, Progress};

pub async fn rebuild(cli: &Cli, args: &RebuildArgs) -> Result<ExitCode> {
    let context = Context::open(cli).await?;
    let progress = Progress::new(cli.json);
    if args.table == "ledger" {
        return ledger(cli, &context, &progress).await;
    }
    context.project.table(&args.table)?;
    let outcome = crate::rebuild::rebuild(&context, &args.table, &progress).await;
    progress.done();
    let marts = outcome?;
    if cli.json {
        output::json(&json!({"table": args.table, "marts": marts}));
    } else {
        println!(
            "{} was made again from the landing zone; marts made again: {}",
            args.table,
            if marts.is_empty() { "none".to_owned() } else { marts.join(", ") }
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn ledger(cli: &Cli, context: &Context, progress: &Progress) -> Result<ExitCode> {
    let outcome = crate::rebuild_ledger::rebuild(context, progress).await;
    progress.done();
    let rebuilt = outcome?;
    if cli.json {
        output::json(&rebuilt);
    } else {
        let crate::rebuild_ledger::Rebuilt { files, ticks, reports } = rebuilt;
        println!("{} knows again of {files} landed files, {ticks} ticks and {reports} reports that stand; nothing was delivered again", context.ledger.name());
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn vacuum(cli: &Cli) -> Result<ExitCode> {
    let context = Context::open(cli).await?;
    let deleted = crate::vacuum::by_hand(&context).await?;
    if cli.json {
        output::json(&json!({"deleted": deleted}));
    } else {
        println!("{} files deleted that no snapshot of the last {} days needs", deleted.len(), context.project.settings.retention_days);
    }
    Ok(ExitCode::SUCCESS)
}
