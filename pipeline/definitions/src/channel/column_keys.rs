//! The keys of `[exports.columns.<name>]` as they are written, and which of them contradict each other.

use std::collections::BTreeMap;

use chrono::FixedOffset;
use chrono_tz::Tz;
use regex::Regex;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

use super::column::{ColumnSpec, Condition, DurationForm, Factor, Factors, Mapping, Period, Piece, Sign, Split, ValueSource};
use super::parse_keys::{BoolWords, Decimals, Grouping, OneOrMany, ParseKeys, Thousands, languages, zone, zones};
use super::rows::CellTest;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSpec {
    #[serde(rename = "type")]
    kind: Option<String>,
    header: Option<OneOrMany>,
    constant: Option<String>,
    file: Option<String>,
    cell: Option<String>,
    #[serde(default, deserialize_with = "pattern")]
    part: Option<Regex>,
    trailer: Option<String>,
    from: Option<String>,
    join: Option<Vec<String>>,
    copy: Option<String>,
    #[serde(default, deserialize_with = "pattern")]
    take: Option<Regex>,
    split: Option<Split>,
    fill: Option<Fill>,
    default: Option<String>,
    prefix: Option<String>,
    #[serde(default)]
    strip: String,
    decimal: Option<Decimals>,
    thousands: Option<Thousands>,
    grouping: Option<Grouping>,
    currency_signs: Option<bool>,
    percent: Option<bool>,
    parentheses: Option<bool>,
    trailing_minus: Option<bool>,
    exponent: Option<bool>,
    whole_decimals: Option<bool>,
    nulls: Option<Vec<String>>,
    negative: Option<RawCondition>,
    flip: Option<RawFlip>,
    multiply: Option<Factor>,
    divide: Option<Factor>,
    unit: Option<BTreeMap<String, String>>,
    formats: Option<OneOrMany>,
    end_of: Option<Period>,
    #[serde(default, deserialize_with = "zone")]
    zone: Option<Tz>,
    #[serde(default, deserialize_with = "zones")]
    zones: Option<BTreeMap<String, FixedOffset>>,
    years_from: Option<u16>,
    #[serde(default, deserialize_with = "languages")]
    languages: Option<Vec<String>>,
    with: Option<String>,
    fiscal: Option<String>,
    duration: Option<OneOrMany>,
    bool: Option<BoolWords>,
    map: Option<RawMapping>,
    unknown: Option<String>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fill {
    Down,
}

/// A cell of a record, and what it has to be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCondition {
    column: String,
    equals: Option<OneOrMany>,
    #[serde(default, deserialize_with = "any_pattern")]
    matches: Option<Regex>,
    is: Option<Is>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Is {
    Filled,
    Empty,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "write flip = true or { column = …, equals = […] }")]
enum RawFlip {
    Always(bool),
    Where(RawCondition),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "write the name of a reference table or { table = …, key = …, value = …, fold = true }")]
enum RawMapping {
    Name(String),
    Long(LongMapping),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongMapping {
    table: String,
    key: Option<String>,
    value: Option<String>,
    #[serde(default)]
    fold: bool,
}

impl TryFrom<RawSpec> for ColumnSpec {
    type Error = String;

