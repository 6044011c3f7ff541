//! `GET /api/v1/services/changes`.

use axum::Json;
use serde::{Deserialize, Serialize};
use spoor_storage::{Error, Result, TimeRange};
use utoipa::ToSchema;

use super::evidence::Evidence;
use super::logs::{LogSides, TroubledTraces};
use super::rank::{Changed, ranked};
use super::spans::SpanSide;
use crate::api::{Answer, ApiError, ApiState, Parameters, optional};
use crate::openapi::ReadErrors;
use crate::openapi::words::UnixNano;
use crate::parameters::{TimeParameter, limit, time_range};

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 1_000;
/// Things told of one service.
const MAX_EVIDENCE: usize = 10;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::services) struct Given {
    /// The first instant of the period asked about.
    #[param(value_type = TimeParameter)]
    #[serde(default, deserialize_with = "optional")]
    start: Option<TimeParameter>,
    /// The instant after its last; without it, now.
    #[serde(default, deserialize_with = "optional")]
    end: Option<TimeParameter>,
    /// The first instant of the baseline; without it, the baseline is as long as the period.
    #[serde(default, deserialize_with = "optional")]
    baseline_start: Option<TimeParameter>,
    /// The instant after its last; without it, `start`.
    #[serde(default, deserialize_with = "optional")]
    baseline_end: Option<TimeParameter>,
    /// How many services are shown.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 1_000, default = 20)]
    limit: Option<usize>,
}

/// Services by how surely they behave differently from a baseline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServiceChanges)]
pub(in crate::services) struct Content {
    /// The surest first.
    services: Vec<ServiceJson>,
    /// Services with evidence.
    service_count: usize,
    span_count: u64,
    trace_count: u64,
    baseline_span_count: u64,
    baseline_trace_count: u64,
    #[schema(value_type = UnixNano)]
    start_unix_nano: String,
    #[schema(value_type = UnixNano)]
    end_unix_nano: String,
    #[schema(value_type = UnixNano)]
    baseline_start_unix_nano: String,
    #[schema(value_type = UnixNano)]
    baseline_end_unix_nano: String,
}

/// A service that changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServiceChange)]
struct ServiceJson {
    service_name: String,
    /// The root of the summed squares of the scores of all evidence.
    score: f64,
    span_count: u64,
    baseline_span_count: u64,
    /// Of the traces in which the service has a failed span or logged an error, the share in which a service below
    /// it has as well, 0 to 1: near 1 it hands on the trouble of others.
    below_share: f64,
    /// The surest ten.
    evidence: Vec<Evidence>,
    evidence_count: usize,
}

type ChangesAnswer = Answer<Content>;

fn example() -> serde_json::Value {
    serde_json::json!({
        "services": [{
            "service_name": "stock", "score": 6.1, "span_count": 420, "baseline_span_count": 400, "below_share": 0.0,
            "evidence": [{
                "kind": "slower", "score": 6.1, "name": "reserve", "level": null, "count": 60, "total": 60, "baseline_count": 58,
                "baseline_total": 58, "p50_ns": 90_000_000, "baseline_p50_ns": 4_000_000, "query": "service:\"stock\" name:\"reserve\"",
                "sample_trace_id": "fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e", "sample_span_id": "a3f5e0b1c2d4f607",
            }], "evidence_count": 1,
        }],
        "service_count": 1, "span_count": 2_000, "trace_count": 60, "baseline_span_count": 1_900, "baseline_trace_count": 58,
        "start_unix_nano": "1674982080000000000", "end_unix_nano": "1674982200000000000",
        "baseline_start_unix_nano": "1674981960000000000", "baseline_end_unix_nano": "1674982080000000000",
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

/// What changed, and where.
///
/// Services ranked by how surely they themselves behave differently than in the baseline: operations that take more time
/// of their own (not of what they call), a larger share of failing spans, more warnings and errors in the logs by format,
/// services that came or went. Errors weigh less in traces where something below the service has trouble too. More
/// traffic alone is no change. A baseline in which all was well tells most.
#[utoipa::path(
    get, path = "/api/v1/services/changes", tag = "Services", operation_id = "service_changes",
    params(Given),
    responses((status = 200, description = "Services.", body = ChangesAnswer, example = example), ReadErrors),
)]
pub(in crate::services) async fn changes(
    state: ApiState,
    Parameters(given): Parameters<Given>,
) -> Result<Json<ChangesAnswer>, ApiError> {
    let most = limit(given.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let [range, baseline] = given.periods()?;
    let session = state.begin().await?;
    let logs = LogSides::read(&session, [range, baseline]).await?;
    let mut now = SpanSide::read(&session, range, &logs.troubled).await?;
    let mut before = SpanSide::read(&session, baseline, &TroubledTraces::default()).await?;
    let lengths = [range, baseline].map(length_ns);
    let changed = if before.span_count == 0 && !logs.have_baseline() {
        session.note_incomplete("there is nothing in the baseline to compare with");
        Vec::new()
    } else {
        ranked(&mut now, &mut before, &logs, lengths)
    };
    let content = Content {
        service_count: changed.len(),
        services: changed.into_iter().take(most).map(json).collect(),
        span_count: now.span_count,
        trace_count: now.trace_count,
        baseline_span_count: before.span_count,
        baseline_trace_count: before.trace_count,
        start_unix_nano: range.start_ns.to_string(),
        end_unix_nano: range.end_ns.to_string(),
        baseline_start_unix_nano: baseline.start_ns.to_string(),
        baseline_end_unix_nano: baseline.end_ns.to_string(),
    };
    Ok(Json(Answer::new(&session, content)))
}

impl Given {
    /// The period asked about and the baseline.
    fn periods(&self) -> Result<[TimeRange; 2]> {
        let Some(TimeParameter(start_ns)) = self.start else {
            return Err(Error::invalid("`start` is missing")
                .with_hint("a period is compared with what was before it: say when it begins"));
        };
        let end = self.end.map_or_else(crate::parameters::now_ns, |end| end.0);
        let range = time_range(self.start, Some(TimeParameter(end)))?;
        let baseline_end = self.baseline_end.map_or(start_ns, |end| end.0);
        let length = range.end_ns.saturating_sub(range.start_ns);
        let baseline_start = self
            .baseline_start
            .map_or_else(|| baseline_end.saturating_sub(length), |start| start.0);
        if baseline_start >= baseline_end {
            return Err(Error::invalid("the baseline ends before it begins")
                .with_hint("`baseline_end` is `start` unless it is given"));
        }
        let baseline = TimeRange {
            start_ns: baseline_start,
            end_ns: baseline_end,
        };
        Ok([range, baseline])
    }
}

#[expect(clippy::cast_precision_loss, reason = "a score is a rounded number")]
fn length_ns(range: TimeRange) -> f64 {
    range.end_ns.saturating_sub(range.start_ns) as f64
}

fn json(changed: Changed) -> ServiceJson {
    let mut evidence = changed.evidence;
    let evidence_count = evidence.len();
    evidence.truncate(MAX_EVIDENCE);
    ServiceJson {
        service_name: changed.service_name,
        score: changed.score,
        span_count: changed.span_count,
        baseline_span_count: changed.baseline_span_count,
        below_share: changed.below_share,
        evidence,
        evidence_count,
    }
}
