//! Numbers over time: what a metric query gives at each step.
//!
//! ```text
//!  entries ─► window: series of windows that end at the steps ─► vector: aggregations
//!                                                              └► binary: operators
//! ```
//! The windows of a step at `t` reach from `t - range` (left out) to `t`, both earlier by the offset.

use std::collections::{BTreeMap, VecDeque};

use spoor_storage::{Error, ErrorKind, Result};

use super::ast::{
    Aggregation, BinaryOp, Comparison, Expr, Grouping, LabelReplace, RangeAggregation,
    RangeFunction, VectorFunction,
};
use super::labels::{LabelSet, text_of};
use super::scan::Processed;
use crate::session::QuerySession;

mod binary;
mod cells;
mod parts;
mod vector;
mod window;

/// Series of an answer.
const MAX_SERIES: usize = 500;

/// Numbers of all series of one part of a query.
const MAX_NUMBERS: usize = 4_000_000;

/// One answer has at most so many steps.
const MAX_STEPS: i64 = 11_000;

/// Instants, equally far apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) start_ns: i64,
    pub(crate) step_ns: i64,
    pub(crate) count: usize,
}

impl Steps {
    /// From `start_ns` to `end_ns`, both included. Errors if there are too many.
    pub(crate) fn new(start_ns: i64, end_ns: i64, step_ns: i64) -> Result<Self> {
        if step_ns <= 0 {
            return Err(Error::invalid("`step` must be longer than nothing"));
        }
        let length = end_ns
            .checked_sub(start_ns)
            .filter(|length| *length >= 0)
            .ok_or_else(|| Error::invalid("`end` is before `start`"))?;
        let count = length / step_ns + 1;
        if count > MAX_STEPS {
            return Err(Error::invalid(format!(
                "the range has {count} steps; one answer has at most {MAX_STEPS}"
            ))
            .with_hint("make `step` longer or the range shorter"));
        }
        Ok(Self {
            start_ns,
            step_ns,
            count: usize::try_from(count).unwrap_or(1),
        })
    }

    /// One instant.
    pub(crate) fn at(time_ns: i64) -> Self {
        Self {
            start_ns: time_ns,
            step_ns: 1,
            count: 1,
        }
    }

    /// The instants.
    pub(crate) fn times_ns(&self) -> impl Iterator<Item = i64> + use<> {
        let Self {
            start_ns,
            step_ns,
            count,
        } = *self;
        (0..i64::try_from(count).unwrap_or(0)).map(move |at| start_ns + at * step_ns)
    }
}

/// A series with a number, or none, at each step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    pub(crate) labels: LabelSet,
    pub(crate) samples: Vec<Option<f64>>,
}

/// What a metric query gives.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// The same at each step.
    Number(f64),
    Series(Vec<Series>),
}

/// A running metric query.
#[derive(Debug)]
pub(crate) struct Metrics<'a> {
    pub(crate) session: &'a QuerySession,
    pub(crate) steps: Steps,
    pub(crate) processed: Processed,
}

impl Metrics<'_> {
    /// The answer. Errors if it has too many series, and if an entry has an error that the query
    /// does not leave out.
    pub(crate) async fn answer(&mut self, expr: &Expr) -> Result<Value> {
        let value = self.value(expr).await?;
        if let Value::Series(series) = &value
            && series.len() > MAX_SERIES
        {
            return Err(Error::invalid(format!(
                "maximum of series ({MAX_SERIES}) reached for a single query"
            ))
            .with_hint("put labels together: sum by (level) (…); a query by itself has a series for each combination of all labels, `trace_id` among them"));
        }
        Ok(value)
    }

    /// First the functions of time, one after the other, then what is made of them: only the latter
    /// goes as deep as the query.
    async fn value(&mut self, expr: &Expr) -> Result<Value> {
        let mut leaves = Vec::new();
        leaves_of(expr, &mut leaves);
        let mut found = VecDeque::with_capacity(leaves.len());
        let mut numbers = 0_usize;
        for (range, grouping) in leaves {
            let series = self.windows(range, grouping).await?;
            numbers = numbers.saturating_add(series.len().saturating_mul(self.steps.count));
            if numbers > MAX_NUMBERS {
                return Err(too_many(series.len()));
            }
            found.push_back(series);
        }
        let mut parts = Parts {
            steps: self.steps.count,
            found,
        };
        parts.value(expr)
    }
}

/// A sum of these is added up while entries are read: there are only the series that are asked for.
fn added_up(aggregation: &Aggregation) -> Option<&RangeAggregation> {
    match (aggregation.function, &aggregation.of) {
        (VectorFunction::Sum, Expr::Range(range)) if adds_up(range.function) => Some(range),
        _ => None,
    }
}

type Leaf<'e> = (&'e RangeAggregation, Option<&'e Grouping>);

