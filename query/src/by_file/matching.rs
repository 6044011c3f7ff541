//! Rows that match a query, before it is said when and in which buckets they are counted.

use datafusion::logical_expr::Expr;
use spoor_storage::{Result, Table, TimeRange};

use super::ByFile;
use crate::api::Buckets;
use crate::language::{self, Query};
use crate::session::QuerySession;

/// Rows of a table that match.
#[derive(Debug)]
pub(crate) struct Matching<'a> {
    pub(crate) session: &'a QuerySession,
    pub(crate) table: Table,
    pub(crate) filter: Expr,
}

impl<'a> Matching<'a> {
    /// The rows that match a query; no others than those in `range` will be asked for.
    pub(crate) async fn of(
        session: &'a QuerySession,
        query: &Query,
        table: Table,
        range: TimeRange,
    ) -> Result<Self> {
        session.note_skipped(table, range);
        let filter = language::condition(session, query, table, range).await?;
        Ok(Self {
            session,
            table,
            filter,
        })
    }

    /// Those in a range, to be counted in buckets.
    pub(crate) fn rows(&self, range: TimeRange, buckets: Option<Buckets>) -> ByFile<'a> {
        ByFile {
            session: self.session,
            table: self.table,
            range,
            filter: self.filter.clone(),
            buckets,
        }
    }

    /// At most `most` buckets over a range, or over the rows in it where it is open; `None` if there are none.
    pub(crate) async fn buckets(&self, range: TimeRange, most: usize) -> Result<Option<Buckets>> {
        Buckets::over_counted(&self.rows(range, None), most).await
    }
}
