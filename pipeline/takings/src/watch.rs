//! Watch: says which expected exports did not come, by listing the sources alone.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use takings_definitions::{Job, Tick};
use takings_runs::StepFigures;
use takings_scheduler::Look;
use takings_sources::Landing;
use uuid::Uuid;

use crate::context::Context;
use crate::failure::Result;
use crate::step;

/// Channel → instance → export → when its newest file was changed.
type Newest = BTreeMap<(String, String, String), DateTime<Utc>>;

/// The exports that every report needs must be there; those that the job expects must have changed since the covered interval began.
pub async fn watch(context: &Context, run: Uuid, job: &Job, tick: Tick) -> Result<Vec<String>> {
    step::recorded(context, run, "watch", async {
        let since = job.interval(tick).start;
        let newest = newest(context).await?;
        let mut missing = Vec::new();
        for instance in &context.project.settings.instances {
            let Some(channel) = context.project.channels.get(&instance.channel) else { continue };
            let needed: BTreeSet<&str> =
                context.project.reports.iter().filter(|report| report.channel == channel.name).flat_map(|report| &report.exports).map(String::as_str).collect();
            for export in &channel.exports {
                let place = || format!("{}.{}: export {}", channel.name, instance.name, export.name);
                let expected = job.expects.contains(&export.name);
                match newest.get(&(channel.name.clone(), instance.name.clone(), export.landed_as().to_owned())) {
                    None if expected || needed.contains(export.name.as_str()) => missing.push(format!("{} has no file", place())),
                    Some(changed) if expected && *changed < since => missing.push(format!(
                        "{} did not come: its newest file is of {}, and one was expected since {}",
                        place(),
                        changed.format("%Y-%m-%dT%H:%M:%SZ"),
                        since.format("%Y-%m-%dT%H:%M:%SZ")
                    )),
                    _ => {}
                }
            }
        }
        let figures = StepFigures { files: newest.len() as u64, detail: serde_json::json!(missing), ..StepFigures::default() };
        Ok((missing, figures))
    })
    .await
}

async fn newest(context: &Context) -> Result<Newest> {
    let mut newest = Newest::new();
    for instance in &context.project.settings.instances {
        let Some(channel) = context.project.channels.get(&instance.channel) else { continue };
        for seen in Landing::look(Some(&context.landing), instance, channel, context.root()).await? {
            let (Some(export), Some(modified)) = (seen.export, seen.modified) else { continue };
            let known = newest.entry((channel.name.clone(), instance.name.clone(), export)).or_insert(modified);
            *known = modified.max(*known);
        }
    }
    Ok(newest)
}

/// What a job must know before it starts: how many files its exports have, and when each changed last.
pub async fn look(context: &Context, job: &Job) -> Look {
    match look_inside(context, job).await {
        Ok(look) => look,
        Err(failure) => Look { failed: Some(failure.to_string()), ..Look::default() },
    }
}

async fn look_inside(context: &Context, job: &Job) -> Result<Look> {
    let newest = newest(context).await?;
    let reports: Vec<_> = context.project.reports_of(&job.name).collect();
    // A job without reports of its own keeps the lake up to date: any file counts.
    let counts = |channel: &str, export: &str| {
        reports.is_empty() || reports.iter().any(|report| report.channel == channel && report.exports.iter().any(|name| name == export))
    };
    let mut look = Look { files: newest.keys().filter(|(channel, _, export)| counts(channel, export)).count() as u64, ..Look::default() };
    for instance in &context.project.settings.instances {
        let Some(channel) = context.project.channels.get(&instance.channel) else { continue };
        look.files +=
            context.ledger.landing_files(&channel.name, &instance.name).await?.iter().filter(|file| counts(&channel.name, &file.export)).count() as u64;
        for export in &channel.exports {
            let changed = newest.get(&(channel.name.clone(), instance.name.clone(), export.landed_as().to_owned())).copied();
            // Over instances: none where one has none, otherwise the oldest.
            look.changed.entry(export.name.clone()).and_modify(|known| *known = (*known).min(changed)).or_insert(changed);
        }
    }
    Ok(look)
}
