//! Builds the physical plan of one scan.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::new_null_array;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::Session;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, in_list, lit};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::union::UnionExec;
use spoor_storage::model::schema_of;
use spoor_storage::snapshot::BufferedBatch;
use spoor_storage::{Table, TraceId};

use super::file_columns::FileColumns;
use super::nearer;
use super::prune::Pruning;
use super::{DynamicColumn, FILE_NUMBER, FileNumbers, Part, file_number, with_file_number};
use crate::engine::STORE_URL;
use crate::functions::{id_text_function, in_traces, logical_type};
use crate::session::QueryScope;

mod asked;
mod checked;
mod counted;
mod explained;
mod few;
mod files;
mod footer;
mod in_time;
mod index;
mod measured;
mod rows;
mod to_read;
mod words;

use checked::{CheckedReaders, Counts};
pub(crate) use explained::ExplainedScan;
use explained::{Buffered, Way};
pub(crate) use few::FewRows;
use measured::Measured;
pub(crate) use to_read::rows_to_read;

/// Trace ids are put to Parquet as a row filter up to this many; more are left to the filter above.
const MAX_PUSHED_TRACES: usize = 64;

pub(super) struct Scan<'a> {
    pub(super) scope: &'a Arc<QueryScope>,
    pub(super) table: Table,
    pub(super) part: &'a Part,
    pub(super) dynamic: &'a [DynamicColumn],
    pub(super) numbers: Option<&'a FileNumbers>,
    pub(super) schema: &'a SchemaRef,
}

/// One column of the scan's output.
struct Output {
    name: String,
    /// Over the stored columns.
    expr: Expr,
}

