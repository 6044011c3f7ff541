//! What is sent: spans and log records of a made-up platform, varied enough that columns do not
//! compress better than real ones would.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use serde::{Deserialize, Serialize};

use crate::ids::{SPANS_PER_TRACE, mix};
use crate::patch::{Hole, Template};

/// A word that stands in a tenth of all log bodies.
pub(crate) const COMMON_WORD: &str = "reconciled";

/// Words one after the other that stand in a tenth of all log bodies.
pub(crate) const PHRASE: &str = "loading from replica";

/// Text that a needle is written over; as long as one.
const NEEDLE_PLACE: &[u8; 16] = b"<<needle-goes-1>";

/// Spans or log records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
}

impl Signal {
    /// A request of `records` records, varied by `variant`.
    pub(crate) fn template(self, seed: u64, variant: u64, records: u16) -> Template {
        let mut chance = Chance {
            seed: seed ^ 0x7e3a,
            at: variant << 32,
        };
        match self {
            Self::Traces => traces(&mut chance, records),
            Self::Logs => logs(&mut chance, records),
        }
    }
}

struct Chance {
    seed: u64,
    at: u64,
}

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.at += 1;
        mix(self.seed, self.at) % limit
    }

    fn pick(&mut self, of: &[&'static str]) -> &'static str {
        let index = self.below(of.len() as u64);
        of[usize::try_from(index).unwrap_or(0)]
    }
}

const SERVICES: [&str; 12] = [
    "edge", "accounts", "ledger", "search", "orders", "billing", "notifier", "profiles", "media",
    "sessions", "quotas", "audit",
];
const METHODS: [&str; 4] = ["GET", "GET", "POST", "PUT"];
const ROUTES: [&str; 10] = [
    "/v1/accounts/{id}",
    "/v1/accounts",
    "/v1/ledger/entries",
    "/v1/search",
    "/v1/orders/{id}",
    "/v1/orders",
    "/v1/invoices/{id}",
    "/v1/profiles/{id}",
    "/v1/media/{key}",
    "/v1/sessions",
];
const REGIONS: [&str; 3] = ["eu-central-1", "us-east-1", "ap-south-1"];
const WORDS: [&str; 10] = [
    "shard",
    "replica",
    "lease",
    "checkpoint",
    "segment",
    "partition",
    "cursor",
    "snapshot",
    "backlog",
    "quorum",
];

fn text(value: impl Into<String>) -> AnyValue {
    AnyValue {
        value: Some(Value::StringValue(value.into())),
    }
}

fn attribute(key: &str, value: AnyValue) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(value),
        ..KeyValue::default()
    }
}

fn number(value: u64) -> AnyValue {
    AnyValue {
        value: Some(Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX))),
    }
}

fn resource(service: &str, pod: u64) -> Resource {
    Resource {
        attributes: vec![
            attribute("service.name", text(service)),
            attribute("service.version", text("4.7.1")),
            attribute("service.namespace", text("platform")),
            attribute("telemetry.sdk.name", text("opentelemetry")),
            attribute("telemetry.sdk.language", text("go")),
            attribute("k8s.namespace.name", text("prod")),
            attribute("k8s.pod.name", text(format!("{service}-{pod:05x}"))),
            attribute("host.name", text(format!("node-{}", pod % 24))),
        ],
        ..Resource::default()
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "bench/instrumentation".to_owned(),
        version: "1.0.0".to_owned(),
        ..InstrumentationScope::default()
    }
}

/// One service's share of a request, as an SDK's batch processor sends it: one resource.
fn traces(chance: &mut Chance, records: u16) -> Template {
    let service = chance.pick(&SERVICES);
    let spans = (0..records).map(|n| span(chance, n)).collect();
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource(service, chance.below(40))),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope()),
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    Template::new(request.encode_to_vec())
}

fn span(chance: &mut Chance, n: u16) -> Span {
    let place = u64::from(n) % SPANS_PER_TRACE;
    let (method, route) = (chance.pick(&METHODS), chance.pick(&ROUTES));
    let status = if chance.below(50) == 0 { 500 } else { 200 };
    let start_us = n.saturating_mul(20);
    let duration_us = 300 + u16::try_from(chance.below(9000)).unwrap_or(0);
    let parent = n - u16::try_from(chance.below(place.max(1)) + 1)
        .unwrap_or(1)
        .min(n);
    Span {
        trace_id: Hole::Trace(n).marker(),
        span_id: Hole::Span(n).marker(),
        parent_span_id: if place == 0 {
            Vec::new()
        } else {
            Hole::Span(parent).marker()
        },
        flags: 0x101,
        name: format!("{method} {route}"),
        kind: if place.is_multiple_of(2) { 2 } else { 3 },
        start_time_unix_nano: Hole::time_marker(start_us),
        end_time_unix_nano: Hole::time_marker(start_us.saturating_add(duration_us)),
        attributes: vec![
            attribute("http.request.method", text(method)),
            attribute("http.route", text(route)),
            attribute("http.response.status_code", number(status)),
            attribute(
                "url.path",
                text(route.replace("{id}", &chance.below(1 << 40).to_string())),
            ),
            attribute("server.address", text(chance.pick(&SERVICES))),
            attribute("server.port", number(8080)),
            attribute("cloud.region", text(chance.pick(&REGIONS))),
            attribute("enduser.id", text(format!("u{}", chance.below(2_000_000)))),
            attribute("thread.id", number(chance.below(64))),
            attribute("network.protocol.version", text("1.1")),
        ],
        status: Some(Status {
            code: if status == 500 { 2 } else { 0 },
            message: String::new(),
        }),
        ..Span::default()
    }
}

