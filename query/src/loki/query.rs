//! `query` and `query_range`

use axum::response::Response;
use http::HeaderMap;
use spoor_storage::{Error, Result};

use super::answer::{LokiError, matrix, scalar, streams, vector};
use super::request::Given;
use crate::api::ApiState;
use crate::logql::ast::Expr;
use crate::logql::metrics::{Metrics, Series, Steps, Value};
use crate::logql::scan::Processed;
use crate::logql::select::{LogSearch, find};
use crate::parameters::{Order, now_ns};

pub(super) const DEFAULT_LIMIT: usize = 100;
pub(super) const MAX_LIMIT: usize = 10_000;

/// Without `start` and `since`, of metric queries.
const DEFAULT_RANGE_NS: i64 = 3_600_000_000_000;

/// With which clients ask for labels told apart by where they come from.
const ENCODING_FLAGS: &str = "x-loki-response-encoding-flags";

pub(super) fn is_categorized(headers: &HeaderMap) -> bool {
    headers
        .get_all(ENCODING_FLAGS)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|flags| {
            flags
                .split(',')
                .any(|flag| flag.trim() == "categorize-labels")
        })
}

fn order(given: &Given) -> Result<Order> {
    match given
        .get("direction")
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        None | Some("backward") => Ok(Order::Desc),
        Some("forward") => Ok(Order::Asc),
        Some(other) => Err(Error::invalid(format!(
            "`direction` is `{other}`; it can be forward or backward"
        ))),
    }
}

/// `query?query=&time=`
pub(super) async fn query(state: ApiState, given: Given) -> Result<Response, LokiError> {
    let expr = given.expr()?;
    if matches!(expr, Expr::Logs(_)) {
        return Err(Error::invalid(
            "log queries are not supported as an instant query type, \
             please change your query to a range query type",
        )
        .into());
    }
    let time_ns = given.time("time")?.unwrap_or_else(now_ns);
    let session = state.begin().await?;
    let mut metrics = Metrics {
        session: &session,
        steps: Steps::at(time_ns),
        processed: Processed::default(),
    };
    Ok(match metrics.answer(&expr).await? {
        Value::Number(number) => scalar(&session, time_ns, number),
        Value::Series(series) => vector(&session, time_ns, &series, metrics.processed),
    })
}

/// `query_range?query=&start=&end=&since=&limit=&direction=&step=&interval=`
pub(super) async fn query_range(
    state: ApiState,
    headers: HeaderMap,
    given: Given,
) -> Result<Response, LokiError> {
    let expr = given.expr()?;
    if let Expr::Logs(query) = &expr {
        let search = LogSearch {
            query,
            range: given.range(None)?,
            order: order(&given)?,
            limit: given.limit("limit", DEFAULT_LIMIT, MAX_LIMIT)?,
            interval_ns: given.duration("interval")?.unwrap_or(0),
        };
        let session = state.begin().await?;
        let (found, processed) = find(&session, &search).await?;
        return Ok(streams(
            &session,
            &found,
            processed,
            is_categorized(&headers),
        ));
    }
    let (steps, _) = given.steps(DEFAULT_RANGE_NS)?;
    let session = state.begin().await?;
    let mut metrics = Metrics {
        session: &session,
        steps,
        processed: Processed::default(),
    };
    let series = match metrics.answer(&expr).await? {
        Value::Series(series) => series,
        Value::Number(number) => vec![Series {
            labels: std::collections::BTreeMap::new(),
            samples: vec![Some(number); steps.count],
        }],
    };
    Ok(matrix(&session, steps, &series, metrics.processed))
}
