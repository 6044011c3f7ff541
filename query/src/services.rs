//! Services: who there is, what they do, who calls whom.

mod api;
pub mod graph;
mod operations;
mod quantile;
mod red;

pub(crate) use api::{in_range, routes};
pub use quantile::Durations;
