//! What a pull knew of an instance's files when it ended, in one file: the next one need not read the record of each.
//!
//! It only spares work. Which version of a file is current, the listed records say; of what is not in here as listed, record and `seen.json` are read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::fetch::Seen;
use crate::landing::{Landed, Landing};
use crate::record::{LandingRecord, name_part};

#[derive(Serialize, Deserialize)]
struct Indexed {
    record: LandingRecord,
    seen: Option<Seen>,
}

impl Landing {
    /// By the path of the record. Nothing where there is no index yet, or one that can't be understood.
    pub(crate) async fn indexed(&self, channel: &str, instance: &str) -> Result<BTreeMap<String, Landed>> {
        let bytes = match self.store().get(&index_path(channel, instance)).await {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Ok(BTreeMap::new()),
            Err(error) => return Err(error.into()),
        };
        let indexed: Vec<Indexed> = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(indexed
            .into_iter()
            .filter(|Indexed { record, .. }| record.channel == channel && record.instance == instance && record.is_sound().is_ok())
            .map(|Indexed { record, seen }| (record.path(), Landed { record, seen }))
            .collect())
    }

    pub(crate) async fn write_index(&self, channel: &str, instance: &str, landed: &BTreeMap<String, Landed>) -> Result<()> {
        let path = index_path(channel, instance);
        let indexed: Vec<Indexed> = landed.values().map(|Landed { record, seen }| Indexed { record: record.clone(), seen: seen.clone() }).collect();
        let mut json = serde_json::to_vec(&indexed).map_err(|error| crate::Error::Record { path: path.clone(), reason: error.to_string() })?;
        json.push(b'\n');
        Ok(self.store().replace(&path, json).await?)
    }
}

fn index_path(channel: &str, instance: &str) -> String {
    format!("landing/index/{}/{}.json", name_part(channel), name_part(instance))
}
