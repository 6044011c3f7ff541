//! Requests that are wrong, hostile or odd: each gets the documented answer, and afterwards the
//! server takes and finds good data as before.

mod content;
mod grpc;

use std::io::{Read, Write};
use std::net::TcpStream;

use prost::Message;
use serde_json::json;

use crate::data;
use crate::harness::{Home, Server};
use crate::otlp::{JSON, PROTOBUF, Reply, Signal, deflate, gzip, zstandard};

const MIB: usize = 1 << 20;

/// More than a request needs, far less than a bomb inflates to.
const MEMORY_LIMIT_BYTES: u64 = 700 << 20;

/// The server still does its work.
async fn assert_goes_on(server: &mut Server) {
    assert!(server.is_running(), "{}", server.log());
    let word = "stillworking";
    let before = server.api().count_logs(word).await;
    server
        .otlp()
        .export_logs(&data::logs_of("after", vec![data::record(word)]))
        .await;
    assert_eq!(server.api().count_logs(word).await, before + 1);
}

/// An OTLP error: the status, a `google.rpc.Status` in the request's encoding, and a message.
fn assert_error(reply: &Reply, status: u16, code: i32, content_type: &str, what: &str) {
    assert_eq!(reply.status, status, "{what}: {}", reply.text());
    assert!(
        reply.content_type().starts_with(content_type),
        "{what}: {}",
        reply.content_type()
    );
    let error = reply.error();
    assert_eq!(error.code, code, "{what}: {}", error.message);
    assert!(
        error.message.len() > 10,
        "{what}: `{}` says what was wrong",
        error.message
    );
}

