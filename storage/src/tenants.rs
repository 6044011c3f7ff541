//! Which tenants there are, and how many there may be.
//!
//! A tenant begins with its first row and ends with its last. Each has files, merges and statistics of its
//! own, so a name that changes with every request would make of one store very many small ones.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::error::{Error, Result};
use crate::model::{Table, TenantId};
use crate::snapshot::Snapshot;

/// What there is of a tenant's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableUsage {
    /// Rows that queries see.
    pub rows: u64,
    /// Bytes of its files, indexes included. Rows in memory have none yet.
    pub bytes: u64,
    /// Live files.
    pub files: u64,
    /// The smallest event time of its files and of its rows in memory, nanoseconds.
    pub min_time_ns: i64,
    /// The largest.
    pub max_time_ns: i64,
}

impl TableUsage {
    const NONE: Self = Self {
        rows: 0,
        bytes: 0,
        files: 0,
        min_time_ns: i64::MAX,
        max_time_ns: i64::MIN,
    };

    fn cover(&mut self, min_time_ns: i64, max_time_ns: i64) {
        self.min_time_ns = self.min_time_ns.min(min_time_ns);
        self.max_time_ns = self.max_time_ns.max(max_time_ns);
    }
}

/// Every tenant with files or with rows in memory, and its tables that have some.
pub type TenantUsage = BTreeMap<TenantId, BTreeMap<Table, TableUsage>>;

impl Snapshot {
    /// What there is of each tenant. Reads nothing, but looks at every file that there is.
    pub fn tenants(&self) -> TenantUsage {
        let mut tenants = TenantUsage::new();
        let mut of = |tenant: &TenantId, table, add: &dyn Fn(&mut TableUsage)| {
            if !tenants.contains_key(tenant) {
                tenants.insert(tenant.clone(), BTreeMap::new());
            }
            if let Some(tables) = tenants.get_mut(tenant) {
                add(tables.entry(table).or_insert(TableUsage::NONE));
            }
        };
        for file in self.files.iter() {
            of(&file.tenant, file.table, &|usage| {
                usage.rows += file.visible_rows();
                usage.bytes += file.bytes + file.index_bytes;
                usage.files += 1;
                usage.cover(file.min_time_ns, file.max_time_ns);
            });
        }
        let sealed = self.sealed.iter();
        let buffered = sealed.flat_map(|sealed| sealed.buffer.batches());
        for batch in buffered.chain(&self.active) {
            of(&batch.tenant, batch.table, &|usage| {
                usage.rows += batch.batch.num_rows() as u64;
                usage.cover(batch.min_time_ns, batch.max_time_ns);
            });
        }
        tenants
    }
}

/// The tenants that may send, as the committer knows them: those that have rows, and maybe some that
/// had. There are never more than may be, but for those that were there before the limit.
#[derive(Debug)]
pub(crate) struct KnownTenants {
    most: usize,
    known: HashSet<TenantId>,
}

impl KnownTenants {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            known: HashSet::new(),
        }
    }

    /// Whether rows of `tenant` may be taken; it is known from then on. `all` says who has rows, and is
    /// only asked about those who are not known. Errors with [`crate::ErrorKind::Invalid`], because it
    /// will be no better when the request is sent again.
    pub(crate) fn admit(
        &mut self,
        tenant: &TenantId,
        all: impl FnOnce() -> BTreeSet<TenantId>,
    ) -> Result<()> {
        if self.known.contains(tenant) {
            return Ok(());
        }
        // What was taken in before is visible by now, so nobody with rows is forgotten here.
        let mut known: HashSet<TenantId> = all().into_iter().collect();
        if !known.contains(tenant) && known.len() >= self.most {
            return Err(too_many(tenant, self.most));
        }
        known.insert(tenant.clone());
        self.known = known;
        Ok(())
    }
}

fn too_many(tenant: &TenantId, most: usize) -> Error {
    let message = format!("tenant `{tenant}` would be one more than the {most} there may be");
    Error::invalid(message).with_hint(format!(
        "check what the sender writes into `{}`, or start spoor with more --max-tenants",
        TenantId::HEADER
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_is_refused_until_another_is_gone() {
        let name = |name: &str| TenantId::new(name).unwrap();
        let all = |names: &[&str]| names.iter().map(|one| name(one)).collect::<BTreeSet<_>>();
        let mut tenants = KnownTenants::new(2);
        tenants.admit(&name("a"), || all(&[])).unwrap();
        tenants.admit(&name("b"), || all(&["a"])).unwrap();
        let error = tenants.admit(&name("c"), || all(&["a", "b"])).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Invalid);
        assert!(error.to_string().contains("`c`"), "{error}");
        assert!(error.hint().unwrap().contains("X-Scope-OrgID"));
        // Those that are known go on, without anybody being asked.
        tenants.admit(&name("a"), || unreachable!()).unwrap();
        // The last rows of one were deleted.
        tenants.admit(&name("c"), || all(&["a"])).unwrap();
        tenants.admit(&name("b"), || all(&["a", "c"])).unwrap_err();
        // More than may be were there before the limit: they go on.
        let mut fewer = KnownTenants::new(1);
        fewer.admit(&name("b"), || all(&["a", "b"])).unwrap();
        fewer.admit(&name("c"), || all(&["a", "b"])).unwrap_err();
    }
}
