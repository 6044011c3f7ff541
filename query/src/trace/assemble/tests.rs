use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn id(number: u64) -> SpanId {
    SpanId(number.to_be_bytes())
}

fn span(number: u64, parent: u64, start_ns: i64, duration_ns: i64) -> SpanNode {
    SpanNode {
        span_id: id(number),
        parent_span_id: (parent != 0).then(|| id(parent)),
        side: Side::Other,
        start_ns,
        duration_ns,
        error: false,
    }
}

fn half(number: u64, parent: u64, start_ns: i64, side: Side) -> SpanNode {
    SpanNode {
        side,
        ..span(number, parent, start_ns, 10)
    }
}

/// `input index @ depth` of every span, in order.
fn shape(tree: &Tree) -> Vec<(usize, usize)> {
    tree.order
        .iter()
        .map(|placed| (placed.span, placed.depth))
        .collect()
}

#[test]
fn children_follow_their_parent_by_start_time() {
    let spans = [
        span(4, 2, 30, 5),
        span(3, 1, 60, 10),
        span(1, 0, 0, 100),
        span(2, 1, 10, 40),
        span(5, 2, 15, 5),
    ];
    let tree = assemble(&spans);
    assert_eq!(shape(&tree), [(2, 0), (3, 1), (4, 2), (0, 2), (1, 1)]);
    let root = tree.order[0];
    assert_eq!((root.child_count, root.descendant_count), (2, 4));
    assert_eq!(root.self_time_ns, 100 - 40 - 10);
    assert_eq!(tree.order[1].self_time_ns, 40 - 5 - 5);
    assert_eq!(tree.order[2].parent, Some(1));
    assert_eq!((tree.root_count, tree.cycle_count), (1, 0));
}

#[test]
fn self_time_is_what_no_child_covers() {
    let own = |parent: SpanNode, children: &[(i64, i64)]| {
        let mut spans = vec![parent];
        for (number, &(start, duration)) in (2..).zip(children) {
            spans.push(span(number, 1, start, duration));
        }
        assemble(&spans)
            .order
            .iter()
            .find(|placed| placed.span == 0)
            .unwrap()
            .self_time_ns
    };
    let parent = span(1, 0, 100, 100);
    assert_eq!(own(parent, &[]), 100);
    assert_eq!(
        own(parent, &[(110, 20), (120, 20)]),
        70,
        "overlap counts once"
    );
    assert_eq!(
        own(parent, &[(110, 50), (120, 10)]),
        50,
        "one inside the other"
    );
    assert_eq!(
        own(parent, &[(50, 60), (190, 500)]),
        80,
        "clipped at both ends"
    );
    assert_eq!(
        own(parent, &[(0, 10), (300, 10)]),
        100,
        "outside covers nothing"
    );
    assert_eq!(own(parent, &[(0, 1000)]), 0);
    assert_eq!(
        own(parent, &[(150, -100)]),
        100,
        "a child that ends before it starts"
    );
    assert_eq!(own(span(1, 0, 100, 0), &[(90, 50)]), 0);
    assert_eq!(own(span(1, 0, 100, -50), &[(60, 30)]), 0);
    assert_eq!(
        own(span(1, 0, i64::MAX, i64::MAX), &[(i64::MIN, i64::MAX)]),
        0
    );
}

#[test]
fn server_half_hangs_below_its_client_half_and_takes_the_children() {
    // The server's clock is ahead: it seems to start before the client.
    let spans = [
        half(2, 1, 50, Side::Client),
        half(2, 1, 20, Side::Server),
        span(3, 2, 25, 5),
        span(1, 0, 0, 100),
    ];
    let tree = assemble(&spans);
    assert_eq!(shape(&tree), [(3, 0), (0, 1), (1, 2), (2, 3)]);
    assert_eq!(callers(&spans), [Some(3), Some(0), Some(1), None]);
}

#[test]
fn a_shared_id_without_a_server_half_gives_children_to_the_earliest() {
    let spans = [
        half(1, 0, 5, Side::Other),
        half(1, 0, 3, Side::Other),
        span(2, 1, 6, 1),
    ];
    assert_eq!(callers(&spans), [None, None, Some(1)]);
}

#[test]
fn a_root_shared_by_both_halves_is_one_tree() {
    let spans = [
        half(1, 0, 5, Side::Server),
        half(1, 0, 3, Side::Client),
        span(2, 1, 6, 1),
    ];
    assert_eq!(shape(&assemble(&spans)), [(1, 0), (0, 1), (2, 2)]);
}

#[test]
fn spans_whose_parent_is_not_here_are_roots_that_say_so() {
    let spans = [span(2, 9, 5, 1), span(1, 0, 0, 10), span(3, 9, 2, 1)];
    let tree = assemble(&spans);
    assert_eq!(shape(&tree), [(1, 0), (2, 0), (0, 0)]);
    let missing: Vec<bool> = tree
        .order
        .iter()
        .map(|placed| placed.missing_parent)
        .collect();
    assert_eq!(missing, [false, true, true]);
    assert_eq!(tree.root_count, 3);
}

