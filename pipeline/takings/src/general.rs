//! Files of the general way: whole files through decode's reader, their SQL by the engine, rows into the lake's writer.
//!
//! Decode knows no engine and no store; here both meet. What a channel file calculates is looked at once more before it is published.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, Schema};
use bytes::{Buf, Bytes};
use futures::stream::{BoxStream, TryStreamExt};
use takings_decode::general::{FileOutcome, Layout, Opener, RawRecord, Reader, Sink, Taken};
use takings_decode::{Excluded, FileIdentity, PartFacts, Reject, Typed, rule};
use takings_definitions::{Channel, Export, Level, Table};
use takings_engine::Calculator;
use takings_lake::TableWriter;
use takings_sources::LandingRecord;
use tokio::runtime::Handle;

use crate::context::Context;
use crate::failure::{Failure, Result};

/// An export of the general way, compiled for all its files.
pub struct General {
    reader: Reader,
    /// Of each layout, where it has SQL.
    calculators: Vec<Option<Calculator>>,
}

/// What a file became besides rows.
pub struct Read {
    pub outcome: FileOutcome,
    pub rejects: Vec<Reject>,
    /// Why nothing of it may be published: checks that don't hold.
    pub stopped: Option<String>,
}

impl Read {
    /// Why nothing of the file may be published.
    pub fn why_not(&self, limit: u64) -> Option<String> {
        let bad = self.outcome.quarantined;
        self.stopped.clone().or_else(|| (bad > limit).then(|| too_many_bad(bad, limit, &self.rejects)))
    }
}

/// More bad records than the channel file allows.
pub fn too_many_bad(bad: u64, limit: u64, rejects: &[Reject]) -> String {
    let first = rejects.first().map(|reject| {
        let column = reject.column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
        format!("line {}{}{column}: {}", reject.line, of_part(&reject.part), reject.reason)
    });
    format!("{bad} bad records, {limit} allowed; first: {}", first.unwrap_or_default())
}

impl General {
    pub fn new(engine: &takings_engine::Engine, project: &takings_definitions::Project, channel: &Channel, export: &Export, table: &Table) -> Result<Self> {
        let reader = Reader::new(channel, export, table, &project.references)?;
        let calculators = reader
            .layouts()
            .iter()
            .map(|layout| {
                let what = format!("{}: export `{}`", channel.path.display(), export.name);
                Ok(engine.calculator(&what, &layout.export, layout.values.schema(), layout.values.scratch_schema())?)
            })
            .collect::<Result<_>>()?;
        Ok(Self { reader, calculators })
    }

    /// Why the file must not be published, as this export sees it. Nothing is written.
    pub fn refuses(&self, context: &Context, limit: u64, file: &FileIdentity, record: &LandingRecord) -> Result<Option<String>> {
        match self.read(context, file, record, None) {
            Ok(read) => Ok(read.why_not(limit)),
            Err(failure) if failure.is_data() => Ok(Some(failure.to_string())),
            Err(failure) => Err(failure),
        }
    }

    /// Reads a landed file into the writer, where there is one. An error of data stops the file.
    pub fn read(&self, context: &Context, file: &FileIdentity, record: &LandingRecord, writer: Option<&mut TableWriter>) -> Result<Read> {
        blocking(|| {
            let mut sink = ToLake { general: self, context, writer, rejects: Vec::new(), unreadable: BTreeSet::new(), broken: BTreeMap::new(), file };
            let mut outcome = self.reader.read(file, &|| Ok(landed(context, record)), &mut sink)?;
            let ToLake { mut rejects, unreadable, broken, .. } = sink;
            self.add_raw(file, &|| Ok(landed(context, record)), &unreadable, &mut rejects)?;
            Ok(finished(file, &mut outcome, rejects, broken))
        })
    }

    /// Every record as text.
    pub fn records(&self, context: &Context, file: &FileIdentity, record: &LandingRecord) -> Result<Vec<RawRecord>> {
        blocking(|| {
            let mut all = Vec::new();
            self.reader.records(file, &|| Ok(landed(context, record)), &mut |raw| {
                all.push(raw);
                Ok::<_, Failure>(())
            })?;
            Ok(all)
        })
    }

