//! What readers of the store find: tables, snapshot, mirror and reports. At any moment all of it is whole, and is what the source folder
//! once held; what was delivered stays.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, NaiveDate, Utc};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};
use takings_lake::{DataFile, Lake};
use takings_reports::Manifest;

use super::source::Source;
use crate::context::Context;
use crate::crash::state::walk;
use crate::failure::Result;

/// The tables with their columns that [`Source::rows`] gives.
pub const TABLES: [(&str, &[&str]); 3] = [
    ("mini_sale", &["sale_id", "sold_at", "product_id", "amount", "currency"]),
    ("mini_product", &["product_id", "title"]),
    ("fct_sale", &["sale_id", "sold_at", "title", "amount", "currency"]),
];

/// What readers have seen so far.
#[derive(Default)]
pub struct Readers {
    /// Files of reports and data sets.
    seen: BTreeMap<String, Vec<u8>>,
    /// Those that a manifest names, and the manifests.
    delivered: BTreeSet<String>,
    /// The snapshot is of this state of the source or a later one.
    oldest: usize,
}

impl Readers {
    /// All that is wrong. `states`: what the source held one after the other; `from`: since when, at the earliest, it was read for what is new.
    pub async fn look(&mut self, context: &Context, store: &Path, states: &[Source], from: usize, limit: u64) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        self.look_at_tables(context, store, states, &mut wrong).await?;
        look_at_mirror(store, states, &mut wrong);
        self.look_at_reports(store, &states[from..], limit, &mut wrong);
        Ok(wrong)
    }

    async fn look_at_tables(&mut self, context: &Context, store: &Path, states: &[Source], wrong: &mut Vec<String>) -> Result<()> {
        let snapshot = context.ledger.latest_snapshot().await?;
        let mut fits: Vec<usize> = (0..states.len()).collect();
        for (table, columns) in TABLES {
            let contract = context.project.table(table)?;
            if let Some(current) = context.lake.state(contract, None).await? {
                match rows(store, table, &current.files, columns) {
                    Err(why) => wrong.push(why),
                    Ok(rows) if states.iter().all(|state| state.rows(table) != rows) => {
                        wrong.push(format!("{table} holds what the source never held: {rows:?}"))
                    }
                    Ok(_) => {}
                }
            }
            let Some(snapshot) = &snapshot else { continue };
            let Some(version) = snapshot.tables.get(table) else {
                wrong.push(format!("the snapshot lacks {table}"));
                continue;
            };
            let files = context.lake.state(contract, Some(*version)).await?.map(|state| state.files.clone()).unwrap_or_default();
            match rows(store, table, &files, columns) {
                Err(why) => wrong.push(format!("the snapshot: {why}")),
                Ok(rows) => fits.retain(|at| states[*at].rows(table) == rows),
            }
        }
        if snapshot.is_some() {
            match (fits.first(), fits.last()) {
                (Some(first), Some(last)) if *last >= self.oldest => self.oldest = self.oldest.max(*first),
                (Some(_), _) => wrong.push("the snapshot went back to what the source held before".to_owned()),
                _ => wrong.push("the tables of the snapshot don't belong together, or are of no state of the source".to_owned()),
            }
        }
        Ok(())
    }

    fn look_at_reports(&mut self, store: &Path, states: &[Source], limit: u64, wrong: &mut Vec<String>) {
        let mut files = BTreeMap::new();
        for folder in ["reports/", "datasets/"] {
            walk(&store.join(folder), folder, &mut files);
        }
        for path in self.delivered.iter().filter(|path| self.seen.get(*path) != files.get(*path)) {
            wrong.push(format!("{path} was delivered and has changed"));
        }
        for (path, bytes) in &files {
            if self.seen.get(path) == Some(bytes) {
                continue;
            }
            let Some(day) = path.strip_prefix("reports/sales/sales_").filter(|name| name.ends_with(".csv")).and_then(|name| name.get(..10)) else { continue };
            let tick = day.parse::<NaiveDate>().unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
            let text = String::from_utf8_lossy(bytes);
            if !could_be(states, limit, tick, &text) {
                wrong.push(format!("{path} is of no state of the source:\n{text}"));
            }
        }
        for (path, bytes) in files.iter().filter(|(path, _)| path.ends_with(".manifest.json")) {
            match Manifest::parse(path, &String::from_utf8_lossy(bytes)) {
                Err(error) => wrong.push(error.to_string()),
                Ok(manifest) => {
                    self.delivered.insert(path.clone());
                    let data_sets = manifest.sections.iter().filter_map(|section| section.data_set_file.as_ref()).map(|file| (file.path.clone(), &file.sha256));
                    for (named, sha256) in data_sets.chain([(format!("reports/sales/{}", manifest.file), &manifest.sha256)]) {
                        match files.get(&named) {
                            Some(bytes) if data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)) == *sha256 => {}
                            Some(_) => wrong.push(format!("{named} has other bytes than {path} says")),
                            None => wrong.push(format!("{named} is missing, which {path} names")),
                        }
                        self.delivered.insert(named);
                    }
                }
            }
        }
        self.seen = files;
    }

    /// The newest report of each tick, by its day.
    pub fn newest_reports(&self) -> BTreeMap<String, String> {
        let mut newest = BTreeMap::<String, (u32, String)>::new();
        for (path, bytes) in self.seen.iter().filter(|(path, _)| self.delivered.contains(*path)) {
            let Some(name) = path.strip_prefix("reports/sales/sales_").and_then(|name| name.strip_suffix(".csv")) else { continue };
            let (day, revision) = name.split_at(10);
            let revision = revision.strip_prefix(".r").map_or(1, |number| number.parse().unwrap());
            let known = newest.entry(day.to_owned()).or_default();
            if revision > known.0 {
                *known = (revision, String::from_utf8_lossy(bytes).into_owned());
            }
        }
        newest.into_iter().map(|(day, (_, text))| (day, text)).collect()
    }
}

