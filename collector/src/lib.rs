//! Collector: everything that comes in.
//!
//! ```text
//!  OTLP/gRPC ─┐                       ┌─► rows (Arrow)
//!  OTLP/HTTP ─┼─► protobuf ─► decode ─┤              ├─► storage.append ─► answer
//!  JSON lines ┘                       └─► bytes (WAL)
//! ```
//!
//! Every request becomes OTLP protobuf and is decoded by one piece of code, the same that replays
//! the write-ahead log. A request that does not decode is refused and never written.
//!
//! Modules in reading order: [`collector`] (the way of a request), `decode` (protobuf to rows),
//! `otlp_json` and [`json_lines`] (to protobuf), `compress`, `body` (reading within limits),
//! `http`, `grpc`, `rpc_status` (answers), `metrics`.

mod body;
pub mod collector;
mod compress;
mod decode;
mod grpc;
mod http;
pub mod json_lines;
mod metrics;
mod otlp_json;
mod proto_writer;
mod rpc_status;
#[cfg(test)]
mod sample_data;

pub use collector::{Collector, CollectorOptions, ExportOutcome, Format, Signal};
pub use decode::OtlpDecoder;
pub use json_lines::JsonLinesDefaults;

/// The answer to metrics, which senders often have configured beside traces and logs.
fn metrics_are_not_taken() -> spoor_storage::Error {
    spoor_storage::Error::new(
        spoor_storage::ErrorKind::NotFound,
        "spoor takes traces and logs, not metrics",
    )
    .with_hint("turn the sender's metrics exporter off, or send metrics elsewhere")
}
