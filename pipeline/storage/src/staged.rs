//! A file that is written in pieces and gets its path when it is complete.

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, WriteMultipart};
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

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let length = bytes.len() as u64;
        match &mut self.target {
            Target::Local(file) => {
                let Some(mut local) = file.take() else { return Err(self.broken()) };
                let done = blocking(move || local.write(&bytes).map(|()| local)).await;
                *file = Some(done.map_err(|error| self.store.error("write", &self.at, error))?);
            }
            Target::Bucket(upload) => {
                upload.wait_for_capacity(PARTS_IN_FLIGHT).await.map_err(|error| self.store.error("write", &self.at, error))?;
                upload.put(bytes);
            }
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
                let place = local.root().join(location.as_ref());
                self.store.ask_fence("write", path).await?;
                blocking(move || file.place(&place, &PutMode::Overwrite)).await
            }
            Target::Bucket(upload) => {
                let staged = Path::from(self.at.as_str());
                upload.finish().await.map_err(|error| self.store.error("write", &self.at, error))?;
                self.store.ask_fence("write", path).await?;
                self.store.objects.rename(&staged, &location).await
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
