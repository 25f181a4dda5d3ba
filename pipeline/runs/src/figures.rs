//! Sums over the ledger, for those who watch from outside.

use chrono::{DateTime, Utc};

use crate::query::query;
use crate::row;
use crate::{Ledger, Result};

/// What the ledger adds up to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    pub ticks: Vec<Count>,
    pub runs: Vec<Count>,
    /// Job → ticks that are overdue and not done.
    pub late: Vec<(String, u64)>,
    pub done: Vec<NewestDone>,
    pub steps: Vec<StepSum>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    pub job: String,
    pub state: String,
    pub count: u64,
}

/// The newest tick of a job that is done, and when it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestDone {
    pub job: String,
    pub tick: DateTime<Utc>,
    pub at: DateTime<Utc>,
}

/// All ended steps of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepSum {
    pub name: String,
    pub count: u64,
    pub rows: u64,
    pub bytes: u64,
    pub files: u64,
}

impl Ledger {
    pub async fn figures(&self) -> Result<Figures> {
        let ticks = self.counts("SELECT job, state, COUNT(*) AS count FROM ticks GROUP BY job, state ORDER BY job, state").await?;
        let runs = self.counts("SELECT job, state, COUNT(*) AS count FROM runs GROUP BY job, state ORDER BY job, state").await?;
        let mut figures = Figures { ticks, runs, ..Figures::default() };
        let late = "SELECT job, COUNT(*) AS count FROM ticks WHERE late_since IS NOT NULL AND state NOT IN ('delivered', 'nothing', 'empty', 'skipped')
             GROUP BY job ORDER BY job";
        for found in self.rows("figures", query(late)).await? {
            figures.late.push((row::text(&found, "job")?, row::count(&found, "count")?));
        }
        let done = "SELECT job, tick, changed_at FROM ticks newest WHERE state IN ('delivered', 'nothing', 'empty')
             AND tick = (SELECT MAX(tick) FROM ticks WHERE ticks.job = newest.job AND ticks.state IN ('delivered', 'nothing', 'empty')) ORDER BY job";
        for found in self.rows("figures", query(done)).await? {
            figures.done.push(NewestDone { job: row::text(&found, "job")?, tick: row::time(&found, "tick")?, at: row::time(&found, "changed_at")? });
        }
        let steps = "SELECT name, COUNT(*) AS count, CAST(SUM(row_count) AS BIGINT) AS row_count,
                 CAST(SUM(byte_count) AS BIGINT) AS byte_count, CAST(SUM(file_count) AS BIGINT) AS file_count
             FROM steps WHERE ended_at IS NOT NULL GROUP BY name ORDER BY name";
        for found in self.rows("figures", query(steps)).await? {
            figures.steps.push(StepSum {
                name: row::text(&found, "name")?,
                count: row::count(&found, "count")?,
                rows: row::count(&found, "row_count")?,
                bytes: row::count(&found, "byte_count")?,
                files: row::count(&found, "file_count")?,
            });
        }
        Ok(figures)
    }

    async fn counts(&self, sql: &'static str) -> Result<Vec<Count>> {
        let rows = self.rows("figures", query(sql)).await?;
        rows.iter().map(|found| Ok(Count { job: row::text(found, "job")?, state: row::text(found, "state")?, count: row::count(found, "count")? })).collect()
    }
}
