//! The endpoint over a real storage.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::otlp::sample::{expected, lines_of, list};
use crate::testing::{House, SECOND, T0};
use crate::trace::tests::{append, zipkin};

const PATH: &str = "/api/v1/services/graph";

/// One span: service, id, parent, kind, attributes.
type Given = (
    &'static str,
    u64,
    u64,
    u8,
    &'static [(&'static str, &'static str)],
);

async fn send(house: &House, trace: u64, spans: &[Given]) {
    for (service, id, parent, kind, attributes) in spans {
        let start = T0 + (trace.cast_signed() * 10 + id.cast_signed()) * SECOND;
        let attributes: Vec<Value> = attributes
            .iter()
            .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}))
            .collect();
        let parent = if *parent == 0 {
            String::new()
        } else {
            format!("{parent:016x}")
        };
        append(
            house,
            &json!({"resourceSpans": [{
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                "scopeSpans": [{"spans": [{
                    "traceId": format!("{trace:032x}"), "spanId": format!("{id:016x}"), "parentSpanId": parent,
                    "name": "work", "kind": kind, "attributes": attributes,
                    "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 7).to_string(),
                    "status": {"code": if *id == 5 { 2 } else { 0 }}}]}]}]}),
        )
        .await;
    }
}

fn edge<'a>(found: &'a Value, from: &str, to: &str) -> &'a Value {
    let is = |edge: &&Value| edge["from"] == from && edge["to"] == to;
    list(&found["edges"])
        .iter()
        .find(is)
        .unwrap_or(&Value::Null)
}

/// Two traces of a shop, and a call to a service that sends spans elsewhere.
async fn shop() -> House {
    let house = House::new().await;
    for trace in 1..=2 {
        let spans: &[Given] = &[
            ("shop", 1, 0, 2, &[]),
            ("shop", 2, 1, 3, &[("peer.service", "pay")]),
            ("pay", 3, 2, 2, &[]),
            ("pay", 4, 3, 3, &[("db.system.name", "postgresql")]),
            ("pay", 5, 3, 3, &[("server.address", "bank.example")]),
            ("pay", 6, 3, 4, QUEUE),
            ("mail", 7, 6, 5, QUEUE),
            ("mail", 8, 7, 3, &[("rpc.service", "Smtp")]),
            ("shop", 9, 4, 2, &[]),
        ];
        send(&house, trace, spans).await;
        house.storage.flush().await.unwrap();
    }
    send(&house, 3, &[("mail", 1, 0, 3, &[("net.peer.name", "pay")])]).await;
    house
}

const QUEUE: &[(&str, &str)] = &[
    ("messaging.system", "kafka"),
    ("messaging.destination.name", "paid"),
];

#[tokio::test]
async fn what_services_call_is_inferred() {
    let house = shop().await;
    let found = house.get(PATH, &[("buckets", "10")]).await;
    assert_eq!(found["complete"], true);
    let nodes: Vec<(&str, &str)> = list(&found["nodes"])
        .iter()
        .map(|node| {
            (
                node["kind"].as_str().unwrap(),
                node["name"].as_str().unwrap(),
            )
        })
        .collect();
    // No database: shop answered the call that said it was one.
    let expected = [
        ("service", "mail"),
        ("service", "pay"),
        ("service", "shop"),
        ("messaging", "paid"),
        ("server", "Smtp"),
        ("external", "bank.example"),
        ("client", "client"),
    ];
    assert_eq!(nodes, expected);
    let bank = edge(&found, "pay", "bank.example");
    assert_eq!(
        (&bank["calls"], &bank["error_count"], &bank["p95_ns"]),
        (&json!(2), &json!(2), &json!(7))
    );
    assert_eq!(bank["inferred"], true);
    assert_eq!(
        bank["sample_trace_ids"],
        json!([format!("{:032x}", 2), format!("{:032x}", 1)])
    );
    let counts = list(&bank["call_counts"]);
    assert_eq!(counts.iter().filter_map(Value::as_u64).sum::<u64>(), 2);
    assert_eq!(list(&bank["p95s_ns"]).len(), counts.len());
    assert_eq!(edge(&found, "paid", "mail")["calls"], 2);
    assert_eq!(edge(&found, "pay", "paid")["to_kind"], "messaging");
    assert_eq!(edge(&found, "client", "shop")["calls"], 2);
    let guessed = edge(&found, "mail", "pay");
    assert_eq!(
        (&guessed["to_kind"], &guessed["inferred"]),
        (&json!("service"), &json!(true))
    );
    assert_eq!(house.try_get(PATH, &[("buckets", "101")]).await.0, 400);
}