fn good_request() -> Vec<u8> {
    data::logs_of("good", vec![data::record("good")]).encode_to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_request_are_refused_with_400() {
    let home = Home::new();
    let mut server = home.serve().await;
    let otlp = server.otlp();
    let good = good_request();
    let garbage = b"this is certainly not protobuf".to_vec();
    for signal in [Signal::Traces, Signal::Logs] {
        let cases = [
            garbage.clone(),
            good[..good.len() - 3].to_vec(),
            // Field 1 says that it is longer than memory.
            vec![0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
            // A varint without an end, and a group that nobody opened.
            vec![0xFF; 11],
            vec![0x0C],
        ];
        for body in cases {
            let what = format!("{signal:?} {body:02x?}");
            let reply = otlp.post_protobuf(signal, body).await;
            assert_error(&reply, 400, 3, PROTOBUF, &what);
        }
        let cases = [
            "not json",
            "{\"resourceSpans\": [",
            "[]",
            "{\"resourceSpans\": 7, \"resourceLogs\": 7}",
            "{\"resourceSpans\": [{\"scopeSpans\": [{\"spans\": [{\"traceId\": 5}]}]}], \
              \"resourceLogs\": [{\"scopeLogs\": [{\"logRecords\": [{\"traceId\": 5}]}]}]}",
        ];
        for body in cases {
            let reply = otlp.post_json(signal, body).await;
            assert_error(&reply, 400, 3, JSON, &format!("{signal:?} {body}"));
        }
    }
    assert_eq!(
        server.api().sql_number("SELECT count(*) FROM spans").await,
        0
    );
    assert_goes_on(&mut server).await;
    assert_eq!(
        server.api().sql_number("SELECT count(*) FROM logs").await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_types_encodings_methods_and_paths_have_their_statuses() {
    let home = Home::new();
    let mut server = home.serve().await;
    let otlp = server.otlp();
    for content_type in [
        "text/plain",
        "application/xml",
        "application/octet-stream",
        "",
    ] {
        let headers = [("content-type", content_type)];
        let reply = otlp.post("/v1/logs", &headers, good_request()).await;
        assert_eq!(reply.status, 415, "{content_type}: {}", reply.text());
        assert!(
            reply.text().contains(PROTOBUF),
            "it says what is taken: {}",
            reply.text()
        );
    }
    let headers = [("content-type", PROTOBUF), ("content-encoding", "br")];
    let reply = otlp.post("/v1/logs", &headers, good_request()).await;
    assert_error(&reply, 415, 3, PROTOBUF, "brotli");
    let parameters = [("content-type", "application/x-protobuf; charset=utf-8")];
    assert_eq!(
        otlp.post("/v1/logs", &parameters, good_request())
            .await
            .status,
        200
    );
    let get = otlp
        .client()
        .get(otlp.url("/v1/logs"))
        .send()
        .await
        .unwrap();
    assert_eq!(get.status(), 405);
    let lost = otlp
        .post("/v1/nothing", &[("content-type", PROTOBUF)], good_request())
        .await;
    assert_eq!(lost.status, 404);
    let headers = [("content-type", PROTOBUF)];
    let reply = otlp.post("/v1/metrics", &headers, Vec::new()).await;
    assert_eq!(reply.status, 404);
    assert!(
        reply.text().to_lowercase().contains("metrics"),
        "{}",
        reply.text()
    );
    assert_goes_on(&mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_encoding_is_read_and_broken_ones_are_refused() {
    let home = Home::new();
    let mut server = home.serve().await;
    let otlp = server.otlp();
    let good = good_request();
    let encoded = [
        ("gzip", gzip(&good)),
        ("deflate", deflate(&good)),
        ("zstd", zstandard(&good)),
    ];
    for (encoding, bytes) in &encoded {
        let reply = otlp
            .post_encoded(Signal::Logs, encoding, bytes.clone())
            .await;
        assert_eq!(reply.status, 200, "{encoding}: {}", reply.text());
        let torn = bytes[..bytes.len() - 6].to_vec();
        let reply = otlp.post_encoded(Signal::Logs, encoding, torn).await;
        assert_error(&reply, 400, 3, PROTOBUF, &format!("truncated {encoding}"));
        let reply = otlp
            .post_encoded(Signal::Logs, encoding, b"plain".to_vec())
            .await;
        assert_error(&reply, 400, 3, PROTOBUF, &format!("not {encoding}"));
        // Nothing is nothing, however it says it is encoded.
        let reply = otlp.post_encoded(Signal::Logs, encoding, Vec::new()).await;
        assert_eq!(reply.status, 200, "empty {encoding}: {}", reply.text());
    }
    assert_eq!(server.api().count_logs("good").await, 3);
    assert_goes_on(&mut server).await;
}

/// A few mebibytes on the wire at most that would be a gibibyte in memory. All three formats let a
/// compressed mebibyte be repeated, which is quicker than compressing a gibibyte.
fn bombs() -> [(&'static str, Vec<u8>); 3] {
    let zeros = vec![0_u8; MIB];
    let mut block = Vec::with_capacity(MIB);
    let mut compress = flate2::Compress::new(flate2::Compression::best(), false);
    compress
        .compress_vec(&zeros, &mut block, flate2::FlushCompress::Sync)
        .unwrap();
    let deflate = [&[0x78, 0x01], block.repeat(1024).as_slice(), &[0x03, 0x00]].concat();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&zeros).unwrap();
    let gzip = encoder.finish().unwrap().repeat(1024);
    [
        ("gzip", gzip),
        ("deflate", deflate),
        ("zstd", zstandard(&zeros).repeat(1024)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn decompression_bombs_are_stopped_at_the_limit() {
    let home = Home::new();
    let mut server = home.serve().await;
    let otlp = server.otlp();
    for (encoding, bomb) in bombs() {
        assert!(bomb.len() < 4 * MIB, "{encoding}: {}", bomb.len());
        for signal in [Signal::Traces, Signal::Logs] {
            let reply = otlp.post_encoded(signal, encoding, bomb.clone()).await;
            assert_error(&reply, 413, 8, PROTOBUF, &format!("{encoding} bomb"));
        }
    }
    if let Some(peak) = server.peak_memory_bytes() {
        assert!(peak < MEMORY_LIMIT_BYTES, "{} MiB", peak >> 20);
    }
    assert_goes_on(&mut server).await;
}

/// Sends a request by hand, without caring whether anybody listens any more, and gives the first
/// line of the answer.
fn send_by_hand(address: &str, head: &str, piece: &[u8], pieces: usize) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    for _ in 0..pieces {
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    let mut buffer = [0_u8; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..read]);
        if answer.windows(4).any(|window| window == b"\r\n\r\n") {
            break;
        }
    }
    String::from_utf8_lossy(&answer)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_100_mib_are_refused_with_413() {
    let home = Home::new();
    let mut server = home.serve().await;
    let address = server.address("otlp_http_addr");
    let common = format!(
        "POST /v1/logs HTTP/1.1\r\nHost: {address}\r\nContent-Type: {PROTOBUF}\r\nConnection: close\r\n"
    );
    let announced = format!("{common}Content-Length: {}\r\n\r\n", 100 * MIB);
    let chunked = format!("{common}Transfer-Encoding: chunked\r\n\r\n");
    let mut chunk = format!("{MIB:x}\r\n").into_bytes();
    chunk.extend(std::iter::repeat_n(b'x', MIB));
    chunk.extend(b"\r\n");
    let cases = [
        ("announced", announced, vec![b'x'; MIB]),
        ("chunked", chunked, chunk),
    ];
    for (what, head, piece) in cases {
        let address = address.clone();
        let line = tokio::task::spawn_blocking(move || send_by_hand(&address, &head, &piece, 100))
            .await
            .unwrap();
        assert!(line.contains(" 413 "), "{what}: `{line}`");
    }
    // As an ordinary client sees it; it may also learn it by the connection's end.
    let headers = [("content-type", PROTOBUF)];
    let answer = server
        .otlp()
        .try_post("/v1/traces", &headers, vec![b'x'; 100 * MIB])
        .await;
    assert!(answer.is_err() || answer.unwrap().status == 413);
    if let Some(peak) = server.peak_memory_bytes() {
        assert!(peak < MEMORY_LIMIT_BYTES, "{} MiB", peak >> 20);
    }
    assert_goes_on(&mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_size_limit_is_a_setting() {
    let home = Home::new();
    let mut server = home.serve_with(&["--max-request-bytes", "20000"]).await;
    let otlp = server.otlp();
    let of_size = |bytes: usize| {
        data::logs_of("sized", vec![data::record(&"z".repeat(bytes))]).encode_to_vec()
    };
    assert_eq!(
        otlp.post_protobuf(Signal::Logs, of_size(19_000))
            .await
            .status,
        200
    );
    let reply = otlp.post_protobuf(Signal::Logs, of_size(20_001)).await;
    assert_error(&reply, 413, 8, PROTOBUF, "one over the limit");
    let reply = otlp
        .post_encoded(Signal::Logs, "gzip", gzip(&of_size(30_000)))
        .await;
    assert_error(&reply, 413, 8, PROTOBUF, "over the limit when inflated");
    assert_goes_on(&mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_requests_are_fine() {
    let home = Home::new();
    let mut server = home.serve().await;
    let otlp = server.otlp();
    for signal in [Signal::Traces, Signal::Logs] {
        assert_eq!(otlp.post_protobuf(signal, Vec::new()).await.status, 200);
        let reply = otlp.post_json(signal, "{}").await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let answer: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert!(
            answer == json!({}) || answer == json!({"partialSuccess": {}}),
            "{answer}"
        );
    }
    assert_goes_on(&mut server).await;
}

/// A client that opens a request and never ends it holds nobody up.
#[tokio::test(flavor = "multi_thread")]
async fn half_open_requests_hold_nobody_up() {
    let home = Home::new();
    let mut server = home.serve().await;
    let address = server.address("otlp_http_addr");
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nHost: {address}\r\nContent-Type: {PROTOBUF}\r\nContent-Length: 1000000\r\n\r\nabc"
    );
    let idle: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    assert_goes_on(&mut server).await;
    drop(idle);
    assert_goes_on(&mut server).await;
}
