//! Reference tables and fiscal calendars, ready to be looked up.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use takings_definitions::{CALENDAR_COLUMNS, Mapping, Reference};

use super::fold::folded;
use super::{countries, currency};

/// Text → text.
#[derive(Debug)]
pub(crate) struct Lookup {
    values: HashMap<String, String>,
    key: Key,
}

/// How texts are compared.
#[derive(Debug, Clone, Copy)]
enum Key {
    Exact,
    Folded,
    Country,
}

impl Key {
    fn of(self, text: &str) -> String {
        match self {
            Self::Exact => text.to_owned(),
            Self::Folded => folded(text),
            Self::Country => countries::key(text),
        }
    }
}

impl Lookup {
    pub(crate) fn new(mapping: &Mapping, references: &BTreeMap<String, Reference>) -> Result<Self, String> {
        match mapping.table.as_str() {
            "countries" => Ok(Self { values: countries::names().map(|(text, code)| (text, code.to_owned())).collect(), key: Key::Country }),
            "currencies" => {
                let values = currency::codes_and_names().map(|(text, code)| (sign_or_folded(&text), code.to_owned())).collect();
                Ok(Self { values, key: Key::Folded })
            }
            name => Self::of_table(mapping, references.get(name).ok_or_else(|| format!("there is no reference table `{name}`"))?),
        }
    }

    fn of_table(mapping: &Mapping, table: &Reference) -> Result<Self, String> {
        let place = |name: &Option<String>, otherwise| name.as_ref().map_or(Ok(otherwise), |name| table.column(name).map_err(|error| error.to_string()));
        let (from, to) = (place(&mapping.key, 0)?, place(&mapping.value, 1)?);
        let key = if mapping.fold { Key::Folded } else { Key::Exact };
        let mut values: HashMap<String, String> = HashMap::new();
        for row in &table.rows {
            let (Some(text), Some(value)) = (row.cells.get(from), row.cells.get(to)) else { continue };
            let place = format!("{}:{}", table.path.display(), row.line);
            match values.insert(key.of(text), value.clone()) {
                Some(other) if other != *value => return Err(format!("{place}: {text:?} is {value:?} here and {other:?} above; leave one of them out")),
                _ => {}
            }
        }
        Ok(Self { values, key })
    }

    pub(crate) fn get(&self, text: &str) -> Option<&str> {
        let found = self.values.get(&self.key.of(text));
        found.or_else(|| self.values.get(text).filter(|_| matches!(self.key, Key::Folded))).map(String::as_str)
    }
}

/// Signs have no letters to fold.
fn sign_or_folded(text: &str) -> String {
    let folded = folded(text);
    if folded.is_empty() || text.ends_with('$') { text.to_owned() } else { folded }
}

/// Fiscal months: name → first and last day.
#[derive(Debug)]
pub(crate) struct FiscalCalendar {
    periods: HashMap<String, (NaiveDate, NaiveDate)>,
}

impl FiscalCalendar {
    pub(crate) fn new(table: &Reference) -> Result<Self, String> {
        let places = CALENDAR_COLUMNS.map(|name| table.column(name).map_err(|error| error.to_string()));
        let [name, first, last] = places;
        let (name, first, last) = (name?, first?, last?);
        let mut periods = HashMap::new();
        for row in &table.rows {
            let wrong = |what: String| format!("{}:{}: {what}", table.path.display(), row.line);
            let cell = |at: usize| row.cells.get(at).map_or("", String::as_str);
            let day = |at| NaiveDate::parse_from_str(cell(at), "%Y-%m-%d").map_err(|_| wrong(format!("{:?} is no day; write it like 2026-03-01", cell(at))));
            let (from, to) = (day(first)?, day(last)?);
            if to < from {
                return Err(wrong(format!("the period {:?} ends before it starts", cell(name))));
            }
            if periods.insert(folded(cell(name)), (from, to)).is_some_and(|other| other != (from, to)) {
                return Err(wrong(format!("the period {:?} stands above with other days", cell(name))));
            }
        }
        Ok(Self { periods })
    }

    pub(crate) fn period(&self, name: &str) -> Option<(NaiveDate, NaiveDate)> {
        self.periods.get(&folded(name)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::path::Path;

    fn built_in(table: &str) -> Lookup {
        Lookup::new(&Mapping { table: table.into(), key: None, value: None, fold: true }, &BTreeMap::new()).unwrap()
    }

    #[test]
    fn countries_by_any_of_their_names() {
        let countries = built_in("countries");
        for (text, code) in [
            ("us", Some("US")),
            ("USA", Some("US")),
            ("United States", Some("US")),
            ("The United States of America", Some("US")),
            ("U.S.A.", Some("US")),
            ("GBR", Some("GB")),
            ("UK", Some("GB")),
            ("Germany", Some("DE")),
            ("DEU", Some("DE")),
            ("Türkiye", Some("TR")),
            ("Turkey", Some("TR")),
            ("CÔTE D’IVOIRE", Some("CI")),
            ("Korea, Republic of", Some("KR")),
            ("Korea (the Republic of)", Some("KR")),
            ("Taiwan", Some("TW")),
            ("Trinidad & Tobago", Some("TT")),
            ("Bosnia and Herzegovina", Some("BA")),
            ("Bahamas", Some("BS")),
            ("Vietnam", Some("VN")),
            ("Viet Nam", Some("VN")),
            ("zz", None),
            ("Worldwide", None),
            ("", None),
            ("Congo", Some("CG")),
            ("Korea", None),
        ] {
            assert_eq!(countries.get(text), code, "{text}");
        }
    }

    #[test]
    fn currencies_by_code_name_and_certain_signs() {
        let currencies = built_in("currencies");
        for (text, code) in
            [("usd", Some("USD")), ("Euro", Some("EUR")), ("US Dollar", Some("USD")), ("€", Some("EUR")), ("US$", Some("USD")), ("$", None), ("Dollar", None)]
        {
            assert_eq!(currencies.get(text), code, "{text}");
        }
    }

    #[test]
    fn an_own_table_and_a_calendar() {
        let table = |text: &str| Reference::parse(Path::new("config/reference/t.csv"), text).unwrap();
        let mapping = |fold| Mapping { table: "t".into(), key: Some("name".into()), value: Some("code".into()), fold };
        let references = BTreeMap::from([("t".to_owned(), table("code,name\napple,Apple Music\n"))]);
        assert_eq!(Lookup::new(&mapping(true), &references).unwrap().get("APPLE-MUSIC"), Some("apple"));
        assert_eq!(Lookup::new(&mapping(false), &references).unwrap().get("APPLE-MUSIC"), None);
        let references = BTreeMap::from([("t".to_owned(), table("code,name\na,X y\nb,xY\n"))]);
        let error = Lookup::new(&mapping(true), &references).unwrap_err();
        assert_eq!(error, "config/reference/t.csv:3: \"xY\" is \"b\" here and \"a\" above; leave one of them out");
        assert!(Lookup::new(&mapping(false), &references).is_ok());

        let calendar = FiscalCalendar::new(&table("name,first_day,last_day\n\"September, 2014\",2014-08-31,2014-09-27\n")).unwrap();
        let days = calendar.period("september 2014").map(|(first, last)| format!("{first} {last}"));
        assert_eq!(days.as_deref(), Some("2014-08-31 2014-09-27"));
        let error = FiscalCalendar::new(&table("name,first_day,last_day\na,2014-09-31,2014-10-01\n")).unwrap_err();
        assert_eq!(error, "config/reference/t.csv:2: \"2014-09-31\" is no day; write it like 2026-03-01");
    }
}
