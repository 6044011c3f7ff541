//! Retention rules that come and go while the server is killed: without a rule everything that was
//! acknowledged is there again, with one exactly what it hides is not.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Fate, size_of, stored};
use crate::api::Api;

/// Rules come and go this often under load.
const PAUSE: Duration = Duration::from_millis(60);

/// The policy that hides the logs of `requests`: their event times are years ago.
fn policy(requests: &[u64]) -> Value {
    let numbers: Vec<_> = requests.iter().map(u64::to_string).collect();
    let rule = json!({
        "table": "logs",
        "query": format!("request:({})", numbers.join(" OR ")),
        "keep": "1h",
    });
    let rules: Vec<_> = (!requests.is_empty()).then_some(rule).into_iter().collect();
    json!({ "rules": rules })
}

/// Lets rules hide the logs of these requests and of no others; `None` if the server is gone.
async fn try_hide(api: &Api, requests: &[u64]) -> Option<()> {
    let policy = policy(requests);
    let answer = api
        .try_change(Method::PUT, "/api/v1/retention", &policy)
        .await?;
    assert_eq!(answer.status, 200, "{policy}: {}", answer.text);
    Some(())
}

/// As `try_hide`, by a server that is there.
pub(super) async fn hide(api: &Api, requests: &[u64]) {
    try_hide(api, requests).await.unwrap();
}

/// Exactly the records of `requests` are hidden, and all others of `fates` are there.
pub(super) async fn assert_hidden(
    api: &Api,
    fates: &BTreeMap<u64, Fate>,
    requests: &[u64],
    round: usize,
) {
    let mut expected = fates.clone();
    expected.retain(|number, _| !requests.contains(number));
    let found = stored(api).await;
    let numbers: Vec<_> = found.keys().collect();
    let wanted: Vec<_> = expected.keys().collect();
    assert_eq!(
        numbers, wanted,
        "round {round}: with rules for {requests:?}"
    );
    for (number, (records, _)) in found {
        assert_eq!(records, size_of(number), "round {round}: request {number}");
    }
}

/// Rules come and go until the server is gone; how often.
pub(super) async fn toggle(api: Api, requests: Vec<u64>) -> usize {
    for times in 0.. {
        let now: &[u64] = if times % 2 == 0 { &[] } else { &requests };
        if try_hide(&api, now).await.is_none() {
            return times;
        }
        tokio::time::sleep(PAUSE).await;
    }
    0
}
