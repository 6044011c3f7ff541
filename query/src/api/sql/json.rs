//! Rows as one JSON text, which counts as memory of the query from its first byte until the client has taken the last.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use futures::stream;
use http::header::CONTENT_TYPE;
use spoor_storage::{Error, Result};

use crate::failure::from_datafusion;
use crate::session::QuerySession;
use crate::sql::text::{write_json, write_string};

/// What is handed over at a time.
const PIECE_BYTES: usize = 64 << 10;
/// Shorter answers go over as a whole, and their length is known.
const WHOLE_BYTES: usize = 256 << 10;

/// An answer that is being written.
pub(super) struct JsonRows {
    out: String,
    /// What `out` takes.
    memory: MemoryReservation,
    /// What the batch takes that is being written.
    batch: MemoryReservation,
    rows: usize,
}

impl JsonRows {
    /// An answer with these columns and no rows yet.
    pub(super) fn new(session: &QuerySession, schema: &Schema) -> Self {
        let mut out = String::from("{\"columns\":[");
        for (place, field) in schema.fields().iter().enumerate() {
            out.push_str(if place > 0 {
                ",{\"name\":"
            } else {
                "{\"name\":"
            });
            write_string(&mut out, field.name());
            out.push_str(",\"type\":");
            write_string(&mut out, &field.data_type().to_string());
            out.push('}');
        }
        out.push_str("],\"rows\":[");
        let pool = &session.context().runtime_env().memory_pool;
        Self {
            out,
            memory: MemoryConsumer::new("JSON of the answer").register(pool),
            batch: MemoryConsumer::new("rows of the answer").register(pool),
            rows: 0,
        }
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Adds the first rows of a batch, at most `most`. Errors when the text needs more memory than there is for the query.
    pub(super) fn add(&mut self, batch: &RecordBatch, most: usize) -> Result<()> {
        self.batch
            .try_grow(batch.get_array_memory_size())
            .map_err(from_datafusion)?;
        for row in 0..batch.num_rows().min(most) {
            self.out.push_str(if self.rows > 0 { ",[" } else { "[" });
            for (place, column) in batch.columns().iter().enumerate() {
                if place > 0 {
                    self.out.push(',');
                }
                write_json(&mut self.out, column, row);
            }
            self.out.push(']');
            self.rows += 1;
            self.count()?;
        }
        self.batch.free();
        Ok(())
    }

    /// What the text takes, which grows by leaps.
    fn count(&self) -> Result<()> {
        let more = self.out.capacity().saturating_sub(self.memory.size());
        if more == 0 {
            return Ok(());
        }
        self.memory.try_grow(more).map_err(from_datafusion)
    }

    /// The answer, with how it went.
    pub(super) fn finish(mut self, session: &QuerySession) -> Result<Response> {
        self.out.push(']');
        if let Some(scans) = session.scans() {
            self.out.push_str(",\"scans\":");
            self.out.push_str(&serde_json::to_string(&scans)?);
        }
        // The outcome is an object of plain values: taking its opening brace joins the two.
        let outcome = serde_json::to_string(&session.outcome())?;
        self.out.push(',');
        self.out.push_str(outcome.strip_prefix('{').unwrap_or("}"));
        self.count()?;
        let kind = [(CONTENT_TYPE, "application/json")];
        if self.out.len() <= WHOLE_BYTES {
            return Ok((kind, self.out).into_response());
        }
        let pieces = stream::unfold(
            (Bytes::from(self.out), self.memory),
            |(mut rest, memory)| async move {
                if rest.is_empty() {
                    return None;
                }
                let piece = rest.split_to(PIECE_BYTES.min(rest.len()));
                Some((Ok::<_, Error>(piece), (rest, memory)))
            },
        );
        Ok((kind, Body::from_stream(pieces)).into_response())
    }
}
