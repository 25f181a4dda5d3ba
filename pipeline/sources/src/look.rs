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
    /// `None`: no export matches.
    pub export: Option<String>,
    /// New or unchanged; `Rewritten` stands for any change, as its kind shows only when the file is read. `None`: no export matches.
    pub change: Option<Change>,
    /// When the source says it was last changed. `None`: no export matches.
    pub modified: Option<DateTime<Utc>>,
}

impl Landing {
    /// What is at the instance's url now, compared with what was landed. `landing` is `None` where there is no store yet.
    pub async fn look(landing: Option<&Self>, instance: &Instance, channel: &Channel, base: &Path) -> Result<Vec<Seen>> {
        let entries = Source::open(instance, base)?.list().await?;
        let landed = match landing {
            Some(landing) => landing.landed(&instance.channel, &instance.name).await?,
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
                    path: found.path,
                }
            })
            .collect();
        seen.extend(passed_over.unknown.into_iter().map(|path| Seen { path, size: 0, export: None, change: None, modified: None }));
        seen.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(seen)
    }
}
