//! Requests over HTTP and gRPC into a real storage, and what is answered and stored.

#![expect(
    clippy::unwrap_used,
    reason = "clippy allows it in tests, but not in their helpers"
)]

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use serde_json::{Value, json};
use spoor_collector::{Collector, CollectorOptions, Format, OtlpDecoder, Signal};
use spoor_storage::{Storage, StorageOptions, Table, TenantId, TimeRange};
use tempfile::TempDir;
use tonic::codec::CompressionEncoding;
use tower::ServiceExt;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

struct Bench {
    storage: Storage,
    collector: Collector,
    _folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        Self::with(CollectorOptions::default(), 1 << 30).await
    }

    async fn with(options: CollectorOptions, ingest_memory_bytes: usize) -> Self {
        let folder = TempDir::new().unwrap();
        let mut storage_options = StorageOptions::new(folder.path());
        storage_options.ingest_memory_bytes = ingest_memory_bytes;
        storage_options.min_free_bytes = 0;
        let decoder = Arc::new(OtlpDecoder::new(options.open_json_bodies));
        let storage = Storage::open(storage_options, decoder).await.unwrap();
        let collector = Collector::new(storage.clone(), options);
        Self {
            storage,
            collector,
            _folder: folder,
        }
    }

    fn rows(&self, table: Table) -> usize {
        let tenant = TenantId::default();
        let batches = self
            .storage
            .snapshot()
            .batches(&tenant, table, TimeRange::ALL);
        batches.iter().map(|batch| batch.batch.num_rows()).sum()
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        self.send(Method::POST, path, headers, body).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        send(self.collector.http_router(), method, path, headers, body).await
    }

    /// Serves gRPC on a free port, as the server does.
    async fn grpc(&self) -> tonic::transport::Channel {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = self.collector.grpc_router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}"));
        endpoint.unwrap().connect().await.unwrap()
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], JSON);
        serde_json::from_slice(&self.body).unwrap()
    }

    fn rpc_status(&self) -> RpcStatus {
        assert_eq!(self.headers["content-type"], PROTOBUF);
        RpcStatus::decode(self.body.clone()).unwrap()
    }
}

/// `google.rpc.Status`, as a client reads it.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

async fn send(
    router: Router,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router
        .oneshot(request.body(body.into()).unwrap())
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

fn span(trace_id: u8) -> Span {
    Span {
        trace_id: vec![trace_id; 16],
        span_id: vec![2; 8],
        name: "work".to_owned(),
        start_time_unix_nano: 1_000,
        end_time_unix_nano: 1_500,
        ..Span::default()
    }
}

fn trace_request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans {
        spans,
        ..ScopeSpans::default()
    }];
    let resource_spans = vec![ResourceSpans {
        scope_spans,
        ..ResourceSpans::default()
    }];
    ExportTraceServiceRequest { resource_spans }
}

fn logs_request(records: usize) -> ExportLogsServiceRequest {
    let record = LogRecord {
        time_unix_nano: 5,
        ..LogRecord::default()
    };
    let scope_logs = ScopeLogs {
        log_records: vec![record; records],
        ..ScopeLogs::default()
    };
    let resource_logs = ResourceLogs {
        scope_logs: vec![scope_logs],
        ..ResourceLogs::default()
    };
    ExportLogsServiceRequest {
        resource_logs: vec![resource_logs],
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

// === http ===

#[tokio::test]
async fn protobuf_in_every_encoding_is_stored_and_visible_at_once() {
    let bench = Bench::new().await;
    let plain = trace_request(vec![span(1), span(2)]).encode_to_vec();
    let bodies = [
        ("identity", plain.clone()),
        ("gzip", gzip(&plain)),
        ("deflate", deflate(&plain)),
        ("zstd", zstd::encode_all(plain.as_slice(), 3).unwrap()),
    ];
    for (index, (encoding, body)) in bodies.into_iter().enumerate() {
        let headers = [("content-type", PROTOBUF), ("content-encoding", encoding)];
        let answer = bench.post("/v1/traces", &headers, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{encoding}");
        assert!(answer.body.is_empty(), "nothing was rejected");
        assert_eq!(bench.rows(Table::Spans), (index + 1) * 2);
    }
}

#[tokio::test]
async fn json_is_answered_in_json() {
    let bench = Bench::new().await;
    let body = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "5"}]}]}]});
    let headers = [("content-type", "application/json; charset=utf-8")];
    let answer = bench.post("/v1/logs", &headers, body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json(), json!({"partialSuccess": {}}));
    assert_eq!(bench.rows(Table::Logs), 1);
}

