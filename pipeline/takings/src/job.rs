//! One run of a job: pull, land, decode, publish, transform, snapshot, mirror, emit. The order is the flow's, but that files are decoded while
//! others land; each step is recorded in the ledger.
//!
//! Nothing that readers see changes before the snapshot is recorded, and no report is made from anything but that snapshot.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::json;
use takings_definitions::{Job, JobStep, Layer, Tick};
use takings_runs::{Claim, NewRun, RunState, StaleReport, StepFigures};
use takings_sources::LandingRecord;
use uuid::Uuid;

use crate::compact::{self, CompactedTable};
use crate::context::{Context, now};
use crate::failure::{Failure, Result};
use crate::held::{Held, leased};
use crate::output::Progress;
use crate::publish::Ahead;
use crate::pull::PulledAll;
use crate::report::{self, Emitted};
use crate::stop::Stop;
use crate::transform::{Built, Transformed};
use crate::{emit, mirror, publish, pull, stale, step, transform, vacuum, watch};

/// What is to be run.
pub struct Order<'a> {
    pub job: &'a Job,
    pub tick: Tick,
    pub known_at: DateTime<Utc>,
    pub force: bool,
    pub restate: bool,
    pub claim: Claim,
    /// What the run has to do without.
    pub warning: Option<String>,
    pub stop: Stop,
}

/// What a run did.
pub struct Summary {
    pub run: Uuid,
    pub pulled: PulledAll,
    pub published: Vec<publish::Outcome>,
    pub built: Vec<Built>,
    pub mirrored: Vec<String>,
    pub emitted: Vec<Emitted>,
    /// Delivered reports that rows belong to which became known later.
    pub stale: Vec<StaleReport>,
    /// Expected exports that did not come.
    pub watched: Vec<String>,
    /// Tables whose small files became few.
    pub compacted: Vec<CompactedTable>,
    /// Lake files that were deleted.
    pub vacuumed: Vec<String>,
}

impl Summary {
    fn new(run: Uuid) -> Self {
        Self {
            run,
            pulled: Vec::new(),
            published: Vec::new(),
            built: Vec::new(),
            mirrored: Vec::new(),
            emitted: Vec::new(),
            stale: Vec::new(),
            watched: Vec::new(),
            compacted: Vec::new(),
            vacuumed: Vec::new(),
        }
    }

