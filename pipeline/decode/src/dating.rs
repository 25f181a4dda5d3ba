//! When a row was known and which month it belongs to, by the contract's columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Date32Array, TimestampMicrosecondArray};
use arrow::compute::{max, min};
use chrono::{Datelike, Days, Months, NaiveDate};
use takings_definitions::{KnownAt, Period, Table};

use crate::layout::point_in_time;
use crate::time::{FIRST, LAST, MICROS_A_DAY};

/// `_known_at` of rows whose contract says `known_at = "always"`: 0001-01-01T00:00:00Z in microseconds.
pub const ALWAYS_KNOWN: i64 = FIRST;

pub(crate) const UNKNOWN: &str = "no column of known_at has a value (within the years 1 to 9999)";
pub(crate) const NO_MONTH: &str = "no column of the partition has a value";

/// The columns that say it, by their places in the contract.
#[derive(Debug)]
pub(crate) struct Dating {
    /// No step at all: always known.
    known_at: Vec<KnownStep>,
    /// Columns whose first value gives the month; empty: not partitioned.
    partition: Vec<usize>,
}

/// Known at a column's value, or at the end of the period that it lies in, plus a span in microseconds.
#[derive(Debug)]
struct KnownStep {
    column: usize,
    end_of: Option<Period>,
    plus: i64,
}

impl KnownStep {
    /// The column itself, where it says the instants as they are and on each row. What was read from a file is never after [`LAST`].
    fn same(&self, arrays: &[ArrayRef]) -> Option<ArrayRef> {
        let array = &arrays[self.column];
        let is_known = self.end_of.is_none() && self.plus == 0 && array.null_count() == 0;
        (is_known && array.as_any().is::<TimestampMicrosecondArray>()).then(|| Arc::clone(array))
    }

    #[inline]
    fn known(&self, at: i64) -> Option<i64> {
        let from = match self.end_of {
            None => at,
            Some(period) => behind(at, period)?,
        };
        from.checked_add(self.plus)
    }
}

/// The first instant behind the period that an instant lies in.
fn behind(at: i64, period: Period) -> Option<i64> {
    let day = NaiveDate::from_epoch_days(i32::try_from(at.div_euclid(MICROS_A_DAY)).ok()?)?;
    let (first, months) = match period {
        Period::Week => {
            let next = day.checked_add_days(Days::new(7 - u64::from(day.weekday().num_days_from_monday())))?;
            return Some(i64::from(next.to_epoch_days()) * MICROS_A_DAY);
        }
        Period::Month => (day.month0(), 1),
        Period::Quarter => (day.month0() / 3 * 3, 3),
        Period::Year => (0, 12),
    };
    let next = day.with_day(1)?.with_month0(first)?.checked_add_months(Months::new(months))?;
    Some(i64::from(next.to_epoch_days()) * MICROS_A_DAY)
}

impl Dating {
    pub(crate) fn new(table: &Table) -> Result<Self, String> {
        let step = |step: &takings_definitions::KnownAtStep| {
            Ok(KnownStep { column: point_in_time(table, &step.column)?, end_of: step.end_of, plus: i64::from(step.plus_days) * MICROS_A_DAY })
        };
        let known_at = match &table.known_at {
            KnownAt::Always => Vec::new(),
            KnownAt::FirstOf(steps) => steps.iter().map(step).collect::<Result<Vec<_>, _>>().map_err(|what: String| format!("known_at: {what}"))?,
        };
        let partition = table.partition_from.iter().map(|name| point_in_time(table, name)).collect::<Result<Vec<_>, _>>();
        Ok(Self { known_at, partition: partition.map_err(|what| format!("partition: {what}"))? })
    }

    pub(crate) fn is_partitioned(&self) -> bool {
        !self.partition.is_empty()
    }

    /// When each row was known, by the contract's list of columns.
    pub(crate) fn known_at(&self, arrays: &[ArrayRef], rows: usize) -> Vec<Option<i64>> {
        if self.known_at.is_empty() {
            return vec![Some(ALWAYS_KNOWN); rows];
        }
        let steps: Vec<(Instants, &KnownStep)> = self.known_at.iter().map(|step| (Instants::of(&arrays[step.column]), step)).collect();
        let known = |row| steps.iter().find_map(|(instants, step)| step.known(instants.get(row)?)).filter(|at| *at <= LAST);
        (0..rows).map(known).collect()
    }

    /// [`known_at`](Self::known_at) of columns that were read from a file: where one says it as it is, that column itself.
    pub(crate) fn known_at_column(&self, arrays: &[ArrayRef], rows: usize) -> ArrayRef {
        let same = self.known_at.first().and_then(|first| first.same(arrays));
        same.unwrap_or_else(|| Arc::new(TimestampMicrosecondArray::from(self.known_at(arrays, rows)).with_timezone("UTC")))
    }

    /// The first day of each row's month, where the table is partitioned.
    pub(crate) fn months(&self, arrays: &[ArrayRef], rows: usize) -> Option<Vec<Option<i32>>> {
        if self.partition.is_empty() {
            return None;
        }
        let sources: Vec<Instants> = self.partition.iter().map(|at| Instants::of(&arrays[*at])).collect();
        let mut last = Month { first: 0, next: 0 };
        let month = |row| {
            let day = sources.iter().find_map(|instants| instants.get(row))?.div_euclid(MICROS_A_DAY);
            if !(last.first..last.next).contains(&day) {
                last = Month::of(day)?;
            }
            i32::try_from(last.first).ok()
        };
        Some((0..rows).map(month).collect())
    }

