use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use proptest::prelude::*;

use super::*;
use crate::test_rows::{LogRow, logs};

struct Batches {
    begins_ns: i64,
    rest: VecDeque<RecordBatch>,
    /// Most inputs that were begun and not ended at a time, over all that share it.
    open: Rc<Cell<(usize, usize)>>,
    begun: bool,
}

impl Sorted for Batches {
    fn begins_ns(&self) -> i64 {
        self.begins_ns
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let next = self.rest.pop_front();
        let (mut now, most) = self.open.get();
        if !self.begun {
            self.begun = true;
            now += 1;
        }
        self.open
            .set((now - usize::from(next.is_none()), most.max(now)));
        Ok(next)
    }
}

/// Rows with these keys; the body and an attribute say which row it is.
fn batch(keys: &[Key]) -> RecordBatch {
    let rows: Vec<LogRow> = keys
        .iter()
        .map(|(time, id)| LogRow {
            body: format!("{time}/{id}"),
            attributes: (0..id.rem_euclid(3))
                .map(|_| ("id".to_owned(), id.to_string()))
                .collect(),
            ..LogRow::at(*time)
        })
        .collect();
    let batch = logs(&rows);
    let ids: Int64Array = keys.iter().map(|(_, id)| *id).collect();
    let mut columns = batch.columns().to_vec();
    let last = columns.len() - 1;
    columns[last] = Arc::new(ids) as ArrayRef;
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

fn input(mut keys: Vec<Key>, batch_rows: usize) -> Batches {
    keys.sort_unstable();
    Batches {
        begins_ns: keys.first().map_or(i64::MIN, |(time, _)| *time),
        rest: keys
            .chunks(batch_rows)
            .map(|keys| stretch(keys.to_vec()))
            .collect(),
        open: Rc::default(),
        begun: false,
    }
}

/// What a merge gives, and the most batches it held.
fn merged(inputs: Vec<Batches>) -> Result<(Vec<RecordBatch>, usize)> {
    let mut merge = SortMerge::new(Table::Logs, inputs);
    let mut out = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    while let Some(batch) = runtime.block_on(merge.next(STRETCH_ROWS))? {
        assert!(batch.num_rows() <= STRETCH_ROWS);
        out.push(batch);
    }
    Ok((out, merge.most_held))
}

/// The keys of a stretch, which must be in the order of ids.
fn keys_of(batch: &RecordBatch) -> Vec<Key> {
    let ids = record_ids(batch).unwrap().values();
    assert!(ids.is_sorted());
    let times = times_of(Table::Logs, batch).unwrap().iter();
    let mut keys: Vec<Key> = times.copied().zip(ids.iter().copied()).collect();
    keys.sort_unstable();
    keys
}

/// Rows with these keys, by (id, time).
fn stretch(mut keys: Vec<Key>) -> RecordBatch {
    keys.sort_unstable_by_key(|(time, id)| (*id, *time));
    batch(&keys)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_merge_equals_a_sort_of_everything(
        inputs in prop::collection::vec(
            (prop::collection::vec((0..40_i64, 0..1_000_000_i64), 0..200), 1..50_usize),
            1..9,
        )
    ) {
        let mut all: Vec<Key> = inputs.iter().flat_map(|(keys, _)| keys.clone()).collect();
        all.sort_unstable();
        let count = inputs.len();
        let inputs = inputs.into_iter().map(|(keys, rows)| input(keys, rows)).collect();
        let (out, held) = merged(inputs).unwrap();
        prop_assert!(held <= 3 * count, "{held} batches held for {count} inputs");
        let found: Vec<Key> = out.iter().flat_map(keys_of).collect();
        prop_assert_eq!(&found, &all);
        let mut rest = all.as_slice();
        for found in out {
            let (these, more) = rest.split_at(found.num_rows());
            prop_assert_eq!(found, stretch(these.to_vec()));
            rest = more;
        }
    }
}

#[test]
fn long_inputs_are_held_a_few_batches_at_a_time() {
    // Every second row from the other input, and one input that ends early.
    let inputs = vec![
        input((0..30_000).map(|row| (row * 2, row)).collect(), 512),
        input((0..30_000).map(|row| (row * 2 + 1, row)).collect(), 512),
        input((0..100).map(|row| (row, -1 - row)).collect(), 512),
    ];
    let (out, held) = merged(inputs).unwrap();
    assert!(held <= 9, "{held} batches held");
    let rows: usize = out.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows, 60_100);
}

#[test]
fn inputs_one_after_the_other_are_copied_in_whole_runs() {
    let inputs = (0..4)
        .map(|part| {
            input(
                (0..10_000).map(|row| (part * 10_000 + row, row)).collect(),
                STRETCH_ROWS,
            )
        })
        .collect();
    let (out, _) = merged(inputs).unwrap();
    let sizes: Vec<usize> = out.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(
        sizes.iter().filter(|rows| **rows == STRETCH_ROWS).count(),
        4,
        "as they were: {sizes:?}"
    );
    let found: Vec<i64> = out.iter().flat_map(keys_of).map(|(time, _)| time).collect();
    assert_eq!(found, (0..40_000).collect::<Vec<_>>());
}

#[test]
fn an_input_out_of_order_is_an_error_and_no_wrong_file() {
    let unsorted = Batches {
        begins_ns: 1,
        rest: [batch(&[(5, 1), (6, 1)]), batch(&[(1, 1)])].into(),
        ..input(Vec::new(), 1)
    };
    let error = merged(vec![unsorted, input(vec![(2, 2)], 1)]).unwrap_err();
    assert!(error.message().contains("not in order"), "{error}");
}

#[test]
fn inputs_one_after_the_other_are_open_one_at_a_time() {
    let open = Rc::default();
    let inputs = (0..6)
        .map(|part| Batches {
            open: Rc::clone(&open),
            // The last rows of each come after the first ones of the next.
            ..input(
                (0..5_000).map(|row| (part * 4_900 + row, part)).collect(),
                512,
            )
        })
        .collect();
    let (out, _) = merged(inputs).unwrap();
    let rows: usize = out.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows, 30_000);
    assert_eq!(open.get(), (0, 2));
}

#[test]
fn rows_before_the_time_that_was_promised_are_an_error_of_their_input() {
    let late = Batches {
        begins_ns: 7,
        ..input(vec![(5, 1), (9, 2)], 512)
    };
    let mut merge = SortMerge::new(Table::Logs, vec![input(vec![(1, 1), (20, 2)], 512), late]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let error = runtime.block_on(merge.next(STRETCH_ROWS)).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Corrupt, "{error}");
    assert_eq!(merge.failed, Some(1));
}
