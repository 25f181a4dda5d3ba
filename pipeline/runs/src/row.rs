//! How times, ids, figures and JSON stand in the ledger, and how they are read back.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::query::Row;
use crate::{Error, Result};

/// A time as text of fixed width, so that text order is time order.
pub(crate) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

pub(crate) fn figure(what: &'static str, figure: u64) -> Result<i64> {
    i64::try_from(figure).map_err(|_| Error::Figure { what, figure })
}

/// JSON of values that have nothing that JSON can't say: maps with text keys, numbers and texts.
pub(crate) fn json(what: &'static str, value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Stored { column: what, text: error.to_string(), kind: "JSON" })
}

pub(crate) fn text(row: &Row, column: &'static str) -> Result<String> {
    Ok(row.get(column)?)
}

pub(crate) fn optional_text(row: &Row, column: &'static str) -> Result<Option<String>> {
    Ok(row.get(column)?)
}

pub(crate) fn number(row: &Row, column: &'static str) -> Result<i64> {
    Ok(row.get(column)?)
}

pub(crate) fn count(row: &Row, column: &'static str) -> Result<u64> {
    let stored = number(row, column)?;
    u64::try_from(stored).map_err(|_| Error::Stored { column, text: stored.to_string(), kind: "count" })
}

pub(crate) fn time(row: &Row, column: &'static str) -> Result<DateTime<Utc>> {
    parsed_time(column, text(row, column)?)
}

pub(crate) fn optional_time(row: &Row, column: &'static str) -> Result<Option<DateTime<Utc>>> {
    optional_text(row, column)?.map(|text| parsed_time(column, text)).transpose()
}

fn parsed_time(column: &'static str, text: String) -> Result<DateTime<Utc>> {
    match DateTime::parse_from_rfc3339(&text) {
        Ok(at) => Ok(at.to_utc()),
        Err(_) => Err(Error::Stored { column, text, kind: "time" }),
    }
}

pub(crate) fn id(row: &Row, column: &'static str) -> Result<Uuid> {
    parsed_id(column, text(row, column)?)
}

pub(crate) fn optional_id(row: &Row, column: &'static str) -> Result<Option<Uuid>> {
    optional_text(row, column)?.map(|text| parsed_id(column, text)).transpose()
}

fn parsed_id(column: &'static str, text: String) -> Result<Uuid> {
    Uuid::parse_str(&text).map_err(|_| Error::Stored { column, text, kind: "id" })
}

pub(crate) fn from_json<T: DeserializeOwned>(row: &Row, column: &'static str) -> Result<T> {
    let text = text(row, column)?;
    serde_json::from_str(&text).map_err(|_| Error::Stored { column, text, kind: "JSON of the expected shape" })
}
