//! Rules with a query of the search language.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use spoor_storage::TenantId;

use super::super::retention::retention_json;
use super::{call, rows};
use crate::testing::{House, T0};
use crate::trace::tests::append;

async fn put(house: &House, body: Value) -> (StatusCode, Value) {
    call(&house.admin(), Method::PUT, "/api/v1/retention", &body).await
}

/// A rule with a query lets exactly those records expire that the search finds, and its dry run says
/// how many they are.
#[tokio::test]
async fn a_rule_means_what_the_search_bar_means() {
    let house = House::new().await;
    let mut rows = rows();
    for (number, row) in rows.iter_mut().enumerate() {
        if number % 3 == 0 {
            row.attributes
                .push(("http.status_code", (number % 600).to_string(), 'i'));
        }
        if number % 5 == 0 {
            row.attributes
                .push(("http.route", format!("/api/v{}", number % 4), 's'));
        }
    }
    house.append(&rows).await;
    house.storage.flush().await.unwrap();
    let sorted = |mut found: Vec<String>| {
        found.sort_unstable();
        found
    };
    for query in [
        "has:http.route",
        "http.route!=/api/v1",
        "http.route:(/api/v1 OR /api/v2)",
        "http.route:/api/v*",
        "http.status_code:>=500",
        "http.status_code>100 http.status_code<=200",
        "http.route:~\"^/api/v[12]$\"",
        "user.email:u7* -password",
        "passwor* OR trace_id:07070707070707070707070707070707",
        "resource.host.name:node-1 level:info line17",
        "*:u7",
        "*:\"v3\" -*:password",
        "*:~\"^u4[0-9]@\"",
        "http.status_code:(3 OR [500 TO *])",
        "user.email:[u3 TO u4}",
        "level:[info TO warn] time:{2023-01-29T08:10:00Z TO 2023-01-29T08:20:00Z]",
    ] {
        let all = [("query", query), ("limit", "10000")];
        let found = house.get("/api/v1/logs", &all).await;
        let expected = found["logs"].as_array().unwrap().len();
        assert!(expected > 0, "{query}");
        let rules = json!([{"table": "logs", "query": query, "keep": "1d"}]);
        let (status, dry) = put(&house, json!({"rules": rules, "dry_run": true})).await;
        assert_eq!(
            (status, &dry["rows"]),
            (StatusCode::OK, &json!(expected)),
            "{dry}"
        );
        assert_eq!(dry["rules"][0]["rule"], rules[0]);
        let left = sorted(bodies_of_all(&house, &format!("NOT ({query})")).await);
        assert_eq!(left.len(), 3000 - expected, "nothing is changed yet");
        let (status, set) = put(&house, json!({ "rules": rules })).await;
        assert_eq!(status, 200, "{set}");
        assert_eq!(sorted(bodies_of_all(&house, "").await), left, "{query}");
        let (_, dry) = put(&house, json!({"rules": [], "dry_run": true})).await;
        assert_eq!(dry["restored_rows"], expected, "{dry}");
        put(&house, json!({"rules": []})).await;
    }
    let count = house.sql("SELECT count(*) FROM logs").await;
    assert_eq!(count["rows"][0][0], 3000);
    let (status, answer) = put(
        &house,
        json!({"rules": [
            {"table": "logs", "keep": "9d"}, {"table": "logs", "query": "a:(", "keep": "1d"}
        ]}),
    )
    .await;
    assert_eq!(status, 400);
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("rule 2: "), "{message}");
}

async fn bodies_of_all(house: &House, query: &str) -> Vec<String> {
    let all = [("query", query), ("limit", "10000")];
    let answer = house.get("/api/v1/logs", &all).await;
    let logs = answer["logs"].as_array().unwrap();
    let body = |log: &Value| log["body"].as_str().unwrap().to_owned();
    logs.iter().map(body).collect()
}

