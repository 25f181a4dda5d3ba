//! Parse keys: how texts of numbers, dates and nulls are written. `[exports]` sets them for all columns, a column overrides them.

use std::collections::BTreeMap;

use chrono::FixedOffset;
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer};

/// How texts are written. What is not said is as the level above says it, on top as [`Self::base`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParseKeys {
    pub decimal: Option<Decimals>,
    pub thousands: Option<Thousands>,
    pub grouping: Option<Grouping>,
    pub currency_signs: Option<bool>,
    pub percent: Option<bool>,
    pub parentheses: Option<bool>,
    pub trailing_minus: Option<bool>,
    pub exponent: Option<bool>,
    pub whole_decimals: Option<bool>,
    pub nulls: Option<Vec<String>>,
    pub formats: Option<Vec<String>>,
    pub zone: Option<Tz>,
    pub zones: Option<BTreeMap<String, FixedOffset>>,
    pub years_from: Option<u16>,
    /// Those of month and weekday names, of [`LANGUAGES`].
    pub languages: Option<Vec<String>>,
    pub bool: Option<BoolWords>,
}

/// The languages whose names of months and weekdays are known.
pub const LANGUAGES: [&str; 15] = ["en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "pl", "cs", "tr", "ru"];

/// The mark before decimals: one, or either of two where nothing marks thousands, so that a number has one mark at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimals {
    pub mark: char,
    pub or: Option<char>,
}

impl<'de> Deserialize<'de> for Decimals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "one character or a list of two is needed")]
        enum Raw {
            One(char),
            Either([char; 2]),
        }
        Ok(match Raw::deserialize(deserializer)? {
            Raw::One(mark) => Self { mark, or: None },
            Raw::Either([mark, or]) => Self { mark, or: Some(or) },
        })
    }
}

/// The mark between thousands; `""` in a channel file is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thousands(pub Option<char>);

/// Where marks of thousands may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Grouping {
    /// Every three digits.
    #[default]
    #[serde(rename = "3")]
    Threes,
    /// Groups of two to four digits, the last one of three or four: `12,34,567`, `1,2345`.
    #[serde(rename = "any")]
    Any,
}

/// The texts that mean true and false.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoolWords {
    pub yes: Vec<String>,
    pub no: Vec<String>,
}

impl ParseKeys {
    /// These keys, and where they say nothing those of the level above.
    #[must_use]
    pub fn over(&self, above: &Self) -> Self {
        let own = self.clone();
        Self {
            decimal: own.decimal.or(above.decimal),
            thousands: own.thousands.or(above.thousands),
            grouping: own.grouping.or(above.grouping),
            currency_signs: own.currency_signs.or(above.currency_signs),
            percent: own.percent.or(above.percent),
            parentheses: own.parentheses.or(above.parentheses),
            trailing_minus: own.trailing_minus.or(above.trailing_minus),
            exponent: own.exponent.or(above.exponent),
            whole_decimals: own.whole_decimals.or(above.whole_decimals),
            nulls: own.nulls.or_else(|| above.nulls.clone()),
            formats: own.formats.or_else(|| above.formats.clone()),
            zone: own.zone.or(above.zone),
            zones: own.zones.or_else(|| above.zones.clone()),
            years_from: own.years_from.or(above.years_from),
            languages: own.languages.or_else(|| above.languages.clone()),
            bool: own.bool.or_else(|| above.bool.clone()),
        }
    }

    /// Whether they say no more than `nulls`, `thousands` and `formats`.
    pub fn is_plain(&self) -> bool {
        let Self { nulls, thousands, formats, .. } = self;
        *self == Self { nulls: nulls.clone(), thousands: *thousands, formats: formats.clone(), ..Self::default() }
    }

    /// The marks of decimals.
    pub fn decimals(&self) -> Decimals {
        self.decimal.unwrap_or(Decimals { mark: '.', or: None })
    }

    /// The mark of thousands.
    pub fn thousands_mark(&self) -> Option<char> {
        self.thousands.and_then(|mark| mark.0)
    }

    /// A contradiction: the key and what is wrong with it.
    pub(crate) fn problem(&self) -> Option<(&'static str, String)> {
        let Decimals { mark: decimal, or } = self.decimals();
        if let Some(wrong) = std::iter::once(decimal).chain(or).find(|mark| no_mark(*mark)) {
            return Some(("decimal", format!("decimal mark {wrong:?} has another meaning in a number")));
        }
        if or == Some(decimal) {
            return Some(("decimal", format!("{decimal:?} stands there twice")));
        }
        let thousands = self.thousands_mark()?;
        if or.is_some() {
            return Some(("decimal", "two marks of decimals and one of thousands: what `1,234` means is not known; say one mark of decimals".to_owned()));
        }
        if no_mark(thousands) {
            return Some(("thousands", format!("thousands mark {thousands:?} has another meaning in a number")));
        }
        let key = if self.decimal.is_some() { "decimal" } else { "thousands" };
        (thousands == decimal).then(|| (key, format!("{decimal:?} marks decimals and thousands: say `thousands` and `decimal` so that they differ")))
    }
}

fn no_mark(mark: char) -> bool {
    mark.is_alphanumeric() || mark.is_control() || "+-()%\"−".contains(mark)
}

impl<'de> Deserialize<'de> for Thousands {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (mark, None) => Ok(Self(mark)),
            _ => Err(serde::de::Error::custom(format!("thousands mark {text:?} is not one character"))),
        }
    }
}

/// One text or a list of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts is needed")]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(crate) fn list(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

/// A zone of the IANA list.
pub(crate) fn zone<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Tz>, D::Error> {
    let text = String::deserialize(from)?;
    match text.parse() {
        Ok(zone) => Ok(Some(zone)),
        Err(_) => {
            let hint = match crate::nearest(&text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())) {
                Some(best) => format!("did you mean `{best}`?"),
                None => "write a zone like `America/Los_Angeles` or `UTC`".to_owned(),
            };
            Err(serde::de::Error::custom(format!("there is no time zone `{text}`; {hint}")))
        }
    }
}

/// Codes of [`LANGUAGES`].
pub(crate) fn languages<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let codes = OneOrMany::deserialize(from)?.list();
    match codes.iter().find(|code| !LANGUAGES.contains(&code.as_str())) {
        Some(unknown) => Err(serde::de::Error::custom(format!("names of months in `{unknown}` are not known; languages: {}", LANGUAGES.join(", ")))),
        None => Ok(Some(codes)),
    }
}

/// Names of zones as exports print them, with their offsets.
pub(crate) fn zones<'de, D: Deserializer<'de>>(from: D) -> Result<Option<BTreeMap<String, FixedOffset>>, D::Error> {
    let texts: BTreeMap<String, String> = BTreeMap::deserialize(from)?;
    let offset = |(name, text): (String, String)| match text.parse() {
        Ok(offset) if name.chars().all(char::is_alphabetic) && !name.is_empty() => Ok((name, offset)),
        Ok(_) => Err(serde::de::Error::custom(format!("zones: `{name}` is no name: letters only"))),
        Err(_) => Err(serde::de::Error::custom(format!("zones: {name} = \"{text}\" is no offset; write it like \"-08:00\""))),
    };
    texts.into_iter().map(offset).collect::<Result<_, _>>().map(Some)
}
