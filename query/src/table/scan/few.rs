//! Rows that pass a filter, where indexes leave few: read without a plan.
//!
//! ```text
//!  indexes, nearest file first ─► few rows come into question ─► those that pass ─► columns of these
//!             └─► too many: a plan reads them                (what the filter is about)
//! ```
//! Of a question that a row or two answer, most of the time goes into planning and into opening columns. Rows are told
//! apart by their number in their file, so a second look at them reads no more than these. What passes is decided by
//! the filter alone, on every row, whatever the indexes say of it.

mod file;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::datatypes::{Int64Type, Schema, SchemaRef, TimestampNanosecondType};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::Session;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, Result, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use spoor_storage::Table;
use spoor_storage::index::{Lookup, RowSet};
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::model::schema_of;

use super::checked::{CheckedReader, Counts};
use super::files::{meta_of, select_few};
use super::measured::Measured;
use super::{Scan, stored_expr};
use crate::functions::logical_batch;
use crate::parameters::Order;
use crate::session::QueryScope;
use crate::table::prune::Pruning;
use crate::table::{Part, logical_schema};

use file::SomeOfFile;

/// The rows of a table that pass a filter, and are not many.
pub(crate) struct FewRows {
    table: Table,
    stored: SchemaRef,
    /// Each with the numbers of its rows.
    files: Vec<(SomeOfFile, RowSet)>,
    /// Of those in memory the ones that pass, as they are stored.
    batches: Vec<RecordBatch>,
    /// What was read is in the memory of the query.
    reserved: MemoryReservation,
}

impl FewRows {
    /// Those of all rows of a table; `None` if more come into question than a first slice of time has, if no index can
    /// say where they are, or if the query is to be explained by its plan.
    pub(crate) async fn find(
        (scope, state): (&Arc<QueryScope>, &dyn Session),
        table: Table,
        filter: &Expr,
        order: Order,
    ) -> Result<Option<Self>> {
        let conjuncts = split_conjunction_owned(filter.clone());
        let pruning = Pruning::of(table, &[], &conjuncts);
        let is_looked_up =
            [&pruning.lookup, &pruning.words_lookup].map(|asked| *asked != Lookup::All);
        if scope.explained().is_some() || is_looked_up == [false, false] {
            return Ok(None);
        }
        let most = scope.shared.options.first_slice_rows;
        let batches = scope.snapshot.batches(&scope.tenant, table, pruning.range);
        let in_memory: u64 = batches.iter().map(|one| one.batch.num_rows() as u64).sum();
        if in_memory > most {
            return Ok(None);
        }
        let scan = Scan {
            scope,
            table,
            part: &Part::All,
            dynamic: &[],
            numbers: None,
            schema: &logical_schema(table),
        };
        let cache = state.runtime_env().cache_manager.get_file_metadata_cache();
        let Some((files, _)) = select_few(&scan, &cache, &pruning, order, most).await else {
            return Ok(None);
        };
        scope.note_skipped(table, pruning.range);
        let stored = schema_of(table);
        let test = over_stored(state, filter, &stored)?;
        scope
            .read()
            .plan_rows(files.iter().map(|(_, rows)| rows.len()).sum());
        scan.count(&batches, &(0..stored.fields().len()).collect::<Vec<_>>())?;
        let counts = Counts {
            entry: Arc::clone(scope.entry()),
            scan: Arc::<Measured>::default(),
        };
        let open = |file: &Arc<_>, rows: &RowSet| {
            let store = scope.shared.storage.object_store();
            let reader = CheckedReader::of(meta_of(file), file.facts, (&store, &cache), &counts);
            reader.opens(Some(rows.len()));
            SomeOfFile::new(file, reader, &stored, &scope.shared.pages)
        };
        let mut few = Self {
            table,
            files: Vec::with_capacity(files.len()),
            batches: Vec::with_capacity(batches.len()),
            reserved: MemoryConsumer::new("few rows").register(&state.runtime_env().memory_pool),
            stored: Arc::clone(&stored),
        };
        for (file, rows) in &files {
            let mut file = open(file, rows);
            let passing = passing(&mut file, rows, &test).await?;
            if !passing.is_empty() {
                few.files.push((file, passing));
            }
        }
        for buffered in batches {
            let passing = truth(&test, &buffered.batch)?;
            if passing.true_count() > 0 {
                let rows = filter_record_batch(&buffered.batch, &passing)?;
                few.reserved.try_grow(rows.get_array_memory_size())?;
                few.batches.push(rows);
            }
        }
        Ok(Some(few))
    }

    /// How many they are.
    pub(crate) fn len(&self) -> usize {
        let in_files: u64 = self.files.iter().map(|(_, rows)| rows.len()).sum();
        let in_memory = self.batches.iter().map(RecordBatch::num_rows);
        usize::try_from(in_files).unwrap_or(usize::MAX) + in_memory.sum::<usize>()
    }

    /// Columns of all of them, in no order.
    pub(crate) async fn columns(&mut self, names: &[&str]) -> Result<Vec<RecordBatch>> {
        let places = names.iter().map(|name| self.stored.index_of(name));
        self.read(&places.collect::<std::result::Result<Vec<_>, _>>()?)
            .await
    }

    /// All columns of them, in no order.
    pub(crate) async fn all(&mut self) -> Result<Vec<RecordBatch>> {
        let places: Vec<usize> = (0..self.stored.fields().len()).collect();
        self.read(&places).await
    }

