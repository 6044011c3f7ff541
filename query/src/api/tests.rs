//! The logs, field and SQL endpoints over a real storage: buffer, files and both together.

use datafusion::execution::memory_pool::MemoryConsumer;
use serde_json::{Value, json};

use crate::QueryOptions;
use crate::testing::{House, Log, SECOND, T0, send, sql_request};

mod attributes;
mod differential;
mod explain;
mod export;
mod facets;
mod needle;
mod queries;
mod scanned;
mod scenarios;
mod slices;
mod sql;
mod tail;
mod tenants;

/// Six records over two hours, three of them in files.
async fn house() -> House {
    let house = House::new().await;
    house
        .append(&[
            Log::at(T0, "Connection refused by payment-1").with("user.id", 7, 'i'),
            Log {
                severity_number: 17,
                service: "cart",
                trace_id: Some([0xAB; 16]),
                ..Log::at(T0 + SECOND, "connection was refused").with("user.id", 8, 'i')
            },
            Log {
                severity_number: 0,
                severity_text: Some("WARN"),
                ..Log::at(T0 + 3_600 * SECOND, "timeout after 5 ms").with("ok", false, 'b')
            },
        ])
        .await;
    house.storage.flush().await.unwrap();
    house
        .append(&[
            Log {
                body: None,
                ..Log::at(T0 + 3_601 * SECOND, "")
            },
            Log::at(T0 + 3_601 * SECOND, "Größe überschritten")
                .with("weird \"key\"", "a,b", 's')
                .with("ratio", 0.25, 'd'),
            Log {
                body_fields: vec![("user.id", "7".into(), 'i')],
                ..Log::at(T0 + SECOND, "late timeouts")
            },
        ])
        .await;
    house
}

async fn bodies(house: &House, query: &str) -> Vec<String> {
    let answer = house
        .get("/api/v1/logs", &[("query", query), ("order", "asc")])
        .await;
    assert_eq!(answer["complete"], true, "{answer}");
    let logs = answer["logs"].as_array().unwrap();
    logs.iter()
        .map(|log| log["body"].as_str().unwrap_or("-").to_owned())
        .collect()
}

