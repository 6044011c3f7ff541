use axum::body::BodyDataStream;
use futures::StreamExt;

use super::*;
use crate::otlp::sample::everything;
use crate::trace::tests::append;

async fn rows(house: &House, sql: &str) -> Value {
    let mut answer = house.sql(sql).await;
    assert_eq!(answer["complete"], true, "{answer}");
    answer["rows"].take()
}

#[tokio::test]
async fn attributes_are_columns_with_their_types() {
    let house = house().await;
    let answer = house
        .sql("SELECT \"attributes.user.id\", attr('user.id'), attributes['user.id'] FROM logs WHERE \"attributes.user.id\" = 8")
        .await;
    assert_eq!(
        answer["columns"],
        json!([
            {"name": "attributes.user.id", "type": "Int64"},
            {"name": "attr('user.id')", "type": "Int64"},
            {"name": answer["columns"][2]["name"], "type": "Utf8"},
        ])
    );
    assert_eq!(answer["rows"], json!([[8, 8, "8"]]));
    let sum = rows(&house, "SELECT sum(attr('user.id')), max(\"attributes.ratio\"), bool_or(\"attributes.ok\") FROM logs").await;
    assert_eq!(sum, json!([[22, 0.25, false]]));
    let none = rows(&house, "SELECT count(\"attributes.no.such\") FROM logs").await;
    assert_eq!(none, json!([[0]]));
}

#[tokio::test]
async fn columns_of_attributes_pass_through_the_whole_statement() {
    let house = house().await;
    let cases = [
        (
            "SELECT \"attributes.user.id\" AS u, count(*) FROM logs GROUP BY \"attributes.user.id\" ORDER BY \"attributes.user.id\"",
            json!([[7, 1], [8, 1], [null, 4]]),
        ),
        (
            "WITH x AS (SELECT \"resource.host.name\", body FROM logs) SELECT count(*) FROM x WHERE \"resource.host.name\" = 'node-1'",
            json!([[6]]),
        ),
        (
            "SELECT a.\"attributes.user.id\" FROM logs a JOIN logs b ON a.\"attributes.user.id\" = b.\"body.user.id\"",
            json!([[7]]),
        ),
        (
            "SELECT count(*) FROM (SELECT * FROM logs WHERE attr('user.id') = 7)",
            json!([[2]]),
        ),
        (
            "SELECT count(*) FROM spans WHERE \"body.x\" IS NULL",
            json!([[0]]),
        ),
    ];
    for (sql, expected) in cases {
        assert_eq!(rows(&house, sql).await, expected, "{sql}");
    }
    let star = house
        .sql("SELECT * FROM logs WHERE \"attributes.user.id\" = 7")
        .await;
    let stored = spoor_storage::model::logs_schema().fields().len();
    assert_eq!(star["columns"].as_array().unwrap().len(), stored);
}

