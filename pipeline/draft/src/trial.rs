//! A file read by an export and those that read its other parts, kept for the eye: first rows, totals, what was left out and why. What
//! only a run can do (calculations, rules in SQL) is named and not done.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow::util::display::array_value_to_string;
use takings_decode::general::{FileOutcome, Layout, Opener, Reader, Sink, Taken};
use takings_decode::{Error, FileIdentity, PartFacts, Reject, Result, Typed};
use takings_definitions::{Channel, CheckKind, ColumnType, ExcludeWhen, Export, Reference, Table};

/// Rejects that are kept.
const REJECTS: usize = 20;

/// What an export makes of a file.
#[derive(Debug, Clone)]
pub struct Trial {
    pub export: String,
    pub table: String,
    /// Why the file would be stopped.
    pub stopped: Option<String>,
    /// Of a file that was read to its end.
    pub outcome: Option<FileOutcome>,
    /// Columns of `rows`.
    pub header: Vec<String>,
    pub rows: Vec<TrialRow>,
    /// Column, currency, exact sum.
    pub totals: Vec<(String, String, String)>,
    /// The first of them.
    pub rejects: Vec<Reject>,
    /// What a run does besides.
    pub later: Vec<String>,
}

/// A row as it is typed; no value is an empty text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialRow {
    pub part: String,
    pub line: i64,
    pub cells: Vec<String>,
}

/// Reads a file by an export and its parts, and keeps so many first rows of each. An error is one of the channel file or of the place
/// where the file lies; what is wrong with the file stands in the trials.
pub fn trial(
    channel: &Channel,
    export: &Export,
    tables: &BTreeMap<String, Table>,
    references: &BTreeMap<String, Reference>,
    path: &str,
    open: Opener<'_>,
    rows: usize,
) -> Result<Vec<Trial>, crate::Error> {
    let mut trials = Vec::new();
    for member in channel.family(export) {
        let table =
            tables.get(&member.table).ok_or_else(|| crate::Error::new(format!("export `{}` goes to {}, which has no contract", member.name, member.table)))?;
        let reader = Reader::new(channel, member, table, references)?;
        let file = FileIdentity { instance: "trial".to_owned(), file_id: "trial".to_owned(), path: path.to_owned() };
        let mut kept = Kept { limit: rows, sums: uncounted(table), ..Kept::default() };
        let read = reader.read(&file, open, &mut kept);
        let mut trial = Trial {
            export: member.name.clone(),
            table: table.name.clone(),
            stopped: None,
            outcome: None,
            header: table.columns.iter().map(|column| column.name.clone()).collect(),
            rows: kept.rows,
            totals: Vec::new(),
            rejects: kept.rejects,
            later: later(member),
        };
        match read {
            Err(error) if error.is_data() => trial.stopped = Some(error.to_string()),
            Err(error) => return Err(error.into()),
            Ok(outcome) => {
                let limit = member.quarantine_limit;
                let too_many = (outcome.quarantined > limit)
                    .then(|| format!("{} records are bad, and quarantine_limit is {limit}: the whole file is stopped", outcome.quarantined));
                trial.stopped = outcome.stopped().or(too_many);
                trial.totals = totals(&outcome, table);
                let sums = kept
                    .sums
                    .iter()
                    .filter(|sum| sum.seen)
                    .filter_map(|sum| Some((table.columns[sum.column].name.clone(), String::new(), plain(sum.sum?, sum.scale))));
                trial.totals.extend(sums);
                trial.outcome = Some(outcome);
            }
        }
        trials.push(trial);
    }
    Ok(trials)
}

/// What of an export is the engine's.
fn later(export: &Export) -> Vec<String> {
    let mut later: Vec<String> = Vec::new();
    let mut add = |what: String| {
        if !later.contains(&what) {
            later.push(what);
        }
    };
    for one in export.effective() {
        one.calculate.iter().for_each(|calculation| add(format!("{} is calculated", calculation.column)));
        for check in one.checks.iter().filter(|check| matches!(check.kind, CheckKind::Equation { .. })) {
            add(format!("check `{}` is compared in every row", check.name));
        }
        for rule in one.exclude.iter().filter(|rule| matches!(rule.when, ExcludeWhen::Where(_))) {
            add(format!("rule `{}` leaves rows out", rule.name));
        }
    }
    later
}

