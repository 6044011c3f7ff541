//! Log patterns: the formats that texts come from, with how often and since when.
//!
//! ```text
//!  rows ─► shape (numbers, ids, times … masked) ─► counts by shape ─► patterns (similar shapes joined)
//! ```
//! Each matching text is read once; memory is bounded by the number of shapes. The patterns of the word index are not
//! used: they are lower-case words of one file without what is between them, chosen for what is cheap to
//! store, and the buffer has none. What a pattern looks like must not depend on how rows are cut into files.

mod api;
mod by_service;
mod classify;
mod cluster;
mod counted;
mod grouped;
mod mine;
mod search;
mod shape;
mod table;
mod tally;

pub(crate) use api::routes;
pub(crate) use by_service::{ByService, ServicePattern};
pub(crate) use classify::is_id;
pub(crate) use grouped::{Coarsen, Grouped, Merge, count_bounded};
pub(crate) use mine::{Mined, Miner};
pub(crate) use tally::{Record, ServiceCount, Services, Tally};

/// A text with all that varies by nature masked.
pub(crate) fn template_of(text: &str) -> String {
    shape::Shape::of(text).template()
}

#[cfg(test)]
mod tests;
