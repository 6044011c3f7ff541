//! Spans read trace by trace, as what is counted of calls needs them.
//!
//! They are read sorted by trace (the sort spills to disk), so that one trace at a time is held.
//!
//! Calls are not counted file by file (`by_file`): caller and called may be in different files, and a span that
//! was sent twice, once into each of two, is one call. What a file says of its own spans is not a part of the sum.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::Array as _;
use arrow::record_batch::RecordBatch;
use datafusion::prelude::col;
use spoor_storage::{Result, SpanId, Table, TimeRange};

use super::api::in_range;
use super::peer::{Peer, PeerColumns};
use crate::failure::from_datafusion;
use crate::otlp::{integers, nanoseconds, strings};
use crate::session::QuerySession;
use crate::trace::assemble::{Side, SpanNode};

/// A caller may have started so much before the range that the call is in.
const CALLER_MARGIN_NS: i64 = 3_600_000_000_000;
/// A caller's clock may be so much ahead of the called's.
const CLOCK_SKEW_NS: i64 = 60_000_000_000;
/// A longer trace is counted in parts, and calls between the parts are missed.
const MAX_SPANS_AT_ONCE: usize = 500_000;
/// Names of services and spans that are shared between spans.
const MAX_SHARED_NAMES: usize = 100_000;

/// The spans of one trace that are in the range or may have called one that is.
#[derive(Debug, Default)]
pub(crate) struct TraceSpans {
    /// 32 hexadecimal digits.
    pub(crate) trace_id: String,
    pub(crate) spans: Vec<SpanNode>,
    /// The service of each span.
    pub(crate) services: Vec<Arc<str>>,
    /// The name of each span; empty if not asked for.
    pub(crate) names: Vec<Arc<str>>,
    /// What each span called that has no spans of its own, as far as it says; empty if not asked for.
    pub(crate) peers: Vec<Option<Peer>>,
    /// Whether each span starts in the range and is not the same as one before.
    pub(crate) counted: Vec<bool>,
}

/// What is read of spans beside what a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    Nothing,
    Names,
    Peers,
}

/// When spans start that are read to know the calls in a range.
pub(super) fn read_for(range: TimeRange) -> TimeRange {
    TimeRange {
        start_ns: range.start_ns.saturating_sub(CALLER_MARGIN_NS),
        end_ns: range.end_ns.saturating_add(CLOCK_SKEW_NS),
    }
}

/// Calls `visit` with every trace that has spans in `range`, in the order of their ids.
pub(crate) async fn each_trace(
    session: &QuerySession,
    range: TimeRange,
    beside: Beside,
    visit: impl FnMut(&TraceSpans),
) -> Result<()> {
    let read = read_for(range);
    session.note_skipped(Table::Spans, range);
    let mut columns: Vec<_> = Reader::<fn(&TraceSpans)>::COLUMNS.map(col).to_vec();
    match beside {
        Beside::Nothing => {}
        Beside::Names => columns.push(col("name")),
        Beside::Peers => columns.extend(PeerColumns::exprs()?),
    }
    let frame = in_range(session.table(Table::Spans).await?, Table::Spans, read)?
        .select(columns)
        .and_then(|frame| frame.sort(vec![col("trace_id").sort(true, false)]))
        .map_err(from_datafusion)?;
    let mut reader = Reader {
        range,
        visit,
        trace: TraceSpans::default(),
        known: HashSet::new(),
        split_traces: 0,
    };
    let mut stream = session.stream(frame).await?;
    while let Some(batch) = session.next(&mut stream).await? {
        reader.add(&batch, beside)?;
    }
    reader.end_trace();
    if reader.split_traces > 0 {
        session.note_incomplete(format!(
            "{} traces have more than {MAX_SPANS_AT_ONCE} spans; some of their calls are missed",
            reader.split_traces
        ));
    }
    Ok(())
}

struct Reader<V> {
    range: TimeRange,
    visit: V,
    trace: TraceSpans,
    known: HashSet<Arc<str>>,
    split_traces: usize,
}

impl<V: FnMut(&TraceSpans)> Reader<V> {
    const COLUMNS: [&'static str; 8] = [
        "trace_id",
        "span_id",
        "parent_span_id",
        "kind",
        "service_name",
        "start_time",
        "duration_ns",
        "status_code",
    ];

    fn add(&mut self, batch: &RecordBatch, beside: Beside) -> Result<()> {
        let (names, peers) = match beside {
            Beside::Nothing => (None, None),
            Beside::Names => (Some(strings(batch.column(Self::COLUMNS.len()))?), None),
            Beside::Peers => (None, Some(PeerColumns::open(batch)?)),
        };
        let (traces, ids) = (strings(batch.column(0))?, strings(batch.column(1))?);
        let (parents, kinds) = (strings(batch.column(2))?, strings(batch.column(3))?);
        let (services, starts) = (strings(batch.column(4))?, nanoseconds(batch.column(5))?);
        let (durations, codes) = (integers(batch.column(6))?, strings(batch.column(7))?);
        for row in 0..batch.num_rows() {
            if traces.value(row) != self.trace.trace_id {
                self.end_trace();
                traces.value(row).clone_into(&mut self.trace.trace_id);
            } else if self.trace.spans.len() >= MAX_SPANS_AT_ONCE {
                self.split_traces += 1;
                self.end_trace();
            }
            let parent = parents
                .is_valid(row)
                .then(|| parents.value(row).parse::<SpanId>());
            self.trace.spans.push(SpanNode {
                span_id: ids.value(row).parse()?,
                parent_span_id: parent.transpose()?,
                side: Side::of_kind(kinds.value(row)),
                start_ns: starts.value(row),
                duration_ns: durations.value(row),
                error: codes.value(row) == "ERROR",
            });
            if let Some(names) = &names {
                let name = self.intern(names.value(row));
                self.trace.names.push(name);
            }
            if let Some(peers) = &peers {
                self.trace.peers.push(peers.peer(row));
            }
            let service = self.intern(services.value(row));
            self.trace.services.push(service);
        }
        Ok(())
    }

    fn intern(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.known.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        // Names past the bound are still right, only not shared.
        if self.known.len() < MAX_SHARED_NAMES {
            self.known.insert(Arc::clone(&new));
        }
        new
    }

    /// Shows the trace that is complete now.
    fn end_trace(&mut self) {
        if self.trace.spans.is_empty() {
            return;
        }
        let mut seen = HashSet::with_capacity(self.trace.spans.len());
        let range = self.range;
        self.trace.counted = self
            .trace
            .spans
            .iter()
            .zip(&self.trace.services)
            .map(|(span, service)| {
                let ids = (span.span_id, span.parent_span_id, span.side);
                let first = seen.insert((ids, span.start_ns, span.duration_ns, service));
                first && range.overlaps(span.start_ns, span.start_ns)
            })
            .collect();
        (self.visit)(&self.trace);
        self.trace.spans.clear();
        self.trace.services.clear();
        self.trace.names.clear();
        self.trace.peers.clear();
    }
}
