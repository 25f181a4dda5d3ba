//! Emit: the job's reports, as many at a time as the engine has threads, and what the ledger keeps about each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use takings_definitions::{Instance, Report};
use takings_runs::{Delivery, DeliveryState, StepFigures};
use takings_sources::LandingRecord;
use uuid::Uuid;

use crate::context::{Context, now};
use crate::failure::{Failure, Result};
use crate::held::Held;
use crate::inputs::{Inputs, Stopped};
use crate::job::{Order, Summary};
use crate::output::Progress;
use crate::parallel::spread;
use crate::report::{self, Emitted, Night, SmallViews};
use crate::step;
use crate::transform::Transformed;

/// Makes and delivers every report of the job, or those that are selected, for every instance.
#[expect(clippy::too_many_arguments, reason = "the parts of one run")]
pub async fn emit_all(
    context: &Context,
    held: &Held,
    order: &Order<'_>,
    select: Option<&BTreeSet<String>>,
    summary: &Summary,
    landed: &BTreeMap<String, Vec<LandingRecord>>,
    transformed: &Transformed,
    progress: &Progress,
) -> Result<Vec<Emitted>> {
    let run = held.run();
    step::recorded(context, run, "emit", async {
        let stopped = stopped_exports(context, summary);
        let tables = Arc::new(transformed.tables.clone());
        let reports = context.project.reports_of(&order.job.name).filter(|report| select.is_none_or(|select| select.contains(&report.name)));
        let wanted: Vec<_> = reports.flat_map(|report| context.project.instances_of(&report.channel).map(move |instance| (report, instance))).collect();
        // Where there are reports for all threads, none deals its rows between threads.
        let threads = if wanted.len() >= 2 * context.threads { 1 } else { context.threads };
        let night = Night {
            job: order.job,
            tick: order.tick,
            known_at: order.known_at,
            tables: &tables,
            engine: context.engine.with_threads(threads),
            stopped: &stopped,
            small: SmallViews::default(),
            force: order.force,
            restate: order.restate,
        };
        // `None`: the memory was short, and others were at work.
        let one = async |(report, instance): (&Report, &Instance), alone: bool| {
            // A run that was taken over meanwhile delivers nothing more.
            context.ledger.heartbeat(&held.lease, now()).await?;
            order.stop.check(&format!("report {}", report.name))?;
            progress.step("emit", &format!("{} of {}", report.name, instance.name));
            let inputs = Inputs::new(context, report, instance, landed)?;
            let emitted = match pull_failure(summary, &inputs) {
                Some(message) => failed(&report.name, &instance.name, message),
                None => match report::emit(context, &night, report, instance, &inputs).await {
                    Ok(emitted) => emitted,
                    Err(failure) if failure.is_memory() && !alone => return Ok(None),
                    Err(failure) => failed(&report.name, &instance.name, failure.to_string()),
                },
            };
            record_delivery(context, run, order, &emitted).await?;
            Ok::<_, Failure>(Some(emitted))
        };
        let alone = context.threads == 1 || wanted.len() == 1;
        let mut all = Vec::new();
        for (made, what) in spread(context.threads, wanted.clone(), |what| one(what, alone))?.into_iter().zip(wanted) {
            all.extend(match made {
                Some(emitted) => Some(emitted),
                None => {
                    night.small.forget();
                    one(what, true).await?
                }
            });
        }
        let figures = StepFigures {
            rows: all.iter().flat_map(|emitted| &emitted.sections).map(|section| section.rows).sum(),
            files: all.iter().filter(|emitted| matches!(emitted.outcome, report::Outcome::Written { .. })).count() as u64,
            ..StepFigures::default()
        };
        Ok((all, figures))
    })
    .await
}

fn failed(report: &str, instance: &str, message: String) -> Emitted {
    Emitted { report: report.to_owned(), instance: instance.to_owned(), outcome: report::Outcome::Failed(message), run_key: None, sections: Vec::new() }
}

fn pull_failure(summary: &Summary, inputs: &Inputs<'_>) -> Option<String> {
    summary.pulled.iter().find(|(pulled, outcome)| outcome.is_err() && inputs.reads(pulled)).and_then(|(_, pulled)| pulled.as_ref().err().cloned())
}

/// Every file that was stopped or could not be fetched.
fn stopped_exports(context: &Context, summary: &Summary) -> BTreeSet<Stopped> {
    let mut stopped = BTreeSet::new();
    for outcome in &summary.published {
        for unit in outcome.stopped() {
            stopped.insert(Stopped {
                channel: outcome.channel.clone(),
                instance: unit.instance.clone(),
                export: outcome.export.clone(),
                reason: format!("{}: {}", unit.source_path, unit.stopped.as_deref().unwrap_or_default()),
            });
        }
    }
    for (instance, pulled) in &summary.pulled {
        let Some(channel) = context.project.channels.get(&instance.channel) else { continue };
        for failed in pulled.iter().flat_map(|pulled| &pulled.failed) {
            for export in channel.recognise(&failed.path) {
                stopped.insert(Stopped {
                    channel: channel.name.clone(),
                    instance: instance.name.clone(),
                    export: export.name.clone(),
                    reason: format!("{}: {}", failed.path, failed.reason),
                });
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
