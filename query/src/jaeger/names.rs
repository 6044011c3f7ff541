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
use crate::otlp::strings;
use crate::session::QuerySession;

/// A list of names is cut off here, and the answer says so.
const MAX_NAMES: usize = 10_000;

/// `GET /jaeger/api/services`
pub(super) async fn services(State(state): State<ApiState>) -> Result<Response, JaegerError> {
    let session = state.begin().await?;
    let names = distinct(&session, lit(true), &["service_name"]).await?;
    Ok(answer_names(&session, &names))
}

/// `GET /jaeger/api/services/{service}/operations`
pub(super) async fn operations_of(
    State(state): State<ApiState>,
    Path(service): Path<String>,
) -> Result<Response, JaegerError> {
    let session = state.begin().await?;
    let of_service = col("service_name").eq(lit(service));
    let names = distinct(&session, of_service, &["name"]).await?;
    Ok(answer_names(&session, &names))
}

/// `GET /jaeger/api/operations?service=&spanKind=`
pub(super) async fn operations(
    State(state): State<ApiState>,
    Query(given): Query<Vec<(String, String)>>,
) -> Result<Response, JaegerError> {
    let given = Given(given);
    let mut condition = col("service_name").eq(lit(given.service()?));
    if let Some(kind) = given.one("spanKind") {
        condition = condition.and(col("kind").eq(lit(kind.to_uppercase())));
    }
    let session = state.begin().await?;
    let rows = distinct(&session, condition, &["name", "kind"]).await?;
    Ok(answer(&session.outcome(), &[], |json| {
        json.begin_array();
        for row in &rows {
            let [name, kind] = row.as_slice() else {
                continue;
            };
            json.begin_object();
            json.key("name");
            json.string(name);
            json.key("spanKind");
            json.string(&super::trace::kind_word(kind));
            json.end_object();
        }
        json.end_array();
        rows.len()
    }))
}

fn answer_names(session: &QuerySession, names: &[Vec<String>]) -> Response {
    answer(&session.outcome(), &[], |json| {
        json.begin_array();
        for name in names.iter().flatten() {
            json.string(name);
        }
        json.end_array();
        names.len()
    })
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
