//! SQLite and PostgreSQL through one code path: the same SQL text with `$1` parameters, the same
//! values, one transaction a change.
//!
//! A connection can be lost between sending `COMMIT` and hearing of it. To guess would lose rows or
//! double them, so every change writes its own id into `meta` and what is not known is asked for
//! afterwards, for as long as it takes.

use std::path::Path;
use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use uuid::Uuid;

use super::postgres::Session;
use super::value::{Row, Value, bind};
use crate::error::{Error, ErrorKind, Result};

const LAST_CHANGE: &str = "INSERT INTO meta (key, value) VALUES ('last_change', $1)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value";
/// Between two questions of what became of a change.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// One statement of a change.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Value>,
    /// How many rows it must change, and what it means if it does not.
    pub(super) expected: Option<(u64, String)>,
}

impl Statement {
    pub(crate) fn new(sql: &'static str, values: Vec<Value>) -> Self {
        Self {
            sql,
            values,
            expected: None,
        }
    }

    /// Undoes the whole change with [`ErrorKind::Conflict`] and this message unless the statement
    /// changes exactly one row.
    pub(crate) fn changes_one_row(mut self, otherwise: impl Into<String>) -> Self {
        self.expected = Some((1, otherwise.into()));
        self
    }

    pub(super) fn verify(&self, changed: u64) -> Result<()> {
        match &self.expected {
            Some((expected, otherwise)) if *expected != changed => {
                Err(Error::new(ErrorKind::Conflict, otherwise.as_str()))
            }
            _ => Ok(()),
        }
    }
}

/// Why a change was not made, as far as is known.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing was changed.
    Undone(Error),
    /// `COMMIT` was sent and not answered: all of it may be there, or nothing.
    Unknown(Error),
}

/// An open database.
#[derive(Debug)]
pub(crate) enum Database {
    /// One connection; the data directory's `LOCK` keeps other processes out.
    Sqlite(SqlitePool),
    /// One connection, which holds the catalog's lock.
    Postgres(Box<Session>),
}

impl Database {
    pub(super) async fn open_sqlite(path: &Path) -> Result<Self> {
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
        Ok(Self::Sqlite(pool))
    }

    pub(super) async fn open_postgres(options: &PgConnectOptions) -> Result<Self> {
        Ok(Self::Postgres(Box::new(Session::open(options).await?)))
    }

    /// Names this process as the one that writes; SQLite's writer holds the directory's lock.
    pub(super) async fn claim(&self) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(session) => session.claim().await,
        }
    }

    /// Runs statements that define tables, written for SQLite.
    pub(super) async fn define(&self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(pool) => {
                sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
                    .execute(pool)
                    .await?;
                Ok(())
            }
            Self::Postgres(session) => {
                let sql = sql.replace(" BLOB", " BYTEA").replace(" WITHOUT ROWID", "");
                session.define(&sql).await
            }
        }
    }

    /// The rows of a query.
    pub(crate) async fn fetch(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(pool) => {
                let rows = bind!(sqlx::query(sql), values).fetch_all(pool).await?;
                Ok(Row::of_sqlite(&rows))
            }
            Self::Postgres(session) => session.fetch(sql, values).await,
        }
    }

    /// Makes a change, all of it or nothing; durable when this returns. Without an answer to
    /// `COMMIT` this waits until the database can say what became of it.
    pub(crate) async fn apply(&self, statements: &[Statement]) -> Result<()> {
        let id = Uuid::now_v7().simple().to_string();
        let attempt = match self {
            Self::Sqlite(pool) => apply_sqlite(pool, &id, statements).await,
            Self::Postgres(session) => session.apply(&id, statements).await,
        };
        match attempt {
            Ok(()) => Ok(()),
            Err(Failure::Undone(error)) => Err(error),
            Err(Failure::Unknown(error)) => self.settle(&id, error).await,
        }
    }

    async fn settle(&self, id: &str, error: Error) -> Result<()> {
        tracing::warn!(%error, "the catalog did not answer a commit, asking what became of it");
        loop {
            match self.meta("last_change").await {
                Ok(Some(last)) if last == id => return Ok(()),
                Ok(_) => return Err(error),
                Err(asking) if asking.kind() == ErrorKind::Unavailable => {
                    tokio::time::sleep(ASK_AGAIN).await;
                }
                Err(asking) => return Err(asking),
            }
        }
    }

    /// An entry of the table `meta`.
    pub(super) async fn meta(&self, key: &str) -> Result<Option<String>> {
        let rows = self
            .fetch("SELECT value FROM meta WHERE key = $1", &[key.into()])
            .await?;
        rows.first()
            .map(|row| Ok(row.text("value")?.to_owned()))
            .transpose()
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(session) => session.close().await,
        }
    }
}

pub(super) fn last_change(id: &str) -> Statement {
    Statement::new(LAST_CHANGE, vec![id.into()])
}

async fn apply_sqlite(
    pool: &SqlitePool,
    id: &str,
    statements: &[Statement],
) -> Result<(), Failure> {
    let undone = |error: sqlx::Error| Failure::Undone(error.into());
    let mut connection = pool.acquire().await.map_err(undone)?;
    let mut transaction = connection.begin().await.map_err(undone)?;
    for statement in statements.iter().chain([&last_change(id)]) {
        let done = bind!(sqlx::query(statement.sql), &statement.values)
            .execute(&mut *transaction)
            .await
            .map_err(undone)?;
        statement
            .verify(done.rows_affected())
            .map_err(Failure::Undone)?;
    }
    transaction
        .commit()
        .await
        .map_err(|error| Failure::Unknown(error.into()))
}
