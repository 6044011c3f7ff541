//! Facts of the logs of a dataset.
//!
//! `longest_body_chars` and `distinct_bodies` only SQL can say (`logs.rs` beside asks it). Loki knows how
//! many bytes there are, and the figures do not.

use serde_json::Value;

use super::super::facts::{Counts, counts, counts_per_service, literal};
use super::super::logs::host_key;
use super::answers::{at, list, tally, text};
use super::native::{Asker, quoted};
use super::others::{index_entries, lines_of, logql};
use super::{ASKED, Fact, Way, counts_of, named, number_of};
use crate::api::number;

/// Bars of logs are of so many values, the rest together among them.
const MAX_BARS: usize = 10;

pub(super) fn table(asker: &Asker<'_>) -> Vec<Fact> {
    let mut table = numbers(asker);
    table.extend(by_service(asker));
    table.extend(values(asker));
    table.extend(terms(asker));
    table
}

/// Conditions on records, in both languages and in SQL.
fn numbers(asker: &Asker<'_>) -> Vec<Fact> {
    let of = |key: &str| number(&asker.dataset.figures[key]);
    let rows = [
        ("logs", "", "", "true"),
        (
            "logs_with_trace_id",
            "has:trace_id",
            "| trace_id != ``",
            "trace_id IS NOT NULL",
        ),
        (
            "bodies_with_newline",
            "body:~\"\\\\n\"",
            "|~ `\\n`",
            "strpos(body, chr(10)) > 0",
        ),
    ];
    let mut table = Vec::new();
    for (name, search, pipeline, condition) in rows {
        let count = format!("SELECT count(*) FROM logs WHERE {{filter}} AND {condition}");
        let mut ways = vec![
            asker.total(search),
            patterns(asker, search),
            asker.sql(&count),
        ];
        ways.extend(asker.entries(pipeline, ""));
        if name == "logs" {
            ways.push(index_entries(asker));
        }
        table.push(number_of(name, of(name), ways));
    }
    table
}

/// How many records the patterns are of.
fn patterns(asker: &Asker<'_>, search: &str) -> Way {
    let query = format!("{} {search}", asker.search);
    let parameters = asker.within(&[("query", query.trim_end())]);
    Way::get("/api/v1/logs/patterns", parameters, at("/total"))
}

fn by_service(asker: &Asker<'_>) -> Vec<Fact> {
    let figures = asker.dataset.figures;
    let logs = counts_per_service(&figures["logs_per_service"]);
    let group = |condition: &str| {
        asker.sql(&format!(
            "SELECT service_name, count(*) FROM logs WHERE {{filter}} AND {condition} GROUP BY service_name"
        ))
    };
    let mut of_logs = vec![
        asker.values("service_name"),
        asker.services("log_count"),
        group("true"),
        asker.sql("SELECT service_name, sum(log_count) FROM services WHERE service_name IN (SELECT service_name FROM logs WHERE {filter}) GROUP BY service_name"),
    ];
    of_logs.extend(asker.entries("", "service_name"));
    if logs.len() < MAX_BARS {
        of_logs.push(asker.bars("", "service_name", "counts"));
    }
    let mut of_names = asker.label_values("service_name");
    of_names.push(asker.streams("service_name"));
    let errors = counts_per_service(&figures["error_logs_per_service"]);
    let mut of_errors = vec![
        asker.bars("level:[error TO *]", "service_name", "counts"),
        asker.bars("severity>=error", "service_name", "counts"),
        group("severity_number >= 17"),
    ];
    of_errors.extend(asker.entries("| level=~`error|fatal`", "service_name"));
    let mut levels = Counts::new();
    for (text, count) in counts(&figures["logs_per_severity_text"]) {
        *levels.entry(text.to_lowercase()).or_default() += count;
    }
    let mut texts = counts(&figures["logs_per_severity_text"]);
    // A record without a text has no value of it.
    texts.remove("");
    vec![
        counts_of("services", named(logs.keys().cloned()), of_names),
        counts_of("logs_per_service", logs, of_logs),
        counts_of("error_logs_per_service", errors, of_errors),
        counts_of(
            "logs_per_severity_text",
            texts.clone(),
            vec![
                asker.values("severity_text"),
                asker.bars("has:severity_text", "severity_text", "counts"),
                asker.sql("SELECT severity_text, count(*) FROM logs WHERE {filter} AND severity_text IS NOT NULL GROUP BY severity_text"),
            ],
        ),
        counts_of(
            "logs_per_severity_text, in lower case",
            levels.clone(),
            asker.entries("", "level").into(),
        ),
        counts_of(
            "logs_per_severity_text, in lower case",
            levels,
            vec![of_levels(asker)],
        ),
    ]
}

