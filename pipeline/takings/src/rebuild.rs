//! One table made again from the landing zone, and all that is made from it; what quarantine holds, decoded again.

use takings_runs::RunState;

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::held::{Held, chore, leased};
use crate::job::{bring_up_to_date, publish_all};
use crate::output::Progress;
use crate::publish;
use crate::pull::wanted;

/// Makes a table again, and all that is made from it, unless `only` leaves that and the snapshot to the next run. Under the same lease as a run.
pub async fn rebuild(context: &Context, table: &str, only: bool, progress: &Progress) -> Result<Vec<String>> {
    if only && context.project.table(table)?.layer.is_made() {
        return Err(Failure::usage(format!("--only is for raw tables, and {table} is made by SQL; leave it out")));
    }
    let work = async |held: &Held| {
        let run = held.run();
        let landed = wanted(context, &[]).await?;
        for channel in context.project.channels.values() {
            for export in channel.exports.iter().filter(|export| export.table == table) {
                progress.step("publish", &format!("{} from the landing zone", export.table));
                let records = landed.get(&channel.name).map_or(&[][..], Vec::as_slice);
                let outcome = publish::publish(context, run, channel, export, records, true, None).await?;
                if let Some(stopped) = outcome.stopped().next() {
                    return Err(Failure::run(format!("{} was stopped: {}", stopped.source_path, stopped.stopped.as_deref().unwrap_or_default())));
                }
            }
        }
        if only {
            return Ok(Vec::new());
        }
        let transformed = bring_up_to_date(context, run, |name| name == table, progress).await?;
        Ok(transformed.built.into_iter().map(|built| built.table).collect())
    };
    leased(context, &chore(format!("rebuild {table}")), None, work, |_| (RunState::Nothing, None)).await
}

/// Decodes again what is not published, by the channel files as they are now, and brings all that is made from it up to date. No report is made.
pub async fn replay(context: &Context, progress: &Progress) -> Result<()> {
    let work = async |held: &Held| {
        let run = held.run();
        let landed = wanted(context, &[]).await?;
        publish_all(context, run, &landed, false, None, progress).await?;
        bring_up_to_date(context, run, |_| false, progress).await?;
        Ok(())
    };
    leased(context, &chore("replay".to_owned()), None, work, |()| (RunState::Nothing, None)).await
}
