//! A window of a trace's timeline: as many rows as can be looked at, of a trace of any size.
//!
//! ```text
//!  spans, 7 columns ─► nodes ─► tree ─► rows that reach into the window, as deep as they fit ─► JSON
//! ```
//! A trace of a million spans takes some hundred bytes a span while it is answered, and nothing that grows
//! with attributes. What is not shown is summed up where it hangs.

pub(super) mod api;
mod load;
mod schema;

use super::assemble::{SpanNode, Tree};

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// Nanoseconds since the Unix epoch; a span that ends at or after the first and starts before the second.
    pub(super) from_ns: i64,
    pub(super) to_ns: i64,
    /// Only what is below the span at this place, and itself.
    pub(super) under: Option<usize>,
    /// Only rows at later places.
    pub(super) after: Option<usize>,
    /// Levels shown at most.
    pub(super) depth: usize,
    /// Rows at most.
    pub(super) limit: usize,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) place: usize,
    /// Descendants that are no rows of this answer nor of a page before, whether in the window or not.
    pub(super) hidden_spans: usize,
    pub(super) hidden_errors: usize,
}

/// The rows of a window.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct WindowRows {
    pub(super) rows: Vec<Row>,
    /// Spans in the window, shown or not.
    pub(super) span_count: usize,
    pub(super) error_count: usize,
    /// Levels that are shown; those below are summed up.
    pub(super) depth: usize,
    /// After which place the next page begins, if not all rows of these levels fit.
    pub(super) next_after: Option<usize>,
}

/// For each place how many of the places before it have something.
struct Before(Vec<u32>);

impl Before {
    fn of(tree: &Tree, has: impl Fn(usize) -> bool) -> Self {
        let mut counts = Vec::with_capacity(tree.order.len() + 1);
        let mut count = 0;
        counts.push(0);
        for place in 0..tree.order.len() {
            count += u32::from(has(place));
            counts.push(count);
        }
        Self(counts)
    }

    /// How many from one place to before another.
    fn between(&self, from: usize, to: usize) -> usize {
        (self.0[to] - self.0[from]) as usize
    }
}

impl WindowRows {
    /// The rows of `window`: the most levels of which all rows fit, but always the first level that has any.
    /// Linear in the spans.
    pub(super) fn of(spans: &[SpanNode], tree: &Tree, window: Window) -> Self {
        let order = &tree.order;
        let span = |place: usize| &spans[order[place].span];
        let inside = |place: usize| {
            let span = span(place);
            span.start_ns < window.to_ns && span.end_ns().max(span.start_ns) >= window.from_ns
        };
        let in_window = Before::of(tree, inside);
        let errors = Before::of(tree, |place| span(place).error);
        let first = window.under.unwrap_or(0).min(order.len());
        let end = match order.get(first).filter(|_| window.under.is_some()) {
            Some(placed) => first + 1 + placed.descendant_count,
            None => order.len(),
        };
        let end_of = |place: usize| place + 1 + order[place].descendant_count;
        let top = order.get(first).map_or(0, |placed| placed.depth);
        // A span outside is shown if one below it is inside: it says where that belongs.
        let reaches = |place: &usize| in_window.between(*place, end_of(*place)) > 0;
        let mut by_level = Vec::new();
        for place in (first..end).filter(reaches) {
            let level = order[place].depth - top;
            if level >= by_level.len() {
                by_level.resize(level + 1, 0_usize);
            }
            by_level[level] += 1;
        }
        let mut depth = 0;
        let mut rows_so_far = 0;
        for rows in by_level.iter().take(window.depth) {
            rows_so_far += rows;
            if depth > 0 && rows_so_far > window.limit {
                break;
            }
            depth += 1;
        }
        // Under one span its children are what is asked for, even if they do not all fit.
        if depth == 1 && by_level.first() == Some(&1) && by_level.len() > 1 && window.depth > 1 {
            depth = 2;
        }
        let shown = |place: &usize| reaches(place) && order[*place].depth - top < depth;
        let from = window
            .after
            .map_or(first, |after| after.saturating_add(1).max(first));
        let mut places: Vec<usize> = (from.min(end)..end)
            .filter(shown)
            .take(window.limit + 1)
            .collect();
        let more = places.len() > window.limit;
        places.truncate(window.limit);
        let next_after = places.last().copied().filter(|_| more);
        let last = next_after.map_or(end, |after| after + 1);
        let are_rows = Before::of(tree, |place| {
            place < last && place >= first && shown(&place)
        });
        let failing_rows = Before::of(tree, |place| {
            place < last && place >= first && span(place).error && shown(&place)
        });
        let row = |place: usize| {
            let (below, end) = (place + 1, end_of(place));
            Row {
                place,
                hidden_spans: end - below - are_rows.between(below, end),
                hidden_errors: errors.between(below, end) - failing_rows.between(below, end),
            }
        };
        Self {
            rows: places.into_iter().map(row).collect(),
            span_count: in_window.between(first, end),
            error_count: (first..end)
                .filter(|place| inside(*place) && span(*place).error)
                .count(),
            depth,
            next_after,
        }
    }
}

#[cfg(test)]
mod tests;
