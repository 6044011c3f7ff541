//! Who may come in: bearer tokens in front of routers.
//!
//! Without tokens a door is open; settings make sure that such a door opens to this machine only.
//! The refusal speaks the protocol of the door, so that a client's log says what is missing.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use prost::Message;
use serde_json::json;
use spoor_query::admin::Caller;

use crate::settings::{Access, TokenSet};

const MISSING: &str = "a bearer token is missing";
const WRONG: &str = "the bearer token is not one of ours";

/// Which protocol a refusal is told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// The query API: `{"error": {…}}`.
    Api,
    /// OTLP/HTTP: `google.rpc.Status` in the request's encoding.
    OtlpHttp,
    /// OTLP/gRPC: `grpc-status: 16`.
    OtlpGrpc,
}

/// Who may change stored data.
#[derive(Clone)]
pub(crate) struct Admins {
    admin: TokenSet,
    read: TokenSet,
    /// No token is set at all, and only this machine can reach the door.
    open: bool,
}

impl Admins {
    pub(crate) fn new(access: &Access, address: SocketAddr) -> Self {
        let no_tokens = access.admin.is_open() && access.read.is_open();
        Self {
            admin: access.admin.clone(),
            read: access.read.clone(),
            open: no_tokens && address.ip().is_loopback(),
        }
    }
}

/// Lets only those through to `router` who may delete. It tells the handlers who that is.
pub(crate) fn guard_admin(router: Router, admins: Admins) -> Router {
    router.route_layer(middleware::from_fn_with_state(admins, check_admin))
}

async fn check_admin(State(admins): State<Admins>, mut request: Request, next: Next) -> Response {
    // A page of a stranger can make a browser send a form or plain text to this machine, but not
    // JSON: for that the browser asks first, and is not answered.
    let has_body = request.method() == Method::POST || request.method() == Method::PUT;
    let is_json = request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if has_body && !is_json {
        let message = "the request has no JSON body";
        let hint = "send `Content-Type: application/json`";
        return told(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported",
            message,
            hint,
        );
    }
    let token = bearer(request.headers());
    let caller = match token.and_then(|token| admins.admin.number_of(token)) {
        Some(number) => format!("admin token {number}"),
        None if admins.open => "somebody on this machine".to_owned(),
        None if admins.admin.is_open() => {
            let message = "nobody may change stored data: no admin token is set";
            let hint = "start spoor with --admin-token-file or SPOOR_ADMIN_TOKEN";
            return told(StatusCode::FORBIDDEN, "forbidden", message, hint);
        }
        None if token.is_some_and(|token| admins.read.contains(token)) => {
            let message = "the bearer token may read, not change stored data";
            let hint = "send `Authorization: Bearer <admin token>`";
            return told(StatusCode::FORBIDDEN, "forbidden", message, hint);
        }
        None => {
            let message = if token.is_some() { WRONG } else { MISSING };
            let hint = "send `Authorization: Bearer <admin token>`";
            let mut response = told(StatusCode::UNAUTHORIZED, "unauthenticated", message, hint);
            challenge(&mut response);
            return response;
        }
    };
    request.extensions_mut().insert(Caller(Some(caller)));
    next.run(request).await
}

/// A refusal as the API tells errors.
fn told(status: StatusCode, code: &str, message: &str, hint: &str) -> Response {
    tracing::debug!(message, "refused");
    let error = json!({"code": code, "message": message, "hint": hint, "position": null});
    (status, axum::Json(json!({ "error": error }))).into_response()
}

fn challenge(response: &mut Response) {
    response.headers_mut().insert(
        WWW_AUTHENTICATE,
        HeaderValue::from_static("Bearer realm=\"spoor\""),
    );
}

#[derive(Clone)]
struct Guard {
    door: Door,
    tokens: TokenSet,
}

/// Lets only requests with one of `tokens` through to the routes of `router`; all, if there are no
/// tokens. Paths the router does not have are not guarded: they answer 404 either way.
pub(crate) fn guard(router: Router, door: Door, tokens: &TokenSet) -> Router {
    if tokens.is_open() {
        return router;
    }
    let guard = Guard {
        door,
        tokens: tokens.clone(),
    };
    router.route_layer(middleware::from_fn_with_state(guard, check))
}

async fn check(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    // A browser asks with OPTIONS whether it may send a token, and sends none with it.
    if guard.door == Door::OtlpHttp && request.method() == Method::OPTIONS {
        return next.run(request).await;
    }
    let presented = bearer(request.headers());
    let number = presented.and_then(|token| guard.tokens.number_of(token));
    if let Some(number) = number {
        let caller = Caller(Some(format!("token {number}")));
        request.extensions_mut().insert(caller);
        return next.run(request).await;
    }
    let message = if presented.is_some() { WRONG } else { MISSING };
    tracing::debug!(path = request.uri().path(), message, "refused");
    refusal(guard.door, request.headers(), message)
}

/// The token of `Authorization: Bearer <token>`.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| token.trim_ascii())
}

/// `google.rpc.Status` without details.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

fn refusal(door: Door, request: &HeaderMap, message: &str) -> Response {
    let code = tonic::Code::Unauthenticated as i32;
    let mut response = match door {
        Door::OtlpGrpc => {
            let hint = format!(
                "{message}: set the exporter's header `authorization` to `Bearer <ingest token>`"
            );
            return tonic::Status::unauthenticated(hint).into_http::<Body>();
        }
        Door::Api => {
            let hint = "send `Authorization: Bearer <read token>`";
            let error = json!({"code": "unauthenticated", "message": message, "hint": hint, "position": null});
            axum::Json(json!({ "error": error })).into_response()
        }
        Door::OtlpHttp => {
            let message = format!(
                "{message}: set the exporter's header `authorization` to `Bearer <ingest token>`"
            );
            let is_protobuf = request
                .get(CONTENT_TYPE)
                .is_some_and(|value| value.as_bytes().starts_with(b"application/x-protobuf"));
            if is_protobuf {
                let body = RpcStatus { code, message }.encode_to_vec();
                let content_type = HeaderValue::from_static("application/x-protobuf");
                ([(CONTENT_TYPE, content_type)], body).into_response()
            } else {
                axum::Json(json!({"code": code, "message": message})).into_response()
            }
        }
    };
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    challenge(&mut response);
    response
}

#[cfg(test)]
mod tests;
