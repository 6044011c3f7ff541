use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::testing::House;

async fn call(house: &House, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
    call_as(house, method, path, body, "application/json; charset=utf-8").await
}

async fn call_as(
    house: &House,
    method: Method,
    path: &str,
    body: &str,
    kind: &str,
) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1/searches{path}"))
        .header("content-type", kind)
        .body(Body::from(body.to_owned()))
        .unwrap();
    let (status, answer) = house.request(request).await;
    if answer.is_empty() {
        return (status, Value::Null);
    }
    (status, serde_json::from_str(&answer).unwrap())
}

fn slow() -> Value {
    json!({"name": " slow ", "view": "traces", "query": "{ duration > 1s }",
        "parameters": {"start": "now-1h", "sort": "duration"}})
}

#[tokio::test]
async fn a_search_is_saved_found_changed_and_deleted() {
    let house = House::new().await;
    let (status, saved) = call(&house, Method::POST, "", &slow().to_string()).await;
    assert_eq!(status, 201, "{saved}");
    assert_eq!(saved["name"], "slow");
    assert_eq!(saved["parameters"], slow()["parameters"]);
    assert_eq!(saved["created_time"], saved["updated_time"]);
    assert!(saved["created_time"].as_str().unwrap().ends_with('Z'));
    let id = saved["id"].as_str().unwrap();
    let path = format!("/{id}");

    let bare = json!({"name": "all", "view": "logs"});
    let (_, all) = call(&house, Method::POST, "", &bare.to_string()).await;
    assert_eq!(
        (&all["query"], &all["parameters"]),
        (&json!(""), &json!({}))
    );
    let list = house.get("/api/v1/searches", &[]).await;
    assert_eq!(list, json!({"searches": [all, saved]}));
    let traces = house.get("/api/v1/searches", &[("view", "traces")]).await;
    assert_eq!(traces, json!({"searches": [saved]}));
    let none = house.get("/api/v1/searches", &[("view", "sql")]).await;
    assert_eq!(none, json!({"searches": []}));

    let (status, found) = call(&house, Method::GET, &path, "").await;
    assert_eq!((status.as_u16(), &found), (200, &saved));
    let other = json!({"name": "slow", "view": "sql", "query": "SELECT 1"});
    let (status, replaced) = call(&house, Method::PUT, &path, &other.to_string()).await;
    assert_eq!(status, 200, "{replaced}");
    assert_eq!(
        (&replaced["id"], &replaced["view"]),
        (&saved["id"], &json!("sql"))
    );
    assert_eq!(replaced["parameters"], json!({}));
    assert_eq!(replaced["created_time"], saved["created_time"]);

    let (status, nothing) = call(&house, Method::DELETE, &path, "").await;
    assert_eq!((status.as_u16(), nothing), (204, Value::Null));
    for (method, body) in [
        (Method::GET, String::new()),
        (Method::PUT, other.to_string()),
        (Method::DELETE, String::new()),
    ] {
        let (status, gone) = call(&house, method, &path, &body).await;
        assert_eq!(
            (status.as_u16(), &gone["error"]["code"]),
            (404, &json!("not_found"))
        );
        assert!(gone["error"]["message"].as_str().unwrap().contains(id));
    }
}

#[tokio::test]
async fn what_cannot_be_saved_says_why() {
    let house = House::new().await;
    let (status, _) = call(&house, Method::POST, "", &slow().to_string()).await;
    assert_eq!(status, 201);
    let with = |key: &str, value: Value| {
        let mut body = slow();
        body[key] = value;
        body.to_string()
    };
    for (body, expected, what) in [
        (
            slow().to_string(),
            409,
            "the view traces is called `slow` already",
        ),
        (
            with("view", json!("metrics")),
            400,
            "unknown variant `metrics`",
        ),
        (with("name", json!("")), 400, "`name` has 0 characters"),
        (with("colour", json!("red")), 400, "unknown field `colour`"),
        (
            with("parameters", json!({"limit": 5})),
            400,
            "expected a string",
        ),
        (
            with("query", json!("q".repeat(20_000))),
            413,
            "`query` has 20000 bytes",
        ),
        ("[".to_owned(), 400, "not the JSON expected"),
        (String::new(), 400, "not the JSON expected"),
    ] {
        let (status, refused) = call(&house, Method::POST, "", &body).await;
        assert_eq!(status, expected, "{body}: {refused}");
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.contains(what), "{message}");
    }
    let body = with("name", json!("other"));
    let (status, refused) = call_as(&house, Method::POST, "", &body, "text/plain").await;
    assert_eq!(
        (status.as_u16(), &refused["error"]["code"]),
        (415, &json!("unsupported"))
    );
    let (status, refused) = call(&house, Method::GET, "/slow", "").await;
    assert_eq!(
        (status.as_u16(), &refused["error"]["code"]),
        (400, &json!("invalid"))
    );
    let (status, refused) = house.try_get("/api/v1/searches", &[("view", "all")]).await;
    assert_eq!(status, 400);
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("`all` is not a view: it is one of logs, traces, sql"),
        "{message}"
    );
    let list = house.get("/api/v1/searches", &[]).await;
    assert_eq!(list["searches"].as_array().unwrap().len(), 1);
}
