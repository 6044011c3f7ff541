//! Facts of the spans of a dataset.
//!
//! Not here, for there is no API but SQL that joins spans with their parents all over a dataset (and
//! `spans.rs` asks it): `distinct_span_ids`, `span_ids_used_twice`, `spans_with_missing_parent`,
//! `child_starts_before_parent`, `child_ends_after_parent`.

use serde_json::Value;

use super::super::facts::{Counts, counts, counts_per_service, service};
use super::answers::{list, rounded, text};
use super::native::{Asker, edge_name, literals, quoted};
use super::{ASKED, Fact, counts_of, named, number_of};
use crate::api::number;

pub(super) fn table(asker: &Asker<'_>) -> Vec<Fact> {
    let mut table = numbers(asker);
    table.extend(by_service(asker));
    table.extend(edges(asker));
    table.extend(values(asker));
    table.extend(peers(asker));
    table
}

/// Conditions on single spans, each in both languages and in SQL.
pub(super) fn numbers(asker: &Asker<'_>) -> Vec<Fact> {
    let of = |key: &str| number(&asker.dataset.figures[key]);
    let rows = [
        ("spans", "", "", "true"),
        (
            "error_spans",
            "status:error",
            "status = error",
            "status_code = 'ERROR'",
        ),
        (
            "root_spans",
            "NOT has:parent_span_id",
            "nestedSetParent < 0",
            "parent_span_id IS NULL",
        ),
        (
            "zero_duration_spans",
            "duration:[0 TO 0]",
            "duration = 0",
            "duration_ns = 0",
        ),
    ];
    let mut table = Vec::new();
    for (name, search, filter, condition) in rows {
        let count = format!("SELECT count(*) FROM spans WHERE {{filter}} AND {condition}");
        let mut ways = vec![
            asker.total(search),
            asker.heatmap(search),
            asker.sql(&count),
        ];
        ways.extend(asker.counts(filter, ""));
        table.push(number_of(name, of(name), ways));
    }
    table.push(number_of(
        "spans of all traces",
        of("spans"),
        vec![asker.traces_view("sum(span_count)", "true")],
    ));
    table.push(number_of(
        "error_spans of all traces",
        of("error_spans"),
        vec![asker.traces_view("sum(error_count)", "true")],
    ));
    let children = |op: &str| {
        let filter = asker.filter(&format!("childCount {op} {}", of("widest_parent_children")));
        asker.traces_by_traceql(&filter, None).counted()
    };
    table.push(number_of(
        "spans with more children than widest_parent_children",
        0,
        vec![children(">")],
    ));
    table
}

fn by_service(asker: &Asker<'_>) -> Vec<Fact> {
    let figures = asker.dataset.figures;
    let spans = counts_per_service(&figures["spans_per_service"]);
    let known = spans.clone();
    let failed = asker.jaeger_metric("errors", asker.dataset.services(), &[], move |of, share| {
        let failed = rounded(share * known[&of] as f64);
        (of, failed)
    });
    let group = |column: &str| {
        asker.sql(&format!(
            "SELECT service_name, {column} FROM spans WHERE {{filter}} GROUP BY service_name"
        ))
    };
    let by = "by(resource.service.name)";
    let mut of_spans = vec![
        asker.bars("", "service_name", "span_count"),
        asker.services("span_count"),
        group("count(*)"),
        asker.jaeger_calls(),
    ];
    of_spans.extend(asker.counts("", by));
    let mut of_errors = vec![
        asker.bars("status:error", "service_name", "span_count"),
        asker.bars("", "service_name", "error_count"),
        asker.services("error_count"),
        group("count(*) FILTER (WHERE status_code = 'ERROR')"),
        failed,
    ];
    of_errors.extend(asker.counts("status = error", by));
    let mut of_names = vec![asker.sql("SELECT DISTINCT service_name, 1 FROM spans WHERE {filter}")];
    of_names.extend(asker.tag_values("resource.service.name"));
    vec![
        counts_of("services", named(spans.keys().cloned()), of_names),
        // Facets are of the time alone, and other datasets may be of it too.
        counts_of(
            "spans_per_service",
            spans.clone(),
            vec![asker.values("service_name")],
        )
        .partial(),
        counts_of("spans_per_service", spans, of_spans),
        counts_of(
            "error_spans_per_service",
            counts_per_service(&figures["error_spans_per_service"]),
            of_errors,
        ),
    ]
}

