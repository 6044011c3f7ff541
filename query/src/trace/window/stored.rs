//! The row of one span: all that is not kept of a trace for its windows.

use datafusion::prelude::{Expr, col, lit};
use spoor_storage::{Result, Table, TraceId};

use super::whole::WholeTrace;
use crate::listing::instant;
use crate::otlp::{JsonWriter, SpanColumns, SpanRef};
use crate::session::QuerySession;
use crate::trace::timeline::write_stored_span;

/// Rows that are taken of those that are the same span: it was sent that often.
const MAX_RETRIES: usize = 16;

/// One span as it is stored.
#[derive(Debug)]
pub(super) struct StoredSpan {
    columns: SpanColumns,
    row: usize,
}

impl StoredSpan {
    /// The span at a place of a trace; `None` if its row is not there any more.
    pub(super) async fn of(
        session: &QuerySession,
        id: TraceId,
        trace: &WholeTrace,
        place: usize,
    ) -> Result<Option<Self>> {
        let wanted = is_span(id, trace, place);
        let batches = session.matching(Table::Spans, wanted, MAX_RETRIES).await?;
        let mut first: Option<Self> = None;
        for batch in &batches {
            let columns = SpanColumns::open(batch)?;
            let Some(row) = (0..columns.len()).min_by_key(|row| columns.record_id(*row)) else {
                continue;
            };
            let found = Self { columns, row };
            if first
                .as_ref()
                .is_none_or(|first| found.record_id() < first.record_id())
            {
                first = Some(found);
            }
        }
        Ok(first)
    }

    fn record_id(&self) -> i64 {
        self.columns.record_id(self.row)
    }

    /// Its fields as those of a timeline, from the start of `trace`.
    pub(super) fn write(&self, json: &mut JsonWriter, trace: &WholeTrace) {
        let span = SpanRef {
            columns: &self.columns,
            row: self.row,
        };
        write_stored_span(json, span, trace.extent.start_ns);
    }
}

/// The two halves of a call may share an id: then kind and times tell them apart.
fn is_span(id: TraceId, trace: &WholeTrace, place: usize) -> Expr {
    let span = &trace.spans[place];
    let [_, _, kind] = trace.operation(span);
    let status = if span.error {
        col("status_code").eq(lit("ERROR"))
    } else {
        col("status_code").not_eq(lit("ERROR"))
    };
    col("trace_id")
        .eq(lit(id.to_string()))
        .and(col("span_id").eq(lit(span.span_id.to_string())))
        .and(col("start_time").eq(instant(span.start_ns)))
        .and(col("duration_ns").eq(lit(span.duration_ns)))
        .and(col("kind").eq(lit(&**kind)))
        .and(status)
}
