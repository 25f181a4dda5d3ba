//! Emit: one report for one instance and tick, from the recorded snapshot to the delivered files.
//!
//! All files are written under the store's staging folder, once; what is delivered is moved from there whole, the manifest last.

mod parts;
mod shared;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use arrow::datatypes::Schema;
use bytes::Bytes;
use chrono::{DateTime, Days, Utc};
use takings_definitions::{Instance, Interval, Job, Report, Section, Tick};
use takings_engine::{DataFrame, Engine, Parameters, Session, Tables};
use takings_reports::{Decision, Delivered, Input, Layout, Manifest, ReportRun, ReportWriter, Withheld, Written, WrittenSection};
use takings_sources::LandingRecord;
use takings_storage::StagedFile;

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::inputs::{Inputs, Stopped};
use crate::run_key::ReportKey;
use crate::transform::shares;

use parts::Parts;
use shared::Shared;
pub use shared::SmallViews;

/// Bytes of text that wait before they go to the store.
const PIECE: usize = 1 << 20;

/// What every report of a run shares.
pub struct Night<'a> {
    pub job: &'a Job,
    pub tick: Tick,
    pub known_at: DateTime<Utc>,
    pub tables: &'a Tables,
    /// Its threads are those of each report.
    pub engine: Engine,
    pub stopped: &'a BTreeSet<Stopped>,
    /// Made once for all reports.
    pub small: SmallViews,
    pub force: bool,
    pub restate: bool,
}

/// What became of a report.
#[derive(Debug)]
pub struct Emitted {
    pub report: String,
    pub instance: String,
    pub outcome: Outcome,
    pub run_key: Option<String>,
    pub sections: Vec<EmittedSection>,
}

#[derive(Debug)]
pub struct EmittedSection {
    pub title: String,
    pub rows: u64,
    pub totals: Vec<takings_reports::Total>,
}

#[derive(Debug)]
pub enum Outcome {
    Written {
        path: String,
        revision: u32,
        bytes: u64,
    },
    /// The same bytes, or the same run key, were delivered before.
    Stands {
        path: String,
        same_key: bool,
    },
    /// No data, or not due.
    NotMade(String),
    /// An export that it needs is missing.
    Missing(Vec<String>),
    /// It depends on something that failed.
    Failed(String),
    /// Other bytes for a delivered tick.
    Conflict(String),
}

/// Makes and delivers one report.
pub async fn emit(context: &Context, night: &Night<'_>, report: &Report, instance: &Instance, inputs: &Inputs<'_>) -> Result<Emitted> {
    let mut emitted =
        Emitted { report: report.name.clone(), instance: instance.name.clone(), outcome: Outcome::NotMade(String::new()), run_key: None, sections: Vec::new() };
    if report.sharing_only && !instance.enhanced_data_sharing {
        emitted.outcome = Outcome::NotMade("made only where the instance has enhanced_data_sharing".to_owned());
        return Ok(emitted);
    }
    if let Some(stopped) = night.stopped.iter().find(|stopped| inputs.has(&stopped.channel, &stopped.instance, &stopped.export)) {
        emitted.outcome = Outcome::Failed(format!("a file of export {} was stopped: {}", stopped.export, stopped.reason));
        return Ok(emitted);
    }
    let missing = inputs.missing(&report.exports);
    if !missing.is_empty() {
        emitted.outcome = Outcome::Missing(missing);
        return Ok(emitted);
    }
    let key =
        ReportKey { project: &context.project, graph: &context.graph, job: night.job, report, instance, tick: night.tick, known_at: night.known_at, inputs }
            .hash()?;
    emitted.run_key = Some(key.clone());
    let several = context.project.instances_of(&report.channel).count() > 1;
    let layout = Layout::new(report, &instance.name, several, night.tick.date);
    let delivered = delivered(context, &layout).await?;
    if !night.force
        && let Some(done) = delivered.before(&layout, &key, night.restate)
        && let Decision::Nothing { file } = done.decision
    {
        emitted.outcome = Outcome::Stands { path: format!("{}{file}", layout.folder()), same_key: true };
        return Ok(emitted);
    }
    let run = ReportRun {
        instance,
        job: &night.job.name,
        tick: night.tick,
        interval: night.job.interval(night.tick),
        known_at: night.known_at,
        run_key: &key,
        inputs: inputs.records.iter().map(|record| input(record, instance)).collect(),
        withheld: withheld(context, inputs).await?,
        warnings: Vec::new(),
    };
    let made = match make(context, night, report, instance, false).await {
        Err(failure) if failure.is_memory() => {
            tracing::warn!("{failure}; trying again with joins that spill");
            night.small.forget();
            // The joins that spill don't know all types of keys: what matters then is that memory was short.
            make(context, night, report, instance, true).await.map_err(|_| failure)
        }
        outcome => outcome,
    }?;
    let Some((written, files)) = made else {
        forget_undelivered(context, report, &layout).await?;
        emitted.outcome = Outcome::NotMade("nothing is due at this tick".to_owned());
        return Ok(emitted);
    };
    emitted.sections =
        written.sections.iter().map(|section| EmittedSection { title: section.title.clone(), rows: section.rows, totals: section.totals.clone() }).collect();
    let delivery = delivered.decide(&layout, &run, &written, night.restate);
    match delivery.decision.revision() {
        Some(revision) => deliver(context, report, &run, &written, files, &layout, revision).await?,
        None => files.discard().await?,
    }
    if let Some(latest) = &delivery.latest {
        context.store.replace(&layout.latest_path(), latest.clone()).await?;
    }
    emitted.outcome = match delivery.decision {
        Decision::Write => Outcome::Written { path: layout.report_path(1), revision: 1, bytes: written.file.bytes },
        Decision::Restate { revision, .. } => Outcome::Written { path: layout.report_path(revision), revision, bytes: written.file.bytes },
        Decision::Nothing { file } => Outcome::Stands { path: format!("{}{file}", layout.folder()), same_key: true },
        Decision::Unchanged { file } => Outcome::Stands { path: format!("{}{file}", layout.folder()), same_key: false },
        Decision::NoData => {
            forget_undelivered(context, report, &layout).await?;
            Outcome::NotMade("no data".to_owned())
        }
        Decision::Refuse { message } => Outcome::Conflict(message),
    };
    Ok(emitted)
}

