//! OTLP/gRPC: the trace and logs services as plain routes over HTTP/2.
//!
//! The framing of a unary call is five bytes, so it is done here rather than by `tonic`'s server:
//! the request then goes through the same memory budget, decompression and limits as HTTP before
//! anything is allocated for it, and stays bytes (no message is built). What `tonic` would answer
//! differently: a message over the limit is `RESOURCE_EXHAUSTED` and not `OUT_OF_RANGE`, which
//! OTLP clients retry for ever; a broken gzip stream is `INVALID_ARGUMENT` and not `INTERNAL`.
//!
//! ```text
//! request body:  compressed? (1 byte) | length (4 bytes, big endian) | message
//! ```

use axum::Router;
use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::response::Response;
use axum::routing::post;
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Full};
use prost::Message;
use spoor_storage::{Error, ErrorKind, Result};
use tonic::Code;

use crate::body::{Received, receive, tenant_of};
use crate::collector::Request;
use crate::compress::{ACCEPTED, Encoding, too_large};
use crate::json_lines::JsonLinesDefaults;
use crate::metrics::Transport;
use crate::rpc_status::{Status, message_of, response_protobuf};
use crate::{Collector, ExportOutcome, Format, Signal};

/// The flag and the length before a message.
const PREFIX_BYTES: usize = 5;

/// The routes.
pub(crate) fn router(collector: &Collector) -> Router {
    Router::new()
        .route(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            post(traces),
        )
        .route(
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            post(logs),
        )
        .route(
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            post(metrics),
        )
        .fallback(unknown)
        .with_state(collector.clone())
}

async fn traces(State(collector): State<Collector>, request: HttpRequest) -> Response {
    export(&collector, Signal::Traces, request).await
}

async fn logs(State(collector): State<Collector>, request: HttpRequest) -> Response {
    export(&collector, Signal::Logs, request).await
}

async fn metrics() -> Response {
    let message = message_of(&crate::metrics_are_not_taken());
    tonic::Status::unimplemented(message).into_http()
}

async fn unknown(request: HttpRequest) -> Response {
    let path = request.uri().path();
    if is_grpc(request.headers()) {
        return tonic::Status::unimplemented(format!("`{path}` is not a method of this server"))
            .into_http();
    }
    let message = format!("`{path}` is not here: this port takes otlp/grpc; otlp/http has its own");
    plain(StatusCode::NOT_FOUND, message)
}

fn plain(status: StatusCode, message: String) -> Response {
    let mut response = Response::new(Body::from(message));
    *response.status_mut() = status;
    response
}

/// `application/grpc` or `application/grpc+proto`.
fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| {
        let value = value.as_bytes();
        let media_type = value
            .split(|byte| *byte == b';')
            .next()
            .unwrap_or_default()
            .trim_ascii();
        matches!(media_type, b"application/grpc" | b"application/grpc+proto")
    })
}

async fn export(collector: &Collector, signal: Signal, request: HttpRequest) -> Response {
    let (parts, body) = request.into_parts();
    if !is_grpc(&parts.headers) {
        let message = "this port takes content-type application/grpc; otlp/http has its own port";
        return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, message.to_owned());
    }
    match take(collector, signal, &parts.headers, body).await {
        Ok(outcome) => success(&response_protobuf(&outcome)),
        Err(error) => failure(&error),
    }
}

async fn take(
    collector: &Collector,
    signal: Signal,
    headers: &HeaderMap,
    body: Body,
) -> Result<ExportOutcome> {
    let received = async {
        let tenant = tenant_of(headers)?;
        let stated = Encoding::from_header(headers.get("grpc-encoding"))?;
        let limit = collector.options().max_request_bytes;
        let received = receive(collector, headers, body, limit + PREFIX_BYTES).await?;
        let Received { bytes, admission } = received;
        let (encoding, message) = unframe(bytes, stated, limit)?;
        Ok((tenant, encoding, message, admission))
    };
    let (tenant, encoding, body, admission) = match received.await {
        Ok(received) => received,
        Err(error) => {
            collector.metrics().refused(signal, Transport::Grpc, &error);
            return Err(error);
        }
    };
    let (format, transport) = (Format::Protobuf, Transport::Grpc);
    let defaults = JsonLinesDefaults::default();
    let request = Request {
        tenant,
        signal,
        format,
        transport,
        encoding,
        body,
        admission,
        defaults,
    };
    collector.accept(request).await
}

/// Takes the one message out of the body of a unary call.
fn unframe(mut body: Bytes, stated: Encoding, limit: usize) -> Result<(Encoding, Bytes)> {
    let Some(&[compressed, a, b, c, d]) = body.first_chunk::<PREFIX_BYTES>() else {
        return Err(Error::invalid("the call holds no grpc message"));
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    let message = body.split_off(PREFIX_BYTES);
    if length > limit {
        return Err(too_large(limit));
    }
    if message.len() != length {
        return Err(Error::invalid(format!(
            "the grpc message says it has {length} bytes, but {} came",
            message.len()
        )));
    }
    match (compressed, stated) {
        (0, _) => Ok((Encoding::Identity, message)),
        (1, Encoding::Identity) => Err(Error::invalid(
            "the message is compressed, but `grpc-encoding` does not say how",
        )),
        (1, encoding) => Ok((encoding, message)),
        _ => Err(Error::invalid(
            "the compressed flag of the grpc message is neither 0 nor 1",
        )),
    }
}

fn success(message: &Bytes) -> Response {
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.extend_from_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(framed.freeze()).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    headers.insert("grpc-accept-encoding", HeaderValue::from_static(ACCEPTED));
    response
}

fn failure(error: &Error) -> Response {
    if matches!(error.kind(), ErrorKind::Internal | ErrorKind::Corrupt) {
        tracing::error!(%error, "an export request failed");
    }
    let mut details = Status::of(error);
    if error.kind() == ErrorKind::Unsupported {
        // What gRPC wants said of an unknown compression.
        details.code = Code::Unimplemented as i32;
    }
    let code = Code::from_i32(details.code);
    let message = details.message.clone();
    let details = if details.details.is_empty() {
        Bytes::new()
    } else {
        Bytes::from(details.encode_to_vec())
    };
    let mut response: Response = tonic::Status::with_details(code, message, details).into_http();
    let accepted = HeaderValue::from_static(ACCEPTED);
    response
        .headers_mut()
        .insert("grpc-accept-encoding", accepted);
    response
}
