//! A door that is there from the start and opens when storage has recovered.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde_json::json;
use tower::ServiceExt;

use crate::auth::Door;

const WAIT: &str = "spoor is starting: the log is being replayed";

/// Answers "come back" until it is opened, then hands every request to what is behind it.
#[derive(Clone)]
pub(super) struct Gate {
    door: Door,
    behind: Arc<OnceLock<Router>>,
}

impl Gate {
    pub(super) fn new(door: Door) -> Self {
        Self {
            door,
            behind: Arc::default(),
        }
    }

    /// Opens it; the first call counts.
    pub(super) fn open(&self, router: Router) {
        self.behind.get_or_init(|| router);
    }

    /// A router whose every path leads through the gate.
    pub(super) fn router(&self) -> Router {
        Router::new().fallback(pass).with_state(self.clone())
    }
}

async fn pass(State(gate): State<Gate>, request: Request) -> Response {
    match gate.behind.get() {
        Some(router) => router.clone().oneshot(request).await.into_response(),
        None => come_back(gate.door),
    }
}

fn come_back(door: Door) -> Response {
    let body = match door {
        Door::OtlpGrpc => return tonic::Status::unavailable(WAIT).into_http::<Body>(),
        // What an exporter does with a 503 does not depend on its body.
        Door::OtlpHttp => json!({"code": tonic::Code::Unavailable as i32, "message": WAIT}),
        Door::Api => json!({"error": {
            "code": "unavailable", "message": WAIT, "hint": "try again in a moment", "position": null,
        }}),
    };
    let headers = [(RETRY_AFTER, "1")];
    (StatusCode::SERVICE_UNAVAILABLE, headers, axum::Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::routing::get;

    use super::*;

    async fn status(router: Router) -> StatusCode {
        let request = Request::get("/x").body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn closed_until_opened() {
        let gate = Gate::new(Door::Api);
        let router = gate.router();
        assert_eq!(
            status(router.clone()).await,
            StatusCode::SERVICE_UNAVAILABLE
        );
        gate.open(Router::new().route("/x", get(|| async { "here" })));
        assert_eq!(status(router).await, StatusCode::OK);
    }
}
