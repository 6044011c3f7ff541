//! Retention passes: hide what has expired, show again what has not, remove what is past recall.
//!
//! A pass can be made at any time and as often as one likes. What it decides depends on the policy,
//! the pins, the clock and the files, not on earlier passes; so a changed policy, a new pin or a
//! clock that was set right undoes what is hidden, until its deadline has passed on both clocks.

mod purge;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use roaring::RoaringBitmap;

use super::{Shared, Storage};
use crate::clock::nanoseconds;
use crate::deletion::{Deletion, DeletionKind, DeletionReport, DeletionState};
use crate::error::{Error, ErrorKind, Result};
use crate::hidden::{HiddenPart, HiddenRows};
use crate::model::{DeletionId, FileId, Table, TenantId, TraceId};
use crate::retention::{Basis, Evaluation, MAX_PINS, Pin, PolicyRecord, RetentionPolicy, evaluate};
use crate::snapshot::DataFile;

/// How often it is looked what has expired.
const PASS_INTERVAL: Duration = Duration::from_mins(1);
/// Files that change in one transaction.
const FILES_A_CHANGE: usize = 256;
/// What stands for the rule in the report of rows that expired because of the size limit.
const BY_SIZE: &str = "max_total_bytes";

/// The policy in force and what it hides.
#[derive(Debug, Clone, PartialEq)]
pub struct Retention {
    /// The policy.
    pub record: PolicyRecord,
    /// Bytes of files with rows that count.
    pub total_bytes: u64,
    /// What is hidden and can be undone, oldest first.
    pub hidden: Vec<Hidden>,
}

/// Rows that one pass of a rule hid.
#[derive(Debug, Clone, PartialEq)]
pub struct Hidden {
    /// The pass and what is left of it.
    pub report: DeletionReport,
    /// Not before this moment, nanoseconds since the Unix epoch, are bytes removed; what undoes
    /// the rule until then brings the rows back.
    pub purge_ns: i64,
}

/// A file with the hidden rows it has and those it should have.
struct Rehidden {
    old: Arc<DataFile>,
    new: Arc<DataFile>,
    basis: Basis,
}

impl Storage {
    /// The policy in force and what it hides.
    pub fn retention(&self) -> Retention {
        let shared = &self.shared;
        let now_ns = shared.options.clock.now_ns();
        let hidden = shared
            .ledger
            .open()
            .into_iter()
            .filter(Deletion::is_undoable)
            .map(|deletion| {
                let left = shared.undo_left_ns(&deletion);
                let purge_ns = deletion.deadline_ns.max(now_ns.saturating_add(left));
                let report = shared.report(deletion);
                Hidden { report, purge_ns }
            })
            .collect();
        let files = shared.state.files();
        let counting = files.iter().filter(|file| file.visible_rows() > 0);
        Retention {
            record: PolicyRecord::clone(&shared.ledger.policy()),
            total_bytes: counting.map(|file| size_of(file)).sum(),
            hidden,
        }
    }

    /// Puts another policy in force. When this returns, what it lets expire is hidden, and what it
    /// keeps and an earlier one had hidden is visible again.
    pub async fn set_retention(
        &self,
        policy: RetentionPolicy,
        changed_by: Option<String>,
    ) -> Result<Retention> {
        policy.check()?;
        let shared = Arc::clone(&self.shared);
        self.edit(async move {
            {
                let _no_pass_meanwhile = shared.retaining.lock().await;
                let record = PolicyRecord {
                    policy,
                    version: shared.ledger.policy().version + 1,
                    changed_ns: Some(shared.options.clock.now_ns()),
                    changed_by,
                };
                shared.catalog.set_policy(&record).await?;
                shared.ledger.with(|book| book.policy = Arc::new(record));
            }
            shared.retain_once().await
        })
        .await?;
        Ok(self.retention())
    }

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

    /// Makes a retention pass now and waits until it is done.
    pub async fn retain(&self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        self.edit(async move { shared.retain_once().await }).await
    }
}