#[tokio::test]
async fn rejected_records_are_a_partial_success_in_both_encodings() {
    let bench = Bench::new().await;
    let request = trace_request(vec![span(0), span(1)]).encode_to_vec();
    let answer = bench
        .post("/v1/traces", &[("content-type", PROTOBUF)], request)
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    let response = ExportTraceServiceResponse::decode(answer.body.clone()).unwrap();
    let partial = response.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert_eq!(
        partial.error_message,
        "1 spans rejected: invalid_trace_id (1)"
    );
    let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "no ids"}]}]}]});
    let answer = bench
        .post("/v1/traces", &[("content-type", JSON)], body.to_string())
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["partialSuccess"]["rejectedSpans"], "1");
    assert_eq!(bench.rows(Table::Spans), 1);
}

/// JSON whose ids are no hex and protobuf whose ids are too short are the same: the record is kept, and it is said.
#[tokio::test]
async fn log_records_that_lose_a_malformed_id_are_a_warning_in_both_encodings() {
    let bench = Bench::new().await;
    let told = "stored without ids that are malformed: invalid_trace_id (1), invalid_span_id (1)";
    let record = json!({"timeUnixNano": "5", "traceId": "zz", "spanId": "not hex"});
    let body = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]});
    let json_answer = bench
        .post("/v1/logs", &[("content-type", JSON)], body.to_string())
        .await;
    assert_eq!(json_answer.status, StatusCode::OK);
    let warning = json!({"rejectedLogRecords": "0", "errorMessage": told});
    assert_eq!(json_answer.json()["partialSuccess"], warning);
    let record = LogRecord {
        trace_id: vec![0xff],
        span_id: vec![0xff; 9],
        ..LogRecord::default()
    };
    let mut request = logs_request(1);
    request.resource_logs[0].scope_logs[0].log_records = vec![record];
    let body = request.encode_to_vec();
    let answer = bench
        .post("/v1/logs", &[("content-type", PROTOBUF)], body)
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    let response = ExportLogsServiceResponse::decode(answer.body).unwrap();
    let partial = response.partial_success.unwrap();
    assert_eq!(
        (partial.rejected_log_records, &*partial.error_message),
        (0, told)
    );
    assert_eq!(bench.rows(Table::Logs), 2);
}

#[tokio::test]
async fn wrong_requests_are_refused_in_their_encoding_and_not_stored() {
    let bench = Bench::new().await;
    let valid = trace_request(vec![span(1)]).encode_to_vec();
    let cut = valid[..valid.len() - 2].to_vec();
    let answer = bench
        .post("/v1/traces", &[("content-type", PROTOBUF)], cut)
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let status = answer.rpc_status();
    assert_eq!(status.code, 3);
    assert!(status.message.contains("at byte"), "{}", status.message);

    let answer = bench
        .post("/v1/traces", &[("content-type", JSON)], "{")
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.json()["code"], 3);

    let packed = gzip(&valid);
    let truncated = packed[..packed.len() / 2].to_vec();
    let headers = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
    let answer = bench.post("/v1/traces", &headers, truncated).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.rpc_status().message.contains("gzip"));
    assert_eq!(bench.rows(Table::Spans), 0);
}

#[tokio::test]
async fn unknown_types_and_encodings_are_unsupported() {
    let bench = Bench::new().await;
    for headers in [
        &[("content-type", "text/plain")][..],
        &[],
        &[("content-type", PROTOBUF), ("content-encoding", "br")],
    ] {
        let answer = bench.post("/v1/traces", headers, "x").await;
        assert_eq!(
            answer.status,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{headers:?}"
        );
        assert!(!answer.body.is_empty());
    }
}

#[tokio::test]
async fn other_methods_and_metrics_get_a_clear_answer() {
    let bench = Bench::new().await;
    let answer = bench
        .send(Method::GET, "/v1/traces", &[], Body::empty())
        .await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers["allow"], "POST");
    let answer = bench
        .post("/v1/metrics", &[("content-type", JSON)], "{}")
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(
        answer.json()["message"]
            .as_str()
            .unwrap()
            .contains("not metrics")
    );
    let answer = bench
        .post("/v1/metrics", &[("content-type", PROTOBUF)], "")
        .await;
    assert_eq!(answer.rpc_status().code, 5);
}

