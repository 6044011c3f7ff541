//! Facts of all files together: for lists that are of all time, and views of SQL that have no time.

use serde_json::Value;

use super::super::facts::{Counts, counts_per_service};
use super::answers::{list, names, numbers, rows, texts};
use super::native::{cycle_name, edge_name, edges};
use super::{Fact, Request, Way, counts_of, named, number_of, one};
use crate::api::number;

/// All recorded telemetry is of these years.
const START: &str = "2015-01-01T00:00:00Z";
const END: &str = "2024-01-01T00:00:00Z";
const END_MS: i64 = 1_704_067_200_000;
const NINE_YEARS_MS: i64 = 9 * 366 * 86_400_000;

/// Figures of each dataset added up.
fn added_up(expected: &Value, pointer: &str, read: impl Fn(&Value) -> Counts) -> Counts {
    let mut sum = Counts::new();
    for figures in expected.as_object().unwrap().values() {
        for (name, number) in figures.pointer(pointer).map(&read).unwrap_or_default() {
            *sum.entry(name).or_default() += number;
        }
    }
    sum
}

fn total(expected: &Value, pointer: &str) -> i64 {
    let sum = added_up(expected, pointer, |figure| one(number(figure)));
    sum.into_values().sum()
}

fn get(path: &str, read: impl Fn(&Value) -> Counts + Send + Sync + 'static) -> Way {
    Way::get(path, Vec::new(), read)
}

pub(super) fn table(expected: &Value) -> Vec<Fact> {
    let spans = added_up(expected, "/traces/spans_per_service", counts_per_service);
    let errors = added_up(
        expected,
        "/traces/error_spans_per_service",
        counts_per_service,
    );
    let logs = added_up(expected, "/logs/logs_per_service", counts_per_service);
    let facets = |table: &str| {
        let parameters = vec![("table", table.to_owned()), ("limit", "1000".to_owned())];
        let path = "/api/v1/fields/service_name/values";
        Way::get(path, parameters, numbers("/values", "value", "count"))
    };
    let view = |column: &str| {
        let query = format!("SELECT service_name, {column} FROM services WHERE {column} > 0");
        Way::sql(query)
    };
    let listed = |key| {
        get(
            "/api/v1/services",
            numbers("/services", "service_name", key),
        )
    };
    let tempo =
        |path: &str, read: fn(&Value) -> Counts| get(&format!("/tempo/api{path}/values"), read);
    let mut table = vec![
        counts_of(
            "services",
            named(spans.keys().cloned()),
            vec![
                get("/jaeger/api/services", texts("/data")),
                get("/jaeger/api/v3/services", texts("/services")),
                tempo("/search/tag/service.name", |json| texts("/tagValues")(json)),
                tempo("/v2/search/tag/resource.service.name", |json| {
                    names("/tagValues", "value")(json)
                }),
            ],
        ),
        counts_of(
            "services of logs",
            named(logs.keys().cloned()),
            vec![get(
                "/loki/api/v1/label/service_name/values",
                texts("/data"),
            )],
        ),
        number_of(
            "operations",
            total(expected, "/traces/operations"),
            operations(spans.keys()),
        ),
        number_of(
            "traces",
            total(expected, "/traces/traces"),
            vec![Way::sql("SELECT count(*) FROM traces")],
        ),
        counts_of(
            "spans_per_service",
            spans,
            vec![view("span_count"), facets("spans"), listed("span_count")],
        ),
        counts_of(
            "error_spans_per_service",
            errors,
            vec![view("error_count"), listed("error_count")],
        ),
        counts_of(
            "logs_per_service",
            logs,
            vec![view("log_count"), facets("logs"), listed("log_count")],
        ),
    ];
    table.extend(calls(expected));
    table
}

/// Operations of each service, added up; a name of two kinds is one.
fn operations<'n>(services: impl Iterator<Item = &'n String>) -> Vec<Way> {
    let services: Vec<&String> = services.collect();
    let each = |path: &str| {
        let requests = services.iter().map(|name| {
            let parameters = vec![("service", (*name).clone())];
            Request::Get(path.to_owned(), parameters)
        });
        requests.collect::<Vec<_>>()
    };
    let of_path = services.iter().map(|name| {
        let name = name.replace('/', "%2F");
        Request::Get(
            format!("/jaeger/api/services/{name}/operations"),
            Vec::new(),
        )
    });
    let how_many = |found: Counts| one(found.len() as i64);
    vec![
        Way::of(of_path.collect(), move |json| {
            how_many(texts("/data")(json))
        }),
        Way::of(each("/jaeger/api/operations"), move |json| {
            how_many(names("/data", "name")(json))
        }),
        Way::of(each("/jaeger/api/v3/operations"), move |json| {
            how_many(names("/operations", "name")(json))
        }),
    ]
}

/// Who calls whom.
fn calls(expected: &Value) -> Vec<Fact> {
    let of_edges = |list_of: &Value| -> Counts {
        let edges = list(list_of, "");
        edges
            .map(|edge| {
                (
                    edge_name(&edge["from"], &edge["to"]),
                    number(&edge["calls"]),
                )
            })
            .collect()
    };
    let known = added_up(expected, "/traces/edges", of_edges);
    let cycles = added_up(expected, "/traces/service_cycles", |sets| {
        named(list(sets, "").map(cycle_name))
    });
    let names = added_up(expected, "/traces/spans_per_service", counts_per_service);
    let names: Vec<String> = names.into_keys().collect();
    let between =
        |list_at: &'static str, from: &'static str, to: &'static str, calls: &'static str| {
            let names = names.clone();
            move |json: &Value| edges(json, list_at, from, to, calls, &names)
        };
    let first = vec![
        ("endTs", END_MS.to_string()),
        ("lookback", NINE_YEARS_MS.to_string()),
    ];
    let third = vec![
        ("start_time", START.to_owned()),
        ("end_time", END.to_owned()),
    ];
    let graph = "/api/v1/services/graph";
    vec![
        counts_of(
            "edges",
            known,
            vec![
                Way::sql("SELECT caller, callee, call_count FROM service_edges WHERE NOT inferred"),
                get(graph, between("/edges", "from", "to", "calls")),
                Way::get(
                    "/jaeger/api/dependencies",
                    first,
                    between("/data", "parent", "child", "callCount"),
                ),
                Way::get(
                    "/jaeger/api/v3/dependencies",
                    third,
                    between("/dependencies", "parent", "child", "callCount"),
                ),
            ],
        ),
        counts_of(
            "service_cycles",
            cycles,
            vec![
                get(graph, |json| {
                    named(list(json, "/cyclic_components").map(cycle_name))
                }),
                // Of two services, the only ones that there are here: who calls whom and is called back.
                Way::of(
                    vec![Request::Sql(
                        "SELECT concat(a.caller, ' ↔ ', a.callee), 1 FROM service_edges AS a JOIN service_edges AS b \
                         ON a.caller = b.callee AND a.callee = b.caller \
                         WHERE a.caller < a.callee AND NOT a.inferred AND NOT b.inferred"
                            .to_owned(),
                    )],
                    rows,
                ),
            ],
        ),
    ]
}
