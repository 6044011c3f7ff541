//! From a parsed query to a DataFusion expression over one table.
//!
//! A leaf may be null where a row lacks the field; `NOT` is `IS NOT TRUE`, so that a row without
//! the field does not have the value.

use std::ops::Not;

use datafusion::logical_expr::expr::Like;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, cast, lit, try_cast};
use datafusion::prelude::{coalesce, col};
use spoor_storage::{SpanId, Table, TraceId};

use super::fields::{Meaning, meaning};
use super::values::{duration_ns, like_pattern, number};
use super::{Comparison, Field, Name, Query, SyntaxError, Text, Value, severity};
use crate::functions::text_query::TextQuery;
use crate::functions::{
    attribute_exists, attribute_value, first_attribute_value, in_traces, matches,
};
use crate::parameters::{now_ns, parse_time};

mod anywhere;
mod range;

type Result<T> = std::result::Result<T, SyntaxError>;

/// The condition that rows of `table` must meet. Errors point at values that are not of the
/// field's type.
pub fn to_expr(query: &Query, table: Table) -> Result<Expr> {
    match query {
        Query::And(parts) => joined(parts, table, Operator::And, true),
        Query::Or(parts) => joined(parts, table, Operator::Or, false),
        Query::Not(inner) => Ok(to_expr(inner, table)?.is_not_true()),
        Query::Text(text) => Ok(text_expr(text, table)),
        Query::Has(name) => Ok(has_expr(name, table)),
        Query::Field(field) => field_expr(field, table),
        Query::Range(range) => range::range_expr(range, table),
        Query::Anywhere(sought) => anywhere::anywhere_expr(sought, table),
        Query::Related(related) => Err(SyntaxError::new(
            related.position,
            format!(
                "`{}` looks at other records of a trace, which cannot be done here",
                related.form()
            ),
        )
        .with_hint("live tails and retention rules look at each record by itself; leave it out")),
        Query::Traces(traces) if traces.0.is_empty() => Ok(lit(false)),
        Query::Traces(traces) => Ok(in_traces(col("trace_id"), &traces.0)),
    }
}

/// A field's value as text, null where a row has none. Of an attribute that is in several places
/// the record's own comes first. The level is not text but [`super::level_rank_expr`].
pub(crate) fn field_text(name: &str, table: Table) -> Expr {
    let text = |column: &str| cast(col(column), arrow::datatypes::DataType::Utf8);
    match meaning(name, table) {
        Meaning::Level => text("severity_number"),
        Meaning::Body => col("body"),
        Meaning::Duration => text("duration_ns"),
        Meaning::Time(column) => text(column),
        Meaning::Id { column, .. } | Meaning::Word { column, .. } => col(column),
        Meaning::Text(column) => col(column),
        Meaning::Number(column) => text(&column),
        Meaning::Attribute { columns, .. } if columns.is_empty() => {
            lit(datafusion::common::ScalarValue::Utf8(None))
        }
        Meaning::Attribute { keys, columns } => {
            let mut values: Vec<Expr> = keys
                .iter()
                .map(|key| {
                    first_attribute_value(columns.iter().map(|column| col(*column)).collect(), key)
                })
                .collect();
            match values.len() {
                1 => values.swap_remove(0),
                _ => coalesce(values),
            }
        }
    }
}

/// A balanced tree, so that a thousand terms are ten deep and not a thousand.
fn joined(parts: &[Query], table: Table, op: Operator, empty: bool) -> Result<Expr> {
    match parts {
        [] => Ok(lit(empty)),
        [only] => to_expr(only, table),
        _ => {
            let (left, right) = parts.split_at(parts.len() / 2);
            let left = joined(left, table, op, empty)?;
            Ok(binary(left, op, joined(right, table, op, empty)?))
        }
    }
}

fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

fn text_column(table: Table) -> &'static str {
    match table {
        Table::Logs => "body",
        Table::Spans => "name",
    }
}

fn text_expr(text: &Text, table: Table) -> Expr {
    let found = matches(
        col(text_column(table)),
        &full_text(&text.source, text.quoted),
    );
    or_of_trace(found, &text.source, text.quoted)
}

/// `found`, or that the row is of the trace whose id the word is.
fn or_of_trace(found: Expr, word: &str, quoted: bool) -> Expr {
    let is_trace_id = word.len() == 32 && word.bytes().all(|b| b.is_ascii_hexdigit());
    if is_trace_id && !quoted {
        col("trace_id").eq(lit(word.to_lowercase())).or(found)
    } else {
        found
    }
}

/// The query of `matches` that means this word or phrase: a `"` inside separates as any other
/// punctuation, and a word keeps its `*` or its `~1`.
fn full_text(source: &str, quoted: bool) -> String {
    if !quoted && TextQuery::is_near_word(source) {
        source.to_owned()
    } else if quoted || !source.contains('*') {
        format!("\"{}\"", source.replace('"', " "))
    } else {
        source.replace(|c: char| !c.is_alphanumeric() && c != '*', ".")
    }
}

