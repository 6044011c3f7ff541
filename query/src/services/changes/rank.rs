//! From what was counted to services, the one that changed most surely first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::evidence::{ChangeKind, Evidence};
use super::logs::{LogSides, is_error};
use super::score::{rank_score, rate_score};
use super::spans::{Operation, Sample, ServiceSide, SpanSide};
use crate::patterns::ServicePattern;

/// What is less sure is not told.
const MIN_SCORE: f64 = 2.0;
/// A service that comes or goes is told if it is surer than this: rare ones do so by chance.
const MIN_PRESENCE_SCORE: f64 = 3.0;
/// Operations with fewer spans in a period are not compared.
const MIN_SPANS: u64 = 3;
/// Added to own times before they are compared: below, twice as long is nothing.
const NEGLIGIBLE_NS: f64 = 100_000.0;
/// What is left of an error's weight where it always comes with trouble below.
const WEIGHT_BELOW: f64 = 0.25;
const WEIGHT_WARNING: f64 = 0.4;
/// Who fails calls fewer others: a service that comes or goes is more often a consequence than a cause.
const WEIGHT_PRESENCE: f64 = 0.5;

/// A service that changed.
#[derive(Debug, PartialEq)]
pub(super) struct Changed {
    pub(super) service_name: String,
    /// The root of the summed squares of its evidence's scores.
    pub(super) score: f64,
    pub(super) span_count: u64,
    pub(super) baseline_span_count: u64,
    /// Share of the traces with trouble in it that have trouble below it too, 0 to 1.
    pub(super) below_share: f64,
    /// The surest first.
    pub(super) evidence: Vec<Evidence>,
}

/// The services with evidence. `lengths` are those of the periods, in nanoseconds.
pub(super) fn ranked(
    now: &mut SpanSide,
    before: &mut SpanSide,
    logs: &LogSides,
    lengths: [f64; 2],
) -> Vec<Changed> {
    let mut found: BTreeMap<String, Vec<Evidence>> = BTreeMap::new();
    let below: BTreeMap<&str, f64> = now
        .services
        .iter()
        .map(|(name, side)| (&**name, share(side.below, side.troubled)))
        .collect();
    let own = |service: &str| {
        1.0 - (1.0 - WEIGHT_BELOW) * below.get(service).copied().unwrap_or_default()
    };
    let mut add = |service: &str, score: f64, least: f64, evidence: Evidence| {
        if score >= least {
            let evidence = Evidence { score, ..evidence };
            found.entry(service.to_owned()).or_default().push(evidence);
        }
    };
    for ((service, name), operation) in &mut now.operations {
        let mut none = Operation::default();
        let other = before
            .operations
            .get_mut(&(Arc::clone(service), Arc::clone(name)))
            .unwrap_or(&mut none);
        let (score, evidence) = slower(service, name, operation, other);
        add(service, score, MIN_SCORE, evidence);
        let (score, evidence) = errors(service, name, operation, other);
        add(service, score * own(service), MIN_SCORE, evidence);
    }
    for pattern in &logs.patterns {
        let sides = sides(now, before, &pattern.service_name);
        let (score, evidence) = more_logs(pattern, sides, lengths);
        let weight = if is_error(pattern.level) {
            own(&pattern.service_name)
        } else {
            WEIGHT_WARNING
        };
        add(&pattern.service_name, score * weight, MIN_SCORE, evidence);
    }
    // One that only logs is known in both periods, and counts once.
    let services: BTreeSet<&Arc<str>> = now.services.keys().chain(before.services.keys()).collect();
    for service in services {
        let counts = sides(now, before, service).map(|side| side.traces);
        let totals = [now.trace_count, before.trace_count];
        let score = presence_score(counts, totals);
        let (kind, weight) = match counts {
            [0, _] => (ChangeKind::Silent, -WEIGHT_PRESENCE),
            [_, 0] => (ChangeKind::Appeared, WEIGHT_PRESENCE),
            _ => continue,
        };
        let evidence = Evidence {
            query: query(service, None),
            ..Evidence::of(kind, service, counts, totals)
        };
        add(service, score * weight, MIN_PRESENCE_SCORE, evidence);
    }
    let mut changed: Vec<Changed> = found
        .into_iter()
        .map(|(service_name, mut evidence)| {
            // Stable: what is equally sure stays in the order of names.
            evidence.sort_by(|a, b| b.score.total_cmp(&a.score));
            let squares: f64 = evidence.iter().map(|each| each.score * each.score).sum();
            let [now, before] = sides(now, before, &service_name);
            Changed {
                score: squares.sqrt(),
                span_count: now.spans,
                baseline_span_count: before.spans,
                below_share: share(now.below, now.troubled),
                evidence,
                service_name,
            }
        })
        .collect();
    changed.sort_by(|a, b| b.score.total_cmp(&a.score));
    changed
}

