//! Rows for tests, built by hand so that storage's tests know no OTLP.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeBinaryBuilder, Int32Array, MapBuilder, MapFieldNames, StringArray,
    StringBuilder, TimestampNanosecondArray, UInt32Array, UInt64Array, new_null_array,
};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;

use crate::layout::{index_path, parquet_path};
use crate::model::schema::decoded_schema_of;
use crate::model::{FileId, Hour, Table, TenantId, schema_of};
use crate::snapshot::{DataFile, FieldStatistic, FieldStatistics};

/// One log record.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogRow {
    pub(crate) time_ns: i64,
    pub(crate) body: String,
    /// Whether there is no body at all.
    pub(crate) without_body: bool,
    pub(crate) service: String,
    pub(crate) severity_number: i32,
    pub(crate) trace_id: Option<[u8; 16]>,
    pub(crate) attributes: Vec<(String, String)>,
}

impl LogRow {
    /// A record at `time_ns`.
    pub(crate) fn at(time_ns: i64) -> Self {
        Self {
            time_ns,
            body: format!("line {time_ns}"),
            service: "test".to_owned(),
            ..Self::default()
        }
    }
}

fn map(rows: &[LogRow], entries: impl Fn(&LogRow) -> Vec<(String, String)>) -> ArrayRef {
    let names = MapFieldNames {
        entry: "entries".into(),
        key: "keys".into(),
        value: "values".into(),
    };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for row in rows {
        for (key, value) in entries(row) {
            builder.keys().append_value(key);
            builder.values().append_value(value);
        }
        builder.append(true).unwrap();
    }
    Arc::new(builder.finish())
}

/// A batch in the decoded schema of `logs`.
pub(crate) fn decoded_logs(rows: &[LogRow]) -> RecordBatch {
    let schema = decoded_schema_of(Table::Logs);
    let columns = schema
        .fields()
        .iter()
        .map(|field| column(field.name(), field.data_type(), rows))
        .collect();
    RecordBatch::try_new(schema, columns).unwrap()
}

fn column(name: &str, kind: &DataType, rows: &[LogRow]) -> ArrayRef {
    let count = rows.len();
    match (name, kind) {
        ("time" | "received_time", _) => Arc::new(
            TimestampNanosecondArray::from_iter_values(rows.iter().map(|row| row.time_ns))
                .with_timezone("UTC"),
        ),
        ("body", _) => Arc::new(
            rows.iter()
                .map(|row| (!row.without_body).then_some(&row.body))
                .collect::<StringArray>(),
        ),
        ("service_name", _) => Arc::new(StringArray::from_iter_values(
            rows.iter().map(|r| &r.service),
        )),
        ("severity_number", _) => Arc::new(Int32Array::from_iter_values(
            rows.iter().map(|row| row.severity_number),
        )),
        ("trace_id", _) => {
            let mut builder = FixedSizeBinaryBuilder::new(16);
            for row in rows {
                match row.trace_id {
                    Some(id) => builder.append_value(id).unwrap(),
                    None => builder.append_null(),
                }
            }
            Arc::new(builder.finish())
        }
        ("attributes", _) => map(rows, |row| row.attributes.clone()),
        ("attribute_types", _) => Arc::new(StringArray::from_iter_values(
            rows.iter().map(|row| "s".repeat(row.attributes.len())),
        )),
        (_, DataType::Map(..)) => map(rows, |_| Vec::new()),
        (_, DataType::UInt32) => Arc::new(UInt32Array::from(vec![0; count])),
        (_, DataType::Int32) => Arc::new(Int32Array::from(vec![0; count])),
        (_, DataType::UInt64) => Arc::new(UInt64Array::new_null(count)),
        (
            "body_type" | "body_field_types" | "resource_attribute_types" | "scope_attribute_types",
            _,
        ) => Arc::new(StringArray::from(vec![""; count])),
        (_, kind) => new_null_array(kind, count),
    }
}

/// A batch in the stored schema of `logs`; record ids count from 0.
pub(crate) fn logs(rows: &[LogRow]) -> RecordBatch {
    let mut columns = decoded_logs(rows).columns().to_vec();
    let ids: arrow::array::Int64Array = (0_i64..).take(rows.len()).collect();
    columns.push(Arc::new(ids));
    RecordBatch::try_new(schema_of(Table::Logs), columns).unwrap()
}

/// A file that is not there, of three rows.
pub(crate) fn data_file(hour: i64) -> Arc<DataFile> {
    let (id, tenant, table, hour) = (
        FileId::generate(),
        TenantId::default(),
        Table::Logs,
        Hour(hour),
    );
    let statistic = FieldStatistic {
        count: 3,
        types: BTreeMap::from([('s', 3)]),
        top_values: vec![("a".to_owned(), 3)],
        exact: true,
        distinct: 1,
        ..FieldStatistic::default()
    };
    Arc::new(DataFile {
        id,
        path: parquet_path(&tenant, table, hour, id),
        index_path: index_path(&tenant, table, hour, id),
        tenant,
        table,
        hour,
        level: 0,
        rows: 3,
        bytes: 100,
        index_bytes: 50,
        min_time_ns: -5,
        max_time_ns: 7,
        services: vec!["cart".to_owned()],
        fields: FieldStatistics {
            fields: BTreeMap::from([("attributes.x".to_owned(), statistic)]),
        },
        facts: None,
        hidden: None,
        held: Arc::default(),
    })
}
