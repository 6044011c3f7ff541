//! Traces that are to stay: no rule and no deletion takes their spans and logs.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{TenantId, TraceId};

/// Pinned traces that there may be.
pub(crate) const MAX_PINS: usize = 10_000;

/// A pinned trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// Since when, nanoseconds since the Unix epoch.
    pub pinned_ns: i64,
    /// Who pinned it, as far as is known.
    pub pinned_by: Option<String>,
    /// Why, in the words of who did.
    pub note: String,
}

/// All pinned traces.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    traces: BTreeMap<(TenantId, TraceId), Pin>,
    sets: HashMap<TenantId, Arc<HashSet<TraceId>>>,
    /// Grows with every change.
    version: u64,
}

impl Pins {
    pub(crate) fn new(pins: Vec<(TenantId, TraceId, Pin)>) -> Self {
        let mut all = Self::default();
        for (tenant, trace, pin) in pins {
            all.insert(tenant, trace, pin);
        }
        all
    }

    /// Others in the place of these; who has seen these notices.
    pub(crate) fn replaced_by(&self, pins: Vec<(TenantId, TraceId, Pin)>) -> Self {
        let mut all = Self::new(pins);
        all.version += self.version + 1;
        all
    }

    pub(crate) fn insert(&mut self, tenant: TenantId, trace: TraceId, pin: Pin) {
        Arc::make_mut(self.sets.entry(tenant.clone()).or_default()).insert(trace);
        self.traces.insert((tenant, trace), pin);
        self.version += 1;
    }

    pub(crate) fn remove(&mut self, tenant: &TenantId, trace: TraceId) {
        if let Some(set) = self.sets.get_mut(tenant) {
            Arc::make_mut(set).remove(&trace);
        }
        self.traces.remove(&(tenant.clone(), trace));
        self.version += 1;
    }

    pub(crate) fn get(&self, tenant: &TenantId, trace: TraceId) -> Option<&Pin> {
        self.traces.get(&(tenant.clone(), trace))
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn len(&self) -> usize {
        self.traces.len()
    }

    /// The pinned traces of a tenant.
    pub(crate) fn of(&self, tenant: &TenantId) -> Arc<HashSet<TraceId>> {
        self.sets.get(tenant).map(Arc::clone).unwrap_or_default()
    }

    pub(crate) fn list(&self, tenant: &TenantId) -> Vec<(TraceId, Pin)> {
        self.traces
            .iter()
            .filter(|((of, _), _)| of == tenant)
            .map(|((_, trace), pin)| (*trace, pin.clone()))
            .collect()
    }
}
