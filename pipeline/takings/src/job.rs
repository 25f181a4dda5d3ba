//! One run of a job: pull, land, decode, publish, transform, snapshot, mirror, emit. The order is the flow's; each step is recorded in the ledger.
//!
//! Nothing that readers see changes before the snapshot is recorded, and no report is made from anything but that snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use takings_definitions::{Instance, Job, Tick};
use takings_runs::{Delivery, DeliveryState, LandingFile, NewRun, RunLease, RunState, StepFigures};
use takings_sources::{LandingRecord, Pulled};
use uuid::Uuid;

use crate::context::{Context, now};
use crate::failure::{Failure, Result};
use crate::holder::{self, AtWork};
use crate::output::Progress;
use crate::report::{self, Emitted, Night};
use crate::transform::{Built, Transformed};
use crate::{mirror, publish, transform};

/// How long a run may be silent before another may take over.
const LEASE: TimeDelta = TimeDelta::minutes(5);
const HEARTBEAT: Duration = Duration::from_secs(60);

/// What is to be run.
pub struct Order<'a> {
    pub job: &'a Job,
    pub tick: Tick,
    pub known_at: DateTime<Utc>,
    pub force: bool,
    pub restate: bool,
}

/// What a run did.
pub struct Summary {
    pub run: Uuid,
    pub pulled: Vec<(Instance, std::result::Result<Pulled, String>)>,
    pub published: Vec<publish::Outcome>,
    pub built: Vec<Built>,
    pub mirrored: Vec<String>,
    pub emitted: Vec<Emitted>,
}

impl Summary {
    /// What makes the run a failed one, one line each.
    pub fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        for (instance, pulled) in &self.pulled {
            match pulled {
                Err(message) => failures.push(format!("{}.{}: {message}", instance.channel, instance.name)),
                Ok(pulled) => {
                    failures.extend(pulled.failed.iter().map(|failed| format!("{}.{}: {}: {}", instance.channel, instance.name, failed.path, failed.reason)));
                    failures.extend(
                        pulled
                            .ambiguous
                            .iter()
                            .map(|found| format!("{} fits several exports ({}); make their path patterns differ", found.path, found.exports.join(", "))),
                    );
                }
            }
        }
        for outcome in &self.published {
            failures.extend(outcome.stopped().map(|unit| {
                format!("{} was stopped: {}; see `takings quarantine show {}`", unit.source_path, unit.stopped.as_deref().unwrap_or_default(), unit.unit)
            }));
        }
        for emitted in &self.emitted {
            match &emitted.outcome {
                report::Outcome::Failed(message) => failures.push(format!("report {} of {} was not made: {message}", emitted.report, emitted.instance)),
                report::Outcome::Conflict(message) => failures.push(message.clone()),
                _ => {}
            }
        }
        failures.dedup();
        failures
    }
}

/// Runs a job for one tick. Errors and failures are recorded before they are returned.
pub async fn run(context: &Context, order: &Order<'_>, progress: &Progress) -> Result<Summary> {
    let new = NewRun { id: None, job: order.job.name.clone(), tick: order.tick.at, interval: order.job.interval(order.tick), known_at: order.known_at };
    leased(context, &new, async |lease| steps(context, order, lease, progress).await, end_of).await
}

/// The state that a run ends in, and why.
fn end_of(summary: &Summary) -> (RunState, Option<String>) {
    let stands = |emitted: &Emitted| matches!(emitted.outcome, report::Outcome::Written { .. } | report::Outcome::Stands { .. });
    match summary.failures() {
        failures if !failures.is_empty() => (RunState::Failed, Some(failures.join("\n"))),
        _ if summary.emitted.iter().any(stands) => (RunState::Delivered, None),
        _ => (RunState::Nothing, None),
    }
}