fn totals(outcome: &FileOutcome, table: &Table) -> Vec<(String, String, String)> {
    let scale = |name: &str| match table.column(name).map(|column| column.kind) {
        Some(ColumnType::Decimal { scale, .. }) => usize::try_from(scale).unwrap_or(0),
        _ => 0,
    };
    outcome.totals.iter().map(|total| (total.column.clone(), total.currency.clone(), plain(total.sum, scale(&total.column)))).collect()
}

/// The numbers that control totals leave out: counts, and amounts without a currency.
fn uncounted(table: &Table) -> Vec<Sum> {
    let columns = table.columns.iter().enumerate().filter(|(_, column)| column.currency.is_none());
    let numbers = columns.filter_map(|(column, spec)| match spec.kind {
        ColumnType::Decimal { scale, .. } => Some(Sum { column, scale: usize::try_from(scale).unwrap_or(0), sum: Some(0), seen: false }),
        ColumnType::Int64 => Some(Sum { column, scale: 0, sum: Some(0), seen: false }),
        _ => None,
    });
    numbers.collect()
}

/// An integer at a scale, as a person writes it.
fn plain(value: i128, scale: usize) -> String {
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[derive(Default)]
struct Kept {
    limit: usize,
    rows: Vec<TrialRow>,
    rejects: Vec<Reject>,
    sums: Vec<Sum>,
}

/// The exact sum of a column; None once it has outgrown 128 bits.
struct Sum {
    column: usize,
    scale: usize,
    sum: Option<i128>,
    seen: bool,
}

impl Sum {
    fn add(&mut self, array: &dyn Array) {
        for row in (0..array.len()).filter(|row| !array.is_null(*row)) {
            let value = match array.data_type() {
                DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value(row),
                _ => array.as_primitive_opt::<Int64Type>().map_or(0, |values| i128::from(values.value(row))),
            };
            self.sum = self.sum.and_then(|sum| sum.checked_add(value));
            self.seen = true;
        }
    }
}

impl Sink for Kept {
    type Error = Error;

    fn rows(&mut self, layout: &Layout, part: &PartFacts, typed: Typed) -> Result<Taken> {
        // Behind the contract's columns stand those that every raw table has.
        let own = layout.values.schema().fields().iter().take_while(|field| !field.name().starts_with('_')).count();
        for row in 0..typed.batch.num_rows().min(self.limit.saturating_sub(self.rows.len())) {
            let cells = typed.batch.columns()[..own].iter().map(|array| cell(array.as_ref(), row)).collect();
            self.rows.push(TrialRow { part: part.part.clone(), line: line(&typed.batch, row), cells });
        }
        for sum in &mut self.sums {
            sum.add(typed.batch.column(sum.column).as_ref());
        }
        Ok(Taken::all(typed))
    }

    fn reject(&mut self, reject: Reject) -> Result<()> {
        if self.rejects.len() < REJECTS {
            self.rejects.push(reject);
        }
        Ok(())
    }
}

fn cell(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) {
        return String::new();
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Decimal128(_, scale) => plain(array.as_primitive::<Decimal128Type>().value(row), usize::try_from(*scale).unwrap_or(0)),
        DataType::Timestamp(..) => {
            let at = array.as_primitive::<TimestampMicrosecondType>().value_as_datetime(row);
            at.map_or_else(|| "?".to_owned(), |at| format!("{}Z", at.to_string().replace(' ', "T")))
        }
        _ => array_value_to_string(array, row).unwrap_or_else(|error| format!("({error})")),
    }
}

fn line(batch: &RecordBatch, row: usize) -> i64 {
    batch.column_by_name("_line").and_then(|array| array.as_primitive_opt::<Int64Type>()).map_or(0, |lines| lines.value(row))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn sums_are_shown_exactly() {
        assert_eq!([plain(0, 2), plain(-5, 2), plain(12_300, 4), plain(7, 0)], ["0", "-0.05", "1.23", "7"]);
        assert_eq!(plain(i128::MIN, 38), "-1.70141183460469231731687303715884105728");
    }
}
