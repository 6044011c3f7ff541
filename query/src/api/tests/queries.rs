//! What is listed of running queries, what stopping one does, and that nothing stays behind of one whose
//! client has gone.

use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use futures::StreamExt;
use futures::future::BoxFuture;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::QueryOptions;
use crate::testing::{House, Log, SECOND, T0, send, sql_request, uri};

/// Rows that come in more than one batch, so that reading them can be left off in between.
const MANY: &str = "SELECT a.body FROM logs a, logs b";

async fn house(max_concurrent: usize, max_waiting: usize) -> House {
    let house = House::with(QueryOptions {
        max_concurrent,
        max_waiting,
        parallelism: 4,
        ..QueryOptions::default()
    })
    .await;
    let rows = (0..1000).map(|at| Log::at(T0 + at * SECOND, format!("line {at}")));
    house.append(&rows.collect::<Vec<_>>()).await;
    house
}

async fn listed(house: &House) -> Value {
    house.get("/api/v1/queries", &[]).await
}

/// The list, once it is as `wanted`.
async fn until(house: &House, wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..100_000 {
        let list = listed(house).await;
        if wanted(&list) {
            return list;
        }
        tokio::task::yield_now().await;
    }
    panic!("{:#}", listed(house).await);
}

async fn stop(house: &House, id: &Value) -> (StatusCode, Value) {
    let path = format!("/api/v1/queries/{}", id.as_str().unwrap());
    let request = Request::delete(path).body(Body::empty()).unwrap();
    let (status, _, body) = send(&house.admin(), request).await;
    (status, serde_json::from_slice(&body).unwrap())
}

/// A query that runs for as long as its answer is not read.
async fn held(house: &House) -> Response {
    held_by(house, MANY).await
}

async fn held_by(house: &House, statement: &str) -> Response {
    let request = sql_request(statement, "text/csv");
    let response = house.ask(request).await;
    assert_eq!(response.status(), 200);
    response
}

#[tokio::test]
async fn what_runs_and_what_waits_is_listed_and_can_be_stopped() {
    let house = house(1, 5).await;
    let none = listed(&house).await;
    assert_eq!(none["queries"], json!([]));
    let counts = [
        "running",
        "waiting",
        "tails",
        "max_concurrent",
        "max_waiting",
        "max_tails",
    ];
    assert_eq!(
        counts.map(|count| none[count].as_u64().unwrap()),
        [0, 0, 0, 1, 5, 32]
    );

    let running = held(&house).await;
    let logs = uri("/api/v1/logs", &[("query", "\"line 7\""), ("limit", "3")]);
    let mut waiting = house.ask(Request::get(logs).body(Body::empty()).unwrap());
    assert!(poll(&mut waiting).is_none());
    let list = listed(&house).await;
    assert_eq!((&list["running"], &list["waiting"]), (&json!(1), &json!(1)));
    let [newest, oldest] = list["queries"].as_array().unwrap().as_slice() else {
        panic!("{list:#}");
    };
    for (query, kind, text, state) in [
        (newest, "/api/v1/logs", "\"line 7\"", "waiting"),
        (oldest, "/api/v1/sql", MANY, "running"),
    ] {
        assert_eq!(
            (&query["kind"], &query["query"], &query["state"]),
            (&json!(kind), &json!(text), &json!(state))
        );
        assert_eq!(
            (&query["tenant"], &query["client"]),
            (&json!("default"), &Value::Null)
        );
        assert!(query["deadline"].as_str() > query["began_time"].as_str());
        assert_eq!(query["max_memory_bytes"], 512 << 20);
    }
    assert_eq!(
        ["rows_read", "rows_planned", "bytes_read"].map(|count| newest[count].as_u64()),
        [Some(0); 3]
    );
    assert_eq!(oldest["rows_read"], 2000, "both sides of the join");
    assert_eq!(oldest["rows_planned"], 2000);
    assert!(oldest["bytes_read"].as_u64().unwrap() > 10_000);

    let (status, stopped) = stop(&house, &newest["id"]).await;
    assert_eq!((status.as_u16(), &stopped["id"]), (200, &newest["id"]));
    let response = waiting.await;
    assert_eq!(response.status(), 409);
    let body = axum::body::to_bytes(response.into_body(), 1 << 16)
        .await
        .unwrap();
    let error: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(error["error"]["code"], "cancelled");
    assert_eq!(error["error"]["message"], "somebody stopped the query");

    let (status, _) = stop(&house, &oldest["id"]).await;
    assert_eq!(status, 200);
    let mut body = running.into_body().into_data_stream();
    let mut last = None;
    while let Some(bytes) = body.next().await {
        last = Some(bytes.map(drop));
    }
    let error = last.unwrap().unwrap_err();
    assert!(error.to_string().contains("stopped the query"), "{error}");
    drop(body);
    until(&house, |list| list["queries"] == json!([])).await;
    let (status, gone) = stop(&house, &oldest["id"]).await;
    assert_eq!(
        (status.as_u16(), &gone["error"]["code"]),
        (404, &json!("not_found"))
    );
    house.get("/api/v1/logs", &[]).await;
}

