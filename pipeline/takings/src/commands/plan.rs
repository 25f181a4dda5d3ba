//! `takings plan`: what a run would read, make again and emit. Writes nothing.

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde_json::json;
use takings_engine::Graph;
use takings_sources::{Change, Landing};
use takings_storage::Store;

use crate::cli::{Cli, TickArgs};
use crate::context;
use crate::failure::Result;
use crate::output;
use crate::run_key::names_of_report;

pub async fn plan(cli: &Cli, args: &TickArgs) -> Result<ExitCode> {
    let project = context::project(cli)?;
    let graph = Graph::new(&project)?;
    let (job, tick, known_at) = super::tick_of(&project, args)?;
    // A store that is not there yet is not made: nothing has landed then.
    let store = Store::open(&project.settings.store, &project.root).ok();
    let (mut files, mut left) = (Vec::new(), Vec::new());
    for instance in &project.settings.instances {
        let Some(channel) = project.channels.get(&instance.channel) else { continue };
        let landing = store.clone().map(Landing::new);
        for seen in Landing::look(landing.as_ref(), instance, channel, &project.root).await? {
            match seen.left.clone() {
                Some(why) => left.push((instance.clone(), seen.path, why)),
                None => files.push((instance.clone(), seen)),
            }
        }
    }
    let changed: BTreeSet<&str> =
        files.iter().filter(|(_, seen)| seen.change != Some(Change::Unchanged)).filter_map(|(_, seen)| seen.export.as_deref()).collect();
    let raw: BTreeSet<&str> = project
        .channels
        .values()
        .flat_map(|channel| &channel.exports)
        .filter(|export| changed.contains(export.landed_as()))
        .map(|export| export.table.as_str())
        .collect();
    let marts: Vec<String> = graph
        .marts_for(&project.models.keys().cloned().collect())
        .into_iter()
        .filter(|mart| graph.all_inputs(mart).iter().any(|input| raw.contains(input.as_str())))
        .collect();
    let mut reports = Vec::new();
    for report in project.reports_of(&job.name) {
        let several = project.instances_of(&report.channel).count() > 1;
        for instance in project.instances_of(&report.channel) {
            let layout = takings_reports::Layout::new(report, &instance.name, several, tick.date);
            let path = layout.report_path(1);
            let delivered = match &store {
                Some(store) => store.exists(&layout.manifest_path(1)).await?,
                None => false,
            };
            let tables = names_of_report(&project, &graph, report)?;
            let landed_as = |export: &str| project.channels.get(&report.channel).map_or(export.to_owned(), |channel| channel.landed_as(export).to_owned());
            let missing: Vec<&String> = report
                .exports
                .iter()
                .filter(|export| !files.iter().any(|(of, seen)| of == instance && seen.export.as_deref() == Some(landed_as(export).as_str())))
                .collect();
            reports.push((report.name.clone(), instance.name.clone(), path, delivered, missing.into_iter().cloned().collect::<Vec<_>>(), tables.len()));
        }
    }
    if cli.json {
        output::json(&json!({
            "job": job.name, "tick": tick.to_string(), "covers": job.interval(tick).to_string(), "known_at": known_at.to_rfc3339(),
            "files": files.iter().map(|(instance, seen)| json!({"instance": instance.name, "path": seen.path, "export": seen.export, "size": seen.size, "change": change(seen.change)})).collect::<Vec<_>>(),
            "left": left.iter().map(|(instance, path, why)| json!({"instance": instance.name, "path": path, "why": why.to_string(), "fails": why.fails()})).collect::<Vec<_>>(),
            "marts": marts,
            "reports": reports.iter().map(|(report, instance, path, delivered, missing, _)| json!({"report": report, "instance": instance, "path": path, "delivered": delivered, "missing_exports": missing})).collect::<Vec<_>>(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} at {tick} covers {}; rows known by {}", job.name, job.interval(tick), known_at.format("%Y-%m-%dT%H:%M:%SZ"));
    let unchanged = files.iter().filter(|(_, seen)| seen.change == Some(Change::Unchanged)).count();
    println!("\nread: {} files, of them {unchanged} unchanged", files.len());
    let rows = files
        .iter()
        .filter(|(_, seen)| seen.change != Some(Change::Unchanged))
        .map(|(instance, seen)| {
            vec![
                instance.name.clone(),
                seen.export.clone().unwrap_or_default(),
                change(seen.change).to_owned(),
                output::thousands(seen.size),
                seen.path.clone(),
            ]
        })
        .collect();
    println!("{}", output::table(&["instance", "export", "", "bytes", "file"], rows, &[3]));
    if !left.is_empty() {
        let failing = left.iter().filter(|(_, _, why)| why.fails()).count();
        let outcome = if failing == 0 { "the run warns of them".to_owned() } else { format!("for {failing} of them the run fails") };
        println!("\nnot read: {} files; {outcome}", left.len());
        let rows = left.into_iter().map(|(instance, path, why)| vec![instance.name, path, why.to_string()]).collect();
        println!("{}", output::table(&["instance", "file", "why"], rows, &[]));
    }
    println!("\nmake again: {}", if marts.is_empty() { "nothing, unless SQL or contracts have changed".to_owned() } else { marts.join(", ") });
    println!();
    let rows = reports
        .into_iter()
        .map(|(report, instance, path, delivered, missing, _)| {
            let state = if !missing.is_empty() {
                format!("not made: no file of {}", missing.join(", "))
            } else if delivered {
                "was delivered; compared".to_owned()
            } else {
                "emit if there is data".to_owned()
            };
            vec![report, instance, path, state]
        })
        .collect();
    println!("{}", output::table(&["report", "instance", "file", ""], rows, &[]));
    Ok(ExitCode::SUCCESS)
}

fn change(change: Option<Change>) -> &'static str {
    match change {
        Some(Change::New) => "new",
        Some(Change::Unchanged) => "unchanged",
        Some(_) => "changed",
        None => "",
    }
}
