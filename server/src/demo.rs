//! `spoor demo`: a shop's traces and logs, so that a newcomer sees a full UI in ten seconds.
//!
//! ```text
//!  traffic (which scene, when) ─► scenes (what happens) ─► story (spans, events, logs)
//!                                                              └─► otlp ─► send
//! ```
//!
//! Generation knows nothing of sending. With `--seed` it is deterministic but for where in time
//! it is placed. What it does not do: load tests. That is `bench/`.

mod calls;
mod failures;
mod otlp;
mod random;
mod scenes;
mod send;
mod shop;
mod story;
mod traffic;
mod values;
mod weather;

use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use reqwest::Url;
use tokio::time::Instant;

use crate::command::OfTenant;

use self::send::{Sender, Sent};
use self::story::Telemetry;
use self::traffic::Traffic;

/// How far back the history goes.
const BACKFILL: Duration = Duration::from_hours(1);
/// Traces in the history.
const BACKFILL_TRACES: u32 = 3000;
/// Records in a request, about: a scene is never split.
const BATCH_RECORDS: usize = 1000;
/// Live traffic is sent this often.
const TICK: Duration = Duration::from_millis(250);
/// Scenes end a while after they start: live traffic is played this late, so that nothing is
/// sent before it has happened. Slower scenes reach a little into the future.
const LIVE_LAG: Duration = Duration::from_secs(4);
/// How long live traffic waits for a server that has gone before it is tried again.
const RECONNECT: Duration = Duration::from_secs(2);

/// What `spoor demo` is told.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DemoArgs {
    /// Where Spoor takes OTLP/HTTP.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4318")]
    endpoint: Url,
    /// The token for writers, if Spoor was started with --ingest-token (of several the first).
    #[arg(long, env = "SPOOR_INGEST_TOKEN", hide_env_values = true)]
    token: Option<String>,
    #[command(flatten)]
    of: OfTenant,
    /// Traces per second while live.
    #[arg(long, value_name = "TRACES_PER_SECOND", default_value_t = 3.0)]
    rate: f64,
    /// How long to go on live after the last hour has been filled, e.g. 90s, 10m, 2h; without it
    /// until Ctrl-C.
    #[arg(long, value_parser = parse_duration)]
    duration: Option<Duration>,
    /// Fill the last hour and stop.
    #[arg(long, conflicts_with = "duration")]
    once: bool,
    /// The same seed makes the same traces, ids included: sending them twice to one server
    /// stores them twice. Without it every run differs.
    #[arg(long)]
    seed: Option<u64>,
}

/// Fills the last hour, then goes on live until told to stop.
///
/// Errors when the endpoint cannot be reached at the start, wants a token, or refuses the data.
pub(crate) async fn run(args: DemoArgs) -> anyhow::Result<()> {
    ensure!(
        args.rate.is_finite() && args.rate > 0.0 && args.rate <= 1000.0,
        "--rate is {}: it must be more than 0 and at most 1000 traces per second",
        args.rate
    );
    // The variable is the server's too, where it may list several.
    let token = args
        .token
        .and_then(|tokens| {
            tokens
                .split(',')
                .next()
                .map(|token| token.trim().to_owned())
        })
        .filter(|token| !token.is_empty());
    let sender = Sender::new(args.endpoint, token, args.of.tenant)?;
    let now_ns = now_ns()?;
    let seed = args.seed.unwrap_or(now_ns);
    let start_ns = now_ns.saturating_sub(nanoseconds(BACKFILL));
    let backfill_rate = f64::from(BACKFILL_TRACES) / BACKFILL.as_secs_f64();
    let mut traffic = Traffic::new(seed, backfill_rate, start_ns);

    let began = Instant::now();
    let mut total = backfill(&sender, &mut traffic, now_ns).await?;
    say(&format!(
        "filled the last hour in {:.1} s: {} spans, {} log records",
        began.elapsed().as_secs_f64(),
        total.spans,
        total.logs
    ))?;
    if !args.once {
        traffic.set_rate(args.rate);
        let until = args.duration.map(|duration| Instant::now() + duration);
        say(&match until {
            Some(_) => format!("going on with {} traces per second", args.rate),
            None => format!("going on with {} traces per second, Ctrl-C ends", args.rate),
        })?;
        total += live(&sender, &mut traffic, until).await?;
        say(&format!(
            "sent {} spans and {} log records in all",
            total.spans, total.logs
        ))?;
    }
    ensure!(
        total.rejected == 0,
        "the server refused {} records: its log and `/metrics` say why",
        total.rejected
    );
    Ok(())
}

/// Sends everything that started before `end_ns`, batch by batch.
async fn backfill(sender: &Sender, traffic: &mut Traffic, end_ns: u64) -> anyhow::Result<Sent> {
    // What is still going on is left to live traffic, or to nobody.
    let end_ns = end_ns.saturating_sub(nanoseconds(LIVE_LAG));
    let mut total = Sent::default();
    while traffic.next_ns() < end_ns {
        total += sender.send(batch(traffic, end_ns)).await?;
    }
    Ok(total)
}

/// Scenes that start before `end_ns`, up to the size of a request.
fn batch(traffic: &mut Traffic, end_ns: u64) -> Telemetry {
    let mut batch = Telemetry::default();
    while traffic.next_ns() < end_ns && batch.len() < BATCH_RECORDS {
        batch.append(traffic.play());
    }
    batch
}

/// Sends traces as they happen until `until`, Ctrl-C, or for ever.
async fn live(
    sender: &Sender,
    traffic: &mut Traffic,
    until: Option<Instant>,
) -> anyhow::Result<Sent> {
    let mut total = Sent::default();
    let stop = async {
        match until {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return Ok(total),
            signal = tokio::signal::ctrl_c() => {
                signal.context("cannot listen for Ctrl-C")?;
                return Ok(total);
            }
            step = send_due(sender, traffic) => total += step?,
        }
    }
}

/// Waits a tick and sends what has started since. A server that has gone is waited for: what
/// would have been sent meanwhile is not sent.
async fn send_due(sender: &Sender, traffic: &mut Traffic) -> anyhow::Result<Sent> {
    tokio::time::sleep(TICK).await;
    let mut total = Sent::default();
    loop {
        let end_ns = now_ns()?.saturating_sub(nanoseconds(LIVE_LAG));
        if traffic.next_ns() >= end_ns {
            return Ok(total);
        }
        match sender.send(batch(traffic, end_ns)).await {
            Ok(sent) => total += sent,
            Err(error) if send::is_unreachable(&error) => {
                say(&format!("{error:#}; trying again"))?;
                tokio::time::sleep(RECONNECT).await;
            }
            Err(error) => return Err(error),
        }
    }
}

fn say(line: &str) -> anyhow::Result<()> {
    writeln!(io::stderr(), "{line}").context("cannot write to standard error")
}

fn now_ns() -> anyhow::Result<u64> {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("the clock of this machine is before 1970")?;
    Ok(nanoseconds(since_epoch))
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// `90s`, `10m`, `2h`, or seconds without a unit.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit_seconds) = match text.trim().to_ascii_lowercase() {
        text if text.ends_with('s') => (text.trim_end_matches('s').to_owned(), 1),
        text if text.ends_with('m') => (text.trim_end_matches('m').to_owned(), 60),
        text if text.ends_with('h') => (text.trim_end_matches('h').to_owned(), 3600),
        text => (text, 1),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit_seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| format!("`{text}` is not a duration: write it as 90s, 10m or 2h"))
}

#[cfg(test)]
mod tests;