/// As a manifest names it; a file of another channel with its instance.
fn input(record: &LandingRecord, instance: &Instance) -> Input {
    let export = match record.channel == instance.channel {
        true => record.export.clone(),
        false => format!("{}.{}.{}", record.channel, record.instance, record.export),
    };
    Input { export, path: record.source_path.clone(), sha256: record.sha256.clone() }
}

/// What stands already for this report, instance and tick.
pub async fn delivered(context: &Context, layout: &Layout) -> Result<Delivered> {
    let mut manifests = Vec::new();
    for object in context.store.list_beginning(layout.folder(), &layout.beginning()).await? {
        let path = object.location.to_string();
        if let Some(revision) = layout.revision_of_manifest(&path)
            && context.store.exists(&layout.report_path(revision)).await?
        {
            manifests.push((path.clone(), text(context, &path).await?));
        }
    }
    let latest = match context.store.exists(&layout.latest_path()).await? {
        true => Some(text(context, &layout.latest_path()).await?),
        false => None,
    };
    Ok(Delivered::read(layout, manifests.iter().map(|(path, text)| (path.as_str(), text.as_str())), latest.as_deref())?)
}

async fn text(context: &Context, path: &str) -> Result<String> {
    Ok(String::from_utf8_lossy(&context.store.get(path).await?).into_owned())
}

async fn withheld(context: &Context, inputs: &Inputs<'_>) -> Result<Vec<Withheld>> {
    let mut all = Vec::new();
    for (channel, export) in &inputs.exports {
        for unit in context.ledger.withheld_units(&export.table).await? {
            if unit.export == export.name && inputs.has(&channel.name, &unit.instance, &export.name) {
                all.push(Withheld { export: export.name.clone(), path: unit.source_path, rows: unit.quarantined, amounts: Vec::new() });
            }
        }
    }
    Ok(all)
}

/// The files of a report on their way into the store.
struct Files {
    report: StagedFile,
    /// One per section; none where the report is its only data set.
    data_sets: Vec<StagedFile>,
}

impl Files {
    async fn discard(self) -> Result<()> {
        for file in self.data_sets.into_iter().chain([self.report]) {
            file.discard().await?;
        }
        Ok(())
    }
}

