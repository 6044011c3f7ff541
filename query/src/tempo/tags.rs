//! Names of fields and their values, to choose from.
//!
//! Names, and values where no query narrows them, come from the statistics of files and buffer:
//! they cost no scan, cover the whole retention, and of a field with many values name the most
//! frequent ones. With `q` the spans are read.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::Path;
use serde::Deserialize;
use serde_json::{Value as Json_, json};
use spoor_storage::{Error, FieldStatistics, Result, Table, TimeRange, ValueType};

use super::answer::TempoError;
use crate::api::{ApiState, Parameters, optional};
use crate::parameters::{TimeParameter, limit, time_range};
use crate::session::QuerySession;
use crate::traceql::ast::{Field, INTRINSICS, Intrinsic, Scope, Target};
use crate::traceql::parse;
use crate::traceql::value::{Kind, Status, Value};
use crate::traceql::values::{field_named, values_of};

const DEFAULT_LIMIT: usize = 1_000;
const MAX_LIMIT: usize = 10_000;

#[derive(Debug, Deserialize)]
pub(super) struct TagParameters {
    #[serde(default)]
    scope: String,
    #[serde(default)]
    q: String,
    #[serde(default, deserialize_with = "optional")]
    limit: Option<usize>,
    #[serde(default, deserialize_with = "optional")]
    start: Option<TimeParameter>,
    #[serde(default, deserialize_with = "optional")]
    end: Option<TimeParameter>,
}

impl TagParameters {
    fn range(&self) -> Result<TimeRange> {
        time_range(self.start, self.end)
    }

    fn limit(&self) -> Result<usize> {
        limit(self.limit.filter(|n| *n > 0), DEFAULT_LIMIT, MAX_LIMIT)
    }
}

fn statistics(session: &QuerySession, range: TimeRange) -> FieldStatistics {
    session.note_skipped(Table::Spans, range);
    session
        .snapshot()
        .field_statistics(session.tenant(), Table::Spans, range)
}

/// Names by scope, in order.
fn names(
    session: &QuerySession,
    given: &TagParameters,
) -> Result<BTreeMap<&'static str, BTreeSet<String>>> {
    let wanted = match given.scope.as_str() {
        "none" => "",
        scope => scope,
    };
    let known = [
        "",
        "span",
        "resource",
        "instrumentation",
        "intrinsic",
        "event",
        "link",
    ];
    if !known.contains(&wanted) {
        return Err(Error::invalid(format!("`{wanted}` is not a scope"))
            .with_hint("the scopes are span, resource, event, link, instrumentation, intrinsic"));
    }
    let mut found: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    for (name, field) in statistics(session, given.range()?).fields {
        let scoped = [
            ("attributes.", "span"),
            ("resource.", "resource"),
            ("scope.", "instrumentation"),
        ];
        for (prefix, scope) in scoped {
            if let Some(key) = name.strip_prefix(prefix).filter(|_| field.count > 0) {
                found.entry(scope).or_default().insert(key.to_owned());
            }
        }
    }
    let intrinsics = INTRINSICS.iter().map(|(name, _)| (*name).to_owned());
    found.insert("intrinsic", intrinsics.collect());
    let most = given.limit()?;
    found.retain(|scope, _| wanted.is_empty() || *scope == wanted);
    for names in found.values_mut() {
        *names = std::mem::take(names).into_iter().take(most).collect();
    }
    Ok(found)
}

/// `GET /tempo/api/search/tags?scope=&start=&end=&limit=`
pub(super) async fn tags(
    state: ApiState,
    Parameters(given): Parameters<TagParameters>,
) -> Result<Json<Json_>, TempoError> {
    let session = state.begin().await?;
    let mut names = names(&session, &given)?;
    if given.scope.is_empty() {
        names.remove("intrinsic");
    }
    let all: BTreeSet<String> = names.into_values().flatten().collect();
    Ok(with_outcome(
        &session,
        json!({"tagNames": all, "metrics": {}}),
    ))
}

/// `GET /tempo/api/v2/search/tags?scope=&start=&end=&limit=`
pub(super) async fn tags_v2(
    state: ApiState,
    Parameters(given): Parameters<TagParameters>,
) -> Result<Json<Json_>, TempoError> {
    let session = state.begin().await?;
    let scopes: Vec<Json_> = names(&session, &given)?
        .into_iter()
        .map(|(scope, names)| json!({"name": scope, "tags": names}))
        .collect();
    Ok(with_outcome(
        &session,
        json!({"scopes": scopes, "metrics": {}}),
    ))
}

