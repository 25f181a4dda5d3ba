//! Exact money with ten decimals, as the billing feed documents. Knows no currency and no rounding of reports.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

/// An amount in units of 0.0000000001.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub i128);

const UNIT: i128 = 10_000_000_000;
const CENT: i128 = UNIT / 100;

impl Amount {
    pub const ZERO: Amount = Amount(0);

    pub const fn cents(cents: i64) -> Self {
        Amount(cents as i128 * CENT)
    }

    /// `value` in units of ten to the minus `decimals`.
    pub const fn scaled(value: i64, decimals: u32) -> Self {
        Amount(value as i128 * 10_i128.pow(10 - decimals))
    }

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `self × parts / of`, cut after the tenth decimal.
    pub fn share(self, parts: i64, of: i64) -> Self {
        Amount(self.0 * i128::from(parts) / i128::from(of))
    }

    /// Rounded half away from zero to whole cents.
    pub fn to_cents(self) -> Self {
        let half = if self.0 < 0 { -CENT / 2 } else { CENT / 2 };
        Amount((self.0 + half) / CENT * CENT)
    }

    /// Moved to the middle of the cent it lies in.
    pub fn to_half_cent(self) -> Self {
        Amount(self.0.div_euclid(CENT) * CENT + CENT / 2)
    }

    /// Plain decimal text without trailing zeros, as the feeds print it.
    pub fn write_to(self, out: &mut Vec<u8>) {
        if self.0 < 0 {
            out.push(b'-');
        }
        let (whole, fraction) = (self.0.unsigned_abs() / UNIT as u128, self.0.unsigned_abs() % UNIT as u128);
        write_whole(whole as u64, out);
        if fraction != 0 {
            out.push(b'.');
            let mut digits = [b'0'; 10];
            let mut rest = fraction as u64;
            for digit in digits.iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            let used = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
            out.extend_from_slice(&digits[..used]);
        }
    }
}

/// A whole number in decimal.
pub fn write_whole(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

impl Add for Amount {
    type Output = Amount;
    fn add(self, other: Amount) -> Amount {
        Amount(self.0 + other.0)
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Amount) {
        self.0 += other.0;
    }
}

impl Sub for Amount {
    type Output = Amount;
    fn sub(self, other: Amount) -> Amount {
        Amount(self.0 - other.0)
    }
}

impl Neg for Amount {
    type Output = Amount;
    fn neg(self) -> Amount {
        Amount(-self.0)
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Amount>>(amounts: I) -> Amount {
        amounts.fold(Amount::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(amount: Amount) -> String {
        let mut out = Vec::new();
        amount.write_to(&mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn prints_like_the_feed() {
        assert_eq!(text(Amount::cents(10_000)), "100");
        assert_eq!(text(-Amount::cents(20)), "-0.2");
        assert_eq!(text(Amount(1)), "0.0000000001");
        assert_eq!(text(Amount::ZERO), "0");
    }

    #[test]
    fn rounds_half_away_from_zero() {
        assert_eq!(text(Amount::scaled(20_005, 3).to_cents()), "20.01");
        assert_eq!(text(Amount::scaled(-20_005, 3).to_cents()), "-20.01");
        assert_eq!(text(Amount::scaled(20_004_999, 6).to_cents()), "20");
    }
}