#[tokio::test]
async fn full_text_ids_and_times() {
    let house = house().await;
    let cases = [
        (
            "SELECT count(*) FROM logs WHERE matches(body, 'connection refused')",
            json!([[2]]),
        ),
        (
            "SELECT count(*) FROM logs WHERE matches(body, '\"connection refused\" OR gröss* OR größe')",
            json!([[2]]),
        ),
        (
            "SELECT count(*) FROM logs WHERE NOT matches(body, 'connection')",
            json!([[3]]),
        ),
        (
            "SELECT trace_id, span_id FROM logs WHERE trace_id = 'ABABABABABABABABABABABABABABABAB'",
            json!([["abababababababababababababababab", null]]),
        ),
        (
            "SELECT time FROM logs WHERE time < '2023-01-29T08:00:01Z'",
            json!([["2023-01-29T08:00:00.000000000Z"]]),
        ),
        (
            "SELECT date_trunc('hour', time) AS h, count(*) FROM logs GROUP BY h ORDER BY h",
            json!([
                ["2023-01-29T08:00:00.000000000Z", 3],
                ["2023-01-29T09:00:00.000000000Z", 3]
            ]),
        ),
        (
            "SELECT attributes FROM logs WHERE \"attributes.ok\" = false",
            json!([[{"ok": "false"}]]),
        ),
        ("SELECT count(*), count(body) FROM logs", json!([[6, 5]])),
    ];
    for (sql, expected) in cases {
        assert_eq!(rows(&house, sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn only_reads_and_only_of_our_tables() {
    let house = house().await;
    let cases = [
        "",
        "SELEC 1",
        "SELECT 1; SELECT 2",
        "INSERT INTO logs VALUES (1)",
        "CREATE TABLE x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "COPY logs TO '/tmp/x.csv'",
        "DROP TABLE logs",
        "SET datafusion.execution.batch_size = 1",
        "SHOW TABLES",
        "EXPLAIN INSERT INTO logs VALUES (1)",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM datafusion.public.logs",
        "SELECT * FROM generate_series(1, 10)",
        "SELECT * FROM lgos",
        "SELECT servce_name FROM logs",
        "SELECT attr(body) FROM logs",
        "SELECT count(*) FROM logs WHERE matches(body, '(a')",
        "SELECT count(*) FROM logs WHERE matches(body, body)",
        "SELECT no_such_function(body) FROM logs",
    ];
    for sql in cases {
        let (status, body) = house.try_sql(sql).await;
        assert_eq!(
            (status.as_u16(), &body["error"]["code"]),
            (400, &json!("invalid")),
            "{sql}: {body}"
        );
    }
    let (_, body) = house.try_sql("SELECT servce_name FROM logs").await;
    assert!(
        body["error"]["hint"]
            .as_str()
            .unwrap()
            .contains("`service_name`"),
        "{body}"
    );
    let (_, body) = house.try_sql("SELECT * FROM lgos").await;
    assert!(
        body["error"]["hint"].as_str().unwrap().contains("`logs`"),
        "{body}"
    );
    house
        .sql("EXPLAIN SELECT * FROM logs WHERE body IS NULL")
        .await;
}

#[tokio::test]
async fn streams_have_all_rows_and_json_says_when_it_has_not() {
    let house = house().await;
    let (_, csv) = house
        .sql_as(
            "SELECT body, attributes FROM logs WHERE \"attributes.ratio\" > 0",
            "text/csv",
        )
        .await;
    assert_eq!(
        csv,
        "body,attributes\r\nGröße überschritten,\"{\"\"weird \\\"\"key\\\"\"\"\":\"\"a,b\"\",\"\"ratio\"\":\"\"0.25\"\"}\"\r\n"
    );
    let (_, lines) = house
        .sql_as(
            "SELECT body FROM logs ORDER BY time LIMIT 1",
            "application/x-ndjson",
        )
        .await;
    assert_eq!(lines, "{\"body\":\"Connection refused by payment-1\"}\n");
    let small = QueryOptions {
        max_rows_json: 2,
        ..QueryOptions::default()
    };
    let (_, _, body) = send(
        &house.limited(small),
        sql_request("SELECT body FROM logs", "*/*"),
    )
    .await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["rows"].as_array().unwrap().len(), 2);
    assert_eq!(body["complete"], false);
    assert!(
        body["incomplete_reasons"][0]
            .as_str()
            .unwrap()
            .contains("ndjson")
    );
}

#[tokio::test]
async fn a_query_that_needs_too_much_memory_says_so() {
    let house = House::new().await;
    let rows: Vec<_> = (0..20_000)
        .map(|at| Log::at(T0 + at, format!("line {at} {}", "x".repeat(100))))
        .collect();
    house.append(&rows).await;
    let small = QueryOptions {
        memory_bytes: 1 << 20,
        ..QueryOptions::default()
    };
    let request = sql_request("SELECT array_agg(body) FROM logs", "*/*");
    let (status, _, body) = send(&house.limited(small), request).await;
    assert_eq!(status, 413, "{}", String::from_utf8_lossy(&body));
}

#[tokio::test]
async fn traces_and_services_are_tables() {
    let house = house().await;
    append(&house, &everything()).await;
    let stored = rows(
        &house,
        "SELECT count(DISTINCT trace_id), count(*), count(*) FILTER (WHERE status_code = 'ERROR'), count(DISTINCT service_name) FROM spans",
    )
    .await;
    let summed = rows(
        &house,
        "SELECT count(*), sum(span_count), sum(error_count) FROM traces",
    )
    .await;
    assert_eq!(summed[0][0], stored[0][0]);
    assert_eq!(summed[0][1], stored[0][1]);
    assert_eq!(summed[0][2], stored[0][2]);
    let traces = rows(
        &house,
        "SELECT t.trace_id, t.duration_ns, t.root_name, t.service_count, t.service_names FROM traces t ORDER BY t.start_time, t.trace_id",
    )
    .await;
    for trace in traces.as_array().unwrap() {
        let id = trace[0].as_str().unwrap();
        let seen = house
            .get(&format!("/api/v1/traces/{id}"), &[("view", "timeline")])
            .await;
        assert_eq!(trace[1], seen["duration_ns"], "{trace} {seen}");
        assert_eq!(trace[3], seen["services"].as_array().unwrap().len());
        assert_eq!(trace[3], trace[4].as_array().unwrap().len());
    }
    let services = rows(
        &house,
        "SELECT service_name, span_count, error_count, log_count FROM services ORDER BY service_name",
    )
    .await;
    let counted: Value = house.get("/api/v1/services", &[]).await["services"].take();
    for service in services.as_array().unwrap() {
        let other = counted
            .as_array()
            .unwrap()
            .iter()
            .find(|other| other["service_name"] == service[0])
            .unwrap();
        assert_eq!(service[1], other["span_count"]);
        assert_eq!(service[2], other["error_count"]);
        assert_eq!(service[3], other["log_count"]);
    }
    assert!(!services.as_array().unwrap().is_empty());
    // A name that a query gives itself hides the table.
    let hidden = rows(
        &house,
        "WITH traces AS (SELECT 1 AS n) SELECT n FROM traces",
    )
    .await;
    assert_eq!(hidden, json!([[1]]));
}

#[tokio::test]
async fn time_buckets_and_percentiles() {
    let house = house().await;
    append(&house, &everything()).await;
    let binned =
        "SELECT date_bin(INTERVAL '1 minute', time) AS t, count(*) FROM logs GROUP BY 1 ORDER BY 1";
    for width in ["'1m'", "'60s'", "'1 minute'", "INTERVAL '1 minute'"] {
        let sql = format!(
            "SELECT time_bucket({width}, time) AS t, count(*) FROM logs GROUP BY 1 ORDER BY 1"
        );
        assert_eq!(
            rows(&house, &sql).await,
            rows(&house, binned).await,
            "{sql}"
        );
    }
    let median = rows(
        &house,
        "SELECT approx_percentile(duration_ns, 0.5) FROM spans",
    )
    .await;
    assert!(median[0][0].is_number(), "{median}");
    for wrong in [
        "SELECT time_bucket('1m') FROM logs",
        "SELECT time_bucket('x', time) FROM logs",
    ] {
        let (status, answer) = house.try_sql(wrong).await;
        assert_eq!(status, 400, "{answer}");
        assert_eq!(answer["error"]["code"], "invalid", "{answer}");
    }
}

/// Bytes that the queries of a house have.
fn held(house: &House) -> usize {
    let metrics = house.metrics();
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("spoor_query_memory_bytes "));
    line.unwrap().parse().unwrap()
}

async fn with_bodies(options: QueryOptions, count: i64, body: &str) -> House {
    let house = House::with(options).await;
    let rows: Vec<_> = (0..count).map(|at| Log::at(T0 + at, body)).collect();
    house.append(&rows).await;
    house
}

#[tokio::test]
async fn json_is_memory_of_its_query_until_the_client_has_taken_it() {
    let house = with_bodies(QueryOptions::default(), 2_000, &"x".repeat(1_000)).await;
    let response = house.ask(sql_request("SELECT body FROM logs", "*/*")).await;
    assert_eq!(response.status(), 200);
    assert!(held(&house) > 2_000_000, "{}", held(&house));
    let mut body: BodyDataStream = response.into_body().into_data_stream();
    let mut text = body.next().await.unwrap().unwrap().to_vec();
    assert!(text.len() < 100_000, "in pieces");
    assert!(held(&house) > 2_000_000);
    while let Some(piece) = body.next().await {
        text.extend_from_slice(&piece.unwrap());
    }
    drop(body);
    assert_eq!(held(&house), 0);
    let answer: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(answer["rows"].as_array().unwrap().len(), 2_000);
    assert_eq!(answer["complete"], true);
    // A client that goes away gives it back too.
    let response = house.ask(sql_request("SELECT body FROM logs", "*/*")).await;
    assert!(held(&house) > 2_000_000);
    drop(response);
    assert_eq!(held(&house), 0);
}

/// Characters that JSON writes with six letters: the rows would fit, their text does not.
#[tokio::test]
async fn json_that_is_larger_than_the_memory_of_a_query_is_refused() {
    let options = QueryOptions {
        memory_bytes: 16 << 20,
        ..QueryOptions::default()
    };
    let house = with_bodies(options, 4_000, &"\u{1}".repeat(1_000)).await;
    let (status, answer) = house.try_sql("SELECT body FROM logs").await;
    assert_eq!(status, 413, "{}", answer["error"]);
    assert_eq!(answer["error"]["code"], "too_large");
    assert!(answer["error"]["hint"].is_string(), "{answer}");
    assert_eq!(held(&house), 0);
    let few = house.sql("SELECT body FROM logs LIMIT 1000").await;
    assert_eq!(few["rows"].as_array().unwrap().len(), 1_000);
}
