//! Which spans of a trace match a search.

use datafusion::prelude::{col, lit};
use spoor_storage::{Table, TimeRange, TraceId};

use super::load::{COLUMNS, SlimRow, slim_rows};
use super::whole::WholeTrace;
use crate::api::ApiError;
use crate::failure::from_datafusion;
use crate::language;
use crate::session::QuerySession;

/// A search for spans. Errors if it is none.
pub(super) fn search_of(text: &str) -> Result<language::Query, ApiError> {
    let query = language::parse(text)?;
    language::check(&query, Table::Spans)?;
    Ok(query)
}

/// By place, whether a span matches.
pub(super) async fn matching(
    session: &QuerySession,
    id: TraceId,
    trace: &WholeTrace,
    query: &language::Query,
) -> Result<Vec<bool>, ApiError> {
    let condition = language::condition(session, query, Table::Spans, TimeRange::ALL).await?;
    let frame = session
        .table(Table::Spans)
        .await?
        .filter(col("trace_id").eq(lit(id.to_string())))
        .and_then(|frame| frame.filter(condition))
        .and_then(|frame| frame.select_columns(&COLUMNS))
        .map_err(from_datafusion)?;
    let mut matches = vec![false; trace.spans.len()];
    let mut stream = session.stream(frame).await?;
    while let Some(batch) = session.next(&mut stream).await? {
        slim_rows(&batch, |row| {
            for place in trace.places_of(row.node.span_id) {
                matches[place] |= is_row(trace, place, &row);
            }
            Ok(())
        })?;
    }
    Ok(matches)
}

/// Whether a row of the table is the span at a place: several spans may share an id.
fn is_row(trace: &WholeTrace, place: usize, row: &SlimRow<'_>) -> bool {
    let span = &trace.spans[place];
    span.start_ns == row.node.start_ns
        && span.duration_ns == row.node.duration_ns
        && span.error == row.node.error
        && trace.is_operation(span, row.operation)
}
