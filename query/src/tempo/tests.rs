//! Tempo's API over real storage: the shapes that Grafana reads.

use http::Request;
use serde_json::{Value, json};

use crate::otlp::sample::{everything, lines_of, list};
use crate::testing::{House, send};
use crate::trace::tests::{append, zipkin};

async fn get(house: &House, path: &str, parameters: &[(&str, &str)]) -> Value {
    house.get(&format!("/tempo/api/{path}"), parameters).await
}

#[tokio::test]
async fn search_has_the_shape_that_grafana_reads() {
    let house = House::new().await;
    append(&house, &everything()).await;
    let query = "{ status = error && span.int < 0 } | by(name) | count() = 1";
    let found = get(&house, "search", &[("q", query), ("spss", "2")]).await;
    let span = json!({"spanID": "eee19b7ec3c1b174", "name": "GET /",
        "startTimeUnixNano": "1544712660000000001", "durationNanos": "999999999",
        "attributes": [{"key": "status", "value": {"stringValue": "error"}},
            {"key": "int", "value": {"intValue": "-9223372036854775808"}},
            {"key": "name", "value": {"stringValue": "GET /"}}]});
    let set = json!({"spans": [span], "matched": 1, "attributes": [
        {"key": "by(name)", "value": {"stringValue": "GET /"}},
        {"key": "count()", "value": {"intValue": "1"}}]});
    assert_eq!(
        found["traces"],
        json!([{"traceID": "5b8efff798038103d269b633813fc60c",
            "rootServiceName": "<root span not yet received>", "rootTraceName": "",
            "startTimeUnixNano": "1544712660000000001", "durationMs": 999,
            "spanSet": set, "spanSets": [set],
            "serviceStats": {"shop": {"spanCount": 1, "errorCount": 1}}}])
    );
    assert_eq!(found["metrics"], json!({"inspectedTraces": 1}));
    assert_eq!(found["complete"], true);
}

#[tokio::test]
async fn older_searches_by_tags_find_texts_in_any_case() {
    let house = House::new().await;
    append(&house, &everything()).await;
    for (tags, expected) in [
        ("service.name=SHO", 1),
        ("name=get", 1),
        ("int=-9223372036854775808 yes=true", 1),
        ("aa=twice host.cpus=8", 1),
        ("aa=thrice", 0),
        ("error=true", 1),
    ] {
        let found = get(&house, "search", &[("tags", tags), ("minDuration", "10ms")]).await;
        assert_eq!(list(&found["traces"]).len(), expected, "{tags}");
    }
    let slow = get(
        &house,
        "search",
        &[("tags", "error=true"), ("minDuration", "2s")],
    )
    .await;
    assert_eq!(slow["traces"], json!([]));
}

#[tokio::test]
async fn errors_are_texts_with_their_status() {
    let house = House::new().await;
    for (path, status, part) in [
        ("search?q=%7B%20nme%20%7D", 400, "no field `nme`"),
        ("search?q=%7B%7D%20%7C%20rate()", 400, "finds no traces"),
        ("search?tags=x", 400, "key=value"),
        (
            "metrics/query_range?q=%7B%7D",
            400,
            "counts nothing over time",
        ),
        (
            "metrics/query_range?q=%7B%7D%7Crate()&start=1&end=2000000000&step=1s",
            400,
            "steps",
        ),
        (
            "metrics/query_range?q=%7B%7D%7Crate()&step=x",
            400,
            "`step` is not a duration",
        ),
        ("traces/aa", 404, "no span of trace"),
        ("traces/xyz", 400, "32 hexadecimal digits"),
        ("v2/search/tags?scope=sky", 400, "not a scope"),
        ("v2/search/tag/nothing/values", 400, "no field `nothing`"),
    ] {
        let request = Request::get(format!("/tempo/api/{path}"));
        let router = house.limited(crate::QueryOptions::default());
        let (found, _, body) =
            send(&router, request.body(axum::body::Body::empty()).unwrap()).await;
        let body = String::from_utf8(body).unwrap();
        assert_eq!(found.as_u16(), status, "{path}: {body}");
        assert!(body.contains(part), "{path}: {body}");
    }
}

