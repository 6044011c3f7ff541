//! The index beside a file: which blocks of rows may hold a term.
//!
//! A tantivy *document* is a block of [`BLOCK_ROWS`] consecutive rows; its terms are the block's
//! distinct words, attributes and trace ids (see `terms`). The single segment is packed into one
//! file (see `packed`).
//!
//! An answer is always a superset: the columns say what is true (promise 3). A file without an
//! index, or with one that cannot be read, is simply read whole.

mod blocks;
mod builder;
mod cache;
mod packed;
mod reader;
mod terms;

pub(crate) use builder::IndexBuilder;
pub use cache::IndexCache;
pub(crate) use packed::unpack;

use crate::model::TraceId;

/// Rows per block; the last block of a file may be shorter.
pub const BLOCK_ROWS: u64 = 1024;

/// A question to the index. Build it so that every row that can match lies in a matching block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// Cannot be narrowed: all blocks.
    All,
    /// Logs: the body has this token. Spans: the name has. Lower-case, as [`crate::text`] cuts.
    Token(String),
    /// As [`Lookup::Token`], for any token that starts with this.
    TokenPrefix(String),
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
    /// Blocks that match all of these; empty means [`Lookup::All`].
    And(Vec<Lookup>),
    /// Blocks that match any of these; empty means none.
    Or(Vec<Lookup>),
}

#[cfg(test)]
mod tests;
