//! Links are found at any time, whatever indexes know.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};
use spoor_storage::index::{Lookup, measured};
use spoor_storage::{FileId, TenantId};

use super::*;
use crate::otlp::sample::{batch_of, list};
use crate::testing::{House, T0};
use crate::trace::tests::append;

const DAY_NS: i64 = 24 * 3_600 * 1_000_000_000;

/// Spans of one trace, from `time_ns` on, each with links to traces.
fn spans(trace: u64, time_ns: i64, links: &[&[u64]]) -> Value {
    let span = |(at, links): (usize, &&[u64])| {
        let links = links
            .iter()
            .map(|to| json!({"traceId": format!("{to:032x}"), "spanId": format!("{:016x}", 1)}));
        json!({"traceId": format!("{trace:032x}"), "spanId": format!("{:016x}", at + 1), "name": "take", "kind": 5,
            "startTimeUnixNano": (time_ns + i64::try_from(at).unwrap()).to_string(),
            "endTimeUnixNano": (time_ns + 1_000).to_string(), "links": links.collect::<Vec<_>>()})
    };
    let spans: Vec<Value> = links.iter().enumerate().map(span).collect();
    let resource =
        json!({"attributes": [{"key": "service.name", "value": {"stringValue": "mail"}}]});
    json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]})
}

/// The traces that link to one, in order, and whether that is all.
async fn linked(house: &House, trace: u64) -> (Vec<u64>, bool) {
    let path = format!("/api/v1/traces/{trace:032x}");
    let include = [("view", "timeline"), ("include", "linked_from")];
    let found = house.get(&path, &include).await;
    let traces = list(&found["linked_from"]).iter().map(|from| {
        let id = from["trace_id"].as_str().unwrap();
        u64::from_str_radix(id, 16).unwrap()
    });
    (traces.collect(), found["complete"] == true)
}

fn index_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(index_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "idx") {
            found.push(path);
        }
    }
    found
}

/// The trace that is linked to, links from it and from others, months apart.
async fn store(house: &House) {
    append(house, &spans(1, T0, &[&[1], &[2]])).await;
    append(house, &spans(2, T0 + 30 * DAY_NS, &[&[], &[7, 1], &[8]])).await;
    append(house, &spans(3, T0 - 90 * DAY_NS, &[&[1]])).await;
    append(house, &spans(4, T0 + 1, &[&[9]])).await;
}

#[tokio::test]
async fn links_are_found_months_away_from_buffer_and_files_with_and_without_indexes() {
    let house = House::new().await;
    store(&house).await;
    assert_eq!(linked(&house, 1).await, (vec![3, 2], true), "in the buffer");
    house.storage.flush().await.unwrap();
    assert_eq!(linked(&house, 1).await, (vec![3, 2], true), "in files");
    append(&house, &spans(5, T0 + 200 * DAY_NS, &[&[1]])).await;
    assert_eq!(linked(&house, 1).await.0, [3, 2, 5], "in both");
    house.storage.flush().await.unwrap();
    let indexes = index_files(house.folder.path());
    assert!(indexes.len() >= 4, "{indexes:?}");
    for index in indexes {
        std::fs::remove_file(index).unwrap();
    }
    assert_eq!(
        linked(&house, 1).await,
        (vec![3, 2, 5], true),
        "kept in memory"
    );
    house.storage.close().await.unwrap();
    let house = house.reopened().await;
    assert_eq!(
        linked(&house, 1).await,
        (vec![3, 2, 5], true),
        "without indexes"
    );
    assert_eq!(linked(&house, 2).await, (vec![1], true));
    let none = House::indexed_from(u64::MAX).await;
    store(&none).await;
    none.storage.flush().await.unwrap();
    assert_eq!(index_files(none.folder.path()), Vec::<PathBuf>::new());
    assert_eq!(linked(&none, 1).await, (vec![3, 2], true), "never had one");
}