/// The named parameters of a report's SQL.
pub fn parameters(context: &Context, instance: &Instance, tick: Tick, interval: Interval, known_at: DateTime<Utc>) -> Parameters {
    Parameters::constants(&context.project.settings.parameters)
        .timestamp("tick", tick.at)
        .timestamp("interval_start", interval.start)
        .timestamp("interval_end", interval.end)
        .timestamp("known_at", known_at)
        .text("instance", &instance.name)
        .text("seller_account", &instance.seller_account)
}

/// What a section covers: the job's interval, or the day that lies `days_before` the tick.
pub fn covered(job: &Job, tick: Tick, section: &Section) -> Interval {
    match section.days_before {
        None => job.interval(tick),
        Some(days) => job.day(tick.date - Days::new(u64::from(days))),
    }
}

/// A session for one section.
pub fn section_session<'a>(context: &'a Context, night: &Night<'_>, instance: &Instance, section: &Section, merge_joins: bool) -> Session<'a> {
    let parameters = parameters(context, instance, night.tick, covered(night.job, night.tick, section), night.known_at);
    let session = night.engine.session(&context.project, &context.graph, night.tables.clone(), parameters);
    if merge_joins { session.with_merge_joins() } else { session }
}

/// The section's SELECT, in the declared order.
pub async fn section_rows(context: &Context, session: &mut Session<'_>, report: &Report, section: &Section) -> Result<DataFrame> {
    let (name, frame) = planned(context, session, report, section).await?;
    Ok(takings_engine::sorted(&name, frame, &section.sort)?)
}

async fn planned(context: &Context, session: &mut Session<'_>, report: &Report, section: &Section) -> Result<(String, DataFrame)> {
    let name = format!("{}/{}", report.name, section.name);
    let Some(parsed) = context.graph.section(&context.project, report, section)? else {
        return Err(Failure::usage(format!("{}: section `{}` has no SQL", report.path.display(), section.name)));
    };
    Ok((name, session.plan(parsed).await?))
}

/// The same rows, in parts that follow one another: a section that is sorted by month first is made month by month, where that is possible
/// and worth it.
async fn section_parts(context: &Context, session: &mut Session<'_>, report: &Report, section: &Section) -> Result<Vec<DataFrame>> {
    let (name, frame) = planned(context, session, report, section).await?;
    let by_month = section.sort.first().is_some_and(|first| first.column == "period_month" && !first.descending);
    let shares = if by_month { shares(&name, &frame, None)? } else { None };
    let Some(shares) = shares else { return Ok(vec![takings_engine::sorted(&name, frame, &section.sort)?]) };
    // Rows of months that no file has would stand between the parts.
    let others = takings_engine::other_months(&name, frame.clone(), &shares.iter().flatten().copied().collect())?;
    if session.collect(&name, others).await?.iter().any(|batch| batch.num_rows() > 0) {
        return Ok(vec![takings_engine::sorted(&name, frame, &section.sort)?]);
    }
    let part = |months: BTreeSet<_>| {
        // Within a month, the month decides nothing.
        let sort = &section.sort[usize::from(months.len() == 1)..];
        takings_engine::sorted(&name, takings_engine::only_months(&name, frame.clone(), &months)?, sort)
    };
    Ok(shares.into_iter().map(part).collect::<takings_engine::Result<_>>()?)
}

/// Runs all sections; none when the report is not due.
async fn make(context: &Context, night: &Night<'_>, report: &Report, instance: &Instance, merge_joins: bool) -> Result<Option<(Written, Files)>> {
    if let (Some(sql), Some(first)) = (&report.made_when, report.sections.first()) {
        let mut session = section_session(context, night, instance, first, merge_joins);
        let frame = session.plan_text(&report.path, sql).await?;
        let batches = session.collect(&format!("made_when of {}", report.name), frame).await?;
        if batches.iter().all(|batch| batch.num_rows() == 0) {
            return Ok(None);
        }
    }
    let mut files = Files { report: context.store.stage().await?, data_sets: Vec::new() };
    match fill(context, night, report, instance, merge_joins, &mut files).await {
        Ok(written) => Ok(Some((written, files))),
        Err(failure) => {
            files.discard().await?;
            Err(failure)
        }
    }
}

