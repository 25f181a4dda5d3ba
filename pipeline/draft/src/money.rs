//! Which numbers are money, in which currency, and which columns are one per currency.

use iso_currency::Currency as Iso;
use regex::Regex;

use crate::column::words;
use crate::names::unique;
use crate::numbers::CURRENCY_SIGNS;
use crate::plan::{Column, Question, Source};
use crate::sorts::{Sort, is_currency_word, is_general, of_currency, sort};

pub(crate) fn is_currency(text: &str) -> bool {
    let code = text.to_uppercase();
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) && (Iso::from_code(&code).is_some() || FORMER.contains(&code.as_str()))
}

/// Currencies that are no more, as histories of rates still have them.
const FORMER: [&str; 15] = ["ATS", "BEF", "CYP", "DEM", "EEK", "FRF", "HRK", "ITL", "LTL", "LVL", "MTL", "ROL", "SIT", "SKK", "TRL"];

/// Codes that no word, language or country has.
pub(crate) fn is_common_currency(code: &str) -> bool {
    const COMMON: &str = "USD EUR GBP JPY CAD AUD CHF INR SEK NOK DKK PLN CZK BRL MXN CNY HKD SGD NZD ZAR KRW";
    COMMON.split_whitespace().any(|known| known.eq_ignore_ascii_case(code))
}

/// The currency that a header names: `Earnings (USD)`, `Royalty ($US)`, `AmountUSD`.
pub(crate) fn named_currency(header: &str) -> Option<String> {
    const COMMON: [&str; 8] = ["USD", "EUR", "GBP", "JPY", "CAD", "AUD", "CHF", "INR"];
    if header.contains("$US") || header.contains("US$") {
        return Some("USD".to_owned());
    }
    let inside = header.rsplit_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(inside, _)| inside.trim().to_owned());
    if let Some(code) = inside.filter(|code| is_currency(code) && *code == code.to_uppercase()) {
        return Some(code);
    }
    COMMON.iter().find(|code| header.trim_end().ends_with(**code)).map(|code| (*code).to_owned())
}

/// A column of currencies, and what its name says of whose it is.
struct Currency {
    column: String,
    words: Vec<String>,
    /// `nc` of `Net Currency`.
    initials: String,
    /// It is named for no amounts in particular.
    general: bool,
}

impl Currency {
    fn of(column: &Column, alone: bool) -> Self {
        let all = words(&column.name);
        let own = |word: &String| if is_currency_word(word) { of_currency(word).map(str::to_owned) } else { Some(word.clone()) };
        let own: Vec<String> = all.iter().filter_map(own).collect();
        let unnamed = alone && !all.iter().any(|word| is_currency_word(word));
        let general = unnamed || own.iter().all(|word| is_general(word));
        let words = own.into_iter().filter(|word| !["code", "of"].contains(&word.as_str())).collect();
        Self { column: column.name.clone(), words, initials: all.iter().filter_map(|word| word.chars().next()).collect(), general }
    }

    /// How many of its words a header has.
    fn overlap(&self, header: &[String]) -> usize {
        let begins = |word: &str| word.len() >= 5 && header.iter().any(|own| own.starts_with(word));
        let words = self.words.iter().filter(|word| header.contains(word) || begins(word)).count();
        words + usize::from(self.initials.len() > 1 && header.contains(&self.initials))
    }
}

