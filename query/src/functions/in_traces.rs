//! `in_traces(trace_id)`: whether a row belongs to one of a set of traces, which the function holds.
//!
//! As a list in the plan, thousands of ids would be looked at by every rule of the optimizer.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::ScalarFunction;
use spoor_storage::TraceId;

use super::in_ids::{IdSet, in_ids, set_of};

/// Bytes that an id takes in a set: itself, and the room that a table keeps free.
const ID_BYTES: usize = 2 * size_of::<TraceId>();

/// A set of traces, in the memory of the query that found them.
#[derive(Debug)]
pub(crate) struct TraceSet {
    ids: Arc<HashSet<TraceId>>,
    _memory: MemoryReservation,
}

/// Collects a set; refuses what the query has no memory for.
#[derive(Debug)]
pub(crate) struct TraceSetBuilder {
    ids: HashSet<TraceId>,
    memory: MemoryReservation,
}

/// The condition that `trace_id`, as text or as it is stored, is in the set; null where it is null.
pub(crate) fn in_traces(trace_id: Expr, set: &Arc<TraceSet>) -> Expr {
    in_ids(trace_id, Arc::clone(set))
}

/// The column and the set of a call of [`in_traces`].
pub(crate) fn traces_asked_for(call: &ScalarFunction) -> Option<(&Expr, &Arc<TraceSet>)> {
    set_of(call)
}

// === impl TraceSet ===

impl TraceSet {
    /// The ids.
    pub(crate) fn ids(&self) -> &Arc<HashSet<TraceId>> {
        &self.ids
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

impl PartialEq for TraceSet {
    fn eq(&self, other: &Self) -> bool {
        self.ids == other.ids
    }
}

impl Eq for TraceSet {}

// === impl TraceSetBuilder ===

impl TraceSetBuilder {
    pub(crate) fn new(memory: MemoryReservation) -> Self {
        Self {
            ids: HashSet::new(),
            memory,
        }
    }

    /// Adds an id. Errors when the query has not the memory for it.
    pub(crate) fn insert(&mut self, id: TraceId) -> Result<()> {
        if self.ids.len() == self.ids.capacity() && !self.ids.contains(&id) {
            let room = (self.ids.capacity() * 2).max(64);
            self.memory.try_resize(room * ID_BYTES)?;
            self.ids.reserve(room - self.ids.len());
        }
        self.ids.insert(id);
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn finish(self) -> Arc<TraceSet> {
        Arc::new(TraceSet {
            ids: Arc::new(self.ids),
            _memory: self.memory,
        })
    }
}

impl IdSet for TraceSet {
    const NAME: &'static str = "in_traces";
    const ID_BYTES: i32 = 16;

    fn has_bytes(&self, id: &[u8]) -> bool {
        let id = id.try_into().map(TraceId);
        id.is_ok_and(|id| self.ids.contains(&id))
    }

    /// Ids in rows are 32 lower-case digits; a text of another form is none of them.
    fn has_text(&self, id: &str) -> bool {
        let read = id.parse().ok();
        read.is_some_and(|read| id.len() == 32 && self.ids.contains(&read))
    }
}
