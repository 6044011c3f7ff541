//! What is read of rows that were found.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::UInt32Array;
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use spoor_storage::Table;
use spoor_storage::index::RowSet;

use crate::functions::logical_batch;
use crate::table::logical_schema;

/// What is computed of each row, of its stored columns.
pub(super) struct Outputs {
    pub(super) exprs: Vec<Arc<dyn PhysicalExpr>>,
    /// What that comes to, ids as they are stored.
    pub(super) stored: SchemaRef,
    /// … and in a table.
    logical: SchemaRef,
}

impl Outputs {
    /// The stored columns at `places`, as they are.
    pub(super) fn columns(table: Table, stored: &SchemaRef, places: &[usize]) -> Result<Self> {
        let column = |place: &usize| Column::new(stored.field(*place).name(), *place);
        Ok(Self {
            exprs: places.iter().map(|at| Arc::new(column(at)) as _).collect(),
            stored: Arc::new(stored.project(places)?),
            logical: Arc::new(logical_schema(table).project(places)?),
        })
    }

    /// And whether a condition holds.
    pub(super) fn and(mut self, name: &str, condition: Arc<dyn PhysicalExpr>) -> Self {
        self.exprs.push(condition);
        for schema in [&mut self.stored, &mut self.logical] {
            let mut fields: Vec<_> = schema.fields().iter().map(Arc::clone).collect();
            fields.push(Arc::new(Field::new(name, DataType::Boolean, true)));
            *schema = Arc::new(Schema::new(fields));
        }
        self
    }

    /// Some rows of a batch that is stored in memory.
    pub(super) fn of_rows(&self, batch: &RecordBatch, rows: &RowSet) -> Result<RecordBatch> {
        let places = columns_of(&self.exprs);
        let rows = UInt32Array::from_iter_values(rows.iter());
        let some = take_record_batch(&batch.project(&places)?, &rows)?;
        let schema = some.schema();
        let computed = self.exprs.iter().map(|expr| {
            let expr = reassign_expr_columns(Arc::clone(expr), &schema)?;
            expr.evaluate(&some)?.into_array(some.num_rows())
        });
        let columns = computed.collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new(Arc::clone(&self.stored), columns)?)
    }

    /// What was computed as it is in a table.
    pub(super) fn logical(&self, computed: &RecordBatch) -> Result<RecordBatch> {
        logical_batch(computed, &self.logical)
    }
}

/// The columns that expressions are about, ascending, each once.
pub(super) fn columns_of<'a>(
    exprs: impl IntoIterator<Item = &'a Arc<dyn PhysicalExpr>>,
) -> Vec<usize> {
    let columns = exprs.into_iter().flat_map(collect_columns);
    let places: BTreeSet<usize> = columns.map(|column| column.index()).collect();
    places.into_iter().collect()
}
