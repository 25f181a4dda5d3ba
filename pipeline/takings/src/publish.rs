//! Decode and publish: landed segments that the lake does not hold yet become typed rows, checked and committed per table.
//!
//! A unit is one segment of one landed file under one layout. Its key stands in the names of the lake files made from it, so what is
//! published can be read off the lake itself: what is wanted and not there is decoded, what is there and not wanted is removed.

mod ahead;
mod plain;
mod whole;

pub use ahead::Ahead;

use std::collections::{BTreeMap, BTreeSet};

use takings_decode::ColumnTotal;
use takings_definitions::{Channel, Export, Table};
use takings_lake::{DataFile, NewFile};
use takings_runs::UnitKey;
use takings_sources::LandingRecord;
use uuid::Uuid;

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::general::General;
use crate::parallel::spread;
use crate::run_key::{KeyHash, canonical};
use crate::{chosen, quarantine};
use plain::Plain;

/// What became of one export's landed files in this run.
#[derive(Debug, Default)]
pub struct Outcome {
    pub channel: String,
    pub export: String,
    pub table: String,
    pub decoded: Vec<UnitOutcome>,
    /// Units that the lake held already.
    pub unchanged: usize,
    pub version: Option<i64>,
    pub warnings: Vec<String>,
}

impl Outcome {
    pub fn stopped(&self) -> impl Iterator<Item = &UnitOutcome> {
        self.decoded.iter().filter(|unit| unit.stopped.is_some())
    }
}

/// The accounting of one unit: records = published + quarantined + excluded.
#[derive(Debug, Clone)]
pub struct UnitOutcome {
    pub unit: String,
    pub instance: String,
    pub file_id: String,
    pub source_path: String,
    pub version: u64,
    pub records: u64,
    pub published: u64,
    /// Of the published records.
    pub rows: u64,
    pub quarantined: u64,
    /// Records left out, by the rule that says so.
    pub excluded: BTreeMap<String, u64>,
    pub totals: Vec<ColumnTotal>,
    /// Why nothing of it was published.
    pub stopped: Option<String>,
}

impl UnitOutcome {
    /// Nothing has become of the file yet.
    fn of(record: &LandingRecord) -> Self {
        Self {
            unit: String::new(),
            instance: record.instance.clone(),
            file_id: record.file_id.clone(),
            source_path: record.source_path.clone(),
            version: record.version,
            records: 0,
            published: 0,
            rows: 0,
            quarantined: 0,
            excluded: BTreeMap::new(),
            totals: Vec::new(),
            stopped: None,
        }
    }
}

/// What was made of a unit.
struct Made {
    outcome: UnitOutcome,
    files: Vec<NewFile>,
    warnings: Vec<String>,
}

impl Made {
    /// Nothing of it is to be published.
    fn nothing(outcome: UnitOutcome, warnings: Vec<String>) -> Self {
        Self { outcome, files: Vec::new(), warnings }
    }
}

/// One segment of one landed file.
struct Unit<'a> {
    key: String,
    record: &'a LandingRecord,
    segment: usize,
}

impl Unit<'_> {
    fn length(&self) -> u64 {
        self.record.segments[self.segment].length
    }
}

