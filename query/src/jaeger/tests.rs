//! The Jaeger endpoints over a real storage.

use serde_json::{Value, json};

use crate::otlp::sample::{everything, expected, list};
use crate::testing::House;
use crate::trace::tests::{append, zipkin};

fn ids(answer: &Value) -> Vec<&str> {
    list(&answer["data"])
        .iter()
        .map(|trace| trace["traceID"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn names_to_choose_from() {
    let house = zipkin().await;
    let services = house.get("/jaeger/api/services", &[]).await;
    assert_eq!(services["total"], 25);
    assert_eq!(
        (&services["limit"], &services["offset"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(services["errors"], Value::Null);
    assert_eq!(services["complete"], true);
    assert_eq!(services["data"][0], "account");
    let operations = house
        .get("/jaeger/api/services/yelp_main%2Fapi_proxy/operations", &[])
        .await;
    assert_eq!(list(&operations["data"]).len(), 1, "{operations}");
    let kinds = house
        .get("/jaeger/api/operations", &[("service", "servicea")])
        .await;
    assert!(
        list(&kinds["data"]).contains(&json!({"name": "get", "spanKind": "server"})),
        "{kinds}"
    );
    assert!(
        list(&kinds["data"]).contains(&json!({"name": "post", "spanKind": "client"})),
        "{kinds}"
    );
    let servers = house
        .get(
            "/jaeger/api/operations",
            &[("service", "servicea"), ("spanKind", "server")],
        )
        .await;
    assert!(
        list(&servers["data"])
            .iter()
            .all(|operation| operation["spanKind"] == "server")
    );
}

#[tokio::test]
async fn searches_by_service_operation_tags_duration_and_time() {
    let house = zipkin().await;
    append(&house, &everything()).await;
    let path = "/jaeger/api/traces";
    let shop = "5b8efff798038103d269b633813fc60c";
    for (parameters, expected) in [
        (vec![("service", "shop")], vec![shop]),
        (
            vec![("service", "shop"), ("operation", "GET /")],
            vec![shop],
        ),
        (vec![("service", "shop"), ("operation", "PUT /")], vec![]),
        (
            vec![
                ("service", "shop"),
                ("tags", r#"{"error":"true","yes":"true"}"#),
            ],
            vec![shop],
        ),
        (
            vec![("service", "shop"), ("tags", r#"{"error":"false"}"#)],
            vec![],
        ),
        (
            vec![("service", "shop"), ("tags", r#"{"host.cpus":"8"}"#)],
            vec![shop],
        ),
        (
            vec![("service", "shop"), ("tag", "span.kind:server")],
            vec![shop],
        ),
        (
            vec![("service", "shop"), ("tag", "otel.scope.name:lib")],
            vec![shop],
        ),
        (vec![("service", "shop"), ("tag", "yes:false")], vec![]),
        (
            vec![
                ("service", "shop"),
                ("minDuration", "900ms"),
                ("maxDuration", "1s"),
            ],
            vec![shop],
        ),
        (vec![("service", "shop"), ("minDuration", "1s")], vec![]),
        (
            vec![
                ("service", "shop"),
                ("start", "1544712660000000"),
                ("end", "1544712660000000"),
            ],
            vec![shop],
        ),
        (
            vec![("service", "shop"), ("start", "1544712660000001")],
            vec![],
        ),
        (vec![("service", "nobody")], vec![]),
    ] {
        let answer = house.get(path, &parameters).await;
        assert_eq!(ids(&answer), expected, "{parameters:?}");
    }
    let limited = house
        .get(path, &[("service", "servicea"), ("limit", "1")])
        .await;
    let all = house.get(path, &[("service", "servicea")]).await;
    assert_eq!(ids(&limited), ids(&all)[..1]);
    assert_eq!(ids(&all).len(), 2);
}

#[tokio::test]
async fn traces_come_whole_by_id() {
    let house = zipkin().await;
    let answer = house.get("/jaeger/api/traces/8ce82b2e9ed820ba", &[]).await;
    let spans = list(&answer["data"][0]["spans"]);
    assert_eq!(spans.len(), 175);
    let unique: std::collections::HashSet<&str> = spans
        .iter()
        .map(|span| span["spanID"].as_str().unwrap())
        .collect();
    assert_eq!(
        unique.len(),
        175,
        "halves that share an id have ids of their own"
    );
    let parents = spans
        .iter()
        .filter_map(|span| span["references"][0]["spanID"].as_str());
    assert!(parents.filter(|parent| unique.contains(parent)).count() > 150);
    let several = house
        .get(
            "/jaeger/api/traces",
            &[
                ("traceID", "1e223ff1f80f1c69"),
                ("traceID", "bad"),
                ("traceID", "8ce82b2e9ed820ba"),
            ],
        )
        .await;
    assert_eq!(
        ids(&several),
        [
            "00000000000000001e223ff1f80f1c69",
            "00000000000000008ce82b2e9ed820ba"
        ]
    );
    assert_eq!(
        several["errors"],
        json!([{"msg": "trace not found", "traceID": "00000000000000000000000000000bad"}])
    );
}

#[tokio::test]
async fn errors_have_jaegers_form() {
    let house = House::new().await;
    for (path, parameters, status, message) in [
        (
            "/jaeger/api/traces",
            ("limit", "5"),
            400,
            "parameter 'service' is required",
        ),
        (
            "/jaeger/api/operations",
            ("spanKind", "x"),
            400,
            "parameter 'service' is required",
        ),
        (
            "/jaeger/api/traces/bad",
            ("raw", "true"),
            404,
            "trace not found",
        ),
    ] {
        let (got, body) = house.try_get(path, &[parameters]).await;
        assert_eq!(got.as_u16(), status, "{path}");
        let expected = json!({"data": null, "total": 0, "limit": 0, "offset": 0,
            "errors": [{"code": status, "msg": message}]});
        assert_eq!(body, expected);
    }
    let (status, _) = house.try_get("/jaeger/api/traces/xyz", &[]).await;
    assert_eq!(status, 400);
    for (path, hint) in [
        ("/jaeger/api/archive/a1", "/api/v1/pins/"),
        ("/jaeger/api/transform", "/v1/traces"),
    ] {
        let request = http::Request::post(path).body(axum::body::Body::empty());
        let (status, body) = house.request(request.unwrap()).await;
        assert_eq!(status, 501, "{path}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["errors"][0]["code"], 501);
        assert!(body["errors"][0]["msg"].as_str().unwrap().contains(hint));
    }
    let (status, _) = house
        .try_get("/jaeger/api/dependencies", &[("endTs", "now")])
        .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn dependencies_are_the_edges_of_the_sources() {
    let house = zipkin().await;
    // 2019-12-01 and ten years before.
    let range = [("endTs", "1575158400000"), ("lookback", "315360000000")];
    let answer = house.get("/jaeger/api/dependencies", &range).await;
    let edges: Vec<Value> = list(&expected()["zipkin"]["traces"]["edges"])
        .iter()
        .map(
            |edge| json!({"parent": edge["from"], "child": edge["to"], "callCount": edge["calls"]}),
        )
        .collect();
    assert_eq!(answer["data"], json!(edges));
    let one = house
        .get(
            "/jaeger/api/dependencies",
            &[range[0], range[1], ("service", "dove")],
        )
        .await;
    assert_eq!(
        one["data"],
        json!([{"parent": "pusher", "child": "dove", "callCount": 1}])
    );
    // A call counts where the called span starts, even if its caller's clock puts that outside.
    let called = [("endTs", "1470150004009"), ("lookback", "1")];
    let answer = house.get("/jaeger/api/dependencies", &called).await;
    let call = json!([{"parent": "servicea", "child": "serviceb", "callCount": 1}]);
    assert_eq!(answer["data"], call);
    let caller = [("endTs", "1470150004075"), ("lookback", "1")];
    assert_eq!(
        house.get("/jaeger/api/dependencies", &caller).await["data"],
        json!([])
    );
    let none = house.get("/jaeger/api/dependencies", &[]).await;
    assert_eq!(none["data"], json!([]), "nothing in the last day");
}
