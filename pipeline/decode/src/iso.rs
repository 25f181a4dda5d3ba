//! The fast reader of ISO date-times: every digit in its place, no white space, no chrono.

use crate::time::{MICROS_A_DAY, TimeProblem, in_range};

/// `YYYY-MM-DD`, or with a separator, `HH:MM:SS`, perhaps a fraction, and what follows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Iso {
    time: Option<u8>,
    fraction: bool,
    zone: Zone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    None,
    Z,
    Offset,
}

/// What a column's last text was: exports repeat days over and over.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    text: [u8; 10],
    days: Option<i64>,
}

impl Iso {
    /// The reader of a format, if it is of this shape.
    pub(crate) fn of(format: &str) -> Option<Self> {
        let rest = format.strip_prefix("%Y-%m-%d").or_else(|| format.strip_prefix("%F"))?;
        let Some(separator @ (b'T' | b' ')) = rest.as_bytes().first() else {
            return rest.is_empty().then_some(Self { time: None, fraction: false, zone: Zone::None });
        };
        let rest = rest[1..].strip_prefix("%H:%M:%S").or_else(|| rest[1..].strip_prefix("%T"))?;
        let (fraction, rest) = match rest.strip_prefix("%.f") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let zone = match rest {
            "" => Zone::None,
            "Z" => Zone::Z,
            "%z" | "%:z" => Zone::Offset,
            _ => return None,
        };
        Some(Self { time: Some(*separator), fraction, zone })
    }

    #[inline(always)]
    pub(crate) fn instant(self, text: &[u8], memo: &mut Memo) -> Result<i64, TimeProblem> {
        let (date, rest) = text.split_first_chunk::<10>().ok_or(TimeProblem::Form)?;
        let Some(separator) = self.time else {
            return if rest.is_empty() { Ok(memo.days(date)? * MICROS_A_DAY) } else { Err(TimeProblem::Form) };
        };
        let (time, rest) = rest.split_first_chunk::<9>().ok_or(TimeProblem::Form)?;
        let second = second_of_day(time, separator).ok_or(TimeProblem::Form)?;
        // Nearly all.
        if self.zone == Zone::Z && *rest == *b"Z" {
            return in_range(memo.days(date)? * MICROS_A_DAY + second * 1_000_000);
        }
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] if self.fraction => rest.split_at(rest.iter().take_while(|byte| byte.is_ascii_digit()).count()),
            _ => (&b"0"[..], rest),
        };
        let offset = match (self.zone, rest) {
            (Zone::None, []) | (Zone::Z, [b'Z']) => 0,
            (Zone::Offset, rest) => offset_seconds(rest).ok_or(TimeProblem::Form)?,
            _ => return Err(TimeProblem::Form),
        };
        let micros = memo.days(date)? * MICROS_A_DAY + (second - offset) * 1_000_000 + fraction_micros(fraction)?;
        in_range(micros)
    }
}

impl Memo {
    #[inline(always)]
    fn days(&mut self, text: &[u8; 10]) -> Result<i64, TimeProblem> {
        if let Some(days) = self.days
            && self.text == *text
        {
            return Ok(days);
        }
        let days = days(text)?;
        *self = Self { text: *text, days: Some(days) };
        Ok(days)
    }
}

/// Days since 1970-01-01 of `YYYY-MM-DD`.
fn days(text: &[u8; 10]) -> Result<i64, TimeProblem> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else { return Err(TimeProblem::Form) };
    let (Some(century), Some(year), Some(month), Some(day)) = (two(y1, y2), two(y3, y4), two(m1, m2), two(d1, d2)) else { return Err(TimeProblem::Form) };
    let year = century * 100 + year;
    if year == 0 {
        return Err(TimeProblem::Range);
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return Err(TimeProblem::Form),
    };
    if day == 0 || day > length {
        return Err(TimeProblem::Form);
    }
    // Years that start in March have their leap day last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    Ok(year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469)
}

#[inline(always)]
fn second_of_day(text: &[u8; 9], separator: u8) -> Option<i64> {
    // `00:00:00`: what of a time of day differs are digits.
    const ZEROS: u64 = u64::from_le_bytes(*b"00:00:00");
    const DIGITS: u64 = 0x0f0f_000f_0f00_0f0f;
    let [first, time @ ..] = *text;
    let digits = u64::from_le_bytes(time) ^ ZEROS;
    if first != separator || digits & !DIGITS != 0 {
        return None;
    }
    // Six more than nine leave the half byte.
    if (digits + (DIGITS & 0x0606_0606_0606_0606)) & !DIGITS != 0 {
        return None;
    }
    // Tens and ones of each pair in the byte of the tens.
    let pairs = digits * 10 + (digits >> 8);
    let [hour, minute, second] = [pairs & 0xff, pairs >> 24 & 0xff, pairs >> 48 & 0xff];
    (hour < 24 && minute < 60 && second < 60).then_some((hour * 3600 + minute * 60 + second).cast_signed())
}

/// `+HH:MM`, `-HHMM`.
fn offset_seconds(text: &[u8]) -> Option<i64> {
    let (sign, h1, h2, m1, m2) = match *text {
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => (sign, h1, h2, m1, m2),
        _ => return None,
    };
    let (hour, minute) = (two(h1, h2)?, two(m1, m2)?);
    let seconds = (hour < 24 && minute < 60).then_some(hour * 3600 + minute * 60)?;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

fn fraction_micros(digits: &[u8]) -> Result<i64, TimeProblem> {
    if digits.is_empty() {
        return Err(TimeProblem::Form);
    }
    let (micros, finer) = digits.split_at(digits.len().min(6));
    if finer.iter().any(|digit| *digit != b'0') {
        return Err(TimeProblem::TooFine);
    }
    let value = micros.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    Ok((micros.len()..6).fold(value, |value, _| value * 10))
}

#[inline]
fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
}

#[cfg(test)]
mod tests {
    use super::*;

    use chrono::{Datelike, Days, NaiveDate};

    #[test]
    fn a_time_of_day_is_one_or_none() {
        for second in 0..86_400 {
            let text = format!("T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
            let text: [u8; 9] = *text.as_bytes().first_chunk().unwrap();
            assert_eq!(second_of_day(&text, b'T'), Some(second));
            if second % 977 == 0 {
                for (at, byte) in (0..9).flat_map(|at| (0..=255).map(move |byte| (at, byte))) {
                    let mut other = text;
                    other[at] = byte;
                    let two =
                        |at: usize| std::str::from_utf8(&other[at..at + 2]).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok();
                    let marks = other[0] == b'T' && other[3] == b':' && other[6] == b':';
                    let parts: (Option<i64>, Option<i64>, Option<i64>) = (two(1), two(4), two(7));
                    let expected = match parts {
                        (Some(hour), Some(minute), Some(second)) if marks && hour < 24 && minute < 60 && second < 60 => {
                            Some(hour * 3600 + minute * 60 + second)
                        }
                        _ => None,
                    };
                    assert_eq!(second_of_day(&other, b'T'), expected, "{other:?}");
                }
            }
        }
    }

    #[test]
    fn every_day_of_the_calendar_agrees_with_chrono() {
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        let mut day = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        while day.year() <= 9999 {
            let text = format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day());
            let expected = day.signed_duration_since(epoch).num_days();
            assert_eq!(days(text.as_bytes().first_chunk().unwrap()), Ok(expected), "{text}");
            day = day + Days::new(if (1850..2150).contains(&day.year()) { 1 } else { 13 });
        }
    }
}
