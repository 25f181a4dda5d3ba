//! Texts of numbers: which marks and signs all values of a column bear out. Exact integers only.

use crate::money::is_currency;

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Marks {
    pub decimal: Option<char>,
    pub thousands: Option<char>,
}

/// What stands around the digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Signs {
    /// The sign; `?` where they differ.
    pub currency: Option<&'static str>,
    pub percent: bool,
    pub parentheses: bool,
    pub trailing_minus: bool,
    pub exponent: bool,
    /// Marks of thousands that don't stand every three digits: `12,34,567`.
    pub any_grouping: bool,
}

/// An exact number: an integer at a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exact {
    pub mantissa: i128,
    pub scale: u32,
}

/// All pairs that exports use. A space is one of any width, and `'` is also `’`.
pub(crate) const MARKS: [Marks; 7] =
    [marks('.', None), marks('.', Some(',')), marks(',', None), marks(',', Some('.')), marks(',', Some(' ')), marks('.', Some('\'')), marks('.', Some(' '))];

/// Whether the character is this mark of thousands.
pub(crate) fn is_mark(character: char, mark: char) -> bool {
    match mark {
        ' ' => matches!(character, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}'),
        '\'' => matches!(character, '\'' | '’'),
        other => character == other,
    }
}

const fn marks(decimal: char, thousands: Option<char>) -> Marks {
    Marks { decimal: Some(decimal), thousands }
}

/// Signs with the currencies that they may stand for; longer ones first.
pub(crate) const CURRENCY_SIGNS: [(&str, &[&str]); 30] = [
    ("US$", &["USD"]),
    ("CA$", &["CAD"]),
    ("AU$", &["AUD"]),
    ("NZ$", &["NZD"]),
    ("HK$", &["HKD"]),
    ("NT$", &["TWD"]),
    ("MX$", &["MXN"]),
    ("A$", &["AUD"]),
    ("R$", &["BRL"]),
    ("S$", &["SGD", "SBD"]),
    ("C$", &["CAD", "NIO"]),
    ("$", &["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"]),
    ("€", &["EUR"]),
    ("£", &["GBP"]),
    ("¥", &["JPY", "CNY"]),
    ("￥", &["JPY", "CNY"]),
    ("円", &["JPY"]),
    ("₹", &["INR"]),
    ("₩", &["KRW"]),
    ("원", &["KRW"]),
    ("₽", &["RUB"]),
    ("₺", &["TRY"]),
    ("₫", &["VND"]),
    ("₱", &["PHP"]),
    ("₪", &["ILS"]),
    ("zł", &["PLN"]),
    ("Kč", &["CZK"]),
    ("Fr.", &["CHF"]),
    ("kr.", &["SEK", "NOK", "DKK", "ISK"]),
    ("kr", &["SEK", "NOK", "DKK", "ISK"]),
];

impl Exact {
    pub fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let up = |one: Self| one.mantissa.checked_mul(10i128.checked_pow(scale - one.scale)?);
        Some(Self { mantissa: up(self)?.checked_add(up(other)?)?, scale })
    }

    pub fn same(self, other: Self) -> bool {
        self.plus(Self { mantissa: -other.mantissa, scale: other.scale }).is_some_and(|difference| difference.mantissa == 0)
    }

    pub fn digits_before(self) -> u32 {
        let digits = self.mantissa.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
        digits.saturating_sub(self.scale).max(1)
    }
}

/// Reads a text; None: it is no number so written.
pub(crate) fn read(text: &str, marks: Marks) -> Option<(Exact, Signs)> {
    let mut signs = Signs::default();
    let mut rest = text.trim();
    let mut minus = false;
    if let Some(inner) = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        (signs.parentheses, minus, rest) = (true, true, inner.trim());
    }
    rest = without_minus(rest, &mut minus, signs.parentheses)?;
    for (sign, _) in CURRENCY_SIGNS {
        if let Some(inner) = rest.strip_prefix(sign).or_else(|| rest.strip_suffix(sign)) {
            (signs.currency, rest) = (Some(sign), inner.trim());
            break;
        }
    }
    if let Some(inner) = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).filter(|_| !minus) {
        (signs.parentheses, minus, rest) = (true, true, inner.trim());
    }
    let had = minus;
    rest = without_minus(rest, &mut minus, had)?;
    if let Some(inner) = rest.strip_suffix('%') {
        (signs.percent, rest) = (true, inner.trim());
    }
    if let Some(inner) = rest.strip_suffix('-').filter(|_| !minus) {
        (signs.trailing_minus, minus, rest) = (true, true, inner);
    }
    let (digits, power) = match rest.find(['e', 'E']) {
        None => (rest, 0),
        Some(at) => {
            signs.exponent = true;
            (&rest[..at], rest[at + 1..].parse::<i32>().ok().filter(|power| power.abs() <= 30)?)
        }
    };
    let mut exact = plain(digits, marks, &mut signs.any_grouping)?;
    if power >= 0 {
        let power = power.unsigned_abs();
        let down = power.min(exact.scale);
        exact.mantissa = exact.mantissa.checked_mul(10i128.checked_pow(power - down)?)?;
        exact.scale -= down;
    } else {
        exact.scale += power.unsigned_abs();
    }
    if signs.percent {
        exact.scale += 2;
    }
    if minus {
        exact.mantissa = -exact.mantissa;
    }
    (exact.scale <= 38).then_some((exact, signs))
}

/// The text behind a leading sign; None where there are two.
fn without_minus<'a>(text: &'a str, minus: &mut bool, had: bool) -> Option<&'a str> {
    match text.strip_prefix(['-', '−']) {
        None => Some(text.strip_prefix('+').unwrap_or(text)),
        Some(_) if had => None,
        Some(rest) => {
            *minus = true;
            Some(rest.trim_start())
        }
    }
}

