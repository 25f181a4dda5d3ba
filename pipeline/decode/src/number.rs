//! Text → exact numbers. A value is taken whole or not at all: nothing is rounded, cut or wrapped.

use std::ops::Range;

use crate::word::{HEAD, Head, eight_digits, head, tail};

/// Why a text is not the number that its column wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberProblem {
    /// Not in the form of a number.
    Form,
    /// Digits that the column's scale can't hold.
    Digits,
    /// More than the column's precision (or 64 bits) can hold.
    Size,
}

/// How decimals are written and how they are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DecimalForm<'a> {
    pub(crate) precision: u8,
    pub(crate) scale: u8,
    pub(crate) thousands: Option<&'a [u8]>,
}

pub(crate) const POWERS: [i128; 39] = powers();

const fn powers() -> [i128; 39] {
    let mut powers = [1; 39];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
}

/// A decimal as an integer at the column's scale. Form: `-` or `+`, digits with the declared thousands mark or none, `.` and digits.
/// Zeros beyond the scale are no digits.
#[inline]
pub(crate) fn decimal(text: &[u8], form: DecimalForm) -> Result<i128, NumberProblem> {
    let (negative, value) = match plain(head(text, 0, text.len()), text.len(), form.scale).and_then(Plain::value) {
        Some(plain) => plain,
        None => {
            let (negative, digits) = sign(text);
            (negative, long(digits, form)?)
        }
    };
    if value >= POWERS[usize::from(form.precision)] {
        return Err(NumberProblem::Size);
    }
    Ok(if negative { -value } else { value })
}

/// [`decimal`] of a cell that begins with this head, for a precision of at most 18. None: look closer.
#[inline(always)]
pub(crate) fn plain_decimal(head: Head, length: usize, form: DecimalForm) -> Option<i64> {
    let Plain { negative, digits, up } = plain(head, length, form.scale)?;
    let value = digits.checked_mul(*SMALL_POWERS.get(up)?)?;
    if value >= *SMALL_POWERS.get(usize::from(form.precision))? {
        return None;
    }
    Some(if negative { -(value as i64) } else { value as i64 })
}

/// [`decimal`] of the cell that stands there, where it has all digits of the scale; for a precision of at most 18. None: look closer.
#[inline(always)]
pub(crate) fn full_decimal(bytes: &[u8], place: &Range<usize>, form: DecimalForm) -> Option<i64> {
    let negative = bytes.get(place.start) == Some(&b'-');
    let length = place.len().checked_sub(usize::from(negative))?;
    // A digit at least before the point, and the digits behind it.
    let behind = usize::from(form.scale);
    if behind == 0 || length < behind + 2 {
        return None;
    }
    let text = tail(bytes, place.end, length)?;
    let to_point = 8 * (HEAD - 1 - behind) as u32;
    if (text >> to_point) as u8 != b'.' {
        return None;
    }
    let whole = (1u128 << to_point) - 1;
    let digits = text & !(whole << 8 | 0xff) | (text & whole) << 8 | u128::from(b'0');
    let value = eight_digits(digits as u64)? * 100_000_000 + eight_digits((digits >> 64) as u64)?;
    if value >= *SMALL_POWERS.get(usize::from(form.precision))? {
        return None;
    }
    Some(if negative { -(value as i64) } else { value as i64 })
}

/// A decimal without marks: below 10^16, and how many zeros it lacks to the scale.
struct Plain {
    negative: bool,
    digits: u64,
    up: usize,
}

impl Plain {
    fn value(self) -> Option<(bool, i128)> {
        Some((self.negative, i128::from(self.digits).checked_mul(*POWERS.get(self.up)?)?))
    }
}

/// The common case: a minus or none, up to 16 digits with their point, no more decimals than the scale.
#[inline(always)]
fn plain(head: Head, length: usize, scale: u8) -> Option<Plain> {
    const ONES: u128 = u128::MAX / 255;
    if length == 0 || length > HEAD {
        return None;
    }
    let negative = head.first() == b'-';
    let text = u128::from(head.low) | u128::from(head.high) << 64;
    let mut text = if negative { text >> 8 } else { text };
    let mut count = length - usize::from(negative);
    // The lowest high bit is that of the first byte that is a point.
    let points = text ^ (ONES * b'.' as u128);
    let points = points.wrapping_sub(ONES) & !points & (ONES << 7);
    let mut decimals = 0;
    if points != 0 {
        let at = points.trailing_zeros() / 8;
        let whole = (1u128 << (8 * at)) - 1;
        text = text & whole | text >> 8 & !whole;
        count -= 1;
        decimals = count - at as usize;
        if decimals == 0 {
            return None;
        }
    }
    if count == 0 {
        return None;
    }
    // Zeros before it, so that the last digit stands last.
    let digits = if count <= 8 {
        let lacking = 8 * (8 - count as u32);
        eight_digits((text as u64) << lacking | (ONES as u64 * u64::from(b'0')).unbounded_shr(64 - lacking))?
    } else {
        let lacking = 8 * (HEAD - count) as u32;
        let text = text << lacking | (ONES * b'0' as u128).unbounded_shr(128 - lacking);
        eight_digits(text as u64)? * 100_000_000 + eight_digits((text >> 64) as u64)?
    };
    Some(Plain { negative, digits, up: usize::from(scale).checked_sub(decimals)? })
}

