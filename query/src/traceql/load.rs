//! Reading candidates and whole traces, only the columns that a query names.

use std::collections::HashMap;

use arrow::record_batch::RecordBatch;
use datafusion::common::JoinType;
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn::max;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{col, lit};
use spoor_storage::{ErrorKind, Result, Table, TimeRange, TraceId};

use super::ast::{Field, Intrinsic, Scope, Target};
use super::field::SERVICE_NAME;
use crate::failure::from_datafusion;
use crate::otlp::{SpanRef, nanoseconds, strings};
use crate::session::QuerySession;
use crate::trace::{LoadedTrace, MAX_SPANS, time_condition};

/// At most so many traces are looked at for one answer.
pub(super) const MAX_CANDIDATES: usize = 100_000;

/// What tells spans apart and builds their tree.
pub(crate) const ALWAYS: [&str; 10] = [
    "trace_id",
    "span_id",
    "parent_span_id",
    "service_name",
    "name",
    "kind",
    "start_time",
    "duration_ns",
    "status_code",
    "record_id",
];

/// A trace that may be in the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The start of its newest span that meets the condition.
    pub(crate) newest_ns: i64,
    pub(crate) id: TraceId,
}

/// Where candidates are looked for.
pub(crate) struct Wanted {
    /// What one of their spans must meet; `None`: nothing.
    pub(crate) condition: Option<Expr>,
    /// Where that span starts.
    pub(crate) range: TimeRange,
    /// What some span of theirs must meet each, wherever it is.
    pub(crate) requirements: Vec<Expr>,
}

impl Wanted {
    /// The same in another range.
    pub(super) fn within(&self, range: TimeRange) -> Self {
        Self {
            condition: self.condition.clone(),
            range,
            requirements: self.requirements.clone(),
        }
    }
}

/// The columns that the fields are made of, beside those that are always read.
pub(super) fn columns_of<'f>(fields: impl IntoIterator<Item = &'f Field>) -> Vec<&'static str> {
    let mut columns: Vec<&'static str> = ALWAYS.to_vec();
    for field in fields {
        field_columns(field, &mut columns);
    }
    columns
}

/// Adds the columns that a field is made of.
pub(super) fn field_columns(field: &Field, columns: &mut Vec<&'static str>) {
    let more: &[&'static str] = match &field.target {
        Target::Intrinsic(intrinsic) => match intrinsic {
            Intrinsic::Name => &["name"],
            Intrinsic::Status => &["status_code"],
            Intrinsic::StatusMessage => &["status_message"],
            Intrinsic::Kind => &["kind"],
            Intrinsic::Duration => &["duration_ns"],
            Intrinsic::SpanId => &["span_id"],
            Intrinsic::ParentId | Intrinsic::NestedSetParent => &["parent_span_id"],
            Intrinsic::TraceId => &["trace_id"],
            Intrinsic::EventName | Intrinsic::EventTimeSinceStart => &["events", "start_time"],
            Intrinsic::LinkTraceId | Intrinsic::LinkSpanId => &["links"],
            Intrinsic::InstrumentationName => &["scope_name"],
            Intrinsic::InstrumentationVersion => &["scope_version"],
            _ => &[],
        },
        Target::Attribute { scope, key } => match scope {
            Some(Scope::Span) => &["attributes", "attribute_types"],
            Some(Scope::Resource) if key == SERVICE_NAME => &["service_name"],
            Some(Scope::Resource) => &["resource_attributes", "resource_attribute_types"],
            Some(Scope::Event) => &["events"],
            Some(Scope::Link) => &["links"],
            Some(Scope::Instrumentation) => &["scope_attributes", "scope_attribute_types"],
            None if key == SERVICE_NAME => &["attributes", "attribute_types", "service_name"],
            None => &[
                "attributes",
                "attribute_types",
                "resource_attributes",
                "resource_attribute_types",
            ],
        },
    };
    for column in more {
        if !columns.contains(column) {
            columns.push(column);
        }
    }
}

/// Spans that meet a condition.
pub(super) async fn spans_where(
    session: &QuerySession,
    condition: Option<Expr>,
) -> Result<DataFrame> {
    let frame = session.table(Table::Spans).await?;
    match condition {
        Some(condition) => frame.filter(condition).map_err(from_datafusion),
        None => Ok(frame),
    }
}

