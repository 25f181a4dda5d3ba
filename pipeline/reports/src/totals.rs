//! Control totals: checked sums of what was printed, per decimal column and currency.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decimal::{push_exact, push_trimmed};

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
    by_currency: BTreeMap<String, Vec<i128>>,
}

impl Totals {
    pub fn new(summed: Vec<Summed>) -> Self {
        Self { summed, by_currency: BTreeMap::new() }
    }

    pub fn summed(&self) -> &[Summed] {
        &self.summed
    }

    /// Adds a row's amounts, one per summed column. On an overflow it gives the printed column's place.
    pub fn add(&mut self, currency: &str, amounts: &[i128]) -> Result<(), usize> {
        let sums = match self.by_currency.get_mut(currency) {
            Some(sums) => sums,
            None => self.by_currency.entry(currency.to_owned()).or_insert_with(|| vec![0; self.summed.len()]),
        };
        for ((sum, amount), summed) in sums.iter_mut().zip(amounts).zip(&self.summed) {
            *sum = sum.checked_add(*amount).ok_or(summed.column)?;
        }
        Ok(())
    }

    /// In the order of the columns, then of the currencies.
    pub fn finish(self, header: impl Fn(usize) -> String) -> Vec<Total> {
        let mut totals = Vec::new();
        for (at, summed) in self.summed.iter().enumerate() {
            for (currency, sums) in &self.by_currency {
                let mut sum = String::new();
                match u8::try_from(summed.scale) {
                    Ok(digits) if !summed.feed => push_exact(&mut sum, sums[at], digits),
                    _ => push_trimmed(&mut sum, sums[at], summed.scale),
                }
                totals.push(Total { column: header(summed.column), currency: (!currency.is_empty()).then(|| currency.clone()), sum });
            }
        }
        totals
    }
}
