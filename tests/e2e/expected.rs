//! The figures of `expected.json`, computed from the original sources by other means than ours,
//! come out of Spoor: by `spoor import`, by OTLP/HTTP JSON and by OTLP/gRPC protobuf, each into a
//! folder of its own, from the buffer and again from files.
//!
//! Not compared, because no API can know them: `source_minute_files`, `rows_dropped_as_repeated`,
//! `log_rows_with_broken_json`, `log_rows_with_zero_time_in_source` (facts about the sources), and
//! `dependency-graph` (a file for drawing maps, not telemetry). `service_cycles` has no API of its
//! own: it is computed here from the edges that the API gives.

mod facts;
mod local;
mod logs;
mod minutes;
mod spans;

use serde_json::Value;

use crate::api::Api;
use crate::harness::{Home, run_ok};
use crate::otlp::{Otlp, Signal};
use crate::{data, otlp};
use facts::{Dataset, Facts};

/// Every figure; all that differ are shown together.
async fn compare(api: &Api, when: &str) {
    let expected = data::expected();
    let mut facts = Facts::new(api);
    facts
        .number("spans in all", 53_534, "SELECT count(*) FROM spans")
        .await;
    facts
        .number("logs in all", 42_758, "SELECT count(*) FROM logs")
        .await;
    let local = local::Forest::read();
    for (name, figures) in expected.as_object().unwrap() {
        if figures.get("traces").is_some_and(Value::is_object) {
            let dataset = Dataset::spans(name, figures);
            spans::compare(&mut facts, &dataset, &local).await;
        }
        if figures.get("logs").is_some_and(Value::is_object) {
            let dataset = Dataset::logs(name, figures);
            logs::compare(&mut facts, &dataset).await;
        }
        if figures.get("per_minute_utc").is_some() {
            minutes::compare(&mut facts, name, figures).await;
        }
    }
    minutes::compare_failing_transactions(&mut facts, &expected["nezha-tt"]).await;
    facts.finish(when);
}

async fn import(home: &Home) {
    let data_dir = home.data_dir();
    let mut arguments = vec!["import", "--data-dir", data_dir.to_str().unwrap()];
    let files = data::files();
    arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
    // `run_ok` blocks; the server must not be starved by it.
    let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
    tokio::task::spawn_blocking(move || {
        run_ok(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    })
    .await
    .unwrap();
}

async fn post_everything(otlp: &Otlp) {
    for file in data::files() {
        let (signal, lines) = data::lines(&file);
        for (number, line) in lines.iter().enumerate() {
            let reply = otlp.post_json(signal, line).await;
            assert_eq!(
                reply.status,
                200,
                "{}:{number}: {}",
                file.display(),
                reply.text()
            );
            assert!(reply.content_type().starts_with(otlp::JSON));
            let answer: Value = serde_json::from_slice(&reply.body).unwrap();
            let rejected = &answer["partialSuccess"];
            assert!(
                rejected.is_null() || rejected == &serde_json::json!({}),
                "{}:{number}: {answer}",
                file.display()
            );
        }
    }
}

async fn call_everything(otlp: &Otlp) {
    let mut traces = otlp.grpc_traces().await;
    let mut logs = otlp.grpc_logs().await;
    for file in data::files() {
        let (signal, lines) = data::lines(&file);
        for (number, line) in lines.iter().enumerate() {
            let rejected = match signal {
                Signal::Traces => {
                    let answer = traces.export(data::convert::traces(line)).await.unwrap();
                    answer
                        .into_inner()
                        .partial_success
                        .map_or(0, |p| p.rejected_spans)
                }
                Signal::Logs => {
                    let answer = logs.export(data::convert::logs(line)).await.unwrap();
                    answer
                        .into_inner()
                        .partial_success
                        .map_or(0, |p| p.rejected_log_records)
                }
            };
            assert_eq!(rejected, 0, "{}:{number}", file.display());
        }
    }
}

/// Nothing is flushed before the server stops.
const KEEP_IN_BUFFER: [&str; 2] = ["--flush-interval", "1h"];

/// Stops the server, which flushes, and starts it again: everything is in files now.
async fn reopen(home: &Home, server: crate::harness::Server) -> crate::harness::Server {
    server.stop().await;
    assert!(
        !home.files(".parquet").is_empty(),
        "a clean stop writes files"
    );
    home.serve().await
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_files_give_every_expected_figure() {
    let home = Home::new();
    import(&home).await;
    let server = home.serve().await;
    compare(&server.api(), "after `spoor import`").await;
    server.stop().await;
    home.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn import_into_a_running_server_gives_every_expected_figure() {
    let home = Home::new();
    let server = home.serve_with(&KEEP_IN_BUFFER).await;
    import(&home).await;
    compare(&server.api(), "imported into a running server").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_over_http_gives_every_expected_figure() {
    let home = Home::new();
    let server = home.serve_with(&KEEP_IN_BUFFER).await;
    post_everything(&server.otlp()).await;
    compare(&server.api(), "posted as JSON, in the buffer").await;
    let server = reopen(&home, server).await;
    compare(&server.api(), "posted as JSON, in files").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn protobuf_over_grpc_gives_every_expected_figure() {
    let home = Home::new();
    // Flushed as it comes: some in files, some in the buffer.
    let server = home.serve_with(&["--flush-bytes", "8MiB"]).await;
    call_everything(&server.otlp()).await;
    compare(&server.api(), "called by gRPC, partly in files").await;
    let server = reopen(&home, server).await;
    compare(&server.api(), "called by gRPC, in files").await;
    server.stop().await;
    home.assert_clean();
}
