//! Everything that reads a query which may be any text: the entry points of `fuzz/`, and of the tests
//! here that change good queries at random. None may panic, hang, or run out of stack.
//!
//! What must hold is asserted: errors point into the text and say something, and what is printed
//! again means the same. What the functions return is how much they made of it, so that a test can
//! tell that good queries are read at all.

use std::sync::LazyLock;

use arrow::datatypes::Schema;
use datafusion::common::DFSchema;
use datafusion::execution::context::SessionContext;
use spoor_storage::Table;

use crate::language::{self, SyntaxError};
use crate::table::logical_schema;
use crate::traceql::ast::{FieldExpr, SpansetExpr, Stage};
use crate::{logql, sql, traceql};

static CONTEXT: LazyLock<SessionContext> = LazyLock::new(SessionContext::new);

/// A query of the search language; for how many of the tables it means something.
pub fn search(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let Some(query) = read(&text, language::parse(&text)) else {
        return 0;
    };
    Table::ALL
        .into_iter()
        .filter(|table| means_something(&text, &query, *table))
        .count()
}

/// What a table makes of it can be planned: whatever is wrong with a query, the language says so.
fn means_something(text: &str, query: &language::Query, table: Table) -> bool {
    // `trace:(…)` and `logs:(…)` are looked at here only as far as their own conditions.
    if read(text, language::check(query, table)).is_none() {
        return false;
    }
    let Ok(condition) = language::to_expr(query, table) else {
        return true;
    };
    let schema = Schema::clone(&logical_schema(table));
    let planned = DFSchema::try_from(schema)
        .and_then(|schema| CONTEXT.create_physical_expr(condition, &schema));
    if let Err(error) = planned {
        assert!(is_of_a_regex(&error.to_string()), "{text}: {error}");
    }
    true
}

/// Regular expressions are compiled with two different bounds on their size.
fn is_of_a_regex(message: &str) -> bool {
    message.contains("regex") || message.contains("Regular expression")
}

/// A TraceQL query; its stages.
pub fn traceql(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let Some(query) = read(&text, traceql::parse(&text)) else {
        return 0;
    };
    for filter in filters(&query.stages) {
        let printed = format!("{{ {filter} }}");
        match traceql::parse(&printed) {
            Ok(again) => assert_eq!(filters(&again.stages), [filter], "{text}: {printed}"),
            Err(error) => assert!(is_of_depth(&error), "{text}: {printed}: {error}"),
        }
    }
    query.stages.len()
}

/// The conditions on single spans.
fn filters(stages: &[Stage]) -> Vec<&FieldExpr> {
    let mut found = Vec::new();
    for stage in stages {
        if let Stage::Spans(expr) = stage {
            filters_of(expr, &mut found);
        }
    }
    found
}

fn filters_of<'q>(expr: &'q SpansetExpr, found: &mut Vec<&'q FieldExpr>) {
    match expr {
        SpansetExpr::Filter(filter) => found.push(filter),
        SpansetExpr::Combined { left, right, .. } => {
            filters_of(left, found);
            filters_of(right, found);
        }
        SpansetExpr::Pipeline(stages) => found.extend(filters(stages)),
    }
}

/// A LogQL query; 1 if it is one.
pub fn logql(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let Some(query) = read(&text, logql::parse(&text)) else {
        return 0;
    };
    let printed = query.to_string();
    match logql::parse(&printed) {
        Ok(again) => assert_eq!(again.to_string(), printed, "{text}"),
        Err(error) => assert!(is_of_depth(&error), "{text}: {printed}: {error}"),
    }
    1
}

/// What is printed has all its parentheses, and there may be only so many one in the other.
fn is_of_depth(error: &SyntaxError) -> bool {
    error.message.contains("deep") || error.message.contains("longer")
}

/// An SQL statement, up to where DataFusion plans it; 1 if it may be planned, and one more for each
/// attribute that it names.
pub fn sql(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    match sql::attributes_of(&CONTEXT.state(), &text) {
        Ok(attributes) => 1 + attributes,
        Err(error) => {
            assert!(!error.message().is_empty(), "{text}");
            0
        }
    }
}

/// What was read; an error must say what is wrong, at a character of the text or at its end.
fn read<T>(text: &str, parsed: Result<T, SyntaxError>) -> Option<T> {
    match parsed {
        Ok(parsed) => Some(parsed),
        Err(error) => {
            assert!(error.position <= text.chars().count(), "{text}: {error:?}");
            assert!(!error.message.is_empty(), "{text}");
            None
        }
    }
}

#[cfg(test)]
mod tests;