#[tokio::test]
async fn traces_are_otlp_in_both_envelopes() {
    let house = House::new().await;
    append(&house, &everything()).await;
    let id = "5b8efff798038103d269b633813fc60c";
    let sent = &everything()["resourceSpans"];
    let first = get(&house, &format!("traces/{id}"), &[]).await;
    assert_eq!(&first["batches"], sent);
    let second = get(&house, &format!("v2/traces/{id}"), &[]).await;
    assert_eq!(&second["trace"]["resourceSpans"], sent);
    assert_eq!(second["complete"], true);
}

#[tokio::test]
async fn names_and_values_come_by_scope() {
    let house = House::new().await;
    append(&house, &everything()).await;
    let scopes = get(&house, "v2/search/tags", &[]).await;
    let of = |scope: &str| {
        let found = list(&scopes["scopes"]).iter().find(|s| s["name"] == scope);
        found.map(|found| found["tags"].clone()).unwrap_or_default()
    };
    assert_eq!(of("resource"), json!(["host.cpus", "service.name"]));
    assert!(list(&of("span")).contains(&json!("huge")));
    assert!(list(&of("instrumentation")).contains(&json!("huge")));
    assert!(list(&of("intrinsic")).contains(&json!("trace:rootService")));
    let old = get(&house, "search/tags", &[("scope", "resource")]).await;
    assert_eq!(old["tagNames"], json!(["host.cpus", "service.name"]));
    for (tag, parameters, expected) in [
        (
            "resource.service.name",
            None,
            json!([{"type": "string", "value": "shop"}]),
        ),
        ("span.yes", None, json!([{"type": "bool", "value": "true"}])),
        (
            "resource.host.cpus",
            None,
            json!([{"type": "int", "value": "8"}]),
        ),
        (
            "name",
            Some("{ status = error }"),
            json!([{"type": "string", "value": "GET /"}]),
        ),
        ("name", Some("{ status = ok }"), json!([])),
        (
            "span.double",
            Some("{ resource.service.name = \"shop\" }"),
            json!([{"type": "float", "value": "0.1"}]),
        ),
        (
            "name",
            Some("{ status = "),
            json!([{"type": "string", "value": "GET /"}]),
        ),
        (
            "status",
            None,
            json!([{"type": "keyword", "value": "unset"}, {"type": "keyword", "value": "ok"},
            {"type": "keyword", "value": "error"}]),
        ),
        (
            "event.int",
            None,
            json!([{"type": "int", "value": "-9223372036854775808"}]),
        ),
    ] {
        let parameters: Vec<(&str, &str)> = parameters.map(|q| ("q", q)).into_iter().collect();
        let path = format!("v2/search/tag/{tag}/values");
        let found = get(&house, &path, &parameters).await;
        assert_eq!(found["tagValues"], expected, "{tag} {parameters:?}");
    }
    let old = get(&house, "search/tag/service.name/values", &[]).await;
    assert_eq!(old["tagValues"], json!(["shop"]));
}

#[tokio::test]
async fn one_value_for_the_whole_range() {
    let house = zipkin().await;
    let spans: usize = lines_of("zipkin-traces")
        .iter()
        .map(|line| line.to_string().matches("\"spanId\"").count())
        .sum();
    let parameters = [
        ("q", "{ } | count_over_time()"),
        ("start", "1"),
        ("end", "2000000000"),
    ];
    let answer = get(&house, "metrics/query", &parameters).await;
    assert_eq!(answer["series"].as_array().unwrap().len(), 1);
    assert_eq!(answer["series"][0]["value"].as_f64(), Some(spans as f64));
    assert_eq!(
        answer["series"][0]["promLabels"],
        "{__name__=\"count_over_time\"}"
    );
}

