//! `/tempo/api/metrics/query_range` and `/tempo/api/metrics/query`

use std::ops::Range;

use axum::response::Response;
use serde::Deserialize;
use spoor_storage::{Error, Result};

use super::answer::{TempoError, write_attribute};
use crate::api::{ApiState, Parameters, optional};
use crate::language::duration_ns;
use crate::otlp::JsonWriter;
use crate::parameters::{TimeParameter, now_ns};
use crate::session::QuerySession;
use crate::trace::{json_response, write_outcome};
use crate::traceql::ast::{MetricsFunction, Query};
use crate::traceql::metrics::{Exemplar, Intervals, Series, metrics};
use crate::traceql::parse;
use crate::traceql::value::Value;

const SECOND_NS: i64 = 1_000_000_000;

/// Without `start` and `since`.
const DEFAULT_RANGE_NS: i64 = 3_600 * SECOND_NS;

/// Without `step` there are about so many steps.
const DEFAULT_STEPS: i64 = 60;

#[derive(Debug, Deserialize)]
pub(super) struct MetricsParameters {
    #[serde(default)]
    q: String,
    /// What older versions call `q`.
    #[serde(default)]
    query: String,
    #[serde(default, deserialize_with = "optional")]
    start: Option<TimeParameter>,
    #[serde(default, deserialize_with = "optional")]
    end: Option<TimeParameter>,
    #[serde(default)]
    since: String,
    #[serde(default)]
    step: String,
    #[serde(default, deserialize_with = "optional")]
    exemplars: Option<usize>,
}

impl MetricsParameters {
    fn parsed(&self) -> Result<Query, TempoError> {
        let text = if self.q.is_empty() {
            &self.query
        } else {
            &self.q
        };
        Ok(parse(text)?)
    }

    fn range(&self) -> Result<Range<i64>> {
        let end = self.end.map_or_else(now_ns, |end| end.0);
        let since = match self.since.as_str() {
            "" => DEFAULT_RANGE_NS,
            text => duration("since", text)?,
        };
        let start = self
            .start
            .map_or(end.saturating_sub(since), |start| start.0);
        if start >= end {
            return Err(Error::invalid("`end` is not after `start`"));
        }
        Ok(start..end)
    }
}

/// `15s`, or seconds.
#[expect(clippy::cast_possible_truncation, reason = "below 2^63, checked")]
fn duration(name: &str, text: &str) -> Result<i64> {
    let nanoseconds = match text.parse::<f64>() {
        Ok(seconds) => Some(seconds * 1e9),
        Err(_) => duration_ns(text),
    };
    match nanoseconds {
        Some(nanoseconds) if (1.0..9e18).contains(&nanoseconds) => Ok(nanoseconds as i64),
        _ => Err(
            Error::invalid(format!("`{name}` is not a duration: `{text}`"))
                .with_hint("write 15s, 1m or a number of seconds"),
        ),
    }
}

/// `GET /tempo/api/metrics/query_range?q=&start=&end=&since=&step=&exemplars=`
pub(super) async fn query_range(
    state: ApiState,
    Parameters(given): Parameters<MetricsParameters>,
) -> Result<Response, TempoError> {
    let query = given.parsed()?;
    let range = given.range()?;
    let step_ns = match given.step.as_str() {
        "" => {
            let even = (range.end - range.start) / DEFAULT_STEPS;
            (even / SECOND_NS).max(1) * SECOND_NS
        }
        text => duration("step", text)?,
    };
    let intervals = Intervals::aligned(&range, step_ns)?;
    let session = state.begin().await?;
    let wanted = query.hints.exemplars.or(given.exemplars).unwrap_or(0);
    let series = metrics(&session, &query, &intervals, wanted).await?;
    Ok(write(&session, &query, &series, |json, series| {
        write_exemplars(json, &series.exemplars);
        json.key("samples");
        json.begin_array();
        let times = (0..).map(|place: i64| intervals.start_ns + place * intervals.step_ns);
        for (time_ns, sample) in times.zip(&series.samples) {
            if let Some(value) = sample {
                json.begin_object();
                json.key("timestampMs");
                json.int_string(time_ns / 1_000_000);
                json.key("value");
                json.double(*value);
                json.end_object();
            }
        }
        json.end_array();
    }))
}

/// `GET /tempo/api/metrics/query?q=&start=&end=&since=`
pub(super) async fn query(
    state: ApiState,
    Parameters(given): Parameters<MetricsParameters>,
) -> Result<Response, TempoError> {
    let query = given.parsed()?;
    let intervals = Intervals::whole(&given.range()?);
    let session = state.begin().await?;
    let series = metrics(&session, &query, &intervals, 0).await?;
    Ok(write(&session, &query, &series, |json, series| {
        json.key("value");
        match series.samples.first() {
            Some(Some(value)) => json.double(*value),
            _ => json.null(),
        }
    }))
}

/// Traces to look at; nothing if there are none.
fn write_exemplars(json: &mut JsonWriter, exemplars: &[Exemplar]) {
    if exemplars.is_empty() {
        return;
    }
    json.key("exemplars");
    json.list(exemplars, |json, exemplar| {
        json.begin_object();
        json.key("labels");
        json.begin_array();
        let id = Value::Text(exemplar.trace_id.to_string().into());
        write_attribute(json, "trace:id", &id);
        json.end_array();
        json.key("value");
        json.double(exemplar.value);
        json.key("timestampMs");
        json.int_string(exemplar.time_ns / 1_000_000);
        json.end_object();
    });
}

fn write(
    session: &QuerySession,
    query: &Query,
    series: &[Series],
    samples: impl Fn(&mut JsonWriter, &Series),
) -> Response {
    let mut json = JsonWriter::new();
    json.begin_object();
    json.key("series");
    json.list(series, |json, one| {
        let labels = labels(query, one);
        json.begin_object();
        json.key("labels");
        json.list(&labels, |json, (name, value)| {
            write_attribute(json, name, value);
        });
        json.key("promLabels");
        json.string(&prometheus(&labels));
        samples(json, one);
        json.end_object();
    });
    json.key("metrics");
    json.begin_object();
    json.end_object();
    write_outcome(&mut json, &session.outcome());
    json.end_object();
    json_response(json.finish())
}

/// A series without labels is named after the function.
fn labels(query: &Query, series: &Series) -> Vec<(String, Value<'static>)> {
    if !series.labels.is_empty() {
        return series.labels.clone();
    }
    let function = query.metrics.as_ref().map(|metrics| &metrics.function);
    let name = match function {
        Some(MetricsFunction::Rate) => "rate",
        Some(MetricsFunction::Of(function, _)) => function.over_time(),
        _ => "count_over_time",
    };
    vec![("__name__".to_owned(), Value::Text(name.into()))]
}

/// `{name="value", "name.with.dots"="value"}`
fn prometheus(labels: &[(String, Value<'static>)]) -> String {
    let plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let label = |(name, value): &(String, Value<'static>)| {
        let value = value.shown();
        if plain(name) {
            format!("{name}={value:?}")
        } else {
            format!("{name:?}={value:?}")
        }
    };
    let labels: Vec<String> = labels.iter().map(label).collect();
    format!("{{{}}}", labels.join(", "))
}