/// Ties each amount to the column that holds its currency. Where that can't be told, the amount has none and a note says so.
pub(crate) fn tie(columns: &mut Vec<Column>, currencies: &[String], notes: &mut Vec<String>) {
    let headers: Vec<Currency> =
        columns.iter().filter(|column| currencies.contains(&column.name)).map(|column| Currency::of(column, currencies.len() == 1)).collect();
    let own_name = own_name(columns);
    let mut constant: Option<String> = None;
    let mut beside: Vec<String> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut unsure: Vec<String> = Vec::new();
    for column in columns.iter_mut() {
        let header = match &column.source {
            Source::Header(header) => header.clone(),
            Source::From(_) => continue,
            _ => column.name.clone(),
        };
        // Who has a sign of currency is money, whatever its header says.
        let money = sort(&header) == Sort::Money || column.sign.is_some();
        let may_be = money || sort(&header) == Sort::Other;
        if !column.kind.starts_with("decimal") || !may_be || column.keys.iter().any(|(key, ..)| *key == "percent") {
            continue;
        }
        let own = words(&header);
        let best = headers.iter().map(|one| one.overlap(&own)).max().unwrap_or(0);
        // What names nothing is in the currency that is for nothing in particular.
        let fits = |one: &&Currency| one.overlap(&own) == best && (best > 0 || one.general || (headers.len() == 1 && column.sign.is_some()));
        let fitting: Vec<&Currency> = headers.iter().filter(fits).collect();
        if !money {
            match &fitting[..] {
                [one] => column.currency = Some(one.column.clone()),
                _ => unsure.push(column.name.clone()),
            }
            continue;
        }
        column.currency = match (named_currency(&header), &fitting[..]) {
            (Some(code), _) if headers.is_empty() && constant.as_ref().is_none_or(|known| *known == code) => {
                constant = Some(code);
                Some(own_name.clone())
            }
            // Beside amounts whose currency stands in a column: one of its own.
            (Some(code), _) => {
                let name = format!("currency_{}", code.to_lowercase());
                if !beside.contains(&code) {
                    beside.push(code);
                }
                Some(name)
            }
            (None, [one]) => Some(one.column.clone()),
            _ => None,
        };
        if column.currency.is_none() {
            open.push(column.name.clone());
        }
    }
    if !unsure.is_empty() {
        notes.push(format!("whether {} are amounts can't be told by their names: name the currency of those that are in the contract", unsure.join(", ")));
    }
    for code in beside {
        let name = format!("currency_{}", code.to_lowercase());
        let about = format!("{code}, as headers say.");
        columns.push(Column { name, source: Source::Constant(code), kind: "text".to_owned(), about, always: true, ..Column::default() });
    }
    if let Some(code) = constant {
        let about = format!("{code}, as the headers say.");
        columns.push(Column { name: own_name.clone(), source: Source::Constant(code), kind: "text".to_owned(), about, always: true, ..Column::default() });
        // One currency for the file: that of amounts whose header does not say it, too.
        columns.iter_mut().filter(|column| open.contains(&column.name)).for_each(|column| column.currency = Some(own_name.clone()));
        if !open.is_empty() {
            notes.push(format!("the headers of {} name no currency; they are taken to be in that of the others", open.join(", ")));
        }
        return;
    }
    if headers.is_empty() && signed(columns, &open) {
        return;
    }
    if !open.is_empty() {
        notes.push(format!(
            "the currency of {} can't be told: say it in the contract as currency = \"<column>\", and where the file has no such column add one with `constant`",
            open.join(", ")
        ));
    }
}

/// The currency by the sign of the amounts, where all have the same one; a question where several have that sign.
fn signed(columns: &mut Vec<Column>, open: &[String]) -> bool {
    let mut signs: Vec<&'static str> = columns.iter().filter(|column| open.contains(&column.name)).filter_map(|column| column.sign).collect();
    signs.sort_unstable();
    signs.dedup();
    let [sign] = signs[..] else { return signed_each(columns, open, &signs) };
    let Some((_, codes)) = CURRENCY_SIGNS.iter().find(|(known, _)| *known == sign) else { return false };
    let name = own_name(columns);
    columns.iter_mut().filter(|column| open.contains(&column.name)).for_each(|column| column.currency = Some(name.clone()));
    let mut currency = Column { name, kind: "text".to_owned(), about: format!("By the sign {sign}."), always: true, ..Column::default() };
    match *codes {
        [one] => currency.source = Source::Constant((*one).to_owned()),
        several => {
            let answers = several.iter().map(|code| (vec![("constant", crate::write::quoted(code))], format!("{sign} is {code}"))).collect();
            currency.question = Some(Question { why: format!("the amounts have the sign {sign}, which several currencies have"), answers });
        }
    }
    columns.push(currency);
    true
}

