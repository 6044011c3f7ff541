use serde_json::{Value, json};
use spoor_storage::TenantId;

use super::*;
use crate::language::parse;
use crate::testing::{House, Log, SECOND, T0, delete_indexes};
use crate::trace::tests::append;
use crate::{QueryEngine, QueryOptions, testing};

const SERVICES: [&str; 3] = ["cart", "checkout", "payment"];
const WORDS: [&str; 4] = ["timeout", "retry", "paid", "started"];

/// The same dice every time: a linear congruence is random enough here.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

#[derive(Debug)]
struct Span {
    trace: usize,
    service: usize,
    failed: bool,
    duration_ms: usize,
}

#[derive(Debug)]
struct Record {
    trace: Option<usize>,
    service: usize,
    word: usize,
    failed: bool,
}

/// A query, with what it means for the rows of each table.
enum Asked {
    Service(usize),
    Failed,
    /// Logs: the word; spans: at least so many milliseconds.
    Own(usize),
    Not(Box<Asked>),
    And(Vec<Asked>),
    Or(Vec<Asked>),
    Related(Table, Box<Asked>),
}

#[derive(Debug)]
struct World {
    spans: Vec<Span>,
    logs: Vec<Record>,
}

impl World {
    fn random(dice: &mut Dice) -> Self {
        let spans = (0..120).map(|_| Span {
            trace: dice.below(40),
            service: dice.below(3),
            failed: dice.below(5) == 0,
            duration_ms: dice.below(10),
        });
        let spans = spans.collect();
        let logs = (0..150).map(|_| Record {
            // Some are of traces without spans, and some of none.
            trace: (dice.below(5) > 0).then(|| dice.below(60)),
            service: dice.below(3),
            word: dice.below(4),
            failed: dice.below(4) == 0,
        });
        Self {
            spans,
            logs: logs.collect(),
        }
    }

    fn span_matches(&self, asked: &Asked, span: &Span) -> bool {
        match asked {
            Asked::Service(service) => span.service == *service,
            Asked::Failed => span.failed,
            Asked::Own(least) => span.duration_ms >= *least,
            Asked::Not(inner) => !self.span_matches(inner, span),
            Asked::And(parts) => parts.iter().all(|part| self.span_matches(part, span)),
            Asked::Or(parts) => parts.iter().any(|part| self.span_matches(part, span)),
            Asked::Related(table, inner) => self.trace_has(*table, inner, span.trace),
        }
    }

    fn log_matches(&self, asked: &Asked, log: &Record) -> bool {
        match asked {
            Asked::Service(service) => log.service == *service,
            Asked::Failed => log.failed,
            Asked::Own(word) => log.word == *word % 4,
            Asked::Not(inner) => !self.log_matches(inner, log),
            Asked::And(parts) => parts.iter().all(|part| self.log_matches(part, log)),
            Asked::Or(parts) => parts.iter().any(|part| self.log_matches(part, log)),
            Asked::Related(table, inner) => log
                .trace
                .is_some_and(|trace| self.trace_has(*table, inner, trace)),
        }
    }

    fn trace_has(&self, table: Table, asked: &Asked, trace: usize) -> bool {
        match table {
            Table::Spans => {
                let mut spans = self.spans.iter().filter(|span| span.trace == trace);
                spans.any(|span| self.span_matches(asked, span))
            }
            Table::Logs => {
                let mut logs = self.logs.iter().filter(|log| log.trace == Some(trace));
                logs.any(|log| self.log_matches(asked, log))
            }
        }
    }

