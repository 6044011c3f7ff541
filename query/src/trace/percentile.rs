//! How slow each span of a trace is among the spans that do the same.
//!
//! Among those of a day before and a day after. Durations are counted once for each file, for all operations, as
//! `GET /api/v1/services` counts them: the window is of whole hours, so that no file is cut and none is read twice.

use std::collections::HashMap;

use datafusion::logical_expr::in_list;
use datafusion::prelude::{col, lit};
use spoor_storage::{Result, Table, TimeRange};

use super::load::LoadedTrace;
use crate::failure::from_datafusion;
use crate::listing::in_range;
use crate::otlp::{SpanRef, integers, strings};
use crate::services::{Durations, durations_by_file};
use crate::session::QuerySession;

const HOUR_NS: i64 = 3_600 * 1_000_000_000;
/// How far before and after the hours of the trace others are looked at.
const WINDOW_NS: i64 = 24 * HOUR_NS;
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
    /// Compares with the spans from a day before `around` to a day after it.
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
        let mut of: HashMap<Operation, Durations> = operations
            .into_iter()
            .map(|(operation, _)| (operation, Durations::default()))
            .collect();
        let range = TimeRange {
            start_ns: hour(around.start_ns).saturating_sub(WINDOW_NS),
            end_ns: hour(around.end_ns).saturating_add(HOUR_NS + WINDOW_NS),
        };
        if !durations_by_file(session, range, &mut of).await? {
            read_spans(session, range, &mut of).await?;
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

/// The beginning of the hour.
fn hour(time_ns: i64) -> i64 {
    time_ns.saturating_sub(time_ns.rem_euclid(HOUR_NS))
}

/// Adds the spans in `range` of each operation, read one by one: where files have too many operations to be counted
/// by all of them.
async fn read_spans(
    session: &QuerySession,
    range: TimeRange,
    of: &mut HashMap<Operation, Durations>,
) -> Result<()> {
    let names = |part: usize| {
        let mut names: Vec<&str> = of
            .keys()
            .map(|operation| operation[part].as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(lit).collect::<Vec<_>>()
    };
    let same = in_list(col("service_name"), names(0), false)
        .and(in_list(col("name"), names(1), false))
        .and(in_range("start_time", range));
    let frame = session
        .table(Table::Spans)
        .await?
        .filter(same)
        .and_then(|frame| frame.select_columns(&["service_name", "name", "kind", "duration_ns"]))
        .map_err(from_datafusion)?;
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
    Ok(())
}

fn operation(SpanRef { columns, row }: SpanRef<'_>) -> Operation {
    [
        columns.service_name(row),
        columns.name(row),
        columns.kind(row),
    ]
    .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::HOUR_NS;
    use crate::otlp::sample::list;
    use crate::testing::{House, T0};
    use crate::trace::tests::append;

    /// One span, a trace of its own: after so many hours, so long.
    async fn send(house: &House, trace: u64, hours: i64, duration_ns: i64, name: &str) {
        let start = T0 + hours * HOUR_NS;
        append(
            house,
            &json!({"resourceSpans": [{
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
                "scopeSpans": [{"spans": [{
                    "traceId": format!("{trace:032x}"), "spanId": format!("{trace:016x}"), "name": name, "kind": 2,
                    "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + duration_ns).to_string()}]}]}]}),
        )
        .await;
    }

    async fn percentile(house: &House, trace: u64) -> Value {
        let path = format!("/api/v1/traces/{trace:032x}");
        let asked = [("view", "timeline"), ("include", "percentiles")];
        let found = house.get(&path, &asked).await;
        list(&found["spans"])[0]["percentile"].clone()
    }

    #[tokio::test]
    async fn a_span_is_compared_with_those_of_a_day_before_and_after() {
        let house = House::new().await;
        // In whole hours: of those of the trace, 24 before and 24 after.
        for (trace, hours) in [(1, -26), (2, -24), (3, -5), (4, 0), (5, 24), (6, 26)] {
            send(&house, trace, hours, 10 * trace.cast_signed(), "GET /").await;
        }
        send(&house, 7, 0, 1, "POST /").await;
        let of_four = json!({"percent": 75.0, "among": 4, "exact": true});
        assert_eq!(percentile(&house, 4).await, of_four);
        house.storage.flush().await.unwrap();
        assert_eq!(percentile(&house, 4).await, of_four);
        assert_eq!(
            percentile(&house, 4).await,
            of_four,
            "as it was counted before"
        );
        let alone = json!({"percent": 100.0, "among": 1, "exact": true});
        assert_eq!(percentile(&house, 7).await, alone);
    }

    #[tokio::test]
    async fn where_names_have_ids_in_them_spans_are_read_one_by_one() {
        let house = House::new().await;
        send(&house, 1, 0, 10, "GET /").await;
        send(&house, 2, 1, 20, "GET /").await;
        let range = spoor_storage::TimeRange::ALL;
        let session = house.engine.begin(&house.tenant).await.unwrap();
        let operation = ["shop", "GET /", "SERVER"].map(str::to_owned);
        let mut of =
            std::collections::HashMap::from([(operation.clone(), super::Durations::default())]);
        super::read_spans(&session, range, &mut of).await.unwrap();
        assert_eq!(of[&operation].count(), 2);
        assert_eq!(of[&operation].percent_up_to(10), Some(50.0));
    }
}
