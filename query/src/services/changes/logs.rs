//! Log records of level `warn` and worse, by format and service; which traces have errors in their logs.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::execution::memory_pool::MemoryConsumer;
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{Result, Table, TimeRange};

use crate::failure::from_datafusion;
use crate::language::{self, level_of};
use crate::listing::{RowPlace, in_range};
use crate::otlp::{integers, nanoseconds, optional_text, strings};
use crate::patterns::{ByService, ServicePattern};
use crate::session::QuerySession;

/// Traces remembered for the errors in their logs, those with the lowest ids.
const MAX_TRACES: usize = 50_000;
/// Services remembered of one.
const MAX_SERVICES: usize = 16;

/// Which services logged an error in which trace.
#[derive(Debug, Default)]
pub(super) struct TroubledTraces(BTreeMap<String, BTreeSet<String>>);

impl TroubledTraces {
    /// The services that logged an error in a trace.
    pub(super) fn of(&self, trace_id: &str) -> impl Iterator<Item = &str> {
        self.0
            .get(trace_id)
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    fn add(&mut self, trace_id: &str, service_name: &str) {
        let full = self.0.len() >= MAX_TRACES;
        if let Some(services) = self.0.get_mut(trace_id) {
            if services.len() < MAX_SERVICES {
                services.insert(service_name.to_owned());
            }
            return;
        }
        if full {
            let last = self.0.last_key_value();
            if last.is_some_and(|(last, _)| last.as_str() < trace_id) {
                return;
            }
            self.0.pop_last();
        }
        let services = BTreeSet::from([service_name.to_owned()]);
        self.0.insert(trace_id.to_owned(), services);
    }

    fn bytes(&self) -> usize {
        const EACH: usize = 160;
        self.0.len() * EACH
    }
}

/// What both periods have in their logs.
#[derive(Debug)]
pub(super) struct LogSides {
    pub(super) patterns: Vec<ServicePattern>,
    /// Of the period asked about.
    pub(super) troubled: TroubledTraces,
}

impl LogSides {
    /// Reads the records of the two periods, the one asked about first.
    pub(super) async fn read(session: &QuerySession, ranges: [TimeRange; 2]) -> Result<Self> {
        let severe = language::parse("level>=warn")?;
        let columns = [
            "time",
            RECORD_ID,
            "body",
            "severity_number",
            "severity_text",
            "service_name",
            "trace_id",
        ];
        let pool = &session.context().runtime_env().memory_pool;
        let reservation = MemoryConsumer::new("logs of two periods").register(pool);
        let mut counted = ByService::new();
        let mut troubled = TroubledTraces::default();
        for (period, range) in (0..).zip(ranges) {
            session.note_skipped(Table::Logs, range);
            let matching = language::condition(session, &severe, Table::Logs, range).await?;
            let frame = session
                .table(Table::Logs)
                .await?
                .filter(in_range("time", range).and(matching))
                .and_then(|frame| frame.select_columns(&columns))
                .map_err(from_datafusion)?;
            let mut stream = session.stream(frame).await?;
            while let Some(batch) = session.next(&mut stream).await? {
                let (times, ids) = (nanoseconds(batch.column(0))?, integers(batch.column(1))?);
                let (bodies, numbers) = (strings(batch.column(2))?, integers(batch.column(3))?);
                let (texts, names) = (strings(batch.column(4))?, strings(batch.column(5))?);
                let traces = strings(batch.column(6))?;
                for row in 0..batch.num_rows() {
                    let severity = i32::try_from(numbers.value(row)).unwrap_or_default();
                    let level = level_of(severity, optional_text(&texts, row));
                    let place = RowPlace {
                        time_ns: times.value(row),
                        record_id: ids.value(row),
                    };
                    let (name, body) = (names.value(row), optional_text(&bodies, row));
                    counted.add(period, name, level, place, body.unwrap_or_default());
                    if let Some(trace) = optional_text(&traces, row)
                        && period == 0
                        && is_error(level)
                    {
                        troubled.add(trace, name);
                    }
                }
                reservation
                    .try_resize(counted.bytes() + troubled.bytes())
                    .map_err(from_datafusion)?;
            }
        }
        let (patterns, coarse) = counted.finish();
        if coarse {
            session.note_incomplete(
                "there are too many different texts or services: log patterns are coarser than the texts are",
            );
        }
        Ok(Self { patterns, troubled })
    }

    /// Whether there are records of the baseline.
    pub(super) fn have_baseline(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.counts[1] > 0)
    }
}

/// Whether a level is that of an error.
pub(super) fn is_error(level: &str) -> bool {
    matches!(level, "error" | "fatal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_with_the_lowest_ids_are_remembered_whatever_their_order() {
        let ids: Vec<String> = (0..MAX_TRACES + 100)
            .map(|id| format!("{id:032x}"))
            .collect();
        let mut up = TroubledTraces::default();
        let mut down = TroubledTraces::default();
        for id in &ids {
            up.add(id, "cart");
        }
        for id in ids.iter().rev() {
            down.add(id, "cart");
            down.add(id, "shop");
        }
        assert_eq!(up.0.len(), MAX_TRACES);
        assert!(up.0.keys().eq(down.0.keys()));
        assert!(up.0.keys().eq(&ids[..MAX_TRACES]));
        assert!(down.of(&ids[7]).eq(["cart", "shop"]));
        assert_eq!(down.of(&ids[MAX_TRACES]).count(), 0);
    }
}
