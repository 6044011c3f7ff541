//! Facts of operations: a service and a name of spans.

use serde_json::Value;

use super::super::facts::{Counts, literal, service};
use super::answers::{list, rounded, tally, text};
use super::native::{Asker, quoted};
use super::{ASKED, Fact, Request, Way, counts_of, number_of};
use crate::api::number;

const PERCENTILES: [&str; 3] = ["p50_ns", "p95_ns", "p99_ns"];

pub(super) fn table(asker: &Asker<'_>) -> Vec<Fact> {
    let figures = asker.dataset.figures;
    let known = asker.dataset.services().to_vec();
    let of_services = Way::get("/api/v1/services", asker.within(&[]), move |json| {
        let ours = list(json, "/services").filter(|entry| {
            let name = text(&entry["service_name"]);
            known.contains(&name)
        });
        super::named(ours.flat_map(|entry| {
            let of = text(&entry["service_name"]);
            list(entry, "/operations").map(move |one| format!("{of} {}", text(&one["name"])))
        }))
    });
    let mut table = vec![number_of(
        "operations",
        number(&figures["operations"]),
        vec![
            of_services.counted(),
            asker.sql("SELECT count(DISTINCT concat(service_name, chr(10), name)) FROM spans WHERE {filter}"),
            // Jaeger names operations of all time: asked of everything.
        ],
    )];
    for operation in list(figures, "/top_operations").take(ASKED) {
        table.extend(of_operation(asker, operation));
    }
    table
}

fn of_operation(asker: &Asker<'_>, operation: &Value) -> Vec<Fact> {
    let service = service(operation["service"].as_str().unwrap_or_default());
    let name = text(&operation["name"]);
    let (count, longest) = (number(&operation["count"]), number(&operation["max_ns"]));
    let search = format!("service:{} name:{}", quoted(service), quoted(&name));
    let filter = format!("resource.service.name = {service:?} && name = {name:?}");
    let condition = format!(
        "{{filter}} AND service_name = {} AND name = {}",
        literal(service),
        literal(&name)
    );
    let what = |figure: &str| format!("{figure} of {service} {name}");
    let sql = |columns: &str| asker.sql(&format!("SELECT {columns} FROM spans WHERE {condition}"));
    let not_longer = format!("{search} duration:[0 TO {longest}]");
    let mut counted = vec![
        asker.total(&search),
        asker.total(&not_longer),
        asker.heatmap(&search),
        sql("count(*)"),
        of_list(asker, service, &name, &[("span_count", "")]),
    ];
    counted.extend(asker.counts(&filter, ""));
    let longer = format!("{search} duration:{{{longest} TO *]");
    let max = format!("{} | max_over_time(duration)", asker.filter(&filter));
    let parameters = asker.within(&[("q", &max)]);
    let by_traceql = Way::get(
        "/tempo/api/metrics/query",
        parameters,
        super::answers::instants(1e9),
    );
    vec![
        number_of(&what("count"), count, counted),
        number_of(
            &what("spans longer than max_ns"),
            0,
            vec![asker.total(&longer)],
        ),
        number_of(
            &what("max_ns"),
            longest,
            vec![sql("max(duration_ns)"), by_traceql],
        ),
        percentiles(asker, operation, &search, &filter),
    ]
}

/// Figures of an operation in the list of services; kinds of spans are apart there.
fn of_list(
    asker: &Asker<'_>,
    service: &str,
    name: &str,
    keys: &[(&'static str, &'static str)],
) -> Way {
    let (service, name, keys) = (service.to_owned(), name.to_owned(), keys.to_vec());
    Way::get("/api/v1/services", asker.within(&[]), move |json| {
        let ours = list(json, "/services").filter(|entry| text(&entry["service_name"]) == service);
        let same = ours
            .flat_map(|entry| list(entry, "/operations"))
            .filter(|one| text(&one["name"]) == name);
        tally(same.flat_map(|one| {
            let figures = keys.iter();
            figures.map(move |(key, of)| ((*of).to_owned(), number(&one[*key])))
        }))
    })
}

fn percentiles(asker: &Asker<'_>, operation: &Value, search: &str, filter: &str) -> Fact {
    let service = service(operation["service"].as_str().unwrap_or_default());
    let name = text(&operation["name"]);
    let count = number(&operation["count"]);
    let known: Counts = PERCENTILES
        .iter()
        .map(|key| ((*key).to_owned(), number(&operation[*key])))
        .collect();
    let query = format!(
        "{} | quantile_over_time(duration, .5, .95, .99)",
        asker.filter(filter)
    );
    // The series are told apart by `p`; in order they are as the keys are.
    let by_traceql = Way::get(
        "/tempo/api/metrics/query",
        asker.within(&[("q", &query)]),
        |json| {
            let values = list(json, "/series").filter_map(|series| series["value"].as_f64());
            let mut values: Vec<i64> = values.map(|value| rounded(value * 1e9)).collect();
            values.sort_unstable();
            let keys = PERCENTILES.iter().map(|key| (*key).to_owned());
            keys.zip(values).collect()
        },
    );
    // A span that begins where a bucket does not would be in the next: one bucket for ten years.
    let by_histogram = Way::of(vec![histogram(asker, search)], |json| {
        let of = |key: &&str| ((*key).to_owned(), number(&json["series"][0][*key][0]));
        PERCENTILES.iter().map(of).collect()
    });
    let quantiles = [("0.5", "p50_ns"), ("0.95", "p95_ns"), ("0.99", "p99_ns")];
    let by_jaeger = quantiles.map(|(quantile, key)| {
        let wanted = format!("{name} {service}");
        let services = [service.to_owned()];
        let more = [("quantile", quantile), ("groupByOperation", "true")];
        asker
            .jaeger_metric("latencies", &services, &more, move |of, ms| {
                let key = if of == wanted { key } else { "" };
                (key.to_owned(), rounded(ms * 1e6))
            })
            .near(count, 256)
    });
    let mut ways = vec![by_traceql.near(count, 1_024), by_histogram.near(count, 256)];
    for (way, (_, key)) in by_jaeger.into_iter().zip(quantiles) {
        ways.push(way.only(match key {
            "p50_ns" => &["p50_ns"],
            "p95_ns" => &["p95_ns"],
            _ => &["p99_ns"],
        }));
    }
    // The list tells kinds of spans apart, and an operation of Zipkin may be of both.
    if asker.dataset.name != "zipkin" {
        let keys = [("p50_ns", "p50_ns"), ("p95_ns", "p95_ns")];
        let by_list = of_list(asker, service, &name, &keys);
        ways.push(by_list.only(&["p50_ns", "p95_ns"]).near(count, 4_096));
    }
    counts_of(&format!("percentiles of {service} {name}"), known, ways)
}

fn histogram(asker: &Asker<'_>, search: &str) -> Request {
    let query = format!("{} {search}", asker.search);
    asker.get(
        "/api/v1/spans/histogram",
        &[("query", &query), ("buckets", "1")],
    )
}
