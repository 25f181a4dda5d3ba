//! A file that is written in pieces and gets its path when it is complete.

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStoreExt, WriteMultipart};
use uuid::Uuid;

use crate::local::{LocalFile, blocking};
use crate::{Result, Store};

/// How many parts of an upload to a bucket may be on their way at once.
const PARTS_IN_FLIGHT: usize = 4;

/// A file under `staging/` that nobody sees. Dropped without [`StagedFile::commit`], it is gone (on a bucket: after a sweep).
#[derive(Debug)]
pub struct StagedFile {
    store: Store,
    /// Where the file lies while it is written; names it in errors.
    at: String,
    written: u64,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Local(Option<LocalFile>),
    Bucket(WriteMultipart),
    /// On a bucket, complete.
    Copied,
}

impl StagedFile {
    pub(crate) async fn new(store: &Store) -> Result<Self> {
        let at = format!("{}/{}", store.fences.folder(), Uuid::new_v4());
        let target = match &store.local {
            Some(local) => Target::Local(Some(local.stage().await.map_err(|error| store.error("write", &at, error))?)),
            None => {
                let upload = store.objects.put_multipart(&store.path(&at)?).await.map_err(|error| store.error("write", &at, error))?;
                Target::Bucket(WriteMultipart::new(upload))
            }
        };
        Ok(Self { store: store.clone(), at, written: 0, target })
    }

    /// A file of the same bytes as one that stands in its place; nothing may be written into it.
    pub(crate) async fn copy_of(store: &Store, from: &str) -> Result<Self> {
        let (at, place) = (format!("{}/{}", store.fences.folder(), Uuid::new_v4()), store.path(from)?);
        let copied = match &store.local {
            Some(local) => local.link(&place).await.map(|file| Target::Local(Some(file))),
            None => store.objects.copy(&place, &store.path(&at)?).await.map(|()| Target::Copied),
        };
        let target = copied.map_err(|error| store.error("copy", from, error))?;
        Ok(Self { store: store.clone(), at, written: 0, target })
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.write_and(bytes, |_| ()).await
    }

    /// The same, of a file that is not read again here: where it is large, the disk begins with it before it is complete, and the system does
    /// not keep it in memory.
    pub async fn write_through(&mut self, bytes: Bytes) -> Result<()> {
        self.write_and(bytes, LocalFile::send).await
    }

    async fn write_and(&mut self, bytes: Bytes, then: fn(&mut LocalFile)) -> Result<()> {
        let length = bytes.len() as u64;
        match &mut self.target {
            Target::Local(file) => {
                let Some(mut local) = file.take() else { return Err(self.broken()) };
                let write = move || {
                    local.write(&bytes)?;
                    then(&mut local);
                    Ok(local)
                };
                let done = blocking(write).await;
                *file = Some(done.map_err(|error| self.store.error("write", &self.at, error))?);
            }
            Target::Bucket(upload) => {
                upload.wait_for_capacity(PARTS_IN_FLIGHT).await.map_err(|error| self.store.error("write", &self.at, error))?;
                upload.put(bytes);
            }
            Target::Copied => return Err(self.broken()),
        }
        self.written += length;
        Ok(())
    }

    /// Makes the file durable and puts it onto its path in one step, over one that stands there. The fence is asked when the file is
    /// complete under `staging/`: whoever writes under the next one takes it away from there.
    pub async fn commit(self, path: &str) -> Result<()> {
        let location = self.store.path(path)?;
        let moved = match self.target {
            Target::Local(file) => {
                let (Some(file), Some(local)) = (file, &self.store.local) else { return Err(broken(&self.store, path)) };
                self.store.ask_fence("write", path).await?;
                file.put(local.place(&location)).await
            }
            on_bucket => {
                if let Target::Bucket(upload) = on_bucket {
                    upload.finish().await.map_err(|error| self.store.error("write", &self.at, error))?;
                }
                self.store.ask_fence("write", path).await?;
                self.store.objects.rename(&Path::from(self.at.as_str()), &location).await
            }
        };
        match moved {
            Ok(()) => Ok(()),
            Err(error) => Err(self.store.failed("write", path, error).await),
        }
    }

    /// Throws the bytes away.
    pub async fn discard(self) -> Result<()> {
        match self.target {
            Target::Local(_) => Ok(()),
            Target::Bucket(upload) => upload.abort().await.map_err(|error| self.store.error("delete", &self.at, error)),
            Target::Copied => self.store.delete(&self.at).await,
        }
    }

    fn broken(&self) -> crate::Error {
        broken(&self.store, &self.at)
    }
}

/// Shows other processes of this machine that one is at work, until it is dropped or its process ends.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held, not read")] pub(crate) LocalFile);

/// A write failed before: the file has a hole and must not be used.
fn broken(store: &Store, path: &str) -> crate::Error {
    store.error("write", path, object_store::Error::Generic { store: "local", source: "an earlier write of this file failed".into() })
}