#[tokio::test]
async fn cycles_have_names_and_say_whether_a_request_went_around() {
    let house = shop().await;
    let found = house.get(PATH, &[]).await;
    let cycles = list(&found["cycles"]);
    assert_eq!(cycles.len(), 1);
    assert_eq!(cycles[0]["name"], "pay → shop → pay");
    assert_eq!(
        cycles[0]["edges"][1],
        json!({"from": "shop", "to": "pay", "calls": 2})
    );
    assert_eq!(cycles[0]["round_count"], 2);
    assert_eq!(cycles[0]["sample_trace_ids"][0], format!("{:032x}", 2));
    assert_eq!(found["cyclic_components"], json!([["pay", "shop"]]));
    let mail = house.get(PATH, &[("service", "mail")]).await;
    assert_eq!(
        (list(&mail["edges"]).len(), list(&mail["cycles"]).len()),
        (4, 0)
    );
    assert!(mail["edges"][0]["call_counts"].is_null());
}

#[tokio::test]
async fn a_database_is_named_by_its_service_or_system() {
    let house = House::new().await;
    for line in lines_of("opbeans-node-traces") {
        append(&house, &line).await;
    }
    let found = house.get(PATH, &[]).await;
    let databases: BTreeSet<(&str, &str)> = list(&found["nodes"])
        .iter()
        .filter(|node| node["kind"] == "database")
        .map(|node| {
            (
                node["name"].as_str().unwrap(),
                node["system"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        databases,
        BTreeSet::from([("postgresql", "postgresql"), ("redis", "redis")])
    );
}

#[tokio::test]
async fn edges_and_cycles_of_recorded_traces_are_those_of_the_source() {
    let house = zipkin().await;
    let found = house.get(PATH, &[]).await;
    let expected = &expected()["zipkin"]["traces"];
    let edges: Vec<Value> = list(&found["edges"])
        .iter()
        .filter(|edge| edge["inferred"] == false)
        .map(|edge| json!({"from": edge["from"], "to": edge["to"], "calls": edge["calls"]}))
        .collect();
    assert_eq!(json!(edges), expected["edges"]);
    assert_eq!(found["cyclic_components"], expected["service_cycles"]);
    assert_eq!(found["cycles"][0]["name"], "datamgmt → stlogin → datamgmt");
}

/// The edges of the endpoint, as rows of the table.
fn as_rows(found: &Value) -> Vec<Value> {
    let row = |edge: &Value| {
        let fields = [
            "from",
            "from_kind",
            "to",
            "to_kind",
            "inferred",
            "calls",
            "error_count",
            "p50_ns",
            "p95_ns",
        ];
        Value::Array(fields.map(|field| edge[field].clone()).to_vec())
    };
    list(&found["edges"]).iter().map(row).collect()
}

#[tokio::test]
async fn the_table_of_edges_is_the_graph() {
    for house in [shop().await, zipkin().await] {
        let graph = house.get(PATH, &[]).await;
        let mut expected = as_rows(&graph);
        assert!(!expected.is_empty());
        let answer = house
            .sql(
                "SELECT caller, caller_kind, callee, callee_kind, inferred, call_count, error_count, p50_ns, p95_ns \
                 FROM service_edges",
            )
            .await;
        assert_eq!(answer["complete"], true);
        let mut found = list(&answer["rows"]).to_vec();
        expected.sort_by_key(ToString::to_string);
        found.sort_by_key(ToString::to_string);
        assert_eq!(found, expected);
    }
    let options = crate::QueryOptions {
        max_concurrent: 1,
        max_waiting: 0,
        ..crate::QueryOptions::default()
    };
    let house = zipkin().await;
    let one_at_a_time = house.limited(options);
    for _ in 0..3 {
        // Each leaves its place to the next.
        let request = crate::testing::sql_request("SELECT count(*) FROM service_edges", "*/*");
        assert_eq!(crate::testing::send(&one_at_a_time, request).await.0, 200);
    }
    let house = shop().await;
    let times = house
        .sql("SELECT first_time, last_time FROM service_edges WHERE callee = 'bank.example'")
        .await;
    let first = "2023-01-29T08:00:15.000000000Z";
    assert_eq!(
        times["rows"],
        json!([[first, "2023-01-29T08:00:25.000000000Z"]])
    );
    // It joins as any other table.
    let joined = house
        .sql("SELECT e.callee FROM service_edges e JOIN services s ON s.service_name = e.callee ORDER BY 1 LIMIT 1")
        .await;
    assert_eq!(joined["rows"], json!([["mail"]]));
}

/// One span of a service whose resource says more.
async fn send_of(
    house: &House,
    number: u64,
    parent: u64,
    service: &str,
    resource: &[(&str, &str)],
) {
    let start = T0 + number.cast_signed() * 100 * SECOND;
    let resource: Vec<Value> = [("service.name", service)]
        .iter()
        .chain(resource)
        .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}))
        .collect();
    let parent = match parent {
        0 => String::new(),
        parent => format!("{parent:016x}"),
    };
    append(
        house,
        &json!({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"spans": [{
            "traceId": format!("{:032x}", 1), "spanId": format!("{number:016x}"), "parentSpanId": parent,
            "name": "work", "kind": 2,
            "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 7).to_string()}]}]}]}),
    )
    .await;
}

#[tokio::test]
async fn services_are_in_the_namespace_that_most_of_their_spans_say() {
    let house = House::new().await;
    let (said, kubernetes) = ("service.namespace", "k8s.namespace.name");
    send_of(
        &house,
        1,
        0,
        "shop",
        &[(said, "front"), (kubernetes, "prod")],
    )
    .await;
    send_of(&house, 2, 1, "pay", &[(said, ""), (kubernetes, "prod")]).await;
    send_of(&house, 3, 2, "mail", &[]).await;
    house.storage.flush().await.unwrap();
    send_of(&house, 4, 1, "pay", &[(said, "money")]).await;
    send_of(&house, 5, 1, "pay", &[(said, "money")]).await;
    let namespaces = |found: &Value| {
        let nodes = list(&found["nodes"]).iter();
        let of = |node: &Value| (node["name"].clone(), node["namespace"].clone());
        nodes.map(of).collect::<Vec<_>>()
    };
    let all = house.get(PATH, &[]).await;
    let expected = [
        (json!("mail"), Value::Null),
        (json!("pay"), json!("money")),
        (json!("shop"), json!("front")),
        (json!("client"), Value::Null),
    ];
    assert_eq!(namespaces(&all), expected);
    // What was counted of files, and what of the buffer, is added up; a range sees its own spans.
    let (start, end) = (T0.to_string(), (T0 + 310 * SECOND).to_string());
    let first = house.get(PATH, &[("start", &start), ("end", &end)]).await;
    assert_eq!(namespaces(&first)[1], (json!("pay"), json!("prod")));
    house.storage.flush().await.unwrap();
    assert_eq!(namespaces(&house.get(PATH, &[]).await), expected);
}
