use std::collections::HashSet;

use serde_json::{Value, json};

use crate::otlp::sample::list;
use crate::testing::{House, T0};
use crate::trace::tests::append;

/// What was sent of a span under an id that the two halves of a call share.
fn half(kind: u8, service: &str, attributes: &Value) -> Value {
    let events =
        json!([{"timeUnixNano": (T0 + 7).to_string(), "name": "seen", "attributes": attributes}]);
    let links = json!([{"traceId": format!("{:032x}", 8), "spanId": format!("{:016x}", 1), "attributes": attributes}]);
    json!({"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}, {"key": "key", "value": {"bytesValue": "AAE="}}]},
        "scopeSpans": [{"scope": {"name": "lib", "attributes": attributes}, "spans": [{
            "traceId": format!("{:032x}", 7), "spanId": format!("{:016x}", 1), "name": "call", "kind": kind, "traceState": "a=b",
            "startTimeUnixNano": T0.to_string(), "endTimeUnixNano": (T0 + 90).to_string(),
            "status": {"code": 2, "message": "gone"}, "attributes": attributes, "events": events, "links": links}]}]})
}

#[tokio::test]
async fn a_span_that_is_found_is_told_as_in_the_timeline() {
    let house = House::new().await;
    let of = |text: &str| {
        json!([{"key": "2", "value": {"stringValue": text}}, {"key": "1", "value": {"intValue": "9007199254740993"}},
            {"key": "raw", "value": {"bytesValue": "AP8Q"}}, {"key": "raw", "value": {"stringValue": "again"}},
            {"key": "parts", "value": {"arrayValue": {"values": [{"boolValue": true}, {"bytesValue": "AAE="}]}}}])
    };
    let sent =
        json!({"resourceSpans": [half(3, "shop", &of("client")), half(2, "bank", &of("server"))]});
    append(&house, &sent).await;
    house.storage.flush().await.unwrap();
    // Sent again: the same span.
    append(&house, &sent).await;
    let trace = format!("/api/v1/traces/{:032x}", 7);
    let whole = house.get(&trace, &[("view", "timeline")]).await;
    let spans = list(&whole["spans"]);
    assert_eq!(spans.len(), 2);
    let find = format!("{trace}/timeline/find");
    for (place, told) in spans.iter().enumerate() {
        let place = place.to_string();
        let found = house
            .get(&find, &[("span_index", &place), ("include", "span")])
            .await;
        let span = found["span"].as_object().unwrap();
        assert_eq!(span["bytes_in_attributes"]["raw"], true);
        assert_eq!(span["status_message"], "gone");
        for (name, value) in span {
            assert_eq!(value, &told[name], "{name} of {place}");
        }
        // All but what is said of its place.
        let beside = told
            .as_object()
            .unwrap()
            .keys()
            .filter(|name| !span.contains_key(*name));
        let beside: HashSet<&str> = beside.map(String::as_str).collect();
        assert!(!beside.contains("attributes"), "{beside:?}");
        assert_eq!(beside.len(), 12, "{beside:?}");
    }
    let nothing = [("query", "service:nobody"), ("include", "rows,span")];
    let found = house.get(&find, &nothing).await;
    assert_eq!((&found["span"], &found["rows"]), (&Value::Null, &json!([])));
    let places = house.get(&find, &[("span_index", "0")]).await;
    assert_eq!(places.get("span"), None, "it was not asked for");
}
