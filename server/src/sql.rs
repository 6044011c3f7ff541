//! `spoor sql`: a question and its answer on the terminal or in a pipe.
//!
//! Asks the server or the data directory, as [`Whom`] finds it.

mod table;

use std::io::{self, IsTerminal, Write};

use anyhow::Context;
use axum::body::Body;
use clap::{Args, ValueEnum};
use futures::TryStreamExt;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::command::{OfTenant, Outcome};
use crate::settings::{RawSettings, Settings};
use crate::whom::{JSON, Question, Whom, read, refusal};

const PATH: &str = "/api/v1/sql";
/// How readers show who they are.
const TOKENS: &str = "--read-token-file or SPOOR_READ_TOKEN";

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
    of: OfTenant,
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
    let whom = Whom::find(
        &settings,
        args.url,
        settings.access.read.first(),
        args.of.tenant,
    )
    .await?;
    let written = async {
        let question = Question {
            method: Method::POST,
            path: PATH,
            parameters: &[],
            accept: args.format.media_type(),
            body: json!({ "query": args.query }).to_string(),
        };
        let (status, body) = whom.ask(question).await?;
        if status == StatusCode::OK {
            write_answer(args.format, body).await
        } else {
            Err(refusal(status, body, TOKENS).await)
        }
    };
    let written = written.await;
    let closed = whom.close().await;
    written?;
    closed?;
    Ok(Outcome::Success)
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
