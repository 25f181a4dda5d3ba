//! Pull and land: what is new at the sources is copied into the landing zone and recorded.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::BoxFuture;
use takings_definitions::Instance;
use takings_runs::{LandingFile, StepFigures};
use takings_sources::{Follow, LandingRecord, Pulled};
use uuid::Uuid;

use crate::context::Context;
use crate::failure::Result;
use crate::output::Progress;
use crate::publish::Ahead;
use crate::step;

/// Each instance with what was pulled, or why nothing could be.
pub type PulledAll = Vec<(Instance, std::result::Result<Pulled, String>)>;

/// What has landed is decoded ahead.
pub async fn pull(context: &Context, run: Uuid, ahead: &Ahead<'_>, progress: &Progress) -> Result<PulledAll> {
    step::recorded(context, run, "pull", async {
        let mut all = Vec::new();
        let mut figures = StepFigures::default();
        for instance in &context.project.settings.instances {
            let Some(channel) = context.project.channels.get(&instance.channel) else { continue };
            progress.step("pull", &format!("{}.{} from {}", instance.channel, instance.name, instance.url));
            let pulled = context.landing.pull(instance, channel, context.root(), &Follower { progress, ahead }).await;
            match pulled {
                // A landing zone that can't be written may hold half of what the source delivered: nothing is made from that.
                Err(error) if !error.is_source() => return Err(error.into()),
                Err(error) => all.push((instance.clone(), Err(error.to_string()))),
                Ok(pulled) => {
                    figures.files += pulled.records.len() as u64;
                    figures.bytes += pulled.bytes;
                    context.reach("land")?;
                    let files: Vec<LandingFile> = pulled.records.iter().map(landing_file).collect();
                    context.ledger.record_landing(Some(run), &files).await?;
                    all.push((instance.clone(), Ok(pulled)));
                }
            }
        }
        Ok((all, figures))
    })
    .await
}

struct Follower<'a> {
    progress: &'a Progress,
    ahead: &'a Ahead<'a>,
}

impl Follow for Follower<'_> {
    fn at(&self, at: takings_sources::Progress<'_>) {
        match at {
            takings_sources::Progress::Listed { bytes, .. } => self.ahead.expect(bytes),
            takings_sources::Progress::Started { path, .. } => self.progress.at(path),
            takings_sources::Progress::Landed { record, fresh } => self.ahead.landed(record, fresh),
            takings_sources::Progress::Done { size, .. } => self.ahead.arrived(size),
            takings_sources::Progress::Read { .. } => {}
        }
    }

    fn room(&self, size: u64) -> BoxFuture<'_, ()> {
        self.ahead.room(size).boxed()
    }
}

/// The instances that were ever landed, whether they are configured or not.
async fn landed_instances(context: &Context, channel: &str) -> Result<Vec<String>> {
    Ok(context.store.folders(&format!("landing/records/{channel}")).await?)
}

pub fn landing_file(record: &LandingRecord) -> LandingFile {
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

/// The landed files by channel that are to be read: without those that their instance ignores.
pub async fn wanted(context: &Context, pulled: &[(Instance, std::result::Result<Pulled, String>)]) -> Result<BTreeMap<String, Vec<LandingRecord>>> {
    Ok(not_ignored(context, landed(context, pulled).await?))
}

pub fn not_ignored(context: &Context, mut landed: BTreeMap<String, Vec<LandingRecord>>) -> BTreeMap<String, Vec<LandingRecord>> {
    for instance in &context.project.settings.instances {
        if let Some(records) = landed.get_mut(&instance.channel) {
            records.retain(|record| record.instance != instance.name || !instance.ignore.matches(&record.source_path));
        }
    }
    landed
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
