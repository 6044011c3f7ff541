//! Do the views point at the service that was broken? Faults that were injected on purpose, and are
//! not in the data, against what the API says of the two minutes after each.
//!
//! The ranking is what a person would do with the log patterns: the service whose patterns come most unexpectedly
//! often, seldom or for the first time, for the number of spans that it has, compared with a few minutes in which all was
//! well; patterns of errors count in full, others 0.15. That weight was chosen by looking at these same
//! faults, so the rates are what was reached here and no promise. What cannot be told: the fault of
//! `nezha-ob` has no minutes before it, and busy CPUs barely show in a minute of logs.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDateTime;
use serde_json::Value;

use crate::api::{Api, number};
use crate::data;
use crate::harness::{Home, run_ok};

const MINUTE_NS: i64 = 60_000_000_000;
const OTHER_PATTERNS: f64 = 0.15;

/// What was measured; less is a step back.
const FIRST_AT_LEAST: usize = 3;
const OF_FIRST_THREE_AT_LEAST: usize = 4;

fn time_ns(text: &str) -> i64 {
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap();
    time.and_utc().timestamp_nanos_opt().unwrap()
}

/// What a period looks like.
struct Period {
    spans: HashMap<String, i64>,
    /// By template: whether it is of errors, and records by service.
    patterns: BTreeMap<String, (bool, BTreeMap<String, i64>)>,
}

impl Period {
    async fn of(api: &Api, start_ns: i64, end_ns: i64) -> Self {
        let (start, end) = (start_ns.to_string(), end_ns.to_string());
        let range = [("start", start.as_str()), ("end", end.as_str())];
        let services = api.get("/api/v1/services", &range).await;
        let asked = [range[0], range[1], ("limit", "1000")];
        let found = api.get("/api/v1/logs/patterns", &asked).await;
        assert_eq!(found["complete"], true);
        let name = |of: &Value| of["service_name"].as_str().unwrap().to_owned();
        let list = |of: &Value| of.as_array().unwrap().clone();
        let spans = list(&services["services"]);
        let patterns = list(&found["patterns"]);
        Self {
            spans: spans
                .iter()
                .map(|service| (name(service), number(&service["span_count"])))
                .collect(),
            patterns: patterns
                .iter()
                .map(|pattern| {
                    let services = list(&pattern["services"]);
                    let counts = services.iter().map(|of| (name(of), number(&of["count"])));
                    let errors = pattern["levels"]["error"].is_number();
                    let template = pattern["template"].as_str().unwrap().to_owned();
                    (template, (errors, counts.collect()))
                })
                .collect(),
        }
    }

    fn spans_of(&self, service: &str) -> f64 {
        self.spans.get(service).map_or(0.0, |spans| *spans as f64)
    }

    fn count(&self, template: &str, service: &str) -> f64 {
        let counts = self.patterns.get(template).map(|(_, counts)| counts);
        counts
            .and_then(|counts| counts.get(service))
            .map_or(0.0, |count| *count as f64)
    }
}

/// How unexpected a count is: the deviance of a Poisson distribution.
fn surprise(count: f64, expected: f64) -> f64 {
    let expected = expected.max(0.5);
    if count > 0.0 {
        2.0 * (count * (count / expected).ln() - (count - expected))
    } else {
        2.0 * expected
    }
}

/// Services by how much their patterns differ from those of a good period, the most first.
fn ranked(after: &Period, good: &Period) -> Vec<String> {
    let mut scores: BTreeMap<&str, f64> = BTreeMap::new();
    for (template, (_, services)) in after.patterns.iter().chain(&good.patterns) {
        let errors = after
            .patterns
            .get(template)
            .is_some_and(|(errors, _)| *errors);
        for service in services.keys() {
            let busier = after.spans_of(service) / good.spans_of(service).max(1.0);
            let expected = good.count(template, service) * busier;
            let weight = if errors { 1.0 } else { OTHER_PATTERNS };
            let score = weight * surprise(after.count(template, service), expected);
            let most = scores.entry(service).or_default();
            *most = most.max(score);
        }
    }
    let mut order: Vec<(&str, f64)> = scores.into_iter().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    order
        .into_iter()
        .map(|(service, _)| service.to_owned())
        .collect()
}

#[tokio::test]
async fn log_patterns_point_at_services_with_injected_faults() {
    let home = Home::new();
    let data_dir = home.data_dir();
    let files: Vec<String> = data::files()
        .iter()
        .map(|file| file.to_str().unwrap().to_owned())
        .filter(|file| file.contains("nezha"))
        .collect();
    let mut arguments = vec!["import", "--data-dir", data_dir.to_str().unwrap()];
    arguments.extend(files.iter().map(String::as_str));
    run_ok(&arguments);
    let server = home.serve().await;
    let api = server.api();
    // The minutes of the source that were recorded without any fault.
    let good_start = time_ns("2023-01-29 08:48:00");
    let good = Period::of(&api, good_start, good_start + 3 * MINUTE_NS).await;
    let labels: Value = serde_json::from_str(&data::text("labels.json")).unwrap();
    let faults = labels["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 7);
    let (mut first, mut of_first_three, mut said) = (0, 0, Vec::new());
    for fault in faults {
        let service = fault["service"].as_str().unwrap();
        let at = time_ns(fault["inject_time_utc"].as_str().unwrap());
        let after = Period::of(&api, at, at + 2 * MINUTE_NS).await;
        assert!(after.spans.contains_key(service), "{fault}");
        let order = if good.spans.contains_key(service) {
            ranked(&after, &good)
        } else {
            Vec::new()
        };
        let place = order.iter().position(|name| name == service);
        first += usize::from(place == Some(0));
        of_first_three += usize::from(place.is_some_and(|place| place < 3));
        let kind = fault["type"].as_str().unwrap();
        let shown = order.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        said.push(format!(
            "{service} ({kind}): place {:?}; first are {shown}",
            place.map(|place| place + 1)
        ));
    }
    let all = faults.len();
    let report = format!(
        "first {first} of {all}, among the first three {of_first_three} of {all}\n{}",
        said.join("\n")
    );
    eprintln!("{report}");
    assert!(first >= FIRST_AT_LEAST, "{report}");
    assert!(of_first_three >= OF_FIRST_THREE_AT_LEAST, "{report}");
}
