//! Series while spans are added, and what becomes of them.

use std::collections::BTreeMap;

use spoor_storage::{Error, ErrorKind, Result};

use super::Intervals;
use super::compare::Comparing;
use super::exemplars::{Drawn, Exemplar, share_out};
use super::quantile::Numbers;
use crate::otlp::SpanRef;
use crate::traceql::ast::{
    Comparison, Field, FieldExpr, Function, Metrics, MetricsFunction, SecondStage,
};
use crate::traceql::field::{is_true, value_of};
use crate::traceql::value::Value;

/// One answer has at most so many series.
const MAX_SERIES: usize = 2_000;

/// All series together hold at most so many numbers.
const MAX_NUMBERS: usize = 4_000_000;

/// Numbers over time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    pub(crate) labels: Vec<(String, Value<'static>)>,
    /// Of each interval; `None` where there is nothing to say.
    pub(crate) samples: Vec<Option<f64>>,
    /// By time.
    pub(crate) exemplars: Vec<Exemplar>,
}

/// What is known of one series in one interval.
#[derive(Debug, Clone, PartialEq)]
enum Sample {
    Count(u64),
    /// The smallest or largest.
    Extreme(Option<f64>),
    Sum {
        sum: f64,
        count: u64,
    },
    Numbers(Numbers),
    /// By the power of two that is the upper bound; `i32::MIN` for what is not above 0.
    Buckets(BTreeMap<i32, u64>),
}

/// Series by the values of `by`.
pub(super) struct SeriesSet<'q> {
    metrics: &'q Metrics,
    intervals: &'q Intervals,
    groups: BTreeMap<Vec<String>, Group>,
    comparing: Comparing,
    numbers: usize,
    /// Of the answer.
    exemplars: usize,
}

struct Group {
    labels: Vec<(String, Value<'static>)>,
    samples: Vec<Sample>,
    drawn: Drawn,
    /// Whether the numbers are durations, which are shown in seconds.
    durations: bool,
}

impl<'q> SeriesSet<'q> {
    pub(super) fn new(metrics: &'q Metrics, intervals: &'q Intervals, exemplars: usize) -> Self {
        Self {
            metrics,
            intervals,
            groups: BTreeMap::new(),
            comparing: Comparing::new(intervals.count),
            numbers: 0,
            exemplars,
        }
    }

    /// Whether traces are shown with series.
    pub(super) fn shows_traces(&self) -> bool {
        self.exemplars > 0
    }

    /// Adds a span whose fields `lookup` knows.
    pub(super) fn add<'a>(
        &mut self,
        interval: usize,
        span: SpanRef<'a>,
        lookup: &impl Fn(&'a Field) -> Value<'a>,
    ) -> Result<()>
    where
        'q: 'a,
    {
        let metrics: &'a Metrics = self.metrics;
        let of = match &metrics.function {
            MetricsFunction::Compare {
                selection,
                window_ns,
                ..
            } => {
                let start = span.columns.start_ns(span.row);
                let in_window = window_ns.is_none_or(|(from, to)| (from..to).contains(&start));
                let selected = in_window && is_true(selection, lookup);
                self.numbers += self.comparing.add(interval, span, selected);
                return self.check();
            }
            MetricsFunction::Rate | MetricsFunction::Count => None,
            MetricsFunction::Of(_, of)
            | MetricsFunction::Quantile { of, .. }
            | MetricsFunction::Histogram(of) => match number_of(of, lookup) {
                Some(number) => Some(number),
                // A span that has no such number is not in any series.
                None => return Ok(()),
            },
        };
        let values: Vec<Value<'a>> = metrics.by.iter().map(lookup).collect();
        let key: Vec<String> = values
            .iter()
            .map(crate::traceql::evaluate::group_key)
            .collect();
        if !self.groups.contains_key(&key) {
            self.numbers += self.intervals.count;
            self.check()?;
            let labels = metrics.by.iter().map(ToString::to_string);
            let values = values.into_iter().map(Value::into_owned);
            let group = Group {
                labels: labels.zip(values).collect(),
                samples: vec![empty(&metrics.function); self.intervals.count],
                drawn: Drawn::default(),
                durations: of.is_some_and(|(_, is_duration)| is_duration),
            };
            self.groups.insert(key.clone(), group);
        }
        let Some(group) = self.groups.get_mut(&key) else {
            return Ok(());
        };
        let number = of.map(|(number, _)| number);
        self.numbers += usize::from(group.drawn.add(self.exemplars, span, number));
        if let Some(sample) = group.samples.get_mut(interval) {
            let wanted = match &metrics.function {
                MetricsFunction::Of(function, _) => *function,
                _ => Function::Sum,
            };
            self.numbers += usize::from(sample.add(number.unwrap_or(0.0), wanted));
        }
        self.check()
    }

