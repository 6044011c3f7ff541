//! The command line: what there is to do, and doing it.

use std::io::Write;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use spoor_storage::TenantId;

use crate::check::CheckArgs;
use crate::colour::ColourArgs;
use crate::delete::DeleteArgs;
use crate::demo::DemoArgs;
use crate::import::ImportArgs;
use crate::logs::LogsArgs;
use crate::retention::RetentionArgs;
use crate::settings::{RawSettings, Settings};
use crate::sql::SqlArgs;
use crate::{check, delete, demo, import, logs, retention, serve, sql};

/// Settings that mean something to every command; the others are shown by `spoor serve --help`
/// only, but may be given everywhere.
const EVERYWHERE: [&str; 6] = [
    "config",
    "data_dir",
    "log_level",
    "log_format",
    "help",
    "version",
];

/// How a command ended, when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well: exit code 0.
    Success,
    /// It ran, and found or left something that is not as it should be: exit code 1.
    Problems,
    /// It was told to stop before it was through: exit code 130.
    Interrupted,
}

impl Outcome {
    /// Tells what was found or done, and for what reasons that is not all there is.
    pub(crate) fn of_told(text: &str, incomplete_reasons: &[String]) -> Self {
        // What is done is done, whoever reads of it.
        drop(std::io::stdout().write_all(text.as_bytes()));
        for reason in incomplete_reasons {
            drop(writeln!(std::io::stderr(), "not looked at: {reason}"));
        }
        if incomplete_reasons.is_empty() {
            Self::Success
        } else {
            Self::Problems
        }
    }
}

/// Whose data a command is about.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct OfTenant {
    /// Tenant whose data it is [default: default]
    #[arg(long, value_name = "NAME", env = "SPOOR_TENANT")]
    pub(crate) tenant: Option<TenantId>,
}

/// Distributed tracing and logs in one binary: OTLP in, Parquet on disk, SQL and a UI out.
///
/// Without a command, `spoor` serves.
#[derive(Parser)]
#[command(
    name = "spoor",
    version,
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    colour: ColourArgs,
    #[command(flatten)]
    settings: RawSettings,
}

#[derive(Subcommand)]
enum Command {
    /// Take OTLP in; serve the web UI and the query API
    Serve(Box<ServeArgs>),
    /// Send a shop's traces and logs to a running Spoor, to have something to look at
    Demo(DemoArgs),
    /// Read files of OTLP JSON, OTLP protobuf or JSON lines into the data directory
    Import(Box<ImportArgs>),
    /// Ask with SQL: the running server, or the data directory if there is none
    Sql(Box<SqlArgs>),
    /// Show log records, and with --follow those that are still to come
    Logs(Box<LogsArgs>),
    /// Delete records that match a query; without --confirm only say how many they are
    Delete(Box<DeleteArgs>),
    /// Show the retention rules and what they hide, or put others in force
    Retention(Box<RetentionArgs>),
    /// Read through everything in the data directory and say what is broken
    Check(Box<CheckArgs>),
}

#[derive(clap::Args)]
struct ServeArgs {
    #[command(flatten)]
    settings: RawSettings,
}

/// The command line with the help of each command reduced to what concerns it.
fn definition() -> clap::Command {
    let import = [
        "ingest_token",
        "ingest_token_file",
        "max_request_bytes",
        "ingest_memory_bytes",
    ];
    let sql = [
        "read_token",
        "read_token_file",
        "query_timeout",
        "query_memory_bytes",
    ];
    let admin = [
        "admin_token",
        "admin_token_file",
        "retention_undo",
        "delete_deadline",
        "query_timeout",
        "query_memory_bytes",
    ];
    Cli::command()
        .mut_subcommand("import", |command| reduced(command, &import))
        .mut_subcommand("sql", |command| reduced(command, &sql))
        .mut_subcommand("logs", |command| reduced(command, &sql))
        .mut_subcommand("delete", |command| reduced(command, &admin))
        .mut_subcommand("retention", |command| reduced(command, &admin))
        .mut_subcommand("check", |command| reduced(command, &[]))
}

fn reduced(command: clap::Command, shown: &[&str]) -> clap::Command {
    let settings = RawSettings::names();
    command.mut_args(|argument| {
        let id = argument.get_id().as_str();
        let is_setting = settings.iter().any(|name| name == id);
        let hide = is_setting && !EVERYWHERE.contains(&id) && !shown.contains(&id);
        if hide { argument.hide(true) } else { argument }
    })
}

/// Reads the command line and does what it says. Wrong usage ends the process here, with code 2.
pub(crate) async fn run() -> anyhow::Result<Outcome> {
    let matches = definition().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    cli.colour.apply();
    match cli.command {
        None => serve::run(Settings::load(cli.settings)?).await,
        Some(Command::Serve(args)) => serve::run(Settings::load(args.settings)?).await,
        Some(Command::Demo(args)) => demo::run(args).await.map(|()| Outcome::Success),
        Some(Command::Import(args)) => import::run(*args).await,
        Some(Command::Sql(args)) => sql::run(*args).await,
        Some(Command::Logs(args)) => logs::run(*args).await,
        Some(Command::Delete(args)) => delete::run(*args).await,
        Some(Command::Retention(args)) => retention::run(*args).await,
        Some(Command::Check(args)) => check::run(*args).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        definition().debug_assert();
    }

    #[test]
    fn flags_alone_mean_serve() {
        let cli = Cli::try_parse_from(["spoor", "--data-dir", "x"])
            .ok()
            .unwrap();
        assert!(cli.command.is_none());
        let cli = Cli::try_parse_from(["spoor", "serve", "--data-dir", "x"])
            .ok()
            .unwrap();
        assert!(matches!(cli.command, Some(Command::Serve(_))));
    }

    #[test]
    fn every_command_can_be_told_about_colours() {
        let commands = [
            "spoor",
            "spoor serve",
            "spoor demo",
            "spoor import x",
            "spoor sql x",
            "spoor logs",
            "spoor delete x",
            "spoor retention",
            "spoor check",
        ];
        for command in commands {
            let words = command.split(' ').chain(["--no-color"]);
            let read = Cli::try_parse_from(words).map(drop);
            assert!(read.is_ok(), "{command}: {:?}", read.err());
        }
    }

    #[test]
    fn help_of_a_command_shows_what_concerns_it() {
        let mut definition = definition();
        let sql = definition
            .find_subcommand_mut("sql")
            .unwrap()
            .render_long_help()
            .to_string();
        assert!(sql.contains("--data-dir") && sql.contains("--read-token"));
        assert!(!sql.contains("--otlp-grpc-addr"));
        let serve = definition
            .find_subcommand_mut("serve")
            .unwrap()
            .render_long_help()
            .to_string();
        assert!(serve.contains("--otlp-grpc-addr") && serve.contains("--flush-interval"));
    }
}