#[tokio::test]
async fn every_way_to_ask_is_listed_with_its_text() {
    let house = house(1, 5).await;
    let _running = held(&house).await;
    let get = |path: &str, parameters: &[(&str, &str)]| {
        Request::get(uri(path, parameters))
            .body(Body::empty())
            .unwrap()
    };
    let trace = "/api/v1/traces/0123456789abcdef0123456789abcdef";
    let form = Request::post("/loki/api/v1/query_range")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(
            "direction=forward&query=%7Ba%3D%22b%22%7D+%7C%3D+%60c%60",
        ))
        .unwrap();
    for (request, kind, text) in [
        (get("/api/v1/logs", &[("query", "x")]), "/api/v1/logs", "x"),
        (
            get("/api/v1/traces", &[("traceql", "{ true }")]),
            "/api/v1/traces",
            "{ true }",
        ),
        (get(trace, &[]), "/api/v1/traces/{trace_id}", trace),
        (
            get("/jaeger/api/services", &[]),
            "/jaeger/api/services",
            "/jaeger/api/services?",
        ),
        (
            get("/tempo/api/search", &[("q", "{}")]),
            "/tempo/api/search",
            "{}",
        ),
        (form, "/loki/api/v1/query_range", "{a=\"b\"} |= `c`"),
        (sql_request("SELECT 1", "*/*"), "/api/v1/sql", "SELECT 1"),
    ] {
        let mut waiting = house.ask(request);
        // Reading a form may take more than one look.
        for _ in 0..10 {
            assert!(poll(&mut waiting).is_none(), "{kind}");
            tokio::task::yield_now().await;
        }
        let list = listed(&house).await;
        let newest = &list["queries"][0];
        assert_eq!(
            (&newest["kind"], &newest["state"]),
            (&json!(kind), &json!("waiting"))
        );
        assert!(
            newest["query"]
                .as_str()
                .unwrap()
                .starts_with(text.trim_end_matches('?')),
            "{newest}"
        );
        drop(waiting);
        assert_eq!(listed(&house).await["waiting"], 0, "{kind}");
    }
    let long = "x".repeat(5_000);
    let mut waiting = house.ask(sql_request(&long, "*/*"));
    assert!(poll(&mut waiting).is_none());
    let list = listed(&house).await;
    assert_eq!(list["queries"][0]["query"].as_str().unwrap().len(), 2048);
}

#[tokio::test]
async fn a_live_tail_is_one_entry_and_stopping_it_ends_it_with_an_error() {
    let house = house(2, 5).await;
    let tail = house
        .open("/api/v1/logs/tail", &[("query", "line")], &[])
        .await;
    let mut events = tail.into_body().into_data_stream();
    events.next().await.unwrap().unwrap();
    house.append(&[Log::at(T0, "one more line")]).await;
    let told = events.next().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&told).contains("one more line"));
    let list = listed(&house).await;
    assert_eq!((&list["tails"], &list["running"]), (&json!(1), &json!(0)));
    let tail = &list["queries"][0];
    assert_eq!(list["queries"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&tail["kind"], &tail["query"]),
        (&json!("/api/v1/logs/tail"), &json!("line"))
    );
    assert_eq!(
        (&tail["deadline"], &tail["state"]),
        (&Value::Null, &json!("running"))
    );
    assert!(
        tail["rows_read"].as_u64().unwrap() >= 1,
        "its looks count into it"
    );
    stop(&house, &tail["id"]).await;
    let mut text = String::new();
    while let Some(bytes) = events.next().await {
        text.push_str(std::str::from_utf8(&bytes.unwrap()).unwrap());
    }
    let last = text.rsplit("event: ").next().unwrap();
    assert!(
        last.starts_with("error") && last.contains("\"cancelled\""),
        "{text}"
    );
    drop(events);
    assert_eq!(listed(&house).await["tails"], 0);
}

