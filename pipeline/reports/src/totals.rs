//! Control totals: checked sums of what was printed, per decimal column and currency.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decimal::{exact, trimmed};

/// The sum of a printed column over the rows of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// The printed header.
    pub column: String,
    /// `None` where the section prints no currency.
    pub currency: Option<String>,
    /// A decimal as text, with the column's digits.
    pub sum: String,
}

/// A column that is summed: its place among the printed columns, and the decimals of its sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Summed {
    pub column: usize,
    pub scale: i8,
    /// Whether the sum is printed as the feed has it, without trailing zeros.
    pub feed: bool,
}

/// Sums so far. Amounts of two currencies never meet in one sum.
pub(crate) struct Totals {
    summed: Vec<Summed>,
    /// Where the sums of a currency start, by its text.
    starts: BTreeMap<Vec<u8>, usize>,
    sums: Vec<i128>,
    /// The currency of the row before, and where its sums start: most rows have the same.
    last: (Vec<u8>, Option<usize>),
}

impl Totals {
    pub fn new(summed: Vec<Summed>) -> Self {
        Self { summed, starts: BTreeMap::new(), sums: Vec::new(), last: (Vec::new(), None) }
    }

    pub fn summed(&self) -> &[Summed] {
        &self.summed
    }

    /// Adds a row's amounts, one per summed column. On an overflow it gives the printed column's place.
    pub fn add(&mut self, currency: &[u8], amounts: &[i128]) -> Result<(), usize> {
        let start = match &self.last {
            (last, Some(start)) if last == currency => *start,
            _ => self.start_of(currency),
        };
        for ((sum, amount), summed) in self.sums[start..].iter_mut().zip(amounts).zip(&self.summed) {
            *sum = sum.checked_add(*amount).ok_or(summed.column)?;
        }
        Ok(())
    }

    fn start_of(&mut self, currency: &[u8]) -> usize {
        let start = self.starts.get(currency).copied().unwrap_or_else(|| {
            let start = self.sums.len();
            self.sums.resize(start + self.summed.len(), 0);
            self.starts.insert(currency.to_owned(), start);
            start
        });
        currency.clone_into(&mut self.last.0);
        self.last.1 = Some(start);
        start
    }

    /// In the order of the columns, then of the currencies.
    pub fn finish(self, header: impl Fn(usize) -> String) -> Vec<Total> {
        let mut totals = Vec::new();
        for (at, summed) in self.summed.iter().enumerate() {
            for (currency, start) in &self.starts {
                let value = self.sums[start + at];
                let sum = match u8::try_from(summed.scale) {
                    Ok(digits) if !summed.feed => exact(value, digits),
                    _ => trimmed(value, summed.scale),
                };
                let currency = (!currency.is_empty()).then(|| String::from_utf8_lossy(currency).into_owned());
                totals.push(Total { column: header(summed.column), currency, sum });
            }
        }
        totals
    }
}
