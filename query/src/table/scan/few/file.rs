//! Some rows of one file.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, internal_err};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::reassign_expr_columns;
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowSelection};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::arrow::{
    FieldLevels, ProjectionMask, parquet_to_arrow_field_levels, parquet_to_arrow_schema,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use spoor_storage::index::RowSet;
use spoor_storage::{FileId, GroupPages, PageCache};

use super::outputs::columns_of;
use crate::table::file_columns::FileColumns;
use crate::table::scan::checked::CheckedReader;

/// Rows of a batch.
const BATCH_ROWS: usize = 8192;

/// A file of which `rows` rows may be read.
pub(super) struct OneFile {
    pub(super) id: FileId,
    pub(super) reader: CheckedReader,
    pub(super) rows: u64,
}

/// A file of which rows are read by their numbers.
pub(super) struct SomeOfFile {
    file: OneFile,
    stored: SchemaRef,
    cache: Arc<PageCache>,
    /// Pages that are at hand are in the memory of the query.
    memory: MemoryReservation,
    opened: Option<Opened>,
    /// Row groups of which something was read.
    row_groups: BTreeSet<usize>,
}

/// What its footer says.
#[derive(Clone)]
struct Opened {
    footer: Arc<ParquetMetaData>,
    schema: SchemaRef,
    adapter: Arc<dyn PhysicalExprAdapter>,
}

/// What is computed of each row of a file, and of what.
struct Wanted {
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    levels: FieldLevels,
    /// Leaves, ascending.
    columns: Vec<usize>,
}

impl SomeOfFile {
    pub(super) fn new(
        file: OneFile,
        stored: &SchemaRef,
        memory: MemoryReservation,
        cache: &Arc<PageCache>,
    ) -> Self {
        Self {
            file,
            stored: Arc::clone(stored),
            cache: Arc::clone(cache),
            memory,
            opened: None,
            row_groups: BTreeSet::new(),
        }
    }

    /// Calls `each` with what expressions over the stored columns come to, batch by batch in the order of rows.
    pub(super) async fn evaluate(
        &mut self,
        rows: &RowSet,
        exprs: &[Arc<dyn PhysicalExpr>],
        mut each: impl FnMut(Vec<ArrayRef>) -> Result<()> + Send,
    ) -> Result<()> {
        let began = Instant::now();
        let opened = self.open().await?;
        let wanted = opened.wanted(exprs)?;
        let (mut left, mut first) = (rows.len(), 0_u32);
        for (group, meta) in opened.footer.row_groups().iter().enumerate() {
            let end = first.saturating_add(u32::try_from(meta.num_rows()).unwrap_or(u32::MAX));
            let here = rows.within(first..end);
            let selection = selection(&here, first..end);
            first = end;
            if here.is_empty() {
                continue;
            }
            let pages = self.pages(&opened, &wanted, (group, &selection)).await?;
            let batch_rows = usize::try_from(here.len())
                .unwrap_or(BATCH_ROWS)
                .min(BATCH_ROWS);
            let (levels, some) = (&wanted.levels, Some(selection));
            let batches = ParquetRecordBatchReader::try_new_with_row_groups(
                levels, &pages, batch_rows, some,
            )?;
            for batch in batches {
                let batch = batch?;
                left = left.saturating_sub(batch.num_rows() as u64);
                each(wanted.of(&batch)?)?;
                // Pages from the cache are not waited for, and who is to end the query must have a turn.
                tokio::task::consume_budget().await;
            }
            drop(pages);
            self.memory.free();
        }
        self.file.reader.measured().add_direct_time(began.elapsed());
        if left > 0 {
            let message = format!("a file has {left} rows less than its list says");
            return Err(ParquetError::General(message).into());
        }
        Ok(())
    }

    /// The pages of a row group that have rows of a selection.
    async fn pages(
        &mut self,
        opened: &Opened,
        wanted: &Wanted,
        (group, selection): (usize, &RowSelection),
    ) -> Result<GroupPages> {
        let Some(mut pages) = GroupPages::of(&self.cache, self.file.id, &opened.footer, group)
        else {
            return internal_err!("a file does not say where its pages are");
        };
        let ranges = pages.to_read(wanted.columns.iter().copied(), selection)?;
        let counts = pages.counts();
        let bytes = usize::try_from(counts.bytes_in_memory).unwrap_or(usize::MAX);
        self.memory.try_grow(bytes)?;
        let reader = &mut self.file.reader;
        let is_new = self.row_groups.insert(group);
        reader.measured().add_direct_pages(is_new, counts);
        // As of footers: what a query reads does not depend on those before it.
        reader.reads_from_memory(counts.bytes_in_cache);
        if !ranges.is_empty() {
            let bytes = reader.get_byte_ranges(ranges.clone()).await?;
            pages.add(&ranges, bytes);
        }
        Ok(pages)
    }

    async fn open(&mut self) -> Result<Opened> {
        if let Some(opened) = &self.opened {
            return Ok(opened.clone());
        }
        let OneFile { reader, rows, .. } = &mut self.file;
        reader.opens(Some(*rows));
        let footer = reader.get_metadata(None).await?;
        let metadata = footer.file_metadata();
        let entries = metadata.key_value_metadata();
        let schema = Arc::new(parquet_to_arrow_schema(metadata.schema_descr(), entries)?);
        let adapter = FileColumns.create(Arc::clone(&self.stored), Arc::clone(&schema))?;
        let opened = Opened {
            footer,
            schema,
            adapter,
        };
        Ok(self.opened.insert(opened).clone())
    }
}

impl Opened {
    /// Expressions over the stored columns as expressions over those of the file that they are about.
    fn wanted(&self, exprs: &[Arc<dyn PhysicalExpr>]) -> Result<Wanted> {
        let of_file = exprs
            .iter()
            .map(|expr| self.adapter.rewrite(Arc::clone(expr)))
            .collect::<Result<Vec<_>>>()?;
        let places = columns_of(&of_file);
        let read = self.schema.project(&places)?;
        let exprs = of_file
            .into_iter()
            .map(|expr| reassign_expr_columns(expr, &read))
            .collect::<Result<_>>()?;
        let descriptor = self.footer.file_metadata().schema_descr();
        let mask = ProjectionMask::roots(descriptor, places);
        let columns = 0..descriptor.num_columns();
        let fields = Some(self.schema.fields());
        Ok(Wanted {
            exprs,
            columns: columns.filter(|at| mask.leaf_included(*at)).collect(),
            levels: parquet_to_arrow_field_levels(descriptor, mask, fields)?,
        })
    }
}

impl Wanted {
    fn of(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        self.exprs
            .iter()
            .map(|expr| expr.evaluate(batch)?.into_array(batch.num_rows()))
            .collect()
    }
}

/// `rows` of a row group that has those of `all`.
fn selection(rows: &RowSet, all: std::ops::Range<u32>) -> RowSelection {
    let first = all.start as usize;
    let ranges = rows
        .ranges()
        .map(|range| range.start - first..range.end - first);
    RowSelection::from_consecutive_ranges(ranges, all.len())
}
