//! The shapes of answers, and what requests may look like.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::testing::{House, Log, SECOND, T0, delete_indexes, uri};

const API: &str = "/loki/api/v1";

/// Three records of two services, one a second.
async fn house() -> House {
    let house = House::new().await;
    let mut first = Log::at(T0, "took=5ms msg=\"hello\"").with("http.method", "GET", 's');
    first.resource.push(("k8s.pod.name", "pod-1".into(), 's'));
    first.trace_id = Some([7; 16]);
    let mut second = Log::at(T0 + SECOND, "{\"a\":{\"b\":1},\"ok\":true}");
    second.severity_number = 17;
    let mut third = Log::at(T0 + 2 * SECOND, "third line");
    third.service = "pay";
    third.severity_number = 0;
    house.append(&[first, second, third]).await;
    house
}

fn time(seconds: i64) -> String {
    (T0 + seconds * SECOND).to_string()
}

async fn get(house: &House, path: &str, parameters: &[(&str, &str)]) -> Value {
    house.get(&format!("{API}/{path}"), parameters).await
}

async fn with_header(house: &House, path: &str, parameters: &[(&str, &str)]) -> Value {
    let request = Request::get(uri(&format!("{API}/{path}"), parameters))
        .header("X-Loki-Response-Encoding-Flags", "categorize-labels")
        .body(Body::empty())
        .unwrap();
    let (status, body) = house.request(request).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn streams_have_all_labels_or_only_their_own() {
    let house = house().await;
    let query = [("query", "{service_name=\"checkout\"} |= \"hello\" | logfmt")];
    let answer = get(&house, "query_range", &query).await;
    assert_eq!(answer["status"], "success");
    assert_eq!(answer["data"]["resultType"], "streams");
    assert_eq!(answer["data"].get("encodingFlags"), None);
    let stream = json!({
        "service_name": "checkout", "level": "info", "k8s_pod_name": "pod-1",
        "detected_level": "info", "severity_number": "9", "host_name": "node-1",
        "http_method": "GET", "trace_id": "07070707070707070707070707070707",
        "took": "5ms", "msg": "hello",
    });
    let line = "took=5ms msg=\"hello\"";
    let expected = json!([{"stream": stream, "values": [[time(0), line]]}]);
    assert_eq!(answer["data"]["result"], expected);
    assert_eq!(answer["data"]["stats"]["summary"]["totalLinesProcessed"], 1);

    let answer = with_header(&house, "query_range", &query).await;
    assert_eq!(
        answer["data"]["encodingFlags"],
        json!(["categorize-labels"])
    );
    let stream = json!({"service_name": "checkout", "level": "info", "k8s_pod_name": "pod-1"});
    let others = json!({
        "structuredMetadata": {
            "detected_level": "info", "severity_number": "9", "host_name": "node-1",
            "http_method": "GET", "trace_id": "07070707070707070707070707070707",
        },
        "parsed": {"took": "5ms", "msg": "hello"},
    });
    let expected = json!([{"stream": stream, "values": [[time(0), line, others]]}]);
    assert_eq!(answer["data"]["result"], expected);
}

#[tokio::test]
async fn direction_limit_interval_and_times_are_as_asked() {
    let house = house().await;
    let lines = async |parameters: &[(&str, &str)]| {
        let mut all = vec![("query", "{} | keep nothing")];
        all.extend(parameters);
        let answer = get(&house, "query_range", &all).await;
        let result = answer["data"]["result"].as_array().unwrap().clone();
        let values = result
            .iter()
            .flat_map(|stream| stream["values"].as_array().unwrap());
        values
            .map(|value| (value[0].as_str().unwrap().parse::<i64>().unwrap() - T0) / SECOND)
            .collect::<Vec<i64>>()
    };
    assert_eq!(lines(&[]).await, [2, 1, 0]);
    assert_eq!(lines(&[("limit", "2")]).await, [2, 1]);
    assert_eq!(
        lines(&[("direction", "forward"), ("limit", "2")]).await,
        [0, 1]
    );
    assert_eq!(lines(&[("interval", "2s")]).await, [2, 0]);
    assert_eq!(
        lines(&[("interval", "2"), ("direction", "FORWARD")]).await,
        [0, 2]
    );
    // The end is left out.
    let (start, end) = (time(0), time(2));
    assert_eq!(lines(&[("start", &start), ("end", &end)]).await, [1, 0]);
    let start = "2023-01-29T08:00:01Z";
    assert_eq!(
        lines(&[("start", start), ("end", "1674979202.5")]).await,
        [2, 1]
    );
    assert_eq!(lines(&[("end", &end), ("since", "1s")]).await, [1]);
}

#[tokio::test]
async fn numbers_are_a_matrix_a_vector_or_a_scalar() {
    let house = house().await;
    let query = "sum by (service_name) (count_over_time({}[10s]))";
    let (start, end) = (time(0), time(3));
    let parameters = [
        ("query", query),
        ("start", &start),
        ("end", &end),
        ("step", "3"),
    ];
    let answer = get(&house, "query_range", &parameters).await;
    assert_eq!(answer["data"]["resultType"], "matrix");
    let at = T0 / SECOND;
    assert_eq!(
        answer["data"]["result"],
        json!([
            {"metric": {"service_name": "checkout"}, "values": [[at, "1"], [at + 3, "2"]]},
            {"metric": {"service_name": "pay"}, "values": [[at + 3, "1"]]},
        ])
    );
    let answer = get(&house, "query", &[("query", query), ("time", &end)]).await;
    assert_eq!(answer["data"]["resultType"], "vector");
    let first = json!({"metric": {"service_name": "checkout"}, "value": [at + 3, "2"]});
    assert_eq!(answer["data"]["result"][0], first);
    let answer = get(&house, "query", &[("query", "1 + 1"), ("time", "4")]).await;
    assert_eq!(answer["data"]["resultType"], "scalar");
    assert_eq!(answer["data"]["result"], json!([4, "2"]));
    // What Grafana asks to see whether there is anybody.
    let answer = get(
        &house,
        "query",
        &[("query", "vector(1)+vector(1)"), ("time", "4")],
    )
    .await;
    assert_eq!(
        answer["data"]["result"],
        json!([{"metric": {}, "value": [4, "2"]}])
    );
}

#[tokio::test]
async fn labels_values_and_series_are_what_there_is() {
    let house = house().await;
    for flushed in [false, true] {
        if flushed {
            house.storage.flush().await.unwrap();
        }
        let data = async |path: &str, parameters: &[(&str, &str)]| {
            let mut answer = get(&house, path, parameters).await;
            assert_eq!(answer["status"], "success");
            answer["data"].take()
        };
        let names = json!(["k8s_pod_name", "level", "service_name"]);
        assert_eq!(data("labels", &[]).await, names);
        assert_eq!(data("label", &[]).await, names);
        let pay = [("query", "{service_name=\"pay\"}")];
        assert_eq!(data("labels", &pay).await, json!(["service_name"]));
        assert_eq!(
            data("label/service_name/values", &[]).await,
            json!(["checkout", "pay"])
        );
        assert_eq!(
            data("label/service_name/values", &pay).await,
            json!(["pay"])
        );
        assert_eq!(
            data("label/level/values", &[]).await,
            json!(["error", "info"])
        );
        let levels = json!(["error", "info", "unknown"]);
        assert_eq!(data("label/detected_level/values", &[]).await, levels);
        assert_eq!(data("label/http_method/values", &[]).await, json!(["GET"]));
        assert_eq!(data("label/nosuch/values", &[]).await, json!([]));
        let both = [
            ("match[]", "{service_name=\"pay\"}"),
            ("match[]", "{level=\"error\"}"),
        ];
        let series = json!([
            {"level": "error", "service_name": "checkout"},
            {"service_name": "pay"},
        ]);
        assert_eq!(data("series", &both).await, series);
    }
}

#[tokio::test]
async fn volumes_and_statistics_count_lines_and_bytes() {
    let house = house().await;
    let (start, end) = (time(0), time(3));
    let mut parameters = vec![
        ("query", "{service_name=~\".+\"}"),
        ("start", &start),
        ("end", &end),
    ];
    let answer = get(&house, "index/stats", &parameters).await;
    let expected = json!({"streams": 3, "chunks": 1, "entries": 3, "bytes": 20 + 23 + 10});
    assert_eq!(answer, expected);
    let answer = get(&house, "index/volume", &parameters).await;
    let at = T0 / SECOND;
    assert_eq!(
        answer["data"]["result"],
        json!([
            {"metric": {"service_name": "checkout"}, "value": [at + 3, "43"]},
            {"metric": {"service_name": "pay"}, "value": [at + 3, "10"]},
        ])
    );
    parameters.extend([
        ("aggregateBy", "labels"),
        ("targetLabels", "level,k8s_pod_name"),
    ]);
    let answer = get(&house, "index/volume", &parameters).await;
    assert_eq!(
        answer["data"]["result"],
        json!([
            {"metric": {"level": ""}, "value": [at + 3, "43"]},
            {"metric": {"k8s_pod_name": ""}, "value": [at + 3, "20"]},
        ])
    );
    let mut parameters = parameters[..3].to_vec();
    parameters.extend([("step", "1s"), ("limit", "1")]);
    let answer = get(&house, "index/volume_range", &parameters).await;
    assert_eq!(
        answer["data"]["result"],
        json!([{"metric": {"service_name": "checkout"}, "values": [[at, "20"], [at + 1, "23"]]}])
    );
}

#[tokio::test]
async fn fields_and_labels_are_detected() {
    let house = house().await;
    let answer = get(&house, "detected_labels", &[]).await;
    assert_eq!(
        answer["detectedLabels"],
        json!([
            {"label": "k8s_pod_name", "cardinality": 1},
            {"label": "level", "cardinality": 2},
            {"label": "service_name", "cardinality": 2},
        ])
    );
    let answer = get(&house, "detected_fields", &[("query", "{}")]).await;
    let field = |label: &str| {
        let fields = answer["fields"].as_array().unwrap();
        fields
            .iter()
            .find(|field| field["label"] == label)
            .unwrap()
            .clone()
    };
    assert_eq!(
        field("took"),
        json!({"label": "took", "type": "duration", "cardinality": 1, "parsers": ["logfmt"]})
    );
    assert_eq!(
        field("a_b"),
        json!({"label": "a_b", "type": "int", "cardinality": 1, "parsers": ["json"], "jsonPath": ["a", "b"]})
    );
    assert_eq!(field("ok")["type"], "boolean");
    assert_eq!(
        field("http_method"),
        json!({"label": "http_method", "type": "string", "cardinality": 1, "parsers": null})
    );
    let answer = get(&house, "detected_field/took/values", &[("query", "{}")]).await;
    assert_eq!(answer["values"], json!(["5ms"]));
}

#[tokio::test]
async fn forms_are_read_like_addresses() {
    let house = house().await;
    for path in ["/loki/api/v1/query_range", "/loki/loki/api/v1/query_range"] {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(
                "query=%7Bservice_name%3D%22pay%22%7D+%7C%3D+%22third+line%22&limit=7",
            ))
            .unwrap();
        let (status, body) = house.request(request).await;
        assert_eq!(status, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["data"]["result"][0]["values"][0][1], "third line");
    }
}

