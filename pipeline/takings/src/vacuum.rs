//! Deletes lake files that no snapshot of the retention needs.

use std::collections::BTreeSet;

use chrono::Duration;
use takings_runs::{RunState, StepFigures};
use uuid::Uuid;

use crate::context::{Context, now};
use crate::failure::Result;
use crate::held::{chore, leased};
use crate::step;

/// By hand, under the same lease as a run: a file that a run has written and not committed yet is never taken for a leftover.
pub async fn by_hand(context: &Context) -> Result<Vec<String>> {
    leased(context, &chore("vacuum".to_owned()), None, async |held| vacuum(context, held.run()).await, |_| (RunState::Nothing, None)).await
}

/// As a step of a run. The files that were deleted.
pub async fn vacuum(context: &Context, run: Uuid) -> Result<Vec<String>> {
    step::recorded(context, run, "vacuum", async {
        let deleted = delete_unneeded(context).await?;
        let figures = StepFigures { files: deleted.len() as u64, ..StepFigures::default() };
        Ok((deleted, figures))
    })
    .await
}

async fn delete_unneeded(context: &Context) -> Result<Vec<String>> {
    let retention = Duration::days(i64::from(context.project.settings.retention_days));
    let mut kept = context.ledger.snapshots_since(now() - retention).await?;
    kept.extend(context.ledger.latest_snapshot().await?);
    let mut deleted = Vec::new();
    for table in context.project.tables.values() {
        if context.lake.state(table, None).await?.is_none() {
            continue;
        }
        let versions: BTreeSet<i64> = kept.iter().filter_map(|snapshot| snapshot.tables.get(&table.name).copied()).collect();
        deleted.extend(context.lake.vacuum(table, &versions, retention).await?);
    }
    Ok(deleted)
}