impl Shared {
    /// One pass over everything.
    pub(super) async fn retain_once(&self) -> Result<()> {
        let _one_at_a_time = self.retaining.lock().await;
        self.metrics.retention_passes.inc();
        self.count_waiting().await?;
        self.expire().await?;
        self.purge().await?;
        let (open, pins) = self.ledger.with(|book| (book.open.len(), book.pins.len()));
        self.metrics.open_deletions.set(open as u64);
        self.metrics.pinned_traces.set(pins as u64);
        Ok(())
    }

    /// How long the background task may sleep.
    pub(super) fn until_next_pass(&self) -> Duration {
        let shortest = self
            .options
            .retention_undo
            .min(self.options.delete_deadline / 2);
        PASS_INTERVAL.min(shortest).max(Duration::from_secs(1))
    }

    /// Adds the time since the last pass to what has been waited for each hidden deletion.
    async fn count_waiting(&self) -> Result<()> {
        let passed = self.options.clock.passed();
        let waiting: Vec<Deletion> = self.ledger.with(|book| {
            let since = passed.saturating_sub(book.counted);
            book.counted = passed;
            let since = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
            let hidden = book
                .open
                .values_mut()
                .filter(|deletion| deletion.state == DeletionState::Hidden && since > 0);
            hidden
                .map(|deletion| {
                    deletion.waited_ns = deletion.waited_ns.saturating_add(since);
                    deletion.clone()
                })
                .collect()
        });
        if waiting.is_empty() {
            return Ok(());
        }
        self.note(&waiting).await
    }

    /// Writes down how far deletions have come.
    async fn note(&self, deletions: &[Deletion]) -> Result<()> {
        let change = crate::catalog::Change {
            deletions,
            ..crate::catalog::Change::default()
        };
        self.catalog.commit(&change).await?;
        self.ledger.note(deletions);
        Ok(())
    }

    /// How much longer what a deletion hides can come back, by the clock that nobody can set.
    fn undo_left_ns(&self, deletion: &Deletion) -> i64 {
        let waited = i64::try_from(deletion.waited_ns).unwrap_or(i64::MAX);
        nanoseconds(self.options.retention_undo)
            .saturating_sub(waited)
            .max(0)
    }

    /// Hides what has expired and shows what has not.
    async fn expire(&self) -> Result<()> {
        let record = self.ledger.policy();
        let now_ns = self.options.clock.now_ns();
        let files = self.state.files();
        let by_size = self.over_size(&record);
        let mut changed = Vec::new();
        let mut passes = Passes {
            shared: self,
            record: &record,
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
        for chunk in changed.chunks(FILES_A_CHANGE) {
            self.rehide(chunk, &mut deletions).await?;
        }
        Ok(())
    }

    /// Commits what `expire` found for some files. A file that was changed meanwhile is looked at
    /// again in the next pass.
    async fn rehide(&self, files: &[Rehidden], deletions: &mut [Deletion]) -> Result<()> {
        let pairs: Vec<_> = files
            .iter()
            .map(|one| (Arc::clone(&one.old), Arc::clone(&one.new)))
            .collect();
        let Some(pins) = files.first().map(|one| one.basis.pins) else {
            return Ok(());
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
            // One of them is not what it was: each by itself, so that the others do not wait.
            if files.len() > 1 {
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
                for one in files {
                    Box::pin(self.rehide(std::slice::from_ref(one), deletions)).await?;
                }
            }
            return Ok(());
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
        Ok(())
    }

    /// Files that expire because all together are too large: the oldest hours. What the size limit
    /// has hidden under the same policy stays so, or a merge that saves some bytes would bring an
    /// hour back that the next flush hides again.
    fn over_size(&self, record: &PolicyRecord) -> HashSet<FileId> {
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

/// Whether a deletion hides rows of the file.
fn hides(file: &DataFile, deletion: DeletionId) -> bool {
    let mut parts = file.hidden.iter().flat_map(|hidden| hidden.parts());
    parts.any(|part| part.deletion == deletion)
}

fn size_of(file: &DataFile) -> u64 {
    file.bytes + file.index_bytes
}
