//! A statement with its values, and the rows it gives, in whatever database the ledger is kept. It must not know what a statement is for.
//!
//! Both databases know the placeholders `$1`, `$2`, …. Values are texts and whole numbers: times, ids and JSON are texts, see `row`.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Database, Decode, Encode, Postgres, Row as _, Sqlite, Type};

#[derive(Debug, Clone)]
pub(crate) struct Query {
    sql: &'static str,
    values: Vec<Value>,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(Option<String>),
    Number(Option<i64>),
}

pub(crate) fn query(sql: &'static str) -> Query {
    Query { sql, values: Vec::new() }
}

impl Query {
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// The statement as a database's driver takes it.
    pub(crate) fn of<DB: Database>(&self) -> sqlx::query::Query<'static, DB, DB::Arguments>
    where
        Option<String>: for<'v> Encode<'v, DB> + Type<DB>,
        Option<i64>: for<'v> Encode<'v, DB> + Type<DB>,
    {
        self.values.iter().fold(sqlx::query(self.sql), |query, value| match value {
            Value::Text(text) => query.bind(text.clone()),
            Value::Number(number) => query.bind(*number),
        })
    }
}

/// PostgreSQL takes no NUL in a text; both databases hold the sign for what can't be shown instead.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

macro_rules! value_of_text {
    ($($text:ty),+) => {
        $(impl From<$text> for Value {
            fn from(text: $text) -> Self {
                Self::Text(Some(storable(text.as_ref())))
            }
        }

        impl From<Option<$text>> for Value {
            fn from(text: Option<$text>) -> Self {
                Self::Text(text.map(|text| storable(text.as_ref())))
            }
        })+
    };
}

value_of_text!(&str, String, &String);

impl From<&Option<String>> for Value {
    fn from(text: &Option<String>) -> Self {
        text.as_deref().into()
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

#[derive(Debug)]
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub(crate) fn get<T>(&self, column: &str) -> sqlx::Result<T>
    where
        T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}
