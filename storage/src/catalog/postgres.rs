//! One PostgreSQL connection that holds the catalog's lock.
//!
//! Two things keep a second writer out. A session lock (`pg_try_advisory_lock`) is released by the
//! server when the process dies, also by `kill -9` and, by keep-alives, when its machine does. And
//! since a connection may be lost while the process lives on, `meta` names the process that writes:
//! every change checks it inside its transaction, so that one who was replaced meanwhile changes
//! nothing.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::database::{Failure, Statement, last_change};
use super::value::{Row, Value, bind};
use crate::error::{Error, ErrorKind, Result};

/// How long the server may take to answer before the connection counts as lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How long the lock of a process that has just died may take to be released.
const LOCK_WITHIN: Duration = Duration::from_secs(4);
const LOCK_POLL: Duration = Duration::from_millis(100);
/// When to try again while the database is away.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A dead machine loses its lock within half a minute instead of the system's two hours.
const KEEP_ALIVE: &str = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5;
    SET tcp_keepalives_count = 4; SET client_min_messages = warning";
const LOCK: &str = "SELECT pg_try_advisory_lock(hashtextextended('spoor catalog ' || current_schema(), 0)) AS locked";
const WRITER: &str = "SELECT value FROM meta WHERE key = 'writer' FOR SHARE";
const CLAIM: &str = "INSERT INTO meta (key, value) VALUES ('writer', $1)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value";

/// The one connection, opened again when it is lost.
pub(crate) struct Session {
    options: PgConnectOptions,
    /// Names this process in `meta`.
    writer: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Taken out while in use: what is interrupted is never used again.
    connection: Option<PgConnection>,
    /// Whether `meta` names this process.
    claimed: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("host", &self.options.get_host())
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Connects and takes the lock.
    pub(super) async fn open(options: &PgConnectOptions) -> Result<Self> {
        let session = Self {
            options: options.clone().disable_statement_logging(),
            writer: Uuid::now_v7().simple().to_string(),
            state: Mutex::default(),
        };
        let mut state = session.state.lock().await;
        state.connection = Some(session.connect(false).await?);
        drop(state);
        Ok(session)
    }

    /// Names this process as the one that writes; the tables are there.
    pub(super) async fn claim(&self) -> Result<()> {
        let mut state = self.state.lock().await;
        let mut connection = self.take(&mut state).await?;
        let claim = sqlx::query(CLAIM).bind(&self.writer);
        answered(claim.execute(&mut connection))
            .await
            .map_err(error_of)?;
        state.connection = Some(connection);
        state.claimed = true;
        Ok(())
    }

