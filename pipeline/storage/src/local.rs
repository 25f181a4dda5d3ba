//! A local folder as an object store whose writes are durable and leave no temporary outside `staging/`.
//!
//! Reading, listing and deleting are `LocalFileSystem`'s. Every write goes to a locked file under `staging/` first; the
//! lock is the system's and dies with the process, so that a sweep can tell a killed process's file from one being written.
//! Files of a fence's holder lie in its folder there, which a later holder takes away whether or not they are locked.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, RenameOptions, Result, UploadPart,
};
use takings_faults::{Faults, Kind};
use uuid::Uuid;

use crate::STAGING;
use crate::fence::Fences;
use crate::pieces::{Spare, let_go};
use crate::sweep::sweep;

#[derive(Debug, Clone)]
pub(crate) struct LocalStore {
    root: PathBuf,
    files: Arc<LocalFileSystem>,
    faults: Faults,
    fences: Fences,
    pub(crate) spare: Spare,
}

/// What a move says whose file under `staging/`, or folder there, a sweep took away.
const SWEPT: &str = "what was staged for it was swept away";

impl LocalStore {
    pub(crate) fn new(root: PathBuf, fences: Fences) -> Result<Self> {
        let files = LocalFileSystem::new_with_prefix(&root)?.with_automatic_cleanup(true);
        Ok(Self { root, files: Arc::new(files), faults: Faults::default(), fences, spare: Spare::default() })
    }

    pub(crate) fn with_faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    pub(crate) fn under(self, fences: Fences) -> Self {
        Self { fences, ..self }
    }

    pub(crate) fn root(&self) -> &FilePath {
        &self.root
    }

    pub(crate) async fn sweep(&self) -> Result<usize> {
        let (root, own, faults) = (self.root.clone(), self.fences.current().map(|_| self.staging()), self.faults.clone());
        blocking(move || sweep(&root, own.as_deref(), &faults)).await
    }

    /// A new file under `staging/`.
    pub(crate) async fn stage(&self) -> Result<LocalFile> {
        let (root, folder, faults) = (self.root.clone(), self.staging(), self.faults.clone());
        blocking(move || LocalFile::create(root, &folder, &fresh(), faults)).await
    }

    /// A file that stands in its place, under a second name in `staging/`.
    pub(crate) async fn link(&self, location: &Path) -> Result<LocalFile> {
        let (root, folder, faults, place) = (self.root.clone(), self.staging(), self.faults.clone(), self.place(location)?);
        blocking(move || LocalFile::link(root, &folder, &place, faults)).await
    }

    /// An empty file of a name under `staging/`, locked.
    pub(crate) async fn lock(&self, name: String) -> Result<LocalFile> {
        let (root, faults) = (self.root.clone(), self.faults.clone());
        blocking(move || LocalFile::create(root.clone(), &root.join(STAGING), &name, faults)).await
    }

    /// Whether a process has such a file locked. `None`: it is not there, or the folder knows no locks.
    pub(crate) fn is_locked(&self, name: &str) -> Option<bool> {
        match File::open(self.root.join(STAGING).join(name)).ok()?.try_lock() {
            Ok(()) => Some(false),
            Err(TryLockError::WouldBlock) => Some(true),
            Err(TryLockError::Error(_)) => None,
        }
    }

    /// The folder of files that are being written, made where it is missing.
    pub(crate) async fn make_staging(&self) -> Result<PathBuf> {
        let (root, folder) = (self.root.clone(), self.staging());
        blocking(move || if folder.is_dir() { Ok(folder) } else { make_folder(&root, &folder).map(|()| folder) }).await
    }

    /// Deletes a file by way of a folder under `staging/`: where that is gone, the file stays.
    pub(crate) async fn remove(&self, location: &Path, way_out: PathBuf) -> Result<()> {
        let (root, place, faults) = (self.root.clone(), self.place(location)?, self.faults.clone());
        blocking(move || {
            let leave = faults.ask(Kind::Delete, &name(&root, &place))?;
            let out = way_out.join(fresh());
            match std::fs::rename(&place, &out) {
                Ok(()) => std::fs::remove_file(&out)?,
                Err(error) if error.kind() == ErrorKind::NotFound && way_out.is_dir() => {}
                Err(error) if error.kind() == ErrorKind::NotFound => return Err(io::Error::other(SWEPT)),
                Err(error) => return Err(error),
            }
            // A folder that is not empty is not removed.
            let folders = place.ancestors().skip(1).take_while(|folder| *folder != root);
            let _ = folders.map(std::fs::remove_dir).take_while(io::Result::is_ok).count();
            Ok(leave.finish()?)
        })
        .await
        .map_err(|error| named(error, location))
    }