/// Path, parameters, status, a part of what is said.
type Refused = (
    &'static str,
    &'static [(&'static str, &'static str)],
    u16,
    &'static str,
);

const REFUSED: &[Refused] = &[
    ("query_range", &[], 400, "the parameter `query` is missing"),
    (
        "query_range",
        &[("query", "{a=\"b\"}\n | jsn")],
        400,
        "parse error at line 2, col 4: there is no stage `jsn`",
    ),
    (
        "query_range",
        &[("query", "{}"), ("limit", "0")],
        400,
        "positive",
    ),
    (
        "query_range",
        &[("query", "{}"), ("limit", "99999")],
        400,
        "max entries limit per query exceeded",
    ),
    (
        "query_range",
        &[("query", "{}"), ("direction", "up")],
        400,
        "forward or backward",
    ),
    (
        "query_range",
        &[("query", "{}"), ("start", "x")],
        400,
        "`start`",
    ),
    (
        "query_range",
        &[("query", "{}"), ("start", "2"), ("end", "1")],
        400,
        "not after",
    ),
    (
        "query_range",
        &[("query", "rate({}[1m])"), ("step", "-1")],
        400,
        "`step` is not a duration",
    ),
    (
        "query_range",
        &[
            ("query", "rate({}[1m])"),
            ("start", "1"),
            ("end", "999999"),
            ("step", "1"),
        ],
        400,
        "at most 11000",
    ),
    (
        "query",
        &[("query", "{}")],
        400,
        "not supported as an instant query type",
    ),
    ("series", &[], 400, "match[]"),
    (
        "labels",
        &[("query", "rate({}[1m])")],
        400,
        "no metric query",
    ),
    ("index/volume", &[], 400, "`query` is missing"),
    ("tail", &[], 400, "`query` is missing"),
    ("tail", &[("query", "rate({}[1m])")], 400, "no metric query"),
    (
        "tail",
        &[("query", "{}"), ("delay_for", "6")],
        400,
        "`delay_for` can be 0 to 5",
    ),
    ("tail", &[("query", "{}")], 426, "/api/v1/logs/tail"),
    ("patterns", &[], 400, "`query` is missing"),
    (
        "patterns",
        &[("query", "rate({}[1m])")],
        400,
        "no metric query",
    ),
];

