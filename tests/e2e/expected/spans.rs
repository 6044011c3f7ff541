//! The `traces` figures of one dataset.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::facts::{Counts, Dataset, Facts, counts, counts_per_service, service};
use super::local::Forest;
use crate::api::number;

pub(super) async fn compare(facts: &mut Facts<'_>, dataset: &Dataset<'_>, local: &Forest) {
    totals(facts, dataset).await;
    structure(facts, dataset).await;
    groups(facts, dataset).await;
    percentiles(facts, dataset).await;
    slowest_roots(facts, dataset).await;
    services(facts, dataset).await;
    edges(facts, dataset).await;
    searches(facts, dataset).await;
    for (trace_id, figures) in dataset.figures["sample_traces"].as_object().unwrap() {
        sample_trace(facts, trace_id, figures).await;
    }
    let (deepest, hops) = local.deepest(dataset.name);
    let what = format!("{} deepest_span_hops", dataset.name);
    facts.same(&what, number(&dataset.figures["deepest_span_hops"]), hops);
    let path = format!("/api/v1/traces/{deepest}");
    if let Some(timeline) = facts.get(&path, &[("view", "timeline")]).await {
        facts.same(&format!("{what} of {deepest}"), hops, hops_of(&timeline));
        let spans = timeline["spans"].as_array().unwrap();
        let lowest = spans.iter().map(|span| number(&span["depth"])).max();
        facts.same(
            &format!("depth of {deepest}"),
            lowest.map(|d| d + 1),
            Some(number(&timeline["depth"])),
        );
    }
}

/// Parent hops to the deepest span. The timeline hangs the server's half of a shared span below
/// the client's; the two have one id, so that step is no hop.
fn hops_of(timeline: &Value) -> i64 {
    let mut hops: Vec<i64> = Vec::new();
    for span in timeline["spans"].as_array().unwrap() {
        let parent = span["parent_index"].as_u64().map(|index| index as usize);
        hops.push(parent.map_or(0, |parent| {
            let same = timeline["spans"][parent]["span_id"] == span["span_id"];
            hops[parent] + i64::from(!same)
        }));
    }
    hops.into_iter().max().unwrap_or_default()
}

async fn totals(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    let figures = dataset.figures;
    let of = |key: &str| number(&figures[key]);
    let columns = [
        ("spans", of("spans"), "count(*)"),
        (
            "distinct_span_ids",
            of("distinct_span_ids"),
            "count(DISTINCT span_id)",
        ),
        ("traces", of("traces"), "count(DISTINCT trace_id)"),
        (
            "services",
            of("services") + of("spans_without_service").min(1),
            "count(DISTINCT service_name)",
        ),
        (
            "spans_without_service",
            of("spans_without_service"),
            "sum(CASE WHEN service_name = 'unknown_service' THEN 1 ELSE 0 END)",
        ),
        (
            "first_start_ns",
            of("first_start_ns"),
            "min(CAST(start_time AS BIGINT))",
        ),
        (
            "last_end_ns",
            of("last_end_ns"),
            "max(CAST(start_time AS BIGINT) + duration_ns)",
        ),
        (
            "error_spans",
            of("error_spans"),
            "sum(CASE WHEN status_code = 'ERROR' THEN 1 ELSE 0 END)",
        ),
        (
            "traces_with_error_span",
            of("traces_with_error_span"),
            "count(DISTINCT CASE WHEN status_code = 'ERROR' THEN trace_id END)",
        ),
        (
            "root_spans",
            of("root_spans"),
            "sum(CASE WHEN parent_span_id IS NULL THEN 1 ELSE 0 END)",
        ),
        (
            "zero_duration_spans",
            of("zero_duration_spans"),
            "sum(CASE WHEN duration_ns = 0 THEN 1 ELSE 0 END)",
        ),
        (
            "operations",
            of("operations"),
            "count(DISTINCT concat(service_name, chr(10), name))",
        ),
    ];
    let from = format!("spans WHERE {}", dataset.filter);
    facts.numbers(dataset.name, &columns, &from).await;
}

