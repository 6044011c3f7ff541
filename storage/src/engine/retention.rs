//! Retention passes: hide what has expired, show again what has not, remove what is past recall.
//!
//! A pass can be made at any time and as often as one likes. What it decides depends on the policy,
//! the pins, the clock and the files, not on earlier passes; so a changed policy, a new pin or a
//! clock that was set right undoes what is hidden, until its deadline has passed on both clocks.

mod expire;
mod pins;
mod preview;
mod purge;

use std::sync::Arc;
use std::time::Duration;

use super::{Shared, Storage, StorageOptions};
use crate::catalog::Catalog;
use crate::clock::nanoseconds;
use crate::deletion::{Deletion, DeletionReport, DeletionState};
use crate::error::{Error, ErrorKind, Result};
use crate::fault::Point;
use crate::model::DeletionId;
use crate::retention::{
    Book, Ledger, Pins, PolicyRecord, RetentionPolicy, RuleProblem, Understood,
};
use crate::snapshot::DataFile;

pub use preview::{RetentionPreview, RulePreview};

/// How often it is looked what has expired.
const PASS_INTERVAL: Duration = Duration::from_mins(1);
/// So often a pass looks at files of which one was merged while it was looked at. No merge of one
/// place follows another so fast that this is not enough; the next pass would come to the rest.
const MOST_LOOKS: usize = 16;
/// A policy that the settings give: nobody changes it while they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedRetention {
    /// The policy.
    pub policy: RetentionPolicy,
    /// Where it is written, for people.
    pub set_in: String,
}

/// The policy in force and what it hides.
#[derive(Debug, Clone, PartialEq)]
pub struct Retention {
    /// The policy.
    pub record: PolicyRecord,
    /// Where the policy is written, if only there it can be changed.
    pub set_in: Option<String>,
    /// Rules that an earlier version put in force and that mean nothing to this one: nothing expires by them.
    pub problems: Vec<RuleProblem>,
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
        let understood = shared.understood();
        Retention {
            problems: understood.map_or_else(|_| Vec::new(), |known| known.problems.clone()),
            record: PolicyRecord::clone(&shared.ledger.policy()),
            set_in: shared.set_in().map(str::to_owned),
            total_bytes: counting.map(|file| size_of(file)).sum(),
            hidden,
        }
    }

    /// Puts another policy in force. When this returns, what it lets expire is hidden, and what it
    /// keeps and an earlier one had hidden is visible again. Errors with [`ErrorKind::Conflict`] if the
    /// settings give the policy.
    pub async fn set_retention(
        &self,
        policy: RetentionPolicy,
        changed_by: Option<String>,
    ) -> Result<Retention> {
        policy.check(self.shared.compiler())?;
        if let Some(set_in) = self.shared.set_in() {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("the retention rules are set in {set_in}"),
            )
            .with_hint(
                "change them there and start spoor again; without them there, they can be set here",
            ));
        }
        let (storage, shared) = (self.clone(), Arc::clone(&self.shared));
        self.edit(async move {
            {
                let _no_pass_meanwhile = shared.retaining.lock().await;
                let _no_change_meanwhile = shared.changing.lock().await;
                Box::pin(shared.settle()).await?;
                let clock = shared.options.clock.as_ref();
                let record = Arc::new(shared.ledger.policy().next(policy, clock, changed_by));
                let commit = async {
                    shared.layout.fault(Point::PolicyCommit)?;
                    shared.catalog.set_policy(&record).await?;
                    shared.layout.fault(Point::PolicyCommitted)
                };
                let apply = |book: &mut Book| book.policy = Arc::clone(&record);
                let made = |book: &Book| book.policy == record;
                Box::pin(shared.decide(commit, apply, made)).await?;
            }
            // Only rows of files are hidden. Rules can be changed also while none can be written: what
            // is in memory then expires with the pass after its flush.
            if let Err(error) = storage.flush().await {
                tracing::warn!(%error, "rules apply to rows in memory when these are in files");
            }
            shared.retain_once().await
        })
        .await?;
        Ok(self.retention())
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
        {
            let _files_stay = self.changing.lock().await;
            Box::pin(self.settle()).await?;
        }
        self.count_waiting().await?;
        let mut expired = self.expire().await;
        for _ in 1..MOST_LOOKS {
            if !matches!(expired, Ok(false)) {
                break;
            }
            expired = self.expire().await;
        }
        // Rules that cannot be evaluated keep no deletion from coming to its end. What they hide is
        // not removed meanwhile: it might have come back.
        self.purge(expired.is_ok()).await?;
        expired?;
        let (open, pins) = self.ledger.with(|book| (book.open.len(), book.pins.len()));
        self.metrics.open_deletions.set(open as u64);
        self.metrics.pinned_traces.set(pins as u64);
        Ok(())
    }

    /// Where the policy is written, if the settings give it.
    fn set_in(&self) -> Option<&str> {
        let fixed = self.options.retention.as_ref()?;
        Some(fixed.set_in.as_str())
    }

    fn compiler(&self) -> Option<&dyn crate::retention::CompileFilter> {
        self.options.filters.as_deref()
    }

    /// The rules in force and what they mean. That a rule means nothing is logged once.
    fn understood(&self) -> Result<Arc<Understood>> {
        let record = self.ledger.policy();
        let known = self.ledger.with(|book| book.understood.clone());
        if let Some(known) = known.filter(|known| Arc::ptr_eq(&known.record, &record)) {
            return Ok(known);
        }
        let understood = Arc::new(Understood::of(record, self.compiler())?);
        for problem in &understood.problems {
            tracing::warn!(
                rule = problem.rule,
                reason = problem.message,
                hint = problem.hint,
                "nothing expires by a retention rule that an earlier version took"
            );
        }
        let problems = understood.problems.len() as u64;
        self.metrics.retention_rules_not_understood.set(problems);
        self.ledger
            .with(|book| book.understood = Some(Arc::clone(&understood)));
        Ok(understood)
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
}

/// What is in force, after the policy of the settings was put in force if they give one.
pub(super) async fn read_ledger(catalog: &Catalog, options: &StorageOptions) -> Result<Ledger> {
    let mut record = catalog.policy().await?;
    if let Some(fixed) = &options.retention {
        fixed.policy.check(options.filters.as_deref())?;
        if record.policy != fixed.policy {
            let by = Some(fixed.set_in.clone());
            record = record.next(fixed.policy.clone(), options.clock.as_ref(), by);
            catalog.set_policy(&record).await?;
        }
    }
    Ok(Ledger::new(
        record,
        Pins::new(catalog.pins().await?),
        catalog.unfinished_deletions().await?,
        options.clock.passed(),
    ))
}

/// Whether a deletion hides rows of the file.
fn hides(file: &DataFile, deletion: DeletionId) -> bool {
    let mut parts = file.hidden.iter().flat_map(|hidden| hidden.parts());
    parts.any(|part| part.deletion == deletion)
}

fn size_of(file: &DataFile) -> u64 {
    file.bytes + file.index_bytes
}
