//! Operators between numbers and series, with the matching of series as Prometheus has it.

use std::collections::BTreeMap;

use spoor_storage::{Error, Result};

use super::vector::group_of;
use super::{Series, Value, ambiguous, of_numbers};
use crate::logql::ast::{Binary, BinaryOp, Grouping, Many};
use crate::logql::labels::LabelSet;

pub(super) fn combine(binary: &Binary, left: Value, right: Value) -> Result<Value> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => of_numbers(binary.op, left, right)
            .map(Value::Number)
            .ok_or_else(sets_only),
        (Value::Series(series), Value::Number(number)) => {
            with_number(binary, series, |sample| (sample, number))
        }
        (Value::Number(number), Value::Series(series)) => {
            with_number(binary, series, |sample| (number, sample))
        }
        (Value::Series(left), Value::Series(right)) => match binary.op {
            BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => Ok(of_sets(binary, left, right)),
            _ => of_pairs(binary, left, right),
        }
        .map(Value::Series),
    }
}

fn sets_only() -> Error {
    Error::invalid("`and`, `or` and `unless` are between series, not numbers")
}

/// A comparison keeps the sample of the series.
fn with_number(
    binary: &Binary,
    mut series: Vec<Series>,
    sides: impl Fn(f64) -> (f64, f64),
) -> Result<Value> {
    for one in &mut series {
        for sample in &mut one.samples {
            let Some(number) = *sample else { continue };
            let (left, right) = sides(number);
            let result = of_numbers(binary.op, left, right).ok_or_else(sets_only)?;
            *sample = kept(binary, number, result);
        }
    }
    series.retain(|series| series.samples.iter().any(Option::is_some));
    Ok(Value::Series(series))
}

/// What an operator gives: a comparison without `bool` filters.
fn kept(binary: &Binary, number: f64, result: f64) -> Option<f64> {
    if matches!(binary.op, BinaryOp::Compare(_)) && !binary.as_bool {
        (result != 0.0).then_some(number)
    } else {
        Some(result)
    }
}

/// The labels by which series of both sides belong together.
fn matching(binary: &Binary) -> Grouping {
    Grouping {
        without: !binary.matching.on,
        labels: binary.matching.labels.clone(),
    }
}

// === sets ===

fn of_sets(binary: &Binary, mut left: Vec<Series>, right: Vec<Series>) -> Vec<Series> {
    let by = matching(binary);
    let there = |side: &[Series]| {
        let mut there: BTreeMap<LabelSet, Vec<bool>> = BTreeMap::new();
        for series in side {
            let known = there
                .entry(group_of(&series.labels, &by))
                .or_insert_with(|| vec![false; series.samples.len()]);
            for (known, sample) in known.iter_mut().zip(&series.samples) {
                *known |= sample.is_some();
            }
        }
        there
    };
    let keep = |series: &mut Series, other: &BTreeMap<LabelSet, Vec<bool>>, wanted: bool| {
        let other = other.get(&group_of(&series.labels, &by));
        for (step, sample) in series.samples.iter_mut().enumerate() {
            let is_there = other.is_some_and(|other| other[step]);
            if is_there != wanted {
                *sample = None;
            }
        }
    };
    match binary.op {
        BinaryOp::Or => {
            let in_left = there(&left);
            for mut series in right {
                keep(&mut series, &in_left, false);
                left.push(series);
            }
            left = merged(left);
        }
        op => {
            let in_right = there(&right);
            for series in &mut left {
                keep(series, &in_right, op == BinaryOp::And);
            }
        }
    }
    left.retain(|series| series.samples.iter().any(Option::is_some));
    left
}

/// Series with the same labels are one: at each step at most one of them has a sample.
fn merged(series: Vec<Series>) -> Vec<Series> {
    let mut found: BTreeMap<LabelSet, Series> = BTreeMap::new();
    for one in series {
        match found.get_mut(&one.labels) {
            Some(known) => {
                for (known, sample) in known.samples.iter_mut().zip(one.samples) {
                    *known = known.or(sample);
                }
            }
            None => {
                found.insert(one.labels.clone(), one);
            }
        }
    }
    found.into_values().collect()
}

// === pairs ===

fn of_pairs(binary: &Binary, left: Vec<Series>, right: Vec<Series>) -> Result<Vec<Series>> {
    let by = matching(binary);
    let many = binary.matching.many.as_ref();
    let many_left = many.is_none_or(|many| many.left);
    let (many_side, one_side) = if many_left {
        (left, right)
    } else {
        (right, left)
    };
    let mut ones: BTreeMap<LabelSet, Series> = BTreeMap::new();
    for series in one_side {
        let group = group_of(&series.labels, &by);
        if let Some(known) = ones.get(&group)
            && overlap(known, &series)
        {
            return Err(ambiguous(if many_left { "right" } else { "left" }, &group));
        }
        match ones.get_mut(&group) {
            Some(known) => {
                for (known, sample) in known.samples.iter_mut().zip(series.samples) {
                    *known = known.or(sample);
                }
            }
            None => {
                ones.insert(group, series);
            }
        }
    }
    let mut found: BTreeMap<LabelSet, Series> = BTreeMap::new();
    for series in many_side {
        let group = group_of(&series.labels, &by);
        let Some(one) = ones.get(&group) else {
            continue;
        };
        let result = Series {
            labels: labels_of_result(binary, &series, one, &group),
            samples: series
                .samples
                .iter()
                .zip(&one.samples)
                .map(|(many, one)| {
                    let (many, one) = ((*many)?, (*one)?);
                    let (left, right) = if many_left { (many, one) } else { (one, many) };
                    kept(binary, left, of_numbers(binary.op, left, right)?)
                })
                .collect(),
        };
        match found.get_mut(&result.labels) {
            Some(known) if overlap(known, &result) => {
                return Err(ambiguous(
                    if many_left { "left" } else { "right" },
                    &result.labels,
                ));
            }
            Some(known) => {
                for (known, sample) in known.samples.iter_mut().zip(result.samples) {
                    *known = known.or(sample);
                }
            }
            None => {
                found.insert(result.labels.clone(), result);
            }
        }
    }
    let mut found: Vec<Series> = found.into_values().collect();
    found.retain(|series| series.samples.iter().any(Option::is_some));
    Ok(found)
}

fn overlap(a: &Series, b: &Series) -> bool {
    let mut pairs = a.samples.iter().zip(&b.samples);
    pairs.any(|(a, b)| a.is_some() && b.is_some())
}

/// Those of the side with many, and what it takes from the other; else those that were compared.
fn labels_of_result(binary: &Binary, many: &Series, one: &Series, group: &LabelSet) -> LabelSet {
    match &binary.matching.many {
        Some(Many { include, .. }) => {
            let mut labels = many.labels.clone();
            for name in include {
                match one.labels.get(name) {
                    Some(value) => labels.insert(name.clone(), value.clone()),
                    None => labels.remove(name),
                };
            }
            labels
        }
        None => group.clone(),
    }
}