#[tokio::test]
async fn an_empty_body_is_an_empty_request() {
    let bench = Bench::new().await;
    let answer = bench
        .post("/v1/logs", &[("content-type", PROTOBUF)], "")
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(bench.rows(Table::Logs), 0);
}

fn small_limit() -> CollectorOptions {
    CollectorOptions {
        max_request_bytes: 100_000,
        ..CollectorOptions::default()
    }
}

#[tokio::test]
async fn requests_over_the_limit_are_too_large_however_they_come() {
    let bench = Bench::with(small_limit(), 1 << 30).await;
    let zeros = vec![0; 10_000_000];
    let headers = [("content-type", PROTOBUF)];
    let declared = [("content-type", PROTOBUF), ("content-length", "10000000")];
    for headers in [&headers[..], &declared[..]] {
        let answer = bench.post("/v1/traces", headers, zeros.clone()).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(answer.rpc_status().message.contains("100000 bytes"));
    }
    for (encoding, bomb) in [
        ("gzip", gzip(&zeros)),
        ("deflate", deflate(&zeros)),
        ("zstd", zstd::encode_all(zeros.as_slice(), 3).unwrap()),
    ] {
        assert!(bomb.len() < 100_000);
        let headers = [("content-type", PROTOBUF), ("content-encoding", encoding)];
        let answer = bench.post("/v1/traces", &headers, bomb).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{encoding}");
    }
    let after = trace_request(vec![span(1)]).encode_to_vec();
    let answer = bench.post("/v1/traces", &headers, after).await;
    assert_eq!(answer.status, StatusCode::OK, "and it goes on");
}