#[test]
fn errors_are_seen_from_above_and_not_from_beside() {
    let mut spans = [
        span(1, 0, 0, 10),
        span(2, 1, 1, 5),
        span(3, 2, 2, 1),
        span(4, 1, 3, 1),
    ];
    spans[2].error = true;
    let below: Vec<bool> = assemble(&spans)
        .order
        .iter()
        .map(|p| p.error_below)
        .collect();
    assert_eq!(below, [true, true, false, false]);
}

#[test]
fn cycles_are_cut_at_their_earliest_span() {
    let spans = [
        span(1, 3, 30, 1),
        span(2, 1, 10, 1),
        span(3, 2, 20, 1),
        span(4, 3, 40, 1),
    ];
    let tree = assemble(&spans);
    assert_eq!(shape(&tree), [(1, 0), (2, 1), (0, 2), (3, 2)]);
    assert_eq!(tree.cycle_count, 1);
    assert!(!tree.order[0].missing_parent, "its parent is here");
    let own = [span(7, 7, 0, 1)];
    assert_eq!(
        (shape(&assemble(&own)), assemble(&own).cycle_count),
        (vec![(0, 0)], 1)
    );
    // A client half that names its own id as parent: the server half below it leads back.
    let shared = [half(1, 1, 0, Side::Client), half(1, 1, 1, Side::Server)];
    assert_eq!(shape(&assemble(&shared)), [(0, 0), (1, 1)]);
}

#[test]
fn a_long_chain_does_not_overflow_the_stack() {
    let count = 10_000;
    let spans: Vec<SpanNode> = (1..=count)
        .rev()
        .map(|n| span(n, n - 1, i64::try_from(n).unwrap(), 1))
        .collect();
    // A thread with the smallest stack there is.
    let tree = std::thread::Builder::new()
        .stack_size(64 << 10)
        .spawn(move || assemble(&spans))
        .unwrap()
        .join()
        .unwrap();
    assert_eq!(tree.order.last().unwrap().depth, 9_999);
    assert_eq!(tree.order[0].descendant_count, 9_999);
}

#[test]
fn a_hundred_thousand_spans_take_well_under_a_second() {
    // A few ids are shared, one parent has 50,000 children, the rest hang in chains of ten.
    let spans: Vec<SpanNode> = (1..=100_000_u64)
        .map(|n| match n {
            1 => span(1, 0, 0, 1_000_000),
            2..50_000 => span(n, 1, i64::try_from(n * 7 % 9_999).unwrap(), 20),
            _ if n % 10 == 0 => span(n, 1, i64::try_from(n).unwrap(), 100),
            _ => span(n, n - 1, i64::try_from(n).unwrap(), 10),
        })
        .collect();
    let began = Instant::now();
    let tree = assemble(&spans);
    // Measured: 0.1 s in a debug build on a busy core.
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    assert_eq!((tree.order.len(), tree.root_count), (100_000, 1));
}

fn any_span() -> impl Strategy<Value = SpanNode> {
    let side = prop_oneof![Just(Side::Client), Just(Side::Other), Just(Side::Server)];
    (
        1..12_u64,
        0..14_u64,
        -20..20_i64,
        -5..30_i64,
        side,
        any::<bool>(),
    )
        .prop_map(
            |(number, parent, start_ns, duration_ns, side, error)| SpanNode {
                side,
                error,
                ..span(number, parent, start_ns, duration_ns)
            },
        )
}

proptest! {
    /// Whatever the parents say, every span is placed once, below its parent, and sums are right.
    #[test]
    fn any_spans_make_a_tree(spans in prop::collection::vec(any_span(), 0..40)) {
        let tree = assemble(&spans);
        let mut seen: Vec<usize> = tree.order.iter().map(|placed| placed.span).collect();
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..spans.len()).collect::<Vec<_>>());
        let callers = callers(&spans);
        for (place, placed) in tree.order.iter().enumerate() {
            let below = &tree.order[place + 1..];
            let inside = below.iter().take_while(|other| other.depth > placed.depth);
            prop_assert_eq!(placed.descendant_count, inside.clone().count());
            prop_assert_eq!(
                placed.error_below,
                inside.clone().any(|other| spans[other.span].error)
            );
            let own: Vec<_> = inside.filter(|other| other.parent == Some(place)).collect();
            prop_assert_eq!(placed.child_count, own.len());
            prop_assert!(own.iter().all(|child| child.depth == placed.depth + 1));
            prop_assert_eq!(placed.parent.is_none(), placed.depth == 0);
            if let Some(parent) = placed.parent {
                prop_assert!(parent < place);
                prop_assert_eq!(callers[placed.span], Some(tree.order[parent].span));
            }
            // Self time, by brute force over every instant.
            let span = &spans[placed.span];
            let free = (span.start_ns..span.end_ns()).filter(|&instant| {
                !own.iter().any(|child| {
                    let child = &spans[child.span];
                    (child.start_ns..child.end_ns()).contains(&instant)
                })
            });
            prop_assert_eq!(placed.self_time_ns, i64::try_from(free.count()).unwrap());
        }
        let cut = tree.order.iter().filter(|placed| {
            placed.parent.is_none() && callers[placed.span].is_some()
        });
        prop_assert_eq!(tree.cycle_count, cut.count());
    }
}
