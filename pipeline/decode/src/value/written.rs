//! Numbers as people and shops write them → exact decimals: marks of thousands, signs before and behind, currencies, percent, parentheses.
//!
//! Only what the channel file allows is read; what could mean two numbers is refused.

use takings_definitions::{Decimals, Grouping, ParseKeys, trimmed};

use super::currency;
use super::exact::Exact;
use crate::number::NumberProblem;

/// How an export writes numbers.
#[derive(Debug, Clone)]
pub(crate) struct NumberForm {
    decimal: Decimals,
    thousands: Option<char>,
    grouping: Grouping,
    currency_signs: bool,
    percent: bool,
    parentheses: bool,
    trailing_minus: bool,
    exponent: bool,
}

/// A number and what stood around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written<'a> {
    pub(crate) value: Exact,
    /// Signs and codes of currencies before and behind it.
    pub(crate) currencies: [Option<&'a str>; 2],
    /// Whether it has decimals, if only zeros.
    pub(crate) decimals: bool,
}

impl NumberForm {
    pub(crate) fn new(keys: &ParseKeys) -> Self {
        let on = |key: Option<bool>| key.unwrap_or(false);
        Self {
            decimal: keys.decimals(),
            thousands: keys.thousands_mark(),
            grouping: keys.grouping.unwrap_or_default(),
            currency_signs: on(keys.currency_signs),
            percent: on(keys.percent),
            parentheses: on(keys.parentheses),
            trailing_minus: on(keys.trailing_minus),
            exponent: on(keys.exponent),
        }
    }

    pub(crate) fn read<'a>(&self, text: &'a str) -> Result<Written<'a>, NumberProblem> {
        let mut signs = 0usize;
        let mut negative = false;
        let mut rest = trimmed(text);
        let mut currencies = [None; 2];
        let mut enclosed = self.enclosed(&mut rest);
        loop {
            if let Some(minus) = leading_sign(&mut rest) {
                signs += 1;
                negative |= minus;
            } else if self.currency_signs && currencies[0].is_none() {
                currencies[0] = self.leading_currency(&mut rest)?;
                if currencies[0].is_none() {
                    break;
                }
            } else {
                break;
            }
        }
        if !enclosed && signs == 0 {
            enclosed = self.enclosed(&mut rest);
        }
        let mut percent = false;
        loop {
            if self.percent && !percent && rest.ends_with('%') {
                rest = rest[..rest.len() - 1].trim_end();
                percent = true;
            } else if self.trailing_minus && trailing_minus(&mut rest) {
                signs += 1;
                negative = true;
            } else if self.currency_signs && currencies[1].is_none() {
                currencies[1] = trailing_currency(&mut rest);
                if currencies[1].is_none() {
                    break;
                }
            } else {
                break;
            }
        }
        if signs + usize::from(enclosed) > 1 || (percent && currencies != [None; 2]) {
            return Err(NumberProblem::Form);
        }
        let (value, decimals) = self.digits(rest)?;
        let value = if percent { value.down(2) } else { value };
        Ok(Written { value: if negative || enclosed { value.negated() } else { value }, currencies, decimals })
    }

    fn enclosed(&self, rest: &mut &str) -> bool {
        let inside = rest.strip_prefix('(').and_then(|inside| inside.strip_suffix(')')).filter(|_| self.parentheses);
        *rest = inside.map_or(*rest, trimmed);
        inside.is_some()
    }

    /// The currency before the digits. `Rs.5` with `.` as the mark of decimals could be 5 or 0.5: it is refused.
    fn leading_currency<'a>(&self, rest: &mut &'a str) -> Result<Option<&'a str>, NumberProblem> {
        let end = rest.find(|character: char| character.is_ascii_digit() || is_sign(character) || character == '(').unwrap_or(0);
        let (run, behind) = rest.split_at(end);
        let short = run.strip_suffix(|last| self.marks_decimals(last)).filter(|short| currency::is_known(short.trim_end()));
        let long = Some(run).filter(|run| currency::is_known(run.trim_end()));
        let found = match (long, short) {
            (Some(_), Some(_)) => return Err(NumberProblem::Form),
            (Some(run), None) => (run, behind),
            (None, Some(run)) => (run, &rest[run.len()..]),
            (None, None) => return Ok(None),
        };
        *rest = found.1.trim_start();
        Ok(Some(found.0.trim_end()))
    }

    /// Plain or grouped digits, perhaps decimals, perhaps an exponent.
    fn digits(&self, text: &str) -> Result<(Exact, bool), NumberProblem> {
        let (text, tens) = match text.find(['e', 'E']).filter(|_| self.exponent) {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        let (whole, decimals) = match text.split_once(|character| self.marks_decimals(character)) {
            Some((whole, decimals)) => (whole, Some(decimals)),
            None => (text, None),
        };
        let fraction = decimals.unwrap_or_default();
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || decimals.map_or(whole.is_empty(), str::is_empty) {
            return Err(NumberProblem::Form);
        }
        if !self.is_whole(whole) {
            return Err(NumberProblem::Form);
        }
        let value = Exact::of_digits(whole.bytes().filter(u8::is_ascii_digit), fraction.as_bytes())?;
        let value = match tens {
            None => value,
            Some(tens) => shifted(value, tens)?,
        };
        Ok((value, decimals.is_some()))
    }

    fn marks_decimals(&self, character: char) -> bool {
        character == self.decimal.mark || Some(character) == self.decimal.or
    }

    /// Digits, with marks of thousands where they may stand or with none.
    fn is_whole(&self, whole: &str) -> bool {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let Some(mark) = self.thousands.and_then(|mark| whole.chars().find(|character| same_mark(mark, *character))) else { return digits(whole) };
        if !whole.chars().all(|character| character == mark || character.is_ascii_digit()) {
            return false;
        }
        // No thousands begin with a zero: `0,700` is seven tenths of another country.
        if whole.starts_with('0') {
            return false;
        }
        let mut groups = whole.split(mark).map(str::len);
        let first = groups.next().unwrap_or_default();
        let last = whole.rsplit(mark).next().unwrap_or_default().len();
        match self.grouping {
            Grouping::Threes => (1..=3).contains(&first) && groups.all(|length| length == 3),
            Grouping::Any => (1..=4).contains(&first) && (3..=4).contains(&last) && groups.all(|length| (2..=4).contains(&length)),
        }
    }
}

