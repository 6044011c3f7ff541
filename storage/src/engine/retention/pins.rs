//! Pinned traces: what no rule and no deletion takes.

use std::sync::Arc;

use crate::engine::Storage;
use crate::error::{Error, ErrorKind, Result};
use crate::fault::Point;
use crate::model::{TenantId, TraceId};
use crate::retention::{Book, MAX_PINS, Pin};

impl Storage {
    /// Keeps the spans and logs of a trace, also those still to come, whatever the rules say. When
    /// this returns, those that a rule had hidden and that can come back are visible again.
    pub async fn pin(&self, tenant: &TenantId, trace: TraceId, pin: Pin) -> Result<()> {
        let full = self
            .shared
            .ledger
            .with(|book| book.pins.get(tenant, trace).is_none() && book.pins.len() >= MAX_PINS);
        if full {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("{MAX_PINS} traces are pinned already"),
            )
            .with_hint("unpin some; to keep many records, write a rule that keeps them"));
        }
        let (shared, tenant) = (Arc::clone(&self.shared), tenant.clone());
        self.edit(async move {
            {
                let _no_deletion_meanwhile = shared.changing.lock().await;
                Box::pin(shared.settle()).await?;
                let commit = async {
                    shared.layout.fault(Point::PinCommit)?;
                    shared.catalog.put_pin(&tenant, trace, &pin).await?;
                    shared.layout.fault(Point::PinCommitted)
                };
                let apply = |book: &mut Book| book.pins.insert(tenant.clone(), trace, pin.clone());
                let made = |book: &Book| book.pins.get(&tenant, trace) == Some(&pin);
                Box::pin(shared.decide(commit, apply, made)).await?;
            }
            shared.retain_once().await
        })
        .await
    }

    /// Lets rules and deletions take a trace again. Errors with [`ErrorKind::NotFound`] if it is
    /// not pinned.
    pub async fn unpin(&self, tenant: &TenantId, trace: TraceId) -> Result<()> {
        if self.pinned(tenant, trace).is_none() {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("trace `{trace}` is not pinned"),
            ));
        }
        let (shared, tenant) = (Arc::clone(&self.shared), tenant.clone());
        self.edit(async move {
            {
                let _no_deletion_meanwhile = shared.changing.lock().await;
                Box::pin(shared.settle()).await?;
                let commit = async {
                    shared.layout.fault(Point::PinCommit)?;
                    shared.catalog.remove_pin(&tenant, trace).await?;
                    shared.layout.fault(Point::PinCommitted)
                };
                let apply = |book: &mut Book| book.pins.remove(&tenant, trace);
                let made = |book: &Book| book.pins.get(&tenant, trace).is_none();
                Box::pin(shared.decide(commit, apply, made)).await?;
            }
            shared.retain_once().await
        })
        .await
    }

    /// Whether a trace is pinned, and why.
    pub fn pinned(&self, tenant: &TenantId, trace: TraceId) -> Option<Pin> {
        self.shared
            .ledger
            .with(|book| book.pins.get(tenant, trace).cloned())
    }

    /// All pinned traces of a tenant.
    pub fn pins(&self, tenant: &TenantId) -> Vec<(TraceId, Pin)> {
        self.shared.ledger.with(|book| book.pins.list(tenant))
    }
}