async fn fill(context: &Context, night: &Night<'_>, report: &Report, instance: &Instance, merge_joins: bool, files: &mut Files) -> Result<Written> {
    let mut writer = ReportWriter::new(report, instance.enhanced_data_sharing, Vec::new());
    let own_text = !writer.is_one_data_set();
    let mut shared = Shared::new(context, night, report, instance)?;
    for section in &report.sections {
        let what = format!("{}/{}", report.name, section.name);
        tracing::debug!(section = what, "making");
        let mut session = section_session(context, night, instance, section, merge_joins);
        // The second try is for want of memory: then each section streams what it reads.
        if !merge_joins {
            shared.share(&mut session, section, covered(night.job, night.tick, section)).await?;
        }
        let parts = section_parts(context, &mut session, report, section).await?;
        let schema = parts.first().map_or_else(|| Arc::new(Schema::empty()), |part| Arc::new(part.schema().as_arrow().clone()));
        if own_text {
            files.data_sets.push(context.store.stage().await?);
        }
        let text = DataSetText(own_text.then(Vec::new));
        let mut sink = writer.section(&section.name, covered(night.job, night.tick, section), schema, text)?;
        let mut parts = Parts::new(&what, parts);
        while let Some(mut part) = parts.next(&session).await? {
            while let Some(batch) = part.next().await? {
                sink.write(&batch)?;
                if sink.sinks().0.len() >= PIECE {
                    carry_on(sink.sinks(), files).await?;
                }
            }
        }
        carry_on(sink.sinks(), files).await?;
        sink.finish()?;
    }
    Ok(writer.finish()?)
}

/// What gathers for a data set; none where it is the same as for the report file.
struct DataSetText(Option<Vec<u8>>);

impl io::Write for DataSetText {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(text) = &mut self.0 {
            text.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Brings what has gathered into the report file and the data set begun last.
async fn carry_on((text, of_data_set): (&mut Vec<u8>, &mut DataSetText), files: &mut Files) -> Result<()> {
    if let (Some(data_set), Some(text)) = (files.data_sets.last_mut(), &mut of_data_set.0) {
        data_set.write_through(gathered(text)).await?;
    }
    Ok(files.report.write_through(gathered(text)).await?)
}

/// Takes the text; what comes next has room at once.
fn gathered(text: &mut Vec<u8>) -> Bytes {
    let room = if text.len() < PIECE { 0 } else { text.capacity() };
    Bytes::from(std::mem::replace(text, Vec::with_capacity(room)))
}

/// Puts all files in place: data sets, the report, and the manifest last.
async fn deliver(context: &Context, report: &Report, run: &ReportRun<'_>, written: &Written, files: Files, layout: &Layout, revision: u32) -> Result<()> {
    let path = layout.report_path(revision);
    let place = |section: &WrittenSection| layout.data_set_path(&section.data_set, revision);
    let describe = async |section: &WrittenSection| {
        let meta = takings_reports::meta_json(run, section, layout, revision);
        context.store.replace(&layout.meta_path(&section.data_set, revision), meta).await
    };
    match written.sections.as_slice() {
        // Written once: the report is its own data set.
        [section] if files.data_sets.is_empty() && section.file.is_some() => {
            files.report.commit(&place(section)).await?;
            describe(section).await?;
            context.store.copy(&place(section), &path).await?;
        }
        sections => {
            let mut data_sets = files.data_sets.into_iter();
            for section in sections {
                match data_sets.next() {
                    Some(data_set) if section.file.is_some() => {
                        data_set.commit(&place(section)).await?;
                        describe(section).await?;
                    }
                    empty => {
                        if let Some(empty) = empty {
                            empty.discard().await?;
                        }
                        forget_data_set(context, layout, &section.data_set, revision).await?;
                    }
                }
            }
            files.report.commit(&path).await?;
        }
    }
    let manifest = Manifest::new(report, run, written, layout, revision);
    context.store.replace(&layout.manifest_path(revision), manifest.to_json()).await?;
    Ok(())
}

/// Removes what a killed run has put in place of a report that is not made any more, because its inputs have changed since.
async fn forget_undelivered(context: &Context, report: &Report, layout: &Layout) -> Result<()> {
    if context.store.exists(&layout.manifest_path(1)).await? {
        return Ok(());
    }
    for section in &report.sections {
        forget_data_set(context, layout, &section.data_set, 1).await?;
    }
    Ok(context.store.delete(&layout.report_path(1)).await?)
}

async fn forget_data_set(context: &Context, layout: &Layout, data_set: &str, revision: u32) -> Result<()> {
    context.store.delete(&layout.meta_path(data_set, revision)).await?;
    Ok(context.store.delete(&layout.data_set_path(data_set, revision)).await?)
}
