//! `GET /api/v1/traces/{trace_id}/timeline/logs`: the log records of a trace, or of what is below one of its spans.
//!
//! ```text
//!  tree (kept) ─► places at and below a span ─► in_spans(span_id) ─► a list of logs, page by page
//! ```

use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use datafusion::prelude::{col, lit};
use serde::Deserialize;
use spoor_storage::{SpanId, Table, TimeRange};

use super::request::{check_place, stored_trace};
use super::whole::WholeTrace;
use crate::api::{Answer, ApiError, ApiState, LogPage, LogsAnswer, Parameters, optional};
use crate::functions::{SpanSet, in_spans};
use crate::listing::{Listing, Patience, RowPlace};
use crate::openapi::words::{Cursor, TraceIdText};
use crate::openapi::{NotFound, ReadErrors};
use crate::parameters::{Order, decode_cursor, limit};
use crate::trace::load::trace_id_of;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 10_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::trace) struct Given {
    /// Narrows to the span of this `span_index` and what is below it.
    #[serde(default, deserialize_with = "optional")]
    under: Option<usize>,
    /// How many records a page has.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 10_000, default = 100)]
    limit: Option<usize>,
    /// By time: `asc`, the oldest first, unless said otherwise.
    #[serde(default, deserialize_with = "optional")]
    order: Option<Order>,
    /// Where to go on.
    #[serde(default, deserialize_with = "optional")]
    #[param(value_type = Option<Cursor>)]
    cursor: Option<String>,
}

/// Log records of a trace, or of a part of it.
///
/// Those that carry its id; with `under` only those of one span and of all below it, however many these are. In order of time, page
/// by page.
#[utoipa::path(
    get, path = "/api/v1/traces/{trace_id}/timeline/logs", tag = "Traces", operation_id = "trace_timeline_logs",
    params(("trace_id" = TraceIdText, Path, description = "In either case."), Given),
    responses((status = 200, description = "A page of records.", body = LogsAnswer, example = LogPage::example), ReadErrors, NotFound),
)]
pub(in crate::trace) async fn logs(
    state: ApiState,
    Path(trace_id): Path<String>,
    Parameters(given): Parameters<Given>,
) -> Result<Json<LogsAnswer>, ApiError> {
    let id = trace_id_of(&trace_id)?;
    let limit = limit(given.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let cursor = given.cursor.as_deref();
    let after = cursor.map(decode_cursor::<RowPlace>).transpose()?;
    let session = state.begin().await?;
    let trace = stored_trace(&session, id).await?;
    let mut filter = col("trace_id").eq(lit(id.to_string()));
    if let Some(under) = given.under {
        check_place(&trace, "under", under)?;
        filter = filter.and(in_spans(col("span_id"), Arc::new(Below { trace, under })));
    }
    let listing = Listing {
        session: &session,
        table: Table::Logs,
        range: TimeRange::ALL,
        order: given.order.unwrap_or(Order::Asc),
        filter,
        after,
    };
    let page = LogPage::of(&listing, Patience::default(), limit).await?;
    Ok(Json(Answer::new(&session, page)))
}

/// A span and all below it.
#[derive(Debug)]
struct Below {
    trace: Arc<WholeTrace>,
    under: usize,
}

impl SpanSet for Below {
    fn has(&self, id: SpanId) -> bool {
        let end = self.trace.end_of(self.under);
        self.trace.has_between(id, self.under, end)
    }
}