    /// Stores everything, in several requests.
    async fn send(&self, house: &House) {
        let spans = self.spans.iter().enumerate().map(|(at, span)| {
            let start = T0 + i64::try_from(at).unwrap() * SECOND;
            let end = start + i64::try_from(span.duration_ms).unwrap() * 1_000_000;
            json!({"resource": {"attributes": [
                    {"key": "service.name", "value": {"stringValue": SERVICES[span.service]}}]},
                "scopeSpans": [{"spans": [{
                    "traceId": format!("{:032x}", span.trace + 1), "spanId": format!("{:016x}", at + 1),
                    "name": "work", "kind": 1, "status": {"code": if span.failed { 2 } else { 0 }},
                    "startTimeUnixNano": start.to_string(), "endTimeUnixNano": end.to_string()}]}]})
        });
        let spans: Vec<Value> = spans.collect();
        for part in spans.chunks(50) {
            append(house, &json!({ "resourceSpans": part })).await;
        }
        let logs = self.logs.iter().enumerate().map(|(at, record)| {
            let time = T0 + i64::try_from(at).unwrap() * SECOND;
            let mut log = Log::at(time, format!("row {at} {}", WORDS[record.word]));
            log.service = SERVICES[record.service];
            log.severity_number = if record.failed { 17 } else { 9 };
            log.trace_id = record.trace.map(|trace| (trace as u128 + 1).to_be_bytes());
            log
        });
        let logs: Vec<Log> = logs.collect();
        for part in logs.chunks(50) {
            house.append(part).await;
        }
    }
}

impl Asked {
    fn random(dice: &mut Dice, depth: usize, nested: bool) -> Self {
        let inner = |dice: &mut Dice| Self::random(dice, depth + 1, nested);
        match dice.below(if depth < 3 { 8 } else { 3 }) {
            0 => Self::Service(dice.below(3)),
            1 => Self::Failed,
            2 => Self::Own(dice.below(10)),
            3 => Self::Not(Box::new(inner(dice))),
            4 => Self::And((0..2).map(|_| inner(dice)).collect()),
            5 => Self::Or((0..2).map(|_| inner(dice)).collect()),
            _ if nested => Self::Own(dice.below(10)),
            _ => {
                let other = Table::ALL[dice.below(2)];
                Self::Related(other, Box::new(Self::random(dice, 2, true)))
            }
        }
    }

    fn text(&self, table: Table) -> String {
        let all = |parts: &[Self], between: &str| {
            let parts: Vec<String> = parts.iter().map(|part| part.text(table)).collect();
            format!("({})", parts.join(between))
        };
        match (self, table) {
            (Self::Service(service), _) => format!("service:{}", SERVICES[*service]),
            (Self::Failed, Table::Spans) => "status:error".to_owned(),
            (Self::Failed, Table::Logs) => "level:error".to_owned(),
            (Self::Own(least), Table::Spans) => format!("duration>={least}ms"),
            (Self::Own(word), Table::Logs) => WORDS[word % 4].to_owned(),
            (Self::Not(inner), _) => format!("NOT {}", inner.text(table)),
            (Self::And(parts), _) => all(parts, " "),
            (Self::Or(parts), _) => all(parts, " OR "),
            (Self::Related(other, inner), _) => {
                let name = if *other == Table::Spans {
                    "trace"
                } else {
                    "logs"
                };
                format!("{name}:({})", inner.text(*other))
            }
        }
    }

    fn count_related(&self) -> usize {
        match self {
            Self::Not(inner) => inner.count_related(),
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::count_related).sum(),
            Self::Related(..) => 1,
            _ => 0,
        }
    }
}

/// Queries for both tables, each with something on other rows.
fn queries(dice: &mut Dice, count: usize) -> Vec<(Table, Asked)> {
    let mut queries = Vec::new();
    while queries.len() < count {
        let table = Table::ALL[queries.len() % 2];
        let asked = Asked::random(dice, 0, false);
        if (1..=8).contains(&asked.count_related()) {
            queries.push((table, asked));
        }
    }
    queries
}

/// The rows that a house finds, by their number.
async fn found(house: &House, table: Table, query: &str) -> Vec<usize> {
    let mut rows: Vec<usize> = match table {
        Table::Logs => {
            let answer = house
                .get("/api/v1/logs", &[("query", query), ("limit", "1000")])
                .await;
            let logs = answer["logs"].as_array().unwrap().iter();
            let numbers = logs.map(|log| log["body"].as_str().unwrap().split(' ').nth(1).unwrap());
            numbers.map(|number| number.parse().unwrap()).collect()
        }
        Table::Spans => {
            let parameters = [
                ("traceql", "{}"),
                ("limit", "1000"),
                ("spans_per_set", "100"),
            ];
            let all = house.get("/api/v1/traces", &parameters).await;
            let matching = house
                .get("/api/v1/traces", &[("query", query), ("limit", "1000")])
                .await;
            let matching = matching["traces"].as_array().unwrap();
            assert!(matching.len() <= all["traces"].as_array().unwrap().len());
            let pair = |trace: &Value| {
                let id = trace["trace_id"].as_str().unwrap();
                let count = usize::try_from(trace["matched_spans"].as_u64().unwrap()).unwrap();
                (usize::from_str_radix(id, 16).unwrap() - 1, count)
            };
            matching
                .iter()
                .map(pair)
                .flat_map(|(id, count)| vec![id; count])
                .collect()
        }
    };
    rows.sort_unstable();
    rows
}

