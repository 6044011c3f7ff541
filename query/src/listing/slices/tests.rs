use super::*;
use crate::testing::Dice;

const ORDERS: [Order; 2] = [Order::Asc, Order::Desc];

/// All slices, if none finds anything.
fn all(mut slices: Slices) -> Vec<TimeRange> {
    let mut all = Vec::new();
    while let Some(slice) = slices.next() {
        slices.found(0, 1);
        all.push(slice);
    }
    all
}

fn range(start_ns: i64, end_ns: i64) -> TimeRange {
    TimeRange { start_ns, end_ns }
}

#[test]
fn slices_grow_from_the_near_end() {
    let stretches = || [(0, 999_999, 1_000_000)].into_iter();
    let newest = Slices::of(stretches(), TimeRange::ALL, Order::Desc, 1_000);
    assert_eq!(
        all(newest),
        [
            range(999_000, i64::MAX),
            range(935_000, 999_000),
            range(i64::MIN, 935_000)
        ]
    );
    let oldest = Slices::of(stretches(), range(500_000, 600_000), Order::Asc, 1_000);
    assert_eq!(
        all(oldest),
        [
            range(500_000, 501_000),
            range(501_000, 565_000),
            range(565_000, 600_000)
        ]
    );
}

#[test]
fn the_next_slice_is_as_long_as_what_is_missing_needs() {
    let rows = |found, missing| {
        let mut slices = Slices::of(
            [(0, 999_999_999, 1_000_000_000)].into_iter(),
            TimeRange::ALL,
            Order::Asc,
            1_000,
        );
        let first = slices.next().unwrap();
        slices.found(found, missing);
        slices.next().unwrap().end_ns - first.end_ns
    };
    assert_eq!(rows(10, 50), 10_000);
    assert_eq!(rows(90, 10), 2_000);
    assert_eq!(rows(1, 1_000), 64_000);
    assert_eq!(rows(0, 1), 64_000);
}

#[test]
fn many_files_of_one_instant_are_one_slice_or_the_next() {
    let stretches = (0..100).map(|_| (7, 7, 50)).chain([(9, 9, 50)]);
    let slices = Slices::of(stretches, TimeRange::ALL, Order::Asc, 10);
    let all = all(slices);
    assert_eq!(all.first().unwrap().start_ns, i64::MIN);
    assert_eq!(all.last().unwrap().end_ns, i64::MAX);
    assert!(all.len() < 5, "{all:?}");
}

#[test]
fn without_rows_there_is_no_slice() {
    for order in ORDERS {
        let slices = Slices::of(std::iter::empty(), TimeRange::ALL, order, 10);
        assert_eq!(all(slices), []);
        let outside = Slices::of([(10, 20, 5)].into_iter(), range(21, 30), order, 10);
        assert_eq!(all(outside), []);
    }
}

#[test]
fn slices_are_the_whole_range_and_do_not_overlap() {
    let mut dice = Dice(5);
    for case in 0..500 {
        let ends = [i64::MIN, i64::MAX - 1, 0, 1_000];
        let instant = |dice: &mut Dice| match dice.below(12) {
            0 => ends[dice.below(4)],
            _ => i64::try_from(dice.below(3_000)).unwrap() * [1, 1_000_000][dice.below(2)],
        };
        let stretches: Vec<Stretch> = (0..=dice.below(12))
            .map(|_| {
                let (a, b) = (instant(&mut dice), instant(&mut dice));
                (a.min(b), a.max(b), dice.below(2_000) as u64)
            })
            .collect();
        let whole = if dice.below(3) == 0 {
            TimeRange::ALL
        } else {
            let (a, b) = (instant(&mut dice), instant(&mut dice));
            range(a.min(b), a.max(b) + 1)
        };
        let first = 1 + dice.below(500) as u64;
        for order in ORDERS {
            let mut slices = Slices::of(stretches.iter().copied(), whole, order, first);
            let mut all = Vec::new();
            while let Some(slice) = slices.next() {
                slices.found(dice.below(3), 1 + dice.below(5));
                all.push(slice);
                assert!(all.len() < 5_000, "case {case}: no end");
            }
            if order == Order::Desc {
                all.reverse();
            }
            assert!(all.iter().all(|slice| slice.start_ns < slice.end_ns));
            let ends = all
                .windows(2)
                .all(|pair| pair[0].end_ns == pair[1].start_ns);
            assert!(ends, "case {case}: {all:?}");
            let around = all.first().zip(all.last());
            if let Some((first, last)) = around {
                assert_eq!(range(first.start_ns, last.end_ns), whole, "case {case}");
            }
            let has_rows = stretches
                .iter()
                .any(|(min, max, _)| whole.overlaps(*min, *max));
            assert_eq!(has_rows, around.is_some(), "case {case}");
        }
    }
}
