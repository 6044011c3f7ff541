//! `--follow`: a live tail that outlasts its connection.
//!
//! ```text
//!  tail opened ─► ready: up to which record ─► records up to it (a search) ─► events of the tail
//!                                                 connection lost: again after the last event ◄─┘
//! ```
//! The tail is open before the search is asked, so nothing falls between the two; what both would tell is told by the
//! tail. An event's id is kept once its record is written.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use axum::body::Body;
use http::header::{ACCEPT, RETRY_AFTER};
use http::{Method, StatusCode};
use serde::Deserialize;
use spoor_storage::{Error, ErrorKind, TenantId};
use tokio::time::{sleep, timeout};
use url::Url;

use super::events::{Event, Events};
use super::output::{Output, note};
use super::{TOKENS, Wanted, show};
use crate::client::{Server, cause_of};
use crate::failure::Hinted;
use crate::runfile::RunFile;
use crate::whom::{Whom, refusal};

const PATH: &str = "/api/v1/logs/tail";
/// Records a second that a server tells at most.
const RATE: &str = "5000";
/// A server gives a sign of life every 15 seconds.
const MAX_SILENCE: Duration = Duration::from_mins(1);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Which server is followed, also after it started again.
#[derive(Debug)]
pub(super) enum Place {
    /// The one with this address.
    At(Server),
    /// The one that holds this data directory, wherever it listens; asked about this tenant.
    Holding(PathBuf, Option<TenantId>),
}

/// A tail and where it stands.
#[derive(Debug)]
pub(super) struct Follow {
    place: Place,
    token: Option<String>,
    output: Output,
    /// The id of the last event of which everything is written.
    last: Option<String>,
}

/// An open connection.
struct Tail {
    response: reqwest::Response,
    events: Events,
}

/// Why there is no connection.
enum Lost {
    /// It may come back; the server may say when.
    ForNow(String, Option<Duration>),
    /// It will not.
    ForGood(anyhow::Error),
}

impl Lost {
    /// Why, if it may come back.
    fn reason(self) -> anyhow::Result<String> {
        match self {
            Self::ForNow(reason, _) => Ok(reason),
            Self::ForGood(error) => Err(error),
        }
    }

    /// As what it is to somebody who does not wait.
    fn into_error(self) -> anyhow::Error {
        match self {
            Self::ForNow(reason, _) => Error::new(ErrorKind::Unavailable, reason).into(),
            Self::ForGood(error) => error,
        }
    }
}

#[derive(Deserialize)]
struct Dropped {
    count: Option<u64>,
}

#[derive(Deserialize)]
struct Failed {
    error: Told,
}

#[derive(Deserialize)]
struct Told {
    code: String,
    message: String,
    hint: Option<String>,
}

impl Place {
    pub(super) fn new(
        url: Option<Url>,
        data_dir: &Path,
        tenant: Option<TenantId>,
    ) -> anyhow::Result<Self> {
        Ok(match url {
            Some(url) => Self::At(Server::at(url)?.of_tenant(tenant)),
            None => Self::Holding(data_dir.to_owned(), tenant),
        })
    }

    fn server(&self) -> anyhow::Result<Server> {
        match self {
            Self::At(server) => Ok(server.clone()),
            Self::Holding(data_dir, tenant) => {
                let running = RunFile::running(data_dir).ok_or_else(|| {
                    Hinted::new(
                        format!("no server runs on `{}`", data_dir.display()),
                        "only a server takes records in: start one with `spoor`, or name one with --url",
                    )
                })?;
                let server = Server::of(&running, &running.http_url())?;
                Ok(server.of_tenant(tenant.clone()))
            }
        }
    }
}

impl Follow {
    pub(super) fn new(place: Place, token: Option<String>, output: Output) -> Self {
        Self {
            place,
            token,
            output,
            last: None,
        }
    }

    /// Writes the newest records, then what arrives; ends when nobody reads it any more. Errors if the server cannot be
    /// asked in the first place, or will never answer again.
    pub(super) async fn run(mut self, wanted: &Wanted) -> anyhow::Result<()> {
        let server = self.place.server()?;
        let opened = self.open(&server, &wanted.query).await;
        let mut tail = opened.map_err(Lost::into_error)?;
        let began = tail.ready().await?;
        let token = self.token.clone();
        if wanted.limit > 0 {
            let whom = Whom::Server { server, token };
            let last = record_of(&began).context("the tail does not say where it begins")?;
            if show(&whom, wanted, &self.output, Some(last))
                .await?
                .is_break()
            {
                return Ok(());
            }
        }
        self.last = Some(began);
        loop {
            let reason = match self.read(&mut tail).await? {
                ControlFlow::Break(()) => return Ok(()),
                ControlFlow::Continue(reason) => reason,
            };
            note(&format!("the connection is lost ({reason}); trying again"));
            tail = self.open_again(&wanted.query).await?;
            note("connected again");
        }
    }

    /// Writes what the tail tells, until it ends: why, or that nobody reads any more.
    async fn read(&mut self, tail: &mut Tail) -> anyhow::Result<ControlFlow<(), String>> {
        loop {
            let mut next = match tail.next().await {
                Ok(event) => Some(event),
                Err(lost) => return lost.reason().map(ControlFlow::Continue),
            };
            let mut text = Vec::new();
            let mut last = None;
            let mut ended = None;
            // What came together is written together.
            while let Some(event) = next {
                match event.kind.as_str() {
                    "log" => self.output.record(&mut text, &event.data)?,
                    "dropped" => note(&dropped(&event)),
                    "error" => ended = Some(failed(&event)),
                    _ => {}
                }
                last = event.id.or(last);
                next = tail.events.take();
            }
            if self.output.write(text).await?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.last = last.or(self.last.take());
            if let Some(lost) = ended {
                return lost.reason().map(ControlFlow::Continue);
            }
        }
    }

