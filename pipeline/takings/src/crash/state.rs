//! All that a place holds, read back, and how two of them may differ.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::NaiveDate;
use takings_engine::{Parameters, Tables};
use takings_faults::Faults;
use takings_runs::{DeliveryFilter, DeliveryState, RunFilter, TickFilter};

use super::place::{Place, Scene, reading};
use crate::commands::snapshot_tables;
use crate::context::Context;
use crate::failure::Result;
use crate::transform::scan_files;

type Rows = BTreeMap<String, Vec<String>>;

#[derive(Debug, Default)]
pub struct State {
    /// Every file of the store with its bytes.
    files: BTreeMap<String, Vec<u8>>,
    /// The rows of the recorded snapshot by table, sorted. Without one there are none.
    pub snapshot: Rows,
    /// The rows of each table as outside readers of its Delta log find them.
    current: Rows,
    /// What the ledger says, without when, where, by which version, ids of runs and attempts.
    ledger: Vec<String>,
    /// What can't be read.
    broken: Vec<String>,
}

/// What people and tools read: always whole, and nothing else stands there.
pub const SHOWN: [&str; 3] = ["reports/", "datasets/", "bi/"];
/// What of the rest is a function of the feeds.
const LANDED: [&str; 2] = ["landing/", "quarantine/"];

impl State {
    pub fn of(place: &Place, scene: &Scene) -> Self {
        reading().block_on(async {
            let mut state = Self::default();
            match place.open(scene, Faults::default()).await {
                Err(failure) => state.broken.push(failure.to_string()),
                Ok(context) => {
                    if let Err(failure) = state.read(&context).await {
                        state.broken.push(failure.to_string());
                    }
                    context.ledger.close().await;
                }
            }
            state
        })
    }

    /// The files alone, read without the program.
    pub fn of_files(place: &Place, scene: &Scene) -> Self {
        let mut state = Self::default();
        walk(&scene.store(place), "", &mut state.files);
        state
    }

    /// Does the ledger say something of that kind?
    pub fn says(&self, words: &str) -> bool {
        self.ledger.iter().any(|line| line.contains(words))
    }

    pub fn has(&self, prefix: &str) -> bool {
        self.files.keys().any(|path| path.starts_with(prefix))
    }

    /// The data files of a table in the store, whatever version names them.
    pub fn files_of(&self, table: &str) -> usize {
        let folder = format!("lake/{table}/period_month=");
        self.files.keys().filter(|path| path.starts_with(&folder)).count()
    }

    async fn read(&mut self, context: &Context) -> Result<()> {
        for object in context.store.list("").await? {
            let path = object.location.to_string();
            let bytes = context.store.get(&path).await?.to_vec();
            self.files.insert(path, bytes);
        }
        let mut current = Tables::new();
        for table in context.project.tables.values() {
            let Some(state) = context.lake.state(table, None).await? else { continue };
            for file in &state.files {
                let path = takings_lake::Lake::file_path(&table.name, file);
                if self.files.get(&path).is_none_or(|bytes| bytes.len() as u64 != file.size) {
                    self.broken.push(format!("the Delta log of {} names {path}, which is missing or has another size", table.name));
                }
            }
            current.insert(table.name.clone(), scan_files(&table.name, &state.files));
        }
        self.current = self.rows(context, current.clone()).await?;
        if context.ledger.latest_snapshot().await?.is_some() {
            // The same files hold the same rows.
            let shown = snapshot_tables(context, None).await?;
            let (same, other): (Tables, Tables) = shown.into_iter().partition(|(name, files)| current.get(name) == Some(files));
            self.snapshot = self.rows(context, other).await?;
            self.snapshot.extend(same.into_keys().map(|name| (name.clone(), self.current[&name].clone())));
        }
        self.ledger = ledger(context).await?;
        Ok(())
    }

    async fn rows(&self, context: &Context, tables: Tables) -> Result<Rows> {
        let mut all = Rows::new();
        for (name, files) in &tables {
            let bytes = files.iter().map(|file| (file.month, self.files.get(&file.path).cloned().unwrap_or_default()));
            let table = (name.clone(), bytes.collect());
            let known = READ.lock().unwrap().get(&table).cloned();
            let rows = match known {
                Some(rows) => rows,
                None => rows(context, name, tables.clone()).await?,
            };
            READ.lock().unwrap().insert(table, rows.clone());
            all.insert(name.clone(), rows);
        }
        Ok(all)
    }

