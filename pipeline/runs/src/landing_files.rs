//! The current landing records, for listing and for run keys without reading the landing zone.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use uuid::Uuid;

use crate::query::{Row, query};
use crate::row::{self, figure};
use crate::{Ledger, Result};

/// The current version of one landed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandingFile {
    pub channel: String,
    pub instance: String,
    pub export: String,
    /// Relative to the instance's url.
    pub source_path: String,
    pub file_id: String,
    pub version: u64,
    pub size: u64,
    pub sha256: String,
}

impl Ledger {
    /// Records current versions, all or none. An older version never replaces a newer one.
    pub async fn record_landing(&self, run: Option<Uuid>, files: &[LandingFile]) -> Result<()> {
        let new = self.not_recorded(files).await?;
        if new.is_empty() {
            return Ok(());
        }
        let mut transaction = self.write("record_landing").await?;
        for file in new {
            transaction
                .execute(
                    query(
                        "INSERT INTO landing_files (channel, instance, source_path, export, file_id, version, size, sha256, run_id)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                 ON CONFLICT (channel, instance, source_path) DO UPDATE SET export = excluded.export, file_id = excluded.file_id,
                     version = excluded.version, size = excluded.size, sha256 = excluded.sha256, run_id = excluded.run_id
                 WHERE landing_files.version < excluded.version",
                    )
                    .bind(&file.channel)
                    .bind(&file.instance)
                    .bind(&file.source_path)
                    .bind(&file.export)
                    .bind(&file.file_id)
                    .bind(figure("version", file.version)?)
                    .bind(figure("size", file.size)?)
                    .bind(&file.sha256)
                    .bind(run.map(|run| run.to_string())),
                )
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Those that the ledger does not know in this version or a later one: most files of a night are the same as the night before.
    async fn not_recorded<'a>(&self, files: &'a [LandingFile]) -> Result<Vec<&'a LandingFile>> {
        let mut known: HashMap<(&str, &str), HashMap<String, u64>> = HashMap::new();
        for file in files {
            if let Entry::Vacant(instance) = known.entry((&file.channel, &file.instance)) {
                instance.insert(self.landed_versions(&file.channel, &file.instance).await?);
            }
        }
        let is_new = |file: &&LandingFile| {
            let versions = known.get(&(file.channel.as_str(), file.instance.as_str()));
            versions.and_then(|versions| versions.get(&file.source_path)).is_none_or(|version| *version < file.version)
        };
        Ok(files.iter().filter(is_new).collect())
    }

    async fn landed_versions(&self, channel: &str, instance: &str) -> Result<HashMap<String, u64>> {
        let sql = "SELECT source_path, version FROM landing_files WHERE channel = $1 AND instance = $2";
        let rows = self.rows("landed_versions", query(sql).bind(channel).bind(instance)).await?;
        rows.iter().map(|row| Ok((row::text(row, "source_path")?, row::count(row, "version")?))).collect()
    }

    /// The recorded files of an instance, by path.
    pub async fn landing_files(&self, channel: &str, instance: &str) -> Result<Vec<LandingFile>> {
        let rows = self
            .rows("landing_files", query("SELECT * FROM landing_files WHERE channel = $1 AND instance = $2 ORDER BY source_path").bind(channel).bind(instance))
            .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<LandingFile> {
    Ok(LandingFile {
        channel: row::text(row, "channel")?,
        instance: row::text(row, "instance")?,
        export: row::text(row, "export")?,
        source_path: row::text(row, "source_path")?,
        file_id: row::text(row, "file_id")?,
        version: row::count(row, "version")?,
        size: row::count(row, "size")?,
        sha256: row::text(row, "sha256")?,
    })
}
