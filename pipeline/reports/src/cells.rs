//! Arrow values → the text of cells, column by column as the section declares them.
//!
//! Null is the empty cell, and so is an empty text: a report does not tell them apart. Must not know files or quoting.

use std::cell;
use std::io::Write;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array, Int64Array, LargeStringArray, StringArray, StringViewArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Decimal256Type, Int64Type, TimeUnit};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta};
use takings_definitions::{ColumnKind, Digits, Report, ReportColumn, Section};

use crate::decimal::{Misfit, push_exact, push_trimmed, rescale, trimmed};
use crate::error::Fault;
use crate::totals::Summed;
use crate::{Error, Result};

/// How texts are printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    /// A text that a spreadsheet takes for a formula gets a `'` before it.
    pub guard: bool,
    /// A text gets quotes where CSV needs them.
    pub quote: bool,
}

/// A section's printed columns over one batch, in printed order.
pub(crate) struct Columns {
    pub cells: Vec<Cells>,
}

impl Columns {
    /// Finds each declared column in the batch and checks that its type can be printed.
    pub fn new(report: &Report, section: &Section, sharing: bool, batch: &RecordBatch) -> Result<Self> {
        let schema = batch.schema();
        let cells = section.columns.iter().map(|column| {
            let wrong = |fault: Fault| fault.in_column(&report.name, section, column);
            let Some((at, _)) = schema.column_with_name(&column.column) else {
                return Err(wrong(missing(report, section, column, schema.fields().iter().map(|field| field.name().as_str()).collect())));
            };
            let cells = Cells::new(column, batch.column(at), &sql(report, section)).map_err(wrong)?;
            Ok(if column.sharing && !sharing { Cells::Empty } else { cells })
        });
        Ok(Self { cells: cells.collect::<Result<_>>()? })
    }

    /// The columns that have a control total.
    pub fn summed(&self, section: &Section) -> Vec<Summed> {
        let feed = |at: usize| matches!(section.columns[at].kind, ColumnKind::Decimal(Digits::Feed));
        self.cells.iter().enumerate().filter_map(|(column, cells)| Some(Summed { column, scale: cells.total_scale()?, feed: feed(column) })).collect()
    }
}

/// The file that a section's rows come from, as error messages name it.
pub(crate) fn sql(report: &Report, section: &Section) -> String {
    format!("sql/reports/{}/{}.sql", report.name, section.name)
}

fn missing(report: &Report, section: &Section, column: &ReportColumn, given: Vec<&str>) -> Fault {
    let message = format!("{} gives no column `{}`", sql(report, section), column.column);
    match takings_definitions::nearest(&column.column, given.iter().copied()) {
        Some(best) => Fault::new(message, format!("did you mean `{best}`?")),
        None if given.is_empty() => Fault::new(message, "it gives none at all"),
        None => Fault::new(message, format!("it gives {}", given.join(", "))),
    }
}

/// One printed column of a batch.
pub(crate) enum Cells {
    /// Withheld, or without a value in any row.
    Empty,
    Text(StringArray),
    LargeText(LargeStringArray),
    TextView {
        values: StringViewArray,
        last: cell::RefCell<LastText>,
    },
    Integer(Int64Array),
    Boolean(BooleanArray),
    Day {
        values: Date32Array,
        /// The day printed last, and its text: rows of a day mostly follow one another.
        last: cell::Cell<Option<(i32, [u8; 10])>>,
    },
    Instant {
        values: Int64Array,
        unit: TimeUnit,
    },
    Decimal {
        values: Decimals,
        scale: i8,
        digits: Digits,
    },
}

/// The text printed last into a report's cells, and its cell: in sorted rows many follow with the same.
#[derive(Default)]
pub(crate) struct LastText {
    row: Option<usize>,
    cell: Vec<u8>,
}