/// Does work under the project's lease, as a run of its own. How it ended is recorded before it is returned.
async fn leased<T>(
    context: &Context,
    new: &NewRun,
    work: impl AsyncFnOnce(&RunLease) -> Result<T>,
    end_of: impl FnOnce(&T) -> (RunState, Option<String>),
) -> Result<T> {
    let at_work = AtWork::new();
    let lease = context.ledger.begin_run(new, &at_work.holder, LEASE, now(), holder::alive).await?;
    let beat = Heartbeat::start(context, &lease);
    context.ledger.move_run(lease.run.id, RunState::Running, None, now()).await?;
    let outcome = work(&lease).await;
    drop(beat);
    let (state, message) = match &outcome {
        Err(failure) => (RunState::Failed, Some(failure.to_string())),
        Ok(done) => end_of(done),
    };
    match (record_end(context, &lease, state, message.as_deref()).await, outcome) {
        (Err(failure), Err(first)) => {
            tracing::warn!("the end of the run could not be recorded: {failure}");
            Err(first)
        }
        (recorded, outcome) => outcome.and_then(|done| recorded.map(|()| done)),
    }
}

async fn record_end(context: &Context, lease: &RunLease, state: RunState, message: Option<&str>) -> Result<()> {
    context.ledger.move_run(lease.run.id, state, message, now()).await?;
    Ok(context.ledger.release(lease).await?)
}

async fn steps(context: &Context, order: &Order<'_>, lease: &RunLease, progress: &Progress) -> Result<Summary> {
    let run = lease.run.id;
    context.store.sweep_staging().await?;
    let mut summary = Summary { run, pulled: Vec::new(), published: Vec::new(), built: Vec::new(), mirrored: Vec::new(), emitted: Vec::new() };
    context.reach("pull")?;
    summary.pulled = pull(context, run, progress).await?;
    let landed = landed(context, &summary.pulled).await?;
    context.reach("publish")?;
    summary.published = publish_all(context, run, &landed, order.force, progress).await?;
    context.reach("transform")?;
    let transformed = transform_all(context, run, |_| order.force, progress).await?;
    context.ledger.heartbeat(lease, now()).await?;
    context.reach("snapshot")?;
    record_snapshot(context, run, &transformed).await?;
    context.ledger.move_run(run, RunState::Published, None, now()).await?;
    context.reach("mirror")?;
    summary.mirrored = mirror_all(context, run, &transformed, order.force, progress).await?;
    context.reach("emit")?;
    summary.emitted = emit_all(context, run, order, &summary, &landed, &transformed, progress).await?;
    summary.built = transformed.built;
    Ok(summary)
}

/// Makes a table again, and all that is made from it. Under the same lease as a run.
pub async fn rebuild(context: &Context, table: &str, progress: &Progress) -> Result<Vec<String>> {
    let work = async |lease: &RunLease| {
        let run = lease.run.id;
        let landed = landed(context, &[]).await?;
        for channel in context.project.channels.values() {
            for export in channel.exports.iter().filter(|export| export.table == table) {
                progress.step("publish", &format!("{} from the landing zone", export.table));
                let records = landed.get(&channel.name).map_or(&[][..], Vec::as_slice);
                let outcome = publish::publish(context, run, channel, export, records, true).await?;
                if let Some(stopped) = outcome.stopped().next() {
                    return Err(Failure::run(format!("{} was stopped: {}", stopped.source_path, stopped.stopped.as_deref().unwrap_or_default())));
                }
            }
        }
        let transformed = transform_all(context, run, |name| name == table, progress).await?;
        record_snapshot(context, run, &transformed).await?;
        context.ledger.move_run(run, RunState::Published, None, now()).await?;
        mirror_all(context, run, &transformed, false, progress).await?;
        Ok(transformed.built.into_iter().map(|built| built.table).collect())
    };
    leased(context, &upkeep(format!("rebuild {table}")), work, |_| (RunState::Nothing, None)).await
}