/// Parents and children, by joins.
async fn structure(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    let (name, filter) = (dataset.name, &dataset.filter);
    let of = |key: &str| number(&dataset.figures[key]);
    // Of two spans with one id the SERVER is the parent, then the earlier one.
    let with = format!(
        "WITH s AS (SELECT trace_id, span_id, parent_span_id, kind, service_name, duration_ns, \
         CAST(start_time AS BIGINT) AS t FROM spans WHERE {filter}), \
         p AS (SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY trace_id, span_id \
         ORDER BY CASE WHEN kind = 'SERVER' THEN 0 ELSE 1 END, t) AS place FROM s) WHERE place = 1)"
    );
    let join = "FROM s JOIN p ON p.trace_id = s.trace_id AND p.span_id = s.parent_span_id";
    let queries = [
        (
            "span_ids_used_twice",
            "SELECT count(*) FROM (SELECT span_id FROM s GROUP BY trace_id, span_id HAVING count(*) > 1)"
                .to_owned(),
        ),
        (
            "spans_with_missing_parent",
            "SELECT count(*) FROM s WHERE parent_span_id IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM p WHERE p.trace_id = s.trace_id AND p.span_id = s.parent_span_id)"
                .to_owned(),
        ),
        (
            "traces_without_root",
            "SELECT count(*) FROM (SELECT trace_id FROM s GROUP BY trace_id \
             HAVING count(parent_span_id) = count(*))"
                .to_owned(),
        ),
        ("child_starts_before_parent", format!("SELECT count(*) {join} WHERE s.t < p.t")),
        (
            "child_ends_after_parent",
            format!("SELECT count(*) {join} WHERE s.t + s.duration_ns > p.t + p.duration_ns"),
        ),
        (
            "largest_trace_spans",
            "SELECT max(n) FROM (SELECT count(*) AS n FROM s GROUP BY trace_id)".to_owned(),
        ),
        (
            "widest_parent_children",
            "SELECT max(n) FROM (SELECT count(*) AS n FROM s WHERE parent_span_id IS NOT NULL \
             GROUP BY trace_id, parent_span_id)"
                .to_owned(),
        ),
    ];
    for (key, query) in queries {
        facts
            .number(
                &format!("{name} {key}"),
                of(key),
                &format!("{with} {query}"),
            )
            .await;
    }
    if dataset.has("traces_with_200_spans") {
        let query =
            "SELECT count(*) FROM (SELECT trace_id FROM s GROUP BY trace_id HAVING count(*) = 200)";
        let expected = of("traces_with_200_spans");
        facts
            .number(
                &format!("{name} of 200"),
                expected,
                &format!("{with} {query}"),
            )
            .await;
    }
    for (ms, expected) in counts(&dataset.figures["traces_longer_than_ms"]) {
        let query = format!(
            "{with} SELECT count(*) FROM (SELECT max(t + duration_ns) - min(t) AS d FROM s \
             GROUP BY trace_id) WHERE d > {ms} * 1000000"
        );
        facts
            .number(
                &format!("{name} traces longer than {ms} ms"),
                expected,
                &query,
            )
            .await;
    }
}

