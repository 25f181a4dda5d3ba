//! `takings run`: one job, one tick, and a table of what was done.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use serde_json::{Value, json};
use takings_definitions::{ColumnType, Job, JobStep};
use takings_runs::Claim;

use crate::cli::{Cli, RunArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::job::{self, Order, Summary};
use crate::output::{self, Progress, thousands};
use crate::report::{Emitted, Outcome};
use crate::stale;
use crate::stop::Stop;

pub async fn run(cli: &Cli, args: &RunArgs) -> Result<ExitCode> {
    let context = Context::open(cli).await?;
    let (job, tick, known_at) = super::tick_of(&context.project, &args.tick)?;
    let order = Order { job, tick, known_at, force: args.force, restate: args.restate, claim: Claim::Asked, warning: None, stop: Stop::default() };
    let progress = Progress::new(cli.json);
    progress.step("run", &format!("{} at {tick}, covers {}, known at {}", job.name, job.interval(tick), known_at.format("%Y-%m-%dT%H:%M:%SZ")));
    let outcome = match selected(&context, job, &args.select)? {
        None => job::run(&context, &order, &progress).await,
        Some(select) => job::run_selected(&context, &order, &select, &progress).await,
    };
    progress.done();
    let summary = outcome?;
    if cli.json {
        output::json(&as_json(&order, &summary));
    } else {
        print(&context, &order, &summary);
    }
    let failures = summary.failures();
    for failure in &failures {
        eprintln!("error: {failure}");
    }
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The reports that were asked for; none: all of the job.
fn selected(context: &Context, job: &Job, asked: &[String]) -> Result<Option<BTreeSet<String>>> {
    let made: Vec<&str> = context.project.reports_of(&job.name).map(|report| report.name.as_str()).collect();
    if let Some(unknown) = asked.iter().find(|name| !made.contains(&name.as_str())) {
        let next = match context.project.reports.iter().find(|report| report.name == *unknown) {
            Some(report) => format!("job {} makes it", report.job),
            None => takings_definitions::nearest(unknown, made.iter().copied())
                .map_or_else(|| format!("it makes {}", made.join(", ")), |best| format!("did you mean `{best}`?")),
        };
        return Err(Failure::usage(format!("job {} makes no report `{unknown}`; {next}", job.name)));
    }
    Ok((!asked.is_empty()).then(|| asked.iter().cloned().collect()))
}

fn print(context: &Context, order: &Order<'_>, summary: &Summary) {
    for line in super::upkeep::compacted_lines(&summary.compacted) {
        println!("{line}");
    }
    if order.job.steps.contains(&JobStep::Vacuum) {
        println!("{} lake files deleted that no snapshot of the last {} days needs", summary.vacuumed.len(), context.project.settings.retention_days);
    }
    if order.job.steps.contains(&JobStep::Watch) && summary.watched.is_empty() {
        println!("all expected exports are there");
    }
    if !order.job.steps.contains(&JobStep::Reports) {
        println!("run {}", summary.run);
        return;
    }
    print_exports(context, summary);
    for warning in warnings(summary) {
        println!("warning: {warning}");
    }
    if !summary.built.is_empty() {
        let marts: Vec<String> = summary.built.iter().map(|built| format!("{} {}", built.table, thousands(built.rows))).collect();
        println!("\nmarts made again (rows): {}", marts.join(", "));
    }
    println!();
    print_reports(summary);
    println!(
        "\nreports are under {}",
        context.store.folder().map_or_else(|| context.store.url().to_string(), |folder| folder.join("reports").display().to_string())
    );
    println!("run {}", summary.run);
}

fn print_exports(context: &Context, summary: &Summary) {
    let mut rows = Vec::new();
    for outcome in &summary.published {
        let files = outcome.unchanged + outcome.decoded.len();
        if files == 0 {
            continue;
        }
        let sum = |value: fn(&crate::publish::UnitOutcome) -> u64| thousands(outcome.decoded.iter().map(value).sum());
        rows.push(vec![
            format!("{}.{}", outcome.channel, outcome.export),
            files.to_string(),
            outcome.decoded.len().to_string(),
            sum(|unit| unit.records),
            sum(|unit| unit.published),
            sum(|unit| unit.quarantined),
            sum(|unit| unit.excluded.values().sum()),
            totals(context, outcome).join("; "),
        ]);
    }
    println!("{}", output::table(&["export", "segments", "new", "read", "published", "quarantined", "excluded", "money read"], rows, &[1, 2, 3, 4, 5, 6]));
}

/// The money that was decoded, per column and currency.
fn totals(context: &Context, outcome: &crate::publish::Outcome) -> Vec<String> {
    let mut sums: BTreeMap<(&str, &str), Option<i128>> = BTreeMap::new();
    for total in outcome.decoded.iter().flat_map(|unit| &unit.totals) {
        let sum = sums.entry((&total.column, &total.currency)).or_insert(Some(0));
        *sum = sum.and_then(|sum| sum.checked_add(total.sum));
    }
    let table = context.project.tables.get(&outcome.table);
    let mut columns: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for ((column, currency), sum) in sums {
        let scale = match table.and_then(|table| table.column(column)).map(|column| column.kind) {
            Some(ColumnType::Decimal { scale, .. }) => scale,
            _ => 0,
        };
        let text = sum.map_or_else(|| "too large".to_owned(), |sum| output::money(sum, scale));
        columns.entry(column).or_default().push(format!("{text} {currency}"));
    }
    columns.into_iter().map(|(column, sums)| format!("{column} {}", sums.join(", "))).collect()
}

fn warnings(summary: &Summary) -> Vec<String> {
    let mut warnings: Vec<String> = summary.published.iter().flat_map(|outcome| outcome.warnings.clone()).collect();
    for (instance, pulled) in &summary.pulled {
        let Ok(pulled) = pulled else { continue };
        warnings
            .extend(pulled.shrunk().map(|path| format!("{}.{}: {path} has fewer bytes than before; its rows were replaced", instance.channel, instance.name)));
        if !pulled.missing_exports.is_empty() {
            warnings.push(format!("{}.{}: no file of {}", instance.channel, instance.name, pulled.missing_exports.join(", ")));
        }
        warnings.extend(pulled.ignored.iter().map(|found| format!("{}.{}: {} was not read: {}", instance.channel, instance.name, found.path, found.reason)));
        if !pulled.unknown.is_empty() {
            let shown: Vec<&str> = pulled.unknown.iter().take(3).map(String::as_str).collect();
            warnings.push(format!(
                "{}.{}: {} files fit no export and were left: {}{}",
                instance.channel,
                instance.name,
                pulled.unknown.len(),
                shown.join(", "),
                if pulled.unknown.len() > 3 { ", …" } else { "" }
            ));
        }
    }
    warnings.extend(summary.built.iter().flat_map(|built| built.warnings.clone()));
    warnings.extend(summary.stale.iter().map(stale::message));
    warnings
}

fn print_reports(summary: &Summary) {
    let mut rows = Vec::new();
    for emitted in &summary.emitted {
        let (state, what) = describe(&emitted.outcome);
        let count: u64 = emitted.sections.iter().map(|section| section.rows).sum();
        let made = !emitted.sections.is_empty();
        rows.push(vec![emitted.report.clone(), emitted.instance.clone(), state.to_owned(), if made { thousands(count) } else { String::new() }, what]);
        for section in emitted.sections.iter().filter(|_| matches!(emitted.outcome, Outcome::Written { .. })) {
            rows.push(vec![format!("  {}", section.title), String::new(), String::new(), thousands(section.rows), section_totals(section)]);
        }
    }
    println!("{}", output::table(&["report", "instance", "state", "rows", "file, money"], rows, &[3]));
}

/// The first totals of a section; the manifest has them all.
fn section_totals(section: &crate::report::EmittedSection) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<String> = section
        .totals
        .iter()
        .take(SHOWN)
        .map(|total| format!("{} {}{}", total.column, total.sum, total.currency.as_ref().map(|currency| format!(" {currency}")).unwrap_or_default()))
        .collect();
    let more = section.totals.len().saturating_sub(SHOWN);
    if more > 0 { format!("{}; {more} more in the manifest", shown.join("; ")) } else { shown.join("; ") }
}

fn describe(outcome: &Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Written { path, revision: 1, .. } => ("written", path.clone()),
        Outcome::Written { path, .. } => ("restated", path.clone()),
        Outcome::Stands { path, same_key: true } => ("stands", format!("{path} (nothing to do)")),
        Outcome::Stands { path, same_key: false } => ("unchanged", format!("{path} (same bytes)")),
        Outcome::NotMade(reason) => ("not made", reason.clone()),
        Outcome::Missing(exports) => ("not made", format!("no file of {}", exports.join(", "))),
        Outcome::Failed(message) => ("failed", message.clone()),
        Outcome::Conflict(_) => ("conflict", "other bytes were delivered for this tick".to_owned()),
    }
}

