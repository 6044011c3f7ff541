//! Every route of the router, asked about tenants that have the same trace and the same services: each sees
//! its own rows and no others, whoever asked before.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use futures::StreamExt;
use http::Request;
use serde_json::{Value, json};
use spoor_storage::TenantId;

use crate::testing::rows::{Span, append_spans};
use crate::testing::{House, Log, SECOND, T0, send};

/// A question for each route that reads rows, to which the two tenants have different answers. `RANGE` and
/// `SECONDS` stand for the hour of all rows. What stands behind a space is the body of a POST.
const ASKS: &[&str] = &[
    "/api/v1/logs?RANGE",
    "/api/v1/logs?query=trace:(secret:*)",
    "/api/v1/logs/histogram?RANGE",
    "/api/v1/logs/patterns?RANGE",
    "/api/v1/logs/export?RANGE",
    "/api/v1/logs/difference?query=level:error&RANGE",
    "/api/v1/spans/export?RANGE",
    "/api/v1/spans/histogram?RANGE",
    "/api/v1/spans/heatmap?RANGE",
    "/api/v1/spans/difference?query=status_code:error&RANGE",
    "/api/v1/traces?RANGE",
    "/api/v1/traces?traceql=%7Bstatus=error%7D&RANGE",
    "/api/v1/traces?query=logs:(said)&RANGE",
    "/api/v1/traces/7",
    "/api/v1/traces/7?view=timeline",
    "/api/v1/traces/7/timeline",
    "/api/v1/traces/7/timeline/find?query=secret:alpha",
    "/api/v1/traces/7/timeline/find?include=span",
    "/api/v1/traces/7/timeline/logs?limit=5",
    "/api/v1/traces/compare?left=7&right=8",
    "/api/v1/services?RANGE",
    "/api/v1/services/graph?RANGE",
    "/api/v1/services/changes?start=2023-01-29T08:00:30Z&end=2023-01-29T08:01:00Z&baseline_start=2023-01-29T08:00:00Z",
    "/api/v1/exceptions?RANGE",
    "/api/v1/failures?RANGE",
    "/api/v1/fields?table=logs",
    "/api/v1/fields?table=spans&RANGE",
    "/api/v1/fields/secret/values?table=spans",
    "/api/v1/fields/secret/values?table=logs&RANGE",
    "/api/v1/explain?table=logs&query=said&analyze=true",
    "/api/v1/sql {\"query\":\"SELECT name, count(*) FROM spans GROUP BY name ORDER BY name\"}",
    "/api/v1/sql {\"query\":\"SELECT body FROM logs ORDER BY body\"}",
    "/api/v1/sql {\"query\":\"SELECT count(*) FROM logs\"}",
    "/api/v1/searches",
    "/api/v1/searches/{id}",
    "/api/v1/pins",
    "/api/v1/deletions",
    "/api/v1/deletions/{deletion}",
    "/jaeger/api/services",
    "/jaeger/api/services/checkout/operations",
    "/jaeger/api/operations?service=checkout",
    "/jaeger/api/traces?service=checkout&start=1674979200000000&end=1674982800000000",
    "/jaeger/api/traces/7",
    "/jaeger/api/dependencies?endTs=1674982800000&lookback=3600000",
    "/jaeger/api/metrics/latencies?service=checkout&quantile=0.95&endTs=1674982800000&lookback=3600000",
    "/jaeger/api/metrics/calls?service=checkout&endTs=1674982800000&lookback=3600000",
    "/jaeger/api/metrics/errors?service=checkout&endTs=1674982800000&lookback=3600000",
    "/jaeger/api/v3/services",
    "/jaeger/api/v3/operations?service=checkout",
    "/jaeger/api/v3/traces?query.service_name=checkout&query.start_time_min=2023-01-29T08:00:00Z&query.start_time_max=2023-01-29T09:00:00Z",
    "/jaeger/api/v3/traces/7",
    "/jaeger/api/v3/dependencies?end_time=2023-01-29T09:00:00Z&lookback=3600s",
    "/tempo/api/search?q=%7Bstatus=error%7D&SECONDS",
    "/tempo/api/traces/7",
    "/tempo/api/v2/traces/7",
    "/tempo/api/search/tags",
    "/tempo/api/v2/search/tags",
    "/tempo/api/search/tag/secret/values",
    "/tempo/api/v2/search/tag/.secret/values",
    "/tempo/api/metrics/query_range?q=%7B%7D|count_over_time()&step=60&SECONDS",
    "/tempo/api/metrics/query?q=%7B%7D|count_over_time()&SECONDS",
    "/loki/api/v1/query?query=sum(count_over_time(%7Bservice_name=~%22.%2B%22%7D[1h]))&time=1674982800",
    "/loki/api/v1/query_range?query=%7Bservice_name=~%22.%2B%22%7D&SECONDS",
    "/loki/api/v1/labels?SECONDS",
    "/loki/api/v1/label?SECONDS",
    "/loki/api/v1/label/service_name/values?SECONDS",
    "/loki/api/v1/series?SECONDS",
    "/loki/api/v1/index/stats?query=%7Bservice_name=~%22.%2B%22%7D&SECONDS",
    "/loki/api/v1/index/volume?query=%7Bservice_name=~%22.%2B%22%7D&SECONDS",
    "/loki/api/v1/index/volume_range?query=%7Bservice_name=~%22.%2B%22%7D&step=3600&SECONDS",
    "/loki/api/v1/detected_labels?SECONDS",
    "/loki/api/v1/detected_fields?query=%7Bservice_name=~%22.%2B%22%7D&SECONDS",
    "/loki/api/v1/detected_field/secret/values?query=%7Bservice_name=~%22.%2B%22%7D&SECONDS",
    "/loki/api/v1/patterns?query=%7Bservice_name=~%22.%2B%22%7D&SECONDS",
];

