//! Decimals as scaled integers: exact change of scale and text. No rounding, no float.

use std::fmt::Write;

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
        _ if value == 0 => Ok(0),
        Some(factor) if up >= 0 => value.checked_mul(factor).ok_or(Misfit::Size),
        Some(factor) if value % factor == 0 => Ok(value / factor),
        None if up >= 0 => Err(Misfit::Size),
        _ => Err(Misfit::Digits),
    }
}

/// Appends the value with exactly `digits` decimals. Zero has no sign.
pub(crate) fn push_exact(out: &mut String, value: i128, digits: u8) {
    if value < 0 {
        out.push('-');
    }
    if let (Ok(rest), 0..=19) = (u64::try_from(value.unsigned_abs()), digits) {
        return push_short(out, rest, digits);
    }
    let digits = usize::from(digits);
    // Writing into a String can't fail.
    let _ = write!(out, "{:0>width$}", value.unsigned_abs(), width = digits + 1);
    if digits > 0 {
        out.insert(out.len() - digits, '.');
    }
}

/// The same for what most values are: from the last digit to the first, without the arithmetic of wide integers.
fn push_short(out: &mut String, mut rest: u64, digits: u8) {
    let mut text = [b'0'; 24];
    let (mut at, mut place) = (text.len(), 0);
    while rest > 0 || place <= digits {
        if place == digits && digits > 0 {
            at -= 1;
            text[at] = b'.';
        }
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        place += 1;
    }
    out.push_str(str::from_utf8(&text[at..]).unwrap_or_default());
}

/// Appends the value without trailing zeros and without exponent.
pub(crate) fn push_trimmed(out: &mut String, value: i128, scale: i8) {
    let Ok(digits) = u8::try_from(scale) else {
        push_exact(out, value, 0);
        if value != 0 {
            out.extend(std::iter::repeat_n('0', usize::from(scale.unsigned_abs())));
        }
        return;
    };
    push_exact(out, value, digits);
    if digits > 0 {
        let end = out.trim_end_matches('0').trim_end_matches('.').len();
        out.truncate(end);
    }
}

pub(crate) fn trimmed(value: i128, scale: i8) -> String {
    let mut text = String::new();
    push_trimmed(&mut text, value, scale);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_at_declared_digits() {
        let exact = |value, scale, digits| {
            rescale(value, scale, digits).map(|value| {
                let mut text = String::new();
                push_exact(&mut text, value, digits);
                text
            })
        };
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