const SMALL_POWERS: [u64; 19] = small_powers();

const fn small_powers() -> [u64; 19] {
    let mut powers = [1; 19];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
}

fn long(digits: &[u8], form: DecimalForm) -> Result<i128, NumberProblem> {
    let (whole, decimals) = match memchr::memchr(b'.', digits) {
        Some(at) => (&digits[..at], Some(&digits[at + 1..])),
        None => (digits, None),
    };
    if decimals.is_some_and(|decimals| decimals.is_empty() || !all_digits(decimals)) || (whole.is_empty() && decimals.is_none()) {
        return Err(NumberProblem::Form);
    }
    let decimals = decimals.unwrap_or_default();
    let scale = usize::from(form.scale);
    let value = match form.thousands {
        Some(mark) => grouped(whole, mark)?,
        None => accumulate(0, whole)?,
    };
    let (kept, beyond) = decimals.split_at(decimals.len().min(scale));
    if beyond.iter().any(|digit| *digit != b'0') {
        return Err(NumberProblem::Digits);
    }
    accumulate(value, kept)?.checked_mul(POWERS[scale - kept.len()]).ok_or(NumberProblem::Size)
}

/// Digits in groups of three from the right, or plain digits.
fn grouped(whole: &[u8], mark: &[u8]) -> Result<i128, NumberProblem> {
    let Some(first) = memchr::memmem::find(whole, mark) else { return accumulate(0, whole) };
    // No thousands begin with a zero: `0,700` is seven tenths of another country.
    if !(1..=3).contains(&first) || whole[0] == b'0' {
        return Err(NumberProblem::Form);
    }
    let mut value = accumulate(0, &whole[..first])?;
    let mut rest = &whole[first..];
    while !rest.is_empty() {
        let group = rest.strip_prefix(mark).and_then(|rest| rest.get(..3)).ok_or(NumberProblem::Form)?;
        value = accumulate(value, group)?;
        rest = &rest[mark.len() + 3..];
    }
    Ok(value)
}

fn accumulate(value: i128, digits: &[u8]) -> Result<i128, NumberProblem> {
    if !all_digits(digits) {
        return Err(NumberProblem::Form);
    }
    digits.iter().try_fold(value, |value, digit| value.checked_mul(10)?.checked_add(i128::from(digit - b'0'))).ok_or(NumberProblem::Size)
}

fn all_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// A whole number of 64 bits: sign and digits, nothing else.
#[inline]
pub(crate) fn integer(text: &[u8]) -> Result<i64, NumberProblem> {
    let (negative, digits) = sign(text);
    if digits.is_empty() {
        return Err(NumberProblem::Form);
    }
    let value = accumulate(0, digits)?;
    i64::try_from(if negative { -value } else { value }).map_err(|_| NumberProblem::Size)
}

