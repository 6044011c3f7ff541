//! What the spans of a period say of each service and operation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use spoor_storage::{Result, SpanId, TimeRange};

use super::logs::TroubledTraces;
use crate::services::calls::{Beside, TraceSpans, each_trace};
use crate::services::quantile::Durations;
use crate::session::QuerySession;
use crate::trace::assemble::assemble;

/// Operations of one period; spans of more count for their service only.
const MAX_OPERATIONS: usize = 5_000;
/// Own times of an operation that are kept one by one; of more their lengths are known within 0.8 %.
const EXACT_TIMES: usize = 256;

/// A period.
#[derive(Debug, Default)]
pub(super) struct SpanSide {
    /// By service and name.
    pub(super) operations: BTreeMap<(Arc<str>, Arc<str>), Operation>,
    pub(super) services: BTreeMap<Arc<str>, ServiceSide>,
    pub(super) trace_count: u64,
    pub(super) span_count: u64,
    spans_without_place: u64,
}

/// A service in a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ServiceSide {
    pub(super) spans: u64,
    /// Traces with a span of it.
    pub(super) traces: u64,
    /// Of those, traces in which it has a failed span or logged an error.
    pub(super) troubled: u64,
    /// Of those, traces in which a service below it has as well.
    pub(super) below: u64,
}

/// An operation in a period.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) self_times: Durations,
    pub(super) error_count: u64,
    /// The one with the longest own time.
    pub(super) slowest: Option<Sample>,
    /// The last failed one.
    pub(super) failed: Option<Sample>,
}

/// A span to look at, the largest by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sample {
    time_ns: i64,
    pub(super) trace_id: String,
    pub(super) span_id: SpanId,
}

impl Default for Operation {
    fn default() -> Self {
        Self {
            self_times: Durations::exact_up_to(EXACT_TIMES),
            error_count: 0,
            slowest: None,
            failed: None,
        }
    }
}

impl SpanSide {
    /// Reads the spans that start in `range`. `troubled` says which services logged an error in which trace.
    pub(super) async fn read(
        session: &QuerySession,
        range: TimeRange,
        troubled: &TroubledTraces,
    ) -> Result<Self> {
        let mut side = Self::default();
        each_trace(session, range, Beside::Names, |trace| {
            side.add(trace, troubled);
        })
        .await?;
        if side.spans_without_place > 0 {
            session.note_incomplete(format!(
                "there are too many operations; {} spans count for their service only",
                side.spans_without_place
            ));
        }
        Ok(side)
    }

    fn add(&mut self, trace: &TraceSpans, troubled: &TroubledTraces) {
        if !trace.counted.contains(&true) {
            return;
        }
        self.trace_count += 1;
        let tree = assemble(&trace.spans);
        let mut present: BTreeSet<&Arc<str>> = BTreeSet::new();
        let mut in_trouble: BTreeSet<&str> = troubled.of(&trace.trace_id).collect();
        for placed in &tree.order {
            if !trace.counted[placed.span] {
                continue;
            }
            let (service, span) = (&trace.services[placed.span], &trace.spans[placed.span]);
            present.insert(service);
            if span.error {
                in_trouble.insert(service);
            }
            self.span_count += 1;
            self.services.entry(Arc::clone(service)).or_default().spans += 1;
            let key = (Arc::clone(service), Arc::clone(&trace.names[placed.span]));
            if self.operations.len() >= MAX_OPERATIONS && !self.operations.contains_key(&key) {
                self.spans_without_place += 1;
                continue;
            }
            let operation = self.operations.entry(key).or_default();
            operation.self_times.add(placed.self_time_ns);
            let sample = |time_ns| Sample {
                time_ns,
                trace_id: trace.trace_id.clone(),
                span_id: span.span_id,
            };
            let slowest = operation.slowest.as_ref();
            if slowest.is_none_or(|known| known.time_ns < placed.self_time_ns) {
                operation.slowest = Some(sample(placed.self_time_ns));
            }
            if span.error {
                operation.error_count += 1;
                let failed = operation.failed.as_ref();
                if failed.is_none_or(|known| known.time_ns < span.start_ns) {
                    operation.failed = Some(sample(span.start_ns));
                }
            }
        }
        for service in present {
            self.services.entry(Arc::clone(service)).or_default().traces += 1;
        }
        if in_trouble.is_empty() {
            return;
        }
        // Up to two troubled services in each subtree: enough to know of one that is not its root's.
        let mut below: Vec<[Option<&str>; 2]> = vec![[None; 2]; tree.order.len()];
        let mut explained: BTreeSet<&str> = BTreeSet::new();
        for (place, placed) in tree.order.iter().enumerate().rev() {
            let service = &*trace.services[placed.span];
            let others = below[place];
            let mine = in_trouble.contains(service).then_some(service);
            if mine.is_some() && others.iter().flatten().any(|other| *other != service) {
                explained.insert(service);
            }
            if let Some(parent) = placed.parent {
                for name in others.into_iter().chain([mine]).flatten() {
                    note(&mut below[parent], name);
                }
            }
        }
        for service in in_trouble {
            let side = self.services.entry(service.into()).or_default();
            side.troubled += 1;
            side.below += u64::from(explained.contains(service));
        }
    }
}

/// Adds a name to the first two different ones.
fn note<'a>(names: &mut [Option<&'a str>; 2], name: &'a str) {
    for slot in names {
        match slot {
            Some(known) if *known == name => return,
            Some(_) => {}
            None => {
                *slot = Some(name);
                return;
            }
        }
    }
}
