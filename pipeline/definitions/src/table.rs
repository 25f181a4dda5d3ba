//! Table contracts: grain, columns, keys, partition, known-at and data tests of one table of the lake.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::{Error, File, Period, Result};

/// Columns that every raw table carries besides those of its contract.
pub const IMPLIED_COLUMNS: [&str; 5] = ["_instance", "_file_id", "_line", "_known_at", "period_month"];

/// The member or sheet of the file that a row is from, where the contract says `parts = true`.
pub const PART_COLUMN: &str = "_part";

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
    /// Inputs of a mart that it reads only where the seller has an instance of a channel: table → channel.
    pub inputs_with: BTreeMap<String, String>,
    /// Whether each row says in `_part` from which member or sheet of its file it is.
    pub parts: bool,
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
    /// Counted from the end of the month, quarter or year that the column's value lies in: from the first instant behind it, UTC.
    pub end_of: Option<Period>,
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
        let file = File { path, text };
        let columns = raw.columns.into_iter().enumerate().map(|(at, column)| column.checked(file, at)).collect::<Result<Vec<_>>>()?;
        let known_at = match raw.known_at {
            None => KnownAt::Always,
            Some(known_at) => known_at.checked(file)?,
        };
        let kept = match raw.kept {
            None => Kept::Full,
            Some(RawKept::Word(word)) if word == "full" => Kept::Full,
            Some(RawKept::Word(word)) => {
                return Err(file.wrong("kept", format!("kept = \"{word}\" is not known")).next("write \"full\" or { partition = …, changed_by = … }"));
            }
            Some(RawKept::Incremental { partition, changed_by }) => Kept::Incremental { partition, changed_by },
        };
        let tests = raw.tests.into_iter().enumerate().map(|(at, test)| test.checked(file, at)).collect::<Result<Vec<_>>>()?;
        let table = Self {
            name: raw.table,
            layer: raw.layer,
            description: raw.description,
            grain: raw.grain,
            key: raw.key,
            partition_from: raw.partition.map(|partition| partition.from).unwrap_or_default(),
            known_at,
            kept,
            inputs_with: raw.inputs_with,
            parts: raw.parts,
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

    /// Whether rows of the table carry a column that its contract does not list.
    pub fn implies(&self, name: &str) -> bool {
        self.layer == Layer::Raw && (IMPLIED_COLUMNS.contains(&name) || (self.parts && name == PART_COLUMN))
    }

    pub fn is_partitioned(&self) -> bool {
        !self.partition_from.is_empty()
    }

    fn check_names(&self) -> Result<()> {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        for (at, name) in names.iter().enumerate() {
            if names[..at].contains(name) {
                return Err(self.file().wrong(&format!("columns/{at}/name"), format!("column `{name}` is declared twice")));
            }
            if self.implies(name) {
                return Err(self.file().wrong(&format!("columns/{at}/name"), format!("column `{name}` is implied in a raw table")).next("leave it out"));
            }
        }
        for (value, name) in self.named_columns() {
            if !names.contains(&name) && !self.implies(name) {
                let message = format!("`{name}` is not a column of {}", self.name);
                return Err(self.file().unknown(&value, message, name, names.iter().copied()));
            }
        }
        Ok(())
    }

    /// Every column that the contract names outside of its list of columns, with the place of the name.
    fn named_columns(&self) -> Vec<(String, &str)> {
        let mut named: Vec<(String, &str)> = Vec::new();
        named.extend(self.key.iter().enumerate().map(|(at, name)| (format!("key/{at}"), name.as_str())));
        named.extend(self.partition_from.iter().enumerate().map(|(at, name)| (format!("partition/from/{at}"), name.as_str())));
        if let KnownAt::FirstOf(steps) = &self.known_at {
            named.extend(steps.iter().enumerate().map(|(at, step)| (format!("known_at/{at}/column"), step.column.as_str())));
        }
        for (at, column) in self.columns.iter().enumerate() {
            named.extend(column.currency.as_deref().map(|name| (format!("columns/{at}/currency"), name)));
        }
        for (at, test) in self.tests.iter().enumerate() {
            match &test.kind {
                TestKind::Unique { columns } | TestKind::NotNull { columns } => {
                    named.extend(columns.iter().enumerate().map(|(place, name)| (format!("tests/{at}/columns/{place}"), name.as_str())));
                }
                TestKind::Relationship { column, .. } => named.push((format!("tests/{at}/column"), column)),
                TestKind::Expression { .. } | TestKind::NoRows { .. } => {}
            }
        }
        named
    }

    pub(crate) fn file(&self) -> File<'_> {
        File { path: &self.path, text: &self.text }
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
        let wrong = || {
            let error = Error::new(format!("type \"{text}\" is not known"));
            match crate::nearest(text.split('(').next().unwrap_or_default(), ["text", "timestamp", "date", "int64", "bool", "decimal"]) {
                Some("decimal") => error.next("did you mean `decimal(precision,scale)`?"),
                Some(best) => error.next(format!("did you mean `{best}`?")),
                None => error.next("types: text, timestamp, date, int64, bool, decimal(precision,scale)"),
            }
        };
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
    #[serde(default)]
    parts: bool,
    kept: Option<RawKept>,
    #[serde(default)]
    inputs_with: BTreeMap<String, String>,
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
#[serde(untagged, expecting = "write \"always\" or a list of columns and { column = …, end_of = \"month\", plus_days = … }")]
enum RawKnownAt {
    Word(String),
    Steps(Vec<RawStep>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawStep {
    Column(String),
    Plus(RawPlus),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlus {
    column: String,
    end_of: Option<Period>,
    #[serde(default)]
    plus_days: u32,
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
    fn checked(self, file: File<'_>, at: usize) -> Result<Column> {
        let wrong = |key: &str, what: String| file.wrong(&format!("columns/{at}/{key}"), format!("column `{}`: {what}", self.name));
        let kind: ColumnType = self.kind.parse().map_err(|error: Error| wrong("type", error.to_string()))?;
        let bound = match (&self.bound, kind) {
            (None, _) => None,
            (Some(text), ColumnType::Decimal { scale, .. }) => {
                Some(scaled(text, scale).ok_or_else(|| wrong("bound", format!("bound \"{text}\" is not a number of at most {scale} decimals")))?)
            }
            (Some(_), kind) => return Err(wrong("bound", format!("a bound needs a decimal, not {kind}"))),
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
    fn checked(self, file: File<'_>) -> Result<KnownAt> {
        match self {
            Self::Word(word) if word == "always" => Ok(KnownAt::Always),
            Self::Word(word) => Err(file.wrong("known_at", format!("known_at = \"{word}\" is not known")).next("write \"always\" or a list of columns")),
            Self::Steps(steps) => Ok(KnownAt::FirstOf(
                steps
                    .into_iter()
                    .map(|step| match step {
                        RawStep::Column(column) => KnownAtStep { column, end_of: None, plus_days: 0 },
                        RawStep::Plus(RawPlus { column, end_of, plus_days }) => KnownAtStep { column, end_of, plus_days },
                    })
                    .collect(),
            )),
        }
    }
}

impl RawTest {
    fn checked(self, file: File<'_>, at: usize) -> Result<DataTest> {
        let name = self.name.clone();
        let need = |what: &str| file.wrong(&format!("tests/{at}"), format!("test `{name}`: {what} is missing"));
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
                return Err(file.unknown(&format!("tests/{at}/kind"), format!("test `{}`: kind \"{other}\" is not known", self.name), other, known));
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
            KnownAt::FirstOf(vec![
                KnownAtStep { column: "updated".into(), end_of: None, plus_days: 0 },
                KnownAtStep { column: "valid_from".into(), end_of: None, plus_days: 1 },
            ])
        );
    }

    #[test]
    fn a_row_is_known_some_days_after_its_period() {
        let period = GOOD.replace("known_at = [\"updated\", ", "parts = true\nknown_at = [{ column = \"updated\", end_of = \"month\", plus_days = 15 }, ");
        let table = table(&period).unwrap();
        let KnownAt::FirstOf(steps) = &table.known_at else { panic!("{:?}", table.known_at) };
        assert_eq!(steps[0], KnownAtStep { column: "updated".into(), end_of: Some(Period::Month), plus_days: 15 });
        assert!(table.implies("_part") && !self::table(GOOD).unwrap().implies("_part"));
        let error = self::table(&period.replace("end_of = \"month\"", "end_off = \"month\"")).unwrap_err().to_string();
        assert!(error.ends_with("write \"always\" or a list of columns and { column = …, end_of = \"month\", plus_days = … }"), "{error}");
    }

    #[test]
    fn a_wrong_name_names_the_nearest_column() {
        let error = table(&GOOD.replace("key = [\"id\"]", "key = [\"amuont\"]")).unwrap_err().to_string();
        assert_eq!(error, "config/tables/t.toml:6:16: `amuont` is not a column of t; did you mean `amount`?");
    }

    #[test]
    fn a_type_out_of_range_is_refused() {
        let error = table(&GOOD.replace("decimal(28,10)", "decimal(39,10)")).unwrap_err().to_string();
        assert!(error.starts_with("config/tables/t.toml:12:37: column `amount`: type ") && error.contains("out of range"), "{error}");
        let error = table(&GOOD.replace("decimal(28,10)", "decmal(28,10)")).unwrap_err().to_string();
        assert_eq!(error, "config/tables/t.toml:12:37: column `amount`: type \"decmal(28,10)\" is not known; did you mean `decimal(precision,scale)`?");
    }
}
