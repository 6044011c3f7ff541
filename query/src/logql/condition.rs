//! What a row must meet at least, as DataFusion and the index understand it: a bound from above.
//!
//! `|= "connection refused"` becomes two conditions: that the body has the text, and that it has
//! its words, of which the first may be the end and the last the start of a longer one. The index
//! knows words; it does not know about upper and lower case, nor about what is between them.

use datafusion::functions::string::expr_fn::contains;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, in_list, lit};
use datafusion::prelude::col;

use super::ast::{LabelFilter, LineFilter, LineTest, LogQuery, Matcher, Stage, TextOp, TextTest};
use super::fields::{Fields, Place};
use super::labels::EXTRACTED;
use super::rows::{DETECTED_LEVEL, LEVEL, SERVICE, UNKNOWN, is_fixed};
use crate::functions::{attribute_value, matches};
use crate::language::{level_name, level_rank_expr};

/// Alternatives of a regular expression that become a list.
const MAX_ALTERNATIVES: usize = 64;

/// Conditions that must all hold.
const MAX_CONJUNCTS: usize = 32;

/// Ranks of levels.
const RANKS: std::ops::RangeInclusive<i32> = 0..=6;

/// A condition on rows.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) expr: Expr,
    /// Whether the rows that meet it are exactly those that the query leaves.
    pub(crate) exact: bool,
}

/// Whether the condition may look for attributes.
pub(crate) fn needs_fields(query: &LogQuery) -> bool {
    let mut found = query.matchers.iter().any(|m| !is_fixed(&m.name));
    for stage in &query.stages {
        if let Stage::Filter(filter) = stage {
            filter.names(&mut |name| found |= !is_fixed(name));
        }
    }
    found
}

/// The condition of a selector and its stages.
pub(crate) fn condition(query: &LogQuery, fields: &Fields) -> Condition {
    let mut found = Vec::new();
    let mut exact = true;
    let mut take = |condition: Option<(Expr, bool)>| match condition {
        Some((expr, is_exact)) => {
            found.push(expr);
            exact &= is_exact;
        }
        None => exact = false,
    };
    for matcher in &query.matchers {
        take(of_label(matcher, fields));
    }
    let (mut line_is_body, mut labels_are_own) = (true, true);
    for stage in &query.stages {
        match stage {
            Stage::Line(filter) if line_is_body => take(of_line(filter)),
            Stage::Filter(filter) if labels_are_own => take(of_filter(filter, fields)),
            Stage::Line(_) | Stage::Filter(_) => take(None),
            Stage::LineFormat(_) | Stage::Decolorize => line_is_body = false,
            Stage::Unpack => (line_is_body, labels_are_own) = (false, false),
            Stage::Json(_)
            | Stage::Logfmt { .. }
            | Stage::Regexp(_)
            | Stage::Pattern(_)
            | Stage::LabelFormat(_)
            | Stage::Drop(_)
            | Stage::Keep(_) => labels_are_own = false,
        }
    }
    // More would narrow little, and DataFusion makes a chain of them.
    let mut room = MAX_CONJUNCTS;
    found.retain(|expr| {
        let left = room.checked_sub(count_conjuncts(expr));
        exact &= left.is_some();
        room = left.unwrap_or(room);
        left.is_some()
    });
    Condition {
        expr: joined(found, Operator::And).unwrap_or_else(|| lit(true)),
        exact,
    }
}

fn count_conjuncts(expr: &Expr) -> usize {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if *op == Operator::And => {
            count_conjuncts(left) + count_conjuncts(right)
        }
        _ => 1,
    }
}

/// A balanced tree, so that hundreds of terms are ten deep and not hundreds.
fn joined(mut parts: Vec<Expr>, op: Operator) -> Option<Expr> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        count => {
            let right = parts.split_off(count / 2);
            Some(binary(joined(parts, op)?, op, joined(right, op)?))
        }
    }
}

fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

// === labels ===

fn of_filter(filter: &LabelFilter, fields: &Fields) -> Option<(Expr, bool)> {
    let mut parts = Vec::new();
    let op = match filter {
        LabelFilter::Text(matcher) => return of_label(matcher, fields),
        LabelFilter::Number { .. } | LabelFilter::Ip { .. } => return None,
        LabelFilter::And(..) => {
            conjuncts(filter, &mut parts);
            Operator::And
        }
        LabelFilter::Or(..) => {
            disjuncts(filter, &mut parts);
            Operator::Or
        }
    };
    let mut exact = true;
    let mut found = Vec::new();
    for part in parts {
        match of_filter(part, fields) {
            Some((expr, is_exact)) => {
                exact &= is_exact;
                found.push(expr);
            }
            None if op == Operator::And => exact = false,
            None => return None,
        }
    }
    joined(found, op).map(|expr| (expr, exact))
}