    /// What calculations refused has no text yet.
    fn add_raw(&self, file: &FileIdentity, open: Opener<'_>, wanted: &BTreeSet<(String, u64)>, rejects: &mut [Reject]) -> Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let mut texts = BTreeMap::new();
        self.reader.records(file, open, &mut |raw: RawRecord| {
            let place = (raw.part, raw.line);
            if wanted.contains(&place) {
                texts.insert(place, raw.raw);
            }
            Ok::<_, Failure>(())
        })?;
        for reject in rejects.iter_mut().filter(|reject| reject.raw.is_empty()) {
            if let Some(raw) = texts.get(&(reject.part.clone(), reject.line)) {
                reject.raw.clone_from(raw);
            }
        }
        Ok(())
    }
}

/// Adds what equations found.
fn finished(file: &FileIdentity, outcome: &mut FileOutcome, rejects: Vec<Reject>, broken: BTreeMap<String, Broken>) -> Read {
    let mut stopped: Vec<String> = outcome.stopped().into_iter().collect();
    for (name, broken) in broken {
        let why = broken.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let what = format!("check `{name}`: {} does not hold in {} rows, first on line {}{}{why}", broken.sql, broken.rows, broken.line, of_part(&broken.part));
        match broken.level {
            Level::Mandatory => stopped.push(what),
            Level::Advisory => outcome.warnings.push(format!("{}: {what}", file.path)),
            Level::Display => {}
        }
    }
    Read { outcome: std::mem::take(outcome), rejects, stopped: (!stopped.is_empty()).then(|| stopped.join("; ")) }
}

pub fn of_part(part: &str) -> String {
    if part.is_empty() { String::new() } else { format!(" of {part}") }
}

/// An equation that rows don't fulfil.
struct Broken {
    sql: String,
    level: Level,
    rows: u64,
    part: String,
    line: i64,
    /// Why it can't be told.
    reason: Option<String>,
}

/// Rows and rejects as decode hands them over.
struct ToLake<'a> {
    general: &'a General,
    context: &'a Context,
    writer: Option<&'a mut TableWriter>,
    rejects: Vec<Reject>,
    /// Part and line of rejects whose text is not known yet.
    unreadable: BTreeSet<(String, u64)>,
    broken: BTreeMap<String, Broken>,
    file: &'a FileIdentity,
}

impl Sink for ToLake<'_> {
    type Error = Failure;

    fn rows(&mut self, layout: &Layout, part: &PartFacts, typed: Typed) -> Result<Taken> {
        self.context.reach("decode")?;
        let general = self.general;
        let at = general.reader.layouts().iter().position(|one| one.name == layout.name);
        let taken = match at.and_then(|at| general.calculators[at].as_ref()) {
            None => Taken::all(typed),
            Some(calculator) => self.calculated(calculator, layout, part, typed)?,
        };
        if let Some(writer) = self.writer.as_deref_mut().filter(|_| taken.batch.num_rows() > 0) {
            Handle::current().block_on(writer.write(&taken.batch))?;
        }
        Ok(taken)
    }

    fn reject(&mut self, reject: Reject) -> Result<()> {
        self.rejects.push(reject);
        Ok(())
    }
}