/// Of logs the numbers of the rows, of spans the trace of each.
fn expected(world: &World, table: Table, asked: &Asked) -> Vec<usize> {
    let mut rows: Vec<usize> = match table {
        Table::Logs => {
            let logs = world.logs.iter().enumerate();
            logs.filter(|(_, log)| world.log_matches(asked, log))
                .map(|(at, _)| at)
                .collect()
        }
        Table::Spans => {
            let spans = world
                .spans
                .iter()
                .filter(|span| world.span_matches(asked, span));
            spans.map(|span| span.trace).collect()
        }
    };
    rows.sort_unstable();
    rows
}

async fn all_as_expected(house: &House, world: &World, queries: &[(Table, Asked)], when: &str) {
    for (table, asked) in queries {
        let text = asked.text(*table);
        assert_eq!(
            found(house, *table, &text).await,
            expected(world, *table, asked),
            "{when}: {table} {text}"
        );
    }
}

#[tokio::test]
async fn random_queries_find_what_they_mean_wherever_the_rows_are() {
    let mut dice = Dice(11);
    let world = World::random(&mut dice);
    let queries = queries(&mut dice, 60);
    let sizes: Vec<usize> = queries
        .iter()
        .map(|(table, asked)| expected(&world, *table, asked).len())
        .collect();
    assert!(
        sizes.iter().filter(|size| (1..100).contains(*size)).count() > 30,
        "{sizes:?}"
    );
    // So that fewer traces are few: both sides of a search get their turn.
    let options = QueryOptions {
        max_traces: 1_000,
        ..QueryOptions::default()
    };
    let house = House::with(options).await;
    world.send(&house).await;
    all_as_expected(&house, &world, &queries, "in the buffer").await;
    house.storage.flush().await.unwrap();
    all_as_expected(&house, &world, &queries, "in files").await;
    house.storage.close().await.unwrap();
    assert!(delete_indexes(house.folder.path()) > 0);
    let house = house.reopened().await;
    all_as_expected(&house, &world, &queries, "without indexes").await;
}

