//! What was deleted is gone for every question and stays gone over `kill -9`; what a rule hides
//! comes back with the rule; only who may delete does.

use std::time::{Duration, Instant};

use prost::Message;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Api;
use crate::data;
use crate::harness::{Home, run, run_ok};
use crate::otlp::{Otlp, Signal};

const ADMIN: &str = "admin-secret-1";
const READ: &str = "read-secret-2";

async fn send(otlp: &Otlp, service: &str, bodies: &[&str]) {
    let records = bodies.iter().map(|body| data::record(body)).collect();
    let request = data::logs_of(service, records).encode_to_vec();
    let reply = otlp.post_protobuf(Signal::Logs, request).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

async fn bodies(api: &Api) -> Vec<String> {
    let answer = api.get("/api/v1/logs", &[("limit", "1000")]).await;
    let logs = answer["logs"].as_array().unwrap();
    let mut bodies: Vec<_> = logs
        .iter()
        .map(|log| log["body"].as_str().unwrap().to_owned())
        .collect();
    bodies.sort_unstable();
    bodies
}

async fn change(api: &Api, method: Method, path: &str, body: Value) -> Value {
    let answer = api.change(method, path, &body).await;
    assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text);
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_stays_deleted_and_its_bytes_go() {
    let home = Home::new();
    let flags = ["--delete-deadline", "1s", "--flush-interval", "100ms"];
    let server = home.serve_with(&flags).await;
    let (api, otlp) = (server.api(), server.otlp());
    send(&otlp, "cart", &["keep 1", "secret 2", "keep 3", "keep 4"]).await;
    send(&otlp, "shop", &["secret 5", "keep 6", "keep 7", "keep 8"]).await;
    let kept = ["keep 1", "keep 3", "keep 4", "keep 6", "keep 7", "keep 8"];

    let asked = json!({"table": "logs", "query": "secret", "dry_run": true});
    let dry = change(&api, Method::POST, "/api/v1/delete", asked).await;
    assert_eq!(dry["rows"], 2);
    assert_eq!(bodies(&api).await.len(), 8);
    let asked = json!({"table": "logs", "query": "secret", "confirm": 2});
    let done = change(&api, Method::POST, "/api/v1/delete", asked).await;
    assert_eq!(done["deletion"]["asked_by"], "somebody on this machine");
    assert_eq!(bodies(&api).await, kept);
    server.kill();

    let server = home.serve_with(&flags).await;
    let api = server.api();
    assert_eq!(bodies(&api).await, kept);
    let path = format!(
        "/api/v1/deletions/{}",
        done["deletion_id"].as_str().unwrap()
    );
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let report = api.get(&path, &[]).await;
        if report["state"] == "done" {
            break;
        }
        assert!(Instant::now() < deadline, "{report}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(bodies(&api).await, kept);
    server.stop().await;
    home.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_can_be_taken_back() {
    let home = Home::new();
    let server = home.serve().await;
    let (api, otlp) = (server.api(), server.otlp());
    send(&otlp, "cart", &["a", "b"]).await;
    send(&otlp, "audit", &["c"]).await;
    // Everything in files, and the records are from long ago or the rule is of seconds.
    let rules = json!({"rules": [
        {"table": "logs", "service": "audit", "keep": "forever"},
        {"table": "logs", "keep": "1s"},
    ]});
    let asked = json!({"table": "logs", "query": "nosuchword", "dry_run": true});
    change(&api, Method::POST, "/api/v1/delete", asked).await;
    let answer = change(&api, Method::PUT, "/api/v1/retention", rules).await;
    assert_eq!(answer["version"], 1);
    assert_eq!(bodies(&api).await, ["c"], "{answer}");
    server.stop().await;

    let server = home.serve().await;
    let api = server.api();
    assert_eq!(bodies(&api).await, ["c"]);
    let none = json!({"rules": []});
    change(&api, Method::PUT, "/api/v1/retention", none).await;
    assert_eq!(bodies(&api).await, ["a", "b", "c"]);
    server.stop().await;
    home.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_does_not_delete() {
    let home = Home::new();
    let server = home
        .serve_with(&["--read-token", READ, "--admin-token", ADMIN])
        .await;
    send(&server.otlp(), "cart", &["a"]).await;
    let asked = json!({"table": "logs", "query": "a", "confirm": 1});
    for (api, status) in [
        (server.api(), 401),
        (server.api().with_token("x"), 401),
        (server.api().with_token(READ), 403),
    ] {
        let answer = api.change(Method::POST, "/api/v1/delete", &asked).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    let admin = server.api().with_token(ADMIN);
    assert_eq!(bodies(&admin).await, ["a"], "who may delete may read");
    let done = change(&admin, Method::POST, "/api/v1/delete", asked).await;
    assert_eq!(done["deletion"]["asked_by"], "admin token 1");
    assert!(bodies(&admin).await.is_empty());
    let reader = server.api().with_token(READ);
    let reports = reader.get("/api/v1/deletions", &[]).await;
    assert_eq!(reports["deletions"][0]["rows"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_the_settings_file_are_in_force_and_stay() {
    let home = Home::new();
    let config = home.path("spoor.toml");
    let rule =
        "[[retention.rules]]\ntable = \"logs\"\nquery = \"http.route:/health*\"\nkeep = \"30d\"\n";
    std::fs::write(&config, rule).unwrap();
    let config = config.to_str().unwrap();
    let server = home.serve_with(&["--config", config]).await;
    let api = server.api();
    let told = api.get("/api/v1/retention", &[]).await;
    assert_eq!(told["rules"][0]["query"], "http.route:/health*", "{told}");
    assert!(told["set_in"].as_str().unwrap().contains(config), "{told}");
    let none = json!({"rules": []});
    let answer = api.change(Method::PUT, "/api/v1/retention", &none).await;
    assert_eq!(answer.status, 409, "{}", answer.text);
    assert!(answer.text.contains(config), "{}", answer.text);
    server.stop().await;
    std::fs::write(
        config,
        "[[retention.rules]]\ntable = \"logs\"\nkeep = \"30\"\n",
    )
    .unwrap();
    let data_dir = home.data_dir();
    let refused = run(&[
        "serve",
        "--config",
        config,
        "--data-dir",
        data_dir.to_str().unwrap(),
    ]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && told.contains("line 1"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_deletes_and_sets_rules_with_a_server_and_without() {
    let home = Home::new();
    let data_dir = home.data_dir();
    let data_dir = data_dir.to_str().unwrap();
    let server = home
        .serve_with(&["--read-token", READ, "--admin-token", ADMIN])
        .await;
    send(&server.otlp(), "cart", &["keep 1", "secret 2", "secret 3"]).await;
    let delete = |query: &'static str, more: &[&'static str]| {
        let mut arguments = vec!["delete", "--data-dir", data_dir, query];
        arguments.extend(more);
        arguments
    };
    let admin = ["--admin-token", ADMIN];
    let refused = run(&delete("secret", &["--admin-token", READ]));
    assert!(!refused.status.success());
    let told = run_ok(&delete("secret", &admin));
    assert!(
        told.contains("2 records in 1 files match") && told.contains("--confirm 2"),
        "{told}"
    );
    let api = server.api().with_token(READ);
    assert_eq!(
        bodies(&api).await.len(),
        3,
        "without --confirm nothing is changed"
    );
    let fewer = run(&delete(
        "secret",
        &["--confirm", "1", "--admin-token", ADMIN],
    ));
    assert!(!fewer.status.success());
    assert_eq!(bodies(&api).await.len(), 3);
    let done = run_ok(&delete(
        "secret",
        &["--confirm", "2", "--admin-token", ADMIN],
    ));
    assert!(done.contains("2 records in 1 files are deleted"), "{done}");
    assert_eq!(bodies(&api).await, ["keep 1"]);

    let rules = home.path("rules.toml");
    std::fs::write(&rules, "[[rules]]\ntable = \"logs\"\nkeep = \"30d\"\n").unwrap();
    let rules = rules.to_str().unwrap();
    let set = [
        "retention",
        "--data-dir",
        data_dir,
        "--set",
        rules,
        "--admin-token",
        ADMIN,
    ];
    let printed = run_ok(&set);
    let show = ["retention", "--data-dir", data_dir, "--read-token", READ];
    assert_eq!(run_ok(&show), printed, "readers may see them");
    assert!(printed.contains("keep = \"30d\""), "{printed}");
    std::fs::write(
        rules,
        "[[rules]]\ntable = \"logs\"\nquery = \"keep\"\nkeep = \"1s\"\n",
    )
    .unwrap();
    let dry = run_ok(&[&set[..], &["--dry-run"]].concat());
    assert!(dry.contains("nothing is changed"), "{dry}");
    assert_eq!(run_ok(&show), printed, "a dry run changes no rule");
    server.stop().await;

    assert_eq!(run_ok(&["retention", "--data-dir", data_dir]), printed);
    let done = run_ok(&delete("keep", &["--confirm", "1"]));
    assert!(done.contains("1 records in 1 files are deleted"), "{done}");
    let none = run_ok(&delete("keep", &["--start", "-1h"]));
    assert!(none.contains("no record matches"), "{none}");
    home.assert_clean();
}
