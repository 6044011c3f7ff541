//! The Arrow schemas of both tables, as they are in memory. In files, common attributes are columns
//! of their own (see [`crate::attributes`]).

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Table {
    /// One row per span.
    Spans,
    /// One row per log record.
    Logs,
}

impl Table {
    /// Both, in a fixed order.
    pub const ALL: [Self; 2] = [Self::Spans, Self::Logs];

    /// The name in paths, the catalog and SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spans => "spans",
            Self::Logs => "logs",
        }
    }

    /// The column that holds event time, by which rows are partitioned and sorted.
    pub fn time_column(self) -> &'static str {
        match self {
            Self::Spans => "start_time",
            Self::Logs => "time",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Table {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "spans" => Ok(Self::Spans),
            "logs" => Ok(Self::Logs),
            _ => Err(Error::invalid(format!(
                "`{text}` is not a table: the tables are `spans` and `logs`"
            ))),
        }
    }
}

/// Nanoseconds since the Unix epoch, UTC.
pub fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

/// `Map<Utf8, Utf8?>`: attribute key to value text (see [`super::ValueType`]).
pub fn map_type() -> DataType {
    DataType::Map(
        Arc::new(Field::new(
            "entries",
            DataType::Struct(Fields::from(vec![
                Field::new("keys", DataType::Utf8, false),
                Field::new("values", DataType::Utf8, true),
            ])),
            false,
        )),
        false,
    )
}

/// The fields of one entry of `events`.
pub fn event_fields() -> Fields {
    Fields::from(vec![
        Field::new("time", timestamp_type(), false),
        Field::new("name", DataType::Utf8, false),
        Field::new("attributes", map_type(), false),
        Field::new("attribute_types", DataType::Utf8, false),
        Field::new("dropped_attributes_count", DataType::UInt32, false),
    ])
}

/// The fields of one entry of `links`.
pub fn link_fields() -> Fields {
    Fields::from(vec![
        Field::new("trace_id", DataType::FixedSizeBinary(16), false),
        Field::new("span_id", DataType::FixedSizeBinary(8), false),
        Field::new("trace_state", DataType::Utf8, true),
        Field::new("flags", DataType::UInt32, false),
        Field::new("attributes", map_type(), false),
        Field::new("attribute_types", DataType::Utf8, false),
        Field::new("dropped_attributes_count", DataType::UInt32, false),
    ])
}

fn list_of(fields: Fields) -> DataType {
    DataType::List(Arc::new(Field::new(
        "item",
        DataType::Struct(fields),
        false,
    )))
}

/// Resource, scope and record attributes, the same in both tables.
fn shared_tail() -> Vec<Field> {
    vec![
        Field::new("service_name", DataType::Utf8, false),
        Field::new("scope_name", DataType::Utf8, true),
        Field::new("scope_version", DataType::Utf8, true),
        Field::new("dropped_attributes_count", DataType::UInt32, false),
        Field::new("received_time", timestamp_type(), false),
        Field::new("attributes", map_type(), false),
        Field::new("attribute_types", DataType::Utf8, false),
        Field::new("resource_attributes", map_type(), false),
        Field::new("resource_attribute_types", DataType::Utf8, false),
        Field::new("resource_dropped_attributes_count", DataType::UInt32, false),
        Field::new("resource_schema_url", DataType::Utf8, true),
        Field::new("scope_attributes", map_type(), false),
        Field::new("scope_attribute_types", DataType::Utf8, false),
        Field::new("scope_dropped_attributes_count", DataType::UInt32, false),
        Field::new("scope_schema_url", DataType::Utf8, true),
    ]
}

/// The last column of both tables, added by storage when the request has its sequence number.
pub const RECORD_ID: &str = "record_id";

static SPANS_DECODED: LazyLock<SchemaRef> = LazyLock::new(|| {
    let mut fields = vec![
        Field::new("trace_id", DataType::FixedSizeBinary(16), false),
        Field::new("span_id", DataType::FixedSizeBinary(8), false),
        Field::new("parent_span_id", DataType::FixedSizeBinary(8), true),
        Field::new("trace_state", DataType::Utf8, true),
        Field::new("flags", DataType::UInt32, false),
        Field::new("name", DataType::Utf8, false),
        Field::new("kind", DataType::Utf8, false),
        Field::new("start_time", timestamp_type(), false),
        Field::new("duration_ns", DataType::Int64, false),
        Field::new("status_code", DataType::Utf8, false),
        Field::new("status_message", DataType::Utf8, true),
        Field::new("events", list_of(event_fields()), false),
        Field::new("links", list_of(link_fields()), false),
        Field::new("dropped_events_count", DataType::UInt32, false),
        Field::new("dropped_links_count", DataType::UInt32, false),
    ];
    fields.extend(shared_tail());
    Arc::new(Schema::new(fields))
});

static LOGS_DECODED: LazyLock<SchemaRef> = LazyLock::new(|| {
    let mut fields = vec![
        Field::new("time", timestamp_type(), false),
        Field::new("observed_time", timestamp_type(), true),
        Field::new("original_time_unix_nano", DataType::UInt64, true),
        Field::new("severity_number", DataType::Int32, false),
        Field::new("severity_text", DataType::Utf8, true),
        Field::new("body", DataType::Utf8, true),
        Field::new("body_type", DataType::Utf8, false),
        Field::new("body_fields", map_type(), false),
        Field::new("body_field_types", DataType::Utf8, false),
        Field::new("event_name", DataType::Utf8, true),
        Field::new("trace_id", DataType::FixedSizeBinary(16), true),
        Field::new("span_id", DataType::FixedSizeBinary(8), true),
        Field::new("flags", DataType::UInt32, false),
    ];
    fields.extend(shared_tail());
    Arc::new(Schema::new(fields))
});

fn with_record_id(decoded: &SchemaRef) -> SchemaRef {
    let mut fields: Vec<Field> = decoded
        .fields()
        .iter()
        .map(|field| field.as_ref().clone())
        .collect();
    fields.push(Field::new(RECORD_ID, DataType::Int64, false));
    Arc::new(Schema::new(fields))
}

static SPANS: LazyLock<SchemaRef> = LazyLock::new(|| with_record_id(&SPANS_DECODED));
static LOGS: LazyLock<SchemaRef> = LazyLock::new(|| with_record_id(&LOGS_DECODED));

/// The schema of `spans` as stored.
pub fn spans_schema() -> SchemaRef {
    Arc::clone(&SPANS)
}

/// The schema of `logs` as stored.
pub fn logs_schema() -> SchemaRef {
    Arc::clone(&LOGS)
}

/// The schema of a table as stored.
pub fn schema_of(table: Table) -> SchemaRef {
    match table {
        Table::Spans => spans_schema(),
        Table::Logs => logs_schema(),
    }
}

/// The schema a decoder must produce: the stored one without [`RECORD_ID`].
pub fn decoded_schema_of(table: Table) -> SchemaRef {
    match table {
        Table::Spans => Arc::clone(&SPANS_DECODED),
        Table::Logs => Arc::clone(&LOGS_DECODED),
    }
}