    /// What makes the run a failed one, one line each.
    pub fn failures(&self) -> Vec<String> {
        let mut failures = self.watched.clone();
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
                format!(
                    "{} was stopped: {}; see `takings quarantine show {}`; a file that is no export is left out by `ignore` of [instances.{}.{}]",
                    unit.source_path,
                    unit.stopped.as_deref().unwrap_or_default(),
                    unit.unit,
                    outcome.channel,
                    unit.instance
                )
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
    leased(context, &new_run(order), order.job.timeout, async |held| steps(context, order, None, held, progress).await, end_of).await
}

/// The same flow with some of the job's reports at its end. The tick stays as it is: its other reports may never have been made.
pub async fn run_selected(context: &Context, order: &Order<'_>, select: &BTreeSet<String>, progress: &Progress) -> Result<Summary> {
    let names: Vec<&str> = select.iter().map(String::as_str).collect();
    let new = NewRun { job: format!("{} ({})", order.job.name, names.join(", ")), claim: Claim::Chore, ..new_run(order) };
    leased(context, &new, order.job.timeout, async |held| steps(context, order, Some(select), held, progress).await, end_of).await
}

fn new_run(order: &Order<'_>) -> NewRun {
    NewRun {
        id: None,
        job: order.job.name.clone(),
        tick: order.tick.at,
        interval: order.job.interval(order.tick),
        known_at: order.known_at,
        claim: order.claim,
        note: order.warning.clone(),
    }
}

/// The state that a run ends in, and why it failed.
fn end_of(summary: &Summary) -> (RunState, Option<String>) {
    let stands = |emitted: &Emitted| matches!(emitted.outcome, report::Outcome::Written { .. } | report::Outcome::Stands { .. });
    match summary.failures() {
        failures if !failures.is_empty() => (RunState::Failed, Some(failures.join("\n"))),
        _ if summary.emitted.iter().any(stands) => (RunState::Delivered, None),
        _ => (RunState::Nothing, None),
    }
}

async fn steps(context: &Context, order: &Order<'_>, select: Option<&BTreeSet<String>>, held: &Held, progress: &Progress) -> Result<Summary> {
    let mut summary = Summary::new(held.run());
    for step in order.job.steps.iter().filter(|step| select.is_none() || **step == JobStep::Reports) {
        order.stop.check(&format!("{step:?}").to_lowercase())?;
        match step {
            JobStep::Reports => make_reports(context, order, select, held, progress, &mut summary).await?,
            JobStep::Watch => summary.watched = watch::watch(context, held.run(), order.job, order.tick).await?,
            JobStep::Compact => summary.compacted = compact::compact(context, held.run()).await?,
            JobStep::Vacuum => summary.vacuumed = vacuum::vacuum(context, held.run()).await?,
        }
    }
    Ok(summary)
}

/// The whole flow, from the sources to the files.
async fn make_reports(
    context: &Context,
    order: &Order<'_>,
    select: Option<&BTreeSet<String>>,
    held: &Held,
    progress: &Progress,
    summary: &mut Summary,
) -> Result<()> {
    let run = held.run();
    let mut ahead = Ahead::start(context);
    let landed = land_and_publish(context, order, run, &mut ahead, progress, summary).await;
    ahead.end().await;
    let landed = landed?;
    order.stop.check("transform")?;
    context.reach("transform")?;
    let transformed = transform_all(context, run, |_| order.force, progress).await?;
    nobody_else_published(&summary.published, &transformed)?;
    context.ledger.heartbeat(&held.lease, now()).await?;
    context.reach("snapshot")?;
    record_snapshot(context, run, &transformed).await?;
    context.ledger.move_run(run, RunState::Published, None, now()).await?;
    order.stop.check("mirror")?;
    context.reach("mirror")?;
    context.ledger.heartbeat(&held.lease, now()).await?;
    summary.mirrored = mirror_all(context, run, &transformed, order.force, progress).await?;
    context.reach("emit")?;
    summary.emitted = emit::emit_all(context, held, order, select, summary, &landed, &transformed, progress).await?;
    context.reach("stale")?;
    summary.stale = stale::find(context, run, &transformed, order.force).await?;
    summary.built = transformed.built;
    Ok(())
}

/// From the sources to the raw tables; gives the landed files that are read. Files are decoded while others are still landing.
async fn land_and_publish(
    context: &Context,
    order: &Order<'_>,
    run: Uuid,
    ahead: &mut Ahead<'_>,
    progress: &Progress,
    summary: &mut Summary,
) -> Result<BTreeMap<String, Vec<LandingRecord>>> {
    context.reach("pull")?;
    summary.pulled = pull::pull(context, run, ahead, progress).await?;
    order.stop.check("publish")?;
    let landed = pull::wanted(context, &summary.pulled).await?;
    context.reach("publish")?;
    summary.published = publish_all(context, run, &landed, order.force, Some(ahead), progress).await?;
    Ok(landed)
}

/// The raw tables are as this run has published them. A run that lost its lease, and does not know it yet, may have changed them since.
fn nobody_else_published(published: &[publish::Outcome], transformed: &Transformed) -> Result<()> {
    let mut versions: BTreeMap<&str, i64> = BTreeMap::new();
    for outcome in published {
        if let Some(version) = outcome.version {
            let newest = versions.entry(&outcome.table).or_insert(version);
            *newest = version.max(*newest);
        }
    }
    for (table, version) in versions {
        let found = transformed.versions.get(table).copied();
        if found != Some(version) {
            let found = found.map_or("no version".to_owned(), |found| format!("version {found}"));
            return Err(Failure::run(format!("table {table} is at {found}, and this run published version {version}: somebody else changed it; run again")));
        }
    }
    Ok(())
}

/// Publishes what has landed. `ahead`: who decodes it already, and is waited for.
pub async fn publish_all(
    context: &Context,
    run: Uuid,
    landed: &BTreeMap<String, Vec<LandingRecord>>,
    force: bool,
    mut ahead: Option<&mut Ahead<'_>>,
    progress: &Progress,
) -> Result<Vec<publish::Outcome>> {
    step::recorded(context, run, "publish", async {
        progress.step("publish", "decoding what is new");
        if let Some(ahead) = &mut ahead {
            ahead.wait().await;
        }
        // Side by side; each export then asks for what is known.
        context.lake.states(context.project.tables.values().filter(|table| table.layer == Layer::Raw)).await?;
        let mut outcomes = Vec::new();
        let mut figures = StepFigures::default();
        for channel in context.project.channels.values() {
            let records = landed.get(&channel.name).map_or(&[][..], Vec::as_slice);
            for export in &channel.exports {
                progress.at(&export.table);
                let outcome = publish::publish(context, run, channel, export, records, force, ahead.as_deref()).await?;
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
        Ok((outcomes, figures))
    })
    .await
}

async fn transform_all(context: &Context, run: Uuid, force: impl Fn(&str) -> bool, progress: &Progress) -> Result<Transformed> {
    step::recorded(context, run, "transform", async {
        progress.step("transform", "bringing marts up to date");
        let transformed = transform::transform(context, run, force, |name| progress.at(name)).await?;
        let figures = StepFigures {
            rows: transformed.built.iter().map(|built| built.rows).sum(),
            files: transformed.built.len() as u64,
            detail: json!(transformed.built.iter().map(|built| json!({"table": built.table, "rows": built.rows, "months": built.months})).collect::<Vec<_>>()),
            ..StepFigures::default()
        };
        Ok((transformed, figures))
    })
    .await
}

/// Brings marts, snapshot and mirror up to what is published: the end of every chore that makes no reports.
pub async fn bring_up_to_date(context: &Context, run: Uuid, force: impl Fn(&str) -> bool, progress: &Progress) -> Result<Transformed> {
    let transformed = transform_all(context, run, force, progress).await?;
    record_snapshot(context, run, &transformed).await?;
    context.ledger.move_run(run, RunState::Published, None, now()).await?;
    mirror_all(context, run, &transformed, false, progress).await?;
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
    step::recorded(context, run, "mirror", async {
        progress.step("mirror", "writing bi/");
        let mirrored = mirror::mirror(context, run, &transformed.versions, &transformed.tables, force).await?;
        let figures = StepFigures { files: mirrored.len() as u64, ..StepFigures::default() };
        Ok((mirrored, figures))
    })
    .await
}