    fn try_from(mut raw: RawSpec) -> Result<Self, String> {
        let source = raw.source()?;
        let sign = match (raw.negative, raw.flip) {
            (Some(_), Some(_)) => return Err("`negative` and `flip` both say the sign: leave one of them out".to_owned()),
            (Some(condition), None) => Some(Sign::NegativeWhere(condition.checked("negative")?)),
            (None, Some(RawFlip::Where(condition))) => Some(Sign::FlippedWhere(condition.checked("flip")?)),
            (None, Some(RawFlip::Always(true))) => Some(Sign::Flipped),
            (None, Some(RawFlip::Always(false)) | None) => None,
        };
        let factor = match (raw.multiply, raw.divide, raw.unit) {
            (None, None, None) => None,
            (Some(factor), None, None) => Some(Factors::Multiply(factor)),
            (None, Some(factor), None) => Some(Factors::Divide(factor)),
            (None, None, Some(unit)) => Some(by_unit(unit)?),
            _ => return Err("`multiply`, `divide` and `unit` say the unit twice: leave all but one out".to_owned()),
        };
        if raw.with.is_some() && raw.formats.is_none() {
            return Err("`with` appends a second column to the text, and `formats` must say how both are read: add `formats`".to_owned());
        }
        if raw.map.is_none() && (raw.unknown.is_some() || raw.reason.is_some()) {
            return Err("`unknown` and `reason` say what a `map` does not know: add `map`, or leave them out".to_owned());
        }
        if raw.reason.is_some() && raw.unknown.is_none() {
            return Err("`reason` says why a value is `unknown`: add `unknown`".to_owned());
        }
        if raw.split.as_ref().is_some_and(|split| split.by.is_empty() || split.nth == 0) {
            return Err("`split` needs a text under `by`, and `nth` counts from 1".to_owned());
        }
        if raw.years_from.is_some_and(|year| !(1..=9900).contains(&year)) {
            return Err("`years_from` is the first of the hundred years that two digits can mean, for example 1970".to_owned());
        }
        let duration = match raw.duration {
            None => Vec::new(),
            Some(forms) => forms.list().iter().map(|form| duration_form(form)).collect::<Result<Vec<_>, _>>()?,
        };
        if duration.contains(&DurationForm::MinutesSeconds) && duration.contains(&DurationForm::HoursMinutes) {
            return Err("durations \"m:ss\" and \"h:mm\" can't be told apart: leave one of them out".to_owned());
        }
        Ok(Self {
            kind: raw.kind.map(|kind| kind.parse().map_err(|error: crate::Error| error.to_string())).transpose()?,
            source,
            take: raw.take,
            split: raw.split,
            fill_down: raw.fill.is_some(),
            default: raw.default,
            prefix: raw.prefix,
            strip: raw.strip,
            parse: ParseKeys {
                decimal: raw.decimal,
                thousands: raw.thousands,
                grouping: raw.grouping,
                currency_signs: raw.currency_signs,
                percent: raw.percent,
                parentheses: raw.parentheses,
                trailing_minus: raw.trailing_minus,
                exponent: raw.exponent,
                whole_decimals: raw.whole_decimals,
                nulls: raw.nulls,
                formats: raw.formats.map(OneOrMany::list),
                zone: raw.zone,
                zones: raw.zones,
                years_from: raw.years_from,
                languages: raw.languages,
                bool: raw.bool,
            },
            sign,
            factor,
            end_of: raw.end_of,
            with: raw.with,
            fiscal: raw.fiscal,
            duration,
            map: raw.map.map(RawMapping::checked),
            unknown: raw.unknown,
            reason: raw.reason,
        })
    }
}

impl RawSpec {
    fn source(&mut self) -> Result<ValueSource, String> {
        let sources = [
            self.header.take().map(|names| ("header", ValueSource::Headers(names.list()))),
            self.constant.take().map(|text| ("constant", ValueSource::Constant(text))),
            self.file.take().map(|group| ("file", ValueSource::File(group))),
            self.cell.take().map(|name| ("cell", ValueSource::Cell(name))),
            self.part.take().map(|pattern| ("part", ValueSource::Part(pattern))),
            self.trailer.take().map(|name| ("trailer", ValueSource::Trailer(name))),
            self.from.take().map(|name| ("from", ValueSource::From(name))),
            self.join.take().map(|pieces| ("join", ValueSource::Join(pieces.into_iter().map(piece).collect()))),
            self.copy.take().map(|name| ("copy", ValueSource::Copy(name))),
        ];
        let mut said = sources.into_iter().flatten();
        let Some((first, source)) = said.next() else { return Ok(ValueSource::Own) };
        if let Some((second, _)) = said.next() {
            return Err(format!("`{first}` and `{second}` are two sources of one column: leave one of them out"));
        }
        match &source {
            ValueSource::Headers(names) if names.is_empty() => Err("`header` names no header".to_owned()),
            ValueSource::Join(pieces) if !pieces.iter().any(|piece| matches!(piece, Piece::Column(_))) => {
                Err("`join` needs a header in braces, like \"{Title}\"; a text that is always the same is a `constant`".to_owned())
            }
            _ => Ok(source),
        }
    }
}

impl RawCondition {
    pub fn checked(self, key: &str) -> Result<Condition, String> {
        let test = match (self.equals, self.matches, self.is) {
            (Some(texts), None, None) => CellTest::Equals(texts.list()),
            (None, Some(pattern), None) => CellTest::Matches(pattern),
            (None, None, Some(Is::Filled)) => CellTest::Filled,
            (None, None, Some(Is::Empty)) => CellTest::Empty,
            _ => return Err(format!("`{key}` needs one of `equals`, `matches` and `is`")),
        };
        Ok(Condition { column: self.column, test })
    }
}

impl RawMapping {
    fn checked(self) -> Mapping {
        match self {
            Self::Name(table) => Mapping { table, key: None, value: None, fold: true },
            Self::Long(LongMapping { table, key, value, fold }) => Mapping { table, key, value, fold },
        }
    }
}

fn piece(text: String) -> Piece {
    match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => Piece::Column(name.to_owned()),
        None => Piece::Text(text),
    }
}

