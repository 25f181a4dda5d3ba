//! Numbers of any scale, compared exactly.

use takings_definitions::ParseKeys;

use crate::value::NumberForm;

/// `mantissa` / 10^`scale`; None: it has left 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    mantissa: Option<i128>,
    scale: u32,
}

impl Number {
    pub fn new(mantissa: Option<i128>, scale: u32) -> Self {
        Self { mantissa, scale }
    }

    pub fn zero() -> Self {
        Self::new(Some(0), 0)
    }

    /// As columns of these keys are written.
    pub fn read(text: &str, keys: &ParseKeys) -> Option<Self> {
        let (mantissa, scale) = NumberForm::new(keys).read(text.trim()).ok()?.value.parts();
        match u32::try_from(scale) {
            Ok(scale) => Some(Self::new(Some(mantissa), scale)),
            Err(_) => Some(Self::new(Some(10i128.checked_pow(u32::try_from(-scale).ok()?)?.checked_mul(mantissa)?), 0)),
        }
    }

    fn at(&self, scale: u32) -> Option<i128> {
        self.mantissa?.checked_mul(10i128.checked_pow(scale.checked_sub(self.scale)?)?)
    }

    /// None of its digits is lost: what leaves 128 bits can't be compared.
    pub fn plus(&self, other: &Self) -> Self {
        let scale = self.scale.max(other.scale);
        Self::new(self.at(scale).zip(other.at(scale)).and_then(|(one, two)| one.checked_add(two)), scale)
    }

    pub fn minus(&self, other: &Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        Some(Self::new(Some(self.at(scale)?.checked_sub(other.at(scale)?)?), scale))
    }

    /// Whether they differ by no more; None: they can't be compared.
    pub fn is_near(&self, other: &Self, tolerance: (i128, u32)) -> Option<bool> {
        let difference = self.minus(other)?;
        let tolerance = Self::new(Some(tolerance.0), tolerance.1);
        let scale = difference.scale.max(tolerance.scale);
        Some(difference.at(scale)?.unsigned_abs() <= tolerance.at(scale)?.unsigned_abs())
    }

    /// Without zeros at the end of the decimals.
    pub fn shown(&self) -> String {
        let Some(mantissa) = self.mantissa else { return "a number larger than 128 bits hold".to_owned() };
        let sign = if mantissa < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", mantissa.unsigned_abs(), width = self.scale as usize + 1);
        let (whole, decimals) = digits.split_at(digits.len() - self.scale as usize);
        let decimals = decimals.trim_end_matches('0');
        if decimals.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{decimals}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_at_a_common_scale() {
        let number = |mantissa, scale| Number::new(Some(mantissa), scale);
        assert_eq!(number(150, 2).is_near(&number(15, 1), (0, 0)), Some(true));
        assert_eq!(number(150, 2).is_near(&number(149, 2), (1, 2)), Some(true));
        assert_eq!(number(150, 2).is_near(&number(1489, 3), (1, 2)), Some(false));
        assert_eq!(number(i128::MAX, 0).is_near(&number(-1, 0), (0, 0)), None);
        assert_eq!(number(i128::MAX, 0).is_near(&number(1, 5), (0, 0)), None);
        assert_eq!(number(150, 2).plus(&number(-1489, 3)), number(11, 3));
        assert_eq!(number(i128::MAX, 0).plus(&number(1, 0)).mantissa, None);
        assert_eq!([number(-5, 2), number(1200, 2), number(0, 4), number(-120, 0)].map(|number| number.shown()), ["-0.05", "12", "0", "-120"]);
    }
}
