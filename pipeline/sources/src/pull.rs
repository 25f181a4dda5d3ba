//! Pulling an instance: list, recognise each file by its path, fetch what is new or changed, say what became of every name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, future, stream};
use takings_definitions::{Channel, Instance};

use crate::Result;
use crate::fetch::{Fetch, Fetched, Trouble};
use crate::landing::{AllLanded, Landed, Landing};
use crate::record::LandingRecord;
use crate::source::{Entry, EntryKind, Fingerprint, Source};

/// How many files are fetched side by side. Each holds a few reads in memory.
const FILES_AT_ONCE: usize = 4;

/// What a pull found and did.
#[derive(Debug, Default)]
pub struct Pulled {
    /// The current version of every source path ever landed for this instance, sorted by path.
    pub records: Vec<LandingRecord>,
    /// What became of each recognised file that is there and could be read.
    pub changes: BTreeMap<String, Change>,
    /// Bytes read from the source.
    pub bytes: u64,
    /// No export matches these paths.
    pub unknown: Vec<String>,
    /// More than one export matches: not landed.
    pub ambiguous: Vec<Ambiguous>,
    /// An export matches, but they are no files: not landed.
    pub ignored: Vec<Ignored>,
    /// Landed before and no longer in the source; they stay landed.
    pub vanished: Vec<String>,
    /// Could not be read; their versions before, if any, stay current. The other files were landed.
    pub failed: Vec<Failure>,
    /// Exports of which no file was ever landed.
    pub missing_exports: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    New,
    /// The file goes on where it ended: its finished segments stay, and new ones follow.
    Grown,
    /// Other bytes: all segments are new.
    Rewritten,
    /// Other bytes, and fewer; an emptied file too.
    Shrunk,
    Unchanged,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ambiguous {
    pub path: String,
    pub exports: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    pub path: String,
    pub reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub path: String,
    pub reason: String,
}

/// What a pull is doing: for a progress bar, and for who works on files while others are still on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// So many files, of so many bytes in all, are to be read.
    Listed {
        files: u64,
        bytes: u64,
    },
    Started {
        path: &'a str,
        size: u64,
    },
    Read {
        path: &'a str,
        bytes: u64,
    },
    /// A new version is in the landing zone. Its segments before `fresh` are those of the version before.
    Landed {
        record: &'a LandingRecord,
        fresh: usize,
    },
    /// Of the size for which there was room.
    Done {
        path: &'a str,
        size: u64,
    },
}

/// Who follows a pull.
pub trait Follow: Send + Sync {
    /// Is told what it is doing.
    fn at(&self, progress: Progress<'_>);

    /// The next file, of so many bytes, is begun when this is ready: files need not land faster than they are worked on.
    fn room(&self, _size: u64) -> BoxFuture<'_, ()> {
        future::ready(()).boxed()
    }
}

impl<F: Fn(Progress<'_>) + Send + Sync> Follow for F {
    fn at(&self, progress: Progress<'_>) {
        self(progress);
    }
}

impl Pulled {
    pub fn count(&self, change: Change) -> u64 {
        self.changes.values().filter(|found| **found == change).count() as u64
    }

    /// Files that shrank: sources correct files by growing or rewriting them, so this is worth a look.
    pub fn shrunk(&self) -> impl Iterator<Item = &str> {
        self.changes.iter().filter(|(_, change)| **change == Change::Shrunk).map(|(path, _)| path.as_str())
    }
}

/// A recognised file.
pub(crate) struct Found<'a> {
    pub path: String,
    pub export: &'a takings_definitions::Export,
    pub fingerprint: Fingerprint,
}

