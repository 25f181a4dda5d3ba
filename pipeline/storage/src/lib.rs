//! One store by URL: a local folder or a bucket with a prefix, with durable and atomic writes.
//!
//! On a local store everything is written under `staging/`, made durable and renamed onto its place, so that a kill at any
//! instant leaves either the old file, the new one or none, and never a temporary beside them. That holds for whoever writes
//! through [`Store::object_store`] as well. Under a [`Fence`] nothing takes its place, and nothing is deleted, once the right to
//! write has passed on. This crate must not know what the files mean.

mod error;
mod fault_store;
mod fence;
#[cfg(test)]
mod fence_tests;
mod local;
mod pieces;
mod staged;
mod sweep;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, future, stream::BoxStream};
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use takings_faults::Faults;
use url::Url;

pub use error::{Error, Result};
pub use fence::{Fallen, Fence, Fenced};
pub use pieces::pieces;
pub use staged::{Lock, StagedFile};

use fault_store::FaultStore;
use fence::Fences;
use local::LocalStore;

/// The folder of a store in which files lie while they are written.
pub const STAGING: &str = "staging";

/// A place where files lie: a local folder or a bucket's prefix. All paths are relative to it, with `/` between names.
#[derive(Debug, Clone)]
pub struct Store {
    url: Url,
    objects: Arc<dyn ObjectStore>,
    local: Option<Arc<LocalStore>>,
    faults: Faults,
    fences: Fences,
}

impl Store {
    /// Opens a store that exists: `s3://bucket/prefix`, `file:///folder` or a folder, which counts from `base` when relative.
    pub fn open(url_or_path: &str, base: &FilePath) -> Result<Self> {
        match Place::of(url_or_path, base)? {
            Place::Folder(folder) => Self::open_folder(url_or_path, &folder),
            Place::Bucket(url) => Self::open_bucket(url),
        }
    }

    /// The same, and makes the folder of a local store first where it is missing.
    pub fn open_or_create(url_or_path: &str, base: &FilePath) -> Result<Self> {
        if let Place::Folder(folder) = Place::of(url_or_path, base)? {
            std::fs::create_dir_all(&folder).map_err(|error| {
                Error::open(url_or_path, format!("the folder {} can't be made: {error}", folder.display()), "check the rights on its parent folder")
            })?;
        }
        Self::open(url_or_path, base)
    }

    fn open_folder(given: &str, folder: &FilePath) -> Result<Self> {
        let root = folder
            .canonicalize()
            .map_err(|error| Error::open(given, format!("the folder {} can't be opened: {error}", folder.display()), "check the path, or create the folder"))?;
        if !root.is_dir() {
            return Err(Error::open(given, format!("{} is not a folder", root.display()), "name the folder that holds the files"));
        }
        let url =
            Url::from_directory_path(&root).map_err(|()| Error::open(given, format!("{} is not an absolute path", root.display()), "write the full path"))?;
        let fences = Fences::default();
        let local = LocalStore::new(root, fences.clone()).map_err(|error| Error::open(given, error.to_string(), "check the path"))?;
        let local = Arc::new(local);
        Ok(Self { url, objects: local.clone(), local: Some(local), faults: Faults::default(), fences })
    }

    fn open_bucket(mut url: Url) -> Result<Self> {
        let bucket = AmazonS3Builder::from_env()
            .with_url(url.as_str())
            .build()
            .map_err(|error| Error::open(url.as_str(), error.to_string(), "set AWS_REGION, AWS_ENDPOINT_URL and credentials in the environment, or a role"))?;
        let prefix =
            Path::from_url_path(url.path()).map_err(|error| Error::open(url.as_str(), error.to_string(), "check the prefix after the bucket's name"))?;
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(Self::on(url, Arc::new(PrefixStore::new(bucket, prefix))))
    }

    /// A store on any object store, with that one's root as its root.
    pub fn on(url: Url, objects: Arc<dyn ObjectStore>) -> Self {
        Self { url, objects, local: None, faults: Faults::default(), fences: Fences::default() }
    }

    /// The same store, which asks at a gate before each operation: what goes through [`Store::object_store`] does so as well.
    pub fn with_faults(self, faults: Faults) -> Self {
        if faults.is_none() {
            return self;
        }
        let local = self.local.map(|local| Arc::new(LocalStore::clone(&local).with_faults(faults.clone())));
        let inner: Arc<dyn ObjectStore> = match &local {
            Some(local) => local.clone(),
            None => self.objects,
        };
        let objects = Arc::new(FaultStore::new(inner, faults.clone(), local.is_some()));
        Self { url: self.url, objects, local, faults, fences: self.fences }
    }

