//! Remembers what each request asks for while it is answered, so that a query can be listed.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use http::Method;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::Deserialize;
use spoor_storage::{Error, ErrorKind};

use super::ApiError;
use super::tenant::tenant_of;
use crate::admin::Caller;
use crate::engine::Asked;
use crate::logql::values::url_decoded;

/// What is kept of a query's text.
const MAX_TEXT_BYTES: usize = 2 << 10;
/// Bodies of queries; axum takes no more anyway.
const MAX_BODY_BYTES: usize = 2 << 20;
/// Parameters that hold what is asked for.
const TEXTS: [&str; 5] = ["query", "traceql", "q", "match[]", "tags"];

/// Answers the request with [`Asked::current`] set and its tenant known, also while its body is written.
pub(crate) async fn remember(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = if parts.method == Method::GET {
        body
    } else {
        match axum::body::to_bytes(body, MAX_BODY_BYTES).await {
            Ok(bytes) => return asked_with(parts, &bytes.clone(), Body::from(bytes), next).await,
            Err(error) => {
                let message = format!("the body is not readable: {error}");
                return ApiError::from(Error::new(ErrorKind::TooLarge, message)).into_response();
            }
        }
    };
    asked_with(parts, &[], body, next).await
}

/// Answers the request with its tenant among its extensions; `bytes` are those of `body` that were read.
async fn asked_with(mut parts: Parts, bytes: &[u8], body: Body, next: Next) -> Response {
    match tenant_of(&parts, form_of(&parts, bytes)) {
        Ok(tenant) => parts.extensions.insert(tenant),
        Err(error) => return ApiError::from(error).into_response(),
    };
    let asked = asked_of(&parts, bytes);
    answered(asked, Request::from_parts(parts, body), next).await
}

async fn answered(asked: Arc<Asked>, request: Request, next: Next) -> Response {
    let response = Arc::clone(&asked).scope(next.run(request)).await;
    // What is there already asks for nothing more.
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    response.map(|body| {
        let mut rest = body.into_data_stream();
        Body::from_stream(futures::stream::poll_fn(move |context| {
            Arc::clone(&asked).scoped(|| rest.poll_next_unpin(context))
        }))
    })
}

fn asked_of(parts: &Parts, body: &[u8]) -> Arc<Asked> {
    let matched = parts.extensions.get::<MatchedPath>();
    let kind = matched.map_or(parts.uri.path(), MatchedPath::as_str);
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let address: Option<IpAddr> = peer.map(|peer| peer.0.ip().to_canonical());
    let caller = parts.extensions.get::<Caller>();
    let mut text = text_of(parts, body).unwrap_or_else(|| parts.uri.to_string());
    text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
    Asked::new(
        kind,
        text,
        address,
        caller.and_then(|caller| caller.0.clone()),
    )
}

/// The query in a request, if there is one where queries are.
fn text_of(parts: &Parts, body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        query: String,
    }
    let found = parts.uri.query().and_then(parameter);
    found
        .or_else(|| parameter(form_of(parts, body)?))
        .or_else(|| Some(serde_json::from_slice::<Body>(body).ok()?.query))
}

/// The body, if it is a form.
fn form_of<'a>(parts: &Parts, body: &'a [u8]) -> Option<&'a str> {
    let kind = parts.headers.get(CONTENT_TYPE)?;
    let is_form = kind
        .as_bytes()
        .starts_with(b"application/x-www-form-urlencoded");
    std::str::from_utf8(body).ok().filter(|_| is_form)
}

fn parameter(encoded: &str) -> Option<String> {
    let pairs = encoded.split('&').filter_map(|pair| pair.split_once('='));
    let mut texts = pairs
        .filter(|(name, value)| !value.is_empty() && TEXTS.contains(&url_decoded(name).as_str()));
    texts.next().map(|(_, value)| url_decoded(value))
}
