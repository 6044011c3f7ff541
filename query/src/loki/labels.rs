//! `labels`, `label/{name}/values`, `series`
//!
//! Without a selector, names and most values come from statistics, which read no rows.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use axum::Json;
use axum::extract::Path;
use serde_json::{Value as Json_, json};
use spoor_storage::{Error, Result, Table, TimeRange};

use super::answer::{LokiError, answered};
use super::request::{Given, log_query};
use crate::api::{ApiState, Buckets};
use crate::by_file::Cell as _;
use crate::failure::from_datafusion;
use crate::language::{level_name, level_rank_expr};
use crate::listing::in_range;
use crate::logql::ast::LogQuery;
use crate::logql::fields::Fields;
use crate::logql::labels::{Kind, LabelSet};
use crate::logql::rows::{DETECTED_LEVEL, LEVEL, Needed, SERVICE, UNKNOWN, stream_labels};
use crate::logql::scan::{self, Budget, By, Lines, Scan, Wanted};
use crate::session::QuerySession;

/// Streams and values of an answer; of more it says so.
const MAX_SHOWN: usize = 10_000;

/// `labels?start=&end=&query=`
pub(super) async fn labels(state: ApiState, given: Given) -> Result<Json<Json_>, LokiError> {
    let (query, range) = (given.query()?, given.range(None)?);
    let session = state.begin().await?;
    let names: BTreeSet<String> = if query.matchers.is_empty() && query.stages.is_empty() {
        scan::stream_labels(&session, range).into_iter().collect()
    } else {
        let streams = streams(&session, &query, range).await?;
        streams.into_iter().flat_map(LabelSet::into_keys).collect()
    };
    session.note_skipped(Table::Logs, range);
    Ok(Json(answered(&session, &json!(names))))
}

/// `series?match[]=&start=&end=`
pub(super) async fn series(state: ApiState, given: Given) -> Result<Json<Json_>, LokiError> {
    let range = given.range(None)?;
    let mut queries = Vec::new();
    for text in given.all("match[]").chain(given.all("match")) {
        queries.push(log_query(text)?);
    }
    if queries.is_empty() {
        return Err(Error::invalid("at least one `match[]` is needed")
            .with_hint("write match[]={service_name=~\".+\"}")
            .into());
    }
    let session = state.begin().await?;
    let mut found = BTreeSet::new();
    for query in &queries {
        found.extend(streams(&session, query, range).await?);
    }
    Ok(Json(answered(&session, &json!(found))))
}

/// Streams that have an entry that the query leaves, with how much they have; bytes only with `line`. `None` if
/// that cannot be counted file by file.
pub(super) async fn counted_streams(
    session: &QuerySession,
    query: &LogQuery,
    range: TimeRange,
    line: bool,
) -> Result<Option<BTreeMap<LabelSet, Lines>>> {
    let wanted = Wanted {
        labels: Needed::names(stream_labels()),
        line,
    };
    let scan = Scan::new(session, query, range, &wanted);
    let parts = Buckets::hours_and_ends(range);
    let Some((counted, _)) = scan.count(By::Streams, &parts).await? else {
        return Ok(None);
    };
    let mut found: BTreeMap<LabelSet, Lines> = BTreeMap::new();
    for counted in counted {
        found.entry(counted.labels).or_default().add(&counted.lines);
    }
    Ok(Some(found))
}

/// As many streams as an answer has; says so if there are more.
pub(super) fn shown(
    session: &QuerySession,
    streams: impl Iterator<Item = LabelSet>,
) -> BTreeSet<LabelSet> {
    let mut shown: BTreeSet<LabelSet> = streams.take(MAX_SHOWN + 1).collect();
    if shown.len() > MAX_SHOWN {
        shown.pop_last();
        note_more(session);
    }
    shown
}

fn note_more(session: &QuerySession) {
    session.note_incomplete(format!("there are more than {MAX_SHOWN} streams"));
}

