use axum::routing::{get, post};
use tower::ServiceExt;

use super::*;

fn tokens(token: &str) -> TokenSet {
    let mut tokens = TokenSet::default();
    tokens.add(token).unwrap();
    tokens
}

fn guarded(door: Door) -> Router {
    let routes = Router::new()
        .route("/secret", get(|| async { "in" }))
        .route(
            "/v1/traces",
            post(|| async { "in" }).options(|| async { "may" }),
        );
    guard(routes, door, &tokens("open-sesame"))
}

async fn ask(router: Router, request: http::request::Builder) -> (http::response::Parts, Vec<u8>) {
    let response = router
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1 << 16).await.unwrap();
    (parts, body.to_vec())
}

#[tokio::test]
async fn a_token_opens_and_its_absence_says_what_to_send() {
    for right in [
        "Bearer open-sesame",
        "bearer open-sesame",
        "BEARER   open-sesame ",
    ] {
        let request = Request::get("/secret").header(AUTHORIZATION, right);
        let (parts, body) = ask(guarded(Door::Api), request).await;
        assert_eq!(
            (parts.status, body.as_slice()),
            (StatusCode::OK, &b"in"[..]),
            "{right}"
        );
    }
    for wrong in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer open",
        "Basic open-sesame",
        "open-sesame",
    ] {
        let request = Request::get("/secret").header(AUTHORIZATION, wrong);
        let (parts, body) = ask(guarded(Door::Api), request).await;
        assert_eq!(parts.status, StatusCode::UNAUTHORIZED, "{wrong}");
        assert!(parts.headers.contains_key(WWW_AUTHENTICATE));
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"]["code"], "unauthenticated");
    }
    let (parts, _) = ask(guarded(Door::Api), Request::get("/nowhere")).await;
    assert_eq!(parts.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn otlp_http_refuses_in_the_encoding_of_the_request() {
    let request = Request::post("/v1/traces").header(CONTENT_TYPE, "application/x-protobuf");
    let (parts, body) = ask(guarded(Door::OtlpHttp), request).await;
    assert_eq!(parts.status, StatusCode::UNAUTHORIZED);
    assert_eq!(parts.headers[CONTENT_TYPE], "application/x-protobuf");
    let status = RpcStatus::decode(body.as_slice()).unwrap();
    assert_eq!(status.code, 16);
    assert!(status.message.contains("authorization"));

    let request = Request::post("/v1/traces").header(CONTENT_TYPE, "application/json");
    let (parts, body) = ask(guarded(Door::OtlpHttp), request).await;
    assert_eq!(parts.status, StatusCode::UNAUTHORIZED);
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["code"], 16);
}

#[tokio::test]
async fn a_browser_may_ask_before_it_sends() {
    let (parts, _) = ask(guarded(Door::OtlpHttp), Request::options("/v1/traces")).await;
    assert_eq!(parts.status, StatusCode::OK);
    let (parts, _) = ask(guarded(Door::Api), Request::options("/v1/traces")).await;
    assert_eq!(parts.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn grpc_refuses_with_status_16() {
    let request = Request::post("/v1/traces").header(CONTENT_TYPE, "application/grpc");
    let (parts, _) = ask(guarded(Door::OtlpGrpc), request).await;
    assert_eq!(parts.status, StatusCode::OK);
    assert_eq!(parts.headers["grpc-status"], "16");
}

#[tokio::test]
async fn without_tokens_the_door_is_open() {
    let routes = Router::new().route("/secret", get(|| async { "in" }));
    let router = guard(routes, Door::Api, &TokenSet::default());
    let (parts, _) = ask(router, Request::get("/secret")).await;
    assert_eq!(parts.status, StatusCode::OK);
}
