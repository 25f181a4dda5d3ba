//! `[[exports.checks]]`: what must hold of a file's rows before they count.

use rust_decimal::Decimal;
use serde::Deserialize;

use super::place::Place;
use crate::Result;

#[derive(Debug, Clone)]
pub struct Check {
    pub name: String,
    pub kind: CheckKind,
    /// What the file itself, or the channel file, says that it should be.
    pub expect: Option<Expect>,
    pub level: Level,
    /// By how much both sides may differ: an integer and the number of its decimals.
    pub tolerance: (i128, u32),
    /// Columns: each combination of their values is compared for itself.
    pub by: Vec<String>,
    /// Of a trailer: what it means that the file has none.
    pub missing: Missing,
    /// Of a trailer: what several lines of one key say.
    pub several: Several,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Nothing is compared.
    #[default]
    Pass,
    /// A file with rows was cut off.
    Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Several {
    /// The same number, otherwise the check doesn't hold.
    #[default]
    Same,
    /// What adds up to it.
    Sum,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckKind {
    Sum {
        column: String,
    },
    /// Published rows.
    Rows,
    /// Lines of the file.
    Lines,
    /// SQL over a row; the engine's.
    Equation {
        sql: String,
    },
    Unique {
        columns: Vec<String>,
    },
    /// One value in the whole file.
    Single {
        column: String,
    },
    /// No part's sum is that of all others.
    NoRepeat {
        column: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    Trailer(String),
    Cell(String),
    /// The field (from 1) of the last record of a type.
    Record {
        record: String,
        field: usize,
    },
    /// A cell of another part of the file: header and row of data (from 1).
    Part {
        part: String,
        column: String,
        row: u64,
    },
    Constant(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A difference stops the file.
    #[default]
    Mandatory,
    /// A difference is a warning.
    Advisory,
    /// Never compared, kept for the eye.
    Display,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCheck {
    name: String,
    kind: String,
    column: Option<String>,
    columns: Option<Vec<String>>,
    sql: Option<String>,
    expect: Option<RawExpect>,
    #[serde(default)]
    level: Level,
    tolerance: Option<String>,
    #[serde(default)]
    by: Vec<String>,
    missing: Option<Missing>,
    several: Option<Several>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExpect {
    trailer: Option<String>,
    cell: Option<String>,
    record: Option<String>,
    field: Option<usize>,
    part: Option<String>,
    column: Option<String>,
    row: Option<u64>,
    constant: Option<String>,
}

const KINDS: [&str; 7] = ["sum", "rows", "lines", "equation", "unique", "single", "no_repeat"];

impl RawCheck {
    pub fn checked(&self, place: Place<'_>, key: &str) -> Result<Check> {
        let wrong = |what: &str| place.wrong(key, format!("check `{}` {what}", self.name));
        let column = || self.column.clone().ok_or_else(|| wrong("names no `column`"));
        let kind = match self.kind.as_str() {
            "sum" => CheckKind::Sum { column: column()? },
            "rows" => CheckKind::Rows,
            "lines" => CheckKind::Lines,
            "equation" => CheckKind::Equation { sql: self.sql.clone().ok_or_else(|| wrong("has no `sql`"))? },
            "unique" => CheckKind::Unique { columns: self.columns.clone().ok_or_else(|| wrong("names no `columns`"))? },
            "single" => CheckKind::Single { column: column()? },
            "no_repeat" => CheckKind::NoRepeat { column: column()? },
            other => return Err(place.unknown(&format!("{key}/kind"), format!("check `{}`: kind \"{other}\" is not known", self.name), other, KINDS)),
        };
        let expect = self.expect.as_ref().map(|expect| expect.checked(place, key, &self.name)).transpose()?;
        if matches!(kind, CheckKind::Sum { .. } | CheckKind::Rows | CheckKind::Lines) != expect.is_some() {
            let what = if expect.is_some() { "expects nothing: leave `expect` out" } else { "doesn't say what to `expect`" };
            return Err(wrong(what));
        }
        if let CheckKind::Unique { columns } = &kind {
            place.filled(&format!("{key}/columns"), columns)?;
        }
        if !self.by.is_empty() && !matches!(kind, CheckKind::Sum { .. } | CheckKind::Rows) {
            return Err(wrong("has `by`, which only sum and rows have"));
        }
        if (self.missing.is_some() || self.several.is_some()) && !matches!(expect, Some(Expect::Trailer(_))) {
            return Err(wrong("has `missing` or `several`, which only checks against a trailer have"));
        }
        let tolerance = match &self.tolerance {
            None => (0, 0),
            Some(text) => {
                let value = Decimal::from_str_exact(text).ok().filter(|value| !value.is_sign_negative());
                let value = value.ok_or_else(|| place.wrong(&format!("{key}/tolerance"), format!("tolerance {text:?} is no number of 0 or more")))?.normalize();
                (value.mantissa(), value.scale())
            }
        };
        let (missing, several) = (self.missing.unwrap_or_default(), self.several.unwrap_or_default());
        Ok(Check { name: self.name.clone(), kind, expect, level: self.level, tolerance, by: self.by.clone(), missing, several })
    }
}

impl RawExpect {
    fn checked(&self, place: Place<'_>, key: &str, check: &str) -> Result<Expect> {
        let key = format!("{key}/expect");
        let wrong = |what: &str| place.wrong(&key, format!("check `{check}`: {what}"));
        let expect = match self.clone() {
            Self { trailer: Some(name), cell: None, record: None, part: None, constant: None, .. } => Expect::Trailer(name),
            Self { trailer: None, cell: Some(name), record: None, part: None, constant: None, .. } => Expect::Cell(name),
            Self { trailer: None, cell: None, record: None, part: None, constant: Some(text), .. } => Expect::Constant(text),
            Self { trailer: None, cell: None, record: Some(record), field: Some(field @ 1..), part: None, constant: None, .. } => {
                return Ok(Expect::Record { record, field });
            }
            Self { trailer: None, cell: None, record: None, part: Some(part), column: Some(column), row, constant: None, .. } => {
                return Ok(Expect::Part { part, column, row: row.unwrap_or(1).max(1) });
            }
            _ => {
                return Err(wrong("`expect` is not of one kind")
                    .next("{ trailer = … }, { cell = … }, { record = …, field = 1 }, { part = …, column = …, row = 1 } or { constant = … }"));
            }
        };
        if self.field.is_some() || self.column.is_some() || self.row.is_some() {
            return Err(wrong("field goes with record; column and row go with part"));
        }
        Ok(expect)
    }
}
