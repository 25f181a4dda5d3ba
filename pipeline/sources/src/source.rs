//! Where an instance's exports are: a local folder or a bucket. Lists, looks and reads; never changes anything there.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use takings_definitions::Instance;
use takings_storage::{Store, pieces};

use crate::{Error, Result};

/// What tells a changed file from an unchanged one without reading it. Equal fingerprints: not read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    pub size: u64,
    pub modified: DateTime<Utc>,
    pub e_tag: Option<String>,
}

/// One name below the instance's url.
#[derive(Debug)]
pub(crate) struct Entry {
    /// With `/` between names; not exact where the kind is `Unnamed`.
    pub path: String,
    pub kind: EntryKind,
}

#[derive(Debug)]
pub(crate) enum EntryKind {
    File(Fingerprint),
    /// A link, a pipe, a device: never followed.
    Special(&'static str),
    /// The name is no UTF-8.
    Unnamed,
    /// A folder or file that can't be looked into.
    Closed(String),
}

pub(crate) struct Source {
    store: Store,
    name: String,
}

impl Source {
    pub(crate) fn open(instance: &Instance, base: &Path) -> Result<Self> {
        let name = format!("{}.{}", instance.channel, instance.name);
        match Store::open(&instance.url, base) {
            Ok(store) => Ok(Self { store, name }),
            Err(source) => Err(Error::Source { instance: name, source: Box::new(source) }),
        }
    }

    /// All that is below the url except hidden names (those that start with `.` or `_`), sorted by path.
    pub(crate) async fn list(&self) -> Result<Vec<Entry>> {
        let mut found = match self.store.folder() {
            Some(root) => {
                let (root, folder) = (root.to_owned(), root.display().to_string());
                let listed = tokio::task::spawn_blocking(move || walk(&root)).await?;
                listed.map_err(|source| Error::List { instance: self.name.clone(), folder, source })?
            }
            None => self.list_bucket().await?,
        };
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    async fn list_bucket(&self) -> Result<Vec<Entry>> {
        let listed = self.store.list("").await.map_err(|source| Error::Source { instance: self.name.clone(), source: Box::new(source) })?;
        let entries = listed.into_iter().map(|meta| Entry {
            path: meta.location.to_string(),
            kind: EntryKind::File(Fingerprint { size: meta.size, modified: meta.last_modified, e_tag: meta.e_tag }),
        });
        Ok(entries.filter(|entry| !entry.path.split('/').any(is_hidden)).collect())
    }

    /// The file's fingerprint now; `None` when it is gone or no file any more.
    pub(crate) async fn look(&self, path: &str) -> Result<Option<Fingerprint>, String> {
        let Some(root) = self.store.folder() else {
            let meta = self.store.head(path).await.map_err(|error| error.to_string())?;
            return Ok(meta.map(|meta| Fingerprint { size: meta.size, modified: meta.last_modified, e_tag: meta.e_tag }));
        };
        let file = root.join(path);
        let looked = tokio::task::spawn_blocking(move || match std::fs::symlink_metadata(&file) {
            Ok(meta) if meta.is_file() => fingerprint(&meta).map(Some),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        });
        looked.await.map_err(|error| error.to_string())?.map_err(|error| format!("it can't be looked at: {error}"))
    }

    /// The first `size` bytes of a file, in pieces.
    pub(crate) fn read(&self, path: &str, size: u64) -> impl Stream<Item = Result<Bytes, String>> + Send + 'static {
        futures::stream::iter(pieces(size)).zip(self.store.pieces(path, size)).map(|(range, read)| match read {
            Ok(bytes) if bytes.len() as u64 == range.end - range.start => Ok(bytes),
            Ok(_) => Err("it is shorter than its folder said".to_owned()),
            Err(error) => Err(error.to_string()),
        })
    }
}

fn is_hidden(name: &str) -> bool {
    name.starts_with(['.', '_'])
}

/// A root that can't be listed is an error; what can't be looked into below it is an entry.
fn walk(root: &Path) -> std::io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    let mut folders: Vec<(PathBuf, String)> = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let listed = std::fs::read_dir(&folder).and_then(|entries| entries.collect::<std::io::Result<Vec<_>>>());
        let entries = match listed {
            Ok(entries) => entries,
            Err(error) if prefix.is_empty() => return Err(error),
            Err(error) => {
                found.push(Entry { path: prefix, kind: EntryKind::Closed(format!("the folder can't be listed: {error}; check its rights")) });
                continue;
            }
        };
        for entry in entries {
            let file_name = entry.file_name();
            let name = file_name.to_string_lossy();
            if is_hidden(&name) {
                continue;
            }
            let path = format!("{prefix}{name}");
            let kind = match entry.metadata() {
                // Not followed: this is the metadata of the name itself.
                Ok(_) if file_name.to_str().is_none() => EntryKind::Unnamed,
                Ok(meta) if meta.is_dir() => {
                    folders.push((entry.path(), format!("{path}/")));
                    continue;
                }
                Ok(meta) if meta.is_file() => match fingerprint(&meta) {
                    Ok(fingerprint) => EntryKind::File(fingerprint),
                    Err(error) => EntryKind::Closed(error.to_string()),
                },
                Ok(meta) if meta.is_symlink() => EntryKind::Special("a link, and links are not followed"),
                Ok(_) => EntryKind::Special("not a regular file"),
                // Deleted since the folder was listed.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => EntryKind::Closed(format!("it can't be looked at: {error}; check its rights")),
            };
            found.push(Entry { path, kind });
        }
    }
    Ok(found)
}

fn fingerprint(meta: &std::fs::Metadata) -> std::io::Result<Fingerprint> {
    Ok(Fingerprint { size: meta.len(), modified: DateTime::from(meta.modified()?), e_tag: e_tag(meta) })
}

/// Another file under the same name, or one changed with its old time put back, has another tag.
#[cfg(unix)]
fn e_tag(meta: &std::fs::Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    Some(format!("{:x}-{:x}-{:x}", meta.ino(), meta.ctime(), meta.ctime_nsec()))
}

#[cfg(not(unix))]
fn e_tag(_meta: &std::fs::Metadata) -> Option<String> {
    None
}
