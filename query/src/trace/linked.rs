//! Spans of other traces that link to this one: links are stored with the span that has them.

use arrow::record_batch::RecordBatch;
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{Result, Table, TimeRange, TraceId};

use super::search::time_condition;
use crate::failure::from_datafusion;
use crate::otlp::{JsonWriter, SpanColumns};
use crate::session::QuerySession;

/// How far before and after the trace others are looked for: nothing says which spans have links.
const WINDOW_NS: i64 = 24 * 3_600 * 1_000_000_000;
/// The first so many are told.
const MAX_LINKED: usize = 200;

/// A span elsewhere that links here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LinkedFrom {
    start_ns: i64,
    trace_id: TraceId,
    span_id: [u8; 8],
    /// The span of this trace.
    to_span_id: [u8; 8],
    service_name: String,
    name: String,
}

/// The spans that link to a trace, from a day before `around` to a day after it, by start.
pub(super) async fn linked_from(
    session: &QuerySession,
    id: TraceId,
    around: TimeRange,
) -> Result<Vec<LinkedFrom>> {
    let range = TimeRange {
        start_ns: around.start_ns.saturating_sub(WINDOW_NS),
        end_ns: around.end_ns.saturating_add(WINDOW_NS),
    };
    let columns = [
        "trace_id",
        "span_id",
        "service_name",
        "name",
        "start_time",
        "links",
        RECORD_ID,
    ];
    let frame = session.table(Table::Spans).await?;
    let frame = match time_condition("start_time", range) {
        Some(condition) => frame.filter(condition).map_err(from_datafusion)?,
        None => frame,
    };
    let frame = frame.select_columns(&columns).map_err(from_datafusion)?;
    let mut found = Vec::new();
    let mut more = false;
    let mut stream = session.stream(frame).await?;
    while let Some(batch) = session.next(&mut stream).await? {
        add(&batch, id, &mut found)?;
        if found.len() > MAX_LINKED {
            // The earliest, whatever the order in which they are read.
            found.sort_unstable();
            found.truncate(MAX_LINKED);
            more = true;
        }
    }
    found.sort_unstable();
    // A span that came twice links once.
    found.dedup();
    if more {
        session.note_incomplete(format!("more than {MAX_LINKED} spans link to the trace"));
    }
    Ok(found)
}

fn add(batch: &RecordBatch, id: TraceId, found: &mut Vec<LinkedFrom>) -> Result<()> {
    let spans = SpanColumns::open_part(batch)?;
    for row in 0..spans.len() {
        for link in spans.links(row).filter(|link| link.trace_id == id.0) {
            let trace_id = TraceId(spans.trace_id(row));
            if trace_id != id {
                found.push(LinkedFrom {
                    start_ns: spans.start_ns(row),
                    trace_id,
                    span_id: spans.span_id(row),
                    to_span_id: link.span_id,
                    service_name: spans.service_name(row).to_owned(),
                    name: spans.name(row).to_owned(),
                });
            }
        }
    }
    Ok(())
}

pub(super) fn write_linked_from(json: &mut JsonWriter, linked: &[LinkedFrom]) {
    json.key("linked_from");
    json.begin_array();
    for from in linked {
        json.begin_object();
        json.key("trace_id");
        json.hex(&from.trace_id.0);
        json.key("span_id");
        json.hex(&from.span_id);
        json.key("to_span_id");
        json.hex(&from.to_span_id);
        json.key("service_name");
        json.string(&from.service_name);
        json.key("name");
        json.string(&from.name);
        json.key("start_time_unix_nano");
        json.int_string(from.start_ns);
        json.end_object();
    }
    json.end_array();
}
