//! `GET /api/v1/tenants`: whose rows there are.

use axum::Json;
use serde::Serialize;
use serde_json::{Value, json};
use spoor_storage::{Table, TableUsage, TenantId};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::QueryEngine;
use crate::api::ApiState;
use crate::openapi::ReadErrors;
use crate::openapi::words::Instant;
use crate::parameters::format_time;

/// Tenants, by name.
#[derive(Debug, Serialize, ToSchema)]
struct Tenants {
    tenants: Vec<TenantJson>,
    /// So many may have rows.
    max_tenants: usize,
}

/// A tenant that has rows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tenant)]
struct TenantJson {
    name: String,
    /// Null if it has none.
    #[schema(required)]
    spans: Option<UsageJson>,
    /// Null if it has none.
    #[schema(required)]
    logs: Option<UsageJson>,
}

/// What there is of a table.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TableUsage)]
struct UsageJson {
    rows: u64,
    /// Of its files and their indexes. Rows in memory have none yet.
    bytes: u64,
    files: u64,
    #[schema(value_type = Instant)]
    oldest_time: String,
    #[schema(value_type = Instant)]
    newest_time: String,
}

impl UsageJson {
    fn of(usage: &TableUsage) -> Self {
        Self {
            rows: usage.rows,
            bytes: usage.bytes,
            files: usage.files,
            oldest_time: format_time(usage.min_time_ns),
            newest_time: format_time(usage.max_time_ns),
        }
    }
}

pub(crate) fn routes() -> OpenApiRouter<QueryEngine> {
    OpenApiRouter::default().routes(routes!(list))
}

/// Whose rows there are.
///
/// Of all tenants, whichever the request names.
#[utoipa::path(
    get, path = "/api/v1/tenants", tag = "Tenants", operation_id = "tenants",
    responses((status = 200, description = "Tenants, by name.", body = Tenants, example = example), ReadErrors),
)]
async fn list(state: ApiState) -> Json<Tenants> {
    let storage = state.engine.storage();
    let of = |(name, tables): (TenantId, std::collections::BTreeMap<Table, TableUsage>)| {
        let usage = |table| tables.get(&table).map(UsageJson::of);
        TenantJson {
            name: name.to_string(),
            spans: usage(Table::Spans),
            logs: usage(Table::Logs),
        }
    };
    let tenants = storage.snapshot().tenants();
    Json(Tenants {
        tenants: tenants.into_iter().map(of).collect(),
        max_tenants: storage.max_tenants(),
    })
}

fn example() -> Value {
    json!({
        "tenants": [{
            "name": "default",
            "spans": {
                "rows": 12_000, "bytes": 900_000, "files": 3,
                "oldest_time": "2023-01-29T08:00:00.000000000Z", "newest_time": "2023-01-29T08:48:16.546346267Z",
            },
            "logs": null,
        }],
        "max_tenants": 100,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{House, Log, SECOND, T0};

    #[tokio::test]
    async fn tells_of_rows_in_memory_and_in_files() {
        let mut house = House::new().await;
        let empty = house.get("/api/v1/tenants", &[]).await;
        assert_eq!(empty, json!({"tenants": [], "max_tenants": 100}));
        house.tenant = TenantId::new("team-b").unwrap();
        house.append(&[Log::at(T0, "a")]).await;
        house.storage.flush().await.unwrap();
        house.append(&[Log::at(T0 + SECOND, "b")]).await;
        house.tenant = TenantId::default();
        house.append(&[Log::at(T0, "c")]).await;
        let told = house.get("/api/v1/tenants", &[("tenant", "team-b")]).await;
        let names: Vec<_> = told["tenants"].as_array().unwrap().iter().collect();
        assert_eq!(
            (&names[0]["name"], &names[1]["name"]),
            (&json!("default"), &json!("team-b"))
        );
        let logs = &names[1]["logs"];
        assert!(logs["bytes"].as_u64().unwrap() > 0);
        assert_eq!((&logs["rows"], &logs["files"]), (&json!(2), &json!(1)));
        assert_eq!(logs["oldest_time"], "2023-01-29T08:00:00.000000000Z");
        assert_eq!(logs["newest_time"], "2023-01-29T08:00:01.000000000Z");
        assert_eq!(
            (&names[1]["spans"], &names[0]["logs"]["bytes"]),
            (&Value::Null, &json!(0))
        );
    }
}
