//! What became of the records of a request, by reason.

use arrow::record_batch::RecordBatch;

/// Why a record is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    InvalidTraceId,
    InvalidSpanId,
    TimeOutOfRange,
    ValueTooDeep,
    RequestExpandsTooMuch,
}

impl Rejection {
    /// The word in metrics and in the answer.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::InvalidTraceId => "invalid_trace_id",
            Self::InvalidSpanId => "invalid_span_id",
            Self::TimeOutOfRange => "time_out_of_range",
            Self::ValueTooDeep => "value_too_deep",
            Self::RequestExpandsTooMuch => "request_expands_too_much",
        }
    }
}

/// What was changed so that a record could be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Adjustment {
    /// Bytes that are not UTF-8 became U+FFFD.
    InvalidUtf8,
    /// A log's trace id of the wrong length was left out.
    InvalidTraceId,
    /// A log's span id of the wrong length was left out.
    InvalidSpanId,
    /// A span's parent id of the wrong length was left out.
    InvalidParentSpanId,
    /// A link's ids of the wrong length became zeros.
    InvalidLinkId,
    /// An event's time became its span's start.
    EventTimeOutOfRange,
    /// A log is filed under its observed or received time; the sent time is kept beside it.
    TimeOutOfRange,
    /// A log's observed time was left out.
    ObservedTimeOutOfRange,
}

impl Adjustment {
    const ALL: [Self; 8] = [
        Self::InvalidUtf8,
        Self::InvalidTraceId,
        Self::InvalidSpanId,
        Self::InvalidParentSpanId,
        Self::InvalidLinkId,
        Self::EventTimeOutOfRange,
        Self::TimeOutOfRange,
        Self::ObservedTimeOutOfRange,
    ];

    /// An id that links records is gone: who sends it should know.
    const IDS: [Self; 4] = [
        Self::InvalidTraceId,
        Self::InvalidSpanId,
        Self::InvalidParentSpanId,
        Self::InvalidLinkId,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidTraceId => "invalid_trace_id",
            Self::InvalidSpanId => "invalid_span_id",
            Self::InvalidParentSpanId => "invalid_parent_span_id",
            Self::InvalidLinkId => "invalid_link_id",
            Self::EventTimeOutOfRange => "event_time_out_of_range",
            Self::TimeOutOfRange => "time_out_of_range",
            Self::ObservedTimeOutOfRange => "observed_time_out_of_range",
        }
    }
}

/// The adjustments of one record, each at most once.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Adjustments(u8);

impl Adjustments {
    #[inline]
    pub(crate) fn add(&mut self, adjustment: Adjustment) {
        self.0 |= 1 << adjustment as u8;
    }

    #[inline]
    pub(crate) fn add_if(&mut self, adjusted: bool, adjustment: Adjustment) {
        self.0 |= u8::from(adjusted) << adjustment as u8;
    }
}

/// Records by reason, in the order in which the reasons first occurred.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts(Vec<(&'static str, u64)>);

impl Counts {
    pub(crate) fn add(&mut self, reason: &'static str) {
        match self.0.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => self.0.push((reason, 1)),
        }
    }

    #[inline]
    pub(crate) fn add_all(&mut self, adjustments: Adjustments) {
        if adjustments.0 == 0 {
            return;
        }
        for adjustment in Adjustment::ALL {
            if adjustments.0 & (1 << adjustment as u8) != 0 {
                self.add(adjustment.label());
            }
        }
    }

    /// Of adjusted records those that lost an id.
    pub(crate) fn without_ids(&self) -> Self {
        let lost = |reason| Adjustment::IDS.iter().any(|id| id.label() == reason);
        let counts = self.0.iter().filter(|(reason, _)| lost(*reason));
        Self(counts.copied().collect())
    }

    /// `invalid_trace_id (2), time_out_of_range (1)`.
    pub(crate) fn listed(&self) -> String {
        let each = self.0.iter();
        let each = each.map(|(reason, count)| format!("{reason} ({count})"));
        each.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    pub(crate) fn as_slice(&self) -> &[(&'static str, u64)] {
        &self.0
    }

    pub(crate) fn into_vec(self) -> Vec<(&'static str, u64)> {
        self.0
    }
}

/// A decoded request.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// The rows to store, in the order sent.
    pub(crate) batch: RecordBatch,
    /// Records that are not among them.
    pub(crate) rejected: Counts,
    /// Records among them that were changed.
    pub(crate) adjusted: Counts,
}