    fn staging(&self) -> PathBuf {
        self.root.join(self.fences.folder())
    }

    pub(crate) fn place(&self, location: &Path) -> Result<PathBuf> {
        self.files.path_to_filesystem(location)
    }
}

/// A locked file under `staging/`; unless it is moved onto its place, it is deleted when dropped.
#[derive(Debug)]
pub(crate) struct LocalFile {
    root: PathBuf,
    staged: Option<PathBuf>,
    is_linked: bool,
    file: File,
    written: u64,
    /// So many of the bytes that are written were sent to the disk.
    sent: u64,
    faults: Faults,
}

/// So many bytes that were written are sent to the disk at once.
const SENT: u64 = 32 << 20;

impl LocalFile {
    fn create(root: PathBuf, folder: &FilePath, name: &str, faults: Faults) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let open = |staged: &FilePath| {
            let file = options.open(staged)?;
            match file.lock() {
                // Some network folders know no locks; there only one process may run.
                Err(error) if error.kind() == ErrorKind::Unsupported => {}
                locked => locked?,
            }
            Ok(file)
        };
        Self::stage(root, folder, name, faults, open)
    }

    /// A file that others may see has no lock: where no fence protects its second name, a sweep may take it.
    fn link(root: PathBuf, folder: &FilePath, place: &FilePath, faults: Faults) -> io::Result<Self> {
        let mut linked = Self::stage(root, folder, &fresh(), faults, |staged| {
            std::fs::hard_link(place, staged)?;
            File::open(staged)
        })?;
        linked.is_linked = true;
        Ok(linked)
    }

    fn stage(root: PathBuf, folder: &FilePath, name: &str, faults: Faults, make: impl Fn(&FilePath) -> io::Result<File>) -> io::Result<Self> {
        let leave = faults.ask(Kind::Stage, STAGING)?;
        let staged = folder.join(name);
        let file = retry_without_folder(&root, folder, || make(&staged))?;
        let created = Self { root, staged: Some(staged), is_linked: false, file, written: 0, sent: 0, faults };
        leave.finish()?;
        Ok(created)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let leave = self.faults.ask(Kind::Write, STAGING)?;
        self.file.write_all(&bytes[..leave.part(bytes.len())])?;
        self.written += bytes.len() as u64;
        Ok(leave.finish()?)
    }

    /// Lets the disk begin with what was written, where that is much, and the system forget what is on the disk already.
    pub(crate) fn send(&mut self) {
        if self.written - self.sent >= SENT {
            let_go(&self.file);
            self.sent = self.written;
        }
    }

    /// The same as [`LocalFile::place`], over what stands there, off the async threads.
    pub(crate) async fn put(self, place: Result<PathBuf>) -> Result<()> {
        let place = place?;
        blocking(move || self.place(&place, &PutMode::Overwrite)).await
    }

    /// Makes the file durable and moves it onto `place`. `PutMode::Create` fails where a file stands already.
    pub(crate) fn place(mut self, place: &FilePath, mode: &PutMode) -> io::Result<()> {
        let leave = self.faults.ask(Kind::Place, &name(&self.root, place))?;
        self.file.sync_all()?;
        if self.sent > 0 {
            let_go(&self.file);
        }
        let Some(staged) = self.staged.clone() else { return Err(ErrorKind::NotFound.into()) };
        let folder = place.parent().unwrap_or(&self.root).to_owned();
        let missing = |error: io::Error| if staged.exists() { error } else { io::Error::other(SWEPT) };
        match mode {
            // The name under `staging/` goes when `self` is dropped.
            PutMode::Create => retry_without_folder(&self.root, &folder, || std::fs::hard_link(&staged, place).map_err(missing))?,
            _ => {
                retry_without_folder(&self.root, &folder, || std::fs::rename(&staged, place).map_err(missing))?;
                // Of two names of one file the move leaves both.
                if !self.is_linked {
                    self.staged = None;
                }
            }
        }
        File::open(&folder)?.sync_all()?;
        Ok(leave.finish()?)
    }
}

/// A file's path in the store.
fn name(root: &FilePath, file: &FilePath) -> String {
    file.strip_prefix(root).unwrap_or(file).to_string_lossy().into_owned()
}