impl LastText {
    fn print(&mut self, values: &StringViewArray, row: usize, form: Form, out: &mut Vec<u8>) {
        let text = values.value(row);
        if self.row.is_none_or(|last| values.value(last) != text) {
            self.cell.clear();
            push_text(&mut self.cell, text.as_bytes(), form);
            self.row = Some(row);
        }
        out.extend_from_slice(&self.cell);
    }
}

pub(crate) enum Decimals {
    Narrow(Decimal128Array),
    Wide(Decimal256Array),
    Whole(Int64Array),
}

impl Cells {
    fn new(column: &ReportColumn, array: &ArrayRef, sql: &str) -> Result<Self, Fault> {
        let data_type = array.data_type();
        if let DataType::Dictionary(_, values) = data_type {
            return Self::new(column, &converted(array, values)?, sql);
        }
        if data_type.is_floating() {
            return Err(Fault::new(format!("`{}` is {data_type}: no float near money", column.column), format!("make it a decimal in {sql}")));
        }
        match (column.kind, data_type) {
            (_, DataType::Null) => Ok(Self::Empty),
            (ColumnKind::Decimal(digits), _) => Self::decimal(column, array, digits, sql),
            (ColumnKind::Plain, _) if data_type.is_decimal() => Err(Fault::new(
                format!("`{}` is {data_type}, but the column declares no digits", column.column),
                "declare digits = N, or digits = \"feed\", in the report's file",
            )),
            (ColumnKind::Plain, DataType::Utf8) => Ok(Self::Text(array.as_string::<i32>().clone())),
            (ColumnKind::Plain, DataType::LargeUtf8) => Ok(Self::LargeText(array.as_string::<i64>().clone())),
            (ColumnKind::Plain, DataType::Utf8View) => Ok(Self::TextView { values: array.as_string_view().clone(), last: cell::RefCell::default() }),
            (ColumnKind::Plain, DataType::Boolean) => Ok(Self::Boolean(array.as_boolean().clone())),
            (ColumnKind::Plain, DataType::Date32) => Ok(Self::Day { values: array.as_primitive::<Date32Type>().clone(), last: cell::Cell::default() }),
            (ColumnKind::Plain, DataType::Timestamp(unit, _)) => Ok(Self::Instant { values: whole(array)?, unit: *unit }),
            (ColumnKind::Plain, _) if data_type.is_integer() => Ok(Self::Integer(whole(array)?)),
            (ColumnKind::Plain, _) => Err(Fault::new(
                format!("`{}` is {data_type}, which has no form in a report", column.column),
                format!("make it a text, date, timestamp, integer, boolean or decimal in {sql}"),
            )),
        }
    }

