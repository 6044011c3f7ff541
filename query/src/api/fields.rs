//! `GET /api/v1/fields` and `GET /api/v1/fields/{name}/values`: what can be asked for.
//!
//! Names, types and counts come from the catalog's statistics, which cost nothing to read and
//! count whole files. Values are counted exactly where the rows are not too many, each file once, and
//! taken from the statistics where they are; the answer says which.

use axum::Json;
use axum::extract::Path;
use datafusion::logical_expr::lit;
use serde::{Deserialize, Serialize};
use spoor_storage::{FieldStatistics, Result, Table, TimeRange, ValueType};
use utoipa::ToSchema;

use super::request::{Parameters, optional};
use super::{Answer, ApiError, ApiState};
use crate::by_file::{ByFile, RowCount};
use crate::language::{is_attribute, level_name};
use crate::openapi::{ReadErrors, words};
use crate::parameters::{RangeParameters, limit};
use crate::session::QuerySession;
use crate::table::Place;

const DEFAULT_VALUES: usize = 50;
const MAX_VALUES: usize = 1_000;

/// Values of a range with more rows than this are not counted but taken from the statistics.
const MAX_COUNTED_ROWS: u64 = 20_000_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FieldsParameters {
    /// Fields of which table; logs, unless said otherwise.
    #[serde(default, deserialize_with = "optional")]
    #[param(value_type = Option<words::TableName>)]
    table: Option<Table>,
    /// What a name or value begins with.
    #[serde(default)]
    #[param(example = "http")]
    prefix: String,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ValuesParameters {
    /// How many values, the most frequent ones.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 1_000, default = 50)]
    limit: Option<usize>,
}

/// The fields that rows have, the most frequent first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Fields {
    fields: Vec<Field>,
}

/// One field.
#[derive(Debug, Serialize, ToSchema)]
struct Field {
    name: String,
    /// How it is written in the search language.
    query_name: String,
    #[schema(value_type = Vec<words::ValueType>)]
    types: Vec<&'static str>,
    /// Rows that have it, of whole files that overlap the range.
    count: u64,
    /// Distinct values; absent for `level`, which is computed from rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    distinct: Option<u64>,
    /// Whether `distinct` is exact; otherwise it is about right (± 3 %, or at least that many).
    exact: bool,
}

/// Values of a field, the most frequent first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldValues)]
pub(super) struct Values {
    #[serde(rename = "field")]
    name: String,
    #[serde(rename = "values")]
    found: Vec<FieldValue>,
    /// Whether they were counted; of more than 20 million rows the most frequent values come from the files' statistics.
    exact: bool,
}

/// One value.
#[derive(Debug, Serialize, ToSchema)]
struct FieldValue {
    value: String,
    count: u64,
}

type FieldsAnswer = Answer<Fields>;
type ValuesAnswer = Answer<Values>;

