//! `in_spans(span_id)`: whether a row belongs to one of many spans, which the function knows how to tell.
//!
//! What is below a span of a trace may be a million others: no list of ids is made of them.

use std::fmt::Debug;
use std::sync::Arc;

use datafusion::logical_expr::Expr;
use spoor_storage::SpanId;

use super::in_ids::{IdSet, in_ids};

/// Some spans.
pub(crate) trait SpanSet: Debug + Send + Sync {
    /// Whether one of them has this id.
    fn has(&self, id: SpanId) -> bool;
}

/// The condition that `span_id`, as text or as it is stored, is of one of the spans; null where it is null.
pub(crate) fn in_spans(span_id: Expr, spans: Arc<dyn SpanSet>) -> Expr {
    in_ids(span_id, spans)
}

impl IdSet for dyn SpanSet {
    const NAME: &'static str = "in_spans";
    const ID_BYTES: i32 = 8;

    fn has_bytes(&self, id: &[u8]) -> bool {
        id.try_into().is_ok_and(|id| self.has(SpanId(id)))
    }

    fn has_text(&self, id: &str) -> bool {
        id.parse().is_ok_and(|id| self.has(id))
    }
}
