//! What a span must meet at least to be among the spans that a query finds.
//!
//! Bounds from above: where something cannot be said in columns, everything meets it. What is
//! found is decided by [`super::evaluate`]; this only says where to look.

use std::collections::HashSet;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, lit, try_cast};
use datafusion::prelude::{col, starts_with};
use spoor_storage::model::write_double;
use spoor_storage::{Table, TimeRange, TraceId};

use super::ast::{
    Comparison, Field, FieldExpr, Intrinsic, Pattern, Scope, Shown, SpansetExpr, SpansetOp, Stage,
    Target,
};
use super::field::{SERVICE_NAME, is_list_type};
use super::value::Value;
use crate::functions::{attribute_value, links_to};
use crate::session::QuerySession;
use crate::table::Place;

/// Whole numbers up to this size are floats without loss.
const EXACT_IN_FLOAT: f64 = 9_007_199_254_740_992.0;

/// A query looks for the traces of at most this many conditions beside its first.
const MAX_REQUIREMENTS: usize = 3;

/// How OTLP JSON's `ArrayValue` begins.
const ARRAY_START: &str = "{\"values\":";

/// Statistics of a file name at most this many fields.
const MAX_LISTED_FIELDS: usize = 4_096;

/// Which attributes may be arrays. An array meets a comparison if one of its members does, so its
/// text says nothing.
#[derive(Debug, Default)]
pub(super) struct Arrays {
    /// By qualified name.
    known: HashSet<String>,
    /// Whether the statistics leave fields out.
    any: bool,
}

impl Arrays {
    /// From the statistics of everything that the query sees.
    pub(super) fn of(session: &QuerySession) -> Self {
        let (snapshot, tenant) = (session.snapshot(), session.tenant());
        let files = snapshot.files(tenant, Table::Spans, TimeRange::ALL);
        let complete = |file: &spoor_storage::DataFile| {
            (1..MAX_LISTED_FIELDS).contains(&file.fields.fields.len())
        };
        if !files.iter().all(|file| complete(file)) {
            return Self {
                known: HashSet::new(),
                any: true,
            };
        }
        let statistics = snapshot.field_statistics(tenant, Table::Spans, TimeRange::ALL);
        let listed = statistics.fields.len();
        let with_arrays = statistics
            .fields
            .into_iter()
            .filter(|(_, field)| field.types.keys().any(|letter| is_list_type(*letter)));
        Self {
            known: with_arrays.map(|(name, _)| name).collect(),
            any: listed >= MAX_LISTED_FIELDS
                && !snapshot
                    .batches(tenant, Table::Spans, TimeRange::ALL)
                    .is_empty(),
        }
    }

    fn possible(&self, place: Place, key: &str) -> bool {
        self.any || self.known.contains(&format!("{}.{key}", place.prefix()))
    }
}

/// What the spans that `stages` leave must meet; `None`: nothing.
pub(super) fn condition(stages: &[Stage], arrays: &Arrays) -> Option<Expr> {
    let conditions = stages.iter().filter_map(|stage| match stage {
        Stage::Spans(expr) => of_spanset(expr, arrays),
        Stage::Scalar(filter) => of_pipelines(&filter.pipelines(), arrays),
        _ => None,
    });
    joined(conditions.collect(), Operator::And)
}

/// Spans of any of the pipelines are left.
fn of_pipelines(pipelines: &[&[Stage]], arrays: &Arrays) -> Option<Expr> {
    let each: Option<Vec<Expr>> = pipelines
        .iter()
        .map(|stages| condition(stages, arrays))
        .collect();
    joined(each?, Operator::Or)
}

/// What some span of a trace, anywhere and at any time, must meet each; only conditions that few
/// traces meet, for others it costs less to read the traces.
pub(super) fn requirements(stages: &[Stage], arrays: &Arrays) -> Vec<Expr> {
    let mut found = Vec::new();
    for stage in stages {
        if let Stage::Spans(expr) = stage {
            require(expr, arrays, &mut found);
        }
    }
    found.truncate(MAX_REQUIREMENTS);
    found
}

fn require(expr: &SpansetExpr, arrays: &Arrays, found: &mut Vec<Expr>) {
    match expr {
        SpansetExpr::Filter(filter) => require_root(filter, found),
        SpansetExpr::Combined { op, left, right } => {
            let needs_left = match op {
                SpansetOp::Or => return,
                SpansetOp::And => true,
                SpansetOp::Structural { result, .. } => *result != Shown::RightWithout,
            };
            let sides = [(left, needs_left), (right, true)];
            for (side, needed) in sides {
                if !needed {
                    continue;
                }
                require(side, arrays, found);
                if let SpansetExpr::Filter(filter) = side.as_ref()
                    && is_rare(filter)
                    && let Some(condition) = of_filter(filter, arrays)
                {
                    found.push(condition);
                }
            }
        }
        SpansetExpr::Pipeline(stages) => {
            for stage in stages {
                if let Stage::Spans(expr) = stage {
                    require(expr, arrays, found);
                }
            }
        }
    }
}