#[tokio::test]
async fn a_client_that_sends_everything_first_still_reads_that_it_was_too_much() {
    let bench = Bench::with(small_limit(), 1 << 30).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = bench.collector.http_router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let answer = tokio::task::spawn_blocking(move || {
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        let body = vec![0; 30_000_000];
        write!(
            socket,
            "POST /v1/traces HTTP/1.1\r\nhost: spoor\r\ncontent-type: {PROTOBUF}\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        )
        .unwrap();
        socket.write_all(&body).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 413 "),
        "{:?}",
        answer.first_chunk::<40>()
    );
}

#[tokio::test]
async fn without_memory_the_sender_is_told_when_to_come_back() {
    let bench = Bench::with(CollectorOptions::default(), 1 << 20).await;
    let _others = bench.storage.admit(1 << 20).unwrap();
    let body = logs_request(1_000).encode_to_vec();
    let answer = bench
        .post("/v1/logs", &[("content-type", PROTOBUF)], body)
        .await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = answer.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(seconds >= 1);
    assert_eq!(answer.rpc_status().code, 8);
}

#[tokio::test]
async fn a_request_that_needs_more_than_all_memory_is_refused_for_good() {
    let bench = Bench::with(CollectorOptions::default(), 128 << 10).await;
    let body = logs_request(5_000).encode_to_vec();
    let answer = bench
        .post("/v1/logs", &[("content-type", PROTOBUF)], body)
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(!answer.headers.contains_key("retry-after"));
    assert_eq!(answer.rpc_status().code, 8);
    // What it had reserved is free again.
    let body = logs_request(1).encode_to_vec();
    let answer = bench
        .post("/v1/logs", &[("content-type", PROTOBUF)], body)
        .await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_closing_storage_is_unavailable() {
    let bench = Bench::new().await;
    bench.storage.close().await.unwrap();
    let body = logs_request(1).encode_to_vec();
    let answer = bench
        .post("/v1/logs", &[("content-type", PROTOBUF)], body)
        .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.rpc_status().code, 14);
}

#[tokio::test]
async fn json_lines_take_a_service_from_the_address() {
    let bench = Bench::new().await;
    let body = "{\"msg\":\"a\",\"level\":\"info\"}\nplain words\n";
    let answer = bench.post("/v1/logs/json?service=shop", &[], body).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.json(),
        json!({"accepted": 2, "rejected": 0, "reasons": {}})
    );
    let tenant = TenantId::default();
    let batches = bench
        .storage
        .snapshot()
        .batches(&tenant, Table::Logs, TimeRange::ALL);
    let services = batches[0].batch.column_by_name("service_name").unwrap();
    let services = arrow::array::AsArray::as_string::<i32>(services);
    assert!(services.iter().all(|service| service == Some("shop")));
}

#[tokio::test]
async fn pages_of_configured_origins_may_export() {
    let options = CollectorOptions {
        cors_allowed_origins: vec!["https://shop.example".to_owned()],
        ..CollectorOptions::default()
    };
    let bench = Bench::with(options, 1 << 30).await;
    let preflight = |origin| {
        [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            (
                "access-control-request-headers",
                "content-type,authorization",
            ),
        ]
    };
    let headers = preflight("https://shop.example");
    let answer = bench
        .send(Method::OPTIONS, "/v1/traces", &headers, Body::empty())
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.headers["access-control-allow-origin"],
        "https://shop.example"
    );
    assert_eq!(
        answer.headers["access-control-allow-headers"],
        "content-type,authorization"
    );
    let headers = preflight("https://evil.example");
    let answer = bench
        .send(Method::OPTIONS, "/v1/traces", &headers, Body::empty())
        .await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    let closed = Bench::new().await;
    let answer = closed
        .post("/v1/logs", &[("content-type", PROTOBUF)], "")
        .await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

// === grpc ===

#[tokio::test]
async fn grpc_clients_export_in_every_compression() {
    let bench = Bench::new().await;
    let channel = bench.grpc().await;
    let mut traces = TraceServiceClient::new(channel.clone());
    traces.export(trace_request(vec![span(1)])).await.unwrap();
    for encoding in [CompressionEncoding::Gzip, CompressionEncoding::Zstd] {
        let client = TraceServiceClient::new(channel.clone());
        let mut client = client.send_compressed(encoding).accept_compressed(encoding);
        client
            .export(trace_request(vec![span(1), span(2)]))
            .await
            .unwrap();
    }
    assert_eq!(bench.rows(Table::Spans), 5);
    let mut logs = LogsServiceClient::new(channel);
    // Larger than what is decoded on the async threads, and than tonic's default limit of 4 MiB.
    logs.export(logs_request(500_000)).await.unwrap();
    assert_eq!(bench.rows(Table::Logs), 500_000);
}

#[tokio::test]
async fn grpc_says_what_was_rejected() {
    let bench = Bench::new().await;
    let mut client = TraceServiceClient::new(bench.grpc().await);
    let response = client
        .export(trace_request(vec![span(0), span(1)]))
        .await
        .unwrap();
    let partial = response.into_inner().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(partial.error_message.contains("invalid_trace_id"));
}

#[tokio::test]
async fn grpc_refuses_large_requests_for_good_and_goes_on() {
    let bench = Bench::with(small_limit(), 1 << 30).await;
    let channel = bench.grpc().await;
    let mut client = LogsServiceClient::new(channel.clone());
    let large = logs_request(100_000);
    let status = client.export(large.clone()).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::ResourceExhausted);
    assert!(
        status.details().is_empty(),
        "no RetryInfo: clients must not try again"
    );
    let mut client = LogsServiceClient::new(channel).send_compressed(CompressionEncoding::Gzip);
    let status = client.export(large).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::ResourceExhausted);
    client.export(logs_request(1)).await.unwrap();
    assert_eq!(bench.rows(Table::Logs), 1);
}

#[tokio::test]
async fn grpc_without_memory_says_when_to_come_back() {
    let bench = Bench::with(CollectorOptions::default(), 1 << 20).await;
    let _others = bench.storage.admit(1 << 20).unwrap();
    let mut client = LogsServiceClient::new(bench.grpc().await);
    let status = client.export(logs_request(1_000)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::ResourceExhausted);
    let details = String::from_utf8_lossy(status.details()).into_owned();
    assert!(details.contains("google.rpc.RetryInfo"), "{details}");
}

async fn raw_grpc(bench: &Bench, path: &str, encoding: &str, body: Vec<u8>) -> Answer {
    let headers = [
        ("content-type", "application/grpc"),
        ("grpc-encoding", encoding),
    ];
    send(
        bench.collector.grpc_router(),
        Method::POST,
        path,
        &headers,
        body,
    )
    .await
}

fn framed(compressed: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[compressed], &length[..], message].concat()
}

const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