/// Routes that say nothing of rows, or that have tests of their own below.
const OTHERS: &[&str] = &[
    "/api/v1/queries",
    "/api/v1/queries/{id}",
    "/api/v1/logs/tail",
    "/api/v1/delete",
    "/api/v1/redact",
    "/api/v1/retention",
    "/api/v1/pins/{trace_id}",
    "/api/v1/tenants",
    "/jaeger/api/metrics/minstep",
    "/jaeger/api/archive/{trace_id}",
    "/jaeger/api/transform",
    "/tempo/api/echo",
    "/tempo/api/status/buildinfo",
    // Follows as `/api/v1/logs/tail` does.
    "/loki/api/v1/tail",
    "/loki/api/v1/drilldown-limits",
    "/loki/api/v1/format_query",
    "/loki/api/v1/status/buildinfo",
    "/loki/ready",
];

/// What is not the same when it is asked again, or comes of the order in which rows were stored.
const PASSING: &[&str] = &[
    "record_id",
    "sample_id",
    "trace_sample_id",
    "last_record_id",
    "elapsed_ms",
    "cursor",
    "next_cursor",
    "id",
    "created_time",
    "updated_time",
    "pinned_time",
    "asked_time",
    "deadline",
    "done_time",
    "stats",
    "statistics",
    "metrics",
    "scanned_bytes",
    "bytes_read",
    "scans",
    "timings",
    "version",
    "snapshot",
    "state",
    "bytes_left",
];

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn span(json: Value) -> Span {
    serde_json::from_value(json).unwrap()
}

/// The rows of a tenant: the same trace and service whoever it is, and `word`, some of it `times`.
async fn fill(house: &mut House, of: &str, word: &str, times: i64) {
    house.tenant = tenant(of);
    let mut spans = Vec::new();
    let mut logs = Vec::new();
    for time in 0..times {
        let trace = 7 + u128::try_from(time).unwrap();
        let start = time * 20_000;
        let id = 10 * (1 + u64::try_from(time).unwrap());
        spans.push(span(json!({
            "trace": trace, "span": id, "service": "checkout", "name": format!("GET /{word}"), "kind": "server",
            "start": start, "duration": 100 * times, "attributes": {"secret": word}, "resource": {"host": word}, "status": "error",
            "message": word,
            "events": [{"name": "exception", "at": 1, "attributes": {"exception.type": word, "exception.message": word}}],
        })));
        spans.push(span(json!({
            "trace": trace, "span": id + 1, "parent": id, "service": format!("db-{word}"), "name": "SELECT", "kind": "server",
            "start": start + 1, "duration": 50, "attributes": {"secret": word},
        })));
        let mut log = Log::at(T0 + time * 20 * SECOND, format!("{word} said {time}"))
            .with("secret", word, 's')
            .with(if times > 1 { "many" } else { "few" }, word, 's');
        log.trace_id = Some(trace.to_be_bytes());
        log.severity_number = 17;
        log.resource = vec![("host.name", word.to_owned(), 's')];
        log.service = if times > 1 {
            "checkout"
        } else {
            "checkout-one"
        };
        logs.push(log);
    }
    append_spans(house, &spans).await;
    house.append(&logs).await;
}

