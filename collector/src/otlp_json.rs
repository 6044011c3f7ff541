//! OTLP's JSON mapping to OTLP protobuf.
//!
//! Read leniently: field names in `lowerCamelCase` or `snake_case`, ids as hex in either case,
//! 64-bit integers as numbers or strings, enums as numbers or names, `null` as absent, unknown
//! fields ignored. An id that is not hex does not spoil its request: it becomes one of the wrong
//! length, which the record rules then treat.
//!
//! No tree is built: every element of a list becomes wire bytes as soon as it is read, so that
//! `[{},{},…]` takes no more memory than it has bytes. Values may be nested as deep as
//! `serde_json` reads (128 levels of JSON); more is an error for the request.

mod logs;
mod messages;
mod scalars;
mod traces;

use serde::Deserialize;
use serde::de::IgnoredAny;
use spoor_storage::{Error, Result};

use self::logs::ResourceLogs;
use self::messages::Repeated;
use self::traces::ResourceSpans;
use crate::Signal;

/// A request of any signal: those that do not belong here are noticed, to say so.
#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "otlp's own names")]
struct Request<'a> {
    #[serde(alias = "resource_spans")]
    resource_spans: Option<Repeated<ResourceSpans<'a>, 1>>,
    #[serde(alias = "resource_logs")]
    resource_logs: Option<Repeated<ResourceLogs<'a>, 1>>,
    #[serde(alias = "resource_metrics")]
    resource_metrics: Option<IgnoredAny>,
}

/// The protobuf bytes of the export request that `json` describes.
pub(crate) fn to_protobuf(signal: Signal, json: &[u8]) -> Result<Vec<u8>> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let request: Request<'_> = serde_json::from_slice(json)
        .map_err(|error| Error::invalid(format!("the request is not otlp json: {error}")))?;
    let holds_logs = request.resource_logs.is_some();
    let holds_traces = request.resource_spans.is_some();
    let wanted = match signal {
        Signal::Traces => request.resource_spans.map(Repeated::into_bytes),
        Signal::Logs => request.resource_logs.map(Repeated::into_bytes),
    };
    if let Some(bytes) = wanted {
        return Ok(bytes);
    }
    if request.resource_metrics.is_some() {
        return Err(crate::metrics_are_not_taken());
    }
    match signal {
        Signal::Traces if holds_logs => Err(Error::invalid(
            "the request holds `resourceLogs`, but was sent as traces",
        )
        .with_hint("send logs to /v1/logs")),
        Signal::Logs if holds_traces => Err(Error::invalid(
            "the request holds `resourceSpans`, but was sent as logs",
        )
        .with_hint("send traces to /v1/traces")),
        _ => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests;
