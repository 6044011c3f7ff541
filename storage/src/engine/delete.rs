//! Deleting and redacting records that somebody chose.

use std::collections::HashSet;
use std::sync::Arc;

use super::change::Replacement;
use super::{Shared, Storage};
use crate::clock::nanoseconds;
use crate::deletion::{
    Deletion, DeletionKind, DeletionReport, DeletionState, Located, RecordSet, Redaction, locate,
    rewrite,
};
use crate::error::{Error, ErrorKind, Result};
use crate::hidden::{HiddenPart, HiddenRows};
use crate::model::{DeletionId, Table, TenantId};
use crate::snapshot::{DataFile, Snapshot};

/// Deletions that are read from the catalog at once.
const PAGE: u32 = 1_000;
/// How often a change is tried again because merges replaced its files meanwhile.
const ATTEMPTS: usize = 8;

/// Records somebody wants deleted or redacted, and the words in which they were asked for.
#[derive(Debug, Clone)]
pub struct DeletionRequest {
    /// Whose records.
    pub tenant: TenantId,
    /// Of which table.
    pub table: Table,
    /// The query as it was written.
    pub query: String,
    /// The time range, as far as one was given.
    pub start_ns: Option<i64>,
    /// Its end.
    pub end_ns: Option<i64>,
    /// Who asks.
    pub asked_by: Option<String>,
    /// The records that match.
    pub records: RecordSet,
}

/// What a deletion would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeletionPreview {
    /// Rows it would hide or change.
    pub rows: u64,
    /// Rows that match and would be spared, because their trace is pinned.
    pub pinned_rows: u64,
    /// Files that hold the rows.
    pub files: u64,
}

impl DeletionPreview {
    fn of(located: &[Located]) -> Self {
        Self {
            rows: located.iter().map(|one| one.rows.len()).sum(),
            pinned_rows: located.iter().map(|one| one.pinned).sum(),
            files: located.iter().filter(|one| !one.rows.is_empty()).count() as u64,
        }
    }

    /// Errors if there are more rows than were confirmed.
    fn confirmed(self, at_most: u64) -> Result<Self> {
        if self.rows <= at_most {
            return Ok(self);
        }
        Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "{} rows match, not {at_most}; nothing was changed",
                self.rows
            ),
        )
        .with_hint("ask for a dry run again; with `end` in the past no new records can join"))
    }
}

impl Storage {
    /// What [`Storage::delete`] would do, or with `pinned_too` what [`Storage::redact`] would.
    pub async fn preview_deletion(
        &self,
        request: DeletionRequest,
        pinned_too: bool,
    ) -> Result<DeletionPreview> {
        let storage = self.clone();
        self.edit(async move {
            storage.flush().await?;
            let (located, _) = storage.shared.locate(&request, pinned_too).await?;
            Ok(DeletionPreview::of(&located))
        })
        .await
    }

    /// Hides the records from every later snapshot, at once and for good; their bytes are gone
    /// from disk at the latest by the deletion's deadline. Records of pinned traces are spared.
    /// Errors with [`ErrorKind::Conflict`] if there are more than `at_most`.
    pub async fn delete(&self, request: DeletionRequest, at_most: u64) -> Result<Deletion> {
        let storage = self.clone();
        self.edit(async move {
            // Every acknowledged row is in a file then, and the log no longer holds it for a replay.
            storage.flush().await?;
            storage.shared.delete(&request, at_most).await
        })
        .await
    }

    /// Replaces values of the records: when this returns, every later snapshot has the new ones in
    /// new files, and the old files go as soon as no running query reads them. Pinned traces are
    /// redacted as well: a pin keeps records, not secrets.
    pub async fn redact(
        &self,
        request: DeletionRequest,
        redaction: Redaction,
        at_most: u64,
    ) -> Result<Deletion> {
        let storage = self.clone();
        self.edit(async move {
            storage.flush().await?;
            storage.shared.redact(&request, &redaction, at_most).await
        })
        .await
    }

    /// As [`Storage::snapshot`], with the rows in it that retention rules hide and that may still
    /// come back: who chooses records to delete must see them.
    pub fn snapshot_with_undoable(&self) -> Arc<Snapshot> {
        self.shared.state.snapshot().with_undoable()
    }

    /// The newest deletions, redactions and retention passes of a tenant, newest first.
    pub async fn deletions(&self, tenant: &TenantId, most: usize) -> Result<Vec<DeletionReport>> {
        let mut reports = Vec::new();
        let mut before = None;
        loop {
            let page = self.shared.catalog.deletions(before, PAGE).await?;
            before = page.last().map(|deletion| deletion.id);
            let is_last = page.len() < PAGE as usize;
            let of_tenant = page
                .into_iter()
                .filter(|deletion| deletion.tenant == *tenant);
            for deletion in of_tenant.take(most - reports.len()) {
                reports.push(self.shared.report(deletion));
            }
            if is_last || reports.len() >= most {
                return Ok(reports);
            }
        }
    }

    /// One of them. Errors with [`ErrorKind::NotFound`] if the tenant has none with this id.
    pub async fn deletion(&self, tenant: &TenantId, id: DeletionId) -> Result<DeletionReport> {
        match self.shared.catalog.deletion(id).await? {
            Some(deletion) if deletion.tenant == *tenant => Ok(self.shared.report(deletion)),
            _ => Err(Error::new(
                ErrorKind::NotFound,
                format!("there is no deletion `{id}`"),
            )),
        }
    }
}

