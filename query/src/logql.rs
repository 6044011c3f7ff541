//! LogQL: log lines and numbers of them over time, as Grafana Loki documents the language.
//!
//! ```text
//!  text ─► lexer ─► parser ─► ast
//!                             ├─► condition: what a row must meet at least (DataFusion, index)
//!                             └─► pipeline: what is true, row by row
//!  select:  rows newest first ─► pipeline ─► entries, until there are enough
//!  metrics: rows as they come ─► pipeline ─► windows ─► series ─► aggregations, operators
//! ```
//! A row becomes an entry of three kinds of labels ([`labels`]): those of its stream, metadata, and
//! what stages read from the line. The condition is a bound from above and only says where to look.

pub(crate) mod ast;
mod condition;
pub(crate) mod fields;
mod ip;
pub(crate) mod labels;
mod lexer;
pub(crate) mod metrics;
mod parser;
pub(crate) mod pipeline;
pub(crate) mod rows;
pub(crate) mod scan;
pub(crate) mod select;
mod template;
pub(crate) mod values;

use crate::language::SyntaxError;

/// Reads a query. Never panics; depth and size are bounded.
pub(crate) fn parse(text: &str) -> Result<ast::Expr, SyntaxError> {
    parser::parse(text)
}

#[cfg(test)]
mod tests;
