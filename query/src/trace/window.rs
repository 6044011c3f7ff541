//! A window of a trace's timeline: as many rows as can be looked at, of a trace of any size.
//!
//! ```text
//!  spans, 9 columns ─► nodes ─► tree and analysis (kept) ─► rows that reach into the window, as deep as they fit ─► JSON
//! ```
//! A trace of a million spans takes some hundred bytes a span, and nothing that grows with attributes.
//! What is not shown is summed up where it hangs.

pub(super) mod api;
pub(super) mod find;
mod kept;
mod load;
pub(super) mod logs;
mod matching;
mod request;
mod rows;
mod schema;
mod stored;
mod told;
mod whole;
mod write;

pub(crate) use kept::TraceCache;

#[cfg(test)]
mod tests;
