//! `GET /api/v1/openapi.json`: what can be asked on the HTTP address, for programs and for the page that shows it.
//!
//! Nothing in it depends on settings or data, so it is made once, at the start, and needs no token.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::health;

/// Serves the document. Errors if it cannot be written as JSON.
pub(super) fn router() -> serde_json::Result<Router> {
    let mut document = spoor_query::openapi::document();
    document.merge(health::routes().into_openapi());
    document.merge(health::metrics_routes().into_openapi());
    document.merge(routes().into_openapi());
    let json = Bytes::from(serde_json::to_vec(&document)?);
    Ok(Router::from(routes())
        .with_state(json)
        .layer(CompressionLayer::new()))
}

fn routes() -> OpenApiRouter<Bytes> {
    OpenApiRouter::default().routes(routes!(openapi))
}

/// This document.
///
/// Needs no token.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "Health", operation_id = "openapi",
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = serde_json::Value, content_type = "application/json", example = json!({"openapi": "3.1.0"}))),
    security(()),
)]
async fn openapi(State(json): State<Bytes>) -> Response {
    ([(CONTENT_TYPE, "application/json")], json).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn has_the_routes_of_both_crates_and_itself() {
        let request = Request::get("/api/v1/openapi.json")
            .body(Body::empty())
            .unwrap();
        let response = router().unwrap().oneshot(request).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), 1 << 22).await;
        let document: serde_json::Value = serde_json::from_slice(&body.unwrap()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        for path in [
            "/healthz",
            "/readyz",
            "/metrics",
            "/api/v1/status",
            "/api/v1/openapi.json",
            "/api/v1/logs",
            "/api/v1/delete",
        ] {
            assert!(paths.contains_key(path), "{path}");
        }
    }
}