fn has_expr(name: &Name, table: Table) -> Expr {
    match meaning(&name.text, table) {
        Meaning::Level => col("severity_number")
            .not_eq(lit(0))
            .or(col("severity_text").is_not_null()),
        Meaning::Body => col("body").is_not_null(),
        Meaning::Duration => col("duration_ns").is_not_null(),
        Meaning::Time(column) | Meaning::Id { column, .. } | Meaning::Word { column, .. } => {
            col(column).is_not_null()
        }
        Meaning::Text(column) | Meaning::Number(column) => col(column).is_not_null(),
        Meaning::Attribute { keys, columns } => any_of(&keys, &columns, |column, key| {
            attribute_exists(col(column), key)
        }),
    }
}

fn field_expr(field: &Field, table: Table) -> Result<Expr> {
    let Field {
        name,
        comparison,
        value,
    } = field;
    if *comparison == Comparison::Is && !value.quoted && is_only_stars(&value.text) {
        return Ok(has_expr(name, table));
    }
    match meaning(&name.text, table) {
        Meaning::Level => level_expr(*comparison, value),
        Meaning::Body => body_expr(*comparison, value),
        Meaning::Time(column) => {
            let at = time_of(value)?;
            let instant =
                datafusion::common::ScalarValue::TimestampNanosecond(Some(at), Some("UTC".into()));
            compare(name, *comparison, col(column), lit(instant))
        }
        Meaning::Duration => {
            let ns = duration_of(value)?;
            compare(name, *comparison, col("duration_ns"), whole_or_float(ns))
        }
        Meaning::Number(column) => {
            let wanted = number_of(value)?;
            compare(name, *comparison, col(column), whole_or_float(wanted))
        }
        Meaning::Id { column, digits } => id_expr(name, *comparison, column, digits, value),
        Meaning::Word { column, words } => word_expr(name, *comparison, column, words, value),
        Meaning::Text(column) => text_comparison(*comparison, &col(column), value),
        Meaning::Attribute { keys, columns } => attribute_expr(*comparison, value, &keys, &columns),
    }
}

fn time_of(value: &Value) -> Result<i64> {
    parse_time(&value.text, now_ns()).map_err(|error| {
        let wrong = SyntaxError::new(value.position, error.message());
        match error.hint() {
            Some(hint) => wrong.with_hint(hint),
            None => wrong,
        }
    })
}

fn duration_of(value: &Value) -> Result<f64> {
    duration_ns(&value.text).ok_or_else(|| {
        SyntaxError::new(
            value.position,
            format!("`{}` is not a duration", value.text),
        )
        .with_hint("write 250ms, 1.5s or 2m; a plain number is nanoseconds")
    })
}

fn number_of(value: &Value) -> Result<f64> {
    number(&value.text).ok_or_else(|| {
        SyntaxError::new(value.position, format!("`{}` is not a number", value.text))
            .with_hint("write 200, -1.5 or 10KiB")
    })
}

/// Integer columns are compared with integers where that is exact, so that statistics can be used.
#[expect(
    clippy::cast_possible_truncation,
    reason = "whole and below 2^53, checked"
)]
fn whole_or_float(number: f64) -> Expr {
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        lit(number as i64)
    } else {
        lit(number)
    }
}

/// Compares an ordered value; there is no regular expression on those.
fn compare(name: &Name, how: Comparison, left: Expr, right: Expr) -> Result<Expr> {
    Ok(match how {
        Comparison::Is | Comparison::Equal => left.eq(right),
        Comparison::NotEqual => left.eq(right).is_not_true(),
        Comparison::Less => left.lt(right),
        Comparison::LessOrEqual => left.lt_eq(right),
        Comparison::Greater => left.gt(right),
        Comparison::GreaterOrEqual => left.gt_eq(right),
        Comparison::Regex => {
            return Err(SyntaxError::new(
                name.position,
                format!("`{}` cannot be matched by a regular expression", name.text),
            )
            .with_hint("use = or < >"));
        }
    })
}

fn level_expr(how: Comparison, value: &Value) -> Result<Expr> {
    if let Ok(wanted) = value.text.parse::<i64>() {
        let name = Name {
            text: "severity_number".to_owned(),
            position: value.position,
        };
        return compare(&name, how, col("severity_number"), lit(wanted));
    }
    let wanted = severity::rank(&value.text).ok_or_else(|| {
        SyntaxError::new(value.position, format!("`{}` is not a level", value.text))
            .with_hint(format!("the levels are {}", severity::names()))
    })?;
    let name = Name {
        text: "level".to_owned(),
        position: value.position,
    };
    let rank = severity::level_rank_expr()
        .map_err(|error| SyntaxError::new(value.position, error.to_string()))?;
    // `level<error` is about records that have a level.
    let below = matches!(how, Comparison::Less | Comparison::LessOrEqual) && wanted > 0;
    let condition = compare(&name, how, rank.clone(), lit(wanted))?;
    Ok(if below {
        condition.and(rank.gt(lit(0)))
    } else {
        condition
    })
}

