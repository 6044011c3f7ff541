//! Traces of any size that are kept from one request to the next, assembled, within a bound.
//!
//! One page asks for many windows of one trace, and each needs all of its spans. What is kept is found by
//! tenant and trace id and says of which state of storage it is ([`Known`]). Before it is used it is held against
//! the state that the query sees: if rows of the table may have gone or come back (a deletion, an undone
//! one, a redaction, a file set aside), it is of no use; if rows have come, those in the buffer are looked
//! through for the trace, and files that are new are asked for it by their index, which is as exact as
//! any query and reads next to nothing. Flushes and merges move rows and change nothing. Then it is as good as
//! the newer state and is looked at from there on. An answer that lacks something is never kept.
//!
//! Requests for one trace that come at once wait for the first of them, which loads it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};

use datafusion::prelude::{col, lit};
use parking_lot::Mutex;
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::snapshot::{Arrived, Known};
use spoor_storage::{Error, Result, Table, TenantId, TraceId};

use super::load::{MAX_SPANS, load_slim};
use super::whole::WholeTrace;
use crate::engine::QueryMetrics;
use crate::failure::from_datafusion;
use crate::session::QuerySession;
use crate::table::{FileNumbers, Part};

/// More traces are not kept, however small they are.
const MAX_TRACES: usize = 256;

/// Whose trace, and which.
type Key = (TenantId, TraceId);

/// Held by who loads a trace.
type Gate = tokio::sync::Mutex<()>;

#[derive(Debug, Clone)]
struct Kept {
    known: Known,
    trace: Arc<WholeTrace>,
}

impl Kept {
    fn bytes(&self) -> usize {
        self.trace.bytes() + self.known.bytes()
    }
}

/// Assembled traces, at most so many bytes; the one that was not used for longest goes first.
#[derive(Debug)]
pub(crate) struct TraceCache {
    most_bytes: usize,
    /// The one that was used last at the end.
    kept: Mutex<Vec<(Key, Kept)>>,
    loading: Mutex<HashMap<Key, Weak<Gate>>>,
    metrics: QueryMetrics,
}

impl TraceCache {
    pub(crate) fn new(most_bytes: usize, metrics: QueryMetrics) -> Self {
        Self {
            most_bytes,
            kept: Mutex::default(),
            loading: Mutex::default(),
            metrics,
        }
    }

    fn get(&self, key: &Key) -> Option<Kept> {
        let mut kept = self.kept.lock();
        let at = kept.iter().position(|(other, _)| other == key)?;
        let entry = kept.remove(at);
        let found = entry.1.clone();
        kept.push(entry);
        Some(found)
    }

    /// Keeps a trace, unless one of a later state is there or it is too large.
    fn keep(&self, key: Key, new: Kept) {
        let mut kept = self.kept.lock();
        if let Some(at) = kept.iter().position(|(other, _)| *other == key) {
            if kept[at].1.known.version() > new.known.version() {
                return;
            }
            kept.remove(at);
        }
        if new.bytes() <= self.most_bytes {
            kept.push((key, new));
        }
        while kept.len() > MAX_TRACES || bytes_of(&kept) > self.most_bytes as u64 {
            kept.remove(0);
            self.metrics.trace_evicted();
        }
        self.metrics.traces_kept(bytes_of(&kept));
    }

    /// Gives up what is kept of a trace, unless it is of a later state than that of the query.
    fn forget(&self, key: &Key, session: &QuerySession) {
        let version = session.snapshot().version();
        let mut kept = self.kept.lock();
        kept.retain(|(other, one)| other != key || one.known.version() > version);
        self.metrics.traces_kept(bytes_of(&kept));
    }

    fn gate(&self, key: &Key) -> Arc<Gate> {
        let mut loading = self.loading.lock();
        loading.retain(|_, gate| gate.strong_count() > 0);
        if let Some(gate) = loading.get(key).and_then(Weak::upgrade) {
            return gate;
        }
        let gate = Arc::new(Gate::default());
        loading.insert(key.clone(), Arc::downgrade(&gate));
        gate
    }

