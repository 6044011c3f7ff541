//! Exceptions by group, from what is known of files.
//!
//! What a file has of a group is the same in every question, so it is counted once (`by_file`), with groups as
//! fine as they come. Put together they become coarser where they are too many, whatever the order. Names of
//! which only the first ones are kept are so in each part, so those that are kept of all are in every part.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::Expr;
use spoor_storage::{DataFile, Result, Table};

use super::group::{Group, GroupKey, Origin};
use super::rows::{each_exception, exprs};
use crate::api::Buckets;
use crate::by_file::{Cell, Count, Places, Sorted};
use crate::failure::from_datafusion;
use crate::patterns::Merge as _;

impl Cell for Group {
    type Kept = Self;

    fn add(&mut self, other: &Self) {
        self.merge(other.clone());
    }

    fn kept(&self) -> Self {
        self.clone()
    }

    fn add_kept(&mut self, kept: &Self) {
        self.merge(kept.clone());
    }

    fn rows(&self) -> u64 {
        self.tally.count
    }

    fn more_bytes(&self) -> usize {
        self.bytes()
    }

    fn more_kept_bytes(kept: &Self) -> usize {
        kept.bytes()
    }
}

/// Counts the exceptions of a table by group.
#[derive(Debug)]
pub(super) struct ExceptionCount {
    pub(super) table: Table,
    pub(super) buckets: Option<Buckets>,
}

impl Count for ExceptionCount {
    type Cell = Group;

    const WHAT: &'static str = "exceptions by group";
    const ROW_BYTES: u64 = 256;
    const CELL_BYTES: u64 = 8 << 10;

    fn by(&self) -> Option<&Expr> {
        None
    }

    fn values(&self, _: &DataFile) -> u64 {
        /// Few files have more kinds of exceptions.
        const USUAL_GROUPS: u64 = 20;
        USUAL_GROUPS
    }

    fn read(&self, rows: DataFrame) -> Result<DataFrame> {
        let mut columns = Places::columns(self.table, self.buckets);
        columns.extend(exprs(self.table));
        rows.select(columns).map_err(from_datafusion)
    }

    fn add(&self, batch: &RecordBatch, sorted: &mut Sorted<Group>) -> Result<()> {
        let places = Places::open(batch)?;
        let mut names: HashMap<String, Arc<str>> = HashMap::new();
        each_exception(self.table, batch, |row, exception, origin: Origin<'_>| {
            let known = names.get(origin.service).map(Arc::clone);
            let service = known.unwrap_or_else(|| {
                let new: Arc<str> = origin.service.into();
                names.insert(origin.service.to_owned(), Arc::clone(&new));
                new
            });
            let key = GroupKey::of(exception).text();
            let group = sorted.cell(places.of(row), &key);
            group.count(exception, origin, &service);
        })
    }
}