impl ToLake<'_> {
    fn calculated(&mut self, calculator: &Calculator, layout: &Layout, part: &PartFacts, typed: Typed) -> Result<Taken> {
        let done = calculator.run(&typed.batch, &typed.scratch)?;
        let lines = lines_of(&typed.batch)?;
        let mut bad: BTreeMap<i64, (Option<String>, &'static str, Vec<String>)> = BTreeMap::new();
        for failed in done.failed {
            let column = (!failed.column.is_empty()).then_some(failed.column);
            bad.entry(lines[failed.row]).or_insert_with(|| (column, rule::CALCULATE, Vec::new())).2.push(failed.reason);
        }
        let stays =
            |bad: &BTreeMap<i64, _>| -> Vec<bool> { (0..lines.len()).map(|row| !bad.contains_key(&lines[row]) && done.excluded[row].is_none()).collect() };
        // What calculations have changed must hold what the contract asks; each round drops records, so it ends.
        let (batch, scratch, totals) = loop {
            let keep = BooleanArray::from(stays(&bad));
            let kept = filter_record_batch(&done.rows, &keep).map_err(Failure::run)?;
            let (columns, scratch) = split(&kept, typed.batch.num_columns())?;
            if !calculator.changes_rows() {
                // No value was changed: the schema is that of the typed rows.
                let batch = RecordBatch::try_new(typed.batch.schema(), columns.columns().to_vec()).map_err(Failure::run)?;
                break (batch.clone(), scratch, layout.values.totals(&batch)?);
            }
            let finished = layout.values.finish(&columns)?;
            if finished.unfit.is_empty() {
                break (finished.batch, scratch, finished.totals);
            }
            let of_kept = lines_of(&columns)?;
            for unfit in finished.unfit {
                bad.entry(of_kept[unfit.row]).or_insert_with(|| (unfit.column, unfit.rule, Vec::new())).2.push(unfit.reason);
            }
        };
        let excluded = excluded(calculator, &lines, &done.excluded, &bad);
        self.equations(calculator, part, &batch, &scratch)?;
        let quarantined = bad.len() as u64;
        for (line, (column, rule, reasons)) in bad {
            let line = line.unsigned_abs();
            self.unreadable.insert((part.part.clone(), line));
            let reason = format!("{}: line {line}{}: {}", self.file.path, of_part(&part.part), reasons.join("; "));
            self.rejects.push(Reject { part: part.part.clone(), line, column, rule, text: String::new(), raw: String::new(), reason });
        }
        Ok(Taken { batch, totals, quarantined, excluded })
    }

    fn equations(&mut self, calculator: &Calculator, part: &PartFacts, batch: &RecordBatch, scratch: &RecordBatch) -> Result<()> {
        if calculator.equations.is_empty() || batch.num_rows() == 0 {
            return Ok(());
        }
        let fields: Vec<_> = batch.schema().fields().iter().chain(scratch.schema().fields()).map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let columns = batch.columns().iter().chain(scratch.columns()).cloned().collect();
        let whole = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(Failure::run)?;
        let lines = lines_of(batch)?;
        for equation in &calculator.equations {
            let rows = equation.broken(&whole)?;
            let Some((first, reason)) = rows.first() else { continue };
            let broken = self.broken.entry(equation.name.clone()).or_insert_with(|| Broken {
                sql: equation.sql.clone(),
                level: equation.level,
                rows: 0,
                part: part.part.clone(),
                line: lines[*first],
                reason: reason.clone(),
            });
            broken.rows += rows.len() as u64;
        }
        Ok(())
    }
}

/// Records of which no row is left, by rule; those in quarantine are not among them.
fn excluded<T>(calculator: &Calculator, lines: &[i64], excluded: &[Option<usize>], bad: &BTreeMap<i64, T>) -> Vec<Excluded> {
    let mut by_line: BTreeMap<i64, Option<usize>> = BTreeMap::new();
    for (line, rule) in lines.iter().zip(excluded) {
        let whole = by_line.entry(*line).or_insert(*rule);
        if rule.is_none() {
            *whole = None;
        }
    }
    let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
    for rule in by_line.into_iter().filter(|(line, _)| !bad.contains_key(line)).filter_map(|(_, rule)| rule) {
        *counts.entry(rule).or_default() += 1;
    }
    counts.into_iter().map(|(rule, records)| Excluded { rule: calculator.rule(rule).to_owned(), records }).collect()
}

fn split(batch: &RecordBatch, at: usize) -> Result<(RecordBatch, RecordBatch)> {
    let first: Vec<usize> = (0..at).collect();
    let rest: Vec<usize> = (at..batch.num_columns()).collect();
    Ok((batch.project(&first).map_err(Failure::run)?, batch.project(&rest).map_err(Failure::run)?))
}

fn lines_of(batch: &RecordBatch) -> Result<Vec<i64>> {
    let lines = batch.column_by_name("_line").and_then(|lines| lines.as_primitive_opt::<Int64Type>());
    lines.map(|lines| lines.values().to_vec()).ok_or_else(|| Failure::run("decoded rows have no _line"))
}

/// Work that waits for the store from a thread of its own kind.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

fn landed<'a>(context: &Context, record: &LandingRecord) -> Box<dyn io::Read + 'a> {
    Box::new(Landed { pieces: context.landing.read(record, 0), piece: Bytes::new(), runtime: Handle::current() })
}

/// A landed file's bytes for those who can't wait.
struct Landed {
    pieces: BoxStream<'static, takings_sources::Result<Bytes>>,
    piece: Bytes,
    runtime: Handle,
}

impl io::Read for Landed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.runtime.block_on(self.pieces.try_next()).map_err(io::Error::other)? {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let taken = into.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut into[..taken]);
        Ok(taken)
    }
}
