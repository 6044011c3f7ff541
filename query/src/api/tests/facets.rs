//! Values of fields are counted once for each file, and are right whatever happens to the files.

use http::{Method, Request};
use serde_json::{Value, json};
use spoor_storage::{Table, TenantId, TimeRange};

use crate::testing::{House, Log, SECOND, T0, send};

const HOUR: i64 = 3_600 * SECOND;

/// A tenth is red, so that deleting that hides rows and does not write files again at once.
fn logs(hour: i64) -> Vec<Log> {
    let color = |number: i64| match number % 10 {
        0 => "red",
        1..=4 => "green",
        _ => "blue",
    };
    let log = |number: i64| {
        let mut log = Log::at(T0 + hour * HOUR + number * SECOND, "x");
        log.severity_number = if number % 3 == 0 { 17 } else { 9 };
        log.with("color", color(number), 's')
    };
    (0..100).map(log).collect()
}

async fn two_hours() -> House {
    let house = House::new().await;
    for hour in 0..2 {
        house.append(&logs(hour)).await;
    }
    house.storage.flush().await.unwrap();
    house
}

async fn values(house: &House, field: &str, parameters: &[(&str, &str)]) -> Value {
    let answer = house
        .get(&format!("/api/v1/fields/{field}/values"), parameters)
        .await;
    assert_eq!(answer["complete"], true, "{answer}");
    assert_eq!(answer["exact"], true, "{answer}");
    answer["values"].clone()
}

/// What a full count says.
async fn counted(house: &House) -> Value {
    let rows = house
        .sql(
            "SELECT attr('color') AS value, count(*) AS rows FROM logs \
             WHERE attr('color') IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1",
        )
        .await;
    let rows = rows["rows"].as_array().unwrap().iter();
    rows.map(|row| json!({"value": row[0], "count": row[1]}))
        .collect()
}

/// Asks twice, and how many files were opened each time.
async fn twice(house: &House, field: &str, parameters: &[(&str, &str)]) -> (Value, [u64; 2]) {
    let start = house.opened_files();
    let first = values(house, field, parameters).await;
    let then = house.opened_files();
    let second = values(house, field, parameters).await;
    assert_eq!(first, second);
    (first, [then - start, house.opened_files() - then])
}

#[tokio::test]
async fn a_second_call_opens_no_file_and_sees_what_is_new() {
    let house = two_hours().await;
    let (found, opened) = twice(&house, "color", &[]).await;
    assert_eq!((&found, opened), (&counted(&house).await, [2, 0]));
    assert_eq!(found[0], json!({"value": "blue", "count": 100}));
    let (levels, opened) = twice(&house, "level", &[]).await;
    let expected = json!([{"value": "info", "count": 132}, {"value": "error", "count": 68}]);
    assert_eq!((levels, opened), (expected, [2, 0]));
    // What is asked of the same counts needs no other.
    let before = house.opened_files();
    let red = values(&house, "color", &[("prefix", "r")]).await;
    assert_eq!(red, json!([{"value": "red", "count": 20}]));
    let one = values(&house, "color", &[("limit", "1")]).await;
    assert_eq!(one, json!([{"value": "blue", "count": 100}]));
    let error = values(&house, "level", &[("prefix", "e")]).await;
    assert_eq!(error, json!([{"value": "error", "count": 68}]));
    house.append(&logs(2)).await;
    let (found, _) = twice(&house, "color", &[]).await;
    assert_eq!(found[0], json!({"value": "blue", "count": 150}));
    assert_eq!(house.opened_files(), before);
    assert_eq!(found, counted(&house).await);
}

#[tokio::test]
async fn only_files_at_the_ends_of_a_range_are_read_again() {
    let house = two_hours().await;
    let start = (T0 + 50 * SECOND).to_string();
    let range = [("start", start.as_str())];
    let (found, opened) = twice(&house, "color", &range).await;
    assert_eq!(opened, [2, 1]);
    assert_eq!(found[0], json!({"value": "blue", "count": 75}));
    let end = (T0 + HOUR).to_string();
    let (found, opened) = twice(&house, "color", &[("start", &start), ("end", &end)]).await;
    assert_eq!(found[0], json!({"value": "blue", "count": 25}));
    assert_eq!(opened, [1, 1]);
}

#[tokio::test]
async fn deleted_rows_do_not_count_and_merged_files_are_counted_anew() {
    let house = two_hours().await;
    twice(&house, "color", &[]).await;
    let delete = json!({"table": "logs", "query": "color:red", "confirm": 20});
    let request = Request::builder()
        .method(Method::POST)
        .uri("/api/v1/delete")
        .body(delete.to_string().into())
        .unwrap();
    let (status, _, body) = send(&house.admin(), request).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    let (found, opened) = twice(&house, "color", &[]).await;
    let left = json!([{"value": "blue", "count": 100}, {"value": "green", "count": 80}]);
    assert_eq!((&found, opened), (&left, [2, 0]));
    assert_eq!(found, counted(&house).await);
    // Nine files of one hour become one, now or before.
    for _ in 0..9 {
        house.append(&logs(5)).await;
        house.storage.flush().await.unwrap();
    }
    let (before, _) = twice(&house, "color", &[]).await;
    house.storage.compact().await.unwrap();
    let (after, opened) = twice(&house, "color", &[]).await;
    assert_eq!(after, before);
    assert_eq!(after, counted(&house).await);
    assert_eq!(opened[1], 0, "{opened:?}");
    let files = house
        .storage
        .snapshot()
        .files(&TenantId::default(), Table::Logs, TimeRange::ALL);
    assert!(files.len() < 11, "{} files", files.len());
}

#[tokio::test]
async fn a_field_with_very_many_values_is_counted_all_the_same() {
    let house = House::new().await;
    let rows: Vec<Log> = (0..3_000)
        .map(|number| Log::at(T0 + number, "x").with("user.id", number % 1_500, 'i'))
        .collect();
    house.append(&rows).await;
    house.storage.flush().await.unwrap();
    let (found, _) = twice(&house, "user.id", &[("limit", "1000")]).await;
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), 1_000);
    assert!(found.iter().all(|value| value["count"] == 2));
    assert_eq!(found[1], json!({"value": "1", "count": 2}));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_not_taken_for_an_empty_one() {
    let house = two_hours().await;
    house.break_pages(Table::Logs);
    for _ in 0..2 {
        let answer = house.get("/api/v1/fields/color/values", &[]).await;
        assert_eq!(answer["complete"], false, "{answer}");
        assert_eq!(answer["values"][0], json!({"value": "blue", "count": 50}));
    }
}

#[tokio::test]
async fn statistics_of_all_files_follow_the_files() {
    let house = two_hours().await;
    let count = async || {
        let answer = house.get("/api/v1/fields", &[("prefix", "color")]).await;
        answer["fields"][0]["count"].clone()
    };
    assert_eq!((count().await, count().await), (json!(200), json!(200)));
    house.append(&logs(2)).await;
    assert_eq!(count().await, 300);
    house.storage.flush().await.unwrap();
    assert_eq!((count().await, count().await), (json!(300), json!(300)));
    house.storage.compact().await.unwrap();
    assert_eq!(count().await, 300);
}
