use axum::Extension;
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

fn admin_door(access: &Access, address: &str) -> Router {
    let who = async |Extension(Caller(caller)): Extension<Caller>| caller.unwrap();
    let routes = Router::new().route("/delete", post(who));
    guard_admin(routes, Admins::new(access, address.parse().unwrap()))
}

async fn ask_to_delete(router: Router, token: &str, kind: &str) -> (StatusCode, String) {
    let mut request = Request::post("/delete").header(CONTENT_TYPE, kind);
    if !token.is_empty() {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let (parts, body) = ask(router, request).await;
    (parts.status, String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn only_an_admin_token_deletes() {
    const JSON: &str = "application/json";
    let access = Access {
        read: tokens("reader"),
        admin: tokens("admin"),
        ..Access::default()
    };
    let door = || admin_door(&access, "127.0.0.1:1");
    let (status, who) = ask_to_delete(door(), "admin", JSON).await;
    assert_eq!((status, who.as_str()), (StatusCode::OK, "admin token 1"));
    let (status, body) = ask_to_delete(door(), "reader", JSON).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(body.contains("may read, not change"), "{body}");
    for wrong in ["", "nobody"] {
        let (status, _) = ask_to_delete(door(), wrong, JSON).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    assert!(access.readers().contains(b"admin"), "who deletes may read");
}

#[tokio::test]
async fn without_an_admin_token_only_this_machine_deletes() {
    const JSON: &str = "application/json";
    let nothing = Access::default();
    let (status, who) = ask_to_delete(admin_door(&nothing, "[::1]:1"), "", JSON).await;
    assert_eq!(
        (status, who.as_str()),
        (StatusCode::OK, "somebody on this machine")
    );
    // As a page of a stranger can make a browser send it.
    let (status, _) = ask_to_delete(admin_door(&nothing, "[::1]:1"), "", "text/plain").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let (status, _) = ask_to_delete(admin_door(&nothing, "0.0.0.0:1"), "", JSON).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let readers = Access {
        read: tokens("reader"),
        ..Access::default()
    };
    let (status, body) = ask_to_delete(admin_door(&readers, "127.0.0.1:1"), "reader", JSON).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(body.contains("--admin-token-file"), "{body}");
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
