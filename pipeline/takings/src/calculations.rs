//! The SQL of a channel file over the rows of one file: calculations, exclusions and equations, before anything is published.
//!
//! What calculations change is looked at once more: it must hold what the contract asks. Who takes the rows is the caller's.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, Schema};
use takings_decode::general::{CheckOutcome, FileOutcome, Layout, Sink, Taken};
use takings_decode::{Excluded, FileIdentity, PartFacts, Reject, Typed, rule};
use takings_definitions::Level;
use takings_engine::Calculator;

use crate::failure::{Failure, Result};
use crate::general::of_part;
use crate::rejects::Rejects;

/// Rows and rejects of a file as decode hands them over.
pub struct Calculations<'a> {
    layouts: &'a [Layout],
    /// Of each layout, where it has SQL.
    calculators: &'a [Option<Calculator>],
    file: &'a FileIdentity,
    rejects: &'a mut Rejects,
    into: &'a mut dyn FnMut(&PartFacts, &RecordBatch) -> Result<()>,
    equations: BTreeMap<String, Compared>,
}

/// What an equation came to.
struct Compared {
    level: Level,
    sql: String,
    /// Rows that don't fulfil it, and the first of them.
    broken: u64,
    first: Option<First>,
}

struct First {
    part: String,
    line: i64,
    /// Why it can't be told.
    reason: Option<String>,
}

impl<'a> Calculations<'a> {
    pub fn new(
        layouts: &'a [Layout],
        calculators: &'a [Option<Calculator>],
        file: &'a FileIdentity,
        rejects: &'a mut Rejects,
        into: &'a mut dyn FnMut(&PartFacts, &RecordBatch) -> Result<()>,
    ) -> Self {
        Self { layouts, calculators, file, rejects, into, equations: BTreeMap::new() }
    }

    /// Adds what equations came to.
    pub fn finish(self, outcome: &mut FileOutcome) {
        for (name, compared) in self.equations {
            let Compared { level, sql, broken, first } = compared;
            let holds = (level != Level::Display).then_some(broken == 0);
            let message = match first {
                None => format!("{sql} holds in every row"),
                Some(First { part, line, reason }) => {
                    let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                    format!("{sql} does not hold in {broken} rows, first on line {line}{}{why}", of_part(&part))
                }
            };
            let check = CheckOutcome { name, level, part: String::new(), group: Vec::new(), expected: None, found: String::new(), holds, message };
            if level == Level::Advisory && broken > 0 {
                outcome.warnings.push(format!("{}: {check}", self.file.path));
            }
            outcome.checks.push(check);
        }
    }
}

impl Sink for Calculations<'_> {
    type Error = Failure;

    fn rows(&mut self, layout: &Layout, part: &PartFacts, typed: Typed) -> Result<Taken> {
        let calculators = self.calculators;
        let at = self.layouts.iter().position(|one| one.name == layout.name);
        let taken = match at.and_then(|at| calculators[at].as_ref()) {
            None => Taken::all(typed),
            Some(calculator) => self.calculated(calculator, layout, part, typed)?,
        };
        (self.into)(part, &taken.batch)?;
        Ok(taken)
    }

    fn reject(&mut self, reject: Reject) -> Result<()> {
        self.rejects.add(reject);
        Ok(())
    }
}

impl Calculations<'_> {
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
            let reason = format!("{}: line {line}{}: {}", self.file.path, of_part(&part.part), reasons.join("; "));
            // Its text is added where it is wanted.
            self.rejects.add(Reject { part: part.part.clone(), line, column, rule, text: String::new(), raw: String::new(), reason });
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
            let compared = self.equations.entry(equation.name.clone()).or_insert_with(|| Compared {
                level: equation.level,
                sql: equation.sql.clone(),
                broken: 0,
                first: None,
            });
            compared.broken += rows.len() as u64;
            if let (None, Some((row, reason))) = (&compared.first, rows.first()) {
                compared.first = Some(First { part: part.part.clone(), line: lines[*row], reason: reason.clone() });
            }
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
