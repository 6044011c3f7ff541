//! The catalog: which files exist, and up to which request everything is in files.
//!
//! ```text
//! Catalog ─► Statement, Row ─► Database ─► SQLite      catalog.sqlite, kept alone by LOCK
//!                                      └─► PostgreSQL  one session, which holds a lock
//! ```
//!
//! A flush or a compaction is one transaction: files added, files removed, the log mark moved.
//! Durable when [`Catalog::commit`] returns (SQLite: `synchronous = FULL`). Queries and appends never wait
//! for it: they see the state in memory.

mod binding;
mod database;
mod facts;
mod hidden;
mod location;
mod losses;
mod packed;
mod postgres;
mod retention;
mod row;
mod schema;
mod searches;
mod value;

use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

use crate::deletion::Deletion;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Layout;
use crate::model::FileId;
use crate::snapshot::DataFile;
use crate::store::Store;

use database::{Database, Statement};
pub use location::CatalogLocation;
pub(crate) use packed::Unpacker;
pub(crate) use row::{BrokenRow, FileRow, FileState};
pub(crate) use searches::SearchName;
pub(crate) use value::{Row, Value};

const REMOVE: &str = "UPDATE files SET state = $1 WHERE id = $2 AND state = $3";
const QUARANTINE: &str = "UPDATE files SET state = $1, reason = $2 WHERE id = $3";
const RESTORE: &str = "UPDATE files SET state = $1, reason = NULL WHERE id = $2 AND state = $3";
const SET_INDEX_BYTES: &str = "UPDATE files SET index_bytes = $1 WHERE id = $2";
const FORGET: &str = "DELETE FROM files WHERE id = $1 AND state = $2";
const ANY_FILE: &str = "SELECT id FROM files LIMIT 1";
const STATE: &str = "SELECT state FROM files WHERE id = $1";
const FILES: &str = "SELECT files.*, file_facts.document AS facts FROM files
    LEFT JOIN file_facts ON file_facts.file_id = files.id ORDER BY tenant, table_name, hour, id";

/// An open catalog.
#[derive(Debug, Clone)]
pub(crate) struct Catalog {
    database: Arc<Database>,
}

/// What one transaction changes.
#[derive(Debug, Default)]
pub(crate) struct Change<'a> {
    pub(crate) add: &'a [Arc<DataFile>],
    /// Marked as removed; their rows go when the bytes are deleted.
    pub(crate) remove: &'a [Arc<DataFile>],
    /// Every request up to this sequence is in files.
    pub(crate) wal_mark: Option<u64>,
    /// Live files in the state they shall have: their hidden rows replace those of before.
    pub(crate) rehide: &'a [Arc<DataFile>],
    /// Deletions that are new or have come further.
    pub(crate) deletions: &'a [Deletion],
}

/// All rows of the files table.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) files: Vec<FileRow>,
    /// Rows that cannot be used, so neither can their files.
    pub(crate) broken: Vec<BrokenRow>,
}

impl Catalog {
    /// Opens the catalog, brings it to the current version and keeps every other process from
    /// changing it. The data directory's lock must be held; `store` has its files. Errors with
    /// [`crate::ErrorKind::Conflict`] if the catalog is in use, or is not that of this directory.
    pub(crate) async fn open(
        location: &CatalogLocation,
        layout: &Layout,
        store: &Store,
    ) -> Result<Self> {
        let database = match location {
            CatalogLocation::Sqlite => Database::open_sqlite(&layout.catalog()).await?,
            CatalogLocation::Postgres(options) => Database::open_postgres(options).await?,
        };
        let version = schema::version(&database).await?;
        let new_catalog = version == 0;
        if new_catalog {
            binding::must_be_empty(store).await?;
        }
        let found = binding::read_id(layout)?;
        let id = found.clone().unwrap_or_else(new_id);
        if new_catalog {
            // Before the catalog exists: one that does, and a directory without its id, do not
            // belong together.
            binding::write_id(layout, &id)?;
        }
        database.claim().await?;
        schema::migrate(&database, version, &id).await?;
        let of_catalog = database.meta("catalog_id").await?.unwrap_or_default();
        if found.is_none() && matches!(location, CatalogLocation::Sqlite) {
            // It lies in the directory, from before directories had ids.
            binding::write_id(layout, &of_catalog)?;
        } else {
            binding::must_match(location, &id, &of_catalog)?;
        }
        let catalog = Self {
            database: Arc::new(database),
        };
        catalog.keep_to(store).await?;
        store.claim(&of_catalog).await?;
        Ok(catalog)
    }

