use std::collections::HashMap;

use serde_json::{Value, json};
use spoor_storage::SpanId;

use super::*;
use crate::otlp::sample::{expected, lines_of, list};
use crate::trace::assemble::{Side, Tree, assemble};

#[derive(Default)]
struct Trace {
    spans: Vec<SpanNode>,
    services: Vec<Arc<str>>,
}

/// The traces of OTLP JSON lines, read in the plainest way.
fn traces_of(files: &[&str]) -> HashMap<String, Trace> {
    let mut traces: HashMap<String, Trace> = HashMap::new();
    for line in files.iter().flat_map(|file| lines_of(file)) {
        for resource in list(&line["resourceSpans"]) {
            let service = list(&resource["resource"]["attributes"])
                .iter()
                .find(|entry| entry["key"] == "service.name")
                .and_then(|entry| entry["value"]["stringValue"].as_str())
                .unwrap_or("unknown_service");
            for span in list(&resource["scopeSpans"])
                .iter()
                .flat_map(|s| list(&s["spans"]))
            {
                let id = span["traceId"].as_str().unwrap();
                let trace = traces.entry(id.to_owned()).or_default();
                trace.spans.push(node_of(span));
                trace.services.push(service.into());
            }
        }
    }
    traces
}

fn node_of(span: &Value) -> SpanNode {
    let time = |name: &str| span[name].as_str().unwrap().parse::<i64>().unwrap();
    let id = |name: &str| span[name].as_str().and_then(|id| id.parse::<SpanId>().ok());
    SpanNode {
        span_id: id("spanId").unwrap(),
        parent_span_id: id("parentSpanId"),
        side: match span["kind"].as_u64() {
            Some(2) => Side::Server,
            Some(3) => Side::Client,
            _ => Side::Other,
        },
        start_ns: time("startTimeUnixNano"),
        duration_ns: time("endTimeUnixNano") - time("startTimeUnixNano"),
        error: span["status"]["code"] == 2,
    }
}

/// Parent hops to the topmost span; from a server half to its client half is none.
fn deepest_hops(spans: &[SpanNode], tree: &Tree) -> usize {
    let mut hops: Vec<usize> = Vec::new();
    for placed in &tree.order {
        let own = placed.parent.map_or(0, |parent| {
            let shared = spans[tree.order[parent].span].span_id == spans[placed.span].span_id;
            hops[parent] + usize::from(!shared)
        });
        hops.push(own);
    }
    hops.into_iter().max().unwrap_or_default()
}

fn agrees(dataset: &str, files: &[&str]) {
    let expected = &expected()[dataset]["traces"];
    let traces = traces_of(files);
    let mut edges = EdgeCounter::default();
    let (mut spans, mut roots, mut missing, mut hops, mut errors) = (0, 0, 0, 0, 0);
    for trace in traces.values() {
        let tree = assemble(&trace.spans);
        assert_eq!(tree.cycle_count, 0);
        edges.add(&trace.spans, &trace.services, |_| true);
        spans += tree.order.len();
        roots += trace
            .spans
            .iter()
            .filter(|span| span.parent_span_id.is_none())
            .count();
        missing += tree
            .order
            .iter()
            .filter(|placed| placed.missing_parent)
            .count();
        hops = hops.max(deepest_hops(&trace.spans, &tree));
        errors += trace.spans.iter().filter(|span| span.error).count();
    }
    let edges = edges.finish();
    let found = json!({
        "traces": traces.len(), "spans": spans, "root_spans": roots, "error_spans": errors,
        "spans_with_missing_parent": missing, "deepest_span_hops": hops,
        "edges": edges.iter()
            .map(|edge| json!({"from": &*edge.from, "to": &*edge.to, "calls": edge.calls}))
            .collect::<Vec<_>>(),
        "service_cycles": cycles(&edges).iter()
            .map(|cycle| cycle.iter().map(|name| json!(&**name)).collect::<Vec<_>>())
            .collect::<Vec<_>>(),
    });
    for (fact, found) in found.as_object().unwrap() {
        assert_eq!(*found, expected[fact], "{fact} of {dataset}");
    }
}

#[test]
fn zipkin_traces_give_their_figures() {
    agrees("zipkin", &["zipkin-traces"]);
}

#[test]
fn jaeger_ui_traces_give_their_figures() {
    agrees("jaegerui", &["jaegerui-traces"]);
}

#[test]
fn opbeans_traces_give_their_figures() {
    agrees("opbeans-node", &["opbeans-node-traces"]);
}

#[test]
fn online_boutique_traces_give_their_figures() {
    agrees("nezha-ob", &["nezha-ob-traces"]);
}

#[test]
fn train_ticket_traces_give_their_figures() {
    agrees("nezha-tt", &["nezha-tt-traces-1", "nezha-tt-traces-2"]);
}

#[test]
fn the_large_graph_has_one_big_cycle() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/data/untouched/jaeger-ui-dependencies-large.json"
    );
    let graph: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let links = graph.as_array().or(graph["data"].as_array()).unwrap();
    let edges: Vec<Edge> = links
        .iter()
        .map(|link| Edge {
            from: link["parent"].as_str().unwrap().into(),
            to: link["child"].as_str().unwrap().into(),
            calls: link["callCount"].as_u64().unwrap(),
        })
        .collect();
    let sizes: Vec<usize> = cycles(&edges).iter().map(Vec::len).collect();
    let expected: Vec<usize> = list(&expected()["dependency-graph"]["cyclic_components"])
        .iter()
        .map(|size| usize::try_from(size.as_u64().unwrap()).unwrap())
        .collect();
    assert_eq!(sizes, expected);
}