    fn decimal(column: &ReportColumn, array: &ArrayRef, digits: Digits, sql: &str) -> Result<Self, Fault> {
        let (values, scale) = match array.data_type() {
            DataType::Decimal128(_, scale) => (Decimals::Narrow(array.as_primitive::<Decimal128Type>().clone()), *scale),
            DataType::Decimal256(_, scale) => (Decimals::Wide(array.as_primitive::<Decimal256Type>().clone()), *scale),
            DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) => {
                let wider = converted(array, &DataType::Decimal128(38, *scale))?;
                (Decimals::Narrow(wider.as_primitive::<Decimal128Type>().clone()), *scale)
            }
            data_type if data_type.is_integer() => (Decimals::Whole(whole(array)?), 0),
            data_type => {
                return Err(Fault::new(
                    format!("`{}` is {data_type}, but the column declares digits", column.column),
                    format!("make it a decimal in {sql}, or take digits out of the report's file"),
                ));
            }
        };
        Ok(Self::Decimal { values, scale, digits })
    }

    /// Decimals of the column's control total; `None` where it has none.
    pub fn total_scale(&self) -> Option<i8> {
        match self {
            Self::Decimal { digits: Digits::Exactly(digits), .. } => i8::try_from(*digits).ok(),
            Self::Decimal { digits: Digits::Feed, scale, .. } => Some(*scale),
            _ => None,
        }
    }

    /// Appends the cell of a row, and gives the amount that counts into the column's control total.
    #[inline]
    pub fn print(&self, row: usize, form: Form, out: &mut Vec<u8>) -> Result<Option<i128>, CellFault> {
        match self {
            Self::Empty => {}
            Self::Text(values) if values.is_valid(row) => push_text(out, values.value(row).as_bytes(), form),
            Self::LargeText(values) if values.is_valid(row) => push_text(out, values.value(row).as_bytes(), form),
            Self::TextView { values, last } if values.is_valid(row) => {
                if push_plain_view(out, values.views()[row]) {
                    return Ok(None);
                }
                if form.quote {
                    last.borrow_mut().print(values, row, form, out);
                } else {
                    push_text(out, values.value(row).as_bytes(), form);
                }
            }
            Self::Integer(values) if values.is_valid(row) => push_exact(out, i128::from(values.value(row)), 0),
            Self::Boolean(values) if values.is_valid(row) => out.extend_from_slice(if values.value(row) { b"true" } else { b"false" }),
            Self::Day { values, last } if values.is_valid(row) => {
                let days = values.value(row);
                let text = match last.get() {
                    Some((same, text)) if same == days => text,
                    _ => day_text(days)?,
                };
                last.set(Some((days, text)));
                out.extend_from_slice(&text);
            }
            Self::Instant { values, unit } if values.is_valid(row) => push_instant(out, values.value(row), *unit)?,
            Self::Decimal { values, scale, digits } => {
                if let Some(value) = values.at(row)? {
                    return push_decimal(out, value, *scale, *digits).map(Some);
                }
            }
            _ => {}
        }
        Ok(None)
    }
}

impl Decimals {
    fn at(&self, row: usize) -> Result<Option<i128>, CellFault> {
        Ok(match self {
            Self::Narrow(values) => values.is_valid(row).then(|| values.value(row)),
            Self::Whole(values) => values.is_valid(row).then(|| i128::from(values.value(row))),
            Self::Wide(values) if values.is_valid(row) => Some(values.value(row).to_i128().ok_or_else(|| CellFault::TooLarge(values.value_as_string(row)))?),
            Self::Wide(_) => None,
        })
    }
}

/// Why a value can't be printed.
#[derive(Debug)]
pub(crate) enum CellFault {
    TooManyDigits {
        value: String,
        digits: u8,
    },
    TooLarge(String),
    SubSecond(String),
    OutOfCalendar(String),
    /// The column's control total up to this row.
    SumTooLarge,
}

impl CellFault {
    pub fn in_row(self, report: &Report, section: &Section, column: &ReportColumn, row: u64) -> Error {
        let sql = sql(report, section);
        let fault = match self {
            Self::TooManyDigits { value, digits } => Fault::new(format!("{value} has more than {digits} digits after the point"), format!("round it in {sql}")),
            Self::TooLarge(value) => Fault::new(format!("{value} has more than 38 digits"), format!("look for a wrong join or a runaway product in {sql}")),
            Self::SumTooLarge => {
                Fault::new("the column's sum up to here has more than 38 digits", format!("look for a wrong join or a runaway product in {sql}"))
            }
            Self::SubSecond(value) => Fault::new(format!("{value} has parts of a second"), format!("cut it to seconds in {sql}")),
            Self::OutOfCalendar(value) => Fault::new(format!("{value} is outside the years 0000 to 9999"), format!("look at where {sql} takes it from")),
        };
        fault.in_row(&report.name, section, column, row)
    }
}

