//! What was asked to be deleted, by whom, and what came of it: the report that stays.

mod locate;
mod redact;
mod rewrite;

use serde::{Deserialize, Serialize};

use crate::model::{DeletionId, Table, TenantId, TimeRange};

pub use locate::RecordSet;
pub(crate) use locate::{Located, is_pinned, locate};
pub use redact::Redaction;
pub(crate) use rewrite::rewrite;

/// How rows come to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeletionKind {
    /// Somebody asked for it. Final at once.
    Delete,
    /// Somebody asked for values to be replaced. Done when it is answered.
    Redact,
    /// A retention rule. Can be undone until its deadline.
    Retention,
}

/// How far a deletion has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeletionState {
    /// No query sees the rows; their bytes are still there.
    Hidden,
    /// A retention rule's deadline has passed: the bytes are being removed, there is no way back.
    Purging,
    /// The bytes are gone.
    Done,
    /// All rows are visible again.
    Undone,
}

impl DeletionState {
    /// As in the catalog and in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Purging => "purging",
            Self::Done => "done",
            Self::Undone => "undone",
        }
    }
}

/// How much of a deletion is left to do.
#[derive(Debug, Clone, PartialEq)]
pub struct DeletionReport {
    /// What was asked for.
    pub deletion: Deletion,
    /// Rows whose bytes are still there.
    pub rows_left: u64,
    /// Files that hold them.
    pub files_left: u64,
    /// About how many bytes that are.
    pub bytes_left: u64,
}

/// A request or a retention pass that hid or changed rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deletion {
    /// Its name.
    pub id: DeletionId,
    /// How it came about.
    pub kind: DeletionKind,
    /// How far it has come.
    pub state: DeletionState,
    /// Whose rows.
    pub tenant: TenantId,
    /// Of which table.
    pub table: Table,
    /// The query that chose the rows, as it was written; of a retention pass, the rule.
    pub query: String,
    /// From when on, nanoseconds, if the request said so.
    pub start_ns: Option<i64>,
    /// Until when, nanoseconds, if the request said so.
    pub end_ns: Option<i64>,
    /// Fields that were replaced.
    pub fields: Vec<String>,
    /// Who asked, as far as is known.
    pub asked_by: Option<String>,
    /// When, nanoseconds since the Unix epoch.
    pub asked_ns: i64,
    /// Of a retention pass: the version of the policy.
    pub policy: u64,
    /// Rows that it hid or changed.
    pub rows: u64,
    /// Rows that matched and were spared, because their trace is pinned.
    pub pinned_rows: u64,
    /// Files that held them.
    pub files: u64,
    /// Of a deletion: when the bytes are gone at the latest. Of a retention pass: until when it
    /// can be undone.
    pub deadline_ns: i64,
    /// How long it has been hidden, counted by a clock that nobody can set.
    pub waited_ns: u64,
    /// When the bytes were gone, or the rows visible again.
    pub done_ns: Option<i64>,
}

impl Deletion {
    /// Whether there is still something to do for it.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, DeletionState::Hidden | DeletionState::Purging)
    }

    /// Whether its rows may have to be shown again.
    pub(crate) fn is_undoable(&self) -> bool {
        self.kind == DeletionKind::Retention && self.state == DeletionState::Hidden
    }

    /// The time range that the request gave.
    pub fn range(&self) -> TimeRange {
        TimeRange {
            start_ns: self.start_ns.unwrap_or(i64::MIN),
            end_ns: self.end_ns.unwrap_or(i64::MAX),
        }
    }
}
