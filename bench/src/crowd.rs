//! `crowd`: many clients at once that ask for everything there is, as when a dashboard of a whole company
//! is opened in an incident.
//!
//! Nobody expects such answers soon. What must hold is that each client gets an answer or is told to
//! come back, and that the server takes in what is sent meanwhile.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::ask::{Ask, encode};
use crate::http::Connection;
use crate::ingest::quantile_ms;
use crate::records::COMMON_WORD;

/// Clients that ask one wide query after the other.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Crowd {
    /// Clients, each with a connection and one query in flight.
    pub(crate) clients: u16,
    /// Wide queries that each client gets an answer to.
    pub(crate) rounds: u16,
}

/// A client that is told to come back does so this often, and then gives up.
const PATIENCE: u32 = 1_000;
/// What a server may say of a query that it does not answer: over a limit of memory or bytes, too many
/// queries, not now, out of time. `busy` and `unavailable` are asked again.
const REFUSALS: [u16; 4] = [413, 429, 503, 504];

#[derive(Debug, Default)]
struct Tally {
    statuses: BTreeMap<u16, u64>,
    answered_us: Vec<u64>,
    incomplete: u64,
    given_up: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.answered_us.extend(other.answered_us);
        self.incomplete += other.incomplete;
        self.given_up += other.given_up;
    }
}

/// What each query reads all of, in turn from another one for each client.
fn wide() -> Vec<Ask> {
    let sql = |query: &str| Ask::Sql(query.to_owned());
    let get = |path: &str, query: &str| Ask::Get(format!("{path}{}", encode(query)));
    vec![
        get(
            "/api/v1/logs/histogram?by=service_name&query=",
            &format!("body:~\"{COMMON_WORD}.*[02468] ms\""),
        ),
        sql(
            "SELECT trace_id, count(*) AS n, max(duration_ns) FROM spans GROUP BY trace_id ORDER BY n DESC, trace_id LIMIT 10",
        ),
        get(
            "/api/v1/traces?limit=100&traceql=",
            "{ span.enduser.id != nil } >> { status = error }",
        ),
        sql(
            "SELECT s.service_name, count(*) FROM spans s JOIN logs l ON s.trace_id = l.trace_id GROUP BY s.service_name",
        ),
        get(
            "/api/v1/logs?limit=1000&order=asc&query=",
            "body:~\"9.*9.*9.*9\"",
        ),
        get("/api/v1/spans/histogram?by=name&query=", "duration>1us"),
        sql("SELECT body, count(*) AS n FROM logs GROUP BY body ORDER BY n DESC LIMIT 10"),
        get("/api/v1/logs/patterns?query=", ""),
        get("/api/v1/services/graph?buckets=60&start=-1d&end=", "now"),
        sql(
            "SELECT time_bucket('1m', start_time) AS m, service_name, approx_percentile_cont(duration_ns, 0.99) FROM spans GROUP BY m, service_name ORDER BY m",
        ),
    ]
}

/// Runs the crowd; errors if an answer is neither right nor one of the refusals that a client can act on.
pub(crate) async fn run(
    address: &str,
    token: Option<String>,
    crowd: &Crowd,
) -> anyhow::Result<Value> {
    let began = Instant::now();
    let mut clients: JoinSet<anyhow::Result<Tally>> = JoinSet::new();
    for number in 0..usize::from(crowd.clients) {
        let (address, token, rounds) = (address.to_owned(), token.clone(), crowd.rounds);
        clients.spawn(async move { client(&address, token, number, rounds).await });
    }
    let mut tally = Tally::default();
    while let Some(client) = clients.join_next().await {
        tally.add(client.context("a client panicked")??);
    }
    tally.answered_us.sort_unstable();
    let statuses: serde_json::Map<String, Value> = tally
        .statuses
        .iter()
        .map(|(status, count)| (status.to_string(), json!(count)))
        .collect();
    Ok(json!({
        "clients": crowd.clients,
        "answers_by_status": statuses,
        "incomplete": tally.incomplete,
        "given_up": tally.given_up,
        "seconds": began.elapsed().as_secs_f64(),
        "answered_ms": {
            "p50": quantile_ms(&tally.answered_us, 50),
            "p99": quantile_ms(&tally.answered_us, 99),
            "max": quantile_ms(&tally.answered_us, 100),
        },
    }))
}

async fn client(
    address: &str,
    token: Option<String>,
    number: usize,
    rounds: u16,
) -> anyhow::Result<Tally> {
    let asks = wide();
    let mut tally = Tally::default();
    let mut connection = Connection::open(address, token).await?;
    for round in 0..usize::from(rounds) {
        let ask = &asks[(number + round) % asks.len()];
        let mut attempts = 0;
        loop {
            let asked = Instant::now();
            let answer = ask.send(&mut connection).await?;
            *tally.statuses.entry(answer.status).or_default() += 1;
            if answer.status == 200 {
                let elapsed = u64::try_from(asked.elapsed().as_micros())?;
                tally.answered_us.push(elapsed);
                let body: Value = serde_json::from_slice(&answer.body)
                    .with_context(|| format!("{ask:?}: the answer is not JSON"))?;
                tally.incomplete += u64::from(body["complete"] == false);
                break;
            }
            ensure!(
                REFUSALS.contains(&answer.status),
                "{ask:?}: {}: {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            );
            attempts += 1;
            let Some(wait) = answer.retry_after_s.filter(|_| attempts < PATIENCE) else {
                tally.given_up += 1;
                break;
            };
            tokio::time::sleep(Duration::from_secs(wait)).await;
        }
    }
    Ok(tally)
}
