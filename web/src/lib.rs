//! The web UI: the files that `npm run build` wrote to `dist/`, inside the binary.
//!
//! Pages of the UI are paths of the browser (`/logs`, `/trace/<id>`), so every unknown path answers
//! with `index.html`; paths that belong to an API answer 404 instead, since a script that asks for
//! `/api/v2` wants an error and not a page. Nothing is compressed here: the build writes `x.gz`
//! beside each file.

mod headers;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "dist/"]
struct Dist;

/// First path segments that are never a page of the UI.
const RESERVED: [&str; 7] = [
    "api", "jaeger", "tempo", "metrics", "healthz", "readyz", "v1",
];

/// The UI as the router's fallback: merge it with, or nest the API's routes before, this one.
pub fn router() -> Router {
    Router::new().fallback(serve)
}

async fn serve(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    if RESERVED.contains(&first) {
        return not_found(request.uri().path());
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain; charset=utf-8",
            "only GET and HEAD\n",
        );
        response
            .headers_mut()
            .insert(header::ALLOW, http::HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    if let Some(file) = Dist::get(path).filter(|_| !path.is_empty() && !has_gz_suffix(path)) {
        return answer(path, file, request.headers());
    }
    // A missing asset is an old tab asking for a file of the last version: a page in its place would
    // be run as a script.
    if first == "assets" {
        return plain(
            StatusCode::NOT_FOUND,
            "text/plain; charset=utf-8",
            "no such asset\n",
        );
    }
    match Dist::get("index.html") {
        Some(file) => answer("index.html", file, request.headers()),
        None => plain(
            StatusCode::NOT_FOUND,
            "text/plain; charset=utf-8",
            "the web UI is not in this binary\n",
        ),
    }
}

/// `x.gz` is how `x` is sent, not a file of its own.
fn has_gz_suffix(path: &str) -> bool {
    path.as_bytes().ends_with(b".gz")
}

fn answer(path: &str, file: EmbeddedFile, request: &HeaderMap) -> Response {
    let etag = headers::etag(&file.metadata.sha256_hash());
    let mut response = if headers::is_current(request, &etag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        with_body(path, file, request)
    };
    headers::add(path, &etag, response.headers_mut());
    response
}

fn with_body(path: &str, file: EmbeddedFile, request: &HeaderMap) -> Response {
    let packed = headers::accepts_gzip(request)
        .then(|| Dist::get(&format!("{path}.gz")))
        .flatten();
    let is_packed = packed.is_some();
    // `Cow<'static, [u8]>`: the bytes of the binary itself, not a copy.
    let body = match packed.unwrap_or(file).data {
        std::borrow::Cow::Borrowed(bytes) => Body::from(bytes),
        std::borrow::Cow::Owned(bytes) => Body::from(bytes),
    };
    let mut response = Response::new(body);
    if is_packed {
        response.headers_mut().insert(
            header::CONTENT_ENCODING,
            http::HeaderValue::from_static("gzip"),
        );
    }
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, headers::content_type(path));
    response
}

/// The shape of `docs/api.md`, so that a client of the API can read it as any other error.
fn not_found(path: &str) -> Response {
    let shown: String = path
        .chars()
        .filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\'))
        .take(200)
        .collect();
    let body = format!(
        "{{\"error\":{{\"code\":\"not_found\",\"message\":\"there is no `{shown}` here\",\"hint\":\"see docs/api.md for the paths of the API\",\"position\":null}}}}"
    );
    plain(StatusCode::NOT_FOUND, "application/json", body)
}

fn plain(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        http::HeaderValue::from_static(content_type),
    );
    response.headers_mut().insert(
        header::X_CONTENT_TYPE_OPTIONS,
        http::HeaderValue::from_static("nosniff"),
    );
    response
}

#[cfg(test)]
mod tests;
