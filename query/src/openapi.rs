//! The OpenAPI document of the HTTP API, made from the code that answers.
//!
//! ```text
//!  handlers ─ #[utoipa::path] ─► routes!() ─► OpenApiRouter ─┬─► the router
//!  parameters, bodies, answers ─ derived schemas ────────────┴─► paths and schemas of the document
//! ```
//! A route that is put into the router by `routes!` cannot lack in the document. Handlers that write their JSON by
//! hand name a struct that only says what it looks like; tests hold the real answers to it. What is said
//! once for all of them is here.

mod about;
mod errors;
mod tenant;
pub(crate) mod words;

use utoipa::openapi::OpenApi;

pub use errors::{AdminErrors, Conflict, NotFound, ReadErrors, Unauthenticated, Unsupported};

/// The document of every route of this crate; the server adds its own.
pub fn document() -> OpenApi {
    let mut document = about::document();
    document.merge(crate::api::native_routes().into_openapi());
    document.merge(crate::api::listing_routes().into_openapi());
    document.merge(crate::admin::changing_routes().into_openapi());
    document.merge(crate::api::stopping_routes().into_openapi());
    tenant::add_to(&mut document);
    document
}

#[cfg(test)]
mod tests;
