//! Live tails over a real storage: nothing lost, nothing twice, bounded, and they end.

use axum::body::BodyDataStream;
use futures::StreamExt;
use http::StatusCode;
use serde_json::{Value, json};

use crate::QueryOptions;
use crate::testing::{House, Log, SECOND, T0};

/// One event as it came.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    kind: String,
    id: String,
    data: Value,
}

/// An open tail, read event by event.
struct Tail {
    stream: BodyDataStream,
    text: String,
}

impl Tail {
    async fn open(house: &House, parameters: &[(&str, &str)], last: Option<&str>) -> Self {
        let headers: Vec<_> = last.map(|id| ("last-event-id", id)).into_iter().collect();
        let response = house.open("/api/v1/logs/tail", parameters, &headers).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            stream: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let event = read(event);
                self.text = rest.to_owned();
                if event.kind.is_empty() {
                    // A sign of life.
                    continue;
                }
                return Some(event);
            }
            let bytes = self.stream.next().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    async fn expect(&mut self, kind: &str) -> Event {
        let event = self.next().await.unwrap();
        assert_eq!(event.kind, kind, "{event:?}");
        event
    }

    /// Bodies of the next records, up to the mark after them.
    async fn bodies(&mut self) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let event = self.next().await.unwrap();
            match event.kind.as_str() {
                "log" => bodies.push(event.data["body"].as_str().unwrap().to_owned()),
                "mark" if bodies.is_empty() => {}
                kind => {
                    assert_eq!(kind, "mark", "{event:?}");
                    return bodies;
                }
            }
        }
    }
}

fn read(text: &str) -> Event {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim_start().to_owned()
    };
    Event {
        kind: field("event:"),
        id: field("id:"),
        data: serde_json::from_str(&field("data:")).unwrap_or_default(),
    }
}

#[tokio::test]
async fn a_tail_tells_what_arrives_and_matches_in_the_order_it_came() {
    let house = House::new().await;
    house.append(&[Log::at(T0, "refused before")]).await;
    let mut tail = Tail::open(&house, &[("query", "refused")], None).await;
    tail.expect("ready").await;
    // The second is older than all: it arrived later, and that is what counts.
    house
        .append(&[
            Log::at(T0 + SECOND, "refused 1"),
            Log::at(T0 + SECOND, "granted"),
        ])
        .await;
    house
        .append(&[Log::at(T0 - 7_200 * SECOND, "refused 2")])
        .await;
    let mut bodies = tail.bodies().await;
    if bodies.len() == 1 {
        bodies.extend(tail.bodies().await);
    }
    assert_eq!(bodies, ["refused 1", "refused 2"]);
}

#[tokio::test]
async fn a_record_is_told_as_search_tells_it() {
    let house = House::new().await;
    let mut tail = Tail::open(&house, &[], None).await;
    tail.expect("ready").await;
    house
        .append(&[Log::at(T0, "one").with("user.id", 7, 'i')])
        .await;
    let told = tail.expect("log").await;
    let found = house.get("/api/v1/logs", &[]).await;
    assert_eq!(told.data, found["logs"][0]);
    assert!(
        told.id
            .starts_with(&format!("{}.", told.data["id"].as_str().unwrap()))
    );
}

/// Words anywhere in a record and ranges, in memory and, for who comes back, in files.
#[tokio::test]
async fn a_tail_means_what_the_search_bar_means() {
    let house = House::new().await;
    let queries = [
        "*:u7",
        "*:\"api v1\"",
        "*:~\"^u[78]$\"",
        "*:checkout -*:(u7 OR u8)",
        "http.status_code:[400 TO 500}",
        "http.status_code:(200 OR [500 TO *])",
        "-http.status_code:[* TO 499]",
        "level:[info TO warn]",
        "user.id:[\"u1\" TO \"u8\"}",
        "time:{2023-01-29T08:00:01Z TO *]",
    ];
    let mut tails = Vec::new();
    for query in queries {
        let mut tail = Tail::open(&house, &[("query", query)], None).await;
        let began = tail.expect("ready").await.id;
        tails.push((query, tail, began));
    }
    let row = |at: i64, severity_number, status: i64, user| {
        let mut row = Log::at(T0 + at * SECOND, format!("row {at}"))
            .with("http.status_code", status, 'i')
            .with("user.id", user, 's');
        row.severity_number = severity_number;
        row
    };
    let rows = [
        row(3, 17, 500, "u7"),
        row(2, 9, 404, "u8").with("path", "/api/v1/items", 's'),
        row(1, 13, 200, "u1"),
        Log::at(T0, "row 0"),
    ];
    house.append(&rows).await;
    for (query, tail, _) in &mut tails {
        let found = house.get("/api/v1/logs", &[("query", query)]).await;
        let found = found["logs"].as_array().unwrap().iter();
        // The newest came first, so both are in one order.
        let found: Vec<&str> = found.map(|log| log["body"].as_str().unwrap()).collect();
        assert!(!found.is_empty() && found.len() < rows.len(), "{query}");
        assert_eq!(tail.bodies().await, found, "{query}");
    }
    house.storage.flush().await.unwrap();
    for (query, _, began) in &tails {
        let found = house.get("/api/v1/logs", &[("query", query)]).await;
        let found = found["logs"].as_array().unwrap().iter();
        let found: Vec<&str> = found.map(|log| log["body"].as_str().unwrap()).collect();
        let mut again = Tail::open(&house, &[("query", query)], Some(began)).await;
        again.expect("ready").await;
        assert_eq!(again.bodies().await, found, "{query}");
    }
}

