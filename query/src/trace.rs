//! Traces: their tree, their search, their summaries.

pub mod assemble;
