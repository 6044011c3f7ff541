//! Pieces to a server by OTLP/HTTP.
//!
//! OTLP answers only how many records were rejected, so those that were sent are counted here.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use serde::Deserialize;
use serde::de::IgnoredAny;
use spoor_collector::{Format, JsonLinesDefaults, Signal};
use spoor_storage::{Error, ErrorKind, Result};

use super::destination::Exported;
use crate::client::{Server, body_of};

/// A server that takes OTLP/HTTP.
pub(super) struct Remote {
    server: Server,
    token: Option<String>,
    defaults: JsonLinesDefaults,
}

impl Remote {
    pub(super) fn new(server: Server, token: Option<String>, defaults: JsonLinesDefaults) -> Self {
        Self {
            server,
            token,
            defaults,
        }
    }

    pub(super) fn base(&self) -> &url::Url {
        self.server.base()
    }

    pub(super) async fn export(
        &self,
        signal: Signal,
        format: Format,
        body: Bytes,
    ) -> Result<Exported> {
        let (path, content_type) = match (format, signal) {
            (Format::JsonLines, _) => ("/v1/logs/json", "application/x-ndjson"),
            (Format::Json, Signal::Traces) => ("/v1/traces", "application/json"),
            (Format::Json, Signal::Logs) => ("/v1/logs", "application/json"),
            (Format::Protobuf, Signal::Traces) => ("/v1/traces", "application/x-protobuf"),
            (Format::Protobuf, Signal::Logs) => ("/v1/logs", "application/x-protobuf"),
        };
        let mut request = self.server.post(path, self.token.as_deref());
        if let (Format::JsonLines, Some(service)) = (format, &self.defaults.service_name) {
            request = request.query(&[("service", service)]);
        }
        let request = request
            .header(CONTENT_TYPE, content_type)
            .body(body.clone());
        let response = request
            .send()
            .await
            .map_err(|error| self.server.unreachable(&error))?;
        if matches!(
            response.status(),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
        ) {
            return Err(self.not_otlp(response.status(), path));
        }
        if response.status() != StatusCode::OK {
            return Err(refusal(response).await);
        }
        let answer = response
            .bytes()
            .await
            .map_err(|error| self.server.unreachable(&error))?;
        outcome(signal, format, &body, &answer).ok_or_else(|| {
            Error::internal(format!(
                "the server at {} gave an answer that is not OTLP",
                self.base()
            ))
        })
    }

    /// Somebody answers, who does not know OTLP/HTTP: most likely the server's other address.
    fn not_otlp(&self, status: StatusCode, path: &str) -> Error {
        Error::new(
            ErrorKind::NotFound,
            format!(
                "{} takes no OTLP: it answered {status} to a POST to {path}",
                self.base()
            ),
        )
        .with_hint(
            "import sends to the address for OTLP/HTTP, which `spoor serve` shows when it starts (usually port 4318); \
             the address of the API and the UI (usually port 4320) is another",
        )
    }
}

async fn refusal(response: reqwest::Response) -> Error {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let kind = match status.as_u16() {
        400 | 415 => ErrorKind::Invalid,
        401 | 403 => ErrorKind::Unauthenticated,
        413 => ErrorKind::TooLarge,
        // A server that is starting says 503 with the time to come back.
        429 => ErrorKind::Busy,
        502..=504 if retry_after.is_some() => ErrorKind::Busy,
        _ => ErrorKind::Unavailable,
    };
    let body = body_of(response).await;
    let error = Error::new(
        kind,
        format!("the server answered {status}: {}", told(&body)),
    );
    let error = match retry_after {
        Some(after) => error.with_retry_after(after),
        None => error,
    };
    if kind == ErrorKind::Unauthenticated {
        return error
            .with_hint("give the server's token with --ingest-token-file or SPOOR_INGEST_TOKEN");
    }
    error
}

/// The words in an error's body, whatever its encoding.
fn told(body: &str) -> String {
    #[derive(Deserialize)]
    struct Told {
        message: String,
    }
    serde_json::from_str::<Told>(body).map_or_else(
        |_| body.chars().filter(|c| !c.is_control()).collect(),
        |told| told.message,
    )
}

/// `None` if the answer cannot be read.
fn outcome(signal: Signal, format: Format, request: &[u8], answer: &[u8]) -> Option<Exported> {
    if format == Format::JsonLines {
        let answer: LinesAnswer = serde_json::from_slice(answer).ok()?;
        let rejected = answer.reasons.into_iter().collect();
        return Some(Exported {
            signal,
            accepted: answer.accepted,
            rejected,
        });
    }
    let (sent, (rejected, message)) = if format == Format::Json {
        (count_json(signal, request)?, rejected_json(answer)?)
    } else {
        (
            count_protobuf(signal, request)?,
            rejected_protobuf(signal, answer)?,
        )
    };
    Some(Exported {
        signal,
        accepted: sent.saturating_sub(rejected),
        rejected: reasons(&message, rejected),
    })
}

#[derive(Deserialize)]
struct LinesAnswer {
    accepted: u64,
    #[serde(default)]
    reasons: std::collections::BTreeMap<String, u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(
        default,
        alias = "resource_spans",
        alias = "resourceLogs",
        alias = "resource_logs"
    )]
    resource_spans: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    #[serde(
        default,
        alias = "scope_spans",
        alias = "scopeLogs",
        alias = "scope_logs"
    )]
    scope_spans: Vec<Scope>,
}

