//! What a pull knew of an instance's files when it ended, in one file: the next one need not read the record of each.
//!
//! It only spares work. Which version of a file is current, the listed records say; of what is not in here as listed, record and `seen.json` are read.

use std::collections::BTreeMap;

use crate::landing::{Landed, Landing};
use crate::record::name_part;
use crate::{Error, Result};

impl Landing {
    /// By the path of the record. Nothing where there is no index yet, or one that can't be understood.
    pub(crate) async fn indexed(&self, channel: &str, instance: &str) -> Result<BTreeMap<String, Landed>> {
        let bytes = match self.store().get(&index_path(channel, instance)).await {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Ok(BTreeMap::new()),
            Err(error) => return Err(error.into()),
        };
        let indexed: Vec<Landed> = serde_json::from_slice(&bytes).unwrap_or_default();
        let sound = indexed.into_iter().filter(|landed| landed.record.is_sound().is_ok());
        Ok(sound.map(|landed| (landed.record.path(), landed)).collect())
    }

    pub(crate) async fn write_index(&self, channel: &str, instance: &str, landed: &BTreeMap<String, Landed>) -> Result<()> {
        let path = index_path(channel, instance);
        let all: Vec<&Landed> = landed.values().collect();
        let mut json = serde_json::to_vec(&all).map_err(|error| Error::Record { path: path.clone(), reason: error.to_string() })?;
        json.push(b'\n');
        Ok(self.store().replace(&path, json).await?)
    }
}

fn index_path(channel: &str, instance: &str) -> String {
    format!("landing/index/{}/{}.json", name_part(channel), name_part(instance))
}
