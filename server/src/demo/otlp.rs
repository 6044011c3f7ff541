//! Records grouped as an exporter would send them: by resource, then by scope.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};

use super::shop::{Layer, Service, resource};
use super::story::Origin;

/// `https://opentelemetry.io/schemas/` of the attribute names used here.
const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.37.0";

type ByOrigin<T> = BTreeMap<(Service, u8), BTreeMap<Layer, Vec<T>>>;

fn group<T>(records: Vec<(Origin, T)>) -> ByOrigin<T> {
    let mut groups = ByOrigin::new();
    for (origin, record) in records {
        groups
            .entry((origin.service, origin.pod))
            .or_default()
            .entry(origin.layer)
            .or_default()
            .push(record);
    }
    groups
}

/// The request that exports `spans`.
pub(super) fn trace_request(
    spans: Vec<(Origin, opentelemetry_proto::tonic::trace::v1::Span)>,
) -> ExportTraceServiceRequest {
    let resource_spans = group(spans)
        .into_iter()
        .map(|((service, pod), layers)| ResourceSpans {
            resource: Some(resource(service, pod)),
            scope_spans: layers
                .into_iter()
                .map(|(layer, spans)| ScopeSpans {
                    scope: Some(service.facts().language.scope(layer)),
                    spans,
                    schema_url: SCHEMA_URL.to_owned(),
                })
                .collect(),
            schema_url: SCHEMA_URL.to_owned(),
        })
        .collect();
    ExportTraceServiceRequest { resource_spans }
}

/// The request that exports `logs`.
pub(super) fn logs_request(
    logs: Vec<(Origin, opentelemetry_proto::tonic::logs::v1::LogRecord)>,
) -> ExportLogsServiceRequest {
    let resource_logs = group(logs)
        .into_iter()
        .map(|((service, pod), layers)| ResourceLogs {
            resource: Some(resource(service, pod)),
            scope_logs: layers
                .into_iter()
                .map(|(layer, log_records)| ScopeLogs {
                    scope: Some(service.facts().language.scope(layer)),
                    log_records,
                    schema_url: SCHEMA_URL.to_owned(),
                })
                .collect(),
            schema_url: SCHEMA_URL.to_owned(),
        })
        .collect();
    ExportLogsServiceRequest { resource_logs }
}
