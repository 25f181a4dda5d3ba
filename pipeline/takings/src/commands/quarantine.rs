//! `takings quarantine`: records that were not taken.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::{Cli, QuarantineAction, QuarantineArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::{output, quarantine as place};

pub async fn quarantine(cli: &Cli, args: &QuarantineArgs) -> Result<ExitCode> {
    let context = Context::open(cli).await?;
    match (args.action, &args.id) {
        (QuarantineAction::List, _) => {
            let listed = place::list(&context.store).await?;
            if cli.json {
                output::json(&listed);
            } else if listed.is_empty() {
                println!("the quarantine is empty");
            } else {
                let rows = listed
                    .iter()
                    .map(|unit| {
                        let rules: Vec<String> = unit.rules.iter().map(|(rule, records)| format!("{rule} {records}")).collect();
                        vec![unit.id.clone(), unit.export.clone(), unit.instance.clone(), unit.source_path.clone(), unit.records.to_string(), rules.join(", ")]
                    })
                    .collect();
                println!("{}", output::table(&["id", "export", "instance", "file", "records", "rules"], rows, &[4]));
            }
        }
        (QuarantineAction::Show, Some(id)) => {
            let (rows, all) = place::show(&context.store, id, args.limit).await?;
            if cli.json {
                output::json(&rows);
            } else {
                for row in &rows {
                    let column = &row.text["column"];
                    println!(
                        "{}:{}{}{}: {} ({})",
                        row.text["source_path"],
                        row.line,
                        crate::general::of_part(&row.text["part"]),
                        if column.is_empty() { String::new() } else { format!(", column {column}") },
                        row.text["reason"],
                        row.text["rule"]
                    );
                    println!("  {}", row.text["raw"].replace('\n', "\n  "));
                }
                if all > rows.len() {
                    println!("… {} more; --limit shows them", all - rows.len());
                }
            }
        }
        (QuarantineAction::Show, None) => return Err(Failure::usage("`takings quarantine show` needs an id; `takings quarantine list` shows them")),
        (QuarantineAction::Replay, id) => return replay(cli, &context, id.as_deref()).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn replay(cli: &Cli, context: &Context, id: Option<&str>) -> Result<ExitCode> {
    let before = place::list(&context.store).await?;
    let wanted: Vec<&place::Listed> = before.iter().filter(|unit| id.is_none_or(|id| id == unit.id)).collect();
    if let (Some(id), []) = (id, wanted.as_slice()) {
        return Err(Failure::usage(format!("the quarantine has no `{id}`; `takings quarantine list` shows the ids")));
    }
    let progress = output::Progress::new(cli.json);
    let outcome = crate::rebuild::replay(context, &progress).await;
    progress.done();
    outcome?;
    let after = place::list(&context.store).await?;
    // A mended channel file gives a unit another id: a file is told by its path.
    let held = |unit: &&place::Listed| {
        let same = |left: &&place::Listed| {
            (&left.channel, &left.export, &left.instance, &left.source_path) == (&unit.channel, &unit.export, &unit.instance, &unit.source_path)
        };
        after.iter().find(same)
    };
    if cli.json {
        output::json(&wanted.iter().map(|unit| json!({"file": unit.source_path, "export": unit.export, "instance": unit.instance, "records": unit.records, "held": held(unit).map_or(0, |left| left.records)})).collect::<Vec<_>>());
    } else {
        let rows = wanted.iter().map(|unit| {
            let left = held(unit).map_or(0, |left| left.records);
            vec![unit.export.clone(), unit.instance.clone(), unit.source_path.clone(), unit.records.to_string(), left.to_string()]
        });
        println!("{}", output::table(&["export", "instance", "file", "were held", "are held"], rows.collect(), &[3, 4]));
    }
    Ok(if wanted.iter().any(|unit| held(unit).is_some()) { ExitCode::from(1) } else { ExitCode::SUCCESS })
}
