use std::path::Path;
use std::time::Duration;

use clap::Parser;
use spoor_storage::StoreLocation;

use super::problem::Problem;
use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    raw: RawSettings,
}

fn load(arguments: &[&str]) -> Result<Settings, Problems> {
    let line = Line::parse_from(std::iter::once("spoor").chain(arguments.iter().copied()));
    Settings::load(line.raw)
}

fn problems(arguments: &[&str]) -> Vec<Problem> {
    let problems = load(arguments).err().expect("there must be problems");
    problems.iter().cloned().collect()
}

fn file(folder: &Path, text: &str) -> String {
    let path = folder.join("spoor.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn defaults_are_private() {
    let settings = load(&[]).ok().unwrap();
    assert_eq!(settings.listen.otlp_grpc.to_string(), "127.0.0.1:4317");
    assert_eq!(settings.listen.otlp_http.to_string(), "127.0.0.1:4318");
    assert_eq!(settings.listen.http.to_string(), "127.0.0.1:4320");
    assert_eq!(settings.data_dir(), Path::new("./spoor-data"));
    assert!(settings.access.ingest.is_open() && settings.access.read.is_open());
    assert!(settings.storage.flush_bytes <= settings.storage.ingest_memory_bytes / 2);
}

#[test]
fn flags_win_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        folder.path(),
        "flush_interval = \"7s\"\nflush_bytes = 4096\nhttp_addr = \"127.0.0.1:9000\"\n\
         read_token = \"a\"\ningest_token = [\"b\", \"c\"]\nopen_json_bodies = false\n",
    );
    let settings = load(&[
        "--config",
        &path,
        "--flush-interval",
        "3s",
        "--read-token",
        "z",
    ]);
    let settings = settings.ok().unwrap();
    assert_eq!(settings.storage.flush_interval, Duration::from_secs(3));
    assert_eq!(settings.storage.flush_bytes, 4096);
    assert_eq!(settings.listen.http.port(), 9000);
    assert!(!settings.collector.open_json_bodies);
    assert!(settings.access.read.contains(b"z") && !settings.access.read.contains(b"a"));
    assert!(settings.access.ingest.contains(b"b") && settings.access.ingest.contains(b"c"));
}

#[test]
fn everything_wrong_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        folder.path(),
        "flush_intervall = \"7s\"\nport = 80\nquery_timeout = 30\n",
    );
    let found = problems(&[
        "--config",
        &path,
        "--max-request-bytes",
        "lots",
        "--http-addr",
        "4320",
        "--tls-cert",
        "c.pem",
        "--log-format",
        "xml",
        "--cors-origin",
        "https://shop.example/path",
        "--allowed-host",
        "https://spoor.example",
        "--query-max-concurrent",
        "0",
    ]);
    let told = |part: &str| found.iter().any(|problem| problem.what.contains(part));
    for part in [
        "flush_intervall",
        "`port`",
        "query_timeout",
        "max_request_bytes",
        "http_addr",
        "tls_key",
        "log_format",
        "cors_origin",
        "allowed_host",
        "query_max_concurrent",
    ] {
        assert!(told(part), "{part} is not in {found:#?}");
    }
    assert_eq!(found.len(), 10, "{found:#?}");
    let typo = found
        .iter()
        .find(|problem| problem.what.contains("flush_intervall"))
        .unwrap();
    assert_eq!(typo.hint, "did you mean `flush_interval`?");
    assert!(found.iter().all(|problem| !problem.hint.is_empty()));
}

#[test]
fn all_queries_have_at_least_what_one_may_have() {
    let query = |arguments: &[&str]| load(arguments).ok().unwrap().query;
    let roomy = query(&["--query-memory-bytes", "3GiB"]);
    assert_eq!(roomy.total_memory_bytes, 3 << 30);
    let narrow = query(&["--query-total-memory-bytes", "2GiB"]);
    assert_eq!(narrow.total_memory_bytes, 2 << 30);
    assert!(narrow.memory_bytes <= 512 << 20);
    let found = problems(&[
        "--query-memory-bytes",
        "64MiB",
        "--query-total-memory-bytes",
        "63MiB",
    ]);
    assert!(
        found[0]
            .what
            .contains("`query_total_memory_bytes` (66060288)")
    );
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn a_broken_file_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "flush_bytes = 1\nhttp_addr = = 3\n");
    let found = problems(&["--config", &path]);
    assert!(found[0].what.contains("line 2"), "{found:?}");
    assert!(
        problems(&["--config", "/nowhere/spoor.toml"])[0]
            .what
            .contains("/nowhere/spoor.toml")
    );
}

