//! Transform and check: marts are made from what the lake holds, tested on their uncommitted files, then committed.
//!
//! A mart is made again only when its SQL, its contract, a constant it uses or an input has changed; an incremental one only in the months that
//! its `changed_by` names. Months that can be made apart are made in shares of many rows, on as many threads as there are: small hash tables,
//! nothing dealt between threads.

use std::collections::{BTreeMap, BTreeSet};

use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use futures::TryStreamExt;
use takings_definitions::{Kept, Severity, Table};
use takings_engine::{DataFrame, Parameters, Parsed, ScanFile, Session, Tables};
use takings_lake::{DataFile, Lake, NewFile, TableState};
use takings_runs::ModelState;
use uuid::Uuid;

use crate::context::{Context, now};
use crate::failure::{Failure, Result};
use crate::parallel::spread;
use crate::run_key::{KeyHash, canonical};

/// Shares of so many rows are made apart; below, planning each costs more than it saves.
const SHARE: u64 = if cfg!(test) { 1 } else { 100_000 };

/// The lake after the marts are made.
#[derive(Debug, Default)]
pub struct Transformed {
    pub versions: BTreeMap<String, i64>,
    pub tables: Tables,
    /// The same, as the lake knows them.
    states: BTreeMap<String, Arc<TableState>>,
    pub built: Vec<Built>,
}

/// One mart that was made again.
#[derive(Debug)]
pub struct Built {
    pub table: String,
    pub rows: u64,
    /// Months that were made again; none = the whole mart.
    pub months: Option<usize>,
    pub warnings: Vec<String>,
}

/// Brings every mart up to date. `force` makes the named marts again (all, if the set is empty and `all` is true).
pub async fn transform(context: &Context, run: Uuid, force: impl Fn(&str) -> bool, mut progress: impl FnMut(&str)) -> Result<Transformed> {
    let mut done = Transformed::default();
    let everything: BTreeSet<String> = context.project.models.keys().cloned().collect();
    for (name, state) in context.lake.states(context.project.tables.values()).await? {
        done.see(&name, state);
    }
    for name in context.graph.marts_for(&everything) {
        progress(&name);
        if let Some(built) = bring_up_to_date(context, run, &mut done, &name, force(&name)).await? {
            done.built.push(built);
        }
    }
    Ok(done)
}

impl Transformed {
    fn see(&mut self, name: &str, state: Arc<TableState>) {
        self.versions.insert(name.to_owned(), state.version);
        self.tables.insert(name.to_owned(), scan_files(name, &state.files));
        self.states.insert(name.to_owned(), state);
    }
}

/// Lake files as the engine scans them.
pub fn scan_files<'a>(table: &str, files: impl IntoIterator<Item = &'a DataFile>) -> Vec<ScanFile> {
    files.into_iter().map(|file| ScanFile { path: Lake::file_path(table, file), size: file.size, rows: file.rows, month: file.period_month }).collect()
}

