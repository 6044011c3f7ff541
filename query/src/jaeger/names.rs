//! Names of services and operations, to choose from.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{col, lit};
use spoor_storage::{Result, Table};

use super::answer::{JaegerError, answer};
use super::parameters::Given;
use crate::api::ApiState;
use crate::failure::from_datafusion;
use crate::otlp::{JsonWriter, strings};
use crate::session::QuerySession;

/// A list of names is cut off here, and the answer says so.
const MAX_NAMES: usize = 10_000;

/// `GET /jaeger/api/services`
pub(super) async fn services(State(state): State<ApiState>) -> Result<Response, JaegerError> {
    let session = state.begin().await?;
    let names = service_names(&session).await?;
    Ok(answer_names(&session, &names))
}

/// The names of all services, sorted.
pub(super) async fn service_names(session: &QuerySession) -> Result<Vec<String>> {
    let rows = distinct(session, lit(true), &["service_name"]).await?;
    Ok(rows.into_iter().flatten().collect())
}

/// `GET /jaeger/api/services/{service}/operations`
pub(super) async fn operations_of(
    State(state): State<ApiState>,
    Path(service): Path<String>,
) -> Result<Response, JaegerError> {
    let session = state.begin().await?;
    let of_service = col("service_name").eq(lit(service));
    let rows = distinct(&session, of_service, &["name"]).await?;
    let names: Vec<String> = rows.into_iter().flatten().collect();
    Ok(answer_names(&session, &names))
}

/// `GET /jaeger/api/operations?service=&spanKind=`
pub(super) async fn operations(
    State(state): State<ApiState>,
    Query(given): Query<Vec<(String, String)>>,
) -> Result<Response, JaegerError> {
    let given = Given(given);
    let (service, kind) = (given.service()?, given.one("spanKind"));
    let session = state.begin().await?;
    let found = operations_with_kind(&session, service, kind).await?;
    Ok(answer(&session.outcome(), &[], |json| {
        write_operations(json, &found);
        found.len()
    }))
}

/// Names and kinds of the operations of a service, sorted; of one kind, if one is given.
pub(super) async fn operations_with_kind(
    session: &QuerySession,
    service: &str,
    kind: Option<&str>,
) -> Result<Vec<[String; 2]>> {
    let mut condition = col("service_name").eq(lit(service));
    if let Some(kind) = kind {
        condition = condition.and(col("kind").eq(lit(kind.to_uppercase())));
    }
    let rows = distinct(session, condition, &["name", "kind"]).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| row.try_into().ok())
        .collect())
}

/// `[{"name", "spanKind"}]`
pub(super) fn write_operations(json: &mut JsonWriter, operations: &[[String; 2]]) {
    json.begin_array();
    for [name, kind] in operations {
        json.begin_object();
        json.key("name");
        json.string(name);
        json.key("spanKind");
        json.string(&super::trace::kind_word(kind));
        json.end_object();
    }
    json.end_array();
}

fn answer_names(session: &QuerySession, names: &[String]) -> Response {
    answer(&session.outcome(), &[], |json| {
        write_names(json, names);
        names.len()
    })
}

/// `["…"]`
pub(super) fn write_names(json: &mut JsonWriter, names: &[String]) {
    json.begin_array();
    for name in names {
        json.string(name);
    }
    json.end_array();
}

/// The distinct values of text columns of spans, sorted.
async fn distinct(
    session: &QuerySession,
    condition: Expr,
    columns: &[&str],
) -> Result<Vec<Vec<String>>> {
    let frame = session
        .table(Table::Spans)
        .await?
        .filter(condition)
        .and_then(|frame| frame.select_columns(columns)?.distinct())
        .and_then(|frame| {
            frame.sort(
                columns
                    .iter()
                    .map(|name| col(*name).sort(true, true))
                    .collect(),
            )
        })
        .and_then(|frame| frame.limit(0, Some(MAX_NAMES + 1)))
        .map_err(from_datafusion)?;
    let mut rows = Vec::new();
    for batch in session.collect(frame).await? {
        let texts = batch
            .columns()
            .iter()
            .map(strings)
            .collect::<Result<Vec<_>>>()?;
        rows.extend((0..batch.num_rows()).map(|row| {
            texts
                .iter()
                .map(|text| text.value(row).to_owned())
                .collect::<Vec<_>>()
        }));
    }
    if rows.len() > MAX_NAMES {
        rows.truncate(MAX_NAMES);
        session.note_incomplete(format!("there are more than {MAX_NAMES} names"));
    }
    Ok(rows)
}
