//! One column of a chunk at a time: cells → Arrow array, problems and control totals.
//!
//! A column that the file lacks is null.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal64Array, Decimal128Array, DictionaryArray, Int64Array, NullBufferBuilder,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{Decimal64Type, Decimal128Type, Int32Type};
use takings_definitions::ColumnType;

use crate::cells::Cells;
use crate::iso::Memo;
use crate::layout::{Layout, LayoutColumn, SMALL_PRECISION, coded_type};
use crate::number::{DecimalForm, NumberProblem, boolean, decimal, full_decimal, integer, plain_decimal};
use crate::reject::{Finding, Problem, rule};
use crate::texts::{Coded, Coder};
use crate::time::TimeProblem;
use crate::totals::{ColumnTotal, Sums};
use crate::value::{is_code, no_code};
use crate::word::{HEAD, Head, head, same_rest};
use crate::{Error, Result};

/// Reads the columns of one chunk and remembers what is wrong.
#[derive(Debug)]
pub(crate) struct Columns<'a> {
    layout: &'a Layout,
    sources: &'a [Option<usize>],
    cells: Cells<'a>,
    coder: &'a mut Coder,
    pub(crate) problems: Vec<Problem>,
    pub(crate) totals: Vec<ColumnTotal>,
}

type Values<T> = (Vec<T>, Option<NullBuffer>);

impl<'a> Columns<'a> {
    pub(crate) fn new(layout: &'a Layout, sources: &'a [Option<usize>], cells: Cells<'a>, coder: &'a mut Coder) -> Self {
        Self { layout, sources, cells, coder, problems: Vec::new(), totals: Vec::new() }
    }

