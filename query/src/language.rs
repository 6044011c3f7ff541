//! The search language: what people type into the search bar, for logs and spans alike.
//!
//! ```text
//! query  = any                       any   = all { "OR" all }
//! all    = not { ["AND"] not }       not   = ("NOT" | "-") not | "(" any ")" | term
//! term   = ("trace" | "logs") ":(" any ")" | name operator value | name ":" range | "*:" [ "~" ] value
//!        | "has:" name | '"' phrase '"' | word
//! operator = ":" | [":"] ( ">" | ">=" | "<" | "<=" | "=" | "!=" | "~" )
//! value  = '"' text '"' | text | "(" value { "OR" value } ")"
//! range  = ( "[" | "{" ) end "TO" end ( "]" | "}" )
//! ```
//! [`parse`] knows only the grammar; [`to_expr`] gives names and values their meaning for one
//! table. Errors of both say at which character they are. What `trace:(…)` and `logs:(…)` ask of other
//! rows is found out in between (`related`).

mod fields;
mod meaning;
mod parser;
mod related;
mod rules;
mod severity;
mod values;

use std::sync::Arc;

use spoor_storage::{Error, Table};

pub(crate) use fields::is_attribute;
pub(crate) use meaning::field_text;
pub use meaning::to_expr;
pub(crate) use related::{check, condition, with_logs};
pub use rules::RuleQueries;
pub use severity::{level_name, level_of, level_rank_expr};
pub(crate) use values::duration_ns;

use crate::functions::TraceSet;
use crate::functions::text_query::TextQuery;

/// A parsed query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// All of these; of none: everything.
    And(Vec<Query>),
    /// Any of these.
    Or(Vec<Query>),
    /// Not this; rows without the field count as not having it.
    Not(Box<Query>),
    /// A word or phrase of the text (log bodies, span names).
    Text(Text),
    /// A condition on a field.
    Field(Field),
    /// A field between two values.
    Range(Range),
    /// A word or phrase, or a regular expression, in any text of the record.
    Anywhere(Anywhere),
    /// The field is there.
    Has(Name),
    /// The row's trace has a span, or a log record, that matches.
    Related(Related),
    /// The row is of one of these traces: what a [`Query::Related`] was found to mean.
    #[doc(hidden)]
    Traces(Traces),
}

/// `trace:(…)` or `logs:(…)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Where one row must match.
    pub table: Table,
    /// What it must match.
    pub query: Box<Query>,
    /// Offset in characters.
    pub position: usize,
}

/// A set of traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces(Arc<TraceSet>);

/// A word or phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// As written, without quotes.
    pub source: String,
    /// Whether it was in quotes.
    pub quoted: bool,
    /// Its tokens.
    pub(crate) query: TextQuery,
}

/// A field's name as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Offset in characters.
    pub position: usize,
}

/// A condition on a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Which field.
    pub name: Name,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub value: Value,
}

/// `field:[a TO b]`: one value of the field meets both ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// Which field.
    pub name: Name,
    /// From where; `None` is as low as it may be.
    pub low: Option<End>,
    /// To where; `None` is as high as it may be.
    pub high: Option<End>,
}

/// One end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Where it ends.
    pub value: Value,
    /// Whether the value itself is inside: `[` and not `{`.
    pub inclusive: bool,
}

/// `*:word` and `*:~regex`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anywhere {
    /// What is looked for.
    pub value: Value,
    /// Whether it is a regular expression.
    pub is_regex: bool,
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `:` has the value: equality, wildcards, on `body` full text.
    Is,
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `~` matches a regular expression somewhere.
    Regex,
}

/// A value as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Without quotes.
    pub text: String,
    /// Whether it was in quotes: then `*` and `?` are themselves.
    pub quoted: bool,
    /// Offset in characters.
    pub position: usize,
}

/// What is wrong with a query, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Offset in characters.
    pub position: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead, if we know.
    pub hint: Option<String>,
}

/// Reads a query. The empty query finds everything.
pub fn parse(text: &str) -> Result<Query, SyntaxError> {
    parser::parse(text)
}

impl Query {
    /// Whether it finds everything.
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::And(parts) if parts.is_empty())
    }
}

impl Comparison {
    /// Whether it asks which of two is more.
    fn is_of_order(self) -> bool {
        matches!(
            self,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual
        )
    }
}

impl Related {
    /// As it is written.
    pub(crate) fn form(&self) -> &'static str {
        form(self.table)
    }
}

/// How a condition on other rows of `table` is written.
fn form(table: Table) -> &'static str {
    match table {
        Table::Spans => "trace:(…)",
        Table::Logs => "logs:(…)",
    }
}

impl SyntaxError {
    pub(crate) fn new(position: usize, message: impl Into<String>) -> Self {
        Self {
            position,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<SyntaxError> for Error {
    fn from(error: SyntaxError) -> Self {
        let message = format!(
            "{} at character {} of the query",
            error.message, error.position
        );
        match error.hint {
            Some(hint) => Self::invalid(message).with_hint(hint),
            None => Self::invalid(message),
        }
    }
}

#[cfg(test)]
mod tests;