fn fields_example() -> serde_json::Value {
    serde_json::json!({
        "fields": [{"name": "attributes.http.route", "query_name": "http.route", "types": ["string"], "count": 12, "distinct": 3, "exact": true}],
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 1, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

fn values_example() -> serde_json::Value {
    serde_json::json!({
        "field": "http.route", "values": [{"value": "/cart/{id}", "count": 12}], "exact": true,
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 1, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

/// The fields of a table.
///
/// Counts are those of whole files that overlap the range; they cost no scan. `level` is a field of logs.
#[utoipa::path(
    get, path = "/api/v1/fields", tag = "Fields", operation_id = "fields",
    params(RangeParameters, FieldsParameters),
    responses((status = 200, description = "Fields.", body = FieldsAnswer, example = fields_example), ReadErrors),
)]
pub(super) async fn fields(
    state: ApiState,
    Parameters(when): Parameters<RangeParameters>,
    Parameters(given): Parameters<FieldsParameters>,
) -> Result<Json<FieldsAnswer>, ApiError> {
    let table = given.table.unwrap_or(Table::Logs);
    let range = when.range()?;
    let session = state.begin().await?;
    session.note_skipped(table, range);
    let statistics = statistics(&session, table, range);
    let prefix = given.prefix.to_lowercase();
    let mut fields = described(&statistics, table, range);
    if table == Table::Logs {
        fields.push(Field {
            name: "level".to_owned(),
            query_name: "level".to_owned(),
            types: vec![ValueType::String.word()],
            count: rows_in(&session, table, range),
            distinct: None,
            exact: false,
        });
    }
    fields.retain(|field| {
        field.name.to_lowercase().starts_with(&prefix)
            || field.query_name.to_lowercase().starts_with(&prefix)
    });
    fields.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    Ok(Json(Answer::new(&session, Fields { fields })))
}

fn statistics(session: &QuerySession, table: Table, range: TimeRange) -> FieldStatistics {
    session
        .snapshot()
        .field_statistics(session.tenant(), table, range)
}

fn described(statistics: &FieldStatistics, table: Table, range: TimeRange) -> Vec<Field> {
    let known = statistics
        .fields
        .iter()
        .filter(|(_, field)| field.count > 0);
    known
        .map(|(name, field)| Field {
            query_name: query_name(name, table),
            types: field
                .types
                .keys()
                .filter_map(|letter| ValueType::from_letter(u8::try_from(*letter).ok()?))
                .map(ValueType::word)
                .collect(),
            count: field.count,
            distinct: Some(field.distinct),
            // Files count whole, so that values outside the range may be among them.
            exact: field.exact && range == TimeRange::ALL,
            name: name.clone(),
        })
        .collect()
}

/// The bare key, unless that means something else.
pub(crate) fn query_name(name: &str, table: Table) -> String {
    match Place::split(name) {
        Some((_, key)) if is_attribute(key, table) && Place::split(key).is_none() => key.to_owned(),
        _ => name.to_owned(),
    }
}

/// Rows of files and batches that overlap the range.
fn rows_in(session: &QuerySession, table: Table, range: TimeRange) -> u64 {
    let (snapshot, tenant) = (session.snapshot(), session.tenant());
    let files = snapshot.files(tenant, table, range);
    let batches = snapshot.batches(tenant, table, range);
    files.iter().map(|file| file.visible_rows()).sum::<u64>()
        + batches
            .iter()
            .map(|batch| batch.batch.num_rows() as u64)
            .sum::<u64>()
}

/// The values of a field, the most frequent first.
///
/// They are counted exactly unless the range holds more than 20 million rows.
#[utoipa::path(
    get, path = "/api/v1/fields/{name}/values", tag = "Fields", operation_id = "field_values",
    params(
        ("name" = String, Path, description = "The name, or how it is written in the search language.", example = "http.route"),
        RangeParameters, FieldsParameters, ValuesParameters,
    ),
    responses((status = 200, description = "Values with how often they occur.", body = ValuesAnswer, example = values_example), ReadErrors),
)]
pub(super) async fn values(
    state: ApiState,
    Path(name): Path<String>,
    Parameters(when): Parameters<RangeParameters>,
    Parameters(given): Parameters<FieldsParameters>,
    Parameters(most): Parameters<ValuesParameters>,
) -> Result<Json<ValuesAnswer>, ApiError> {
    let table = given.table.unwrap_or(Table::Logs);
    let range = when.range()?;
    let limit = limit(most.limit, DEFAULT_VALUES, MAX_VALUES)?;
    let session = state.begin().await?;
    session.note_skipped(table, range);
    let wanted = Wanted {
        name: &name,
        prefix: &given.prefix,
        limit,
    };
    let (found, exact) = if rows_in(&session, table, range) <= MAX_COUNTED_ROWS {
        (counted(&session, table, range, &wanted).await?, true)
    } else {
        from_statistics(&statistics(&session, table, range), table, range, &wanted)
    };
    Ok(Json(Answer::new(
        &session,
        Values {
            found,
            exact,
            name: name.clone(),
        },
    )))
}

struct Wanted<'a> {
    name: &'a str,
    prefix: &'a str,
    limit: usize,
}

async fn counted(
    session: &QuerySession,
    table: Table,
    range: TimeRange,
    wanted: &Wanted<'_>,
) -> Result<Vec<FieldValue>> {
    let count = RowCount::of_values(table, wanted.name, None)?;
    let rows = ByFile {
        session,
        table,
        range,
        filter: lit(true),
        buckets: None,
    };
    // There are few ranks, and their names are not what is counted.
    let prefix = (!count.is_level()).then_some(wanted.prefix);
    let Some(cells) = rows.cells(&count).await? else {
        let top = count.most_frequent(&rows, prefix, wanted.limit).await?;
        return Ok(named(top, &count, wanted));
    };
    let values = cells.into_values();
    let mut counts: Vec<(Box<str>, u64)> = values
        .map(|(value, counts)| (value, counts.into_values().sum()))
        .filter(|(value, _)| value.starts_with(prefix.unwrap_or_default()))
        .collect();
    counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(wanted.limit);
    Ok(named(counts, &count, wanted))
}

fn named(top: Vec<(Box<str>, u64)>, count: &RowCount<'_>, wanted: &Wanted<'_>) -> Vec<FieldValue> {
    let values = top.into_iter().map(|(value, count_of_it)| FieldValue {
        value: if count.is_level() {
            level_name(value.parse().unwrap_or(0)).to_owned()
        } else {
            value.into()
        },
        count: count_of_it,
    });
    values
        .filter(|value| value.value.starts_with(wanted.prefix))
        .collect()
}

/// Most frequent values of the first place that has the field, and whether they are all of them.
fn from_statistics(
    statistics: &FieldStatistics,
    table: Table,
    range: TimeRange,
    wanted: &Wanted<'_>,
) -> (Vec<FieldValue>, bool) {
    let found = statistics
        .fields
        .iter()
        .find(|(name, _)| name.as_str() == wanted.name || query_name(name, table) == wanted.name);
    let Some((_, field)) = found else {
        return (Vec::new(), false);
    };
    let values = field
        .top_values
        .iter()
        .filter(|(value, _)| value.starts_with(wanted.prefix))
        .take(wanted.limit)
        .map(|(value, count)| FieldValue {
            value: value.clone(),
            count: *count,
        })
        .collect();
    (values, field.exact && range == TimeRange::ALL)
}
