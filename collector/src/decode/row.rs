//! What is found out about one record on its way to a row.

use spoor_storage::Result;

use super::any_value::Notes;
use super::meter::Meter;
use super::outcome::{Adjustment, Adjustments, Rejection};

/// How a record became a row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RowOutcome {
    /// Why the row must not stay.
    pub(crate) rejection: Option<Rejection>,
    /// What was changed in it.
    pub(crate) adjustments: Adjustments,
}

/// What is found out about a row while it is read.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) outcome: RowOutcome,
    pub(crate) notes: Notes,
}

impl Row {
    /// A row of a resource and scope with these notes.
    pub(crate) fn new(notes: Notes) -> Self {
        Self {
            notes,
            ..Self::default()
        }
    }

    /// The first reason counts.
    pub(crate) fn reject(&mut self, rejection: Rejection) {
        self.outcome.rejection.get_or_insert(rejection);
    }

    /// Whether the request may grow by one more event or link; else the row is rejected.
    pub(crate) fn has_room(&mut self, meter: &mut Meter<'_>, bytes: usize) -> Result<bool> {
        let room = meter.spend(bytes)?;
        if !room {
            self.reject(Rejection::RequestExpandsTooMuch);
        }
        Ok(room)
    }

    pub(crate) fn finish(mut self) -> RowOutcome {
        if self.notes.too_deep {
            self.reject(Rejection::ValueTooDeep);
        }
        self.outcome
            .adjustments
            .add_if(self.notes.invalid_utf8, Adjustment::InvalidUtf8);
        self.outcome
    }
}
