//! `/api/v1/searches`: searches that people save under a name. Storage keeps them.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spoor_storage::{SavedSearch, SearchContent, SearchView, TenantId};

use crate::api::{ApiError, ApiState, JsonBody, Parameters, optional};
use crate::parameters::format_time;

/// A saved search as answers tell it.
#[derive(Debug, Serialize)]
struct SearchJson {
    id: String,
    #[serde(flatten)]
    content: SearchContent,
    created_time: String,
    updated_time: String,
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

pub(crate) fn routes() -> Router<ApiState> {
    Router::new()
        .route("/api/v1/searches", get(list).post(save))
        .route(
            "/api/v1/searches/{id}",
            get(one).put(replace).delete(remove),
        )
}

#[derive(Debug, Deserialize)]
struct ListParameters {
    #[serde(default, deserialize_with = "optional")]
    view: Option<SearchView>,
}

async fn list(
    State(state): State<ApiState>,
    Parameters(parameters): Parameters<ListParameters>,
) -> Result<Json<Value>, ApiError> {
    let (storage, tenant) = (state.engine.storage(), TenantId::default());
    let found = storage.saved_searches(&tenant, parameters.view).await?;
    let searches: Vec<SearchJson> = found.into_iter().map(SearchJson::from).collect();
    Ok(Json(json!({ "searches": searches })))
}

async fn save(
    State(state): State<ApiState>,
    JsonBody(content): JsonBody<SearchContent>,
) -> Result<Response, ApiError> {
    let storage = state.engine.storage();
    let saved = storage.save_search(&TenantId::default(), content).await?;
    Ok((StatusCode::CREATED, Json(SearchJson::from(saved))).into_response())
}

async fn one(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<SearchJson>, ApiError> {
    let (storage, tenant) = (state.engine.storage(), TenantId::default());
    let found = storage.saved_search(&tenant, id.parse()?).await?;
    Ok(Json(found.into()))
}

async fn replace(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    JsonBody(content): JsonBody<SearchContent>,
) -> Result<Json<SearchJson>, ApiError> {
    let (storage, tenant) = (state.engine.storage(), TenantId::default());
    let id = id.parse()?;
    let replaced = storage.replace_saved_search(&tenant, id, content).await?;
    Ok(Json(replaced.into()))
}

async fn remove(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let (storage, tenant) = (state.engine.storage(), TenantId::default());
    storage.delete_saved_search(&tenant, id.parse()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