    fn check(&self) -> Result<()> {
        if self.groups.len() <= MAX_SERIES && self.numbers <= MAX_NUMBERS {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::TooLarge,
            format!("the query makes more than {MAX_SERIES} series or {MAX_NUMBERS} numbers"),
        )
        .with_hint("group by fewer fields, add a filter or make `step` longer"))
    }

    /// The series in the order of their labels.
    pub(super) fn finish(self) -> Vec<Series> {
        let step_s = self.intervals.step_ns as f64 / 1e9;
        let mut found = match &self.metrics.function {
            MetricsFunction::Compare { top, .. } => self.comparing.finish(*top),
            function => self
                .groups
                .into_values()
                .flat_map(|group| group.finish(function, step_s, self.intervals))
                .collect(),
        };
        for stage in &self.metrics.then {
            second_stage(stage, &mut found);
        }
        share_out(&mut found, self.exemplars, self.intervals);
        found
    }
}

/// A number, and whether it is a duration.
fn number_of<'a>(
    of: &'a FieldExpr,
    lookup: &impl Fn(&'a Field) -> Value<'a>,
) -> Option<(f64, bool)> {
    let value = value_of(of, lookup);
    let is_duration = matches!(value, Value::Duration(_));
    value.number().map(|number| (number, is_duration))
}

fn empty(function: &MetricsFunction) -> Sample {
    match function {
        MetricsFunction::Of(Function::Min | Function::Max, _) => Sample::Extreme(None),
        MetricsFunction::Of(..) => Sample::Sum { sum: 0.0, count: 0 },
        MetricsFunction::Quantile { .. } => Sample::Numbers(Numbers::default()),
        MetricsFunction::Histogram(_) => Sample::Buckets(BTreeMap::new()),
        _ => Sample::Count(0),
    }
}

impl Sample {
    /// Whether more is held now than before.
    fn add(&mut self, number: f64, function: Function) -> bool {
        match self {
            Self::Count(count) => *count += 1,
            Self::Extreme(extreme) => {
                *extreme = Some(match (*extreme, function) {
                    (None, _) => number,
                    (Some(known), Function::Min) => known.min(number),
                    (Some(known), _) => known.max(number),
                });
            }
            Self::Sum { sum, count } => {
                *sum += number;
                *count += 1;
            }
            Self::Numbers(numbers) => return numbers.add(number),
            Self::Buckets(buckets) => {
                let before = buckets.len();
                *buckets.entry(power_of_two(number)).or_default() += 1;
                return buckets.len() > before;
            }
        }
        false
    }
}

/// The exponent of the smallest power of two that is not less than `number`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "exponents of floats are small"
)]
fn power_of_two(number: f64) -> i32 {
    if number > 0.0 {
        number.log2().ceil() as i32
    } else {
        i32::MIN
    }
}

impl Group {
    fn finish(self, function: &MetricsFunction, step_s: f64, intervals: &Intervals) -> Vec<Series> {
        // Divided by, not multiplied: 90 ms are 0.09 s.
        let unit = if self.durations { 1e9 } else { 1.0 };
        match function {
            MetricsFunction::Quantile { quantiles, .. } => {
                self.quantiles(quantiles, unit, intervals)
            }
            MetricsFunction::Histogram(_) => self.histogram(unit, intervals),
            _ => {
                let value = |sample: &Sample| match sample {
                    Sample::Count(count) => Some(match function {
                        MetricsFunction::Rate => *count as f64 / step_s,
                        _ => *count as f64,
                    }),
                    Sample::Extreme(extreme) => extreme.map(|number| number / unit),
                    Sample::Sum { count: 0, .. } => None,
                    Sample::Sum { sum, count } => Some(match function {
                        MetricsFunction::Of(Function::Avg, _) => sum / unit / *count as f64,
                        _ => sum / unit,
                    }),
                    Sample::Numbers(_) | Sample::Buckets(_) => None,
                };
                let samples: Vec<Option<f64>> = self.samples.iter().map(value).collect();
                vec![Series {
                    exemplars: self.drawn.of_series(intervals, &samples, unit),
                    samples,
                    labels: self.labels,
                }]
            }
        }
    }