#[test]
fn the_file_can_have_the_retention_rules() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        folder.path(),
        "flush_bytes = 4096\n[retention]\nmax_total_bytes = \"2KiB\"\n[[retention.rules]]\n\
         table = \"logs\"\nquery = \"http.route:/healthz*\"\nkeep = \"12h\"\n[[retention.rules]]\n\
         table = \"spans\"\nstatus = \"ERROR\"\nkeep = \"90d\"\n",
    );
    let settings = load(&["--config", &path]).ok().unwrap();
    let fixed = settings.storage.retention.unwrap();
    assert!(fixed.set_in.contains(&path));
    assert_eq!(fixed.policy.max_total_bytes, Some(2048));
    let keeps: Vec<_> = fixed.policy.rules.iter().map(|rule| &rule.keep).collect();
    assert_eq!(keeps, ["12h", "90d"]);
    assert!(load(&[]).ok().unwrap().storage.retention.is_none());
    let path = file(folder.path(), "[retention]\n");
    let keeps_all = load(&["--config", &path]).ok().unwrap().storage.retention;
    assert_eq!(keeps_all.unwrap().policy.rules, []);
}

#[test]
fn wrong_retention_rules_are_told_with_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let rules = [
        "table = \"logs\"\nkeep = \"soon\"",
        "table = \"logs\"\nkeep = \"1d\"\nservce = \"a\"",
        "table = \"spans\"\nkeep = \"1d\"\nquery = \"a:(\"",
        "table = \"spans\"\nkeep = \"1d\"",
    ];
    let rules = rules
        .map(|rule| format!("[[retention.rules]]\n{rule}\n"))
        .concat();
    let text = format!("{rules}[retention]\nmax_bytes = 1\nmax_total_bytes = \"much\"\n");
    let path = file(folder.path(), &text.replace("[retention]", "[reten]"));
    assert_eq!(
        problems(&["--config", &path]).len(),
        4,
        "`reten` is no setting"
    );
    let text = format!("[retention]\nmax_bytes = 1\nmax_total_bytes = \"much\"\n{rules}");
    let path = file(folder.path(), &text);
    let found = problems(&["--config", &path]);
    assert_eq!(found.len(), 5, "{found:#?}");
    for part in [
        "`retention.max_bytes`",
        "`retention.max_total_bytes` is `much`",
        "rule 1 in",
        "line 4 is wrong: `soon`",
        "line 7 is wrong: unknown field `servce`",
        "line 11 is wrong: ",
    ] {
        let told = found.iter().any(|problem| problem.what.contains(part));
        assert!(told, "{part} is not in {found:#?}");
    }
    assert!(found.iter().all(|problem| !problem.hint.is_empty()));
}

#[test]
fn strangers_need_tokens() {
    let all = [
        "--otlp-grpc-addr",
        "0.0.0.0:0",
        "--otlp-http-addr",
        "[::]:0",
        "--http-addr",
        "0.0.0.0:0",
    ];
    let found = problems(&all);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[0].hint.contains("--allow-unauthenticated"));

    let with = |more: &[&str]| load(&[&all[..], more].concat());
    assert!(with(&["--allow-unauthenticated"]).is_ok());
    assert!(with(&["--allow-unauthenticated=false"]).is_err());
    assert!(with(&["--ingest-token", "x"]).is_err());
    assert!(with(&["--ingest-token", "x", "--read-token", "y"]).is_ok());
    assert!(with(&["--ingest-token", "", "--read-token", "y"]).is_err());
    assert!(load(&["--http-addr", "[::1]:0"]).is_ok());
}

#[test]
fn wrong_tokens_are_not_repeated_in_messages() {
    let found = problems(&["--read-token", "se cret"]);
    assert!(!format!("{found:?}").contains("se cret"));
}

#[test]
fn passwords_in_urls_are_not_repeated_in_messages() {
    let found = problems(&["--catalog-url", "postgres://spoor:s3cret@db:port/x"]);
    assert!(!format!("{found:?}").contains("s3cret"));
    let right = load(&["--catalog-url", "postgres://spoor:s3cret@db/x"]);
    let catalog = right.ok().unwrap().storage.catalog;
    assert_eq!(catalog.to_string(), "postgres://spoor@db:5432/x");
}

#[test]
fn a_bucket_is_named_by_a_url_and_its_server_apart() {
    let right = load(&[
        "--store-url",
        "s3://traces/prod",
        "--store-endpoint",
        "http://127.0.0.1:9000",
    ]);
    let StoreLocation::S3(bucket) = right.ok().unwrap().storage.store else {
        panic!("not a bucket");
    };
    assert_eq!(bucket.to_string(), "s3://traces/prod");
    assert_eq!(bucket.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
    for wrong in [
        &["--store-url", "traces"][..],
        &["--store-endpoint", "http://127.0.0.1:9000"],
        &[
            "--store-url",
            "s3://traces",
            "--store-endpoint",
            "127.0.0.1",
        ],
    ] {
        assert_eq!(problems(wrong).len(), 1, "{wrong:?}");
    }
}

#[test]
fn every_flag_has_its_environment_variable_and_name_in_the_file() {
    let command = <Line as clap::CommandFactory>::command();
    for argument in command
        .get_arguments()
        .filter(|argument| argument.get_id() != "help")
    {
        let name = argument.get_id().as_str();
        let variable = argument
            .get_env()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        assert_eq!(variable, format!("SPOOR_{}", name.to_uppercase()));
        assert_eq!(
            argument.get_long().unwrap_or_default(),
            name.replace('_', "-")
        );
    }
}
