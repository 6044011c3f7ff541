//! Failing transactions by where they break.
//!
//! A trace with a failed span is one failure. Its origin is the deepest failing span that explains the failure
//! (see `trace::origin`); failures are of one group if their origins do the same and say the same.
//!
//! They are not counted file by file (`by_file`): a trace's spans are in the files of several hours and in the
//! buffer, and which of them is the origin is not known until all are there. With the error in one file and
//! what called it in another, neither has the failure, and no sum of the two does.

mod api;
mod group;

pub(crate) use api::routes;

#[cfg(test)]
mod tests;
