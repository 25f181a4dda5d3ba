//! One column of a chunk at a time: cells → Arrow array, problems and control totals.
//!
//! A column that the file lacks is null. A faster page encoder may take this module's place; it needs nothing but [`Cells`].

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, NullBufferBuilder, StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use takings_definitions::ColumnType;

use crate::cells::Cells;
use crate::iso::Memo;
use crate::layout::{Layout, LayoutColumn, data_type};
use crate::number::{DecimalForm, NumberProblem, boolean, decimal, integer};
use crate::reject::{Finding, Problem, rule};
use crate::time::TimeProblem;
use crate::totals::{ColumnTotal, Sums};
use crate::{Error, Result};

/// Reads the columns of one chunk and remembers what is wrong.
#[derive(Debug)]
pub(crate) struct Columns<'a> {
    layout: &'a Layout,
    sources: &'a [Option<usize>],
    cells: Cells<'a>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) totals: Vec<ColumnTotal>,
}

type Values<T> = (Vec<T>, Option<NullBuffer>);

impl<'a> Columns<'a> {
    pub(crate) fn new(layout: &'a Layout, sources: &'a [Option<usize>], cells: Cells<'a>) -> Self {
        Self { layout, sources, cells, problems: Vec::new(), totals: Vec::new() }
    }

    pub(crate) fn read(&mut self, at: usize) -> Result<ArrayRef> {
        let layout = self.layout;
        let column = &layout.columns[at];
        let Some(source) = self.sources[at] else { return Ok(new_null_array(&data_type(column.kind), self.cells.index.rows())) };
        let formats = &layout.formats;
        let mut memo = Memo::default();
        Ok(match column.kind {
            ColumnType::Text => Arc::new(self.text(at, source)?),
            ColumnType::Timestamp => {
                let (values, nulls) =
                    self.values(at, source, |_, text| formats.instant(text, &mut memo).map_err(|problem| not_a_time(rule::TIMESTAMP, problem)));
                Arc::new(TimestampMicrosecondArray::new(ScalarBuffer::from(values), nulls).with_timezone("UTC"))
            }
            ColumnType::Date => {
                let (values, nulls) = self.values(at, source, |_, text| formats.day(text, &mut memo).map_err(|problem| not_a_time(rule::DATE, problem)));
                Arc::new(Date32Array::new(ScalarBuffer::from(values), nulls))
            }
            ColumnType::Int64 => {
                let (values, nulls) = self.values(at, source, |_, text| integer(text).map_err(not_an_integer));
                Arc::new(Int64Array::new(ScalarBuffer::from(values), nulls))
            }
            ColumnType::Bool => {
                let unclear = || Finding::new(rule::BOOLEAN, "is neither true nor false");
                let (values, nulls) = self.values(at, source, |_, text| boolean(text).ok_or_else(unclear));
                Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls))
            }
            ColumnType::Decimal { precision, scale } => {
                let form = DecimalForm { precision, scale: scale.unsigned_abs(), thousands: layout.thousands.as_deref() };
                let (values, nulls) = self.decimals(at, source, form)?;
                let array = Decimal128Array::new(ScalarBuffer::from(values), nulls).with_precision_and_scale(precision, scale);
                Arc::new(array.map_err(|error| Error::config(format!("column {}: {error}", column.name)))?)
            }
        })
    }

    fn decimals(&mut self, at: usize, source: usize, form: DecimalForm) -> Result<Values<i128>> {
        let (column, cells) = (&self.layout.columns[at], self.cells);
        let parse = |text: &[u8]| {
            let value = decimal(text, form).map_err(|problem| not_a_decimal(problem, form))?;
            match column.bound {
                Some(bound) if value.unsigned_abs() > bound.unsigned_abs() => Err(Finding::new(rule::BOUND, "is beyond the bound that the contract sets")),
                _ => Ok(value),
            }
        };
        let Some(currency) = column.currency else { return Ok(self.values(at, source, |_, text| parse(text))) };
        let currency_source = self.sources[currency];
        let mut sums = Sums::default();
        let mut scratch = Vec::new();
        let values = self.values(at, source, |row, text| {
            let value = parse(text)?;
            let currency = match currency_source {
                Some(source) => cells.value(row, source, &mut scratch)?,
                None => None,
            };
            match currency {
                Some(currency) => sums.add(currency, value),
                // Nothing is nothing in any currency.
                None if value == 0 => {}
                None => return Err(no_currency(self.layout, column)),
            }
            Ok(value)
        });
        // Sums of a chunk with problems are not used: it is read again without the records that have them.
        if self.problems.is_empty() {
            self.totals.extend(sums.finish(&column.name)?);
        }
        Ok(values)
    }

    /// Values of a fixed width. Where a cell has a problem a zero keeps its place.
    fn values<T: Default>(&mut self, at: usize, source: usize, mut parse: impl FnMut(usize, &[u8]) -> Result<T, Finding>) -> Values<T> {
        let (cells, rows) = (self.cells, self.cells.index.rows());
        let mut values = Vec::with_capacity(rows);
        let mut nulls = NullBufferBuilder::new(rows);
        let mut scratch = Vec::new();
        for (row, place) in cells.index.column(source).enumerate() {
            let value = match cells.value_at(place, &mut scratch) {
                Ok(Some(text)) => parse(row, text).map(Some),
                Ok(None) => Ok(None),
                Err(finding) => Err(finding),
            };
            match value {
                Ok(Some(value)) => {
                    values.push(value);
                    nulls.append_non_null();
                }
                Ok(None) => {
                    values.push(T::default());
                    nulls.append_null();
                    self.check_null(at, row);
                }
                Err(finding) => {
                    values.push(T::default());
                    nulls.append_non_null();
                    self.problem(at, row, finding);
                }
            }
        }
        (values, nulls.build())
    }

    fn text(&mut self, at: usize, source: usize) -> Result<StringArray> {
        let (cells, rows) = (self.cells, self.cells.index.rows());
        // Room for all, and for the bytes behind the last short text.
        let mut values: Vec<u8> = Vec::with_capacity(cells.index.column(source).map(|place| place.len()).sum::<usize>() + 16);
        let mut offsets: Vec<i32> = Vec::with_capacity(rows + 1);
        let mut nulls = NullBufferBuilder::new(rows);
        let mut scratch = Vec::new();
        offsets.push(0);
        for (row, place) in cells.index.column(source).enumerate() {
            if cells.append_short(place.clone(), &mut values) {
                nulls.append_non_null();
                offsets.push(values.len() as i32);
                continue;
            }
            match cells.value_at(place, &mut scratch) {
                Ok(Some(text)) => {
                    values.extend_from_slice(text);
                    nulls.append_non_null();
                }
                Ok(None) => {
                    nulls.append_null();
                    self.check_null(at, row);
                }
                Err(finding) => {
                    nulls.append_non_null();
                    self.problem(at, row, finding);
                }
            }
            // A chunk is smaller than 2 GiB, so the offset fits.
            offsets.push(values.len() as i32);
        }
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        StringArray::try_new(offsets, Buffer::from_vec(values), nulls.build())
            .map_err(|error| Error::data(format!("column {}: {error}", self.layout.columns[at].name)))
    }

    #[inline]
    fn check_null(&mut self, at: usize, row: usize) {
        if !self.layout.columns[at].nullable {
            self.problem(at, row, Finding::new(rule::NULL, "is no value, and the column must have one"));
        }
    }

    #[cold]
    fn problem(&mut self, at: usize, row: usize, finding: Finding) {
        self.problems.push(Problem { row, column: Some(at), finding });
    }
}

