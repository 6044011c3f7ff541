//! OTLP protobuf to Arrow rows, by walking the wire format once.
//!
//! No message is built and no attribute allocates: bytes go from the request straight into the
//! columns. Resource and scope attributes are encoded once and copied to each row.
//!
//! Reading order: [`wire`] (fields), [`columns`] (growing arrays), [`any_value`] and
//! [`attributes`], [`walk`] (resources, scopes, records), then [`traces`] and [`logs`].

mod any_value;
mod attributes;
mod body_fields;
mod columns;
mod logs;
mod meter;
mod outcome;
mod row;
mod span_lists;
mod tail;
mod traces;
mod walk;
mod wire;

use arrow::record_batch::RecordBatch;
use spoor_storage::model::schema::decoded_schema_of;
use spoor_storage::{Decode, Error, Result, Table};

use self::logs::LogRows;
use self::meter::{Meter, Reserve};
use self::traces::SpanRows;
use self::walk::{Failure, Place, walk};
use self::wire::WireError;

pub(crate) use self::any_value::MAX_VALUE_DEPTH;
pub(crate) use self::outcome::{Counts, Decoded};

/// Decodes OTLP export requests into rows. What storage replays its write-ahead log with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtlpDecoder {
    open_json_bodies: bool,
}

impl Default for OtlpDecoder {
    fn default() -> Self {
        Self {
            open_json_bodies: true,
        }
    }
}

impl OtlpDecoder {
    /// A decoder that opens the fields of JSON log bodies, or leaves them closed.
    pub fn new(open_json_bodies: bool) -> Self {
        Self { open_json_bodies }
    }

    /// Decodes a request; memory for its rows is asked for with `reserve` as they grow.
    pub(crate) fn decode_metered(
        self,
        table: Table,
        received_time_ns: i64,
        payload: &[u8],
        reserve: &mut Reserve<'_>,
    ) -> Result<Decoded> {
        let schema = decoded_schema_of(table);
        let mut meter = Meter::new(reserve);
        let mut place = Place::default();
        let decoded = match table {
            Table::Spans => {
                let rows = SpanRows::new(received_time_ns);
                walk(payload, rows, schema, &mut meter, &mut place)
            }
            Table::Logs => {
                let rows = LogRows::new(received_time_ns, self.open_json_bodies);
                walk(payload, rows, schema, &mut meter, &mut place)
            }
        };
        decoded.map_err(|failure| match failure {
            Failure::Malformed(error) => malformed(table, place, error),
            Failure::Refused(error) => error,
        })
    }
}

impl Decode for OtlpDecoder {
    fn decode(&self, table: Table, received_time_ns: i64, payload: &[u8]) -> Result<RecordBatch> {
        let mut reserve = |_| Ok(());
        let decoded = self.decode_metered(table, received_time_ns, payload, &mut reserve)?;
        Ok(decoded.batch)
    }
}

/// Names the place near which the request stops being OTLP.
fn malformed(table: Table, place: Place, error: WireError) -> Error {
    let (resources, scopes, records) = match table {
        Table::Spans => ("resource_spans", "scope_spans", "spans"),
        Table::Logs => ("resource_logs", "scope_logs", "log_records"),
    };
    let Place {
        resource,
        scope,
        record,
    } = place;
    let WireError { at, problem } = error;
    Error::invalid(format!(
        "the request is not an otlp protobuf message: {problem}, at byte {at}, in or after \
         `{resources}[{resource}].{scopes}[{scope}].{records}[{record}]`"
    ))
    .with_hint("check that the content-type is the one of the body and that nothing cut it short")
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
