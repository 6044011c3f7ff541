//! Figures per minute, and the transactions that failed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDateTime;
use serde_json::Value;

use super::facts::{Facts, counts, counts_per_service, timestamp};
use crate::api::number;

pub(super) const MINUTE_NS: i64 = 60_000_000_000;

/// `2023-01-29T08:48Z` in nanoseconds.
pub(super) fn minute_ns(name: &str) -> i64 {
    let time = NaiveDateTime::parse_from_str(name, "%Y-%m-%dT%H:%MZ").unwrap();
    time.and_utc().timestamp_nanos_opt().unwrap()
}

/// By minute: the columns of a query whose first column is the minute.
async fn by_minute(facts: &mut Facts<'_>, query: &str) -> Option<BTreeMap<i64, Vec<Value>>> {
    let rows = facts.sql(query).await?;
    Some(rows.into_iter().map(|row| (number(&row[0]), row)).collect())
}

pub(super) async fn compare(facts: &mut Facts<'_>, name: &str, entry: &Value) {
    let minutes = entry["per_minute_utc"].as_object().unwrap();
    let times: Vec<i64> = minutes.keys().map(|minute| minute_ns(minute)).collect();
    let start = *times.iter().min().unwrap();
    let end = times.iter().max().unwrap() + MINUTE_NS;
    let within = |column: &str| {
        format!(
            "{column} >= {} AND {column} < {}",
            timestamp(start),
            timestamp(end)
        )
    };
    let minute = |column: &str| format!("CAST(date_trunc('minute', {column}) AS BIGINT)");

    let (spans, trunc) = (within("start_time"), minute("start_time"));
    let roots = by_minute(
        facts,
        &format!(
            "SELECT m, max(n), max(CASE WHEN r = (50 * n + 99) / 100 THEN d END), \
             max(CASE WHEN r = (95 * n + 99) / 100 THEN d END) FROM (SELECT m, d, \
             row_number() OVER (PARTITION BY m ORDER BY d) AS r, count(*) OVER (PARTITION BY m) AS n \
             FROM (SELECT {trunc} AS m, duration_ns AS d FROM spans \
             WHERE {spans} AND parent_span_id IS NULL)) GROUP BY m"
        ),
    )
    .await;
    let (logs, trunc) = (within("time"), minute("time"));
    let errors = "sum(CASE WHEN severity_number >= 17 THEN 1 ELSE 0 END)";
    let logs = by_minute(
        facts,
        &format!("SELECT {trunc} AS m, count(*), {errors} FROM logs WHERE {logs} GROUP BY m"),
    )
    .await;
    for (minute, figures) in minutes {
        let at = minute_ns(minute);
        let what = format!("{name} {minute}");
        let mut same = |keys: &[&str], rows: &Option<BTreeMap<i64, Vec<Value>>>| {
            let Some(rows) = rows else { return };
            let expected: Vec<i64> = keys.iter().map(|key| number(&figures[*key])).collect();
            let got = rows
                .get(&at)
                .map(|row| row[1..].iter().map(number).collect());
            facts.same(&format!("{what} {keys:?}"), Some(expected), got);
        };
        same(&["traces", "root_p50_ns", "root_p95_ns"], &roots);
        same(&["logs", "error_logs"], &logs);
        histogram(facts, &what, at, figures).await;
    }
    bars(facts, name, minutes).await;
}

/// One minute as a histogram by service.
async fn histogram(facts: &mut Facts<'_>, what: &str, minute_ns: i64, figures: &Value) {
    let (start, end) = (minute_ns.to_string(), (minute_ns + MINUTE_NS).to_string());
    let parameters = [
        ("query", "severity>=error"),
        ("start", start.as_str()),
        ("end", end.as_str()),
        ("by", "service_name"),
    ];
    let Some(answer) = facts.get("/api/v1/logs/histogram", &parameters).await else {
        return;
    };
    let got = answer["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|series| {
            let sum = series["counts"]
                .as_array()
                .unwrap()
                .iter()
                .map(number)
                .sum::<i64>();
            (series["name"].as_str().unwrap().to_owned(), sum)
        })
        .filter(|(_, sum)| *sum > 0)
        .collect();
    let expected = counts_per_service(&figures["error_logs_per_service"]);
    facts.same(&format!("{what} error_logs_per_service"), expected, got);
}

