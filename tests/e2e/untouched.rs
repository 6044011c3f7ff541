//! Files as others wrote them: the examples of the OTLP specification byte for byte, and real
//! records with an impossible time.

use serde_json::Value;

use crate::data;
use crate::harness::{Home, run};
use crate::otlp::Signal;

#[tokio::test(flavor = "multi_thread")]
async fn examples_of_the_specification_are_taken_with_upper_case_ids() {
    let home = Home::new();
    let server = home.serve().await;
    let (otlp, api) = (server.otlp(), server.api());
    let traces = data::text("untouched/otlp-example-trace.json");
    assert_eq!(otlp.post_json(Signal::Traces, &traces).await.status, 200);
    for name in ["logs", "events"] {
        let logs = data::text(&format!("untouched/otlp-example-{name}.json"));
        assert_eq!(
            otlp.post_json(Signal::Logs, &logs).await.status,
            200,
            "{name}"
        );
    }

    let sent: Value = serde_json::from_str(&traces).unwrap();
    let span = &sent["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    let trace_id = span["traceId"].as_str().unwrap();
    assert_ne!(
        trace_id,
        trace_id.to_lowercase(),
        "the example has upper-case ids"
    );
    for id in [trace_id.to_owned(), trace_id.to_lowercase()] {
        let timeline = api.timeline(&id).await;
        assert_eq!(timeline["trace_id"], trace_id.to_lowercase());
        assert_eq!(timeline["spans"][0]["name"], span["name"]);
    }

    let found = api
        .get("/api/v1/logs", &[("query", "\"Example log record\"")])
        .await;
    assert_eq!(found["logs"].as_array().unwrap().len(), 1, "{found}");
    let found = api
        .get("/api/v1/logs", &[("query", "event_name:browser.page_view")])
        .await;
    assert_eq!(
        found["logs"][0]["event_name"], "browser.page_view",
        "{found}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_get_the_answer_that_they_are_not_taken() {
    let home = Home::new();
    let metrics = data::text("untouched/otlp-example-metrics.json");
    {
        let server = home.serve().await;
        let headers = [("content-type", "application/json")];
        let reply = server.otlp().post("/v1/metrics", &headers, metrics).await;
        assert_eq!(reply.status, 404);
        let message = reply.text().to_lowercase();
        assert!(
            message.contains("metrics"),
            "it says what is not taken: {message}"
        );
        assert!(message.contains("traces"), "and what is: {message}");
        server.stop().await;
    }
    let data_dir = home.data_dir();
    let file = data::path("untouched/otlp-example-metrics.json");
    let output = run(&[
        "import",
        "--data-dir",
        data_dir.to_str().unwrap(),
        file.to_str().unwrap(),
    ]);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).to_lowercase();
    assert!(
        said.contains("metrics"),
        "import says that metrics are not taken: {said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_files_import_like_any_other() {
    let home = Home::new();
    let data_dir = home.data_dir();
    let files = ["trace", "logs", "events"]
        .map(|name| data::path(&format!("untouched/otlp-example-{name}.json")));
    let mut arguments = vec!["import", "--data-dir", data_dir.to_str().unwrap()];
    arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
    crate::harness::run_ok(&arguments);
    let server = home.serve().await;
    assert_eq!(
        server.api().sql_number("SELECT count(*) FROM spans").await,
        1
    );
    assert_eq!(
        server.api().sql_number("SELECT count(*) FROM logs").await,
        2
    );
}

/// The address of the API is what every other command wants.
#[tokio::test(flavor = "multi_thread")]
async fn import_to_an_address_that_takes_no_otlp_says_which_one_does() {
    let home = Home::new();
    let server = home.serve().await;
    let file = data::path("untouched/otlp-example-trace.json");
    let import = |address: String| {
        let url = format!("http://{address}");
        run(&["import", "--url", &url, file.to_str().unwrap()])
    };
    for wrong in ["", "/v1/traces"] {
        let output = import(server.address("http_addr") + wrong);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{said}");
        assert!(said.contains("takes no OTLP"), "{said}");
        assert!(
            said.contains("OTLP/HTTP") && said.contains("4318"),
            "{said}"
        );
    }
    assert!(import(server.address("otlp_http_addr")).status.success());
    assert_eq!(
        server.api().sql_number("SELECT count(*) FROM spans").await,
        1
    );
    server.stop().await;
}

/// Go's zero time, as a Go exporter sends it, is the year 2339: beyond 64-bit nanoseconds.
#[tokio::test(flavor = "multi_thread")]
async fn records_with_gos_zero_time_are_kept_under_their_observed_time() {
    let home = Home::new();
    let server = home.serve().await;
    let (otlp, api) = (server.otlp(), server.api());
    let mut sent = Vec::new();
    for line in data::text("poison/nezha-tt-zerotime-logs.jsonl.gz").lines() {
        let reply = otlp.post_json(Signal::Logs, line).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let answer: Value = serde_json::from_slice(&reply.body).unwrap();
        let rejected = answer["partialSuccess"]["rejectedLogRecords"].clone();
        assert!(
            rejected.is_null() || rejected == "0" || rejected == 0,
            "{answer}"
        );
        let request: Value = serde_json::from_str(line).unwrap();
        for resource in request["resourceLogs"].as_array().unwrap() {
            for scope in resource["scopeLogs"].as_array().unwrap() {
                sent.extend(scope["logRecords"].as_array().unwrap().clone());
            }
        }
    }
    assert_eq!(sent.len(), 45, "the poison file");
    assert!(
        sent.iter()
            .all(|record| record["timeUnixNano"] == "11651379494838206464")
    );
    let mut observed: Vec<&str> = sent
        .iter()
        .map(|record| record["observedTimeUnixNano"].as_str().unwrap())
        .collect();
    observed.sort_unstable();
    let logs = api
        .all(
            "/api/v1/logs",
            "logs",
            &[("query", "severity:ERROR"), ("order", "asc")],
        )
        .await;
    let times: Vec<&str> = logs
        .iter()
        .map(|log| log["time_unix_nano"].as_str().unwrap())
        .collect();
    assert_eq!(times, observed);
    // They do not pull the histogram into another century.
    let histogram = api.get("/api/v1/logs/histogram", &[]).await;
    assert_eq!(histogram["total"], 45);
    assert!(
        histogram["start_unix_nano"]
            .as_str()
            .unwrap()
            .starts_with("16749")
    );
    let query = "SELECT count(*) FROM logs WHERE time >= '2023-01-29' AND time < '2023-01-30'";
    assert_eq!(api.sql_number(query).await, 45);
}