#[tokio::test]
async fn links_are_in_sql_and_in_traceql() {
    let house = House::new().await;
    store(&house).await;
    house.storage.flush().await.unwrap();
    let id = format!("{:032x}", 1);
    let query = format!("SELECT count(*) FROM spans WHERE links_to(links, '{id}')");
    assert_eq!(house.sql(&query).await["rows"], json!([[3]]));
    let query = format!("SELECT count(*) FROM spans WHERE NOT links_to(links, '{id}')");
    assert_eq!(house.sql(&query).await["rows"], json!([[4]]));
    let found = house
        .get(
            "/api/v1/traces",
            &[("traceql", &format!("{{ link:traceID = \"{id}\" }}"))],
        )
        .await;
    let traces: Vec<&Value> = list(&found["traces"])
        .iter()
        .map(|trace| &trace["trace_id"])
        .collect();
    let expected = [2, 1, 3].map(|trace: u64| json!(format!("{trace:032x}")));
    assert_eq!(traces, expected.iter().collect::<Vec<_>>());
    let (status, error) = house
        .try_sql("SELECT count(*) FROM spans WHERE links_to(links, 'x')")
        .await;
    assert_eq!(status, 400, "{error}");
    assert!(
        error["error"]["message"]
            .as_str()
            .unwrap()
            .contains("`links_to` is `x`"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Blocks of 1,024 rows: no row that links is outside of those that the index names.
    #[test]
    fn the_index_of_links_bounds_a_scan(
        places in prop::collection::btree_map(0..5_000_usize, prop::collection::vec(1..6_u64, 1..4), 0..12),
    ) {
        let links: Vec<&[u64]> = (0..5_000)
            .map(|row| places.get(&row).map_or(&[][..], Vec::as_slice))
            .collect();
        let batch = batch_of(&spans(1, T0, &links), 0);
        let file = FileId::generate();
        let bytes = measured::build(Table::Spans, &[batch], file).unwrap();
        let index = measured::Opened::open(bytes, file, 5_000).unwrap();
        for to in 1..8_u64 {
            let id = TraceId(u128::from(to).to_be_bytes());
            let answer = index.ask(&Lookup::Linked(id)).unwrap();
            prop_assert!(answer.sure.is_empty());
            let maybe: Vec<usize> = answer.maybe.ranges().flatten().collect();
            let blocks: std::collections::BTreeSet<usize> = links
                .iter()
                .enumerate()
                .filter(|(_, links)| links.contains(&to))
                .map(|(row, _)| row / 1_024)
                .collect();
            let expected: Vec<usize> = (0..5_000).filter(|row| blocks.contains(&(row / 1_024))).collect();
            prop_assert_eq!(maybe, expected);
        }
    }

    /// The same links with an index, without one, and after a merge.
    #[test]
    fn answers_are_the_same_whatever_indexes_there_are(
        traces in prop::collection::vec((0..400_i64, prop::collection::vec(prop::collection::vec(1..12_u64, 0..3), 1..4)), 1..12),
        flushed in 0..12_usize,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let with = House::new().await;
            let without = House::indexed_from(u64::MAX).await;
            for (at, (day, links)) in traces.iter().enumerate() {
                let links: Vec<&[u64]> = links.iter().map(Vec::as_slice).collect();
                let trace = u64::try_from(at + 1).unwrap();
                let data = spans(trace, T0 + day * DAY_NS, &links);
                for house in [&with, &without] {
                    append(house, &data).await;
                    if at < flushed {
                        house.storage.flush().await.unwrap();
                    }
                }
            }
            for trace in 1..=traces.len() as u64 {
                let mut expected: Vec<(i64, u64)> = Vec::new();
                for (from, (day, links)) in (1_u64..).zip(&traces) {
                    let count = links.iter().flat_map(|links| {
                        let mut links = links.clone();
                        links.sort_unstable();
                        links.dedup();
                        links
                    }).filter(|to| *to == trace && from != trace).count();
                    expected.extend(std::iter::repeat_n((*day, from), count));
                }
                expected.sort_unstable();
                let expected: Vec<u64> = expected.into_iter().map(|(_, from)| from).collect();
                for house in [&with, &without] {
                    assert_eq!(linked(house, trace).await, (expected.clone(), true));
                }
            }
        });
    }
}

#[tokio::test]
async fn files_without_an_index_of_links_are_left_out_only_where_they_are_too_many() {
    let house = House::indexed_from(u64::MAX).await;
    store(&house).await;
    house.storage.flush().await.unwrap();
    let session = house.engine.begin(&TenantId::default()).await.unwrap();
    let around = TimeRange {
        start_ns: T0,
        end_ns: T0,
    };
    let far = |most: u64| files_left_out(&session, around, most);
    assert!(far(MAX_FAR_ROWS).await.is_empty());
    // Three spans a month later, one three months before, which is farther.
    assert_eq!((far(3).await.len(), far(2).await.len()), (1, 2));
}

#[test]
fn few_links_take_few_bytes_of_an_index() {
    let bytes_of = |linking: usize| {
        let links: Vec<&[u64]> = (0..20_000)
            .map(|row| {
                if row % 100 < linking {
                    &[3][..]
                } else {
                    &[][..]
                }
            })
            .collect();
        let file = FileId::generate();
        let batch = batch_of(&spans(1, T0, &links), 0);
        let bytes = measured::build(Table::Spans, &[batch], file).unwrap();
        let whole = bytes.len();
        let index = measured::Opened::open(bytes, file, 20_000).unwrap();
        let parts = index.bytes_by_kind();
        let (_, links) = parts
            .into_iter()
            .find(|(kind, _)| *kind == "links by block")
            .unwrap();
        (links, whole)
    };
    let (none, whole) = bytes_of(0);
    assert_eq!(none, 3);
    let (some, more) = bytes_of(1);
    // Twenty blocks, each of which links to one trace.
    assert!(
        some <= 80 && more <= whole + 150,
        "{some} of {more}, {whole} without"
    );
}

/// `tests/data/format-2`: eight small files that were written before indexes knew links, seven of them of one hour.
#[tokio::test]
async fn files_of_before_indexes_knew_links_answer_the_same_and_learn_them_in_a_merge() {
    const MONTH_LATER: i64 = T0 + 40 * DAY_NS;
    let house = House::on_copy_of("format-2/data").await;
    assert!(known(&house, 0).await.iter().all(|known| !known));
    assert_eq!(linked(&house, 1).await, (vec![10, 13, 16], true));
    append(&house, &spans(20, MONTH_LATER + 20_000, &[&[1]])).await;
    assert_eq!(linked(&house, 1).await.0, [10, 13, 16, 20]);
    house.storage.flush().await.unwrap();
    assert_eq!(linked(&house, 1).await, (vec![10, 13, 16, 20], true));
    house.storage.compact().await.unwrap();
    let merged = known(&house, 1).await;
    assert!(
        !merged.is_empty() && merged.iter().all(|known| *known),
        "{merged:?}"
    );
    assert_eq!(linked(&house, 1).await, (vec![10, 13, 16, 20], true));
}

/// Of each file of a level, whether it says what its spans link to.
async fn known(house: &House, level: u32) -> Vec<bool> {
    let snapshot = house.storage.snapshot();
    let mut known = Vec::new();
    for file in snapshot.files(&TenantId::default(), Table::Spans, TimeRange::ALL) {
        if file.level == level {
            known.push(house.storage.indexes().knows_links(&file).await);
        }
    }
    known
}
