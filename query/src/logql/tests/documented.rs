//! What the documents show can be read: ours, and the kinds of queries that Loki documents.

use crate::logql::parse;
use crate::testing::documented;

#[test]
fn every_example_of_the_documents_can_be_read() {
    let examples = documented("logql");
    assert!(examples.len() > 15, "{examples:?}");
    for example in examples {
        parse(&example).unwrap_or_else(|error| panic!("{example}: {error:?}"));
    }
}

/// One for each thing that Loki's documents say of the language, and what Grafana itself asks.
const KINDS: &[&str] = &[
    r#"{app="mysql",name="backup"}"#,
    r#"{app =~ "my.+", name !~ `back\d+`}"#,
    r#"{job="mysql"} |= "error" != "timeout""#,
    r#"{name="kafka"} |~ "tsdb-ops.*io:2003""#,
    r#"{job="db"} |~ `error=\w+` !~ "debug""#,
    r#"{app="x"} |> `<_> level=debug <_>` !> "<_>ok""#,
    r#"{job="api"} |= `a` or `b` or "c""#,
    r#"{job="api"} |= ip("192.168.4.5/16") != ip("2001:db8::1")"#,
    r#"{job="api"} | json | addr = ip("10.0.0.1-10.0.0.9")"#,
    r#"{job="api"} | json first_server="servers[0]", ua="request.headers[\"User-Agent\"]""#,
    r#"{job="api"} | json level, status"#,
    r#"{job="api"} | logfmt host, fwd_ip="fwd""#,
    r#"{job="api"} | logfmt --strict --keep-empty"#,
    r#"{job="api"} | regexp "(?P<method>\\w+) (?P<path>[\\w|/]+) \\((?P<status>\\d+?)\\) (?P<duration>.*)""#,
    r#"{job="web"} | pattern `<ip> - - <_> "<method> <uri> <_>" <status> <size> <_> "<agent>" <_>`"#,
    r#"{job="api"} | unpack | line_format "{{.pod}}""#,
    r#"{job="api"} | logfmt | duration >= 20ms or size == 20kb and method!~"2..""#,
    r#"{job="api"} | logfmt | duration >= 20ms | size == 20kb , method!~"2..""#,
    r#"{job="api"} | logfmt | (duration >= 20ms or method="GET") and size <= 20KB"#,
    r#"{container="frontend"} | logfmt | line_format "{{.ip}} {{.status}} {{div .response_time 1000}}""#,
    r#"{job="x"} | json | line_format `{{ if eq .level "error" }}!{{ else }}{{ .msg | default "-" }}{{ end }}`"#,
    r#"{job="x"} | label_format duration_s="{{ duration .took }}", lvl=level | drop level, method="GET""#,
    r#"{job="x"} | json | keep level, method="GET""#,
    r#"{job="x"} | decolorize | json | __error__ != "JSONParserErr" | __error__=`` "#,
    r#"rate({job="mysql"} |= "error" != "timeout" [10s] offset 5m)"#,
    r#"sum by (host) (rate({job="mysql"} |= "error" != "timeout" | json | duration > 10s [1m]))"#,
    r#"topk(10, sum(rate({region="us-east1"}[5m])) by (name))"#,
    r#"sort_desc(sum by (app) (count_over_time({job="x"}[5m])))"#,
    r#"quantile_over_time(0.99, {cluster="ops",container="nginx"} | json | __error__ = "" | unwrap request_time [1m]) by (path)"#,
    r#"sum by (org_id) (sum_over_time({cluster="ops"} |= "metrics.go" | logfmt | unwrap bytes_processed [1m]))"#,
    r#"max_over_time({job="x"} | logfmt | unwrap duration_seconds(took) | __error__="" [5m]) without (pod)"#,
    r#"sum(count_over_time({job="mysql"}[5m])) by (level) > bool 10"#,
    r#"sum by (app) (rate({app=~"foo|bar"} |= "err" [1m])) / ignoring(x) group_left(y) sum by (app) (rate({app=~"foo|bar"}[1m]))"#,
    r#"rate({app="a"}[1m]) and on(level) rate({app="b"}[1m]) unless vector(1) or vector(0)"#,
    r#"label_replace(rate({job="api",service="a:c"} |= "err" [1m]), "foo", "$1", "service", "(.*):.*")"#,
    r#"absent_over_time({job="x"}[5m]) or vector(0)"#,
    "# all of it\n{app=\"x\"} # and only errors\n  |= \"error\"",
    "vector(1)+vector(1)",
    "sum by (level, detected_level) (count_over_time({service_name=`checkout`} | drop __error__[10s]))",
];

#[test]
fn queries_as_loki_documents_them_can_be_read() {
    for query in KINDS {
        let read = parse(query).unwrap_or_else(|error| panic!("{query}: {error:?}"));
        let again = parse(&read.to_string()).unwrap_or_else(|error| panic!("{read}: {error:?}"));
        assert_eq!(again.to_string(), read.to_string(), "{query}");
    }
}