    /// The same store under the fence that it has now, for threads that may outlive the fence: what they still have in hand when the right
    /// to write has passed on, or was given back, is refused. Where there is no fence now, there never is one.
    #[must_use]
    pub fn under_this_fence(&self) -> Self {
        let fences = self.fences.pinned();
        let Some(local) = &self.local else { return Self { fences, ..self.clone() } };
        let local = Arc::new(LocalStore::clone(local).under(fences.clone()));
        let pinned = Self { url: self.url.clone(), objects: local.clone(), local: Some(local), faults: Faults::default(), fences };
        pinned.with_faults(self.faults.clone())
    }

    /// From now on this store and its clones, but those of [`Store::under_this_fence`], write under a fence, until what is given back is
    /// dropped.
    pub fn fenced_by(&self, fence: Arc<dyn Fence>) -> Fenced {
        self.fences.set(Some(fence));
        Fenced(self.fences.clone())
    }

    /// The gate that this store asks at.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The store's root; ends with `/`.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Is it a folder of this machine?
    pub fn is_local(&self) -> bool {
        self.local.is_some()
    }

    /// The folder of a local store.
    pub fn folder(&self) -> Option<&FilePath> {
        self.local.as_deref().map(LocalStore::root)
    }

    /// The object store with this store's root as its root. What is written through it is as durable and atomic as here.
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        self.objects.clone()
    }

    pub async fn get(&self, path: &str) -> Result<Bytes> {
        let at = self.path(path)?;
        let result = self.objects.get(&at).await.map_err(|error| self.error("read", path, error))?;
        result.bytes().await.map_err(|error| self.error("read", path, error))
    }

    pub async fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        let at = self.path(path)?;
        self.objects.get_range(&at, range).await.map_err(|error| self.error("read", path, error))
    }

    /// The bytes in pieces, for files that don't fit into memory.
    pub async fn stream(&self, path: &str, range: Option<Range<u64>>) -> Result<BoxStream<'static, Result<Bytes>>> {
        let at = self.path(path)?;
        let options = GetOptions { range: range.map(Into::into), ..GetOptions::default() };
        let result = self.objects.get_opts(&at, options).await.map_err(|error| self.error("read", path, error))?;
        let (store, path) = (self.clone(), path.to_owned());
        Ok(result.into_stream().map_err(move |error| store.error("read", &path, error)).boxed())
    }

    /// Size, time and tag of a file; `None` when it does not exist.
    pub async fn head(&self, path: &str) -> Result<Option<ObjectMeta>> {
        match self.objects.head(&self.path(path)?).await {
            Ok(meta) => Ok(Some(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.error("look at", path, error)),
        }
    }

    pub async fn exists(&self, path: &str) -> Result<bool> {
        Ok(self.head(path).await?.is_some())
    }

    /// Every file below a folder (`""` = the whole store), sorted by path. A folder that does not exist is empty.
    pub async fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        let at = self.path(prefix)?;
        let prefix_path = (!prefix.is_empty()).then_some(&at);
        self.objects.list(prefix_path).try_collect().await.map_err(|error| self.error("list", prefix, error))
    }

    /// Those of them whose paths begin with a text. Of those that sort before it nothing is looked at, on a bucket they are not even listed.
    pub async fn list_beginning(&self, prefix: &str, beginning: &str) -> Result<Vec<ObjectMeta>> {
        let (at, from) = (self.path(prefix)?, self.path(beginning)?);
        let listed = self.objects.list_with_offset(Some(&at), &from);
        let is_of_it = |meta: &ObjectMeta| future::ready(meta.location.as_ref().starts_with(from.as_ref()));
        listed.try_filter(is_of_it).try_collect().await.map_err(|error| self.error("list", prefix, error))
    }

    /// The names of the folders right below one, sorted. A folder that does not exist is empty.
    pub async fn folders(&self, prefix: &str) -> Result<Vec<String>> {
        let at = self.path(prefix)?;
        let listed = self.objects.list_with_delimiter(Some(&at)).await.map_err(|error| self.error("list", prefix, error))?;
        let mut names: Vec<String> = listed.common_prefixes.iter().filter_map(|folder| folder.filename().map(str::to_owned)).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Deletes a file; one that is gone already is no error. On a bucket a fence is asked before, and nothing else keeps a process that
    /// stands still right then from deleting what its successor wrote: buckets delete by name alone.
    pub async fn delete(&self, path: &str) -> Result<()> {
        let at = self.path(path)?;
        let deleted = match (&self.local, self.fences.current()) {
            (Some(local), Some(_)) => {
                let way_out = local.make_staging().await.map_err(|error| self.error("write", STAGING, error))?;
                self.ask_fence("delete", path).await?;
                local.remove(&at, way_out).await
            }
            _ => {
                self.ask_fence("delete", path).await?;
                self.objects.delete(&at).await
            }
        };
        match deleted {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("delete", path, error).await),
        }
    }

    /// Writes a file that must not exist yet: [`Error::AlreadyExists`] otherwise, and the old one stays.
    pub async fn put_new(&self, path: &str, bytes: impl Into<Bytes>) -> Result<()> {
        self.put(path, bytes.into(), PutMode::Create).await
    }

    /// Writes or overwrites a file in one atomic step.
    pub async fn replace(&self, path: &str, bytes: impl Into<Bytes>) -> Result<()> {
        self.put(path, bytes.into(), PutMode::Overwrite).await
    }

    async fn put(&self, path: &str, bytes: Bytes, mode: PutMode) -> Result<()> {
        let at = self.path(path)?;
        if matches!(mode, PutMode::Overwrite) && self.fences.current().is_some() {
            let mut staged = self.stage().await?;
            staged.write(bytes).await?;
            return staged.commit(path).await;
        }
        self.objects.put_opts(&at, PutPayload::from(bytes), mode.into()).await.map_err(|error| self.error("write", path, error))?;
        Ok(())
    }

    /// Gives a file a second path, over one that stands there. A bucket copies it; in a folder both are one file, which costs nothing, and
    /// nobody may write into it: all that is written here is new, and takes the place of the old.
    pub async fn copy(&self, from: &str, to: &str) -> Result<()> {
        StagedFile::copy_of(self, from).await?.commit(to).await
    }

    /// Starts a file that is written in pieces and gets its path at the end.
    pub async fn stage(&self) -> Result<StagedFile> {
        StagedFile::new(self).await
    }

    /// Shows that this process is at work under a name that nobody else has. `None` on a bucket, which knows no locks.
    pub async fn lock(&self, name: &str) -> Result<Option<Lock>> {
        let Some(local) = &self.local else { return Ok(None) };
        let locked = local.lock(name.to_owned()).await.map_err(|error| self.error("write", &format!("{STAGING}/{name}"), error))?;
        Ok(Some(Lock(locked)))
    }

    /// Whether the process that locked this name lives, as far as the system's locks tell: those of one kernel know each other, in
    /// whatever container they are.
    pub fn is_locked(&self, name: &str) -> Option<bool> {
        self.local.as_ref()?.is_locked(name)
    }

    /// Deletes what others left under `staging/` and says how many files that were: under a fence the folders of all other holders,
    /// and files of nobody. On a local store files of nobody that a living process writes are locked and stay; on a bucket the
    /// caller must be the only writer.
    pub async fn sweep_staging(&self) -> Result<usize> {
        self.ask_fence("empty", STAGING).await?;
        if let Some(local) = &self.local {
            return local.sweep().await.map_err(|error| self.error("empty", STAGING, error));
        }
        let own = self.fences.current().map(|_| format!("{}/", self.fences.folder()));
        let mut left = self.list(STAGING).await?;
        left.retain(|meta| own.as_ref().is_none_or(|own| !meta.location.as_ref().starts_with(own)));
        for meta in &left {
            self.delete(meta.location.as_ref()).await?;
        }
        Ok(left.len())
    }

    /// An error when there is a fence and it does not stand.
    async fn ask_fence(&self, action: &'static str, path: &str) -> Result<()> {
        let Some(fence) = self.fences.current() else { return Ok(()) };
        let url = || format!("{}{path}", self.url);
        match fence.fallen().await {
            Ok(None) => Ok(()),
            Ok(Some(why)) => Err(Error::Fenced { action, url: url(), why }),
            Err(source) => Err(Error::FenceUnknown { action, url: url(), source }),
        }
    }

    /// What failed because the fence fell meanwhile is told so.
    async fn failed(&self, action: &'static str, path: &str, error: object_store::Error) -> Error {
        match self.ask_fence(action, path).await {
            Err(fallen @ Error::Fenced { .. }) => fallen,
            _ => self.error(action, path, error),
        }
    }

    fn path(&self, path: &str) -> Result<Path> {
        Path::parse(path).map_err(|error| Error::Path { store: self.url.to_string(), path: path.to_owned(), reason: error.to_string() })
    }

    fn error(&self, action: &'static str, path: &str, source: object_store::Error) -> Error {
        Error::object(action, &self.url, path, source)
    }
}

enum Place {
    Folder(PathBuf),
    Bucket(Url),
}

impl Place {
    fn of(given: &str, base: &FilePath) -> Result<Self> {
        if !given.contains("://") {
            if given.trim().is_empty() {
                return Err(Error::open(given, "the url is empty".into(), "write a folder, file:///folder or s3://bucket/prefix"));
            }
            return Ok(Self::Folder(base.join(given)));
        }
        let url =
            Url::parse(given).map_err(|error| Error::open(given, format!("not a URL: {error}"), "write a folder, file:///folder or s3://bucket/prefix"))?;
        match url.scheme() {
            "file" => {
                let folder = url.to_file_path().map_err(|()| Error::open(given, "the path is not absolute".into(), "write three slashes: file:///folder"))?;
                Ok(Self::Folder(folder))
            }
            "s3" | "s3a" => Ok(Self::Bucket(url)),
            scheme => Err(Error::open(given, format!("`{scheme}` is not a kind of store"), "write a folder, file:///folder or s3://bucket/prefix")),
        }
    }
}