fn sides(now: &SpanSide, before: &SpanSide, service: &str) -> [ServiceSide; 2] {
    [now, before].map(|side| side.services.get(service).copied().unwrap_or_default())
}

/// Twice as long counts in full, less in part.
#[expect(clippy::cast_precision_loss, reason = "a score is a rounded number")]
fn slower(
    service: &str,
    name: &str,
    now: &mut Operation,
    before: &mut Operation,
) -> (f64, Evidence) {
    let counts = [now.self_times.count(), before.self_times.count()];
    let [p50] = now.self_times.percentiles([50]);
    let [baseline_p50] = before.self_times.percentiles([50]);
    let evidence = Evidence {
        p50_ns: Some(p50),
        baseline_p50_ns: Some(baseline_p50),
        query: query(service, Some(name)),
        ..Evidence::of(ChangeKind::Slower, name, counts, counts)
    };
    if counts.into_iter().any(|count| count < MIN_SPANS) || p50 <= baseline_p50 {
        return (0.0, evidence);
    }
    let ratio = (p50 as f64 + NEGLIGIBLE_NS) / (baseline_p50.max(0) as f64 + NEGLIGIBLE_NS);
    let score = rank_score(&now.self_times.by_length(), &before.self_times.by_length());
    (
        score * ratio.log2().clamp(0.0, 1.0),
        with_sample(evidence, now.slowest.as_ref()),
    )
}

#[expect(clippy::cast_precision_loss, reason = "a score is a rounded number")]
fn errors(service: &str, name: &str, now: &Operation, before: &Operation) -> (f64, Evidence) {
    let totals = [now.self_times.count(), before.self_times.count()];
    let counts = [now.error_count, before.error_count];
    let evidence = Evidence {
        query: query(service, Some(name)).map(|query| format!("{query} status:ERROR")),
        ..Evidence::of(ChangeKind::Errors, name, counts, totals)
    };
    // An operation that is new has failed in none of as many spans before.
    let of_before = if totals[1] == 0 { totals[0] } else { totals[1] };
    let score = rate_score(counts[0], totals[0] as f64, counts[1], of_before as f64);
    (score, with_sample(evidence, now.failed.as_ref()))
}

/// Records are compared by the spans of their service, or by time if it has no spans in one of the periods.
#[expect(clippy::cast_precision_loss, reason = "a score is a rounded number")]
fn more_logs(
    pattern: &ServicePattern,
    sides: [ServiceSide; 2],
    lengths: [f64; 2],
) -> (f64, Evidence) {
    let spans = sides.map(|side| side.spans);
    let of = if spans.contains(&0) {
        lengths
    } else {
        spans.map(|count| count as f64)
    };
    let service = query(&pattern.service_name, None);
    let evidence = Evidence {
        level: Some(pattern.level.to_owned()),
        query: service
            .map(|service| format!("{service} level:{} {}", pattern.level, pattern.query)),
        ..Evidence::of(ChangeKind::Logs, &pattern.template, pattern.counts, spans)
    };
    let [now, before] = pattern.counts;
    (rate_score(now, of[0], before, of[1]), evidence)
}

#[expect(clippy::cast_precision_loss, reason = "a score is a rounded number")]
fn presence_score([now, before]: [u64; 2], [of_now, of_before]: [u64; 2]) -> f64 {
    rate_score(now, of_now as f64, before, of_before as f64)
}

fn with_sample(evidence: Evidence, sample: Option<&Sample>) -> Evidence {
    Evidence {
        sample_trace_id: sample.map(|sample| sample.trace_id.clone()),
        sample_span_id: sample.map(|sample| sample.span_id.to_string()),
        ..evidence
    }
}

/// Finds a service, or an operation of it; `None` if a name cannot be quoted.
fn query(service: &str, name: Option<&str>) -> Option<String> {
    let quotable = |name: &str| !name.is_empty() && !name.contains(['"', '\\']);
    match name {
        _ if !quotable(service) => None,
        None => Some(format!("service:\"{service}\"")),
        Some(name) if quotable(name) => Some(format!("service:\"{service}\" name:\"{name}\"")),
        Some(_) => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share is a rounded number")]
fn share(part: u64, of: u64) -> f64 {
    part as f64 / of.max(1) as f64
}