    async fn open(&self, server: &Server, query: &str) -> Result<Tail, Lost> {
        let mut request = server
            .request(Method::GET, PATH, self.token.as_deref())
            .query(&[("query", query), ("limit", RATE)])
            .header(ACCEPT, "text/event-stream");
        if let Some(last) = &self.last {
            request = request.header("last-event-id", last);
        }
        let response = match timeout(MAX_SILENCE, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                let error = server.unreachable(&error);
                return Err(if self.last.is_some() {
                    Lost::ForNow(error.to_string(), None)
                } else {
                    Lost::ForGood(error.into())
                });
            }
            Err(_) => return Err(Lost::ForNow("the server does not answer".to_owned(), None)),
        };
        let status = response.status();
        if status == StatusCode::OK {
            let events = Events::default();
            return Ok(Tail { response, events });
        }
        let after = response.headers().get(RETRY_AFTER);
        let after = after.and_then(|value| value.to_str().ok()?.parse().ok());
        let comes_back = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        let body = Body::new(reqwest::Body::from(response));
        let error = refusal(status, body, TOKENS).await;
        Err(if comes_back && self.last.is_some() {
            Lost::ForNow(error.to_string(), after.map(Duration::from_secs))
        } else {
            Lost::ForGood(error)
        })
    }

    /// A connection that goes on after the last event; waits longer after each attempt. Errors if there will never be one.
    async fn open_again(&self, query: &str) -> anyhow::Result<Tail> {
        let mut pause = FIRST_PAUSE;
        loop {
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            // A server that starts again may have another address, and none before it is ready.
            let Ok(server) = self.place.server() else {
                continue;
            };
            match self.open(&server, query).await {
                Ok(tail) => return Ok(tail),
                Err(Lost::ForGood(error)) => return Err(error),
                Err(Lost::ForNow(reason, after)) => {
                    tracing::debug!(reason, "no connection yet");
                    pause = after.map_or(pause, |after| after.clamp(pause, LONGEST_PAUSE));
                }
            }
        }
    }
}

impl Tail {
    /// The id of the event with which a tail begins.
    async fn ready(&mut self) -> anyhow::Result<String> {
        let first = self.next().await.map_err(Lost::into_error)?;
        Some(first)
            .filter(|event| event.kind == "ready")
            .and_then(|event| event.id)
            .context("the answer is no tail: is this the address of Spoor's UI and API?")
    }

    /// Waits for the next event.
    async fn next(&mut self) -> Result<Event, Lost> {
        loop {
            if let Some(event) = self.events.take() {
                return Ok(event);
            }
            let lost = |reason: &str| Lost::ForNow(reason.to_owned(), None);
            match timeout(MAX_SILENCE, self.response.chunk()).await {
                Ok(Ok(Some(bytes))) => {
                    let taken = self.events.push(&bytes);
                    taken.map_err(|error| Lost::ForGood(error.into()))?;
                }
                Ok(Ok(None)) => return Err(lost("the server ended it")),
                Ok(Err(error)) => return Err(lost(&cause_of(&error).to_string())),
                Err(_) => return Err(lost("the server is silent")),
            }
        }
    }
}

/// The record in the id of an event, up to which all has been looked at.
fn record_of(id: &str) -> Option<i64> {
    id.split_once('.')?.0.parse().ok()
}

/// What was left out, in words.
fn dropped(event: &Event) -> String {
    match serde_json::from_str(&event.data) {
        Ok(Dropped { count: Some(count) }) => {
            format!(
                "{count} records are left out: they came faster than a tail tells them; a narrower query has fewer"
            )
        }
        _ => {
            "records that came meanwhile are left out: the server does not know from where to go on"
                .to_owned()
        }
    }
}

/// The last event of a tail that cannot go on.
fn failed(event: &Event) -> Lost {
    let Ok(Failed { error }) = serde_json::from_str(&event.data) else {
        return Lost::ForNow("the tail failed".to_owned(), None);
    };
    if matches!(error.code.as_str(), "busy" | "unavailable" | "timeout") {
        return Lost::ForNow(error.message, None);
    }
    Lost::ForGood(match error.hint {
        Some(hint) => Hinted::new(error.message, hint).into(),
        None => anyhow::anyhow!(error.message),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, data: &str) -> Event {
        Event {
            kind: kind.to_owned(),
            id: None,
            data: data.to_owned(),
        }
    }

    #[test]
    fn a_tail_that_cannot_go_on_is_opened_again_only_if_that_may_help() {
        let of = |code: &str| {
            let data = format!(r#"{{"error":{{"code":"{code}","message":"m","hint":null}}}}"#);
            failed(&event("error", &data))
        };
        for code in ["busy", "unavailable", "timeout"] {
            assert!(matches!(of(code), Lost::ForNow(..)), "{code}");
        }
        for code in ["cancelled", "invalid", "internal"] {
            assert!(matches!(of(code), Lost::ForGood(_)), "{code}");
        }
    }

    #[test]
    fn what_is_left_out_is_counted_if_the_server_could() {
        let words = |data: &str| dropped(&event("dropped", data));
        assert!(words(r#"{"count":875}"#).starts_with("875 records"));
        assert!(words(r#"{"count":null}"#).starts_with("records that came meanwhile"));
    }

    #[test]
    fn the_id_of_an_event_has_its_record() {
        assert_eq!(record_of("16777216.1674982096000"), Some(16_777_216));
        for wrong in ["", "7", "x.1", "."] {
            assert_eq!(record_of(wrong), None, "{wrong}");
        }
    }
}
