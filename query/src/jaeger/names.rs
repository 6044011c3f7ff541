//! Names of services and operations, to choose from.

use axum::extract::{Path, Query};
use axum::response::Response;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{col, concat, lit};
use spoor_storage::{Result, Table, TimeRange};

use super::answer::{JaegerError, answer};
use super::parameters::Given;
use crate::api::ApiState;
use crate::by_file::{ByFile, RowCount};
use crate::otlp::JsonWriter;
use crate::session::QuerySession;

/// A list of names is cut off here, and the answer says so.
const MAX_NAMES: usize = 10_000;
/// Between a name and a kind.
const MARK: char = '\0';

/// `GET /jaeger/api/services`
pub(super) async fn services(state: ApiState) -> Result<Response, JaegerError> {
    let session = state.begin().await?;
    let names = service_names(&session).await?;
    Ok(answer_names(&session, &names))
}

/// The names of all services, sorted.
pub(super) async fn service_names(session: &QuerySession) -> Result<Vec<String>> {
    let count = RowCount::of_values(Table::Spans, "service_name", None)?;
    distinct(session, lit(true), &count).await
}

/// `GET /jaeger/api/services/{service}/operations`
pub(super) async fn operations_of(
    state: ApiState,
    Path(service): Path<String>,
) -> Result<Response, JaegerError> {
    let session = state.begin().await?;
    let of_service = col("service_name").eq(lit(service));
    let count = RowCount::of_values(Table::Spans, "name", None)?;
    let names = distinct(&session, of_service, &count).await?;
    Ok(answer_names(&session, &names))
}

/// `GET /jaeger/api/operations?service=&spanKind=`
pub(super) async fn operations(
    state: ApiState,
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
    let of_service = col("service_name").eq(lit(service));
    let name_and_kind = concat(vec![col("name"), lit(MARK.to_string()), col("kind")]);
    let count = RowCount::of_text(Table::Spans, "name", name_and_kind);
    let found = distinct(session, of_service, &count).await?;
    let mut found: Vec<[String; 2]> = found
        .iter()
        .filter_map(|text| text.rsplit_once(MARK))
        .filter(|(_, found)| kind.is_none_or(|kind| kind.to_uppercase() == *found))
        .map(|(name, kind)| [name.to_owned(), kind.to_owned()])
        .collect();
    found.sort_unstable();
    Ok(found)
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
    json.list(names, |json, name| json.string(name));
}

/// The distinct texts of the spans that match, sorted. What a file has is read once.
async fn distinct(
    session: &QuerySession,
    condition: Expr,
    count: &RowCount<'_>,
) -> Result<Vec<String>> {
    let rows = ByFile {
        session,
        table: Table::Spans,
        range: TimeRange::ALL,
        filter: condition,
        buckets: None,
    };
    let mut texts: Vec<String> = match rows.cells(count).await? {
        Some(cells) => cells.into_values().map(|(text, _)| text.into()).collect(),
        None => count.first(&rows, MAX_NAMES + 1).await?,
    };
    texts.sort_unstable();
    if texts.len() > MAX_NAMES {
        texts.truncate(MAX_NAMES);
        session.note_incomplete(format!("there are more than {MAX_NAMES} names"));
    }
    Ok(texts)
}
