//! Buckets over a range, or over what matches where the range is open.

use arrow::array::{Array, AsArray};
use arrow::datatypes::TimestampNanosecondType;
use datafusion::functions_aggregate::expr_fn::{max, min};
use datafusion::prelude::{DataFrame, col};
use spoor_storage::{Result, TimeRange};

use super::Buckets;
use crate::failure::from_datafusion;
use crate::session::QuerySession;

impl Buckets {
    /// The buckets over `range`; where it is unbounded, over the first to the last value of the
    /// column `time` in `matching`, which is asked for only then. `None` if nothing matches and
    /// there is no range to show.
    pub(crate) async fn over_matching(
        session: &QuerySession,
        matching: impl Future<Output = Result<DataFrame>>,
        time: &str,
        mut range: TimeRange,
        most: usize,
    ) -> Result<Option<Self>> {
        if range.start_ns == i64::MIN || range.end_ns == i64::MAX {
            let Some((first, last)) = first_and_last(session, matching.await?, time).await? else {
                return Ok(None);
            };
            if range.start_ns == i64::MIN {
                range.start_ns = first;
            }
            if range.end_ns == i64::MAX {
                range.end_ns = last.saturating_add(1);
            }
        }
        Self::over(range, most).map(Some)
    }
}

async fn first_and_last(
    session: &QuerySession,
    matching: DataFrame,
    time: &str,
) -> Result<Option<(i64, i64)>> {
    let frame = matching
        .aggregate(vec![], vec![min(col(time)), max(col(time))])
        .map_err(from_datafusion)?;
    let batches = session.collect(frame).await?;
    Ok(batches.iter().find_map(|batch| {
        let time = |at: usize| {
            let column = batch
                .column(at)
                .as_primitive_opt::<TimestampNanosecondType>()?;
            (!column.is_empty() && column.is_valid(0)).then(|| column.value(0))
        };
        Some((time(0)?, time(1)?))
    }))
}
