//! `detected_labels`, `detected_fields`, `detected_field/{name}/values`: what can be asked for.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::Path;
use serde_json::{Map, Value as Json_, json};
use spoor_storage::{Result, Table};

use super::answer::LokiError;
use super::labels::{levels, streams};
use super::request::Given;
use crate::api::ApiState;
use crate::logql::fields::Fields;
use crate::logql::labels::{ERROR, ERROR_DETAILS, Kind};
use crate::logql::pipeline::{flattened, pairs};
use crate::logql::rows::{LEVEL, SERVICE};
use crate::logql::scan::stream_labels;
use crate::logql::select::{Found, LogSearch, find};
use crate::logql::values::{self, label_name};
use crate::parameters::Order;
use crate::session::QuerySession;

const DEFAULT_LIMIT: usize = 1_000;
const MAX_LIMIT: usize = 10_000;

fn with_warnings(session: &QuerySession, mut answer: Json_) -> Json<Json_> {
    let reasons = session.outcome().incomplete_reasons;
    if !reasons.is_empty() {
        answer["warnings"] = json!(reasons);
    }
    Json(answer)
}

/// `detected_labels?query=&start=&end=`: labels of streams with how many values they have.
pub(super) async fn labels(state: ApiState, given: Given) -> Result<Json<Json_>, LokiError> {
    let (query, range) = (given.query()?, given.range(None)?);
    let session = state.begin().await?;
    session.note_skipped(Table::Logs, range);
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    if query.matchers.is_empty() && query.stages.is_empty() {
        let statistics = session
            .snapshot()
            .field_statistics(session.tenant(), Table::Logs, range);
        let fields = Fields::of(&session, range);
        for name in stream_labels(&session, range) {
            let count = match name.as_str() {
                LEVEL => levels(&session, range, LEVEL).await?.len() as u64,
                SERVICE => statistics
                    .fields
                    .get(SERVICE)
                    .map_or(0, |field| field.distinct),
                name => {
                    let names = fields.statistics_names(name).unwrap_or_default();
                    let known = names.iter().filter_map(|name| statistics.fields.get(name));
                    known.map(|field| field.distinct).max().unwrap_or(0)
                }
            };
            if count > 0 {
                found.insert(name, count);
            }
        }
    } else {
        let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, value) in streams(&session, &query, range)
            .await?
            .into_iter()
            .flatten()
        {
            values.entry(name).or_default().insert(value);
        }
        found.extend(
            values
                .into_iter()
                .map(|(name, values)| (name, values.len() as u64)),
        );
    }
    let found: Vec<Json_> = found
        .into_iter()
        .map(|(label, cardinality)| json!({"label": label, "cardinality": cardinality}))
        .collect();
    Ok(with_warnings(&session, json!({"detectedLabels": found})))
}

/// What is known of a field.
#[derive(Debug, Default)]
struct Field {
    values: BTreeSet<String>,
    kind: Option<&'static str>,
    parser: Option<&'static str>,
    path: Vec<String>,
}

/// Fields of the newest entries, which are as many as `line_limit` says.
async fn detected(session: &QuerySession, given: &Given) -> Result<BTreeMap<String, Field>> {
    let query = given.query()?;
    let search = LogSearch {
        query: &query,
        range: given.range(None)?,
        order: Order::Desc,
        limit: given.limit("line_limit", DEFAULT_LIMIT, MAX_LIMIT)?,
        interval_ns: 0,
    };
    let (entries, _) = find(session, &search).await?;
    let mut fields = BTreeMap::new();
    for entry in &entries {
        add_entry(&mut fields, entry);
    }
    Ok(fields)
}

fn add_entry(fields: &mut BTreeMap<String, Field>, entry: &Found) {
    let of_record = entry
        .labels
        .iter()
        .filter(|(name, _, kind)| *kind != Kind::Stream && name != ERROR && name != ERROR_DETAILS);
    for (name, value, _) in of_record {
        add(fields, name, value, None, Vec::new());
    }
    if let Ok(object) = serde_json::from_str::<Map<String, Json_>>(&entry.line) {
        for (path, name, value) in flattened(&object) {
            let path = path.into_iter().map(str::to_owned).collect();
            add(fields, &free_name(entry, &name), &value, Some("json"), path);
        }
        return;
    }
    if let (pairs, None) = pairs(&entry.line) {
        // Words of a sentence are no fields.
        for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            let name = free_name(entry, &label_name(key));
            add(fields, &name, value, Some("logfmt"), Vec::new());
        }
    }
}

/// As the parser calls it.
fn free_name(entry: &Found, name: &str) -> String {
    let taken = entry
        .labels
        .iter()
        .any(|(known, _, kind)| known == name && *kind != Kind::Parsed);
    if taken {
        format!("{name}{}", crate::logql::labels::EXTRACTED)
    } else {
        name.to_owned()
    }
}

fn add(
    fields: &mut BTreeMap<String, Field>,
    name: &str,
    value: &str,
    parser: Option<&'static str>,
    path: Vec<String>,
) {
    if value.is_empty() {
        return;
    }
    let field = fields.entry(name.to_owned()).or_default();
    let kind = kind_of(value);
    field.kind = match field.kind {
        None => Some(kind),
        Some(known) if known == kind => Some(kind),
        Some("int" | "float") if matches!(kind, "int" | "float") => Some("float"),
        Some(_) => Some("string"),
    };
    field.parser = field.parser.or(parser);
    if field.path.is_empty() {
        field.path = path;
    }
    field.values.insert(value.to_owned());
}

fn kind_of(value: &str) -> &'static str {
    if value.parse::<i64>().is_ok() {
        "int"
    } else if value.parse::<f64>().is_ok() {
        "float"
    } else if matches!(value, "true" | "false") {
        "boolean"
    } else if values::duration_ns(value).is_some() {
        "duration"
    } else if values::bytes(value).is_some() {
        "bytes"
    } else {
        "string"
    }
}

/// `detected_fields?query=&start=&end=&line_limit=&limit=`
pub(super) async fn fields(state: ApiState, given: Given) -> Result<Json<Json_>, LokiError> {
    let limit = given.limit("limit", DEFAULT_LIMIT, MAX_LIMIT)?;
    let session = state.begin().await?;
    let fields = detected(&session, &given).await?;
    let shown: Vec<Json_> = fields
        .into_iter()
        .take(limit)
        .map(|(label, field)| {
            let mut shown = json!({
                "label": label,
                "type": field.kind.unwrap_or("string"),
                "cardinality": field.values.len(),
                "parsers": field.parser.map(|parser| vec![parser]),
            });
            if !field.path.is_empty() {
                shown["jsonPath"] = json!(field.path);
            }
            shown
        })
        .collect();
    Ok(with_warnings(
        &session,
        json!({"fields": shown, "limit": limit}),
    ))
}

/// `detected_field/{name}/values?query=&start=&end=&line_limit=&limit=`
pub(super) async fn values(
    state: ApiState,
    Path(name): Path<String>,
    given: Given,
) -> Result<Json<Json_>, LokiError> {
    let limit = given.limit("limit", DEFAULT_LIMIT, MAX_LIMIT)?;
    let session = state.begin().await?;
    let mut fields = detected(&session, &given).await?;
    let values: Vec<String> = fields
        .remove(&name)
        .map(|field| field.values.into_iter().take(limit).collect())
        .unwrap_or_default();
    Ok(with_warnings(
        &session,
        json!({"values": values, "limit": limit}),
    ))
}