impl Landing {
    /// Lands what is new or changed at the instance's url (which counts from `base` when it is a relative path). Trouble with
    /// one file is reported in [`Pulled::failed`]; an error means that the source can't be listed or the landing zone not written.
    pub async fn pull(&self, instance: &Instance, channel: &Channel, base: &Path, follower: &dyn Follow) -> Result<Pulled> {
        let source = Source::open(instance, base)?;
        let entries = source.list().await?;
        let AllLanded { files: mut landed, mut is_indexed, is_ahead } = self.landed(&instance.channel, &instance.name).await?;
        if is_ahead {
            self.write_index(&instance.channel, &instance.name, &landed).await?;
            is_indexed = true;
        }
        let mut pulled = Pulled { vanished: vanished(&landed, &entries), ..Pulled::default() };
        let entries = not_ignored(entries, instance, &mut pulled);
        let found = recognise(entries, channel, &mut pulled);
        let (unchanged, changed): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| is_unchanged(found, landed.get(&found.path)));
        pulled.changes.extend(unchanged.into_iter().map(|found| (found.path, Change::Unchanged)));
        follower.at(Progress::Listed { files: changed.len() as u64, bytes: changed.iter().map(|found| found.fingerprint.size).sum() });
        for (path, fetched) in self.fetch(&source, instance, changed, &landed, follower).await? {
            match fetched {
                Ok(Fetched { record, seen, change, bytes, .. }) => {
                    pulled.bytes += bytes;
                    pulled.changes.insert(path.clone(), change);
                    landed.insert(path, Landed { record, seen: Some(seen) });
                    is_indexed = false;
                }
                Err(reason) => pulled.failed.push(Failure { path, reason }),
            }
        }
        if !is_indexed {
            self.write_index(&instance.channel, &instance.name, &landed).await?;
        }
        pulled.failed.sort_by(|a, b| a.path.cmp(&b.path));
        pulled.records = landed.into_values().map(|landed| landed.record).collect();
        let there: BTreeSet<&str> =
            pulled.records.iter().filter(|record| !instance.ignore.matches(&record.source_path)).map(|record| record.export.as_str()).collect();
        let is_missing = |export: &&takings_definitions::Export| !there.contains(export.part_of.as_ref().unwrap_or(&export.name).as_str());
        pulled.missing_exports = channel.exports.iter().filter(is_missing).map(|export| export.name.clone()).collect();
        Ok(pulled)
    }

    /// Fetches files side by side; the result is in the order of the files.
    async fn fetch(
        &self,
        source: &Source,
        instance: &Instance,
        changed: Vec<Found<'_>>,
        landed: &BTreeMap<String, Landed>,
        follower: &dyn Follow,
    ) -> Result<Vec<(String, Result<Fetched, String>)>> {
        let mut fetches: Vec<BoxFuture<'_, _>> = Vec::with_capacity(changed.len());
        for found in changed {
            let before = landed.get(&found.path).map(|landed| &landed.record);
            fetches.push(self.fetch_one(source, instance, found, before, follower).boxed());
        }
        stream::iter(fetches).buffered(FILES_AT_ONCE).try_collect().await
    }

    async fn fetch_one(
        &self,
        source: &Source,
        instance: &Instance,
        found: Found<'_>,
        before: Option<&LandingRecord>,
        follower: &dyn Follow,
    ) -> Result<(String, Result<Fetched, String>)> {
        let Found { path, export, fingerprint } = found;
        let size = fingerprint.size;
        follower.room(size).await;
        let fetch = Fetch { store: self.store(), source, instance, export, path: &path, listed: fingerprint, before, follower };
        let fetched = match fetch.run().await {
            Ok(fetched) => {
                if fetched.change != Change::Unchanged {
                    follower.at(Progress::Landed { record: &fetched.record, fresh: fetched.fresh });
                }
                Ok(fetched)
            }
            Err(Trouble::File(reason)) => Err(reason),
            Err(Trouble::Landing(error)) => return Err(error),
        };
        follower.at(Progress::Done { path: &path, size });
        Ok((path, fetched))
    }
}

pub(crate) fn is_unchanged(found: &Found<'_>, landed: Option<&Landed>) -> bool {
    landed.is_some_and(|landed| landed.record.export == found.export.name && landed.seen.as_ref().is_some_and(|seen| seen.fingerprint == found.fingerprint))
}

/// Landed paths that the listing lacks; not those below a folder that could not be listed.
fn vanished(landed: &BTreeMap<String, Landed>, entries: &[Entry]) -> Vec<String> {
    let listed: BTreeSet<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
    let closed: Vec<&str> = entries.iter().filter(|entry| matches!(entry.kind, EntryKind::Closed(_))).map(|entry| entry.path.as_str()).collect();
    let is_vanished = |path: &&String| !listed.contains(path.as_str()) && !closed.iter().any(|folder| folder.ends_with('/') && path.starts_with(folder));
    landed.keys().filter(is_vanished).cloned().collect()
}

/// What the instance's `ignore` leaves.
fn not_ignored(entries: Vec<Entry>, instance: &Instance, pulled: &mut Pulled) -> Vec<Entry> {
    let (ignored, others): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| instance.ignore.matches(&entry.path));
    pulled.ignored.extend(ignored.into_iter().map(|entry| Ignored { path: entry.path, reason: "the instance's `ignore` names it" }));
    others
}

/// The files that exactly one export matches. Everything else is said in `pulled`.
pub(crate) fn recognise<'a>(entries: Vec<Entry>, channel: &'a Channel, pulled: &mut Pulled) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    for Entry { path, kind } in entries {
        if let EntryKind::Closed(reason) = kind {
            pulled.failed.push(Failure { path, reason });
            continue;
        }
        match (channel.recognise(&path).as_slice(), kind) {
            ([], EntryKind::Special(_)) => {}
            ([], _) => pulled.unknown.push(path),
            (_, EntryKind::Special(reason)) => pulled.ignored.push(Ignored { path, reason }),
            ([export], EntryKind::File(fingerprint)) => found.push(Found { path, export, fingerprint }),
            ([_], _) => pulled.failed.push(Failure { path, reason: "its name is not UTF-8; rename it".to_owned() }),
            (several, _) => {
                let exports = several.iter().map(|export| export.name.clone()).collect();
                pulled.ambiguous.push(Ambiguous { path, exports });
            }
        }
    }
    found
}