async fn bring_up_to_date(context: &Context, run: Uuid, done: &mut Transformed, name: &str, force: bool) -> Result<Option<Built>> {
    let table = context.project.table(name)?;
    let Some(parsed) = context.graph.model(name) else { return Ok(None) };
    let references = parsed.references();
    let mut reads = context.graph.stored_inputs(references);
    reads.retain(|input| !is_withheld(context, table, input));
    let inputs: BTreeMap<String, i64> = reads.iter().filter_map(|input| done.versions.get(input).map(|version| (input.clone(), *version))).collect();
    let definition = definition(context, table, parsed)?;
    if !done.states.contains_key(name) && inputs.is_empty() && !reads.is_empty() {
        // Nothing ever came of what it is made from.
        return Ok(None);
    }
    let is_up_to_date = |last: &Option<ModelState>| !force && last.as_ref().is_some_and(|last| last.definition_hash == definition && last.inputs == inputs);
    if is_up_to_date(&last_made(context, name, done.states.get(name).map(Arc::as_ref)).await?) {
        return Ok(None);
    }
    // Not as it was when all tables were read: a run that has lost its lease may have made it from the same inputs meanwhile.
    let state = context.lake.state(table, None).await?;
    let last = last_made(context, name, state.as_deref()).await?;
    if let Some(state) = &state
        && is_up_to_date(&last)
    {
        done.see(name, state.clone());
        return Ok(None);
    }
    let months = match (&table.kept, &last, force) {
        (Kept::Incremental { changed_by, .. }, Some(last), false) if last.definition_hash == definition => {
            Some(changed_months(context, done, table, changed_by, last).await?)
        }
        _ => None,
    };
    let replaced: Vec<DataFile> = state
        .iter()
        .flat_map(|state| &state.files)
        .filter(|file| months.as_ref().is_none_or(|months| file.period_month.is_some_and(|month| months.contains(&month))))
        .cloned()
        .collect();
    let kept: Vec<DataFile> = state.iter().flat_map(|state| &state.files).filter(|file| !replaced.iter().any(|gone| gone.path == file.path)).cloned().collect();

    tracing::debug!(table = name, months = months.as_ref().map(BTreeSet::len), "making");
    let files = match make(context, done, table, parsed, months.as_ref(), false).await {
        Err(failure) if failure.is_memory() => {
            tracing::warn!("{failure}; trying again with joins that spill");
            // The joins that spill don't know all types of keys: what matters then is that memory was short.
            make(context, done, table, parsed, months.as_ref(), true).await.map_err(|_| failure)
        }
        outcome => outcome,
    }?;
    tracing::debug!(table = name, files = files.len(), "testing");
    let seen = |files: Vec<&DataFile>| Tables::from([(name.to_owned(), scan_files(name, files))]);
    let made = || files.iter().map(|new| &new.file);
    let all = seen(kept.iter().chain(made()).collect());
    // The rows that stay have passed the tests of this definition.
    let new = months.is_some().then(|| seen(made().collect()));
    let warnings = match test(context, done, table, all, new).await {
        Ok(warnings) => warnings,
        Err(failure) => {
            context.lake.discard(name, files).await?;
            return Err(failure);
        }
    };
    let rows = files.iter().map(|new| new.file.rows).sum();
    tracing::debug!(table = name, rows, "tested");
    let info = BTreeMap::from([("step".to_owned(), "transform".to_owned()), ("definition".to_owned(), definition.clone())]);
    let committed = context.lake.commit(table, state.as_ref().map(|state| state.app_version), files, replaced, info).await?;
    let made = ModelState { definition_hash: definition, inputs, version: committed.version };
    context.ledger.set_model_state(Some(run), name, &made, now()).await?;
    if let Some(state) = context.lake.state(table, Some(committed.version)).await? {
        done.see(name, state);
    }
    Ok(Some(Built { table: name.to_owned(), rows, months: months.map(|months| months.len()), warnings }))
}

/// Does a mart not read an input, because the seller has no instance of the channel that it reads it with?
fn is_withheld(context: &Context, table: &Table, input: &str) -> bool {
    table.inputs_with.get(input).is_some_and(|channel| context.project.instances_of(channel).next().is_none())
}

/// The lake as a mart sees it.
fn tables_for(context: &Context, done: &Transformed, table: &Table) -> Tables {
    done.tables.iter().filter(|(input, _)| !is_withheld(context, table, input)).map(|(input, files)| (input.clone(), files.clone())).collect()
}

/// A hash of all that shapes a mart besides its inputs. Where it is kept by months and its `changed_by` does not look at a mart that it reads, what
/// shapes that one stands in it too: another definition there may change the rows of any month.
fn definition(context: &Context, table: &Table, parsed: &Parsed) -> Result<String> {
    let mut parameters = parsed.parameters();
    let references = parsed.references();
    let mut key = KeyHash::default().part("mart 2").part(&parsed.normalized()).part(&canonical(&table.text));
    for view in context.graph.views(references) {
        if let Some(model) = context.graph.model(&view) {
            parameters.extend(model.parameters());
            key = key.part(&view).part(&model.normalized());
        }
    }
    for name in parameters {
        key = key.part(&name).part(&format!("{:?}", context.project.settings.parameters.get(&name)));
    }
    if let Kept::Incremental { changed_by, .. } = &table.kept {
        let looked_at = Parsed::new(&table.path, changed_by)?.looks_at_changes_of();
        for name in context.graph.stored_inputs(references).difference(&looked_at) {
            if let Some(model) = context.graph.model(name) {
                key = key.part(name).part(&definition(context, context.project.table(name)?, model)?);
            }
        }
    }
    Ok(key.finish())
}

