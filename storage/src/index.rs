//! The index beside a file: which rows may match, and which surely do.
//!
//! ```text
//!            ┌ words by row   patterns, dictionary, lists of rows   exact        (see `words`)
//! one file ──┤
//!  (packed)  ├ terms by block attributes: tantivy                   superset     (see `segment`)
//!            └ ids by block   id-like words and values, trace ids,
//!                             and traces that are linked to         superset     (see `ids`)
//! ```
//! An answer bounds the rows that match from below and from above ([`RowAnswer`]); AND, OR and NOT
//! keep that. Where both bounds are the same, the index decides and the text need not be read. A
//! file without an index, or with one that cannot be read, is simply read whole: deleting every
//! index changes no answer (promise 3).

mod answer;
mod builder;
mod cache;
mod ids;
#[doc(hidden)]
pub mod measured;
mod packed;
mod reader;
mod rows;
mod segment;
mod terms;
mod words;

pub use answer::{RowAnswer, RowSet};
pub(crate) use builder::IndexBuilder;
pub use cache::IndexCache;
pub(crate) use packed::verify;

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::TraceId;

/// Rows per block; the last block of a file may be shorter.
pub const BLOCK_ROWS: u64 = 1024;

/// A question to the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// Nothing is known: any row may match.
    All,
    /// Logs: the body has tokens that are these, one after the other. Spans: the name has. Not
    /// empty.
    Words(Vec<Word>),
    /// An attribute (of the record, its scope, its resource, an event of the span, or a body
    /// field) has this key and this value text.
    Attribute {
        /// The exact key.
        key: String,
        /// The exact value, as text (see [`crate::ValueType`]).
        value: String,
    },
    /// The row belongs to this trace.
    Trace(TraceId),
    /// The row belongs to one of these traces.
    Traces(Arc<HashSet<TraceId>>),
    /// A span that links to this trace.
    Linked(TraceId),
    /// All of these; empty means all rows.
    And(Vec<Lookup>),
    /// Any of these; empty means no row.
    Or(Vec<Lookup>),
    /// Not this. Of what is only about the text: rows that have a text, and it is not so. Of
    /// anything else nothing is known.
    Not(Box<Lookup>),
    /// All rows but those of this, also rows without a text.
    Without(Box<Lookup>),
}

/// What a token must be. All of it is lower-case, as [`crate::text`] cuts tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Is this.
    Exact(String),
    /// Starts so.
    Prefix(String),
    /// See [`crate::text::has_parts`]; at least two.
    Parts(Vec<String>),
    /// See [`crate::text::within_distance`].
    Near {
        /// The word.
        word: String,
        /// Edits.
        distance: u8,
    },
    /// Matches this regular expression as a whole (syntax of the `regex` crate).
    Regex(String),
}

impl Lookup {
    /// Whether only the text decides.
    pub fn is_about_text(&self) -> bool {
        match self {
            Self::Words(_) => true,
            Self::All
            | Self::Attribute { .. }
            | Self::Trace(_)
            | Self::Traces(_)
            | Self::Linked(_) => false,
            Self::And(parts) | Self::Or(parts) => parts.iter().all(Self::is_about_text),
            Self::Not(inner) | Self::Without(inner) => inner.is_about_text(),
        }
    }
}

impl Word {
    /// What every token that it stands for starts with.
    fn start(&self) -> &str {
        match self {
            Self::Exact(start) | Self::Prefix(start) => start,
            Self::Parts(parts) => parts.first().map_or("", String::as_str),
            Self::Near { .. } | Self::Regex(_) => "",
        }
    }
}

#[cfg(test)]
mod tests;