    /// What differs from the end of a run that nobody disturbed.
    pub fn is(&self, end: &Self) -> Vec<String> {
        let mut found = self.broken.clone();
        let paths: BTreeSet<&String> = self.files.keys().chain(end.files.keys()).collect();
        for path in paths.into_iter().filter(|path| SHOWN.iter().chain(&LANDED).any(|part| path.starts_with(part))) {
            match (self.files.get(path), end.files.get(path)) {
                (None, _) => found.push(format!("{path} is missing")),
                (_, None) => found.push(format!("{path} is an orphan")),
                (Some(is), Some(should)) if is != should => found.push(format!("{path} has other bytes")),
                _ => {}
            }
        }
        for (what, is, should) in [("snapshot", &self.snapshot, &end.snapshot), ("lake", &self.current, &end.current)] {
            if is != should {
                found.push(format!("the rows of the {what} differ: {}", differing(is, should)));
            }
        }
        found.extend(self.ledger.iter().filter(|line| !end.ledger.contains(line)).map(|line| format!("the ledger says {line}")));
        found.extend(end.ledger.iter().filter(|line| !self.ledger.contains(line)).map(|line| format!("the ledger does not say {line}")));
        found
    }

    /// What readers find otherwise than in another place, but for files that may differ.
    pub fn shows_otherwise(&self, other: &Self, may_differ: impl Fn(&str) -> bool) -> Vec<String> {
        let mut found = self.broken.clone();
        for (what, is, should) in [("snapshot", &self.snapshot, &other.snapshot), ("lake", &self.current, &other.current)] {
            if is != should {
                found.push(format!("the rows of the {what} differ: {}", differing(is, should)));
            }
        }
        let (is, should) = (self.shown(), other.shown());
        let paths: BTreeSet<&str> = is.keys().chain(should.keys()).copied().collect();
        found.extend(paths.into_iter().filter(|path| is.get(path) != should.get(path) && !may_differ(path)).map(|path| format!("{path} differs")));
        found
    }

    /// What people and tools read.
    pub fn shown(&self) -> BTreeMap<&str, &[u8]> {
        let shown = self.files.iter().filter(|(path, _)| SHOWN.iter().any(|part| path.starts_with(part)));
        shown.map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect()
    }

    /// Temporary files that a sweep should have taken.
    pub fn leftovers(&self) -> Vec<String> {
        self.files.keys().filter(|path| path.starts_with("staging/")).map(|path| format!("{path} is left")).collect()
    }

    /// What must not be at any moment of a run: something half, something lost, something that belongs to neither side of it.
    pub fn is_between(&self, before: &Self, end: &Self) -> Vec<String> {
        let mut found = self.broken.clone();
        for (path, bytes) in self.files.iter().filter(|(path, _)| SHOWN.iter().any(|part| path.starts_with(part))) {
            let sides = [before.files.get(path), end.files.get(path)];
            if sides.iter().all(Option::is_none) {
                found.push(format!("{path} is an orphan"));
            } else if !sides.contains(&Some(bytes)) {
                found.push(format!("{path} is neither the old file nor the new one"));
            }
        }
        let committed = |path: &&String| ["lake/", "landing/blobs/", "landing/records/"].iter().any(|part| path.starts_with(part)) && !is_hint(path);
        for path in before.files.keys().filter(committed) {
            if self.files.get(path) != before.files.get(path) {
                found.push(format!("{path} was there and is lost or changed"));
            }
        }
        for path in before.files.keys().filter(|path| SHOWN.iter().any(|part| path.starts_with(part)) && end.files.contains_key(*path)) {
            if !self.files.contains_key(path) {
                found.push(format!("{path} is gone for a moment"));
            }
        }
        if self.snapshot != before.snapshot && self.snapshot != end.snapshot {
            found.push(format!("the snapshot is neither the old one nor the new one: {}", differing(&self.snapshot, &end.snapshot)));
        }
        for (table, rows) in &self.current {
            if Some(rows) != before.current.get(table) && Some(rows) != end.current.get(table) {
                found.push(format!("{table} has neither its old rows nor its new ones"));
            }
        }
        found
    }
}

/// Files that only spare work and are replaced.
fn is_hint(path: &str) -> bool {
    path.ends_with("/seen.json") || path.starts_with("landing/index/") || path.ends_with("/_last_checkpoint")
}

/// A table as its files make it: the month and the bytes of each.
type Files = (String, Vec<(Option<NaiveDate>, Vec<u8>)>);

/// The rows of the tables that were read before. The same bytes hold the same rows.
static READ: LazyLock<Mutex<HashMap<Files, Vec<String>>>> = LazyLock::new(Mutex::default);

async fn rows(context: &Context, name: &str, tables: Tables) -> Result<Vec<String>> {
    let mut session = context.engine.session(&context.project, &context.graph, tables, Parameters::constants(&context.project.settings.parameters));
    let frame = session.plan_text(Path::new("test"), &format!("select * from {name}")).await?;
    let mut rows = Vec::new();
    for batch in session.collect(name, frame).await? {
        let options = FormatOptions::default().with_null("null");
        let cells: Vec<_> = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        rows.extend((0..batch.num_rows()).map(|row| cells.iter().map(|cell| cell.value(row).to_string()).collect::<Vec<_>>().join("|")));
    }
    rows.sort();
    Ok(rows)
}

