//! Rows that are looked for and likely to be rare, read without a plan.

use std::panic::AssertUnwindSafe;

use arrow::record_batch::RecordBatch;
use datafusion::common::Result as ReadResult;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::Expr;
use futures::FutureExt;
use futures::future::BoxFuture;
use spoor_storage::{Error, Result, Table};

use super::QuerySession;
use crate::failure::from_datafusion;
use crate::parameters::Order;
use crate::table::FewRows;

/// The rows of a table that pass a filter, found and not read yet.
pub(crate) struct Few<'a> {
    session: &'a QuerySession,
    rows: FewRows,
}

impl QuerySession {
    /// The rows of a table that pass a filter, if indexes say that few come into question. The nearest in an order are
    /// asked first, and the others only as long as it may be so; who wants no more than `enough` of the first rows is told
    /// `None` also where these are likely to be near.
    pub(crate) async fn few(
        &self,
        table: Table,
        filter: &Expr,
        (order, enough): (Order, usize),
    ) -> Result<Option<Few<'_>>> {
        let state = self.context.state();
        // In a box: it holds what it is about to open, and most questions never come so far.
        let found = FewRows::find((&self.scope, &state), table, filter, (order, enough));
        let rows = self.read_few(found.boxed()).await?;
        Ok(rows.map(|rows| Few {
            session: self,
            rows,
        }))
    }

    async fn read_few<T>(&self, reading: BoxFuture<'_, ReadResult<T>>) -> Result<T> {
        // Bytes that are not Parquet may make a decoder panic.
        let reading = AssertUnwindSafe(reading).catch_unwind();
        let error = match self.scope.in_time(reading).await? {
            Ok(Ok(read)) => return Ok(read),
            Ok(Err(error)) => from_datafusion(error),
            Err(_) => Error::internal("the query ended with a panic"),
        };
        Err(self.scope.diagnosed(error).await)
    }
}

impl Few<'_> {
    /// How many they are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// All columns of all of them, in no order.
    pub(crate) async fn all(mut self) -> Result<Vec<RecordBatch>> {
        self.session.read_few(self.rows.all().boxed()).await
    }

    /// Some columns of all of them, in no order.
    pub(crate) async fn columns(mut self, names: &[&str]) -> Result<Vec<RecordBatch>> {
        self.session
            .read_few(self.rows.columns(names).boxed())
            .await
    }

    /// Some columns of all of them as a table and, under a name, whether another filter is true for each; `None` if there
    /// are no rows.
    pub(crate) async fn table_with(
        mut self,
        names: &[&str],
        filter: (&str, &Expr),
    ) -> Result<Option<DataFrame>> {
        let context = self.session.context();
        let state = context.state();
        let rows = self.rows.columns_and(&state, names, filter);
        let rows = self.session.read_few(rows.boxed()).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let table = context.read_batches(rows).map_err(from_datafusion)?;
        Ok(Some(table))
    }

    /// All columns of the first `limit` in order of time, in no order.
    pub(crate) async fn first(mut self, order: Order, limit: usize) -> Result<Vec<RecordBatch>> {
        self.session
            .read_few(self.rows.first(order, limit).boxed())
            .await
    }
}

#[cfg(test)]
mod tests;
