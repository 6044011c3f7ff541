//! What a policy would do if it were in force now.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::size_of;
use crate::engine::{Shared, Storage};
use crate::error::{ErrorKind, Result};
use crate::retention::{Evaluation, Filters, PolicyRecord, RetentionPolicy, compile, evaluate};
use crate::snapshot::DataFile;

/// What a policy would do at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetentionPreview {
    /// What each rule would hide, in the order of the rules, and last what the size limit would.
    pub rules: Vec<RulePreview>,
    /// Rows that are hidden now and would be visible again.
    pub restored_rows: u64,
    /// What could not be looked at, for the user.
    pub incomplete_reasons: Vec<String>,
}

/// What one rule would hide of what is visible now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RulePreview {
    /// Rows.
    pub rows: u64,
    /// About how many bytes of files they are.
    pub bytes: u64,
    /// Files with such rows.
    pub files: u64,
}

impl Storage {
    /// What [`Storage::set_retention`] would do with this policy, which changes nothing yet. Rows
    /// that are still in memory are written to files first, as they count as well.
    pub async fn preview_retention(&self, policy: RetentionPolicy) -> Result<RetentionPreview> {
        let filters = {
            policy.check(self.shared.compiler())?;
            compile(&policy, self.shared.compiler())?
        };
        let storage = self.clone();
        self.edit(async move {
            storage.flush().await?;
            storage.shared.preview(policy, &filters).await
        })
        .await
    }
}

impl Shared {
    async fn preview(
        &self,
        policy: RetentionPolicy,
        filters: &Filters,
    ) -> Result<RetentionPreview> {
        let _no_pass_meanwhile = self.retaining.lock().await;
        let clock = self.options.clock.as_ref();
        let record: PolicyRecord = self.ledger.policy().next(policy, clock, None);
        let by_size = self.over_size(&record);
        let mut preview = RetentionPreview {
            rules: vec![RulePreview::default(); record.policy.rules.len() + 1],
            ..RetentionPreview::default()
        };
        for file in self.state.files().iter() {
            self.goes_on()?;
            let pinned = self.ledger.with(|book| book.pins.of(&file.tenant));
            let evaluation = Evaluation {
                store: self.store.objects(),
                policy: &record.policy,
                filters,
                pinned: &pinned,
                now_ns: clock.now_ns(),
            };
            match evaluate(&evaluation, file, by_size.contains(&file.id)).await {
                Ok(expired) => preview.add(file, expired),
                Err(error) if error.kind() == ErrorKind::Corrupt => preview
                    .incomplete_reasons
                    .push(format!("{} of {}: {error}", file.table, file.hour)),
                Err(error) => return Err(error),
            }
        }
        Ok(preview)
    }
}

impl RetentionPreview {
    fn add(&mut self, file: &Arc<DataFile>, expired: Vec<(usize, RoaringBitmap)>) {
        let (mut back, mut hidden) = (RoaringBitmap::new(), RoaringBitmap::new());
        for part in file.hidden.iter().flat_map(|hidden| hidden.parts()) {
            hidden |= &part.rows;
            if part.undoable {
                back |= &part.rows;
            }
        }
        for (rule, rows) in expired {
            back -= &rows;
            let rows = (rows - &hidden).len();
            if let Some(of) = self.rules.get_mut(rule)
                && rows > 0
            {
                of.rows += rows;
                of.files += 1;
                of.bytes += size_of(file) * rows / file.rows.max(1);
            }
        }
        self.restored_rows += back.len();
    }
}
