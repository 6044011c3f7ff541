//! What a saved search looks like, where storage's types are in it.
#![expect(
    dead_code,
    reason = "documentation: storage's types are written in their place"
)]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::ToSchema;

/// Which view of the UI it belongs to.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum SearchView {
    Logs,
    Traces,
    Sql,
    Services,
    Errors,
}

/// A search under a name.
#[derive(ToSchema)]
pub(super) struct SearchContent {
    /// 1 to 200 characters without control characters; once in a view.
    #[schema(examples("slow checkouts"))]
    name: String,
    view: SearchView,
    /// Up to 16 KiB. Nobody looks whether it can be read.
    query: String,
    /// Whatever else the view needs to show the same again; 4 KiB together.
    parameters: BTreeMap<String, String>,
}

/// A search to be saved.
#[derive(ToSchema)]
pub(super) struct SearchBody {
    /// 1 to 200 characters without control characters (blanks around it are cut off); once in a view.
    name: String,
    view: SearchView,
    /// Up to 16 KiB.
    #[schema(nullable = false)]
    query: Option<String>,
    /// Texts by name; 4 KiB together.
    #[schema(nullable = false)]
    parameters: Option<BTreeMap<String, String>>,
}

pub(super) fn body_example() -> Value {
    json!({
        "name": "slow checkouts", "view": "traces", "query": "{ duration > 1s }",
        "parameters": {"start": "now-1h", "sort": "duration"},
    })
}

pub(super) fn example() -> Value {
    json!({
        "id": "01900000-0000-7000-8000-000000000001", "name": "slow checkouts", "view": "traces", "query": "{ duration > 1s }",
        "parameters": {"start": "now-1h", "sort": "duration"},
        "created_time": "2023-01-30T09:00:00.000000000Z", "updated_time": "2023-01-30T09:00:00.000000000Z",
    })
}

pub(super) fn list_example() -> Value {
    json!({"searches": [example()]})
}
