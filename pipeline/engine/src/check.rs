//! `takings check`: every SQL file planned without data, held against contracts and report definitions.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::DateTime;
use datafusion::arrow::datatypes::DataType;
use datafusion::dataframe::DataFrame;
use takings_definitions::{Kept, Project, Report, Section, Table, place_of};

use crate::contract::{check_money, output_schema};
use crate::data_tests::queries;
use crate::{Engine, Error, Graph, Parameters, Parsed, Result, Session, Tables};

/// Something that `check` found.
#[derive(Debug)]
pub struct Finding(pub Error);

/// Plans everything; one finding per file that does not hold.
pub async fn check_project(engine: &Engine, project: &Project, graph: &Graph) -> Vec<Finding> {
    // A view is part of the plan of what reads it and optimised with it. Only where something is wrong each is looked at alone, to say where.
    let inner = read_views(project, graph);
    let findings = check_all(engine, project, graph, &inner).await;
    if findings.is_empty() { findings } else { check_all(engine, project, graph, &BTreeSet::new()).await }
}

/// The views that another model or a section reads.
fn read_views(project: &Project, graph: &Graph) -> BTreeSet<String> {
    let models = project.models.keys().filter_map(|name| graph.model(name)?.references().ok());
    let sections = project.report_sql.values().filter_map(|source| Parsed::new(&source.path, &source.text).ok()?.references().ok());
    models.chain(sections).flatten().filter(|name| project.models.contains_key(name) && !project.tables.contains_key(name)).collect()
}

/// `inner`: views that are only optimised within what reads them.
async fn check_all(engine: &Engine, project: &Project, graph: &Graph, inner: &BTreeSet<String>) -> Vec<Finding> {
    let mut session = engine.session(project, graph, Tables::new(), sample_parameters(project)).for_checks();
    let mut findings = Vec::new();
    for name in project.models.keys() {
        keep(&mut findings, check_model(&mut session, project, graph, name, inner.contains(name)).await);
    }
    for table in project.tables.values().filter(|table| table.layer.is_made()) {
        keep(&mut findings, check_changed_by(engine, project, graph, table).await);
        for (at, (name, _, sql)) in queries(table).into_iter().enumerate() {
            let place = place_of(&table.text, &format!("tests/{at}/sql")).filter(|_| at < table.tests.len());
            let planned = plan_definition(&mut session, (&table.path, place), &sql).await;
            keep(&mut findings, planned.map(drop).map_err(|error| told(error, |said| format!("test `{name}`: {said}"))));
        }
    }
    for report in &project.reports {
        keep(&mut findings, check_made_when(&mut session, report).await);
        for at in 0..report.sections.len() {
            keep(&mut findings, check_section(&mut session, project, report, at).await);
        }
    }
    findings
}

fn keep(findings: &mut Vec<Finding>, outcome: Result<()>) {
    let Err(error) = outcome else { return };
    // A mistake in a view is found by all that read it, and told once.
    if findings.iter().all(|finding| finding.0.to_string() != error.to_string()) {
        findings.push(Finding(error));
    }
}

/// Any instant serves: planning looks at types only.
fn sample_parameters(project: &Project) -> Parameters {
    let at = DateTime::UNIX_EPOCH;
    Parameters::constants(&project.settings.parameters)
        .timestamp("tick", at)
        .timestamp("interval_start", at)
        .timestamp("interval_end", at)
        .timestamp("known_at", at)
        .text("instance", "")
        .text("seller_account", "")
}

async fn check_model(session: &mut Session<'_>, project: &Project, graph: &Graph, name: &str, inner: bool) -> Result<()> {
    let Some(parsed) = graph.model(name) else { return Ok(()) };
    let frame = session.plan(parsed).await?;
    check_money(parsed, frame.logical_plan(), false)?;
    if let Some(table) = project.tables.get(name) {
        output_schema(table, parsed, frame.logical_plan())?;
    }
    if inner { Ok(()) } else { optimized(&parsed.path, frame).map(drop) }
}

/// `changed_by` gives one column of dates.
async fn check_changed_by(engine: &Engine, project: &Project, graph: &Graph, table: &Table) -> Result<()> {
    let Kept::Incremental { changed_by, .. } = &table.kept else { return Ok(()) };
    let changed = project.tables.keys().map(|name| (name.clone(), Vec::new())).collect();
    let mut session = engine.session(project, graph, Tables::new(), sample_parameters(project)).for_checks().with_changed(changed);
    let place = place_of(&table.text, "kept/changed_by");
    let frame = plan_definition(&mut session, (&table.path, place), changed_by).await?;
    let types: Vec<&DataType> = frame.schema().fields().iter().map(|field| field.data_type()).collect();
    match types[..] {
        [DataType::Date32] => Ok(()),
        _ => Err(Error::sql(&table.path, place.map(wide), "changed_by must give one column of dates (first days of months)")),
    }
}

