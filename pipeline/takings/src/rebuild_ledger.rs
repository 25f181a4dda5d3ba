//! A lost ledger made again: landed files from the landing zone, the lake from those, deliveries from the manifests beside the reports.
//!
//! Nothing is delivered again. What no manifest tells (ticks without a report, failed runs) is gone; the scheduler answers for a job from
//! the newest tick on that was delivered.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use takings_definitions::Interval;
use takings_reports::{Layout, Manifest};
use takings_runs::{Delivery, DeliveryState, LandingFile, Restored, RunState};

use crate::context::{Context, now};
use crate::failure::{Failure, Result};
use crate::held::{Held, chore, leased};
use crate::job::{bring_up_to_date, publish_all};
use crate::output::Progress;
use crate::pull::{landed, landing_file, not_ignored};

const NAME: &str = "rebuild ledger";

/// What stands in the ledger again.
#[derive(Debug, serde::Serialize)]
pub struct Rebuilt {
    pub files: usize,
    pub ticks: usize,
    pub reports: usize,
}

pub async fn rebuild(context: &Context, progress: &Progress) -> Result<Rebuilt> {
    if context.ledger.has_runs_beside(NAME).await? {
        return Err(Failure::usage(format!("{} is not lost: it knows of runs; move it away first, if it is to be made again", context.ledger.name())));
    }
    let work = async |held: &Held| {
        let run = held.run();
        let landed = landed(context, &[]).await?;
        let files: Vec<LandingFile> = landed.values().flatten().map(landing_file).collect();
        context.ledger.record_landing(Some(run), &files).await?;
        publish_all(context, run, &not_ignored(context, landed), false, None, progress).await?;
        bring_up_to_date(context, run, |_| false, progress).await?;
        let ticks = delivered(context).await?;
        let reports = ticks.iter().map(|tick| tick.deliveries.len()).sum();
        let mut newest: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
        for tick in &ticks {
            context.ledger.restore_delivered(tick, &held.lease.run, now()).await?;
            let last = newest.entry(&tick.job).or_insert(tick.tick);
            *last = tick.tick.max(*last);
        }
        for (job, tick) in newest {
            context.ledger.job_start(job, tick, now()).await?;
        }
        Ok(Rebuilt { files: files.len(), ticks: ticks.len(), reports })
    };
    leased(context, &chore(NAME.to_owned()), None, work, |_| (RunState::Nothing, None)).await
}

/// The ticks whose reports stand in the store, by job and time.
async fn delivered(context: &Context) -> Result<Vec<Restored>> {
    let mut ticks: BTreeMap<(String, DateTime<Utc>), Restored> = BTreeMap::new();
    for report in &context.project.reports {
        let instances: Vec<_> = context.project.instances_of(&report.channel).collect();
        for instance in &instances {
            let folder = Layout::new(report, &instance.name, instances.len() > 1, DateTime::UNIX_EPOCH.date_naive()).folder().to_owned();
            for object in context.store.list(&folder).await? {
                let path = object.location.to_string();
                if !path.ends_with(".manifest.json") {
                    continue;
                }
                let manifest = Manifest::parse(&path, &String::from_utf8_lossy(&context.store.get(&path).await?))?;
                let file = format!("{folder}{}", manifest.file);
                if manifest.report != report.name || manifest.instance != instance.name || !context.store.exists(&file).await? {
                    continue;
                }
                let time = |text: &str| {
                    let parsed = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
                    parsed.map_err(|error| Failure::run(format!("{path}: \"{text}\" is no time: {error}")))
                };
                let (tick, known_at) = (time(&manifest.tick)?, time(&manifest.known_at)?);
                let interval = Interval { start: time(&manifest.interval.start)?, end: time(&manifest.interval.end)? };
                let date = context.project.job(&manifest.job)?.recorded_tick(tick).date;
                let layout = Layout::new(report, &instance.name, instances.len() > 1, date);
                let Some(revision) = layout.revision_of_manifest(&path) else { continue };
                let delivery = Delivery {
                    run: uuid::Uuid::nil(),
                    report: report.name.clone(),
                    instance: instance.name.clone(),
                    tick,
                    state: DeliveryState::Delivered,
                    path: Some(file),
                    sha256: Some(manifest.sha256),
                    bytes: Some(manifest.bytes),
                    run_key: Some(manifest.run_key),
                    known_at,
                    revision: u64::from(revision),
                    delivered_at: now(),
                    note: None,
                };
                let restored = ticks.entry((manifest.job.clone(), tick)).or_insert_with(|| Restored {
                    job: manifest.job,
                    tick,
                    interval,
                    known_at,
                    deliveries: Vec::new(),
                });
                restored.known_at = restored.known_at.max(known_at);
                // Of several revisions the newest is what stands.
                match restored.deliveries.iter_mut().find(|known| known.report == delivery.report && known.instance == delivery.instance) {
                    Some(known) if known.revision < delivery.revision => *known = delivery,
                    Some(_) => {}
                    None => restored.deliveries.push(delivery),
                }
            }
        }
    }
    Ok(ticks.into_values().collect())
}
