//! `takings check`: every SQL file planned without data, held against contracts and report definitions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use chrono::DateTime;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::dataframe::DataFrame;
use takings_definitions::{Kept, Project, Report, Section, Table, place_of};
use tokio::runtime::Handle;

use crate::contract::{check_money, output_schema};
use crate::data_tests::queries;
use crate::session::optimized;
use crate::{Engine, Error, Graph, Parameters, Parsed, Result, Session, Tables};

/// Something that `check` found.
#[derive(Debug)]
pub struct Finding(pub Error);

/// The views that were planned, by the types that they give.
type Types = BTreeMap<String, SchemaRef>;

/// A definition with SQL.
#[derive(Clone, Copy)]
enum Item<'a> {
    Model(&'a str),
    Table(&'a Table),
    Report(&'a Report),
}

/// Plans everything, on as many threads as the engine has; one finding per file that does not hold. Each SQL is planned once: what reads a view
/// is planned against the types that the view gives.
pub async fn check_project(engine: &Engine, project: &Project, graph: &Graph) -> Vec<Finding> {
    let (mut views, mut findings) = (Types::new(), Vec::new());
    let tables = project.tables.values().filter(|table| table.layer.is_made()).map(Item::Table);
    let readers = tables.chain(project.reports.iter().map(Item::Report)).collect();
    let models = graph.layers().into_iter().map(|layer| layer.into_iter().map(Item::Model).collect());
    for items in models.chain([readers]) {
        let mut found = Vec::new();
        for (known, wrong) in deal(engine, project, graph, &views, items).await {
            views.extend(known);
            found.extend(wrong);
        }
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().for_each(|(_, error)| keep(&mut findings, error));
    }
    findings
}

/// What of the items does not hold, each with the item's place among them, and the types of the views among them.
type Checked = (Types, Vec<(usize, Error)>);

/// Deals the items to threads, each with a session of its own.
async fn deal(engine: &Engine, project: &Project, graph: &Graph, views: &Types, items: Vec<Item<'_>>) -> Vec<Checked> {
    let items: Vec<(usize, Item<'_>)> = items.into_iter().enumerate().collect();
    let threads = engine.threads().min(items.len());
    let engine = &engine.with_threads(1);
    if threads < 2 {
        return vec![check_items(engine, project, graph, views, &items).await];
    }
    let (runtime, items) = (&Handle::current(), &items);
    let work = |first: usize| {
        let dealt: Vec<_> = items.iter().skip(first).step_by(threads).copied().collect();
        move || runtime.block_on(async move { check_items(engine, project, graph, views, &dealt).await })
    };
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|first| scope.spawn(work(first))).collect();
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        })
    })
}

