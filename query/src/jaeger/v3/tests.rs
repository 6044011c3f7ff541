//! Version 3 over a real storage.

use serde_json::{Value, json};

use crate::otlp::sample::{everything, list};
use crate::testing::House;
use crate::trace::tests::{append, zipkin};

const SHOP: &str = "5b8efff798038103d269b633813fc60c";

/// The ids of the traces of an answer, each as often as it begins anew.
fn ids(answer: &Value) -> Vec<String> {
    let mut ids: Vec<String> = list(&answer["result"]["resourceSpans"])
        .iter()
        .flat_map(|resource| list(&resource["scopeSpans"]))
        .flat_map(|scope| list(&scope["spans"]))
        .map(|span| span["traceId"].as_str().unwrap().to_owned())
        .collect();
    ids.dedup();
    ids
}

#[tokio::test]
async fn names_to_choose_from() {
    let house = zipkin().await;
    let services = house.get("/jaeger/api/v3/services", &[]).await;
    assert_eq!(list(&services["services"]).len(), 25);
    assert_eq!(services["services"][0], "account");
    assert_eq!(services["complete"], true);
    let path = "/jaeger/api/v3/operations";
    let all = house.get(path, &[("service", "servicea")]).await;
    assert!(
        list(&all["operations"]).contains(&json!({"name": "post", "spanKind": "client"})),
        "{all}"
    );
    for name in ["span_kind", "spanKind"] {
        let servers = house
            .get(path, &[("service", "servicea"), (name, "server")])
            .await;
        let kinds = list(&servers["operations"]);
        assert!(!kinds.is_empty());
        assert!(kinds.iter().all(|found| found["spanKind"] == "server"));
    }
}

#[tokio::test]
async fn a_trace_comes_as_it_was_sent() {
    let house = zipkin().await;
    append(&house, &everything()).await;
    let path = format!("/jaeger/api/v3/traces/{SHOP}");
    let sent = house.get(&format!("/api/v1/traces/{SHOP}"), &[]).await;
    let got = house
        .get(
            &path,
            &[
                ("start_time", "2018-12-13T00:00:00Z"),
                ("endTime", "2018-12-14T00:00:00.5Z"),
                ("raw_traces", "true"),
            ],
        )
        .await;
    assert_eq!(got["result"], sent);
    assert!(!list(&got["result"]["resourceSpans"]).is_empty());
}

#[tokio::test]
async fn searches_as_version_1_does() {
    let house = zipkin().await;
    append(&house, &everything()).await;
    let path = "/jaeger/api/v3/traces";
    let start = "2018-12-13T14:51:00Z";
    let service = ("query.service_name", "shop");
    let found: &[&[(&str, &str)]] = &[
        &[service],
        &[("query.serviceName", "shop")],
        &[service, ("query.operation_name", "GET /")],
        &[
            service,
            ("query.attributes", r#"{"error":"true","yes":"true"}"#),
        ],
        &[service, ("query.start_time_min", start)],
        &[
            service,
            ("query.start_time_max", "2018-12-13T14:51:00.000001Z"),
        ],
        &[
            ("query.attributes", r#"{"host.cpus":"8"}"#),
            ("query.duration_min", "900ms"),
            ("query.duration_max", "1s"),
            ("query.num_traces", "5"),
        ],
    ];
    for parameters in found {
        let answer = house.get(path, parameters).await;
        assert_eq!(ids(&answer), [SHOP], "{parameters:?}");
    }
    let lost: &[&[(&str, &str)]] = &[
        &[("query.service_name", "nobody")],
        &[service, ("query.attributes", r#"{"yes":"false"}"#)],
        &[service, ("query.start_time_max", start)],
        &[service, ("query.durationMin", "1s")],
    ];
    for parameters in lost {
        let (status, body) = house.try_get(path, parameters).await;
        let expected = json!({"error": {"httpCode": 404, "message": "No traces found"}});
        assert_eq!((status.as_u16(), body), (404, expected), "{parameters:?}");
    }
    let several = house.get(path, &[("query.service_name", "servicea")]).await;
    assert_eq!(ids(&several).len(), 2, "each trace in one piece");
    let one = [
        ("query.service_name", "servicea"),
        ("query.search_depth", "1"),
    ];
    assert_eq!(ids(&house.get(path, &one).await), ids(&several)[..1]);
}

#[tokio::test]
async fn calls_are_those_of_version_1() {
    let house = zipkin().await;
    let old = house
        .get(
            "/jaeger/api/dependencies",
            &[("endTs", "1575158400000"), ("lookback", "315360000000")],
        )
        .await;
    let new = house
        .get(
            "/jaeger/api/v3/dependencies",
            &[
                ("startTime", "2009-12-03T00:00:00Z"),
                ("end_time", "2019-12-01T00:00:00Z"),
            ],
        )
        .await;
    let texts: Vec<Value> = list(&old["data"])
        .iter()
        .cloned()
        .map(|mut edge| {
            edge["callCount"] = json!(edge["callCount"].to_string());
            edge
        })
        .collect();
    assert!(!texts.is_empty());
    assert_eq!(new["dependencies"], json!(texts));
}

#[tokio::test]
async fn errors_name_what_was_wrong() {
    let house = House::new().await;
    let traces = "/jaeger/api/v3/traces";
    for (path, name, value) in [
        (traces, "query.start_time_min", "today"),
        (traces, "query.duration_min", "5"),
        (traces, "query.attributes", "[1]"),
        (traces, "query.search_depth", "-1"),
        (traces, "query.num_traces", "many"),
        (traces, "query.raw_traces", "maybe"),
        (traces, "query.filter", r#"{"op":"eq"}"#),
        (traces, "query.pagination.page_size", "5"),
        ("/jaeger/api/v3/traces/a1", "start_time", "today"),
        ("/jaeger/api/v3/traces/a1", "raw_traces", "maybe"),
        ("/jaeger/api/v3/dependencies", "start_time", "today"),
        ("/jaeger/api/v3/operations", "service", ""),
    ] {
        let (status, body) = house.try_get(path, &[(name, value)]).await;
        assert_eq!(status, 400, "{path} {name}: {body}");
        assert_eq!(body["error"]["httpCode"], 400);
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains(name), "{path} {name}: {message}");
    }
    let (status, body) = house.try_get("/jaeger/api/v3/traces/xyz", &[]).await;
    assert_eq!(
        (status.as_u16(), &body["error"]["httpCode"]),
        (400, &json!(400))
    );
    let (status, body) = house.try_get("/jaeger/api/v3/traces/a1", &[]).await;
    assert_eq!(status, 404);
    assert_eq!(body["error"]["message"], "No traces found");
}
