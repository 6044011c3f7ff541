//! Starting and stopping: nothing is lost at a clean end, and one folder has one owner.

use crate::data;
use crate::harness::{Home, run, run_ok};

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_keeps_what_was_not_flushed() {
    let home = Home::new();
    for signal in ["-TERM", "-INT"] {
        let mut server = home.serve_with(&["--flush-interval", "1h"]).await;
        let records = vec![data::record(&format!("sent before {signal}"))];
        server
            .otlp()
            .export_logs(&data::logs_of("stopping", records))
            .await;
        server.signal(signal);
        let status = server.exited().await;
        assert!(status.success(), "{signal}: {status}\n{}", server.log());
        assert!(
            !home.data_dir().join("spoor.json").try_exists().unwrap(),
            "{signal}: the addresses are gone"
        );
    }
    let server = home.serve().await;
    assert_eq!(server.api().count_logs("\"sent before\"").await, 2);
    assert_eq!(server.api().count_logs("TERM").await, 1);
    server.stop().await;
    home.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_kept_out_of_a_data_directory() {
    let home = Home::new();
    let server = home.serve().await;
    let mut second = home.launch(&[]);
    let status = second.exited().await;
    assert!(!status.success(), "the second one must not start");
    let said = second.log();
    let folder = home.data_dir();
    assert!(
        said.contains(folder.to_str().unwrap()),
        "it names the folder: {said}"
    );
    // The first one is none the worse for it.
    server
        .otlp()
        .export_logs(&data::logs_of("first", vec![data::record("alive")]))
        .await;
    assert_eq!(server.api().count_logs("alive").await, 1);
    server.stop().await;
    drop(second);
    home.serve().await.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_port_is_a_clear_error() {
    let home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data_dir = home.data_dir();
    let arguments = [
        "serve",
        "--data-dir",
        data_dir.to_str().unwrap(),
        "--http-addr",
        &address,
    ];
    let free = [
        "--otlp-http-addr",
        "127.0.0.1:0",
        "--otlp-grpc-addr",
        "127.0.0.1:0",
    ];
    let output = run(&[&arguments[..], &free[..]].concat());
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(said.contains(&address), "it names the address: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_on_the_command_line_asks_the_running_server_or_the_folder() {
    let home = Home::new();
    let data_dir = home.data_dir();
    let arguments = [
        "sql",
        "--data-dir",
        data_dir.to_str().unwrap(),
        "--format",
        "csv",
        "SELECT count(*) AS n FROM logs",
    ];
    let server = home.serve_with(&["--flush-interval", "1h"]).await;
    server
        .otlp()
        .export_logs(&data::logs_of("cli", vec![data::record("one")]))
        .await;
    assert_eq!(
        run_ok(&arguments).split_whitespace().collect::<Vec<_>>(),
        ["n", "1"]
    );
    server.stop().await;
    assert_eq!(
        run_ok(&arguments).split_whitespace().collect::<Vec<_>>(),
        ["n", "1"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn health_readiness_metrics_and_status_answer() {
    let home = Home::new();
    let server = home.serve().await;
    let api = server.api();
    for path in ["/healthz", "/readyz"] {
        assert_eq!(api.try_get(path, &[]).await.status, 200, "{path}");
    }
    server
        .otlp()
        .export_logs(&data::logs_of("m", vec![data::record("counted"); 3]))
        .await;
    let metrics = api.try_get("/metrics", &[]).await;
    assert_eq!(metrics.status, 200);
    let received: Vec<&str> = metrics
        .text
        .lines()
        .filter(|line| line.starts_with("spoor_") && line.contains("logs") && line.ends_with(" 3"))
        .collect();
    assert!(
        !received.is_empty(),
        "three log records are counted:\n{}",
        metrics.text
    );
    let status = api.get("/api/v1/status", &[]).await;
    assert_eq!(status["ready"], true);
    assert_eq!(status["http_addr"], server.address("http_addr"));
    assert_eq!(status["otlp_http_addr"], server.address("otlp_http_addr"));
    assert_eq!(status["otlp_grpc_addr"], server.address("otlp_grpc_addr"));
    assert_eq!(
        status["auth"],
        serde_json::json!({"read": false, "ingest": false, "admin": false})
    );
}
