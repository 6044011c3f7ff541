//! Reading requests: parameters whose errors are told as all errors are.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use spoor_storage::Error;

use super::ApiError;

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
                Err(Error::invalid(format!("a parameter is malformed: {cause}")).into())
            }
        }
    }
}

/// For `#[serde(default, deserialize_with = "optional")]`: an empty parameter is one not given.
pub fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: std::fmt::Display,
{
    match Option::<String>::deserialize(deserializer)? {
        Some(text) if !text.trim().is_empty() => {
            text.trim().parse().map(Some).map_err(D::Error::custom)
        }
        _ => Ok(None),
    }
}
