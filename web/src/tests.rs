use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::headers;
use super::router;

async fn send(method: Method, path: &str, with: &[(header::HeaderName, &str)]) -> Response {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in with {
        request = request.header(name, *value);
    }
    router()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap()
}

async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn every_page_of_the_ui_is_the_index() {
    let root = text(send(Method::GET, "/", &[]).await).await;
    assert!(root.starts_with("<!doctype html>"), "{root}");
    for path in [
        "/logs?q=x",
        "/trace/0af7651916cd43dd8448eb211c80319c",
        "/index.html",
        "/apiary",
    ] {
        let response = send(Method::GET, path, &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "text/html; charset=utf-8"
        );
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
        assert_eq!(text(response).await, root, "{path}");
    }
}

#[tokio::test]
async fn paths_of_the_api_are_never_a_page() {
    for path in [
        "/api",
        "/api/v1/nothing",
        "/jaeger/x",
        "/tempo/x",
        "/metrics",
        "/healthz",
        "/readyz",
        "/v1/traces",
    ] {
        let response = send(Method::GET, path, &[]).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
        assert!(text(response).await.contains("\"not_found\""));
    }
}

#[tokio::test]
async fn missing_assets_are_missing_and_packed_files_are_hidden() {
    assert_eq!(
        send(Method::GET, "/assets/old-1234.js", &[]).await.status(),
        StatusCode::NOT_FOUND
    );
    let response = send(Method::GET, "/index.html.gz", &[]).await;
    assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
    assert!(text(response).await.starts_with("<!doctype html>"));
}

#[tokio::test]
async fn only_reads_are_answered() {
    let response = send(Method::POST, "/logs", &[]).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[header::ALLOW], "GET, HEAD");
}

#[tokio::test]
async fn an_unchanged_page_is_304_with_the_policy() {
    let etag = send(Method::GET, "/", &[]).await.headers()[header::ETAG]
        .to_str()
        .unwrap()
        .to_owned();
    let response = send(Method::GET, "/", &[(header::IF_NONE_MATCH, &etag)]).await;
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(
        policy.starts_with("default-src 'self'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(text(response).await, "");
}

#[test]
fn gzip_is_sent_only_to_those_who_take_it() {
    let accepts = |value: &'static str| {
        let mut map = HeaderMap::new();
        map.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        headers::accepts_gzip(&map)
    };
    assert!(accepts("br, gzip;q=0.8"));
    assert!(accepts("*"));
    assert!(!accepts("gzip;q=0, br"));
    assert!(!accepts("identity"));
    assert!(!headers::accepts_gzip(&HeaderMap::new()));
}

#[test]
fn hashed_assets_are_kept_for_ever() {
    let mut map = HeaderMap::new();
    headers::add("assets/index-B2x.js", "W/\"1\"", &mut map);
    assert_eq!(
        map[header::CACHE_CONTROL],
        "public, max-age=31536000, immutable"
    );
    assert_eq!(
        headers::content_type("assets/index-B2x.js"),
        "text/javascript; charset=utf-8"
    );
    assert_eq!(headers::content_type("favicon.svg"), "image/svg+xml");
}