/// A tail is open for long: what is in the future when it begins is not when it arrives.
#[tokio::test]
async fn now_is_when_a_tail_looks_and_not_when_it_began() {
    let house = House::new().await;
    let query = [("query", "time:[now-1h TO now]")];
    let mut tail = Tail::open(&house, &query, None).await;
    tail.expect("ready").await;
    for round in 0..3 {
        let now = crate::parameters::now_ns();
        let hour = 3_600 * SECOND;
        house
            .append(&[
                Log::at(now - 2 * hour, "long ago"),
                Log::at(now, format!("at {round}")),
                Log::at(now + hour, "to come"),
            ])
            .await;
        assert_eq!(tail.bodies().await, [format!("at {round}")]);
    }
}

#[tokio::test]
async fn what_a_tail_cannot_ask_is_refused_by_name() {
    let house = House::new().await;
    for (query, what) in [
        ("trace:(status:error)", "`trace:(…)` looks at other records"),
        ("x OR -logs:(y)", "`logs:(…)` looks at other records"),
        ("level:[warn TO info]", "`warn` is more than `info`"),
        ("span_id:[b TO 1]", "`b` is more than `1`"),
        ("*:\"--\"", "`--` has no letter or digit"),
    ] {
        let response = house
            .open("/api/v1/logs/tail", &[("query", query)], &[])
            .await;
        assert_eq!(response.status(), 400, "{query}");
        let body = axum::body::to_bytes(response.into_body(), 1 << 16).await;
        let answer: Value = serde_json::from_slice(&body.unwrap()).unwrap();
        let error = &answer["error"];
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(what), "{query}: {message}");
        assert!(error["hint"].is_string() && error["position"].is_number());
    }
}

#[tokio::test]
async fn who_comes_back_gets_what_came_meanwhile_from_files_and_buffer() {
    let house = House::new().await;
    let mut tail = Tail::open(&house, &[("query", "x")], None).await;
    tail.expect("ready").await;
    house
        .append(&[Log::at(T0, "x 0"), Log::at(T0, "x 1"), Log::at(T0, "x 2")])
        .await;
    let seen = tail.expect("log").await;
    assert_eq!(seen.data["body"], "x 0");
    drop(tail);
    house.storage.flush().await.unwrap();
    house.append(&[Log::at(T0, "x 3"), Log::at(T0, "y")]).await;
    house.storage.flush().await.unwrap();
    house.storage.compact().await.unwrap();
    house.append(&[Log::at(T0, "x 4")]).await;
    for parameters in [
        vec![("query", "x")],
        vec![("query", "x"), ("after", seen.id.as_str())],
    ] {
        let header = (parameters.len() == 1).then_some(seen.id.as_str());
        let mut again = Tail::open(&house, &parameters, header).await;
        again.expect("ready").await;
        assert_eq!(again.bodies().await, ["x 1", "x 2", "x 3", "x 4"]);
    }
}

#[tokio::test]
async fn a_mark_moves_on_though_nothing_matches() {
    let house = House::new().await;
    let mut tail = Tail::open(&house, &[("query", "nothing")], None).await;
    let ready = tail.expect("ready").await;
    house.append(&[Log::at(T0, "something")]).await;
    let mark = tail.expect("mark").await;
    assert_ne!(mark.id, ready.id);
}