fn plain(text: &str, marks: Marks, any_grouping: &mut bool) -> Option<Exact> {
    let (whole, fraction) = match marks.decimal.and_then(|mark| text.split_once(mark)) {
        None => (text, ""),
        Some((_, "")) => return None,
        Some(both) => both,
    };
    let mut digits = String::with_capacity(whole.len() + fraction.len());
    match marks.thousands.filter(|mark| whole.contains(|character| is_mark(character, *mark))) {
        None => digits.push_str(whole),
        Some(mark) => {
            let groups: Vec<&str> = whole.split(|character| is_mark(character, mark)).collect();
            let (first, last) = (groups[0].len(), groups.len() - 1);
            let threes = (1..=3).contains(&first) && groups[1..].iter().all(|group| group.len() == 3);
            // Lakhs and crores.
            let twos = mark == ',' && last > 1 && first <= 2 && groups[1..last].iter().all(|group| group.len() == 2) && groups[last].len() == 3;
            if groups[0].is_empty() || groups[0].starts_with('0') || !(threes || twos) {
                return None;
            }
            *any_grouping |= !threes;
            digits.extend(groups);
        }
    }
    digits.push_str(fraction);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let scale = u32::try_from(fraction.len()).ok()?;
    Some(Exact { mantissa: digits.parse().ok()?, scale })
}

/// Whether any pair of marks reads the text as a number.
pub(crate) fn is_number(text: &str) -> bool {
    MARKS.iter().any(|marks| read(text, *marks).is_some())
}

/// Why a column of texts is none of numbers, though it seems to be one or its header names an amount, and the text that keeps it from it.
pub(crate) fn stray<'a>(values: &[&'a str], amounts: bool) -> Option<(String, &'a str)> {
    let fits = |marks: &&Marks| values.iter().filter(|value| read(value, **marks).is_some()).count();
    let best = MARKS.iter().rev().max_by_key(fits)?;
    let numbers = fits(&best);
    let text = values.iter().find(|value| read(value, *best).is_none())?;
    let marked = values.iter().find(|value| value.contains(['.', ',']) && read(value, *best).is_some());
    let digits = values.iter().filter(|value| value.bytes().any(|byte| byte.is_ascii_digit())).count();
    if let Some(other) = marked.filter(|_| values.iter().all(|value| is_number(value))) {
        let all =
            format!("though all its values are numbers, but of two styles, as {other:?} shows (where either mark is of decimals: decimal = [\".\", \",\"])");
        Some((all, text))
    } else if numbers > 1 && numbers * 4 >= values.len() * 3 {
        Some(("though most of its values are numbers".to_owned(), text))
    } else {
        // `3.50 EUR`, `EUR 3.50`, `#DIV/0!`, but not `INV-77`.
        let begins = text.starts_with(|first: char| first.is_ascii_digit() || "+-−(#=".contains(first)) || is_currency(text.split(' ').next().unwrap_or(text));
        let begins = begins || CURRENCY_SIGNS.iter().any(|(sign, _)| text.starts_with(sign));
        (amounts && begins && digits * 2 >= values.len()).then(|| ("though its header names an amount".to_owned(), *text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, decimal: char, thousands: Option<char>) -> String {
        match read(text, marks(decimal, thousands)) {
            None => "none".to_owned(),
            Some((exact, _)) => format!("{}e-{}", exact.mantissa, exact.scale),
        }
    }

    #[test]
    fn what_keeps_a_column_from_numbers() {
        let shown = |values: &[&'static str], amounts| stray(values, amounts).map(|(why, text)| format!("{} {text}", &why[..22]));
        assert_eq!(shown(&["1.50", "2.50", "3.x", "4"], false).unwrap(), "though most of its val 3.x");
        assert_eq!(shown(&["3.50", "2.00", "12,00"], false).unwrap(), "though all its values  12,00");
        assert_eq!(shown(&["3.50 EUR", "2.00 USD"], true).unwrap(), "though its header name 3.50 EUR");
        assert_eq!(shown(&["1.50", "2.50", "4"], true), None);
        assert_eq!(shown(&["1", "A2", "B3"], false), None);
        assert_eq!(shown(&["gross", "net"], true), None);
        assert_eq!(shown(&["INV-77", "INV-78"], true), None);
    }

    #[test]
    fn numbers_are_read_exactly_or_not() {
        assert_eq!(shown("1,234.50", '.', Some(',')), "123450e-2");
        assert_eq!(shown("1,23", '.', Some(',')), "none");
        assert_eq!(shown("1.234,5", ',', Some('.')), "12345e-1");
        assert_eq!(["1'234.50", "1’000’234.50"].map(|text| shown(text, '.', Some('\''))), ["123450e-2", "100023450e-2"]);
        assert_eq!(["12,34,567.00", "1,23,456", "12,3,456", "1,23,45"].map(|text| shown(text, '.', Some(','))), ["123456700e-2", "123456e-0", "none", "none"]);
        assert_eq!(shown("($1.20)", '.', None), "-120e-2");
        assert_eq!(shown("-$0.20", '.', None), "-20e-2");
        assert_eq!(shown("12.5%", '.', None), "125e-3");
        assert_eq!(shown("1.5E-3", '.', None), "15e-4");
        assert_eq!(shown("1.5E3", '.', None), "1500e-0");
        assert_eq!(shown("3.00-", '.', None), "-300e-2");
        assert_eq!(["", "-", "--1", "1.", "a", "1 2", "(-1)"].map(|text| shown(text, '.', None)), ["none"; 7]);
    }
}
