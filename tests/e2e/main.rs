//! End-to-end proof on the real binary: what a user is promised, over the network, from outside.
//!
//! ```text
//! harness   starts, kills and restarts `spoor` in a temporary folder, on free ports
//! data      the real telemetry of `tests/data`, and small made-up requests
//! otlp      sends: OTLP/HTTP and OTLP/gRPC, raw bytes where a client library would be too polite
//! api       asks: the HTTP API
//! ```
//! The other modules are the tests; each says which promise it holds.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    reason = "a test stops at the first thing that is not as it should be; its counts are small"
)]

mod api;
mod busy;
mod crash;
mod damage;
mod data;
mod deletion;
mod disk;
mod expected;
mod formats;
mod harness;
mod index_deleted;
mod intelligence;
mod lifecycle;
mod logs_command;
mod loki;
mod malformed;
mod mounted;
mod otlp;
mod power;
mod security;
mod shape;
mod sql;
mod tail;
mod tempo;
mod untouched;
mod visibility;
