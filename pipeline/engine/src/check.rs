//! `takings check`: every SQL file planned without data, held against contracts and report definitions.

use std::path::Path;

use chrono::DateTime;
use datafusion::arrow::datatypes::DataType;
use datafusion::dataframe::DataFrame;
use takings_definitions::{Kept, Project, Report, Section, Table};

use crate::contract::{check_money, output_schema};
use crate::data_tests::queries;
use crate::{Engine, Error, Graph, Parameters, Parsed, Result, Session, Tables};

/// Something that `check` found.
#[derive(Debug)]
pub struct Finding(pub Error);

/// Plans everything; one finding per file that does not hold.
pub async fn check_project(engine: &Engine, project: &Project, graph: &Graph) -> Vec<Finding> {
    let mut session = engine.session(project, graph, Tables::new(), sample_parameters(project));
    let mut findings = Vec::new();
    for name in project.models.keys() {
        keep(&mut findings, check_model(&mut session, project, graph, name).await);
    }
    for table in project.tables.values().filter(|table| table.layer.is_made()) {
        keep(&mut findings, check_changed_by(engine, project, graph, table).await);
        for (name, _, sql) in queries(table) {
            let planned = session.plan_text(&table.path, &sql).await.and_then(|frame| optimized(&table.path, frame));
            keep(&mut findings, planned.map(drop).map_err(|error| Error::sql(&table.path, None, format!("test `{name}`: {error}"))));
        }
    }
    for report in &project.reports {
        keep(&mut findings, check_made_when(&mut session, report).await);
        for section in &report.sections {
            keep(&mut findings, check_section(&mut session, project, report, section).await);
        }
    }
    findings
}

fn keep(findings: &mut Vec<Finding>, outcome: Result<()>) {
    if let Err(error) = outcome {
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

async fn check_model(session: &mut Session<'_>, project: &Project, graph: &Graph, name: &str) -> Result<()> {
    let Some(parsed) = graph.model(name) else { return Ok(()) };
    let frame = session.plan(parsed).await?;
    check_money(parsed, frame.logical_plan(), false)?;
    if let Some(table) = project.tables.get(name) {
        output_schema(table, parsed, frame.logical_plan())?;
    }
    optimized(&parsed.path, frame).map(drop)
}

/// `changed_by` gives one column of dates.
async fn check_changed_by(engine: &Engine, project: &Project, graph: &Graph, table: &Table) -> Result<()> {
    let Kept::Incremental { changed_by, .. } = &table.kept else { return Ok(()) };
    let changed = project.tables.keys().map(|name| (name.clone(), Vec::new())).collect();
    let mut session = engine.session(project, graph, Tables::new(), sample_parameters(project)).with_changed(changed);
    let frame = session.plan_text(&table.path, changed_by).await?;
    let types: Vec<&DataType> = frame.schema().fields().iter().map(|field| field.data_type()).collect();
    match types[..] {
        [DataType::Date32] => Ok(()),
        _ => Err(Error::sql(&table.path, None, "changed_by must give one column of dates (first days of months)")),
    }
}

async fn check_made_when(session: &mut Session<'_>, report: &Report) -> Result<()> {
    let Some(sql) = &report.made_when else { return Ok(()) };
    let frame = session.plan_text(&report.path, sql).await?;
    optimized(&report.path, frame).map(drop)
}

async fn check_section(session: &mut Session<'_>, project: &Project, report: &Report, section: &Section) -> Result<()> {
    let Some(source) = project.report_sql.get(&format!("{}/{}", report.name, section.name)) else { return Ok(()) };
    let parsed = Parsed::new(&source.path, &source.text)?;
    let frame = session.plan(&parsed).await?;
    check_money(&parsed, frame.logical_plan(), true)?;
    let names: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    let wanted = section.columns.iter().map(|column| &column.column).chain(section.sort.iter().map(|key| &key.column));
    let traced = section.trace.iter().flat_map(|trace| trace.keys.keys());
    for name in wanted.chain(traced) {
        if !names.contains(name) {
            let hint = takings_definitions::nearest(name, names.iter().map(String::as_str))
                .map_or_else(|| format!("it gives {}", names.join(", ")), |best| format!("did you mean `{best}`?"));
            return Err(Error::sql(&source.path, None, format!("section `{}` of {} needs column `{name}`; {hint}", section.name, report.path.display())));
        }
    }
    optimized(&source.path, frame)?;
    let Some(trace) = &section.trace else { return Ok(()) };
    let model = session.table(&trace.model).await.map_err(|error| Error::sql(&report.path, None, format!("trace of section `{}`: {error}", section.name)))?;
    let columns: Vec<&str> = model.schema().fields().iter().map(|field| field.name().as_str()).collect();
    for column in trace.keys.values().map(String::as_str).chain(["_file_id", "_line"]) {
        if !columns.contains(&column) {
            return Err(Error::sql(&report.path, None, format!("trace of section `{}`: `{}` has no column `{column}`", section.name, trace.model)));
        }
    }
    let filter = trace.filter.as_deref().unwrap_or("true");
    let frame = session.plan_text(&report.path, &format!("select * from {} where {filter}", trace.model)).await?;
    optimized(&report.path, frame).map(drop)
}

/// The optimiser resolves types; what cannot be typed fails here and not at night.
fn optimized(path: &Path, frame: DataFrame) -> Result<DataFrame> {
    let (state, plan) = frame.into_parts();
    let plan = state.optimize(&plan).map_err(|error| Error::planning(path, &error))?;
    Ok(DataFrame::new(state, plan))
}
