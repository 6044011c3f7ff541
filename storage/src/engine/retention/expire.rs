//! One look at all files: what has expired is hidden, what has not is shown.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::{hides, size_of};
use crate::clock::nanoseconds;
use crate::deletion::{Deletion, DeletionKind, DeletionState};
use crate::engine::Shared;
use crate::error::{ErrorKind, Result};
use crate::hidden::{HiddenPart, HiddenRows};
use crate::model::{DeletionId, FileId, Table, TenantId};
use crate::retention::{Basis, Evaluation, PolicyRecord, evaluate};
use crate::snapshot::DataFile;

/// Files that change in one transaction.
const FILES_A_CHANGE: usize = 256;
/// What stands for the rule in the report of rows that expired because of the size limit.
pub(super) const BY_SIZE: &str = "max_total_bytes";

/// A file with the hidden rows it has and those it should have.
struct Rehidden {
    old: Arc<DataFile>,
    new: Arc<DataFile>,
    basis: Basis,
}

impl Shared {
    /// Hides what has expired and shows what has not; whether that is so of every file. It is not of
    /// files that were changed (merged, for instance) while they were looked at.
    pub(super) async fn expire(&self) -> Result<bool> {
        let understood = self.understood()?;
        let record = &understood.record;
        let now_ns = self.options.clock.now_ns();
        let files = self.state.files();
        let by_size = self.over_size(record);
        let mut changed = Vec::new();
        let mut passes = Passes {
            shared: self,
            record,
            now_ns,
            deletions: BTreeMap::new(),
        };
        for file in files.iter() {
            self.goes_on()?;
            let (pinned, pins) = self
                .ledger
                .with(|book| (book.pins.of(&file.tenant), book.pins.version()));
            let basis = Basis {
                policy: record.version,
                pins,
                expired: record
                    .policy
                    .rules
                    .iter()
                    .map(|rule| rule.has_expired(file.hour, now_ns))
                    .collect(),
                by_size: by_size.contains(&file.id),
            };
            let known = self
                .ledger
                .with(|book| book.evaluated.get(&file.id) == Some(&basis));
            if known {
                continue;
            }
            let evaluation = Evaluation {
                store: self.store.objects(),
                policy: &record.policy,
                filters: &understood.filters,
                pinned: &pinned,
                now_ns,
            };
            let expired = match evaluate(&evaluation, file, basis.by_size).await {
                Ok(expired) => expired,
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    self.quarantine(file, &error.to_string()).await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            match passes.rehidden(file, &expired) {
                None => self.ledger.with(|book| {
                    book.evaluated.insert(file.id, basis);
                }),
                Some(new) => changed.push(Rehidden {
                    old: Arc::clone(file),
                    new,
                    basis,
                }),
            }
        }
        let live: HashSet<FileId> = files.iter().map(|file| file.id).collect();
        self.ledger
            .with(|book| book.evaluated.retain(|id, _| live.contains(id)));
        let mut deletions = passes.deletions.into_values().collect::<Vec<_>>();
        let mut all = true;
        for chunk in changed.chunks(FILES_A_CHANGE) {
            all &= self.rehide(chunk, &mut deletions).await?;
        }
        Ok(all)
    }

    /// Commits what `expire` found for some files; whether for all. A file that was changed meanwhile
    /// is to be looked at again.
    async fn rehide(&self, files: &[Rehidden], deletions: &mut [Deletion]) -> Result<bool> {
        let pairs: Vec<_> = files
            .iter()
            .map(|one| (Arc::clone(&one.old), Arc::clone(&one.new)))
            .collect();
        let Some(pins) = files.first().map(|one| one.basis.pins) else {
            return Ok(true);
        };
        let parts: HashMap<DeletionId, u64> = pairs
            .iter()
            .flat_map(|(_, new)| new.hidden.iter().flat_map(|hidden| hidden.parts()))
            .fold(HashMap::new(), |mut rows, part| {
                *rows.entry(part.deletion).or_default() += part.rows.len();
                rows
            });
        let mut noted = Vec::new();
        for deletion in deletions.iter_mut() {
            if let Some(rows) = parts.get(&deletion.id) {
                deletion.rows += rows;
                deletion.files += pairs
                    .iter()
                    .filter(|(_, new)| hides(new, deletion.id))
                    .count() as u64;
                noted.push(deletion.clone());
            }
        }
        if !self.hide(&pairs, &noted, pins).await? {
            for deletion in deletions
                .iter_mut()
                .filter(|one| parts.contains_key(&one.id))
            {
                deletion.rows -= parts[&deletion.id];
                deletion.files -= pairs
                    .iter()
                    .filter(|(_, new)| hides(new, deletion.id))
                    .count() as u64;
            }
            if files.len() == 1 {
                return Ok(false);
            }
            // One of them is not what it was: each by itself, so that the others do not wait.
            let mut all = true;
            for one in files {
                all &= Box::pin(self.rehide(std::slice::from_ref(one), deletions)).await?;
            }
            return Ok(all);
        }
        let count = |file: &DataFile| file.hidden.as_ref().map_or(0, |hidden| hidden.count());
        for one in files {
            let (before, after) = (count(&one.old), count(&one.new));
            self.metrics
                .expired_rows
                .inc_by(after.saturating_sub(before));
            self.metrics
                .restored_rows
                .inc_by(before.saturating_sub(after));
            self.ledger
                .with(|book| book.evaluated.insert(one.new.id, one.basis.clone()));
        }
        Ok(true)
    }

    /// Files that expire because all together are too large: the oldest hours. What the size limit
    /// has hidden under the same policy stays so, or a merge that saves some bytes would bring an
    /// hour back that the next flush hides again.
    pub(super) fn over_size(&self, record: &PolicyRecord) -> HashSet<FileId> {
        let mut over = HashSet::new();
        let Some(most) = record.policy.max_total_bytes else {
            return over;
        };
        let hidden: HashSet<DeletionId> = self
            .ledger
            .open()
            .iter()
            .filter(|one| one.query == BY_SIZE && one.policy == record.version)
            .map(|one| one.id)
            .collect();
        let all = self.state.files();
        let mut counting: Vec<&Arc<DataFile>> = Vec::new();
        for file in all.iter() {
            let parts = file.hidden.iter().flat_map(|hidden| hidden.parts());
            if parts.clone().any(|part| hidden.contains(&part.deletion)) {
                over.insert(file.id);
            } else if file.visible_rows() > 0
                || file
                    .hidden
                    .as_ref()
                    .is_some_and(|hidden| hidden.is_undoable())
            {
                counting.push(file);
            }
        }
        counting.sort_by_key(|file| (file.hour, file.id));
        let mut total: u64 = counting.iter().map(|file| size_of(file)).sum();
        for file in counting {
            if total <= most {
                break;
            }
            total -= size_of(file);
            over.insert(file.id);
        }
        over
    }
}

/// The deletions that one pass makes: one for each rule and table in which something expires.
struct Passes<'a> {
    shared: &'a Shared,
    record: &'a PolicyRecord,
    now_ns: i64,
    deletions: BTreeMap<(TenantId, Table, usize), Deletion>,
}