/// The grouping of an aggregation that has none.
static ALL: Grouping = Grouping {
    without: false,
    labels: Vec::new(),
};

/// The functions of time, in the order in which [`Parts::value`] comes to them.
fn leaves_of<'e>(expr: &'e Expr, leaves: &mut Vec<Leaf<'e>>) {
    match expr {
        Expr::Logs(_) | Expr::Number(_) | Expr::Vector(_) => {}
        Expr::Range(range) => leaves.push((range, range.grouping.as_ref())),
        Expr::Aggregate(aggregation) => {
            if let Some(range) = added_up(aggregation) {
                leaves.push((range, Some(aggregation.grouping.as_ref().unwrap_or(&ALL))));
            } else {
                leaves_of(&aggregation.of, leaves);
            }
        }
        Expr::LabelReplace(replace) => leaves_of(&replace.of, leaves),
        Expr::Binary(binary) => {
            leaves_of(&binary.left, leaves);
            leaves_of(&binary.right, leaves);
        }
    }
}

/// The series of the functions of time, to be put together.
struct Parts {
    steps: usize,
    found: VecDeque<Vec<Series>>,
}

impl Parts {
    /// Depth is bounded by the parser.
    fn value(&mut self, expr: &Expr) -> Result<Value> {
        let series = match expr {
            Expr::Logs(_) => return Err(Error::invalid("log lines are no numbers")),
            Expr::Number(number) => return Ok(Value::Number(*number)),
            Expr::Vector(number) => vec![Series {
                labels: LabelSet::new(),
                samples: vec![Some(*number); self.steps],
            }],
            Expr::Range(_) => self.found.pop_front().unwrap_or_default(),
            Expr::Aggregate(aggregation) if added_up(aggregation).is_some() => {
                self.found.pop_front().unwrap_or_default()
            }
            Expr::Aggregate(aggregation) => {
                let of = self.series(&aggregation.of)?;
                vector::aggregate(aggregation, of, self.steps)
            }
            Expr::LabelReplace(replace) => replaced(replace, self.series(&replace.of)?)?,
            Expr::Binary(binary) => {
                let left = self.value(&binary.left)?;
                let right = self.value(&binary.right)?;
                return binary::combine(binary, left, right);
            }
        };
        Ok(Value::Series(series))
    }

    fn series(&mut self, expr: &Expr) -> Result<Vec<Series>> {
        match self.value(expr)? {
            Value::Series(series) => Ok(series),
            Value::Number(_) => Err(Error::invalid("a number by itself has no series")
                .with_hint("write vector(1) for a series without labels")),
        }
    }
}

fn adds_up(function: RangeFunction) -> bool {
    matches!(
        function,
        RangeFunction::Rate
            | RangeFunction::Count
            | RangeFunction::Bytes
            | RangeFunction::BytesRate
            | RangeFunction::Sum
    )
}

fn too_many(series: usize) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!("a part of the query has {series} series, more than {MAX_NUMBERS} numbers"),
    )
    .with_hint("put labels together with by (…), make `step` longer or the range shorter")
}

/// An operator of two numbers; `None` for those of sets. Comparisons give 1 and 0.
pub(crate) fn of_numbers(op: BinaryOp, left: f64, right: f64) -> Option<f64> {
    Some(match op {
        BinaryOp::Add => left + right,
        BinaryOp::Subtract => left - right,
        BinaryOp::Multiply => left * right,
        BinaryOp::Divide => left / right,
        BinaryOp::Modulo => left % right,
        BinaryOp::Power => left.powf(right),
        BinaryOp::Compare(comparison) => {
            f64::from(u8::from(Comparison::holds(comparison, left, right)))
        }
        BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => return None,
    })
}

/// Sets a label where another one matches.
fn replaced(replace: &LabelReplace, of: Vec<Series>) -> Result<Vec<Series>> {
    let mut found = BTreeMap::new();
    for mut series in of {
        let source = series
            .labels
            .get(&replace.source)
            .map_or("", String::as_str);
        if let Some(captures) = replace.regex.captures(source) {
            let mut value = String::new();
            captures.expand(&replace.replacement, &mut value);
            if value.is_empty() {
                series.labels.remove(&replace.target);
            } else {
                series.labels.insert(replace.target.clone(), value);
            }
        }
        let labels = series.labels.clone();
        if found.insert(labels, series).is_some() {
            return Err(Error::invalid(
                "`label_replace` gives two series the same labels",
            ));
        }
    }
    Ok(found.into_values().collect())
}

/// That two series are one where they must not be.
fn ambiguous(side: &str, labels: &LabelSet) -> Error {
    Error::invalid(format!(
        "several series of the {side} side have {} in common, so it is not clear which belong together",
        text_of(labels)
    ))
    .with_hint("name more labels in on (…), or let one side have many with group_left or group_right")
}
