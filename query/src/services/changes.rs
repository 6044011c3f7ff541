//! What changed between two periods: services ranked by how surely they themselves behave differently.
//!
//! ```text
//!  spans of both periods ─► self time, failures by operation ─┐
//!  logs (warn and worse) ─► formats by service ───────────────┼─► evidence ─► services, the surest first
//!  failing traces ────────► who has trouble below itself ─────┘
//! ```
//! A slow database makes everything above it slow, and an error is told by everyone it passes. So a service is
//! judged by what is its own: time that no child covers, errors in traces where nothing below it has trouble.
//! How much more traffic there is does not count; each number is compared by its share.

pub(super) mod api;
mod evidence;
mod logs;
mod rank;
mod score;
mod spans;

#[cfg(test)]
mod tests;
