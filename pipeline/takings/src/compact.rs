//! Makes few lake files of the many small ones that growing exports leave, a file per delivered tail.
//!
//! Only raw tables: marts are written a month at a time. The rows stay what they are, so that nothing is made again because of it.

use takings_definitions::Layer;
use takings_lake::Compacted;
use takings_runs::{RunState, StepFigures};
use uuid::Uuid;

use crate::context::{Context, now};
use crate::failure::Result;
use crate::held::{chore, leased};
use crate::step;

/// A table and what became of its files.
pub type CompactedTable = (String, Compacted);

pub async fn by_hand(context: &Context) -> Result<Vec<CompactedTable>> {
    leased(context, &chore("compact".to_owned()), None, async |held| compact(context, held.run()).await, |_| (RunState::Nothing, None)).await
}

/// As a step of a run.
pub async fn compact(context: &Context, run: Uuid) -> Result<Vec<CompactedTable>> {
    step::recorded(context, run, "compact", async {
        let mut done = Vec::new();
        for table in context.project.tables.values().filter(|table| table.layer == Layer::Raw) {
            context.reach("compact")?;
            if let Some(compacted) = context.lake.compact(table).await? {
                // Until this is recorded the table counts as changed: marts are made again, with the same rows.
                context.ledger.rearranged(run, &table.name, compacted.from, compacted.version, now()).await?;
                done.push((table.name.clone(), compacted));
            }
        }
        let figures = StepFigures { files: done.iter().map(|(_, compacted)| compacted.files as u64).sum(), ..StepFigures::default() };
        Ok((done, figures))
    })
    .await
}
