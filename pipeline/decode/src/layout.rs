//! An export and its table's contract, compiled once for all files of the export.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use takings_definitions::{CellTest, Column, ColumnType, Condition, ExcludeWhen, Export, Layer, PART_COLUMN, Table, UnknownColumns};

use crate::cells::Nulls;
use crate::dating::Dating;
use crate::time::Formats;
use crate::{Error, Result};

/// How the files of one export become rows of one raw table.
#[derive(Debug)]
pub struct Layout {
    pub(crate) export: String,
    pub(crate) table: String,
    pub(crate) columns: Vec<LayoutColumn>,
    pub(crate) dating: Dating,
    /// Whether rows carry `_part`, which is empty in plain files.
    pub(crate) parts: bool,
    pub(crate) unknown: UnknownColumns,
    pub(crate) delimiter: u8,
    pub(crate) thousands: Option<Vec<u8>>,
    pub(crate) nulls: Nulls,
    pub(crate) formats: Formats,
    pub(crate) exclude: Vec<ExclusionRule>,
    schema: SchemaRef,
    coded: SchemaRef,
}

/// Records whose column has one of the values are left out.
#[derive(Debug)]
pub(crate) struct ExclusionRule {
    pub(crate) name: String,
    pub(crate) column: usize,
    pub(crate) equals: Vec<Vec<u8>>,
}

#[derive(Debug)]
pub(crate) struct LayoutColumn {
    pub(crate) name: String,
    pub(crate) kind: ColumnType,
    pub(crate) nullable: bool,
    /// A file whose header lacks it is stopped.
    pub(crate) required: bool,
    /// Header names, lower case.
    pub(crate) headers: Vec<String>,
    /// The column that holds the currency of this one.
    pub(crate) currency: Option<usize>,
    pub(crate) bound: Option<i128>,
}