#[tokio::test]
async fn more_than_the_rate_is_counted_and_the_newest_are_told() {
    let house = House::new().await;
    let mut tail = Tail::open(&house, &[("limit", "8")], None).await;
    tail.expect("ready").await;
    let rows: Vec<Log> = (0..10).map(|at| Log::at(T0, at.to_string())).collect();
    house.append(&rows).await;
    assert_eq!(tail.expect("dropped").await.data, json!({"count": 8}));
    assert_eq!(tail.bodies().await, ["8", "9"]);
}

#[tokio::test]
async fn an_id_that_says_nothing_here_begins_anew_and_says_so() {
    let house = House::new().await;
    house.append(&[Log::at(T0, "old")]).await;
    let now = crate::parameters::now_ns() / 1_000_000;
    for unknown in [format!("{}.{now}", i64::MAX), "1.1000".to_owned()] {
        let mut tail = Tail::open(&house, &[], Some(&unknown)).await;
        assert_eq!(tail.expect("dropped").await.data, json!({"count": null}));
        tail.expect("ready").await;
        house.append(&[Log::at(T0, "new")]).await;
        assert_eq!(tail.bodies().await, ["new"]);
    }
    for (parameters, header) in [
        (vec![("query", "(open")], None),
        (vec![("limit", "0")], None),
        (vec![("after", "7")], None),
        (vec![], Some("nonsense")),
    ] {
        let headers: Vec<_> = header.map(|id| ("last-event-id", id)).into_iter().collect();
        let response = house.open("/api/v1/logs/tail", &parameters, &headers).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{parameters:?}");
    }
}

#[tokio::test]
async fn there_are_only_so_many_tails_and_all_end_when_told() {
    let house = House::with(QueryOptions {
        max_tails: 2,
        ..QueryOptions::default()
    })
    .await;
    let mut first = Tail::open(&house, &[], None).await;
    let second = Tail::open(&house, &[], None).await;
    let third = house.open("/api/v1/logs/tail", &[], &[]).await;
    assert_eq!(third.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(third.headers().contains_key("retry-after"));
    // A client that goes away makes room.
    drop(second);
    let mut fourth = Tail::open(&house, &[], None).await;
    first.expect("ready").await;
    fourth.expect("ready").await;
    house.engine.end_tails();
    assert_eq!(first.next().await, None);
    assert_eq!(fourth.next().await, None);
    let late = house.open("/api/v1/logs/tail", &[], &[]).await;
    assert_eq!(late.status(), StatusCode::SERVICE_UNAVAILABLE);
}

/// Appends, flushes and merges beside a client that loses its connection after every few events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_record_is_told_once_through_flushes_merges_and_lost_connections() {
    const REQUESTS: usize = 60;
    let house = std::sync::Arc::new(House::new().await);
    let mut tail = Tail::open(&house, &[("query", "wanted"), ("limit", "5000")], None).await;
    let mut last = tail.expect("ready").await.id;
    let writer = std::sync::Arc::clone(&house);
    let writing = tokio::spawn(async move {
        for at in 0..REQUESTS {
            let hour = i64::try_from(at % 3).unwrap() * 3_600 * SECOND;
            let rows = [
                Log::at(T0 + hour, format!("wanted {at} a")),
                Log::at(T0 + hour, "other"),
                Log::at(T0, format!("wanted {at} b")),
            ];
            writer.append(&rows).await;
            if at % 7 == 6 {
                writer.storage.flush().await.unwrap();
            }
            if at % 20 == 19 {
                writer.storage.compact().await.unwrap();
            }
        }
    });
    let mut told = Vec::new();
    let mut until_lost = 5;
    while told.len() < 2 * REQUESTS {
        let event = tail.next().await.unwrap();
        last.clone_from(&event.id);
        match event.kind.as_str() {
            "log" => told.push(event.data["body"].as_str().unwrap().to_owned()),
            kind => assert!(kind == "mark" || kind == "ready", "{event:?}"),
        }
        until_lost -= 1;
        if until_lost == 0 {
            until_lost = 5 + told.len() / 4;
            let parameters = [("query", "wanted"), ("limit", "5000")];
            tail = Tail::open(&house, &parameters, Some(&last)).await;
        }
    }
    writing.await.unwrap();
    let all = (0..REQUESTS).flat_map(|at| [format!("wanted {at} a"), format!("wanted {at} b")]);
    assert_eq!(told, all.collect::<Vec<_>>());
}