impl Drop for LocalFile {
    fn drop(&mut self) {
        if let Some(staged) = self.staged.take() {
            if self.faults.ask(Kind::Unstage, STAGING).is_err() {
                return;
            }
            // A sweep deletes what can't be deleted here.
            let _ = std::fs::remove_file(staged);
        }
    }
}

/// A name that no file has.
pub(crate) fn fresh() -> String {
    Uuid::new_v4().to_string()
}

/// Does `work`; where it fails because its folder is missing (never made, or emptied and removed meanwhile), makes it and tries again.
fn retry_without_folder<T>(root: &FilePath, folder: &FilePath, work: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let mut tries = 0;
    loop {
        match work() {
            Err(error) if error.kind() == ErrorKind::NotFound && tries < 5 => {
                make_folder(root, folder)?;
                tries += 1;
            }
            done => return done,
        }
    }
}

/// Makes a folder below the root with its parents and makes their entries durable.
pub(crate) fn make_folder(root: &FilePath, folder: &FilePath) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for parent in folder.ancestors().skip(1).take_while(|parent| parent.starts_with(root)) {
        match File::open(parent) {
            Ok(parent) => parent.sync_all()?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Runs file work off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await?.map_err(io_error)
}

pub(crate) fn io_error(error: io::Error) -> Error {
    let source = Box::new(error);
    match source.kind() {
        ErrorKind::NotFound => Error::NotFound { path: String::new(), source },
        ErrorKind::AlreadyExists => Error::AlreadyExists { path: String::new(), source },
        ErrorKind::PermissionDenied => Error::PermissionDenied { path: String::new(), source },
        _ => Error::Generic { store: "local", source },
    }
}

fn named(error: Error, location: &Path) -> Error {
    let path = location.to_string();
    match error {
        Error::NotFound { source, .. } => Error::NotFound { path, source },
        Error::AlreadyExists { source, .. } => Error::AlreadyExists { path, source },
        Error::PermissionDenied { source, .. } => Error::PermissionDenied { path, source },
        other => other,
    }
}

/// By path, as buckets list: readers of a Delta log count on it.
fn sorted(listing: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
    let sorted = async move {
        let mut found: Vec<ObjectMeta> = listing.try_collect().await?;
        found.sort_unstable_by(|a, b| a.location.cmp(&b.location));
        Ok::<_, Error>(stream::iter(found).map(Ok))
    };
    stream::once(sorted).try_flatten().boxed()
}

fn refuse_attributes(empty: bool) -> Result<()> {
    if empty { Ok(()) } else { Err(Error::NotImplemented { operation: "attributes".into(), implementer: "LocalStore".into() }) }
}

impl fmt::Display for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalStore({})", self.root.display())
    }
}

#[async_trait]
impl ObjectStore for LocalStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        refuse_attributes(options.attributes.is_empty())?;
        if matches!(options.mode, PutMode::Update(_)) {
            return Err(Error::NotImplemented { operation: "put with PutMode::Update".into(), implementer: self.to_string() });
        }
        let (root, folder, faults, place) = (self.root.clone(), self.staging(), self.faults.clone(), self.place(location)?);
        let written = blocking(move || {
            let mut file = LocalFile::create(root, &folder, &fresh(), faults)?;
            payload.iter().try_for_each(|bytes| file.write(bytes))?;
            file.place(&place, &options.mode)
        });
        written.await.map_err(|error| named(error, location))?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(&self, location: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        refuse_attributes(options.attributes.is_empty())?;
        let place = self.place(location)?;
        Ok(Box::new(LocalUpload { file: Arc::new(Mutex::new(Some(self.stage().await?))), place, location: location.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.files.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        sorted(self.files.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        sorted(self.files.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.files.rename_opts(from, to, options).await
    }
}

/// Parts are written in the order in which they were handed over.
#[derive(Debug)]
struct LocalUpload {
    file: Arc<Mutex<Option<LocalFile>>>,
    place: PathBuf,
    location: Path,
}

#[async_trait]
impl MultipartUpload for LocalUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        // Written at once: parts that run side by side could change places.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let done = match file.as_mut() {
            Some(file) => data.iter().try_for_each(|bytes| file.write(bytes)).map_err(io_error),
            None => Err(io_error(ErrorKind::NotFound.into())),
        };
        futures::future::ready(done).boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(file) = file else { return Err(named(io_error(ErrorKind::NotFound.into()), &self.location)) };
        let place = self.place.clone();
        blocking(move || file.place(&place, &PutMode::Overwrite)).await.map_err(|error| named(error, &self.location))?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(())
    }
}