    /// All columns of the first `limit` of them in order of time, in no order.
    pub(crate) async fn first(&mut self, order: Order, limit: usize) -> Result<Vec<RecordBatch>> {
        if self.len() > limit {
            self.keep_first(order, limit).await?;
        }
        self.all().await
    }

    /// Forgets the others.
    async fn keep_first(&mut self, order: Order, limit: usize) -> Result<()> {
        let (time, id) = (self.table.time_column(), RECORD_ID);
        let mut places = Vec::with_capacity(self.len());
        let names = [self.stored.index_of(time)?, self.stored.index_of(id)?];
        for (source, (file, rows)) in self.files.iter_mut().enumerate() {
            let mut numbers = rows.iter();
            let each = |batch| {
                let numbered = places_of(&batch)?.into_iter().zip(numbers.by_ref());
                places.extend(numbered.map(|(place, row)| (place, source, row)));
                Ok(())
            };
            file.columns(rows, &names, each).await?;
        }
        let in_files = self.files.len();
        for (source, batch) in self.batches.iter().enumerate() {
            let numbered = places_of(&batch.project(&names)?)?.into_iter().zip(0..);
            places.extend(numbered.map(|(place, row)| (place, in_files + source, row)));
        }
        match order {
            Order::Asc => places.sort_unstable(),
            Order::Desc => places.sort_unstable_by(|a, b| b.cmp(a)),
        }
        places.truncate(limit);
        let of = |wanted: usize| {
            let of_source = places
                .iter()
                .filter(move |(_, source, _)| *source == wanted);
            of_source.map(|(_, _, row)| *row)
        };
        for (source, (_, rows)) in self.files.iter_mut().enumerate() {
            *rows = of(source).collect();
        }
        for (source, batch) in self.batches.iter_mut().enumerate() {
            let rows: UInt32Array = of(in_files + source).collect::<Vec<_>>().into();
            *batch = take_record_batch(batch, &rows)?;
        }
        self.files.retain(|(_, rows)| !rows.is_empty());
        self.batches.retain(|batch| batch.num_rows() > 0);
        Ok(())
    }

    async fn read(&mut self, places: &[usize]) -> Result<Vec<RecordBatch>> {
        let schema: Arc<Schema> = Arc::new(logical_schema(self.table).project(places)?);
        let mut read = Vec::with_capacity(self.files.len() + self.batches.len());
        for (file, rows) in &mut self.files {
            let each = |batch| {
                let batch = logical_batch(&batch, &schema)?;
                self.reserved.try_grow(batch.get_array_memory_size())?;
                read.push(batch);
                Ok(())
            };
            file.columns(rows, places, each).await?;
        }
        for batch in &self.batches {
            read.push(logical_batch(&batch.project(places)?, &schema)?);
        }
        Ok(read)
    }
}

/// The rows of `rows` that pass.
async fn passing(
    file: &mut SomeOfFile,
    rows: &RowSet,
    test: &Arc<dyn PhysicalExpr>,
) -> Result<RowSet> {
    let mut numbers = rows.iter();
    let mut passing = Vec::new();
    let each = |columns: Vec<ArrayRef>| {
        let Some(truth) = columns.first().and_then(|column| column.as_boolean_opt()) else {
            return internal_err!("a filter is not true or false");
        };
        // In this order: at its end no number is lost.
        for (is_true, number) in truth.iter().zip(numbers.by_ref()) {
            passing.extend((is_true == Some(true)).then_some(number));
        }
        Ok(())
    };
    file.evaluate(rows, std::slice::from_ref(test), each)
        .await?;
    Ok(passing.into_iter().collect())
}

/// Of which rows of a batch as it is stored the test is true.
fn truth(test: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<BooleanArray> {
    let tested = test.evaluate(batch)?.into_array(batch.num_rows())?;
    let Some(truth) = tested.as_boolean_opt() else {
        return internal_err!("a filter is not true or false");
    };
    Ok(truth.clone())
}

/// Time and id of each row.
fn places_of(batch: &RecordBatch) -> Result<Vec<(i64, i64)>> {
    let times = batch
        .column(0)
        .as_primitive_opt::<TimestampNanosecondType>();
    let ids = batch.column(1).as_primitive_opt::<Int64Type>();
    let (Some(times), Some(ids)) = (times, ids) else {
        return internal_err!("rows lack their time or id");
    };
    let both = times.values().iter().zip(ids.values());
    Ok(both.map(|(time, id)| (*time, *id)).collect())
}

/// A filter on the logical columns as one on the stored ones.
fn over_stored(
    state: &dyn Session,
    filter: &Expr,
    stored: &SchemaRef,
) -> Result<Arc<dyn PhysicalExpr>> {
    let filter = filter.clone().transform_up(|expr| match &expr {
        Expr::Column(column) => {
            let stored = stored_expr(stored, stored.index_of(&column.name)?);
            Ok(Transformed::yes(stored))
        }
        _ => Ok(Transformed::no(expr)),
    });
    let schema = DFSchema::try_from(stored.as_ref().clone())?;
    state.create_physical_expr(filter.data()?, &schema)
}

/// The stored columns at `places` by themselves.
fn by_themselves(stored: &SchemaRef, places: &[usize]) -> Vec<Arc<dyn PhysicalExpr>> {
    let column = |place: &usize| Column::new(stored.field(*place).name(), *place);
    places
        .iter()
        .map(|place| Arc::new(column(place)) as _)
        .collect()
}
