//! Of what each mart was built last: an unchanged mart is not built again, and a changed one can be built in part.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::query::query;
use crate::row::{self, stamp};
use crate::{Ledger, Result};

/// The last build of a mart. The same `definition_hash` and `inputs` again: nothing to do. Other inputs only: the partitions that
/// changed between them. Another definition: all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelState {
    /// Over the mart's SQL, that of the views it reads, its contract and the parameters in it.
    pub definition_hash: String,
    /// The tables it read → their versions.
    pub inputs: BTreeMap<String, i64>,
    /// The mart's own version in the lake.
    pub version: i64,
}

impl Ledger {
    pub async fn model_state(&self, table: &str) -> Result<Option<ModelState>> {
        let row = self.row("model_state", query("SELECT definition_hash, inputs, version FROM models WHERE table_name = $1").bind(table)).await?;
        let read = |row| {
            Ok(ModelState {
                definition_hash: row::text(row, "definition_hash")?,
                inputs: row::from_json(row, "inputs")?,
                version: row::number(row, "version")?,
            })
        };
        row.as_ref().map(read).transpose()
    }

    pub async fn set_model_state(&self, run: Option<Uuid>, table: &str, state: &ModelState, now: DateTime<Utc>) -> Result<()> {
        self.change(
            "set_model_state",
            query(
                "INSERT INTO models (table_name, definition_hash, inputs, version, run_id, built_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (table_name) DO UPDATE SET definition_hash = excluded.definition_hash, inputs = excluded.inputs, version = excluded.version,
                 run_id = excluded.run_id, built_at = excluded.built_at",
            )
            .bind(table)
            .bind(&state.definition_hash)
            .bind(row::json("inputs", &state.inputs)?)
            .bind(state.version)
            .bind(run.map(|run| run.to_string()))
            .bind(stamp(now)),
        )
        .await?;
        Ok(())
    }

    /// Files of a table were rearranged: whatever was made from its version `from` counts as made from `to`, and so does the newest snapshot.
    pub async fn rearranged(&self, run: Uuid, table: &str, from: i64, to: i64, now: DateTime<Utc>) -> Result<()> {
        if let Some(mut latest) = self.latest_snapshot().await?
            && latest.tables.get(table) == Some(&from)
        {
            latest.tables.insert(table.to_owned(), to);
            self.record_snapshot(Some(run), &latest.tables, now).await?;
        }
        let mut transaction = self.write("rearranged").await?;
        for row in transaction.rows(query("SELECT table_name, inputs FROM models")).await? {
            let mut inputs: BTreeMap<String, i64> = row::from_json(&row, "inputs")?;
            if inputs.get(table) == Some(&from) {
                inputs.insert(table.to_owned(), to);
                let update = query("UPDATE models SET inputs = $1 WHERE table_name = $2");
                transaction.execute(update.bind(row::json("inputs", &inputs)?).bind(row::text(&row, "table_name")?)).await?;
            }
        }
        transaction.commit().await
    }

    /// Forgets a mart's build, so that the next run builds it whole.
    pub async fn forget_model(&self, table: &str) -> Result<()> {
        self.change("forget_model", query("DELETE FROM models WHERE table_name = $1").bind(table)).await?;
        Ok(())
    }
}
