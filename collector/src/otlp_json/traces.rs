//! The messages of a trace request.

use serde::Deserialize;

use super::messages::{KeyValue, Message, Repeated, Resource, Scope, write_single};
use super::scalars::{Id, SpanKind, StatusCode, Text, U32, U64};
use crate::proto_writer as wire;

/// A `ResourceSpans`.
#[derive(Deserialize, Default)]
#[serde(bound(deserialize = "'de: 'a"), rename_all = "camelCase", default)]
pub(super) struct ResourceSpans<'a> {
    resource: Option<Resource<'a>>,
    #[serde(alias = "scope_spans")]
    scope_spans: Repeated<ScopeSpans<'a>, 2>,
    #[serde(borrow, alias = "schema_url")]
    schema_url: Text<'a>,
}

impl Message for ResourceSpans<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        write_single(out, 1, self.resource.as_ref());
        out.extend_from_slice(self.scope_spans.as_slice());
        wire::bytes(out, 3, self.schema_url.0.as_bytes());
    }
}

/// A `ScopeSpans`.
#[derive(Deserialize, Default)]
#[serde(bound(deserialize = "'de: 'a"), rename_all = "camelCase", default)]
struct ScopeSpans<'a> {
    scope: Option<Scope<'a>>,
    spans: Repeated<Span<'a>, 2>,
    #[serde(borrow, alias = "schema_url")]
    schema_url: Text<'a>,
}

impl Message for ScopeSpans<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        write_single(out, 1, self.scope.as_ref());
        out.extend_from_slice(self.spans.as_slice());
        wire::bytes(out, 3, self.schema_url.0.as_bytes());
    }
}

/// A `Span`.
#[derive(Deserialize, Default)]
#[serde(bound(deserialize = "'de: 'a"), rename_all = "camelCase", default)]
#[expect(clippy::struct_field_names, reason = "otlp's own names")]
struct Span<'a> {
    #[serde(alias = "trace_id")]
    trace_id: Id,
    #[serde(alias = "span_id")]
    span_id: Id,
    #[serde(borrow, alias = "trace_state")]
    trace_state: Text<'a>,
    #[serde(alias = "parent_span_id")]
    parent_span_id: Id,
    flags: U32,
    #[serde(borrow)]
    name: Text<'a>,
    kind: SpanKind,
    #[serde(alias = "start_time_unix_nano")]
    start_time_unix_nano: U64,
    #[serde(alias = "end_time_unix_nano")]
    end_time_unix_nano: U64,
    attributes: Repeated<KeyValue<'a>, 9>,
    #[serde(alias = "dropped_attributes_count")]
    dropped_attributes_count: U32,
    events: Repeated<Event<'a>, 11>,
    #[serde(alias = "dropped_events_count")]
    dropped_events_count: U32,
    links: Repeated<Link<'a>, 13>,
    #[serde(alias = "dropped_links_count")]
    dropped_links_count: U32,
    status: Option<Status<'a>>,
}

impl Message for Span<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        wire::bytes(out, 1, self.trace_id.as_slice());
        wire::bytes(out, 2, self.span_id.as_slice());
        wire::bytes(out, 3, self.trace_state.0.as_bytes());
        wire::bytes(out, 4, self.parent_span_id.as_slice());
        wire::bytes(out, 5, self.name.0.as_bytes());
        wire::int32(out, 6, self.kind.0);
        wire::fixed64(out, 7, self.start_time_unix_nano.0);
        wire::fixed64(out, 8, self.end_time_unix_nano.0);
        out.extend_from_slice(self.attributes.as_slice());
        wire::varint(out, 10, u64::from(self.dropped_attributes_count.0));
        out.extend_from_slice(self.events.as_slice());
        wire::varint(out, 12, u64::from(self.dropped_events_count.0));
        out.extend_from_slice(self.links.as_slice());
        wire::varint(out, 14, u64::from(self.dropped_links_count.0));
        write_single(out, 15, self.status.as_ref());
        wire::fixed32(out, 16, self.flags.0);
    }
}

/// A `Span.Event`.
#[derive(Deserialize, Default)]
#[serde(bound(deserialize = "'de: 'a"), rename_all = "camelCase", default)]
struct Event<'a> {
    #[serde(alias = "time_unix_nano")]
    time_unix_nano: U64,
    #[serde(borrow)]
    name: Text<'a>,
    attributes: Repeated<KeyValue<'a>, 3>,
    #[serde(alias = "dropped_attributes_count")]
    dropped_attributes_count: U32,
}

impl Message for Event<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        wire::fixed64(out, 1, self.time_unix_nano.0);
        wire::bytes(out, 2, self.name.0.as_bytes());
        out.extend_from_slice(self.attributes.as_slice());
        wire::varint(out, 4, u64::from(self.dropped_attributes_count.0));
    }
}

/// A `Span.Link`.
#[derive(Deserialize, Default)]
#[serde(bound(deserialize = "'de: 'a"), rename_all = "camelCase", default)]
struct Link<'a> {
    #[serde(alias = "trace_id")]
    trace_id: Id,
    #[serde(alias = "span_id")]
    span_id: Id,
    #[serde(borrow, alias = "trace_state")]
    trace_state: Text<'a>,
    attributes: Repeated<KeyValue<'a>, 4>,
    #[serde(alias = "dropped_attributes_count")]
    dropped_attributes_count: U32,
    flags: U32,
}

impl Message for Link<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        wire::bytes(out, 1, self.trace_id.as_slice());
        wire::bytes(out, 2, self.span_id.as_slice());
        wire::bytes(out, 3, self.trace_state.0.as_bytes());
        out.extend_from_slice(self.attributes.as_slice());
        wire::varint(out, 5, u64::from(self.dropped_attributes_count.0));
        wire::fixed32(out, 6, self.flags.0);
    }
}

/// A `Status`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Status<'a> {
    #[serde(borrow)]
    message: Text<'a>,
    code: StatusCode,
}

impl Message for Status<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        wire::bytes(out, 2, self.message.0.as_bytes());
        wire::int32(out, 3, self.code.0);
    }
}
