//! Control totals: what the money columns of the published records add up to, per currency, in checked integers.
//!
//! They are added from the parsed values while the cells are read, apart from the Arrow arrays, so that what is later summed over
//! the lake can be held against them.

use std::collections::BTreeMap;

use crate::{Error, Result};

/// The sum of one money column in one currency, as an integer at the column's scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnTotal {
    pub column: String,
    pub currency: String,
    pub sum: i128,
}

/// Adds the totals of another chunk; sorted by column and currency.
pub fn add_totals(into: &mut Vec<ColumnTotal>, more: &[ColumnTotal]) -> Result<()> {
    for total in more {
        match into.binary_search_by(|known| (&known.column, &known.currency).cmp(&(&total.column, &total.currency))) {
            Ok(at) => into[at].sum = into[at].sum.checked_add(total.sum).ok_or_else(|| overflow(&total.column, &total.currency))?,
            Err(at) => into.insert(at, total.clone()),
        }
    }
    Ok(())
}

/// Sums of one column while it is read. Neighbours mostly share a currency: a run of them costs one look-up.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    /// None: the sum has left 128 bits.
    currencies: BTreeMap<Vec<u8>, Option<i128>>,
    run: Vec<u8>,
    run_sum: Option<i128>,
    started: bool,
}

impl Sums {
    #[inline]
    pub(crate) fn add(&mut self, currency: &[u8], value: i128) {
        if !self.started || self.run != currency {
            self.end_run();
            self.run.extend_from_slice(currency);
            self.run_sum = Some(0);
            self.started = true;
        }
        self.add_again(value);
    }

    /// A value of the currency before.
    #[inline]
    pub(crate) fn add_again(&mut self, value: i128) {
        self.run_sum = self.run_sum.and_then(|sum| sum.checked_add(value));
    }

    fn end_run(&mut self) {
        if self.started {
            let sum = self.currencies.entry(std::mem::take(&mut self.run)).or_insert(Some(0));
            *sum = sum.zip(self.run_sum).and_then(|(sum, run)| sum.checked_add(run));
        }
    }

    pub(crate) fn finish(mut self, column: &str) -> Result<Vec<ColumnTotal>> {
        self.end_run();
        let total = |(currency, sum): (Vec<u8>, Option<i128>)| {
            let currency = String::from_utf8_lossy(&currency).into_owned();
            let sum = sum.ok_or_else(|| overflow(column, &currency))?;
            Ok(ColumnTotal { column: column.to_owned(), currency, sum })
        };
        self.currencies.into_iter().map(total).collect()
    }
}

fn overflow(column: &str, currency: &str) -> Error {
    Error::data(format!("the control total of {column} in {currency} is larger than 128 bits hold"))
        .next("give the column a bound in its contract; values that large are no money")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(column: &str, currency: &str, sum: i128) -> ColumnTotal {
        ColumnTotal { column: column.into(), currency: currency.into(), sum }
    }

    #[test]
    fn totals_of_chunks_add_up_per_column_and_currency() {
        let mut totals = Vec::new();
        add_totals(&mut totals, &[total("b", "USD", 1), total("a", "USD", 2)]).unwrap();
        add_totals(&mut totals, &[total("a", "EUR", 5), total("b", "USD", -4)]).unwrap();
        assert_eq!(totals, [total("a", "EUR", 5), total("a", "USD", 2), total("b", "USD", -3)]);
    }

    #[test]
    fn an_overflow_is_an_error() {
        let mut totals = vec![total("a", "USD", i128::MAX)];
        let error = add_totals(&mut totals, &[total("a", "USD", 1)]).unwrap_err();
        assert!(error.is_data() && error.to_string().starts_with("the control total of a in USD"), "{error}");
    }
}
