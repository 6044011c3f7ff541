//! The endpoints over a real storage.

use serde_json::{Value, json};

use crate::otlp::sample::{lines_of, list};
use crate::testing::{House, Log, SECOND, T0};
use crate::trace::tests::append;

const LOGS: &str = "/api/v1/logs/difference";

/// Of 400 records every fourth is slow; slow ones are of one host nearly always.
async fn house() -> House {
    let house = House::new().await;
    let mut logs = Vec::new();
    for at in 0..400_i64 {
        let slow = at % 4 == 0;
        let host = if slow && at % 40 != 0 {
            "node-9"
        } else {
            ["node-1", "node-2"][usize::from(at % 3 == 0)]
        };
        let mut log = Log::at(
            T0 + at * SECOND,
            if slow { "slow answer" } else { "answer" },
        )
        .with("request", at, 'i')
        .with("route", "/pay", 's');
        if slow {
            log.severity_number = 13;
        } else {
            log = log.with("cached", "true", 'b');
        }
        log.resource = vec![("host.name", host.into(), 's')];
        logs.push(log);
    }
    let (first, second) = logs.split_at(200);
    house.append(first).await;
    house.storage.flush().await.unwrap();
    house.append(second).await;
    house
}

#[tokio::test]
async fn what_the_slow_ones_have_in_common_comes_first() {
    let house = house().await;
    let found = house.get(LOGS, &[("query", "slow")]).await;
    assert_eq!(found["complete"], true);
    assert_eq!(
        (&found["selection_count"], &found["baseline_count"]),
        (&json!(100), &json!(300))
    );
    let named: Vec<(&Value, &Value)> = list(&found["differences"])
        .iter()
        .map(|one| (&one["field"], &one["value"]))
        .collect();
    assert_eq!(
        named,
        [
            (&json!("attributes.cached"), &Value::Null),
            (&json!("level"), &json!("warn")),
            (&json!("resource.host.name"), &json!("node-9")),
        ],
        "the route is the same on both sides"
    );
    let host = &found["differences"][2];
    assert_eq!(
        (&host["selection_count"], &host["baseline_count"]),
        (&json!(90), &json!(0))
    );
    assert_eq!(
        (&host["selection_share"], &host["lift"]),
        (&json!(0.9), &Value::Null)
    );
    assert_eq!(host["query"], "resource.host.name:\"node-9\"");
    let one = house.get(LOGS, &[("query", "slow"), ("limit", "1")]).await;
    assert_eq!(list(&one["differences"]).len(), 1);
    // The queries find what was counted.
    for difference in list(&found["differences"]) {
        let query = format!("slow {}", difference["query"].as_str().unwrap());
        let rows = house
            .get("/api/v1/logs/histogram", &[("query", &query)])
            .await;
        assert_eq!(rows["total"], difference["selection_count"], "{query}");
    }
}

#[tokio::test]
async fn two_periods_and_two_queries_are_compared() {
    let house = house().await;
    let at = |second: i64| (T0 + second * SECOND).to_string();
    let (middle, end) = (at(200), at(400));
    let periods = [
        ("start", middle.as_str()),
        ("end", &end),
        ("baseline_end", &middle),
    ];
    let found = house.get(LOGS, &periods).await;
    assert_eq!(
        (&found["selection_count"], &found["baseline_count"]),
        (&json!(200), &json!(200))
    );
    assert_eq!(found["differences"], json!([]), "nothing changed");
    let node = house
        .get(
            LOGS,
            &[
                ("query", "host.name:node-9"),
                ("baseline", "host.name:node-1"),
            ],
        )
        .await;
    assert_eq!(node["differences"][0]["field"], "resource.host.name");
    assert_eq!(
        node["differences"][0]["score"]
            .as_f64()
            .map(|score| score > 0.8),
        Some(true)
    );
    for wrong in [
        &[("limit", "0")][..],
        &[],
        &[("query", "x"), ("baseline", "(")],
        &[("baseline_start", "now"), ("baseline_end", "-1h")],
    ] {
        let (status, body) = house.try_get(LOGS, wrong).await;
        assert_eq!(
            (status.as_u16(), &body["error"]["code"]),
            (400, &json!("invalid")),
            "{wrong:?}"
        );
    }
}

#[tokio::test]
async fn fields_with_many_values_are_left_out_and_spans_are_compared() {
    let house = House::new().await;
    let logs: Vec<Log> = (0..1_100)
        .map(|at| Log::at(T0 + at, if at < 500 { "a" } else { "b" }).with("request", at, 'i'))
        .collect();
    house.append(&logs).await;
    let found = house.get(LOGS, &[("query", "a")]).await;
    assert_eq!(found["left_out_fields"], json!(["attributes.request"]));
    assert_eq!(found["complete"], true);
    for line in lines_of("opbeans-node-traces") {
        append(&house, &line).await;
    }
    let spans = house
        .get("/api/v1/spans/difference", &[("query", "status:ERROR")])
        .await;
    assert_eq!(spans["selection_count"], 58);
    let first = &spans["differences"][0];
    assert_eq!(
        (&first["field"], &first["value"]),
        (&json!("status_code"), &json!("ERROR"))
    );
    let names: Vec<&str> = list(&spans["differences"])
        .iter()
        .filter_map(|one| one["field"].as_str())
        .collect();
    assert!(
        names.contains(&"attributes.http.response.status_code"),
        "{names:?}"
    );
}