/// A constant for each sign, where each means one currency.
fn signed_each(columns: &mut Vec<Column>, open: &[String], signs: &[&'static str]) -> bool {
    let code = |sign: &str| CURRENCY_SIGNS.iter().find(|(known, codes)| *known == sign && codes.len() == 1).map(|(_, codes)| codes[0]);
    if signs.is_empty() || !signs.iter().all(|sign| code(sign).is_some()) {
        return false;
    }
    for sign in signs {
        let Some(code) = code(sign) else { continue };
        let name = unique(&format!("currency_{}", code.to_lowercase()), &columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>());
        for column in columns.iter_mut().filter(|column| open.contains(&column.name) && column.sign == Some(*sign)) {
            column.currency = Some(name.clone());
        }
        let (about, source) = (format!("By the sign {sign}."), Source::Constant(code.to_owned()));
        columns.push(Column { name, source, kind: "text".to_owned(), about, always: true, ..Column::default() });
    }
    true
}

/// Of a column of currencies that the draft adds.
fn own_name(columns: &[Column]) -> String {
    unique("currency", &columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>())
}

/// Columns of which there is one per currency: the pattern of their headers, what stands before the currency, and their places.
pub(crate) fn wide(names: &[String]) -> Option<(String, String, Vec<usize>)> {
    let form = Regex::new(r"^(?<what>.*?)(?<open>[ _]?\(?)(?<code>[A-Z]{3})(?<close>\)?)$").ok()?;
    let mut groups: Vec<((String, String, String), Vec<usize>)> = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let Some(found) = form.captures(name).filter(|found| is_currency(&found["code"])) else { continue };
        let key = (found["what"].to_owned(), found["open"].to_owned(), found["close"].to_owned());
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, places)) => places.push(at),
            None => groups.push((key, vec![at])),
        }
    }
    let ((what, open, close), places) = groups.into_iter().max_by_key(|(_, places)| places.len())?;
    let enough = if what.is_empty() { 3 } else { 2 };
    // Three letters alone may be more than currencies: `UPC`.
    let of = |code: &str| format!("^{}(?<currency>{code}){}$", regex::escape(&format!("{what}{open}")), regex::escape(&close));
    let any = of("[A-Z]{3}");
    let others = Regex::new(&any).is_ok_and(|any| names.iter().enumerate().any(|(at, name)| any.is_match(name) && !places.contains(&at)));
    let pattern = if others {
        let codes: Vec<String> = places.iter().filter_map(|at| Some(form.captures(&names[*at])?["code"].to_owned())).collect();
        of(&codes.join("|"))
    } else {
        any
    };
    let value = if what.is_empty() { "value".to_owned() } else { crate::names::snake(&what) };
    (places.len() >= enough).then_some((pattern, value, places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_name_currencies() {
        let named = ["Earnings (USD)", "Royalty ($US)", "EarningAmountUSD", "Units (ALL)", "Amount", "Region (Currency)"].map(named_currency);
        assert_eq!(named.map(|code| code.unwrap_or_default()), ["USD", "USD", "USD", "ALL", "", ""]);
    }

    #[test]
    fn columns_of_currencies_are_found() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(wide(&names(&["Date", "USD", "JPY", "GBP", "#5"])), Some((r"^(?<currency>[A-Z]{3})$".into(), "value".into(), vec![1, 2, 3])));
        let found = wide(&names(&["Date", "Royalty (USD)", "Royalty (EUR)"]));
        assert_eq!(found, Some((r"^Royalty \((?<currency>[A-Z]{3})\)$".into(), "royalty".into(), vec![1, 2])));
        assert_eq!(wide(&names(&["UPC", "ISRC", "Earnings (USD)"])), None);
        let found = wide(&names(&["UPC", "USD", "CYP", "GBP"]));
        assert_eq!(found, Some((r"^(?<currency>USD|CYP|GBP)$".into(), "value".into(), vec![1, 2, 3])));
    }
}