#[tokio::test]
async fn errors_are_texts_that_say_what_to_do() {
    let house = house().await;
    let refused = async |path: &str, parameters: &[(&str, &str)]| {
        let path = format!("{API}/{path}");
        let (status, body) = house.try_get_text(&path, parameters).await;
        (status.as_u16(), body)
    };
    for (path, parameters, status, part) in REFUSED {
        let (found, body) = refused(path, parameters).await;
        assert_eq!(found, *status, "{path} {parameters:?}: {body}");
        assert!(body.contains(part), "{path} {parameters:?}: {body}");
    }
    let numbers = "sum(count_over_time({service_name=\"checkout\"} | json [5s]))";
    let at = time(2);
    let (status, body) = refused("query", &[("query", numbers), ("time", &at)]).await;
    assert_eq!(status, 400);
    assert!(body.contains("pipeline error: `JSONParserErr`"), "{body}");
}

#[tokio::test]
async fn more_series_than_may_be_are_refused_and_can_be_put_together() {
    let house = House::new().await;
    let logs: Vec<Log> = (0..501)
        .map(|n| Log::at(T0 + n, "line").with("id", n, 'i'))
        .collect();
    house.append(&logs).await;
    let at = time(1);
    let query = |query| [("query", query), ("time", at.as_str())];
    let path = format!("{API}/query");
    let (status, body) = house
        .try_get_text(&path, &query("count_over_time({}[5s])"))
        .await;
    assert_eq!(status, 400);
    assert!(body.contains("maximum of series (500) reached"), "{body}");
    let answer = get(&house, "query", &query("sum(count_over_time({}[5s]))")).await;
    assert_eq!(answer["data"]["result"][0]["value"][1], "501");
    let answer = get(&house, "query", &query("count(count_over_time({}[5s]))")).await;
    assert_eq!(answer["data"]["result"][0]["value"][1], "501");
}

