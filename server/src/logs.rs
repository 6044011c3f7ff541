//! `spoor logs`: log records on the terminal or in a pipe, and with `--follow` those that are still to come.
//!
//! ```text
//!  GET /api/v1/logs       the newest, told oldest first          (a server, or the data directory)
//!  GET /api/v1/logs/tail  then what arrives, each record once    (a server)
//! ```
//! Standard output holds records only; what is left out or lost is said beside them.

mod events;
mod follow;
mod line;
mod output;

use std::ops::ControlFlow;

use anyhow::Context;
use clap::Args;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use spoor_query::parameters::{now_ns, parse_time};
use url::Url;

use crate::command::{OfTenant, Outcome};
use crate::settings::{RawSettings, Settings};
use crate::whom::{JSON, Question, Whom, read, refusal};
use follow::{Follow, Place};
use output::{Format, Output, note};

const PATH: &str = "/api/v1/logs";
/// How readers show who they are.
const TOKENS: &str = "--read-token-file or SPOOR_READ_TOKEN";
/// Records that are shown if nobody says how many.
const DEFAULT_LIMIT: u16 = 100;

/// What `spoor logs` is told.
#[derive(Args)]
pub(crate) struct LogsArgs {
    /// Which records, in the search language; without it all
    #[arg(value_name = "QUERY", default_value = "", hide_default_value = true)]
    query: String,
    /// Of the last `15m` (s m h d w), or from this time on: RFC 3339, Unix time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = time_of)]
    since: Option<String>,
    /// Until this time
    #[arg(
        long,
        value_name = "TIME",
        allow_hyphen_values = true,
        value_parser = time_of,
        conflicts_with = "follow"
    )]
    until: Option<String>,
    /// The newest so many (100, at most 10,000), the oldest of them first
    #[arg(long, short = 'n', value_name = "RECORDS")]
    limit: Option<u16>,
    /// Go on with what arrives, until Ctrl-C; a lost connection is made again, and nothing is told twice
    #[arg(long, short)]
    follow: bool,
    /// How to write records
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Ask this server instead of the data directory
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    #[command(flatten)]
    of: OfTenant,
    #[command(flatten)]
    settings: RawSettings,
}

/// Which records are asked for.
struct Wanted {
    query: String,
    start: Option<String>,
    end: Option<String>,
    limit: usize,
    /// Whether to say that there are more.
    tell_of_more: bool,
}

/// The API's answer as far as it is shown.
#[derive(Deserialize)]
struct Page {
    logs: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
    #[serde(default)]
    incomplete_reasons: Vec<String>,
}

/// What tells a record from all others.
#[derive(Deserialize)]
struct Identity {
    id: String,
}

/// Asks, and writes records to standard output.
pub(crate) async fn run(args: LogsArgs) -> anyhow::Result<Outcome> {
    let settings = Settings::load(args.settings)?;
    settings.log.start("warn");
    let output = Output::new(args.format);
    let wanted = Wanted {
        query: args.query,
        tell_of_more: args.since.is_some() && args.limit.is_none(),
        start: args.since,
        end: args.until,
        limit: args.limit.unwrap_or(DEFAULT_LIMIT).into(),
    };
    let token = settings.access.read.first();
    if args.follow {
        let place = Place::new(args.url, settings.data_dir(), args.of.tenant)?;
        let follow = Follow::new(place, token.map(str::to_owned), output);
        tokio::select! {
            biased;
            // There is no other end of it.
            signal = tokio::signal::ctrl_c() => signal.context("cannot wait for Ctrl-C")?,
            ended = follow.run(&wanted) => ended?,
        }
        return Ok(Outcome::Success);
    }
    let whom = Whom::find(&settings, args.url, token, args.of.tenant).await?;
    let shown = show(&whom, &wanted, &output, None).await;
    let closed = whom.close().await;
    // Whoever reads may have seen enough.
    let (ControlFlow::Continue(()) | ControlFlow::Break(())) = shown?;
    closed?;
    Ok(Outcome::Success)
}

