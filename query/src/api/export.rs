//! `GET /api/v1/logs/export` and `GET /api/v1/spans/export`: all rows that match, as a file.

use std::collections::BTreeMap;

use axum::response::Response;
use datafusion::prelude::col;
use serde::Deserialize;
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{Error, Result, Table};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoResponses, ToSchema};

use super::request::{Parameters, optional};
use super::stream::{Format, Output, streamed};
use super::{ApiError, ApiState};
use crate::failure::from_datafusion;
use crate::language;
use crate::listing::in_range;
use crate::openapi::ReadErrors;
use crate::parameters::{Order, QueryParameter, RangeParameters};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportParameters {
    /// NDJSON unless said otherwise.
    #[serde(default, deserialize_with = "optional")]
    #[param(inline)]
    format: Option<Format>,
    /// By time, ties by `record_id`; without it rows come as they are found.
    #[serde(default, deserialize_with = "optional")]
    order: Option<Order>,
    /// An answer with more bytes is broken off; at most what the server allows, which it is without it.
    #[serde(default, deserialize_with = "optional")]
    #[param(value_type = Option<i64>)]
    max_bytes: Option<u64>,
}

/// The parameters of a request.
type Asked = (
    Parameters<QueryParameter>,
    Parameters<RangeParameters>,
    Parameters<ExportParameters>,
);

/// Bytes of a file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "documentation: rows are written as they come")]
pub(super) struct FileBytes(String);

pub(super) fn binary_example() -> &'static str {
    "(bytes)"
}

fn ndjson_example() -> &'static str {
    "{\"time\":\"2023-01-29T08:48:16.546346267Z\",\"service_name\":\"checkout\",\"record_id\":16777216}\n"
}

fn csv_example() -> &'static str {
    "time,service_name,record_id\r\n2023-01-29T08:48:16.546346267Z,checkout,16777216\r\n"
}

/// Rows as they come, in one of the formats.
struct ExportedRows;

impl IntoResponses for ExportedRows {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::response::Response>> {
        let text = || RefOr::T(ObjectBuilder::new().schema_type(Type::String).into());
        let bytes = || Ref::from_schema_name(FileBytes::name()).into();
        let complete = HeaderBuilder::new()
            .description(Some("`false` if files had to be left out."))
            .schema(Some(ObjectBuilder::new().schema_type(Type::Boolean)));
        let mut response = ResponseBuilder::new()
            .description("Rows, as they come.")
            .header("spoor-complete", complete.build());
        for (media_type, schema, example) in [
            ("application/x-ndjson", text(), ndjson_example()),
            ("text/csv", text(), csv_example()),
            (
                "application/vnd.apache.arrow.stream",
                bytes(),
                binary_example(),
            ),
            ("application/vnd.apache.parquet", bytes(), binary_example()),
        ] {
            let content = ContentBuilder::new()
                .schema(Some(schema))
                .example(Some(example.into()));
            response = response.content(media_type, content.build());
        }
        BTreeMap::from([("200".to_owned(), response.build().into())])
    }
}

/// Log records as a file.
///
/// All that match, with the columns of the table `logs` as SQL has them. An answer that fails or has more than `max_bytes` is broken off.
#[utoipa::path(
    get,
    path = "/api/v1/logs/export",
    tag = "Logs",
    operation_id = "logs_export",
    params(QueryParameter, RangeParameters, ExportParameters),
    responses(ExportedRows, ReadErrors)
)]
pub(super) async fn logs(state: ApiState, asked: Asked) -> Result<Response, ApiError> {
    export(&state, asked, Table::Logs).await
}

/// Spans as a file.
///
/// All that match, with the columns of the table `spans` as SQL has them. An answer that fails or has more than `max_bytes` is broken off.
#[utoipa::path(
    get,
    path = "/api/v1/spans/export",
    tag = "Traces",
    operation_id = "spans_export",
    params(QueryParameter, RangeParameters, ExportParameters),
    responses(ExportedRows, ReadErrors)
)]
pub(super) async fn spans(state: ApiState, asked: Asked) -> Result<Response, ApiError> {
    export(&state, asked, Table::Spans).await
}

async fn export(
    state: &ApiState,
    (Parameters(which), Parameters(when), Parameters(given)): Asked,
    table: Table,
) -> Result<Response, ApiError> {
    let query = which.of(table)?;
    let range = when.range()?;
    let most = state.engine.options().max_export_bytes;
    let max_bytes = given.max_bytes.unwrap_or(most);
    if !(1..=most).contains(&max_bytes) {
        let message = format!("`max_bytes` is {max_bytes}; it can be 1 to {most}");
        let hint = "the server's limit is set with --max-export-bytes";
        return Err(Error::invalid(message).with_hint(hint).into());
    }
    let session = state.engine.begin_export(&state.tenant).await?;
    let filter = language::condition(&session, &query, table, range).await?;
    let time = table.time_column();
    let rows = session.table(table).await?;
    let mut rows = rows
        .filter(in_range(time, range).and(filter))
        .map_err(from_datafusion)?;
    if let Some(order) = given.order {
        let by = [time, RECORD_ID].map(|name| col(name).sort(order == Order::Asc, false));
        rows = rows.sort(by.to_vec()).map_err(from_datafusion)?;
    }
    let stream = session.stream(rows).await?;
    let output = Output {
        format: given.format.unwrap_or_default(),
        max_bytes,
        name: Some(table.name()),
    };
    Ok(streamed(session, stream, output).await?)
}
