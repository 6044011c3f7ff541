//! Some rows of one file.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, internal_err};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowSelection};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels, parquet_to_arrow_schema};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use spoor_storage::index::RowSet;
use spoor_storage::{DataFile, FileId, GroupPages, PageCache};

use super::by_themselves;
use crate::table::file_columns::FileColumns;
use crate::table::scan::checked::CheckedReader;

/// Rows of a batch.
const BATCH_ROWS: usize = 8192;

/// A file of which rows are read by their numbers.
pub(super) struct SomeOfFile {
    id: FileId,
    reader: CheckedReader,
    stored: SchemaRef,
    cache: Arc<PageCache>,
    opened: Option<Opened>,
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
    mask: ProjectionMask,
}

impl SomeOfFile {
    pub(super) fn new(
        file: &DataFile,
        reader: CheckedReader,
        stored: &SchemaRef,
        cache: &Arc<PageCache>,
    ) -> Self {
        Self {
            id: file.id,
            reader,
            stored: Arc::clone(stored),
            cache: Arc::clone(cache),
            opened: None,
        }
    }

    /// Calls `each` with the stored columns at `places`, batch by batch in the order of rows.
    pub(super) async fn columns(
        &mut self,
        rows: &RowSet,
        places: &[usize],
        mut each: impl FnMut(RecordBatch) -> Result<()> + Send,
    ) -> Result<()> {
        let schema = Arc::new(self.stored.project(places)?);
        let columns = by_themselves(&self.stored, places);
        self.evaluate(rows, &columns, |columns| {
            each(RecordBatch::try_new(Arc::clone(&schema), columns)?)
        })
        .await
    }

    /// Calls `each` with what expressions over the stored columns come to, batch by batch in the order of rows.
    pub(super) async fn evaluate(
        &mut self,
        rows: &RowSet,
        exprs: &[Arc<dyn PhysicalExpr>],
        mut each: impl FnMut(Vec<ArrayRef>) -> Result<()> + Send,
    ) -> Result<()> {
        let opened = self.open().await?;
        let wanted = opened.wanted(exprs)?;
        let descriptor = opened.footer.file_metadata().schema_descr();
        let fields = Some(opened.schema.fields());
        let levels = parquet_to_arrow_field_levels(descriptor, wanted.mask.clone(), fields)?;
        let columns = |at: &usize| wanted.mask.leaf_included(*at);
        let columns: Vec<usize> = (0..descriptor.num_columns()).filter(columns).collect();
        let (mut left, mut first) = (rows.len(), 0_u32);
        for (group, meta) in opened.footer.row_groups().iter().enumerate() {
            let end = first.saturating_add(u32::try_from(meta.num_rows()).unwrap_or(u32::MAX));
            let here = rows.within(first..end);
            let selection = selection(&here, first..end);
            first = end;
            if here.is_empty() {
                continue;
            }
            let Some(mut pages) = GroupPages::of(&self.cache, self.id, &opened.footer, group)
            else {
                return internal_err!("a file does not say where its pages are");
            };
            let ranges = pages.to_read(columns.iter().copied(), &selection)?;
            // As of footers: what a query reads does not depend on those before it.
            self.reader.reads_from_memory(pages.bytes_in_cache());
            if !ranges.is_empty() {
                let bytes = self.reader.get_byte_ranges(ranges.clone()).await?;
                pages.add(&ranges, bytes);
            }
            let batch_rows = usize::try_from(here.len())
                .unwrap_or(BATCH_ROWS)
                .min(BATCH_ROWS);
            let some = Some(selection);
            let batches = ParquetRecordBatchReader::try_new_with_row_groups(
                &levels, &pages, batch_rows, some,
            )?;
            for batch in batches {
                let batch = batch?;
                left = left.saturating_sub(batch.num_rows() as u64);
                each(wanted.of(&batch)?)?;
            }
            // Pages from the cache are not waited for.
            tokio::task::consume_budget().await;
        }
        if left > 0 {
            let message = format!("a file has {left} rows less than its list says");
            return Err(ParquetError::General(message).into());
        }
        Ok(())
    }

    async fn open(&mut self) -> Result<Opened> {
        if let Some(opened) = &self.opened {
            return Ok(opened.clone());
        }
        let footer = self.reader.get_metadata(None).await?;
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
        let columns = of_file.iter().flat_map(collect_columns);
        let places: BTreeSet<usize> = columns.map(|column| column.index()).collect();
        let places: Vec<usize> = places.into_iter().collect();
        let read = self.schema.project(&places)?;
        let exprs = of_file
            .into_iter()
            .map(|expr| reassign_expr_columns(expr, &read))
            .collect::<Result<_>>()?;
        let descriptor = self.footer.file_metadata().schema_descr();
        Ok(Wanted {
            exprs,
            mask: ProjectionMask::roots(descriptor, places),
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
