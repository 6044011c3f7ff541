//! Deletions and the rows they hide, as rows of the catalog.

use std::collections::HashMap;
use std::str::FromStr;

use super::Catalog;
use super::database::Statement;
use super::row::FileRow;
use super::value::Row;
use crate::deletion::{Deletion, DeletionState};
use crate::error::{Error, ErrorKind, Result};
use crate::hidden::{self, HiddenPart, HiddenRows};
use crate::model::{DeletionId, FileId};
use crate::snapshot::DataFile;

const HIDDEN: &str = "SELECT file_id, deletion_id, row_set FROM hidden_rows";
const HIDE: &str = "INSERT INTO hidden_rows (file_id, deletion_id, row_set) VALUES ($1, $2, $3)";
const SHOW: &str = "DELETE FROM hidden_rows WHERE file_id = $1";
const OF_HIDDEN: &str =
    "SELECT document FROM deletions WHERE id IN (SELECT deletion_id FROM hidden_rows)";
const OPEN: &str =
    "SELECT document FROM deletions WHERE state IN ('hidden', 'purging') ORDER BY id";
const NEWEST: &str = "SELECT document FROM deletions WHERE id < $1 ORDER BY id DESC LIMIT $2";
const ONE: &str = "SELECT document FROM deletions WHERE id = $1";
const PUT: &str = "INSERT INTO deletions (id, state, document) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, document = excluded.document";

/// What is hidden of each file, as read and not yet looked into.
#[derive(Debug, Default)]
pub(super) struct HiddenByFile {
    parts: HashMap<FileId, Vec<(DeletionId, Vec<u8>)>>,
    deletions: HashMap<DeletionId, Deletion>,
}

impl HiddenByFile {
    /// The file with what is hidden of it.
    pub(super) fn put_on(&mut self, row: FileRow) -> Result<FileRow> {
        let Some(packed) = self.parts.remove(&row.file.id) else {
            return Ok(row);
        };
        let mut parts = Vec::with_capacity(packed.len());
        for (id, bytes) in packed {
            let rows = hidden::decode(&bytes, row.file.rows).map_err(|error| {
                Error::new(
                    ErrorKind::Corrupt,
                    format!(
                        "the catalog's hidden rows of file `{}`: {error}",
                        row.file.id
                    ),
                )
            })?;
            let deletion = self.deletions.get(&id);
            if deletion.is_some_and(|deletion| deletion.state == DeletionState::Undone) {
                continue;
            }
            parts.push(HiddenPart {
                deletion: id,
                // Rows hidden by nobody knows what stay hidden.
                undoable: deletion.is_some_and(Deletion::is_undoable),
                rows,
            });
        }
        Ok(FileRow {
            file: row.file.hiding(HiddenRows::of(parts)),
            ..row
        })
    }
}

impl HiddenByFile {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

impl Catalog {
    pub(super) async fn hidden_rows(&self) -> Result<HiddenByFile> {
        let mut found = HiddenByFile::default();
        for row in self.database.fetch(OF_HIDDEN, &[]).await? {
            let deletion = read(&row)?;
            found.deletions.insert(deletion.id, deletion);
        }
        for row in self.database.fetch(HIDDEN, &[]).await? {
            let file = FileId::from_str(row.text("file_id")?)?;
            let deletion = DeletionId::from_str(row.text("deletion_id")?)?;
            let bytes = row.bytes("row_set")?.to_vec();
            found.parts.entry(file).or_default().push((deletion, bytes));
        }
        Ok(found)
    }

    /// Deletions that have still something to do, oldest first.
    pub(crate) async fn unfinished_deletions(&self) -> Result<Vec<Deletion>> {
        let rows = self.database.fetch(OPEN, &[]).await?;
        rows.iter().map(read).collect()
    }

    /// The newest deletions of all tenants, or the newest before one, newest first.
    pub(crate) async fn deletions(
        &self,
        before: Option<DeletionId>,
        most: u32,
    ) -> Result<Vec<Deletion>> {
        // Ids are hexadecimal: every one is before this.
        let before = before.map_or_else(|| "g".to_owned(), |id| id.to_string());
        let values = [before.into(), most.into()];
        let rows = self.database.fetch(NEWEST, &values).await?;
        rows.iter().map(read).collect()
    }

    pub(crate) async fn deletion(&self, id: DeletionId) -> Result<Option<Deletion>> {
        let rows = self.database.fetch(ONE, &[id.to_string().into()]).await?;
        rows.first().map(read).transpose()
    }
}

fn read(row: &Row) -> Result<Deletion> {
    serde_json::from_str(row.text("document")?).map_err(|source| {
        Error::corrupt("a deletion in the catalog is not readable").with_source(source)
    })
}

/// Adds what is hidden of a file.
pub(super) fn insert(file: &DataFile, statements: &mut Vec<Statement>) -> Result<()> {
    let parts: &[HiddenPart] = file.hidden.as_ref().map_or(&[], |hidden| hidden.parts());
    for part in parts {
        let values = vec![
            file.id.to_string().into(),
            part.deletion.to_string().into(),
            hidden::encode(&part.rows)?.into(),
        ];
        statements.push(Statement::new(HIDE, values));
    }
    Ok(())
}

/// Forgets what is hidden of a file.
pub(super) fn remove(id: FileId) -> Statement {
    Statement::new(SHOW, vec![id.to_string().into()])
}

/// Adds a deletion or replaces it.
pub(super) fn put_deletion(deletion: &Deletion) -> Result<Statement> {
    let values = vec![
        deletion.id.to_string().into(),
        deletion.state.word().into(),
        serde_json::to_string(deletion)?.into(),
    ];
    Ok(Statement::new(PUT, values))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn broken_sets_name_their_file() {
        let mut found = HiddenByFile::default();
        let file = super::super::tests::file(1);
        let id = DeletionId::generate();
        found.parts.insert(file.id, vec![(id, vec![7, 7])]);
        let row = FileRow {
            file: Arc::clone(&file),
            state: super::super::FileState::Live,
            reason: None,
        };
        let error = found.put_on(row).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains(&file.id.to_string()), "{error}");
    }
}
