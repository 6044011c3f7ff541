//! The same through gRPC.

use std::io::Write;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use tonic::Code;
use tonic::codec::CompressionEncoding;

use super::{MEMORY_LIMIT_BYTES, MIB, assert_goes_on, bombs, good_request};
use crate::data::{self, record, span};
use crate::harness::{Home, Server};
use crate::otlp::Signal;

#[tokio::test(flavor = "multi_thread")]
async fn grpc_refuses_bytes_that_are_no_message() {
    let home = Home::new();
    let mut server = home.serve().await;
    let otlp = server.otlp();
    let good = good_request();
    for signal in [Signal::Traces, Signal::Logs] {
        for body in [
            b"no protobuf at all".to_vec(),
            good[..good.len() - 3].to_vec(),
            vec![0xFF; 11],
        ] {
            for compression in [
                None,
                Some(CompressionEncoding::Gzip),
                Some(CompressionEncoding::Zstd),
            ] {
                let message = Bytes::from(body.clone());
                let status = otlp
                    .grpc_raw(signal.grpc_path(), message, compression)
                    .await
                    .unwrap_err();
                assert_eq!(status.code(), Code::InvalidArgument, "{signal:?}: {status}");
                assert!(status.message().len() > 10, "{status}");
            }
        }
    }
    assert_goes_on(&mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_reads_gzip_and_zstd() {
    let home = Home::new();
    let server = home.serve().await;
    let message = Bytes::from(good_request());
    for compression in [
        None,
        Some(CompressionEncoding::Gzip),
        Some(CompressionEncoding::Zstd),
    ] {
        let answer = server
            .otlp()
            .grpc_raw(Signal::Logs.grpc_path(), message.clone(), compression)
            .await
            .unwrap();
        let answer = ExportLogsServiceResponse::decode(answer).unwrap();
        assert_eq!(
            answer
                .partial_success
                .unwrap_or_default()
                .rejected_log_records,
            0
        );
    }
    assert_eq!(server.api().count_logs("good").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_says_that_metrics_are_not_taken() {
    const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    let home = Home::new();
    let mut server = home.serve().await;
    let status = server
        .otlp()
        .grpc_raw(METRICS, Bytes::new(), None)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(
        status.message().to_lowercase().contains("metrics"),
        "{status}"
    );
    let status = server
        .otlp()
        .grpc_raw("/no.such.Service/Call", Bytes::new(), None)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert_goes_on(&mut server).await;
}

/// A compressed message as it is, without a client library that would compress it again; gives
/// the status, which an error has among the headers.
async fn framed_call(
    server: &Server,
    signal: Signal,
    encoding: &str,
    message: &[u8],
) -> Option<String> {
    let mut frame = vec![1];
    frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend(message);
    let client = reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let call = client
        .post(format!(
            "http://{}{}",
            server.address("otlp_grpc_addr"),
            signal.grpc_path()
        ))
        .header("content-type", "application/grpc")
        .header("grpc-encoding", encoding)
        .header("te", "trailers")
        .body(frame);
    let response = call.send().await.unwrap();
    let status = response.headers().get("grpc-status");
    status.map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_stops_large_messages_and_bombs() {
    let home = Home::new();
    let mut server = home.serve().await;
    let otlp = server.otlp();
    let large = Bytes::from(vec![b'x'; 100 * MIB]);
    let status = otlp
        .grpc_raw(Signal::Traces.grpc_path(), large, None)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    for (encoding, bomb) in bombs() {
        let code = framed_call(&server, Signal::Logs, encoding, &bomb).await;
        assert_eq!(
            code.as_deref(),
            Some("8"),
            "{encoding} bomb is RESOURCE_EXHAUSTED"
        );
    }
    if let Some(peak) = server.peak_memory_bytes() {
        assert!(peak < MEMORY_LIMIT_BYTES, "{} MiB", peak >> 20);
    }
    assert_goes_on(&mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_refuses_torn_gzip() {
    let home = Home::new();
    let mut server = home.serve().await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&good_request()).unwrap();
    let whole = encoder.finish().unwrap();
    let torn = &whole[..whole.len() - 6];
    let code = framed_call(&server, Signal::Logs, "gzip", torn).await;
    assert_eq!(code.as_deref(), Some("3"), "INVALID_ARGUMENT");
    assert_eq!(
        server.api().sql_number("SELECT count(*) FROM logs").await,
        0
    );
    assert_goes_on(&mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_gives_partial_success() {
    let home = Home::new();
    let mut server = home.serve().await;
    let mut bad = span(1, 1);
    bad.trace_id = vec![0; 16];
    let mut late = span(1, 2);
    late.start_time_unix_nano = 1 << 63;
    let request = data::spans_of("partial", vec![bad, late, span(1, 3)]);
    let message = Bytes::from(request.encode_to_vec());
    let answer = server
        .otlp()
        .grpc_raw(Signal::Traces.grpc_path(), message, None)
        .await
        .unwrap();
    let partial = ExportTraceServiceResponse::decode(answer)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected_spans, 2);
    assert!(partial.error_message.len() > 10, "{partial:?}");
    assert_eq!(
        server.api().sql_number("SELECT count(*) FROM spans").await,
        1
    );
    assert_goes_on(&mut server).await;
}

/// Calls on one connection are independent: a bad one does not end its neighbours.
#[tokio::test(flavor = "multi_thread")]
async fn grpc_calls_do_not_disturb_each_other() {
    let home = Home::new();
    let server = home.serve().await;
    let client = server.otlp().grpc_logs().await;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..40 {
        let mut client = client.clone();
        calls.spawn(async move {
            let list = (0..25).map(|place| record(&format!("neighbour {number} {place}")));
            client
                .export(data::logs_of("many", list.collect()))
                .await
                .unwrap();
        });
    }
    let otlp = server.otlp();
    for _ in 0..10 {
        let bad = otlp
            .grpc_raw(Signal::Logs.grpc_path(), Bytes::from_static(b"bad"), None)
            .await;
        assert_eq!(bad.unwrap_err().code(), Code::InvalidArgument);
    }
    while let Some(done) = calls.join_next().await {
        done.unwrap();
    }
    assert_eq!(server.api().count_logs("neighbour").await, 1_000);
}
