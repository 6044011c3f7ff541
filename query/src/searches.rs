//! `/api/v1/searches`: searches that people save under a name. Storage keeps them.

mod schema;

use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use spoor_storage::{SavedSearch, SearchContent, SearchView};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::QueryEngine;
use crate::api::{ApiError, ApiState, JsonBody, Parameters, optional};
use crate::openapi::words::Instant;
use crate::openapi::{Conflict, NotFound, ReadErrors, Unsupported};
use crate::parameters::format_time;

/// A saved search.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SavedSearch)]
struct SearchJson {
    id: String,
    #[serde(flatten)]
    #[schema(value_type = schema::SearchContent)]
    content: SearchContent,
    #[schema(value_type = Instant)]
    created_time: String,
    #[schema(value_type = Instant)]
    updated_time: String,
}

/// Saved searches, by name.
#[derive(Debug, Serialize, ToSchema)]
struct SavedSearches {
    searches: Vec<SearchJson>,
}

impl From<SavedSearch> for SearchJson {
    fn from(search: SavedSearch) -> Self {
        Self {
            id: search.id.to_string(),
            content: search.content,
            created_time: format_time(search.created_ns),
            updated_time: format_time(search.updated_ns),
        }
    }
}

pub(crate) fn routes() -> OpenApiRouter<QueryEngine> {
    OpenApiRouter::default()
        .routes(routes!(list, save))
        .routes(routes!(one, replace, remove))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ListParameters {
    /// Those of one view; without it all.
    #[param(value_type = Option<schema::SearchView>)]
    #[serde(default, deserialize_with = "optional")]
    view: Option<SearchView>,
}

/// The searches that people saved.
#[utoipa::path(
    get, path = "/api/v1/searches", tag = "Saved searches", operation_id = "searches",
    params(ListParameters),
    responses((status = 200, description = "Searches, by name.", body = SavedSearches, example = schema::list_example), ReadErrors),
)]
async fn list(
    state: ApiState,
    Parameters(parameters): Parameters<ListParameters>,
) -> Result<Json<SavedSearches>, ApiError> {
    let (storage, tenant) = (state.engine.storage(), &state.tenant);
    let found = storage.saved_searches(tenant, parameters.view).await?;
    Ok(Json(SavedSearches {
        searches: found.into_iter().map(SearchJson::from).collect(),
    }))
}

/// Saves a search.
///
/// For all who may read. What is answered is durable. 409 if the view has one of that name, or if there are 1,000.
#[utoipa::path(
    post, path = "/api/v1/searches", tag = "Saved searches", operation_id = "save_search",
    request_body(content = schema::SearchBody, example = schema::body_example),
    responses((status = 201, description = "It is saved.", body = SearchJson, example = schema::example), ReadErrors, Conflict, Unsupported),
)]
async fn save(
    state: ApiState,
    JsonBody(content): JsonBody<SearchContent>,
) -> Result<Response, ApiError> {
    let storage = state.engine.storage();
    let saved = storage.save_search(&state.tenant, content).await?;
    Ok((StatusCode::CREATED, Json(SearchJson::from(saved))).into_response())
}

/// A saved search.
#[utoipa::path(
    get, path = "/api/v1/searches/{id}", tag = "Saved searches", operation_id = "search",
    params(("id" = String, Path, description = "As answers tell it.", example = "01900000-0000-7000-8000-000000000001")),
    responses((status = 200, description = "The search.", body = SearchJson, example = schema::example), ReadErrors, NotFound),
)]
async fn one(state: ApiState, Path(id): Path<String>) -> Result<Json<SearchJson>, ApiError> {
    let (storage, tenant) = (state.engine.storage(), &state.tenant);
    let found = storage.saved_search(tenant, id.parse()?).await?;
    Ok(Json(found.into()))
}

/// Changes a saved search: all of it.
#[utoipa::path(
    put, path = "/api/v1/searches/{id}", tag = "Saved searches", operation_id = "replace_search",
    params(("id" = String, Path, description = "As answers tell it.", example = "01900000-0000-7000-8000-000000000001")),
    request_body(content = schema::SearchBody, example = schema::body_example),
    responses((status = 200, description = "It is changed.", body = SearchJson, example = schema::example), ReadErrors, NotFound, Conflict, Unsupported),
)]
async fn replace(
    state: ApiState,
    Path(id): Path<String>,
    JsonBody(content): JsonBody<SearchContent>,
) -> Result<Json<SearchJson>, ApiError> {
    let (storage, tenant) = (state.engine.storage(), &state.tenant);
    let id = id.parse()?;
    let replaced = storage.replace_saved_search(tenant, id, content).await?;
    Ok(Json(replaced.into()))
}

/// Deletes a saved search.
#[utoipa::path(
    delete, path = "/api/v1/searches/{id}", tag = "Saved searches", operation_id = "delete_search",
    params(("id" = String, Path, description = "As answers tell it.", example = "01900000-0000-7000-8000-000000000001")),
    responses((status = 204, description = "It is deleted."), ReadErrors, NotFound),
)]
async fn remove(state: ApiState, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let (storage, tenant) = (state.engine.storage(), &state.tenant);
    storage.delete_saved_search(tenant, id.parse()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
