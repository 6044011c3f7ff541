//! The catalog: which files exist, and up to which request everything is in files.
//!
//! One SQLite database. A flush or a compaction is one transaction: files added, files removed,
//! the log mark moved. Durable when [`Catalog::commit`] returns (`synchronous = FULL`).

mod row;

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Executor, Row};

use crate::error::{Error, ErrorKind, Result};
use crate::model::FileId;
use crate::snapshot::DataFile;

pub(crate) use row::{FileRow, FileState};

/// The version of the tables below.
const FORMAT_VERSION: u64 = 1;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    id               TEXT PRIMARY KEY,
    tenant           TEXT NOT NULL,
    table_name       TEXT NOT NULL,
    hour             INTEGER NOT NULL,
    level            INTEGER NOT NULL,
    row_count        INTEGER NOT NULL,
    bytes            INTEGER NOT NULL,
    index_bytes      INTEGER NOT NULL,
    min_time_ns      INTEGER NOT NULL,
    max_time_ns      INTEGER NOT NULL,
    services         TEXT NOT NULL,
    field_statistics BLOB NOT NULL,
    state            TEXT NOT NULL,
    reason           TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_by_place ON files (state, tenant, table_name, hour);
";

/// An open catalog.
#[derive(Debug, Clone)]
pub(crate) struct Catalog {
    pool: SqlitePool,
}

/// What one transaction changes.
#[derive(Debug, Default)]
pub(crate) struct Change<'a> {
    pub(crate) add: &'a [Arc<DataFile>],
    /// Marked as removed; their rows go when the bytes are deleted.
    pub(crate) remove: &'a [Arc<DataFile>],
    /// Every request up to this sequence is in files.
    pub(crate) wal_mark: Option<u64>,
}

impl Catalog {
    pub(crate) async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .map_err(|source| {
                Error::internal(format!("cannot open the catalog `{}`", path.display()))
                    .with_source(source)
            })?;
        pool.execute(TABLES).await?;
        let catalog = Self { pool };
        match catalog.number("format_version").await? {
            None => catalog.set_number("format_version", FORMAT_VERSION).await?,
            Some(FORMAT_VERSION) => {}
            Some(version) => {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!("the catalog has format version {version}"),
                )
                .with_hint(format!("this spoor reads version {FORMAT_VERSION}")));
            }
        }
        Ok(catalog)
    }

    /// Every request up to this sequence is in files.
    pub(crate) async fn wal_mark(&self) -> Result<u64> {
        Ok(self.number("wal_mark").await?.unwrap_or(0))
    }

    /// All rows of the files table.
    pub(crate) async fn files(&self) -> Result<Vec<FileRow>> {
        sqlx::query("SELECT * FROM files ORDER BY tenant, table_name, hour, id")
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(FileRow::read)
            .collect()
    }

    /// Makes a change, all of it or nothing.
    pub(crate) async fn commit(&self, change: &Change<'_>) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        for file in change.add {
            row::insert(&mut transaction, file).await?;
        }
        for file in change.remove {
            let done = sqlx::query("UPDATE files SET state = ? WHERE id = ? AND state = ?")
                .bind(FileState::Removed.word())
                .bind(file.id.to_string())
                .bind(FileState::Live.word())
                .execute(&mut *transaction)
                .await?;
            if done.rows_affected() != 1 {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!("file `{}` is not live any more", file.id),
                ));
            }
        }
        if let Some(mark) = change.wal_mark {
            sqlx::query("INSERT INTO meta (key, value) VALUES ('wal_mark', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
                .bind(mark.to_string())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Whether a file is live: after a commit that failed, whether it was made nevertheless.
    pub(crate) async fn is_live(&self, id: FileId) -> Result<bool> {
        let row = sqlx::query("SELECT state FROM files WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        let state: Option<String> = row.map(|row| row.try_get("state")).transpose()?;
        Ok(state.is_some_and(|state| state == FileState::Live.word()))
    }

    /// Sets a file aside: it stays listed with the reason, and no query reads it.
    pub(crate) async fn quarantine(&self, id: FileId, reason: &str) -> Result<()> {
        sqlx::query("UPDATE files SET state = ?, reason = ? WHERE id = ?")
            .bind(FileState::Quarantined.word())
            .bind(reason)
            .bind(id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Replaces the size of a file's index, after a rebuild.
    pub(crate) async fn set_index_bytes(&self, id: FileId, bytes: u64) -> Result<()> {
        sqlx::query("UPDATE files SET index_bytes = ? WHERE id = ?")
            .bind(bytes.cast_signed())
            .bind(id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets a removed file whose bytes are gone.
    pub(crate) async fn forget(&self, id: FileId) -> Result<()> {
        sqlx::query("DELETE FROM files WHERE id = ? AND state = ?")
            .bind(id.to_string())
            .bind(FileState::Removed.word())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    async fn number(&self, key: &str) -> Result<Option<u64>> {
        let row = sqlx::query("SELECT value FROM meta WHERE key = ?")
            .bind(key)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| {
            let text: String = row.try_get("value")?;
            u64::from_str(&text).map_err(|_| {
                Error::corrupt(format!("catalog entry `{key}` is `{text}`, not a number"))
            })
        })
        .transpose()
    }

    async fn set_number(&self, key: &str, value: u64) -> Result<()> {
        sqlx::query("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)")
            .bind(key)
            .bind(value.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
