//! `takings rebuild`, `takings compact` and `takings vacuum`.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::{Cli, RebuildArgs};
use crate::compact::CompactedTable;
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
    let outcome = crate::rebuild::rebuild(&context, &args.table, args.only, &progress).await;
    progress.done();
    let marts = outcome?;
    if cli.json {
        output::json(&json!({"table": args.table, "marts": marts}));
    } else {
        println!(
            "{} was made again from the landing zone; {}",
            args.table,
            match &marts[..] {
                [] if args.only => "the next run shows it".to_owned(),
                [] => "marts made again: none".to_owned(),
                marts => format!("marts made again: {}", marts.join(", ")),
            }
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

pub async fn compact(cli: &Cli) -> Result<ExitCode> {
    let context = Context::open(cli).await?;
    let compacted = crate::compact::by_hand(&context).await?;
    if cli.json {
        output::json(&json!({"compacted": compacted_json(&compacted)}));
    } else if compacted.is_empty() {
        println!("no table has enough small files");
    } else {
        compacted_lines(&compacted).for_each(|line| println!("{line}"));
    }
    Ok(ExitCode::SUCCESS)
}

pub fn compacted_lines(compacted: &[CompactedTable]) -> impl Iterator<Item = String> {
    compacted.iter().map(|(table, done)| format!("{table}: {} files became {}", done.files, done.into))
}

pub fn compacted_json(compacted: &[CompactedTable]) -> Value {
    compacted.iter().map(|(table, done)| json!({"table": table, "files": done.files, "into": done.into, "version": done.version})).collect()
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
