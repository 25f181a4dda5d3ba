//! One table made again from the landing zone, and all that is made from it.

use takings_definitions::Interval;
use takings_runs::{Claim, NewRun, RunState};

use crate::context::{Context, now};
use crate::failure::{Failure, Result};
use crate::held::Held;
use crate::job::{mirror_all, record_snapshot, transform_all};
use crate::output::Progress;
use crate::publish;
use crate::pull::landed;

/// Makes a table again, and all that is made from it. Under the same lease as a run.
pub async fn rebuild(context: &Context, table: &str, progress: &Progress) -> Result<Vec<String>> {
    let at = now();
    let new = NewRun {
        id: None,
        job: format!("rebuild {table}"),
        tick: at,
        interval: Interval { start: at, end: at },
        known_at: at,
        claim: Claim::Chore,
        note: None,
    };
    let held = Held::begin(context, &new).await?;
    let run = held.run();
    context.ledger.move_run(run, RunState::Running, None, now()).await?;
    let work = async {
        let landed = landed(context, &[]).await?;
        for channel in context.project.channels.values() {
            for export in channel.exports.iter().filter(|export| export.table == table) {
                progress.step("publish", &format!("{} from the landing zone", export.table));
                let records = landed.get(&channel.name).map_or(&[][..], Vec::as_slice);
                let outcome = publish::publish(context, run, channel, export, records, true).await?;
                if let Some(stopped) = outcome.stopped().next() {
                    return Err(Failure::run(format!("{} was stopped: {}", stopped.source_path, stopped.stopped.as_deref().unwrap_or_default())));
                }
            }
        }
        let transformed = transform_all(context, run, |name| name == table, progress).await?;
        record_snapshot(context, run, &transformed).await?;
        context.ledger.move_run(run, RunState::Published, None, now()).await?;
        mirror_all(context, run, &transformed, false, progress).await?;
        Ok(transformed.built.into_iter().map(|built| built.table).collect())
    };
    let outcome = held.within(None, work).await;
    let message = outcome.as_ref().err().map(ToString::to_string);
    let state = if message.is_some() { RunState::Failed } else { RunState::Nothing };
    held.end(context, state, message.as_deref()).await?;
    outcome
}
