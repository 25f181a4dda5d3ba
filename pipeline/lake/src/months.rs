//! Cuts a batch into the months its rows belong to.

use std::collections::BTreeMap;

use arrow::array::{Array, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Date32Type};
use chrono::{Datelike, NaiveDate};

use crate::{Error, PARTITION_COLUMN, Result};

/// One batch per month, in the order of the months, without the partition column.
pub(crate) fn split(table: &str, batch: &RecordBatch) -> Result<Vec<(NaiveDate, RecordBatch)>> {
    let wrong = |reason: String| Error::data(table, reason);
    let column = batch.column_by_name(PARTITION_COLUMN).filter(|column| column.data_type() == &DataType::Date32);
    let column = column.ok_or_else(|| wrong(format!("a batch has no date column `{PARTITION_COLUMN}`")))?;
    let days = arrow::array::AsArray::as_primitive::<Date32Type>(column);
    if days.null_count() > 0 {
        return Err(wrong(format!("a row has no `{PARTITION_COLUMN}`; such rows belong into quarantine")));
    }
    let kept: Vec<usize> = (0..batch.num_columns()).filter(|&at| batch.schema_ref().field(at).name() != PARTITION_COLUMN).collect();
    let rows = batch.project(&kept).map_err(|error| wrong(error.to_string()))?;

    let Some(first) = days.values().first() else { return Ok(Vec::new()) };
    if days.values().iter().all(|day| day == first) {
        return Ok(vec![(month(table, *first)?, rows)]);
    }
    let mut of_month: BTreeMap<i32, Vec<u32>> = BTreeMap::new();
    for (row, day) in (0u32..).zip(days.values()) {
        of_month.entry(*day).or_default().push(row);
    }
    of_month
        .into_iter()
        .map(|(day, indices)| {
            let part = take_record_batch(&rows, &UInt32Array::from(indices)).map_err(|error| wrong(error.to_string()))?;
            Ok((month(table, day)?, part))
        })
        .collect()
}

fn month(table: &str, day: i32) -> Result<NaiveDate> {
    let date = Date32Type::to_naive_date_opt(day).filter(|date| date.day() == 1 && (1..=9999).contains(&date.year()));
    date.ok_or_else(|| {
        Error::data(table, format!("`{PARTITION_COLUMN}` {} is not the first day of a month", Date32Type::to_naive_date_opt(day).unwrap_or_default()))
    })
}
