//! The critical path: the time in which each span, by itself, kept the trace from ending.

use super::assemble::{SpanNode, Tree};

/// A span on the path and the part of its children that has been walked.
struct Frame {
    place: usize,
    start_ns: i64,
    /// From here backwards it is not yet known who kept the trace.
    cursor_ns: i64,
    /// Start, end and place of children, the one that ended last at the end; cut at the parent's end.
    children: Vec<(i64, i64, usize)>,
}

/// A part of the critical path: from when to when a span by itself kept the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CriticalPart {
    pub(super) place: usize,
    pub(super) from_ns: i64,
    pub(super) to_ns: i64,
}

/// Nanoseconds on the critical path by place in the tree.
pub(super) fn critical_times(tree: &Tree, parts: &[CriticalPart]) -> Vec<i64> {
    let mut times = vec![0_i64; tree.order.len()];
    for part in parts {
        let time = &mut times[part.place];
        *time = time.saturating_add(part.to_ns.saturating_sub(part.from_ns));
    }
    times
}

/// The critical path, its last part first. None is empty.
///
/// From the end of the longest root backwards, always into the child that ended last, since the parent was
/// waiting for it; where no child ran, the span itself is the reason. The parts do not overlap and add up to
/// the root's duration. Children that outlive their parent are cut, as nothing waited for their rest.
pub(super) fn critical_parts(spans: &[SpanNode], tree: &Tree) -> Vec<CriticalPart> {
    let mut parts = Vec::new();
    let mut add = |place: usize, from_ns: i64, to_ns: i64| {
        if to_ns > from_ns {
            parts.push(CriticalPart {
                place,
                from_ns,
                to_ns,
            });
        }
    };
    let duration = |place: &usize| spans[tree.order[*place].span].duration_ns;
    let roots = (0..tree.order.len()).filter(|place| tree.order[*place].depth == 0);
    let Some(root) = roots.max_by_key(|place| (duration(place), std::cmp::Reverse(*place))) else {
        return parts;
    };
    // A stack of our own: traces can be deeper than a thread's.
    let mut stack = vec![Frame::of(spans, tree, root, i64::MIN, i64::MAX)];
    while let Some(frame) = stack.last_mut() {
        let Some((start_ns, end_ns, child)) = frame.children.pop() else {
            add(frame.place, frame.start_ns, frame.cursor_ns);
            stack.pop();
            continue;
        };
        // It ran beside one that is on the path already and ended later: nothing waited for it.
        if end_ns > frame.cursor_ns || end_ns <= start_ns {
            continue;
        }
        add(frame.place, end_ns, frame.cursor_ns);
        frame.cursor_ns = start_ns;
        stack.push(Frame::of(spans, tree, child, start_ns, end_ns));
    }
    parts
}

impl Frame {
    fn of(spans: &[SpanNode], tree: &Tree, place: usize, from_ns: i64, to_ns: i64) -> Self {
        let placed = &tree.order[place];
        let span = &spans[placed.span];
        let (start_ns, end_ns) = (span.start_ns.max(from_ns), span.end_ns().min(to_ns));
        let mut children = Vec::with_capacity(placed.child_count);
        let mut at = place + 1;
        while at <= place + placed.descendant_count {
            let child = &spans[tree.order[at].span];
            children.push((child.start_ns.max(start_ns), child.end_ns().min(end_ns), at));
            at += 1 + tree.order[at].descendant_count;
        }
        // Of those that ended at once the first in the tree is walked first.
        children.sort_by_key(|(_, end_ns, at)| (*end_ns, std::cmp::Reverse(*at)));
        Self {
            place,
            start_ns,
            cursor_ns: end_ns,
            children,
        }
    }
}

#[cfg(test)]
mod tests {
    use spoor_storage::SpanId;

    use super::*;
    use crate::trace::assemble::{Side, assemble};

    fn span(id: u64, parent: u64, start_ns: i64, end_ns: i64) -> SpanNode {
        SpanNode {
            span_id: SpanId(id.to_be_bytes()),
            parent_span_id: (parent > 0).then(|| SpanId(parent.to_be_bytes())),
            side: Side::Other,
            start_ns,
            duration_ns: end_ns - start_ns,
            error: false,
        }
    }

    fn times(spans: &[SpanNode]) -> Vec<i64> {
        let tree = assemble(spans);
        critical_times(&tree, &critical_parts(spans, &tree))
    }

    #[test]
    fn who_kept_the_trace_from_ending() {
        // 2 and 3 run side by side, 4 after them outlives its parent; 5 is another root.
        let spans = [
            span(1, 0, 0, 100),
            span(2, 1, 10, 40),
            span(3, 1, 10, 50),
            span(4, 1, 60, 130),
            span(5, 0, 0, 30),
        ];
        assert_eq!(times(&spans), [20, 0, 40, 40, 0]);
        let parts = critical_parts(&spans, &assemble(&spans));
        let parts: Vec<_> = parts
            .iter()
            .map(|part| (part.place, part.from_ns, part.to_ns))
            .collect();
        // The last part first, and each begins where the one before it ends.
        assert_eq!(parts, [(3, 60, 100), (0, 50, 60), (2, 10, 50), (0, 0, 10)]);
    }

    #[test]
    fn parts_add_up_to_the_root_however_deep() {
        let spans: Vec<SpanNode> = (1..=10_000_u64)
            .map(|id| span(id, id - 1, id.cast_signed(), 40_000 - id.cast_signed()))
            .collect();
        let times = times(&spans);
        assert_eq!(times.iter().sum::<i64>(), 39_998);
        assert_eq!((times[0], times[5_000]), (2, 2));
        assert_eq!(critical_parts(&[], &assemble(&[])), []);
    }
}
