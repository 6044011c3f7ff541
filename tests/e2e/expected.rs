//! The figures of `expected.json`, computed from the original sources by other means than ours,
//! come out of Spoor: by `spoor import`, by OTLP/HTTP JSON and by OTLP/gRPC protobuf, each into a
//! folder of its own, from the buffer and again from files; and, of what was imported, by every API
//! that can say them (`apis`).
//!
//! Not compared, because no API can know them: `source_minute_files`, `rows_dropped_as_repeated`,
//! `log_rows_with_broken_json`, `log_rows_with_zero_time_in_source` (facts about the sources), and
//! `dependency-graph` (a file for drawing maps, not telemetry). `service_cycles` has no API of its
//! own: it is computed here from the edges that the API gives.

mod apis;
mod facts;
mod local;
mod logs;
mod minutes;
mod spans;

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use serde_json::Value;
use tonic::transport::Channel;

use crate::api::Api;
use crate::harness::{Home, run_ok};
use crate::otlp::{Otlp, Signal};
use crate::{data, otlp};
use facts::{Dataset, Extent, Facts};

/// All that differ are shown together.
async fn compare(api: &Api, extent: Extent, when: &str) {
    let expected = data::expected();
    assert_all_there(api).await;
    let mut facts = Facts::new(api, extent);
    let local = local::Forest::read();
    for (name, figures) in expected.as_object().unwrap() {
        if figures.get("traces").is_some_and(Value::is_object) {
            let dataset = Dataset::spans(name, figures);
            spans::compare(&mut facts, &dataset, &local).await;
            if extent == Extent::Everything {
                apis::compare_traceql(&mut facts, &dataset).await;
            }
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

/// Every fact by every API that can say it.
async fn compare_apis(api: &Api, extent: Extent, when: &str) {
    let expected = data::expected();
    assert_all_there(api).await;
    let mut facts = Facts::new(api, extent);
    for (name, figures) in expected.as_object().unwrap() {
        if figures.get("traces").is_some_and(Value::is_object) {
            apis::compare_spans(&mut facts, &Dataset::spans(name, figures)).await;
        }
        if figures.get("logs").is_some_and(Value::is_object) {
            apis::compare_logs(&mut facts, &Dataset::logs(name, figures)).await;
        }
    }
    apis::compare_whole(&mut facts, &expected).await;
    facts.finish(when);
}

async fn assert_all_there(api: &Api) {
    for (table, rows) in [("spans", 53_534), ("logs", 42_758)] {
        let query = format!("SELECT count(*) FROM {table}");
        assert_eq!(api.sql_number(&query).await, rows, "{table}");
    }
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

/// Every recorded request, some at a time, as several exporters would.
async fn send_everything<F: Future<Output = ()> + Send + 'static>(
    send: impl Fn(Signal, String) -> F,
) {
    const AT_A_TIME: usize = 8;
    let mut sending = tokio::task::JoinSet::new();
    for file in data::files() {
        let (signal, lines) = data::lines(&file);
        for line in lines {
            if sending.len() == AT_A_TIME {
                sending.join_next().await.unwrap().unwrap();
            }
            sending.spawn(send(signal, line));
        }
    }
    while let Some(sent) = sending.join_next().await {
        sent.unwrap();
    }
}

async fn post(otlp: Otlp, signal: Signal, line: String) {
    let reply = otlp.post_json(signal, &line).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.content_type().starts_with(otlp::JSON));
    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
    let rejected = &answer["partialSuccess"];
    assert!(
        rejected.is_null() || rejected == &serde_json::json!({}),
        "{answer}"
    );
}

async fn call(clients: Clients, signal: Signal, line: String) {
    let (mut traces, mut logs) = clients;
    let rejected = match signal {
        Signal::Traces => {
            let answer = traces.export(data::convert::traces(&line)).await.unwrap();
            answer
                .into_inner()
                .partial_success
                .map_or(0, |partial| partial.rejected_spans)
        }
        Signal::Logs => {
            let answer = logs.export(data::convert::logs(&line)).await.unwrap();
            answer
                .into_inner()
                .partial_success
                .map_or(0, |partial| partial.rejected_log_records)
        }
    };
    assert_eq!(rejected, 0, "{line}");
}

type Clients = (TraceServiceClient<Channel>, LogsServiceClient<Channel>);

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
    compare(
        &server.api(),
        Extent::WithoutTraceql,
        "after `spoor import`",
    )
    .await;
    server.stop().await;
    home.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_api_gives_every_figure_that_it_can_say() {
    let home = Home::new();
    import(&home).await;
    let server = home.serve().await;
    compare_apis(&server.api(), Extent::Everything, "by every API").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn import_beside_a_running_server_goes_through_it() {
    let home = Home::new();
    let server = home.serve_with(&KEEP_IN_BUFFER).await;
    import(&home).await;
    assert_all_there(&server.api()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_over_http_gives_every_expected_figure() {
    let home = Home::new();
    let server = home.serve_with(&KEEP_IN_BUFFER).await;
    let otlp = server.otlp();
    send_everything(|signal, line| post(otlp.clone(), signal, line)).await;
    compare(
        &server.api(),
        Extent::Everything,
        "posted as JSON, in the buffer",
    )
    .await;
    let server = reopen(&home, server).await;
    compare(&server.api(), Extent::Quarter, "posted as JSON, in files").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn protobuf_over_grpc_gives_every_expected_figure() {
    let home = Home::new();
    // Flushed as it comes: some in files, some in the buffer.
    let server = home.serve_with(&["--flush-bytes", "8MiB"]).await;
    let clients = (
        server.otlp().grpc_traces().await,
        server.otlp().grpc_logs().await,
    );
    send_everything(|signal, line| call(clients.clone(), signal, line)).await;
    assert!(!home.files(".parquet").is_empty(), "flushed as it came");
    compare(
        &server.api(),
        Extent::Everything,
        "called by gRPC, partly in files",
    )
    .await;
    let server = reopen(&home, server).await;
    compare(&server.api(), Extent::Quarter, "called by gRPC, in files").await;
    server.stop().await;
    home.assert_clean();
}