/// Deletes the lake files that no snapshot within the retention needs; gives their paths. Under the same lease as a run: a file
/// that a run has written and not committed yet is never taken for a leftover.
pub async fn vacuum(context: &Context) -> Result<Vec<String>> {
    let work = async |_: &RunLease| {
        let retention = TimeDelta::days(i64::from(context.project.settings.retention_days));
        let mut kept = context.ledger.snapshots_since(now() - retention).await?;
        kept.extend(context.ledger.latest_snapshot().await?);
        let mut deleted = Vec::new();
        for table in context.project.tables.values() {
            if context.lake.state(table, None).await?.is_none() {
                continue;
            }
            let versions: Vec<i64> = kept.iter().filter_map(|snapshot| snapshot.tables.get(&table.name).copied()).collect();
            deleted.extend(context.lake.vacuum(table, &versions, retention).await?);
        }
        Ok(deleted)
    };
    leased(context, &upkeep("vacuum".to_owned()), work, |_| (RunState::Nothing, None)).await
}

/// A run that belongs to no job.
fn upkeep(name: String) -> NewRun {
    let at = now();
    NewRun { id: None, job: name, tick: at, interval: takings_definitions::Interval { start: at, end: at }, known_at: at }
}

/// Renews a lease for as long as this lives.
struct Heartbeat(tokio::task::JoinHandle<()>);

impl Heartbeat {
    fn start(context: &Context, lease: &RunLease) -> Self {
        let (ledger, lease) = (context.ledger.clone(), lease.clone());
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                if let Err(error) = ledger.heartbeat(&lease, now()).await {
                    tracing::warn!("the lease could not be renewed: {error}");
                }
            }
        }))
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn pull(context: &Context, run: Uuid, progress: &Progress) -> Result<Vec<(Instance, std::result::Result<Pulled, String>)>> {
    let step = context.ledger.start_step(run, "pull", now()).await?;
    let mut all = Vec::new();
    let mut figures = StepFigures::default();
    for instance in &context.project.settings.instances {
        let Some(channel) = context.project.channels.get(&instance.channel) else { continue };
        progress.step("pull", &format!("{}.{} from {}", instance.channel, instance.name, instance.url));
        let pulled = context.landing.pull(instance, channel, context.root(), &|at| show(progress, at)).await;
        match pulled {
            // A landing zone that can't be written may hold half of what the source delivered: nothing is made from that.
            Err(error) if !error.is_source() => return Err(error.into()),
            Err(error) => all.push((instance.clone(), Err(error.to_string()))),
            Ok(pulled) => {
                figures.files += pulled.records.len() as u64;
                figures.bytes += pulled.bytes;
                let files: Vec<LandingFile> = pulled.records.iter().map(landing_file).collect();
                context.ledger.record_landing(Some(run), &files).await?;
                all.push((instance.clone(), Ok(pulled)));
            }
        }
    }
    context.ledger.end_step(step, &figures, now()).await?;
    Ok(all)
}

fn show(progress: &Progress, at: takings_sources::Progress<'_>) {
    if let takings_sources::Progress::Started { path, .. } = at {
        progress.at(path);
    }
}

/// The instances that were ever landed, whether they are configured or not.
async fn landed_instances(context: &Context, channel: &str) -> Result<BTreeSet<String>> {
    let folder = format!("landing/records/{channel}/");
    let objects = context.store.list(&folder).await?;
    Ok(objects.iter().filter_map(|object| object.location.as_ref().strip_prefix(&folder)?.split('/').next().map(str::to_owned)).collect())
}

fn landing_file(record: &LandingRecord) -> LandingFile {
    LandingFile {
        channel: record.channel.clone(),
        instance: record.instance.clone(),
        export: record.export.clone(),
        source_path: record.source_path.clone(),
        file_id: record.file_id.clone(),
        version: record.version,
        size: record.size,
        sha256: record.sha256.clone(),
    }
}

/// All landed files by channel: of the instances that were pulled, and of those that were landed once and are configured no more.
pub async fn landed(context: &Context, pulled: &[(Instance, std::result::Result<Pulled, String>)]) -> Result<BTreeMap<String, Vec<LandingRecord>>> {
    let mut landed: BTreeMap<String, Vec<LandingRecord>> = BTreeMap::new();
    for channel in context.project.channels.keys() {
        for name in landed_instances(context, channel).await? {
            let fresh = pulled.iter().find(|(instance, _)| instance.channel == *channel && instance.name == name).and_then(|(_, pulled)| pulled.as_ref().ok());
            let records = match fresh {
                Some(pulled) => pulled.records.clone(),
                None => context.landing.records(channel, &name).await?,
            };
            landed.entry(channel.clone()).or_default().extend(records);
        }
    }
    Ok(landed)
}

