//! `/tempo/api/search`

use std::collections::HashMap;

use axum::response::Response;
use datafusion::prelude::lit;
use serde::Deserialize;
use spoor_storage::{Error, Result, TraceId};

use super::answer::{TempoError, write_attribute};
use crate::api::{ApiState, Parameters, optional};
use crate::otlp::JsonWriter;
use crate::parameters::{TimeParameter, allowed, limit, time_range};
use crate::session::QuerySession;
use crate::trace::{TraceSummary, json_response, summarize, write_outcome};
use crate::traceql::ast::{Field, Query, Target};
use crate::traceql::search::{FoundSpan, FoundSpanset, FoundTrace, FoundTraces, find};
use crate::traceql::{TraceqlSearch, parse};

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 1_000;
const DEFAULT_SPANS: usize = 3;
const MAX_SPANS: usize = 100;

/// What Tempo calls a root that is not there; Grafana knows it.
const NO_ROOT: &str = "<root span not yet received>";

#[derive(Debug, Deserialize)]
pub(super) struct SearchParameters {
    #[serde(default)]
    q: String,
    #[serde(default)]
    tags: String,
    #[serde(default, rename = "minDuration")]
    min_duration: String,
    #[serde(default, rename = "maxDuration")]
    max_duration: String,
    #[serde(default, deserialize_with = "optional")]
    limit: Option<usize>,
    #[serde(default, deserialize_with = "optional")]
    spss: Option<usize>,
    #[serde(default, deserialize_with = "optional")]
    start: Option<TimeParameter>,
    #[serde(default, deserialize_with = "optional")]
    end: Option<TimeParameter>,
}

/// `GET /tempo/api/search?q=&tags=&minDuration=&maxDuration=&limit=&spss=&start=&end=`
pub(super) async fn search(
    state: ApiState,
    Parameters(given): Parameters<SearchParameters>,
) -> Result<Response, TempoError> {
    let query = given.query()?;
    let wanted = TraceqlSearch {
        query: &query,
        range: time_range(given.start, given.end)?,
        limit: limit(given.limit, DEFAULT_LIMIT, MAX_LIMIT)?,
        spans_per_set: allowed(
            "spss",
            given.spss.filter(|n| *n > 0),
            DEFAULT_SPANS,
            1..=MAX_SPANS,
        )?,
        after: None,
        condition: None,
    };
    let session = state.begin().await?;
    let found = find(&session, &wanted).await?;
    let ids: Vec<TraceId> = found.traces.iter().map(|trace| trace.id).collect();
    let summaries = summarize(&session, &ids, lit(true)).await?;
    Ok(write(&session, &found, &summaries))
}

impl SearchParameters {
    fn query(&self) -> Result<Query, TempoError> {
        if !self.q.trim().is_empty() {
            return Ok(parse(&self.q)?);
        }
        Ok(parse(&from_tags(
            &self.tags,
            &self.min_duration,
            &self.max_duration,
        )?)?)
    }
}

/// The older way to search, as TraceQL: each tag is on some span of the trace, and its value holds
/// the text in any case.
fn from_tags(tags: &str, min_duration: &str, max_duration: &str) -> Result<String> {
    let mut filters = Vec::new();
    for (key, value) in logfmt(tags)? {
        let pattern = format!("(?i).*{}.*", regex::escape(&value));
        let field = match key.as_str() {
            "name" => "name".to_owned(),
            "root.name" => "rootName".to_owned(),
            "root.service.name" => "rootServiceName".to_owned(),
            key => format!(".\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\"")),
        };
        let typed = value.parse::<f64>().is_ok_and(f64::is_finite)
            || matches!(value.as_str(), "true" | "false");
        let is_attribute = field.starts_with('.');
        filters.push(match (key.as_str(), value.as_str()) {
            ("error", "true") => "{ status = error }".to_owned(),
            ("status.code", code) => format!("{{ status = {code} }}"),
            _ if typed && is_attribute => {
                format!("{{ {field} =~ {pattern:?} || {field} = {value} }}")
            }
            _ => format!("{{ {field} =~ {pattern:?} }}"),
        });
    }
    for (op, duration) in [(">=", min_duration.trim()), ("<=", max_duration.trim())] {
        if !duration.is_empty() {
            filters.push(format!("{{ traceDuration {op} {duration} }}"));
        }
    }
    if filters.is_empty() {
        filters.push("{ }".to_owned());
    }
    Ok(filters.join(" && "))
}

