//! `spoor delete`: how many records a query means, and with that number as `--confirm`, their end.

use clap::Args;
use http::Method;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::command::{OfTenant, Outcome};
use crate::settings::{RawSettings, Settings};
use crate::whom::Whom;

/// How those who may delete show who they are.
pub(crate) const TOKENS: &str = "--admin-token-file or SPOOR_ADMIN_TOKEN";

/// What `spoor delete` is told.
#[derive(Args)]
pub(crate) struct DeleteArgs {
    /// Which records, in the search language; may be empty with both --start and --end
    #[arg(value_name = "QUERY")]
    query: String,
    /// Of which table
    #[arg(long, value_parser = ["logs", "spans"], default_value = "logs")]
    table: String,
    /// From this time on: RFC 3339, Unix time, or as in `-7d`
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    start: Option<String>,
    /// Until this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    end: Option<String>,
    /// Delete them, if there are no more than this; without it nothing is changed
    #[arg(long, value_name = "RECORDS")]
    confirm: Option<u64>,
    /// Ask this server instead of the data directory
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    #[command(flatten)]
    of: OfTenant,
    #[command(flatten)]
    settings: RawSettings,
}

#[derive(Deserialize)]
struct Answer {
    rows: u64,
    pinned_rows: u64,
    files: u64,
    deletion_id: Option<String>,
    deletion: Option<Deletion>,
    incomplete_reasons: Vec<String>,
}

#[derive(Deserialize)]
struct Deletion {
    deadline: String,
}

/// Asks, and says what came of it. Hours that could not be looked at make it
/// [`Outcome::Problems`].
pub(crate) async fn run(args: DeleteArgs) -> anyhow::Result<Outcome> {
    let settings = Settings::load(args.settings)?;
    settings.log.start("warn");
    let whom = Whom::find(
        &settings,
        args.url,
        settings.access.admin.first(),
        args.of.tenant,
    )
    .await?;
    let body = json!({
        "table": args.table,
        "query": args.query,
        "start": args.start,
        "end": args.end,
        "dry_run": args.confirm.is_none(),
        "confirm": args.confirm,
    });
    let answer = whom
        .ask_json(Method::POST, "/api/v1/delete", body.to_string(), TOKENS)
        .await;
    let closed = whom.close().await;
    let answer: Answer = serde_json::from_value(answer?)?;
    closed?;
    Ok(Outcome::of_told(&told(&answer), &answer.incomplete_reasons))
}

fn told(answer: &Answer) -> String {
    let Answer { rows, files, .. } = answer;
    let mut text = match (&answer.deletion_id, &answer.deletion) {
        (Some(id), Some(deletion)) => format!(
            "{rows} records in {files} files are deleted; the bytes are gone by {} (deletion {id})\n",
            deletion.deadline
        ),
        _ if *rows == 0 => "no record matches that could be deleted\n".to_owned(),
        _ => format!(
            "{rows} records in {files} files match; nothing is changed\nto delete them: the same with --confirm {rows}\n"
        ),
    };
    if answer.pinned_rows > 0 {
        let line = format!(
            "{} more match and stay: their traces are pinned\n",
            answer.pinned_rows
        );
        text.push_str(&line);
    }
    text
}