#[tokio::test]
async fn what_else_grafana_asks_is_there() {
    let house = house().await;
    let answer = get(&house, "status/buildinfo", &[]).await;
    assert_eq!(answer["version"], super::API_OF_LOKI);
    let answer = get(&house, "drilldown-limits", &[]).await;
    assert_eq!(answer["pattern_ingester_enabled"], true);
    assert_eq!(answer["limits"]["max_entries_limit_per_query"], 10_000);
    let answer = get(
        &house,
        "format_query",
        &[("query", "sum(rate({a=`b`}[5m]))by(c)")],
    )
    .await;
    assert_eq!(answer["data"], "sum by (c) (rate({a=\"b\"} [5m]))");
    let (status, body) = house.try_get_text("/loki/ready", &[]).await;
    assert_eq!((status.as_u16(), body.as_str()), (200, "ready\n"));
}

/// Each pattern is a line filter that finds what it counts, from the buffer and from files.
#[tokio::test]
async fn patterns_are_counted_in_steps_and_find_their_lines() {
    let house = House::new().await;
    let mut logs = Vec::new();
    for n in 0..40 {
        let at = T0 + n * SECOND;
        logs.push(Log::at(at, format!("user u{n} took {n}ms")));
        if n % 2 == 0 {
            logs.push(Log::at(at, format!("cache miss for /a/{n}/b")));
        }
        let mut other = Log::at(at, format!("other {n}"));
        other.service = "pay";
        logs.push(other);
    }
    house.append(&logs).await;
    let (start, end) = (time(5), time(40));
    let parameters = [
        ("query", "{service_name=\"checkout\"}"),
        ("start", start.as_str()),
        ("end", &end),
        ("step", "10s"),
    ];
    let answer = get(&house, "patterns", &parameters).await;
    assert_eq!(answer.get("warnings"), None);
    let at = T0 / SECOND;
    let expected = json!([
        {"pattern": "user <_> took <_>", "samples": [[at, 5], [at + 10, 10], [at + 20, 10], [at + 30, 10]]},
        {"pattern": "cache miss for <_>", "samples": [[at, 2], [at + 10, 5], [at + 20, 5], [at + 30, 5]]},
    ]);
    assert_eq!(answer["data"], expected);
    house.storage.flush().await.unwrap();
    assert_eq!(get(&house, "patterns", &parameters).await, answer);
    for (place, lines) in [(0, "35"), (1, "17")] {
        let pattern = answer["data"][place]["pattern"].as_str().unwrap();
        let query = format!("sum(count_over_time({{}} |> `{pattern}` [35s]))");
        let last = time(39);
        let found = get(&house, "query", &[("query", &query), ("time", &last)]).await;
        assert_eq!(found["data"]["result"][0]["value"][1], lines, "{pattern}");
    }
    let filtered = [
        ("query", "{} |= \"cache\" | label_format a=b"),
        parameters[1],
        parameters[2],
    ];
    let answer = get(&house, "patterns", &filtered).await;
    assert_eq!(answer["data"].as_array().unwrap().len(), 1);
    let none = get(&house, "patterns", &[("query", "{a=\"b\"}")]).await;
    assert_eq!(none["data"], json!([]));
}

