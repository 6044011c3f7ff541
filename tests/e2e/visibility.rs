//! What is acknowledged is in the very next query, while flushes and compactions go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::api::{Api, number};
use crate::data;
use crate::harness::Home;
use crate::otlp::Otlp;

const WORKERS: u64 = 4;
const ROUNDS: u64 = 250;

/// Sends one request of either kind and insists that the next query finds all of it.
async fn send_and_find(otlp: &Otlp, api: &Api, worker: u64, round: u64, sent: &AtomicU64) {
    let records = 1 + (worker + round) % 7;
    let word = format!("round{worker}x{round}");
    let time = data::T0 + round * 1_000_000_000;
    if round.is_multiple_of(2) {
        let list = (0..records)
            .map(|_| {
                let mut record = data::record(&format!("this is {word} of the test"));
                record.time_unix_nano = time;
                record
            })
            .collect();
        otlp.export_logs(&data::logs_of("visible", list)).await;
        let found = api.get("/api/v1/logs", &[("query", word.as_str())]).await;
        assert_eq!(
            found["logs"].as_array().unwrap().len() as u64,
            records,
            "{word}"
        );
    } else {
        let trace = (u128::from(worker) << 64) + u128::from(round) + 1;
        let list = (0..records)
            .map(|place| {
                let mut span = data::span(trace, place + 1);
                span.start_time_unix_nano = time;
                span.end_time_unix_nano = time + 5;
                span
            })
            .collect();
        otlp.export_spans(&data::spans_of("visible", list)).await;
        let found = api.timeline(&format!("{trace:032x}")).await;
        assert_eq!(number(&found["span_count"]) as u64, records, "{trace:032x}");
    }
    let before = sent.fetch_add(records, Ordering::SeqCst) + records;
    if round.is_multiple_of(10) {
        let count = "SELECT (SELECT count(*) FROM logs) + (SELECT count(*) FROM spans)";
        let seen = api.sql_number(count).await as u64;
        assert!(
            seen >= before,
            "{seen} of at least {before} acknowledged records"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_records_are_in_the_next_query_a_thousand_times() {
    let home = Home::new();
    let server = home.serve_with(&["--flush-interval", "100ms"]).await;
    let sent = Arc::new(AtomicU64::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..WORKERS {
        let (otlp, api, sent) = (server.otlp(), server.api(), Arc::clone(&sent));
        workers.spawn(async move {
            for round in 0..ROUNDS {
                send_and_find(&otlp, &api, worker, round, &sent).await;
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done.unwrap();
    }
    assert!(
        !home.files(".parquet").is_empty(),
        "flushes have happened meanwhile"
    );
    let (otlp, api) = (server.otlp(), server.api());
    let total = sent.load(Ordering::SeqCst) as i64;
    let count = "SELECT (SELECT count(*) FROM logs) + (SELECT count(*) FROM spans)";
    assert_eq!(
        api.sql_number(count).await,
        total,
        "none lost, none doubled"
    );
    otlp.export_logs(&data::logs_of("visible", vec![data::record("last")]))
        .await;
    assert_eq!(api.sql_number(count).await, total + 1);
    server.stop().await;
    home.assert_clean();
}
