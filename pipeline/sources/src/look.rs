//! Looking without touching: what a pull would find, by listing alone.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use takings_definitions::{Channel, Instance};

use crate::pull::{is_unchanged, recognise};
use crate::source::Source;
use crate::{Change, Landing, Pulled, Result};

/// A file of the source as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub path: String,
    pub size: u64,
    /// `None`: a pull would not read it.
    pub export: Option<String>,
    /// New or unchanged; `Rewritten` stands for any change, as its kind shows only when the file is read. `None`: a pull would not read it.
    pub change: Option<Change>,
    /// When the source says it was last changed. `None`: a pull would not read it.
    pub modified: Option<DateTime<Utc>>,
    /// Why a pull would not read it.
    pub left: Option<Left>,
}

/// Why a pull passes a file over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// No export matches.
    Unknown,
    /// An export matches, but it is no file.
    Ignored(&'static str),
    /// More than one export matches: the run fails.
    Ambiguous(Vec<String>),
    /// It can't be read: the run fails.
    Failed(String),
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.write_str("fits no export"),
            Self::Ignored(reason) => f.write_str(reason),
            Self::Ambiguous(exports) => write!(f, "fits several exports ({}); make their path patterns differ", exports.join(", ")),
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}

impl Left {
    /// Whether a run fails for it.
    pub fn fails(&self) -> bool {
        matches!(self, Self::Ambiguous(_) | Self::Failed(_))
    }
}

impl Landing {
    /// What is at the instance's url now, compared with what was landed. `landing` is `None` where there is no store yet.
    pub async fn look(landing: Option<&Self>, instance: &Instance, channel: &Channel, base: &Path) -> Result<Vec<Seen>> {
        let entries = Source::open(instance, base)?.list().await?;
        let landed = match landing {
            Some(landing) => landing.landed(&instance.channel, &instance.name).await?.files,
            None => BTreeMap::new(),
        };
        let mut passed_over = Pulled::default();
        let mut seen: Vec<Seen> = recognise(entries, channel, &mut passed_over)
            .into_iter()
            .map(|found| {
                let before = landed.get(&found.path);
                let change = match before {
                    None => Change::New,
                    Some(_) if is_unchanged(&found, before) => Change::Unchanged,
                    Some(_) => Change::Rewritten,
                };
                Seen {
                    size: found.fingerprint.size,
                    modified: Some(found.fingerprint.modified),
                    export: Some(found.export.name.clone()),
                    change: Some(change),
                    left: None,
                    path: found.path,
                }
            })
            .collect();
        let left = |path: String, left: Left| Seen { path, size: 0, export: None, change: None, modified: None, left: Some(left) };
        seen.extend(passed_over.unknown.into_iter().map(|path| left(path, Left::Unknown)));
        seen.extend(passed_over.ignored.into_iter().map(|ignored| left(ignored.path, Left::Ignored(ignored.reason))));
        seen.extend(passed_over.ambiguous.into_iter().map(|found| left(found.path, Left::Ambiguous(found.exports))));
        seen.extend(passed_over.failed.into_iter().map(|failure| left(failure.path, Left::Failed(failure.reason))));
        seen.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(seen)
    }
}