fn with_outcome(session: &QuerySession, mut answer: Json_) -> Json<Json_> {
    let outcome = session.outcome();
    answer["complete"] = json!(outcome.complete);
    answer["incomplete_reasons"] = json!(outcome.incomplete_reasons);
    answer["scanned_bytes"] = json!(outcome.scanned_bytes);
    Json(answer)
}

/// `GET /tempo/api/search/tag/{tag}/values?start=&end=&limit=&q=`
pub(super) async fn values(
    state: ApiState,
    Path(tag): Path<String>,
    Parameters(given): Parameters<TagParameters>,
) -> Result<Json<Json_>, TempoError> {
    // A name without scope is an intrinsic or an attribute of any scope.
    let field = field_named(&tag).or_else(|_| field_named(&format!(".\"{tag}\"")))?;
    let session = state.begin().await?;
    let found = found_values(&session, &field, &given).await?;
    let texts: Vec<String> = found.iter().map(Value::shown).collect();
    Ok(with_outcome(
        &session,
        json!({"tagValues": texts, "metrics": {}}),
    ))
}

/// `GET /tempo/api/v2/search/tag/{tag}/values?start=&end=&limit=&q=`
pub(super) async fn values_v2(
    state: ApiState,
    Path(tag): Path<String>,
    Parameters(given): Parameters<TagParameters>,
) -> Result<Json<Json_>, TempoError> {
    let field = field_named(&tag)?;
    let session = state.begin().await?;
    let found = found_values(&session, &field, &given).await?;
    let typed: Vec<Json_> = found
        .iter()
        .map(|value| json!({"type": type_word(value), "value": value.shown()}))
        .collect();
    Ok(with_outcome(
        &session,
        json!({"tagValues": typed, "metrics": {}}),
    ))
}

fn type_word(value: &Value<'_>) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Duration(_) => "duration",
        Value::Status(_) | Value::Kind(_) => "keyword",
        _ => "string",
    }
}

async fn found_values(
    session: &QuerySession,
    field: &Field,
    given: &TagParameters,
) -> Result<Vec<Value<'static>>> {
    let (range, most) = (given.range()?, given.limit()?);
    match field.target {
        Target::Intrinsic(Intrinsic::Status) => {
            return Ok(Status::ALL.into_iter().map(Value::Status).collect());
        }
        Target::Intrinsic(Intrinsic::Kind) => {
            return Ok(Kind::ALL.into_iter().map(Value::Kind).collect());
        }
        _ => {}
    }
    // A query that cannot be read, or not yet, narrows nothing: people are typing it.
    let query = parse(&given.q).ok().filter(|_| !given.q.trim().is_empty());
    if let (None, Some(names)) = (&query, statistics_names(field)) {
        let statistics = statistics(session, range);
        return Ok(listed(&statistics, &names, most));
    }
    values_of(session, query.as_ref(), field, range, most).await
}

/// Under which names the statistics have a field's values.
fn statistics_names(field: &Field) -> Option<Vec<String>> {
    Some(match &field.target {
        Target::Intrinsic(intrinsic) => vec![
            match intrinsic {
                Intrinsic::Name | Intrinsic::RootName => "name",
                Intrinsic::RootServiceName => "service_name",
                Intrinsic::InstrumentationName => "scope_name",
                Intrinsic::InstrumentationVersion => "scope_version",
                _ => return None,
            }
            .to_owned(),
        ],
        Target::Attribute { scope, key } => match scope {
            Some(Scope::Span) => vec![format!("attributes.{key}")],
            Some(Scope::Resource) if key == "service.name" => vec!["service_name".to_owned()],
            Some(Scope::Resource) => vec![format!("resource.{key}")],
            Some(Scope::Instrumentation) => vec![format!("scope.{key}")],
            None if key == "service.name" => vec!["service_name".to_owned()],
            None => vec![format!("attributes.{key}"), format!("resource.{key}")],
            Some(Scope::Event | Scope::Link) => return None,
        },
    })
}

/// Values with the type that most rows have; the most frequent first.
fn listed(statistics: &FieldStatistics, names: &[String], most: usize) -> Vec<Value<'static>> {
    let mut found: Vec<Value<'static>> = Vec::new();
    for field in names.iter().filter_map(|name| statistics.fields.get(name)) {
        let letter = field.types.iter().max_by_key(|(_, count)| **count);
        let value_type = letter
            .and_then(|(letter, _)| ValueType::from_letter(u8::try_from(*letter).ok()?))
            .unwrap_or(ValueType::String);
        for (text, _) in &field.top_values {
            let value = Value::of_attribute(value_type, Some(text)).into_owned();
            let members = match value {
                Value::List(members) => members,
                value => vec![value],
            };
            for value in members {
                if found.len() < most && !found.contains(&value) {
                    found.push(value);
                }
            }
        }
    }
    found
}