/// `key=value key="quoted value"`
fn logfmt(text: &str) -> Result<Vec<(String, String)>> {
    let wrong = || {
        Error::invalid("`tags` is not a list of key=value")
            .with_hint("write service.name=shop http.method=\"GET\"")
    };
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or_else(wrong)?;
        if key.is_empty() || key.contains(char::is_whitespace) {
            return Err(wrong());
        }
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted).ok_or_else(wrong)?,
            None => match after.split_once(char::is_whitespace) {
                Some((value, after)) => (value.to_owned(), after),
                None => (after.to_owned(), ""),
            },
        };
        pairs.push((key.to_owned(), value));
        rest = after.trim_start();
    }
    Ok(pairs)
}

/// The text up to the closing quote, and what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(chars.next()?),
            c => value.push(c),
        }
    }
}

fn write(
    session: &QuerySession,
    found: &FoundTraces,
    summaries: &HashMap<TraceId, TraceSummary>,
) -> Response {
    let mut json = JsonWriter::new();
    json.begin_object();
    json.key("traces");
    json.list(&found.traces, |json, trace| {
        if let Some(summary) = summaries.get(&trace.id) {
            write_trace(json, trace, summary);
        }
    });
    json.key("metrics");
    json.begin_object();
    json.key("inspectedTraces");
    json.count(found.inspected);
    json.end_object();
    write_outcome(&mut json, &session.outcome());
    json.end_object();
    json_response(json.finish())
}

fn write_trace(json: &mut JsonWriter, trace: &FoundTrace, summary: &TraceSummary) {
    let root = summary.root.as_ref();
    json.begin_object();
    json.key("traceID");
    json.hex(&trace.id.0);
    json.key("rootServiceName");
    json.string(root.map_or(NO_ROOT, |root| &root.service_name));
    json.key("rootTraceName");
    json.string(root.map_or("", |root| &root.name));
    json.key("startTimeUnixNano");
    json.int_string(summary.start_ns);
    json.key("durationMs");
    json.int(summary.end_ns.saturating_sub(summary.start_ns) / 1_000_000);
    if let Some(first) = trace.spansets.first() {
        json.key("spanSet");
        write_spanset(json, first);
    }
    json.key("spanSets");
    json.list(&trace.spansets, write_spanset);
    json.key("serviceStats");
    json.begin_object();
    for service in &summary.services {
        json.key(&service.service_name);
        json.begin_object();
        json.key("spanCount");
        json.int(service.span_count);
        json.key("errorCount");
        json.int(service.error_count);
        json.end_object();
    }
    json.end_object();
    json.end_object();
}

fn write_spanset(json: &mut JsonWriter, set: &FoundSpanset) {
    json.begin_object();
    json.key("spans");
    json.list(&set.spans, write_span);
    json.key("matched");
    json.count(set.matched);
    json.key("attributes");
    json.list(&set.values, |json, (name, value)| {
        write_attribute(json, name, value);
    });
    json.end_object();
}

fn write_span(json: &mut JsonWriter, span: &FoundSpan) {
    json.begin_object();
    json.key("spanID");
    json.hex(&span.span_id.0);
    json.key("name");
    json.string(&span.name);
    json.key("startTimeUnixNano");
    json.int_string(span.start_ns);
    json.key("durationNanos");
    json.int_string(span.duration_ns);
    json.key("attributes");
    json.list(&span.fields, |json, (field, value)| {
        write_attribute(json, &key_of(field), value);
    });
    json.end_object();
}

/// Tempo names attributes without their scope.
fn key_of(field: &Field) -> String {
    match &field.target {
        Target::Attribute { key, .. } => key.clone(),
        Target::Intrinsic(_) => field.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_filters_on_any_span() {
        let cases = [
            ("", "", "", "{ }"),
            (
                "service.name=shop http.method=\"GET /\"",
                "",
                "",
                r#"{ ."service.name" =~ "(?i).*shop.*" } && { ."http.method" =~ "(?i).*GET /.*" }"#,
            ),
            (
                "error=true",
                "10ms",
                "1.5s",
                "{ status = error } && { traceDuration >= 10ms } && { traceDuration <= 1.5s }",
            ),
            (
                "http.status_code=500",
                "",
                "",
                r#"{ ."http.status_code" =~ "(?i).*500.*" || ."http.status_code" = 500 }"#,
            ),
            ("name=a.b", "", "", r#"{ name =~ "(?i).*a\\.b.*" }"#),
        ];
        for (tags, min, max, expected) in cases {
            let query = from_tags(tags, min, max).unwrap();
            assert_eq!(query, expected);
            parse(&query).unwrap();
        }
        for wrong in ["a", "a b=c", "=x", "a=\"x"] {
            assert!(from_tags(wrong, "", "").is_err(), "{wrong}");
        }
    }
}
