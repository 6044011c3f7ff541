//! What a span must meet to be found by a Jaeger search: all of it on one span.

use datafusion::logical_expr::Expr;
use datafusion::prelude::{col, lit};

use super::parameters::TraceQuery;
use crate::functions::attribute_value;

/// The condition of a query, without its time range.
pub(super) fn condition(query: &TraceQuery) -> Expr {
    let mut parts = Vec::new();
    if let Some(service) = &query.service {
        parts.push(col("service_name").eq(lit(service.as_str())));
    }
    if let Some(operation) = &query.operation {
        parts.push(col("name").eq(lit(operation.as_str())));
    }
    if let Some(min) = query.min_duration_ns {
        parts.push(col("duration_ns").gt_eq(lit(min)));
    }
    if let Some(max) = query.max_duration_ns {
        parts.push(col("duration_ns").lt_eq(lit(max)));
    }
    parts.extend(query.tags.iter().map(|(key, value)| tag(key, value)));
    parts
        .into_iter()
        .reduce(Expr::and)
        .unwrap_or_else(|| lit(true))
}

/// A tag is an attribute of the span or its resource; some are made of a span's own fields.
fn tag(key: &str, value: &str) -> Expr {
    let attribute = |column: &str| attribute_value(col(column), key).eq(lit(value));
    let sent = attribute("attributes").or(attribute("resource_attributes"));
    let made = match (key, value) {
        ("error", "true") => col("status_code").eq(lit("ERROR")),
        ("error", "false") => col("status_code").not_eq(lit("ERROR")),
        ("otel.status_code", _) => col("status_code").eq(lit(value.to_uppercase())),
        ("otel.status_description", _) => col("status_message").eq(lit(value)),
        ("span.kind", _) => col("kind").eq(lit(value.to_uppercase())),
        ("otel.scope.name" | "otel.library.name", _) => col("scope_name").eq(lit(value)),
        ("otel.scope.version" | "otel.library.version", _) => col("scope_version").eq(lit(value)),
        ("w3c.tracestate", _) => col("trace_state").eq(lit(value)),
        _ => return sent,
    };
    made.or(sent)
}
