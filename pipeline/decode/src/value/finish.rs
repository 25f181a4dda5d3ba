//! Rows that calculations have changed: what the contract asks of them, their dates and control totals, once more.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Decimal128Type;
use takings_definitions::ColumnType;

use super::currency::{is_code, no_code};
use super::typing::no_currency;
use super::values::{ValueColumn, Values};
use crate::dating::{NO_MONTH, UNKNOWN};
use crate::reject::{Finding, rule};
use crate::totals::Sums;
use crate::{ColumnTotal, Error, Result, add_totals};

/// Rows that are final, and those that are not right.
#[derive(Debug)]
pub struct Finished {
    /// In the table's own schema, without the unfit rows.
    pub batch: RecordBatch,
    /// By row of the batch that was given; a row may have several.
    pub unfit: Vec<Unfit>,
    /// Sums of the batch's money columns, by column and currency.
    pub totals: Vec<ColumnTotal>,
}

/// Why a row can't be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    pub row: usize,
    pub column: Option<String>,
    pub rule: &'static str,
    pub reason: String,
}

impl Values {
    /// Checks rows as [`Typing`](super::Typing) typed and calculations changed them: nulls, bounds, currencies; dates them again.
    pub fn finish(&self, batch: &RecordBatch) -> Result<Finished> {
        if batch.num_columns() != self.schema().fields().len() {
            return Err(Error::config(format!(
                "{} columns came back from the calculations, {} are expected",
                batch.num_columns(),
                self.schema().fields().len()
            )));
        }
        let rows = batch.num_rows();
        let mut unfit = Vec::new();
        for (at, column) in self.columns[..self.contract].iter().enumerate() {
            let array = batch.column(at);
            for row in 0..rows {
                if let Some(finding) = self.unfit(batch, column, array, row) {
                    let reason = format!("{}: {}", column.name, finding.what);
                    unfit.push(Unfit { row, column: Some(column.name.clone()), rule: finding.rule, reason });
                }
            }
        }
        let known_at = self.dating.known_at(batch.columns(), rows);
        let months = self.dating.months(batch.columns(), rows);
        let undated = |row, rule, what: &str| Unfit { row, column: None, rule, reason: what.to_owned() };
        unfit.extend((0..rows).filter(|row| known_at[*row].is_none()).map(|row| undated(row, rule::KNOWN_AT, UNKNOWN)));
        if let Some(months) = &months {
            unfit.extend((0..rows).filter(|row| months[*row].is_none()).map(|row| undated(row, rule::PARTITION, NO_MONTH)));
        }
        unfit.sort_by_key(|unfit| unfit.row);
        let mut keep = vec![true; rows];
        unfit.iter().for_each(|unfit| keep[unfit.row] = false);
        let batch = self.dated(batch, known_at, months, keep)?;
        let totals = self.totals(&batch)?;
        Ok(Finished { batch, unfit, totals })
    }

    fn unfit(&self, batch: &RecordBatch, column: &ValueColumn, array: &ArrayRef, row: usize) -> Option<Finding> {
        if array.is_null(row) {
            return (!column.nullable).then(|| Finding::new(rule::NULL, "is no value, and the column must have one"));
        }
        if !matches!(column.kind, ColumnType::Decimal { .. }) {
            return None;
        }
        let value = array.as_primitive_opt::<Decimal128Type>()?.value(row);
        if column.bound.is_some_and(|bound| value.unsigned_abs() > bound.unsigned_abs()) {
            return Some(Finding::new(rule::BOUND, "is beyond the bound that the contract sets"));
        }
        // Nothing is nothing in any currency.
        let currency = batch.column(column.currency.filter(|_| value != 0)?);
        let text = currency.as_string_opt::<i32>().filter(|texts| texts.is_valid(row)).map_or("", |texts| texts.value(row));
        let any = column.currency.is_some_and(|at| self.columns[at].means_its_texts());
        match text {
            "" => Some(no_currency(self, column)),
            _ if any || is_code(text.as_bytes()) => None,
            _ => Some(no_code(text.as_bytes())),
        }
    }

    /// The rows that are kept, with their dates, in the table's own schema.
    fn dated(&self, batch: &RecordBatch, known_at: Vec<Option<i64>>, months: Option<Vec<Option<i32>>>, keep: Vec<bool>) -> Result<RecordBatch> {
        let broken = |error: arrow::error::ArrowError| Error::data(format!("calculated rows of {}: {error}", self.table));
        let mut arrays = batch.columns().to_vec();
        let place = |name: &str| self.schema().index_of(name).map_err(broken);
        arrays[place("_known_at")?] = Arc::new(TimestampMicrosecondArray::from(known_at).with_timezone("UTC"));
        if let Some(months) = months {
            arrays[place("period_month")?] = Arc::new(Date32Array::from(months));
        }
        let whole = RecordBatch::try_new(self.draft.clone(), arrays).map_err(broken)?;
        let kept = filter_record_batch(&whole, &BooleanArray::from(keep)).map_err(broken)?;
        RecordBatch::try_new(self.schema().clone(), kept.columns().to_vec()).map_err(broken)
    }

    /// Sums of finished rows.
    pub fn totals(&self, batch: &RecordBatch) -> Result<Vec<ColumnTotal>> {
        let mut totals = Vec::new();
        for (at, column) in self.columns[..self.contract].iter().enumerate() {
            let Some(currency) = column.currency else { continue };
            let (amounts, currencies) = (batch.column(at).as_primitive_opt::<Decimal128Type>(), batch.column(currency).as_string_opt::<i32>());
            let (Some(amounts), Some(currencies)) = (amounts, currencies) else { continue };
            let mut sums = Sums::default();
            let counts = |row: &usize| amounts.is_valid(*row) && amounts.value(*row) != 0;
            (0..batch.num_rows()).filter(counts).for_each(|row| sums.add(currencies.value(row).as_bytes(), amounts.value(row)));
            add_totals(&mut totals, &sums.finish(&column.name)?)?;
        }
        Ok(totals)
    }
}