/// Publishes one export of all its instances' landed files. `force` decodes everything again; `ahead` may have decoded some of it
/// already.
pub async fn publish(
    context: &Context,
    run: Uuid,
    channel: &Channel,
    export: &Export,
    landed: &[LandingRecord],
    force: bool,
    ahead: Option<&Ahead<'_>>,
) -> Result<Outcome> {
    let table = context.project.table(&export.table)?;
    let (landed, copies) = chosen::files(channel, export, landed);
    let state = context.lake.known_state(table).await?;
    if state.is_none() && landed.is_empty() {
        // Nothing ever came of it.
        return Ok(Outcome { channel: channel.name.clone(), export: export.name.clone(), table: table.name.clone(), ..Outcome::default() });
    }
    let task = Task { context, channel, export, table, layout_key: layout_key(context, channel, export, table) };
    let units: Vec<Unit<'_>> = landed.iter().flat_map(|record| task.units_of(record)).collect();
    let present: Vec<&DataFile> = state.iter().flat_map(|state| &state.files).collect();
    let empty = landed.iter().filter(|record| record.segments.is_empty()).map(|record| (*record, stopped_whole(record, "empty", EMPTY)));
    let mut empty: Vec<(&LandingRecord, UnitOutcome)> = empty.collect();
    let mut wanted: BTreeSet<String> = units.iter().map(|unit| unit.key.clone()).chain(empty.iter().map(|(_, unit)| unit.unit.clone())).collect();
    let accounted = context.ledger.units(&table.name).await?;
    // A run that ended between its commit and its accounts left rows without accounts: they are made again.
    let in_accounts: BTreeSet<&str> = accounted.iter().map(|unit| unit.key.unit.as_str()).collect();
    let stays = |unit: &str| !force && in_accounts.contains(unit) && wanted.contains(unit);
    let (held, removed) = sorted_out(&present, stays);
    let known_empty: BTreeSet<&str> = accounted
        .iter()
        .filter(|unit| unit.published == 0 && unit.quarantined == 0 && unit.records == unit.excluded)
        .map(|unit| unit.key.unit.as_str())
        .collect();

    let missing: Vec<&Unit<'_>> =
        units.iter().filter(|unit| !held.contains(unit.key.as_str()) && (force || !known_empty.contains(unit.key.as_str()))).collect();

    let mut outcome = Outcome {
        channel: channel.name.clone(),
        export: export.name.clone(),
        table: table.name.clone(),
        unchanged: units.len() - missing.len(),
        ..Outcome::default()
    };
    let mut added = task.decode(missing, ahead, &mut outcome)?;
    // Months without sales are the same to the byte: only what has rows counts twice.
    let is_empty = |record: &LandingRecord| {
        let mut units = units.iter().filter(|unit| unit.record.file_id == record.file_id).peekable();
        units.peek().is_some()
            && units.all(|unit| match outcome.decoded.iter().find(|decoded| decoded.unit == unit.key) {
                Some(decoded) => decoded.stopped.is_none() && decoded.published == 0 && decoded.quarantined == 0,
                None => known_empty.contains(unit.key.as_str()),
            })
    };
    let (copies_of_nothing, refused): (Vec<chosen::Copy<'_>>, Vec<chosen::Copy<'_>>) = copies.into_iter().partition(|copy| is_empty(copy.first));
    empty.extend(refused.iter().map(|copy| (copy.record, stopped_whole(copy.record, "refused", &copy.why()))));
    let more: Vec<Unit<'_>> = copies_of_nothing.iter().flat_map(|copy| task.units_of(copy.record)).collect();
    wanted.extend(more.iter().map(|unit| unit.key.clone()).chain(empty.iter().map(|(_, unit)| unit.unit.clone())));
    let more = more.iter().filter(|unit| force || !known_empty.contains(unit.key.as_str())).collect();
    added.extend(task.decode(more, ahead, &mut outcome)?);
    if export.part_of.is_none() {
        outcome.warnings.extend(chosen::copies(&landed, |record| outcome.decoded.iter().any(|unit| unit.file_id == record.file_id && unit.published > 0)));
    }
    outcome.warnings.sort();
    outcome.warnings.dedup();
    outcome.version = state.as_ref().map(|state| state.version);
    if state.is_none() || !added.is_empty() || !removed.is_empty() {
        let info = BTreeMap::from([("step".to_owned(), "publish".to_owned()), ("export".to_owned(), format!("{}.{}", channel.name, export.name))]);
        let committed = context.lake.commit(table, state.as_ref().map(|state| state.app_version), added, removed, info).await?;
        outcome.version = Some(committed.version);
    }
    let replaced: Vec<UnitKey> = accounted.iter().filter(|unit| !wanted.contains(&unit.key.unit)).map(|unit| unit.key.clone()).collect();
    // What was stopped without a record leaves no trace in the accounts: it is looked at, and stopped, every time.
    let units: Vec<takings_runs::Unit> =
        outcome.decoded.iter().filter(|unit| unit.stopped.is_none() || unit.records > 0).map(|unit| quarantine::accounting(unit, &outcome)).collect();
    context.ledger.save_units(Some(run), &units, &replaced).await?;
    quarantine::forget_others(&context.store, channel, export, &wanted).await?;
    for (record, unit) in empty {
        let entry = quarantine::Entry::stopped(String::new(), 1, String::new(), unit.stopped.as_deref().unwrap_or_default());
        quarantine::write(&context.store, export, record, &unit.unit, [entry]).await?;
        outcome.decoded.push(unit);
    }
    Ok(outcome)
}

