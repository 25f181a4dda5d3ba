//! What a check has seen so far.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hasher};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow::util::display::array_value_to_string;
use takings_definitions::{Check, CheckKind};

use super::number::Number;
use crate::{Error, Result};

/// More rows than these are not held to be told apart.
const UNIQUE_LIMIT: usize = 4_000_000;

/// A value that is none, among others.
const NO_VALUE: &str = "\u{0}";

#[derive(Debug, Default)]
pub(super) struct State {
    /// By the values of `by`: what the part came to; sums and counts.
    groups: BTreeMap<Vec<String>, Option<i128>>,
    scale: u32,
    lines: u64,
    keys: HashSet<u128>,
    single: Option<String>,
    /// Per table of the file its sum.
    tables: BTreeMap<String, Option<i128>>,
    wrong: Option<String>,
}

impl State {
    pub fn rows(&mut self, check: &Check, table: &str, batch: &RecordBatch) -> Result<()> {
        match &check.kind {
            CheckKind::Sum { column } => {
                let numbers = Numbers::of(batch, column)?;
                self.scale = numbers.scale;
                let by = columns(batch, &check.by)?;
                for row in 0..batch.num_rows() {
                    if let Some(value) = numbers.value(row) {
                        let sum = self.groups.entry(group(&by, row)?).or_insert(Some(0));
                        *sum = sum.and_then(|sum| sum.checked_add(value));
                    }
                }
            }
            CheckKind::Rows => {
                let by = columns(batch, &check.by)?;
                for row in 0..batch.num_rows() {
                    let count = self.groups.entry(group(&by, row)?).or_insert(Some(0));
                    *count = count.map(|count| count + 1);
                }
            }
            CheckKind::NoRepeat { column } => {
                let numbers = Numbers::of(batch, column)?;
                self.scale = numbers.scale;
                let sum = self.tables.entry(table.to_owned()).or_insert(Some(0));
                for value in (0..batch.num_rows()).filter_map(|row| numbers.value(row)) {
                    *sum = sum.and_then(|sum| sum.checked_add(value));
                }
            }
            CheckKind::Unique { columns: names } => self.unique(names, batch)?,
            CheckKind::Single { column } => self.single(column, batch)?,
            CheckKind::Lines | CheckKind::Equation { .. } => {}
        }
        Ok(())
    }

    fn unique(&mut self, names: &[String], batch: &RecordBatch) -> Result<()> {
        let arrays = columns(batch, names)?;
        for row in 0..batch.num_rows() {
            if self.wrong.is_some() {
                return Ok(());
            }
            let key = group(&arrays, row)?;
            if self.keys.len() >= UNIQUE_LIMIT {
                self.wrong = Some(format!("the file has more than {UNIQUE_LIMIT} rows; let a data test of the table look at them"));
            } else if !self.keys.insert(hash(&key)) {
                let shown: Vec<String> = names.iter().zip(&key).map(|(name, value)| format!("{name} {:?}", value.trim_start_matches(NO_VALUE))).collect();
                self.wrong = Some(format!("line {} repeats {}", line(batch, row), shown.join(", ")));
            }
        }
        Ok(())
    }

