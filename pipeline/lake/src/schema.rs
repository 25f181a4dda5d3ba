//! The one place that says what Arrow and Delta schema a contract means.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde_json::{Value, json};
use takings_definitions::{ColumnType, KnownAt, Layer, PART_COLUMN, Table};

/// The partition column of every partitioned table: the first day of a month.
pub const PARTITION_COLUMN: &str = "period_month";

/// The whole schema of a table: the contract's columns, what every raw row carries besides (`_instance`, `_file_id`,
/// `_line`, `_known_at`, and `_part` where the contract says `parts = true`), and last, where the table is partitioned, `period_month`.
pub fn table_schema(table: &Table) -> SchemaRef {
    let partitioned = table.is_partitioned();
    let mut fields: Vec<Field> = table
        .columns
        .iter()
        .filter(|column| !(partitioned && column.name == PARTITION_COLUMN))
        .map(|column| Field::new(&column.name, arrow_type(column.kind), column.nullable))
        .collect();
    if table.layer == Layer::Raw {
        fields.push(Field::new("_instance", DataType::Utf8, false));
        fields.push(Field::new("_file_id", DataType::Utf8, false));
        fields.push(Field::new("_line", DataType::Int64, false));
        fields.push(Field::new("_known_at", arrow_type(ColumnType::Timestamp), table.known_at == KnownAt::Always));
        if table.parts {
            fields.push(Field::new(PART_COLUMN, DataType::Utf8, false));
        }
    }
    if partitioned {
        fields.push(Field::new(PARTITION_COLUMN, DataType::Date32, false));
    }
    Arc::new(Schema::new(fields))
}

/// What stands inside the files: everything but the partition column.
pub(crate) fn file_schema(schema: &Schema, partitioned: bool) -> SchemaRef {
    Arc::new(Schema::new(schema.fields().iter().filter(|field| !(partitioned && field.name() == PARTITION_COLUMN)).cloned().collect::<Vec<_>>()))
}

fn arrow_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Text => DataType::Utf8,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::Date => DataType::Date32,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
    }
}

/// The table's schema as a Delta log writes it.
pub(crate) fn delta_schema(table: &Table) -> Value {
    let schema = table_schema(table);
    let fields: Vec<Value> = schema
        .fields()
        .iter()
        .map(|field| json!({ "name": field.name(), "type": delta_type(field.data_type()), "nullable": field.is_nullable(), "metadata": {} }))
        .collect();
    json!({ "type": "struct", "fields": fields })
}

fn delta_type(kind: &DataType) -> String {
    match kind {
        DataType::Timestamp(..) => "timestamp".into(),
        DataType::Date32 => "date".into(),
        DataType::Int64 => "long".into(),
        DataType::Boolean => "boolean".into(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        _ => "string".into(),
    }
}

/// Why files of the schema `old` can't stay in a table of the schema `new`; `None` when they can: columns were only added,
/// and rows without them read as null.
pub(crate) fn misfit(old: &Schema, new: &Schema) -> Option<String> {
    for field in old.fields() {
        let Ok(now) = new.field_with_name(field.name()) else { return Some(format!("column `{}` is gone", field.name())) };
        if now.data_type() != field.data_type() {
            return Some(format!("column `{}` was {}, is {}", field.name(), field.data_type(), now.data_type()));
        }
        if field.is_nullable() && !now.is_nullable() {
            return Some(format!("column `{}` may not be null any more", field.name()));
        }
    }
    let added = new.fields().iter().find(|field| old.field_with_name(field.name()).is_err() && !field.is_nullable())?;
    Some(format!("new column `{}` may not be null", added.name()))
}
