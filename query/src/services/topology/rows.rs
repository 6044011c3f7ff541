//! The edges of the service graph as rows of a table.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, BooleanArray, Int64Array, StringArray, TimestampNanosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;
use spoor_storage::{Result, TimeRange};

use super::{CallEdge, CallKey, Node, Topology};
use crate::services::calls::{Beside, each_trace};
use crate::session::QuerySession;

/// What each row says of an edge.
static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let time = || DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let field = |(name, kind)| Field::new(name, kind, false);
    let fields = [
        ("caller", DataType::Utf8),
        ("caller_kind", DataType::Utf8),
        ("callee", DataType::Utf8),
        ("callee_kind", DataType::Utf8),
        ("inferred", DataType::Boolean),
        ("call_count", DataType::Int64),
        ("error_count", DataType::Int64),
        ("p50_ns", DataType::Int64),
        ("p95_ns", DataType::Int64),
        ("first_time", time()),
        ("last_time", time()),
    ];
    Arc::new(Schema::new(fields.map(field).to_vec()))
});

/// The columns of [`edge_rows`].
pub(crate) fn edge_schema() -> SchemaRef {
    Arc::clone(&SCHEMA)
}

/// All edges of the graph over all time, as `GET /api/v1/services/graph` has them.
pub(crate) async fn edge_rows(session: &QuerySession) -> Result<RecordBatch> {
    let mut topology = Topology::new(None);
    each_trace(session, TimeRange::ALL, Beside::Peers, |trace| {
        topology.add(trace);
    })
    .await?;
    topology.note_dropped(session);
    let mut edges: Vec<(CallKey, CallEdge)> = topology.finish().into_iter().collect();
    let percentiles: Vec<[i64; 2]> = edges
        .iter_mut()
        .map(|(_, edge)| edge.calls.durations.percentiles([50, 95]))
        .collect();
    let name = |of: fn(&CallKey) -> &Node| -> ArrayRef {
        let names = edges.iter().map(|(key, _)| &*of(key).1);
        Arc::new(StringArray::from_iter_values(names))
    };
    let kind = |of: fn(&CallKey) -> &Node| -> ArrayRef {
        let kinds = edges.iter().map(|(key, _)| of(key).0.name());
        Arc::new(StringArray::from_iter_values(kinds))
    };
    let count = |of: fn(&CallEdge) -> u64| -> ArrayRef {
        let counts = edges.iter().map(|(_, edge)| of(edge).cast_signed());
        Arc::new(Int64Array::from_iter_values(counts))
    };
    let time = |of: fn(&CallEdge) -> i64| -> ArrayRef {
        let times = edges.iter().map(|(_, edge)| of(edge));
        Arc::new(TimestampNanosecondArray::from_iter_values(times).with_timezone("UTC"))
    };
    let percentile = |at: usize| -> ArrayRef {
        let values = percentiles.iter().map(|both| both[at]);
        Arc::new(Int64Array::from_iter_values(values))
    };
    let inferred: BooleanArray = edges.iter().map(|(key, _)| Some(key.inferred)).collect();
    let columns = vec![
        name(|key| &key.from),
        kind(|key| &key.from),
        name(|key| &key.to),
        kind(|key| &key.to),
        Arc::new(inferred),
        count(|edge| edge.calls.durations.count()),
        count(|edge| edge.calls.error_count),
        percentile(0),
        percentile(1),
        time(|edge| edge.first_ns),
        time(|edge| edge.last_ns),
    ];
    Ok(RecordBatch::try_new(edge_schema(), columns)?)
}