async fn check_items(engine: &Engine, project: &Project, graph: &Graph, views: &Types, items: &[(usize, Item<'_>)]) -> Checked {
    let mut session = engine.session(project, graph, Tables::new(), sample_parameters(project)).for_checks();
    let (mut types, mut wrong) = (Types::new(), Vec::new());
    for (view, schema) in views {
        wrong.extend(session.stand_in(view, Arc::clone(schema)).await.err().map(|error| (0, error)));
    }
    for (at, item) in items {
        let found = match item {
            Item::Model(name) => match check_model(&mut session, project, graph, name).await {
                Ok(schema) => {
                    types.extend(schema.map(|schema| ((*name).to_owned(), schema)));
                    Vec::new()
                }
                Err(error) => vec![error],
            },
            Item::Table(table) => check_table(&mut session, engine, project, graph, table).await,
            Item::Report(report) => check_report(&mut session, project, graph, report).await,
        };
        wrong.extend(found.into_iter().map(|error| (*at, error)));
    }
    (types, wrong)
}

async fn check_table(session: &mut Session<'_>, engine: &Engine, project: &Project, graph: &Graph, table: &Table) -> Vec<Error> {
    let mut wrong: Vec<Error> = check_changed_by(engine, project, graph, table).await.err().into_iter().collect();
    for (at, (name, _, sql)) in queries(table).into_iter().enumerate() {
        let place = place_of(&table.text, &format!("tests/{at}/sql")).filter(|_| at < table.tests.len());
        let planned = plan_definition(session, (&table.path, place), &sql).await;
        wrong.extend(planned.err().map(|error| told(error, |said| format!("test `{name}`: {said}"))));
    }
    wrong
}

async fn check_report(session: &mut Session<'_>, project: &Project, graph: &Graph, report: &Report) -> Vec<Error> {
    let mut wrong: Vec<Error> = check_made_when(session, report).await.err().into_iter().collect();
    for at in 0..report.shared.len() {
        wrong.extend(check_shared(project, graph, report, at).err());
    }
    for at in 0..report.sections.len() {
        wrong.extend(check_section(session, project, graph, report, at).await.err());
    }
    wrong
}

fn keep(findings: &mut Vec<Finding>, error: Error) {
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

/// Of a view the types that it gives.
async fn check_model(session: &mut Session<'_>, project: &Project, graph: &Graph, name: &str) -> Result<Option<SchemaRef>> {
    let Some(parsed) = graph.model(name) else { return Ok(None) };
    let frame = session.plan(parsed).await?;
    check_money(parsed, frame.logical_plan(), false)?;
    if let Some(table) = project.tables.get(name) {
        output_schema(table, parsed, frame.logical_plan())?;
    }
    let frame = optimized(&parsed.path, frame)?;
    Ok((!project.tables.contains_key(name)).then(|| Arc::clone(frame.schema().inner())))
}

/// `changed_by` gives one column of dates, and looks at the changes of all that the mart is made from.
async fn check_changed_by(engine: &Engine, project: &Project, graph: &Graph, table: &Table) -> Result<()> {
    let Kept::Incremental { changed_by, .. } = &table.kept else { return Ok(()) };
    let changed = project.tables.keys().map(|name| (name.clone(), Vec::new())).collect();
    let mut session = engine.session(project, graph, Tables::new(), sample_parameters(project)).for_checks().with_changed(changed);
    let place = place_of(&table.text, "kept/changed_by");
    let frame = plan_definition(&mut session, (&table.path, place), changed_by).await?;
    let looked_at = Parsed::new(&table.path, changed_by)?.looks_at_changes_of();
    let seen: BTreeSet<String> = looked_at.iter().flat_map(|name| graph.all_inputs(name)).collect();
    let raw = |name: &&String| project.tables.get(*name).is_some_and(|table| !table.layer.is_made());
    if let Some(unseen) = graph.all_inputs(&table.name).difference(&seen).find(raw) {
        let message =
            format!("changed_by does not look at changed_{unseen}, and {} is made from {unseen}: months that change there would stay as they were", table.name);
        return Err(Error::sql(&table.path, place.map(wide), message));
    }
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

/// What is shared is a view, and more than one section reads it.
fn check_shared(project: &Project, graph: &Graph, report: &Report, at: usize) -> Result<()> {
    let name = &report.shared[at];
    let wrong = |message: String| Error::sql(&report.path, place_of(&report.text, &format!("shared/{at}")).map(wide), message);
    if graph.is_stored(name) || graph.model(name).is_none() {
        let views: Vec<String> = project.models.keys().filter(|model| !graph.is_stored(model)).cloned().collect();
        return Err(wrong(format!("shared: `{name}` is no view; {}", nearest_of(name, &views))));
    }
    let mut readers = 0;
    for section in &report.sections {
        readers += usize::from(graph.section(project, report, section)?.is_some_and(|sql| graph.views(sql.references()).contains(name)));
    }
    match readers {
        0 | 1 => Err(wrong(format!("shared: `{name}` is read by {readers} of the sections; what fewer than two read is not shared"))),
        _ => Ok(()),
    }
}

async fn check_section(session: &mut Session<'_>, project: &Project, graph: &Graph, report: &Report, at: usize) -> Result<()> {
    let section = &report.sections[at];
    let place = |value: &str| place_of(&report.text, &format!("sections/{at}/{value}"));
    let wrong = |value: &str, message: String| Error::sql(&report.path, place(value).map(wide), message);
    let Some(parsed) = graph.section(project, report, section)? else { return Ok(()) };
    let frame = session.plan(parsed).await?;
    check_money(parsed, frame.logical_plan(), true)?;
    let names: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    for (value, name) in wanted(section) {
        if !names.contains(name) {
            let hint = nearest_of(name, &names);
            return Err(wrong(&value, format!("section `{}` needs column `{name}`, which {} does not give; {hint}", section.name, parsed.path.display())));
        }
    }
    optimized(&parsed.path, frame)?;
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
