//! Windows and rows as JSON.

use spoor_storage::TraceId;

use super::rows::{Row, Window, WindowRows};
use super::told::Told;
use super::whole::{Sum, WholeTrace};
use crate::otlp::JsonWriter;
use crate::session::Outcome;
use crate::trace::similar::Similar;
use crate::trace::write_outcome;

/// Parts of the critical path that are told of one row, the first ones.
const MAX_PARTS: usize = 200;

/// What an answer is written from.
pub(super) struct Answer<'a> {
    pub(super) id: TraceId,
    pub(super) trace: &'a WholeTrace,
    /// What was asked for beside the rows.
    pub(super) told: Option<&'a Told>,
}

impl Answer<'_> {
    pub(super) fn write(&self, found: &WindowRows, outcome: &Outcome) -> Vec<u8> {
        let trace = self.trace;
        let mut json = JsonWriter::with_capacity(found.rows.len() * 500);
        json.begin_object();
        json.key("trace_id");
        json.hex(&self.id.0);
        json.key("start_time_unix_nano");
        json.int_string(trace.extent.start_ns);
        json.key("duration_ns");
        json.int(trace.extent.duration_ns());
        json.key("span_count");
        json.count(trace.spans.len());
        json.key("error_count");
        json.count(trace.error_count);
        json.key("depth");
        json.count(trace.levels);
        json.key("window");
        json.begin_object();
        json.key("span_count");
        json.count(found.span_count);
        json.key("error_count");
        json.count(found.error_count);
        json.key("depth");
        json.count(found.depth);
        json.end_object();
        json.key("next_after");
        optional_count(&mut json, found.next_after);
        json.key("rows");
        json.list(&found.rows, |json, row| {
            json.begin_object();
            write_row(json, trace, row.place, row.group);
            write_hidden(json, row);
            json.end_object();
        });
        if let Some(told) = self.told {
            told.write(&mut json, trace);
        }
        write_outcome(&mut json, outcome);
        json.end_object();
        json.finish()
    }
}

/// What only a row of a window has.
fn write_hidden(json: &mut JsonWriter, row: &Row) {
    json.key("hidden_span_count");
    json.count(row.hidden_spans);
    json.key("hidden_error_count");
    json.count(row.hidden_errors);
    if let Some(matched) = row.matched {
        json.key("matched");
        json.bool(matched);
    }
}

pub(super) fn optional_count(json: &mut JsonWriter, number: Option<usize>) {
    match number {
        Some(number) => json.count(number),
        None => json.null(),
    }
}

/// The rows from the root down to a place, the last `most` of them; a span that `window` shows as a part of a group
/// comes after the row of that.
pub(super) fn write_path(
    json: &mut JsonWriter,
    trace: &WholeTrace,
    window: &Window,
    place: Option<usize>,
    most: usize,
) {
    let mut path = Vec::new();
    let mut at = place;
    while let Some(place) = at.filter(|_| path.len() < most) {
        path.push((place, None));
        if let Some(group) = window.folds(trace, place) {
            path.push((trace.groups[group].first, Some(group)));
        }
        at = trace.spans[place].parent();
    }
    json.list(path.into_iter().rev(), |json, (place, group)| {
        json.begin_object();
        write_row(json, trace, place, group);
        json.end_object();
    });
}

/// The rows of some spans, each by itself.
pub(super) fn write_rows(json: &mut JsonWriter, trace: &WholeTrace, places: &[usize]) {
    json.list(places, |json, place| {
        json.begin_object();
        write_row(json, trace, *place, None);
        json.end_object();
    });
}

/// The fields of a row, which is a span or stands for the spans of a group.
fn write_row(json: &mut JsonWriter, trace: &WholeTrace, place: usize, group: Option<usize>) {
    let span = &trace.spans[place];
    let start_ns = trace.extent.start_ns;
    json.key("span_index");
    json.count(place);
    json.key("span_id");
    json.hex(&span.span_id.0);
    json.key("parent_index");
    optional_count(json, span.parent());
    json.key("depth");
    json.count(span.depth as usize);
    let names = ["service_name", "name", "kind"];
    for (key, text) in names.into_iter().zip(trace.operation(span)) {
        json.key(key);
        json.string(text);
    }
    let sum = match group {
        Some(group) => trace.sums[group],
        None => Sum::of(span),
    };
    json.key("start_offset_ns");
    json.int(sum.start_ns.saturating_sub(start_ns));
    json.key("duration_ns");
    json.int(sum.duration_ns);
    json.key("self_time_ns");
    json.int(sum.self_time_ns);
    json.key("critical_time_ns");
    json.int(sum.critical_ns);
    json.key("critical_parts");
    json.begin_array();
    let parts: &[_] = match group {
        Some(_) => &[],
        None => trace.critical_parts(place),
    };
    for part in parts.iter().take(MAX_PARTS) {
        json.begin_object();
        json.key("from_offset_ns");
        json.int(part.from_ns.saturating_sub(start_ns));
        json.key("to_offset_ns");
        json.int(part.to_ns.saturating_sub(start_ns));
        json.end_object();
    }
    json.end_array();
    json.key("skew_ns");
    json.int(span.skew_ns);
    json.key("adjusted_start_offset_ns");
    let adjusted_ns = sum.start_ns.saturating_add(span.skew_ns);
    json.int(adjusted_ns.saturating_sub(start_ns));
    json.key("error");
    json.bool(sum.error);
    json.key("error_below");
    json.bool(sum.error_below);
    json.key("missing_parent");
    json.bool(span.missing_parent);
    json.key("same_id_count");
    json.count(trace.same_id_count(span.span_id));
    json.key("child_count");
    json.count(sum.child_count);
    json.key("descendant_count");
    json.count(sum.descendant_count);
    json.key("similar");
    match group {
        Some(group) => write_similar(json, &trace.groups[group]),
        None => json.null(),
    }
}

fn write_similar(json: &mut JsonWriter, group: &Similar) {
    json.begin_object();
    json.key("span_count");
    json.count(group.count);
    json.key("error_count");
    json.count(group.error_count);
    json.key("longest_index");
    json.count(group.longest);
    let durations = [
        ("duration_ns", group.duration_ns),
        ("duration_min_ns", group.shortest_ns),
        ("duration_median_ns", group.median_ns),
        ("duration_max_ns", group.longest_ns),
    ];
    for (key, duration_ns) in durations {
        json.key(key);
        json.int(duration_ns);
    }
    json.end_object();
}
