//! The way through a request that traces and logs have in common: resources, their scopes, their
//! records. The field numbers of both messages are the same.

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use spoor_storage::Error;

use super::any_value::Notes;
use super::attributes::{Resource, Scope};
use super::meter::Meter;
use super::outcome::{Counts, Decoded, Rejection};
use super::row::RowOutcome;
use super::wire::{Reader, WireError};

/// What ends the decoding of a whole request.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It is not protobuf.
    Malformed(WireError),
    /// There is no memory for it now, or a fault of ours.
    Refused(Error),
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        Self::Malformed(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<ArrowError> for Failure {
    fn from(error: ArrowError) -> Self {
        Self::Refused(error.into())
    }
}

/// What all records of a scope have in common.
#[derive(Debug)]
pub(crate) struct Shared<'a> {
    pub(crate) resource: Resource<'a>,
    pub(crate) scope: Scope<'a>,
}

impl Shared<'_> {
    /// What was noticed in them, which goes for each of their records.
    fn notes(&self) -> Notes {
        let mut notes = self.resource.all_notes();
        notes.merge(self.scope.all_notes());
        notes
    }

    /// Bytes it adds to every row.
    fn row_bytes(&self) -> usize {
        self.resource.attributes.size_bytes()
            + self.resource.service_name.len()
            + self.resource.schema_url.len()
            + self.scope.attributes.size_bytes()
            + self.scope.text_bytes()
    }
}

/// A table's rows while they grow.
pub(crate) trait Rows {
    /// Appends exactly one row, also for a record that is rejected: the row is then taken out
    /// at the end, which is rare and lets a record be read in one pass. `notes` are those of its resource and scope,
    /// whose columns [`Rows::end_scope`] adds.
    fn push(
        &mut self,
        record: Reader<'_>,
        notes: Notes,
        meter: &mut Meter<'_>,
    ) -> Result<RowOutcome, Failure>;

    /// Adds resource and scope to the rows since it was called last, which are so many.
    fn end_scope(&mut self, shared: &Shared<'_>, rows: usize);

    /// The columns in the order of the table's decoded schema.
    fn finish(self) -> Result<Vec<ArrayRef>, ArrowError>;
}

/// Where the walk is, for messages.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    pub(crate) resource: usize,
    pub(crate) scope: usize,
    pub(crate) record: usize,
}

/// Reads all records of `payload` into `rows`. On failure `place` says how far it came.
pub(crate) fn walk<R: Rows>(
    payload: &[u8],
    mut rows: R,
    schema: SchemaRef,
    meter: &mut Meter<'_>,
    place: &mut Place,
) -> Result<Decoded, Failure> {
    let mut tally = Tally::default();
    let mut shared = Shared {
        resource: Resource::new(),
        scope: Scope::new(),
    };
    let mut request = Reader::new(payload);
    while let Some(field) = request.next()? {
        if field.number != 1 {
            continue;
        }
        let mut resource = field.message()?;
        shared.resource.read(resource)?;
        while let Some(field) = resource.next()? {
            if field.number != 2 {
                continue;
            }
            let scope = field.message()?;
            shared.scope.read(scope)?;
            walk_scope(scope, &mut rows, &shared, meter, &mut tally, place)?;
            *place = Place {
                scope: place.scope + 1,
                record: 0,
                ..*place
            };
        }
        *place = Place {
            resource: place.resource + 1,
            scope: 0,
            record: 0,
        };
    }
    let batch = RecordBatch::try_new(schema, rows.finish()?)?;
    tally.finish(batch)
}

fn walk_scope<R: Rows>(
    mut scope: Reader<'_>,
    rows: &mut R,
    shared: &Shared<'_>,
    meter: &mut Meter<'_>,
    tally: &mut Tally,
    place: &mut Place,
) -> Result<(), Failure> {
    let (shared_bytes, notes) = (shared.row_bytes(), shared.notes());
    let mut pushed = 0;
    while let Some(field) = scope.next()? {
        if field.number != 2 {
            continue;
        }
        let record = field.message()?;
        let row_bytes = super::tail::ROW_BYTES + shared_bytes + record.len();
        if meter.spend(row_bytes)? {
            let outcome = rows.push(record, notes, meter)?;
            tally.add(outcome);
            pushed += 1;
        } else {
            tally.rejected.add(Rejection::RequestExpandsTooMuch.label());
        }
        place.record += 1;
    }
    rows.end_scope(shared, pushed);
    Ok(())
}

/// Counts, and which rows stay.
#[derive(Debug, Default)]
struct Tally {
    keep: Vec<bool>,
    any_taken_out: bool,
    rejected: Counts,
    adjusted: Counts,
}

impl Tally {
    fn add(&mut self, outcome: RowOutcome) {
        self.keep.push(outcome.rejection.is_none());
        match outcome.rejection {
            Some(rejection) => {
                self.any_taken_out = true;
                self.rejected.add(rejection.label());
            }
            None => self.adjusted.add_all(outcome.adjustments),
        }
    }

    fn finish(self, batch: RecordBatch) -> Result<Decoded, Failure> {
        let batch = if self.any_taken_out {
            filter_record_batch(&batch, &BooleanArray::from(self.keep))?
        } else {
            batch
        };
        Ok(Decoded {
            batch,
            rejected: self.rejected,
            adjusted: self.adjusted,
        })
    }
}
