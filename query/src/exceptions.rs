//! Exceptions by what they are and where they come from.
//!
//! They are read from spans' `exception` events and from logs with `exception.*` attributes. Two are of one
//! group if type and stack are the same; numbers, ids and line numbers do not count, so that a new build
//! does not make new groups. Without a stack the message decides, as a template.

mod api;
mod counted;
mod group;
mod rows;
mod stack;

pub(crate) use api::routes;
pub(crate) use stack::frames_of;

use crate::otlp::{Attributes, SpanColumns};

/// The event's name and the attributes, as the semantic conventions name them.
const EVENT: &str = "exception";
const TYPE: &str = "exception.type";
const MESSAGE: &str = "exception.message";
const STACK: &str = "exception.stacktrace";

/// An exception as it was recorded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exception<'a> {
    pub(crate) kind: Option<&'a str>,
    pub(crate) message: Option<&'a str>,
    pub(crate) stack: Option<&'a str>,
}

impl<'a> Exception<'a> {
    /// The exception of an event; of a key that came twice the first counts, as everywhere.
    pub(crate) fn of(attributes: Attributes<'a>) -> Self {
        let value = |key: &str| {
            let found = attributes.iter().find(|attribute| attribute.key == key);
            found.and_then(|attribute| attribute.text)
        };
        Self {
            kind: value(TYPE),
            message: value(MESSAGE),
            stack: value(STACK),
        }
    }

    /// The last exception of a span.
    pub(crate) fn last_of(spans: &'a SpanColumns, row: usize) -> Option<Self> {
        let events = spans.events(row).filter(|event| event.name == EVENT);
        events.last().map(|event| Self::of(event.attributes))
    }
}

#[cfg(test)]
mod tests;