/// What the mart was last made from, if the lake still stands where the ledger says.
async fn last_made(context: &Context, name: &str, state: Option<&TableState>) -> Result<Option<ModelState>> {
    let last = context.ledger.model_state(name).await?;
    Ok(last.filter(|last| state.is_some_and(|state| state.version == last.version)))
}

/// The months that `changed_by` names: it sees `changed_<table>`, the rows of files that came or went since the mart was made.
async fn changed_months(context: &Context, done: &Transformed, table: &Table, changed_by: &str, last: &ModelState) -> Result<BTreeSet<NaiveDate>> {
    let mut changed = Tables::new();
    for (input, state) in &done.states {
        // What is withheld now may have been read before: then all of it went.
        let files: &[DataFile] = if is_withheld(context, table, input) { &[] } else { &state.files };
        let before = match last.inputs.get(input) {
            Some(version) => context.lake.state(context.project.table(input)?, Some(*version)).await?,
            None => None,
        };
        let before = before.as_ref().map_or(&[][..], |before| &before.files);
        changed.insert(input.clone(), scan_files(input, not_in(files, before).chain(not_in(before, files))));
    }
    // What the mart could read and nothing has come of.
    for input in context.graph.references_of(&table.name).map(|references| context.graph.stored_inputs(references)).unwrap_or_default() {
        changed.entry(input).or_default();
    }
    let parameters = Parameters::constants(&context.project.settings.parameters);
    let mut session = context.engine.session(&context.project, &context.graph, tables_for(context, done, table), parameters).with_changed(changed);
    let frame = session.plan_text(&table.path, changed_by).await?;
    let batches = session.collect(&format!("changed_by of {}", table.name), frame).await?;
    let mut months = BTreeSet::new();
    for batch in batches {
        let dates = batch.columns().first().and_then(|column| column.as_any().downcast_ref::<arrow::array::Date32Array>());
        let Some(dates) = dates else {
            return Err(Failure::usage(format!("{}: changed_by must give one column of dates (first days of months)", table.path.display())));
        };
        months.extend(dates.iter().flatten().filter_map(arrow::array::types::Date32Type::to_naive_date_opt));
    }
    Ok(months)
}

/// The files that hold rows which others don't hold. Rows that a compaction brought elsewhere are the same.
fn not_in<'a>(files: &'a [DataFile], others: &'a [DataFile]) -> impl Iterator<Item = &'a DataFile> {
    let there: BTreeSet<&str> = others.iter().flat_map(DataFile::origins).collect();
    files.iter().filter(move |file| file.origins().any(|origin| !there.contains(origin)))
}

/// Which rows of a mart are made at once.
#[derive(Debug, Clone)]
enum Share {
    All,
    Months(BTreeSet<NaiveDate>),
    /// All months but these.
    Others(BTreeSet<NaiveDate>),
}

impl Share {
    fn of(&self, table: &Table, frame: DataFrame) -> Result<DataFrame> {
        Ok(match self {
            Self::All => frame,
            Self::Months(months) => takings_engine::only_months(&table.name, frame, months)?,
            Self::Others(months) => takings_engine::other_months(&table.name, frame, months)?,
        })
    }
}

/// Runs the mart's SELECT into new files that nothing refers to yet.
async fn make(
    context: &Context,
    done: &Transformed,
    table: &Table,
    parsed: &Parsed,
    months: Option<&BTreeSet<NaiveDate>>,
    merge_joins: bool,
) -> Result<Vec<NewFile>> {
    let planned = async |threads: usize| {
        let parameters = Parameters::constants(&context.project.settings.parameters);
        let session = context.engine.with_threads(threads).session(&context.project, &context.graph, tables_for(context, done, table), parameters);
        let mut session = if merge_joins { session.with_merge_joins() } else { session };
        let frame = session.plan(parsed).await?;
        takings_engine::output_schema(table, parsed, frame.logical_plan())?;
        Ok::<_, Failure>((session, frame))
    };
    let (session, frame) = planned(context.threads).await?;
    let inputs = context.graph.stored_inputs(parsed.references());
    let rows: u64 =
        inputs.iter().filter(|input| !is_withheld(context, table, input)).filter_map(|input| done.tables.get(input)).flatten().map(|file| file.rows).sum();
    let apart = if !table.is_partitioned() || rows < SHARE { None } else { shares(&table.name, &frame, months)? };
    let Some(apart) = apart else {
        let share = months.map_or(Share::All, |months| Share::Months(months.clone()));
        return placed(context, table, fill(context, table, &session, share.of(table, frame)?).await?).await;
    };
    let (session, frame) = planned(1).await?;
    let rest = months.is_none().then(|| Share::Others(apart.iter().flatten().copied().collect()));
    let shares = apart.into_iter().map(Share::Months).chain(rest).collect();
    // The second try is for memory that was short: one after the other needs less.
    let threads = if merge_joins { 1 } else { context.threads };
    let files = Mutex::new(Vec::new());
    let one = async |share: Share| {
        let made = fill(context, table, &session, share.of(table, frame.clone())?).await?;
        files.lock().unwrap_or_else(PoisonError::into_inner).extend(made);
        Ok(())
    };
    let made = spread(threads, shares, one);
    let mut files = files.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Err(failure) = made {
        context.lake.discard(&table.name, files).await?;
        return Err(failure);
    }
    files.sort_by(|a, b| (a.file.period_month, &a.file.path).cmp(&(b.file.period_month, &b.file.path)));
    placed(context, table, files).await
}