/// Calls of one service by another.
pub(super) fn edges(asker: &Asker<'_>) -> Vec<Fact> {
    let figures = asker.dataset.figures;
    let edges = figures["edges"].as_array().unwrap();
    let known: Counts = edges
        .iter()
        .map(|edge| {
            (
                edge_name(&edge["from"], &edge["to"]),
                number(&edge["calls"]),
            )
        })
        .collect();
    let mut ways = vec![asker.graph(), asker.graph_over_time()];
    ways.extend(asker.jaeger_edges());
    let cycles = list(figures, "/service_cycles").map(super::native::cycle_name);
    let mut table = vec![
        counts_of("edges", known, ways),
        counts_of("service_cycles", named(cycles), vec![asker.cycles()]),
    ];
    for edge in edges.iter().take(ASKED) {
        let of = |name: &Value| format!("{{ resource.service.name = {:?} }}", text(name));
        let query = format!("{} > {}", of(&edge["from"]), of(&edge["to"]));
        let query = format!("{query} | count_over_time()");
        let fact = format!("edges {}", edge_name(&edge["from"], &edge["to"]));
        let ways = vec![asker.counted(&query), asker.counted_in_steps(&query)];
        table.push(number_of(&fact, number(&edge["calls"]), ways));
    }
    table
}

/// Values of fields, as far as they are known.
fn values(asker: &Asker<'_>) -> Vec<Fact> {
    let entry = asker.dataset.entry;
    let mut table = Vec::new();
    if let Some(kinds) = entry.get("spans_per_kind") {
        const WORDS: [&str; 6] = [
            "UNSPECIFIED",
            "INTERNAL",
            "SERVER",
            "CLIENT",
            "PRODUCER",
            "CONSUMER",
        ];
        let known = |case: fn(&str) -> String| -> Counts {
            let kinds = counts(kinds).into_iter();
            kinds
                .map(|(kind, count)| (case(WORDS[kind.parse::<usize>().unwrap()]), count))
                .collect()
        };
        table.push(counts_of(
            "spans_per_kind",
            known(str::to_owned),
            vec![
                asker.values("kind"),
                asker.bars("", "kind", "span_count"),
                asker.sql("SELECT kind, count(*) FROM spans WHERE {filter} GROUP BY kind"),
            ],
        ));
        let in_traceql = asker.counts("", "by(kind)");
        let known = known(str::to_lowercase);
        table.push(counts_of("spans_per_kind", known, in_traceql.into()));
    }
    if let Some(files) = entry.get("spans_per_source_file") {
        table.push(field(
            asker,
            "resource.zipkin.file",
            "resource.zipkin.file",
            counts(files),
        ));
    }
    let attributes = asker.dataset.figures.get("attribute_values");
    for (key, known) in attributes.and_then(Value::as_object).into_iter().flatten() {
        let (column, name) = (format!("attributes.{key}"), format!("span.{key}"));
        table.push(field(asker, &column, &name, counts(known)));
    }
    table
}

/// The known values of an attribute.
fn field(asker: &Asker<'_>, column: &str, traceql: &str, known: Counts) -> Fact {
    let mut ways = vec![
        asker.values(column),
        asker.bars("", column, "span_count"),
        asker.sql(&format!(
            "SELECT CAST(\"{column}\" AS VARCHAR), count(*) FROM spans WHERE {{filter}} GROUP BY \"{column}\""
        )),
    ];
    ways.extend(asker.counts("", &format!("by({traceql})")));
    counts_of(&format!("values of {column}"), known, ways).partial()
}

/// Calls of what has a name in `peer.service`. The graph is not asked: it has such an edge only for calls
/// that no span of another service answers, and knows more attributes than this one.
fn peers(asker: &Asker<'_>) -> Vec<Fact> {
    let mut callers: std::collections::BTreeMap<String, Counts> = std::collections::BTreeMap::new();
    for call in list(asker.dataset.figures, "/peer_service_calls") {
        let peers = callers.entry(text(&call["from"])).or_default();
        peers.insert(text(&call["peer"]), number(&call["calls"]));
    }
    let facts = callers.into_iter().map(|(from, peers)| {
        let of = service(&from);
        let search = format!("service:{} kind:(client OR producer)", quoted(of));
        let filter = format!("resource.service.name = {of:?} && (kind = client || kind = producer)");
        let mut ways = vec![
            asker.bars(&search, "attributes.peer.service", "span_count"),
            asker.sql(&format!(
                "SELECT attr('peer.service'), count(*) FROM spans WHERE {{filter}} AND service_name = {} \
                 AND kind IN ('CLIENT', 'PRODUCER') GROUP BY 1",
                literals([&of.to_owned()])
            )),
        ];
        ways.extend(asker.counts(&filter, "by(span.peer.service)"));
        counts_of(&format!("peer_service_calls of {of}"), peers, ways).partial()
    });
    facts.collect()
}
