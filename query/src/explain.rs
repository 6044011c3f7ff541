//! What a query reads and why: of each scan the steps, with what is left after each.
//!
//! ```text
//!  scan ─► snapshot ─► time ─► services ─► index ─► visible ─► row_groups ─► pages ─► read   files
//!     └──────────────────────────────────────────────────────────────────────────► buffer   rows in memory
//! ```
//! Every scan counts while it is planned, whether somebody asks or not. Only for a query that is to be
//! explained are the counts kept, with what was asked for and with what is measured when the scan runs.

mod text;

use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use utoipa::ToSchema;

use crate::table::ExplainedScan;

pub(crate) use text::table as text_of;

/// A query that is explained has so many scans at most; more are counted.
const MAX_SCANS: usize = 100;

/// One scan of a table, step by step.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Scan {
    #[schema(value_type = crate::openapi::words::TableName)]
    pub(crate) table: &'static str,
    /// Whether it was run: then all numbers are measured. Else what is known before.
    pub(crate) ran: bool,
    pub(crate) steps: Vec<Step>,
}

/// What is left after a step. Numbers that a step does not change or that are not known are null.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Step {
    #[serde(rename = "step")]
    pub(crate) name: StepName,
    /// Files that may have rows that match.
    #[schema(required)]
    pub(crate) files: Option<u64>,
    /// Row groups of these files that are read.
    #[schema(required)]
    pub(crate) row_groups: Option<u64>,
    /// Pages of the columns that filters are about.
    #[schema(required)]
    pub(crate) pages: Option<u64>,
    /// Rows that may match.
    #[schema(required)]
    pub(crate) rows: Option<u64>,
    /// The size of the files, with all their rows and columns.
    #[schema(required)]
    pub(crate) bytes: Option<u64>,
    /// Bytes that this step took, as `scanned_bytes` counts them.
    #[schema(required)]
    pub(crate) read_bytes: Option<u64>,
    /// Time that this step took; of what runs side by side it is the sum.
    #[schema(required)]
    pub(crate) elapsed_ns: Option<u64>,
    /// What was asked and why it left so much, for people.
    pub(crate) detail: String,
}

/// The steps, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StepName {
    /// All files of the table.
    Snapshot,
    /// Files that overlap the time range.
    Time,
    /// Files that have rows of the services, as the catalog knows.
    Services,
    /// Rows that the indexes leave.
    Index,
    /// Rows that are not deleted or expired, of files that can be opened.
    Visible,
    /// Row groups that the statistics of Parquet leave.
    RowGroups,
    /// Pages that the page index leaves.
    Pages,
    /// Rows that came out of the files.
    Read,
    /// Rows in memory.
    Buffer,
}

impl StepName {
    /// As it is written in answers.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Time => "time",
            Self::Services => "services",
            Self::Index => "index",
            Self::Visible => "visible",
            Self::RowGroups => "row_groups",
            Self::Pages => "pages",
            Self::Read => "read",
            Self::Buffer => "buffer",
        }
    }
}

impl Step {
    /// A step of which nothing is known yet.
    pub(crate) fn new(name: StepName, detail: impl Into<String>) -> Self {
        Self {
            name,
            files: None,
            row_groups: None,
            pages: None,
            rows: None,
            bytes: None,
            read_bytes: None,
            elapsed_ns: None,
            detail: detail.into(),
        }
    }
}

/// The scans of a query that is explained, in the order in which they were planned.
#[derive(Debug, Default)]
pub(crate) struct Scans {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    scans: Vec<Arc<ExplainedScan>>,
    more: usize,
}

impl Scans {
    pub(crate) fn add(&self, scan: ExplainedScan) {
        let mut kept = self.kept.lock();
        if kept.scans.len() < MAX_SCANS {
            kept.scans.push(Arc::new(scan));
        } else {
            kept.more += 1;
        }
    }

    /// Each as far as it has come, and how many there are besides.
    pub(crate) fn report(&self) -> (Vec<Scan>, usize) {
        let kept = self.kept.lock();
        let scans = kept.scans.iter().map(|scan| scan.report()).collect();
        (scans, kept.more)
    }
}
