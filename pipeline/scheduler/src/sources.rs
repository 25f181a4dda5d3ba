//! What a look at the sources has shown, as far as a job must know it before it starts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use takings_definitions::{Interval, Ready};

/// The files of a job's exports, seen without reading them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Look {
    /// How many files there are, at the sources or landed before.
    pub files: u64,
    /// Export → when its newest file was changed; over several instances, where that is longest ago. `None`: an instance has no file of it.
    pub changed: BTreeMap<String, Option<DateTime<Utc>>>,
    /// Why the sources could not be looked at. The run then finds out by itself.
    pub failed: Option<String>,
}

impl Look {
    /// The exports that have not come: no file of them was changed after the interval ended.
    pub(crate) fn missing(&self, ready: &Ready, interval: Interval) -> Vec<String> {
        let came = |export: &String| self.changed.get(export).copied().flatten().is_some_and(|changed| changed >= interval.end);
        ready.exports.iter().filter(|export| !came(export)).cloned().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.files == 0 && self.failed.is_none()
    }
}