/// `rootName = "x"`: the trace has a span without a parent that is called so.
fn require_root(filter: &FieldExpr, found: &mut Vec<Expr>) {
    let column = |field: &FieldExpr| match field {
        FieldExpr::Field(Field {
            target: Target::Intrinsic(intrinsic),
            of_parent: false,
        }) => match intrinsic {
            Intrinsic::RootName => Some("name"),
            Intrinsic::RootServiceName => Some("service_name"),
            _ => None,
        },
        _ => None,
    };
    let condition = match filter {
        FieldExpr::And(left, right) => {
            require_root(left, found);
            require_root(right, found);
            return;
        }
        FieldExpr::Compare {
            op: Comparison::Equal,
            left,
            right,
        } => match (column(left), right.as_ref()) {
            (Some(column), FieldExpr::Literal(Value::Text(text))) => {
                col(column).eq(lit(text.as_ref()))
            }
            _ => return,
        },
        FieldExpr::Match {
            subject,
            pattern,
            negated: false,
        } => match column(subject) {
            Some(column) => matching(col(column), pattern),
            None => return,
        },
        _ => return,
    };
    found.push(col("parent_span_id").is_null().and(condition));
}

/// Whether the index finds what meets a filter: it asks for a value of an attribute.
fn is_rare(filter: &FieldExpr) -> bool {
    match filter {
        FieldExpr::And(left, right) => is_rare(left) || is_rare(right),
        FieldExpr::Or(left, right) => is_rare(left) && is_rare(right),
        FieldExpr::Compare {
            op: Comparison::Equal,
            left,
            right,
        } => match (left.as_ref(), right.as_ref()) {
            (FieldExpr::Field(field), FieldExpr::Literal(value)) => {
                !value.is_nil() && !field.of_parent && is_indexed(&field.target)
            }
            _ => false,
        },
        _ => false,
    }
}

fn is_indexed(target: &Target) -> bool {
    match target {
        Target::Attribute { scope, key } => {
            key != SERVICE_NAME && !matches!(scope, Some(Scope::Event | Scope::Link))
        }
        Target::Intrinsic(intrinsic) => *intrinsic == Intrinsic::LinkTraceId,
    }
}

fn of_spanset(expr: &SpansetExpr, arrays: &Arrays) -> Option<Expr> {
    match expr {
        SpansetExpr::Filter(filter) => of_filter(filter, arrays),
        SpansetExpr::Pipeline(stages) => condition(stages, arrays),
        SpansetExpr::Combined { op, left, right } => {
            let right = of_spanset(right, arrays);
            match op {
                SpansetOp::Structural {
                    result: Shown::Right | Shown::RightWithout,
                    ..
                } => right,
                _ => Some(of_spanset(left, arrays)?.or(right?)),
            }
        }
    }
}

/// A balanced tree, so that many terms are not deep.
fn joined(mut parts: Vec<Expr>, op: Operator) -> Option<Expr> {
    match parts.len() {
        0 | 1 => parts.pop(),
        count => {
            let right = joined(parts.split_off(count / 2), op)?;
            Some(binary(joined(parts, op)?, op, right))
        }
    }
}

fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

/// The operands of a chain of `&&`, or of `||`.
fn operands<'e>(expr: &'e FieldExpr, and: bool, found: &mut Vec<&'e FieldExpr>) {
    match (expr, and) {
        (FieldExpr::And(left, right), true) | (FieldExpr::Or(left, right), false) => {
            operands(left, and, found);
            operands(right, and, found);
        }
        _ => found.push(expr),
    }
}

fn of_filter(filter: &FieldExpr, arrays: &Arrays) -> Option<Expr> {
    match filter {
        FieldExpr::And(..) => {
            let mut parts = Vec::new();
            operands(filter, true, &mut parts);
            let parts = parts.iter().filter_map(|part| of_filter(part, arrays));
            joined(parts.collect(), Operator::And)
        }
        FieldExpr::Or(..) => {
            let mut parts = Vec::new();
            operands(filter, false, &mut parts);
            let parts: Option<Vec<Expr>> =
                parts.iter().map(|part| of_filter(part, arrays)).collect();
            joined(parts?, Operator::Or)
        }
        FieldExpr::Literal(Value::Bool(false)) => Some(lit(false)),
        FieldExpr::Field(field) => {
            of_comparison(Comparison::Equal, field, &Value::Bool(true), arrays)
        }
        FieldExpr::Compare { op, left, right } => match (left.as_ref(), right.as_ref()) {
            (FieldExpr::Field(field), FieldExpr::Literal(value)) => {
                of_comparison(*op, field, value, arrays)
            }
            (FieldExpr::Literal(value), FieldExpr::Field(field)) => {
                of_comparison(flipped(*op), field, value, arrays)
            }
            _ => None,
        },
        FieldExpr::Match {
            subject,
            pattern,
            negated,
        } => match subject.as_ref() {
            FieldExpr::Field(field) => of_match(field, pattern, *negated, arrays),
            _ => None,
        },
        _ => None,
    }
}