/// Appends a text that stands in its view, as texts of up to twelve bytes do, and that is printed as it is. False where it isn't so for sure.
#[inline]
fn push_plain_view(out: &mut Vec<u8>, view: u128) -> bool {
    const ROOM: usize = 12;
    const ONES: u128 = u128::MAX / 0xff;
    let length = view as u32 as usize;
    if length > ROOM {
        return false;
    }
    let text = view >> 32;
    let filled = text | u128::MAX << (8 * length);
    // All that needs quotes is below `-`: a byte that is borrows, and has no high bit of its own.
    let below = filled.wrapping_sub(ONES * u128::from(b'-')) & !filled & ONES << 7;
    if below != 0 || matches!(filled as u8, b'-' | b'=' | b'@') {
        return false;
    }
    // A copy of fixed length, cut to the text's.
    out.extend_from_slice(&text.to_le_bytes()[..ROOM]);
    out.truncate(out.len() - ROOM + length);
    true
}

#[inline]
fn push_text(out: &mut Vec<u8>, text: &[u8], form: Form) {
    let guard = form.guard && matches!(text.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'));
    // Without a way out of the loop many bytes are looked at together.
    let quote = form.quote && text.iter().fold(false, |found, byte| found | matches!(byte, b',' | b'"' | b'\n' | b'\r'));
    if quote {
        out.push(b'"');
    }
    if guard {
        out.push(b'\'');
    }
    if !quote {
        return out.extend_from_slice(text);
    }
    for part in text.split_inclusive(|byte| *byte == b'"') {
        out.extend_from_slice(part);
        if part.ends_with(b"\"") {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

fn day_text(days: i32) -> Result<[u8; 10], CellFault> {
    let epoch = NaiveDate::default();
    let day = epoch.checked_add_signed(TimeDelta::days(i64::from(days))).filter(|day| (0..=9999).contains(&day.year()));
    let day = day.ok_or_else(|| CellFault::OutOfCalendar(format!("the date {days} days from 1970-01-01")))?;
    let (year, month, day) = (day.year().unsigned_abs(), day.month(), day.day());
    let digit = |number: u32, place: u32| b'0' + (number / place % 10) as u8;
    let [a, b, c, d] = [1000, 100, 10, 1].map(|place| digit(year, place));
    Ok([a, b, c, d, b'-', digit(month, 10), digit(month, 1), b'-', digit(day, 10), digit(day, 1)])
}

fn push_instant(out: &mut Vec<u8>, value: i64, unit: TimeUnit) -> Result<(), CellFault> {
    let (per_second, digits) = match unit {
        TimeUnit::Second => (1, 0),
        TimeUnit::Millisecond => (1_000, 3),
        TimeUnit::Microsecond => (1_000_000, 6),
        TimeUnit::Nanosecond => (1_000_000_000, 9),
    };
    let (seconds, rest) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    let at = DateTime::from_timestamp(seconds, 0).filter(|at| (0..=9999).contains(&at.year()));
    let at = at.ok_or_else(|| CellFault::OutOfCalendar(format!("the time {seconds} seconds from 1970-01-01")))?;
    let (day, time) = (at.date_naive(), at.time());
    if rest != 0 {
        return Err(CellFault::SubSecond(format!("{day}T{time}.{rest:0>digits$}Z")));
    }
    let _ = write!(out, "{day}T{time}Z");
    Ok(())
}

#[inline]
fn push_decimal(out: &mut Vec<u8>, value: i128, scale: i8, digits: Digits) -> Result<i128, CellFault> {
    match digits {
        Digits::Feed => {
            push_trimmed(out, value, scale);
            Ok(value)
        }
        Digits::Exactly(digits) => {
            let value = rescale(value, scale, digits).map_err(|misfit| match misfit {
                Misfit::Digits => CellFault::TooManyDigits { value: trimmed(value, scale), digits },
                Misfit::Size => CellFault::TooLarge(trimmed(value, scale)),
            })?;
            push_exact(out, value, digits);
            Ok(value)
        }
    }
}

/// Integers of every width, and the ticks of timestamps.
fn whole(array: &ArrayRef) -> Result<Int64Array, Fault> {
    Ok(converted(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
}

/// A conversion that keeps every value or fails.
fn converted(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, Fault> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, data_type, &options)
        .map_err(|error| Fault::new(error.to_string(), "make the column a 64-bit integer or a text in the section's SQL"))
}
