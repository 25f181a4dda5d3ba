//! Signs and codes of currencies as they stand beside amounts. A sign is checked against the row's currency, it never gives one.
//!
//! Codes and national signs are those of ISO 4217 as `iso_currency` has them; what shops print besides stands here.

use std::collections::HashMap;
use std::sync::LazyLock;

use iso_currency::{Currency, IntoEnumIterator};

use crate::reject::{Finding, rule};

/// Signs that more than one currency has, or that are no currency's own sign.
const PRINTED: [(&str, &str); 56] = [
    ("$", "USD CAD AUD NZD HKD SGD TWD MXN ARS CLP COP UYU CUP DOP BBD BMD BND BSD BZD FJD GYD JMD KYD LRD NAD SBD SRD TTD XCD ZWL SVC TOP WST MOP BRL NIO"),
    ("US$", "USD"),
    ("USD$", "USD"),
    ("A$", "AUD"),
    ("AU$", "AUD"),
    ("C$", "CAD NIO"),
    ("CA$", "CAD"),
    ("CAD$", "CAD"),
    ("NZ$", "NZD"),
    ("HK$", "HKD"),
    ("S$", "SGD SBD"),
    ("SG$", "SGD"),
    ("NT$", "TWD"),
    ("MX$", "MXN"),
    ("Mex$", "MXN"),
    ("AR$", "ARS"),
    ("CLP$", "CLP"),
    ("COL$", "COP"),
    ("R$", "BRL"),
    ("£", "GBP EGP FKP GIP LBP SDG SHP SSP SYP"),
    ("￡", "GBP"),
    ("€", "EUR"),
    ("¥", "JPY CNY"),
    ("￥", "JPY CNY"),
    ("JP¥", "JPY"),
    ("CN¥", "CNY"),
    ("RMB", "CNY"),
    ("元", "CNY TWD HKD"),
    ("円", "JPY"),
    ("₹", "INR"),
    ("Rs", "INR PKR LKR NPR MUR SCR"),
    ("Rs.", "INR PKR LKR NPR MUR SCR"),
    ("₩", "KRW KPW"),
    ("￦", "KRW"),
    ("원", "KRW"),
    ("₽", "RUB"),
    ("руб", "RUB"),
    ("руб.", "RUB"),
    ("р.", "RUB"),
    ("TL", "TRY"),
    ("₫", "VND"),
    ("đ", "VND"),
    ("kr", "SEK NOK DKK ISK"),
    ("kr.", "SEK NOK DKK ISK"),
    ("Kr", "SEK NOK DKK ISK"),
    ("zl", "PLN"),
    ("Kč", "CZK"),
    ("lei", "RON MDL"),
    ("лв", "BGN"),
    ("лв.", "BGN"),
    ("Fr.", "CHF"),
    ("SFr.", "CHF"),
    ("S/.", "PEN"),
    ("Dhs", "AED"),
    ("R", "ZAR"),
    ("Php", "PHP"),
];

/// Sign → codes that it may stand for.
static SIGNS: LazyLock<HashMap<String, Vec<&'static str>>> = LazyLock::new(|| {
    let mut signs: HashMap<String, Vec<&'static str>> = HashMap::new();
    for (sign, codes) in PRINTED {
        signs.entry(sign.to_owned()).or_default().extend(codes.split(' '));
    }
    for currency in Currency::iter() {
        let symbol = currency.symbol().symbol;
        // One letter may as well be thousands or millions, and ¤ is any currency.
        if symbol != "¤" && !(symbol.len() == 1 && symbol.is_ascii() && symbol != "$") {
            signs.entry(symbol).or_default().push(currency.code());
        }
        signs.entry(currency.code().to_owned()).or_default().push(currency.code());
    }
    signs
});

/// Whether a text has the form of a code of ISO 4217. Which codes there are changes from year to year; a code that was cut off, a sign or a
/// name is none.
pub(crate) fn is_code(text: &[u8]) -> bool {
    text.len() == 3 && text.iter().all(u8::is_ascii_alphabetic)
}

/// What is wrong with an amount whose currency is none.
pub(crate) fn no_code(text: &[u8]) -> Finding {
    let shown = String::from_utf8_lossy(&text[..text.len().min(20)]).into_owned();
    Finding::new(
        rule::CURRENCY,
        format!("is an amount in {shown:?}, which is no currency of three letters: where the export writes others, `map` gives their codes"),
    )
}

pub(crate) fn is_known(sign: &str) -> bool {
    SIGNS.contains_key(sign)
}

/// Whether a sign or code may stand beside an amount in a currency.
pub(crate) fn may_mean(sign: &str, currency: &str) -> bool {
    SIGNS.get(sign).is_some_and(|codes| codes.iter().any(|code| code.eq_ignore_ascii_case(currency)))
}

/// Codes, and names as ISO 4217 has them, → codes.
pub(crate) fn codes_and_names() -> impl Iterator<Item = (String, &'static str)> {
    let unambiguous =
        [("€", "EUR"), ("₹", "INR"), ("₽", "RUB"), ("₺", "TRY"), ("₫", "VND"), ("₴", "UAH"), ("₪", "ILS"), ("฿", "THB"), ("₦", "NGN"), ("US$", "USD")];
    let names =
        [("US Dollar", "USD"), ("British Pound", "GBP"), ("Pound Sterling", "GBP"), ("Yen", "JPY"), ("Yuan", "CNY"), ("Renminbi", "CNY"), ("RMB", "CNY")];
    let iso = Currency::iter().flat_map(|currency| [(currency.code().to_owned(), currency.code()), (currency.name().to_owned(), currency.code())]);
    iso.chain(unambiguous.into_iter().chain(names).map(|(text, code)| (text.to_owned(), code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_stands_for_some_currencies_only() {
        for (sign, currency, fits) in [
            ("$", "USD", true),
            ("$", "usd", true),
            ("$", "EUR", false),
            ("€", "EUR", true),
            ("kr", "SEK", true),
            ("kr", "EUR", false),
            ("¥", "CNY", true),
            ("AED", "AED", true),
            ("AED", "USD", false),
            ("Ft", "HUF", true),
            ("zł", "PLN", true),
            ("zz", "PLN", false),
        ] {
            assert_eq!(may_mean(sign, currency), fits, "{sign} {currency}");
        }
        let codes: Vec<&str> = ["USD", "eur", "US", "E", "", "EUR ", "Euro", "$", "US$", "€"].into_iter().filter(|text| is_code(text.as_bytes())).collect();
        assert_eq!(codes, ["USD", "eur"]);
        assert!(!is_known("K") && !is_known("¤") && !is_known("") && is_known("R") && is_known("USD"));
    }

    #[test]
    fn every_printed_sign_names_currencies_of_iso_4217() {
        for (sign, codes) in PRINTED {
            assert!(codes.split(' ').all(|code| Currency::from_code(code).is_some()), "{sign}: {codes}");
        }
    }
}