async fn groups(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    let (name, filter, figures) = (dataset.name, &dataset.filter, dataset.figures);
    let query = format!(
        "SELECT service_name, count(DISTINCT trace_id) FROM spans WHERE {filter} GROUP BY service_name"
    );
    let expected = counts_per_service(&figures["traces_touching_service"]);
    facts
        .groups(
            &format!("{name} traces_touching_service"),
            &expected,
            &query,
        )
        .await;

    if let Some(kinds) = dataset.entry.get("spans_per_kind") {
        const WORDS: [&str; 6] = [
            "UNSPECIFIED",
            "INTERNAL",
            "SERVER",
            "CLIENT",
            "PRODUCER",
            "CONSUMER",
        ];
        let expected: Counts = counts(kinds)
            .into_iter()
            .map(|(kind, count)| (WORDS[kind.parse::<usize>().unwrap()].to_owned(), count))
            .collect();
        let query = format!("SELECT kind, count(*) FROM spans WHERE {filter} GROUP BY kind");
        facts
            .groups(&format!("{name} spans_per_kind"), &expected, &query)
            .await;
    }
    if let Some(files) = dataset.entry.get("spans_per_source_file") {
        let query = format!(
            "SELECT \"resource.zipkin.file\", count(*) FROM spans WHERE {filter} \
             GROUP BY \"resource.zipkin.file\""
        );
        facts
            .groups(
                &format!("{name} spans_per_source_file"),
                &counts(files),
                &query,
            )
            .await;
    }
    if let Some(calls) = figures.get("peer_service_calls") {
        let expected: Counts = calls
            .as_array()
            .unwrap()
            .iter()
            .map(|call| {
                (
                    format!("{} {}", text(&call["from"]), text(&call["peer"])),
                    number(&call["calls"]),
                )
            })
            .collect();
        let query = format!(
            "SELECT concat(service_name, ' ', peer), count(*) FROM (SELECT service_name, \
             attr('peer.service') AS peer FROM spans WHERE {filter} AND kind IN ('CLIENT', 'PRODUCER')) \
             WHERE peer IS NOT NULL GROUP BY service_name, peer"
        );
        facts
            .groups(&format!("{name} peer_service_calls"), &expected, &query)
            .await;
    }
    if let Some(attributes) = figures.get("attribute_values") {
        super::logs::attribute_values(facts, dataset, "spans", attributes).await;
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Nearest-rank percentiles by window functions: exact.
async fn percentiles(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    let rank = |percent: u32| format!("max(CASE WHEN r = ({percent} * n + 99) / 100 THEN d END)");
    let query = format!(
        "SELECT service_name, name, max(n), {}, {}, {}, max(d) FROM (SELECT service_name, name, \
         duration_ns AS d, row_number() OVER (PARTITION BY service_name, name ORDER BY duration_ns) \
         AS r, count(*) OVER (PARTITION BY service_name, name) AS n FROM spans WHERE {}) \
         GROUP BY service_name, name",
        rank(50),
        rank(95),
        rank(99),
        dataset.filter
    );
    let Some(rows) = facts.sql(&query).await else {
        return;
    };
    for operation in dataset.figures["top_operations"].as_array().unwrap() {
        let keys = ["count", "p50_ns", "p95_ns", "p99_ns", "max_ns"];
        let expected: Vec<i64> = keys.iter().map(|key| number(&operation[*key])).collect();
        let (of, name) = (
            service(text(&operation["service"])),
            text(&operation["name"]),
        );
        let got = rows.iter().find(|row| row[0] == of && row[1] == name);
        let got = got.map(|row| row[2..].iter().map(number).collect::<Vec<_>>());
        facts.same(
            &format!("{} percentiles of {of} {name}", dataset.name),
            Some(expected),
            got,
        );
    }
}

async fn slowest_roots(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    let expected: Vec<(String, String, String, i64)> = dataset.figures["slowest_roots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|root| {
            let words = |key: &str| text(&root[key]).to_owned();
            let of = service(text(&root["service"])).to_owned();
            (
                words("trace"),
                of,
                words("name"),
                number(&root["duration_ns"]),
            )
        })
        .collect();
    let query = format!(
        "SELECT trace_id, service_name, name, duration_ns FROM spans WHERE {} AND parent_span_id IS NULL \
         ORDER BY duration_ns DESC, trace_id LIMIT {}",
        dataset.filter,
        expected.len()
    );
    let Some(rows) = facts.sql(&query).await else {
        return;
    };
    let got: Vec<_> = rows
        .iter()
        .map(|row| {
            let words = |at: usize| text(&row[at]).to_owned();
            (words(0), words(1), words(2), number(&row[3]))
        })
        .collect();
    facts.same(&format!("{} slowest_roots", dataset.name), expected, got);
}

/// `/api/v1/services`: spans, errors and operations of each service.
async fn services(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    let (start, end) = (dataset.start_ns.to_string(), dataset.end_ns.to_string());
    let parameters = [("start", start.as_str()), ("end", end.as_str())];
    let Some(answer) = facts.get("/api/v1/services", &parameters).await else {
        return;
    };
    let (mut spans, mut errors) = (Counts::new(), Counts::new());
    let mut operations = BTreeSet::new();
    for entry in answer["services"].as_array().unwrap() {
        let name = text(&entry["service_name"]);
        if !dataset.has_service(name) {
            continue;
        }
        spans.insert(name.to_owned(), number(&entry["span_count"]));
        if number(&entry["error_count"]) > 0 {
            errors.insert(name.to_owned(), number(&entry["error_count"]));
        }
        let mut sum = 0;
        for operation in entry["operations"].as_array().unwrap() {
            operations.insert((name.to_owned(), text(&operation["name"]).to_owned()));
            sum += number(&operation["span_count"]);
        }
        facts.same(
            &format!("operations of {name} sum up"),
            number(&entry["span_count"]),
            sum,
        );
    }
    let figures = dataset.figures;
    let what = |key: &str| format!("{} {key} by /api/v1/services", dataset.name);
    facts.same(
        &what("spans_per_service"),
        counts_per_service(&figures["spans_per_service"]),
        spans,
    );
    facts.same(
        &what("error_spans"),
        counts_per_service(&figures["error_spans_per_service"]),
        errors,
    );
    facts.same(
        &what("operations"),
        number(&figures["operations"]),
        operations.len() as i64,
    );
}

/// Jaeger's dependencies are the edges.
async fn edges(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    let end_ms = dataset.end_ns / 1_000_000 + 1;
    let lookback_ms = end_ms - dataset.start_ns / 1_000_000;
    let (end, lookback) = (end_ms.to_string(), lookback_ms.to_string());
    let parameters = [("endTs", end.as_str()), ("lookback", lookback.as_str())];
    let Some(answer) = facts.get("/jaeger/api/dependencies", &parameters).await else {
        return;
    };
    let edges =
        |list: &Value, from: &str, to: &str, calls: &str| -> BTreeMap<(String, String), i64> {
            list.as_array()
                .unwrap()
                .iter()
                .map(|edge| {
                    let ends = (text(&edge[from]).to_owned(), text(&edge[to]).to_owned());
                    (ends, number(&edge[calls]))
                })
                .collect()
        };
    let expected = edges(&dataset.figures["edges"], "from", "to", "calls");
    let got = edges(&answer["data"], "parent", "child", "callCount");
    let cycles: BTreeSet<BTreeSet<String>> = cycles(got.keys());
    facts.same(&format!("{} edges", dataset.name), expected, got);
    let expected = serde_json::from_value(dataset.figures["service_cycles"].clone()).unwrap();
    facts.same(
        &format!("{} service_cycles", dataset.name),
        expected,
        cycles,
    );
}

/// Sets of services that can all reach each other.
fn cycles<'a>(edges: impl Iterator<Item = &'a (String, String)>) -> BTreeSet<BTreeSet<String>> {
    let mut reach: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in edges {
        reach.entry(from).or_default().insert(to);
    }
    loop {
        let mut grown = reach.clone();
        for (from, direct) in &reach {
            let further = direct
                .iter()
                .filter_map(|to| reach.get(to))
                .flatten()
                .copied();
            grown.entry(from).or_default().extend(further);
        }
        if grown == reach {
            break;
        }
        reach = grown;
    }
    let reaches = |from: &str, to: &str| reach.get(from).is_some_and(|set| set.contains(to));
    let cyclic = reach.keys().filter(|name| reaches(name, name));
    cyclic
        .map(|one| {
            let members = reach
                .keys()
                .filter(|other| reaches(one, other) && reaches(other, one));
            members
                .map(|name| (*name).to_owned())
                .collect::<BTreeSet<_>>()
        })
        .filter(|members| members.len() > 1)
        .collect()
}

