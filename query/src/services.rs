//! Services: who there is, what they do, who calls whom.

pub mod graph;
mod quantile;

pub use quantile::Durations;
