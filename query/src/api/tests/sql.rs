use super::*;

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
