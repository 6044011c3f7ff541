//! How slow each span of a trace is among the spans that do the same.

use std::collections::HashMap;

use datafusion::logical_expr::in_list;
use datafusion::prelude::{col, lit};
use spoor_storage::{Result, Table, TimeRange};

use super::load::LoadedTrace;
use super::search::time_condition;
use crate::failure::from_datafusion;
use crate::otlp::{SpanRef, integers, strings};
use crate::services::Durations;
use crate::session::QuerySession;

/// How far before and after the trace others are looked at.
const WINDOW_NS: i64 = 3_600 * 1_000_000_000;
/// Operations compared; those with the longest spans of the trace.
const MAX_OPERATIONS: usize = 200;

/// Service, name, kind.
type Operation = [String; 3];

/// Of each span of a trace how many percent of the spans that do the same take no longer.
#[derive(Debug, Default)]
pub(super) struct Percentiles {
    of: HashMap<Operation, Durations>,
}

impl Percentiles {
    /// Compares with the spans from an hour before `around` to an hour after it.
    pub(super) async fn of(
        session: &QuerySession,
        trace: &LoadedTrace,
        around: TimeRange,
    ) -> Result<Self> {
        let mut longest: HashMap<Operation, i64> = HashMap::new();
        for span in trace.spans() {
            let duration_ns = span.columns.duration_ns(span.row);
            let known = longest.entry(operation(span)).or_insert(duration_ns);
            *known = duration_ns.max(*known);
        }
        let mut operations: Vec<(Operation, i64)> = longest.into_iter().collect();
        operations.sort_by(|(a, left), (b, right)| right.cmp(left).then_with(|| a.cmp(b)));
        if operations.len() > MAX_OPERATIONS {
            session.note_incomplete(format!(
                "the trace has more than {MAX_OPERATIONS} operations; the fast ones have no percentile"
            ));
            operations.truncate(MAX_OPERATIONS);
        }
        let names = |part: usize| {
            let mut names: Vec<&str> = operations.iter().map(|(of, _)| of[part].as_str()).collect();
            names.sort_unstable();
            names.dedup();
            names.into_iter().map(lit).collect::<Vec<_>>()
        };
        let mut same = in_list(col("service_name"), names(0), false).and(in_list(
            col("name"),
            names(1),
            false,
        ));
        let range = TimeRange {
            start_ns: around.start_ns.saturating_sub(WINDOW_NS),
            end_ns: around.end_ns.saturating_add(WINDOW_NS),
        };
        if let Some(time) = time_condition("start_time", range) {
            same = same.and(time);
        }
        let frame = session
            .table(Table::Spans)
            .await?
            .filter(same)
            .and_then(|frame| {
                frame.select_columns(&["service_name", "name", "kind", "duration_ns"])
            })
            .map_err(from_datafusion)?;
        let mut of: HashMap<Operation, Durations> = operations
            .into_iter()
            .map(|(operation, _)| (operation, Durations::default()))
            .collect();
        let mut stream = session.stream(frame).await?;
        while let Some(batch) = session.next(&mut stream).await? {
            let columns = [0, 1, 2].map(|column| strings(batch.column(column)));
            let [services, names, kinds] = columns;
            let (services, names, kinds) = (services?, names?, kinds?);
            let durations = integers(batch.column(3))?;
            for row in 0..batch.num_rows() {
                let operation = [services.value(row), names.value(row), kinds.value(row)];
                if let Some(known) = of.get_mut(&operation.map(str::to_owned)) {
                    known.add(durations.value(row));
                }
            }
        }
        Ok(Self { of })
    }

    /// Percent, among how many, and whether it is exact; `None` if the operation is not compared.
    pub(super) fn span(&self, span: SpanRef<'_>) -> Option<(f64, u64, bool)> {
        let durations = self.of.get(&operation(span))?;
        let percent = durations.percent_up_to(span.columns.duration_ns(span.row))?;
        Some((percent, durations.count(), durations.is_exact()))
    }
}

fn operation(SpanRef { columns, row }: SpanRef<'_>) -> Operation {
    [
        columns.service_name(row),
        columns.name(row),
        columns.kind(row),
    ]
    .map(str::to_owned)
}
