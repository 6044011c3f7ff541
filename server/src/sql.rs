//! `spoor sql`: a question and its answer on the terminal or in a pipe.
//!
//! Asks the server that `--url` names; else the one that holds the data directory; else opens the
//! directory itself. All three speak the same HTTP API, the last without a socket.

mod table;

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use clap::{Args, ValueEnum};
use futures::TryStreamExt;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, StatusCode};
use serde::Deserialize;
use serde_json::json;
use spoor_collector::OtlpDecoder;
use spoor_query::QueryEngine;
use spoor_storage::{Error, ErrorKind, Storage};
use tower::ServiceExt;
use url::Url;

use crate::check::must_be_there;
use crate::client::Server;
use crate::command::Outcome;
use crate::failure::Hinted;
use crate::runfile::RunFile;
use crate::settings::{RawSettings, Settings};

const PATH: &str = "/api/v1/sql";
const JSON: &str = "application/json";

/// What `spoor sql` is told.
#[derive(Args)]
pub(crate) struct SqlArgs {
    /// One SELECT on the tables `spans` and `logs`
    #[arg(value_name = "SQL")]
    query: String,
    /// How to write the answer; csv and ndjson have no limit of rows
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Ask this server instead of the data directory
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    #[command(flatten)]
    settings: RawSettings,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Columns for people
    Table,
    /// The API's JSON
    Json,
    /// Comma-separated values with a header
    Csv,
    /// One JSON object a row
    Ndjson,
}

