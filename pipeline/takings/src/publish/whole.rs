//! Whole files of any kind, through the general way.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use takings_decode::{FileIdentity, Reject};
use takings_definitions::{Export, Table};
use takings_sources::LandingRecord;

use super::{Made, Unit, UnitOutcome, check_accounts};
use crate::context::Context;
use crate::failure::Result;
use crate::general::{General, Read};
use crate::quarantine;

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
    let read = match general.read(context, &file, record, Some(&mut writer)) {
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
    let why_not = read.why_not(export.quarantine_limit);
    let Read { outcome: found, rejects, .. } = read;
    outcome.records = found.records;
    let warnings = found.warnings.iter().map(|warning| format!("{}: {warning}", export.name)).collect();
    if let Some(why) = why_not {
        writer.abort().await?;
        outcome.stopped = Some(why);
        quarantine_whole(context, general, &file, export, unit, &mut outcome, rejects).await?;
        return Ok(Made::nothing(outcome, warnings));
    }
    outcome.published = found.published;
    outcome.rows = found.rows;
    outcome.quarantined = found.quarantined;
    outcome.excluded = found.excluded;
    outcome.totals = found.totals;
    let files = writer.hand_over().await?;
    check_accounts(export, &outcome, &files)?;
    if rejects.is_empty() {
        quarantine::forget(&context.store, &record.channel, &export.name, &unit.key).await?;
    } else {
        quarantine::write(&context.store, export, record, &unit.key, quarantine::entries(&rejects)).await?;
    }
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
    let mut entries = quarantine::entries(&rejects);
    let bad: BTreeSet<(String, u64)> = entries.iter().map(|entry| (entry.part.clone(), entry.line)).collect();
    match general.records(context, file, unit.record) {
        Ok(records) => {
            let others = records.into_iter().filter(|record| !bad.contains(&(record.part.clone(), record.line)));
            entries.extend(others.map(|record| quarantine::Entry::stopped(record.part, record.line, record.raw, &reason)));
        }
        Err(failure) if failure.is_data() => {}
        Err(failure) => return Err(failure),
    }
    if entries.is_empty() {
        entries.push(quarantine::Entry::stopped(String::new(), 1, String::new(), &reason));
    }
    outcome.records = entries.iter().map(|entry| (&entry.part, entry.line)).collect::<BTreeSet<_>>().len() as u64;
    outcome.quarantined = outcome.records;
    quarantine::write(&context.store, export, unit.record, &unit.key, entries).await
}
