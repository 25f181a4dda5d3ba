//! `[exports.columns.<name>]`: where a column's value comes from and how its text is read. It must not know files or types of Arrow.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use super::parse_keys::ParseKeys;
use super::rows::CellTest;
use crate::ColumnType;

/// One column's source and its own parse keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "super::column_keys::RawSpec")]
pub struct ColumnSpec {
    /// Of a scratch column.
    pub kind: Option<ColumnType>,
    pub source: ValueSource,
    /// Of the source's text only the group `value`.
    pub take: Option<Regex>,
    pub split: Option<Split>,
    /// An empty cell takes the value above it.
    pub fill_down: bool,
    pub default: Option<String>,
    pub prefix: Option<String>,
    /// Characters removed at both ends, besides white space.
    pub strip: String,
    pub parse: ParseKeys,
    pub sign: Option<Sign>,
    pub factor: Option<Factors>,
    pub end_of: Option<Period>,
    /// A second column, appended after a space.
    pub with: Option<String>,
    /// A calendar: a reference table with the columns `name`, `first_day`, `last_day`.
    pub fiscal: Option<String>,
    pub duration: Vec<DurationForm>,
    pub map: Option<Mapping>,
    /// The value of texts that the map does not know, and of no text.
    pub unknown: Option<String>,
    /// The column that says why the value is `unknown`.
    pub reason: Option<String>,
}

/// Where a text comes from.
#[derive(Debug, Clone)]
pub enum ValueSource {
    /// The header of the column's own name, or those under `[exports.headers]`.
    Own,
    /// Header names, `#5` or `Currency#2`.
    Headers(Vec<String>),
    Constant(String),
    /// A named group of the export's path.
    File(String),
    /// A target cell.
    Cell(String),
    /// From the name of the member or sheet: the group `value`.
    Part(Regex),
    Trailer(String),
    /// A name that unpivot, a section's title or a parent gives.
    From(String),
    Join(Vec<Piece>),
    /// The source of another column.
    Copy(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// A header or a column.
    Column(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    pub by: String,
    /// From 1.
    pub nth: usize,
}

/// What decides a number's sign.
#[derive(Debug, Clone)]
pub enum Sign {
    /// Minus where it holds, plus elsewhere.
    NegativeWhere(Condition),
    /// Turned where it holds.
    FlippedWhere(Condition),
    Flipped,
}

/// What a cell of the record says.
#[derive(Debug, Clone)]
pub struct Condition {
    /// A header or a column.
    pub column: String,
    pub test: CellTest,
}

/// Units.
#[derive(Debug, Clone)]
pub enum Factors {
    Multiply(Factor),
    Divide(Factor),
    /// The unit stands in another column: what it is multiplied by.
    By {
        column: String,
        factors: BTreeMap<String, Factor>,
    },
}

/// A number above zero: an integer at a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factor {
    pub mantissa: i128,
    pub scale: u32,
}

/// A span of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    Week,
    Month,
    Quarter,
    Year,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DurationForm {
    /// `0:03:25`
    HoursMinutesSeconds,
    /// `3:25`
    MinutesSeconds,
    /// `1:05`
    HoursMinutes,
    /// `PT1H2M3S`
    Iso,
    /// `1h 2m 3s`, `90 min`
    Words,
    /// `205`: seconds alone.
    Seconds,
}

/// A reference table, built in or under `config/reference/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub table: String,
    /// The column that is looked up and the one that is taken; the table's first and second where they are not said.
    pub key: Option<String>,
    pub value: Option<String>,
    /// Case, accents and punctuation make no difference.
    pub fold: bool,
}

/// The reference tables that need no file.
pub const BUILT_IN_TABLES: [&str; 2] = ["countries", "currencies"];

impl ColumnSpec {
    /// Header names and columns that it looks at besides its own source.
    pub fn looks_at(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.with.as_deref().into_iter().collect();
        match &self.sign {
            Some(Sign::NegativeWhere(condition) | Sign::FlippedWhere(condition)) => names.push(&condition.column),
            Some(Sign::Flipped) | None => {}
        }
        if let Some(Factors::By { column, .. }) = &self.factor {
            names.push(column);
        }
        if let ValueSource::Join(pieces) = &self.source {
            names.extend(pieces.iter().filter_map(|piece| if let Piece::Column(name) = piece { Some(name.as_str()) } else { None }));
        }
        names
    }

    /// A key that a column of this type can't have, and why.
    pub fn misfit(&self, kind: ColumnType) -> Option<(&'static str, String)> {
        let number = matches!(kind, ColumnType::Int64 | ColumnType::Decimal { .. });
        let time = matches!(kind, ColumnType::Date | ColumnType::Timestamp);
        let parse = &self.parse;
        let keys: [(&'static str, bool, bool, &str); 21] = [
            ("duration", !self.duration.is_empty(), number, "numbers"),
            ("multiply", matches!(self.factor, Some(Factors::Multiply(_))), number, "numbers"),
            ("divide", matches!(self.factor, Some(Factors::Divide(_))), number, "numbers"),
            ("unit", matches!(self.factor, Some(Factors::By { .. })), number, "numbers"),
            ("negative", matches!(self.sign, Some(Sign::NegativeWhere(_))), number, "numbers"),
            ("flip", matches!(self.sign, Some(Sign::FlippedWhere(_) | Sign::Flipped)), number, "numbers"),
            ("decimal", parse.decimal.is_some(), number, "numbers"),
            ("thousands", parse.thousands.is_some(), number, "numbers"),
            ("grouping", parse.grouping.is_some(), number, "numbers"),
            ("currency_signs", parse.currency_signs.is_some(), number, "numbers"),
            ("percent", parse.percent.is_some(), number, "numbers"),
            ("parentheses", parse.parentheses.is_some(), number, "numbers"),
            ("trailing_minus", parse.trailing_minus.is_some(), number, "numbers"),
            ("exponent", parse.exponent.is_some(), number, "numbers"),
            ("whole_decimals", parse.whole_decimals.is_some(), number || kind == ColumnType::Text, "whole numbers and text"),
            ("formats", parse.formats.is_some(), time, "dates and timestamps"),
            ("languages", parse.languages.is_some(), time, "dates and timestamps"),
            ("with", self.with.is_some(), time, "dates and timestamps"),
            ("end_of", self.end_of.is_some(), kind == ColumnType::Date, "dates"),
            ("fiscal", self.fiscal.is_some(), kind == ColumnType::Date, "dates"),
            ("bool", parse.bool.is_some(), kind == ColumnType::Bool, "bools"),
        ];
        keys.into_iter().find(|(_, said, fits, _)| *said && !fits).map(|(key, _, _, what)| (key, format!("`{key}` is for {what}, and the column is {kind}")))
    }
}
