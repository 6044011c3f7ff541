//! The value of an expression for one span.

use spoor_storage::ValueType;

use super::ast::{Comparison, Field, FieldExpr, Intrinsic, Scope, Target};
use super::value::{Kind, Status, Value, arithmetic, compare, matches, negative};
use crate::otlp::{Attribute, Attributes, SpanRef};

/// The attribute that every span's resource has; it is a column of its own.
pub(super) const SERVICE_NAME: &str = "service.name";

/// What `expr` is where `lookup` knows the fields.
pub(super) fn value_of<'a>(
    expr: &'a FieldExpr,
    lookup: &impl Fn(&'a Field) -> Value<'a>,
) -> Value<'a> {
    match expr {
        FieldExpr::Literal(literal) => borrowed(literal),
        FieldExpr::Field(field) => lookup(field),
        FieldExpr::Negative(inner) => negative(&value_of(inner, lookup)),
        FieldExpr::Arithmetic { op, left, right } => {
            arithmetic(*op, &value_of(left, lookup), &value_of(right, lookup))
        }
        condition => Value::Bool(is_true(condition, lookup)),
    }
}

/// Whether `expr` is true where `lookup` knows the fields.
pub(super) fn is_true<'a>(expr: &'a FieldExpr, lookup: &impl Fn(&'a Field) -> Value<'a>) -> bool {
    match expr {
        FieldExpr::And(left, right) => is_true(left, lookup) && is_true(right, lookup),
        FieldExpr::Or(left, right) => is_true(left, lookup) || is_true(right, lookup),
        // Only what is false is not true: a field that is not there is neither.
        FieldExpr::Not(inner) => matches!(value_of(inner, lookup), Value::Bool(false)),
        FieldExpr::Compare { op, left, right } => {
            let (left, right) = (value_of(left, lookup), value_of(right, lookup));
            if asked_for_nil(expr) {
                (left.is_nil() && right.is_nil()) == (*op == Comparison::Equal)
            } else {
                compare(*op, &left, &right)
            }
        }
        FieldExpr::Match {
            subject,
            pattern,
            negated,
        } => matches(&value_of(subject, lookup), pattern, *negated),
        value => value_of(value, lookup).is_true(),
    }
}

/// `= nil` and `!= nil` ask whether something is there.
fn asked_for_nil(expr: &FieldExpr) -> bool {
    let is_nil = |expr: &FieldExpr| matches!(expr, FieldExpr::Literal(Value::Nil));
    matches!(expr, FieldExpr::Compare { left, right, .. } if is_nil(left) || is_nil(right))
}

fn borrowed<'a>(literal: &'a Value<'static>) -> Value<'a> {
    match literal {
        Value::Text(text) => Value::text(text),
        other => other.clone(),
    }
}

/// A field that a span has by itself; `None` for those that take its trace.
pub(super) fn own_value<'a>(target: &Target, span: SpanRef<'a>) -> Option<Value<'a>> {
    match target {
        Target::Intrinsic(intrinsic) => own_intrinsic(*intrinsic, span),
        Target::Attribute { scope, key } => Some(attribute(*scope, key, span)),
    }
}

fn own_intrinsic(intrinsic: Intrinsic, span: SpanRef<'_>) -> Option<Value<'_>> {
    let SpanRef { columns, row } = span;
    Some(match intrinsic {
        Intrinsic::Name => Value::text(columns.name(row)),
        Intrinsic::Status => status(columns.status_code(row)),
        Intrinsic::StatusMessage => Value::optional(columns.status_message(row)),
        Intrinsic::Kind => kind(columns.kind(row)),
        Intrinsic::Duration => Value::Duration(columns.duration_ns(row)),
        Intrinsic::SpanId => Value::Text(hex::encode(columns.span_id(row)).into()),
        Intrinsic::ParentId => match columns.parent_span_id(row) {
            Some(id) => Value::Text(hex::encode(id).into()),
            None => Value::Nil,
        },
        Intrinsic::TraceId => Value::Text(hex::encode(columns.trace_id(row)).into()),
        Intrinsic::EventName => Value::list(
            columns
                .events(row)
                .map(|event| Value::text(event.name))
                .collect(),
        ),
        Intrinsic::EventTimeSinceStart => {
            let start = columns.start_ns(row);
            let since = |at: i64| Value::Duration(at.saturating_sub(start));
            Value::list(
                columns
                    .events(row)
                    .map(|event| since(event.time_ns))
                    .collect(),
            )
        }
        Intrinsic::LinkTraceId => {
            let ids = columns.links(row).map(|link| hex::encode(link.trace_id));
            Value::list(ids.map(|id| Value::Text(id.into())).collect())
        }
        Intrinsic::LinkSpanId => {
            let ids = columns.links(row).map(|link| hex::encode(link.span_id));
            Value::list(ids.map(|id| Value::Text(id.into())).collect())
        }
        Intrinsic::InstrumentationName => Value::optional(columns.scope(row).name),
        Intrinsic::InstrumentationVersion => Value::optional(columns.scope(row).version),
        Intrinsic::ChildCount
        | Intrinsic::NestedSetLeft
        | Intrinsic::NestedSetRight
        | Intrinsic::NestedSetParent
        | Intrinsic::TraceDuration
        | Intrinsic::RootName
        | Intrinsic::RootServiceName => return None,
    })
}

fn status(word: &str) -> Value<'_> {
    let known = Status::ALL
        .into_iter()
        .find(|status| status.word().eq_ignore_ascii_case(word));
    known.map_or(Value::Nil, Value::Status)
}

fn kind(word: &str) -> Value<'_> {
    let known = Kind::ALL
        .into_iter()
        .find(|kind| kind.word().eq_ignore_ascii_case(word));
    known.map_or(Value::Nil, Value::Kind)
}

fn attribute<'a>(scope: Option<Scope>, key: &str, span: SpanRef<'a>) -> Value<'a> {
    let SpanRef { columns, row } = span;
    match scope {
        Some(Scope::Span) => find(columns.attributes(row), key),
        Some(Scope::Resource) if key == SERVICE_NAME => Value::text(columns.service_name(row)),
        Some(Scope::Resource) => find(columns.resource(row), key),
        Some(Scope::Instrumentation) => find(columns.scope_attributes(row), key),
        Some(Scope::Event) => all(columns.events(row).map(|event| event.attributes), key),
        Some(Scope::Link) => all(columns.links(row).map(|link| link.attributes), key),
        None => match find(columns.attributes(row), key) {
            Value::Nil => attribute(Some(Scope::Resource), key, span),
            found => found,
        },
    }
}

/// The first entry with the key counts, as everywhere.
fn find<'a>(attributes: Attributes<'a>, key: &str) -> Value<'a> {
    attributes.iter().find(|entry| entry.key == key).map_or(
        Value::Nil,
        |Attribute {
             value_type, text, ..
         }| { Value::of_attribute(value_type, text) },
    )
}

/// The values of a key in several lists of attributes.
fn all<'a>(lists: impl Iterator<Item = Attributes<'a>>, key: &str) -> Value<'a> {
    let mut members = Vec::new();
    for attributes in lists {
        match find(attributes, key) {
            Value::Nil => {}
            Value::List(inner) => members.extend(inner),
            value => members.push(value),
        }
    }
    Value::list(members)
}

/// Whether texts of this type can be read as one of several values.
pub(super) fn is_list_type(letter: char) -> bool {
    letter == ValueType::Array.letter()
}
