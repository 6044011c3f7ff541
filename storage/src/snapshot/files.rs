//! The set of live files, shared between snapshots and changed by copy.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::model::{FileId, Hour, Table, TenantId};
use crate::snapshot::DataFile;
use crate::statistics::StatisticsSum;

type Key = (TenantId, Table, Hour);

/// The statistics of a table's files together.
type Sum = ((TenantId, Table), Arc<StatisticsSum>);

/// Statistics that take more memory than this are added up for every query.
const MAX_KEPT_BYTES: usize = 32 << 20;
/// Sums that are kept of one set.
const MAX_KEPT_SUMS: usize = 4;

/// Live files by tenant, table and hour. Changing copies one pointer an hour.
#[derive(Debug, Default)]
pub(crate) struct FileSet {
    places: BTreeMap<Key, Arc<Vec<Arc<DataFile>>>>,
    /// Statistics of all files of a table, once they were asked for: a set never changes.
    sums: Mutex<Vec<Sum>>,
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
        Self {
            places,
            sums: Mutex::default(),
        }
    }

    /// The statistics of all files of a table together.
    pub(crate) fn statistics(&self, tenant: &TenantId, table: Table) -> Arc<StatisticsSum> {
        let kept = |sums: &[Sum]| {
            let mut of_table = sums
                .iter()
                .filter(|((owner, known), _)| owner == tenant && *known == table);
            of_table.next().map(|(_, sum)| Arc::clone(sum))
        };
        if let Some(sum) = kept(&self.sums.lock()) {
            return sum;
        }
        let sum = Arc::new(StatisticsSum::of_files(self.of(tenant, table)));
        let mut sums = self.sums.lock();
        let room = sums.len() < MAX_KEPT_SUMS && sum.bytes() <= MAX_KEPT_BYTES;
        if room && kept(&sums).is_none() {
            sums.push(((tenant.clone(), table), Arc::clone(&sum)));
        }
        sum
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

    /// Every tenant with a file.
    pub(crate) fn tenants(&self) -> BTreeSet<TenantId> {
        let mut found = BTreeSet::new();
        let mut next = self.places.keys().next();
        while let Some((tenant, ..)) = next {
            found.insert(tenant.clone());
            let last = (tenant.clone(), Table::Logs, Hour(i64::MAX));
            let after = (Bound::Excluded(last), Bound::Unbounded);
            next = self.places.range(after).next().map(|(key, _)| key);
        }
        found
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
