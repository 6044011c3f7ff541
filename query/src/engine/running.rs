//! What waits and runs now: to be listed, and to be stopped.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use datafusion::execution::memory_pool::MemoryPool;
use parking_lot::Mutex;
use spoor_storage::{Error, ErrorKind, TenantId};
use tokio::sync::watch;
use tokio::time::Instant;

use super::slow::{SlowQueries, SlowQuery};
use super::turns::Whose;
use crate::parameters::now_ns;

tokio::task_local! {
    static ASKED: Arc<Asked>;
}

/// What a client asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The route.
    pub(crate) kind: Arc<str>,
    /// The query as it was written, or its beginning; without one the address.
    pub(crate) text: String,
    pub(crate) address: Option<IpAddr>,
    /// The client's token by its number, if it has one.
    pub(crate) caller: Option<String>,
    /// The live tail that this is, so that its looks are not listed beside it.
    tail: OnceLock<Weak<Entry>>,
}

impl Asked {
    pub(crate) fn new(
        kind: &str,
        text: String,
        address: Option<IpAddr>,
        caller: Option<String>,
    ) -> Arc<Self> {
        Arc::new(Self {
            kind: kind.into(),
            text,
            address,
            caller,
            tail: OnceLock::new(),
        })
    }

    /// What this task works on; nobody's question outside of requests.
    pub(crate) fn current() -> Arc<Self> {
        ASKED
            .try_with(Arc::clone)
            .unwrap_or_else(|_| Self::new("unknown", String::new(), None, None))
    }

    /// Does `work` for this question.
    pub(crate) async fn scope<T>(self: Arc<Self>, work: impl Future<Output = T>) -> T {
        ASKED.scope(self, work).await
    }

    /// As [`Asked::scope`], for what does not wait.
    pub(crate) fn scoped<T>(self: Arc<Self>, work: impl FnOnce() -> T) -> T {
        ASKED.sync_scope(self, work)
    }

    /// Who takes turns with whom: addresses, and tokens where there are some.
    pub(crate) fn whose(&self) -> Whose {
        let address = self.address.map(|address| address.to_string());
        let client = format!(
            "{} {}",
            address.as_deref().unwrap_or_default(),
            self.caller.as_deref().unwrap_or_default()
        );
        Whose {
            client: client.into(),
            kind: Arc::clone(&self.kind),
        }
    }
}

/// How much was read so far, and how much is to be read as far as that is planned.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    bytes: AtomicU64,
    rows: AtomicU64,
    planned_rows: AtomicU64,
}

impl Reading {
    pub(crate) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Each row that is read is planned before.
    pub(crate) fn plan_rows(&self, rows: u64) {
        self.planned_rows.fetch_add(rows, Ordering::Relaxed);
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    pub(crate) fn planned_rows(&self) -> u64 {
        self.planned_rows.load(Ordering::Relaxed)
    }
}

/// A query that waits or runs, or an open live tail. Listed until dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    number: u64,
    pub(crate) id: String,
    pub(crate) asked: Arc<Asked>,
    pub(crate) tenant: TenantId,
    pub(crate) began_ns: i64,
    pub(crate) started: Instant,
    /// A live tail has none.
    pub(crate) deadline: Option<Instant>,
    pub(crate) read: Reading,
    waits: AtomicBool,
    memory: Mutex<Option<Weak<dyn MemoryPool>>>,
    /// True once it must end.
    ended: watch::Sender<bool>,
    /// Who stopped it.
    stopped_by: OnceLock<String>,
    all: Arc<Running>,
}

impl Entry {
    pub(crate) fn waits(&self) -> bool {
        self.waits.load(Ordering::Relaxed)
    }

    pub(crate) fn begins(&self) {
        self.waits.store(false, Ordering::Relaxed);
    }

    pub(crate) fn set_memory(&self, pool: &Arc<dyn MemoryPool>) {
        *self.memory.lock() = Some(Arc::downgrade(pool));
    }

    /// Bytes of working memory that it has now.
    pub(crate) fn memory_bytes(&self) -> usize {
        let pool = self.memory.lock().as_ref().and_then(Weak::upgrade);
        pool.map_or(0, |pool| pool.reserved())
    }

    pub(crate) fn is_tail(&self) -> bool {
        self.deadline.is_none()
    }