/// Traces of series are drawn the same way from the buffer and from files, are of the series, and are
/// no more than asked for.
#[tokio::test]
async fn series_have_traces_to_look_at() {
    let house = zipkin().await;
    let ask = async |q: &str, exemplars: &str| {
        let parameters = [
            ("q", q),
            ("start", "1"),
            ("end", "2000000000"),
            ("step", "100000000"),
            ("exemplars", exemplars),
        ];
        get(&house, "metrics/query_range", &parameters).await["series"].clone()
    };
    let shown = |series: &Value| -> Vec<Value> {
        let exemplars = list(series).iter().filter_map(|one| one.get("exemplars"));
        exemplars.flat_map(|some| list(some).to_vec()).collect()
    };
    let by_service = "{ kind = server } | rate() by (resource.service.name)";
    assert!(shown(&ask(by_service, "0").await).is_empty());
    let series = ask(by_service, "40").await;
    assert!((1..=40).contains(&shown(&series).len()), "{series}");
    for one in list(&series) {
        let service = one["labels"][0]["value"]["stringValue"].as_str().unwrap();
        if service == "unknown_service" {
            // Nobody sent that name.
            continue;
        }
        for exemplar in one.get("exemplars").map(list).into_iter().flatten() {
            let id = exemplar["labels"][0]["value"]["stringValue"]
                .as_str()
                .unwrap();
            assert_eq!(exemplar["labels"][0]["key"], "trace:id");
            let trace = get(&house, &format!("traces/{id}"), &[]).await;
            assert!(trace.to_string().contains(service), "{service}: {trace}");
            let at: i64 = exemplar["timestampMs"].as_str().unwrap().parse().unwrap();
            let values = list(&one["samples"]).iter().filter(|sample| {
                let from: i64 = sample["timestampMs"].as_str().unwrap().parse().unwrap();
                (from..from + 100_000_000_000).contains(&at)
            });
            let values: Vec<&Value> = values.map(|sample| &sample["value"]).collect();
            assert_eq!(values, [&exemplar["value"]]);
        }
    }
    let durations = "{ } | max_over_time(duration) with (exemplars=3)";
    let three = shown(&ask(durations, "0").await);
    assert_eq!(three.len(), 3);
    assert!(
        three
            .iter()
            .all(|one| one["value"].as_f64().unwrap() >= 0.0)
    );
    let buckets = ask("{ } | histogram_over_time(duration)", "100").await;
    for one in list(&buckets) {
        let bound = one["labels"][0]["value"]["doubleValue"].as_f64().unwrap();
        for exemplar in one.get("exemplars").map(list).into_iter().flatten() {
            let value = exemplar["value"].as_f64().unwrap();
            assert!(
                value <= bound && (value > bound / 2.0 || bound == 0.0),
                "{one}"
            );
        }
    }
    assert!(!shown(&buckets).is_empty());
    let quantiles = "{ } | quantile_over_time(duration, .5, .9)";
    let before = [by_service, durations, quantiles];
    let mut found = Vec::new();
    for q in before {
        found.push(ask(q, "20").await);
    }
    assert!(!shown(&found[2]).is_empty());
    house.storage.flush().await.unwrap();
    for (q, before) in before.iter().zip(found) {
        assert_eq!(ask(q, "20").await, before, "{q}");
    }
}

#[tokio::test]
async fn hints_that_are_not_known_are_refused() {
    let house = House::new().await;
    for (q, part) in [
        ("{ } with (mostrecent=true)", "most_recent"),
        ("{ } with (sample=2)", "0.1"),
        ("{ } with (most_recent=1)", "true or false"),
        ("{ } | rate() with (exemplars=-1)", "a number"),
        ("{ } with (faster=true)", "most_recent, sample, exemplars"),
    ] {
        let (status, body) = house.try_get_text("/tempo/api/search", &[("q", q)]).await;
        assert_eq!(status, 400, "{q}: {body}");
        assert!(body.contains(part), "{q}: {body}");
    }
}

#[tokio::test]
async fn grafana_finds_a_tempo() {
    let house = House::new().await;
    let info = get(&house, "status/buildinfo", &[]).await;
    assert_eq!(info["version"], "2.8.0");
    let router = house.limited(crate::QueryOptions::default());
    let request = Request::get("/tempo/api/echo").body(axum::body::Body::empty());
    let (status, _, body) = send(&router, request.unwrap()).await;
    assert_eq!(
        (status.as_u16(), body.as_slice()),
        (200, b"echo".as_slice())
    );
}