/// The files of one export on their way into its table.
struct Task<'a> {
    context: &'a Context,
    channel: &'a Channel,
    export: &'a Export,
    table: &'a Table,
    layout_key: String,
}

impl Task<'_> {
    fn units_of<'r>(&self, record: &'r LandingRecord) -> Vec<Unit<'r>> {
        if !self.export.is_general() {
            return plain::units(record, &self.layout_key);
        }
        // What a file's path says may stand in its rows.
        let key = KeyHash::default().part(&record.instance).part(&self.layout_key).part("whole").part(&record.source_path).part(&record.sha256).finish();
        let unit = Unit { key: format!("{}-0000-{}", short(&record.file_id), short(&key)), record, segment: 0 };
        if record.segments.is_empty() { Vec::new() } else { vec![unit] }
    }

    /// Decodes units side by side, unless that is done already; what became of them goes into the outcome, their files come back.
    fn decode(&self, units: Vec<&Unit<'_>>, ahead: Option<&Ahead<'_>>, outcome: &mut Outcome) -> Result<Vec<NewFile>> {
        let is_made = |unit: &&Unit<'_>| ahead.is_some_and(|ahead| ahead.has(&unit.key));
        let missing: Vec<&Unit<'_>> = units.iter().copied().filter(|unit| !is_made(unit)).collect();
        let mut decoded = if missing.is_empty() { Vec::new() } else { self.decode_here(missing)? }.into_iter();
        let mut added = Vec::new();
        for made in units.iter().filter_map(|unit| ahead.and_then(|ahead| ahead.take(&unit.key)).or_else(|| decoded.next())) {
            added.extend(made.files);
            outcome.warnings.extend(made.warnings);
            outcome.decoded.push(made.outcome);
        }
        Ok(added)
    }

    fn decode_here(&self, units: Vec<&Unit<'_>>) -> Result<Vec<Made>> {
        let way = Way::new(self)?;
        // A unit gets threads by its share of the bytes: one that is most of them would else be the last to end, on a single one.
        let bytes: u64 = units.iter().map(|unit| unit.length()).sum();
        let threads = |unit: &Unit<'_>| share(self.context.threads, unit.length(), bytes);
        spread(self.context.threads, units, |unit| way.decode(self, unit, threads(unit)))
    }
}

/// How many of the threads belong to so many of the bytes.
fn share(threads: usize, length: u64, bytes: u64) -> usize {
    (threads as u64 * length).div_ceil(bytes.max(1)) as usize
}

/// The units that the lake goes on to hold, and the files that go. A compacted file holds several units: it goes with the first of them
/// that does, and the others are made again.
fn sorted_out<'a>(present: &[&'a DataFile], stays: impl Fn(&str) -> bool) -> (BTreeSet<&'a str>, Vec<DataFile>) {
    let mut held: BTreeSet<&str> = present.iter().flat_map(|file| file.units()).filter(|unit| stays(unit)).collect();
    loop {
        let is_kept = |file: &DataFile| file.units().next().is_some() && file.units().all(|unit| held.contains(unit));
        let removed: Vec<&DataFile> = present.iter().copied().filter(|file| !is_kept(file)).collect();
        let gone: BTreeSet<&str> = removed.iter().flat_map(|file| file.units()).collect();
        if gone.is_disjoint(&held) {
            return (held, removed.into_iter().cloned().collect());
        }
        held.retain(|unit| !gone.contains(unit));
    }
}