/// What is saved, pinned and deleted of a tenant: the ids of the search and of the deletion.
async fn change(house: &House, of: &str, word: &str) -> (String, String) {
    let post = |path: &str, body: Value| {
        Request::post(path)
            .header(TenantId::HEADER, of)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap()
    };
    let router = house.engine_router().merge(house.admin());
    let ask = async |request| {
        let (status, _, body) = send(&router, request).await;
        let body = String::from_utf8(body).unwrap();
        assert!(status.is_success(), "{status}: {body}");
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let search = json!({"name": word, "view": "logs", "query": word, "parameters": {}});
    let saved = ask(post("/api/v1/searches", search)).await;
    ask(post("/api/v1/pins/9", json!({ "note": word }))).await;
    let redact = json!({"table": "logs", "query": "said", "fields": ["gone"], "confirm": 100, "replacement": word});
    let redacted = ask(post("/api/v1/redact", redact)).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&saved["id"]), text(&redacted["deletion_id"]))
}

/// The answer without what is passing; lines of JSON, and numbers of rows that stay.
fn settled(text: &str) -> Value {
    fn without(value: Value) -> Value {
        match value {
            Value::Object(fields) => fields
                .into_iter()
                .filter(|(name, _)| !PASSING.contains(&name.as_str()))
                .map(|(name, value)| (name, without(value)))
                .collect(),
            Value::Array(members) => members.into_iter().map(without).collect(),
            // Ids of entries and times of asking are of the order and the moment.
            other => other,
        }
    }
    let lines = text.lines().map(|line| {
        serde_json::from_str(line).map_or_else(|_| Value::from(line.to_owned()), without)
    });
    match serde_json::from_str(text) {
        Ok(value) => without(value),
        Err(_) => lines.collect(),
    }
}

fn request(ask: &str, of: Option<&str>, by_header: bool) -> Request<Body> {
    let (address, body) = ask.split_once(' ').unwrap_or((ask, ""));
    let mut address = address
        .replace(
            "RANGE",
            "start=2023-01-29T08:00:00Z&end=2023-01-29T09:00:00Z",
        )
        .replace("SECONDS", "start=1674979200&end=1674982800");
    let mut request = Request::builder();
    match of {
        Some(of) if by_header => request = request.header("x-scope-orgid", of),
        Some(of) => {
            let next = if address.contains('?') { '&' } else { '?' };
            address = format!("{address}{next}tenant={of}");
        }
        None => {}
    }
    if !body.is_empty() {
        request = request.method("POST");
    }
    let request = request.header("accept", "application/json");
    request
        .uri(address)
        .body(Body::from(body.to_owned()))
        .unwrap()
}

async fn answer(router: &Router, ask: &str, of: Option<&str>, by_header: bool) -> Value {
    let (status, _, body) = send(router, request(ask, of, by_header)).await;
    let body = String::from_utf8_lossy(&body).into_owned();
    let fine = status.is_success() || of == Some("nobody") && status == 404;
    if !fine {
        return json!({"refused": status.as_u16(), "body": body});
    }
    settled(&body)
}

/// Paths of a router: axum tells them in no other way.
fn routed(router: &Router) -> BTreeSet<String> {
    let told = format!("{router:?}");
    let quoted = told.split('"').skip(1).step_by(2);
    let paths = quoted
        .filter(|text| text.len() > 1 && text.starts_with('/') && !text.contains("__private"));
    // The same under the prefix that clients of Loki put before it.
    paths
        .filter(|path| !path.starts_with("/loki/loki/"))
        .map(str::to_owned)
        .collect()
}

