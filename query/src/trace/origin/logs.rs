//! What was logged at the origin of a failure.

use datafusion::prelude::{col, lit};
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{Result, SpanId, Table, TraceId};

use crate::failure::from_datafusion;
use crate::language::level_of;
use crate::otlp::{JsonWriter, integers, nanoseconds, optional_text, strings};
use crate::session::QuerySession;

/// The last lines are the ones that tell.
const MAX_LINES: usize = 20;

/// One log record.
#[derive(Debug)]
pub(crate) struct OriginLog {
    record_id: i64,
    time_ns: i64,
    level: &'static str,
    body: Option<String>,
}

/// The last log records of a span, the oldest of them first.
pub(crate) async fn logs_of(
    session: &QuerySession,
    trace: TraceId,
    span: SpanId,
) -> Result<Vec<OriginLog>> {
    let of_span = col("trace_id")
        .eq(lit(trace.to_string()))
        .and(col("span_id").eq(lit(span.to_string())));
    let columns = [
        RECORD_ID,
        "time",
        "severity_number",
        "severity_text",
        "body",
    ];
    let newest = vec![
        col("time").sort(false, false),
        col(RECORD_ID).sort(false, false),
    ];
    let frame = session
        .table(Table::Logs)
        .await?
        .filter(of_span)
        .and_then(|frame| frame.select_columns(&columns))
        .and_then(|frame| frame.sort(newest))
        .and_then(|frame| frame.limit(0, Some(MAX_LINES)))
        .map_err(from_datafusion)?;
    let mut logs = Vec::new();
    for batch in session.collect(frame).await? {
        let (ids, times) = (integers(batch.column(0))?, nanoseconds(batch.column(1))?);
        let (numbers, texts) = (integers(batch.column(2))?, strings(batch.column(3))?);
        let bodies = strings(batch.column(4))?;
        for row in 0..ids.len() {
            let number = i32::try_from(numbers.value(row)).unwrap_or_default();
            logs.push(OriginLog {
                record_id: ids.value(row),
                time_ns: times.value(row),
                level: level_of(number, optional_text(&texts, row)),
                body: optional_text(&bodies, row).map(str::to_owned),
            });
        }
    }
    logs.reverse();
    Ok(logs)
}

pub(crate) fn write_logs(json: &mut JsonWriter, logs: &[OriginLog]) {
    json.key("logs");
    json.list(logs, |json, log| {
        json.begin_object();
        json.key("id");
        json.int_string(log.record_id);
        json.key("time_unix_nano");
        json.int_string(log.time_ns);
        json.key("level");
        json.string(log.level);
        json.key("body");
        json.optional_string(log.body.as_deref());
        json.end_object();
    });
}
