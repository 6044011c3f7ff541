//! How much an answer says it took.

use serde_json::Value;

use crate::testing::{House, Log, SECOND, T0};

const ROWS: u64 = 20_000;

fn rows() -> Vec<Log> {
    (0..ROWS)
        .zip(T0..)
        .map(|(at, from)| {
            let digest = at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let body = format!("order {at} of customer {digest:016x} was shipped with {digest:x}");
            Log::at(from + (from - T0) * SECOND / 10, body).with("order.id", at, 'i')
        })
        .collect()
}

fn scanned(answer: &Value) -> u64 {
    answer["scanned_bytes"].as_u64().unwrap()
}

#[tokio::test]
async fn what_is_pruned_is_not_scanned_and_the_same_question_scans_the_same() {
    let house = House::new().await;
    house.append(&rows()).await;
    house.storage.flush().await.unwrap();
    let sql = async |query: &str| scanned(&house.sql(query).await);
    let all = sql("SELECT max(body) FROM logs").await;
    assert!(all > 10 * ROWS, "{all}");
    assert_eq!(
        sql("SELECT max(body) FROM logs").await,
        all,
        "though the footers are known by now"
    );
    let narrow = sql("SELECT max(severity_number) FROM logs").await;
    assert!(0 < narrow && narrow < all / 10, "{narrow} of {all}");

    let logs =
        async |parameters: &[(&str, &str)]| scanned(&house.get("/api/v1/logs", parameters).await);
    let outside = logs(&[("end", "2020-01-01T00:00:00Z")]).await;
    assert_eq!(outside, 0, "the catalog knows");
    let unknown = logs(&[("query", "teapot")]).await;
    assert!(
        0 < unknown && unknown < all / 4,
        "the index knows: {unknown} of {all}"
    );
    for (path, query) in [
        ("/api/v1/logs", "teapot"),
        ("/api/v1/logs", "order 77"),
        ("/api/v1/logs", "order.id:4711"),
    ] {
        let ask = async || scanned(&house.get(path, &[("query", query)]).await);
        let (first, second) = (ask().await, ask().await);
        assert_eq!(first, second, "{path} {query}");
        assert!(first > 0, "{path} {query}");
    }
    for path in ["/api/v1/logs/histogram", "/api/v1/logs/patterns"] {
        let count = async || scanned(&house.get(path, &[("query", "shipped")]).await);
        assert!(count().await > 0, "{path}");
        assert_eq!(count().await, 0, "{path}: it is known by now");
    }
}

#[tokio::test]
async fn batches_in_memory_count_with_the_columns_that_are_looked_at() {
    let house = House::new().await;
    house.append(&rows()).await;
    let texts = house.sql("SELECT sum(length(body)) FROM logs").await;
    let bytes = texts["rows"][0][0].as_u64().unwrap();
    let body = scanned(&texts);
    // Bytes of the texts and four for where each begins, and a bit.
    let expected = bytes..bytes + 6 * ROWS;
    assert!(expected.contains(&body), "{body} for {bytes}");
    let number = scanned(&house.sql("SELECT sum(severity_number) FROM logs").await);
    assert!(number < body / 4, "{number}");
    let before = house
        .get("/api/v1/logs", &[("end", "2020-01-01T00:00:00Z")])
        .await;
    assert_eq!(scanned(&before), 0);
}

#[tokio::test]
async fn every_api_and_streamed_answers_say_it() {
    let house = House::new().await;
    house.append(&rows()[..100]).await;
    for (path, parameters) in [
        ("/api/v1/fields/level/values", vec![("table", "logs")]),
        ("/tempo/api/search", vec![("q", "{}")]),
        ("/jaeger/api/services", vec![]),
    ] {
        let answer = house.get(path, &parameters).await;
        assert!(answer["scanned_bytes"].is_u64(), "{path}: {answer}");
    }
    let (headers, _) = house.sql_as("SELECT body FROM logs", "text/csv").await;
    let bytes = headers["spoor-scanned-bytes"].to_str().unwrap();
    assert!(bytes.parse::<u64>().unwrap() > 1_000, "{bytes}");
    let query = [("query", "{service_name=\"checkout\"}")];
    let loki = house.get("/loki/api/v1/query_range", &query).await;
    let chunk = &loki["data"]["stats"]["querier"]["store"]["chunk"];
    assert!(
        chunk["compressedBytes"].as_u64().unwrap() > 1_000,
        "{chunk}"
    );
}