/// Whether an address is one of a route.
fn is_of(address: &str, route: &str) -> bool {
    let path = address.split(['?', ' ']).next().unwrap_or_default();
    let (path, route): (Vec<_>, Vec<_>) = (path.split('/').collect(), route.split('/').collect());
    path.len() == route.len()
        && path
            .iter()
            .zip(&route)
            .all(|(part, of_route)| part == of_route || of_route.starts_with('{'))
}

#[tokio::test]
async fn each_route_is_asked_or_needs_no_asking() {
    let house = House::new().await;
    let paths = routed(&house.engine_router().merge(house.admin()));
    assert!(paths.len() > 60, "{paths:?}");
    for path in &paths {
        let asked = ASKS.iter().any(|ask| is_of(ask, path));
        assert!(
            asked || OTHERS.contains(&path.as_str()),
            "`{path}` is not asked about tenants"
        );
    }
    for other in OTHERS {
        assert!(paths.contains(*other), "`{other}` is no route");
    }
}

#[tokio::test]
async fn every_route_tells_a_tenant_of_its_own_rows_only() {
    // Both in one house; and each alone, as the default one, in a house of its own.
    let (mut both, mut alpha, mut beta) =
        (House::new().await, House::new().await, House::new().await);
    let nobody = House::new().await;
    let mut wrong: Vec<String> = Vec::new();
    for when in ["in memory", "in files"] {
        if when == "in memory" {
            fill(&mut both, "alpha", "alpha", 1).await;
            fill(&mut both, "beta", "beta", 2).await;
            fill(&mut alpha, "default", "alpha", 1).await;
            fill(&mut beta, "default", "beta", 2).await;
        } else {
            for house in [&both, &alpha, &beta] {
                house.storage.flush().await.unwrap();
            }
        }
        let ids = [
            change(&both, "alpha", "alpha").await,
            change(&both, "beta", "beta").await,
            change(&alpha, "default", "alpha").await,
            change(&beta, "default", "beta").await,
        ];
        let asks = ASKS.iter().map(|ask| (*ask, ids.each_ref()));
        for (ask, ids) in asks {
            let [of_alpha, of_beta, alone_alpha, alone_beta] = ids.map(|(search, deletion)| {
                ask.replace("{id}", search).replace("{deletion}", deletion)
            });
            let router = both.engine_router();
            let expected = answer(&alpha.engine_router(), &alone_alpha, None, true).await;
            let other = answer(&beta.engine_router(), &alone_beta, None, true).await;
            wrong.extend(
                (expected == other || expected.get("refused").is_some())
                    .then(|| format!("{ask}: the same of both\n{other}")),
            );
            // Twice, in turns: what one asked is kept for nobody but itself.
            for by_header in [true, false] {
                let told = answer(&router, &of_alpha, Some("alpha"), by_header).await;
                wrong.extend(
                    (told != expected).then(|| format!("{when}: {ask}\n{told}\n{expected}")),
                );
                let told = answer(&router, &of_beta, Some("beta"), by_header).await;
                wrong.extend((told != other).then(|| format!("{when}: {ask}\n{told}\n{other}")));
            }
            let told = answer(&router, &of_alpha, Some("nobody"), true)
                .await
                .to_string();
            let empty = answer(&nobody.engine_router(), &of_alpha, Some("nobody"), true).await;
            assert_eq!(told, empty.to_string(), "{when}: {ask}");
            assert!(!told.contains("beta"), "{ask}: {told}");
        }
        // The names of what was saved are taken.
        for house in [&both, &alpha, &beta] {
            for of in ["alpha", "beta", "default"].map(tenant) {
                for saved in house.storage.saved_searches(&of, None).await.unwrap() {
                    house
                        .storage
                        .delete_saved_search(&of, saved.id)
                        .await
                        .unwrap();
                }
            }
        }
    }
}

