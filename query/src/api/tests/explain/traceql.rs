//! What is said of a TraceQL query.

use serde_json::{Value, json};

use super::{detail, read_bytes, step};
use crate::testing::{House, Log, SECOND, T0};
use crate::trace::tests::append;

/// Two traces in a file each: one of `shop` that fails, with two logs; one of `cart`.
async fn house() -> House {
    let house = House::new().await;
    for (trace, service, status, spans) in [(1, "shop", 2, 3), (2, "cart", 0, 5)] {
        let spans: Vec<Value> = (1..=spans)
            .map(|id| {
                let start = T0 + id * SECOND;
                json!({"traceId": format!("{trace:032x}"), "spanId": format!("{id:016x}"), "name": "work",
                    "status": {"code": status}, "startTimeUnixNano": start.to_string(),
                    "endTimeUnixNano": (start + SECOND).to_string()})
            })
            .collect();
        let resource =
            json!({"attributes": [{"key": "service.name", "value": {"stringValue": service}}]});
        append(
            &house,
            &json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}),
        )
        .await;
        house.storage.flush().await.unwrap();
    }
    let of_first = |body: &str| Log {
        trace_id: Some(1_u128.to_be_bytes()),
        ..Log::at(T0, body)
    };
    let rows = [
        of_first("a teapot"),
        of_first("an order"),
        Log::at(T0, "teapot"),
    ];
    house.append(&rows).await;
    house.storage.flush().await.unwrap();
    house
}

fn scans(answer: &Value) -> Vec<(&str, bool)> {
    let scans = answer["scans"].as_array().unwrap().iter();
    scans
        .map(|scan| {
            (
                scan["table"].as_str().unwrap(),
                scan["ran"].as_bool().unwrap(),
            )
        })
        .collect()
}

fn rows(scan: &Value, name: &str) -> u64 {
    step(scan, name)["rows"].as_u64().unwrap()
}

const FAILED: (&str, &str) = (
    "traceql",
    r#"{ resource.service.name = "shop" && status = error }"#,
);

#[tokio::test]
async fn how_traces_are_found_is_planned_and_measured() {
    let house = house().await;
    let answer = house.get("/api/v1/explain", &[FAILED]).await;
    assert_eq!(scans(&answer), [("spans", false)]);
    let scan = &answer["scans"][0];
    assert_eq!((rows(scan, "snapshot"), rows(scan, "services")), (8, 3));
    assert_eq!(detail(scan, "services"), "service_name is `shop`");
    assert_eq!(read_bytes(&answer), answer["scanned_bytes"]);

    let analyze = [FAILED, ("analyze", "true"), ("limit", "5")];
    let answer = house.get("/api/v1/explain", &analyze).await;
    let found = scans(&answer);
    // Traces that may match, these as a whole, and what the list says of them.
    assert_eq!(found, [("spans", true); 3], "{answer}");
    for scan in answer["scans"].as_array().unwrap() {
        assert_eq!(rows(scan, "read"), 3, "{scan}");
    }
    assert_eq!(read_bytes(&answer), answer["scanned_bytes"]);
    let list = house.get("/api/v1/traces", &[FAILED, ("limit", "5")]).await;
    assert_eq!(list["traces"].as_array().unwrap().len(), 1);
    assert_eq!(list["scanned_bytes"], answer["scanned_bytes"]);
}

#[tokio::test]
async fn what_is_asked_of_logs_is_read_first() {
    let house = house().await;
    let both = [("traceql", "{ }"), ("logs", "teapot")];
    let answer = house.get("/api/v1/explain", &both).await;
    assert_eq!(scans(&answer), [("logs", true), ("spans", false)]);
    let index = detail(&answer["scans"][1], "index");
    assert!(index.contains("asked for 1 trace id"), "{index}");
    assert_eq!(rows(&answer["scans"][1], "index"), 3);
    assert_eq!(read_bytes(&answer), answer["scanned_bytes"]);
}

#[tokio::test]
async fn logs_of_traces_are_explained_as_they_are_listed() {
    let house = house().await;
    let asked = [FAILED, ("table", "logs"), ("query", "teapot")];
    let answer = house.get("/api/v1/explain", &asked).await;
    let (last, before) = answer["scans"].as_array().unwrap().split_last().unwrap();
    assert_eq!(
        (&last["table"], &last["ran"]),
        (&json!("logs"), &json!(false))
    );
    assert!(before.iter().all(|scan| scan["ran"] == true), "{answer}");
    assert!(before.iter().any(|scan| scan["table"] == "spans"));
    let index = detail(last, "index");
    assert!(index.contains("AND 1 trace ids"), "{index}");

    let analyze = [&asked[..], &[("analyze", "true"), ("limit", "3")]].concat();
    let answer = house.get("/api/v1/explain", &analyze).await;
    let ran: Vec<bool> = scans(&answer).iter().map(|(_, ran)| *ran).collect();
    assert!(ran.iter().all(|ran| *ran), "{answer}");
    let (last, _) = answer["scans"].as_array().unwrap().split_last().unwrap();
    assert!(detail(last, "read").ends_with("without a plan"), "{answer}");
    assert_eq!(read_bytes(&answer), answer["scanned_bytes"]);
    let list = [FAILED, ("query", "teapot"), ("limit", "3")];
    let list = house.get("/api/v1/logs", &list).await;
    assert_eq!(list["logs"].as_array().unwrap().len(), 1);
    assert_eq!(list["scanned_bytes"], answer["scanned_bytes"]);
}

#[tokio::test]
async fn a_search_of_spans_reads_what_the_list_reads() {
    let house = house().await;
    let search = [("query", "service:shop"), ("limit", "5")];
    let explain = [&search[..], &[("table", "spans"), ("analyze", "true")]].concat();
    let answer = house.get("/api/v1/explain", &explain).await;
    assert_eq!(scans(&answer), [("spans", true); 2]);
    let list = house.get("/api/v1/traces", &search).await;
    assert_eq!(list["scanned_bytes"], answer["scanned_bytes"]);
}

#[tokio::test]
async fn what_cannot_stand_together_is_an_error() {
    let house = house().await;
    for (parameters, what) in [
        (&[("traceql", "{ } | rate()")][..], "counts over time"),
        (&[FAILED, ("query", "x")], "cannot be given both"),
        (&[("logs", "x"), ("table", "spans")], "beside `traceql`"),
        (
            &[FAILED, ("logs", "x"), ("table", "logs")],
            "this is of logs",
        ),
        (&[("logs", "x")], "this is of logs"),
    ] {
        let (status, answer) = house.try_get("/api/v1/explain", parameters).await;
        assert_eq!(status, 400, "{parameters:?}: {answer}");
        let error = &answer["error"];
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(what), "{parameters:?}: {message}");
        assert!(error["hint"].is_string(), "{parameters:?}: {answer}");
    }
    let (status, answer) = house
        .try_get("/api/v1/explain", &[("traceql", "{ .a = }")])
        .await;
    assert_eq!(
        (status.as_u16(), &answer["error"]["position"]),
        (400, &json!(7))
    );
}