/// `/api/v1/traces` finds as many traces as there are with an error span.
async fn searches(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    let (start, end) = (dataset.start_ns.to_string(), dataset.end_ns.to_string());
    let services = dataset.figures["error_spans_per_service"]
        .as_object()
        .unwrap();
    let mut found = BTreeSet::new();
    for of in services.keys() {
        let query = format!("status:ERROR service:\"{}\"", service(of));
        let parameters = [
            ("query", query.as_str()),
            ("start", &start),
            ("end", &end),
            ("limit", "1000"),
        ];
        let Some(answer) = facts.get("/api/v1/traces", &parameters).await else {
            return;
        };
        let expected = number(&dataset.figures["error_spans_per_service"][of]);
        let traces = answer["traces"].as_array().unwrap();
        let matched = traces
            .iter()
            .map(|trace| number(&trace["matched_spans"]))
            .sum::<i64>();
        facts.same(
            &format!("{} spans matched by `{query}`", dataset.name),
            expected,
            matched,
        );
        found.extend(
            traces
                .iter()
                .map(|trace| text(&trace["trace_id"]).to_owned()),
        );
    }
    let expected = number(&dataset.figures["traces_with_error_span"]);
    let what = format!("{} traces found by status:ERROR", dataset.name);
    facts.same(&what, expected, found.len() as i64);
}

