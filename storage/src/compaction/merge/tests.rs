use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::Int64Type;
use proptest::prelude::*;

use super::*;
use crate::test_rows::{LogRow, logs};

struct Batches(VecDeque<RecordBatch>);

impl Sorted for Batches {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        Ok(self.0.pop_front())
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
    Batches(keys.chunks(batch_rows).map(batch).collect())
}

/// What a merge gives, and the most batches it held.
fn merged(inputs: Vec<Batches>) -> Result<(Vec<RecordBatch>, usize)> {
    let mut merge = SortMerge::new(Table::Logs, inputs);
    let mut out = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    while let Some(batch) = runtime.block_on(merge.next())? {
        assert!(batch.num_rows() <= BATCH_ROWS);
        out.push(batch);
    }
    Ok((out, merge.most_held))
}

fn keys_of(batch: &RecordBatch) -> Vec<Key> {
    let ids = batch.column_by_name(RECORD_ID).unwrap();
    let ids = ids.as_primitive::<Int64Type>().values();
    times_of(Table::Logs, batch)
        .unwrap()
        .iter()
        .copied()
        .zip(ids.iter().copied())
        .collect()
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
        let expected = batch(&all);
        let found = concat_batches(&expected.schema(), &out).unwrap();
        prop_assert_eq!(found, expected);
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
                BATCH_ROWS,
            )
        })
        .collect();
    let (out, _) = merged(inputs).unwrap();
    let found: Vec<i64> = out.iter().flat_map(keys_of).map(|(time, _)| time).collect();
    assert_eq!(found, (0..40_000).collect::<Vec<_>>());
}

#[test]
fn an_input_out_of_order_is_an_error_and_no_wrong_file() {
    let unsorted = Batches([batch(&[(5, 1), (6, 1)]), batch(&[(1, 1)])].into());
    let error = merged(vec![unsorted, input(vec![(2, 2)], 1)]).unwrap_err();
    assert!(error.message().contains("not in order"), "{error}");
}
