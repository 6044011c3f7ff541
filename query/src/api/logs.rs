//! `GET /api/v1/logs`: log records that match, in total order, page by page.

use std::sync::Arc;

use arrow::array::{Array, AsArray, MapArray, StringArray};
use arrow::datatypes::{Int32Type, TimestampNanosecondType};
use arrow::record_batch::RecordBatch;
use axum::Json;
use datafusion::logical_expr::Expr;
use datafusion::prelude::col;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spoor_storage::{Error, Result, Table, TimeRange};
use utoipa::ToSchema;

use super::request::{Parameters, optional};
use super::{Answer, ApiError, ApiState};
use crate::attributes::{PlainAttributes, attributes_json, bytes_beside};
use crate::functions::{TraceSet, in_traces};
use crate::language::{self, level_of};
use crate::listing::{FirstRows, Listing, Patience, RowPlace, in_range, place_of};
use crate::openapi::ReadErrors;
use crate::openapi::words::Cursor;
use crate::parameters::{
    Order, QueryParameter, RangeParameters, decode_cursor, encode_cursor, format_time, limit,
};
use crate::session::QuerySession;
use crate::trace::traces_where;
use crate::traceql;

mod schema;

pub(super) use schema::LogRecord;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 10_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LogsParameters {
    /// Only records of traces of which this TraceQL query leaves a span, at any time; at most 100,000 traces may come into question (413).
    #[param(example = "{ status = error }")]
    traceql: Option<String>,
    /// How many records a page has.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 10_000, default = 100)]
    limit: Option<usize>,
    /// By time: `desc`, the newest first, unless said otherwise.
    #[serde(default, deserialize_with = "optional")]
    order: Option<Order>,
    /// Where to go on.
    #[serde(default, deserialize_with = "optional")]
    #[param(value_type = Option<Cursor>)]
    cursor: Option<String>,
    /// How long to wait, once there are some records, for those that are missing. By then the answer may be `partial`.
    #[serde(default, deserialize_with = "optional")]
    patience_ms: Option<u64>,
}

/// A page of records.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Logs)]
pub(crate) struct Page {
    #[schema(value_type = Vec<LogRecord>)]
    logs: Vec<Value>,
    /// Null on the last page.
    #[schema(value_type = Option<Cursor>, required)]
    next_cursor: Option<String>,
    /// Only where `patience_ms` was over before the page was full: it goes on at `next_cursor`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
}

pub(crate) type LogsAnswer = Answer<Page>;

/// Log records that match.
///
/// In order of time, page by page.
#[utoipa::path(
    get, path = "/api/v1/logs", tag = "Logs", operation_id = "logs",
    params(QueryParameter, RangeParameters, LogsParameters),
    responses((status = 200, description = "A page of records.", body = LogsAnswer, example = Page::example), ReadErrors),
)]
pub(super) async fn logs(
    state: ApiState,
    Parameters(which): Parameters<QueryParameter>,
    Parameters(when): Parameters<RangeParameters>,
    Parameters(parameters): Parameters<LogsParameters>,
) -> Result<Json<LogsAnswer>, ApiError> {
    let query = which.of(Table::Logs)?;
    let range = when.range()?;
    let limit = limit(parameters.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let after = parameters
        .cursor
        .as_deref()
        .map(decode_cursor::<RowPlace>)
        .transpose()?;
    let of_traces = parameters
        .traceql
        .as_deref()
        .map(traceql::parse)
        .transpose()?;
    let session = state.begin().await?;
    let filter = condition(&session, &query, of_traces.as_ref(), range).await?;
    let listing = Listing {
        session: &session,
        table: Table::Logs,
        range,
        order: parameters.order.unwrap_or_default(),
        filter,
        after,
    };
    let patience = Patience::of(parameters.patience_ms);
    let page = Page::of(&listing, patience, limit).await?;
    Ok(Json(Answer::new(&session, page)))
}

impl Page {
    pub(crate) fn example() -> Value {
        schema::example()
    }

    /// The first `limit` records of a list of logs, or as many as are found while patience lasts.
    pub(crate) async fn of(
        listing: &Listing<'_>,
        patience: Patience,
        limit: usize,
    ) -> Result<Self> {
        // One more than is shown tells whether there is a next page.
        let FirstRows { rows: batch, left } = listing.first_within(patience, limit + 1).await?;
        let shown = batch.num_rows().min(limit);
        let next = if batch.num_rows() > limit {
            Some(place_of(&batch, Table::Logs, limit - 1)?)
        } else {
            left
        };
        let columns = LogColumns::of(&batch)?;
        listing.session.note_skipped(Table::Logs, listing.range);
        Ok(Self {
            logs: (0..shown).map(|row| columns.json(row)).collect(),
            next_cursor: next.as_ref().map(encode_cursor).transpose()?,
            partial: left.is_some(),
        })
    }
}

/// What records must meet that match, and whose trace is one that `of_traces` leaves.
pub(super) async fn condition(
    session: &QuerySession,
    query: &language::Query,
    of_traces: Option<&traceql::Query>,
    range: TimeRange,
) -> Result<Expr> {
    let filter = language::condition(session, query, Table::Logs, range).await?;
    let Some(of_traces) = of_traces else {
        return Ok(filter);
    };
    let traces = left_by(session, of_traces, &filter, range).await?;
    Ok(filter.and(in_traces(col("trace_id"), &traces)))
}

/// The traces that a TraceQL query leaves; those suffice that the matching logs are of.
async fn left_by(
    session: &QuerySession,
    query: &traceql::Query,
    logs: &Expr,
    range: TimeRange,
) -> Result<Arc<TraceSet>> {
    let logs = logs.clone().and(in_range("time", range));
    // If they are few, TraceQL looks at no others.
    let among = traces_where(session, Table::Logs, logs, session.few_traces()).await?;
    let among = among.map(|traces| in_traces(col("trace_id"), &traces));
    traceql::find_all(session, query, among).await
}

/// The columns of log rows, found once a batch.
pub(super) struct LogColumns<'a> {
    batch: &'a RecordBatch,
    time: &'a [i64],
    record_id: &'a [i64],
    severity_number: &'a [i32],
    severity_text: &'a StringArray,
    attributes: Attributes<'a>,
    body_fields: Attributes<'a>,
    resource: Attributes<'a>,
    scope: Attributes<'a>,
}

