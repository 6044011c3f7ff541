//! What the rows of one selection have in common that others have not.
//!
//! One pass over the rows of both sides counts every value of every attribute on each side; what is
//! surely more frequent in the selection comes first. Memory is bounded by fields and values: a field with many
//! values (ids, times) says nothing about groups and is left out.

mod api;
mod count;
mod score;

pub(crate) use api::routes;

#[cfg(test)]
mod tests;
