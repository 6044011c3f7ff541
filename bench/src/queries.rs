//! `queries`: the ten that people use, about what was sent with the same seed.

use std::time::Instant;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::ask::{Ask, encode};
use crate::case::Queries;
use crate::http::{Answer, Connection};
use crate::ids;
use crate::ingest::quantile_ms;
use crate::records::{COMMON_WORD, PHRASE};

/// One query in variants that must all find something.
struct Case {
    name: &'static str,
    asks: Vec<Ask>,
    /// What the answer must hold: a query that finds nothing is fast and worthless.
    found: fn(&Value) -> bool,
}

/// Times every query and reports, in milliseconds, the first time each was asked and, of all times
/// but that round, median and 95th percentile.
pub(crate) async fn ask(
    address: &str,
    token: Option<String>,
    queries: &Queries,
) -> anyhow::Result<Value> {
    let mut connection = Connection::open(address, token).await?;
    let mut results = serde_json::Map::new();
    for case in cases(&mut connection, queries).await? {
        results.insert(case.name.to_owned(), measure(&mut connection, &case).await?);
    }
    Ok(Value::Object(results))
}

async fn cases(connection: &mut Connection, queries: &Queries) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    if queries.spans > 0 {
        span_cases(connection, queries, &mut cases).await?;
    }
    if queries.logs > 0 {
        log_cases(queries, &mut cases);
    }
    Ok(cases)
}

async fn span_cases(
    connection: &mut Connection,
    queries: &Queries,
    cases: &mut Vec<Case>,
) -> anyhow::Result<()> {
    let traces = queries.spans / ids::SPANS_PER_TRACE;
    let id = |n| ids::hex(&ids::trace_id(queries.seed, spread(queries, n, traces)));
    let by_id = |suffix: &str| {
        each(queries, |n| {
            Ask::Get(format!("/api/v1/traces/{}{suffix}", id(n)))
        })
    };
    // A user who is somewhere in the data: in few of its spans.
    let timeline: Value = read(
        &Ask::Get(format!(
            "/api/v1/traces/{}?view=timeline",
            id(queries.repeat / 2)
        ))
        .send(connection)
        .await?,
    )?;
    let user = timeline["spans"][0]["attributes"]["enduser.id"]
        .as_str()
        .context("no enduser.id in a trace that was sent")?;
    let found = |name, asks, found| Case { name, asks, found };
    cases.push(found("trace_by_id", by_id(""), |answer| {
        !answer["resourceSpans"][0].is_null()
    }));
    cases.push(found("trace_timeline", by_id("?view=timeline"), |answer| {
        answer["span_count"] == ids::SPANS_PER_TRACE
    }));
    let search = |query: &str| Ask::Get(format!("/api/v1/traces?query={}&limit=20", encode(query)));
    cases.push(found(
        "attribute_equality",
        same(queries, search(&format!("enduser.id:{user}"))),
        |answer| !answer["traces"][0].is_null(),
    ));
    cases.push(found(
        "service_and_duration",
        same(queries, search("service:orders duration>=5ms duration<6ms")),
        |answer| !answer["traces"][0].is_null(),
    ));
    cases.push(found(
        "group_by_top_10",
        same(
            queries,
            Ask::Sql(
                "SELECT service_name, name, count(*) AS n FROM spans \
                 GROUP BY service_name, name ORDER BY n DESC LIMIT 10"
                    .to_owned(),
            ),
        ),
        |answer| {
            answer["rows"]
                .as_array()
                .is_some_and(|rows| rows.len() == 10)
        },
    ));
    cases.push(found(
        "red_of_a_service_over_a_day",
        same(
            queries,
            Ask::Get("/api/v1/spans/histogram?query=service:orders&start=-1d&end=now".to_owned()),
        ),
        |answer| answer["total"].as_u64().is_some_and(|total| total > 0),
    ));
    cases.push(found(
        "facet",
        same(
            queries,
            Ask::Get("/api/v1/fields/http.route/values?table=spans".to_owned()),
        ),
        |answer| !answer["values"][0].is_null(),
    ));
    Ok(())
}

fn log_cases(queries: &Queries, cases: &mut Vec<Case>) {
    let search = |query: &str| Ask::Get(format!("/api/v1/logs?query={}&limit=100", encode(query)));
    let histogram =
        |query: &str| Ask::Get(format!("/api/v1/logs/histogram?query={}", encode(query)));
    cases.push(Case {
        name: "needle_word",
        asks: each(queries, |n| {
            let digits = ids::needle(queries.seed, spread(queries, n, queries.logs));
            search(&String::from_utf8_lossy(&digits))
        }),
        found: |answer| {
            answer["logs"]
                .as_array()
                .is_some_and(|logs| logs.len() == 1)
        },
    });
    cases.push(Case {
        name: "common_word_newest_100",
        asks: same(queries, search(COMMON_WORD)),
        found: |answer| {
            answer["logs"]
                .as_array()
                .is_some_and(|logs| logs.len() == 100)
        },
    });
    for (name, query) in [
        ("common_word_histogram", COMMON_WORD.to_owned()),
        ("phrase_histogram", format!("\"{PHRASE}\"")),
    ] {
        cases.push(Case {
            name,
            asks: same(queries, histogram(&query)),
            found: |answer| answer["total"].as_u64().is_some_and(|total| total > 0),
        });
    }
    cases.push(Case {
        name: "group_by_service_and_level",
        asks: same(
            queries,
            Ask::Sql(
                "SELECT service_name, severity_text, count(*) AS n FROM logs \
                 GROUP BY service_name, severity_text ORDER BY n DESC"
                    .to_owned(),
            ),
        ),
        found: |answer| !answer["rows"][0].is_null(),
    });
}

/// The `n`-th of [`Queries::repeat`] places spread over `of` records.
fn spread(queries: &Queries, n: u64, of: u64) -> u64 {
    of * n / queries.repeat
}

fn each(queries: &Queries, ask: impl Fn(u64) -> Ask) -> Vec<Ask> {
    (0..queries.repeat).map(ask).collect()
}

fn same(queries: &Queries, ask: Ask) -> Vec<Ask> {
    vec![ask; usize::try_from(queries.repeat).unwrap_or(usize::MAX)]
}

fn read(answer: &Answer) -> anyhow::Result<Value> {
    ensure!(
        answer.status == 200,
        "the answer is {}: {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    );
    serde_json::from_slice(&answer.body).context("the answer is not JSON")
}

/// Asks everything once, which warms up, then once for the clock.
async fn measure(connection: &mut Connection, case: &Case) -> anyhow::Result<Value> {
    let mut first_us = None;
    let mut times_us = Vec::new();
    for round in 0..2 {
        for ask in &case.asks {
            let began = Instant::now();
            let answer = ask.send(connection).await?;
            let elapsed_us = u64::try_from(began.elapsed().as_micros())?;
            first_us.get_or_insert(elapsed_us);
            let body = read(&answer).with_context(|| format!("{}: {ask:?}", case.name))?;
            ensure!(
                (case.found)(&body),
                "{}: {ask:?} does not find what was sent: do seed, spans and logs agree with the load?",
                case.name
            );
            if round == 1 {
                times_us.push(elapsed_us);
            }
        }
    }
    times_us.sort_unstable();
    Ok(json!({
        "first": first_us.and_then(|first| quantile_ms(&[first], 0)),
        "median": quantile_ms(&times_us, 50),
        "p95": quantile_ms(&times_us, 95),
    }))
}