#[tokio::test]
async fn search_finds_what_the_query_means() {
    let house = house().await;
    let first = "Connection refused by payment-1";
    let second = "connection was refused";
    let late = "late timeouts";
    let third = "timeout after 5 ms";
    let size = "Größe überschritten";
    let cases: [(&str, &[&str]); 18] = [
        ("", &[first, second, late, third, "-", size]),
        ("connection", &[first, second]),
        ("\"connection refused\"", &[first]),
        ("timeout*", &[late, third]),
        ("GRÖSSE OR größe", &[size]),
        ("NOT connection", &[late, third, "-", size]),
        ("user.id:7", &[first, late]),
        ("attributes.user.id:7", &[first]),
        ("user.id>=8", &[second]),
        ("-user.id:7", &[second, third, "-", size]),
        ("has:user.id", &[first, second, late]),
        ("level:error", &[second]),
        ("level>=warn", &[second, third]),
        ("service:cart OR ok:false", &[second, third]),
        ("host.name:node-? connection", &[first, second]),
        ("trace_id:ABABABABABABABABABABABABABABABAB", &[second]),
        ("abababababababababababababababab", &[second]),
        ("body:~\"time.?out\" ratio!=0.25", &[late, third]),
    ];
    for (query, expected) in cases {
        assert_eq!(bodies(&house, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_row_has_the_documented_shape() {
    let house = house().await;
    let answer = house.get("/api/v1/logs", &[("query", "ratio:0.25")]).await;
    let log = &answer["logs"][0];
    let expected = json!({
        "id": log["id"], "time": "2023-01-29T09:00:01.000000000Z",
        "time_unix_nano": (T0 + 3_601 * SECOND).to_string(), "observed_time_unix_nano": null,
        "severity_number": 9, "severity_text": null, "level": "info",
        "service_name": "checkout", "body": "Größe überschritten", "body_type": "string",
        "event_name": null, "trace_id": null, "span_id": null,
        "attributes": {"weird \"key\"": "a,b", "ratio": 0.25}, "body_fields": {},
        "resource": {"host.name": "node-1"},
        "scope": {"name": null, "version": null, "attributes": {}},
    });
    assert_eq!(*log, expected);
    assert!(log["id"].as_str().unwrap().parse::<i64>().is_ok());
    assert!(answer["next_cursor"].is_null());
    assert!(answer["elapsed_ms"].is_u64() && answer["snapshot"].is_u64());
    let keys: Vec<_> = log["attributes"].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["weird \"key\"", "ratio"],
        "in the order they were sent"
    );
}

#[tokio::test]
async fn a_row_says_which_of_its_values_are_bytes() {
    let house = House::new().await;
    let list = r#"{"values":[{"stringValue":"AAE="},{"bytesValue":"AAE="}]}"#;
    let log = Log {
        resource: vec![("key", "AAE=".into(), 'x')],
        scope: vec![("key", "AAE=".into(), 's')],
        body_fields: vec![("list", list.into(), 'a')],
        ..Log::at(T0, "x")
            .with("text", "AAE=", 's')
            .with("key", "AAE=", 'x')
            .with("text", "AAE=", 'x')
    };
    house.append(&[log]).await;
    for _ in ["in memory", "in a file"] {
        let answer = house.get("/api/v1/logs", &[]).await;
        let log = &answer["logs"][0];
        assert_eq!(log["attributes"], json!({"text": "AAE=", "key": "AAE="}));
        assert_eq!(log["bytes_in_attributes"], json!({"key": true}));
        assert_eq!(log["bytes_in_resource"], json!({"key": true}));
        assert_eq!(log["body_fields"], json!({"list": ["AAE=", "AAE="]}));
        assert_eq!(log["bytes_in_body_fields"], json!({"list": {"1": true}}));
        assert_eq!(log["scope"].get("bytes_in_attributes"), None);
        house.storage.flush().await.unwrap();
    }
}

#[tokio::test]
async fn pages_neither_overlap_nor_leave_gaps() {
    let house = House::new().await;
    for round in 0..4 {
        // Many ties in time, in several requests and files.
        let rows: Vec<_> = (0..25)
            .map(|at| Log::at(T0 + (at % 5) * SECOND, format!("{round} {at}")))
            .collect();
        house.append(&rows).await;
        if round % 2 == 0 {
            house.storage.flush().await.unwrap();
        }
    }
    for order in ["asc", "desc"] {
        let mut seen: Vec<(i64, i64)> = Vec::new();
        let mut cursor = String::new();
        loop {
            let answer = house
                .get(
                    "/api/v1/logs",
                    &[("limit", "7"), ("order", order), ("cursor", &cursor)],
                )
                .await;
            for log in answer["logs"].as_array().unwrap() {
                let number = |name: &str| log[name].as_str().unwrap().parse::<i64>().unwrap();
                seen.push((number("time_unix_nano"), number("id")));
            }
            match answer["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        let mut sorted = seen.clone();
        sorted.sort_unstable();
        if order == "desc" {
            sorted.reverse();
        }
        assert_eq!(seen, sorted, "{order}");
        sorted.dedup();
        assert_eq!(sorted.len(), 100, "{order}");
    }
}

#[tokio::test]
async fn time_bounds_are_inclusive_and_exclusive() {
    let house = house().await;
    let start = (T0 + SECOND).to_string();
    let end = (T0 + 3_601 * SECOND).to_string();
    let answer = house
        .get("/api/v1/logs", &[("start", &start), ("end", &end)])
        .await;
    assert_eq!(answer["logs"].as_array().unwrap().len(), 3);
    let (status, _) = house
        .try_get("/api/v1/logs", &[("start", &end), ("end", &start)])
        .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn mistakes_are_told_with_their_position() {
    let house = house().await;
    let (status, body) = house
        .try_get("/api/v1/logs", &[("query", "ü level:loud")])
        .await;
    assert_eq!(status, 400);
    assert_eq!(body["error"]["code"], "invalid");
    assert_eq!(body["error"]["position"], 8);
    assert!(body["error"]["hint"].as_str().unwrap().contains("warn"));
    for (name, value) in [
        ("limit", "0"),
        ("limit", "x"),
        ("order", "up"),
        ("cursor", "zzz"),
        ("start", "soon"),
    ] {
        let (status, body) = house.try_get("/api/v1/logs", &[(name, value)]).await;
        assert_eq!(
            (status.as_u16(), &body["error"]["code"]),
            (400, &json!("invalid")),
            "{name}={value}"
        );
    }
}

#[tokio::test]
async fn histogram_counts_every_match_once() {
    let house = house().await;
    let answer = house
        .get("/api/v1/logs/histogram", &[("buckets", "10")])
        .await;
    assert_eq!(answer["total"], 6);
    let count = |answer: &Value, name: &str| -> i64 {
        let series = answer["series"].as_array().unwrap();
        let series = series.iter().find(|series| series["name"] == name).unwrap();
        series["counts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|count| count.as_i64().unwrap())
            .sum()
    };
    assert_eq!(count(&answer, "info"), 4);
    assert_eq!(count(&answer, "warn"), 1);
    assert_eq!(count(&answer, "error"), 1);
    let width = answer["bucket_ns"].as_i64().unwrap();
    let start: i64 = answer["start_unix_nano"].as_str().unwrap().parse().unwrap();
    assert_eq!((width, start % width), (600 * SECOND, 0));
    let by = house
        .get(
            "/api/v1/logs/histogram",
            &[("by", "user.id"), ("query", "has:user.id")],
        )
        .await;
    assert_eq!(
        (count(&by, "7"), count(&by, "8"), &by["total"]),
        (2, 1, &json!(3))
    );
    let by = house
        .get("/api/v1/logs/histogram", &[("by", "user.id")])
        .await;
    assert_eq!(count(&by, "(none)"), 3);
    let none = house
        .get("/api/v1/logs/histogram", &[("query", "absent")])
        .await;
    assert_eq!((&none["total"], &none["series"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn rare_values_of_a_histogram_are_summed() {
    let house = House::new().await;
    let rows: Vec<_> = (0..40)
        .map(|at| Log::at(T0 + at, "x").with("n", at % 20, 'i'))
        .collect();
    house.append(&rows).await;
    let answer = house.get("/api/v1/logs/histogram", &[("by", "n")]).await;
    let series = answer["series"].as_array().unwrap();
    assert_eq!(series.len(), 10);
    assert_eq!(series[9]["name"], "(other)");
    assert_eq!(answer["total"], 40);
    for (limit, there) in [("2", 2), ("15", 15), ("1000", 20)] {
        let asked = [("by", "n"), ("limit", limit)];
        let answer = house.get("/api/v1/logs/histogram", &asked).await;
        assert_eq!(answer["series"].as_array().unwrap().len(), there, "{limit}");
        assert_eq!(answer["total"], 40);
    }
    for asked in [
        [("limit", "1"), ("buckets", "1")],
        [("limit", "1001"), ("buckets", "1")],
        [("limit", "1000"), ("buckets", "101")],
    ] {
        let (status, answer) = house.try_get("/api/v1/logs/histogram", &asked).await;
        assert_eq!(
            (status.as_u16(), &answer["error"]["code"]),
            (400, &json!("invalid")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn fields_and_values_are_listed() {
    let house = house().await;
    let answer = house
        .get("/api/v1/fields", &[("table", "logs"), ("prefix", "user")])
        .await;
    let fields = answer["fields"].as_array().unwrap();
    let names: Vec<_> = fields
        .iter()
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["attributes.user.id", "body.user.id"]);
    assert_eq!(fields[0]["query_name"], "user.id");
    assert_eq!(
        (&fields[0]["types"], &fields[0]["count"]),
        (&json!(["int"]), &json!(2))
    );
    let values = house.get("/api/v1/fields/user.id/values", &[]).await;
    assert_eq!(
        values["values"],
        json!([{"value": "7", "count": 2}, {"value": "8", "count": 1}])
    );
    assert_eq!(
        (&values["field"], &values["exact"]),
        (&json!("user.id"), &json!(true))
    );
    let levels = house.get("/api/v1/fields/level/values", &[]).await;
    assert_eq!(levels["values"][0], json!({"value": "info", "count": 4}));
    let services = house
        .get("/api/v1/fields/service_name/values", &[("prefix", "ca")])
        .await;
    assert_eq!(services["values"], json!([{"value": "cart", "count": 1}]));
}

#[tokio::test]
async fn a_deadline_that_passes_is_a_timeout_and_too_many_queries_are_busy() {
    let house = house().await;
    let hasty = QueryOptions {
        timeout: std::time::Duration::ZERO,
        ..QueryOptions::default()
    };
    let (status, _, _) = send(&house.limited(hasty), sql_request("SELECT 1", "*/*")).await;
    assert_eq!(status, 504);
    let rows: Vec<_> = (0..3_000).map(|at| Log::at(T0 + at, "x")).collect();
    house.append(&rows).await;
    let short = QueryOptions {
        timeout: std::time::Duration::from_millis(100),
        ..QueryOptions::default()
    };
    // 27 thousand million rows: nobody waits for that.
    let endless = sql_request(
        "SELECT count(*) FROM logs a, logs b, logs c WHERE a.body < b.body",
        "*/*",
    );
    let (status, _, body) = send(&house.limited(short), endless).await;
    assert_eq!(status, 504, "{}", String::from_utf8_lossy(&body));
    let narrow = QueryOptions {
        max_concurrent: 1,
        max_waiting: 0,
        ..QueryOptions::default()
    };
    let engine = crate::QueryEngine::new(house.storage.clone(), narrow).unwrap();
    let running = engine
        .begin(&spoor_storage::TenantId::default())
        .await
        .unwrap();
    let (status, headers, _) = send(
        &crate::router(engine.clone()),
        sql_request("SELECT 1", "*/*"),
    )
    .await;
    assert_eq!(
        (status.as_u16(), headers["retry-after"].to_str().unwrap()),
        (429, "1")
    );
    drop(running);
    let (status, _, _) = send(&crate::router(engine), sql_request("SELECT 1", "*/*")).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn memory_that_other_queries_have_is_worth_asking_again_and_a_sort_spills() {
    let options = QueryOptions {
        memory_bytes: 64 << 20,
        total_memory_bytes: 64 << 20,
        parallelism: 1,
        ..QueryOptions::default()
    };
    let house = House::with(options).await;
    // In batches, as it comes in.
    for batch in 0..40 {
        let rows = (batch * 1_000..(batch + 1) * 1_000).map(|at| {
            Log::at(
                T0 + at,
                format!("{:05} {}", at * 7919 % 40_000, "x".repeat(1_000)),
            )
        });
        house.append(&rows.collect::<Vec<_>>()).await;
    }
    let other = house
        .engine
        .begin(&spoor_storage::TenantId::default())
        .await;
    let other = other.unwrap();
    let pool = &other.context().runtime_env().memory_pool;
    let held = MemoryConsumer::new("much").register(pool);
    held.try_grow(40 << 20).unwrap();
    // 40 MB of text. Sorted, it is written to disk in parts; joined, it has to be in memory.
    let sorted = "SELECT body FROM logs ORDER BY body";
    let joined = "SELECT count(*) FROM logs a JOIN logs b ON a.body = b.body";
    let (_, csv) = house.sql_as(sorted, "text/csv").await;
    let lines: Vec<&str> = csv.lines().skip(1).collect();
    assert!(lines.len() == 40_000 && lines.is_sorted());
    assert!(
        !house
            .metrics()
            .contains("spoor_query_memory_refused_total 0")
    );
    let (status, headers, body) = send(
        &crate::router(house.engine.clone()),
        sql_request(joined, "*/*"),
    )
    .await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (status.as_u16(), &body["error"]["code"]),
        (503, &json!("unavailable")),
        "{body}"
    );
    assert_eq!(headers["retry-after"], "2");
    drop((held, other));
    assert_eq!(house.sql(joined).await["rows"], json!([[40_000]]));
    assert!(house.metrics().contains("spoor_query_memory_bytes 0"));
}

#[tokio::test]
async fn a_broken_data_file_makes_the_answer_incomplete() {
    let house = house().await;
    let snapshot = house.storage.snapshot();
    let files = snapshot.files(
        &spoor_storage::TenantId::default(),
        spoor_storage::Table::Logs,
        spoor_storage::TimeRange::ALL,
    );
    let path = house.folder.path().join(files[0].path.as_ref());
    std::fs::write(&path, b"not parquet").unwrap();
    let answer = house.get("/api/v1/logs", &[]).await;
    assert_eq!(answer["complete"], false, "{answer}");
    assert!(
        answer["incomplete_reasons"][0]
            .as_str()
            .unwrap()
            .contains("2023-01-29T08")
    );
    assert_eq!(answer["logs"].as_array().unwrap().len(), 4);
    let (headers, _) = house.sql_as("SELECT body FROM logs", "text/csv").await;
    assert_eq!(headers["spoor-complete"], "false");
}

#[tokio::test]
async fn a_broken_footer_that_is_met_while_rows_are_read_is_left_out_too() {
    let house = house().await;
    let file = std::sync::Arc::clone(
        &house.storage.snapshot().files(
            &spoor_storage::TenantId::default(),
            spoor_storage::Table::Logs,
            spoor_storage::TimeRange::ALL,
        )[0],
    );
    let path = house.folder.path().join(file.path.as_ref());
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 12;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let none_beforehand = QueryOptions {
        footers_beforehand: 0,
        ..QueryOptions::default()
    };
    let router = house.limited(none_beforehand);
    for query in ["/api/v1/logs", "/api/v1/logs/histogram"] {
        let request = http::Request::get(query)
            .body(axum::body::Body::empty())
            .unwrap();
        let (status, _, body) = send(&router, request).await;
        let answer: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status.as_u16(), &answer["complete"]), (200, &json!(false)));
        let reason = answer["incomplete_reasons"][0].as_str().unwrap();
        assert!(reason.contains("2023-01-29T08"), "{query}: {reason}");
    }
    drop(file);
}

#[tokio::test]
async fn a_broken_page_is_met_once_and_then_left_out_with_its_hour_named() {
    let house = house().await;
    house.break_pages(spoor_storage::Table::Logs);
    for query in ["/api/v1/logs", "/api/v1/logs/histogram"] {
        let answer = house.get(query, &[]).await;
        assert_eq!(answer["complete"], false, "{query}: {answer}");
        let reason = answer["incomplete_reasons"][0].as_str().unwrap();
        assert!(reason.contains("2023-01-29T08"), "{query}: {reason}");
    }
    let answer = house.sql("SELECT count(DISTINCT body) FROM logs").await;
    assert_eq!(answer["complete"], false, "{answer}");
    let skipped = house.storage.snapshot().skipped(
        &spoor_storage::TenantId::default(),
        spoor_storage::Table::Logs,
        spoor_storage::TimeRange::ALL,
    );
    assert_eq!(skipped.len(), 1, "it is set aside, once");
}

#[tokio::test]
async fn the_apis_of_others_ask_again_without_a_broken_file_too() {
    let spans = spoor_storage::Table::Spans;
    let logs = spoor_storage::Table::Logs;
    let trace = "5b8efff798038103d269b633813fc60c";
    let jaeger = format!("/jaeger/api/traces/{trace}");
    let jaeger_v3 = format!("/jaeger/api/v3/traces/{trace}");
    for (table, path, parameters) in [
        (spans, "/jaeger/api/traces", vec![("service", "shop")]),
        (spans, jaeger.as_str(), vec![]),
        (spans, "/jaeger/api/services/shop/operations", vec![]),
        (
            spans,
            "/jaeger/api/v3/traces",
            vec![("query.service_name", "shop")],
        ),
        (spans, jaeger_v3.as_str(), vec![]),
        (
            spans,
            "/tempo/api/search",
            vec![("q", "{ name = `GET /` }")],
        ),
        (
            spans,
            "/tempo/api/search/tag/name/values",
            vec![("q", "{ kind = server }")],
        ),
        (
            logs,
            "/loki/api/v1/query_range",
            vec![
                ("query", "{service_name=\"checkout\"}"),
                ("since", "99999h"),
            ],
        ),
    ] {
        let house = House::new().await;
        crate::trace::tests::append(&house, &crate::otlp::sample::everything()).await;
        house.append(&[Log::at(T0, "one")]).await;
        house.storage.flush().await.unwrap();
        house.break_pages(table);
        let answer = house.get(path, &parameters).await;
        let reasons = if table == logs {
            &answer["warnings"]
        } else {
            assert_eq!(answer["complete"], false, "{path}: {answer}");
            &answer["incomplete_reasons"]
        };
        let reason = reasons[0].as_str().unwrap();
        assert!(reason.contains("20"), "the hour is named: {path}: {reason}");
    }
}

#[tokio::test]
async fn a_flipped_bit_in_a_column_is_never_another_value() {
    let whole = house().await.get("/api/v1/logs", &[]).await;
    let bodies = |answer: &Value| -> Vec<Value> {
        let logs = answer["logs"].as_array().unwrap();
        logs.iter().map(|log| log["body"].clone()).collect()
    };
    let known = bodies(&whole);
    for round in 0..12 {
        let house = house().await;
        let file = std::sync::Arc::clone(
            &house.storage.snapshot().files(
                &spoor_storage::TenantId::default(),
                spoor_storage::Table::Logs,
                spoor_storage::TimeRange::ALL,
            )[0],
        );
        let path = house.folder.path().join(file.path.as_ref());
        let mut bytes = std::fs::read(&path).unwrap();
        let metadata = parquet::file::metadata::ParquetMetaDataReader::new()
            .parse_and_finish(&bytes::Bytes::from(bytes.clone()))
            .unwrap();
        let columns = metadata.row_group(0).columns();
        let body = columns
            .iter()
            .find(|column| column.column_path().string() == "body");
        let (start, len) = body.unwrap().byte_range();
        // The last bytes of its page are text as it is: to the decoder one letter is as good as another.
        let at = usize::try_from(start + len).unwrap() - 1 - round;
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let answer = house.get("/api/v1/logs", &[]).await;
        assert_eq!(answer["complete"], false, "round {round}: {answer}");
        let found = bodies(&answer);
        assert_eq!(found.len(), 4, "round {round}: {answer}");
        assert!(found.iter().all(|body| known.contains(body)), "{answer}");
    }
}

#[tokio::test]
async fn flipped_bits_never_end_a_query_with_anything_but_an_answer() {
    let mut state = 20_261_125_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % below
    };
    for round in 0..12 {
        let house = house().await;
        let file = house.storage.snapshot().files(
            &spoor_storage::TenantId::default(),
            spoor_storage::Table::Logs,
            spoor_storage::TimeRange::ALL,
        )[0]
        .path
        .clone();
        let path = house.folder.path().join(file.as_ref());
        let mut bytes = std::fs::read(&path).unwrap();
        for _ in 0..=round * 4 {
            let at = random(bytes.len());
            bytes[at] ^= 1 << random(8);
        }
        std::fs::write(&path, bytes).unwrap();
        let answer = house.get("/api/v1/logs", &[]).await;
        let whole = answer["logs"].as_array().unwrap().len();
        assert!(whole >= 4, "round {round}: {answer}");
    }
}

#[tokio::test]
async fn footers_are_read_once_and_that_is_counted() {
    let house = House::new().await;
    house.append(&[Log::at(T0, "one")]).await;
    house.storage.flush().await.unwrap();
    for _ in 0..3 {
        house
            .sql("SELECT max(record_id) FROM logs WHERE body = 'one'")
            .await;
    }
    let mut registry = prometheus_client::registry::Registry::default();
    house.engine.register_metrics(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    assert!(
        text.contains("spoor_query_footer_cache_misses_total 1\n"),
        "{text}"
    );
    assert!(
        text.contains("spoor_query_footer_cache_hits_total 2\n"),
        "{text}"
    );
}
