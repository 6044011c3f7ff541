//! Whatever is asked, what is sent is taken in; and who does not read an answer does not keep its place.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::api::Api;
use crate::data;
use crate::harness::{Home, Server};
use crate::otlp;

/// How long a busy machine may take for what takes no time, before the test gives up.
const PATIENCE: Duration = Duration::from_mins(2);
/// 27 thousand million rows: nobody waits for that.
const ENDLESS: &str = "SELECT count(*) FROM logs a, logs b, logs c WHERE a.body < b.body";
/// As many, to be read one by one.
const ENDLESS_ROWS: &str = "SELECT a.body FROM logs a, logs b, logs c";

async fn fill(server: &Server) {
    let records = (0..3_000)
        .map(|number| data::record(&format!("line {number}")))
        .collect();
    server
        .otlp()
        .export_logs(&data::logs_of("busy", records))
        .await;
}

/// Asks until the answer is as it should be.
async fn until(api: &Api, path: &str, is_right: impl Fn(&str) -> bool) -> String {
    let began = Instant::now();
    loop {
        let answer = timeout(PATIENCE, api.try_get(path, &[])).await.unwrap();
        if is_right(&answer.text) {
            return answer.text;
        }
        assert!(began.elapsed() < PATIENCE, "{path}: {}", answer.text);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn is_running(count: usize) -> impl Fn(&str) -> bool {
    move |text| {
        let list: Value = serde_json::from_str(text).unwrap();
        list["running"] == count
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ingest_goes_on_while_queries_that_never_end_keep_every_thread() {
    let home = Home::new();
    let flags = ["--query-threads", "2", "--query-max-concurrent", "6"];
    let long = ["--query-timeout", "1h"];
    let server = home.serve_with(&[&flags[..], &long[..]].concat()).await;
    let api = server.api();
    fill(&server).await;
    let asking: Vec<_> = (0..6)
        .map(|_| {
            let api = api.clone();
            tokio::spawn(async move { api.try_sql(ENDLESS, otlp::JSON).await })
        })
        .collect();
    let list = until(&api, "/api/v1/queries", is_running(6)).await;
    for number in 0..20 {
        let records = vec![data::record(&format!("meanwhile {number}"))];
        let request = data::logs_of("busy", records);
        let sent = server.otlp();
        timeout(PATIENCE, sent.export_logs(&request)).await.unwrap();
    }
    if cfg!(target_os = "linux") {
        assert_eq!(niceness(&server, "spoor-query"), 5);
        assert_eq!(niceness(&server, "spoor"), 0);
    }
    let list: Value = serde_json::from_str(&list).unwrap();
    for query in list["queries"].as_array().unwrap() {
        let path = format!("/api/v1/queries/{}", query["id"].as_str().unwrap());
        let nothing = json!({});
        let stopped = api.change(Method::DELETE, &path, &nothing);
        let stopped = timeout(PATIENCE, stopped).await.unwrap();
        assert_eq!(stopped.status, 200, "{}", stopped.text);
    }
    for one in asking {
        let answer = timeout(PATIENCE, one).await.unwrap().unwrap();
        assert_eq!(answer.status, 409, "{}", answer.text);
    }
    assert_eq!(api.count_logs("meanwhile").await, 20);
    server.stop().await;
    home.assert_clean();
}

/// Of the threads of that name, which all have the same.
fn niceness(server: &Server, name: &str) -> i32 {
    let folder = format!("/proc/{}/task", server.pid());
    let mut found: Vec<i32> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("stat")).ok())
        .filter_map(|stat| {
            let (of, rest) = stat.split_once(" (")?.1.rsplit_once(") ")?;
            // The nineteenth of all, as proc(5) counts.
            (of == name).then(|| rest.split(' ').nth(16).unwrap().parse().unwrap())
        })
        .collect();
    found.dedup();
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found[0]
}

/// Sends a request and reads no more of the answer than that it succeeds.
async fn unread(server: &Server, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address("http_addr"))
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_gives_its_place_to_others() {
    let home = Home::new();
    let flags = ["--query-stall-timeout", "300ms", "--query-timeout", "1h"];
    let one = ["--query-max-concurrent", "1"];
    let server = home.serve_with(&[&flags[..], &one[..]].concat()).await;
    let api = server.api();
    fill(&server).await;
    let body = json!({ "query": ENDLESS_ROWS }).to_string();
    let request = format!(
        "POST /api/v1/sql HTTP/1.1\r\nHost: {}\r\nAccept: text/csv\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        server.address("http_addr"),
        body.len()
    );
    let mut stream = unread(&server, &request).await;
    let ended = |text: &str| text.contains("spoor_query_stalled_total 1\n");
    let metrics = until(&api, "/metrics", ended).await;
    assert!(metrics.contains("spoor_query_running 0\n"), "{metrics}");
    assert_eq!(api.count_logs("line").await, 3_000, "the one place is free");
    // What it may still read has no end.
    let mut rest = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut rest));
    // The connection may be reset.
    drop(read.await.unwrap());
    assert!(!rest.is_empty() && !rest.ends_with(b"0\r\n\r\n"));

    let request = format!(
        "GET /api/v1/logs/tail?query=much&limit=5000 HTTP/1.1\r\nHost: {}\r\n\r\n",
        server.address("http_addr")
    );
    let tail = unread(&server, &request).await;
    let ended = |text: &str| text.contains("spoor_query_stalled_total 2\n");
    let began = Instant::now();
    // More than the buffers of a connection hold.
    while !ended(&api.try_get("/metrics", &[]).await.text) {
        assert!(began.elapsed() < PATIENCE, "the tail goes on");
        let records = vec![data::record(&format!("much {}", "x".repeat(1 << 20)))];
        server
            .otlp()
            .export_logs(&data::logs_of("busy", records))
            .await;
    }
    let list = api.get("/api/v1/queries", &[]).await;
    assert_eq!((&list["tails"], &list["queries"]), (&json!(0), &json!([])));
    drop(tail);
    server.stop().await;
}