#[derive(Deserialize)]
struct Scope {
    #[serde(default, alias = "logRecords", alias = "log_records")]
    spans: Vec<IgnoredAny>,
}

/// Records in a request of one signal.
fn count_json(signal: Signal, request: &[u8]) -> Option<u64> {
    let count = |request: Request| {
        let scopes = request
            .resource_spans
            .iter()
            .flat_map(|resource| &resource.scope_spans);
        scopes.map(|scope| scope.spans.len() as u64).sum()
    };
    if let Ok(request) = serde_json::from_slice(request) {
        return Some(count(request));
    }
    // Both signals in one request look like one field twice: keep the one that was asked for.
    let mut value: serde_json::Value = serde_json::from_slice(request).ok()?;
    let others = match signal {
        Signal::Traces => ["resourceLogs", "resource_logs"],
        Signal::Logs => ["resourceSpans", "resource_spans"],
    };
    value
        .as_object_mut()?
        .retain(|name, _| !others.contains(&name.as_str()));
    serde_json::from_value(value).ok().map(count)
}

fn count_protobuf(signal: Signal, request: &[u8]) -> Option<u64> {
    let count: usize = match signal {
        Signal::Traces => ExportTraceServiceRequest::decode(request)
            .ok()?
            .resource_spans
            .iter()
            .flat_map(|resource| &resource.scope_spans)
            .map(|scope| scope.spans.len())
            .sum(),
        Signal::Logs => ExportLogsServiceRequest::decode(request)
            .ok()?
            .resource_logs
            .iter()
            .flat_map(|resource| &resource.scope_logs)
            .map(|scope| scope.log_records.len())
            .sum(),
    };
    Some(count as u64)
}

/// How many records were rejected, and why.
fn rejected_json(answer: &[u8]) -> Option<(u64, String)> {
    let answer: serde_json::Value = serde_json::from_slice(answer).ok()?;
    let partial = &answer["partialSuccess"];
    let rejected = ["rejectedSpans", "rejectedLogRecords"]
        .iter()
        .find_map(|name| {
            partial[name]
                .as_u64()
                .or_else(|| partial[name].as_str()?.parse().ok())
        });
    let message = partial["errorMessage"].as_str().unwrap_or_default();
    Some((rejected.unwrap_or(0), message.to_owned()))
}

fn rejected_protobuf(signal: Signal, answer: &[u8]) -> Option<(u64, String)> {
    let (rejected, message) = match signal {
        Signal::Traces => ExportTraceServiceResponse::decode(answer)
            .ok()?
            .partial_success
            .map(|partial| (partial.rejected_spans, partial.error_message)),
        Signal::Logs => ExportLogsServiceResponse::decode(answer)
            .ok()?
            .partial_success
            .map(|partial| (partial.rejected_log_records, partial.error_message)),
    }
    .unwrap_or_default();
    Some((u64::try_from(rejected).unwrap_or(0), message))
}

/// Spoor's message ends in `reason (count), reason (count)`; another server's is one reason.
fn reasons(message: &str, rejected: u64) -> Vec<(String, u64)> {
    if rejected == 0 {
        return Vec::new();
    }
    let listed = message
        .rsplit_once(": ")
        .map_or(message, |(_, listed)| listed);
    let read: Option<Vec<_>> = listed
        .split(", ")
        .map(|part| {
            let (reason, count) = part.strip_suffix(')')?.rsplit_once(" (")?;
            Some((reason.to_owned(), count.parse().ok()?))
        })
        .collect();
    read.filter(|reasons| reasons.iter().map(|(_, count)| count).sum::<u64>() == rejected)
        .unwrap_or_else(|| vec![(message.to_owned(), rejected)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sent_less_rejected_is_accepted() {
        let request =
            br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{},{}]},{"spans":[{}]}]},{}]}"#;
        let answer = br#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"2 spans rejected: invalid_trace_id (1), invalid_span_id (1)"}}"#;
        let told = outcome(Signal::Traces, Format::Json, request, answer).unwrap();
        assert_eq!(told.accepted, 1);
        assert_eq!(
            told.rejected,
            [
                ("invalid_trace_id".to_owned(), 1),
                ("invalid_span_id".to_owned(), 1)
            ]
        );
        let told = outcome(Signal::Traces, Format::Json, request, b"{}").unwrap();
        assert_eq!((told.accepted, told.rejected.len()), (3, 0));
        assert_eq!(reasons("too old", 3), [("too old".to_owned(), 3)]);
    }

    #[test]
    fn logs_and_both_signals_in_one_request_are_counted() {
        let logs = br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{}]}]}]}"#;
        assert_eq!(count_json(Signal::Logs, logs), Some(2));
        let both = br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{}]}]}],"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}"#;
        assert_eq!(count_json(Signal::Logs, both), Some(2));
        assert_eq!(count_json(Signal::Traces, both), Some(1));
    }

    #[test]
    fn lines_are_counted_by_the_server() {
        let answer = br#"{"accepted": 7, "rejected": 0, "reasons": {}}"#;
        let told = outcome(Signal::Logs, Format::JsonLines, b"", answer).unwrap();
        assert_eq!((told.accepted, told.rejected.len()), (7, 0));
    }
}
