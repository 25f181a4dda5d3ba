//! Table contracts: grain, columns, keys, partition, known-at and data tests of one table of the lake.

use std::fmt;
use std::path::{Path, PathBuf};

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::{Error, Result};

/// Columns that every raw table carries besides those of its contract.
pub const IMPLIED_COLUMNS: [&str; 5] = ["_instance", "_file_id", "_line", "_known_at", "period_month"];

/// The contract of one lake table.
#[derive(Debug, Clone)]
pub struct Table {
    pub name: String,
    pub layer: Layer,
    pub description: String,
    pub grain: String,
    pub key: Vec<String>,
    /// Columns whose first non-null value gives the month partition; empty = not partitioned.
    pub partition_from: Vec<String>,
    pub known_at: KnownAt,
    pub kept: Kept,
    pub columns: Vec<Column>,
    pub tests: Vec<DataTest>,
    pub path: PathBuf,
    /// The contract's text, for run keys.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Written by decode, one per export.
    Raw,
    /// A step on the way to marts that is kept because it is small and saves work; not for readers.
    Intermediate,
    /// What reports and readers see.
    Mart,
}

impl Layer {
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Intermediate => "intermediate",
            Self::Mart => "mart",
        }
    }

    /// Whether its tables are made by SQL.
    pub fn is_made(self) -> bool {
        self != Self::Raw
    }
}

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub kind: ColumnType,
    pub nullable: bool,
    pub currency: Option<String>,
    /// Greatest absolute value, as an integer at the column's scale.
    pub bound: Option<i128>,
    pub pii: Option<Pii>,
    pub description: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    Text,
    Timestamp,
    Date,
    Int64,
    Bool,
    Decimal { precision: u8, scale: i8 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pii {
    AccountNumber,
    EmailDomain,
    Person,
}

/// How the instant is found at which a row was known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownAt {
    Always,
    /// The first column with a value, plus its days.
    FirstOf(Vec<KnownAtStep>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAtStep {
    pub column: String,
    pub plus_days: u32,
}

/// How a mart is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    Full,
    /// Only the partitions that `changed_by` (SQL) names are made again.
    Incremental {
        partition: String,
        changed_by: String,
    },
}

#[derive(Debug, Clone)]
pub struct DataTest {
    pub name: String,
    pub kind: TestKind,
    pub severity: Severity,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestKind {
    Unique { columns: Vec<String> },
    NotNull { columns: Vec<String> },
    Relationship { column: String, to_table: String, to_column: String },
    Expression { sql: String },
    NoRows { sql: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    #[default]
    Fail,
    Warn,
}

impl Table {
    /// Parses one contract file.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let raw: RawTable = crate::parse(path, text)?;
        let columns = raw.columns.into_iter().map(|column| column.checked(path)).collect::<Result<Vec<_>>>()?;
        let known_at = match raw.known_at {
            None => KnownAt::Always,
            Some(known_at) => known_at.checked(path)?,
        };
        let kept = match raw.kept {
            None => Kept::Full,
            Some(RawKept::Word(word)) if word == "full" => Kept::Full,
            Some(RawKept::Word(word)) => {
                return Err(Error::in_file(path, format!("kept = \"{word}\" is not known")).next("write \"full\" or { partition = …, changed_by = … }"));
            }
            Some(RawKept::Incremental { partition, changed_by }) => Kept::Incremental { partition, changed_by },
        };
        let tests = raw.tests.into_iter().map(|test| test.checked(path)).collect::<Result<Vec<_>>>()?;
        let table = Self {
            name: raw.table,
            layer: raw.layer,
            description: raw.description,
            grain: raw.grain,
            key: raw.key,
            partition_from: raw.partition.map(|partition| partition.from).unwrap_or_default(),
            known_at,
            kept,
            columns,
            tests,
            path: path.to_owned(),
            text: text.to_owned(),
        };
        table.check_names()?;
        Ok(table)
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub fn is_partitioned(&self) -> bool {
        !self.partition_from.is_empty()
    }

    fn check_names(&self) -> Result<()> {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        for (at, name) in names.iter().enumerate() {
            if names[..at].contains(name) {
                return Err(Error::in_file(&self.path, format!("column `{name}` is declared twice")));
            }
            if self.layer == Layer::Raw && IMPLIED_COLUMNS.contains(name) {
                return Err(Error::in_file(&self.path, format!("column `{name}` is implied in a raw table")).next("leave it out"));
            }
        }
        let known_at_columns: Vec<&str> = match &self.known_at {
            KnownAt::Always => Vec::new(),
            KnownAt::FirstOf(steps) => steps.iter().map(|step| step.column.as_str()).collect(),
        };
        let currencies = self.columns.iter().filter_map(|column| column.currency.as_deref());
        let tested = self.tests.iter().flat_map(|test| test.kind.columns());
        for name in
            self.key.iter().map(String::as_str).chain(self.partition_from.iter().map(String::as_str)).chain(known_at_columns).chain(currencies).chain(tested)
        {
            let implied = self.layer == Layer::Raw && IMPLIED_COLUMNS.contains(&name);
            if !names.contains(&name) && !implied {
                let error = Error::in_file(&self.path, format!("`{name}` is not a column of {}", self.name));
                return Err(match crate::nearest(name, names.iter().copied()) {
                    Some(best) => error.next(format!("did you mean `{best}`?")),
                    None => error.next(format!("columns: {}", names.join(", "))),
                });
            }
        }
        Ok(())
    }
}

impl TestKind {
    fn columns(&self) -> Vec<&str> {
        match self {
            Self::Unique { columns } | Self::NotNull { columns } => columns.iter().map(String::as_str).collect(),
            Self::Relationship { column, .. } => vec![column],
            Self::Expression { .. } | Self::NoRows { .. } => Vec::new(),
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Date => f.write_str("date"),
            Self::Int64 => f.write_str("int64"),
            Self::Bool => f.write_str("bool"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
        }
    }
}

impl std::str::FromStr for ColumnType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::new(format!("type \"{text}\" is not known")).next("types: text, timestamp, date, int64, bool, decimal(precision,scale)");
        Ok(match text {
            "text" => Self::Text,
            "timestamp" => Self::Timestamp,
            "date" => Self::Date,
            "int64" => Self::Int64,
            "bool" => Self::Bool,
            _ => {
                let inside = text.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(wrong)?;
                let (precision, scale) = inside.split_once(',').ok_or_else(wrong)?;
                let precision: u8 = precision.trim().parse().map_err(|_| wrong())?;
                let scale: i8 = scale.trim().parse().map_err(|_| wrong())?;
                if precision == 0 || precision > 38 || scale < 0 || scale as u8 > precision {
                    return Err(Error::new(format!("type \"{text}\" is out of range")).next("precision 1 to 38, scale 0 to precision"));
                }
                Self::Decimal { precision, scale }
            }
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    table: String,
    layer: Layer,
    description: String,
    grain: String,
    #[serde(default)]
    key: Vec<String>,
    partition: Option<RawPartition>,
    known_at: Option<RawKnownAt>,
    kept: Option<RawKept>,
    columns: Vec<RawColumn>,
    #[serde(default)]
    tests: Vec<RawTest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPartition {
    from: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawKnownAt {
    Word(String),
    Steps(Vec<RawStep>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawStep {
    Column(String),
    Plus { column: String, plus_days: u32 },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawKept {
    Word(String),
    Incremental { partition: String, changed_by: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawColumn {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default = "yes")]
    nullable: bool,
    currency: Option<String>,
    bound: Option<String>,
    pii: Option<Pii>,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTest {
    name: String,
    kind: String,
    columns: Option<Vec<String>>,
    column: Option<String>,
    to_table: Option<String>,
    to_column: Option<String>,
    sql: Option<String>,
    #[serde(default)]
    severity: Severity,
}

fn yes() -> bool {
    true
}

impl RawColumn {
    fn checked(self, path: &Path) -> Result<Column> {
        let kind: ColumnType = self.kind.parse().map_err(|error| Error::in_file(path, format!("column `{}`: {error}", self.name)))?;
        let bound = match (&self.bound, kind) {
            (None, _) => None,
            (Some(text), ColumnType::Decimal { scale, .. }) => Some(
                scaled(text, scale)
                    .ok_or_else(|| Error::in_file(path, format!("column `{}`: bound \"{text}\" is not a number of at most {scale} decimals", self.name)))?,
            ),
            (Some(_), kind) => return Err(Error::in_file(path, format!("column `{}`: a bound needs a decimal, not {kind}", self.name))),
        };
        Ok(Column { name: self.name, kind, nullable: self.nullable, currency: self.currency, bound, pii: self.pii, description: self.description })
    }
}

fn scaled(text: &str, scale: i8) -> Option<i128> {
    let value = Decimal::from_str_exact(text).ok()?.normalize();
    let up = u32::try_from(scale).ok()?.checked_sub(value.scale())?;
    value.mantissa().checked_mul(10i128.checked_pow(up)?)
}

impl RawKnownAt {
    fn checked(self, path: &Path) -> Result<KnownAt> {
        match self {
            Self::Word(word) if word == "always" => Ok(KnownAt::Always),
            Self::Word(word) => Err(Error::in_file(path, format!("known_at = \"{word}\" is not known")).next("write \"always\" or a list of columns")),
            Self::Steps(steps) => Ok(KnownAt::FirstOf(
                steps
                    .into_iter()
                    .map(|step| match step {
                        RawStep::Column(column) => KnownAtStep { column, plus_days: 0 },
                        RawStep::Plus { column, plus_days } => KnownAtStep { column, plus_days },
                    })
                    .collect(),
            )),
        }
    }
}

impl RawTest {
    fn checked(self, path: &Path) -> Result<DataTest> {
        let name = self.name.clone();
        let need = |what: &str| Error::in_file(path, format!("test `{name}`: {what} is missing"));
        let kind = match self.kind.as_str() {
            "unique" => TestKind::Unique { columns: self.columns.ok_or_else(|| need("columns"))? },
            "not_null" => TestKind::NotNull { columns: self.columns.ok_or_else(|| need("columns"))? },
            "relationship" => TestKind::Relationship {
                column: self.column.ok_or_else(|| need("column"))?,
                to_table: self.to_table.ok_or_else(|| need("to_table"))?,
                to_column: self.to_column.ok_or_else(|| need("to_column"))?,
            },
            "expression" => TestKind::Expression { sql: self.sql.ok_or_else(|| need("sql"))? },
            "no_rows" => TestKind::NoRows { sql: self.sql.ok_or_else(|| need("sql"))? },
            other => {
                let known = ["unique", "not_null", "relationship", "expression", "no_rows"];
                let error = Error::in_file(path, format!("test `{}`: kind \"{other}\" is not known", self.name));
                return Err(error.next(format!("kinds: {}", known.join(", "))));
            }
        };
        Ok(DataTest { name: self.name, kind, severity: self.severity })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<Table> {
        Table::parse(Path::new("config/tables/t.toml"), text)
    }

    const GOOD: &str = r#"
        table = "t"
        layer = "raw"
        description = "d"
        grain = "One row."
        key = ["id"]
        known_at = ["updated", { column = "valid_from", plus_days = 1 }]
        columns = [
          { name = "id", type = "text", nullable = false },
          { name = "updated", type = "timestamp" },
          { name = "valid_from", type = "timestamp" },
          { name = "amount", type = "decimal(28,10)", bound = "1000.5" },
        ]
    "#;

    #[test]
    fn a_bound_is_kept_at_the_columns_scale() {
        let table = table(GOOD).unwrap();
        assert_eq!(table.column("amount").unwrap().bound, Some(10_005_000_000_000));
        assert_eq!(
            table.known_at,
            KnownAt::FirstOf(vec![KnownAtStep { column: "updated".into(), plus_days: 0 }, KnownAtStep { column: "valid_from".into(), plus_days: 1 },])
        );
    }

    #[test]
    fn a_wrong_name_names_the_nearest_column() {
        let error = table(&GOOD.replace("key = [\"id\"]", "key = [\"amuont\"]")).unwrap_err().to_string();
        assert_eq!(error, "config/tables/t.toml: `amuont` is not a column of t; did you mean `amount`?");
    }

    #[test]
    fn a_type_out_of_range_is_refused() {
        let error = table(&GOOD.replace("decimal(28,10)", "decimal(39,10)")).unwrap_err().to_string();
        assert!(error.contains("out of range"), "{error}");
    }
}