/// One trace: as OTLP, as a timeline, and its logs.
async fn sample_trace(facts: &mut Facts<'_>, trace_id: &str, figures: &Value) {
    let path = format!("/api/v1/traces/{trace_id}");
    let Some(otlp) = facts.get(&path, &[]).await else {
        return;
    };
    let lists = |json: &Value, key: &str| json[key].as_array().cloned().unwrap_or_default();
    let spans: Vec<Value> = lists(&otlp, "resourceSpans")
        .iter()
        .flat_map(|resource| lists(resource, "scopeSpans"))
        .flat_map(|scope| lists(&scope, "spans"))
        .collect();
    let what = |key: &str| format!("{key} of trace {trace_id}");
    facts.same(
        &what("spans as OTLP"),
        number(&figures["spans"]),
        spans.len() as i64,
    );

    let Some(timeline) = facts.get(&path, &[("view", "timeline")]).await else {
        return;
    };
    facts.same(
        &what("span_count"),
        number(&figures["spans"]),
        number(&timeline["span_count"]),
    );
    facts.same(
        &what("rows"),
        number(&figures["spans"]),
        lists(&timeline, "spans").len() as i64,
    );
    let errors = number(&figures["error_spans"]);
    facts.same(
        &what("error_count"),
        errors,
        number(&timeline["error_count"]),
    );
    let start = number(&timeline["start_time_unix_nano"]);
    facts.same(&what("start"), number(&figures["start_ns"]), start);
    let end = start + number(&timeline["duration_ns"]);
    facts.same(&what("end"), number(&figures["end_ns"]), end);
    let roots = lists(&timeline, "spans")
        .iter()
        .filter(|s| s["parent_span_id"].is_null())
        .count();
    facts.same(&what("roots"), number(&figures["root_spans"]), roots as i64);
    let services: BTreeSet<String> = lists(&timeline, "services")
        .iter()
        .map(|entry| text(&entry["service_name"]).to_owned())
        .collect();
    let expected: BTreeSet<String> = lists(figures, "services")
        .iter()
        .map(|name| service(text(name)).to_owned())
        .collect();
    facts.same(&what("services"), expected, services);
    let logs = number(&figures["linked_logs"]);
    facts.same(&what("log_count"), logs, number(&timeline["log_count"]));
}
