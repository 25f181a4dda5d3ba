//! Rows: which records are left out, which make several rows, and what is calculated.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use super::column::Condition;
use super::column_keys::RawCondition;
use super::place::Place;
use crate::{Result, trimmed};

/// A named rule that leaves records out; what it takes is counted under its name.
#[derive(Debug, Clone)]
pub struct Exclusion {
    pub name: String,
    pub when: ExcludeWhen,
}

#[derive(Debug, Clone)]
pub enum ExcludeWhen {
    /// What raw cells say, of headers or of the headers of table columns: all of it.
    Cells(Vec<Condition>),
    /// All cells are empty.
    Blank,
    /// SQL over the finished row.
    Where(String),
}

/// What is asked of a cell's text (without the white space around it).
#[derive(Debug, Clone)]
pub enum CellTest {
    Equals(Vec<String>),
    Matches(Regex),
    Empty,
    Filled,
}

impl CellTest {
    /// White space around the cell, and marks there that can't be seen, make no difference.
    pub fn holds(&self, cell: &str) -> bool {
        let cell = trimmed(cell);
        match self {
            Self::Equals(texts) => texts.iter().any(|text| text == cell),
            Self::Matches(pattern) => pattern.is_match(cell),
            Self::Empty => cell.is_empty(),
            Self::Filled => !cell.is_empty(),
        }
    }
}

/// Columns that become rows.
#[derive(Debug, Clone)]
pub struct Unpivot {
    pub headers: Regex,
    pub cells: UnpivotCells,
    /// A record without any value makes one row.
    pub keep_empty: bool,
}

/// What of a record makes a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnpivotCells {
    /// One cell: its name and that of the header's text, as sources of columns.
    One { value: String, name: String },
    /// The cells of columns that differ in the group `field` alone: name as a source → the text of that group.
    Fields(BTreeMap<String, String>),
}

/// The group that tells columns of one row apart.
const FIELD: &str = "field";

impl Unpivot {
    /// The groups of the pattern that are sources of columns.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        let fields = matches!(self.cells, UnpivotCells::Fields(_));
        self.headers.capture_names().flatten().filter(move |group| !(fields && *group == FIELD))
    }

    /// What stands behind the cells of a row, by name: its own cells, then the groups.
    pub fn given(&self) -> Vec<&str> {
        let own: Vec<&str> = match &self.cells {
            UnpivotCells::One { value, name } => vec![value, name],
            UnpivotCells::Fields(fields) => fields.keys().map(String::as_str).collect(),
        };
        own.into_iter().chain(self.groups()).collect()
    }
}

/// One step of the engine's calculations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calculation {
    pub column: String,
    /// SQL: where it applies.
    pub when: Option<String>,
    /// SQL.
    pub value: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExclusion {
    pub name: String,
    column: Option<String>,
    equals: Option<Vec<String>>,
    matches: Option<String>,
    empty: Option<bool>,
    all: Option<Vec<RawCondition>>,
    blank: Option<bool>,
    #[serde(rename = "where")]
    sql: Option<String>,
}

impl RawExclusion {
    /// A column with some values: what the plain way through decode knows.
    pub fn is_plain(&self) -> bool {
        self.column.is_some() && self.equals.is_some()
    }

    pub fn checked(&self, place: Place<'_>, key: &str) -> Result<Exclusion> {
        let wrong = |what: &str| {
            place
                .wrong(key, format!("exclude rule `{}` {what}", self.name))
                .next("write `column` with one of equals, matches and empty = true; or all = [conditions]; or blank = true; or where = \"SQL\"")
        };
        let when = match (&self.column, &self.all, self.blank, &self.sql) {
            (Some(column), None, None, None) => {
                let test = test(place, key, self.equals.as_ref(), self.matches.as_ref(), self.empty.map(|_| CellTest::Empty))?;
                let test = test.ok_or_else(|| wrong("doesn't say what the cell has to be"))?;
                ExcludeWhen::Cells(vec![Condition { column: column.clone(), test }])
            }
            _ if self.equals.is_some() || self.matches.is_some() || self.empty.is_some() => return Err(wrong("names no column, or mixes two kinds of rule")),
            (None, Some(all), None, None) => {
                place.filled(&format!("{key}/all"), all)?;
                let condition = |(at, one): (usize, &RawCondition)| one.clone().checked("all").map_err(|what| place.wrong(&format!("{key}/all/{at}"), what));
                ExcludeWhen::Cells(all.iter().enumerate().map(condition).collect::<Result<_>>()?)
            }
            (None, None, Some(true), None) => ExcludeWhen::Blank,
            (None, None, None, Some(sql)) => ExcludeWhen::Where(sql.clone()),
            _ => return Err(wrong("must be of exactly one kind")),
        };
        if self.empty == Some(false) {
            return Err(wrong("has empty = false, which says nothing"));
        }
        Ok(Exclusion { name: self.name.clone(), when })
    }
}

/// The one test that is given; None where none is.
pub(super) fn test(place: Place<'_>, key: &str, equals: Option<&Vec<String>>, matches: Option<&String>, other: Option<CellTest>) -> Result<Option<CellTest>> {
    let matches = matches.map(|text| place.regex(&format!("{key}/matches"), text)).transpose()?;
    let mut given = [equals.map(|texts| CellTest::Equals(texts.clone())), matches.map(CellTest::Matches), other].into_iter().flatten();
    match (given.next(), given.next()) {
        (one, None) => Ok(one),
        _ => Err(place.wrong(key, "more than one test of the same cell").next("one of equals, matches, empty or filled")),
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawUnpivot {
    headers: String,
    value: Option<String>,
    name: Option<String>,
    fields: Option<BTreeMap<String, String>>,
    #[serde(default)]
    keep_empty: bool,
}

impl RawUnpivot {
    pub fn checked(&self, place: Place<'_>) -> Result<Unpivot> {
        let headers = place.regex("unpivot/headers", &self.headers)?;
        let cells = match (&self.value, &self.name, &self.fields) {
            (Some(value), Some(name), None) => UnpivotCells::One { value: value.clone(), name: name.clone() },
            (None, None, Some(fields)) if headers.capture_names().flatten().any(|group| group == FIELD) => UnpivotCells::Fields(fields.clone()),
            (None, None, Some(_)) => {
                return Err(place.wrong("unpivot/headers", "`fields` are told by the group (?<field>…) of the pattern, which has none"));
            }
            _ => {
                return Err(place
                    .wrong("unpivot", "unpivot needs `value` and `name`, or `fields` alone")
                    .next("a row of one cell has a value, one of several has fields"));
            }
        };
        let unpivot = Unpivot { headers, cells, keep_empty: self.keep_empty };
        let mut names = unpivot.given();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(place.wrong("unpivot", format!("unpivot gives two things the name `{}`", twice[0])));
        }
        Ok(unpivot)
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCalculation {
    column: String,
    when: Option<String>,
    value: String,
}

impl RawCalculation {
    pub fn checked(&self) -> Calculation {
        Calculation { column: self.column.clone(), when: self.when.clone(), value: self.value.clone() }
    }
}