fn by_unit(mut unit: BTreeMap<String, String>) -> Result<Factors, String> {
    let column = unit.remove("column").ok_or("`unit` needs `column`: the one that holds the unit")?;
    let factor = |(name, text): (String, String)| factor(&text).map(|factor| (name, factor));
    let factors = unit.into_iter().map(factor).collect::<Result<BTreeMap<_, _>, _>>()?;
    if factors.is_empty() { Err("`unit` names no unit, like hours = \"3600\"".to_owned()) } else { Ok(Factors::By { column, factors }) }
}

fn factor(text: &str) -> Result<Factor, String> {
    let value = Decimal::from_str_exact(text).ok().map(|value| value.normalize()).filter(|value| value.mantissa() > 0);
    let value = value.ok_or_else(|| format!("\"{text}\" is no number above zero, written like \"60\" or \"0.001\""))?;
    Ok(Factor { mantissa: value.mantissa(), scale: value.scale() })
}

fn duration_form(text: &str) -> Result<DurationForm, String> {
    Ok(match text {
        "h:mm:ss" => DurationForm::HoursMinutesSeconds,
        "m:ss" => DurationForm::MinutesSeconds,
        "h:mm" => DurationForm::HoursMinutes,
        "iso" => DurationForm::Iso,
        "words" => DurationForm::Words,
        "s" => DurationForm::Seconds,
        other => return Err(format!("duration \"{other}\" is not known; durations: \"h:mm:ss\", \"m:ss\", \"h:mm\", \"iso\", \"words\", \"s\"")),
    })
}

impl<'de> Deserialize<'de> for Factor {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        factor(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// A regular expression with the group `value`.
fn pattern<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Regex>, D::Error> {
    let pattern = any_pattern(from)?;
    if pattern.as_ref().is_some_and(|pattern| !pattern.capture_names().flatten().any(|name| name == "value")) {
        return Err(serde::de::Error::custom("the pattern has no group (?<value>…), which is what is taken"));
    }
    Ok(pattern)
}

fn any_pattern<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Regex>, D::Error> {
    let text = String::deserialize(from)?;
    Regex::new(&text).map(Some).map_err(|error| serde::de::Error::custom(format!("pattern: {}", error.to_string().replace('\n', " "))))
}