fn body_expr(how: Comparison, value: &Value) -> Result<Expr> {
    if how != Comparison::Is {
        return text_comparison(how, &col("body"), value);
    }
    let has_tokens = value.text.chars().any(char::is_alphanumeric);
    if !has_tokens {
        return Err(SyntaxError::new(
            value.position,
            format!("`{}` has no letter or digit to search for", value.text),
        )
        .with_hint("body=\"…\" compares the whole body, whatever it has"));
    }
    Ok(matches(col("body"), &full_text(&value.text, value.quoted)))
}

fn id_expr(
    name: &Name,
    how: Comparison,
    column: &str,
    digits: usize,
    value: &Value,
) -> Result<Expr> {
    let text = value.text.to_lowercase();
    let pattern = !value.quoted && text.contains(['*', '?']);
    if pattern || how == Comparison::Regex {
        let value = Value {
            text,
            ..value.clone()
        };
        return text_comparison(how, &col(column), &value);
    }
    let id = if digits == 32 {
        text.parse::<TraceId>().map(|id| id.to_string())
    } else {
        text.parse::<SpanId>().map(|id| id.to_string())
    };
    let id = id.map_err(|error| {
        SyntaxError::new(value.position, error.message()).with_hint(format!(
            "write {digits} hex digits, or some and `*` for the rest"
        ))
    })?;
    compare(name, how, col(column), lit(id))
}

fn word_expr(
    name: &Name,
    how: Comparison,
    column: &str,
    words: &[&str],
    value: &Value,
) -> Result<Expr> {
    let word = value.text.to_uppercase();
    if !words.contains(&word.as_str()) {
        return Err(SyntaxError::new(
            value.position,
            format!("`{}` is not a {}", value.text, name.text),
        )
        .with_hint(format!("it is one of {}", words.join(", ").to_lowercase())));
    }
    if how.is_of_order() {
        return Err(without_order(name));
    }
    compare(name, how, col(column), lit(word))
}

/// Statuses and kinds are words of which none is more than another.
fn without_order(name: &Name) -> SyntaxError {
    SyntaxError::new(name.position, format!("`{}` has no order", name.text)).with_hint(format!(
        "name the values: {}:(a OR b), or NOT {}:a",
        name.text, name.text
    ))
}

/// A text against a value: wildcards for `:`, everything else as it is written.
fn text_comparison(how: Comparison, text: &Expr, value: &Value) -> Result<Expr> {
    let wildcards = how == Comparison::Is && !value.quoted && value.text.contains(['*', '?']);
    if how == Comparison::Regex {
        return regex(text, value);
    }
    if wildcards {
        return Ok(Expr::Like(Like::new(
            false,
            Box::new(text.clone()),
            Box::new(lit(like_pattern(&value.text))),
            None,
            false,
        )));
    }
    let name = Name {
        text: String::new(),
        position: value.position,
    };
    compare(&name, how, text.clone(), lit(value.text.as_str()))
}

fn regex(text: &Expr, value: &Value) -> Result<Expr> {
    check_regex(value)?;
    Ok(binary(
        text.clone(),
        Operator::RegexMatch,
        lit(value.text.as_str()),
    ))
}

fn check_regex(value: &Value) -> Result<()> {
    regex::RegexBuilder::new(&value.text)
        .size_limit(1 << 20)
        .build()
        .map(drop)
        .map_err(|error| {
            SyntaxError::new(
                value.position,
                format!(
                    "the regular expression `{}` is malformed: {error}",
                    value.text
                ),
            )
            .with_hint("a `\\` before a character makes it stand for itself")
        })
}

fn is_only_stars(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'*')
}

fn attribute_expr(
    how: Comparison,
    value: &Value,
    keys: &[String],
    columns: &[&'static str],
) -> Result<Expr> {
    if how == Comparison::NotEqual {
        let equal = attribute_expr(Comparison::Equal, value, keys, columns)?;
        return Ok(equal.is_not_true());
    }
    // Errors do not depend on the column; find them even if there is none.
    text_comparison(how, &col("attributes"), value)?;
    Ok(any_of(keys, columns, |column, key| {
        attribute_test(how, value, attribute_value(col(column), key)).unwrap_or_else(|_| lit(false))
    }))
}

/// The text of an attribute against a value: as numbers if that is what the value is and `how` asks
/// which is more.
fn attribute_test(how: Comparison, value: &Value, text: Expr) -> Result<Expr> {
    match number(&value.text).filter(|_| how.is_of_order() && !value.quoted) {
        Some(wanted) => {
            let name = Name {
                text: String::new(),
                position: value.position,
            };
            let found = try_cast(text, arrow::datatypes::DataType::Float64);
            compare(&name, how, found, lit(wanted))
        }
        None => text_comparison(how, &text, value),
    }
}

/// True if `test` holds for any key in any map.
fn any_of(
    keys: &[String],
    columns: &[&'static str],
    test: impl Fn(&'static str, &str) -> Expr,
) -> Expr {
    keys.iter()
        .flat_map(|key| {
            columns
                .iter()
                .map(|column| test(column, key))
                .collect::<Vec<_>>()
        })
        .reduce(Expr::or)
        .unwrap_or_else(|| lit(true).not())
}

#[cfg(test)]
mod tests;
