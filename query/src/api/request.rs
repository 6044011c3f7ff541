//! Reading requests: parameters whose errors are told as all errors are.

use std::any::Any;
use std::fmt::Display;
use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use spoor_storage::{Error, ErrorKind};

use super::ApiError;

/// Between what is wrong and what to do about it: an error that passes through serde is but a text.
const AND_HINT: char = '\u{1f}';

/// The query parameters of a request as a `T`.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => {
                // "Failed to deserialize query string: limit: invalid digit …"
                let text = rejection.body_text();
                let cause = text
                    .strip_prefix("Failed to deserialize query string: ")
                    .unwrap_or(&text);
                let (cause, hint) = match cause.rsplit_once(AND_HINT) {
                    Some((cause, hint)) => (cause, Some(hint)),
                    None => (cause, None),
                };
                let error = Error::invalid(format!("a parameter is malformed: {cause}"));
                Err(match hint {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                }
                .into())
            }
        }
    }
}

/// The JSON body of a request that changes something. It must be called JSON: a page of a stranger can
/// make a browser send a form or plain text to this machine, but for JSON the browser asks first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind = request.headers().get(CONTENT_TYPE);
        if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json")) {
            let error = Error::new(ErrorKind::Unsupported, "the request has no JSON body");
            return Err(error
                .with_hint("send `Content-Type: application/json`")
                .into());
        }
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|error| Error::new(ErrorKind::TooLarge, error.body_text()))?;
        let parsed = serde_json::from_slice(&body).map_err(|error| {
            Error::invalid(format!("the body is not the JSON expected: {error}"))
        })?;
        Ok(Self(parsed))
    }
}

/// For `#[serde(default, deserialize_with = "optional")]`: an empty parameter is one not given. The hint of an [`Error`]
/// becomes that of the answer.
pub fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: Display + 'static,
{
    match Option::<String>::deserialize(deserializer)? {
        Some(text) if !text.trim().is_empty() => {
            let read = text.trim().parse().map(Some);
            read.map_err(|error| D::Error::custom(with_hint_of(&error)))
        }
        _ => Ok(None),
    }
}

/// What is wrong, and behind [`AND_HINT`] what to do about it, if that is known.
fn with_hint_of<E: Display + 'static>(error: &E) -> String {
    // What is wrong may quote what was sent.
    let mut told = error.to_string().replace(AND_HINT, " ");
    let ours = (error as &dyn Any).downcast_ref::<Error>();
    if let Some(hint) = ours.and_then(Error::hint) {
        told.push(AND_HINT);
        told.push_str(hint);
    }
    told
}
