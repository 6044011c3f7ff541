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

/// Files that are left for each scan, and files that it opened.
async fn files(house: &House, query: &str) -> Vec<(u64, u64)> {
    let parameters = [("query", query), ("analyze", "true")];
    let answer = house.get("/api/v1/explain", &parameters).await;
    let count = |scan: &Value, name: &str| {
        let mut steps = scan["steps"].as_array().unwrap().iter();
        let step = steps.find(|step| step["step"] == name).unwrap();
        step["files"].as_u64().unwrap()
    };
    let scans = answer["scans"].as_array().unwrap().iter();
    scans
        .map(|scan| (count(scan, "index"), count(scan, "read")))
        .collect()
}

#[tokio::test]
async fn files_with_ids_of_the_hash_of_a_needle_are_not_opened() {
    let house = house().await;
    assert_eq!(found(&house, NEEDLE).await, [format!("{NEEDLE} shipped")]);
    let scans = files(&house, NEEDLE).await;
    assert!(
        !scans.is_empty() && scans.iter().all(|scan| *scan == (1, 1)),
        "{scans:?}"
    );
    // Each of the others is in its own file.
    for id in ALIKE {
        assert_eq!(found(&house, id).await, [format!("{id} shipped")]);
        assert_eq!(files(&house, id).await[0], (1, 1), "{id}");
    }
    assert_eq!(files(&house, "order4712").await, [(0, 0)]);
    delete_indexes(house.folder.path());
    let house = house.reopened().await;
    assert_eq!(found(&house, NEEDLE).await, [format!("{NEEDLE} shipped")]);
    assert_eq!(files(&house, NEEDLE).await[0], (13, 13), "without an index");
}
