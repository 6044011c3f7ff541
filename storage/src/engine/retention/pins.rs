//! Pinned traces: what no rule and no deletion takes.

use std::sync::Arc;

use crate::engine::Storage;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{TenantId, TraceId};
use crate::retention::{MAX_PINS, Pin};

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
                shared.catalog.put_pin(&tenant, trace, &pin).await?;
                shared
                    .ledger
                    .with(|book| book.pins.insert(tenant, trace, pin));
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
                shared.catalog.remove_pin(&tenant, trace).await?;
                shared.ledger.with(|book| book.pins.remove(&tenant, trace));
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