    pub(super) async fn define(&self, sql: &str) -> Result<()> {
        let mut state = self.state.lock().await;
        let mut connection = self.take(&mut state).await?;
        let define = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection);
        answered(define).await.map_err(error_of)?;
        state.connection = Some(connection);
        Ok(())
    }

    pub(super) async fn fetch(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>> {
        let mut state = self.state.lock().await;
        let mut again = state.connection.is_some();
        loop {
            let mut connection = self.take(&mut state).await?;
            let query = bind!(sqlx::query(sql), values);
            match answered(query.fetch_all(&mut connection)).await {
                Ok(rows) => {
                    state.connection = Some(connection);
                    return Ok(Row::of_postgres(&rows));
                }
                // The server was restarted since; a read can be made again.
                Err(error) if is_lost(&error) && again => again = false,
                Err(error) => {
                    if !is_lost(&error) {
                        state.connection = Some(connection);
                    }
                    return Err(error_of(error));
                }
            }
        }
    }

    pub(super) async fn apply(&self, id: &str, statements: &[Statement]) -> Result<(), Failure> {
        let mut state = self.state.lock().await;
        let mut again = state.connection.is_some();
        loop {
            let mut connection = self.take(&mut state).await.map_err(Failure::Undone)?;
            match self.attempt(&mut connection, id, statements).await {
                Ok(()) => {
                    state.connection = Some(connection);
                    return Ok(());
                }
                Err(Failure::Undone(error)) if error.kind() == ErrorKind::Unavailable && again => {
                    again = false;
                }
                Err(Failure::Undone(error)) if error.kind() != ErrorKind::Unavailable => {
                    state.connection = Some(connection);
                    return Err(Failure::Undone(error));
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn attempt(
        &self,
        connection: &mut PgConnection,
        id: &str,
        statements: &[Statement],
    ) -> Result<(), Failure> {
        let undone = |error: sqlx::Error| Failure::Undone(error_of(error));
        let mut transaction = answered(connection.begin()).await.map_err(undone)?;
        let writer = sqlx::query(WRITER).fetch_all(&mut *transaction);
        let writer = Row::of_postgres(&answered(writer).await.map_err(undone)?);
        self.verify_writer(&writer).map_err(Failure::Undone)?;
        for statement in statements.iter().chain([&last_change(id)]) {
            let query = bind!(sqlx::query(statement.sql), &statement.values);
            let done = answered(query.execute(&mut *transaction))
                .await
                .map_err(undone)?;
            if let Err(error) = statement.verify(done.rows_affected()) {
                answered(transaction.rollback()).await.map_err(undone)?;
                return Err(Failure::Undone(error));
            }
        }
        match answered(transaction.commit()).await {
            Ok(()) => Ok(()),
            // An answer that is not "the connection is lost" is an answer.
            Err(error) if !is_lost(&error) => Err(undone(error)),
            Err(error) => Err(Failure::Unknown(error_of(error))),
        }
    }

    fn verify_writer(&self, rows: &[Row]) -> Result<()> {
        let named = rows.first().map(|row| row.text("value")).transpose()?;
        if named == Some(self.writer.as_str()) {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::Conflict,
                "another spoor has taken over the catalog while this one had lost its connection",
            )
            .with_hint("stop one of the two: a catalog has one writer"))
        }
    }

    /// The connection, a new one if it was lost.
    async fn take(&self, state: &mut State) -> Result<PgConnection> {
        match state.connection.take() {
            Some(connection) => Ok(connection),
            None => self.connect(state.claimed).await,
        }
    }

    async fn connect(&self, claimed: bool) -> Result<PgConnection> {
        let connecting = self.options.connect();
        let mut connection = answered(connecting).await.map_err(error_of)?;
        answered(sqlx::raw_sql(KEEP_ALIVE).execute(&mut connection))
            .await
            .map_err(error_of)?;
        let locked = self.lock(&mut connection).await?;
        if claimed {
            let writer = sqlx::query(WRITER).fetch_all(&mut connection);
            let writer = Row::of_postgres(&answered(writer).await.map_err(error_of)?);
            self.verify_writer(&writer)?;
        }
        match (locked, claimed) {
            (true, true) => tracing::info!("connected to the catalog again"),
            (true, false) => {}
            // Nobody has taken over, so it is our own last session, which the server believes
            // alive; until it ends, what it did last is not known either.
            (false, true) => {
                let what = "the catalog's lock is held by a connection that was lost";
                return Err(Error::new(ErrorKind::Unavailable, what)
                    .with_hint(
                        "the server releases it within half a minute; spoor goes on by itself",
                    )
                    .with_retry_after(RETRY_AFTER));
            }
            (false, false) => {
                let what = "the catalog is in use by another spoor";
                return Err(Error::new(ErrorKind::Conflict, what).with_hint(
                    "stop the other process, or choose another database with --catalog-url",
                ));
            }
        }
        Ok(connection)
    }

    /// Whether the lock is ours. Waits a little: the server may not have noticed yet that the last
    /// holder is dead.
    async fn lock(&self, connection: &mut PgConnection) -> Result<bool> {
        let until = Instant::now() + LOCK_WITHIN;
        loop {
            let rows = answered(sqlx::query(LOCK).fetch_all(&mut *connection))
                .await
                .map_err(error_of)?;
            let rows = Row::of_postgres(&rows);
            if rows.first().map(|row| row.int("locked")).transpose()? == Some(1) {
                return Ok(true);
            }
            if Instant::now() >= until {
                return Ok(false);
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
    }

    pub(super) async fn close(&self) {
        let connection = self.state.lock().await.connection.take();
        if let Some(connection) = connection {
            // The lock goes with the connection, however it ends.
            if let Err(error) = answered(connection.close()).await {
                tracing::debug!(%error, "the catalog's connection did not end cleanly");
            }
        }
    }
}

async fn answered<T>(
    answer: impl Future<Output = std::result::Result<T, sqlx::Error>>,
) -> std::result::Result<T, sqlx::Error> {
    timeout(ANSWER_WITHIN, answer).await.unwrap_or_else(|_| {
        Err(sqlx::Error::Io(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            format!("no answer within {} s", ANSWER_WITHIN.as_secs()),
        )))
    })
}

/// Whether the connection is gone, rather than the statement wrong.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            error
                .try_downcast_ref::<PgDatabaseError>()
                .is_some_and(|error| {
                    // Connection exceptions, too many connections, and the server going down or coming up.
                    error.code().starts_with("08")
                        || error.code().starts_with("57P")
                        || error.code() == "53300"
                })
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

fn error_of(error: sqlx::Error) -> Error {
    if is_lost(&error) {
        Error::new(ErrorKind::Unavailable, "the catalog cannot be reached")
            .with_hint("spoor goes on by itself when the database is back")
            .with_retry_after(RETRY_AFTER)
            .with_source(error)
    } else {
        error.into()
    }
}