#[tokio::test]
async fn a_name_that_is_none_is_refused_by_every_route() {
    let house = House::new().await;
    let router = house.engine_router().merge(house.admin());
    for ask in ASKS {
        for (of, by_header) in [("a|b", true), ("..", false)] {
            let (status, _, body) = send(&router, request(ask, Some(of), by_header)).await;
            let body = String::from_utf8_lossy(&body).into_owned();
            assert_eq!(status, 400, "{ask}: {body}");
            let says = if by_header {
                "the header `X-Scope-OrgID` names several tenants"
            } else {
                "the parameter `tenant`: `..` is not a tenant name"
            };
            assert!(body.contains(says), "{ask}: {body}");
        }
    }
    let mut both = request("/api/v1/logs", Some("a"), false);
    both.headers_mut()
        .insert("x-scope-orgid", "b".parse().unwrap());
    let (status, _, body) = send(&router, both).await;
    assert_eq!(status, 400, "{}", String::from_utf8_lossy(&body));
}

#[tokio::test]
async fn what_is_deleted_of_one_stays_of_the_other() {
    let mut house = House::new().await;
    fill(&mut house, "alpha", "alpha", 1).await;
    fill(&mut house, "beta", "beta", 2).await;
    house.storage.flush().await.unwrap();
    let router = house.engine_router().merge(house.admin());
    let delete = |of: &str, confirm: u64| {
        let body = json!({"table": "logs", "query": "said", "confirm": confirm});
        Request::post("/api/v1/delete")
            .header("x-scope-orgid", of)
            .body(Body::from(body.to_string()))
            .unwrap()
    };
    let (status, _, body) = send(&router, delete("alpha", 9)).await;
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status.as_u16(), &told["rows"]), (200, &json!(1)), "{told}");
    for (of, rows) in [("alpha", 0), ("beta", 2)] {
        let list = answer(&router, "/api/v1/logs", Some(of), true).await;
        assert_eq!(list["logs"].as_array().unwrap().len(), rows, "{of}");
    }
    // Whose it was is told of it, and nobody else.
    let id = told["deletion_id"].as_str().unwrap();
    for (of, status) in [("alpha", 200), ("beta", 404), ("default", 404)] {
        let ask = format!("/api/v1/deletions/{id}");
        let (found, ..) = send(&router, request(&ask, Some(of), false)).await;
        assert_eq!(found, status, "{of}");
    }
}

#[tokio::test]
async fn nobody_saves_searches_for_tenants_that_are_not_there() {
    let house = House::new().await;
    let search = json!({"name": "x", "view": "logs", "query": "x", "parameters": {}});
    let save = Request::post("/api/v1/searches?tenant=made-up")
        .header("content-type", "application/json")
        .body(Body::from(search.to_string()))
        .unwrap();
    let (status, body) = house.request(save).await;
    assert_eq!(status, 404, "{body}");
}

#[tokio::test]
async fn a_tail_and_the_list_of_queries_are_of_one_tenant() {
    let mut house = House::new().await;
    let open = async |of| {
        let tail = request("/api/v1/logs/tail?query=said", Some(of), true);
        let response = house.ask(tail).await;
        assert_eq!(response.status(), 200);
        response.into_body().into_data_stream()
    };
    let mut alphas = open("alpha").await;
    let mut betas = open("beta").await;
    for (of, count) in [("alpha", 1), ("beta", 1), ("default", 0)] {
        let list = request("/api/v1/queries", Some(of), false);
        let (_, body) = house.request(list).await;
        let list: Value = serde_json::from_str(&body).unwrap();
        let listed = list["queries"].as_array().unwrap();
        assert_eq!((listed.len(), &list["tails"]), (count, &json!(2)), "{list}");
        assert!(listed.iter().all(|query| query["tenant"] == of));
        // Only by its own can it be stopped.
        for query in listed {
            let other = format!(
                "/api/v1/queries/{}?tenant=gamma",
                query["id"].as_str().unwrap()
            );
            let stop = Request::delete(other).body(Body::empty()).unwrap();
            let (status, ..) = send(&house.admin(), stop).await;
            assert_eq!(status, 404);
        }
    }
    fill(&mut house, "alpha", "alpha", 1).await;
    fill(&mut house, "beta", "beta", 1).await;
    for (tail, own, other) in [
        (&mut alphas, "alpha", "beta"),
        (&mut betas, "beta", "alpha"),
    ] {
        let mut told = String::new();
        while !told.contains(&format!("{own} said 0")) {
            let piece = tail.next().await.unwrap().unwrap();
            told.push_str(std::str::from_utf8(&piece).unwrap());
        }
        assert!(!told.contains(&format!("{other} said")), "{told}");
    }
}
