//! Is it up, is it ready, how is it: `/healthz`, `/readyz`, `/api/v1/status`, `/metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use serde::Serialize;
use spoor_storage::RecoveryProgress;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use spoor_query::openapi::Unauthenticated;

use crate::runfile::RunFile;
use crate::settings::Access;

/// Answers about the server itself, without a token and before recovery.
#[derive(Clone)]
pub(super) struct Health {
    shared: Arc<Shared>,
}

struct Shared {
    ready: AtomicBool,
    stopping: AtomicBool,
    recovery: RecoveryProgress,
    server: RunFile,
    auth: Auth,
}

/// Which tokens are asked for.
#[derive(Clone, Copy, Serialize, ToSchema)]
struct Auth {
    read: bool,
    ingest: bool,
    admin: bool,
}

/// The server.
#[derive(Serialize, ToSchema)]
#[schema(as = Status)]
struct Status<'a> {
    version: &'a str,
    ready: bool,
    otlp_grpc_addr: String,
    otlp_http_addr: String,
    http_addr: String,
    tls: bool,
    auth: Auth,
}

impl Health {
    pub(super) fn new(server: &RunFile, access: &Access) -> Self {
        Self {
            shared: Arc::new(Shared {
                ready: AtomicBool::new(false),
                stopping: AtomicBool::new(false),
                recovery: RecoveryProgress::default(),
                server: server.clone(),
                auth: Auth {
                    read: !access.read.is_open(),
                    ingest: !access.ingest.is_open(),
                    admin: !access.admin.is_open(),
                },
            }),
        }
    }

    /// How far the start has come; `/readyz` tells it.
    pub(super) fn recovery(&self) -> &RecoveryProgress {
        &self.shared.recovery
    }

    pub(super) fn set_ready(&self) {
        self.shared.ready.store(true, Ordering::Release);
    }

    pub(super) fn set_stopping(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.ready.store(false, Ordering::Release);
    }

    fn is_ready(&self) -> bool {
        self.shared.ready.load(Ordering::Acquire)
    }

    pub(super) fn router(&self) -> Router {
        Router::from(routes()).with_state(self.clone())
    }
}

/// The routes that answer before recovery, with their part of the OpenAPI document.
pub(super) fn routes() -> OpenApiRouter<Health> {
    OpenApiRouter::default()
        .routes(routes!(up))
        .routes(routes!(ready))
        .routes(routes!(status))
}

/// Whether the process is up.
#[utoipa::path(
    get, path = "/healthz", tag = "Health", operation_id = "healthz",
    responses((status = 200, description = "It is.", body = String, example = json!("ok\n"))),
    security(()),
)]
async fn up() -> &'static str {
    "ok\n"
}

/// Whether it has recovered and accepts.
#[utoipa::path(
    get, path = "/readyz", tag = "Health", operation_id = "readyz",
    responses(
        (status = 200, description = "It does.", body = String, example = json!("ready\n")),
        (status = 503, description = "How far the start has come, or that it stops.", body = String, example = json!("not ready: opening the data directory\n")),
    ),
    security(()),
)]
async fn ready(State(health): State<Health>) -> (StatusCode, String) {
    if health.is_ready() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    let why = if health.shared.stopping.load(Ordering::Acquire) {
        "stopping".to_owned()
    } else {
        health.recovery().to_string()
    };
    (
        StatusCode::SERVICE_UNAVAILABLE,
        format!("not ready: {why}\n"),
    )
}

fn status_example() -> serde_json::Value {
    serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"), "ready": true, "otlp_grpc_addr": "127.0.0.1:4317", "otlp_http_addr": "127.0.0.1:4318",
        "http_addr": "127.0.0.1:4320", "tls": false, "auth": {"read": false, "ingest": false, "admin": false},
    })
}

/// Version, addresses, and which tokens are asked for.
///
/// Needs no token.
#[utoipa::path(
    get, path = "/api/v1/status", tag = "Health", operation_id = "status",
    responses((status = 200, description = "The server.", body = Status, example = status_example)),
    security(()),
)]
async fn status(State(health): State<Health>) -> Response {
    let Shared { server, auth, .. } = health.shared.as_ref();
    Json(Status {
        version: &server.version,
        ready: health.is_ready(),
        otlp_grpc_addr: server.otlp_grpc_addr.to_string(),
        otlp_http_addr: server.otlp_http_addr.to_string(),
        http_addr: server.http_addr.to_string(),
        tls: server.tls,
        auth: *auth,
    })
    .into_response()
}

/// `/metrics`: everything in `registry` as Prometheus reads it.
pub(super) fn metrics_router(registry: Registry) -> Router {
    Router::from(metrics_routes()).with_state(Arc::new(registry))
}

/// As [`metrics_router`], with its part of the OpenAPI document.
pub(super) fn metrics_routes() -> OpenApiRouter<Arc<Registry>> {
    OpenApiRouter::default().routes(routes!(metrics))
}

/// Metrics as Prometheus reads them.
#[utoipa::path(
    get, path = "/metrics", tag = "Health", operation_id = "metrics",
    responses(
        (status = 200, description = "OpenMetrics text.", body = String, content_type = "application/openmetrics-text",
            example = json!("# TYPE spoor_build_info gauge\nspoor_build_info{version=\"0.1.0\"} 1\n# EOF\n")),
        Unauthenticated,
    ),
)]
async fn metrics(State(registry): State<Arc<Registry>>) -> Response {
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => {
            let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(CONTENT_TYPE, content_type)], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt;

    use super::*;

    async fn ask(router: &Router, path: &str) -> (StatusCode, String) {
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn ready_is_not_the_same_as_up() {
        let server = RunFile {
            pid: 1,
            version: "9.9.9".to_owned(),
            otlp_grpc_addr: ([127, 0, 0, 1], 4317).into(),
            otlp_http_addr: ([127, 0, 0, 1], 4318).into(),
            http_addr: ([127, 0, 0, 1], 4320).into(),
            tls: false,
        };
        let health = Health::new(&server, &Access::default());
        let router = health.router();
        assert_eq!(ask(&router, "/healthz").await.0, 200);
        let not_yet = (
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: opening the data directory\n".to_owned(),
        );
        assert_eq!(ask(&router, "/readyz").await, not_yet);
        health.set_ready();
        assert_eq!(ask(&router, "/readyz").await.0, 200);
        let (_, body) = ask(&router, "/api/v1/status").await;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["ready"], true);
        assert_eq!(body["otlp_http_addr"], "127.0.0.1:4318");
        assert_eq!(
            body["auth"],
            serde_json::json!({"read": false, "ingest": false, "admin": false})
        );
        health.set_stopping();
        assert_eq!(ask(&router, "/readyz").await.1, "not ready: stopping\n");
    }

    #[tokio::test]
    async fn metrics_are_prometheus_text() {
        let mut registry = Registry::default();
        super::super::process::register_metrics(&mut registry);
        let (status, text) = ask(&metrics_router(registry), "/metrics").await;
        assert_eq!(status, 200);
        let version = format!(
            "spoor_build_info{{version=\"{}\"}} 1",
            env!("CARGO_PKG_VERSION")
        );
        assert!(text.contains(&version), "{text}");
        assert!(text.contains("process_resident_memory_bytes "), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
