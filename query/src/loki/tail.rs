//! `tail`: entries as they come in, over a WebSocket.
//!
//! ```text
//!  entries since `start`, at most `limit` ─► then, look by look, what arrived since (api/tail)
//! ```
//! Every entry is in one of the two: the first is of one snapshot, the second begins after its last
//! record. Nothing is queued for a client: of what it does not take in time the newest is told, and
//! of the rest which entries were left out.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, StatusCode};
use spoor_storage::{Error, ErrorKind, Result, TimeRange};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::answer::{LokiError, tailed};
use super::query::{DEFAULT_LIMIT, MAX_LIMIT, is_categorized};
use super::request::{Given, log_query};
use crate::api::{ApiState, Follower, Look};
use crate::engine::Asked;
use crate::logql::ast::LogQuery;
use crate::logql::scan::{Budget, Scan, Wanted};
use crate::logql::select::{Found, LogSearch, find};
use crate::parameters::{Order, now_ns};

/// Without `start`.
const DEFAULT_HISTORY_NS: i64 = 3_600_000_000_000;
/// Entries told one by one in a second.
const RATE: usize = 5_000;
/// Between two looks; a tail that is asked more often shows no more to a person.
const PACE: Duration = Duration::from_millis(250);
/// `delay_for` is at most so many seconds, as in Loki.
const MAX_DELAY_S: u64 = 5;
/// Entries of one look that are left out and named.
const MAX_DROPPED: usize = 100;
/// Proxies close connections on which nothing comes.
const PING: Duration = Duration::from_secs(15);
/// A client that says nothing for so long, not even that it is there, is gone.
const MAX_SILENCE: Duration = Duration::from_mins(1);
/// A client that does not take one message in so long is gone.
const MAX_SENDING: Duration = Duration::from_mins(1);
/// What a client says is not read further than this.
const MAX_HEARD_BYTES: usize = 64 << 10;
/// The longest reason that a closing frame may give.
const MAX_REASON_BYTES: usize = 123;

/// What is told at once.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Those of each stream stay in order.
    pub(super) entries: Vec<Found>,
    /// The newest of those left out, oldest first.
    pub(super) dropped: Vec<Found>,
    /// What is missing besides.
    pub(super) warnings: Vec<String>,
}

/// What is asked for.
#[derive(Debug)]
struct Tail {
    query: LogQuery,
    start_ns: i64,
    limit: usize,
    delay: Duration,
    categorized: bool,
}

/// `tail?query=&delay_for=&limit=&start=`
pub(super) async fn tail(
    state: ApiState,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    given: Given,
) -> Result<Response, LokiError> {
    let tail = Tail {
        query: log_query(given.required("query")?)?,
        start_ns: given
            .time("start")?
            .unwrap_or_else(|| now_ns().saturating_sub(DEFAULT_HISTORY_NS)),
        limit: given.limit("limit", DEFAULT_LIMIT, MAX_LIMIT)?,
        delay: delay(&given)?,
        categorized: is_categorized(&headers),
    };
    if is_of_a_stranger(&headers) {
        return Err(LokiError::Told(
            StatusCode::FORBIDDEN,
            "the page that asks is not of this server: its `Origin` is not the `Host`",
        ));
    }
    let upgrade = upgrade.map_err(|_| {
        LokiError::Told(
            StatusCode::UPGRADE_REQUIRED,
            "a live tail is a WebSocket here: connect with ws:// or wss://; \
             server-sent events are at /api/v1/logs/tail?query=, with the search language",
        )
    })?;
    let asked = Asked::current();
    let place = state.engine.tail_place(&state.tenant)?;
    let follower = Follower::new(state.engine, place, tail.pace());
    Ok(upgrade
        .max_message_size(MAX_HEARD_BYTES)
        .max_frame_size(MAX_HEARD_BYTES)
        .on_upgrade(move |socket| {
            let teller = Teller {
                socket,
                follower,
                tail,
            };
            // The socket outlives the request; what it looks at is still what the request asked for.
            asked.scope(teller.run())
        }))
}

/// Whole seconds.
fn delay(given: &Given) -> Result<Duration> {
    match given.get("delay_for").map(str::parse::<u64>) {
        None => Ok(Duration::ZERO),
        Some(Ok(seconds)) if seconds <= MAX_DELAY_S => Ok(Duration::from_secs(seconds)),
        Some(_) => Err(Error::invalid(format!(
            "`delay_for` can be 0 to {MAX_DELAY_S} seconds"
        ))),
    }
}

/// A page of a stranger can make a browser open a WebSocket to this machine, and read it: the
/// browser does not ask first, but says whose page it is.
fn is_of_a_stranger(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return false;
    };
    let host = headers.get(HOST).map(HeaderValue::as_bytes);
    let page = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"));
    page.is_none_or(|(_, page)| host.is_none_or(|host| !host.eq_ignore_ascii_case(page.as_bytes())))
}

impl Tail {
    fn pace(&self) -> Duration {
        PACE.max(self.delay)
    }

