//! OTLP/HTTP, and JSON lines beside it.
//!
//! Answers follow the OTLP specification: `Export…ServiceResponse` with status 200, also for
//! partial success; errors as `google.rpc.Status`, both in the request's encoding; `Retry-After`
//! in seconds where trying again makes sense.

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request as HttpRequest, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use prost::Message;
use serde::Deserialize;
use spoor_storage::{Error, ErrorKind, Result};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::body::{Received, receive, tenant_of};
use crate::collector::Request;
use crate::compress::{ACCEPTED, Encoding};
use crate::json_lines::JsonLinesDefaults;
use crate::metrics::Transport;
use crate::rpc_status::{Status, response_json, response_lines, response_protobuf, retry_after};
use crate::{Collector, CollectorOptions, ExportOutcome, Format, Signal};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// The routes.
pub(crate) fn router(collector: &Collector) -> Router {
    let router = Router::new()
        .route("/v1/traces", post(traces).fallback(only_post))
        .route("/v1/logs", post(logs).fallback(only_post))
        .route("/v1/logs/json", post(log_lines).fallback(only_post))
        .route("/v1/metrics", any(metrics))
        .with_state(collector.clone());
    match cors_layer(collector.options()) {
        Some(cors) => router.layer(cors),
        None => router,
    }
}

/// Lets pages of the configured origins export from the browser.
fn cors_layer(options: &CollectorOptions) -> Option<CorsLayer> {
    let origins = &options.cors_allowed_origins;
    if origins.is_empty() {
        return None;
    }
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        // Origins that are no header values cannot be sent by a browser either.
        AllowOrigin::list(
            origins
                .iter()
                .filter_map(|origin| HeaderValue::from_str(origin).ok()),
        )
    };
    Some(
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([Method::POST])
            .allow_headers(AllowHeaders::mirror_request())
            .max_age(std::time::Duration::from_hours(2)),
    )
}

async fn traces(State(collector): State<Collector>, request: HttpRequest) -> Response {
    export(&collector, Signal::Traces, request).await
}

async fn logs(State(collector): State<Collector>, request: HttpRequest) -> Response {
    export(&collector, Signal::Logs, request).await
}

async fn metrics(request: HttpRequest) -> Response {
    let encoding = format_of(request.headers()).unwrap_or(Format::Json);
    error_response(encoding, &crate::metrics_are_not_taken())
}

async fn only_post(request: HttpRequest) -> Response {
    let status = Status {
        code: ErrorKind::Invalid.grpc_code(),
        message: format!("`{}` takes POST only", request.uri().path()),
        details: Vec::new(),
    };
    let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, JSON, status.to_json());
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

async fn export(collector: &Collector, signal: Signal, request: HttpRequest) -> Response {
    let (parts, body) = request.into_parts();
    let format = match format_of(&parts.headers) {
        Ok(format) => format,
        Err(error) => {
            collector.metrics().refused(signal, Transport::Http, &error);
            return error_response(Format::Json, &error);
        }
    };
    let defaults = JsonLinesDefaults::default();
    let outcome = take(collector, signal, format, &parts.headers, body, defaults).await;
    match (outcome, format) {
        (Err(error), _) => error_response(format, &error),
        (Ok(outcome), Format::Protobuf) => {
            answer(StatusCode::OK, PROTOBUF, response_protobuf(&outcome))
        }
        (Ok(outcome), _) => answer(StatusCode::OK, JSON, response_json(signal, &outcome)),
    }
}

/// Parameters of `/v1/logs/json`.
#[derive(Debug, Deserialize)]
struct LinesParameters {
    service: Option<String>,
}

async fn log_lines(
    State(collector): State<Collector>,
    Query(parameters): Query<LinesParameters>,
    request: HttpRequest,
) -> Response {
    let (parts, body) = request.into_parts();
    let defaults = JsonLinesDefaults {
        service_name: parameters.service.filter(|service| !service.is_empty()),
    };
    let (signal, format) = (Signal::Logs, Format::JsonLines);
    match take(&collector, signal, format, &parts.headers, body, defaults).await {
        Ok(outcome) => answer(StatusCode::OK, JSON, response_lines(&outcome)),
        Err(error) => error_response(format, &error),
    }
}

/// Reads a body within the limits and exports it.
async fn take(
    collector: &Collector,
    signal: Signal,
    format: Format,
    headers: &HeaderMap,
    body: Body,
    defaults: JsonLinesDefaults,
) -> Result<ExportOutcome> {
    let received = async {
        let tenant = tenant_of(headers)?;
        let encoding = Encoding::from_header(headers.get(header::CONTENT_ENCODING))?;
        let limit = collector.options().max_request_bytes;
        let received = receive(collector, headers, body, limit).await?;
        Ok((tenant, encoding, received))
    };
    let (tenant, encoding, received) = match received.await {
        Ok(received) => received,
        Err(error) => {
            collector.metrics().refused(signal, Transport::Http, &error);
            return Err(error);
        }
    };
    let Received {
        bytes: body,
        admission,
    } = received;
    let transport = Transport::Http;
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

/// The format that `Content-Type` names; parameters such as `charset` do not matter.
fn format_of(headers: &HeaderMap) -> Result<Format> {
    let value = headers
        .get(header::CONTENT_TYPE)
        .map_or(&b""[..], HeaderValue::as_bytes);
    let value = String::from_utf8_lossy(value);
    let media_type = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match media_type.as_str() {
        PROTOBUF | "application/protobuf" => Ok(Format::Protobuf),
        JSON => Ok(Format::Json),
        other => {
            let message = if other.is_empty() {
                "the request has no content-type".to_owned()
            } else {
                format!("content-type `{other}` is not supported")
            };
            Err(Error::new(ErrorKind::Unsupported, message)
                .with_hint(format!("use {PROTOBUF} or {JSON}")))
        }
    }
}

fn answer(status: StatusCode, content_type: &'static str, body: Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

fn error_response(format: Format, error: &Error) -> Response {
    if matches!(error.kind(), ErrorKind::Internal | ErrorKind::Corrupt) {
        tracing::error!(%error, "an export request failed");
    }
    let code = StatusCode::from_u16(error.kind().http_status())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let status = Status::of(error);
    let mut response = match format {
        Format::Protobuf => answer(code, PROTOBUF, status.encode_to_vec().into()),
        Format::Json | Format::JsonLines => answer(code, JSON, status.to_json()),
    };
    let headers = response.headers_mut();
    if let Some(after) = retry_after(error) {
        // Whole seconds, rounded up, so that nobody comes too early.
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    if error.kind() == ErrorKind::Unsupported {
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED));
    }
    response
}