    fn single(&mut self, name: &str, batch: &RecordBatch) -> Result<()> {
        let array = column(batch, name)?;
        for row in (0..batch.num_rows()).filter(|row| array.is_valid(*row)) {
            let value = text(array, row)?;
            match &self.single {
                None => self.single = Some(value),
                Some(first) if *first == value => {}
                Some(first) => {
                    self.wrong.get_or_insert_with(|| format!("{name} is {first:?}, and {value:?} on line {}", line(batch, row)));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    pub fn lines(&mut self, lines: u64) {
        self.lines += lines;
    }

    /// What is compared, by group; without groups there is always one.
    pub fn found(&self, check: &Check) -> BTreeMap<Vec<String>, Number> {
        let scale = if matches!(check.kind, CheckKind::Sum { .. }) { self.scale } else { 0 };
        let mut found: BTreeMap<_, _> = match check.kind {
            CheckKind::Lines => BTreeMap::from([(Vec::new(), Number::new(Some(i128::from(self.lines)), 0))]),
            _ => self.groups.iter().map(|(group, value)| (group.clone(), Number::new(*value, scale))).collect(),
        };
        if check.by.is_empty() {
            found.entry(Vec::new()).or_insert_with(Number::zero);
        }
        found
    }

    /// Whether there is anything to compare: rows with a value.
    pub fn has_rows(&self) -> bool {
        !self.groups.is_empty()
    }

    /// The next part is looked at for itself.
    pub fn part_ended(&mut self) {
        self.groups.clear();
        self.lines = 0;
    }

    /// Of a check that compares rows with each other: what was found, and what is wrong.
    pub fn alone(&self, check: &Check) -> (String, Option<String>) {
        match &check.kind {
            CheckKind::Unique { .. } => (format!("{} rows", self.keys.len()), self.wrong.clone()),
            CheckKind::Single { .. } => (self.single.clone().unwrap_or_default(), self.wrong.clone()),
            CheckKind::NoRepeat { .. } => {
                let all = self.tables.values().try_fold(0i128, |sum, table| sum.checked_add((*table)?));
                let shown = |sum: Option<i128>| Number::new(sum, self.scale).shown();
                let Some(all) = all else { return (shown(None), Some("the sums are larger than 128 bits hold".to_owned())) };
                let repeats = |sum: &Option<i128>| sum.is_some_and(|sum| sum != 0 && sum.checked_mul(2) == Some(all));
                let repeated = self.tables.iter().filter(|_| self.tables.len() > 1).find(|(_, sum)| repeats(sum));
                (shown(Some(all)), repeated.map(|(table, sum)| format!("{table} has {}, which is what all other parts have together", shown(*sum))))
            }
            _ => (String::new(), None),
        }
    }
}

fn columns<'a>(batch: &'a RecordBatch, names: &[String]) -> Result<Vec<&'a ArrayRef>> {
    names.iter().map(|name| column(batch, name)).collect()
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| Error::config(format!("the rows have no column `{name}`, which a check looks at")))
}

fn group(columns: &[&ArrayRef], row: usize) -> Result<Vec<String>> {
    columns.iter().map(|array| if array.is_null(row) { Ok(NO_VALUE.to_owned()) } else { text(array, row) }).collect()
}

fn text(array: &ArrayRef, row: usize) -> Result<String> {
    match array.data_type() {
        DataType::Utf8 => Ok(array.as_string::<i32>().value(row).to_owned()),
        // Arrow itself writes named zones with a feature only.
        DataType::Timestamp(..) => {
            let at = array.as_primitive_opt::<TimestampMicrosecondType>().and_then(|instants| instants.value_as_datetime(row));
            at.map(|at| format!("{at} UTC")).ok_or_else(|| Error::data("an instant that no calendar has"))
        }
        _ => array_value_to_string(array, row).map_err(|error| Error::data(error.to_string())),
    }
}

fn line(batch: &RecordBatch, row: usize) -> i64 {
    batch.column_by_name("_line").and_then(|array| array.as_primitive_opt::<Int64Type>()).map_or(0, |lines| lines.value(row))
}

/// Of 128 bits: two keys that differ have the same one in no file of this world.
fn hash(key: &[String]) -> u128 {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(seed);
        for value in key {
            hasher.write_usize(value.len());
            hasher.write(value.as_bytes());
        }
        u128::from(hasher.finish())
    };
    half(1) << 64 | half(2)
}

/// A column of numbers as integers at its scale.
struct Numbers<'a> {
    array: &'a ArrayRef,
    scale: u32,
}

impl<'a> Numbers<'a> {
    fn of(batch: &'a RecordBatch, name: &str) -> Result<Self> {
        let array = column(batch, name)?;
        let scale = match array.data_type() {
            DataType::Decimal128(_, scale) => u32::try_from(*scale).unwrap_or(0),
            DataType::Int64 => 0,
            other => return Err(Error::config(format!("column {name} is {other}, and only numbers have a sum"))),
        };
        Ok(Self { array, scale })
    }

    fn value(&self, row: usize) -> Option<i128> {
        if self.array.is_null(row) {
            return None;
        }
        match self.array.as_primitive_opt::<Decimal128Type>() {
            Some(decimals) => Some(decimals.value(row)),
            None => self.array.as_primitive_opt::<Int64Type>().map(|integers| i128::from(integers.value(row))),
        }
    }
}