fn conjuncts<'a>(filter: &'a LabelFilter, parts: &mut Vec<&'a LabelFilter>) {
    match filter {
        LabelFilter::And(left, right) => {
            conjuncts(left, parts);
            conjuncts(right, parts);
        }
        other => parts.push(other),
    }
}

fn disjuncts<'a>(filter: &'a LabelFilter, parts: &mut Vec<&'a LabelFilter>) {
    match filter {
        LabelFilter::Or(left, right) => {
            disjuncts(left, parts);
            disjuncts(right, parts);
        }
        other => parts.push(other),
    }
}

/// A condition, and whether it is all that the matcher says.
fn of_label(matcher: &Matcher, fields: &Fields) -> Option<(Expr, bool)> {
    let test = &matcher.test;
    match matcher.name.as_str() {
        SERVICE => Some((of_text(col("service_name"), test), true)),
        LEVEL => Some((of_level(test, "")?, true)),
        DETECTED_LEVEL => Some((of_level(test, UNKNOWN)?, true)),
        // Ids are in columns, as lower-case digits.
        id @ ("trace_id" | "span_id") => {
            let values = values_of(test)?.into_iter().map(lit).collect();
            Some((in_list(col(id), values, false), true))
        }
        // What went wrong is no attribute.
        name if is_fixed(name) || name.starts_with("__") => None,
        name => Some((of_attribute(name, &values_of(test)?, fields)?, false)),
    }
}

/// Texts of which a test wants one; `None` if it is about something else, or nothing is one.
fn values_of(test: &TextTest) -> Option<Vec<String>> {
    let values = match test.op {
        TextOp::Equal => vec![test.value.clone()],
        TextOp::Regex => alternatives(&test.value)?,
        TextOp::NotEqual | TextOp::NotRegex => return None,
    };
    let all_there = values.iter().all(|value| !value.is_empty());
    all_there.then_some(values)
}

/// `a|b|c`: what Grafana makes of a choice of several.
fn alternatives(pattern: &str) -> Option<Vec<String>> {
    let inside = pattern
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap_or(pattern);
    let values: Option<Vec<String>> = inside.split('|').map(literal).collect();
    values.filter(|values| values.len() <= MAX_ALTERNATIVES)
}

/// What a regular expression without any operator means.
fn literal(pattern: &str) -> Option<String> {
    let mut text = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                c if c.is_ascii_punctuation() => text.push(c),
                _ => return None,
            },
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' => return None,
            c => text.push(c),
        }
    }
    Some(text)
}

/// A test of a column that is never null.
fn of_text(column: Expr, test: &TextTest) -> Expr {
    let values = |text: &TextTest| values_of(text).map(|v| v.into_iter().map(lit).collect());
    match (test.op, values(test)) {
        (TextOp::Equal, _) => column.eq(lit(test.value.as_str())),
        (TextOp::NotEqual, _) => column.not_eq(lit(test.value.as_str())),
        (TextOp::Regex, Some(values)) => in_list(column, values, false),
        (op, _) => {
            let op = if op == TextOp::Regex {
                Operator::RegexMatch
            } else {
                Operator::RegexNotMatch
            };
            binary(column, op, lit(format!("^(?s:{})$", test.value)))
        }
    }
}

/// The ranks whose names meet the test.
fn of_level(test: &TextTest, unset: &str) -> Option<Expr> {
    let name = |rank: i32| if rank == 0 { unset } else { level_name(rank) };
    let ranks: Vec<i32> = RANKS.filter(|rank| test.holds(name(*rank))).collect();
    if ranks.len() == RANKS.count() {
        return Some(lit(true));
    }
    let rank = level_rank_expr().ok()?;
    Some(in_list(rank, ranks.into_iter().map(lit).collect(), false))
}