/// Files that can be read.
async fn placed(context: &Context, table: &Table, mut files: Vec<NewFile>) -> Result<Vec<NewFile>> {
    for at in 0..files.len() {
        if let Err(error) = files[at].placed().await {
            context.lake.discard(&table.name, files).await?;
            return Err(error.into());
        }
    }
    Ok(files)
}

/// The months that a SELECT gives (of those wanted) in shares of months that follow one another, where each can be made from its own files and that
/// is worth it.
pub fn shares(what: &str, frame: &DataFrame, wanted: Option<&BTreeSet<NaiveDate>>) -> Result<Option<Vec<BTreeSet<NaiveDate>>>> {
    if wanted.is_some_and(|months| months.len() < 2) {
        return Ok(None);
    }
    let Some(rows) = takings_engine::months_apart(what, frame)? else { return Ok(None) };
    let months = wanted.cloned().unwrap_or_else(|| rows.keys().copied().collect());
    let (mut shares, mut share, mut of_share) = (Vec::new(), BTreeSet::new(), 0);
    for month in months {
        share.insert(month);
        of_share += rows.get(&month).copied().unwrap_or(0);
        if of_share >= SHARE {
            shares.push(std::mem::take(&mut share));
            of_share = 0;
        }
    }
    match shares.last_mut() {
        Some(last) => last.append(&mut share),
        None => return Ok(None),
    }
    Ok((shares.len() > 1).then_some(shares))
}

/// Rows into new files.
async fn fill(context: &Context, table: &Table, session: &Session<'_>, frame: DataFrame) -> Result<Vec<NewFile>> {
    let mut writer = context.lake.writer(table, None)?;
    let schema = takings_lake::table_schema(table);
    let filled = async {
        let mut rows = session.stream(&table.name, frame).await?;
        while let Some(batch) = rows.try_next().await.map_err(|error| takings_engine::Error::running(&table.name, &error))? {
            writer.write(&takings_engine::conform(&table.name, &schema, &batch)?).await?;
        }
        Ok::<_, Failure>(())
    };
    match filled.await {
        Ok(()) => Ok(writer.hand_over().await?),
        Err(failure) => {
            writer.abort().await?;
            Err(failure)
        }
    }
}

/// Tests a mart's new rows; a failed test keeps them from being committed. `all` are its files, `new` those made now where the others have passed.
async fn test(context: &Context, done: &Transformed, table: &Table, all: Tables, new: Option<Tables>) -> Result<Vec<String>> {
    let session = |files: Tables| {
        let mut seen = done.tables.clone();
        seen.extend(files);
        context.engine.session(&context.project, &context.graph, seen, Parameters::constants(&context.project.settings.parameters))
    };
    let mut made = new.map(session);
    let failures = takings_engine::run_tests(&mut session(all), made.as_mut(), table).await?;
    let (stopping, warnings): (Vec<_>, Vec<_>) = failures.into_iter().partition(|failure| failure.severity == Severity::Fail);
    if stopping.is_empty() {
        return Ok(warnings.iter().map(ToString::to_string).collect());
    }
    let text = stopping.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  ");
    Err(Failure::run(format!("{text}\n  {} keeps its last good version; mend the data or {}", table.name, table.path.display())))
}
