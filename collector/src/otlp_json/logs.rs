//! The messages of a logs request.

use serde::Deserialize;

use super::messages::{AnyValue, KeyValue, Message, Repeated, Resource, Scope, write_single};
use super::scalars::{Id, SeverityNumber, Text, U32, U64};
use crate::proto_writer as wire;

/// A `ResourceLogs`.
#[derive(Deserialize, Default)]
#[serde(bound(deserialize = "'de: 'a"), rename_all = "camelCase", default)]
pub(super) struct ResourceLogs<'a> {
    resource: Option<Resource<'a>>,
    #[serde(alias = "scope_logs")]
    scope_logs: Repeated<ScopeLogs<'a>, 2>,
    #[serde(borrow, alias = "schema_url")]
    schema_url: Text<'a>,
}

impl Message for ResourceLogs<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        write_single(out, 1, self.resource.as_ref());
        out.extend_from_slice(self.scope_logs.as_slice());
        wire::bytes(out, 3, self.schema_url.0.as_bytes());
    }
}

/// A `ScopeLogs`.
#[derive(Deserialize, Default)]
#[serde(bound(deserialize = "'de: 'a"), rename_all = "camelCase", default)]
struct ScopeLogs<'a> {
    scope: Option<Scope<'a>>,
    #[serde(alias = "log_records")]
    log_records: Repeated<LogRecord<'a>, 2>,
    #[serde(borrow, alias = "schema_url")]
    schema_url: Text<'a>,
}

impl Message for ScopeLogs<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        write_single(out, 1, self.scope.as_ref());
        out.extend_from_slice(self.log_records.as_slice());
        wire::bytes(out, 3, self.schema_url.0.as_bytes());
    }
}

/// A `LogRecord`.
#[derive(Deserialize, Default)]
#[serde(bound(deserialize = "'de: 'a"), rename_all = "camelCase", default)]
struct LogRecord<'a> {
    #[serde(alias = "time_unix_nano")]
    time_unix_nano: U64,
    #[serde(alias = "observed_time_unix_nano")]
    observed_time_unix_nano: U64,
    #[serde(alias = "severity_number")]
    severity_number: SeverityNumber,
    #[serde(borrow, alias = "severity_text")]
    severity_text: Text<'a>,
    body: Option<AnyValue>,
    attributes: Repeated<KeyValue<'a>, 6>,
    #[serde(alias = "dropped_attributes_count")]
    dropped_attributes_count: U32,
    flags: U32,
    #[serde(alias = "trace_id")]
    trace_id: Id,
    #[serde(alias = "span_id")]
    span_id: Id,
    #[serde(borrow, alias = "event_name")]
    event_name: Text<'a>,
}

impl Message for LogRecord<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        wire::fixed64(out, 1, self.time_unix_nano.0);
        wire::int32(out, 2, self.severity_number.0);
        wire::bytes(out, 3, self.severity_text.0.as_bytes());
        write_single(out, 5, self.body.as_ref());
        out.extend_from_slice(self.attributes.as_slice());
        wire::varint(out, 7, u64::from(self.dropped_attributes_count.0));
        wire::fixed32(out, 8, self.flags.0);
        wire::bytes(out, 9, self.trace_id.as_slice());
        wire::bytes(out, 10, self.span_id.as_slice());
        wire::fixed64(out, 11, self.observed_time_unix_nano.0);
        wire::bytes(out, 12, self.event_name.0.as_bytes());
    }
}
