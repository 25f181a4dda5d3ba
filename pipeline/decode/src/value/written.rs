//! Numbers as people and shops write them → exact decimals: marks of thousands, signs before and behind, currencies, percent, parentheses.
//!
//! Only what the channel file allows is read; what could mean two numbers is refused.

use takings_definitions::{Grouping, ParseKeys};

use super::blank::trimmed;
use super::currency;
use super::exact::Exact;
use crate::number::NumberProblem;

/// How an export writes numbers.
#[derive(Debug, Clone)]
pub(crate) struct NumberForm {
    decimal: char,
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
            decimal: keys.decimal_mark(),
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
        let mut signs = 0;
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
        if signs + u8::from(enclosed) > 1 || (percent && currencies != [None; 2]) {
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
        let short = run.strip_suffix(self.decimal).filter(|short| currency::is_known(short.trim_end()));
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
        let (whole, decimals) = match text.split_once(self.decimal) {
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

    /// Digits, with marks of thousands where they may stand or with none.
    fn is_whole(&self, whole: &str) -> bool {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let Some(mark) = self.thousands.and_then(|mark| whole.chars().find(|character| same_mark(mark, *character))) else { return digits(whole) };
        if !whole.chars().all(|character| character == mark || character.is_ascii_digit()) {
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