#[tokio::test]
async fn grpc_answers_wrong_calls_with_the_fitting_code() {
    let bench = Bench::new().await;
    let valid = trace_request(vec![span(1)]).encode_to_vec();
    let status = |answer: &Answer| answer.headers["grpc-status"].to_str().unwrap().to_owned();
    let packed = gzip(&valid);
    let cases = [
        (
            "malformed protobuf",
            "identity",
            framed(0, &valid[..valid.len() - 2]),
            "3",
        ),
        (
            "truncated gzip",
            "gzip",
            framed(1, &packed[..packed.len() / 2]),
            "3",
        ),
        ("no message", "identity", Vec::new(), "3"),
        (
            "cut message",
            "identity",
            framed(0, &valid)[..20].to_vec(),
            "3",
        ),
        ("two messages", "identity", framed(0, &valid).repeat(2), "3"),
        (
            "compressed, nobody says how",
            "identity",
            framed(1, &valid),
            "3",
        ),
        ("unknown flag", "identity", framed(7, &valid), "3"),
        ("unknown compression", "br", framed(1, &valid), "12"),
    ];
    for (name, encoding, body, code) in cases {
        let answer = raw_grpc(&bench, TRACES, encoding, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}");
        assert_eq!(status(&answer), code, "{name}");
    }
    let metrics = TRACES.replace("trace.v1.Trace", "metrics.v1.Metrics");
    let answer = raw_grpc(&bench, &metrics, "identity", framed(0, &[])).await;
    assert_eq!(status(&answer), "12");
    assert!(
        answer.headers["grpc-message"]
            .to_str()
            .unwrap()
            .contains("metrics")
    );
    let answer = raw_grpc(&bench, "/some.Service/Method", "identity", framed(0, &[])).await;
    assert_eq!(status(&answer), "12");
    let router = bench.collector.grpc_router();
    let answer = send(
        router,
        Method::POST,
        TRACES,
        &[("content-type", JSON)],
        "{}",
    )
    .await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(bench.rows(Table::Spans), 0);
}

// === import and metrics ===

#[tokio::test]
async fn exports_are_counted_and_the_counts_add_up() {
    let bench = Bench::new().await;
    let mut registry = prometheus_client::registry::Registry::default();
    bench.collector.register_metrics(&mut registry);
    let request = trace_request(vec![span(0), span(1), span(2)]).encode_to_vec();
    let outcome = bench
        .collector
        .export(Signal::Traces, Format::Protobuf, request.into())
        .await;
    let outcome = outcome.unwrap();
    assert_eq!((outcome.accepted, outcome.rejected), (2, 1));
    assert_eq!(outcome.reasons, [("invalid_trace_id", 1)]);
    let lines = Bytes::from_static(b"one\ntwo\n");
    let outcome = bench
        .collector
        .export(Signal::Logs, Format::JsonLines, lines.clone())
        .await;
    assert_eq!(outcome.unwrap().accepted, 2);
    bench
        .collector
        .export(Signal::Traces, Format::JsonLines, lines)
        .await
        .unwrap_err();
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    for line in [
        r#"spoor_collector_received_records_total{signal="traces",transport="import"} 3"#,
        r#"spoor_collector_accepted_records_total{signal="traces"} 2"#,
        r#"spoor_collector_rejected_records_total{signal="traces",reason="invalid_trace_id"} 1"#,
        r#"spoor_collector_accepted_records_total{signal="logs"} 2"#,
        r#"spoor_collector_requests_total{signal="traces",transport="import",outcome="partial"} 1"#,
        r#"spoor_collector_requests_total{signal="traces",transport="import",outcome="invalid"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_replayed_the_same() {
    let bench = Bench::new().await;
    let bytes = trace_request(vec![span(0), span(1), span(2)]).encode_to_vec();
    bench
        .collector
        .export(Signal::Traces, Format::Protobuf, bytes.into())
        .await
        .unwrap();
    let Bench {
        storage,
        collector,
        _folder: folder,
    } = bench;
    // A copy of the folder is what a crash would leave behind: nothing was flushed or closed.
    let copy = TempDir::new().unwrap();
    copy_folder(folder.path(), copy.path());
    drop((storage, collector));
    let decoder = Arc::new(OtlpDecoder::default());
    let reopened = Storage::open(StorageOptions::new(copy.path()), decoder)
        .await
        .unwrap();
    reopened.flush().await.unwrap();
    let tenant = TenantId::default();
    let files = reopened
        .snapshot()
        .files(&tenant, Table::Spans, TimeRange::ALL);
    let in_files: u64 = files.iter().map(|file| file.rows).sum();
    assert_eq!(in_files, 2, "the rejected span is rejected again");
    tokio::time::timeout(Duration::from_secs(30), reopened.close())
        .await
        .unwrap()
        .unwrap();
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

// === tenants ===

/// Rows in memory by tenant: spans and log records.
fn rows_by_tenant(storage: &Storage) -> Vec<(String, u64, u64)> {
    let tenants = storage.snapshot().tenants();
    let rows = |tables: &std::collections::BTreeMap<Table, spoor_storage::TableUsage>, table| {
        tables.get(&table).map_or(0, |usage| usage.rows)
    };
    tenants
        .iter()
        .map(|(name, tables)| {
            let (spans, logs) = (rows(tables, Table::Spans), rows(tables, Table::Logs));
            (name.to_string(), spans, logs)
        })
        .collect()
}

#[tokio::test]
async fn a_request_names_its_tenant_however_it_comes() {
    let bench = Bench::new().await;
    let traces = trace_request(vec![span(1)]).encode_to_vec();
    let logs = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "5"}]}]}]});
    for (tenant, path, content_type, body) in [
        ("http", "/v1/traces", PROTOBUF, traces.clone()),
        ("http", "/v1/logs", JSON, logs.to_string().into_bytes()),
        ("lines", "/v1/logs/json", JSON, b"a line".to_vec()),
        ("", "/v1/traces", PROTOBUF, traces.clone()),
    ] {
        let headers = [("content-type", content_type), ("X-Scope-OrgID", tenant)];
        let answer = bench.post(path, &headers, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{tenant} {path}");
    }
    let channel = bench.grpc().await;
    let mut request = tonic::Request::new(trace_request(vec![span(1), span(2)]));
    let named = "grpc".parse().unwrap();
    request.metadata_mut().insert("x-scope-orgid", named);
    let mut client = TraceServiceClient::new(channel.clone());
    client.export(request).await.unwrap();
    let mut request = tonic::Request::new(logs_request(3));
    let named = "grpc".parse().unwrap();
    request.metadata_mut().insert("x-scope-orgid", named);
    let mut client = LogsServiceClient::new(channel);
    client.export(request).await.unwrap();
    client.export(logs_request(1)).await.unwrap();
    let expected = [
        ("default", 1, 1),
        ("grpc", 2, 3),
        ("http", 1, 1),
        ("lines", 0, 1),
    ];
    let expected = expected.map(|(name, spans, logs)| (name.to_owned(), spans, logs));
    assert_eq!(rows_by_tenant(&bench.storage), expected);
}