/// Words that a regular expression needs are looked up in the index; answers are the same without.
#[tokio::test]
async fn a_regular_expression_opens_only_files_that_may_match() {
    let house = House::new().await;
    for (hour, word) in [(0, "dawn"), (1, "noon"), (2, "evening")] {
        let at = T0 + hour * 3_600 * SECOND;
        let rows: Vec<Log> = (0..2_000)
            .map(|n| {
                Log::at(
                    at + n,
                    format!("request {n} of {word} timed out after {n}ms"),
                )
            })
            .collect();
        house.append(&rows).await;
    }
    house.storage.flush().await.unwrap();
    // A word that is open at both ends may be part of any other: that the index does not know.
    let cases = [
        ("{} |~ \"of noon timed? out after 1\\\\d+ms$\"", 1),
        ("{} |~ \"(?i)NOON timed|of evening \"", 2),
        ("{} |~ \"noon timed\" or \" evening \"", 2),
        ("{} |= \"request\" |~ \" noo[a-z]+ \"", 1),
        ("{} |~ \".*\" |~ \" dawn \"", 1),
        ("{} |~ \"noon\"", 3),
        ("{} !~ \"noon\"", 3),
        (
            "{} |~ \"nowhere at all\" or \" noon \" | line_format `x` |~ \"x\"",
            1,
        ),
    ];
    let mut found = Vec::new();
    for (query, files) in cases {
        let before = house.opened_files();
        let numbers = format!("sum by (level) (count_over_time({query} [1d]))");
        let at = (T0 + 12 * 3_600 * SECOND).to_string();
        let parameters = [("query", numbers.as_str()), ("time", &at)];
        let answer = get(&house, "query", &parameters).await;
        assert_eq!(house.opened_files() - before, files, "{query}");
        found.push(answer["data"]["result"].clone());
    }
    assert_ne!(found[0], json!([]));
    assert!(delete_indexes(house.folder.path()) > 0);
    let house = house.reopened().await;
    for ((query, _), found) in cases.iter().zip(found) {
        let numbers = format!("sum by (level) (count_over_time({query} [1d]))");
        let at = (T0 + 12 * 3_600 * SECOND).to_string();
        let parameters = [("query", numbers.as_str()), ("time", &at)];
        let answer = get(&house, "query", &parameters).await;
        assert_eq!(answer["data"]["result"], found, "{query}");
    }
}

