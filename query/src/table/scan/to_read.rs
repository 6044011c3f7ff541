//! How many rows a plan looks at.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::datasource::source::{DataSource, DataSourceExec};
use datafusion::physical_plan::ExecutionPlan;

use super::rows::RowsToRead;

/// Rows that the scans of a plan look at: of files those that are left after the indexes were asked, and all in
/// memory that they have.
pub(crate) fn rows_to_read(plan: &Arc<dyn ExecutionPlan>) -> Result<u64> {
    let mut rows = 0_u64;
    plan.apply(|node| {
        if let Some(source) = node.downcast_ref::<DataSourceExec>() {
            rows = rows.saturating_add(rows_of(source.data_source().as_ref()));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(rows)
}

/// Those of one source; more than any if it does not say.
fn rows_of(source: &dyn DataSource) -> u64 {
    if let Some(files) = source.downcast_ref::<FileScanConfig>() {
        return rows_of_files(files.file_groups.iter().flat_map(FileGroup::files));
    }
    source
        .downcast_ref::<MemorySourceConfig>()
        .map_or(u64::MAX, |memory| {
            let batches = memory.partitions().iter().flatten();
            batches.map(|batch| batch.num_rows() as u64).sum()
        })
}

/// Those of some files; more than any if one does not say.
pub(super) fn rows_of_files<'a>(files: impl IntoIterator<Item = &'a PartitionedFile>) -> u64 {
    files
        .into_iter()
        .map(|file| file.extension().map_or(u64::MAX, |RowsToRead(rows)| *rows))
        .fold(0, u64::saturating_add)
}