/// Spaces of all widths are one mark, and so are apostrophes.
fn same_mark(declared: char, found: char) -> bool {
    let class = |mark: char| match mark {
        ' ' | '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' => ' ',
        '\'' | '\u{2019}' | '\u{2bc}' => '\'',
        other => other,
    };
    class(declared) == class(found)
}

fn shifted(value: Exact, tens: &str) -> Result<Exact, NumberProblem> {
    let mut rest = tens;
    let down = leading_sign(&mut rest).unwrap_or(false);
    if rest.is_empty() || rest.len() != tens.trim_start_matches(is_sign).len() || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberProblem::Form);
    }
    // No number of a contract has an exponent of more than four digits, unless it is zero.
    let tens = rest.trim_start_matches('0');
    match tens.parse::<i64>() {
        _ if value.is_zero() || tens.is_empty() => Ok(value),
        Ok(tens) if tens <= 9_999 => Ok(value.down(if down { tens } else { -tens })),
        _ => Err(if down { NumberProblem::Digits } else { NumberProblem::Size }),
    }
}

fn is_minus(character: char) -> bool {
    matches!(character, '-' | '\u{2212}' | '\u{2010}' | '\u{2011}' | '\u{2013}' | '\u{fe63}' | '\u{ff0d}')
}

fn is_sign(character: char) -> bool {
    character == '+' || is_minus(character)
}

/// Takes one sign off; whether it is a minus.
fn leading_sign(rest: &mut &str) -> Option<bool> {
    let first = rest.chars().next().filter(|first| is_sign(*first))?;
    *rest = rest[first.len_utf8()..].trim_start();
    Some(is_minus(first))
}

fn trailing_minus(rest: &mut &str) -> bool {
    match rest.strip_suffix(is_minus) {
        Some(before) => {
            *rest = before.trim_end();
            true
        }
        None => false,
    }
}

