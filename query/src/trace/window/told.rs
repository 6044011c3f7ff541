//! What a window's answer says of the whole trace if it is asked for.

use arrow::record_batch::RecordBatch;
use datafusion::prelude::{col, lit};
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{Result, Table, TraceId};

use super::whole::WholeTrace;
use crate::failure::from_datafusion;
use crate::otlp::{JsonWriter, SpanColumns, SpanRef};
use crate::session::QuerySession;
use crate::trace::origin::logs::{OriginLog, logs_of};
use crate::trace::origin::write_origin;
use crate::trace::overview::{write_services, write_skew, write_warnings};

/// What is read for it: the span where the failure began, and what was logged there.
#[derive(Debug)]
pub(super) struct Told {
    origin: Option<(SpanColumns, usize, Vec<OriginLog>)>,
}

impl Told {
    pub(super) async fn of(
        session: &QuerySession,
        id: TraceId,
        trace: &WholeTrace,
    ) -> Result<Self> {
        let Some(origin) = &trace.origin else {
            return Ok(Self { origin: None });
        };
        let span = &trace.spans[origin.place()];
        let logs = logs_of(session, id, span.span_id).await?;
        let columns = [
            "trace_id",
            "span_id",
            "service_name",
            "name",
            "kind",
            "start_time",
            "duration_ns",
            "status_code",
            "status_message",
            "events",
            RECORD_ID,
        ];
        let frame = session
            .table(Table::Spans)
            .await?
            .filter(col("trace_id").eq(lit(id.to_string())))
            .and_then(|frame| frame.filter(col("span_id").eq(lit(span.span_id.to_string()))))
            .and_then(|frame| frame.select_columns(&columns))
            .and_then(|frame| frame.sort(vec![col(RECORD_ID).sort(true, false)]))
            .map_err(from_datafusion)?;
        let batches: Vec<RecordBatch> = session.collect(frame).await?;
        let mut found = None;
        for batch in &batches {
            let columns = SpanColumns::open_part(batch)?;
            // The two halves of a call may share an id.
            let is_it = |row: &usize| {
                columns.start_ns(*row) == span.start_ns
                    && columns.duration_ns(*row) == span.duration_ns
                    && columns.kind(*row) == &*trace.operation(span)[2]
                    && (columns.status_code(*row) == "ERROR") == span.error
            };
            if let Some(row) = (0..columns.len()).find(is_it) {
                found = Some((columns, row, logs));
                break;
            }
        }
        Ok(Self { origin: found })
    }

    pub(super) fn write(&self, json: &mut JsonWriter, trace: &WholeTrace) {
        let services = trace.services.iter();
        write_services(json, services.map(|(name, total)| (&**name, *total)));
        json.key("service_count");
        json.count(trace.service_count);
        write_warnings(json, &trace.warnings);
        let pairs = trace.skew.iter();
        write_skew(
            json,
            pairs.map(|(caller, called, skew)| (&**caller, &**called, *skew)),
        );
        json.key("adjusted");
        json.begin_object();
        json.key("start_offset_ns");
        let adjusted = trace.adjusted;
        json.int(adjusted.start_ns.saturating_sub(trace.extent.start_ns));
        json.key("duration_ns");
        json.int(adjusted.duration_ns());
        json.end_object();
        let origin = trace.origin.as_ref().zip(self.origin.as_ref());
        let told = origin.map(|(origin, (columns, row, logs))| {
            let span = SpanRef { columns, row: *row };
            (origin, span, logs.as_slice())
        });
        write_origin(json, told);
    }
}