struct Attributes<'a> {
    map: &'a MapArray,
    types: &'a StringArray,
}

impl Attributes<'_> {
    /// Puts those of a row into `object` under `name`, and which of them are bytes beside it.
    fn put(&self, row: usize, name: &str, object: &mut Value) {
        let PlainAttributes { values, bytes } = attributes_json(self.map, self.types, row);
        object[name] = Value::Object(values);
        if !bytes.is_empty() {
            object[bytes_beside(name)] = Value::Object(bytes);
        }
    }
}

impl<'a> LogColumns<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> Result<Self> {
        let attributes = |map: &str, types: &str| -> Result<Attributes<'a>> {
            Ok(Attributes {
                map: column(batch, map)?.as_map_opt().ok_or_else(|| wrong(map))?,
                types: text_column(batch, types)?,
            })
        };
        Ok(Self {
            batch,
            time: column(batch, "time")?
                .as_primitive_opt::<TimestampNanosecondType>()
                .ok_or_else(|| wrong("time"))?
                .values(),
            record_id: column(batch, "record_id")?
                .as_primitive_opt::<arrow::datatypes::Int64Type>()
                .ok_or_else(|| wrong("record_id"))?
                .values(),
            severity_number: column(batch, "severity_number")?
                .as_primitive_opt::<Int32Type>()
                .ok_or_else(|| wrong("severity_number"))?
                .values(),
            severity_text: text_column(batch, "severity_text")?,
            attributes: attributes("attributes", "attribute_types")?,
            body_fields: attributes("body_fields", "body_field_types")?,
            resource: attributes("resource_attributes", "resource_attribute_types")?,
            scope: attributes("scope_attributes", "scope_attribute_types")?,
        })
    }

    pub(super) fn json(&self, row: usize) -> Value {
        let severity_text = value_at(self.severity_text, row);
        let number = self.severity_number[row];
        let observed = self
            .batch
            .column_by_name("observed_time")
            .and_then(|column| column.as_primitive_opt::<TimestampNanosecondType>())
            .filter(|column| column.is_valid(row))
            .map(|column| column.value(row).to_string());
        let body_type = self
            .text("body_type", row)
            .and_then(|letter| spoor_storage::ValueType::from_letter(*letter.as_bytes().first()?))
            .map_or("empty", spoor_storage::ValueType::word);
        let mut scope = json!({
            "name": self.text("scope_name", row),
            "version": self.text("scope_version", row),
        });
        self.scope.put(row, "attributes", &mut scope);
        let mut record = json!({
            "id": self.record_id[row].to_string(),
            "time": format_time(self.time[row]),
            "time_unix_nano": self.time[row].to_string(),
            "observed_time_unix_nano": observed,
            "severity_number": number,
            "severity_text": severity_text,
            "level": level_of(number, severity_text),
            "service_name": self.text("service_name", row),
            "body": self.text("body", row),
            "body_type": body_type,
            "event_name": self.text("event_name", row),
            "trace_id": self.text("trace_id", row),
            "span_id": self.text("span_id", row),
        });
        self.attributes.put(row, "attributes", &mut record);
        self.body_fields.put(row, "body_fields", &mut record);
        self.resource.put(row, "resource", &mut record);
        record["scope"] = scope;
        record
    }

    fn text(&self, name: &str, row: usize) -> Option<&str> {
        text_column(self.batch, name)
            .ok()
            .and_then(|column| value_at(column, row))
    }
}

fn value_at(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a dyn Array> {
    batch
        .column_by_name(name)
        .map(AsRef::as_ref)
        .ok_or_else(|| wrong(name))
}

fn text_column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    column(batch, name)?
        .as_string_opt()
        .ok_or_else(|| wrong(name))
}

fn wrong(name: &str) -> Error {
    Error::internal(format!("the column `{name}` is not what the schema says"))
}