/// All minutes of an hour as bars of one histogram.
async fn bars(facts: &mut Facts<'_>, name: &str, minutes: &serde_json::Map<String, Value>) {
    const HOUR_NS: i64 = 60 * MINUTE_NS;
    let by_time: BTreeMap<i64, i64> = minutes
        .iter()
        .map(|(minute, figures)| (minute_ns(minute), number(&figures["logs"])))
        .collect();
    let hours: BTreeSet<i64> = by_time
        .keys()
        .map(|time| time / HOUR_NS * HOUR_NS)
        .collect();
    for hour in hours {
        let (start, end) = (hour.to_string(), (hour + HOUR_NS).to_string());
        let parameters = [
            ("start", start.as_str()),
            ("end", end.as_str()),
            ("buckets", "60"),
            ("by", "level"),
        ];
        let Some(answer) = facts.get("/api/v1/logs/histogram", &parameters).await else {
            return;
        };
        facts.same(
            &format!("{name} width of bars"),
            MINUTE_NS,
            number(&answer["bucket_ns"]),
        );
        let mut got: BTreeMap<i64, i64> = BTreeMap::new();
        for series in answer["series"].as_array().unwrap() {
            for (place, count) in series["counts"].as_array().unwrap().iter().enumerate() {
                let time = number(&answer["start_unix_nano"]) + place as i64 * MINUTE_NS;
                *got.entry(time).or_default() += number(count);
            }
        }
        got.retain(|_, count| *count > 0);
        let expected: BTreeMap<i64, i64> = by_time
            .range(hour..hour + HOUR_NS)
            .map(|(time, count)| (*time, *count))
            .collect();
        facts.same(&format!("{name} bars of the hour {start}"), expected, got);
    }
}

/// Traces that failed show it in a span's name and in ERROR logs.
pub(super) async fn compare_failing_transactions(facts: &mut Facts<'_>, entry: &Value) {
    let figures = &entry["failing_transactions"];
    let of = |key: &str| number(&figures[key]);
    let spans = "spans WHERE name = 'BasicErrorController.error'";
    let logs = "logs WHERE severity_text = 'ERROR' AND service_name LIKE 'ts-%'";
    let query = format!("SELECT count(DISTINCT trace_id) FROM {spans}");
    let expected = of("traces_with_span_BasicErrorController.error");
    facts
        .number("traces with an error controller", expected, &query)
        .await;
    let query = format!(
        "SELECT count(DISTINCT trace_id) FROM {spans} AND trace_id IN (SELECT trace_id FROM {logs})"
    );
    facts
        .number(
            "of these with an ERROR log",
            of("of_these_with_an_ERROR_log"),
            &query,
        )
        .await;
    let query = format!("SELECT count(DISTINCT trace_id) FROM {logs}");
    facts
        .number(
            "traces with an ERROR log",
            of("traces_with_ERROR_log"),
            &query,
        )
        .await;
    let query = format!("SELECT service_name, count(*) FROM {spans} GROUP BY service_name");
    let per_service = counts(&figures["error_controller_spans_per_service"]);
    facts
        .groups("error controllers per service", &per_service, &query)
        .await;

    let parameters = [
        ("query", "name:BasicErrorController.error"),
        ("limit", "1000"),
    ];
    let Some(answer) = facts.get("/api/v1/traces", &parameters).await else {
        return;
    };
    let found: BTreeSet<&str> = answer["traces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trace| trace["trace_id"].as_str().unwrap())
        .collect();
    facts.same(
        "traces found by the span's name",
        expected,
        found.len() as i64,
    );
    let example = figures["example_trace"].as_str().unwrap();
    facts.same("the example is among them", true, found.contains(example));
}
