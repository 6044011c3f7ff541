//! The endpoint over a real storage, with records in files and in the buffer.

use serde_json::{Value, json};

use crate::QueryOptions;
use crate::otlp::sample::list;
use crate::testing::{House, Log, SECOND, T0, delete_indexes, send};

const PATH: &str = "/api/v1/logs/patterns";

fn logs() -> Vec<Log> {
    let mut logs = Vec::new();
    for at in 0..40_i64 {
        let mut log = Log::at(
            T0 + at * SECOND,
            format!("order {at} of user{} paid in {}ms", at % 9, at * 7),
        );
        if at % 4 == 0 {
            log.service = "cart";
        }
        logs.push(log);
    }
    for at in 30..35 {
        let mut log = Log::at(
            T0 + at * SECOND,
            format!("payment of order {at} refused: no funds"),
        );
        log.severity_number = 17;
        logs.push(log);
    }
    let mut without_body = Log::at(T0 + 39 * SECOND, "");
    without_body.body = None;
    logs.push(without_body);
    logs
}

async fn house() -> House {
    let house = House::new().await;
    let logs = logs();
    let (first, second) = logs.split_at(20);
    house.append(first).await;
    house.storage.flush().await.unwrap();
    house.append(second).await;
    house
}

fn seconds(from: i64) -> String {
    (T0 + from * SECOND).to_string()
}

#[tokio::test]
async fn it_is_told_from_where_on_there_are_records_before() {
    let house = house().await;
    let asked = async |from: i64, to: i64, query: &str| {
        let (start, end) = (seconds(from), seconds(to));
        let parameters = [("start", &*start), ("end", &end), ("query", query)];
        let found = house.get(PATH, &parameters).await;
        found["baseline_data_start_unix_nano"].clone()
    };
    // The period before begins ten seconds before the first record, or after it, or ends before it.
    assert_eq!(asked(20, 50, "").await, seconds(0));
    assert_eq!(asked(20, 40, "").await, seconds(0));
    assert_eq!(asked(20, 30, "").await, seconds(10));
    assert_eq!(asked(0, 10, "").await, Value::Null);
    // Whether records match does not matter.
    assert_eq!(asked(20, 50, "nothing of this kind").await, seconds(0));
    let open = house.get(PATH, &[]).await;
    assert_eq!(open["baseline_data_start_unix_nano"], Value::Null);
}

#[tokio::test]
async fn patterns_have_exact_counts_and_what_is_new_is_told() {
    let house = house().await;
    let (start, end) = (seconds(20), seconds(40));
    let found = house
        .get(PATH, &[("start", &start), ("end", &end), ("buckets", "10")])
        .await;
    let patterns = list(&found["patterns"]);
    assert_eq!(found["complete"], true);
    assert_eq!(
        (
            &found["total"],
            &found["baseline_total"],
            &found["pattern_count"],
            &found["new_count"]
        ),
        (&json!(26), &json!(20), &json!(3), &json!(2))
    );
    let paid = &patterns[0];
    assert_eq!(paid["template"], "order <num> of <*> paid in <num>");
    assert_eq!(paid["query"], r#""order" "of" "paid in""#);
    assert_eq!(
        (&paid["count"], &paid["baseline_count"]),
        (&json!(20), &json!(20))
    );
    assert_eq!(paid["new"], false);
    assert_eq!(paid["share"], json!(20.0 / 26.0));
    assert_eq!(paid["levels"], json!({"info": 20}));
    assert_eq!(
        paid["services"],
        json!([{"service_name": "checkout", "count": 15}, {"service_name": "cart", "count": 5}])
    );
    assert_eq!(paid["counts"], json!([2, 2, 2, 2, 2, 2, 2, 2, 2, 2]));
    assert_eq!(paid["last_seen"], "2023-01-29T08:00:39.000000000Z");
    let refused = &patterns[1];
    assert_eq!(
        refused["template"],
        "payment of order <num> refused: no funds"
    );
    assert_eq!(
        (&refused["new"], &refused["baseline_count"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(refused["levels"], json!({"error": 5}));
    assert_eq!(patterns[2]["template"], "");
    let sample = format!("record_id:{}", refused["sample_id"].as_str().unwrap());
    let sample = house.get("/api/v1/logs", &[("query", &sample)]).await;
    assert_eq!(
        sample["logs"][0]["body"],
        "payment of order 34 refused: no funds"
    );
}

#[tokio::test]
async fn since_and_open_ranges() {
    let house = house().await;
    let found = house
        .get(PATH, &[("since", &seconds(31)), ("limit", "1")])
        .await;
    assert_eq!(found["total"], 14);
    assert_eq!(found["baseline_total"], 32);
    assert_eq!(
        (&found["other_count"], list(&found["patterns"]).len()),
        (&json!(5), 1)
    );
    assert_eq!(found["new_count"], 1, "{found}");
    let all = house.get(PATH, &[]).await;
    assert_eq!(
        (&all["total"], &all["patterns"][0]["new"]),
        (&json!(46), &Value::Null)
    );
    let none = house.get(PATH, &[("query", "nowhere")]).await;
    assert_eq!((&none["total"], &none["patterns"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn the_query_of_a_pattern_finds_its_records_and_the_same_question_has_the_same_answer() {
    let house = house().await;
    let found = house.get(PATH, &[]).await;
    for pattern in list(&found["patterns"]) {
        let query = pattern["query"].as_str().unwrap();
        let records = house
            .get("/api/v1/logs/histogram", &[("query", query)])
            .await;
        assert!(
            records["total"].as_u64().unwrap() >= pattern["count"].as_u64().unwrap(),
            "{pattern}"
        );
    }
    house.storage.flush().await.unwrap();
    let again = house.get(PATH, &[]).await;
    assert_eq!(again["patterns"], found["patterns"]);
    // And so it has without any index.
    let narrow = [("query", "paid service:cart")];
    let indexed = house.get(PATH, &narrow).await;
    assert_eq!(indexed["total"], 10);
    assert!(delete_indexes(house.folder.path()) > 0);
    let plain = house.reopened().await.get(PATH, &narrow).await;
    assert_eq!(plain["patterns"], indexed["patterns"]);
}

#[tokio::test]
async fn what_cannot_be_asked_is_said() {
    let house = house().await;
    for (name, value) in [
        ("limit", "0"),
        ("limit", "1001"),
        ("buckets", "61"),
        ("query", "(open"),
        ("since", "later"),
    ] {
        let (status, body) = house.try_get(PATH, &[(name, value)]).await;
        assert_eq!(status, 400, "{name}={value}");
        assert_eq!(body["error"]["code"], "invalid");
    }
    let wrong = [("start", "-1h"), ("since", "-2h")];
    assert_eq!(house.try_get(PATH, &wrong).await.0, 400);
    let small = house.limited(QueryOptions {
        memory_bytes: 1 << 10,
        ..QueryOptions::default()
    });
    let request = http::Request::get(PATH)
        .body(axum::body::Body::empty())
        .unwrap();
    assert_eq!(send(&small, request).await.0, 413);
}