async fn ledger(context: &Context) -> Result<Vec<String>> {
    let mut said = Vec::new();
    for table in context.project.tables.values() {
        said.extend(context.ledger.units(&table.name).await?.iter().map(|unit| format!("{unit:?}")));
    }
    for instance in &context.project.settings.instances {
        said.extend(context.ledger.landing_files(&instance.channel, &instance.name).await?.iter().map(|file| format!("{file:?}")));
    }
    for tick in context.ledger.ticks(&TickFilter::default()).await? {
        let last = context.ledger.tick_moves(&tick.job, tick.tick).await?.pop().map(|last| last.state);
        said.push(format!(
            "{} at {} of {:?} known at {}: {}, last moved to {last:?}, {} failures, {:?}",
            tick.job, tick.tick, tick.interval, tick.known_at, tick.state, tick.failures, tick.note
        ));
    }
    for job in context.project.jobs.keys() {
        said.extend(context.ledger.recorded_start(job).await?.map(|start| format!("{job} starts at {start}")));
    }
    for stale in context.ledger.stale_reports().await? {
        said.push(format!("{} of {} at {} is stale: {} rows until {}", stale.report, stale.instance, stale.tick, stale.rows, stale.known_until));
    }
    let runs = context.ledger.list_runs(&RunFilter::default()).await?;
    said.extend(runs.iter().filter(|run| !run.state.is_final()).map(|run| format!("a run is {} for ever", run.state)));
    if let Some(last) = runs.first() {
        for delivery in context.ledger.deliveries(&DeliveryFilter { run: Some(last.id), ..DeliveryFilter::default() }).await? {
            let state = if delivery.state == DeliveryState::Unchanged { DeliveryState::Delivered } else { delivery.state };
            said.push(format!("{} of {} at {}: {} {:?}", delivery.report, delivery.instance, delivery.tick, state.as_str(), delivery.path));
        }
    }
    Ok(said)
}

fn differing(is: &Rows, should: &Rows) -> String {
    let tables: BTreeSet<&String> = is.keys().chain(should.keys()).collect();
    let count = |rows: &Rows, table: &str| rows.get(table).map_or_else(|| "no table".to_owned(), |rows| format!("{} rows", rows.len()));
    let different = tables.into_iter().filter(|table| is.get(*table) != should.get(*table));
    different.map(|table| format!("{table} has {}, should have {}", count(is, table), count(should, table))).collect::<Vec<_>>().join(", ")
}

/// A path without what differs from run to run or from file to file: ids and hashes.
pub fn nameless(path: &str) -> String {
    if path.starts_with("landing/blobs/") {
        return "landing/blobs/*".to_owned();
    }
    let words: Vec<&str> = path.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric()).collect();
    let bare = |word: &str| word.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric()).to_owned();
    let is_hex = |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_uuid =
        |words: &[&str]| words.len() == 5 && words.iter().zip([8, 4, 4, 4, 12]).all(|(word, length)| bare(word).len() == length && is_hex(&bare(word)));
    let is_hash = |word: &str| word.len() >= 16 && is_hex(word) && word.bytes().any(|byte| byte.is_ascii_alphabetic());
    let (mut name, mut at) = (String::new(), 0);
    while let Some(word) = words.get(at) {
        let end = if is_uuid(words.get(at..at + 5).unwrap_or_default()) { at + 5 } else { at + 1 };
        if end > at + 1 || is_hash(&bare(word)) {
            name.push('*');
            name.push_str(&words[end - 1][bare(words[end - 1]).len()..]);
        } else {
            name.push_str(word);
        }
        at = end;
    }
    name
}

#[test]
fn ids_and_hashes_have_no_name() {
    let name = |path: &str| nameless(path);
    assert_eq!(
        name("lake/t/period_month=2026-02-01/7d926b0c2d87edaf-0000-8a8a44ad30bde116-2027db29-77f0-4eb4-8a1f-204e89de8b5c.parquet"),
        "lake/t/period_month=2026-02-01/*-0000-*-*.parquet"
    );
    assert_eq!(name("lake/t/_delta_log/00000000000000000009.checkpoint.parquet"), "lake/t/_delta_log/00000000000000000009.checkpoint.parquet");
    assert_eq!(name("landing/records/mini/main/ccd2d1d778ee233f5794c0653b1cf518/v00001.json"), "landing/records/mini/main/*/v00001.json");
}

/// The files of a folder with their bytes.
pub fn walk(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.map(std::result::Result::unwrap) {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), &format!("{path}/"), files);
        } else {
            files.insert(path, std::fs::read(entry.path()).unwrap());
        }
    }
}
