//! TraceQL: questions about whole traces, as Grafana Tempo documents the language.
//!
//! ```text
//!  text ─► lexer ─► parser ─► ast
//!                             ├─► condition: what a span must meet at least (DataFusion, index)
//!                             └─► evaluate: what is true, over whole traces
//!  search:  candidates newest first ─► load whole traces ─► evaluate ─► a page
//!  metrics: spans as they come, or whole traces where the tree matters ─► series
//! ```
//! The condition is a bound from above and only says where to look; what is found is what
//! [`evaluate`] says over all spans of a trace, wherever they are stored and whenever they started.

mod api;
mod asked;
pub(crate) mod ast;
mod condition;
mod evaluate;
mod field;
pub(crate) mod lexer;
mod load;
pub(crate) mod metrics;
mod parser;
pub(crate) mod search;
mod tree;
pub(crate) mod value;
pub(crate) mod values;

use crate::language::SyntaxError;

pub(crate) use api::answer;
pub(crate) use asked::Asked;
pub(crate) use ast::Query;
pub(crate) use load::{ALWAYS as ALWAYS_READ, Wanted, candidates, load};
pub(crate) use search::{TraceqlSearch, find, find_all, plan};

/// Reads a query. Never panics; depth and size are bounded.
pub(crate) fn parse(text: &str) -> Result<Query, SyntaxError> {
    parser::parse(text)
}

#[cfg(test)]
mod tests;
