//! A file read by an export and those that read its other parts, kept for the eye: first rows, totals, what was left out and why. How it
//! is read is the caller's: this crate knows no SQL.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow::util::display::array_value_to_string;
use takings_decode::general::FileOutcome;
use takings_decode::{FileIdentity, Reject};
use takings_definitions::{Channel, ColumnType, Export, Table};

use crate::Error;

/// Rejects that are shown.
pub const REJECTS: usize = 20;

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
}

/// What became of a file under one export.
#[derive(Debug)]
pub struct Tried {
    /// Of a file that could be read to its end.
    pub outcome: Option<FileOutcome>,
    pub rejects: Vec<Reject>,
    pub stopped: Option<String>,
}

/// A row as it is typed; no value is an empty text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialRow {
    pub part: String,
    pub line: i64,
    pub cells: Vec<String>,
}

/// Reads a file by an export and its parts, and keeps so many first rows of each. `read` reads it by one of them; an error is one of the
/// channel file or of the place where the file lies, what is wrong with the file stands in the trials.
pub fn trial(
    channel: &Channel,
    export: &Export,
    tables: &BTreeMap<String, Table>,
    path: &str,
    rows: usize,
    read: impl Fn(&Export, &Table, &FileIdentity, &mut FirstRows) -> Result<Tried, Error>,
) -> Result<Vec<Trial>, Error> {
    let file = FileIdentity { instance: "trial".to_owned(), file_id: "trial".to_owned(), path: path.to_owned() };
    let mut trials = Vec::new();
    for member in channel.family(export) {
        let table = tables.get(&member.table).ok_or_else(|| Error::new(format!("export `{}` goes to {}, which has no contract", member.name, member.table)))?;
        let mut first = FirstRows { limit: rows, rows: Vec::new(), sums: uncounted(table) };
        let Tried { outcome, mut rejects, stopped } = read(member, table, &file, &mut first)?;
        rejects.truncate(REJECTS);
        let mut totals = outcome.as_ref().map(|outcome| totals(outcome, table)).unwrap_or_default();
        if outcome.is_some() {
            let sums = first.sums.iter().filter(|sum| sum.seen);
            totals.extend(sums.filter_map(|sum| Some((table.columns[sum.column].name.clone(), String::new(), plain(sum.sum?, sum.scale)))));
        }
        trials.push(Trial {
            export: member.name.clone(),
            table: table.name.clone(),
            stopped,
            header: table.columns.iter().map(|column| column.name.clone()).collect(),
            rows: first.rows,
            totals,
            outcome,
            rejects,
        });
    }
    Ok(trials)
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

/// The first rows of a file, as they are published, and the sums of all.
#[derive(Debug)]
pub struct FirstRows {
    limit: usize,
    rows: Vec<TrialRow>,
    sums: Vec<Sum>,
}

/// The exact sum of a column; None once it has outgrown 128 bits.
#[derive(Debug)]
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

impl FirstRows {
    /// Takes published rows; the contract's columns come first.
    pub fn add(&mut self, part: &str, batch: &RecordBatch) {
        // Behind the contract's columns stand those that every raw table has.
        let own = batch.schema().fields().iter().take_while(|field| !field.name().starts_with('_')).count();
        for row in 0..batch.num_rows().min(self.limit.saturating_sub(self.rows.len())) {
            let cells = batch.columns()[..own].iter().map(|array| cell(array.as_ref(), row)).collect();
            self.rows.push(TrialRow { part: part.to_owned(), line: line(batch, row), cells });
        }
        for sum in &mut self.sums {
            sum.add(batch.column(sum.column).as_ref());
        }
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