    /// A span is shown with the first quantile.
    fn quantiles(mut self, quantiles: &[f64], unit: f64, intervals: &Intervals) -> Vec<Series> {
        let of = |quantile: &f64| {
            let samples = self.samples.iter_mut().map(|sample| match sample {
                Sample::Numbers(numbers) => numbers.quantile(*quantile).map(|n| n / unit),
                _ => None,
            });
            let samples = samples.collect();
            let mut labels = self.labels.clone();
            labels.push(("p".to_owned(), Value::Float(*quantile)));
            Series {
                labels,
                samples,
                exemplars: Vec::new(),
            }
        };
        let mut found: Vec<Series> = quantiles.iter().map(of).collect();
        if let Some(first) = found.first_mut() {
            first.exemplars = self.drawn.of_series(intervals, &first.samples, unit);
        }
        found
    }

    /// A span is shown with the bucket that it counts in.
    fn histogram(self, unit: f64, intervals: &Intervals) -> Vec<Series> {
        let mut found: BTreeMap<i32, Vec<Option<f64>>> = BTreeMap::new();
        for (interval, sample) in self.samples.iter().enumerate() {
            let Sample::Buckets(buckets) = sample else {
                continue;
            };
            for (exponent, count) in buckets {
                let samples = found
                    .entry(*exponent)
                    .or_insert_with(|| vec![Some(0.0); self.samples.len()]);
                samples[interval] = Some(*count as f64);
            }
        }
        let series = |(exponent, samples): (i32, Vec<Option<f64>>)| {
            let bound = if exponent == i32::MIN {
                0.0
            } else {
                f64::from(exponent).exp2() / unit
            };
            let mut labels = self.labels.clone();
            labels.push(("__bucket".to_owned(), Value::Float(bound)));
            let mut exemplars = self.drawn.of_series(intervals, &samples, 1.0);
            exemplars.retain(|exemplar| power_of_two(exemplar.value) == exponent);
            for exemplar in &mut exemplars {
                exemplar.value /= unit;
            }
            Series {
                labels,
                samples,
                exemplars,
            }
        };
        found.into_iter().map(series).collect()
    }
}

fn second_stage(stage: &SecondStage, series: &mut Vec<Series>) {
    match stage {
        SecondStage::Top(count) => keep_first(series, *count, |a, b| b.total_cmp(&a)),
        SecondStage::Bottom(count) => keep_first(series, *count, |a, b| a.total_cmp(&b)),
        SecondStage::Filter(op, number) => {
            let holds = |value: f64| match op {
                Comparison::Equal => value.total_cmp(number).is_eq(),
                Comparison::NotEqual => value.total_cmp(number).is_ne(),
                Comparison::Less => value < *number,
                Comparison::LessOrEqual => value <= *number,
                Comparison::Greater => value > *number,
                Comparison::GreaterOrEqual => value >= *number,
            };
            for sample in series.iter_mut().flat_map(|series| &mut series.samples) {
                *sample = sample.filter(|value| holds(*value));
            }
        }
    }
    series.retain(|series| series.samples.iter().any(Option::is_some));
}

/// Keeps the samples of each interval that come first in the order; of equal ones those of the
/// series that comes first.
fn keep_first(series: &mut [Series], count: usize, order: impl Fn(f64, f64) -> std::cmp::Ordering) {
    let intervals = series.first().map_or(0, |series| series.samples.len());
    for interval in 0..intervals {
        let mut ranked: Vec<(f64, usize)> = series
            .iter()
            .enumerate()
            .filter_map(|(place, series)| Some((series.samples[interval]?, place)))
            .collect();
        ranked.sort_by(|a, b| order(a.0, b.0).then(a.1.cmp(&b.1)));
        for (_, place) in ranked.into_iter().skip(count) {
            series[place].samples[interval] = None;
        }
    }
}
