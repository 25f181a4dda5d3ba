//! The landing zone: records and, through them, the bytes of every version of every source file.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use takings_storage::Store;

use crate::fetch::{Seen, seen_path};
use crate::record::{LandingRecord, folder, instance_folder, version_of};
use crate::{Error, Result};

/// How many records are read at once.
const RECORDS_AT_ONCE: usize = 16;

/// The landing zone of a store, under `landing/`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Landing {
    store: Store,
}

/// A current record, and what the source file looked like when it was found to be this last.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Landed {
    pub record: LandingRecord,
    pub seen: Option<Seen>,
}

/// All files of an instance.
pub(crate) struct AllLanded {
    /// By source path.
    pub files: BTreeMap<String, Landed>,
    /// The index says just this.
    pub is_indexed: bool,
    /// The index names later versions: their records are gone, and what lands next may get their numbers.
    pub is_ahead: bool,
}

impl Landing {
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The current version of every source path that was ever landed for an instance, sorted by path. Paths that vanished from
    /// the source or that no export matches any more are among them.
    pub async fn records(&self, channel: &str, instance: &str) -> Result<Vec<LandingRecord>> {
        Ok(self.landed(channel, instance).await?.files.into_values().map(|landed| landed.record).collect())
    }

    /// Another version of a landed file: one that was replaced, or a newer one.
    pub async fn version(&self, record: &LandingRecord, version: u64) -> Result<Option<LandingRecord>> {
        let path = LandingRecord { version, ..record.clone() }.path();
        match self.record_at(&path).await {
            Ok(record) => Ok(Some(record)),
            Err(Error::Store(error)) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn landed(&self, channel: &str, instance: &str) -> Result<AllLanded> {
        let mut indexed = self.indexed(channel, instance).await?;
        let (mut all, mut unknown) = (Vec::new(), Vec::new());
        for newest in self.newest(channel, instance).await? {
            match indexed.remove(&newest.path) {
                Some(landed) => all.push(landed),
                None => unknown.push(newest),
            }
        }
        let is_indexed = indexed.is_empty() && unknown.is_empty();
        let read = stream::iter(unknown).map(|newest| async move {
            let record = self.record_at(&newest.path).await?;
            let seen = if newest.seen { self.seen(&record).await? } else { None };
            Ok::<_, Error>(Landed { record, seen })
        });
        all.extend(read.buffered(RECORDS_AT_ONCE).try_collect::<Vec<_>>().await?);
        let files: BTreeMap<String, Landed> = all.into_iter().map(|landed| (landed.record.source_path.clone(), landed)).collect();
        let is_later = |gone: &Landed| files.get(&gone.record.source_path).is_none_or(|current| current.record.version < gone.record.version);
        Ok(AllLanded { is_ahead: indexed.values().any(is_later), is_indexed, files })
    }

    async fn record_at(&self, path: &str) -> Result<LandingRecord> {
        LandingRecord::parse(path, &self.store.get(path).await?)
    }

    /// What was seen last; nothing where it belongs to another version or can't be understood, and the file is read again.
    async fn seen(&self, record: &LandingRecord) -> Result<Option<Seen>> {
        let bytes = self.store.get(&seen_path(&folder(&record.channel, &record.instance, &record.source_path))).await?;
        Ok(serde_json::from_slice(&bytes).ok().filter(|seen: &Seen| seen.version == record.version))
    }

    /// The newest record of each source path of an instance.
    async fn newest(&self, channel: &str, instance: &str) -> Result<Vec<Newest>> {
        let mut found: BTreeMap<String, (Option<u64>, String, bool)> = BTreeMap::new();
        for meta in self.store.list(&instance_folder(channel, instance)).await? {
            let path = meta.location.to_string();
            let Some((folder, name)) = path.rsplit_once('/') else { continue };
            let (newest, newest_path, seen) = found.entry(folder.to_owned()).or_default();
            match version_of(name) {
                Some(version) if newest.is_none_or(|newest| newest < version) => {
                    *newest = Some(version);
                    *newest_path = path;
                }
                Some(_) => {}
                None => *seen |= path == seen_path(folder),
            }
        }
        Ok(found.into_values().filter_map(|(version, path, seen)| version.map(|_| Newest { path, seen })).collect())
    }
}

struct Newest {
    path: String,
    /// There is a `seen.json` beside it.
    seen: bool,
}
