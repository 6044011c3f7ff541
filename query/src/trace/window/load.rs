//! The spans of a trace as little as a timeline needs of them.

use std::collections::HashMap;

use arrow::array::Array as _;
use arrow::record_batch::RecordBatch;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::prelude::{col, lit};
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{RecordId, Result, Table, TraceId};

use crate::failure::from_datafusion;
use crate::otlp::{integers, nanoseconds, strings};
use crate::session::QuerySession;
use crate::trace::assemble::{Side, SpanNode};

/// More spans are left out, and the answer says so.
pub(super) const MAX_SPANS: usize = 1_000_000;
/// Bytes a span may take until it is answered: itself, its place in the tree, and what both are made with.
const BYTES_A_SPAN: usize = 320;
/// Operations whose names are kept.
const MAX_OPERATIONS: usize = 100_000;
/// The name of those beyond.
pub(super) const OTHER: &str = "(other)";

/// Service, name, kind.
pub(super) type Operation = [Box<str>; 3];

/// The spans of a trace.
#[derive(Debug, Default)]
pub(super) struct SlimTrace {
    /// In the order of arrival, retries once.
    pub(super) nodes: Vec<SpanNode>,
    /// The operation of each span by number.
    pub(super) operation_of: Vec<u32>,
    pub(super) operations: Vec<Operation>,
    /// Spans left out because they are the same as another.
    pub(super) collapsed: usize,
    /// The largest id of its records, of those left out too.
    pub(super) newest: RecordId,
    /// Whether there are more spans.
    pub(super) cut_off: bool,
    numbers: HashMap<Operation, u32>,
}

/// The memory of a query that a trace takes until it is assembled.
pub(super) type Reserved = MemoryReservation;

/// The columns that are read of a span.
pub(super) const COLUMNS: [&str; 9] = [
    "span_id",
    "parent_span_id",
    "kind",
    "service_name",
    "name",
    "start_time",
    "duration_ns",
    "status_code",
    RECORD_ID,
];

/// Loads a trace; without spans if none is stored.
pub(super) async fn load_slim(
    session: &QuerySession,
    id: TraceId,
) -> Result<(SlimTrace, Reserved)> {
    let frame = session
        .table(Table::Spans)
        .await?
        .filter(col("trace_id").eq(lit(id.to_string())))
        .and_then(|frame| frame.select_columns(&COLUMNS))
        .map_err(from_datafusion)?;
    let pool = &session.context().runtime_env().memory_pool;
    let reservation = MemoryConsumer::new("timeline").register(pool);
    let mut trace = SlimTrace::default();
    let mut rows: Vec<(i64, SpanNode, u32)> = Vec::new();
    let mut stream = session.stream(frame).await?;
    while let Some(batch) = session.next(&mut stream).await? {
        trace.add(&batch, &mut rows)?;
        reservation
            .try_resize(rows.len() * BYTES_A_SPAN)
            .map_err(from_datafusion)?;
        if rows.len() > MAX_SPANS {
            trace.cut_off = true;
            break;
        }
    }
    drop(stream);
    rows.sort_unstable_by_key(|(record_id, ..)| *record_id);
    rows.truncate(MAX_SPANS);
    trace.fill(rows);
    Ok((trace, reservation))
}

/// A row of the table.
pub(super) struct SlimRow<'a> {
    pub(super) record_id: i64,
    pub(super) node: SpanNode,
    /// Service, name, kind.
    pub(super) operation: [&'a str; 3],
}

/// Reads a batch of [`COLUMNS`].
pub(super) fn slim_rows(
    batch: &RecordBatch,
    mut each: impl FnMut(SlimRow<'_>) -> Result<()>,
) -> Result<()> {
    let (ids, parents) = (strings(batch.column(0))?, strings(batch.column(1))?);
    let (kinds, services) = (strings(batch.column(2))?, strings(batch.column(3))?);
    let (names, starts) = (strings(batch.column(4))?, nanoseconds(batch.column(5))?);
    let (durations, codes) = (integers(batch.column(6))?, strings(batch.column(7))?);
    let record_ids = integers(batch.column(8))?;
    for row in 0..batch.num_rows() {
        let parent = parents.is_valid(row).then(|| parents.value(row).parse());
        let node = SpanNode {
            span_id: ids.value(row).parse()?,
            parent_span_id: parent.transpose()?,
            side: Side::of_kind(kinds.value(row)),
            start_ns: starts.value(row),
            duration_ns: durations.value(row),
            error: codes.value(row) == "ERROR",
        };
        each(SlimRow {
            record_id: record_ids.value(row),
            node,
            operation: [services.value(row), names.value(row), kinds.value(row)],
        })?;
    }
    Ok(())
}

impl SlimTrace {
    /// Of spans that are no retries.
    #[cfg(test)]
    pub(super) fn of_nodes<'a>(
        nodes: Vec<SpanNode>,
        operation: impl Fn(usize) -> [&'a str; 3],
    ) -> Self {
        let mut trace = Self::default();
        let numbers = (0..nodes.len()).map(|span| trace.number(operation(span)));
        trace.operation_of = numbers.collect();
        Self { nodes, ..trace }
    }

    fn add(&mut self, batch: &RecordBatch, rows: &mut Vec<(i64, SpanNode, u32)>) -> Result<()> {
        slim_rows(batch, |row| {
            rows.push((row.record_id, row.node, self.number(row.operation)));
            Ok(())
        })
    }

    fn number(&mut self, operation: [&str; 3]) -> u32 {
        let mut operation: Operation = operation.map(Into::into);
        if let Some(number) = self.numbers.get(&operation) {
            return *number;
        }
        if self.operations.len() >= MAX_OPERATIONS {
            operation[1] = OTHER.into();
            if let Some(number) = self.numbers.get(&operation) {
                return *number;
            }
        }
        let number = u32::try_from(self.operations.len()).unwrap_or(u32::MAX);
        self.operations.push(operation.clone());
        self.numbers.insert(operation, number);
        number
    }

    /// Takes the rows, of those that are the same in everything the first.
    fn fill(&mut self, rows: Vec<(i64, SpanNode, u32)>) {
        let mut by_id: Vec<u32> = (0..u32::try_from(rows.len()).unwrap_or(u32::MAX)).collect();
        let row = |at: u32| &rows[at as usize];
        let key = |at: u32| {
            let (_, node, operation) = row(at);
            (
                node.span_id,
                node.start_ns,
                node.duration_ns,
                *operation,
                node.error,
                node.parent_span_id,
            )
        };
        self.newest = RecordId(rows.last().map_or(0, |(record_id, ..)| *record_id));
        by_id.sort_unstable_by_key(|at| (key(*at), *at));
        let mut same = vec![false; rows.len()];
        for pair in by_id.windows(2) {
            same[pair[1] as usize] = key(pair[0]) == key(pair[1]);
        }
        self.nodes.reserve_exact(rows.len());
        self.operation_of.reserve_exact(rows.len());
        for ((_, node, operation), same) in rows.into_iter().zip(same) {
            if same {
                self.collapsed += 1;
            } else {
                self.nodes.push(node);
                self.operation_of.push(operation);
            }
        }
        self.numbers = HashMap::new();
    }
}
