//! The set of live files, shared between snapshots and changed by copy.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{FileId, Hour, Table, TenantId};
use crate::snapshot::DataFile;

type Key = (TenantId, Table, Hour);

/// Live files by tenant, table and hour. Cloning copies one pointer an hour.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileSet {
    places: BTreeMap<Key, Arc<Vec<Arc<DataFile>>>>,
}

impl FileSet {
    /// The same set with `added` in it and `removed` out of it.
    pub(crate) fn with(&self, added: &[Arc<DataFile>], removed: &[Arc<DataFile>]) -> Self {
        let mut places = self.places.clone();
        for file in removed {
            let key = (file.tenant.clone(), file.table, file.hour);
            if let Some(list) = places.get_mut(&key) {
                let kept: Vec<_> = list
                    .iter()
                    .filter(|other| other.id != file.id)
                    .map(Arc::clone)
                    .collect();
                if kept.is_empty() {
                    places.remove(&key);
                } else {
                    *list = Arc::new(kept);
                }
            }
        }
        for file in added {
            let key = (file.tenant.clone(), file.table, file.hour);
            let list = places.entry(key).or_default();
            Arc::make_mut(list).push(Arc::clone(file));
        }
        Self { places }
    }

    /// Files of a table, oldest hour first.
    pub(crate) fn of<'a>(
        &'a self,
        tenant: &'a TenantId,
        table: Table,
    ) -> impl Iterator<Item = &'a Arc<DataFile>> {
        let from = (tenant.clone(), table, Hour(i64::MIN));
        let to = (tenant.clone(), table, Hour(i64::MAX));
        self.places
            .range(from..=to)
            .flat_map(|(_, list)| list.iter())
    }

    /// Files of one hour of a table.
    pub(crate) fn of_hour(&self, tenant: &TenantId, table: Table, hour: Hour) -> &[Arc<DataFile>] {
        let key = (tenant.clone(), table, hour);
        self.places.get(&key).map_or(&[], |list| list.as_slice())
    }

    /// Every place with its files.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&Key, &[Arc<DataFile>])> {
        self.places.iter().map(|(key, list)| (key, list.as_slice()))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<DataFile>> {
        self.places.values().flat_map(|list| list.iter())
    }

    pub(crate) fn find(&self, id: FileId) -> Option<&Arc<DataFile>> {
        self.iter().find(|file| file.id == id)
    }
}
