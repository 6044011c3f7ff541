//! `spoor retention`: the rules in force, as a file that can be edited and put in force again.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use http::Method;
use serde::Deserialize;
use spoor_storage::RetentionPolicy;
use url::Url;

use crate::command::{OfTenant, Outcome};
use crate::delete::TOKENS;
use crate::failure::Hinted;
use crate::settings::{RawSettings, Settings};
use crate::whom::Whom;

const PATH: &str = "/api/v1/retention";
/// Servers show the rules to readers.
const READ_TOKENS: &str = "--admin-token-file, --read-token-file or their variables";

/// What `spoor retention` is told.
#[derive(Args)]
pub(crate) struct RetentionArgs {
    /// Put the rules of this TOML file in force; what they let expire is hidden at once and can
    /// come back until it is purged
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
    /// Change nothing: say what the rules of --set (or of the settings file) would let expire now
    #[arg(long)]
    dry_run: bool,
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
    rules: serde_json::Value,
    max_total_bytes: Option<u64>,
    total_bytes: u64,
    hidden: Vec<Hidden>,
    #[serde(default)]
    problems: Vec<Problem>,
}

/// A rule that means nothing.
#[derive(Deserialize)]
struct Problem {
    rule: usize,
    message: String,
    hint: Option<String>,
}

/// What rules would do.
#[derive(Deserialize)]
struct Preview {
    rules: Vec<Would>,
    rows: u64,
    bytes: u64,
    restored_rows: u64,
    incomplete_reasons: Vec<String>,
}

#[derive(Deserialize)]
struct Would {
    rule: serde_json::Value,
    rows: u64,
    bytes: u64,
    files: u64,
}

#[derive(Deserialize)]
struct Hidden {
    query: String,
    rows_left: u64,
    bytes_left: u64,
    purge_time: String,
}

/// Writes the rules to standard output as TOML, and beside them what is hidden.
pub(crate) async fn run(args: RetentionArgs) -> anyhow::Result<Outcome> {
    let mut settings = Settings::load(args.settings)?;
    settings.log.start("warn");
    let policy = args.set.as_deref().map(read_policy).transpose()?;
    if args.dry_run {
        // Opening the directory would put them in force.
        let fixed = settings.storage.retention.take();
        let policy = policy.or_else(|| fixed.map(|fixed| fixed.policy));
        let policy = policy.ok_or_else(|| {
            Hinted::new(
                "there are no rules to try",
                "name their file with --set, or the settings file with --config",
            )
        })?;
        return preview(&settings, args.url, &policy).await;
    }
    let access = &settings.access;
    let token = access.admin.first().or_else(|| access.read.first());
    let whom = Whom::find(&settings, args.url, token, args.of.tenant).await?;
    let answer = match &policy {
        Some(policy) => {
            let body = serde_json::to_string(policy)?;
            whom.ask_json(Method::PUT, PATH, body, TOKENS).await
        }
        None => {
            whom.ask_json(Method::GET, PATH, String::new(), READ_TOKENS)
                .await
        }
    };
    let closed = whom.close().await;
    let answer: Answer = serde_json::from_value(answer?)?;
    closed?;
    let policy = RetentionPolicy {
        rules: serde_json::from_value(answer.rules)?,
        max_total_bytes: answer.max_total_bytes,
    };
    // What is in force is so, whoever reads of it.
    drop(std::io::stdout().write_all(toml_of(&policy)?.as_bytes()));
    let mut note = format!("files: {} bytes\n", answer.total_bytes);
    for hidden in &answer.hidden {
        note.push_str(&line_of(hidden));
    }
    for problem in &answer.problems {
        note.push_str(&words_of(problem));
    }
    drop(std::io::stderr().write_all(note.as_bytes()));
    Ok(if answer.problems.is_empty() {
        Outcome::Success
    } else {
        Outcome::Problems
    })
}

/// Says what `policy` would do; files that cannot be read make it [`Outcome::Problems`].
async fn preview(
    settings: &Settings,
    url: Option<Url>,
    policy: &RetentionPolicy,
) -> anyhow::Result<Outcome> {
    let mut body = serde_json::to_value(policy)?;
    body["dry_run"] = true.into();
    let whom = Whom::find(settings, url, settings.access.admin.first(), None).await?;
    let answer = whom
        .ask_json(Method::PUT, PATH, body.to_string(), TOKENS)
        .await;
    let closed = whom.close().await;
    let preview: Preview = serde_json::from_value(answer?)?;
    closed?;
    let reasons = &preview.incomplete_reasons;
    Ok(Outcome::of_told(&told(&preview), reasons))
}

fn told(preview: &Preview) -> String {
    let lines = preview.rules.iter().map(|would| {
        let Would {
            rule,
            rows,
            bytes,
            files,
        } = would;
        format!("{rows} rows, about {bytes} bytes, in {files} files would expire now: {rule}\n")
    });
    let together = format!(
        "together {} rows, about {} bytes; {} rows that are hidden now would come back; nothing is changed\n",
        preview.rows, preview.bytes, preview.restored_rows
    );
    lines.chain([together]).collect::<Vec<_>>().concat()
}

fn words_of(problem: &Problem) -> String {
    let hint = problem.hint.as_deref();
    let hint = hint.map_or_else(String::new, |hint| format!(": {hint}"));
    format!(
        "nothing expires by rule {}: {}{hint}\n",
        problem.rule, problem.message
    )
}

fn line_of(hidden: &Hidden) -> String {
    format!(
        "hidden: {} rows, about {} bytes, can come back until {}: {}\n",
        hidden.rows_left, hidden.bytes_left, hidden.purge_time, hidden.query
    )
}

fn toml_of(policy: &RetentionPolicy) -> anyhow::Result<String> {
    if *policy == RetentionPolicy::default() {
        return Ok("# no rules: everything is kept\n".to_owned());
    }
    toml::to_string(policy).context("the rules cannot be written as TOML")
}

fn read_policy(path: &std::path::Path) -> anyhow::Result<RetentionPolicy> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the rules in `{}`", path.display()))?;
    toml::from_str(&text).map_err(|error| {
        let message = format!("the rules in `{}` are not right: {error}", path.display());
        Hinted::new(
            message,
            "`spoor retention` prints rules as they are to be written",
        )
        .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_printed_as_they_are_read() {
        let text = "max_total_bytes = 5000\n\n[[rules]]\ntable = \"logs\"\nseverity_below = \"info\"\nkeep = \"12h\"\n\n[rules.attributes]\n\"http.route\" = \"/healthz\"\n\n[[rules]]\ntable = \"spans\"\nkeep = \"30d\"\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        std::fs::write(&path, text).unwrap();
        let policy = read_policy(&path).unwrap();
        assert_eq!(policy.rules.len(), 2);
        std::fs::write(&path, toml_of(&policy).unwrap()).unwrap();
        assert_eq!(read_policy(&path).unwrap(), policy);
        std::fs::write(&path, toml_of(&RetentionPolicy::default()).unwrap()).unwrap();
        assert_eq!(read_policy(&path).unwrap(), RetentionPolicy::default());
        std::fs::write(&path, "rule = 1").unwrap();
        assert!(read_policy(&path).unwrap_err().is::<Hinted>());
    }
}