impl Format {
    fn media_type(self) -> &'static str {
        match self {
            Self::Table | Self::Json => JSON,
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

/// Asks, and writes the answer to standard output.
pub(crate) async fn run(args: SqlArgs) -> anyhow::Result<Outcome> {
    let settings = Settings::load(args.settings)?;
    settings.log.start("warn");
    let whom = Whom::find(&settings, args.url).await?;
    let written = async {
        let (status, body) = whom.ask(&args.query, args.format.media_type()).await?;
        if status == StatusCode::OK {
            write_answer(args.format, body).await
        } else {
            Err(refusal(status, body).await)
        }
    };
    let written = written.await;
    let closed = whom.close().await;
    written?;
    closed?;
    Ok(Outcome::Success)
}

/// Who answers.
enum Whom {
    Server {
        server: Server,
        token: Option<String>,
    },
    Directory {
        storage: Storage,
        api: Router,
    },
}

impl Whom {
    async fn find(settings: &Settings, url: Option<Url>) -> anyhow::Result<Self> {
        let token = settings.access.read.first().map(str::to_owned);
        if let Some(url) = url {
            let server = Server::at(url)?;
            return Ok(Self::Server { server, token });
        }
        must_be_there(settings)?;
        let decoder = Arc::new(OtlpDecoder::new(settings.collector.open_json_bodies));
        match Storage::open(settings.storage.clone(), decoder).await {
            Ok(storage) => {
                let engine = QueryEngine::new(storage.clone(), settings.query.clone())?;
                let api = spoor_query::router(engine);
                Ok(Self::Directory { storage, api })
            }
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let running = RunFile::running(settings.data_dir()).ok_or(error)?;
                let server = Server::of(&running, &running.http_url())?;
                Ok(Self::Server { server, token })
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn ask(&self, query: &str, accept: &str) -> anyhow::Result<(StatusCode, Body)> {
        let question = json!({ "query": query }).to_string();
        match self {
            Self::Server { server, token } => {
                let request = server.post(PATH, token.as_deref());
                let request = request.header(CONTENT_TYPE, JSON).header(ACCEPT, accept);
                let response = request
                    .body(question)
                    .send()
                    .await
                    .map_err(|error| server.unreachable(&error))?;
                let status = response.status();
                Ok((status, Body::new(reqwest::Body::from(response))))
            }
            Self::Directory { api, .. } => {
                let request = Request::post(PATH)
                    .header(CONTENT_TYPE, JSON)
                    .header(ACCEPT, accept)
                    .body(Body::from(question))?;
                let Ok(response) = api.clone().oneshot(request).await;
                Ok((response.status(), response.into_body()))
            }
        }
    }

    async fn close(&self) -> spoor_storage::Result<()> {
        match self {
            Self::Server { .. } => Ok(()),
            Self::Directory { storage, .. } => storage.close().await,
        }
    }
}

async fn write_answer(format: Format, body: Body) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout());
    let written = match format {
        Format::Csv | Format::Ndjson | Format::Json => {
            let mut chunks = body.into_data_stream();
            let mut result = Ok(());
            while let Some(chunk) = chunks.try_next().await.context("the answer broke off")? {
                result = out.write_all(&chunk);
                if result.is_err() {
                    break;
                }
            }
            if format == Format::Json {
                result = result.and_then(|()| out.write_all(b"\n"));
            }
            result
        }
        Format::Table => {
            let text = read(body).await?;
            let answer: Answer =
                serde_json::from_slice(&text).context("the answer is not SQL's")?;
            let width = io::stdout().is_terminal().then_some(table::MAX_CELL_CHARS);
            let written = table::write(&mut out, &answer.names(), &answer.rows, width);
            answer.note();
            written
        }
    };
    match written.and_then(|()| out.flush()) {
        // `spoor sql … | head` has read what it wants.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write the answer"),
    }
}

async fn read(body: Body) -> anyhow::Result<Vec<u8>> {
    let chunks: Vec<_> = body
        .into_data_stream()
        .try_collect()
        .await
        .context("the answer broke off")?;
    Ok(chunks.concat())
}

/// The API's answer as far as a table shows it.
#[derive(Deserialize)]
struct Answer {
    columns: Vec<Column>,
    rows: Vec<Vec<serde_json::Value>>,
    complete: bool,
    #[serde(default)]
    incomplete_reasons: Vec<String>,
    #[serde(default)]
    elapsed_ms: f64,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

impl Answer {
    fn names(&self) -> Vec<&str> {
        self.columns
            .iter()
            .map(|column| column.name.as_str())
            .collect()
    }

    /// Beside the table: standard output holds rows only.
    fn note(&self) {
        let mut note = format!("{} rows in {} ms\n", self.rows.len(), self.elapsed_ms);
        if !self.complete {
            note.push_str("not complete: ");
            note.push_str(&self.incomplete_reasons.join("; "));
            note.push('\n');
        }
        // Nobody is left to be told that standard error is gone.
        drop(io::stderr().write_all(note.as_bytes()));
    }
}

/// The API's error as ours.
async fn refusal(status: StatusCode, body: Body) -> anyhow::Error {
    #[derive(Deserialize)]
    struct Refusal {
        error: Told,
    }
    #[derive(Deserialize)]
    struct Told {
        message: String,
        hint: Option<String>,
        position: Option<usize>,
    }
    let text = match read(body).await {
        Ok(text) => text,
        Err(error) => return error,
    };
    if status == StatusCode::UNAUTHORIZED {
        let hint = "give the server's token with --read-token-file or SPOOR_READ_TOKEN";
        return Error::new(
            ErrorKind::Unauthenticated,
            "the server wants a token for readers",
        )
        .with_hint(hint)
        .into();
    }
    match serde_json::from_slice::<Refusal>(&text) {
        Ok(Refusal { error }) => {
            let message = match error.position {
                Some(position) => format!("{} (at character {position})", error.message),
                None => error.message,
            };
            match error.hint {
                Some(hint) => Hinted::new(message, hint).into(),
                None => anyhow::anyhow!(message),
            }
        }
        Err(_) => Hinted::new(
            format!(
                "the server answered {status}: {}",
                String::from_utf8_lossy(&text)
            ),
            "is this the address of Spoor's UI and API?",
        )
        .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_error_of_the_api_keeps_its_hint_and_place() {
        let body = r#"{"error":{"code":"invalid","message":"no field `nam`","hint":"did you mean `name`?","position":7}}"#;
        let error = refusal(StatusCode::BAD_REQUEST, Body::from(body)).await;
        assert_eq!(error.to_string(), "no field `nam` (at character 7)");
        assert!(error.is::<Hinted>());
        let error = refusal(StatusCode::NOT_FOUND, Body::from("<html>")).await;
        assert!(error.to_string().contains("404"));
    }
}