fn flipped(op: Comparison) -> Comparison {
    match op {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        same => same,
    }
}

/// Columns and attributes that a field is the first of.
struct Places<'f> {
    columns: Vec<&'static str>,
    maps: Vec<(Place, &'static str, &'f str)>,
}

fn places(target: &Target) -> Option<Places<'_>> {
    let column = |name| Places {
        columns: vec![name],
        maps: Vec::new(),
    };
    Some(match target {
        Target::Intrinsic(intrinsic) => column(match intrinsic {
            Intrinsic::Name => "name",
            Intrinsic::Status => "status_code",
            Intrinsic::StatusMessage => "status_message",
            Intrinsic::Kind => "kind",
            Intrinsic::Duration => "duration_ns",
            Intrinsic::SpanId => "span_id",
            Intrinsic::ParentId | Intrinsic::NestedSetParent => "parent_span_id",
            Intrinsic::TraceId => "trace_id",
            Intrinsic::InstrumentationName => "scope_name",
            Intrinsic::InstrumentationVersion => "scope_version",
            _ => return None,
        }),
        Target::Attribute { scope, key } => {
            let of = |place: Place| {
                let map = place.column(Table::Spans)?;
                Some((place, map, key.as_str()))
            };
            let is_service = key == SERVICE_NAME;
            let (columns, maps) = match scope {
                Some(Scope::Resource) if is_service => (vec!["service_name"], vec![]),
                None if is_service => (vec!["service_name"], vec![of(Place::Record)?]),
                None => (vec![], vec![of(Place::Record)?, of(Place::Resource)?]),
                Some(Scope::Span) => (vec![], vec![of(Place::Record)?]),
                Some(Scope::Resource) => (vec![], vec![of(Place::Resource)?]),
                Some(Scope::Instrumentation) => (vec![], vec![of(Place::Scope)?]),
                Some(Scope::Event | Scope::Link) => return None,
            };
            Places { columns, maps }
        }
    })
}

