//! `GET /api/v1/traces?traceql=…`: what a query finds, in the form of the list of traces.

use axum::response::Response;
use datafusion::prelude::lit;
use spoor_storage::{Result, TraceId};

use super::search::{FoundSpanset, TraceqlSearch, find};
use super::value::Value;
use crate::otlp::{JsonWriter, is_safe_integer};
use crate::session::QuerySession;
use crate::trace::{TracePage, write_page};

/// Answers a search with the page that it finds.
pub(crate) async fn answer(session: &QuerySession, wanted: &TraceqlSearch<'_>) -> Result<Response> {
    let found = find(session, wanted).await?;
    let ids: Vec<TraceId> = found.traces.iter().map(|trace| trace.id).collect();
    let mut summaries = crate::trace::summarize(session, &ids, lit(true)).await?;
    for trace in &found.traces {
        if let Some(summary) = summaries.get_mut(&trace.id) {
            summary.matched_spans = i64::try_from(trace.matched).unwrap_or(i64::MAX);
        }
    }
    let page = TracePage {
        ids: &ids,
        summaries: &summaries,
        next: found.next.as_ref(),
        partial: false,
    };
    write_page(session, &page, |json, at| {
        json.key("span_sets");
        json.list(&found.traces[at].spansets, |json, set| {
            write_spanset(json, set);
        });
    })
}

fn write_spanset(json: &mut JsonWriter, set: &FoundSpanset) {
    json.begin_object();
    json.key("matched_spans");
    json.count(set.matched);
    json.key("values");
    json.begin_object();
    for (name, value) in &set.values {
        json.key(name);
        write_value(json, value);
    }
    json.end_object();
    json.key("spans");
    json.list(&set.spans, |json, span| {
        json.begin_object();
        json.key("span_id");
        json.hex(&span.span_id.0);
        json.key("service_name");
        json.string(&span.service_name);
        json.key("name");
        json.string(&span.name);
        json.key("start_time_unix_nano");
        json.int_string(span.start_ns);
        json.key("duration_ns");
        json.int(span.duration_ns);
        json.key("fields");
        json.begin_object();
        for (field, value) in &span.fields {
            json.key(&field.to_string());
            write_value(json, value);
        }
        json.end_object();
        json.end_object();
    });
    json.end_object();
}

/// Durations in nanoseconds; whole numbers that JavaScript would round are texts.
fn write_value(json: &mut JsonWriter, value: &Value<'_>) {
    match value {
        Value::Nil => json.null(),
        Value::Bool(value) => json.bool(*value),
        Value::Int(value) | Value::Duration(value) if is_safe_integer(*value) => json.int(*value),
        Value::Int(value) | Value::Duration(value) => json.int_string(*value),
        Value::Float(value) => json.double(*value),
        Value::Text(text) => json.string(text),
        Value::Status(status) => json.string(status.word()),
        Value::Kind(kind) => json.string(kind.word()),
        Value::List(members) => {
            json.list(members, |json, member| write_value(json, member));
        }
    }
}