    pub(crate) fn read(&mut self, at: usize) -> Result<ArrayRef> {
        let layout = self.layout;
        let column = &layout.columns[at];
        let Some(source) = self.sources[at] else { return Ok(new_null_array(&coded_type(column.kind), self.cells.index.rows())) };
        let formats = &layout.formats;
        let mut memo = Memo::default();
        let mut again = Memo::default();
        Ok(match column.kind {
            ColumnType::Text => self.text(at, source)?,
            ColumnType::Timestamp => {
                let (values, nulls) = self.values(
                    at,
                    source,
                    |bytes, place, _| formats.instant(&bytes[place], &mut memo).ok(),
                    |text| formats.instant(text, &mut again).map_err(|problem| not_a_time(rule::TIMESTAMP, problem)),
                );
                Arc::new(TimestampMicrosecondArray::new(ScalarBuffer::from(values), nulls).with_timezone("UTC"))
            }
            ColumnType::Date => {
                let (values, nulls) = self.values(
                    at,
                    source,
                    |bytes, place, _| formats.day(&bytes[place], &mut memo).ok(),
                    |text| formats.day(text, &mut again).map_err(|problem| not_a_time(rule::DATE, problem)),
                );
                Arc::new(Date32Array::new(ScalarBuffer::from(values), nulls))
            }
            ColumnType::Int64 => {
                let (values, nulls) = self.values(at, source, |bytes, place, _| integer(&bytes[place]).ok(), |text| integer(text).map_err(not_an_integer));
                Arc::new(Int64Array::new(ScalarBuffer::from(values), nulls))
            }
            ColumnType::Bool => {
                let unclear = || Finding::new(rule::BOOLEAN, "is neither true nor false");
                let (values, nulls) = self.values(at, source, |_, _, _| None, |text| boolean(text).ok_or_else(unclear));
                Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls))
            }
            ColumnType::Decimal { precision, scale } => {
                let form = DecimalForm { precision, scale: scale.unsigned_abs(), thousands: layout.thousands.as_deref() };
                let wrong = |error| Error::config(format!("column {}: {error}", column.name));
                let beyond = |size: u128| column.bound.is_some_and(|bound| size > bound.unsigned_abs());
                let exact = |text: &[u8]| {
                    let value = decimal(text, form).map_err(|problem| not_a_decimal(problem, form))?;
                    if beyond(value.unsigned_abs()) { Err(Finding::new(rule::BOUND, "is beyond the bound that the contract sets")) } else { Ok(value) }
                };
                if precision <= SMALL_PRECISION {
                    let plain = |bytes: &[u8], place: Range<usize>, head| {
                        let value = full_decimal(bytes, &place, form).or_else(|| plain_decimal(head, place.len(), form));
                        value.filter(|value| !beyond(value.unsigned_abs().into()))
                    };
                    // A value of that precision fits.
                    let (values, nulls) = self.values(at, source, plain, |text| exact(text).map(|value| value as i64));
                    Arc::new(Decimal64Array::new(ScalarBuffer::from(values), nulls).with_precision_and_scale(precision, scale).map_err(wrong)?)
                } else {
                    let (values, nulls) = self.values(at, source, |bytes, place, _| exact(&bytes[place]).ok(), exact);
                    Arc::new(Decimal128Array::new(ScalarBuffer::from(values), nulls).with_precision_and_scale(precision, scale).map_err(wrong)?)
                }
            }
        })
    }

    /// The control totals of all amounts that have a currency, from the columns as they were read.
    pub(crate) fn control(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        for (at, column) in self.layout.columns.iter().enumerate() {
            let Some(currency) = column.currency.filter(|_| self.sources[at].is_some()) else { continue };
            let (amounts, coded) = (&arrays[at], arrays[currency].as_dictionary_opt::<Int32Type>());
            match amounts.as_primitive_opt::<Decimal64Type>() {
                Some(amounts) => self.control_amounts(at, currency, amounts.values(), amounts.nulls(), coded)?,
                None => {
                    let Some(amounts) = amounts.as_primitive_opt::<Decimal128Type>() else { continue };
                    self.control_amounts(at, currency, amounts.values(), amounts.nulls(), coded)?;
                }
            }
        }
        Ok(())
    }

    fn control_amounts<T: Copy + Into<i128>>(
        &mut self,
        at: usize,
        currency: usize,
        values: &[T],
        nulls: Option<&NullBuffer>,
        coded: Option<&DictionaryArray<Int32Type>>,
    ) -> Result<()> {
        match coded.filter(|_| self.problems.is_empty()).and_then(|coded| sums_by_code(values, nulls, coded)) {
            Some(sums) => {
                let column = &self.layout.columns[at].name;
                self.totals.extend(sums.into_iter().map(|(currency, sum)| ColumnTotal { column: column.clone(), currency, sum }));
                Ok(())
            }
            None => self.control_cells(at, currency, values, nulls),
        }
    }

    /// The same by the cells of the currencies, where something may be wrong with them.
    fn control_cells<T: Copy + Into<i128>>(&mut self, at: usize, currency: usize, values: &[T], nulls: Option<&NullBuffer>) -> Result<()> {
        let (column, cells) = (&self.layout.columns[at], self.cells);
        let refused: Vec<usize> = self.problems.iter().filter(|problem| problem.column == Some(at)).map(|problem| problem.row).collect();
        let counts = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(row)) && refused.binary_search(&row).is_err();
        let mut sums = Sums::default();
        let mut scratch = Vec::new();
        let mut last = None;
        let mut unfit = Vec::new();
        let places = self.sources[currency].map(|source| cells.index.column(source));
        let mut places = places.into_iter().flatten();
        for (row, value) in values.iter().enumerate() {
            let place = places.next();
            if !counts(row) {
                continue;
            }
            let told = place.clone().filter(|place| place.len() <= HEAD).map(|place| (head(cells.bytes, place.start, place.len()), place.len()));
            if told.is_some() && told == last {
                sums.add_again((*value).into());
                continue;
            }
            match place.map_or(Ok(None), |place| cells.value_at(place, &mut scratch)) {
                Ok(Some(text)) if is_code(text) => {
                    sums.add(text, (*value).into());
                    last = told;
                }
                // Nothing is nothing in any currency.
                Ok(Some(text)) if (*value).into() == 0 => {
                    sums.add(text, 0);
                    last = None;
                }
                Ok(Some(text)) => unfit.push((row, no_code(text))),
                Ok(None) if (*value).into() == 0 => {}
                Ok(None) => unfit.push((row, no_currency(self.layout, column))),
                Err(finding) => unfit.push((row, finding)),
            }
        }
        unfit.into_iter().for_each(|(row, finding)| self.problem(at, row, finding));
        // Sums of a chunk with problems are not used: it is read again without the records that have them.
        if self.problems.is_empty() {
            self.totals.extend(sums.finish(&column.name)?);
        }
        Ok(())
    }

    /// Values of a fixed width. Where a cell has a problem a zero keeps its place. `plain` reads a cell as it stands and may leave it to
    /// `parse`, which reads its value and says what is wrong. A cell that repeats the one above has its value.
    #[inline]
    fn values<T: Copy + Default>(
        &mut self,
        at: usize,
        source: usize,
        mut plain: impl FnMut(&[u8], Range<usize>, Head) -> Option<T>,
        mut parse: impl FnMut(&[u8]) -> Result<T, Finding>,
    ) -> Values<T> {
        let (cells, rows) = (self.cells, self.cells.index.rows());
        let mut values = Vec::with_capacity(rows);
        let mut nulls = NullBufferBuilder::new(rows);
        let mut scratch = Vec::new();
        let is_plain = |first: u8| (first.is_ascii_digit() || first == b'-') && !cells.nulls.hold_numbers();
        let mut last = (Head::default(), usize::MAX, 0, T::default());
        for (row, place) in cells.index.column(source).enumerate() {
            let (start, length) = (place.start, place.len());
            let head = head(cells.bytes, start, length);
            if last.0 == head && last.1 == length && same_rest(cells.bytes, last.2, start, length) {
                values.push(last.3);
                nulls.append_non_null();
                continue;
            }
            if is_plain(head.first())
                && let Some(value) = plain(cells.bytes, place.clone(), head)
            {
                last = (head, length, start, value);
                values.push(value);
                nulls.append_non_null();
                continue;
            }
            let value = match cells.value_at(place, &mut scratch) {
                Ok(Some(text)) => parse(text).map(Some),
                Ok(None) => Ok(None),
                Err(finding) => Err(finding),
            };
            match value {
                Ok(Some(value)) => {
                    last = (head, length, start, value);
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

    fn text(&mut self, at: usize, source: usize) -> Result<ArrayRef> {
        let column = &self.layout.columns[at];
        let coded = self.coder.column(self.cells, source, !column.nullable);
        let Coded { array, nulls, unfit } = coded.map_err(|error| Error::data(format!("column {}: {error}", column.name)))?;
        for row in nulls {
            self.check_null(at, row);
        }
        for row in unfit {
            if let Err(finding) = self.cells.value(row, source, &mut Vec::new()) {
                self.problem(at, row, finding);
            }
        }
        Ok(array)
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

/// The sums of amounts by currency, where each row has one that is a code. None: it has not, or a sum leaves 128 bits.
fn sums_by_code<T: Copy + Into<i128>>(values: &[T], nulls: Option<&NullBuffer>, coded: &DictionaryArray<Int32Type>) -> Option<Vec<(String, i128)>> {
    let currencies = coded.values().as_string_opt::<i32>()?;
    if coded.null_count() > 0 || !currencies.iter().flatten().all(|currency| is_code(currency.as_bytes())) {
        return None;
    }
    let keys = coded.keys().values();
    let mut sums: Vec<Option<i128>> = vec![None; currencies.len()];
    let mut fits = true;
    let mut add = |row: usize| {
        let sum = &mut sums[keys[row] as usize];
        let (more, is_beyond) = sum.unwrap_or(0).overflowing_add(values[row].into());
        *sum = Some(more);
        fits &= !is_beyond;
    };
    match nulls.filter(|nulls| nulls.null_count() > 0) {
        None => (0..values.len()).for_each(&mut add),
        Some(nulls) => nulls.valid_indices().for_each(&mut add),
    }
    fits.then(|| (0..sums.len()).filter_map(|code| Some((currencies.value(code).to_owned(), sums[code]?))).collect())
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
