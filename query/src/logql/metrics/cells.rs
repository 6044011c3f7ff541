//! What is remembered of the numbers in one window.

use crate::logql::ast::RangeFunction;

/// Numbers of one series in one window.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// With what rounding has lost.
    Sum {
        sum: f64,
        lost: f64,
    },
    Extreme(f64),
    /// Count, mean and sum of squared distances from it.
    Spread {
        count: f64,
        mean: f64,
        squares: f64,
    },
    /// The first or the last one: time, number of the record, number.
    One(i64, i64, f64),
    All(Vec<f64>),
    Timed(Vec<(i64, i64, f64)>),
}

impl Cell {
    pub(super) fn empty(function: RangeFunction) -> Self {
        use RangeFunction as F;
        match function {
            F::Min => Self::Extreme(f64::INFINITY),
            F::Max => Self::Extreme(f64::NEG_INFINITY),
            F::Avg | F::Stdvar | F::Stddev => Self::Spread {
                count: 0.0,
                mean: 0.0,
                squares: 0.0,
            },
            F::First => Self::One(i64::MAX, i64::MAX, 0.0),
            F::Last => Self::One(i64::MIN, i64::MIN, 0.0),
            F::Quantile(_) => Self::All(Vec::new()),
            F::RateCounter => Self::Timed(Vec::new()),
            _ => Self::Sum {
                sum: 0.0,
                lost: 0.0,
            },
        }
    }

    /// Adds a number; the bytes that more is held now than before.
    pub(super) fn add(
        &mut self,
        function: RangeFunction,
        (time_ns, record): (i64, i64),
        number: f64,
    ) -> usize {
        match self {
            Self::Sum { sum, lost } => {
                let total = *sum + number;
                *lost += if sum.abs() >= number.abs() {
                    (*sum - total) + number
                } else {
                    (number - total) + *sum
                };
                *sum = total;
            }
            Self::Extreme(extreme) => {
                *extreme = match function {
                    RangeFunction::Min => extreme.min(number),
                    _ => extreme.max(number),
                };
            }
            Self::Spread {
                count,
                mean,
                squares,
            } => {
                *count += 1.0;
                let distance = number - *mean;
                *mean += distance / *count;
                *squares += distance * (number - *mean);
            }
            Self::One(at, known, kept) => {
                let first = function == RangeFunction::First;
                if ((time_ns, record) < (*at, *known)) == first {
                    (*at, *known, *kept) = (time_ns, record, number);
                }
            }
            Self::All(numbers) => {
                numbers.push(number);
                return size_of::<f64>() * 2;
            }
            Self::Timed(numbers) => {
                numbers.push((time_ns, record, number));
                return size_of::<(i64, i64, f64)>() * 2;
            }
        }
        0
    }

    /// The sample at a step whose window is `(from_ns, to_ns]`; `None` if there is none.
    pub(super) fn sample(
        self,
        function: RangeFunction,
        (from_ns, to_ns): (i64, i64),
    ) -> Option<f64> {
        let seconds = (to_ns - from_ns) as f64 / 1e9;
        Some(match self {
            Self::Sum { sum, lost } => {
                // Of infinities nothing is lost.
                let total = if lost.is_finite() { sum + lost } else { sum };
                match function {
                    RangeFunction::Rate => total / seconds,
                    _ => total,
                }
            }
            Self::Extreme(extreme) => extreme,
            Self::Spread {
                count,
                mean,
                squares,
            } => match function {
                RangeFunction::Avg => mean,
                RangeFunction::Stdvar => squares / count,
                _ => (squares / count).sqrt(),
            },
            Self::One(.., number) => number,
            Self::All(mut numbers) => {
                let RangeFunction::Quantile(quantile) = function else {
                    return None;
                };
                numbers.sort_unstable_by(f64::total_cmp);
                between_ranks(quantile, &numbers)?
            }
            Self::Timed(mut numbers) => {
                numbers.sort_unstable_by_key(|number| (number.0, number.1));
                counter_rate(&numbers, (from_ns, to_ns))?
            }
        })
    }
}

/// Linear between the two nearest ranks, as Prometheus does.
#[expect(
    clippy::cast_possible_truncation,
    reason = "between 0 and the count of numbers"
)]
fn between_ranks(quantile: f64, sorted: &[f64]) -> Option<f64> {
    if quantile < 0.0 {
        return Some(f64::NEG_INFINITY);
    }
    if quantile > 1.0 {
        return Some(f64::INFINITY);
    }
    let rank = quantile * (sorted.len().checked_sub(1)?) as f64;
    let lower = *sorted.get(rank.floor() as usize)?;
    let upper = *sorted.get(rank.ceil() as usize)?;
    let weight = rank - rank.floor();
    Some(lower * (1.0 - weight) + upper * weight)
}

/// The rate of a counter that begins anew at times, carried on to the edges of the window as
/// Prometheus does.
fn counter_rate(numbers: &[(i64, i64, f64)], (from_ns, to_ns): (i64, i64)) -> Option<f64> {
    let ((first_ns, _, first), (last_ns, _, last)) = (numbers.first()?, numbers.last()?);
    let sampled = (last_ns - first_ns) as f64;
    if numbers.len() < 2 || sampled <= 0.0 {
        return None;
    }
    let resets = numbers.windows(2).filter_map(|pair| match pair {
        [before, after] if after.2 < before.2 => Some(before.2),
        _ => None,
    });
    let increase = last - first + resets.sum::<f64>();
    let mean_gap = sampled / (numbers.len() - 1) as f64;
    let threshold = mean_gap * 1.1;
    let mut to_start = (first_ns - from_ns) as f64;
    let to_end = (to_ns - last_ns) as f64;
    if increase > 0.0 && *first >= 0.0 {
        // A counter is not below zero.
        to_start = to_start.min(sampled * (first / increase));
    }
    let edge = |gap: f64| if gap < threshold { gap } else { mean_gap / 2.0 };
    let factor = (sampled + edge(to_start) + edge(to_end)) / sampled;
    Some(increase * factor / ((to_ns - from_ns) as f64 / 1e9))
}
