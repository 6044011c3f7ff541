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

mod decode;

pub use decode::OtlpDecoder;