    pub(crate) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }

    /// Makes it end with an error that says who wanted it.
    pub(crate) fn stop(&self, by: String) {
        // The first who stopped it did.
        drop(self.stopped_by.set(by));
        self.ended.send_replace(true);
    }

    /// Makes a live tail end as if there were no more to tell.
    pub(crate) fn end(&self) {
        self.ended.send_replace(true);
    }

    /// The error it ends with, if somebody stopped it.
    pub(crate) fn stopped(&self) -> Option<Error> {
        let by = self.stopped_by.get()?;
        let error = Error::new(ErrorKind::Cancelled, format!("{by} stopped the query"));
        Some(error.with_hint("ask again if you still need the answer; ask for less at once if it was stopped for what it takes"))
    }

    /// Waits until somebody stops it.
    pub(crate) async fn stopping(&self) -> Error {
        let mut ended = self.ended.subscribe();
        let has_ended = ended.wait_for(|ended| *ended).await.is_ok();
        match self.stopped().filter(|_| has_ended) {
            Some(error) => error,
            // A tail that only comes to its end.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.all.entries.lock().remove(&self.number);
        let took = self.started.elapsed();
        if !self.is_tail() && self.all.slow.wants(took) {
            self.all.slow.keep(SlowQuery {
                id: std::mem::take(&mut self.id),
                asked: Arc::clone(&self.asked),
                tenant: self.tenant.clone(),
                began_ns: self.began_ns,
                took,
                rows_read: self.read.rows(),
                bytes_read: self.read.bytes(),
            });
        }
    }
}

/// All of an engine.
#[derive(Debug, Default)]
pub(crate) struct Running {
    entries: Mutex<BTreeMap<u64, Weak<Entry>>>,
    next: AtomicU64,
    slow: SlowQueries,
}

impl Running {
    /// What takes so long or longer is remembered once it is over.
    pub(crate) fn new(slow_from: Duration) -> Self {
        Self {
            slow: SlowQueries::new(slow_from),
            ..Self::default()
        }
    }

    /// The last slow queries, the last first.
    pub(crate) fn slow(&self) -> Vec<Arc<SlowQuery>> {
        self.slow.list()
    }

    /// Lists a question, unless it is a look of a live tail, which is listed already.
    pub(crate) fn enter(self: &Arc<Self>, tenant: &TenantId, deadline: Instant) -> Arc<Entry> {
        let asked = Asked::current();
        if let Some(tail) = asked.tail.get().and_then(Weak::upgrade) {
            return tail;
        }
        self.list(asked, tenant, Some(deadline))
    }

    /// Lists a live tail.
    pub(crate) fn enter_tail(self: &Arc<Self>, tenant: &TenantId) -> Arc<Entry> {
        let asked = Asked::current();
        let entry = self.list(Arc::clone(&asked), tenant, None);
        entry.begins();
        // A request opens one.
        drop(asked.tail.set(Arc::downgrade(&entry)));
        entry
    }

    fn list(
        self: &Arc<Self>,
        asked: Arc<Asked>,
        tenant: &TenantId,
        deadline: Option<Instant>,
    ) -> Arc<Entry> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let began_ns = now_ns();
        let entry = Arc::new(Entry {
            number,
            // Another one after a restart, too.
            id: format!("{began_ns:016x}{number:08x}"),
            asked,
            tenant: tenant.clone(),
            began_ns,
            started: Instant::now(),
            deadline,
            read: Reading::default(),
            waits: AtomicBool::new(true),
            memory: Mutex::new(None),
            ended: watch::Sender::new(false),
            stopped_by: OnceLock::new(),
            all: Arc::clone(self),
        });
        self.entries.lock().insert(number, Arc::downgrade(&entry));
        entry
    }

    /// All of them, newest first.
    pub(crate) fn entries(&self) -> Vec<Arc<Entry>> {
        let entries = self.entries.lock();
        // An entry that is dropped wants the lock: not before it is free.
        let listed: Vec<_> = entries.values().rev().filter_map(Weak::upgrade).collect();
        drop(entries);
        listed
    }
}

#[cfg(test)]
mod tests {
    use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer};

    use super::*;

    #[tokio::test]
    async fn a_look_of_a_tail_is_the_tail_and_memory_is_what_the_pool_has() {
        let (running, tenant) = (Arc::<Running>::default(), TenantId::default());
        let asked = Asked::new("/tail", "x".to_owned(), None, None);
        let asking = async {
            let tail = running.enter_tail(&tenant);
            let look = running.enter(&tenant, Instant::now());
            assert!(Arc::ptr_eq(&tail, &look));
            let pool: Arc<dyn MemoryPool> = Arc::new(FairSpillPool::new(1 << 20));
            look.set_memory(&pool);
            let reservation = MemoryConsumer::new("rows").register(&pool);
            reservation.try_grow(4096).unwrap();
            assert_eq!(tail.memory_bytes(), 4096);
            drop((reservation, pool));
            assert_eq!(tail.memory_bytes(), 0);
            tail.id.clone()
        };
        let id = Arc::clone(&asked).scope(asking).await;
        assert!(running.entries().is_empty(), "nobody has it any more");
        let other = running.enter(&tenant, Instant::now());
        assert!(other.id > id && !other.is_tail() && other.waits());
        assert_eq!(&*other.asked.kind, "unknown");
        assert_ne!(asked.whose().kind, other.asked.whose().kind);
    }
}
