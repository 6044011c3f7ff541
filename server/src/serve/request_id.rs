//! A name for each request, by which its answer is found in the log.
//!
//! Whoever reports an error has the answer, and whoever looks for its cause has the log: both have
//! the same id. A proxy that has given one already is believed.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use rand::RngExt;
use tracing::Instrument;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Ids of others are at most so long.
const MAX_BYTES: usize = 64;

/// Every answer of `router` has an `X-Request-Id`, and what is logged meanwhile has it beside it.
pub(super) fn given_to_each(router: Router) -> Router {
    router.layer(from_fn(answered))
}

async fn answered(request: Request, next: Next) -> Response {
    let id = given(request.headers()).unwrap_or_else(made);
    // Errors are logged at any level that somebody asks for, and so is their request.
    let span = tracing::error_span!("request", id = %id);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::try_from(id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

/// That of the request, if it is one that may stand in a log.
fn given(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(HEADER)?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_one = !id.is_empty() && id.len() <= MAX_BYTES && id.bytes().all(is_plain);
    is_one.then(|| id.to_owned())
}

fn made() -> String {
    format!("{:016x}", rand::rng().random::<u64>())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn id_of(sent: Option<&str>) -> String {
        let router = given_to_each(Router::new().route("/x", get(|| async { "here" })));
        let mut request = Request::get("/x");
        if let Some(sent) = sent {
            request = request.header(HEADER, sent);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        response.headers()[HEADER].to_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn each_answer_has_one_of_its_own() {
        let (one, other) = (id_of(None).await, id_of(None).await);
        assert_eq!(one.len(), 16);
        assert_ne!(one, other);
    }

    #[tokio::test]
    async fn that_of_a_proxy_is_kept_if_it_is_one() {
        assert_eq!(id_of(Some("proxy-7.a_B")).await, "proxy-7.a_B");
        for wrong in ["", "two words", "<b>", &"x".repeat(MAX_BYTES + 1)] {
            assert_eq!(id_of(Some(wrong)).await.len(), 16, "{wrong}");
        }
    }
}
