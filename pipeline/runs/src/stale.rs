//! Delivered reports that rows belong to which became known after they were made.

use chrono::{DateTime, Utc};

use crate::query::{Row, query};
use crate::row::{self, figure, stamp};
use crate::{Ledger, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleReport {
    pub job: String,
    pub report: String,
    pub instance: String,
    pub tick: DateTime<Utc>,
    /// How many rows became known later.
    pub rows: u64,
    /// When the last of them became known.
    pub known_until: DateTime<Utc>,
    pub found_at: DateTime<Utc>,
}

impl Ledger {
    /// Records what is stale. `true`: it is news.
    pub async fn record_stale(&self, stale: &StaleReport) -> Result<bool> {
        let done = self
            .change(
                "record_stale",
                query(
                    "INSERT INTO stale_reports (job, report, instance, tick, row_count, known_until, found_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (report, instance, tick) DO UPDATE SET job = excluded.job, row_count = excluded.row_count, known_until = excluded.known_until,
                 found_at = excluded.found_at
             WHERE stale_reports.row_count <> excluded.row_count OR stale_reports.known_until <> excluded.known_until",
                )
                .bind(&stale.job)
                .bind(&stale.report)
                .bind(&stale.instance)
                .bind(stamp(stale.tick))
                .bind(figure("rows", stale.rows)?)
                .bind(stamp(stale.known_until))
                .bind(stamp(stale.found_at)),
            )
            .await?;
        Ok(done == 1)
    }

    /// Stale reports that no delivery has mended: none was made with all of the late rows.
    pub async fn stale_reports(&self) -> Result<Vec<StaleReport>> {
        let rows = self
            .rows(
                "stale_reports",
                query(
                    "SELECT * FROM stale_reports stale WHERE NOT EXISTS (
                 SELECT 1 FROM deliveries WHERE deliveries.report = stale.report AND deliveries.instance = stale.instance AND deliveries.tick = stale.tick
                     AND deliveries.state IN ('delivered', 'unchanged') AND deliveries.known_at >= stale.known_until)
             ORDER BY tick, report, instance",
                ),
            )
            .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<StaleReport> {
    Ok(StaleReport {
        job: row::text(row, "job")?,
        report: row::text(row, "report")?,
        instance: row::text(row, "instance")?,
        tick: row::time(row, "tick")?,
        rows: row::count(row, "row_count")?,
        known_until: row::time(row, "known_until")?,
        found_at: row::time(row, "found_at")?,
    })
}
