//! `takings sources | tables | reports`: what there is.

use std::process::ExitCode;

use serde_json::json;
use takings_definitions::{Kept, KnownAt, Layer, Report, Table};
use takings_runs::DeliveryFilter;

use crate::cli::{Action, Cli, NameArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output::{self, thousands};

pub async fn sources(cli: &Cli) -> Result<ExitCode> {
    let context = Context::open(cli).await?;
    let mut rows = Vec::new();
    let mut objects = Vec::new();
    for instance in &context.project.settings.instances {
        let Some(channel) = context.project.channels.get(&instance.channel) else { continue };
        let landed = context.landing.records(&channel.name, &instance.name).await?;
        for export in &channel.exports {
            let files: Vec<_> = landed.iter().filter(|record| record.export == export.landed_as()).collect();
            let bytes: u64 = files.iter().map(|record| record.size).sum();
            let newest = files.iter().map(|record| record.source_path.as_str()).max().unwrap_or_default();
            objects.push(json!({"channel": channel.name, "instance": instance.name, "export": export.name, "table": export.table, "files": files.iter().map(|record| json!({"path": record.source_path, "version": record.version, "size": record.size, "sha256": record.sha256, "file_id": record.file_id})).collect::<Vec<_>>()}));
            rows.push(vec![
                channel.name.clone(),
                instance.name.clone(),
                export.name.clone(),
                export.table.clone(),
                files.len().to_string(),
                thousands(bytes),
                newest.to_owned(),
            ]);
        }
    }
    if cli.json {
        output::json(&objects);
    } else {
        println!("{}", output::table(&["channel", "instance", "export", "table", "files", "bytes", "last file"], rows, &[4, 5]));
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn tables(cli: &Cli, args: &NameArgs) -> Result<ExitCode> {
    let context = Context::open(cli).await?;
    match (args.action, &args.name) {
        (Action::Show, Some(name)) => show_table(cli, context.project.table(name)?),
        (Action::Show, None) => return Err(Failure::usage("`takings tables show` needs a name; `takings tables` lists them")),
        (Action::List, _) => {
            let snapshot = context.ledger.latest_snapshot().await?;
            let mut rows = Vec::new();
            let mut objects = Vec::new();
            for table in context.project.tables.values() {
                let version = snapshot.as_ref().and_then(|snapshot| snapshot.tables.get(&table.name).copied());
                let state = match version {
                    Some(version) => context.lake.state(table, Some(version)).await?,
                    None => None,
                };
                let count: u64 = state.iter().flat_map(|state| &state.files).map(|file| file.rows).sum();
                let layer = table.layer.name();
                objects.push(json!({"table": table.name, "layer": layer, "rows": count, "version": version, "grain": table.grain}));
                rows.push(vec![
                    table.name.clone(),
                    layer.to_owned(),
                    thousands(count),
                    version.map(|version| version.to_string()).unwrap_or_default(),
                    table.grain.clone(),
                ]);
            }
            if cli.json {
                output::json(&objects);
            } else {
                println!("{}", output::table(&["table", "layer", "rows", "version", "grain"], rows, &[2, 3]));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show_table(cli: &Cli, table: &Table) {
    let columns: Vec<Vec<String>> = table
        .columns
        .iter()
        .map(|column| {
            vec![column.name.clone(), column.kind.to_string(), if column.nullable { String::new() } else { "not null".to_owned() }, column.description.clone()]
        })
        .collect();
    if cli.json {
        output::json(
            &json!({"table": table.name, "grain": table.grain, "description": table.description, "key": table.key, "partition_from": table.partition_from, "columns": columns}),
        );
        return;
    }
    println!("{}: {}\n{}", table.name, table.grain, table.description);
    println!("contract {}; key {}", table.path.display(), table.key.join(", "));
    if table.is_partitioned() {
        println!("partitioned by month of {}", table.partition_from.join(", else "));
    }
    match (&table.known_at, table.layer) {
        (KnownAt::FirstOf(steps), Layer::Raw) => println!(
            "known at {}",
            steps
                .iter()
                .map(|step| if step.plus_days == 0 { step.column.clone() } else { format!("{} + {} days", step.column, step.plus_days) })
                .collect::<Vec<_>>()
                .join(", else ")
        ),
        (KnownAt::Always, Layer::Raw) => println!("always known"),
        _ => {}
    }
    if let Kept::Incremental { partition, .. } = &table.kept {
        println!("kept by {partition}");
    }
    println!("\n{}", output::table(&["column", "type", "", "description"], columns, &[]));
    for test in &table.tests {
        println!("test {}: {:?}", test.name, test.kind);
    }
}

pub async fn reports(cli: &Cli, args: &NameArgs) -> Result<ExitCode> {
    let context = Context::open(cli).await?;
    match (args.action, &args.name) {
        (Action::Show, Some(name)) => show_report(cli, context.project.report(name)?),
        (Action::Show, None) => return Err(Failure::usage("`takings reports show` needs a report; `takings reports` lists them")),
        (Action::List, _) => {
            let mut rows = Vec::new();
            let mut objects = Vec::new();
            for report in &context.project.reports {
                let filter = DeliveryFilter { report: Some(report.name.clone()), ..DeliveryFilter::default() };
                let last = context
                    .ledger
                    .deliveries(&filter)
                    .await?
                    .into_iter()
                    .filter(|delivery| delivery.path.is_some())
                    .max_by_key(|delivery| (delivery.tick, delivery.delivered_at));
                let path = last.as_ref().and_then(|delivery| delivery.path.clone());
                objects.push(json!({"report": report.name, "title": report.title, "channel": report.channel, "job": report.job, "sections": report.sections.len(), "last": path}));
                rows.push(vec![report.name.clone(), report.job.clone(), report.sections.len().to_string(), report.title.clone(), path.unwrap_or_default()]);
            }
            if cli.json {
                output::json(&objects);
            } else {
                println!("{}", output::table(&["report", "job", "sections", "title", "last delivery"], rows, &[2]));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show_report(cli: &Cli, report: &Report) {
    if cli.json {
        output::json(
            &json!({"report": report.name, "title": report.title, "channel": report.channel, "job": report.job, "file": report.file, "rules": report.rules, "sections": report.sections.iter().map(|section| json!({"name": section.name, "title": section.title, "data_set": section.data_set, "columns": section.columns.iter().map(|column| &column.header).collect::<Vec<_>>()})).collect::<Vec<_>>()}),
        );
        return;
    }
    println!("{}: {} ({}), made by {}", report.name, report.title, report.file, report.job);
    if !report.description.is_empty() {
        println!("{}", report.description);
    }
    println!("defined in {}; rules {}", report.path.display(), report.rules.join(", "));
    for (at, section) in report.sections.iter().enumerate() {
        println!("\n{}. {} (sql/reports/{}/{}.sql, data set {})", at + 1, section.title, report.name, section.name, section.data_set);
        println!("   {}", section.columns.iter().map(|column| column.header.as_str()).collect::<Vec<_>>().join(", "));
    }
}
