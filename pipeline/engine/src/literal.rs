//! Values of a result as SQL, to find the same value again.

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::common::ScalarValue;

use crate::{Error, Result};

/// `column is the value at that place`, as a SQL condition. Null is found by null.
pub fn same_value(column: &str, batch: &RecordBatch, from: &str, row: usize) -> Result<String> {
    let array = batch.column_by_name(from).ok_or_else(|| Error::Data(format!("column `{from}` is missing")))?;
    if array.is_null(row) {
        return Ok(format!("\"{column}\" is null"));
    }
    let value = ScalarValue::try_from_array(array, row).map_err(|error| Error::running(from, &error))?;
    let literal = match &value {
        ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) | ScalarValue::LargeUtf8(Some(text)) => quoted(text),
        ScalarValue::Boolean(Some(value)) => value.to_string(),
        other if other.data_type().is_integer() => other.to_string(),
        other => {
            let text = other.cast_to(&datafusion::arrow::datatypes::DataType::Utf8).map_err(|error| Error::running(from, &error))?;
            format!("arrow_cast({}, {})", quoted(&text.to_string()), quoted(&other.data_type().to_string()))
        }
    };
    Ok(format!("\"{column}\" = {literal}"))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