/// `true`/`false`, `yes`/`no`, `t`/`f`, `y`/`n` in any case, `1`/`0`.
pub(crate) fn boolean(text: &[u8]) -> Option<bool> {
    let is = |words: [&[u8]; 5]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is([b"true", b"yes", b"t", b"y", b"1"]) {
        Some(true)
    } else if is([b"false", b"no", b"f", b"n", b"0"]) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::str::FromStr;

    use rust_decimal::Decimal;

    #[test]
    fn the_fast_way_says_what_the_exact_one_says() {
        let mut seed = 7_u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let (mut plain_ones, mut full_ones) = (0, 0);
        for round in 0..400_000 {
            let marks: &[u8] = if round % 4 == 0 { b"0123456789.-+,x\0\xff" } else { b"012345678900" };
            let mut text: Vec<u8> = (0..next(20)).map(|_| marks[next(marks.len() as u64) as usize]).collect();
            if round % 4 > 1 && !text.is_empty() {
                let at = next(text.len() as u64) as usize;
                text[at] = b'.';
            }
            if round % 4 == 3 && !text.is_empty() {
                text[0] = b'-';
            }
            let precision = 1 + next(38) as u8;
            let form = DecimalForm { precision, scale: next(u64::from(precision) + 1) as u8, thousands: None };
            let (negative, digits) = sign(&text);
            let exact = long(digits, form).and_then(|value| if value >= POWERS[usize::from(precision)] { Err(NumberProblem::Size) } else { Ok(value) });
            let exact = exact.map(|value| if negative { -value } else { value });
            assert_eq!(decimal(&text, form), exact, "{:?} {form:?}", String::from_utf8_lossy(&text));
            if let Some(value) = plain_decimal(head(&text, 0, text.len()), text.len(), form).filter(|_| precision <= 18) {
                assert_eq!(Ok(i128::from(value)), exact, "{:?} {form:?}", String::from_utf8_lossy(&text));
                plain_ones += 1;
            }
            let chunk = [&b"a,-1.5,9999999999"[..], &text, b",7"].concat();
            if let Some(value) = full_decimal(&chunk, &(17..17 + text.len()), form).filter(|_| precision <= 18) {
                assert_eq!(Ok(i128::from(value)), exact, "{:?} {form:?}", String::from_utf8_lossy(&text));
                full_ones += 1;
            }
        }
        assert!(plain_ones > 20_000 && full_ones > 1_000, "{plain_ones} {full_ones}");
    }

    fn money(text: &str) -> Result<i128, NumberProblem> {
        decimal(text.as_bytes(), DecimalForm { precision: 10, scale: 2, thousands: Some(b",") })
    }

    #[test]
    fn decimals_are_exact_or_refused() {
        use NumberProblem::{Digits, Form, Size};
        for (text, value) in [
            ("0", Ok(0)),
            ("-0.00", Ok(0)),
            ("12.3", Ok(1230)),
            ("+12.30000000000000000000000000000000000000000000000000", Ok(1230)),
            ("-12.345", Err(Digits)),
            ("12.3000000000000000000000000000001", Err(Digits)),
            (".5", Ok(50)),
            ("5.", Err(Form)),
            (".", Err(Form)),
            ("", Err(Form)),
            ("-", Err(Form)),
            ("--1", Err(Form)),
            ("1e3", Err(Form)),
            ("$5.00", Err(Form)),
            ("(12.00)", Err(Form)),
            (" 1", Err(Form)),
            ("1 ", Err(Form)),
            ("1.2.3", Err(Form)),
            ("NaN", Err(Form)),
            ("99999999.99", Ok(9_999_999_999)),
            ("100000000.00", Err(Size)),
            ("00000000000000000000000000000000000000000000000000001", Ok(100)),
            ("999999999999999999999999999999999999999999999", Err(Size)),
            ("1,234.56", Ok(123_456)),
            ("1,234,567", Ok(123_456_700)),
            ("1234,567", Err(Form)),
            ("1,23", Err(Form)),
            ("1,2345", Err(Form)),
            (",123", Err(Form)),
            ("1,234,", Err(Form)),
            ("1,,234", Err(Form)),
            ("1.234,5", Err(Form)),
            ("١", Err(Form)),
        ] {
            assert_eq!(money(text), value, "{text}");
        }
    }

    #[test]
    fn the_thousands_mark_is_the_declared_one() {
        let form = |thousands| DecimalForm { precision: 38, scale: 0, thousands };
        assert_eq!(decimal(b"1,234", form(None)), Err(NumberProblem::Form));
        for text in ["0,700", "-0,016", "00,700", "0,000"] {
            assert_eq!(decimal(text.as_bytes(), form(Some(b","))), Err(NumberProblem::Form), "{text}");
        }
        assert_eq!(decimal("1\u{a0}234".as_bytes(), form(Some("\u{a0}".as_bytes()))), Ok(1234));
        assert_eq!(decimal(b"99999999999999999999999999999999999999", form(None)), Ok(POWERS[38] - 1));
        assert_eq!(decimal(b"-100000000000000000000000000000000000000", form(None)), Err(NumberProblem::Size));
    }

    #[test]
    fn decimals_agree_with_another_implementation() {
        let mut seed = 7_u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let mut taken = 0;
        for _ in 0..20_000 {
            let whole: String = (0..=next(14)).map(|_| char::from(b'0' + next(10) as u8)).collect();
            let decimals: String = (0..next(13)).map(|_| char::from(b'0' + next(10) as u8)).collect();
            let text = format!("{}{whole}{}{decimals}", if next(2) == 0 { "-" } else { "" }, if decimals.is_empty() { "" } else { "." });
            let expected = Decimal::from_str(&text).unwrap();
            let trimmed = expected.normalize();
            let found = decimal(text.as_bytes(), DecimalForm { precision: 28, scale: 10, thousands: None });
            if trimmed.scale() > 10 {
                assert_eq!(found, Err(NumberProblem::Digits), "{text}");
            } else {
                assert_eq!(found, Ok(trimmed.mantissa() * POWERS[10 - trimmed.scale() as usize]), "{text}");
                taken += 1;
            }
        }
        assert!(taken > 10_000);
    }

    #[test]
    fn integers_and_booleans() {
        use NumberProblem::{Form, Size};
        let cases = [
            ("-12", Ok(-12)),
            ("007", Ok(7)),
            ("9223372036854775807", Ok(i64::MAX)),
            ("9223372036854775808", Err(Size)),
            ("-9223372036854775808", Ok(i64::MIN)),
            ("1.0", Err(Form)),
            ("", Err(Form)),
            ("1,000", Err(Form)),
        ];
        for (text, value) in cases {
            assert_eq!(integer(text.as_bytes()), value, "{text}");
        }
        for (text, value) in [("TRUE", Some(true)), ("no", Some(false)), ("1", Some(true)), ("2", None), ("", None), ("tru", None)] {
            assert_eq!(boolean(text.as_bytes()), value, "{text}");
        }
    }
}