async fn publish_all(
    context: &Context,
    run: Uuid,
    landed: &BTreeMap<String, Vec<LandingRecord>>,
    force: bool,
    progress: &Progress,
) -> Result<Vec<publish::Outcome>> {
    let step = context.ledger.start_step(run, "publish", now()).await?;
    progress.step("publish", "decoding what is new");
    let mut outcomes = Vec::new();
    let mut figures = StepFigures::default();
    for channel in context.project.channels.values() {
        let records = landed.get(&channel.name).map_or(&[][..], Vec::as_slice);
        for export in &channel.exports {
            progress.at(&export.table);
            let outcome = publish::publish(context, run, channel, export, records, force).await?;
            figures.rows += outcome.decoded.iter().map(|unit| unit.published).sum::<u64>();
            figures.files += outcome.decoded.len() as u64;
            outcomes.push(outcome);
        }
    }
    figures.detail = json!(
        outcomes
            .iter()
            .filter(|outcome| !outcome.decoded.is_empty())
            .map(|outcome| json!({"table": outcome.table, "version": outcome.version}))
            .collect::<Vec<_>>()
    );
    context.ledger.end_step(step, &figures, now()).await?;
    Ok(outcomes)
}

async fn transform_all(context: &Context, run: Uuid, force: impl Fn(&str) -> bool, progress: &Progress) -> Result<Transformed> {
    let step = context.ledger.start_step(run, "transform", now()).await?;
    progress.step("transform", "bringing marts up to date");
    let transformed = transform::transform(context, run, force, |name| progress.at(name)).await?;
    let figures = StepFigures {
        rows: transformed.built.iter().map(|built| built.rows).sum(),
        files: transformed.built.len() as u64,
        detail: json!(transformed.built.iter().map(|built| json!({"table": built.table, "rows": built.rows, "months": built.months})).collect::<Vec<_>>()),
        ..StepFigures::default()
    };
    context.ledger.end_step(step, &figures, now()).await?;
    Ok(transformed)
}

async fn record_snapshot(context: &Context, run: Uuid, transformed: &Transformed) -> Result<()> {
    let latest = context.ledger.latest_snapshot().await?;
    if latest.is_none_or(|latest| latest.tables != transformed.versions) {
        context.ledger.record_snapshot(Some(run), &transformed.versions, now()).await?;
    }
    Ok(())
}

async fn mirror_all(context: &Context, run: Uuid, transformed: &Transformed, force: bool, progress: &Progress) -> Result<Vec<String>> {
    let step = context.ledger.start_step(run, "mirror", now()).await?;
    progress.step("mirror", "writing bi/");
    let mirrored = mirror::mirror(context, run, &transformed.versions, &transformed.tables, force).await?;
    context.ledger.end_step(step, &StepFigures { files: mirrored.len() as u64, ..StepFigures::default() }, now()).await?;
    Ok(mirrored)
}

