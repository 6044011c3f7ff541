//! The time range that a filter leaves.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use spoor_storage::TimeRange;

const NOTHING: TimeRange = TimeRange {
    start_ns: i64::MAX,
    end_ns: i64::MIN,
};

/// A range that holds every instant of `column` for which `filter` can be true.
pub(super) fn range(filter: &Expr, column: &str) -> TimeRange {
    match filter {
        Expr::Alias(alias) => range(&alias.expr, column),
        Expr::IsTrue(inner) => range(inner, column),
        Expr::Between(between) if !between.negated && is_column(&between.expr, column) => {
            let low = instant(&between.low).map_or(TimeRange::ALL, |at| bound(Operator::GtEq, at));
            let high =
                instant(&between.high).map_or(TimeRange::ALL, |at| bound(Operator::LtEq, at));
            intersection(low, high)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And => intersection(range(left, column), range(right, column)),
            Operator::Or => hull(range(left, column), range(right, column)),
            _ => match (width_of(left, column), width_of(right, column)) {
                (Some(width), None) => {
                    instant(right).map_or(TimeRange::ALL, |at| widened(bound(*op, at), width))
                }
                (None, Some(width)) => match (op.swap(), instant(left)) {
                    (Some(op), Some(at)) => widened(bound(op, at), width),
                    _ => TimeRange::ALL,
                },
                _ => TimeRange::ALL,
            },
        },
        _ => TimeRange::ALL,
    }
}

/// The range that is all that `filter` says; `None` if it says something else, or nothing of `column`.
pub(super) fn exact_range(filter: &Expr, column: &str) -> Option<TimeRange> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else {
        return None;
    };
    let (op, at) = match (left.as_ref(), right.as_ref()) {
        (Expr::Column(named), Expr::Literal(at, _)) if named.name == column => (*op, at),
        (Expr::Literal(at, _), Expr::Column(named)) if named.name == column => (op.swap()?, at),
        _ => return None,
    };
    let is_end = matches!(
        op,
        Operator::GtEq | Operator::Gt | Operator::LtEq | Operator::Lt
    );
    match at {
        // An end of the last instant there is would be open.
        ScalarValue::TimestampNanosecond(Some(at), _) if is_end && *at < i64::MAX - 1 => {
            Some(bound(op, *at))
        }
        _ => None,
    }
}

/// What is in both.
pub(super) fn intersection(a: TimeRange, b: TimeRange) -> TimeRange {
    TimeRange {
        start_ns: a.start_ns.max(b.start_ns),
        end_ns: a.end_ns.min(b.end_ns),
    }
}

/// The smallest range that holds both.
fn hull(a: TimeRange, b: TimeRange) -> TimeRange {
    TimeRange {
        start_ns: a.start_ns.min(b.start_ns),
        end_ns: a.end_ns.max(b.end_ns),
    }
}

/// `column op at`. Saturating at the top keeps `i64::MAX` inside: an end of `i64::MAX` is open.
fn bound(op: Operator, at: i64) -> TimeRange {
    match op {
        Operator::Eq => TimeRange {
            start_ns: at,
            end_ns: at.saturating_add(1),
        },
        Operator::GtEq => TimeRange {
            start_ns: at,
            ..TimeRange::ALL
        },
        Operator::Gt if at == i64::MAX => NOTHING,
        Operator::Gt => TimeRange {
            start_ns: at + 1,
            ..TimeRange::ALL
        },
        Operator::LtEq => TimeRange {
            end_ns: at.saturating_add(1),
            ..TimeRange::ALL
        },
        // `end_ns` of `i64::MAX` means unbounded, which holds one instant too many: harmless.
        Operator::Lt => TimeRange {
            end_ns: at,
            ..TimeRange::ALL
        },
        _ => TimeRange::ALL,
    }
}

/// How much later than `expr` the instant in `column` may be, in nanoseconds: nothing if it is the
/// column itself, less than a bucket if it is the beginning of the bucket that the instant is in.
fn width_of(expr: &Expr, column: &str) -> Option<i64> {
    if is_column(expr, column) {
        return Some(0);
    }
    let Expr::ScalarFunction(call) = expr else {
        return None;
    };
    let (Expr::Literal(width, _), subject) = (call.args.first()?, call.args.get(1)?) else {
        return None;
    };
    if !is_column(subject, column) {
        return None;
    }
    match call.name() {
        "date_trunc" => unit_ns(width.try_as_str()??),
        "date_bin" => match width {
            ScalarValue::IntervalMonthDayNano(Some(width)) => {
                let days = i64::from(width.days) + i64::from(width.months) * MONTH_DAYS;
                days.checked_mul(DAY_NS)?.checked_add(width.nanoseconds)
            }
            ScalarValue::IntervalDayTime(Some(width)) => i64::from(width.days)
                .checked_mul(DAY_NS)?
                .checked_add(i64::from(width.milliseconds) * 1_000_000),
            _ => None,
        }
        .filter(|width| *width >= 0),
        _ => None,
    }
}

const DAY_NS: i64 = 86_400_000_000_000;
/// At most.
const MONTH_DAYS: i64 = 31;

/// At most so long is what `date_trunc` cuts off.
fn unit_ns(unit: &str) -> Option<i64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "microsecond" => 1_000,
        "millisecond" => 1_000_000,
        "second" => 1_000_000_000,
        "minute" => 60_000_000_000,
        "hour" => 3_600_000_000_000,
        "day" => DAY_NS,
        "week" => 7 * DAY_NS,
        "month" => MONTH_DAYS * DAY_NS,
        "quarter" => 92 * DAY_NS,
        "year" => 366 * DAY_NS,
        _ => return None,
    })
}

/// The range of what is at most `width` later.
fn widened(range: TimeRange, width: i64) -> TimeRange {
    TimeRange {
        end_ns: range.end_ns.saturating_add(width),
        ..range
    }
}

/// The column itself, or a cast of it that keeps the instant.
fn is_column(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Column(column) => column.name == name,
        Expr::Cast(cast) => {
            matches!(
                cast.field.data_type(),
                DataType::Timestamp(TimeUnit::Nanosecond, _)
            ) && is_column(&cast.expr, name)
        }
        _ => false,
    }
}

fn instant(expr: &Expr) -> Option<i64> {
    let Expr::Literal(value, _) = expr else {
        return None;
    };
    match value {
        ScalarValue::TimestampNanosecond(Some(at), _) => Some(*at),
        ScalarValue::TimestampMicrosecond(Some(at), _) => at.checked_mul(1_000),
        ScalarValue::TimestampMillisecond(Some(at), _) => at.checked_mul(1_000_000),
        ScalarValue::TimestampSecond(Some(at), _) => at.checked_mul(1_000_000_000),
        _ => None,
    }
}
