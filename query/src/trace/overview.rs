//! What the answers about one trace say of it as a whole: its extent, services, oddities, clocks.

use std::collections::BTreeMap;

use super::assemble::{Placed, Side, SpanNode, Tree};
use super::skew::Skew;
use crate::otlp::JsonWriter;

/// From the first start to the last end, nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Extent {
    pub(super) start_ns: i64,
    pub(super) end_ns: i64,
}

impl Extent {
    /// Of starts and durations; a span that ends before it starts still was at its start.
    pub(super) fn of(spans: impl Iterator<Item = (i64, i64)> + Clone) -> Self {
        let start_ns = spans.clone().map(|(start_ns, _)| start_ns).min();
        let ends = spans.map(|(start_ns, duration_ns)| start_ns.saturating_add(duration_ns.max(0)));
        let start_ns = start_ns.unwrap_or_default();
        Self {
            start_ns,
            end_ns: ends.max().unwrap_or(start_ns),
        }
    }

    pub(super) fn of_nodes(spans: &[SpanNode]) -> Self {
        Self::of(spans.iter().map(|span| (span.start_ns, span.duration_ns)))
    }

    pub(super) fn duration_ns(self) -> i64 {
        self.end_ns.saturating_sub(self.start_ns)
    }
}

/// A service of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ServiceTotal {
    pub(super) span_count: usize,
    pub(super) error_count: usize,
    pub(super) self_time_ns: i64,
    pub(super) critical_ns: i64,
}

impl ServiceTotal {
    /// Of one span.
    pub(super) fn of(error: bool, self_time_ns: i64, critical_ns: i64) -> Self {
        Self {
            span_count: 1,
            error_count: usize::from(error),
            self_time_ns,
            critical_ns,
        }
    }

    /// Adds spans up by service, the one that took the most time of its own first, then by name.
    pub(super) fn sum<'a>(spans: impl Iterator<Item = (&'a str, Self)>) -> Vec<(&'a str, Self)> {
        let mut totals: BTreeMap<&str, Self> = BTreeMap::new();
        for (service, span) in spans {
            let total = totals.entry(service).or_default();
            total.span_count += span.span_count;
            total.error_count += span.error_count;
            total.self_time_ns = total.self_time_ns.saturating_add(span.self_time_ns);
            total.critical_ns = total.critical_ns.saturating_add(span.critical_ns);
        }
        let mut totals: Vec<_> = totals.into_iter().collect();
        totals.sort_by_key(|(_, total)| std::cmp::Reverse(total.self_time_ns));
        totals
    }
}

pub(super) fn write_services<'a>(
    json: &mut JsonWriter,
    totals: impl Iterator<Item = (&'a str, ServiceTotal)>,
) {
    json.key("services");
    json.list(totals, |json, (name, total)| {
        json.begin_object();
        json.key("service_name");
        json.string(name);
        json.key("span_count");
        json.count(total.span_count);
        json.key("error_count");
        json.count(total.error_count);
        json.key("self_time_ns");
        json.int(total.self_time_ns);
        json.key("critical_time_ns");
        json.int(total.critical_ns);
        json.end_object();
    });
}

/// Something that is odd about a trace: its kind, and in words.
pub(super) type Warning = (&'static str, String);

/// What is odd about a trace of which `collapsed` spans came more than once.
pub(super) fn warnings_of(nodes: &[SpanNode], tree: &Tree, collapsed: usize) -> Vec<Warning> {
    let count =
        |test: &dyn Fn(&Placed) -> bool| tree.order.iter().filter(|placed| test(placed)).count();
    let missing = count(&|placed| placed.missing_parent);
    let negative = nodes.iter().filter(|node| node.duration_ns < 0).count();
    let sharing = sharing_an_id(nodes);
    let true_roots = tree.root_count - missing - tree.cycle_count;
    let warnings = [
        (
            "missing_parent",
            missing,
            "named a parent that is not here",
            "name a parent that is not here",
        ),
        (
            "parent_cycle",
            tree.cycle_count,
            "was its own ancestor",
            "were their own ancestors",
        ),
        (
            "several_roots",
            if true_roots > 1 { true_roots } else { 0 },
            "has no parent",
            "have no parent",
        ),
        (
            "negative_duration",
            negative,
            "ends before it starts",
            "end before they start",
        ),
        (
            "duplicate_spans",
            collapsed,
            "came twice and is shown once",
            "came more than once and are shown once",
        ),
        (
            "shared_span_id",
            sharing,
            "shares its id",
            "share an id, though they are not the two halves of one call",
        ),
    ];
    warnings
        .into_iter()
        .filter(|(_, number, ..)| *number > 0)
        .map(|(kind, number, one, many)| match number {
            1 => (kind, format!("1 span {one}")),
            _ => (kind, format!("{number} spans {many}")),
        })
        .collect()
}

/// How many spans have an id that others have too. The two halves of a call, which Zipkin gives one, do not count.
fn sharing_an_id(nodes: &[SpanNode]) -> usize {
    let mut ids: Vec<_> = nodes.iter().map(|node| (node.span_id, node.side)).collect();
    ids.sort_unstable();
    let of_one_id = ids.chunk_by(|a, b| a.0 == b.0);
    let is_call = |spans: &[(_, Side)]| {
        let sides: Vec<Side> = spans.iter().take(3).map(|(_, side)| *side).collect();
        sides == [Side::Client, Side::Server]
    };
    of_one_id
        .filter(|spans| spans.len() > 1 && !is_call(spans))
        .map(<[_]>::len)
        .sum()
}

pub(super) fn write_warnings(json: &mut JsonWriter, warnings: &[Warning]) {
    json.key("warnings");
    json.list(warnings, |json, (kind, message)| {
        json.begin_object();
        json.key("kind");
        json.string(kind);
        json.key("message");
        json.string(message);
        json.end_object();
    });
}

/// Where clocks are apart: caller, called, how far.
pub(super) fn write_skew<'a>(
    json: &mut JsonWriter,
    pairs: impl Iterator<Item = (&'a str, &'a str, Skew)>,
) {
    json.key("clock_skew");
    json.list(pairs, |json, (caller, called, skew)| {
        json.begin_object();
        json.key("caller");
        json.string(caller);
        json.key("called");
        json.string(called);
        json.key("skew_ns");
        json.int(skew.offset_ns);
        json.key("calls");
        json.count(skew.calls);
        json.key("contradictory");
        json.bool(skew.contradictory);
        json.end_object();
    });
}