#[tokio::test]
async fn a_client_that_goes_away_at_any_moment_leaves_nothing_behind() {
    let house = house(1, 5).await;
    // While it waits.
    let running = held(&house).await;
    let mut waiting = house.ask(sql_request(MANY, "text/csv"));
    assert!(poll(&mut waiting).is_none());
    assert_eq!(listed(&house).await["waiting"], 1);
    drop(waiting);
    assert_eq!(listed(&house).await["waiting"], 0);
    // While it is answered.
    drop(running);
    until(&house, |list| list["queries"] == json!([])).await;
    // In files and in memory; after every step on the way to an answer and through it.
    house.storage.flush().await.unwrap();
    house.append(&[Log::at(T0, "line in memory")]).await;
    let query = "SELECT a.body, count(*) FROM logs a JOIN logs b ON a.body = b.body
        WHERE matches(a.body, 'line') GROUP BY a.body ORDER BY a.body";
    for steps in 0.. {
        let mut asking = house.ask(sql_request(query, "*/*"));
        let mut finished = false;
        for _ in 0..steps {
            if poll(&mut asking).is_some() {
                finished = true;
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(asking);
        until(&house, |list| list["queries"] == json!([])).await;
        if finished {
            assert!(steps > 1, "it never had to wait");
            break;
        }
    }
    let answer = house.sql("SELECT count(*) FROM logs").await;
    assert_eq!(answer["rows"], json!([[1001]]));
}

#[tokio::test]
async fn a_burst_of_one_client_does_not_keep_another_waiting() {
    let house = house(1, 10).await;
    let from = |address: [u8; 4]| {
        let mut request = sql_request("SELECT count(*) FROM logs", "*/*");
        let peer = SocketAddr::from((address, 4711));
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    };
    let running = held(&house).await;
    let mut asking: Vec<_> = (0..5)
        .map(|at| (at, house.ask(from([10, 0, 0, 1]))))
        .collect();
    asking.push((5, house.ask(from([10, 0, 0, 2]))));
    for (_, one) in &mut asking {
        assert!(poll(one).is_none());
    }
    let list = listed(&house).await;
    assert_eq!(
        (&list["waiting"], &list["queries"][0]["client"]),
        (&json!(6), &json!("10.0.0.2"))
    );
    drop(running);
    let mut order = Vec::new();
    while !asking.is_empty() {
        asking.retain_mut(|(number, one)| match poll(one) {
            Some(response) => {
                assert_eq!(response.status(), 200);
                order.push(*number);
                false
            }
            None => true,
        });
        tokio::task::yield_now().await;
    }
    let place = order.iter().position(|number| *number == 5).unwrap();
    assert!(place <= 1, "{order:?}");
}

fn poll(future: &mut BoxFuture<'static, Response>) -> Option<Response> {
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(response) => Some(response),
        Poll::Pending => None,
    }
}

#[tokio::test]
async fn rows_are_planned_before_they_are_read_and_of_files_those_that_the_index_leaves() {
    let house = house(1, 5).await;
    house.storage.flush().await.unwrap();
    let one = r#"SELECT b.body FROM logs a, logs b, logs c WHERE matches(a.body, '"line 7"')"#;
    let running = held_by(&house, one).await;
    let list = until(&house, |list| list["queries"][0]["rows_read"] != json!(0)).await;
    let query = &list["queries"][0];
    assert_eq!(query["rows_planned"], 1 + 2 * 1000, "{query:#}");
    assert!(query["rows_read"].as_u64() <= query["rows_planned"].as_u64());
    drop(running);
}

#[tokio::test]
async fn what_took_long_is_listed_once_it_is_over() {
    let house = House::with(QueryOptions {
        slow_query: std::time::Duration::ZERO,
        ..QueryOptions::default()
    })
    .await;
    house.append(&[Log::at(T0, "line 7".to_owned())]).await;
    assert_eq!(listed(&house).await["slow"], json!([]));
    house.get("/api/v1/logs", &[("query", "line")]).await;
    let list = until(&house, |list| list["slow"] != json!([])).await;
    let [slow] = list["slow"].as_array().unwrap().as_slice() else {
        panic!("{list:#}");
    };
    assert_eq!(
        (&slow["kind"], &slow["query"], &slow["client"]),
        (&json!("/api/v1/logs"), &json!("line"), &Value::Null)
    );
    assert!(slow["elapsed_ms"].is_u64() && slow["bytes_read"].as_u64().unwrap() > 0);
    assert_eq!(list["queries"], json!([]));
}
