//! `POST /api/v1/sql`: one read-only statement; JSON at once, NDJSON and CSV as they come.

use arrow::record_batch::RecordBatch;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use datafusion::execution::SendableRecordBatchStream;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use spoor_storage::{Error, ErrorKind, Result};
use utoipa::ToSchema;

use super::{Answer, ApiError, ApiState};
use crate::openapi::ReadErrors;
use crate::session::QuerySession;
use crate::sql;
use crate::sql::text::{write_csv, write_csv_text, write_json, write_string};

/// `true`, or `false` if the rows of a streamed answer are known to lack something; the JSON form
/// says it in the body.
const COMPLETE_HEADER: &str = "spoor-complete";
/// Bytes read until the answer began: a streamed one says it there, the JSON form in the body.
const SCANNED_HEADER: &str = "spoor-scanned-bytes";

/// A statement.
#[derive(Debug, Deserialize, ToSchema)]
struct SqlRequest {
    /// One `SELECT`, or `EXPLAIN` of one.
    query: String,
}

/// What a statement found. Times are RFC 3339 with nanoseconds, maps, lists and structs JSON, binary hex, integers
/// beyond 2^53 strings.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation: rows are written as they come")]
struct SqlRows {
    columns: Vec<SqlColumn>,
    /// In the order of the columns; at most 10,000, and `complete` is false if there are more.
    rows: Vec<Vec<serde_json::Value>>,
}

/// A column of what was found.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation: rows are written as they come")]
struct SqlColumn {
    name: String,
    /// As Arrow names it.
    #[schema(rename = "type", examples("Int64"))]
    data_type: String,
}

type SqlAnswer = Answer<SqlRows>;

fn json_example() -> serde_json::Value {
    serde_json::json!({
        "columns": [{"name": "n", "type": "Int64"}], "rows": [[1]],
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

fn ndjson_example() -> &'static str {
    "{\"n\":1}\n"
}

fn csv_example() -> &'static str {
    "n\r\n1\r\n"
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    NdJson,
    Csv,
}

/// Asks in SQL.
///
/// Read only: one `SELECT` (or `EXPLAIN`) on `spans`, `logs`, `traces` and `services`. `matches(column, 'query')` is
/// full-text search; `"attributes.http.route"`, `"resource.host.name"`, `"scope.x"`, `"body.x"` (quoted names) and
/// `attr('http.route')` read attributes; `time_bucket('5m', time)` and `approx_percentile(duration_ns, 0.95)` are
/// there. NDJSON and CSV have as many rows as there are. A statement with more than 128 operators, joins or unions in a row is
/// refused (400), one that needs more memory than a query may have too (413).
#[utoipa::path(
    post, path = "/api/v1/sql", tag = "SQL", operation_id = "sql",
    request_body(content = SqlRequest, example = json!({"query": "SELECT count(*) AS n FROM spans WHERE service_name = 'checkout'"})),
    responses(
        (status = 200, description = "Rows, in the first of these types that `Accept` names.",
            headers(("spoor-complete" = bool, description = "NDJSON and CSV: `false` if files had to be left out.")),
            content(
                (SqlAnswer = "application/json", example = json_example),
                (String = "application/x-ndjson", example = ndjson_example),
                (String = "text/csv", example = csv_example),
            )),
        ReadErrors,
    ),
)]
pub(super) async fn sql(
    State(state): State<ApiState>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let body = body.map_err(|error| Error::new(ErrorKind::TooLarge, error.body_text()))?;
    let request: SqlRequest = serde_json::from_slice(&body).map_err(|error| {
        Error::invalid(format!("the body is not the JSON expected: {error}"))
            .with_hint("send {\"query\": \"SELECT …\"}")
    })?;
    let session = state.begin().await?;
    let frame = sql::plan(&session, &request.query).await?;
    match format(&headers) {
        Format::Json => {
            let names = frame.schema().as_arrow().clone();
            let most = session.options().max_rows_json;
            let batches = session.collect_rows(frame, most.saturating_add(1)).await?;
            Ok(json_answer(&session, &names, &batches, most))
        }
        format => {
            let stream = session.stream(frame).await?;
            Ok(streamed(session, stream, format).await?)
        }
    }
}