/// Bars by level, where none is `unset`.
fn of_levels(asker: &Asker<'_>) -> Way {
    let parameters = asker.within(&[("query", &asker.search), ("by", "level")]);
    Way::get("/api/v1/logs/histogram", parameters, |json| {
        tally(list(json, "/series").map(|series| {
            let name = text(&series["name"]);
            let sum = list(series, "/counts").map(number).sum();
            (if name == "unset" { String::new() } else { name }, sum)
        }))
    })
}

/// Hosts and attributes.
fn values(asker: &Asker<'_>) -> Vec<Fact> {
    let figures = asker.dataset.figures;
    let host = host_key(asker.dataset);
    let label: &'static str = match host {
        "k8s.node.name" => "k8s_node_name",
        _ => "host_name",
    };
    let column = format!("resource.{host}");
    let top = counts(&figures["logs_per_host_top10"]);
    let mut table = vec![field(asker, &column, label, top)];
    // Hosts are no labels of streams, so `series` has none.
    let mut ways = asker.label_values(label);
    ways.push(asker.values(&column));
    let ways = ways.into_iter().map(Way::counted).collect();
    table.push(number_of("hosts", number(&figures["hosts"]), ways));
    let attributes = figures.get("attribute_values");
    for (key, known) in attributes.and_then(Value::as_object).into_iter().flatten() {
        let label = match key.as_str() {
            "http.response.status_code" => "http_response_status_code",
            "http.request.method" => "http_request_method",
            "client.address" => "client_address",
            "http.resp.status" => "http_resp_status",
            "http.req.path" => "http_req_path",
            "session" => "session",
            "currency" => "currency",
            other => panic!("a label for `{other}`"),
        };
        let column = format!("attributes.{key}");
        table.push(field(asker, &column, label, counts(known)));
    }
    table
}

/// The known values of an attribute.
fn field(asker: &Asker<'_>, column: &str, label: &'static str, known: Counts) -> Fact {
    let mut ways = vec![
        asker.values(column),
        asker.sql(&format!(
            "SELECT CAST(\"{column}\" AS VARCHAR), count(*) FROM logs WHERE {{filter}} GROUP BY \"{column}\""
        )),
    ];
    // LogQL has no more than 500 series, and there are more clients than that.
    if label != "client_address" {
        ways.extend(asker.entries("", label));
    }
    if known.len() < MAX_BARS {
        ways.push(asker.bars("", column, "counts"));
    }
    counts_of(&format!("values of {column}"), known, ways).partial()
}

/// A term is its tokens, one after the other: as a regular expression, with Python's idea of a letter.
fn pattern(term: &str) -> String {
    let tokens: Vec<String> = term
        .split(|c: char| !c.is_alphanumeric())
        .filter(|token| !token.is_empty())
        .map(str::to_lowercase)
        .collect();
    let tokens = tokens.join(r"[^\p{L}\p{N}]+");
    format!(r"(?i)(^|[^\p{{L}}\p{{N}}]){tokens}($|[^\p{{L}}\p{{N}}])")
}

fn terms(asker: &Asker<'_>) -> Vec<Fact> {
    let figures = asker.dataset.figures;
    let mut table = Vec::new();
    for (term, hits) in counts(&figures["term_hits"]) {
        let phrase = quoted(&term);
        let pipeline = format!("|~ `{}`", pattern(&term));
        let by_sql = format!(
            "SELECT count(*) FROM logs WHERE {{filter}} AND matches(body, {})",
            literal(&phrase)
        );
        let mut ways = vec![
            asker.total(&phrase),
            asker.total(&format!("body:{phrase}")),
            asker.sql(&by_sql),
            logql(format!(
                "sum(count_over_time({} [10y]))",
                asker.stream(&pipeline)
            )),
        ];
        if table.len() < ASKED {
            ways.push(patterns(asker, &phrase));
            ways.extend(asker.entries(&pipeline, ""));
        }
        table.push(number_of(&format!("term_hits {term}"), hits, ways));
    }
    let per_service = figures["term_hits_per_service"].as_object().unwrap();
    for (term, hits) in per_service {
        let (phrase, hits) = (quoted(term), counts_per_service(hits));
        let mut ways = vec![asker.sql(&format!(
            "SELECT service_name, count(*) FROM logs WHERE {{filter}} AND matches(body, {}) GROUP BY service_name",
            literal(&phrase)
        ))];
        if hits.len() < MAX_BARS {
            ways.push(asker.bars(&phrase, "service_name", "counts"));
        }
        ways.extend(asker.entries(&format!("|~ `{}`", pattern(term)), "service_name"));
        table.push(counts_of(
            &format!("term_hits_per_service {term}"),
            hits,
            ways,
        ));
    }
    table
}

