//! Decimals as scaled integers: exact change of scale and text. No rounding, no float.

use std::io::Write;

/// Why a value does not fit the digits it should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// Digits other than zero would be lost.
    Digits,
    /// The value has more than 38 digits at that scale.
    Size,
}

/// `value × 10^-scale` as an integer at `digits` decimals.
pub(crate) fn rescale(value: i128, scale: i8, digits: u8) -> Result<i128, Misfit> {
    let up = i32::from(digits) - i32::from(scale);
    let factor = 10i128.checked_pow(up.unsigned_abs());
    match factor {
        _ if value == 0 || up == 0 => Ok(value),
        Some(factor) if up >= 0 => value.checked_mul(factor).ok_or(Misfit::Size),
        Some(factor) if value % factor == 0 => Ok(value / factor),
        None if up >= 0 => Err(Misfit::Size),
        _ => Err(Misfit::Digits),
    }
}

/// Appends the value with exactly `digits` decimals. Zero has no sign.
#[inline]
pub(crate) fn push_exact(out: &mut Vec<u8>, value: i128, digits: u8) {
    if value < 0 {
        out.push(b'-');
    }
    if let (Ok(rest), 0..=19) = (u64::try_from(value.unsigned_abs()), digits) {
        return push_short(out, rest, usize::from(digits));
    }
    let digits = usize::from(digits);
    // Writing into a vector can't fail.
    let _ = write!(out, "{:0>width$}", value.unsigned_abs(), width = digits + 1);
    if digits > 0 {
        out.insert(out.len() - digits, b'.');
    }
}

/// The two digits of each number below 100.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// The same for what most values are: from the last digit to the first, two at a time, without the arithmetic of wide integers.
#[inline]
fn push_short(out: &mut Vec<u8>, mut rest: u64, digits: usize) {
    let mut text = [b'0'; 24];
    let mut at = text.len();
    let pair = |text: &mut [u8; 24], at: usize, number: u64| text[at..at + 2].copy_from_slice(&PAIRS[number as usize]);
    if digits > 0 {
        for _ in 0..digits / 2 {
            at -= 2;
            pair(&mut text, at, rest % 100);
            rest /= 100;
        }
        if digits % 2 == 1 {
            at -= 1;
            text[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        at -= 1;
        text[at] = b'.';
    }
    while rest >= 100 {
        at -= 2;
        pair(&mut text, at, rest % 100);
        rest /= 100;
    }
    at -= if rest >= 10 { 2 } else { 1 };
    if rest >= 10 {
        pair(&mut text, at, rest);
    } else {
        text[at] = b'0' + rest as u8;
    }
    out.extend_from_slice(&text[at..]);
}

/// Appends the value without trailing zeros and without exponent.
pub(crate) fn push_trimmed(out: &mut Vec<u8>, value: i128, scale: i8) {
    let Ok(digits) = u8::try_from(scale) else {
        push_exact(out, value, 0);
        if value != 0 {
            out.extend(std::iter::repeat_n(b'0', usize::from(scale.unsigned_abs())));
        }
        return;
    };
    push_exact(out, value, digits);
    if digits > 0 {
        while out.last() == Some(&b'0') {
            out.pop();
        }
        if out.last() == Some(&b'.') {
            out.pop();
        }
    }
}

pub(crate) fn trimmed(value: i128, scale: i8) -> String {
    text(|out| push_trimmed(out, value, scale))
}

pub(crate) fn exact(value: i128, digits: u8) -> String {
    text(|out| push_exact(out, value, digits))
}

fn text(push: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut text = Vec::new();
    push(&mut text);
    text.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_at_declared_digits() {
        let exact = |value, scale, digits| rescale(value, scale, digits).map(|value| exact(value, digits));
        for (value, scale, digits, text) in [
            (0, 10, 2, Ok("0.00")),
            (-5, 3, 2, Err(Misfit::Digits)),
            (-5, 3, 3, Ok("-0.005")),
            (-1, 0, 2, Ok("-1.00")),
            (1_230_000, 4, 2, Ok("123.00")),
            (7, 0, 0, Ok("7")),
            (12, -2, 0, Ok("1200")),
            (12, -2, 2, Ok("1200.00")),
            (i128::MAX, 0, 2, Err(Misfit::Size)),
            (1, 76, 2, Err(Misfit::Digits)),
            (0, 76, 2, Ok("0.00")),
            (i128::from(u64::MAX), 19, 19, Ok("1.8446744073709551615")),
            (5, 19, 19, Ok("0.0000000000000000005")),
            (99, 0, 1, Ok("99.0")),
            (100, 0, 1, Ok("100.0")),
            (123_456, 3, 3, Ok("123.456")),
            (9_999_999, 4, 4, Ok("999.9999")),
            (10, 1, 2, Ok("1.00")),
            (-i128::from(u64::MAX), 0, 0, Ok("-18446744073709551615")),
            (i128::from(u64::MAX) + 1, 0, 0, Ok("18446744073709551616")),
            (5, 20, 20, Ok("0.00000000000000000005")),
            (10, 1, 1, Ok("1.0")),
            (i128::MIN, 10, 10, Ok("-17014118346046923173168730371.5884105728")),
        ] {
            assert_eq!(exact(value, scale, digits).as_deref(), text.as_ref().map(|text| *text), "{value}e-{scale} at {digits}");
        }
    }

    #[test]
    fn text_without_trailing_zeros() {
        for (value, scale, text) in
            [(0, 0, "0"), (0, 18, "0"), (100, 0, "100"), (100, 2, "1"), (-1050, 3, "-1.05"), (1, 18, "0.000000000000000001"), (12, -3, "12000"), (0, -3, "0")]
        {
            assert_eq!(trimmed(value, scale), text, "{value}e-{scale}");
        }
    }
}
