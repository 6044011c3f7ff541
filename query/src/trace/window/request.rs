//! What requests for a window and for places in a trace have in common.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use spoor_storage::{Error, Result, TraceId};
use utoipa::ToSchema;

use super::kept::whole_trace;
use super::whole::WholeTrace;
use crate::session::QuerySession;
use crate::trace::api::not_found;

/// Groups that can be open at once.
const MAX_EXPANDED: usize = 1_000;

/// Which rows stand for several spans.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::trace) struct GroupParameters {
    /// Whether three or more children of one span with the same service, name and kind are one row.
    #[serde(default)]
    #[param(inline)]
    similar: Similar,
    /// The `span_index` of rows of such groups whose spans are rows of their own all the same, with commas between.
    #[serde(default)]
    #[param(example = "1,205")]
    expand: String,
}

/// What similar siblings are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Similar {
    #[default]
    Apart,
    Together,
}

impl GroupParameters {
    /// The groups that are open, if similar siblings are one row. Errors if `expand` is not a list of few numbers.
    pub(super) fn open(&self) -> Result<Option<HashSet<usize>>> {
        let texts = self.expand.split(',').map(str::trim);
        let mut open = HashSet::new();
        for text in texts.filter(|text| !text.is_empty()) {
            let index = text.parse().map_err(|_| {
                Error::invalid(format!("`expand` has `{text}`"))
                    .with_hint("it is a list of `span_index`, with commas between")
            })?;
            open.insert(index);
        }
        if open.len() > MAX_EXPANDED {
            let error = Error::invalid(format!("`expand` has {} groups", open.len()));
            let hint = format!("it may have {MAX_EXPANDED}; `similar=apart` opens all of them");
            return Err(error.with_hint(hint));
        }
        Ok((self.similar == Similar::Together).then_some(open))
    }
}

/// A trace of which spans are stored.
pub(super) async fn stored_trace(session: &QuerySession, id: TraceId) -> Result<Arc<WholeTrace>> {
    let trace = whole_trace(session, id).await?;
    if trace.spans.is_empty() {
        return Err(not_found(session, id));
    }
    Ok(trace)
}

/// Errors if a trace has no span at the place that a parameter names.
pub(super) fn check_place(trace: &WholeTrace, parameter: &str, place: usize) -> Result<()> {
    let count = trace.spans.len();
    if place < count {
        return Ok(());
    }
    let error = Error::invalid(format!("the trace has no span at `{parameter}` {place}"));
    Err(error.with_hint(format!("it has {count} spans, counted from 0")))
}
