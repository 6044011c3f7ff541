//! What is left of a table after each step of planning a scan, counted on the way.

use std::ops::AddAssign;

use spoor_storage::DataFile;

/// Files that may have rows that match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) files: u64,
    /// Rows of them that may match.
    pub(super) rows: u64,
    /// What the files take, with all their rows and columns.
    pub(super) bytes: u64,
}

/// What the indexes of files could say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct IndexUse {
    /// Files whose index was asked and answered.
    pub(super) answered: u64,
    /// Files that have none.
    pub(super) without: u64,
    /// Files whose index cannot be read.
    pub(super) unusable: u64,
    /// Files of which all rows may match, as the index says.
    pub(super) all_rows: u64,
    /// Rows that the index knows to pass the filters for words.
    pub(super) decided_rows: u64,
    /// What was read of indexes.
    pub(super) bytes: u64,
}

/// The steps of one scan, in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// All files of the table.
    pub(super) snapshot: Left,
    /// Those that overlap the time range.
    pub(super) in_time: Left,
    /// Of these, those that have rows of one of the services.
    pub(super) of_services: Left,
    /// Rows that the indexes leave.
    pub(super) by_index: Left,
    pub(super) index: IndexUse,
    /// Of these, rows that are hidden.
    pub(super) hidden_rows: u64,
    /// Of these, rows that are not hidden, of files that can be opened.
    pub(super) visible: Left,
    /// Files that cannot be opened.
    pub(super) broken_files: u64,
}

impl Left {
    /// A file of which `rows` may match, if any.
    pub(super) fn add(&mut self, file: &DataFile, rows: u64) {
        if rows > 0 {
            *self += Self {
                files: 1,
                rows,
                bytes: file.bytes,
            };
        }
    }
}

impl AddAssign for Left {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}

impl AddAssign for IndexUse {
    fn add_assign(&mut self, other: Self) {
        self.answered += other.answered;
        self.without += other.without;
        self.unusable += other.unusable;
        self.all_rows += other.all_rows;
        self.decided_rows += other.decided_rows;
        self.bytes += other.bytes;
    }
}

impl AddAssign for Counted {
    fn add_assign(&mut self, other: Self) {
        self.snapshot += other.snapshot;
        self.in_time += other.in_time;
        self.of_services += other.of_services;
        self.by_index += other.by_index;
        self.index += other.index;
        self.hidden_rows += other.hidden_rows;
        self.visible += other.visible;
        self.broken_files += other.broken_files;
    }
}
