//! One source file into the landing zone: one pass that hashes, cuts and stages, then blobs, then the record, then what was seen.
//!
//! A kill between any two of these leaves at most a staged file or a blob that no record names; the next pull does the file again.

use std::pin::pin;

use bytes::Bytes;
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use takings_definitions::{Export, Instance};
use takings_storage::{StagedFile, Store};

use crate::cutter::{Cut, Cutter};
use crate::pull::{Change, Follow, Progress};
use crate::record::{self, LandingRecord, Segment, blob_path, file_id};
use crate::source::{Fingerprint, Source};
use crate::{Error, Result};

/// What is wrong: with this file alone, or with the landing zone.
pub(crate) enum Trouble {
    File(String),
    Landing(Error),
}

impl<E: Into<Error>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Landing(error.into())
    }
}

/// The fingerprint that the source file had when a version was landed or last found unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub version: u64,
    #[serde(flatten)]
    pub fingerprint: Fingerprint,
}

/// A file that has to be read.
pub(crate) struct Fetch<'a> {
    pub store: &'a Store,
    pub source: &'a Source,
    pub instance: &'a Instance,
    pub export: &'a Export,
    pub path: &'a str,
    pub listed: Fingerprint,
    /// Its current version in the landing zone.
    pub before: Option<&'a LandingRecord>,
    pub follower: &'a dyn Follow,
}

pub(crate) struct Fetched {
    pub record: LandingRecord,
    pub seen: Seen,
    pub change: Change,
    pub bytes: u64,
    /// The first segment that the version before had not.
    pub fresh: usize,
}

/// One pass over the source file.
struct Pass {
    cut: Cut,
    /// The bytes of the cut's given segment.
    staged: Option<StagedFile>,
    /// The segments of the version before that stay; `None` when it is no continuation.
    kept: Option<Vec<Segment>>,
}

