//! All spans of a trace, in the order in which they were accepted, retries collapsed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::prelude::{col, lit};
use spoor_storage::{Result, SpanId, Table, TraceId};

use super::assemble::{Side, SpanNode};
use crate::otlp::{SpanColumns, SpanRef, span_identity};
use crate::session::QuerySession;

/// An answer shows at most this many spans; more are left out and the answer says so.
pub(crate) const MAX_SPANS: usize = 200_000;

/// The spans of one trace.
#[derive(Debug, Clone)]
pub(crate) struct LoadedTrace {
    columns: Arc<[SpanColumns]>,
    /// Batch and row.
    rows: Vec<(usize, usize)>,
    /// Spans left out because they are the same as another.
    pub(crate) collapsed: usize,
}

impl LoadedTrace {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn span(&self, index: usize) -> SpanRef<'_> {
        let (batch, row) = self.rows[index];
        SpanRef {
            columns: &self.columns[batch],
            row,
        }
    }

    pub(crate) fn spans(&self) -> impl Iterator<Item = SpanRef<'_>> {
        (0..self.len()).map(|index| self.span(index))
    }

    /// What assembly needs to know of each span.
    pub(crate) fn nodes(&self) -> Vec<SpanNode> {
        let node = |SpanRef { columns, row }: SpanRef<'_>| SpanNode {
            span_id: SpanId(columns.span_id(row)),
            parent_span_id: columns.parent_span_id(row).map(SpanId),
            side: Side::of_kind(columns.kind(row)),
            start_ns: columns.start_ns(row),
            duration_ns: columns.duration_ns(row),
            error: columns.status_code(row) == "ERROR",
        };
        self.spans().map(node).collect()
    }

    /// The spans of all traces in `batches`, by trace.
    pub(crate) fn split(batches: &[RecordBatch]) -> Result<HashMap<TraceId, Self>> {
        let columns = batches.iter().map(SpanColumns::open);
        Ok(Self::split_opened(
            &columns.collect::<Result<_>>()?,
            span_identity,
        ))
    }

    /// The spans of all traces in `batches`, which have some columns only, by trace. Spans with
    /// the same `identity` are retries.
    pub(crate) fn split_parts(
        batches: &[RecordBatch],
        identity: impl Fn(SpanRef<'_>) -> Vec<u8>,
    ) -> Result<HashMap<TraceId, Self>> {
        let columns = batches.iter().map(SpanColumns::open_part);
        Ok(Self::split_opened(
            &columns.collect::<Result<_>>()?,
            identity,
        ))
    }

    fn split_opened(
        columns: &Arc<[SpanColumns]>,
        identity: impl Fn(SpanRef<'_>) -> Vec<u8>,
    ) -> HashMap<TraceId, Self> {
        let mut rows: HashMap<TraceId, Vec<(usize, usize)>> = HashMap::new();
        for (batch, opened) in columns.iter().enumerate() {
            for row in 0..opened.len() {
                rows.entry(TraceId(opened.trace_id(row)))
                    .or_default()
                    .push((batch, row));
            }
        }
        let loaded = |(id, mut rows): (TraceId, Vec<(usize, usize)>)| {
            rows.sort_unstable_by_key(|&(batch, row)| columns[batch].record_id(row));
            let before = rows.len();
            collapse_retries(columns, &mut rows, &identity);
            let trace = Self {
                collapsed: before - rows.len(),
                columns: Arc::clone(columns),
                rows,
            };
            (id, trace)
        };
        rows.into_iter().map(loaded).collect()
    }
}

/// Keeps the first of spans that are the same in everything. Only spans whose id comes more than
/// once are compared: the two halves of a Zipkin span share an id and differ.
fn collapse_retries(
    columns: &[SpanColumns],
    rows: &mut Vec<(usize, usize)>,
    identity: impl Fn(SpanRef<'_>) -> Vec<u8>,
) {
    let mut times: HashMap<[u8; 8], u32> = HashMap::with_capacity(rows.len());
    for &(batch, row) in rows.iter() {
        *times.entry(columns[batch].span_id(row)).or_default() += 1;
    }
    if times.len() == rows.len() {
        return;
    }
    let mut seen = HashSet::new();
    rows.retain(|&(batch, row)| {
        let span = SpanRef {
            columns: &columns[batch],
            row,
        };
        times.get(&span.columns.span_id(row)) == Some(&1) || seen.insert(identity(span))
    });
}

/// A trace id as users and other systems write it. Errors if it is not one.
pub(crate) fn trace_id_of(text: &str) -> Result<TraceId> {
    text.parse::<TraceId>()
        .map_err(|error| error.with_hint("a trace id is 32 hexadecimal digits"))
}

/// A trace, or `None` if no span of it is stored.
pub(crate) async fn load_trace(session: &QuerySession, id: TraceId) -> Result<Option<LoadedTrace>> {
    Ok(load_traces(session, &[id]).await?.remove(&id))
}

/// Those of the traces that are stored.
pub(crate) async fn load_traces(
    session: &QuerySession,
    ids: &[TraceId],
) -> Result<HashMap<TraceId, LoadedTrace>> {
    let wanted = match ids {
        [] => return Ok(HashMap::new()),
        [id] => col("trace_id").eq(lit(id.to_string())),
        _ => col("trace_id").in_list(ids.iter().map(|id| lit(id.to_string())).collect(), false),
    };
    let mut batches = session
        .matching(Table::Spans, wanted, MAX_SPANS + 1)
        .await?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if rows > MAX_SPANS {
        session.note_incomplete(format!(
            "there are more than {MAX_SPANS} spans; the rest is left out"
        ));
        let last = batches.pop();
        batches.extend(last.map(|batch| batch.slice(0, batch.num_rows().saturating_sub(1))));
    }
    LoadedTrace::split(&batches)
}
