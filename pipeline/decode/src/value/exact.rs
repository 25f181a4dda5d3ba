//! Exact decimals on their way from a text to a column: scaled, turned, divided, never rounded.

use takings_definitions::Factor;

use crate::number::{NumberProblem, POWERS};

/// `mantissa` / 10^`scale`. The mantissa has no zeros at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exact {
    mantissa: i128,
    scale: i64,
}

pub(crate) const ONE: Factor = Factor { mantissa: 1, scale: 0 };

impl Exact {
    pub(crate) fn new(mantissa: i128, scale: i64) -> Self {
        let mut value = Self { mantissa, scale };
        if mantissa == 0 {
            value.scale = 0;
        }
        while value.mantissa != 0 && value.mantissa % 10 == 0 {
            value.mantissa /= 10;
            value.scale -= 1;
        }
        value
    }

    /// Digits before and behind the mark.
    pub(crate) fn of_digits(whole: impl Iterator<Item = u8>, decimals: &[u8]) -> Result<Self, NumberProblem> {
        let used = decimals.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
        let mut mantissa: i128 = 0;
        for digit in whole {
            mantissa = mantissa.checked_mul(10).and_then(|value| value.checked_add(i128::from(digit - b'0'))).ok_or(NumberProblem::Size)?;
        }
        for digit in &decimals[..used] {
            mantissa = mantissa.checked_mul(10).and_then(|value| value.checked_add(i128::from(digit - b'0'))).ok_or(NumberProblem::Digits)?;
        }
        Ok(Self::new(mantissa, used as i64))
    }

    /// Mantissa and scale.
    pub(crate) fn parts(self) -> (i128, i64) {
        (self.mantissa, self.scale)
    }

    pub(crate) fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    pub(crate) fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    pub(crate) fn negated(self) -> Self {
        Self { mantissa: -self.mantissa, ..self }
    }

    /// Divided by a power of ten.
    pub(crate) fn down(self, tens: i64) -> Self {
        if self.is_zero() { self } else { Self { scale: self.scale.saturating_add(tens), ..self } }
    }

    pub(crate) fn times(self, factor: Factor) -> Result<Self, NumberProblem> {
        let mantissa = self.mantissa.checked_mul(factor.mantissa).ok_or(NumberProblem::Size)?;
        Ok(Self::new(mantissa, self.scale + i64::from(factor.scale)))
    }

    /// The value divided by a number, as an integer at a column's scale.
    pub(crate) fn at_scale(self, divisor: Factor, precision: u8, scale: u8) -> Result<i128, NumberProblem> {
        let shared = shared_divisor(self.mantissa.unsigned_abs(), divisor.mantissa.unsigned_abs());
        if self.is_zero() || shared == 0 {
            return Ok(0);
        }
        // The shared divisor divides both, so it fits where they fit.
        let shared = shared as i128;
        let (over, under) = (self.mantissa / shared, divisor.mantissa / shared);
        let shift = i64::from(scale) - self.scale + i64::from(divisor.scale);
        let power = |tens: i64| usize::try_from(tens).ok().and_then(|tens| POWERS.get(tens).copied());
        let value = if shift >= 0 {
            let over = power(shift).and_then(|power| over.checked_mul(power)).ok_or(NumberProblem::Size)?;
            if over % under != 0 {
                return Err(NumberProblem::Digits);
            }
            over / under
        } else {
            // A divisor beyond 128 bits divides nothing that fits.
            let under = power(-shift).and_then(|power| under.checked_mul(power)).ok_or(NumberProblem::Digits)?;
            if over % under != 0 {
                return Err(NumberProblem::Digits);
            }
            over / under
        };
        if value.unsigned_abs() >= POWERS[usize::from(precision.min(38))].unsigned_abs() {
            return Err(NumberProblem::Size);
        }
        Ok(value)
    }
}

fn shared_divisor(mut one: u128, mut other: u128) -> u128 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(whole: &str, decimals: &str) -> Exact {
        Exact::of_digits(whole.bytes(), decimals.as_bytes()).unwrap()
    }

    #[test]
    fn units_are_exact_or_refused() {
        let minutes = Factor { mantissa: 60, scale: 0 };
        assert_eq!(exact("90", "").at_scale(minutes, 20, 1), Ok(15));
        assert_eq!(exact("100", "").at_scale(minutes, 20, 6), Err(NumberProblem::Digits));
        assert_eq!(exact("1", "5").times(minutes).unwrap().at_scale(ONE, 20, 0), Ok(90));
        assert_eq!(exact("1", "").at_scale(Factor { mantissa: 1, scale: 3 }, 20, 0), Ok(1000));
        assert_eq!(exact("0", "").at_scale(minutes, 1, 0), Ok(0));
        assert_eq!(exact("123", "").down(2).at_scale(ONE, 20, 1), Err(NumberProblem::Digits));
        assert_eq!(exact("1", "").down(-40).at_scale(ONE, 38, 0), Err(NumberProblem::Size));
        assert_eq!(exact("1", "").down(400).at_scale(ONE, 38, 38), Err(NumberProblem::Digits));
        assert_eq!(exact("0", "").down(i64::MAX).at_scale(ONE, 38, 38), Ok(0));
    }

    #[test]
    fn digits_that_no_contract_holds() {
        let nines = "9".repeat(38);
        assert_eq!(exact(&nines, "").at_scale(ONE, 38, 0), Ok(POWERS[38] - 1));
        assert_eq!(exact(&nines, &"0".repeat(90)).at_scale(ONE, 38, 0), Ok(POWERS[38] - 1));
        assert_eq!(Exact::of_digits(nines.bytes().chain(*b"9"), b""), Err(NumberProblem::Size));
        assert_eq!(Exact::of_digits(b"12".iter().copied(), nines.as_bytes()), Err(NumberProblem::Digits));
    }
}