impl Fetch<'_> {
    pub(crate) async fn run(&self) -> Result<Fetched, Trouble> {
        self.follower.at(Progress::Started { path: self.path, size: self.listed.size });
        let mut listed = self.listed.clone();
        let mut tries = 1;
        loop {
            let read = match self.read(&listed).await {
                Err(Trouble::Landing(error)) => return Err(Trouble::Landing(error)),
                Ok(pass) => Ok(pass),
                Err(Trouble::File(reason)) => Err(reason),
            };
            match self.source.look(self.path).await.map_err(Trouble::File)? {
                Some(now) if now == listed => return self.land(read.map_err(Trouble::File)?, listed).await,
                Some(now) if tries == 1 => {
                    listed = now;
                    tries += 1;
                }
                Some(_) => return Err(Trouble::File("it changed twice while it was read; run again when it is written completely".to_owned())),
                None => return Err(Trouble::File("it vanished while it was read; run again when it is back".to_owned())),
            }
        }
    }

    async fn read(&self, listed: &Fingerprint) -> Result<Pass, Trouble> {
        let general = self.export.is_general();
        if !general
            && let Some(before) = self.continues().filter(|before| listed.size >= before.size)
            && let Some((cut, staged)) = self.pass(Cutter::after(before), listed.size).await?
        {
            return Ok(Pass { cut, staged, kept: Some(before.finished().to_vec()) });
        }
        let whole = if general { Cutter::uncut() } else { Cutter::whole() };
        match self.pass(whole, listed.size).await? {
            Some((cut, staged)) => Ok(Pass { cut, staged, kept: None }),
            None => Err(Trouble::File("it can't be read whole".to_owned())),
        }
    }

    /// The version before, when it is of the same export: rows of another table can't be continued.
    fn continues(&self) -> Option<&LandingRecord> {
        self.before.filter(|before| before.export == self.export.name)
    }

    /// `None`: the file is no continuation of the version that the cutter was made for.
    async fn pass(&self, mut cutter: Cutter, size: u64) -> Result<Option<(Cut, Option<StagedFile>)>, Trouble> {
        let mut staged: Option<StagedFile> = None;
        let mut pieces = pin!(self.source.read(self.path, size));
        while let Some(bytes) = pieces.next().await {
            let bytes = bytes.map_err(Trouble::File)?;
            self.follower.at(Progress::Read { path: self.path, bytes: bytes.len() as u64 });
            let given;
            // Hashing is work: off the threads that wait for files.
            (cutter, given) = tokio::task::spawn_blocking(move || {
                let given = cutter.push(bytes);
                (cutter, given)
            })
            .await?;
            let Ok(given) = given else { return Ok(None) };
            for piece in given {
                let file = match &mut staged {
                    Some(file) => file,
                    None => staged.insert(self.store.stage().await?),
                };
                file.write(piece).await?;
            }
        }
        Ok(cutter.finish().ok().map(|cut| (cut, staged)))
    }

    async fn land(&self, pass: Pass, listed: Fingerprint) -> Result<Fetched, Trouble> {
        let Pass { cut, staged, kept } = pass;
        let bytes = cut.size;
        if let Some(same) = self.continues().filter(|before| before.sha256 == cut.sha256 && before.size == cut.size) {
            let seen = self.remember(same, listed).await?;
            return Ok(Fetched { record: same.clone(), seen, change: Change::Unchanged, bytes, fresh: same.segments.len() });
        }
        let change = match (&self.before, &kept) {
            (None, _) => Change::New,
            (Some(_), Some(_)) => Change::Grown,
            (Some(before), None) if cut.size < before.size => Change::Shrunk,
            (Some(_), None) => Change::Rewritten,
        };
        let (sha256, size) = (cut.sha256.clone(), cut.size);
        let mut segments = kept.unwrap_or_default();
        let fresh = segments.len();
        segments.extend(self.keep_blobs(cut, staged).await?);
        let record = LandingRecord {
            channel: self.instance.channel.clone(),
            export: self.export.name.clone(),
            instance: self.instance.name.clone(),
            source_path: self.path.to_owned(),
            file_id: file_id(&self.instance.channel, &self.export.name, &self.instance.name, self.path),
            version: self.before.map_or(1, |before| before.version + 1),
            size,
            sha256,
            segments,
        };
        self.write(&record).await?;
        let seen = self.remember(&record, listed).await?;
        Ok(Fetched { record, seen, change, bytes, fresh })
    }

    /// Puts the new bytes under their hashes; gives their segments.
    async fn keep_blobs(&self, cut: Cut, staged: Option<StagedFile>) -> Result<Vec<Segment>> {
        let mut segments = Vec::new();
        if let (Some(segment), Some(staged)) = (cut.given, staged) {
            if self.is_kept(&segment).await? {
                staged.discard().await?;
            } else {
                staged.commit(&blob_path(&segment.sha256)).await?;
            }
            segments.push(segment);
        }
        if let Some((bytes, segment)) = cut.rest {
            if !self.is_kept(&segment).await? {
                self.store.replace(&blob_path(&segment.sha256), bytes).await?;
            }
            segments.push(segment);
        }
        Ok(segments)
    }

    async fn is_kept(&self, segment: &Segment) -> Result<bool> {
        let blob = self.store.head(&blob_path(&segment.sha256)).await?;
        Ok(blob.is_some_and(|blob| blob.size == segment.length))
    }

    /// Two pulls at once may land the same version; the same record twice is one record.
    async fn write(&self, record: &LandingRecord) -> Result<(), Trouble> {
        let (path, json) = (record.path(), Bytes::from(record.to_json()?));
        match self.store.put_new(&path, json.clone()).await {
            Ok(()) => Ok(()),
            Err(error) if error.is_already_exists() => {
                if self.store.get(&path).await? == json {
                    return Ok(());
                }
                Err(Trouble::File(format!("another pull landed its version {} meanwhile; run again", record.version)))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn remember(&self, record: &LandingRecord, fingerprint: Fingerprint) -> Result<Seen> {
        let path = seen_path(&record::folder(&record.channel, &record.instance, &record.source_path));
        let seen = Seen { version: record.version, fingerprint };
        self.store.replace(&path, record::to_json(&seen, || path.clone())?).await?;
        Ok(seen)
    }
}

/// It is replaced, and only says what need not be read again.
pub(crate) fn seen_path(folder: &str) -> String {
    format!("{folder}/seen.json")
}
