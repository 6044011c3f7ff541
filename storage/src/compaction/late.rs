//! A file of a merge that is open only while its rows are needed.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use object_store::ObjectStore;

use super::merge::Sorted;
use super::read::FileRows;
use crate::error::Result;
use crate::snapshot::DataFile;

/// The rows of one file, hidden ones left out. An open file holds a row group's encoded bytes and a
/// decoder for each column. Files of a merge are mostly flushes, one after the other in time: opened
/// late and closed early, few of them are open at a time.
pub(crate) struct LateRows {
    store: Arc<dyn ObjectStore>,
    file: Arc<DataFile>,
    state: State,
}

enum State {
    Unopened,
    Open(Box<FileRows>),
    Ended,
}

impl LateRows {
    /// Nothing is read yet.
    pub(crate) fn new(store: Arc<dyn ObjectStore>, file: Arc<DataFile>) -> Self {
        Self {
            store,
            file,
            state: State::Unopened,
        }
    }
}

impl Sorted for LateRows {
    fn begins_ns(&self) -> i64 {
        self.file.min_time_ns
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        if matches!(self.state, State::Unopened) {
            let rows = FileRows::open_visible(Arc::clone(&self.store), &self.file).await?;
            self.state = State::Open(Box::new(rows));
        }
        let State::Open(rows) = &mut self.state else {
            return Ok(None);
        };
        let next = rows.next_stretch().await?;
        if next.is_none() {
            self.state = State::Ended;
        }
        Ok(next)
    }
}