impl Layout {
    /// Compiles an export and the contract of its table. Every error is one of the two files.
    pub fn new(export: &Export, table: &Table) -> Result<Self> {
        let wrong = |what: String| Error::config(format!("export `{}` into {}: {what}", export.name, table.name));
        if export.table != table.name {
            return Err(wrong(format!("the export's table is {}", export.table)));
        }
        if table.layer != Layer::Raw {
            return Err(wrong("only a raw table takes an export".to_owned()).next("set layer = \"raw\" in the contract"));
        }
        for name in export.required.iter().chain(export.headers.keys()) {
            column(table, name).map_err(|what| wrong(what).next("names under `required` and `headers` are columns of the contract"))?;
        }
        let columns = table.columns.iter().map(|spec| LayoutColumn::new(export, table, spec)).collect::<Result<Vec<_>, _>>().map_err(wrong)?;
        check_headers(&columns).map_err(wrong)?;
        check_marks(export).map_err(wrong)?;
        let dating = Dating::new(table).map_err(wrong)?;
        let exclude = export
            .exclude
            .iter()
            .map(|rule| {
                let unfit = || format!("rule `{}` is not one of a plain export", rule.name);
                let ExcludeWhen::Cells(conditions) = &rule.when else { return Err(unfit()) };
                let [Condition { column: name, test: CellTest::Equals(texts) }] = conditions.as_slice() else { return Err(unfit()) };
                let equals = texts.iter().map(|text| text.clone().into_bytes()).collect();
                Ok(ExclusionRule { name: rule.name.clone(), column: column(table, name)?, equals })
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|what: String| wrong(format!("exclude: {what}")))?;
        let schema = schema(&columns, dating.is_partitioned(), table.parts);
        Ok(Self {
            export: export.name.clone(),
            table: table.name.clone(),
            unknown: export.unknown_columns,
            delimiter: export.delimiter,
            thousands: export.thousands.map(|mark| mark.to_string().into_bytes()),
            nulls: Nulls::new(&export.nulls),
            formats: Formats::new(&export.timestamps).map_err(|what| wrong(format!("timestamps: {what}")))?,
            coded: coded(&schema),
            schema,
            parts: table.parts,
            exclude,
            dating,
            columns,
        })
    }

    /// The schema of decoded batches, as they stand before their texts and decimals have the table's types ([`schema`](Self::schema)).
    pub fn coded_schema(&self) -> &SchemaRef {
        &self.coded
    }

    /// The contract's columns, then `_instance`, `_file_id`, `_line`, `_known_at`, `_part` where it says so, and `period_month` where the table is partitioned.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }
}

impl LayoutColumn {
    fn new(export: &Export, table: &Table, spec: &Column) -> Result<Self, String> {
        let currency = match &spec.currency {
            None => None,
            Some(name) => {
                let at = column(table, name).map_err(|what| format!("currency of {}: {what}", spec.name))?;
                if table.columns[at].kind != ColumnType::Text || !matches!(spec.kind, ColumnType::Decimal { .. }) {
                    return Err(format!("column {}: a currency is text and stands beside a decimal", spec.name));
                }
                Some(at)
            }
        };
        Ok(Self {
            name: spec.name.clone(),
            kind: spec.kind,
            nullable: spec.nullable,
            required: !spec.nullable || export.required.contains(&spec.name),
            headers: export.header_names(&spec.name).into_iter().map(folded).collect(),
            currency,
            bound: spec.bound,
        })
    }
}

/// Header names are compared in lower case, without the white space around them; inside, any white space is one space.
pub(crate) fn folded(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

pub(crate) fn column(table: &Table, name: &str) -> Result<usize, String> {
    table.columns.iter().position(|column| column.name == name).ok_or_else(|| {
        let known = table.columns.iter().map(|column| column.name.as_str());
        let hint = takings_definitions::nearest(name, known).map(|best| format!(" (nearest: `{best}`)")).unwrap_or_default();
        format!("`{name}` is not a column of {}{hint}", table.name)
    })
}

pub(crate) fn point_in_time(table: &Table, name: &str) -> Result<usize, String> {
    let at = column(table, name)?;
    match table.columns[at].kind {
        ColumnType::Timestamp | ColumnType::Date => Ok(at),
        kind => Err(format!("{name} is {kind}, a timestamp or a date is needed")),
    }
}

fn check_headers(columns: &[LayoutColumn]) -> Result<(), String> {
    let mut owners: HashMap<&str, &str> = HashMap::new();
    for column in columns {
        for header in &column.headers {
            match owners.insert(header, &column.name) {
                Some(other) if other != column.name => return Err(format!("header \"{header}\" belongs to {other} and to {}", column.name)),
                _ => {}
            }
        }
    }
    Ok(())
}

fn check_marks(export: &Export) -> Result<(), String> {
    if matches!(export.delimiter, b'"' | b'\n' | b'\r') || !export.delimiter.is_ascii() {
        return Err(format!("delimiter {:?} can't be told from quotes and line breaks", char::from(export.delimiter)));
    }
    match export.thousands {
        Some(mark) if mark.is_ascii_digit() || "+-.\"\r\n".contains(mark) => Err(format!("thousands mark {mark:?} has another meaning in a number")),
        _ => Ok(()),
    }
}

fn schema(columns: &[LayoutColumn], partitioned: bool, parts: bool) -> SchemaRef {
    let mut fields: Vec<Field> = columns.iter().map(|column| Field::new(&column.name, data_type(column.kind), column.nullable)).collect();
    fields.push(Field::new("_instance", DataType::Utf8, false));
    fields.push(Field::new("_file_id", DataType::Utf8, false));
    fields.push(Field::new("_line", DataType::Int64, false));
    fields.push(Field::new("_known_at", data_type(ColumnType::Timestamp), false));
    if parts {
        fields.push(Field::new(PART_COLUMN, DataType::Utf8, false));
    }
    if partitioned {
        fields.push(Field::new("period_month", DataType::Date32, false));
    }
    Arc::new(Schema::new(fields))
}

/// Texts as dictionaries, decimals of up to 18 digits in 64 bits.
fn coded(schema: &Schema) -> SchemaRef {
    let coded = |field: &FieldRef| field.as_ref().clone().with_data_type(code_type(field.data_type()));
    Arc::new(Schema::new(schema.fields().iter().map(coded).collect::<Vec<_>>()))
}

/// Decimals of this precision have 64 bits.
pub(crate) const SMALL_PRECISION: u8 = 18;

fn code_type(plain: &DataType) -> DataType {
    match plain {
        DataType::Utf8 => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        DataType::Decimal128(precision, scale) if *precision <= SMALL_PRECISION => DataType::Decimal64(*precision, *scale),
        other => other.clone(),
    }
}

pub(crate) fn coded_type(kind: ColumnType) -> DataType {
    code_type(&data_type(kind))
}

pub(crate) fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Text => DataType::Utf8,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::Date => DataType::Date32,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
    }
}