impl Shared {
    async fn delete(&self, request: &DeletionRequest, at_most: u64) -> Result<Deletion> {
        for _ in 0..ATTEMPTS {
            let (located, pins) = self.locate(request, false).await?;
            let found = DeletionPreview::of(&located).confirmed(at_most)?;
            let deletion = self.deletion(request, DeletionKind::Delete, found);
            let files = located
                .iter()
                .filter(|one| !one.rows.is_empty())
                .map(|one| (Arc::clone(&one.file), hiding(one, deletion.id)))
                .collect::<Vec<_>>();
            if self
                .hide(&files, std::slice::from_ref(&deletion), pins)
                .await?
            {
                self.metrics.deleted_rows.inc_by(deletion.rows);
                self.retain.notify_one();
                return Ok(deletion);
            }
        }
        Err(too_busy())
    }

    async fn redact(
        &self,
        request: &DeletionRequest,
        redaction: &Redaction,
        at_most: u64,
    ) -> Result<Deletion> {
        for _ in 0..ATTEMPTS {
            let (located, _) = self.locate(request, true).await?;
            let found = DeletionPreview::of(&located).confirmed(at_most)?;
            let mut deletion = self.deletion(request, DeletionKind::Redact, found);
            deletion.fields = redaction.fields().to_vec();
            let mut added = Vec::new();
            if let Err(error) = self.write_redacted(&located, redaction, &mut added).await {
                for file in &added {
                    self.writer.discard(file).await;
                }
                return Err(error);
            }
            let removed: Vec<_> = located.into_iter().map(|one| one.file).collect();
            let replacement = Replacement {
                added: &added,
                removed: &removed,
                deletions: std::slice::from_ref(&deletion),
                cause: Some(deletion.id),
            };
            if self.replace(&replacement).await? {
                self.metrics.redacted_rows.inc_by(deletion.rows);
                self.metrics.rewritten_files.inc_by(removed.len() as u64);
                self.retain.notify_one();
                return Ok(deletion);
            }
        }
        Err(too_busy())
    }

    /// Writes the files anew; `added` has those that are written, also after an error.
    async fn write_redacted(
        &self,
        located: &[Located],
        redaction: &Redaction,
        added: &mut Vec<Arc<DataFile>>,
    ) -> Result<()> {
        for one in located {
            self.goes_on()?;
            let how = Some((one.rows.clone(), redaction.clone()));
            added.extend(rewrite(&self.writer, &one.file, how).await?);
        }
        Ok(())
    }

    /// Where the records of a request are now, and on which pins that is founded.
    async fn locate(
        &self,
        request: &DeletionRequest,
        pinned_too: bool,
    ) -> Result<(Vec<Located>, u64)> {
        let (pinned, version) = self
            .ledger
            .with(|book| (book.pins.of(&request.tenant), book.pins.version()));
        let none = HashSet::new();
        let located = locate(
            self.store.objects(),
            &self.state.files(),
            &request.tenant,
            request.table,
            &request.records,
            if pinned_too { &none } else { &pinned },
        )
        .await?;
        Ok((located, version))
    }

    fn deletion(
        &self,
        request: &DeletionRequest,
        kind: DeletionKind,
        found: DeletionPreview,
    ) -> Deletion {
        let now_ns = self.options.clock.now_ns();
        let patience = nanoseconds(self.options.delete_deadline);
        let state = match (found.rows, kind) {
            (0, _) => DeletionState::Done,
            (_, DeletionKind::Redact) => DeletionState::Purging,
            _ => DeletionState::Hidden,
        };
        Deletion {
            id: DeletionId::generate(),
            kind,
            state,
            tenant: request.tenant.clone(),
            table: request.table,
            query: request.query.clone(),
            start_ns: request.start_ns,
            end_ns: request.end_ns,
            fields: Vec::new(),
            asked_by: request.asked_by.clone(),
            asked_ns: now_ns,
            policy: 0,
            rows: found.rows,
            pinned_rows: found.pinned_rows,
            files: found.files,
            deadline_ns: now_ns.saturating_add(patience),
            waited_ns: 0,
            done_ns: (found.rows == 0).then_some(now_ns),
        }
    }

    /// A deletion with what is left of it: in live files, and in replaced ones that a running
    /// query still reads.
    pub(super) fn report(&self, deletion: Deletion) -> DeletionReport {
        let mut report = DeletionReport {
            deletion,
            rows_left: 0,
            files_left: 0,
            bytes_left: 0,
        };
        if !report.deletion.is_open() {
            return report;
        }
        for file in self.state.files_with_bytes() {
            let parts = file.hidden.iter().flat_map(|hidden| hidden.parts());
            for part in parts.filter(|part| part.deletion == report.deletion.id) {
                report.rows_left += part.rows.len();
                report.files_left += 1;
                report.bytes_left +=
                    (file.bytes + file.index_bytes) * part.rows.len() / file.rows.max(1);
            }
        }
        report
    }
}

/// The file of `located` with its rows hidden for good, also those that could have come back.
fn hiding(located: &Located, deletion: DeletionId) -> Arc<DataFile> {
    let part = HiddenPart {
        deletion,
        undoable: false,
        rows: located.rows.clone(),
    };
    let parts = located.file.hidden.iter().flat_map(|hidden| hidden.parts());
    let parts = parts.map(|part| HiddenPart {
        rows: &part.rows - &located.rows,
        ..part.clone()
    });
    located
        .file
        .hiding(HiddenRows::of(parts.chain([part]).collect()))
}

fn too_busy() -> Error {
    Error::new(
        ErrorKind::Busy,
        "the files were replaced by merges again and again",
    )
    .with_hint("nothing was changed; try again in a moment")
    .with_retry_after(std::time::Duration::from_secs(5))
}
