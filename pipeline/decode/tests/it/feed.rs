//! A small export with every type, and what its files decode to, as text.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate};
use takings_decode::{ColumnTotal, Decoder, Error, FileIdentity, Layout, Reject, Splitter, add_totals, header_end};
use takings_definitions::{Channel, Table};

pub const CHANNEL: &str = r#"
    version = 1
    channel = "shop"
    title = "Shop"
    [[exports]]
    name = "sale"
    table = "shop_sale"
    path = 'sales\.csv$'
    mode = "versioned"
    required = ["id", "amount"]
    unknown_columns = "warn"
    nulls = ["", "null"]
    timestamps = ["%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d", "%d-%b-%Y"]
    thousands = ","
    [exports.headers]
    country = ["country", "Country Code"]
"#;

pub const TABLE: &str = r#"
    table = "shop_sale"
    layer = "raw"
    description = "Sales."
    grain = "One row per sale."
    key = ["id"]
    partition = { from = ["day", "sold_at"] }
    known_at = ["updated_at", { column = "sold_at", plus_days = 1 }]
    columns = [
      { name = "id", type = "text", nullable = false },
      { name = "amount", type = "decimal(12,4)", currency = "currency", bound = "5000000" },
      { name = "currency", type = "text" },
      { name = "quantity", type = "int64" },
      { name = "trial", type = "bool" },
      { name = "day", type = "date" },
      { name = "sold_at", type = "timestamp" },
      { name = "updated_at", type = "timestamp" },
      { name = "country", type = "text" },
    ]
"#;

pub const HEADER: &str = "id,amount,currency,quantity,trial,day,sold_at,updated_at,country\n";

pub fn layout(channel: &str, table: &str) -> Result<Layout, Error> {
    let channel = Channel::parse(Path::new("config/channels/shop.toml"), channel).unwrap();
    let table = Table::parse(Path::new("config/tables/shop_sale.toml"), table).unwrap();
    Layout::new(&channel.exports[0], &table)
}

/// What a file gives in all.
pub struct Output {
    pub rows: Vec<String>,
    pub lines: Vec<i64>,
    pub rejects: Vec<Reject>,
    pub records: u64,
    pub totals: Vec<ColumnTotal>,
    pub warnings: Vec<String>,
}

pub fn decode_file(layout: &Arc<Layout>, file: &[u8], target: usize) -> Result<Output, Error> {
    let (header, body) = file.split_at(header_end(file).unwrap_or(file.len()));
    let identity = FileIdentity { instance: "main".into(), file_id: "f1".into(), path: "sales.csv".into() };
    let decoder = Decoder::new(layout.clone(), identity, header)?;
    let mut output = Output { rows: vec![], lines: vec![], rejects: vec![], records: 0, totals: vec![], warnings: decoder.warnings().to_vec() };
    let header_lines = header.iter().filter(|byte| **byte == b'\n').count() as u64;
    let mut splitter = Splitter::new(1 + header_lines, target);
    let mut chunks = splitter.push(body);
    chunks.extend(splitter.finish());
    for chunk in &chunks {
        let mut decoded = decoder.decode(chunk)?;
        decoded.batch = decoder.plain(&decoded.batch)?;
        assert_eq!(decoded.records, (decoded.batch.num_rows() + decoded.rejects.len()) as u64);
        assert_eq!(decoded.totals, sums(&decoded.batch), "totals and arrays");
        output.records += decoded.records;
        output.lines.extend(decoded.batch["_line"].as_primitive::<Int64Type>().values());
        output.rows.extend((0..decoded.batch.num_rows()).map(|row| shown_row(&decoded.batch, row)));
        output.rejects.extend(decoded.rejects);
        add_totals(&mut output.totals, &decoded.totals)?;
    }
    Ok(output)
}

/// The totals again, from the arrays: sums of `amount` per `currency`. A zero without a currency counts in none.
fn sums(batch: &RecordBatch) -> Vec<ColumnTotal> {
    let (Some(amounts), Some(currencies)) = (batch.column_by_name("amount"), batch.column_by_name("currency")) else { return vec![] };
    let mut totals = Vec::new();
    for row in (0..batch.num_rows()).filter(|row| amounts.is_valid(*row)) {
        let sum = amounts.as_primitive::<Decimal128Type>().value(row);
        if currencies.is_null(row) && sum == 0 {
            continue;
        }
        assert!(currencies.is_valid(row), "an amount without a currency");
        let total = ColumnTotal { column: "amount".into(), currency: currencies.as_string::<i32>().value(row).into(), sum };
        add_totals(&mut totals, &[total]).unwrap();
    }
    totals
}

/// A file after the feed's header (or with its own, if it starts with `!`) as text.
pub fn show(channel: &str, table: &str, file: &[u8]) -> String {
    let output = match layout(channel, table).and_then(|layout| decode_file(&Arc::new(layout), file, 1 << 20)) {
        Ok(output) => output,
        Err(error) => return format!("stopped ({}): {error}\n", if error.is_data() { "data" } else { "config" }),
    };
    let mut text = String::new();
    output.warnings.iter().for_each(|warning| writeln!(text, "warning {warning}").unwrap());
    output.rows.iter().for_each(|row| writeln!(text, "row {row}").unwrap());
    for reject in &output.rejects {
        let column = reject.column.as_deref().unwrap_or("-");
        writeln!(text, "reject line {} {column} {} {:?}: {}\n  of {:?}", reject.line, reject.rule, reject.text, reject.reason, reject.raw).unwrap();
    }
    output.totals.iter().for_each(|total| writeln!(text, "total {} {} {}", total.column, total.currency, total.sum).unwrap());
    text
}

pub fn shown_row(batch: &RecordBatch, row: usize) -> String {
    let schema = batch.schema();
    let cell = |(field, array): (&Arc<arrow::datatypes::Field>, &ArrayRef)| match array.is_null(row) {
        true => None,
        false => Some(format!("{}={}", field.name(), shown(array, row))),
    };
    schema.fields().iter().zip(batch.columns()).filter_map(cell).collect::<Vec<_>>().join(" ")
}

fn shown(array: &ArrayRef, row: usize) -> String {
    match array.data_type() {
        DataType::Utf8 => format!("{:?}", array.as_string::<i32>().value(row)),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Decimal128(_, _) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Date32 => NaiveDate::from_epoch_days(array.as_primitive::<Date32Type>().value(row)).unwrap().to_string(),
        DataType::Timestamp(_, Some(zone)) if zone.as_ref() == "UTC" => {
            DateTime::from_timestamp_micros(array.as_primitive::<TimestampMicrosecondType>().value(row)).unwrap().format("%Y-%m-%dT%H:%M:%S%.fZ").to_string()
        }
        other => panic!("{other} is no type of a raw table"),
    }
}
