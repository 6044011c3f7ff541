//! How many traces there are of which something holds. Jaeger's searches are of one service each, with bounds
//! on single spans: it cannot tell how long traces are, or which have no root.

use super::super::facts::{counts, counts_per_service, service};
use super::answers::{list, names, text};
use super::native::{Asker, quoted};
use super::{ASKED, Fact, Way, counts_of, named, number_of};
use crate::api::number;

/// A search by Jaeger gives whole traces: only asked for if they are few.
const FEW: i64 = 60;

pub(super) fn table(asker: &Asker<'_>) -> Vec<Fact> {
    let figures = asker.dataset.figures;
    let of = |key: &str| number(&figures[key]);
    let view = |condition: &str| asker.traces_view("count(*)", condition);
    let ways = |search: Option<&str>, traceql: &str, condition: &str| {
        let mut ways = vec![view(condition)];
        ways.extend(search.map(|search| asker.traces(search).counted()));
        ways.extend(asker.found(traceql));
        ways
    };
    let all = asker.filter("");
    let mut table = vec![
        number_of("traces", of("traces"), ways(Some(""), &all, "true")),
        number_of(
            "traces_with_error_span",
            of("traces_with_error_span"),
            ways(
                Some("status:error"),
                &asker.filter("status = error"),
                "error_count > 0",
            ),
        ),
        // The search language is about one span each, so it cannot ask for what no span is.
        number_of(
            "traces_without_root",
            of("traces_without_root"),
            ways(None, &asker.filter("rootName = nil"), "root_name IS NULL"),
        ),
        number_of(
            "largest_trace_spans",
            of("largest_trace_spans"),
            vec![asker.traces_view("max(span_count)", "true"), largest(asker)],
        ),
    ];
    if asker.dataset.has("traces_with_200_spans") {
        let query = format!("{all} | count() = 200");
        let count = of("traces_with_200_spans");
        let ways = ways(None, &query, "span_count = 200");
        table.push(number_of("traces_with_200_spans", count, ways));
    }
    for (limit, count) in counts(&figures["traces_longer_than_ms"]) {
        let query = asker.filter(&format!("traceDuration > {limit}ms"));
        let condition = format!("duration_ns > {limit} * 1000000");
        let mut ways = ways(None, &query, &condition);
        ways.extend(longer(asker, &limit));
        let fact = format!("traces_longer_than_ms {limit}");
        table.push(number_of(&fact, count, ways));
    }
    table.extend(touching(asker));
    table.push(slowest(asker));
    table
}

/// The spans of the trace with the most.
fn largest(asker: &Asker<'_>) -> Way {
    let parameters = asker.within(&[("query", &asker.search), ("limit", "1000")]);
    Way::get("/api/v1/traces", parameters, |json| {
        let spans = list(json, "/traces").map(|trace| number(&trace["span_count"]));
        super::one(spans.max().unwrap_or_default())
    })
}

/// Traces that are longer, as Tempo was asked before there was TraceQL. It is about all traces of a time, and
/// in that of one dataset there are those of another.
fn longer(asker: &Asker<'_>, limit_ms: &str) -> Option<Way> {
    let least = format!("{limit_ms}000001ns");
    let parameters = asker.within(&[("minDuration", &least), ("limit", "1000")]);
    let way = Way::get("/tempo/api/search", parameters, names("/traces", "traceID"));
    (asker.dataset.name != "jaegerui").then(|| way.counted())
}

fn touching(asker: &Asker<'_>) -> Vec<Fact> {
    let figures = asker.dataset.figures;
    let touching = counts_per_service(&figures["traces_touching_service"]);
    let mut table = vec![counts_of(
        "traces_touching_service",
        touching.clone(),
        vec![
            asker.sql(
                "SELECT service_name, count(DISTINCT trace_id) FROM spans WHERE {filter} GROUP BY service_name",
            ),
            asker.sql(
                "SELECT name, count(*) FROM (SELECT unnest(service_names) AS name FROM traces \
                 WHERE trace_id IN (SELECT trace_id FROM spans WHERE {filter})) GROUP BY name",
            ),
        ],
    )];
    let failing = counts(&figures["error_spans_per_service"]);
    let only = failing.keys().next().filter(|_| failing.len() == 1);
    let mut few: Vec<(&String, &i64)> = touching.iter().filter(|(_, n)| **n < FEW).collect();
    few.truncate(ASKED);
    few.extend(touching.iter().max_by_key(|(_, count)| **count));
    for (name, count) in few {
        let filter = asker.filter(&format!("resource.service.name = {name:?}"));
        let search = format!("service:{}", quoted(name));
        let mut ways = vec![asker.traces(&search).counted()];
        ways.extend(asker.found(&filter));
        if *count < FEW {
            ways.extend(asker.jaeger_traces(name, &[]));
        }
        let fact = format!("traces_touching_service {name}");
        table.push(number_of(&fact, *count, ways));
    }
    if let Some(only) = only {
        let count = number(&figures["traces_with_error_span"]);
        let ways = asker.jaeger_traces(service(only), &[("error", "true")]);
        table.push(number_of("traces_with_error_span", count, ways.into()));
    }
    table
}

/// The traces whose root is as slow as the last of them.
fn slowest(asker: &Asker<'_>) -> Fact {
    let roots = asker.dataset.figures["slowest_roots"].as_array().unwrap();
    let least = roots.iter().map(|root| number(&root["duration_ns"])).min();
    let least = least.unwrap_or_default();
    let ids = named(roots.iter().map(|root| text(&root["trace"])));
    let search = format!("NOT has:parent_span_id duration:[{least} TO *]");
    let query = asker.filter(&format!("nestedSetParent < 0 && duration >= {least}ns"));
    counts_of(
        "slowest_roots",
        ids,
        vec![
            asker.traces(&search),
            asker.traces_by_traceql(&query, None),
            asker.tempo_traces(&query),
            asker.sql(&format!(
                "SELECT trace_id, 1 FROM spans WHERE {{filter}} AND parent_span_id IS NULL AND duration_ns >= {least}"
            )),
        ],
    )
}
