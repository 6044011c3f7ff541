//! Traces to look at with a series: a few of its spans, the same ones every time.

use std::collections::BTreeMap;

use spoor_storage::TraceId;

use super::Intervals;
use super::series::Series;
use crate::otlp::SpanRef;

/// Of one answer.
pub(crate) const MAX_EXEMPLARS: usize = 100;

/// A span of a series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) trace_id: TraceId,
    pub(crate) time_ns: i64,
    /// In the unit of the series' samples.
    pub(crate) value: f64,
}

/// Trace and start, after a number that they give.
type Lot = (u64, TraceId, i64);

/// Some spans of a series, drawn by a lot that falls the same whatever the order they come in.
#[derive(Debug, Default)]
pub(super) struct Drawn(BTreeMap<Lot, Option<f64>>);

impl Drawn {
    /// Adds a span with its number, if the function has one; whether more are held now than before.
    pub(super) fn add(&mut self, most: usize, span: SpanRef<'_>, number: Option<f64>) -> bool {
        if most == 0 {
            return false;
        }
        let SpanRef { columns, row } = span;
        let (trace_id, start_ns) = (TraceId(columns.trace_id(row)), columns.start_ns(row));
        let lot = (lot_of(trace_id, start_ns), trace_id, start_ns);
        let before = self.0.len();
        let known = self.0.entry(lot).or_insert(number);
        // Two spans of a trace may start at the same instant.
        if let (Some(known), Some(number)) = (known, number)
            && number.total_cmp(known).is_lt()
        {
            *known = number;
        }
        if self.0.len() > most {
            self.0.pop_last();
        }
        self.0.len() > before
    }

    /// In the order of the lot, with the instant's sample where the function has no numbers.
    pub(super) fn of_series(
        &self,
        intervals: &Intervals,
        samples: &[Option<f64>],
        unit: f64,
    ) -> Vec<Exemplar> {
        self.0
            .iter()
            .filter_map(|(&(_, trace_id, time_ns), number)| {
                let sample = *samples.get(intervals.of(time_ns)?)?;
                Some(Exemplar {
                    trace_id,
                    time_ns,
                    value: number.map(|number| number / unit).or(sample)?,
                })
            })
            .collect()
    }
}

/// FNV-1a.
fn lot_of(trace_id: TraceId, start_ns: i64) -> u64 {
    let bytes = trace_id.0.into_iter().chain(start_ns.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Leaves at most so many, shared out among the series, and none at an instant without a sample.
pub(super) fn share_out(series: &mut [Series], most: usize, intervals: &Intervals) {
    let each = (most / series.len().max(1)).max(1);
    let mut left = most;
    for one in series {
        let samples = &one.samples;
        one.exemplars.retain(|exemplar| {
            let place = intervals.of(exemplar.time_ns);
            place.is_some_and(|place| samples.get(place).is_some_and(Option::is_some))
        });
        one.exemplars.truncate(each.min(left));
        left -= one.exemplars.len();
        one.exemplars
            .sort_by_key(|exemplar| (exemplar.time_ns, exemplar.trace_id));
    }
}
