//! `takings check`: configuration, contracts and SQL, without data.

use std::process::ExitCode;

use serde_json::json;
use takings_engine::{Graph, check_project};
use takings_storage::Store;

use crate::cli::Cli;
use crate::context;
use crate::failure::Result;
use crate::output;

pub async fn check(cli: &Cli) -> Result<ExitCode> {
    let project = context::project(cli)?;
    let graph = Graph::new(&project)?;
    // Planning reads no file: any folder serves as the store.
    let store = Store::open(".", &project.root)?;
    let engine = context::engine(&project, &store, 1)?;
    let findings = check_project(&engine, &project, &graph).await;
    if cli.json {
        output::json(&json!({"ok": findings.is_empty(), "findings": findings.iter().map(|finding| finding.0.to_string()).collect::<Vec<_>>()}));
    } else {
        for finding in &findings {
            eprintln!("error: {}", finding.0);
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