    /// In the order of arrival; with a delay in the order of time.
    async fn arrived(&self, look: &Look) -> Result<Told> {
        let pace_ms = self.pace().as_millis();
        let most = RATE * usize::try_from(pace_ms).unwrap_or(usize::MAX) / 1_000;
        let session = &look.session;
        let mut scan = Scan::new(session, &self.query, TimeRange::ALL, &Wanted::all());
        scan.condition.expr = scan.condition.expr.clone().and(look.arrived());
        let budget = Budget::of(session, "log lines");
        let mut newest: BTreeMap<i64, Found> = BTreeMap::new();
        let mut dropped: BTreeMap<i64, Found> = BTreeMap::new();
        scan.each(TimeRange::ALL, |entry, record_id| {
            let found = Found::of(&entry);
            budget.grow(found.bytes())?;
            newest.insert(record_id, found);
            if newest.len() > most
                && let Some((record_id, old)) = newest.pop_first()
            {
                dropped.insert(record_id, old);
            }
            if dropped.len() > MAX_DROPPED
                && let Some((_, gone)) = dropped.pop_first()
            {
                budget.shrink(gone.bytes());
            }
            Ok(())
        })
        .await?;
        let mut entries: Vec<Found> = newest.into_values().collect();
        if !self.delay.is_zero() {
            entries.sort_by_key(|entry| entry.time_ns);
        }
        Ok(Told {
            entries,
            dropped: dropped.into_values().collect(),
            warnings: session.outcome().incomplete_reasons,
        })
    }
}

/// Tells one client.
#[derive(Debug)]
struct Teller {
    socket: WebSocket,
    follower: Follower,
    tail: Tail,
}

/// Why a tail is over.
enum End {
    /// The client is gone.
    Gone,
    /// The client says that it goes.
    Leaving,
    Stopping,
    Failed(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Teller {
    async fn run(mut self) {
        let end = match self.tell_all().await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        let (code, reason) = match end {
            End::Gone => return,
            // The answer to that is sent where the next message is waited for.
            End::Leaving => {
                if let Ok(Some(Ok(more))) = timeout(PACE, self.socket.recv()).await {
                    tracing::debug!(?more, "a client said more after it had said good-bye");
                }
                return;
            }
            End::Stopping => match self.follower.stopped() {
                Some(error) => (close_code::POLICY, error.to_string()),
                None => (close_code::AWAY, "the server stops".to_owned()),
            },
            End::Failed(error) => {
                tracing::warn!(%error, "a live tail ends");
                (close_code::ERROR, error.to_string())
            }
        };
        let mut length = reason.len().min(MAX_REASON_BYTES);
        while !reason.is_char_boundary(length) {
            length -= 1;
        }
        let frame = CloseFrame {
            code,
            reason: reason.get(..length).unwrap_or_default().into(),
        };
        let closing = self.socket.send(Message::Close(Some(frame)));
        if !matches!(timeout(PACE, closing).await, Ok(Ok(()))) {
            tracing::debug!("the client of a live tail does not hear that it ends");
        }
    }

    async fn tell_all(&mut self) -> Result<std::convert::Infallible, End> {
        let history = self.history().await?;
        self.tell(&history).await?;
        let mut ping = interval_at(Instant::now() + PING, PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_heard = Instant::now();
        loop {
            tokio::select! {
                biased;
                more = self.follower.more_arrived() => {
                    if !more {
                        return Err(End::Stopping);
                    }
                    match self.look().await {
                        Ok(told) => self.tell(&told).await?,
                        // What it cannot look at now it looks at the next time.
                        Err(error) if error.kind() == ErrorKind::Busy => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                heard = self.socket.recv() => match heard {
                    Some(Ok(Message::Close(_))) => return Err(End::Leaving),
                    Some(Err(_)) | None => return Err(End::Gone),
                    Some(Ok(_)) => last_heard = Instant::now(),
                },
                _ = ping.tick() => {
                    if last_heard.elapsed() > MAX_SILENCE {
                        return Err(End::Gone);
                    }
                    self.send(Message::Ping(bytes::Bytes::new())).await?;
                }
            }
        }
    }

    /// The newest entries since the start, oldest first.
    async fn history(&mut self) -> Result<Told> {
        let session = self.follower.everything().await?;
        let search = LogSearch {
            query: &self.tail.query,
            range: TimeRange {
                start_ns: self.tail.start_ns,
                end_ns: i64::MAX,
            },
            order: Order::Desc,
            limit: self.tail.limit,
            interval_ns: 0,
        };
        let (mut entries, _) = find(&session, &search).await?;
        entries.reverse();
        Ok(Told {
            entries,
            dropped: Vec::new(),
            warnings: session.outcome().incomplete_reasons,
        })
    }

    async fn look(&mut self) -> Result<Told> {
        let look = self.follower.look().await?;
        let told = self.tail.arrived(&look).await?;
        self.follower.reached(&look);
        Ok(told)
    }

    async fn tell(&mut self, told: &Told) -> Result<(), End> {
        if told.entries.is_empty() && told.warnings.is_empty() {
            return Ok(());
        }
        let text = tailed(told, self.tail.categorized);
        self.send(Message::Text(text.into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        tokio::select! {
            biased;
            () = self.follower.must_end() => Err(End::Stopping),
            sent = timeout(MAX_SENDING, self.socket.send(message)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(End::Gone),
            },
        }
    }
}
