//! Exceptions as rows of either table have them.

use arrow::record_batch::RecordBatch;
use datafusion::logical_expr::Expr;
use datafusion::prelude::col;
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{Result, Table};

use super::group::{Origin, Source};
use super::{EVENT, Exception, MESSAGE, STACK, TYPE};
use crate::language::field_text;
use crate::listing::RowPlace;
use crate::otlp::{SpanColumns, integers, nanoseconds, optional_text, strings};

/// What of spans is read.
const OF_SPANS: [&str; 7] = [
    "trace_id",
    "span_id",
    "service_name",
    "name",
    "start_time",
    "events",
    RECORD_ID,
];
/// Of logs, beside the attributes.
const OF_LOGS: [&str; 3] = ["time", RECORD_ID, "service_name"];

/// What is read of rows.
pub(super) fn exprs(table: Table) -> Vec<Expr> {
    match table {
        Table::Spans => OF_SPANS.map(col).to_vec(),
        Table::Logs => {
            let attributes = [TYPE, MESSAGE, STACK];
            let attributes = attributes.map(|field| field_text(field, Table::Logs).alias(field));
            OF_LOGS.map(col).into_iter().chain(attributes).collect()
        }
    }
}

/// Calls `each` with every exception of a batch of [`exprs`], which may have other columns, and its row.
pub(super) fn each_exception(
    table: Table,
    batch: &RecordBatch,
    mut each: impl FnMut(usize, Exception<'_>, Origin<'_>),
) -> Result<()> {
    match table {
        Table::Spans => {
            let spans = SpanColumns::open_part(batch)?;
            for row in 0..spans.len() {
                for event in spans.events(row).filter(|event| event.name == EVENT) {
                    let origin = Origin {
                        place: RowPlace {
                            time_ns: spans.start_ns(row),
                            record_id: spans.record_id(row),
                        },
                        service: spans.service_name(row),
                        source: Source::Span {
                            name: spans.name(row),
                            trace_id: spans.trace_id(row),
                            span_id: spans.span_id(row),
                        },
                    };
                    each(row, Exception::of(event.attributes), origin);
                }
            }
        }
        Table::Logs => {
            let first = batch.num_columns() - OF_LOGS.len() - 3;
            let column = |at: usize| batch.column(first + at);
            let (times, ids) = (nanoseconds(column(0))?, integers(column(1))?);
            let services = strings(column(2))?;
            let (kinds, messages) = (strings(column(3))?, strings(column(4))?);
            let stacks = strings(column(5))?;
            for row in 0..batch.num_rows() {
                let exception = Exception {
                    kind: optional_text(&kinds, row),
                    message: optional_text(&messages, row),
                    stack: optional_text(&stacks, row),
                };
                let origin = Origin {
                    place: RowPlace {
                        time_ns: times.value(row),
                        record_id: ids.value(row),
                    },
                    service: services.value(row),
                    source: Source::Log,
                };
                each(row, exception, origin);
            }
        }
    }
    Ok(())
}