/// Whether the report of a tick could be made of one of these states.
fn could_be(states: &[Source], limit: u64, tick: DateTime<Utc>, text: &str) -> bool {
    states.iter().any(|state| !state.is_blocked(limit) && state.report(tick).as_deref() == Some(text))
}

/// Each file of the mirror is a month of what the source once held.
fn look_at_mirror(store: &Path, states: &[Source], wrong: &mut Vec<String>) {
    let mut files = BTreeMap::new();
    walk(&store.join("bi"), "", &mut files);
    for path in files.keys() {
        match mirrored(store, path) {
            Err(why) => wrong.push(why),
            Ok((month, rows)) if states.iter().all(|state| of_month(state, &month) != rows) => {
                wrong.push(format!("bi/{path} holds what the source never held: {rows:?}"));
            }
            Ok(_) => {}
        }
    }
}

/// The rows of the whole mirror, sorted.
pub fn mirror(store: &Path) -> std::result::Result<Vec<String>, String> {
    let mut files = BTreeMap::new();
    walk(&store.join("bi"), "", &mut files);
    let mut all = Vec::new();
    for path in files.keys() {
        all.extend(mirrored(store, path)?.1);
    }
    all.sort();
    Ok(all)
}

fn mirrored(store: &Path, path: &str) -> std::result::Result<(String, Vec<String>), String> {
    let month = path.strip_prefix("fct_sale/period_month=").and_then(|rest| rest.strip_suffix("/part.parquet"));
    let month = month.ok_or_else(|| format!("bi/{path} does not belong there"))?;
    let mut rows = read(&store.join("bi").join(path), TABLES[2].1)?;
    rows.sort();
    Ok((month.to_owned(), rows))
}

fn of_month(state: &Source, month: &str) -> Vec<String> {
    state.rows("fct_sale").into_iter().filter(|row| row.split('|').nth(1).is_some_and(|sold_at| sold_at[..7] == month[..7])).collect()
}

/// The rows of a table's files, sorted.
pub fn rows(store: &Path, table: &str, files: &[DataFile], columns: &[&str]) -> std::result::Result<Vec<String>, String> {
    let mut all = Vec::new();
    for file in files {
        all.extend(read(&store.join(Lake::file_path(table, file)), columns)?);
    }
    all.sort();
    Ok(all)
}

fn read(path: &Path, columns: &[&str]) -> std::result::Result<Vec<String>, String> {
    let wrong = |why: &dyn std::fmt::Display| format!("{} can't be read: {why}", path.display());
    let file = std::fs::File::open(path).map_err(|why| wrong(&why))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(ParquetRecordBatchReaderBuilder::build).map_err(|why| wrong(&why))?;
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|why| wrong(&why))?;
        let options = FormatOptions::default().with_null("null");
        let cells =
            columns.iter().map(|name| ArrayFormatter::try_new(batch.column_by_name(name).ok_or_else(|| wrong(name))?, &options).map_err(|why| wrong(&why)));
        let cells = cells.collect::<std::result::Result<Vec<_>, _>>()?;
        rows.extend((0..batch.num_rows()).map(|row| cells.iter().map(|cell| cell.value(row).to_string()).collect::<Vec<_>>().join("|")));
    }
    Ok(rows)
}