/// The labels of streams that have an entry that the query leaves.
pub(super) async fn streams(
    session: &QuerySession,
    query: &LogQuery,
    range: TimeRange,
) -> Result<BTreeSet<LabelSet>> {
    if let Some(found) = counted_streams(session, query, range, false).await? {
        return Ok(shown(session, found.into_keys()));
    }
    let wanted = Wanted {
        labels: Needed::names(stream_labels()),
        line: false,
    };
    let scan = Scan::new(session, query, range, &wanted);
    let budget = Budget::of(session, "streams");
    let mut found: HashSet<LabelSet> = HashSet::new();
    let mut more = false;
    scan.each(range, |entry, _| {
        let labels = entry
            .labels
            .iter()
            .filter(|label| label.kind == Kind::Stream)
            .map(|label| (label.name.to_string(), label.value.to_string()));
        let labels: LabelSet = labels.collect();
        if !found.contains(&labels) {
            if found.len() == MAX_SHOWN {
                more = true;
                return Ok(());
            }
            budget.grow(labels.iter().map(|(a, b)| a.len() + b.len() + 96).sum())?;
            found.insert(labels);
        }
        Ok(())
    })
    .await?;
    if more {
        note_more(session);
    }
    Ok(found.into_iter().collect())
}

/// `label/{name}/values?start=&end=&query=`
pub(super) async fn values(
    state: ApiState,
    Path(name): Path<String>,
    given: Given,
) -> Result<Json<Json_>, LokiError> {
    let (query, range) = (given.query()?, given.range(None)?);
    let session = state.begin().await?;
    session.note_skipped(Table::Logs, range);
    let everything = query.matchers.is_empty() && query.stages.is_empty();
    let values = if everything && matches!(name.as_str(), LEVEL | DETECTED_LEVEL) {
        levels(&session, range, &name).await?
    } else {
        let known = everything.then(|| from_statistics(&session, range, &name));
        match known.flatten() {
            Some(values) => values,
            None => read_values(&session, &query, range, &name).await?,
        }
    };
    Ok(Json(answered(&session, &json!(values))))
}

/// All values, if the statistics have them all.
fn from_statistics(
    session: &QuerySession,
    range: TimeRange,
    name: &str,
) -> Option<BTreeSet<String>> {
    let statistics = session
        .snapshot()
        .field_statistics(session.tenant(), Table::Logs, range);
    let names = if name == SERVICE {
        vec![SERVICE.to_owned()]
    } else {
        Fields::of(session, range).statistics_names(name)?
    };
    let mut values = BTreeSet::new();
    for field in names.iter().filter_map(|name| statistics.fields.get(name)) {
        if !field.exact {
            return None;
        }
        values.extend(field.top_values.iter().map(|(value, _)| value.clone()));
    }
    values.remove("");
    Some(values)
}

/// The levels that records have.
pub(super) async fn levels(
    session: &QuerySession,
    range: TimeRange,
    name: &str,
) -> Result<BTreeSet<String>> {
    let rank = level_rank_expr().map_err(from_datafusion)?;
    let frame = session
        .table(Table::Logs)
        .await?
        .filter(in_range("time", range))
        .and_then(|frame| frame.aggregate(vec![rank.alias("rank")], Vec::new()))
        .map_err(from_datafusion)?;
    let mut levels = BTreeSet::new();
    for batch in session.collect(frame).await? {
        for rank in batch.column(0).as_primitive::<Int32Type>().values() {
            match rank {
                0 if name == LEVEL => {}
                0 => {
                    levels.insert(UNKNOWN.to_owned());
                }
                rank => {
                    levels.insert(level_name(*rank).to_owned());
                }
            }
        }
    }
    Ok(levels)
}

async fn read_values(
    session: &QuerySession,
    query: &LogQuery,
    range: TimeRange,
    name: &str,
) -> Result<BTreeSet<String>> {
    let wanted = Wanted {
        labels: Needed::names([name.to_owned()]),
        line: false,
    };
    let scan = Scan::new(session, query, range, &wanted);
    let budget = Budget::of(session, "values");
    let mut values = BTreeSet::new();
    let mut more = false;
    scan.each(range, |entry, _| {
        let value = entry.labels.value(name);
        if !value.is_empty() && !values.contains(value) {
            if values.len() == MAX_SHOWN {
                more = true;
                return Ok(());
            }
            budget.grow(value.len() + 64)?;
            values.insert(value.to_owned());
        }
        Ok(())
    })
    .await?;
    if more {
        session.note_incomplete(format!("`{name}` has more than {MAX_SHOWN} values"));
    }
    Ok(values)
}
