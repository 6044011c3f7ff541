use serde_json::{Value, json};

use crate::testing::{House, Log, SECOND, T0};

/// Ten records of two services, every fifth an error; half on disk, half in memory.
async fn house() -> House {
    let house = House::new().await;
    let log = |at: i64| {
        let mut log = Log::at(T0 + at * SECOND, format!("order {at} shipped"));
        log.service = if at % 2 == 0 { "checkout" } else { "cart" };
        log.severity_number = if at % 5 == 0 { 17 } else { 9 };
        log.trace_id = Some([u8::try_from(at / 2).unwrap() + 1; 16]);
        log.with("http.route", "/api/pay", 's')
    };
    house.append(&(0..5).map(log).collect::<Vec<_>>()).await;
    house.storage.flush().await.unwrap();
    house.append(&(5..10).map(log).collect::<Vec<_>>()).await;
    house
}

async fn first_column(house: &House, statement: &str) -> Vec<Value> {
    let answer = house.sql(statement).await;
    assert_eq!(answer["complete"], true, "{answer}");
    let rows = answer["rows"].as_array().unwrap().iter();
    rows.map(|row| row[0].clone()).collect()
}

const QUERIES: [&str; 8] = [
    "",
    "order",
    "level:error",
    "service:checkout -level:error",
    "http.route:/api/* \"3 shipped\"",
    "(order level:error) OR service:cart",
    "logs:(level:error)",
    "has:trace_id *:checkout",
];

#[tokio::test]
async fn a_search_finds_the_same_in_sql_as_in_the_search_bar() {
    let house = house().await;
    for query in QUERIES {
        let listed = house
            .get("/api/v1/logs", &[("query", query), ("order", "asc")])
            .await;
        let listed: Vec<Value> = listed["logs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|log| log["body"].clone())
            .collect();
        let text = query.replace('\'', "''");
        for statement in [
            format!("SELECT body FROM logs WHERE search('{text}') ORDER BY time"),
            format!(
                "SELECT l.body FROM logs AS l WHERE l.time > '2020-01-01T00:00:00Z' AND search('{text}') ORDER BY l.time"
            ),
            format!(
                "SELECT body FROM (SELECT * FROM logs WHERE search('{text}')) AS found ORDER BY time"
            ),
        ] {
            assert_eq!(
                first_column(&house, &statement).await,
                listed,
                "{statement}"
            );
        }
    }
    assert_eq!(
        first_column(
            &house,
            "SELECT count(*) FROM logs WHERE NOT search('level:error') AND service_name = 'cart'"
        )
        .await,
        [json!(4)]
    );
}

#[tokio::test]
async fn what_cannot_be_searched_is_refused_and_says_why() {
    let house = house().await;
    for (statement, said) in [
        ("SELECT search('x') FROM logs", "in the WHERE"),
        (
            "SELECT count(*) FROM traces WHERE search('x')",
            "in the WHERE",
        ),
        (
            "SELECT count(*) FROM logs JOIN spans ON logs.trace_id = spans.trace_id WHERE search('x')",
            "in the WHERE",
        ),
        (
            "SELECT count(*) FROM logs WHERE search(body)",
            "text constant",
        ),
        (
            "SELECT count(*) FROM logs WHERE search('a OR')",
            "in `search`",
        ),
        (
            "SELECT count(*) FROM spans WHERE search('duration>soon')",
            "in `search`",
        ),
    ] {
        let (status, body) = house.try_sql(statement).await;
        assert_eq!(status, 400, "{statement}: {body}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains(said), "{statement}: {message}");
    }
    let many: Vec<String> = (0..9).map(|word| format!("search('w{word}')")).collect();
    let (status, body) = house
        .try_sql(&format!(
            "SELECT count(*) FROM logs WHERE {}",
            many.join(" OR ")
        ))
        .await;
    assert_eq!(status, 400, "{body}");
}

#[tokio::test]
async fn a_search_reads_what_the_index_says() {
    let house = house().await;
    let answer = house
        .sql("EXPLAIN SELECT * FROM logs WHERE search('shipped service:checkout')")
        .await;
    let steps = answer["scans"][0]["steps"].as_array().unwrap();
    let index = steps.iter().find(|step| step["step"] == "index").unwrap();
    assert!(
        index["detail"].as_str().unwrap().contains("shipped"),
        "{index}"
    );
}
