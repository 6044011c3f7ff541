//! Rows that pass a filter, where indexes leave few: read without a plan.
//!
//! ```text
//!  indexes, nearest file first ─► few rows come into question ─► those that pass ─► columns of these
//!             └─► too many: a plan reads them                (what is not known of the filter)
//! ```
//! Of a question that a row or two answer, most of the time goes into planning and into opening columns. Rows are told
//! apart by their number in their file, so a second look at them reads no more than these. What an index has decided is not
//! tested again, as in a plan.

mod file;
mod filter;
mod ids;
mod nearest;
mod outputs;
mod search;

use std::sync::Arc;
use std::time::Instant;

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, SchemaRef, TimestampNanosecondType};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::Session;
use datafusion::common::{Result, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::split_conjunction_owned;
use futures::{StreamExt, TryStreamExt};
use spoor_storage::Table;
use spoor_storage::index::{Lookup, RowSet};
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::model::schema_of;

use super::Scan;
use super::checked::Counts;
use super::explained::{Buffered, Way};
use super::files::FILES_AT_ONCE;
use crate::parameters::Order;
use crate::session::QueryScope;
use crate::table::prune::Pruning;
use crate::table::{Part, logical_schema};

use file::SomeOfFile;
use filter::{Filter, over_stored};
use nearest::nearest_few;
use outputs::Outputs;
use search::Search;

/// The rows of a table that pass a filter, and are not many.
pub(crate) struct FewRows {
    table: Table,
    stored: SchemaRef,
    /// Each with the numbers of its rows.
    files: Vec<(SomeOfFile, RowSet)>,
    /// Batches in memory, as they are stored, each with the numbers of its rows.
    batches: Vec<(RecordBatch, RowSet)>,
    counts: Counts,
    /// What was read is in the memory of the query.
    reserved: MemoryReservation,
}

impl FewRows {
    /// Those of all rows of a table; `None` if more come into question than a first slice of time has or that is likely to have
    /// enough of them, or if no index can say where they are. The first in an order are asked for first, and so many are enough.
    pub(crate) async fn find(
        (scope, state): (&Arc<QueryScope>, &dyn Session),
        table: Table,
        filter: &Expr,
        nearest: (Order, usize),
    ) -> Result<Option<Self>> {
        let conjuncts = split_conjunction_owned(filter.clone());
        let pruning = Pruning::of(table, &[], &conjuncts);
        let is_looked_up =
            [&pruning.lookup, &pruning.words_lookup].map(|asked| *asked != Lookup::All);
        if is_looked_up == [false, false] {
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
        let batches = scan.batches(&pruning);
        let in_memory: u64 = batches.iter().map(|one| one.batch.num_rows() as u64).sum();
        if in_memory > scope.shared.options.first_slice_rows {
            return Ok(None);
        }
        let runtime = state.runtime_env();
        let search = Search {
            scan: &scan,
            pruning,
            footers: runtime.cache_manager.get_file_metadata_cache(),
            counts: Counts {
                entry: Arc::clone(scope.entry()),
                scan: Arc::default(),
            },
        };
        let began = Instant::now();
        let (files, counted) = nearest_few(&scan, &search.footers, &search.pruning, nearest).await;
        let planned_in = began.elapsed();
        let Some(files) = files else {
            let way = Way::LeftToPlan(counted.visible.rows);
            search.explain(way, (counted, planned_in), Buffered::default());
            return Ok(None);
        };
        scope.note_skipped(table, search.pruning.range);
        let filter = Filter::of((state, table), &conjuncts, &schema_of(table))?;
        let buffered = scan.count(&batches, &filter.columns())?;
        search.explain(Way::Direct, (counted, planned_in), buffered);
        let mut few = Self {
            table,
            stored: schema_of(table),
            files: Vec::new(),
            batches: filter.of_memory(&batches)?,
            counts: search.counts.clone(),
            reserved: MemoryConsumer::new("few rows").register(&runtime.memory_pool),
        };
        few.files = search.of_files(files, &filter, &few).await?;
        Ok(Some(few))
    }

    /// How many they are.
    pub(crate) fn len(&self) -> usize {
        let in_files = self.files.iter().map(|(_, rows)| rows.len());
        let in_memory = self.batches.iter().map(|(_, rows)| rows.len());
        usize::try_from(in_files.chain(in_memory).sum::<u64>()).unwrap_or(usize::MAX)
    }

    /// Columns of all of them, in no order.
    pub(crate) async fn columns(&mut self, names: &[&str]) -> Result<Vec<RecordBatch>> {
        let outputs = self.named(names)?;
        self.read(&outputs).await
    }

    /// Columns of all of them and, under a name, whether another filter is true for each, in no order.
    pub(crate) async fn columns_and(
        &mut self,
        state: &dyn Session,
        names: &[&str],
        (name, filter): (&str, &Expr),
    ) -> Result<Vec<RecordBatch>> {
        let condition = over_stored(state, filter.clone(), &self.stored)?;
        let outputs = self.named(names)?.and(name, condition);
        self.read(&outputs).await
    }

    fn named(&self, names: &[&str]) -> Result<Outputs> {
        let places = names.iter().map(|name| self.stored.index_of(name));
        let places = places.collect::<std::result::Result<Vec<_>, _>>()?;
        Outputs::columns(self.table, &self.stored, &places)
    }

    /// All columns of them, in no order.
    pub(crate) async fn all(&mut self) -> Result<Vec<RecordBatch>> {
        let places: Vec<usize> = (0..self.stored.fields().len()).collect();
        let outputs = Outputs::columns(self.table, &self.stored, &places)?;
        self.read(&outputs).await
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
        let place = self.named(&[self.table.time_column(), RECORD_ID])?;
        let mut places = Vec::with_capacity(self.len());
        let memory = self.reserved.new_empty();
        let of_files = self.read_files(&place, &memory).await?;
        for (source, ((_, rows), batches)) in self.files.iter().zip(of_files).enumerate() {
            let mut numbers = rows.iter();
            for batch in batches {
                let numbered = places_of(&batch)?.into_iter().zip(numbers.by_ref());
                places.extend(numbered.map(|(place, row)| (place, source, row)));
            }
        }
        let in_files = self.files.len();
        for (source, (batch, rows)) in self.batches.iter().enumerate() {
            let of_these = places_of(&place.of_rows(batch, rows)?)?;
            let numbered = of_these.into_iter().zip(rows.iter());
            places.extend(numbered.map(|(place, row)| (place, in_files + source, row)));
        }
        match order {
            Order::Asc => places.sort_unstable(),
            Order::Desc => places.sort_unstable_by(|a, b| b.cmp(a)),
        }
        places.truncate(limit);
        let mut kept = vec![Vec::new(); in_files + self.batches.len()];
        for (_, source, row) in places {
            if let Some(rows) = kept.get_mut(source) {
                rows.push(row);
            }
        }
        let in_files = self.files.iter_mut().map(|(_, rows)| rows);
        let in_memory = self.batches.iter_mut().map(|(_, rows)| rows);
        for (rows, kept) in in_files.chain(in_memory).zip(kept) {
            *rows = kept.into_iter().collect();
        }
        self.files.retain(|(_, rows)| !rows.is_empty());
        self.batches.retain(|(_, rows)| !rows.is_empty());
        Ok(())
    }

    async fn read(&mut self, outputs: &Outputs) -> Result<Vec<RecordBatch>> {
        let memory = self.reserved.new_empty();
        let of_files = self.read_files(outputs, &memory).await?;
        let mut of_memory = Vec::with_capacity(self.batches.len());
        for (batch, rows) in &self.batches {
            let rows = outputs.of_rows(batch, rows)?;
            let bytes = rows.get_array_memory_size();
            memory.try_grow(bytes)?;
            self.counts.add_buffer_bytes(bytes as u64);
            of_memory.push(rows);
        }
        let read = of_files.iter().flatten().chain(&of_memory);
        let mut logical = Vec::new();
        for batch in read {
            let batch = outputs.logical(batch)?;
            self.reserved.try_grow(batch.get_array_memory_size())?;
            logical.push(batch);
        }
        Ok(logical)
    }

    /// What is asked for of the rows of each file, in order.
    async fn read_files(
        &mut self,
        outputs: &Outputs,
        memory: &MemoryReservation,
    ) -> Result<Vec<Vec<RecordBatch>>> {
        // No closure: the compiler would not believe that what it makes can be sent.
        let mut reading = Vec::with_capacity(self.files.len());
        for (file, rows) in &mut self.files {
            reading.push(read_file(file, rows, outputs, memory));
        }
        let reading = futures::stream::iter(reading).buffered(FILES_AT_ONCE);
        reading.try_collect().await
    }
}

/// What is asked for of rows of a file, in order.
async fn read_file(
    file: &mut SomeOfFile,
    rows: &RowSet,
    outputs: &Outputs,
    memory: &MemoryReservation,
) -> Result<Vec<RecordBatch>> {
    let mut read = Vec::new();
    let each = |columns| {
        let batch = RecordBatch::try_new(Arc::clone(&outputs.stored), columns)?;
        memory.try_grow(batch.get_array_memory_size())?;
        read.push(batch);
        Ok(())
    };
    file.evaluate(rows, &outputs.exprs, each).await?;
    Ok(read)
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
