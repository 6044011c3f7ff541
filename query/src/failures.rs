//! Failing transactions by where they break.
//!
//! A trace with a failed span is one failure. Its origin is the deepest failing span that explains the failure
//! (see `trace::origin`); failures are of one group if their origins do the same and say the same.

mod api;
mod group;

pub(crate) use api::routes;

#[cfg(test)]
mod tests;