/// `15m` is 15 minutes ago; all else is a time by itself.
fn start_of(since: &str) -> String {
    if since.ends_with(|unit: char| "smhdw".contains(unit))
        && since.starts_with(|c: char| c.is_ascii_digit())
    {
        format!("-{since}")
    } else {
        since.to_owned()
    }
}

/// A time for the API. Errors if it cannot be read as one.
fn time_of(written: &str) -> Result<String, String> {
    let time = start_of(written);
    match parse_time(&time, now_ns()) {
        Ok(_) => Ok(time),
        Err(error) => {
            let hint = error.hint().unwrap_or_default();
            Err(format!("`{written}` is not a time; {hint}, or 15m"))
        }
    }
}

/// Writes the newest records that match, the oldest of them first; of those after `last` in the order of arrival none.
/// Breaks off when nobody reads them any more.
async fn show(
    whom: &Whom,
    wanted: &Wanted,
    output: &Output,
    last: Option<i64>,
) -> anyhow::Result<ControlFlow<()>> {
    let mut records = Vec::new();
    let mut cursor = None;
    loop {
        let page = page(whom, wanted, wanted.limit - records.len(), cursor).await?;
        for record in page.logs {
            if has_come(&record, last)? {
                records.push(record);
            }
        }
        for reason in &page.incomplete_reasons {
            note(&format!("not complete: {reason}"));
        }
        cursor = page.next_cursor;
        if cursor.is_none() || records.len() >= wanted.limit {
            break;
        }
    }
    if wanted.tell_of_more && cursor.is_some() {
        let shown = records.len();
        note(&format!(
            "the newest {shown} of more: --limit says how many are shown"
        ));
    }
    let mut text = Vec::new();
    for record in records.iter().rev() {
        output.record(&mut text, record.get())?;
    }
    output.write(text).await
}

/// Whether a record is none of those that came after `last`.
fn has_come(record: &RawValue, last: Option<i64>) -> anyhow::Result<bool> {
    let Some(last) = last else {
        return Ok(true);
    };
    let Identity { id } = serde_json::from_str(record.get()).context("a record has no id")?;
    let id: i64 = id.parse().context("the id of a record is no number")?;
    Ok(id <= last)
}

async fn page(
    whom: &Whom,
    wanted: &Wanted,
    limit: usize,
    cursor: Option<String>,
) -> anyhow::Result<Page> {
    let mut parameters = vec![
        ("query", wanted.query.clone()),
        ("limit", limit.to_string()),
    ];
    let optional = [
        ("start", wanted.start.clone()),
        ("end", wanted.end.clone()),
        ("cursor", cursor),
    ];
    parameters.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let question = Question {
        method: Method::GET,
        path: PATH,
        parameters: &parameters,
        accept: JSON,
        body: String::new(),
    };
    let (status, body) = whom.ask(question).await?;
    if status != StatusCode::OK {
        return Err(refusal(status, body, TOKENS).await);
    }
    serde_json::from_slice(&read(body).await?).context("the answer is no list of records")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_how_long_ago_or_a_time() {
        for (written, start) in [
            ("15m", "-15m"),
            ("2w", "-2w"),
            ("-15m", "-15m"),
            ("now-1h", "now-1h"),
            ("2023-01-29T08:48:16Z", "2023-01-29T08:48:16Z"),
            ("1674982096", "1674982096"),
        ] {
            assert_eq!(time_of(written).as_deref(), Ok(start));
        }
        for wrong in ["", "yesterday", "m", "15y", "5mm"] {
            assert!(time_of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn records_that_the_tail_will_tell_are_not_shown_before() {
        let record = RawValue::from_string(r#"{"id":"9223372036854775806"}"#.to_owned()).unwrap();
        assert!(has_come(&record, None).unwrap());
        assert!(has_come(&record, Some(i64::MAX - 1)).unwrap());
        assert!(!has_come(&record, Some(i64::MAX - 2)).unwrap());
        let wrong = RawValue::from_string("{}".to_owned()).unwrap();
        assert!(has_come(&wrong, Some(1)).is_err());
    }
}
