//! Rules that an earlier version took and that mean nothing to this one.

use arrow::array::{AsArray, BooleanArray};

use super::*;
use crate::retention::{CompileFilter, RowFilter};

/// Queries are bodies. `now` was one until it was refused.
#[derive(Debug)]
struct Bodies {
    knows_now: bool,
}

impl CompileFilter for Bodies {
    fn compile(&self, _: Table, query: &str) -> Result<Arc<dyn RowFilter>> {
        if query == "now" && !self.knows_now {
            return Err(Error::invalid("`now` moves on").with_hint("write a fixed time"));
        }
        Ok(Arc::new(Body(query.to_owned())))
    }
}

#[derive(Debug)]
struct Body(String);

impl RowFilter for Body {
    fn passes(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        let bodies = batch.column_by_name("body").unwrap().as_string::<i32>();
        Ok(bodies
            .iter()
            .map(|body| body.map(|body| body == self.0))
            .collect())
    }
}

async fn open(case: &Case, knows_now: bool) -> Storage {
    let mut options = case.options();
    options.filters = Some(Arc::new(Bodies { knows_now }));
    Storage::open(options, Arc::new(Fields)).await.unwrap()
}

async fn reopened(storage: Storage, case: &Case, knows_now: bool) -> Storage {
    storage.close().await.unwrap();
    drop(storage);
    open(case, knows_now).await
}

fn of(service: &str, query: Option<&str>, keep: &str) -> RetentionRule {
    RetentionRule {
        service: Some(service.to_owned()),
        query: query.map(str::to_owned),
        ..rule(keep)
    }
}

/// The rules are in force in the earlier version, four hours after the records; then this one takes over.
async fn taken_over(case: &Case, rules: &[RetentionRule]) -> Storage {
    let storage = open(case, true).await;
    send_fields(
        &storage,
        "1 a 9 0 now\n2 a 9 0 then\n3 b 9 0 other\n4 c 9 0 free",
    )
    .await;
    storage.flush().await.unwrap();
    case.clock.advance(HOUR * 4);
    storage.set_retention(policy(rules), None).await.unwrap();
    assert_eq!(visible(&storage).await, ["free", "then"]);
    let storage = reopened(storage, case, false).await;
    storage.retain().await.unwrap();
    storage
}

#[tokio::test]
async fn the_other_rules_go_on_and_what_is_wrong_is_told() {
    let case = Case::new();
    let rules = [
        of("a", Some("now"), "1h"),
        of("a", None, "10h"),
        of("b", None, "2h"),
    ];
    let storage = taken_over(&case, &rules).await;
    assert_eq!(
        visible(&storage).await,
        ["free", "now", "then"],
        "nothing by the first"
    );
    let problems = storage.retention().problems;
    let [problem] = problems.as_slice() else {
        panic!("{problems:?}");
    };
    assert_eq!(
        (problem.rule, problem.message.as_str()),
        (1, "`now` moves on")
    );
    assert_eq!(problem.hint.as_deref(), Some("write a fixed time"));
    case.clock.advance(HOUR * 8);
    storage.retain().await.unwrap();
    assert_eq!(
        visible(&storage).await,
        ["free"],
        "older than both rules say"
    );
    assert_eq!(storage.shared.metrics.retention_failures.get(), 0);
    assert_eq!(
        storage.shared.metrics.retention_rules_not_understood.get(),
        1
    );
    storage
        .set_retention(policy(&rules[1..]), None)
        .await
        .unwrap();
    assert_eq!(storage.retention().problems, []);
    assert_eq!(
        storage.shared.metrics.retention_rules_not_understood.get(),
        0
    );
    storage.close().await.unwrap();
}

#[tokio::test]
async fn what_it_may_keep_for_ever_stays() {
    let case = Case::new();
    let rules = [
        of("a", Some("now"), "1h"),
        of("a", Some("then"), "forever"),
        of("b", None, "2h"),
    ];
    let storage = taken_over(&case, &rules).await;
    let storage = reopened(storage, &case, true).await;
    let rules = [
        of("a", Some("now"), "forever"),
        of("a", None, "1h"),
        of("b", Some("other"), "3h"),
    ];
    storage.set_retention(policy(&rules), None).await.unwrap();
    assert_eq!(visible(&storage).await, ["free", "now"]);
    let storage = reopened(storage, &case, false).await;
    case.clock.advance(HOUR * 100);
    storage.retain().await.unwrap();
    assert_eq!(visible(&storage).await, ["free", "now", "then"]);
    assert!(on_disk(&storage, "now").await && on_disk(&storage, "then").await);
    storage.close().await.unwrap();
}

/// As long as nobody knows what queries mean at all, nothing is decided, and what is hidden stays hidden.
#[tokio::test]
async fn without_the_language_nothing_changes() {
    let case = Case::new();
    let storage = taken_over(&case, &[of("a", Some("now"), "1h"), of("b", None, "2h")]).await;
    storage.close().await.unwrap();
    drop(storage);
    let storage = case.open().await;
    let error = storage.retain().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(visible(&storage).await, ["free", "now", "then"]);
    storage.close().await.unwrap();
}
