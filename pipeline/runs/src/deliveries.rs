//! What each run decided about each report: written, unchanged, not made, skipped or in conflict.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::query::{Query, Row, query};
use crate::row::{self, figure, stamp};
use crate::{Error, Ledger, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub run: Uuid,
    pub report: String,
    pub instance: String,
    pub tick: DateTime<Utc>,
    pub state: DeliveryState,
    /// Under the store; `None` where no file stands.
    pub path: Option<String>,
    pub sha256: Option<String>,
    pub bytes: Option<u64>,
    pub run_key: Option<String>,
    pub known_at: DateTime<Utc>,
    /// 1 for the first file of a tick; a restatement is 2, 3, ….
    pub revision: u64,
    pub delivered_at: DateTime<Utc>,
    /// Why, where the state alone does not say it.
    pub note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// The file was written.
    Delivered,
    /// The file stands already with the same bytes.
    Unchanged,
    /// No data, or not due.
    NotMade,
    /// What it needs is missing or was stopped.
    Skipped,
    /// Other bytes stand for this tick, and nobody asked to restate them.
    Conflict,
}

impl DeliveryState {
    pub const ALL: [Self; 5] = [Self::Delivered, Self::Unchanged, Self::NotMade, Self::Skipped, Self::Conflict];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Unchanged => "unchanged",
            Self::NotMade => "not_made",
            Self::Skipped => "skipped",
            Self::Conflict => "conflict",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

pub(crate) fn insert_delivery(delivery: &Delivery) -> Result<Query> {
    Ok(query(
        "INSERT INTO deliveries (run_id, report, instance, tick, state, path, sha256, byte_count, run_key, known_at, revision, delivered_at, note)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             ON CONFLICT (run_id, report, instance) DO UPDATE SET tick = excluded.tick, state = excluded.state, path = excluded.path,
                 sha256 = excluded.sha256, byte_count = excluded.byte_count, run_key = excluded.run_key, known_at = excluded.known_at,
                 revision = excluded.revision, delivered_at = excluded.delivered_at, note = excluded.note",
    )
    .bind(delivery.run.to_string())
    .bind(&delivery.report)
    .bind(&delivery.instance)
    .bind(stamp(delivery.tick))
    .bind(delivery.state.as_str())
    .bind(&delivery.path)
    .bind(&delivery.sha256)
    .bind(delivery.bytes.map(|bytes| figure("bytes", bytes)).transpose()?)
    .bind(&delivery.run_key)
    .bind(stamp(delivery.known_at))
    .bind(figure("revision", delivery.revision)?)
    .bind(stamp(delivery.delivered_at))
    .bind(&delivery.note))
}

/// A tick of a report whose file stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub instance: String,
    pub tick: DateTime<Utc>,
    /// The latest of its deliveries.
    pub known_at: DateTime<Utc>,
}

/// Which deliveries to list; what is `None` does not narrow.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    pub run: Option<Uuid>,
    pub report: Option<String>,
    pub instance: Option<String>,
    pub tick: Option<DateTime<Utc>>,
    pub state: Option<DeliveryState>,
    /// At most so many, the newest.
    pub limit: Option<u64>,
}

impl Ledger {
    /// Records a run's decision about a report; the same run may say it again.
    pub async fn record_delivery(&self, delivery: &Delivery) -> Result<()> {
        self.change("record_delivery", insert_delivery(delivery)?).await?;
        Ok(())
    }

    /// Deliveries, newest first; those of one run by report and instance.
    pub async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<Delivery>> {
        let rows = self
            .rows(
                "deliveries",
                query(
                    "SELECT deliveries.* FROM deliveries JOIN runs ON runs.id = deliveries.run_id
             WHERE (CAST($1 AS TEXT) IS NULL OR run_id = $1) AND (CAST($2 AS TEXT) IS NULL OR report = $2)
               AND (CAST($3 AS TEXT) IS NULL OR instance = $3) AND (CAST($4 AS TEXT) IS NULL OR deliveries.tick = $4)
               AND (CAST($5 AS TEXT) IS NULL OR deliveries.state = $5)
             ORDER BY runs.started_at DESC, runs.id, report, instance LIMIT $6",
                )
                .bind(filter.run.map(|run| run.to_string()))
                .bind(&filter.report)
                .bind(&filter.instance)
                .bind(filter.tick.map(stamp))
                .bind(filter.state.map(DeliveryState::as_str))
                .bind(figure("limit", filter.limit.unwrap_or(i64::MAX as u64))?),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The ticks of a report whose files stand, of the last `window` before the newest of them, at most `limit`: by instance and tick, each with the
    /// latest known-at of its deliveries.
    pub async fn standing(&self, report: &str, window: TimeDelta, limit: u64) -> Result<Vec<Standing>> {
        let newest = query("SELECT MAX(tick) AS tick FROM deliveries WHERE report = $1 AND state IN ('delivered', 'unchanged')").bind(report);
        let newest = match self.row("standing", newest).await? {
            Some(row) => row::optional_time(&row, "tick")?,
            None => None,
        };
        let Some(since) = newest.and_then(|newest| newest.checked_sub_signed(window)) else { return Ok(Vec::new()) };
        let sql = "SELECT instance, tick, MAX(known_at) AS known_at FROM deliveries
             WHERE report = $1 AND state IN ('delivered', 'unchanged') AND tick > $2
             GROUP BY instance, tick ORDER BY tick DESC, instance LIMIT $3";
        let rows = self.rows("standing", query(sql).bind(report).bind(stamp(since)).bind(figure("limit", limit)?)).await?;
        let read = |row: &Row| Ok(Standing { instance: row::text(row, "instance")?, tick: row::time(row, "tick")?, known_at: row::time(row, "known_at")? });
        let mut standing = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        standing.sort_unstable_by(|a, b| (&a.instance, a.tick).cmp(&(&b.instance, b.tick)));
        Ok(standing)
    }
}

fn read(row: &Row) -> Result<Delivery> {
    let state = row::text(row, "state")?;
    let stored_bytes: Option<i64> = row.get("byte_count")?;
    Ok(Delivery {
        run: row::id(row, "run_id")?,
        report: row::text(row, "report")?,
        instance: row::text(row, "instance")?,
        tick: row::time(row, "tick")?,
        state: DeliveryState::named(&state).ok_or(Error::Stored { column: "state", text: state, kind: "state of a delivery" })?,
        path: row::optional_text(row, "path")?,
        sha256: row::optional_text(row, "sha256")?,
        bytes: stored_bytes.map(|_| row::count(row, "byte_count")).transpose()?,
        run_key: row::optional_text(row, "run_key")?,
        known_at: row::time(row, "known_at")?,
        revision: row::count(row, "revision")?,
        delivered_at: row::time(row, "delivered_at")?,
        note: row::optional_text(row, "note")?,
    })
}
