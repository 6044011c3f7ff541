//! Private by default: tokens, TLS, and no listening to the world without them.

use bytes::Bytes;
use prost::Message;
use reqwest::Client;
use serde_json::json;

use crate::api::Api;
use crate::data;
use crate::harness::{Home, run};
use crate::otlp::{Otlp, PROTOBUF, Signal};

const INGEST: &str = "ingest-secret-1";
const READ: &str = "read-secret-2";

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_asked_for_on_every_way_in() {
    let home = Home::new();
    let server = home
        .serve_with(&["--ingest-token", INGEST, "--read-token", READ])
        .await;
    let request = data::logs_of("secret", vec![data::record("for your eyes only")]).encode_to_vec();
    let log_path = Signal::Logs.grpc_path();

    for stranger in [
        server.otlp(),
        server.otlp().with_token(READ),
        server.otlp().with_token("x"),
    ] {
        let reply = stranger.post_protobuf(Signal::Logs, request.clone()).await;
        assert_eq!(reply.status, 401, "{}", reply.text());
        let status = stranger
            .grpc_raw(log_path, Bytes::from(request.clone()), None)
            .await;
        assert_eq!(status.unwrap_err().code(), tonic::Code::Unauthenticated);
    }
    let otlp = server.otlp().with_token(INGEST);
    assert_eq!(
        otlp.post_protobuf(Signal::Logs, request.clone())
            .await
            .status,
        200
    );
    otlp.grpc_raw(log_path, Bytes::from(request), None)
        .await
        .unwrap();

    let protected = [
        "/api/v1/logs",
        "/api/v1/logs/histogram",
        "/api/v1/traces",
        "/api/v1/services",
        "/api/v1/fields",
        "/jaeger/api/services",
        "/tempo/api/search/tags",
        "/loki/api/v1/labels",
        "/metrics",
    ];
    for stranger in [
        server.api(),
        server.api().with_token(INGEST),
        server.api().with_token(""),
    ] {
        for path in protected {
            let answer = stranger.try_get(path, &[]).await;
            assert_eq!(answer.status, 401, "{path}: {}", answer.text);
            assert!(!answer.text.contains("secret"), "{path}: {}", answer.text);
        }
        let answer = stranger
            .try_sql("SELECT count(*) FROM logs", "application/json")
            .await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json()["error"]["code"], "unauthenticated");
        for path in ["/healthz", "/readyz", "/api/v1/status", "/"] {
            assert_eq!(
                stranger.try_get(path, &[]).await.status,
                200,
                "{path} needs no token"
            );
        }
    }
    let api = server.api().with_token(READ);
    for path in protected {
        assert_eq!(api.try_get(path, &[]).await.status, 200, "{path}");
    }
    assert_eq!(api.count_logs("eyes").await, 2);
    let status = server.api().get("/api/v1/status", &[]).await;
    assert_eq!(
        status["auth"],
        json!({"read": true, "ingest": true, "admin": false})
    );
    assert!(
        !server.log().contains(INGEST) && !server.log().contains(READ),
        "secrets are not logged"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_come_from_files_and_the_environment_too() {
    let home = Home::new();
    let file = home.path("token");
    std::fs::write(&file, format!("{INGEST}\n")).unwrap();
    let server = home
        .serve_with(&["--ingest-token-file", file.to_str().unwrap()])
        .await;
    let request = data::logs_of("file", vec![data::record("x")]).encode_to_vec();
    let stranger = server
        .otlp()
        .post_protobuf(Signal::Logs, request.clone())
        .await;
    assert_eq!(stranger.status, 401);
    let known = server
        .otlp()
        .with_token(INGEST)
        .post_protobuf(Signal::Logs, request)
        .await;
    assert_eq!(known.status, 200);
}

/// Listening beyond loopback without both tokens needs the flag that says so.
#[test]
fn listening_to_the_world_without_tokens_is_refused() {
    let home = Home::new();
    let data_dir = home.data_dir();
    for open in ["--otlp-grpc-addr", "--otlp-http-addr", "--http-addr"] {
        let mut arguments = vec!["serve", "--data-dir", data_dir.to_str().unwrap()];
        for flag in ["--otlp-grpc-addr", "--otlp-http-addr", "--http-addr"] {
            let address = if flag == open {
                "0.0.0.0:0"
            } else {
                "127.0.0.1:0"
            };
            arguments.extend([flag, address]);
        }
        let output = run(&arguments);
        assert!(!output.status.success(), "{open} 0.0.0.0");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(
            said.contains("--allow-unauthenticated"),
            "it says what to do: {said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_serves_all_three_ports() {
    let home = Home::new();
    let made =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])
            .unwrap();
    let (certificate, key) = (home.path("cert.pem"), home.path("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let flags = [
        "--tls-cert",
        certificate.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    let server = home.serve_with(&flags).await;

    let trusted = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = Client::builder()
        .no_proxy()
        .add_root_certificate(trusted)
        .build()
        .unwrap();
    let api =
        Api::new(format!("https://{}", server.address("http_addr"))).with_client(client.clone());
    let otlp = Otlp::new(
        format!("https://{}", server.address("otlp_http_addr")),
        format!("https://{}", server.address("otlp_grpc_addr")),
    )
    .with_client(client);
    let request = data::logs_of("tls", vec![data::record("wrapped")]);
    otlp.export_logs(&request).await;

    let trust = tonic::transport::Certificate::from_pem(made.cert.pem());
    let tls = tonic::transport::ClientTlsConfig::new()
        .ca_certificate(trust)
        .domain_name("localhost");
    let address = format!("https://{}", server.address("otlp_grpc_addr"));
    let endpoint = tonic::transport::Endpoint::from_shared(address).unwrap();
    let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
    let mut grpc = opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient::new(channel);
    grpc.export(request.clone()).await.unwrap();
    assert_eq!(api.count_logs("wrapped").await, 2);

    // Plain text on a TLS port gets no data and does no harm.
    let plain = server.otlp();
    let headers = [("content-type", PROTOBUF)];
    let answer = plain
        .try_post("/v1/logs", &headers, request.encode_to_vec())
        .await;
    assert!(answer.is_err() || answer.unwrap().status != 200);
    assert_eq!(api.count_logs("wrapped").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_may_send_only_from_allowed_origins() {
    let home = Home::new();
    let server = home
        .serve_with(&["--cors-origin", "https://shop.example"])
        .await;
    let otlp = server.otlp();
    let preflight = async |origin: &str| {
        let request = otlp
            .client()
            .request(reqwest::Method::OPTIONS, otlp.url("/v1/traces"))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type");
        let response = request.send().await.unwrap();
        let allowed = response.headers().get("access-control-allow-origin");
        allowed.map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(
        preflight("https://shop.example").await.as_deref(),
        Some("https://shop.example")
    );
    assert_eq!(preflight("https://evil.example").await, None);
}

/// A page of a stranger whose name points to this machine (DNS rebinding) reads and writes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_door_answers_to_its_own_names_only() {
    let home = Home::new();
    let server = home.serve_with(&["--allowed-host", "spoor.example"]).await;
    let client = Client::builder().no_proxy().build().unwrap();
    let ask = async |address: &str, path: &str, host: &str| {
        let url = format!("http://{}{path}", server.address(address));
        let request = client.get(url).header("host", host);
        request.send().await.unwrap().status().as_u16()
    };
    for path in ["/", "/api/v1/services", "/metrics"] {
        assert_eq!(ask("http_addr", path, "evil.example").await, 421, "{path}");
        assert_eq!(
            ask("http_addr", path, "localhost:4320").await,
            200,
            "{path}"
        );
        assert_eq!(ask("http_addr", path, "spoor.example").await, 200, "{path}");
    }
    assert_eq!(
        ask("otlp_http_addr", "/v1/traces", "evil.example").await,
        421
    );
    assert_eq!(ask("otlp_http_addr", "/v1/traces", "[::1]:4318").await, 405);
}

/// Who reports an error has the answer, who looks for its cause has the log.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_and_the_log_have_the_same_request_id() {
    let home = Home::new();
    let server = home
        .serve_with(&["--log-level", "spoor_query=debug,info"])
        .await;
    let address = server.address("http_addr");
    let client = Client::builder().no_proxy().build().unwrap();
    let ask = |path: &str| client.get(format!("http://{address}{path}"));
    let refused = ask("/api/v1/logs?query=level:").send().await.unwrap();
    assert_eq!(refused.status(), 400);
    let id = refused.headers()["x-request-id"].to_str().unwrap();
    let log = server.log();
    let line = log.lines().find(|line| line.contains("query refused"));
    assert!(line.unwrap_or_default().contains(id), "{id}: {log}");

    let request = ask("/api/v1/services").header("x-request-id", "of-a-proxy.1");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["x-request-id"], "of-a-proxy.1");
    let missing = ask("/api/v2").send().await.unwrap();
    assert_eq!(missing.status(), 404);
    assert!(missing.headers().contains_key("x-request-id"));
    server.stop().await;
}
