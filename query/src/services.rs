//! Services: who there is, what they do, who calls whom.

mod api;
mod calls;
mod changes;
mod figures;
pub mod graph;
mod heatmap;
mod moving;
mod operations;
mod peer;
mod quantile;
mod red;
mod topology;

pub(crate) use api::{durations_by_file, routes};
pub(crate) use calls::{Beside, each_trace};
pub(crate) use moving::{Figure, Moving, MovingSeries};
pub use quantile::{Durations, PackedDurations};
pub(crate) use topology::{edge_rows, edge_schema};