/// Names of the spans that a query finds, in order.
async fn names(house: &House, query: &str) -> Vec<String> {
    let (_, csv) = house
        .sql_as("SELECT name FROM spans ORDER BY name", "text/csv")
        .await;
    if query.is_empty() {
        return csv.lines().skip(1).map(str::to_owned).collect();
    }
    let found = house.get("/api/v1/traces", &[("query", query)]).await;
    let matched = found["traces"].as_array().unwrap().iter();
    let mut names: Vec<String> = matched
        .map(|trace| trace["root"]["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort_unstable();
    names
}

/// Each span is a trace of its own.
#[tokio::test]
async fn a_rule_of_spans_means_it_too() {
    let house = House::new().await;
    let spans: Vec<Value> = (1..=6_i64)
        .map(|at| {
            json!({"traceId": format!("{at:032x}"), "spanId": format!("{at:016x}"), "name": format!("step {at}"),
                "kind": 2, "startTimeUnixNano": T0.to_string(), "endTimeUnixNano": (T0 + at * 1_000_000).to_string(),
                "attributes": [{"key": "http.response.status_code", "value": {"intValue": (100 * at).to_string()}}],
                "events": [{"timeUnixNano": T0.to_string(), "name": format!("event-{at}")}]})
        })
        .collect();
    append(
        &house,
        &json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}),
    )
    .await;
    house.storage.flush().await.unwrap();
    let all = names(&house, "").await;
    assert_eq!(all.len(), 6);
    for (query, count) in [
        ("*:event", 6),
        ("*:\"event 3\"", 1),
        ("*:~\"^event-[2-4]$\"", 3),
        ("duration:[2ms TO 4ms}", 2),
        ("http.response.status_code:[500 TO *]", 2),
        ("http.response.status_code:(100 OR {300 TO 500})", 2),
        ("*:400 duration:[1ms TO 5ms]", 1),
    ] {
        let found = names(&house, query).await;
        assert_eq!(found.len(), count, "{query}");
        let rules = json!([{"table": "spans", "query": query, "keep": "1d"}]);
        let (_, dry) = put(&house, json!({"rules": rules, "dry_run": true})).await;
        assert_eq!(dry["rows"], count, "{query}: {dry}");
        let (status, set) = put(&house, json!({ "rules": rules })).await;
        assert_eq!(status, 200, "{query}: {set}");
        let left: Vec<&String> = all.iter().filter(|name| !found.contains(name)).collect();
        assert_eq!(
            names(&house, "").await.iter().collect::<Vec<_>>(),
            left,
            "{query}"
        );
        put(&house, json!({"rules": []})).await;
    }
}

#[tokio::test]
async fn what_a_rule_cannot_ask_is_refused_by_name() {
    let house = House::new().await;
    for (query, what) in [
        ("trace:(status:error)", "`trace:(…)` looks at other records"),
        ("x OR -logs:(y)", "`logs:(…)` looks at other records"),
        ("level:[warn TO info]", "`warn` is more than `info`"),
        ("trace_id:[b TO 1]", "`b` is more than `1`"),
        ("*:\"--\"", "`--` has no letter or digit"),
        ("*:~\"(\"", "regular expression `(` is malformed"),
        (
            "x OR NOT time:>now-1h",
            "`now-1h` moves on with the clock, and a rule does not at character 15",
        ),
        ("observed_time<-7d", "`-7d` moves on with the clock"),
        ("time:[2023-01-29 TO now]", "`now` moves on with the clock"),
    ] {
        let rule = json!({"table": "logs", "query": query, "keep": "1d"});
        let (status, answer) = put(&house, json!({"rules": [rule]})).await;
        assert_eq!(status, 400, "{query}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with("rule 1: ") && message.contains(what),
            "{query}: {message}"
        );
        assert!(answer["error"]["hint"].is_string(), "{query}: {answer}");
    }
}

#[test]
fn rules_that_mean_nothing_are_told_with_what_to_do() {
    let problem = spoor_storage::RuleProblem {
        rule: 2,
        message: "`now` moves on".to_owned(),
        hint: Some("write a fixed time".to_owned()),
    };
    let retention = spoor_storage::Retention {
        record: spoor_storage::PolicyRecord::default(),
        set_in: None,
        problems: vec![problem],
        total_bytes: 0,
        hidden: Vec::new(),
    };
    let json = serde_json::to_value(retention_json(&retention, &TenantId::default())).unwrap();
    assert_eq!(
        json["problems"],
        json!([{"rule": 2, "message": "`now` moves on", "hint": "write a fixed time"}])
    );
}