/// True if one of the places meets it.
fn any_place(
    field: &Field,
    arrays: &Arrays,
    of_column: impl Fn(&'static str) -> Option<Expr>,
    of_text: impl Fn(Expr) -> Option<Expr>,
) -> Option<Expr> {
    if field.of_parent {
        return None;
    }
    let places = places(&field.target)?;
    let mut parts = Vec::new();
    for column in places.columns {
        parts.push(of_column(column)?);
    }
    for (place, map, key) in places.maps {
        let text = attribute_value(col(map), key);
        let condition = of_text(text.clone())?;
        parts.push(if arrays.possible(place, key) {
            condition.or(starts_with(text, lit(ARRAY_START)))
        } else {
            condition
        });
    }
    joined(parts, Operator::Or)
}

fn of_comparison(
    op: Comparison,
    field: &Field,
    value: &Value<'static>,
    arrays: &Arrays,
) -> Option<Expr> {
    if field.target == Target::Intrinsic(Intrinsic::NestedSetParent) {
        return is_root(op, value).filter(|_| !field.of_parent);
    }
    if value.is_nil() {
        return of_nil(op, field);
    }
    if let Some(id) = linked_trace(op, field, value) {
        return Some(links_to(col("links"), id));
    }
    any_place(
        field,
        arrays,
        |column| column_meets(op, column, value),
        |text| text_meets(op, text, value),
    )
}

/// The trace that a span must link to.
fn linked_trace(op: Comparison, field: &Field, value: &Value<'_>) -> Option<TraceId> {
    let is_link = field.target == Target::Intrinsic(Intrinsic::LinkTraceId) && !field.of_parent;
    let Value::Text(text) = value else {
        return None;
    };
    // A text of another form equals no id.
    let id = text.parse::<TraceId>().ok();
    id.filter(|id| op == Comparison::Equal && is_link && id.to_string() == **text)
}

/// Whether only spans that name no parent have such a number: theirs is -1, others have 0 or more.
fn is_root(op: Comparison, value: &Value<'_>) -> Option<Expr> {
    let Value::Int(number) = value else {
        return None;
    };
    let only = match op {
        Comparison::Less => (0..=0).contains(number),
        Comparison::LessOrEqual | Comparison::Equal => *number == -1,
        _ => false,
    };
    only.then(|| col("parent_span_id").is_null())
}

/// `= nil` and `!= nil`: a field is not there if it is in none of its places.
fn of_nil(op: Comparison, field: &Field) -> Option<Expr> {
    if field.of_parent {
        return None;
    }
    let places = places(&field.target)?;
    let columns = places.columns.into_iter().map(col);
    let maps = places
        .maps
        .into_iter()
        .map(|(_, map, key)| attribute_value(col(map), key));
    let all = columns.chain(maps);
    if op == Comparison::Equal {
        // An empty array is no value either, and its text is not null.
        return None;
    }
    joined(all.map(Expr::is_not_null).collect(), Operator::Or)
}

fn column_meets(op: Comparison, column: &'static str, value: &Value<'_>) -> Option<Expr> {
    let literal = match (column, value) {
        ("duration_ns", Value::Int(number) | Value::Duration(number)) => lit(*number),
        ("duration_ns", Value::Float(number)) => lit(*number),
        ("status_code", Value::Status(status)) => lit(status.word().to_uppercase()),
        ("kind", Value::Kind(kind)) => lit(kind.word().to_uppercase()),
        ("duration_ns" | "status_code" | "kind", _) => return None,
        (_, Value::Text(text)) => lit(text.as_ref()),
        // A text equals nothing else.
        _ => return Some(lit(false)),
    };
    Some(binary(col(column), operator(op), literal))
}

fn operator(op: Comparison) -> Operator {
    match op {
        Comparison::Equal => Operator::Eq,
        Comparison::NotEqual => Operator::NotEq,
        Comparison::Less => Operator::Lt,
        Comparison::LessOrEqual => Operator::LtEq,
        Comparison::Greater => Operator::Gt,
        Comparison::GreaterOrEqual => Operator::GtEq,
    }
}

/// The text of an attribute whose value may meet `op value`.
fn text_meets(op: Comparison, text: Expr, value: &Value<'_>) -> Option<Expr> {
    if op == Comparison::NotEqual {
        return Some(text.is_not_null());
    }
    let is = |wanted: String| text.clone().eq(lit(wanted));
    match value {
        Value::Text(wanted) => Some(binary(text, operator(op), lit(wanted.as_ref()))),
        Value::Bool(wanted) if op == Comparison::Equal => Some(is(wanted.to_string())),
        Value::Int(_) | Value::Float(_) | Value::Duration(_) => {
            let number = value.number()?;
            if op == Comparison::Equal && number.abs() < EXACT_IN_FLOAT {
                let texts = number_texts(number).into_iter().map(is);
                return joined(texts.collect(), Operator::Or);
            }
            // Large whole numbers are rounded here, so that neighbours must be let through.
            let wide = match op {
                Comparison::Less | Comparison::LessOrEqual => Operator::LtEq,
                Comparison::Greater | Comparison::GreaterOrEqual => Operator::GtEq,
                _ => Operator::Eq,
            };
            let as_number = try_cast(text, arrow::datatypes::DataType::Float64);
            Some(binary(as_number, wide, lit(number)))
        }
        _ => Some(text.is_not_null()),
    }
}

/// The texts under which storage keeps values equal to `number`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "whole and below 2^53, checked by the caller"
)]
fn number_texts(number: f64) -> Vec<String> {
    let mut double = Vec::new();
    write_double(&mut double, number);
    let mut texts = vec![String::from_utf8_lossy(&double).into_owned()];
    if number.fract() == 0.0 {
        texts.push((number as i64).to_string());
    }
    if number == 0.0 {
        texts.extend(["0".to_owned(), "-0".to_owned()]);
    }
    texts.sort_unstable();
    texts.dedup();
    texts
}

fn of_match(field: &Field, pattern: &Pattern, negated: bool, arrays: &Arrays) -> Option<Expr> {
    any_place(
        field,
        arrays,
        |column| match column {
            "duration_ns" | "status_code" | "kind" => None,
            _ if negated => Some(col(column).is_not_null()),
            _ => Some(matching(col(column), pattern)),
        },
        |text| {
            Some(if negated {
                text.is_not_null()
            } else {
                matching(text, pattern)
            })
        },
    )
}

fn matching(text: Expr, pattern: &Pattern) -> Expr {
    let pattern = ScalarValue::Utf8(Some(format!("^(?:{})$", pattern.source)));
    binary(text, Operator::RegexMatch, lit(pattern))
}