fn as_json(order: &Order<'_>, summary: &Summary) -> Value {
    json!({
        "run": summary.run,
        "job": order.job.name,
        "tick": order.tick.to_string(),
        "known_at": order.known_at.to_rfc3339(),
        "exports": summary.published.iter().map(|outcome| json!({
            "export": outcome.export,
            "table": outcome.table,
            "version": outcome.version,
            "unchanged": outcome.unchanged,
            "files": outcome.decoded.iter().map(|unit| json!({
                "path": unit.source_path, "instance": unit.instance, "unit": unit.unit, "records": unit.records, "published": unit.published,
                "quarantined": unit.quarantined, "excluded": unit.excluded, "stopped": unit.stopped,
                "totals": unit.totals.iter().map(|total| json!({"column": total.column, "currency": total.currency, "scaled_sum": total.sum.to_string()})).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "marts": summary.built.iter().map(|built| json!({"table": built.table, "rows": built.rows, "months": built.months})).collect::<Vec<_>>(),
        "mirrored": summary.mirrored,
        "reports": summary.emitted.iter().map(report_json).collect::<Vec<_>>(),
        "compacted": super::upkeep::compacted_json(&summary.compacted),
        "vacuumed": summary.vacuumed,
        "warnings": warnings(summary),
        "failures": summary.failures(),
    })
}

fn report_json(emitted: &Emitted) -> Value {
    let (state, what) = describe(&emitted.outcome);
    let path = match &emitted.outcome {
        Outcome::Written { path, .. } | Outcome::Stands { path, .. } => Some(path),
        _ => None,
    };
    json!({
        "report": emitted.report,
        "instance": emitted.instance,
        "state": state,
        "path": path,
        "note": what,
        "run_key": emitted.run_key,
        "sections": emitted.sections.iter().map(|section| json!({"title": section.title, "rows": section.rows, "totals": section.totals})).collect::<Vec<_>>(),
    })
}
