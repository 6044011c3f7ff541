//! What is in force: the policy, the pins, and the deletions that have not come to their end. The
//! catalog has the same; this is the copy that decisions are made from.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Pin, Pins, PolicyRecord, Understood};
use crate::deletion::Deletion;
use crate::model::{DeletionId, FileId, TenantId, TraceId};

/// What a file's expired rows depend on, beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Basis {
    pub(crate) policy: u64,
    pub(crate) pins: u64,
    /// Which rules had expired for its hour.
    pub(crate) expired: Vec<bool>,
    pub(crate) by_size: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) policy: Arc<PolicyRecord>,
    /// What the policy means, or one before it.
    pub(crate) understood: Option<Arc<Understood>>,
    pub(crate) pins: Pins,
    /// Deletions that have still something to do.
    pub(crate) open: BTreeMap<DeletionId, Deletion>,
    /// On what basis each live file was last evaluated: without a new one nothing can have changed.
    pub(crate) evaluated: HashMap<FileId, Basis>,
    /// What the clock that only goes forwards said at the last pass.
    pub(crate) counted: Duration,
    /// The catalog may have another policy or other pins: an attempt to change them failed.
    pub(crate) stale: bool,
}

impl Book {
    /// Takes policy and pins as the catalog has them.
    pub(crate) fn read_again(&mut self, policy: PolicyRecord, pins: Vec<(TenantId, TraceId, Pin)>) {
        self.policy = Arc::new(policy);
        self.pins = self.pins.replaced_by(pins);
        self.stale = false;
    }
}

/// The book, shared.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    book: Mutex<Book>,
}

impl Ledger {
    pub(crate) fn new(
        policy: PolicyRecord,
        pins: Pins,
        open: Vec<Deletion>,
        counted: Duration,
    ) -> Self {
        let open = open.into_iter().map(|one| (one.id, one)).collect();
        Self {
            book: Mutex::new(Book {
                policy: Arc::new(policy),
                understood: None,
                pins,
                open,
                evaluated: HashMap::new(),
                counted,
                stale: false,
            }),
        }
    }

    /// Looks something up or notes it down; nothing slow may be done meanwhile.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Book) -> T) -> T {
        work(&mut self.book.lock())
    }

    pub(crate) fn policy(&self) -> Arc<PolicyRecord> {
        Arc::clone(&self.book.lock().policy)
    }

    /// Notes down how far deletions have come; those at their end are forgotten.
    pub(crate) fn note(&self, deletions: &[Deletion]) {
        let mut book = self.book.lock();
        for deletion in deletions {
            if deletion.is_open() {
                book.open.insert(deletion.id, deletion.clone());
            } else {
                book.open.remove(&deletion.id);
            }
        }
    }

    pub(crate) fn open(&self) -> Vec<Deletion> {
        self.book.lock().open.values().cloned().collect()
    }
}
