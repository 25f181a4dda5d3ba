//! The steps of a run: pull, land, decode, publish, transform, check, emit, with what went through each.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::query::{Row, query};
use crate::row::{self, stamp};
use crate::{Error, Ledger, Result};

/// A step that was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StepKey {
    pub run: Uuid,
    pub position: i64,
}

/// What went through a step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepFigures {
    pub rows: u64,
    pub bytes: u64,
    pub files: u64,
    /// What else is worth knowing; an object.
    pub detail: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub key: StepKey,
    pub name: String,
    pub started_at: DateTime<Utc>,
    /// `None` while it runs, and for ever when its process died in it.
    pub ended_at: Option<DateTime<Utc>>,
    pub figures: StepFigures,
}

impl Ledger {
    pub async fn start_step(&self, run: Uuid, name: &str, now: DateTime<Utc>) -> Result<StepKey> {
        let row = self
            .change_one(
                "start_step",
                query(
                    "INSERT INTO steps (run_id, position, name, started_at)
             VALUES ($1, (SELECT COALESCE(MAX(position), 0) + 1 FROM steps WHERE run_id = $1), $2, $3) RETURNING position",
                )
                .bind(run.to_string())
                .bind(name)
                .bind(stamp(now)),
            )
            .await?;
        Ok(StepKey { run, position: row::number(&row, "position")? })
    }

    /// Ends a step, once.
    pub async fn end_step(&self, step: StepKey, figures: &StepFigures, now: DateTime<Utc>) -> Result<()> {
        let done = self
            .change(
                "end_step",
                query(
                    "UPDATE steps SET ended_at = $1, row_count = $2, byte_count = $3, file_count = $4, detail = $5
             WHERE run_id = $6 AND position = $7 AND ended_at IS NULL",
                )
                .bind(stamp(now))
                .bind(row::figure("rows", figures.rows)?)
                .bind(row::figure("bytes", figures.bytes)?)
                .bind(row::figure("files", figures.files)?)
                .bind(row::json("detail", &figures.detail)?)
                .bind(step.run.to_string())
                .bind(step.position),
            )
            .await?;
        if done == 1 { Ok(()) } else { Err(Error::Step { run: step.run, position: step.position }) }
    }

    /// The steps of a run in the order in which they started.
    pub async fn steps(&self, run: Uuid) -> Result<Vec<Step>> {
        let rows = self.rows("steps", query("SELECT * FROM steps WHERE run_id = $1 ORDER BY position").bind(run.to_string())).await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Step> {
    Ok(Step {
        key: StepKey { run: row::id(row, "run_id")?, position: row::number(row, "position")? },
        name: row::text(row, "name")?,
        started_at: row::time(row, "started_at")?,
        ended_at: row::optional_time(row, "ended_at")?,
        figures: StepFigures {
            rows: row::count(row, "row_count")?,
            bytes: row::count(row, "byte_count")?,
            files: row::count(row, "file_count")?,
            detail: row::from_json(row, "detail")?,
        },
    })
}
