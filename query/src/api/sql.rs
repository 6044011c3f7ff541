//! `POST /api/v1/sql`: one read-only statement; JSON at once, other formats as they come.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use datafusion::dataframe::DataFrame;
use http::HeaderMap;
use http::header::ACCEPT;
use serde::Deserialize;
use spoor_storage::{Error, ErrorKind, Result};
use utoipa::ToSchema;

use super::export::{FileBytes, binary_example};
use super::stream::{Format, Output, streamed};
use super::{Answer, ApiError, ApiState};
use crate::explain::Scan;
use crate::openapi::ReadErrors;
use crate::session::QuerySession;
use crate::sql;

mod json;

use json::JsonRows;

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
    /// Of an `EXPLAIN`: how each scan comes to what it reads.
    scans: Option<Vec<Scan>>,
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

/// Asks in SQL.
///
/// Read only: one `SELECT` (or `EXPLAIN`) on `spans`, `logs`, `traces` and `services`. `matches(column, 'query')` is
/// full-text search; `"attributes.http.route"`, `"resource.host.name"`, `"scope.x"`, `"body.x"` (quoted names) and
/// `attr('http.route')` read attributes; `time_bucket('5m', time)` and `approx_percentile(duration_ns, 0.95)` are
/// there. NDJSON, CSV, Arrow and Parquet have as many rows as there are. A statement with more than 128 operators, joins or unions in a row is
/// refused (400), one that needs more memory than a query may have too (413).
#[utoipa::path(
    post, path = "/api/v1/sql", tag = "SQL", operation_id = "sql",
    request_body(content = SqlRequest, example = json!({"query": "SELECT count(*) AS n FROM spans WHERE service_name = 'checkout'"})),
    responses(
        (status = 200, description = "Rows, in the first of these types that `Accept` names.",
            headers(("spoor-complete" = bool, description = "All but JSON: `false` if files had to be left out.")),
            content(
                (SqlAnswer = "application/json", example = json_example),
                (String = "application/x-ndjson", example = ndjson_example),
                (String = "text/csv", example = csv_example),
                (FileBytes = "application/vnd.apache.arrow.stream", example = binary_example),
                (FileBytes = "application/vnd.apache.parquet", example = binary_example),
            )),
        ReadErrors,
    ),
)]
pub(super) async fn sql(
    state: ApiState,
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
    let Some(format) = format(&headers) else {
        return Ok(json_answer(&session, frame).await?);
    };
    let max_bytes = if format.is_binary() {
        session.options().max_export_bytes
    } else {
        u64::MAX
    };
    let stream = sql::stream(&session, frame).await?;
    let output = Output {
        format,
        max_bytes,
        name: None,
    };
    Ok(streamed(session, stream, output).await?)
}

/// The first of the formats we have in `Accept`; `None`, which is JSON at once, if there is none.
fn format(headers: &HeaderMap) -> Option<Format> {
    let accepted = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|value| value.split(','));
    kinds
        .find_map(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            match kind {
                "application/json" => Some(None),
                kind => Format::of_media_type(kind).map(Some),
            }
        })
        .flatten()
}

/// The first rows as JSON; says so if there are more.
async fn json_answer(session: &QuerySession, frame: DataFrame) -> Result<Response> {
    let most = session.options().max_rows_json;
    let mut answer = JsonRows::new(session, frame.schema().as_arrow());
    let mut stream = sql::stream(session, frame).await?;
    while let Some(batch) = session.next(&mut stream).await? {
        let room = most - answer.rows();
        answer.add(&batch, room)?;
        if batch.num_rows() > room {
            session.note_incomplete(format!(
                "only the first {most} rows are shown; ask for application/x-ndjson or text/csv to get all"
            ));
            break;
        }
    }
    drop(stream);
    answer.finish(session)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn accept_names_the_format() {
        let with = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            format(&headers)
        };
        assert_eq!(format(&HeaderMap::new()), None);
        assert_eq!(with("*/*"), None);
        assert_eq!(with("text/csv;q=0.9, */*"), Some(Format::Csv));
        assert_eq!(with("application/x-ndjson"), Some(Format::NdJson));
        assert_eq!(with("application/json, text/csv"), None);
    }
}