impl Scan<'_> {
    pub(super) async fn plan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        pruning: &Pruning,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let outputs = self.outputs(projection)?;
        let stored = self.stored();
        let needed = needed_columns(&outputs, &stored)?;
        // The text is read only where the index has not decided about it.
        let tested = words::columns_tested(pruning, &stored, &needed)?;
        let began = Instant::now();
        let files = files::select(self, state, pruning).await?;
        let planned_in = began.elapsed();
        let counts = Counts {
            entry: Arc::clone(self.scope.entry()),
            scan: Arc::<Measured>::default(),
        };
        let parquet = |columns: &[usize], files: Vec<PartitionedFile>| {
            self.parquet(state, columns, pruning, limit, (files, &counts))
        };
        let test = |source| words::test(state, source, pruning, &stored, (&tested, &needed));
        let project = |source| project(state, source, &stored, &needed, &outputs);
        // Below the union, so that each file computes its attributes from what it has.
        let of_files = |source| nearer::bring(project(source)?);
        let mut sources = Vec::new();
        if !files.decided.is_empty() {
            sources.push(of_files(parquet(&needed, files.decided)?)?);
        }
        if !files.undecided.is_empty() {
            sources.push(of_files(test(parquet(&tested, files.undecided)?)?)?);
        }
        let batches = self.batches(pruning);
        let buffer = self.count(&batches, &tested)?;
        if sources.is_empty() || !batches.is_empty() {
            let buffered = self.buffered(state, &stored, &tested, &batches, limit)?;
            sources.insert(0, project(test(buffered)?)?);
        }
        if let Some(scans) = self.scope.explained() {
            scans.add(ExplainedScan {
                table: self.table,
                way: Way::Plan,
                pruning: pruning.clone(),
                counted: files.counted,
                buffer,
                planned_in,
                measured: counts.scan,
            });
        }
        match sources.len() {
            1 => Ok(sources.swap_remove(0)),
            _ => UnionExec::try_new(sources),
        }
    }

    /// The stored columns, and that of the files' numbers if it is wanted.
    fn stored(&self) -> SchemaRef {
        let stored = schema_of(self.table);
        match self.numbers {
            Some(_) => with_file_number(&stored),
            None => stored,
        }
    }

    /// The projected columns as expressions over the stored ones.
    fn outputs(&self, projection: Option<&Vec<usize>>) -> Result<Vec<Output>> {
        let all: Vec<usize>;
        let wanted = if let Some(wanted) = projection {
            wanted
        } else {
            all = (0..self.schema.fields().len()).collect();
            &all
        };
        let stored = schema_of(self.table);
        wanted
            .iter()
            .map(|index| {
                let name = self.schema.field(*index).name().clone();
                let expr = match index.checked_sub(stored.fields().len()) {
                    // Computed from maps, which are the same in both schemas.
                    Some(place) => match self.dynamic.get(place) {
                        Some(dynamic) => dynamic.expr.clone(),
                        None => Expr::Column(Column::new_unqualified(FILE_NUMBER)),
                    },
                    None => stored_expr(&stored, *index),
                };
                Ok(Output { name, expr })
            })
            .collect()
    }

    fn batches(&self, pruning: &Pruning) -> Vec<Arc<BufferedBatch>> {
        if !self.part.has_buffer() {
            return Vec::new();
        }
        let (snapshot, tenant) = (&self.scope.snapshot, &self.scope.tenant);
        snapshot.batches(tenant, self.table, pruning.range)
    }

    /// Counts the buffer's batches as read.
    fn count(&self, batches: &[Arc<BufferedBatch>], columns: &[usize]) -> Result<Buffered> {
        let mut counted = Buffered::default();
        for buffered in batches {
            counted.batches += 1;
            counted.rows += buffered.batch.num_rows() as u64;
            counted.bytes += bytes_of(&buffered.batch, columns)?;
        }
        self.scope.read().plan_rows(counted.rows);
        self.scope.read().add_rows(counted.rows);
        self.scope.read().add_bytes(counted.bytes);
        Ok(counted)
    }

    /// The buffer's batches, dealt out to as many partitions as may run.
    fn buffered(
        &self,
        state: &dyn Session,
        stored: &SchemaRef,
        needed: &[usize],
        batches: &[Arc<BufferedBatch>],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let count = state
            .config()
            .target_partitions()
            .clamp(1, batches.len().max(1));
        let mut partitions: Vec<Vec<RecordBatch>> = vec![Vec::new(); count];
        for (at, buffered) in batches.iter().enumerate() {
            partitions[at % count].push(self.as_stored(&buffered.batch, stored)?);
        }
        let source =
            MemorySourceConfig::try_new(&partitions, Arc::clone(stored), Some(needed.to_vec()))?
                .with_limit(limit)
                .with_show_sizes(false);
        Ok(DataSourceExec::from_data_source(source))
    }

    /// A batch of the buffer with all columns that scans have.
    fn as_stored(&self, batch: &RecordBatch, stored: &SchemaRef) -> Result<RecordBatch> {
        if self.numbers.is_none() {
            return Ok(batch.clone());
        }
        let none = new_null_array(file_number().data_type(), batch.num_rows());
        let columns = [batch.columns(), &[none]].concat();
        Ok(RecordBatch::try_new(Arc::clone(stored), columns)?)
    }

    /// What reads columns of files.
    fn parquet(
        &self,
        state: &dyn Session,
        needed: &[usize],
        pruning: &Pruning,
        limit: Option<usize>,
        (files, counts): (Vec<PartitionedFile>, &Counts),
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let cache = state.runtime_env().cache_manager.get_file_metadata_cache();
        let factory = CheckedReaders::new(
            self.scope.shared.storage.object_store(),
            cache,
            counts.clone(),
        );
        let stored = schema_of(self.table);
        let number = self.numbers.map(|_| Arc::new(file_number()));
        let schema = TableSchema::builder(Arc::clone(&stored))
            .with_table_partition_cols(number.into_iter().collect::<Vec<_>>())
            .build();
        // Filters run while columns are decoded, so that wide columns are decoded only for the rows
        // that are left; the order of the conjuncts is DataFusion's to choose.
        let mut source = ParquetSource::new(schema)
            .with_pushdown_filters(true)
            .with_reorder_filters(true)
            // Files have none, and to look for them takes another reader.
            .with_bloom_filter_on_read(false)
            .with_parquet_file_reader_factory(Arc::new(factory));
        if let Some(filter) = trace_filter(pruning) {
            let schema = DFSchema::try_from(stored.as_ref().clone())?;
            source = source.with_predicate(state.create_physical_expr(filter, &schema)?);
        }
        counts.scan.add_source(source.metrics().clone());
        self.scope.read().plan_rows(to_read::rows_of_files(&files));
        let groups = state
            .config()
            .target_partitions()
            .clamp(1, files.len().max(1));
        let mut file_groups: Vec<Vec<_>> = vec![Vec::new(); groups];
        for (at, file) in files.into_iter().enumerate() {
            file_groups[at % groups].push(file);
        }
        let config =
            FileScanConfigBuilder::new(ObjectStoreUrl::parse(STORE_URL)?, Arc::new(source))
                .with_file_groups(file_groups.into_iter().map(FileGroup::new).collect())
                .with_projection_indices(Some(needed.to_vec()))?
                .with_limit(limit)
                .with_expr_adapter(Some(Arc::new(FileColumns)))
                .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// Bytes of some columns of a batch, without what a slice leaves out.
fn bytes_of(batch: &RecordBatch, columns: &[usize]) -> Result<u64> {
    let mut bytes = 0;
    for column in columns.iter().filter(|at| **at < batch.num_columns()) {
        bytes += batch.column(*column).to_data().get_slice_memory_size()? as u64;
    }
    Ok(bytes)
}

/// A stored column in its logical form.
fn stored_expr(stored: &SchemaRef, index: usize) -> Expr {
    let field = stored.field(index);
    let column = Expr::Column(Column::new_unqualified(field.name()));
    if logical_type(field.data_type()) == *field.data_type() {
        column
    } else {
        Expr::ScalarFunction(ScalarFunction::new_udf(id_text_function(), vec![column]))
    }
}

/// The stored columns that the outputs are made of, ascending.
fn needed_columns(outputs: &[Output], stored: &SchemaRef) -> Result<Vec<usize>> {
    let mut needed = BTreeSet::new();
    for output in outputs {
        output.expr.apply(|expr| {
            if let Expr::Column(column) = expr {
                needed.insert(stored.index_of(&column.name)?);
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    Ok(needed.into_iter().collect())
}

/// The filter on stored (binary) trace ids: it is cheaper than the one on text, and runs while columns are decoded.
fn trace_filter(pruning: &Pruning) -> Option<Expr> {
    let column = || Expr::Column(Column::new_unqualified("trace_id"));
    let literal = |id: &TraceId| lit(ScalarValue::FixedSizeBinary(16, Some(id.0.to_vec())));
    let named = match pruning.traces.as_deref() {
        Some([]) => Some(lit(false)),
        Some([only]) => Some(column().eq(literal(only))),
        Some(several) if several.len() <= MAX_PUSHED_TRACES => Some(in_list(
            column(),
            several.iter().map(literal).collect(),
            false,
        )),
        _ => None,
    };
    let sets = pruning.trace_sets.iter();
    let large = sets.filter(|set| set.len() > MAX_PUSHED_TRACES);
    named
        .into_iter()
        .chain(large.map(|set| in_traces(column(), set)))
        .reduce(Expr::and)
}

/// Computes the outputs, unless they are the source's columns as they come.
fn project(
    state: &dyn Session,
    source: Arc<dyn ExecutionPlan>,
    stored: &SchemaRef,
    needed: &[usize],
    outputs: &[Output],
) -> Result<Arc<dyn ExecutionPlan>> {
    let unchanged = outputs.len() == needed.len()
        && outputs.iter().zip(needed).all(|(output, index)| {
            matches!(&output.expr, Expr::Column(column) if column.name == *stored.field(*index).name())
                && output.name == *stored.field(*index).name()
        });
    if unchanged {
        return Ok(source);
    }
    let schema: Schema = stored.project(needed)?;
    let schema = DFSchema::try_from(schema)?;
    let exprs = outputs
        .iter()
        .map(|output| {
            let expr = state.create_physical_expr(output.expr.clone(), &schema)?;
            Ok((expr, output.name.clone()))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(ProjectionExec::try_new(exprs, source)?))
}
