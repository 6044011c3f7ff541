//! What DataFusion scans: one table of one snapshot, buffer and files together.
//!
//! ```text
//!  filters ─► prune (time range, services, index lookup)
//!                 │
//!      batches of the buffer ─┐
//!      files ─► index ─► row selection ─► Parquet ─┴─► union ─► ids as text, computed columns
//! ```
//! Filters are evaluated again on the rows (`Inexact`): what pruning leaves out is only what
//! cannot match. Filters for words of the text are `Exact`: the scan evaluates them itself, on the
//! buffer and on all rows of which the index does not know that they match, and does not read the
//! text of the others. Without any index it evaluates them on all rows, and the answer is the same.
//! That holds because the plan stays in this process: a row selection is lost when a plan is sent
//! to another, so a scan that is must send the lookup and not the selection.
//!
//! A file has columns of its own for its common attributes. Plans are made over the stored schema,
//! which has maps; what they ask of a map becomes what the file has when it is opened
//! ([`file_columns`]), and [`nearer`] brings those questions down to the files.

mod dynamic;
mod file_columns;
mod nearer;
mod prune;
mod scan;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use spoor_storage::model::schema_of;
use spoor_storage::{FileId, Table};

use crate::functions::logical_type;
use crate::session::QueryScope;

pub(crate) use dynamic::{DynamicColumn, Place, map_columns};
pub(crate) use nearer::AttributesNearer;
pub(crate) use prune::{is_looked_up, split_time};
pub(crate) use scan::{ExplainedScan, FewRows, rows_to_read};

/// A table as queries see it: the stored columns with ids as text, then computed ones.
#[derive(Debug)]
pub(crate) struct SnapshotTable {
    scope: Arc<QueryScope>,
    table: Table,
    part: Part,
    dynamic: Vec<DynamicColumn>,
    /// Then there is a column [`FILE_NUMBER`].
    numbers: Option<Arc<FileNumbers>>,
    schema: SchemaRef,
}

/// Numbers that files are told apart by.
pub(crate) type FileNumbers = HashMap<FileId, u32>;

/// The column with the number of the file that a row is of; null for files without one and in the buffer.
pub(crate) const FILE_NUMBER: &str = "__file_number";

fn file_number() -> Field {
    Field::new(FILE_NUMBER, DataType::UInt32, true)
}

/// A schema with a column for the number at its end.
fn with_file_number(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(Arc::clone);
    let fields = fields.chain([Arc::new(file_number())]);
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Which rows of the snapshot a table has.
#[derive(Debug, Clone, Default)]
pub(crate) enum Part {
    #[default]
    All,
    /// Of these files; none of the buffer.
    OnlyFiles(Arc<HashSet<FileId>>),
    /// Of all files but these, and of the buffer.
    WithoutFiles(Arc<HashSet<FileId>>),
}

impl Part {
    fn has_file(&self, id: FileId) -> bool {
        match self {
            Self::All => true,
            Self::OnlyFiles(only) => only.contains(&id),
            Self::WithoutFiles(others) => !others.contains(&id),
        }
    }

    fn has_buffer(&self) -> bool {
        !matches!(self, Self::OnlyFiles(_))
    }
}

/// The columns of `table` as queries see them: ids are lower-case hex text.
pub fn logical_schema(table: Table) -> SchemaRef {
    Arc::new(Schema::new(logical_fields(table)))
}

fn logical_fields(table: Table) -> Vec<Field> {
    schema_of(table)
        .fields()
        .iter()
        .map(|field| {
            Field::new(
                field.name(),
                logical_type(field.data_type()),
                field.is_nullable(),
            )
        })
        .collect()
}

impl SnapshotTable {
    pub(crate) fn new(scope: Arc<QueryScope>, table: Table, dynamic: Vec<DynamicColumn>) -> Self {
        let mut fields = logical_fields(table);
        fields.extend(dynamic.iter().map(DynamicColumn::field));
        Self {
            scope,
            table,
            part: Part::All,
            dynamic,
            numbers: None,
            schema: Arc::new(Schema::new(fields)),
        }
    }

    /// Which table, of which query, with which computed columns; `None` if it has a part of the rows only.
    pub(crate) fn of_all_rows(&self) -> Option<(Table, &Arc<QueryScope>, &[DynamicColumn])> {
        let is_all = matches!(self.part, Part::All) && self.numbers.is_none();
        is_all.then_some((self.table, &self.scope, self.dynamic.as_slice()))
    }

    /// With the rows of this part only.
    pub(crate) fn with_part(self, part: Part) -> Self {
        Self { part, ..self }
    }

    /// With the number of its file in each row.
    pub(crate) fn with_numbers(self, numbers: Arc<FileNumbers>) -> Self {
        Self {
            schema: with_file_number(&self.schema),
            numbers: Some(numbers),
            ..self
        }
    }
}

#[async_trait]
impl TableProvider for SnapshotTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| match prune::words_only(self.table, filter) {
                Some(_) => TableProviderFilterPushDown::Exact,
                None => TableProviderFilterPushDown::Inexact,
            })
            .collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // With filters the limit counts rows after them, which a scan cannot know.
        let limit = limit.filter(|_| filters.is_empty());
        let pruning = prune::Pruning::of(self.table, &self.dynamic, filters);
        scan::Scan {
            scope: &self.scope,
            table: self.table,
            part: &self.part,
            dynamic: &self.dynamic,
            numbers: self.numbers.as_deref(),
            schema: &self.schema,
        }
        .plan(state, projection, &pruning, limit)
        .await
    }
}
