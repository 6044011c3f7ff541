//! What is known of files beside their rows: entries of a table of their own, which files of before it
//! do not have.

use super::Catalog;
use super::database::Statement;
use super::row::FileState;
use super::value::Row;
use crate::error::{Error, Result};
use crate::file::FileFacts;
use crate::model::FileId;
use crate::snapshot::DataFile;

const PUT: &str = "INSERT INTO file_facts (file_id, document) VALUES ($1, $2)
    ON CONFLICT (file_id) DO UPDATE SET document = excluded.document";
const REMOVE: &str = "DELETE FROM file_facts WHERE file_id = $1";
const REMAKE: &str =
    "UPDATE files SET bytes = $1, index_bytes = $2, state = $3, reason = NULL WHERE id = $4";

/// Those of a file's row, as the join gives them.
pub(super) fn read(row: &Row) -> Result<Option<FileFacts>> {
    let Some(text) = row.optional_text("facts")? else {
        return Ok(None);
    };
    serde_json::from_str(text).map(Some).map_err(|source| {
        Error::corrupt("catalog column `facts` is not readable").with_source(source)
    })
}

/// Adds or replaces those of a file, if it has some.
pub(super) fn put(file: &DataFile, statements: &mut Vec<Statement>) -> Result<()> {
    if let Some(facts) = &file.facts {
        let values = vec![
            file.id.to_string().into(),
            serde_json::to_string(facts)?.into(),
        ];
        statements.push(Statement::new(PUT, values));
    }
    Ok(())
}

pub(super) fn remove(id: FileId) -> Statement {
    Statement::new(REMOVE, vec![id.to_string().into()])
}

impl Catalog {
    /// A file that was lost is live again, with other bytes that hold the same rows.
    pub(crate) async fn remade(&self, file: &DataFile) -> Result<()> {
        let values = vec![
            file.bytes.into(),
            file.index_bytes.into(),
            FileState::Live.word().into(),
            file.id.to_string().into(),
        ];
        let gone = format!("file `{}` is not in the catalog", file.id);
        let mut statements = vec![Statement::new(REMAKE, values).changes_one_row(gone)];
        put(file, &mut statements)?;
        self.database.apply(&statements).await
    }
}