/// The traces that may be in the answer, newest first, as ids and times.
pub(super) async fn candidates_frame(session: &QuerySession, wanted: &Wanted) -> Result<DataFrame> {
    let time = time_condition("start_time", wanted.range);
    let condition = match (wanted.condition.clone(), time) {
        (Some(condition), Some(time)) => Some(condition.and(time)),
        (condition, time) => condition.or(time),
    };
    let mut frame = spans_where(session, condition).await?;
    for requirement in &wanted.requirements {
        let other = spans_where(session, Some(requirement.clone())).await?;
        frame = other
            .select(vec![col("trace_id").alias("required")])
            .and_then(|other| {
                frame.join(
                    other,
                    JoinType::LeftSemi,
                    &["trace_id"],
                    &["required"],
                    None,
                )
            })
            .map_err(from_datafusion)?;
    }
    let newest = "newest";
    frame
        .aggregate(
            vec![col("trace_id")],
            vec![max(col("start_time")).alias(newest)],
        )
        .and_then(|frame| {
            frame.sort(vec![
                col(newest).sort(false, false),
                col("trace_id").sort(true, false),
            ])
        })
        .and_then(|frame| frame.limit(0, Some(MAX_CANDIDATES + 1)))
        .map_err(from_datafusion)
}

/// The traces that may be in the answer, newest first.
pub(crate) async fn candidates(session: &QuerySession, wanted: &Wanted) -> Result<Vec<Candidate>> {
    let frame = candidates_frame(session, wanted).await?;
    candidates_of(&session.collect(frame).await?)
}

/// What [`candidates_frame`] gives.
pub(super) fn candidates_of(batches: &[RecordBatch]) -> Result<Vec<Candidate>> {
    let mut found = Vec::new();
    for batch in batches {
        let (ids, times) = (strings(batch.column(0))?, nanoseconds(batch.column(1))?);
        for row in 0..batch.num_rows() {
            found.push(Candidate {
                newest_ns: times.value(row),
                id: ids.value(row).parse()?,
            });
        }
    }
    Ok(found)
}

/// Whole traces, read as many at a time as fit. A trace that is larger than one may be is cut off,
/// and the answer says so.
pub(crate) async fn load(
    session: &QuerySession,
    columns: &[&str],
    ids: &[TraceId],
) -> Result<HashMap<TraceId, LoadedTrace>> {
    let mut parts = vec![ids];
    let mut loaded = HashMap::with_capacity(ids.len());
    while let Some(part) = parts.pop() {
        match load_at_once(session, columns, part).await {
            Ok(Some(traces)) => loaded.extend(traces),
            Ok(None) => {
                let (left, right) = part.split_at(part.len() / 2);
                parts.extend([left, right]);
            }
            Err(error) if error.kind() == ErrorKind::TooLarge && part.len() > 1 => {
                let (left, right) = part.split_at(part.len() / 2);
                parts.extend([left, right]);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(loaded)
}

/// `None` if they are too many to be read at once.
async fn load_at_once(
    session: &QuerySession,
    columns: &[&str],
    ids: &[TraceId],
) -> Result<Option<HashMap<TraceId, LoadedTrace>>> {
    let wanted = match ids {
        [] => return Ok(Some(HashMap::new())),
        [id] => col("trace_id").eq(lit(id.to_string())),
        _ => col("trace_id").in_list(ids.iter().map(|id| lit(id.to_string())).collect(), false),
    };
    let frame = spans_where(session, Some(wanted))
        .await?
        .select_columns(columns)
        .and_then(|frame| frame.limit(0, Some(MAX_SPANS + 1)))
        .map_err(from_datafusion)?;
    let mut batches = session.collect(frame).await?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if rows > MAX_SPANS {
        if ids.len() > 1 {
            return Ok(None);
        }
        session.note_incomplete(format!(
            "trace `{}` has more than {MAX_SPANS} spans; the rest is not looked at",
            ids[0]
        ));
        let last = batches.pop();
        batches.extend(last.map(|batch| batch.slice(0, batch.num_rows().saturating_sub(1))));
    }
    LoadedTrace::split_parts(&batches, identity).map(Some)
}

/// Equal for spans that a list of traces counts once (see the summaries).
fn identity(span: SpanRef<'_>) -> Vec<u8> {
    let SpanRef { columns, row } = span;
    let mut identity = Vec::with_capacity(96);
    identity.extend_from_slice(&columns.span_id(row));
    match columns.parent_span_id(row) {
        Some(parent) => {
            identity.push(1);
            identity.extend_from_slice(&parent);
        }
        None => identity.push(0),
    }
    identity.extend_from_slice(&columns.start_ns(row).to_le_bytes());
    identity.extend_from_slice(&columns.duration_ns(row).to_le_bytes());
    for text in [
        columns.service_name(row),
        columns.name(row),
        columns.kind(row),
        columns.status_code(row),
    ] {
        identity.extend_from_slice(&text.len().to_le_bytes());
        identity.extend_from_slice(text.as_bytes());
    }
    identity
}