/// Logs and the traces that they belong to, from either side. Loki cannot tell which traces have spans.
pub(super) fn linked(asker: &Asker<'_>) -> Vec<Fact> {
    let figures = asker.dataset.figures;
    if !asker.dataset.has("linked_logs") {
        return Vec::new();
    }
    let of = |key: &str| number(&figures[key]);
    let ours = &asker.search;
    let here = of("logs_whose_trace_is_here");
    let errors = format!("level:[error TO *] {ours}");
    let mut table = vec![
        number_of(
            "logs_whose_trace_is_here",
            here,
            vec![
                asker.total(&format!("trace:({ours})")),
                asker.total("trace:(has:span_id)"),
                asker.sql(
                    "SELECT count(*) FROM logs WHERE {filter} AND trace_id IN (SELECT trace_id FROM spans)",
                ),
                asker.sql(
                    "SELECT count(*) FROM logs JOIN (SELECT DISTINCT trace_id FROM spans) AS s \
                     ON s.trace_id = logs.trace_id WHERE {filter}",
                ),
            ],
        ),
        number_of(
            "logs of unknown traces",
            of("logs_with_trace_id") - here,
            vec![asker.total(&format!("has:trace_id -trace:({ours})"))],
        ),
        number_of(
            "traces_with_error_log",
            of("traces_with_error_log"),
            vec![
                asker.traces(&format!("logs:({errors})")).counted(),
                asker.traces_by_traceql(&asker.filter(""), Some(&errors)).counted(),
                asker.sql(
                    "SELECT count(*) FROM traces WHERE trace_id IN \
                     (SELECT trace_id FROM logs WHERE {filter} AND severity_number >= 17)",
                ),
                logql(format!(
                    "count(sum by (trace_id) (count_over_time({} [10y])))",
                    asker.stream("| level=~`error|fatal`")
                )),
            ],
        ),
    ];
    for (trace, count) in counts(&figures["linked_logs"]).into_iter().take(2 * ASKED) {
        let fact = format!("linked_logs {trace}");
        table.push(number_of(&fact, count, of_trace(asker, &trace)));
    }
    table
}

fn of_trace(asker: &Asker<'_>, trace: &str) -> Vec<Way> {
    let listed = |parameters: Vec<(&'static str, String)>| {
        let mut parameters = parameters;
        parameters.push(("limit", "10000".to_owned()));
        Way::get("/api/v1/logs", parameters, |json| {
            super::one(list(json, "/logs").count() as i64)
        })
    };
    let traceql = format!("{{ trace:id = \"{trace}\" }}");
    let stream = asker.stream(&format!("| trace_id=`{trace}`"));
    vec![
        listed(vec![("query", format!("trace_id:{trace}"))]),
        listed(vec![("query", format!("trace:(trace_id:{trace})"))]),
        listed(vec![("traceql", traceql)]),
        Way::sql(format!(
            "SELECT count(*) FROM logs JOIN (SELECT DISTINCT trace_id FROM spans) AS s ON s.trace_id = logs.trace_id \
             WHERE logs.trace_id = {}",
            literal(trace)
        )),
        logql(format!(
            "sum(count_over_time({{trace_id=`{trace}`}} [10y]))"
        )),
        logql(format!("sum(count_over_time({stream} [10y]))")),
        lines_of(asker, &stream),
        Way::get(
            format!("/api/v1/traces/{trace}"),
            vec![("view", "timeline".to_owned())],
            at("/log_count"),
        ),
    ]
}
