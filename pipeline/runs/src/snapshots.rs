//! Snapshots: which version of each table belongs together. A run is seen whole or not at all, because readers read snapshots.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::query::{Row, query};
use crate::row::{self, stamp};
use crate::{Error, Ledger, Result, RunState, run};

/// Table → version in the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub id: Uuid,
    pub run: Option<Uuid>,
    pub taken_at: DateTime<Utc>,
    pub tables: BTreeMap<String, i64>,
}

impl Ledger {
    /// Records a snapshot with all its tables, or nothing; refused for a run that was taken over. The newest recorded is the latest, whatever the times say.
    pub async fn record_snapshot(&self, run: Option<Uuid>, tables: &BTreeMap<String, i64>, taken_at: DateTime<Utc>) -> Result<Snapshot> {
        let snapshot = Snapshot { id: Uuid::new_v4(), run, taken_at, tables: tables.clone() };
        let mut transaction = self.write("record_snapshot").await?;
        if let Some(id) = run
            && let Some(run) = run::find(&mut transaction, id).await?
            && run.state == RunState::Failed
        {
            // Another process has taken over: what this one still has is not the newest any more.
            return Err(Error::LeaseLost { run: id, why: run.error.unwrap_or_default() });
        }
        transaction
            .execute(
                query("INSERT INTO snapshots (id, sequence, run_id, taken_at) VALUES ($1, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM snapshots), $2, $3)")
                    .bind(snapshot.id.to_string())
                    .bind(run.map(|run| run.to_string()))
                    .bind(stamp(taken_at)),
            )
            .await?;
        for (table, version) in tables {
            transaction
                .execute(
                    query("INSERT INTO snapshot_tables (snapshot_id, table_name, version) VALUES ($1, $2, $3)")
                        .bind(snapshot.id.to_string())
                        .bind(table)
                        .bind(*version),
                )
                .await?;
        }
        transaction.commit().await?;
        Ok(snapshot)
    }

    // Each of these is one statement: a snapshot is never read while it is half written.

    pub async fn latest_snapshot(&self) -> Result<Option<Snapshot>> {
        let rows = self
            .rows(
                "latest_snapshot",
                query(
                    "SELECT s.id, s.run_id, s.taken_at, t.table_name, t.version FROM snapshots s LEFT JOIN snapshot_tables t ON t.snapshot_id = s.id
             WHERE s.sequence = (SELECT MAX(sequence) FROM snapshots)",
                ),
            )
            .await?;
        Ok(gather(&rows)?.pop())
    }

    pub async fn snapshot(&self, id: Uuid) -> Result<Option<Snapshot>> {
        let rows = self.rows("snapshot", query(
            "SELECT s.id, s.run_id, s.taken_at, t.table_name, t.version FROM snapshots s LEFT JOIN snapshot_tables t ON t.snapshot_id = s.id WHERE s.id = $1",
        )
        .bind(id.to_string())).await?;
        Ok(gather(&rows)?.pop())
    }

    /// Snapshots taken at or after a time, oldest first: what readers may still use.
    pub async fn snapshots_since(&self, time: DateTime<Utc>) -> Result<Vec<Snapshot>> {
        let rows = self
            .rows(
                "snapshots_since",
                query(
                    "SELECT s.id, s.run_id, s.taken_at, t.table_name, t.version FROM snapshots s LEFT JOIN snapshot_tables t ON t.snapshot_id = s.id
             WHERE s.taken_at >= $1 ORDER BY s.sequence",
                )
                .bind(stamp(time)),
            )
            .await?;
        gather(&rows)
    }

    pub(crate) async fn snapshots_of(&self, run: Uuid) -> Result<Vec<Snapshot>> {
        let rows = self
            .rows(
                "snapshots_of",
                query(
                    "SELECT s.id, s.run_id, s.taken_at, t.table_name, t.version FROM snapshots s LEFT JOIN snapshot_tables t ON t.snapshot_id = s.id
             WHERE s.run_id = $1 ORDER BY s.sequence",
                )
                .bind(run.to_string()),
            )
            .await?;
        gather(&rows)
    }
}

/// One snapshot per run of rows with the same id; a snapshot without tables is one row without a table.
fn gather(rows: &[Row]) -> Result<Vec<Snapshot>> {
    let mut found: Vec<Snapshot> = Vec::new();
    for row in rows {
        let id = row::id(row, "id")?;
        if found.last().is_none_or(|last| last.id != id) {
            found.push(Snapshot { id, run: row::optional_id(row, "run_id")?, taken_at: row::time(row, "taken_at")?, tables: BTreeMap::new() });
        }
        if let (Some(table), Some(last)) = (row::optional_text(row, "table_name")?, found.last_mut()) {
            last.tables.insert(table, row::number(row, "version")?);
        }
    }
    Ok(found)
}
