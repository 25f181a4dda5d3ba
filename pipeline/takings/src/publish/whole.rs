//! Whole files of any kind, through the general way.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use takings_decode::{FileIdentity, Reject};
use takings_definitions::{Export, Table};
use takings_sources::LandingRecord;
use tokio::runtime::Handle;

use super::{Made, Unit, UnitOutcome, check_accounts};
use crate::context::Context;
use crate::failure::Result;
use crate::general::{General, Read};
use crate::quarantine::{self, Entry, Writer};

pub(super) async fn decode(
    context: &Context,
    table: &Table,
    general: &General,
    others: &[(&Export, General)],
    export: &Export,
    unit: &Unit<'_>,
) -> Result<Made> {
    let record = unit.record;
    let mut outcome = UnitOutcome { unit: unit.key.clone(), ..UnitOutcome::of(record) };
    let file = FileIdentity { instance: record.instance.clone(), file_id: record.file_id.clone(), path: record.source_path.clone() };
    if let Some(why) = refused_by_others(context, others, &file, record)? {
        outcome.stopped = Some(why);
        quarantine_whole(context, general, &file, export, unit, &mut outcome, Vec::new()).await?;
        return Ok(Made::nothing(outcome, Vec::new()));
    }
    let mut writer = context.lake.writer(table, Some(&unit.key))?;
    let read = match general.read(context, export.quarantine_limit, &file, record, Some(&mut writer)) {
        Ok(read) => read,
        Err(failure) if failure.is_data() => {
            writer.abort().await?;
            outcome.stopped = Some(failure.to_string());
            quarantine_whole(context, general, &file, export, unit, &mut outcome, Vec::new()).await?;
            return Ok(Made::nothing(outcome, Vec::new()));
        }
        Err(failure) => {
            writer.abort().await?;
            return Err(failure);
        }
    };
    let why_not = read.why_not();
    let Read { outcome: found, rejects, .. } = read;
    outcome.records = found.records;
    let warnings = found.warnings.iter().map(|warning| format!("{}: {warning}", export.name)).collect();
    if let Some(why) = why_not {
        writer.abort().await?;
        outcome.stopped = Some(why);
        quarantine_whole(context, general, &file, export, unit, &mut outcome, rejects.into_kept()).await?;
        return Ok(Made::nothing(outcome, warnings));
    }
    outcome.published = found.published;
    outcome.rows = found.rows;
    outcome.quarantined = found.quarantined;
    outcome.excluded = found.excluded;
    outcome.totals = found.totals;
    let files = writer.hand_over().await?;
    check_accounts(export, &outcome, &files)?;
    quarantine::keep(&context.store, export, record, &unit.key, rejects).await?;
    Ok(Made { outcome, files, warnings })
}

/// What the exports that read a file's other parts say against it; each is asked once.
fn refused_by_others(context: &Context, others: &[(&Export, General)], file: &FileIdentity, record: &LandingRecord) -> Result<Option<String>> {
    for (other, general) in others {
        let key = format!("{}/{}/{}/{}", record.channel, other.name, record.file_id, record.sha256);
        let known = context.verdicts.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let verdict = match known {
            Some(verdict) => verdict,
            None => {
                let verdict = general.refuses(context, other.quarantine_limit, file, record)?;
                context.verdicts.lock().unwrap_or_else(PoisonError::into_inner).insert(key, verdict.clone());
                verdict
            }
        };
        if let Some(why) = verdict {
            return Ok(Some(format!("export {} of the same file: {why}", other.name)));
        }
    }
    Ok(None)
}

/// A stopped file goes to quarantine whole. What can't even be cut into records is one entry.
async fn quarantine_whole(
    context: &Context,
    general: &General,
    file: &FileIdentity,
    export: &Export,
    unit: &Unit<'_>,
    outcome: &mut UnitOutcome,
    rejects: Vec<Reject>,
) -> Result<()> {
    let reason = outcome.stopped.clone().unwrap_or_default();
    let bad = || {
        let mut bad: BTreeMap<(String, u64), Vec<Entry>> = BTreeMap::new();
        for reject in &rejects {
            bad.entry((reject.part.clone(), reject.line)).or_default().push(reject.clone().into());
        }
        bad
    };
    let new = || Writer::new(&context.store, export, unit.record, &unit.key);
    let (mut writer, mut left) = (new().await?, bad());
    let runtime = Handle::current();
    let cut = general.records(context, file, unit.record, |record| {
        let place = (record.part, record.line);
        match left.get_mut(&place) {
            Some(entries) => entries.drain(..).try_for_each(|mut entry| {
                // What calculations refuse comes without its text.
                if entry.raw.is_empty() {
                    entry.raw.clone_from(&record.raw);
                }
                runtime.block_on(writer.add(entry))
            }),
            None => runtime.block_on(writer.add(Entry::stopped(place.0, place.1, record.raw, &reason))),
        }
    });
    if let Err(failure) = cut {
        writer.discard().await?;
        if !failure.is_data() {
            return Err(failure);
        }
        (writer, left) = (new().await?, bad());
    }
    for entry in left.into_values().flatten() {
        writer.add(entry).await?;
    }
    if writer.records() == 0 {
        writer.add(Entry::stopped(String::new(), 1, String::new(), &reason)).await?;
    }
    outcome.records = writer.finish().await?;
    outcome.quarantined = outcome.records;
    Ok(())
}