#[tokio::test]
async fn names_that_are_none_and_tenants_too_many_are_refused_for_good() {
    let folder = TempDir::new().unwrap();
    let mut options = StorageOptions::new(folder.path());
    (options.min_free_bytes, options.max_tenants) = (0, 1);
    let decoder = Arc::new(OtlpDecoder::new(true));
    let storage = Storage::open(options, decoder).await.unwrap();
    let bench = Bench {
        collector: Collector::new(storage.clone(), CollectorOptions::default()),
        storage,
        _folder: folder,
    };
    let mut registry = prometheus_client::registry::Registry::default();
    bench.collector.register_metrics(&mut registry);
    let body = trace_request(vec![span(1)]).encode_to_vec();
    let post = |tenant: &'static str| {
        let (bench, body) = (&bench, body.clone());
        let headers = [("content-type", PROTOBUF), ("x-scope-orgid", tenant)];
        async move { bench.post("/v1/traces", &headers, body).await }
    };
    assert_eq!(post("first").await.status, StatusCode::OK);
    for (tenant, says) in [
        (
            "../x",
            "the header `X-Scope-OrgID`: `../x` is not a tenant name",
        ),
        ("a|b", "the header `X-Scope-OrgID` names several tenants"),
        (
            "second",
            "tenant `second` would be one more than the 1 there may be",
        ),
    ] {
        let answer = post(tenant).await;
        // 400 is what exporters do not try again; 429 they would, and nothing would be better then.
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{tenant}");
        assert!(!answer.headers.contains_key("retry-after"));
        let message = answer.rpc_status().message;
        assert!(message.contains(says), "{message}");
        let mut request = tonic::Request::new(trace_request(vec![span(1)]));
        let named = tenant.parse().unwrap();
        request.metadata_mut().insert("x-scope-orgid", named);
        let mut client = TraceServiceClient::new(bench.grpc().await);
        let status = client.export(request).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status}");
        assert!(status.message().contains(says), "{status}");
    }
    assert_eq!(post("first").await.status, StatusCode::OK);
    assert_eq!(rows_by_tenant(&bench.storage), [("first".to_owned(), 2, 0)]);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    for line in [
        r#"spoor_collector_requests_total{signal="traces",transport="http",outcome="invalid"} 3"#,
        r#"spoor_collector_rejected_records_total{signal="traces",reason="invalid"} 2"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
