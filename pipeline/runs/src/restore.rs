//! What a lost ledger knew of deliveries, put back from the manifests beside the report files.

use chrono::{DateTime, Utc};
use takings_definitions::Interval;
use uuid::Uuid;

use crate::deliveries::insert_delivery;
use crate::query::query;
use crate::row::{self, stamp};
use crate::{Delivery, Ledger, Result, Run};

/// A tick whose reports stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    pub job: String,
    pub tick: DateTime<Utc>,
    pub interval: Interval,
    pub known_at: DateTime<Utc>,
    /// Their `run` is the restored one, whatever they say.
    pub deliveries: Vec<Delivery>,
}

const NOTE: &str = "restored from the manifests of its reports";

impl Ledger {
    /// Has any job but that with this name ever run?
    pub async fn has_runs_beside(&self, job: &str) -> Result<bool> {
        let row = self.row("has_runs", query("SELECT COUNT(*) AS n FROM runs WHERE job <> $1").bind(job)).await?;
        Ok(row::count(&row.ok_or(sqlx::Error::RowNotFound)?, "n")? > 0)
    }

    /// Records a tick as delivered, with its reports, by a run that restores. Nothing is delivered again.
    pub async fn restore_delivered(&self, restored: &Restored, by: &Run, now: DateTime<Utc>) -> Result<()> {
        let id = Uuid::new_v4();
        let mut change = self.write("restore").await?;
        change
            .execute(
                query(
                    "INSERT INTO runs (id, job, tick, interval_start, interval_end, known_at, number, attempt, retry, state, started_at, ended_at, host, program_version)
                     VALUES ($1, $2, $3, $4, $5, $6, 1, 1, 0, 'delivered', $7, $8, $9, $10)",
                )
                .bind(id.to_string())
                .bind(&restored.job)
                .bind(stamp(restored.tick))
                .bind(stamp(restored.interval.start))
                .bind(stamp(restored.interval.end))
                .bind(stamp(restored.known_at))
                .bind(stamp(now))
                .bind(stamp(now))
                .bind(&by.host)
                .bind(&by.program_version),
            )
            .await?;
        change
            .execute(
                query(
                    "INSERT INTO ticks (job, tick, interval_start, interval_end, known_at, state, run_id, note, changed_at)
                     VALUES ($1, $2, $3, $4, $5, 'delivered', $6, $7, $8)",
                )
                .bind(&restored.job)
                .bind(stamp(restored.tick))
                .bind(stamp(restored.interval.start))
                .bind(stamp(restored.interval.end))
                .bind(stamp(restored.known_at))
                .bind(id.to_string())
                .bind(NOTE)
                .bind(stamp(now)),
            )
            .await?;
        change
            .execute(
                query(
                    "INSERT INTO tick_moves (job, tick, position, state, moved_at, host, program_version, run_id, note)
                     VALUES ($1, $2, 1, 'delivered', $3, $4, $5, $6, $7)",
                )
                .bind(&restored.job)
                .bind(stamp(restored.tick))
                .bind(stamp(now))
                .bind(&by.host)
                .bind(&by.program_version)
                .bind(id.to_string())
                .bind(NOTE),
            )
            .await?;
        for delivery in &restored.deliveries {
            change.execute(insert_delivery(&Delivery { run: id, ..delivery.clone() })?).await?;
        }
        change.commit().await
    }
}