/// The first of the formats we have in `Accept`; JSON if there is none.
fn format(headers: &HeaderMap) -> Format {
    let accepted = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|value| value.split(','))
        .find_map(
            |kind| match kind.split(';').next().unwrap_or_default().trim() {
                "application/x-ndjson" | "application/ndjson" => Some(Format::NdJson),
                "text/csv" => Some(Format::Csv),
                "application/json" => Some(Format::Json),
                _ => None,
            },
        )
        .unwrap_or(Format::Json)
}

fn json_answer(
    session: &QuerySession,
    schema: &arrow::datatypes::Schema,
    batches: &[RecordBatch],
    most: usize,
) -> Response {
    let mut out = String::from("{\"columns\":[");
    for (place, field) in schema.fields().iter().enumerate() {
        out.push_str(if place > 0 {
            ",{\"name\":"
        } else {
            "{\"name\":"
        });
        write_string(&mut out, field.name());
        out.push_str(",\"type\":");
        write_string(&mut out, &field.data_type().to_string());
        out.push('}');
    }
    out.push_str("],\"rows\":[");
    let mut written = 0;
    for batch in batches {
        for row in 0..batch.num_rows().min(most - written) {
            out.push_str(if written > 0 { ",[" } else { "[" });
            for (place, column) in batch.columns().iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_json(&mut out, column, row);
            }
            out.push(']');
            written += 1;
        }
    }
    let total: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if total > most {
        session.note_incomplete(format!(
            "only the first {most} rows are shown; ask for application/x-ndjson or text/csv to get all"
        ));
    }
    out.push(']');
    // The outcome is an object of plain values: taking its opening brace joins the two.
    let outcome = serde_json::to_string(&session.outcome()).unwrap_or_default();
    out.push(',');
    out.push_str(outcome.strip_prefix('{').unwrap_or("}"));
    ([(CONTENT_TYPE, "application/json")], out).into_response()
}

/// Rows as they come. The first batch is awaited, so that a query that fails at once has the
/// right status; later failures break the connection off, so that no client takes the part for
/// the whole.
async fn streamed(
    session: QuerySession,
    mut stream: SendableRecordBatchStream,
    format: Format,
) -> Result<Response> {
    let first = session.next(&mut stream).await?;
    let mut head = String::new();
    if format == Format::Csv {
        for (place, field) in stream.schema().fields().iter().enumerate() {
            if place > 0 {
                head.push(',');
            }
            write_csv_text(&mut head, field.name());
        }
        head.push_str("\r\n");
    }
    let done = first.is_none();
    if let Some(batch) = &first {
        write_rows(&mut head, batch, format);
    }
    let outcome = session.outcome();
    let rest = futures::stream::try_unfold((session, stream, done), move |state| async move {
        let (session, mut stream, done) = state;
        if done {
            return Ok::<_, Error>(None);
        }
        let Some(batch) = session.next(&mut stream).await? else {
            return Ok(None);
        };
        let mut text = String::new();
        write_rows(&mut text, &batch, format);
        Ok(Some((Bytes::from(text), (session, stream, false))))
    });
    let head = futures::stream::iter([Ok(Bytes::from(head))]);
    let body = Body::from_stream(futures::StreamExt::chain(head, rest));
    let mut response = Response::new(body);
    let kind = match format {
        Format::Csv => "text/csv; charset=utf-8",
        Format::NdJson | Format::Json => "application/x-ndjson",
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    let complete = if outcome.complete { "true" } else { "false" };
    headers.insert(COMPLETE_HEADER, HeaderValue::from_static(complete));
    headers.insert(SCANNED_HEADER, HeaderValue::from(outcome.scanned_bytes));
    Ok(response)
}

fn write_rows(out: &mut String, batch: &RecordBatch, format: Format) {
    let schema = batch.schema();
    for row in 0..batch.num_rows() {
        if format == Format::Csv {
            for (place, column) in batch.columns().iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_csv(out, column, row);
            }
            out.push_str("\r\n");
            continue;
        }
        out.push('{');
        for (place, (field, column)) in schema.fields().iter().zip(batch.columns()).enumerate() {
            if place > 0 {
                out.push(',');
            }
            write_string(out, field.name());
            out.push(':');
            write_json(out, column, row);
        }
        out.push_str("}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_names_the_format() {
        let with = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            format(&headers)
        };
        assert_eq!(format(&HeaderMap::new()), Format::Json);
        assert_eq!(with("*/*"), Format::Json);
        assert_eq!(with("text/csv;q=0.9, */*"), Format::Csv);
        assert_eq!(with("application/x-ndjson"), Format::NdJson);
    }
}