const EMPTY: &str = "the file is empty: it lacks even the header; a month without rows has the header alone";

/// A file of which nothing is read: it is stopped until it is another one.
fn stopped_whole(record: &LandingRecord, kind: &str, why: &str) -> UnitOutcome {
    UnitOutcome { unit: format!("{}-{kind}", short(&record.file_id)), stopped: Some(why.to_owned()), ..UnitOutcome::of(record) }
}

fn short(hash: &str) -> &str {
    &hash[..16.min(hash.len())]
}

/// What of the definitions shapes the rows of an export.
fn layout_key(context: &Context, channel: &Channel, export: &Export, table: &Table) -> String {
    let mut key = KeyHash::default().part("layout 1").part(&canonical(&channel.text)).part(&export.name).part(&canonical(&table.text));
    if export.is_general() {
        for reference in context.project.references.values().filter(|reference| channel.text.contains(&reference.name)) {
            key = key.part(&reference.name).part(&reference.text);
        }
    }
    key.finish()
}

/// How the files of an export are read.
enum Way<'a> {
    /// Plain CSV, segment by segment.
    Plain(Box<Plain>),
    /// Whole files of any kind, with the exports that read their other parts: what one of them refuses none publishes.
    General(Box<General>, Vec<(&'a Export, General)>),
}

impl<'a> Way<'a> {
    fn new(task: &Task<'a>) -> Result<Self> {
        let Task { context, channel, export, table, ref layout_key } = *task;
        if !export.is_general() {
            return Ok(Self::Plain(Box::new(Plain::new(context, export, table, layout_key)?)));
        }
        let compiled = |export: &Export, table: &Table| General::new(&context.engine, &context.project, channel, export, table);
        let others = channel.family(export).into_iter().filter(|other| other.name != export.name);
        let others = others.map(|other| Ok((other, compiled(other, context.project.table(&other.table)?)?))).collect::<Result<_>>()?;
        Ok(Self::General(Box::new(compiled(export, table)?), others))
    }

    async fn decode(&self, task: &Task<'_>, unit: &Unit<'_>, threads: usize) -> Result<Made> {
        match self {
            Self::Plain(plain) => plain.decode(unit, threads).await,
            Self::General(general, others) => whole::decode(task.context, task.table, general, others, task.export, unit).await,
        }
    }
}

/// Records in = rows out + quarantined + excluded, and the written money sums to what was parsed.
fn check_accounts(export: &Export, outcome: &UnitOutcome, files: &[NewFile]) -> Result<()> {
    let place = || format!("{} of {}, file {}", export.name, outcome.instance, outcome.source_path);
    let excluded: u64 = outcome.excluded.values().sum();
    if outcome.records != outcome.published + outcome.quarantined + excluded {
        return Err(Failure::run(format!(
            "{}: {} records, but {} published, {} quarantined and {excluded} excluded; nothing is published",
            place(),
            outcome.records,
            outcome.published,
            outcome.quarantined
        )));
    }
    let rows: u64 = files.iter().map(|new| new.file.rows).sum();
    if rows != outcome.rows {
        return Err(Failure::run(format!("{}: {} rows decoded, but {rows} written; nothing is published", place(), outcome.rows)));
    }
    let columns: BTreeSet<&str> = outcome.totals.iter().map(|total| total.column.as_str()).collect();
    for column in columns {
        let parsed = outcome.totals.iter().filter(|total| total.column == column).try_fold(0i128, |sum, total| sum.checked_add(total.sum));
        let written =
            files.iter().flat_map(|file| &file.totals).filter(|(name, _)| name.as_str() == column).try_fold(0i128, |sum, (_, value)| sum.checked_add(*value));
        if parsed.is_none() || parsed != written {
            return Err(Failure::run(format!(
                "{}: column {column} sums to {parsed:?} as parsed, but to {written:?} as written; nothing is published",
                place()
            )));
        }
    }
    Ok(())
}
