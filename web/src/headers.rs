//! Headers of the UI's files: what may be cached, what the page may load.

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue};

/// Nothing from other hosts, no inline script or style, no framing: log lines and span attributes
/// are text of strangers, and this is the second wall behind escaping.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Asked again each time, answered with 304 when it is the same.
const REVALIDATE: &str = "no-cache";

const ALWAYS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::VARY, "accept-encoding"),
];

pub(crate) fn add(path: &str, etag: &str, headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Vite puts a hash of the content into every name under assets/.
    let cache = if path.starts_with("assets/") {
        IMMUTABLE
    } else {
        REVALIDATE
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(value) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, value);
    }
}

/// A weak tag: the packed and the plain form are the same page.
pub(crate) fn etag(hash: &[u8; 32]) -> String {
    let head = hash.first_chunk().copied().map_or(0, u64::from_be_bytes);
    format!("W/\"{head:016x}\"")
}

pub(crate) fn is_current(request: &HeaderMap, etag: &str) -> bool {
    request
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .split(',')
                .any(|tag| matches!(tag.trim(), "*") || tag.trim() == etag)
        })
}

pub(crate) fn accepts_gzip(request: &HeaderMap) -> bool {
    request
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            value.split(',').any(|item| {
                let mut parts = item.split(';').map(str::trim);
                let is_gzip = matches!(parts.next(), Some("gzip" | "x-gzip" | "*"));
                is_gzip && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
            })
        })
}

pub(crate) fn content_type(path: &str) -> HeaderValue {
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    let text = match (mime.type_().as_str(), mime.subtype().as_str()) {
        ("text", _) | (_, "javascript" | "json") => format!("{mime}; charset=utf-8"),
        _ => mime.to_string(),
    };
    HeaderValue::from_str(&text)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}