    /// Makes sure that the files are in `store`. Those of another would all seem lost.
    async fn keep_to(&self, store: &Store) -> Result<()> {
        let of_catalog = match self.database.meta("store").await? {
            Some(url) => url,
            // From before there were others.
            None => "local".to_owned(),
        };
        if of_catalog == store.url() {
            return Ok(());
        }
        if !self.database.fetch(ANY_FILE, &[]).await?.is_empty() {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "the catalog's files are in `{of_catalog}`, not in `{}`",
                    store.url()
                ),
            )
            .with_hint("set --store-url to where they are"));
        }
        let moved = schema::set_meta("store", store.url());
        self.database.apply(&[moved]).await
    }

    /// Every request up to this sequence is in files.
    pub(crate) async fn wal_mark(&self) -> Result<u64> {
        let Some(text) = self.database.meta("wal_mark").await? else {
            return Ok(0);
        };
        u64::from_str(&text).map_err(|_| {
            Error::corrupt(format!(
                "catalog entry `wal_mark` is `{text}`, not a number"
            ))
        })
    }

    /// All rows of the files table. Errors only with a row that does not even say which file it
    /// is about.
    pub(crate) async fn files(&self) -> Result<Listed> {
        let mut hidden = self.hidden_rows().await?;
        let mut listed = Listed::default();
        let mut statistics = Unpacker::new();
        for row in self.database.fetch(FILES, &[]).await? {
            match FileRow::read(&row, &mut statistics).and_then(|file| hidden.put_on(file)) {
                Ok(file) => listed.files.push(file),
                Err(error) => listed.broken.push(BrokenRow::read(&row, &error)?),
            }
        }
        Ok(listed)
    }

    /// Makes a change, all of it or nothing.
    pub(crate) async fn commit(&self, change: &Change<'_>) -> Result<()> {
        let mut statements = Vec::with_capacity(change.add.len() + change.remove.len() + 1);
        for file in change.add {
            statements.push(row::insert(file)?);
            facts::put(file, &mut statements)?;
            hidden::insert(file, &mut statements)?;
        }
        for file in change.remove {
            let values = vec![
                FileState::Removed.word().into(),
                file.id.to_string().into(),
                FileState::Live.word().into(),
            ];
            let gone = format!("file `{}` is not live any more", file.id);
            statements.push(Statement::new(REMOVE, values).changes_one_row(gone));
            statements.push(hidden::remove(file.id));
        }
        for file in change.rehide {
            statements.push(hidden::remove(file.id));
            hidden::insert(file, &mut statements)?;
        }
        for deletion in change.deletions {
            statements.push(hidden::put_deletion(deletion)?);
        }
        if let Some(mark) = change.wal_mark {
            statements.push(schema::set_meta("wal_mark", mark.to_string()));
        }
        self.database.apply(&statements).await
    }

    /// Whether a file is live: after a commit that failed, whether it was made nevertheless.
    pub(crate) async fn is_live(&self, id: FileId) -> Result<bool> {
        let rows = self.database.fetch(STATE, &[id.to_string().into()]).await?;
        let state = rows.first().map(|row| row.text("state")).transpose()?;
        Ok(state == Some(FileState::Live.word()))
    }

    /// Sets a file aside: it stays listed with the reason, and no query reads it.
    pub(crate) async fn quarantine(&self, id: FileId, reason: &str) -> Result<()> {
        let values = vec![
            FileState::Quarantined.word().into(),
            reason.into(),
            id.to_string().into(),
        ];
        self.change(QUARANTINE, values).await
    }

    /// Makes a file live again that was set aside and whose bytes are whole.
    pub(crate) async fn restore(&self, id: FileId) -> Result<()> {
        let values = vec![
            FileState::Live.word().into(),
            id.to_string().into(),
            FileState::Quarantined.word().into(),
        ];
        self.change(RESTORE, values).await
    }

    /// Replaces the size of a file's index, after a rebuild.
    pub(crate) async fn set_index_bytes(&self, id: FileId, bytes: u64) -> Result<()> {
        self.change(SET_INDEX_BYTES, vec![bytes.into(), id.to_string().into()])
            .await
    }

    /// Forgets a removed file whose bytes are gone.
    pub(crate) async fn forget(&self, id: FileId) -> Result<()> {
        let values = vec![id.to_string().into(), FileState::Removed.word().into()];
        let forget = Statement::new(FORGET, values);
        self.database.apply(&[forget, facts::remove(id)]).await
    }

    pub(crate) async fn close(&self) {
        self.database.close().await;
    }

    async fn change(&self, sql: &'static str, values: Vec<Value>) -> Result<()> {
        self.database.apply(&[Statement::new(sql, values)]).await
    }
}

fn new_id() -> String {
    Uuid::now_v7().simple().to_string()
}

#[cfg(test)]
mod tests;