async fn check_made_when(session: &mut Session<'_>, report: &Report) -> Result<()> {
    let Some(sql) = &report.made_when else { return Ok(()) };
    plan_definition(session, (&report.path, place_of(&report.text, "made_when")), sql).await.map(drop)
}

async fn check_section(session: &mut Session<'_>, project: &Project, report: &Report, at: usize) -> Result<()> {
    let section = &report.sections[at];
    let place = |value: &str| place_of(&report.text, &format!("sections/{at}/{value}"));
    let wrong = |value: &str, message: String| Error::sql(&report.path, place(value).map(wide), message);
    let Some(source) = project.report_sql.get(&format!("{}/{}", report.name, section.name)) else { return Ok(()) };
    let parsed = Parsed::new(&source.path, &source.text)?;
    let frame = session.plan(&parsed).await?;
    check_money(&parsed, frame.logical_plan(), true)?;
    let names: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    for (value, name) in wanted(section) {
        if !names.contains(name) {
            let hint = nearest_of(name, &names);
            return Err(wrong(&value, format!("section `{}` needs column `{name}`, which {} does not give; {hint}", section.name, source.path.display())));
        }
    }
    optimized(&source.path, frame)?;
    let Some(trace) = &section.trace else { return Ok(()) };
    let of_trace = |said: &str| format!("trace of section `{}`: {said}", section.name);
    let model = session.table(&trace.model).await.map_err(|error| {
        let known: Vec<String> = project.tables.keys().chain(project.models.keys()).cloned().collect();
        wrong("trace/model", of_trace(&format!("{error}; {}", nearest_of(&trace.model, &known))))
    })?;
    let columns: Vec<String> = model.schema().fields().iter().map(|field| field.name().clone()).collect();
    let keys = trace.keys.iter().map(|(output, column)| (format!("trace/keys/{output}"), column.as_str()));
    let lines = ["_file_id", "_line"].map(|column| ("trace/model".to_owned(), column));
    for (value, column) in keys.chain(lines) {
        if !columns.iter().any(|name| name == column) {
            return Err(wrong(&value, of_trace(&format!("`{}` has no column `{column}`; {}", trace.model, nearest_of(column, &columns)))));
        }
    }
    let filter = trace.filter.as_deref().unwrap_or("true");
    let planned = plan_definition(session, (&report.path, place("trace/filter")), &format!("select * from {} where {filter}", trace.model)).await;
    planned.map(drop).map_err(|error| told(error, of_trace))
}

/// The output columns that a section names, each with its place in the section.
fn wanted(section: &Section) -> Vec<(String, &String)> {
    let printed = section.columns.iter().enumerate().map(|(at, column)| (format!("columns/{at}/column"), &column.column));
    let sorted = section.sort.iter().enumerate().map(|(at, key)| (format!("sort/{at}"), &key.column));
    let traced = section.trace.iter().flat_map(|trace| trace.keys.keys()).map(|name| (format!("trace/keys/{name}"), name));
    printed.chain(sorted).chain(traced).collect()
}

fn nearest_of(name: &str, known: &[String]) -> String {
    takings_definitions::nearest(name, known.iter().map(String::as_str))
        .map_or_else(|| format!("there are {}", known.join(", ")), |best| format!("did you mean `{best}`?"))
}

/// Plans SQL that stands in a definition file; a mistake in it is told at the place of the SQL there.
async fn plan_definition(session: &mut Session<'_>, (path, place): (&Path, Option<(usize, usize)>), sql: &str) -> Result<DataFrame> {
    let planned = async {
        let parsed = Parsed::new(path, sql)?;
        let frame = session.plan(&parsed).await?;
        check_money(&parsed, frame.logical_plan(), false)?;
        optimized(path, frame)
    };
    planned.await.map_err(|error| match error {
        Error::Sql { message, .. } => Error::sql(path, place.map(wide), message),
        other => other,
    })
}

/// A mistake in other words, at the same place.
fn told(error: Error, words: impl Fn(&str) -> String) -> Error {
    match error {
        Error::Sql { path, line, column, message } => Error::Sql { path, line, column, message: words(&message) },
        other => other,
    }
}

fn wide((line, column): (usize, usize)) -> (u64, u64) {
    (line as u64, column as u64)
}

/// The optimiser resolves types; what cannot be typed fails here and not at night.
fn optimized(path: &Path, frame: DataFrame) -> Result<DataFrame> {
    let (state, plan) = frame.into_parts();
    let plan = state.optimize(&plan).map_err(|error| Error::planning(path, &error))?;
    Ok(DataFrame::new(state, plan))
}
