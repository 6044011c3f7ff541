//! Spans of other traces that link to this one: links are stored with the span that has them.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::prelude::col;
use futures::StreamExt;
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{DataFile, FileId, Result, Table, TimeRange, TraceId};

use crate::failure::from_datafusion;
use crate::functions::links_to;
use crate::otlp::{JsonWriter, SpanColumns};
use crate::session::QuerySession;
use crate::table::{FileNumbers, Part};

/// How far before and after the trace every file is read, if its index does not say what its spans link to.
const WINDOW_NS: i64 = 24 * 3_600 * 1_000_000_000;
/// So many rows of such files are read beyond that, of the nearest files first.
const MAX_FAR_ROWS: u64 = 2_000_000;
/// Files of which the index is opened at the same time.
const FILES_AT_ONCE: usize = 16;
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

/// The spans that link to a trace, by start, wherever they are: indexes say in which rows. Files whose index does not
/// (small ones, and those of before indexes knew links) are read around the trace, and beyond that as far as
/// they are not too many; if some are left out, the answer says so.
pub(super) async fn linked_from(
    session: &QuerySession,
    id: TraceId,
    around: TimeRange,
) -> Result<Vec<LinkedFrom>> {
    let columns = [
        "trace_id",
        "span_id",
        "service_name",
        "name",
        "start_time",
        "links",
        RECORD_ID,
    ];
    let left_out = files_left_out(session, around, MAX_FAR_ROWS).await;
    if !left_out.is_empty() {
        session.note_incomplete(format!(
            "{} older files without an index of links were not looked through for links to the trace",
            left_out.len()
        ));
    }
    let frame = session
        .part_of(
            Table::Spans,
            Part::WithoutFiles(Arc::new(left_out)),
            FileNumbers::default(),
        )?
        .filter(links_to(col("links"), id))
        .and_then(|frame| frame.select_columns(&columns))
        .map_err(from_datafusion)?;
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

/// The files that are far and do not say what their spans link to, after the nearest with `most_rows` together.
async fn files_left_out(
    session: &QuerySession,
    around: TimeRange,
    most_rows: u64,
) -> HashSet<FileId> {
    let near = TimeRange {
        start_ns: around.start_ns.saturating_sub(WINDOW_NS),
        end_ns: around.end_ns.saturating_add(WINDOW_NS),
    };
    let files = session
        .snapshot()
        .files(session.tenant(), Table::Spans, TimeRange::ALL);
    let far = files
        .into_iter()
        .filter(|file| !near.overlaps(file.min_time_ns, file.max_time_ns));
    let unknown = futures::stream::iter(far).map(|file| async move {
        let known = session.indexes().knows_links(&file).await;
        (!known).then_some(file)
    });
    let mut unknown: Vec<_> = unknown
        .buffer_unordered(FILES_AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    unknown.sort_by_key(|file| {
        let before = near.start_ns.saturating_sub(file.max_time_ns);
        (
            before.max(file.min_time_ns.saturating_sub(near.end_ns)),
            file.id,
        )
    });
    let mut rows = 0;
    let is_left_out = |file: &Arc<DataFile>| {
        rows += file.rows;
        (rows > most_rows).then_some(file.id)
    };
    unknown.iter().filter_map(is_left_out).collect()
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
    json.list(linked, |json, from| {
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
    });
}

#[cfg(test)]
mod tests;