#[cold]
fn no_currency(layout: &Layout, column: &LayoutColumn) -> Finding {
    let currency = column.currency.map_or("", |at| layout.columns[at].name.as_str());
    Finding::new(rule::CURRENCY, format!("is an amount without a currency: {currency} is empty"))
}

#[cold]
fn not_a_time(form: &'static str, problem: TimeProblem) -> Finding {
    match problem {
        TimeProblem::Form => Finding::new(form, "is in none of the export's date-time formats"),
        TimeProblem::TooFine => Finding::new(rule::DIGITS, "is finer than a microsecond"),
        TimeProblem::Range => Finding::new(rule::SIZE, "is not in the years 1 to 9999"),
        TimeProblem::TimeOfDay => Finding::new(form, "has a time of day (UTC), and the column holds days"),
    }
}

#[cold]
fn not_an_integer(problem: NumberProblem) -> Finding {
    match problem {
        NumberProblem::Form | NumberProblem::Digits => Finding::new(rule::INTEGER, "is not a whole number"),
        NumberProblem::Size => Finding::new(rule::SIZE, "is larger than 64 bits hold"),
    }
}

#[cold]
fn not_a_decimal(problem: NumberProblem, form: DecimalForm) -> Finding {
    match problem {
        NumberProblem::Form => Finding::new(rule::DECIMAL, "is not a decimal number"),
        NumberProblem::Digits => Finding::new(rule::DIGITS, format!("has more than {} decimals", form.scale)),
        NumberProblem::Size => Finding::new(rule::SIZE, format!("is larger than decimal({},{}) holds", form.precision, form.scale)),
    }
}
