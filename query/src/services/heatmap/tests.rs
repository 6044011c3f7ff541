//! Spans by time and duration, in files, in memory and in the buffer.

use serde_json::{Value, json};

use super::{BAND_STARTS, band_of};
use crate::services::red::tests::spans;
use crate::testing::{House, SECOND, T0};
use crate::trace::tests::append;

#[test]
fn bands_are_one_two_five_and_hold_what_is_theirs() {
    assert!(BAND_STARTS.is_sorted());
    assert_eq!(BAND_STARTS[..5], [0, 1_000, 2_000, 5_000, 10_000]);
    assert_eq!(
        BAND_STARTS[26..],
        [200_000_000_000, 500_000_000_000, 1_000_000_000_000]
    );
    for (band, start) in BAND_STARTS.into_iter().enumerate() {
        assert_eq!(band_of(start), band);
        assert_eq!(band_of(start - 1), band.saturating_sub(1));
    }
    assert_eq!((band_of(i64::MIN), band_of(i64::MAX)), (0, 28));
}

/// The bands of an answer that must be complete, and how many files were opened.
async fn heatmap(house: &House, parameters: &[(&str, &str)]) -> (Value, u64) {
    let before = house.opened_files();
    let answer = house.get("/api/v1/spans/heatmap", parameters).await;
    assert_eq!(answer["complete"], true, "{answer}");
    (answer, house.opened_files() - before)
}

#[tokio::test]
async fn spans_are_counted_by_time_and_duration() {
    let house = House::new().await;
    let files = [
        ("web", "GET /", 0, 999, false),
        ("web", "GET /", 1, 1_000, true),
        ("cart", "load", 59, 1_999, false),
        ("cart", "load", 61, 2_000, false),
    ];
    append(&house, &spans(1, &files)).await;
    house.storage.flush().await.unwrap();
    let buffer = [("web", "slow", 120, 2_000 * SECOND, true)];
    append(&house, &spans(10, &buffer)).await;
    let range = [T0, T0 + 180 * SECOND].map(|at| at.to_string());
    let parameters = [
        ("start", range[0].as_str()),
        ("end", &range[1]),
        ("buckets", "3"),
    ];
    let expected = json!([
        {"min_ns": 0, "max_ns": 1_000, "span_count": [1, 0, 0], "error_count": [0, 0, 0]},
        {"min_ns": 1_000, "max_ns": 2_000, "span_count": [2, 0, 0], "error_count": [1, 0, 0]},
        {"min_ns": 2_000, "max_ns": 5_000, "span_count": [0, 1, 0], "error_count": [0, 0, 0]},
        {"min_ns": 1_000 * SECOND, "max_ns": null, "span_count": [0, 0, 1], "error_count": [0, 0, 1]},
    ]);
    for opened in [1, 0] {
        let (answer, read) = heatmap(&house, &parameters).await;
        assert_eq!((&answer["bands"], read), (&expected, opened));
        assert_eq!(
            (&answer["total"], &answer["bucket_ns"]),
            (&json!(5), &json!(60 * SECOND))
        );
        assert_eq!(answer["start_unix_nano"], range[0]);
    }
    let (some, _) = heatmap(&house, &[("query", "service:cart"), ("buckets", "3")]).await;
    assert_eq!(some["total"], 2);
    let (none, _) = heatmap(&house, &[("query", "nosuchword")]).await;
    assert_eq!(
        (&none["bands"], &none["bucket_ns"]),
        (&json!([]), &json!(0))
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let house = House::new().await;
    for parameters in [
        [("buckets", "0")],
        [("buckets", "301")],
        [("query", "duration>fast")],
        [("start", "x")],
    ] {
        let (status, body) = house.try_get("/api/v1/spans/heatmap", &parameters).await;
        assert_eq!(
            (status.as_u16(), &body["error"]["code"]),
            (400, &json!("invalid")),
            "{parameters:?}"
        );
    }
}