/// `false` if no row has the attribute; `None` if nothing can be said.
fn of_attribute(name: &str, values: &[String], fields: &Fields) -> Option<Expr> {
    if name.ends_with(EXTRACTED) {
        return None;
    }
    let places = fields.places(name)?;
    // The label shows lists as plain JSON, which is not what is stored.
    if places.iter().any(|place| !place.plain) {
        return None;
    }
    let values: Vec<Expr> = values.iter().map(|value| lit(value.as_str())).collect();
    let equal = |place: &Place| {
        let value = attribute_value(col(place.column), &place.key);
        match values.as_slice() {
            [only] => value.eq(only.clone()),
            _ => in_list(value, values.clone(), false),
        }
    };
    let any = joined(places.iter().map(equal).collect(), Operator::Or);
    Some(any.unwrap_or_else(|| lit(false)))
}

// === lines ===

/// A row without a body has an empty line.
fn of_line(filter: &LineFilter) -> Option<(Expr, bool)> {
    let tests: Option<Vec<(Expr, bool)>> = filter.any.iter().map(of_test).collect();
    let tests = tests?;
    if filter.negated {
        // What is not exact cannot be turned round.
        let nots = tests
            .into_iter()
            .filter_map(|(expr, exact)| exact.then(|| expr.is_not_true()));
        let nots: Vec<Expr> = nots.collect();
        let exact = nots.len() == filter.any.len();
        return Some((joined(nots, Operator::And)?, exact));
    }
    let exact = tests.iter().all(|(_, exact)| *exact);
    let any = tests.into_iter().map(|(expr, _)| expr).collect();
    let any = joined(any, Operator::Or)?;
    // Without a line nothing is looked at, so words may narrow what is read.
    let words: Option<Vec<Expr>> = filter.any.iter().map(words_of).collect();
    Some(match words.and_then(|words| joined(words, Operator::Or)) {
        Some(words) => (words.and(any), exact),
        None => (any, exact),
    })
}

fn of_test(test: &LineTest) -> Option<(Expr, bool)> {
    let body = || col("body");
    match test {
        LineTest::Contains(text) if text.is_empty() => Some((lit(true), true)),
        LineTest::Contains(text) => Some((contains(body(), lit(text.as_str())).is_true(), true)),
        LineTest::Regex(regex) => {
            let is = binary(body(), Operator::RegexMatch, lit(regex.as_str()));
            let expr = if regex.is_match("") {
                is.is_not_false()
            } else {
                is.is_true()
            };
            Some((expr, true))
        }
        LineTest::Pattern(pattern) => {
            let texts = pattern
                .texts()
                .map(|text| contains(body(), lit(text)).is_true());
            Some((texts.reduce(Expr::and)?, false))
        }
        LineTest::Ip(_) => None,
    }
}

/// The words that a body with the text has, as a filter that the index understands.
fn words_of(test: &LineTest) -> Option<Expr> {
    match test {
        LineTest::Contains(text) => words(text),
        LineTest::Pattern(pattern) => pattern.texts().filter_map(words).reduce(Expr::and),
        LineTest::Regex(_) | LineTest::Ip(_) => None,
    }
}

/// Only of ASCII texts: what a letter is in lower case may depend on its neighbours.
fn words(text: &str) -> Option<Expr> {
    let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    if !text.is_ascii() || !text.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let mut query: String = spoor_storage::text::tokens(text)
        .collect::<Vec<_>>()
        .join(".");
    if letter(text.as_bytes().first()) {
        query.insert(0, '*');
    }
    if letter(text.as_bytes().last()) {
        query.push('*');
    }
    Some(matches(col("body"), &query))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_open_where_the_text_is() {
        let query = |text: &str| words(text).map(|expr| expr.to_string());
        let of = |words: &str| Some(format!("matches(body, Utf8(\"{words}\"))"));
        assert_eq!(query("refused"), of("*refused*"));
        assert_eq!(query("Connection refused: 5"), of("*connection.refused.5*"));
        assert_eq!(query(" error "), of("error"));
        assert_eq!(query("=\"GET /a"), of("get.a*"));
        assert_eq!(query("--"), None);
        assert_eq!(query("naïve"), None);
    }

    #[test]
    fn a_choice_is_a_list() {
        let found = |pattern: &str| alternatives(pattern).unwrap_or_default();
        assert_eq!(found("a|b-c"), ["a", "b-c"]);
        assert_eq!(found("(a|b\\.c)"), ["a", "b.c"]);
        assert!(found("a.*|b").is_empty());
        assert!(found("\\d|b").is_empty());
    }
}
