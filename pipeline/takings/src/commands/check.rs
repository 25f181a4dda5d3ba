//! `takings check`: configuration, contracts and SQL, without data.

use std::process::ExitCode;

use serde_json::json;
use takings_decode::Layout;
use takings_definitions::Project;
use takings_engine::{Engine, Graph, check_project};
use takings_storage::Store;

use crate::cli::Cli;
use crate::context;
use crate::failure::Result;
use crate::general::General;
use crate::output;

pub async fn check(cli: &Cli) -> Result<ExitCode> {
    let project = context::project(cli)?;
    let graph = Graph::new(&project)?;
    // Planning reads no file: any folder serves as the store.
    let store = Store::open(".", &project.root)?;
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let engine = context::engine(&project, &store, threads)?;
    let mut findings: Vec<String> = project.drafts.values().map(ToString::to_string).collect();
    findings.extend(exports(&engine, &project));
    findings.extend(check_project(&engine, &project, &graph).await.into_iter().map(|finding| finding.0.to_string()));
    if cli.json {
        output::json(&json!({"ok": findings.is_empty(), "findings": findings}));
    } else {
        for finding in &findings {
            eprintln!("error: {finding}");
        }
        let sections: usize = project.reports.iter().map(|report| report.sections.len()).sum();
        println!(
            "{} channels, {} tables, {} models, {} reports with {sections} sections, {} jobs: {}",
            project.channels.len(),
            project.tables.len(),
            project.models.len(),
            project.reports.len(),
            project.jobs.len(),
            if findings.is_empty() { "all right".to_owned() } else { format!("{} mistakes", findings.len()) }
        );
    }
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What of the channel files can't be used: their columns against the contracts, their SQL planned without data.
fn exports(engine: &Engine, project: &Project) -> Vec<String> {
    let mut wrong = Vec::new();
    for channel in project.channels.values() {
        for export in &channel.exports {
            let compiled = project.table(&export.table).map_err(Into::into).and_then(|table| match export.is_general() {
                true => General::new(engine, project, channel, export, table).map(drop),
                false => Ok(Layout::new(export, table).map(drop)?),
            });
            if let Err(failure) = compiled {
                wrong.push(format!("{}: {failure}", channel.path.display()));
            }
        }
    }
    wrong
}
