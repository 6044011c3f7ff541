//! `field:[a TO b]`: one value of the field meets both ends, each as `>=` or `>`, `<=` or `<` would
//! compare it.

use std::cmp::Ordering;

use datafusion::logical_expr::Expr;
use datafusion::prelude::col;
use spoor_storage::Table;

use super::{
    Result, any_of, attribute_test, duration_of, field_expr, has_expr, number_of, text_comparison,
    time_of, without_order,
};
use crate::functions::attribute_value;
use crate::language::fields::{Meaning, meaning};
use crate::language::values::number;
use crate::language::{Comparison, End, Field, Range, SyntaxError, Value, severity};

pub(super) fn range_expr(range: &Range, table: Table) -> Result<Expr> {
    let meaning = meaning(&range.name.text, table);
    if matches!(meaning, Meaning::Word { .. }) {
        return Err(without_order(&range.name));
    }
    let ends = ends(range);
    if ends.is_empty() {
        return Ok(has_expr(&range.name, table));
    }
    let tests: Vec<Expr> = match &meaning {
        // Both ends are about one value: a row may have the key in several places.
        Meaning::Attribute { keys, columns } => {
            check_kinds(range)?;
            for (how, value) in &ends {
                text_comparison(*how, &col("attributes"), value)?;
            }
            vec![any_of(keys, columns, |column, key| {
                let text = attribute_value(col(column), key);
                let tests = ends
                    .iter()
                    .filter_map(|(how, value)| attribute_test(*how, value, text.clone()).ok());
                tests.reduce(Expr::and).unwrap_or(text.is_not_null())
            })]
        }
        _ => ends
            .iter()
            .map(|(how, value)| {
                let end = Field {
                    name: range.name.clone(),
                    comparison: *how,
                    value: (*value).clone(),
                };
                field_expr(&end, table)
            })
            .collect::<Result<_>>()?,
    };
    check_order(range, &meaning)?;
    Ok(tests
        .into_iter()
        .reduce(Expr::and)
        .unwrap_or_else(|| has_expr(&range.name, table)))
}

/// What is asked of a value.
fn ends(range: &Range) -> Vec<(Comparison, &Value)> {
    let low = range.low.as_ref().map(|end| {
        let how = if end.inclusive {
            Comparison::GreaterOrEqual
        } else {
            Comparison::Greater
        };
        (how, &end.value)
    });
    let high = range.high.as_ref().map(|end| {
        let how = if end.inclusive {
            Comparison::LessOrEqual
        } else {
            Comparison::Less
        };
        (how, &end.value)
    });
    low.into_iter().chain(high).collect()
}

/// A number and a text: nothing is between them.
fn check_kinds(range: &Range) -> Result<()> {
    let (Some(low), Some(high)) = (&range.low, &range.high) else {
        return Ok(());
    };
    let is_number = |end: &End| !end.value.quoted && number(&end.value.text).is_some();
    let other = match (is_number(low), is_number(high)) {
        (true, false) => &high.value,
        (false, true) => &low.value,
        _ => return Ok(()),
    };
    Err(SyntaxError::new(
        other.position,
        format!(
            "`{}` is not a number, and the other end of the range is",
            other.text
        ),
    )
    .with_hint("put both in quotes to compare them as texts"))
}

/// An end before the beginning is a slip, and not a question whose answer is nothing.
fn check_order(range: &Range, meaning: &Meaning) -> Result<()> {
    let (Some(low), Some(high)) = (&range.low, &range.high) else {
        return Ok(());
    };
    if order(&low.value, &high.value, meaning)? != Some(Ordering::Greater) {
        return Ok(());
    }
    let (low, high) = (&low.value, &high.value);
    Err(SyntaxError::new(
        low.position,
        format!(
            "`{}` is more than `{}`: nothing is in this range",
            low.text, high.text
        ),
    )
    .with_hint("the lower end comes first: swap them"))
}

/// How two values of a field compare, where that is known.
fn order(low: &Value, high: &Value, meaning: &Meaning) -> Result<Option<Ordering>> {
    Ok(match meaning {
        Meaning::Time(_) => Some(time_of(low)?.cmp(&time_of(high)?)),
        Meaning::Duration => duration_of(low)?.partial_cmp(&duration_of(high)?),
        Meaning::Number(_) => number_of(low)?.partial_cmp(&number_of(high)?),
        Meaning::Level => level_order(low, high),
        Meaning::Attribute { .. } => match (number(&low.text), number(&high.text)) {
            (Some(low_number), Some(high_number)) if !low.quoted && !high.quoted => {
                low_number.partial_cmp(&high_number)
            }
            _ => Some(low.text.cmp(&high.text)),
        },
        // The zeros in front of an id need not be written.
        Meaning::Id { digits, .. } => {
            let padded = |id: &Value| format!("{:0>digits$}", id.text.to_lowercase());
            Some(padded(low).cmp(&padded(high)))
        }
        Meaning::Body | Meaning::Text(_) | Meaning::Word { .. } => Some(low.text.cmp(&high.text)),
    })
}

/// Of two names or of two severity numbers.
fn level_order(low: &Value, high: &Value) -> Option<Ordering> {
    if let (Ok(low), Ok(high)) = (low.text.parse::<i64>(), high.text.parse::<i64>()) {
        return Some(low.cmp(&high));
    }
    severity::rank(&low.text)?.partial_cmp(&severity::rank(&high.text)?)
}