fn trailing_currency<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let end = |character: char| character.is_ascii_digit() || is_sign(character) || matches!(character, ')' | '%');
    let start = rest.rfind(end).and_then(|at| rest[at..].chars().next().map(|last| at + last.len_utf8()))?;
    let found = rest[start..].trim();
    if !currency::is_known(found) {
        return None;
    }
    *rest = rest[..start].trim_end();
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::str::FromStr;

    use super::super::exact::ONE;
    use rust_decimal::Decimal;

    fn form(keys: &ParseKeys) -> NumberForm {
        NumberForm::new(keys)
    }

    /// Numbers as shops print them, each made from a decimal that is known: what is read is that decimal.
    #[test]
    fn what_is_printed_is_what_is_read() {
        let keys = ParseKeys {
            decimal: Some(Decimals { mark: ',', or: None }),
            thousands: Some(takings_definitions::Thousands(Some('.'))),
            currency_signs: Some(true),
            parentheses: Some(true),
            trailing_minus: Some(true),
            percent: Some(true),
            ..ParseKeys::default()
        };
        let form = form(&keys);
        let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut next = |limit: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) % limit
        };
        for _ in 0..20_000 {
            let length = next(15) as u32;
            let (whole, decimals) = (next(10u64.pow(1 + length)), next(9) as usize);
            let fraction: String = (0..decimals).map(|_| char::from(b'0' + next(10) as u8)).collect();
            let grouped = next(2) == 0;
            let mut digits = String::new();
            for (at, digit) in whole.to_string().chars().enumerate() {
                if grouped && at > 0 && (whole.to_string().len() - at) % 3 == 0 {
                    digits.push('.');
                }
                digits.push(digit);
            }
            if decimals > 0 {
                digits = format!("{digits},{fraction}");
            }
            let (text, negative, percent) = match next(8) {
                0 => (digits, false, false),
                1 => (format!("-{digits}"), true, false),
                2 => (format!("({digits})"), true, false),
                3 => (format!("{digits} -"), true, false),
                4 => (format!("€ {digits}"), false, false),
                5 => (format!("-{digits} EUR"), true, false),
                6 => (format!("{digits} %"), false, true),
                _ => (format!("$({digits})"), true, false),
            };
            let plain = Decimal::from_str(&if decimals > 0 { format!("{whole}.{fraction}") } else { whole.to_string() }).unwrap();
            let expected = plain * Decimal::from(if negative { -1 } else { 1 }) / Decimal::from(if percent { 100 } else { 1 });
            let found = form.read(&text).and_then(|written| written.value.at_scale(ONE, 38, 12)).unwrap_or_else(|problem| panic!("{text}: {problem:?}"));
            assert_eq!(Decimal::from_i128_with_scale(found, 12).normalize(), expected.normalize(), "{text}");
        }
    }

    #[test]
    fn thousands_begin_with_no_zero() {
        for grouping in [Grouping::Threes, Grouping::Any] {
            let form = form(&ParseKeys { thousands: Some(takings_definitions::Thousands(Some(','))), grouping: Some(grouping), ..ParseKeys::default() });
            assert!(["0,700", "-0,125", "00,700", "0,000", "0,700.50"].iter().all(|text| form.read(text).is_err()), "{grouping:?}");
            assert!(["7,000", "0.700", "0700", "10,000.5"].iter().all(|text| form.read(text).is_ok()), "{grouping:?}");
        }
    }

    #[test]
    fn either_mark_of_decimals_and_no_other() {
        let form = form(&ParseKeys { decimal: Some(Decimals { mark: '.', or: Some(',') }), currency_signs: Some(true), ..ParseKeys::default() });
        let read = |text: &str| form.read(text).ok().and_then(|written| written.value.at_scale(ONE, 38, 3).ok());
        assert_eq!(["0.5", "0,5", ".5", ",5", "1,234", "1.234", "12", "€ 1,5"].map(read), [500, 500, 500, 500, 1234, 1234, 12_000, 1500].map(Some));
        assert_eq!(["1,234.5", "1.234,5", "1,2,3", "1.2.3", "1,", "1.", "Rs.5"].map(read), [None; 7]);
    }

    #[test]
    fn what_could_be_two_numbers_is_refused() {
        let keys = ParseKeys {
            currency_signs: Some(true),
            parentheses: Some(true),
            trailing_minus: Some(true),
            percent: Some(true),
            exponent: Some(true),
            ..ParseKeys::default()
        };
        let form = form(&keys);
        for text in [
            "", " ", "-", "--1", "-1-", "(-1)", "-(1)", "((1))", "(1", "1)", "1,000", "1.2.3", "1 2", "Rs.5", "kr.5", "K 5", "5 M", "$", "$$5", "5 % EUR",
            "50%%", "1e", "1e+", "1e1.5", "e5", ".", "1_000", "٣", "½", "１", "NaN", "inf", "0x10", "+-1", "1-2", "US $5x",
        ] {
            assert!(form.read(text).is_err(), "{text:?} is read as {:?}", form.read(text));
        }
        let signs = "-".repeat(257);
        assert!(form.read(&format!("{signs}5")).is_err() && form.read(&format!("5{signs}")).is_err());
        for (text, tens) in [
            ("$.50", 5),
            ("Rs. 0.5", 5),
            ("-0.5", -5),
            ("- $0.5", -5),
            ("$-0.5", -5),
            ("+.5", 5),
            ("50%", 5),
            ("5E-1", 5),
            ("0.5 kr.", 5),
            ("\u{200e}0.5\u{a0}", 5),
        ] {
            assert_eq!(form.read(text).and_then(|written| written.value.at_scale(ONE, 38, 1)), Ok(tens), "{text:?}");
        }
    }
}
