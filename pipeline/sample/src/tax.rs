//! What tax a line bears, authority by authority. Knows no feed.

use crate::amount::Amount;
use crate::places::{Jurisdiction, Place};

/// One authority's part of a line's tax.
#[derive(Clone, Copy, Debug)]
pub struct TaxPart {
    pub jurisdiction: &'static Jurisdiction,
    pub taxable: Amount,
    pub nontaxable: Amount,
    pub tax: Amount,
    pub reason: &'static str,
}

/// A line's tax by authority, state first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taxes {
    parts: [Option<TaxPart>; 3],
}

impl Taxes {
    pub fn total(&self) -> Amount {
        self.parts().map(|part| part.tax).sum()
    }

    pub fn parts(&self) -> impl Iterator<Item = TaxPart> + '_ {
        self.parts.iter().copied().flatten()
    }

    /// A percentage of it, each authority's tax rounded to cents.
    pub fn part(&self, percent: i64) -> Taxes {
        self.map(|part| TaxPart {
            taxable: part.taxable.share(percent, 100),
            nontaxable: part.nontaxable.share(percent, 100),
            tax: part.tax.share(percent, 100).to_cents(),
            ..part
        })
    }

    pub fn negated(&self) -> Taxes {
        self.map(|part| TaxPart { taxable: -part.taxable, nontaxable: -part.nontaxable, tax: -part.tax, ..part })
    }

    fn map(&self, change: impl Fn(TaxPart) -> TaxPart) -> Taxes {
        Taxes { parts: self.parts.map(|part| part.map(&change)) }
    }
}

pub fn of(place: &'static Place, exempt: bool, gross: Amount) -> Taxes {
    let mut taxes = Taxes::default();
    for (slot, jurisdiction) in taxes.parts.iter_mut().zip(place.taxes) {
        let rate = jurisdiction.millionths;
        let (taxable, reason) = match (exempt, rate) {
            (true, _) => (false, "Exempt"),
            (false, 0) => (false, "NonTaxable"),
            _ => (true, "Taxable"),
        };
        *slot = Some(TaxPart {
            jurisdiction,
            taxable: if taxable { gross } else { Amount::ZERO },
            nontaxable: if taxable { Amount::ZERO } else { gross },
            tax: if taxable { gross.share(rate, 1_000_000).to_cents() } else { Amount::ZERO },
            reason,
        });
    }
    taxes
}