    /// What is kept of a trace, if the query sees no more and no less of it.
    async fn current(&self, session: &QuerySession, key: &Key) -> Result<Option<Arc<WholeTrace>>> {
        let Some(kept) = self.get(key) else {
            return Ok(None);
        };
        let (tenant, id) = key;
        let snapshot = session.snapshot();
        let arrived = snapshot.arrived(&kept.known, tenant, Table::Spans);
        let Some(arrived) = arrived.filter(|_| kept.trace.newest <= snapshot.last_record()) else {
            return Ok(None);
        };
        if has_trace(session, *id, &arrived).await? {
            return Ok(None);
        }
        if let Some(known) = snapshot.known(tenant, Table::Spans)
            && known.version() > kept.known.version()
        {
            let trace = Arc::clone(&kept.trace);
            self.keep(key.clone(), Kept { known, trace });
        }
        Ok(Some(kept.trace))
    }
}

fn bytes_of(kept: &[(Key, Kept)]) -> u64 {
    kept.iter().map(|(_, one)| one.bytes() as u64).sum()
}

/// Whether rows of the trace may have arrived.
async fn has_trace(session: &QuerySession, id: TraceId, arrived: &Arrived) -> Result<bool> {
    if arrived.batches.iter().any(|batch| batch.has_trace(id)) {
        return Ok(true);
    }
    if arrived.files.is_empty() {
        return Ok(false);
    }
    let notes = session.notes();
    let files: HashSet<_> = arrived.files.iter().map(|file| file.id).collect();
    let rows = session
        .part_of(
            Table::Spans,
            Part::OnlyFiles(Arc::new(files)),
            FileNumbers::default(),
        )?
        .filter(col("trace_id").eq(lit(id.to_string())))
        .and_then(|frame| frame.filter(col(RECORD_ID).gt(lit(arrived.after.0))))
        .and_then(|frame| frame.select_columns(&[RECORD_ID]))
        .and_then(|frame| frame.limit(0, Some(1)))
        .map_err(from_datafusion)?;
    let rows = session.collect(rows).await?;
    Ok(session.notes() > notes || rows.iter().any(|batch| batch.num_rows() > 0))
}

/// A trace as the query sees it, without spans if none is stored.
pub(super) async fn whole_trace(session: &QuerySession, id: TraceId) -> Result<Arc<WholeTrace>> {
    let trace = kept_or_loaded(session, id).await?;
    if trace.cut_off {
        session.note_incomplete(format!(
            "there are more than {MAX_SPANS} spans; the rest is left out"
        ));
    }
    Ok(trace)
}

async fn kept_or_loaded(session: &QuerySession, id: TraceId) -> Result<Arc<WholeTrace>> {
    let cache = session.traces();
    let key = (session.tenant().clone(), id);
    if let Some(trace) = cache.current(session, &key).await? {
        cache.metrics.trace_asked(true);
        return Ok(trace);
    }
    let gate = cache.gate(&key);
    let _first = session.in_time(gate.lock()).await?;
    let current = cache.current(session, &key).await?;
    cache.metrics.trace_asked(current.is_some());
    if let Some(trace) = current {
        return Ok(trace);
    }
    cache.forget(&key, session);
    let notes = session.notes();
    let (slim, reserved) = load_slim(session, id).await?;
    let trace = tokio::task::spawn_blocking(move || {
        let trace = Arc::new(WholeTrace::of(slim));
        drop(reserved);
        trace
    });
    let trace = session.in_time(trace).await?;
    let trace =
        trace.map_err(|source| Error::internal("assembling a trace failed").with_source(source))?;
    let known = session.snapshot().known(session.tenant(), Table::Spans);
    if let Some(known) = known.filter(|_| session.notes() == notes && !trace.spans.is_empty()) {
        let trace = Arc::clone(&trace);
        cache.keep(key, Kept { known, trace });
    }
    Ok(trace)
}