#[tokio::test]
async fn queries_of_many_terms_are_answered() {
    let house = house().await;
    house.storage.flush().await.unwrap();
    let many = |one: &dyn Fn(usize) -> String, between: &str| {
        (0..200).map(one).collect::<Vec<_>>().join(between)
    };
    for (query, found) in [
        (
            format!("{{{}}}", many(&|n| format!("service_name!=\"s{n}\""), ",")),
            3,
        ),
        (
            format!("{{{}}}", many(&|n| format!("http_method!=\"s{n}\""), ",")),
            3,
        ),
        (
            format!(
                "{{http_method=~\"GET|{}\"}}",
                many(&|n| format!("s{n}"), "|")
            ),
            1,
        ),
        (
            format!("{{}} {}", many(&|n| format!("!= \"s{n}\""), " ")),
            3,
        ),
        (
            format!(
                "{{}} |= \"third\" or {}",
                many(&|n| format!("\"s{n}\""), " or ")
            ),
            1,
        ),
        (
            format!("{{}} | {}", many(&|n| format!("level!=\"s{n}\""), " and ")),
            3,
        ),
        (
            format!(
                "{{}} != \"x\" or {}",
                many(&|n| format!("\"s{n}\""), " or ")
            ),
            3,
        ),
        (
            format!("{{}} | {}", many(&|n| format!("x{n}=\"1\""), " or ")),
            0,
        ),
        (
            format!("{{}} | {}", many(&|n| format!("a > {n}"), " or ")),
            0,
        ),
    ] {
        let answer = get(&house, "query_range", &[("query", &query)]).await;
        let streams = answer["data"]["result"].as_array().unwrap();
        assert_eq!(streams.len(), found, "{query}");
    }
    let sum = many(&|n| n.to_string(), " + ");
    let answer = get(
        &house,
        "query",
        &[("query", &format!("vector(1) + {sum}")), ("time", "4")],
    )
    .await;
    assert_eq!(answer["data"]["result"][0]["value"][1], "19901");
    let deep = format!("{}vector(1){}", "sum(".repeat(60), ")".repeat(60));
    let answer = get(&house, "query", &[("query", &deep), ("time", "4")]).await;
    assert_eq!(answer["data"]["result"][0]["value"][1], "1");
}
