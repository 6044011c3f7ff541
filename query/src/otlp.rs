//! Rows of `spans` as OTLP JSON: what came in is what goes out.
//!
//! Rows are opened as [`SpanColumns`], which the trace and Jaeger views read too. Text is written
//! straight into one buffer; nothing is built in between.

mod columns;
mod json;
mod protobuf;
mod schema;
mod value;
mod write;

pub use columns::{Attribute, Attributes, Event, Link, Scope, SpanColumns};
pub(crate) use columns::{integers, nanoseconds, optional as optional_text, strings};
pub use json::JsonWriter;
pub(crate) use protobuf::bytes as write_protobuf_bytes;
pub use protobuf::write_traces_protobuf;
pub(crate) use schema::{TracesData, traces_example};
pub use value::{
    is_safe_integer, write_plain_attributes, write_plain_value, write_typed_attributes,
};
pub use write::{SpanRef, span_identity, write_traces_data};
pub(crate) use write::{write_resource_spans, write_resource_spans_items};

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