async fn emit_all(
    context: &Context,
    run: Uuid,
    order: &Order<'_>,
    summary: &Summary,
    landed: &BTreeMap<String, Vec<LandingRecord>>,
    transformed: &Transformed,
    progress: &Progress,
) -> Result<Vec<Emitted>> {
    let step = context.ledger.start_step(run, "emit", now()).await?;
    let stopped = stopped_exports(context, summary);
    let tables = Arc::new(transformed.tables.clone());
    let mut all = Vec::new();
    let mut figures = StepFigures::default();
    for report in context.project.reports_of(&order.job.name) {
        for instance in context.project.instances_of(&report.channel) {
            progress.step("emit", &format!("{} of {}", report.name, instance.name));
            let of_instance: Vec<LandingRecord> =
                landed.get(&report.channel).into_iter().flatten().filter(|record| record.instance == instance.name).cloned().collect();
            let stopped: Vec<(String, String)> =
                stopped.iter().filter(|(name, _, _)| *name == instance.name).map(|(_, export, reason)| (export.clone(), reason.clone())).collect();
            let night = Night {
                job: order.job,
                tick: order.tick,
                known_at: order.known_at,
                tables: &tables,
                stopped: &stopped,
                force: order.force,
                restate: order.restate,
            };
            let emitted = match pull_failure(summary, instance) {
                Some(message) => failed(&report.name, &instance.name, message),
                None => match report::emit(context, &night, report, instance, &of_instance).await {
                    Ok(emitted) => emitted,
                    Err(failure) => failed(&report.name, &instance.name, failure.to_string()),
                },
            };
            figures.rows += emitted.sections.iter().map(|section| section.rows).sum::<u64>();
            figures.files += u64::from(matches!(emitted.outcome, report::Outcome::Written { .. }));
            record_delivery(context, run, order, &emitted).await?;
            all.push(emitted);
        }
    }
    context.ledger.end_step(step, &figures, now()).await?;
    Ok(all)
}

fn failed(report: &str, instance: &str, message: String) -> Emitted {
    Emitted { report: report.to_owned(), instance: instance.to_owned(), outcome: report::Outcome::Failed(message), run_key: None, sections: Vec::new() }
}

fn pull_failure(summary: &Summary, instance: &Instance) -> Option<String> {
    summary.pulled.iter().find(|(pulled, _)| pulled == instance).and_then(|(_, pulled)| pulled.as_ref().err().cloned())
}

/// Instance, export and reason of every file that was stopped or could not be fetched.
fn stopped_exports(context: &Context, summary: &Summary) -> BTreeSet<(String, String, String)> {
    let mut stopped = BTreeSet::new();
    for outcome in &summary.published {
        for unit in outcome.stopped() {
            stopped.insert((unit.instance.clone(), outcome.export.clone(), format!("{}: {}", unit.source_path, unit.stopped.as_deref().unwrap_or_default())));
        }
    }
    for (instance, pulled) in &summary.pulled {
        let Some(channel) = context.project.channels.get(&instance.channel) else { continue };
        for failed in pulled.iter().flat_map(|pulled| &pulled.failed) {
            for export in channel.recognise(&failed.path) {
                stopped.insert((instance.name.clone(), export.name.clone(), format!("{}: {}", failed.path, failed.reason)));
            }
        }
    }
    stopped
}

async fn record_delivery(context: &Context, run: Uuid, order: &Order<'_>, emitted: &Emitted) -> Result<()> {
    let (state, path, bytes, revision, note) = match &emitted.outcome {
        report::Outcome::Written { path, revision, bytes } => (DeliveryState::Delivered, Some(path.clone()), Some(*bytes), u64::from(*revision), None),
        report::Outcome::Stands { path, .. } => (DeliveryState::Unchanged, Some(path.clone()), None, 1, None),
        report::Outcome::NotMade(reason) => (DeliveryState::NotMade, None, None, 1, Some(reason.clone())),
        report::Outcome::Missing(exports) => (DeliveryState::Skipped, None, None, 1, Some(format!("missing exports: {}", exports.join(", ")))),
        report::Outcome::Failed(message) => (DeliveryState::Skipped, None, None, 1, Some(message.clone())),
        report::Outcome::Conflict(message) => (DeliveryState::Conflict, None, None, 1, Some(message.clone())),
    };
    let delivery = Delivery {
        run,
        report: emitted.report.clone(),
        instance: emitted.instance.clone(),
        tick: order.tick.at,
        state,
        path,
        sha256: None,
        bytes,
        run_key: emitted.run_key.clone(),
        known_at: order.known_at,
        revision,
        delivered_at: now(),
        note,
    };
    context.ledger.record_delivery(&delivery).await?;
    Ok(())
}
