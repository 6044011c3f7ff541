//! Values of a field among the spans that a filter keeps.

use std::collections::BTreeMap;

use spoor_storage::{Error, Result, TimeRange};

use super::ast::{Field, FieldExpr, Query, SpansetExpr, Stage};
use super::condition::{Arrays, condition};
use super::evaluate::group_key;
use super::load::{field_columns, spans_where};
use super::metrics::{keeps, own, streams_whole};
use super::value::Value;
use crate::failure::from_datafusion;
use crate::otlp::{SpanColumns, SpanRef};
use crate::session::QuerySession;
use crate::trace::time_condition;

/// A field as a query names it. Errors if it is not one.
pub(crate) fn field_named(text: &str) -> Result<Field> {
    let query = super::parse(&format!("{{ {text} != nil }}"))?;
    match query.stages.as_slice() {
        [Stage::Spans(SpansetExpr::Filter(FieldExpr::Compare { left, .. }))] => {
            match left.as_ref() {
                FieldExpr::Field(field) => Ok(field.clone()),
                _ => Err(Error::invalid(format!("`{text}` is not a field"))),
            }
        }
        _ => Err(Error::invalid(format!("`{text}` is not a field"))),
    }
}

/// At most `most` different values, in order. A query that takes whole traces narrows nothing
/// here.
pub(crate) async fn values_of(
    session: &QuerySession,
    query: Option<&Query>,
    field: &Field,
    range: TimeRange,
    most: usize,
) -> Result<Vec<Value<'static>>> {
    let stages: &[Stage] = query
        .filter(|query| streams_whole(query))
        .map_or(&[], |query| &query.stages);
    let condition = condition(stages, &Arrays::of(session));
    let time = time_condition("start_time", range);
    let condition = match (condition, time) {
        (Some(condition), Some(time)) => Some(condition.and(time)),
        (condition, time) => condition.or(time),
    };
    let mut columns = vec!["start_time"];
    field_columns(field, &mut columns);
    for stage in stages {
        stage.fields(&mut |field| field_columns(field, &mut columns));
    }
    let frame = spans_where(session, condition)
        .await?
        .select_columns(&columns)
        .map_err(from_datafusion)?;
    let mut found: BTreeMap<String, Value<'static>> = BTreeMap::new();
    let mut batches = session.stream(frame).await?;
    while found.len() < most
        && let Some(batch) = session.next(&mut batches).await?
    {
        let columns = SpanColumns::open_part(&batch)?;
        for row in 0..columns.len() {
            let span = SpanRef {
                columns: &columns,
                row,
            };
            let lookup = |field: &Field| own(field, span);
            if stages.iter().all(|stage| keeps(stage, &lookup)) {
                add(&mut found, lookup(field), most);
            }
        }
    }
    Ok(found.into_values().collect())
}

fn add(found: &mut BTreeMap<String, Value<'static>>, value: Value<'_>, most: usize) {
    match value {
        Value::Nil => {}
        Value::List(members) => members
            .into_iter()
            .for_each(|member| add(found, member, most)),
        value if found.len() < most => {
            found
                .entry(group_key(&value))
                .or_insert_with(|| value.into_owned());
        }
        _ => {}
    }
}