    /// [`months`](Self::months) as a column; most chunks lie in one month.
    pub(crate) fn month_column(&self, arrays: &[ArrayRef], rows: usize) -> Option<ArrayRef> {
        let one = self.partition.first().and_then(|at| Instants::of(&arrays[*at]).one_month());
        if let Some(month) = one {
            return Some(Arc::new(Date32Array::from(vec![month; rows])));
        }
        self.months(arrays, rows).map(|months| Arc::new(Date32Array::from(months)) as ArrayRef)
    }
}

/// Days since 1970 of a month's first day and of the next month's.
struct Month {
    first: i64,
    next: i64,
}

impl Month {
    fn of(day: i64) -> Option<Self> {
        let first = NaiveDate::from_epoch_days(i32::try_from(day).ok()?)?.with_day(1)?;
        let next = first.checked_add_months(Months::new(1))?;
        Some(Self { first: i64::from(first.to_epoch_days()), next: i64::from(next.to_epoch_days()) })
    }
}

/// A column of timestamps or days, read as microseconds.
enum Instants<'a> {
    Timestamps(&'a TimestampMicrosecondArray),
    Days(&'a Date32Array),
    None,
}

impl<'a> Instants<'a> {
    fn of(array: &'a ArrayRef) -> Self {
        if let Some(timestamps) = array.as_any().downcast_ref() {
            Self::Timestamps(timestamps)
        } else {
            array.as_any().downcast_ref().map_or(Self::None, Self::Days)
        }
    }

    /// The first day of the month that all rows lie in.
    fn one_month(&self) -> Option<i32> {
        let (least, greatest) = match self {
            Self::Timestamps(array) if array.null_count() == 0 => min(array).zip(max(array))?,
            Self::Days(array) if array.null_count() == 0 => {
                let (least, greatest) = min(array).zip(max(array))?;
                (i64::from(least) * MICROS_A_DAY, i64::from(greatest) * MICROS_A_DAY)
            }
            _ => return None,
        };
        let month = Month::of(least.div_euclid(MICROS_A_DAY))?;
        (greatest.div_euclid(MICROS_A_DAY) < month.next).then(|| i32::try_from(month.first).ok())?
    }

    #[inline]
    fn get(&self, row: usize) -> Option<i64> {
        match self {
            Self::Timestamps(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Days(array) => array.is_valid(row).then(|| i64::from(array.value(row)) * MICROS_A_DAY),
            Self::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_period_is_the_first_instant_behind_it() {
        let micros = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_micros();
        for (at, period, expected) in [
            ("2024-12-30T00:00:00Z", Period::Week, "2025-01-06T00:00:00Z"),
            ("2025-01-05T23:59:59Z", Period::Week, "2025-01-06T00:00:00Z"),
            ("2024-02-01T00:00:00Z", Period::Month, "2024-03-01T00:00:00Z"),
            ("2024-02-29T23:59:59Z", Period::Month, "2024-03-01T00:00:00Z"),
            ("2024-12-31T00:00:00Z", Period::Month, "2025-01-01T00:00:00Z"),
            ("2024-05-31T00:00:00Z", Period::Quarter, "2024-07-01T00:00:00Z"),
            ("2024-12-01T00:00:00Z", Period::Quarter, "2025-01-01T00:00:00Z"),
            ("2024-05-31T00:00:00Z", Period::Year, "2025-01-01T00:00:00Z"),
            ("0001-01-31T00:00:00Z", Period::Month, "0001-02-01T00:00:00Z"),
        ] {
            assert_eq!(behind(micros(at), period), Some(micros(expected)), "{at} {period:?}");
        }
        let step = KnownStep { column: 0, end_of: Some(Period::Month), plus: 15 * MICROS_A_DAY };
        assert_eq!(step.known(micros("2024-03-01T00:00:00Z")), Some(micros("2024-04-16T00:00:00Z")));
    }

    #[test]
    fn a_column_says_what_its_rows_say() {
        let at = |day: i64| day * MICROS_A_DAY + 5;
        let columns = |days: &[Option<i64>]| -> Vec<ArrayRef> {
            let times = TimestampMicrosecondArray::from(days.iter().map(|day| day.map(at)).collect::<Vec<_>>()).with_timezone("UTC");
            vec![Arc::new(times), Arc::new(days.iter().map(|day| day.map(|day| day as i32)).collect::<Date32Array>())]
        };
        let step = |column, end_of, plus| KnownStep { column, end_of, plus };
        for days in [&[][..], &[Some(31), Some(58)], &[Some(30), Some(31)], &[Some(58), None], &[Some(58), Some(59)], &[Some(-1), Some(0)], &[None]] {
            let arrays = columns(days);
            for known_at in
                [vec![], vec![step(0, None, 0)], vec![step(0, None, 7)], vec![step(1, None, 0)], vec![step(1, Some(Period::Month), 0), step(0, None, 0)]]
            {
                for partition in [vec![], vec![0], vec![1, 0]] {
                    let dating = Dating { known_at: known_at.iter().map(|known| step(known.column, known.end_of, known.plus)).collect(), partition };
                    let known = dating.known_at_column(&arrays, days.len());
                    let expected = TimestampMicrosecondArray::from(dating.known_at(&arrays, days.len())).with_timezone("UTC");
                    assert_eq!(known.as_ref(), &expected as &dyn Array, "{days:?} {dating:?}");
                    let months = dating.month_column(&arrays, days.len());
                    let expected = dating.months(&arrays, days.len()).map(|months| Arc::new(Date32Array::from(months)) as ArrayRef);
                    assert_eq!(months, expected, "{days:?} {dating:?}");
                }
            }
        }
    }
}
