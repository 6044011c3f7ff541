//! A comparison as JSON.

use std::collections::BTreeMap;

use super::Side;
use super::align::{Aligned, Group};
use super::attributes::{Difference, differences};
use crate::otlp::{JsonWriter, SpanRef};
use crate::session::Outcome;
use crate::trace::write_outcome;

/// Pieces of time that are told of one side of a group.
const MAX_PARTS: usize = 50;

/// Some spans of one side, added up.
#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    span_count: usize,
    error_count: usize,
    duration_ns: i64,
    self_time_ns: i64,
}

impl Sum {
    fn add(&mut self, side: &Side, place: usize) {
        let placed = &side.tree.order[place];
        let node = &side.nodes[placed.span];
        self.span_count += 1;
        self.error_count += usize::from(node.error);
        self.duration_ns = self.duration_ns.saturating_add(node.duration_ns);
        self.self_time_ns = self.self_time_ns.saturating_add(placed.self_time_ns);
    }

    fn write(self, json: &mut JsonWriter) {
        json.key("span_count");
        json.count(self.span_count);
        json.key("error_count");
        json.count(self.error_count);
        json.key("duration_ns");
        json.int(self.duration_ns);
        json.key("self_time_ns");
        json.int(self.self_time_ns);
    }
}

/// The whole answer.
pub(super) fn write(left: &Side, right: &Side, aligned: &Aligned, outcome: &Outcome) -> Vec<u8> {
    let mut json = JsonWriter::with_capacity(aligned.groups.len() * 512);
    json.begin_object();
    for (key, side) in [("left", left), ("right", right)] {
        json.key(key);
        write_side(&mut json, side);
    }
    write_services(&mut json, left, right);
    json.key("groups");
    json.list(&aligned.groups, |json, group| {
        write_group(json, left, right, group);
    });
    write_outcome(&mut json, outcome);
    json.end_object();
    json.finish()
}

fn write_side(json: &mut JsonWriter, side: &Side) {
    json.begin_object();
    json.key("trace_id");
    json.hex(&side.trace_id.0);
    json.key("start_time_unix_nano");
    json.int_string(side.start_ns);
    json.key("duration_ns");
    json.int(side.duration_ns());
    json.key("span_count");
    json.count(side.nodes.len());
    json.key("error_count");
    json.count(side.nodes.iter().filter(|node| node.error).count());
    json.key("root");
    match side.root() {
        Some(root) => {
            let SpanRef { columns, row } = side.trace.span(root);
            json.begin_object();
            for (key, text) in [
                ("service_name", columns.service_name(row)),
                ("name", columns.name(row)),
                ("kind", columns.kind(row)),
                ("status_code", columns.status_code(row)),
            ] {
                json.key(key);
                json.string(text);
            }
            json.end_object();
        }
        None => json.null(),
    }
    json.key("median");
    match side.median {
        Some(median) => {
            json.begin_object();
            json.key("trace_count");
            json.count(median.trace_count);
            json.key("root_duration_ns");
            json.int(median.root_duration_ns);
            json.end_object();
        }
        None => json.null(),
    }
    json.end_object();
}

/// The one with the largest difference in time of its own first.
fn write_services(json: &mut JsonWriter, left: &Side, right: &Side) {
    let mut sums: BTreeMap<&str, [Sum; 2]> = BTreeMap::new();
    for (which, side) in [left, right].into_iter().enumerate() {
        for place in 0..side.tree.order.len() {
            let SpanRef { columns, row } = side.placed_span(place);
            sums.entry(columns.service_name(row)).or_default()[which].add(side, place);
        }
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, [left, right])| {
        std::cmp::Reverse(right.self_time_ns.abs_diff(left.self_time_ns))
    });
    json.key("services");
    json.list(sums, |json, (name, [left, right])| {
        json.begin_object();
        json.key("service_name");
        json.string(name);
        for (key, sum) in [("left", left), ("right", right)] {
            json.key(key);
            json.begin_object();
            sum.write(json);
            json.end_object();
        }
        json.end_object();
    });
}

fn write_group(json: &mut JsonWriter, left: &Side, right: &Side, group: &Group) {
    let named = match group.sides[0].first() {
        Some(place) => left.placed_span(*place),
        None => match group.sides[1].first() {
            Some(place) => right.placed_span(*place),
            // A group is made for a span that is put into it.
            None => return,
        },
    };
    json.begin_object();
    json.key("parent_index");
    match group.parent {
        Some(parent) => json.count(parent),
        None => json.null(),
    }
    json.key("depth");
    json.count(group.depth);
    json.key("service_name");
    json.string(named.columns.service_name(named.row));
    json.key("name");
    json.string(named.columns.name(named.row));
    json.key("kind");
    json.string(named.columns.kind(named.row));
    for (key, side, places) in [
        ("left", left, &group.sides[0]),
        ("right", right, &group.sides[1]),
    ] {
        json.key(key);
        write_spans(json, side, places);
    }
    json.key("attributes");
    json.list(differences(left, right, group), |json, difference| {
        write_difference(json, &difference);
    });
    json.end_object();
}

/// One side of a group, null if it has none.
fn write_spans(json: &mut JsonWriter, side: &Side, places: &[usize]) {
    let mut sum = Sum::default();
    for place in places {
        sum.add(side, *place);
    }
    let node = |place: &usize| &side.nodes[side.tree.order[*place].span];
    let longest = places.iter().map(node).max_by_key(|node| node.duration_ns);
    let first_ns = places.iter().map(|place| node(place).start_ns).min();
    let (Some(longest), Some(first_ns)) = (longest, first_ns) else {
        json.null();
        return;
    };
    json.begin_object();
    sum.write(json);
    json.key("start_offset_ns");
    json.int(first_ns.saturating_sub(side.start_ns));
    json.key("parts");
    let times = places
        .iter()
        .map(|place| (node(place).start_ns, node(place).end_ns()));
    json.list(running(times.collect()), |json, (from_ns, to_ns)| {
        json.begin_object();
        json.key("from_offset_ns");
        json.int(from_ns.saturating_sub(side.start_ns));
        json.key("to_offset_ns");
        json.int(to_ns.saturating_sub(side.start_ns));
        json.end_object();
    });
    json.key("longest");
    json.begin_object();
    json.key("span_id");
    json.hex(&longest.span_id.0);
    json.key("duration_ns");
    json.int(longest.duration_ns);
    json.end_object();
    json.end_object();
}

/// When any of several spans ran, given when each did; of more than [`MAX_PARTS`] pieces the rest is one.
fn running(mut times: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    times.sort_unstable();
    let mut parts: Vec<(i64, i64)> = Vec::new();
    for (from_ns, to_ns) in times {
        let is_full = parts.len() == MAX_PARTS;
        match parts.last_mut() {
            Some((_, end_ns)) if is_full || from_ns <= *end_ns => *end_ns = to_ns.max(*end_ns),
            _ => parts.push((from_ns, to_ns.max(from_ns))),
        }
    }
    parts
}

fn write_difference(json: &mut JsonWriter, difference: &Difference) {
    json.begin_object();
    json.key("key");
    json.string(&difference.key);
    for (key, values) in ["left", "right"].into_iter().zip(&difference.sides) {
        json.key(key);
        json.list(values, |json, value| json.raw_bytes(value));
    }
    json.end_object();
}