impl Passes<'_> {
    /// `file` with `expired` hidden, and nothing else but what was deleted for good; `None` if
    /// that is how it is.
    fn rehidden(
        &mut self,
        file: &Arc<DataFile>,
        expired: &[(usize, RoaringBitmap)],
    ) -> Option<Arc<DataFile>> {
        let mut all = RoaringBitmap::new();
        for (_, rows) in expired {
            all |= rows;
        }
        let old: &[HiddenPart] = file.hidden.as_ref().map_or(&[], |hidden| hidden.parts());
        let mut parts: Vec<HiddenPart> = Vec::new();
        let mut done = RoaringBitmap::new();
        for part in old {
            let rows = if part.undoable {
                &part.rows & &all
            } else {
                part.rows.clone()
            };
            done |= &rows;
            parts.push(HiddenPart {
                rows,
                ..part.clone()
            });
        }
        for (rule, rows) in expired {
            let mut rows = rows - &done;
            if rows.is_empty() {
                continue;
            }
            rows.optimize();
            parts.push(HiddenPart {
                deletion: self.deletion(file, *rule),
                undoable: true,
                rows,
            });
        }
        let new = HiddenRows::of(parts);
        let same = match (&file.hidden, &new) {
            (None, None) => true,
            (Some(old), Some(new)) => {
                old.all() == new.all() && old.parts().len() == new.parts().len()
            }
            _ => false,
        };
        (!same).then(|| file.hiding(new))
    }

    fn deletion(&mut self, file: &DataFile, rule: usize) -> DeletionId {
        let undo = nanoseconds(self.shared.options.retention_undo);
        let deletion = self
            .deletions
            .entry((file.tenant.clone(), file.table, rule))
            .or_insert_with(|| Deletion {
                id: DeletionId::generate(),
                kind: DeletionKind::Retention,
                state: DeletionState::Hidden,
                tenant: file.tenant.clone(),
                table: file.table,
                query: match self.record.policy.rules.get(rule) {
                    Some(rule) => serde_json::to_string(rule).unwrap_or_default(),
                    None => BY_SIZE.to_owned(),
                },
                start_ns: None,
                end_ns: None,
                fields: Vec::new(),
                asked_by: self.record.changed_by.clone(),
                asked_ns: self.now_ns,
                policy: self.record.version,
                rows: 0,
                pinned_rows: 0,
                files: 0,
                deadline_ns: self.now_ns.saturating_add(undo),
                waited_ns: 0,
                done_ns: None,
            });
        deletion.id
    }
}