fn logs(chance: &mut Chance, records: u16) -> Template {
    let service = chance.pick(&SERVICES);
    let log_records = (0..records).map(|n| log(chance, n)).collect();
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource(service, chance.below(40))),
            scope_logs: vec![ScopeLogs {
                scope: Some(scope()),
                log_records,
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    };
    let mut bytes = request.encode_to_vec();
    let mut n = 0;
    for at in 0..bytes.len().saturating_sub(NEEDLE_PLACE.len()) {
        if bytes[at..].starts_with(NEEDLE_PLACE) {
            let marker = Hole::Needle(n).marker();
            bytes[at..at + marker.len()].copy_from_slice(&marker);
            n += 1;
        }
    }
    Template::new(bytes)
}

fn log(chance: &mut Chance, n: u16) -> LogRecord {
    let (severity, level) = match chance.below(20) {
        0 => (17, "ERROR"),
        1 | 2 => (13, "WARN"),
        3..6 => (5, "DEBUG"),
        _ => (9, "INFO"),
    };
    let time = Hole::time_marker(n.saturating_mul(20));
    LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: time,
        severity_number: severity,
        severity_text: level.to_owned(),
        body: Some(text(body(chance))),
        attributes: vec![
            attribute(
                "code.function.name",
                text(format!("run_{}", chance.below(60))),
            ),
            attribute("thread.name", text(format!("worker-{}", chance.below(32)))),
            attribute("cloud.region", text(chance.pick(&REGIONS))),
            attribute("log.iostream", text("stdout")),
        ],
        trace_id: Hole::Trace(n).marker(),
        span_id: Hole::Span(n).marker(),
        flags: 1,
        ..LogRecord::default()
    }
}

/// A format string filled in; every body has one needle.
fn body(chance: &mut Chance) -> String {
    let needle = String::from_utf8_lossy(NEEDLE_PLACE);
    let (a, b) = (chance.below(100_000), chance.below(900));
    let word = chance.pick(&WORDS);
    let route = chance.pick(&ROUTES);
    match chance.below(10) {
        0 => format!("{COMMON_WORD} {a} entries of {word} {b} in {b} ms, request {needle}"),
        1 | 2 => format!(
            "request {needle} {route} finished with status 200 in {b} ms, {a} bytes written to client"
        ),
        3 | 4 => format!("acquired {word} lock for key account:{a} after {b} ms (owner {needle})"),
        5 => format!("cache miss for {route} key={needle} size={a}, {PHRASE} {b}"),
        6 => format!(
            "connection from 10.{}.{}.{b} accepted, session {needle}",
            a % 256,
            b % 256
        ),
        7 => format!(
            "retrying {word} upload {needle}: attempt {} of 5, next in {b} ms",
            a % 5 + 1
        ),
        8 => format!(
            "{word} {a} advanced to offset {} by consumer {needle}",
            a * 31 + b
        ),
        _ => format!("user u{a} updated {word} settings via {route}, trace {needle}, took {b} ms"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::ids;

    #[test]
    fn every_hole_of_a_trace_request_is_filled() {
        let mut template = Signal::Traces.template(1, 0, 500);
        assert_eq!(template.holes().len(), 500 * 5 - 50, "roots have no parent");
        let bytes = template.fill(1, 3, 500, 1_700_000_000_000_000_000);
        let request = ExportTraceServiceRequest::decode(bytes).unwrap();
        let spans = &request.resource_spans[0].scope_spans[0].spans;
        assert_eq!(spans.len(), 500);
        assert_eq!(spans[0].trace_id, ids::trace_id(1, 150));
        let ids: HashSet<_> = spans.iter().map(|span| &span.span_id).collect();
        assert_eq!(ids.len(), 500);
        for span in spans {
            let parents_trace = spans
                .iter()
                .find(|other| other.span_id == span.parent_span_id)
                .map(|parent| &parent.trace_id);
            assert!(parents_trace.is_none_or(|id| *id == span.trace_id));
            assert!(span.parent_span_id.is_empty() || parents_trace.is_some());
            assert!(span.start_time_unix_nano >= 1_700_000_000_000_000_000);
            assert!(span.end_time_unix_nano > span.start_time_unix_nano);
        }
    }

    #[test]
    fn a_log_request_has_a_needle_in_every_body() {
        let mut template = Signal::Logs.template(1, 0, 500);
        let bytes = template.fill(1, 2, 500, 1_700_000_000_000_000_000);
        let request = ExportLogsServiceRequest::decode(bytes).unwrap();
        let logs = &request.resource_logs[0].scope_logs[0].log_records;
        let mut common = 0;
        for (n, log) in (0..).zip(logs) {
            let Some(Value::StringValue(body)) = &log.body.as_ref().unwrap().value else {
                panic!("a body that is no text");
            };
            let needle = ids::needle(1, 1000 + n);
            assert!(
                body.contains(std::str::from_utf8(&needle).unwrap()),
                "{body}"
            );
            common += usize::from(body.contains(COMMON_WORD));
        }
        assert!((25..100).contains(&common), "{common} of 500");
    }

    #[test]
    fn filling_twice_leaves_nothing_of_the_first_time() {
        let mut template = Signal::Logs.template(1, 0, 100);
        let first = template.fill(1, 0, 100, 1).to_vec();
        template.fill(1, 1, 100, 2);
        assert_eq!(template.fill(1, 0, 100, 1), first);
    }
}
