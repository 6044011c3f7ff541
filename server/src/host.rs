//! Which names we answer to: a defence against DNS rebinding.
//!
//! A web page of a stranger may let its own name point to 127.0.0.1 and so make the reader's browser
//! ask us as if we were its site. Tokens stop that; a door that is open because it listens on
//! loopback has none. There the name in `Host` must be one that nobody else can own: `localhost`,
//! an IP address, or what the settings allow.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use http::uri::Authority;
use http::{StatusCode, Uri};
use serde_json::json;

use crate::settings::TokenSet;

/// Puts the check in front of a router that serves HTTP on `address`, where it is needed.
pub(crate) fn only_our_names(
    router: Router,
    address: SocketAddr,
    tokens: &TokenSet,
    allowed: &[String],
) -> Router {
    if !address.ip().is_loopback() || !tokens.is_open() {
        return router;
    }
    let allowed: Arc<[String]> = allowed.into();
    router.layer(middleware::from_fn_with_state(allowed, check))
}

async fn check(State(allowed): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    let header = request
        .headers()
        .get(HOST)
        .and_then(|value| value.to_str().ok());
    // HTTP/2 has the name in the request line instead. A request without any cannot come from a
    // browser.
    let Some(host) = header.or_else(|| request.uri().authority().map(Authority::as_str)) else {
        return next.run(request).await;
    };
    if is_ours(host, &allowed) {
        return next.run(request).await;
    }
    let message = format!("`{host}` is not a name of this spoor");
    tracing::debug!(message, "refused");
    let hint = "use localhost or an IP address, or allow the name with --allowed-host";
    let error = json!({"code": "unknown_host", "message": message, "hint": hint, "position": null});
    let body = axum::Json(json!({ "error": error }));
    (StatusCode::MISDIRECTED_REQUEST, body).into_response()
}

/// Whether the name in `host` (`name` or `name:port`) is one that a stranger cannot point to us.
fn is_ours(host: &str, allowed: &[String]) -> bool {
    let Ok(uri) = host.parse::<Uri>() else {
        return false;
    };
    let Some(name) = uri.host() else {
        return false;
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    bare.parse::<IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || allowed
            .iter()
            .any(|other| other.eq_ignore_ascii_case(&name))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    #[test]
    fn only_names_that_nobody_else_owns_are_ours() {
        let allowed = ["spoor.internal".to_owned()];
        for ours in [
            "localhost",
            "localhost:4320",
            "LocalHost.:4320",
            "ui.localhost",
            "127.0.0.1:4320",
            "192.168.1.4",
            "[::1]:4320",
            "[::1]",
            "Spoor.Internal:80",
        ] {
            assert!(is_ours(ours, &allowed), "{ours}");
        }
        for theirs in [
            "",
            "evil.example",
            "localhost.evil.example:4320",
            "127.0.0.1.evil.example",
            "a b",
            "notlocalhost",
        ] {
            assert!(!is_ours(theirs, &allowed), "{theirs}");
        }
    }

    #[tokio::test]
    async fn only_an_open_door_on_loopback_looks_at_the_name() {
        let routes = || Router::new().route("/", get(|| async { "in" }));
        let mut tokens = TokenSet::default();
        tokens.add("open-sesame").unwrap();
        let open = TokenSet::default();
        let loopback = SocketAddr::from(([127, 0, 0, 1], 4320));
        let everywhere = SocketAddr::from(([0, 0, 0, 0], 4320));
        for (address, tokens, status) in [
            (loopback, &open, StatusCode::MISDIRECTED_REQUEST),
            (loopback, &tokens, StatusCode::OK),
            (everywhere, &open, StatusCode::OK),
        ] {
            let request = Request::get("/").header(HOST, "evil.example:4320");
            let router = only_our_names(routes(), address, tokens, &[]);
            let answer = router
                .oneshot(request.body(Body::empty()).unwrap())
                .await
                .unwrap();
            assert_eq!(answer.status(), status, "{address}");
        }
    }
}
