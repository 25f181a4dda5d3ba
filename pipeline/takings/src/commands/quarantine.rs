//! `takings quarantine`: records that were not taken.

use std::process::ExitCode;

use crate::cli::{Action, Cli, QuarantineArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::{output, quarantine as place};

pub async fn quarantine(cli: &Cli, args: &QuarantineArgs) -> Result<ExitCode> {
    let context = Context::open(cli).await?;
    match (args.action, &args.id) {
        (Action::List, _) => {
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
        (Action::Show, Some(id)) => {
            let mut rows = place::show(&context.store, id).await?;
            // Records with a fault of their own come first.
            rows.sort_by_key(|row| (row.text["rule"] == "file_stopped", row.line));
            let all = rows.len();
            rows.truncate(args.limit);
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
        (Action::Show, None) => return Err(Failure::usage("`takings quarantine show` needs an id; `takings quarantine list` shows them")),
    }
    Ok(ExitCode::SUCCESS)
}
