//! `GET /api/v1/services`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::response::Response;
use datafusion::dataframe::DataFrame;
use datafusion::prelude::lit;
use spoor_storage::{Result, Table, TimeRange};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::operations::{Operation, OperationCount, Operations, Service, labels_of};
use super::quantile::Durations;
use super::{changes, heatmap, red, topology};
use crate::QueryEngine;
use crate::api::{Answer, ApiError, ApiState, Buckets, Parameters};
use crate::by_file::{ByFile, Cells, RowCount};
use crate::failure::from_datafusion;
use crate::openapi::ReadErrors;
use crate::otlp::JsonWriter;
use crate::parameters::RangeParameters;
use crate::session::QuerySession;
use crate::trace::{json_response, time_condition, write_outcome};

pub(super) mod schema;

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<QueryEngine> {
    OpenApiRouter::default()
        .routes(routes!(services))
        .routes(routes!(topology::api::graph))
        .routes(routes!(red::histogram))
        .routes(routes!(heatmap::heatmap))
        .routes(routes!(changes::api::changes))
}

type ServicesAnswer = Answer<schema::Services>;

/// Services and their operations.
///
/// Percentiles are by nearest rank. Beyond 5,000 operations `"complete": false`.
#[utoipa::path(
    get, path = "/api/v1/services", tag = "Services", operation_id = "services",
    params(RangeParameters),
    responses((status = 200, description = "Services.", body = ServicesAnswer, example = schema::services_example), ReadErrors),
)]
async fn services(
    state: ApiState,
    Parameters(when): Parameters<RangeParameters>,
) -> Result<Response, ApiError> {
    let range = when.range()?;
    let session = state.begin().await?;
    let mut services = count_spans(&session, range).await?;
    let logs = count_logs(&session, range).await?;
    let names: BTreeSet<String> = services.keys().chain(logs.keys()).cloned().collect();
    let mut json = JsonWriter::new();
    json.begin_object();
    json.key("services");
    json.list(names, |json, name| {
        let service = services.remove(&name).unwrap_or_default();
        write_service(
            json,
            &name,
            service,
            logs.get(&name).copied().unwrap_or_default(),
        );
    });
    write_outcome(&mut json, &session.outcome());
    json.end_object();
    Ok(json_response(json.finish()))
}

/// The rows of `table` in `range`.
pub(super) fn in_range(frame: DataFrame, table: Table, range: TimeRange) -> Result<DataFrame> {
    match time_condition(table.time_column(), range) {
        Some(condition) => frame.filter(condition).map_err(from_datafusion),
        None => Ok(frame),
    }
}

/// The services that have spans, from what is known of files; where that does not fit, of all spans.
async fn count_spans(
    session: &QuerySession,
    range: TimeRange,
) -> Result<BTreeMap<String, Service>> {
    let mut operations = Operations::default();
    match count_by_file(session, range).await? {
        Some(cells) => operations.add_cells(cells),
        None => read_spans(session, range, &mut operations).await?,
    }
    if operations.spans_without_place > 0 {
        session.note_incomplete(format!(
            "there are too many operations; {} spans count for their service only",
            operations.spans_without_place
        ));
    }
    if operations.spans_without_service > 0 {
        session.note_incomplete(format!(
            "there are too many services; {} spans are not counted",
            operations.spans_without_service
        ));
    }
    Ok(operations.finish())
}

/// Durations of the operations of `wanted` (service, name, kind) in `range`, from what is known of files and what
/// answers about services share. Whether that is not more than can be held.
pub(crate) async fn durations_by_file(
    session: &QuerySession,
    range: TimeRange,
    wanted: &mut HashMap<[String; 3], Durations>,
) -> Result<bool> {
    let Some(counted) = count_by_file(session, range).await? else {
        return Ok(false);
    };
    for (key, buckets) in counted.into_iter().flat_map(Cells::into_values) {
        let operation =
            labels_of(&key).and_then(|labels| wanted.get_mut(&labels.map(str::to_owned)));
        if let Some(durations) = operation {
            for cell in buckets.values() {
                durations.merge(&cell.durations);
            }
        }
    }
    Ok(true)
}

/// Spans counted hour by hour, as files have them, and at the ends of the range in smaller buckets. `None` if
/// that is more than can be held.
async fn count_by_file(
    session: &QuerySession,
    range: TimeRange,
) -> Result<Option<Vec<Cells<Operation>>>> {
    let mut counted = Vec::new();
    for (range, buckets) in Buckets::hours_and_ends(range) {
        let rows = ByFile {
            session,
            table: Table::Spans,
            range,
            filter: lit(true),
            buckets,
        };
        match rows.cells(&OperationCount { buckets }).await? {
            Some(cells) => counted.push(cells),
            None => return Ok(None),
        }
    }
    Ok(Some(counted))
}

/// Reads five columns of every span in the range, a batch at a time.
async fn read_spans(
    session: &QuerySession,
    range: TimeRange,
    operations: &mut Operations,
) -> Result<()> {
    let frame = in_range(session.table(Table::Spans).await?, Table::Spans, range)?
        .select_columns(&Operations::COLUMNS)
        .map_err(from_datafusion)?;
    let mut stream = session.stream(frame).await?;
    while let Some(batch) = session.next(&mut stream).await? {
        operations.add(&batch)?;
    }
    Ok(())
}

async fn count_logs(session: &QuerySession, range: TimeRange) -> Result<BTreeMap<String, u64>> {
    let count = RowCount::of_values(Table::Logs, "service_name", None)?;
    let rows = ByFile {
        session,
        table: Table::Logs,
        range,
        filter: lit(true),
        buckets: None,
    };
    let counts = rows.cells_or_all(&count).await?.into_values();
    Ok(counts
        .map(|(service, logs)| (service.into(), logs.into_values().sum()))
        .collect())
}

fn write_service(json: &mut JsonWriter, name: &str, service: Service, log_count: u64) {
    json.begin_object();
    json.key("service_name");
    json.string(name);
    json.key("span_count");
    json.int(service.span_count);
    json.key("error_count");
    json.int(service.error_count);
    json.key("log_count");
    json.int(log_count);
    json.key("operations");
    json.begin_array();
    for mut named in service.into_operations() {
        let [p50, p95] = named.operation.durations.percentiles([50, 95]);
        json.begin_object();
        json.key("name");
        json.string(&named.name);
        json.key("kind");
        json.string(&named.kind);
        json.key("span_count");
        json.int(named.operation.span_count());
        json.key("error_count");
        json.int(named.operation.error_count);
        json.key("p50_ns");
        json.int(p50);
        json.key("p95_ns");
        json.int(p95);
        json.end_object();
    }
    json.end_array();
    json.end_object();
}
