//! Aggregations of series, step by step.

use std::collections::BTreeMap;

use super::Series;
use crate::logql::ast::{Aggregation, Grouping, VectorFunction};
use crate::logql::labels::LabelSet;

pub(super) fn aggregate(aggregation: &Aggregation, of: Vec<Series>, steps: usize) -> Vec<Series> {
    let all = Grouping::default();
    let grouping = aggregation.grouping.as_ref().unwrap_or(&all);
    match aggregation.function {
        VectorFunction::Top(count) => first_of_each(of, grouping, count, steps, true),
        VectorFunction::Bottom(count) => first_of_each(of, grouping, count, steps, false),
        VectorFunction::Sort => sorted(of, false),
        VectorFunction::SortDescending => sorted(of, true),
        function => {
            let mut groups: BTreeMap<LabelSet, Vec<Series>> = BTreeMap::new();
            for series in of {
                groups
                    .entry(group_of(&series.labels, grouping))
                    .or_default()
                    .push(series);
            }
            let of_group = |(labels, members): (LabelSet, Vec<Series>)| {
                let sample = |step: usize| {
                    let numbers = members.iter().filter_map(|series| series.samples[step]);
                    folded(function, numbers.collect())
                };
                Series {
                    labels,
                    samples: (0..steps).map(sample).collect(),
                }
            };
            groups.into_iter().map(of_group).collect()
        }
    }
}

/// The labels of the group that a series is in.
pub(super) fn group_of(labels: &LabelSet, grouping: &Grouping) -> LabelSet {
    let mut group = labels.clone();
    group.retain(|name, _| grouping.labels.contains(name) != grouping.without);
    group
}

fn folded(function: VectorFunction, numbers: Vec<f64>) -> Option<f64> {
    if numbers.is_empty() {
        return None;
    }
    let count = numbers.len() as f64;
    let sum: f64 = numbers.iter().sum();
    let variance = || {
        let mean = sum / count;
        numbers.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / count
    };
    Some(match function {
        VectorFunction::Avg => sum / count,
        VectorFunction::Count => count,
        VectorFunction::Stdvar => variance(),
        VectorFunction::Stddev => variance().sqrt(),
        VectorFunction::Min => numbers.into_iter().fold(f64::INFINITY, f64::min),
        VectorFunction::Max => numbers.into_iter().fold(f64::NEG_INFINITY, f64::max),
        _ => sum,
    })
}

/// Keeps the samples of each step that are among the first in their group; of equal ones those of
/// the series that comes first.
fn first_of_each(
    mut series: Vec<Series>,
    grouping: &Grouping,
    count: usize,
    steps: usize,
    largest: bool,
) -> Vec<Series> {
    let groups: Vec<LabelSet> = series
        .iter()
        .map(|series| group_of(&series.labels, grouping))
        .collect();
    for step in 0..steps {
        let mut ranked: BTreeMap<&LabelSet, Vec<(f64, usize)>> = BTreeMap::new();
        for (place, (series, group)) in series.iter().zip(&groups).enumerate() {
            if let Some(number) = series.samples[step] {
                ranked.entry(group).or_default().push((number, place));
            }
        }
        for mut ranked in ranked.into_values() {
            ranked.sort_by(|a, b| {
                let order = if largest {
                    b.0.total_cmp(&a.0)
                } else {
                    a.0.total_cmp(&b.0)
                };
                order.then(a.1.cmp(&b.1))
            });
            for (_, place) in ranked.into_iter().skip(count) {
                series[place].samples[step] = None;
            }
        }
    }
    series.retain(|series| series.samples.iter().any(Option::is_some));
    // Shown in that order where there is one step only.
    if steps == 1 {
        sorted(series, largest)
    } else {
        series
    }
}

/// By the last sample.
fn sorted(mut series: Vec<Series>, descending: bool) -> Vec<Series> {
    let last = |series: &Series| series.samples.last().copied().flatten().unwrap_or(f64::NAN);
    series.sort_by(|a, b| {
        let order = last(a).total_cmp(&last(b));
        if descending { order.reverse() } else { order }
    });
    series
}