#[tokio::test]
async fn too_many_traces_are_an_error_that_says_what_to_do() {
    let world = World::random(&mut Dice(3));
    let house = House::new().await;
    world.send(&house).await;
    let options = QueryOptions {
        max_traces: 12,
        ..QueryOptions::default()
    };
    let small = house.limited(options);
    let ask = async |query: &str| {
        let uri = testing::uri("/api/v1/logs", &[("query", query)]);
        let request = http::Request::get(uri)
            .body(axum::body::Body::empty())
            .unwrap();
        let (status, _, body) = testing::send(&small, request).await;
        (
            status.as_u16(),
            serde_json::from_slice::<Value>(&body).unwrap(),
        )
    };
    let (status, body) = ask("started trace:(service:cart)").await;
    assert_eq!(status, 413, "{body}");
    assert_eq!(
        body["error"]["message"],
        "`trace:(…)` at character 8 of the query matches more than 12 traces"
    );
    assert!(body["error"]["hint"].as_str().unwrap().contains("narrow"));
    // The other side is small: then the set is, too.
    let (status, body) = ask("body:\"row 17\" trace:(service:*)").await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn wherever_it_cannot_be_asked_an_error_says_so_and_where() {
    let house = House::new().await;
    let check = async |path: &str, parameter: &str, query: &str, position: usize, part: &str| {
        let (status, body) = house.try_get(path, &[(parameter, query)]).await;
        assert_eq!(status, 400, "{path} {query}: {body}");
        let error = &body["error"];
        assert_eq!(error["position"], position, "{path} {query}: {body}");
        assert!(
            error["message"].as_str().unwrap().contains(part),
            "{query}: {body}"
        );
        assert!(error["hint"].is_string(), "{query}: {body}");
    };
    let logs = "/api/v1/logs";
    check(
        logs,
        "query",
        "a trace:(b trace:(c))",
        11,
        "inside of another",
    )
    .await;
    check(logs, "query", "trace:(duration>fast)", 16, "not a duration").await;
    check(logs, "query", "a logs:(level:loud)", 14, "not a level").await;
    check("/api/v1/traces", "query", "logs:(a", 5, "not closed").await;
    check(
        "/api/v1/spans/histogram",
        "query",
        "logs:(level:loud)",
        12,
        "not a level",
    )
    .await;
    check(
        "/api/v1/logs/tail",
        "query",
        "a trace:(b)",
        2,
        "other records",
    )
    .await;
    let (status, body) = house.try_get("/api/v1/traces", &[("logs", "a")]).await;
    assert_eq!(status, 400, "{body}");
    let both = [("traceql", "{}"), ("logs", "ü trace:(a)")];
    let (status, body) = house.try_get("/api/v1/traces", &both).await;
    assert_eq!(
        (status.as_u16(), &body["error"]["position"]),
        (400, &json!(2)),
        "{body}"
    );
    let (status, body) = house.try_get(logs, &[("traceql", "{ status = }")]).await;
    assert_eq!(
        (status.as_u16(), &body["error"]["position"]),
        (400, &json!(11)),
        "{body}"
    );
    let rule = crate::language::RuleQueries;
    let refused = spoor_storage::CompileFilter::compile(&rule, Table::Logs, "trace:(a)");
    assert!(refused.unwrap_err().to_string().contains("other records"));
}

#[tokio::test]
async fn traceql_and_a_search_of_logs_narrow_each_other() {
    let mut dice = Dice(5);
    let world = World::random(&mut dice);
    let house = House::new().await;
    world.send(&house).await;
    house.storage.flush().await.unwrap();
    let has = |trace: usize, table: Table, asked: &Asked| world.trace_has(table, asked, trace);
    let failed_in_cart = Asked::And(vec![Asked::Service(0), Asked::Failed]);
    let timeout = Asked::Own(0);
    let parameters = [
        (
            "traceql",
            "{ resource.service.name = \"cart\" && status = error }",
        ),
        ("logs", "timeout"),
        ("limit", "1000"),
    ];
    let answer = house.get("/api/v1/traces", &parameters).await;
    let traces = answer["traces"].as_array().unwrap().iter();
    let mut ids: Vec<usize> = traces
        .map(|trace| usize::from_str_radix(trace["trace_id"].as_str().unwrap(), 16).unwrap() - 1)
        .collect();
    ids.sort_unstable();
    let wanted: Vec<usize> = (0..60)
        .filter(|trace| {
            has(*trace, Table::Spans, &failed_in_cart) && has(*trace, Table::Logs, &timeout)
        })
        .collect();
    assert!(!wanted.is_empty() && wanted.len() < 20);
    assert_eq!(ids, wanted);

    // Two spans of the trace: TraceQL only can say that.
    let parameters = [
        ("query", "timeout"),
        ("traceql", "{ status = error } | count() > 1"),
        ("limit", "1000"),
    ];
    let answer = house.get("/api/v1/logs", &parameters).await;
    let failures = |trace: usize| {
        let spans = world
            .spans
            .iter()
            .filter(|span| span.trace == trace && span.failed);
        spans.count()
    };
    let logs = world.logs.iter();
    let wanted = logs
        .filter(|log| log.word == 0 && log.trace.is_some_and(|trace| failures(trace) > 1))
        .count();
    assert!(wanted > 0);
    assert_eq!(answer["logs"].as_array().unwrap().len(), wanted);
}

#[tokio::test]
async fn what_else_searches_takes_it_too() {
    let mut dice = Dice(8);
    let world = World::random(&mut dice);
    let house = House::new().await;
    world.send(&house).await;
    let related = |table, asked| Asked::Related(table, Box::new(asked));
    let of_logs = Asked::And(vec![Asked::Own(1), related(Table::Spans, Asked::Failed)]);
    let of_spans = Asked::And(vec![Asked::Failed, related(Table::Logs, Asked::Own(1))]);
    let logs = expected(&world, Table::Logs, &of_logs).len();
    let spans = expected(&world, Table::Spans, &of_spans).len();
    assert!(logs > 0 && spans > 0);
    let (log_query, span_query) = (of_logs.text(Table::Logs), of_spans.text(Table::Spans));
    let get = async |path: &str, query: &str| house.get(path, &[("query", query)]).await;
    let sum = |series: &Value| -> u64 {
        let counts = series["span_count"].as_array().unwrap();
        counts.iter().map(|count| count.as_u64().unwrap()).sum()
    };
    let histogram = get("/api/v1/logs/histogram", &log_query).await;
    assert_eq!(histogram["total"], logs);
    assert_eq!(
        get("/api/v1/logs/patterns", &log_query).await["total"],
        logs
    );
    assert_eq!(
        get("/api/v1/logs/difference", &log_query).await["selection_count"],
        logs
    );
    assert_eq!(
        get("/api/v1/spans/difference", &span_query).await["selection_count"],
        spans
    );
    let red = get("/api/v1/spans/histogram", &span_query).await;
    assert_eq!(sum(&red["series"][0]), spans as u64, "{red}");
    get(
        "/api/v1/exceptions",
        &span_query.replace("status", "attributes.status"),
    )
    .await;
    get("/api/v1/failures", &span_query).await;

    let body = json!({"table": "logs", "query": log_query, "dry_run": true}).to_string();
    let ask = async |path: &str, body: String| {
        let request = http::Request::post(path)
            .body(axum::body::Body::from(body))
            .unwrap();
        let (status, _, answer) = testing::send(&house.admin(), request).await;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(status, 200, "{answer}");
        answer
    };
    assert_eq!(ask("/api/v1/delete", body).await["rows"], logs);
    let body = json!({"table": "logs", "query": log_query, "confirm": logs}).to_string();
    assert_eq!(ask("/api/v1/delete", body).await["rows"], logs);
    let after = get("/api/v1/logs/histogram", "").await;
    assert_eq!(after["total"], world.logs.len() - logs);
}

/// Rows that were taken from files for the answer to a query.
async fn rows_read(house: &House, table: Table, query: &str) -> usize {
    let engine = QueryEngine::new(house.storage.clone(), QueryOptions::default()).unwrap();
    let session = engine.begin(&TenantId::default()).await.unwrap();
    let query = parse(query).unwrap();
    let filter = condition(&session, &query, table, TimeRange::ALL)
        .await
        .unwrap();
    let frame = session.table(table).await.unwrap().filter(filter).unwrap();
    testing::rows_read(frame).await
}

#[tokio::test]
async fn a_needle_on_one_side_reads_few_rows_of_the_other() {
    let house = House::new().await;
    let block = usize::try_from(spoor_storage::index::BLOCK_ROWS).unwrap();
    let count = 40 * block;
    let spans = (0..count).map(|at| {
        let start = T0 + i64::try_from(at).unwrap() * 1_000_000;
        json!({"traceId": format!("{:032x}", at + 1), "spanId": format!("{:016x}", at + 1), "name": "work",
            "kind": 1, "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 9).to_string()})
    });
    let resource =
        json!({"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]});
    let spans: Vec<Value> = spans.collect();
    append(
        &house,
        &json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}),
    )
    .await;
    let logs = (0..count).map(|at| {
        let word = if at == 4_321 { "needle" } else { "hay" };
        let mut log = Log::at(T0 + i64::try_from(at).unwrap() * 1_000_000, word);
        log.trace_id = Some((at as u128 + 1).to_be_bytes());
        log
    });
    house.append(&logs.collect::<Vec<_>>()).await;
    house.storage.flush().await.unwrap();
    // Hashes of ids are short: another block may look the same.
    let few = 2 * block;
    assert!(rows_read(&house, Table::Spans, "logs:(needle)").await <= few);
    assert!(
        rows_read(
            &house,
            Table::Logs,
            "trace:(trace_id:00000000000000000000000000000011)"
        )
        .await
            <= few
    );
    assert_eq!(rows_read(&house, Table::Spans, "logs:(hay)").await, count);
}
