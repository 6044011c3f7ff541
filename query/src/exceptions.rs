//! Exceptions by what they are and where they come from.
//!
//! They are read from spans' `exception` events and from logs with `exception.*` attributes. Two are of one
//! group if type and stack are the same; numbers, ids and line numbers do not count, so that a new build
//! does not make new groups. Without a stack the message decides, as a template.

mod api;
mod group;
mod stack;

pub(crate) use api::routes;
pub(crate) use stack::frames_of;

/// The event's name and the attributes, as the semantic conventions name them.
pub(crate) const EVENT: &str = "exception";
pub(crate) const TYPE: &str = "exception.type";
pub(crate) const MESSAGE: &str = "exception.message";
pub(crate) const STACK: &str = "exception.stacktrace";

#[cfg(test)]
mod tests;
