//! What a word that is in one file of many takes.

use serde_json::Value;

use crate::testing::{House, Log, SECOND, T0, delete_indexes};

const HOUR: i64 = 3_600 * SECOND;

const NEEDLE: &str = "order4711";
/// The index keeps twenty bits of the CRC-32C of a word by which it finds it, and these have those of the
/// needle; the next eight are others.
const ALIKE: [&str; 12] = [
    "order399271",
    "order1297942",
    "order3624139",
    "order4551548",
    "order5293109",
    "order9674420",
    "order11993029",
    "order13065951",
    "order15997862",
    "order19075236",
    "order22534944",
    "order24183974",
];

/// The one file is left, and opened once.
const ONCE: [(u64, Option<u64>); 1] = [(1, Some(1))];

/// A file of each hour.
async fn house() -> House {
    let house = House::new().await;
    for (hour, id) in (0..).zip(ALIKE.into_iter().chain([NEEDLE])) {
        let line = |at: i64, id: &str| Log::at(T0 + hour * HOUR + at, format!("{id} shipped"));
        house.append(&[line(0, id), line(1, "none")]).await;
        house.storage.flush().await.unwrap();
    }
    house
}

async fn found(house: &House, query: &str) -> Vec<String> {
    let answer = house.get("/api/v1/logs", &[("query", query)]).await;
    let logs = answer["logs"].as_array().unwrap().iter();
    logs.map(|log| log["body"].as_str().unwrap().to_owned())
        .collect()
}

async fn scans(house: &House, query: &str) -> Vec<Value> {
    let parameters = [("query", query), ("analyze", "true")];
    let answer = house.get("/api/v1/explain", &parameters).await;
    answer["scans"].as_array().unwrap().clone()
}

/// Files that are left for each scan, and files that it opened.
async fn files(house: &House, query: &str) -> Vec<(u64, Option<u64>)> {
    let count = |scan: &Value, name: &str| {
        let mut steps = scan["steps"].as_array().unwrap().iter();
        let step = steps.find(|step| step["step"] == name).unwrap();
        step["files"].as_u64()
    };
    let scans = scans(house, query).await;
    let files = |scan| (count(scan, "index").unwrap(), count(scan, "read"));
    scans.iter().map(files).collect()
}

#[tokio::test]
async fn files_with_ids_of_the_hash_of_a_needle_are_not_opened() {
    let house = house().await;
    assert_eq!(found(&house, NEEDLE).await, [format!("{NEEDLE} shipped")]);
    assert_eq!(files(&house, NEEDLE).await, ONCE);
    // Each of the others is in its own file.
    for id in ALIKE {
        assert_eq!(found(&house, id).await, [format!("{id} shipped")]);
        assert_eq!(files(&house, id).await, ONCE, "{id}");
    }
    assert_eq!(files(&house, "order4712").await, [(0, Some(0))]);
    delete_indexes(house.folder.path());
    house.storage.close().await.unwrap();
    let house = house.reopened().await;
    assert_eq!(found(&house, NEEDLE).await, [format!("{NEEDLE} shipped")]);
    let without_index = [(13, Some(13))];
    assert_eq!(files(&house, NEEDLE).await, without_index);
}

#[tokio::test]
async fn of_many_rows_the_places_are_found_first() {
    let house = House::new().await;
    let body = |at: i64| {
        let word = if at % 10 == 0 { "rare" } else { "common" };
        format!("{word} line {at}")
    };
    let rows: Vec<Log> = (0..3_000).map(|at| Log::at(T0 + at, body(at))).collect();
    house.append(&rows).await;
    let newest = |word: &str| {
        let bodies = (0..3_000).rev().map(body);
        let bodies = bodies.filter(|body| body.starts_with(word));
        bodies.take(100).collect::<Vec<_>>()
    };
    for (flushed, word, ran) in [
        (false, "rare", [true].as_slice()),
        (false, "common", &[true]),
        // They are too many to be read by themselves.
        (true, "common", &[false, true, true]),
        (true, "rare", &[true]),
        (true, "absent", &[true]),
    ] {
        if flushed {
            house.storage.flush().await.unwrap();
        }
        assert_eq!(found(&house, word).await, newest(word), "{word}");
        let scans = scans(&house, word).await;
        let scans: Vec<bool> = scans.iter().map(|scan| scan["ran"] == true).collect();
        assert_eq!(scans, ran, "{word}, flushed: {flushed}");
    }
}
