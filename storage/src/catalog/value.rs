//! Values on their way into and out of either database, and rows read without trusting them.

use std::sync::Arc;

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column, Decode, Postgres, Row as _, Sqlite, TypeInfo, ValueRef};

use crate::error::{Error, Result};

/// One value. All tables are made of 64-bit numbers, text and bytes, which both databases have.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// No text; as a parameter it is for columns of text only (PostgreSQL types its nulls).
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    /// Something that a catalog of ours does not hold, and what.
    Unreadable(String),
}

impl Value {
    fn kind(&self) -> &str {
        match self {
            Self::Null => "missing",
            Self::Int(_) => "a number",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Unreadable(what) => what,
        }
    }
}

macro_rules! value_from {
    ($($from:ty => $make:expr),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                $make(value)
            }
        }
    )*};
}

value_from! {
    i64 => Value::Int,
    // Counts and sizes: they stay far below 2^63.
    u64 => |number: u64| Value::Int(number.cast_signed()),
    u32 => |number: u32| Value::Int(i64::from(number)),
    &str => |text: &str| Value::Text(text.to_owned()),
    String => Value::Text,
    Vec<u8> => Value::Bytes,
}

/// Binds values to the `$1`, `$2`, … of a query of either database.
macro_rules! bind {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Null | Value::Unreadable(_) => query.bind(None::<&str>),
                Value::Int(number) => query.bind(*number),
                Value::Text(text) => query.bind(text.as_str()),
                Value::Bytes(bytes) => query.bind(bytes.as_slice()),
            };
        }
        query
    }};
}
pub(super) use bind;

/// A row as read: nothing is assumed about what is in it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    /// A row that comes from nowhere, for tests and fuzzing.
    pub(crate) fn new(values: Vec<(&str, Value)>) -> Self {
        let (columns, values): (Vec<_>, Vec<_>) = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .unzip();
        Self {
            columns: columns.into(),
            values,
        }
    }

    fn value(&self, name: &str) -> Result<&Value> {
        self.columns
            .iter()
            .position(|column| column == name)
            .and_then(|at| self.values.get(at))
            .ok_or_else(|| Error::corrupt(format!("the catalog has no column `{name}`")))
    }

    fn wrong(name: &str, value: &Value, expected: &str) -> Error {
        let kind = value.kind();
        Error::corrupt(format!(
            "catalog column `{name}` is {kind}, expected {expected}"
        ))
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str> {
        match self.value(name)? {
            Value::Text(text) => Ok(text),
            other => Err(Self::wrong(name, other, "text")),
        }
    }

    pub(crate) fn optional_text(&self, name: &str) -> Result<Option<&str>> {
        match self.value(name)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            other => Err(Self::wrong(name, other, "text")),
        }
    }

    pub(crate) fn int(&self, name: &str) -> Result<i64> {
        match self.value(name)? {
            Value::Int(number) => Ok(*number),
            other => Err(Self::wrong(name, other, "a number")),
        }
    }

    /// A count or a size.
    pub(crate) fn count(&self, name: &str) -> Result<u64> {
        let number = self.int(name)?;
        u64::try_from(number)
            .map_err(|_| Error::corrupt(format!("catalog column `{name}` is {number}, below zero")))
    }

    pub(crate) fn bytes(&self, name: &str) -> Result<&[u8]> {
        match self.value(name)? {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(Self::wrong(name, other, "bytes")),
        }
    }

    pub(super) fn of_sqlite(rows: &[SqliteRow]) -> Vec<Self> {
        let columns = names(rows.first());
        let read = |row: &SqliteRow| {
            let values = (0..columns.len()).map(|at| match row.try_get_raw(at) {
                Err(error) => Value::Unreadable(error.to_string()),
                Ok(raw) if raw.is_null() => Value::Null,
                Ok(raw) => match raw.type_info().name() {
                    "INTEGER" | "BOOLEAN" => {
                        decoded(<i64 as Decode<Sqlite>>::decode(raw), Value::Int)
                    }
                    "TEXT" => decoded(<String as Decode<Sqlite>>::decode(raw), Value::Text),
                    "BLOB" => decoded(<Vec<u8> as Decode<Sqlite>>::decode(raw), Value::Bytes),
                    other => Value::Unreadable(format!("of type {other}")),
                },
            });
            Self {
                values: values.collect(),
                columns: Arc::clone(&columns),
            }
        };
        rows.iter().map(read).collect()
    }

    pub(super) fn of_postgres(rows: &[PgRow]) -> Vec<Self> {
        let columns = names(rows.first());
        let read = |row: &PgRow| {
            let values = (0..columns.len()).map(|at| match row.try_get_raw(at) {
                Err(error) => Value::Unreadable(error.to_string()),
                Ok(raw) if raw.is_null() => Value::Null,
                Ok(raw) => match raw.type_info().name() {
                    "INT8" => decoded(<i64 as Decode<Postgres>>::decode(raw), Value::Int),
                    "BOOL" => decoded(<bool as Decode<Postgres>>::decode(raw), |yes| {
                        Value::Int(i64::from(yes))
                    }),
                    "TEXT" | "NAME" | "VARCHAR" => {
                        decoded(<String as Decode<Postgres>>::decode(raw), Value::Text)
                    }
                    "BYTEA" => decoded(<Vec<u8> as Decode<Postgres>>::decode(raw), Value::Bytes),
                    other => Value::Unreadable(format!("of type {other}")),
                },
            });
            Self {
                values: values.collect(),
                columns: Arc::clone(&columns),
            }
        };
        rows.iter().map(read).collect()
    }
}

fn names<R: sqlx::Row>(row: Option<&R>) -> Arc<[String]> {
    row.map(|row| {
        row.columns()
            .iter()
            .map(|column| column.name().to_owned())
            .collect()
    })
    .unwrap_or_default()
}

fn decoded<T>(
    outcome: std::result::Result<T, sqlx::error::BoxDynError>,
    make: impl FnOnce(T) -> Value,
) -> Value {
    match outcome {
        Ok(value) => make(value),
        Err(error) => Value::Unreadable(format!("not readable ({error})")),
    }
}
