//! What a list of traces says about each, added up over all of its spans at any time.

use std::collections::HashMap;

use arrow::array::{Array as _, Int64Array, StringArray};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn::{count, max, min, sum};
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::logical_expr::{Expr, ExprFunctionExt as _, cast, when};
use datafusion::prelude::{col, lit};
use spoor_storage::{Error, Result, Table, TraceId};

use crate::failure::from_datafusion;
use crate::otlp::{integers, nanoseconds, strings};
use crate::parameters::Order;
use crate::session::QuerySession;

/// One trace in a list.
#[derive(Debug, Default)]
pub(crate) struct TraceSummary {
    pub(crate) start_ns: i64,
    pub(crate) end_ns: i64,
    pub(crate) root: Option<RootSpan>,
    pub(crate) span_count: i64,
    pub(crate) error_count: i64,
    pub(crate) matched_spans: i64,
    /// The one with the most spans first.
    pub(crate) services: Vec<ServiceSummary>,
}

/// The earliest span without a parent, and of several at one instant the one with the least id.
#[derive(Debug)]
pub(crate) struct RootSpan {
    pub(crate) start_ns: i64,
    span_id: String,
    pub(crate) service_name: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) status_code: String,
}

/// One service of a trace.
#[derive(Debug)]
pub(crate) struct ServiceSummary {
    pub(crate) service_name: String,
    pub(crate) span_count: i64,
    pub(crate) error_count: i64,
}

const LOOKED_AT: [&str; 9] = [
    "trace_id",
    "span_id",
    "parent_span_id",
    "service_name",
    "name",
    "kind",
    "start_time",
    "duration_ns",
    "status_code",
];
/// Whether a span matches the search.
const MATCHED: &str = "matched";
const ROOT_COLUMNS: [&str; 5] = ["start_time", "span_id", "name", "kind", "status_code"];

/// Summaries of traces; `matches` says which of their spans match the search. Spans that are the
/// same in all that is looked at here are retries and count once.
pub(crate) async fn summarize(
    session: &QuerySession,
    ids: &[TraceId],
    matches: Expr,
) -> Result<HashMap<TraceId, TraceSummary>> {
    let mut summaries = HashMap::with_capacity(ids.len());
    if ids.is_empty() {
        return Ok(summaries);
    }
    let wanted = ids.iter().map(|id| lit(id.to_string())).collect();
    let of_these = col("trace_id").in_list(wanted, false);
    let few = session.few(Table::Spans, &of_these, (Order::Desc, usize::MAX));
    let (spans, matched) = if let Some(few) = few.await? {
        let spans = few.table_with(&LOOKED_AT, (MATCHED, &matches)).await?;
        let Some(spans) = spans else {
            return Ok(summaries);
        };
        (spans, col(MATCHED))
    } else {
        let spans = session.table(Table::Spans).await?.filter(of_these);
        (spans.map_err(from_datafusion)?, matches)
    };
    let mut columns: Vec<Expr> = LOOKED_AT.into_iter().map(col).collect();
    // A number: of `IS TRUE`, and of `IS NOT TRUE` by itself, DataFusion's planner says that it is
    // nullable when it runs and that it is not before, and refuses its own plan.
    columns.push(one_if(matched)?.alias(MATCHED));
    let end = cast(col("start_time"), DataType::Int64)
        + when(col("duration_ns").lt(lit(0_i64)), lit(0_i64))
            .otherwise(col("duration_ns"))
            .map_err(from_datafusion)?;
    let mut totals = vec![
        count(lit(1_i64)).alias("spans"),
        sum(one_if(col("status_code").eq(lit("ERROR")))?).alias("errors"),
        sum(col(MATCHED)).alias("matches"),
        min(col("start_time")).alias("start"),
        max(end).alias("end"),
    ];
    for column in ROOT_COLUMNS {
        totals.push(of_first_root(column)?);
    }
    let frame = spans
        .select(columns)
        .and_then(DataFrame::distinct)
        .and_then(|frame| frame.aggregate(vec![col("trace_id"), col("service_name")], totals))
        .map_err(from_datafusion)?;
    for batch in session.collect(frame).await? {
        add_batch(&mut summaries, &batch)?;
    }
    for summary in summaries.values_mut() {
        summary.services.sort_by(|a, b| {
            b.span_count
                .cmp(&a.span_count)
                .then_with(|| a.service_name.cmp(&b.service_name))
        });
    }
    Ok(summaries)
}

fn one_if(condition: Expr) -> Result<Expr> {
    when(condition, lit(1_i64))
        .otherwise(lit(0_i64))
        .map_err(from_datafusion)
}

/// A column of the earliest span without a parent.
fn of_first_root(column: &str) -> Result<Expr> {
    let first = first_value_udaf()
        .call(vec![col(column)])
        .order_by(vec![
            col("start_time").sort(true, false),
            col("span_id").sort(true, false),
        ])
        .filter(col("parent_span_id").is_null())
        .build()
        .map_err(from_datafusion)?;
    Ok(first.alias(format!("root_{column}")))
}

/// One row for every service of every trace.
fn add_batch(summaries: &mut HashMap<TraceId, TraceSummary>, batch: &RecordBatch) -> Result<()> {
    let column = |name: &str| {
        batch
            .column_by_name(name)
            .ok_or_else(|| Error::internal(format!("the summary lacks the column `{name}`")))
    };
    let text = |name: &str| -> Result<StringArray> { strings(column(name)?) };
    let number = |name: &str| -> Result<Int64Array> { integers(column(name)?) };
    let (ids, services) = (text("trace_id")?, text("service_name")?);
    let (spans, errors, matches) = (number("spans")?, number("errors")?, number("matches")?);
    let (starts, ends) = (nanoseconds(column("start")?)?, number("end")?);
    let root_start = nanoseconds(column("root_start_time")?)?;
    let (root_ids, names, kinds, codes) = (
        text("root_span_id")?,
        text("root_name")?,
        text("root_kind")?,
        text("root_status_code")?,
    );
    for row in 0..ids.len() {
        let summary = summaries
            .entry(ids.value(row).parse()?)
            .or_insert_with(|| TraceSummary {
                start_ns: i64::MAX,
                end_ns: i64::MIN,
                ..TraceSummary::default()
            });
        summary.start_ns = summary.start_ns.min(starts.value(row));
        summary.end_ns = summary.end_ns.max(ends.value(row));
        summary.span_count += spans.value(row);
        summary.error_count += errors.value(row);
        summary.matched_spans += matches.value(row);
        summary.services.push(ServiceSummary {
            service_name: services.value(row).to_owned(),
            span_count: spans.value(row),
            error_count: errors.value(row),
        });
        let place = (root_start.value(row), root_ids.value(row));
        let earliest = summary
            .root
            .as_ref()
            .is_none_or(|root| place < (root.start_ns, root.span_id.as_str()));
        if root_start.is_valid(row) && earliest {
            summary.root = Some(RootSpan {
                start_ns: root_start.value(row),
                span_id: root_ids.value(row).to_owned(),
                service_name: services.value(row).to_owned(),
                name: names.value(row).to_owned(),
                kind: kinds.value(row).to_owned(),
                status_code: codes.value(row).to_owned(),
            });
        }
    }
    Ok(())
}
