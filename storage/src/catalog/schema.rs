//! The tables, as the steps from one format version to the next.
//!
//! Written for SQLite; for PostgreSQL `BLOB` becomes `BYTEA` and `WITHOUT ROWID` is left out
//! ([`Database::define`]). Numbers are `BIGINT`, which is SQLite's integer and PostgreSQL's `INT8`.

use super::database::{Database, Statement};
use crate::error::{Error, ErrorKind, Result};

/// In every version.
const META: &str = "
CREATE TABLE IF NOT EXISTS meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
";

/// Step `n` (from 0) makes version `n + 1`. A step that was released is never changed.
const STEPS: &[&str] = &[
    "
CREATE TABLE IF NOT EXISTS files (
    id               TEXT NOT NULL PRIMARY KEY,
    tenant           TEXT NOT NULL,
    table_name       TEXT NOT NULL,
    hour             BIGINT NOT NULL,
    level            BIGINT NOT NULL,
    row_count        BIGINT NOT NULL,
    bytes            BIGINT NOT NULL,
    index_bytes      BIGINT NOT NULL,
    min_time_ns      BIGINT NOT NULL,
    max_time_ns      BIGINT NOT NULL,
    services         TEXT NOT NULL,
    field_statistics BLOB NOT NULL,
    state            TEXT NOT NULL,
    reason           TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_by_place ON files (state, tenant, table_name, hour);
",
    // The catalog has an id, and each change leaves its own; both are entries of `meta`.
    "SELECT 1",
    // Rows of files that do not count any more, why, and the traces that are kept.
    "
CREATE TABLE IF NOT EXISTS deletions (
    id       TEXT NOT NULL PRIMARY KEY,
    state    TEXT NOT NULL,
    document TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hidden_rows (
    file_id     TEXT NOT NULL,
    deletion_id TEXT NOT NULL,
    row_set     BLOB NOT NULL,
    PRIMARY KEY (file_id, deletion_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pins (
    tenant   TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, trace_id)
) WITHOUT ROWID;
",
    // What is known of a file's bytes and of where its rows are from.
    "
CREATE TABLE IF NOT EXISTS file_facts (
    file_id  TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;
",
    // Searches that people save under a name.
    "
CREATE TABLE IF NOT EXISTS saved_searches (
    tenant    TEXT NOT NULL,
    id        TEXT NOT NULL,
    view_name TEXT NOT NULL,
    name      TEXT NOT NULL,
    document  TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS saved_searches_by_name
    ON saved_searches (tenant, view_name, name);
",
];

/// The version that this code reads and writes.
#[expect(
    clippy::cast_possible_truncation,
    reason = "there are a handful of steps"
)]
pub(super) const FORMAT_VERSION: u32 = STEPS.len() as u32;

const SET_META: &str = "INSERT INTO meta (key, value) VALUES ($1, $2)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value";
const SET_META_ONCE: &str =
    "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";

/// Sets an entry of `meta`.
pub(super) fn set_meta(key: &str, value: impl Into<String>) -> Statement {
    Statement::new(SET_META, vec![key.into(), value.into().into()])
}

/// The version of the tables, 0 if there are none yet. Errors if they are newer than this code.
pub(super) async fn version(database: &Database) -> Result<u32> {
    database.define(META).await?;
    let version = match database.meta("format_version").await? {
        None => 0,
        Some(text) => text.parse::<u32>().map_err(|_| {
            Error::corrupt(format!(
                "catalog entry `format_version` is `{text}`, not a number"
            ))
        })?,
    };
    if version > FORMAT_VERSION {
        return Err(Error::new(
            ErrorKind::Conflict,
            format!("the catalog has format version {version}"),
        )
        .with_hint(format!(
            "this spoor reads versions up to {FORMAT_VERSION}: use a newer one"
        )));
    }
    Ok(version)
}

/// Brings the tables from `version` to the current one. Each step is defined first (every
/// definition may be repeated), then the version is moved: a crash between the two repeats it.
/// A catalog without an id gets `id`.
pub(super) async fn migrate(database: &Database, version: u32, id: &str) -> Result<()> {
    for (step, sql) in STEPS.iter().enumerate().skip(version as usize) {
        database.define(sql).await?;
        let moved = [
            set_meta("format_version", (step + 1).to_string()),
            Statement::new(SET_META_ONCE, vec!["catalog_id".into(), id.into()]),
        ];
        database.apply(&moved).await?;
    }
    Ok(())
}
