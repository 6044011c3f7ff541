//! `spoor check`: reads through everything in the data directory.

use std::io::Write;

use clap::Args;
use spoor_collector::OtlpDecoder;

use crate::command::Outcome;
use crate::failure::Hinted;
use crate::settings::{RawSettings, Settings};

/// What `spoor check` is told.
#[derive(Args)]
pub(crate) struct CheckArgs {
    /// Build missing and broken indexes again, make lost files anew from the log, set broken ones aside,
    /// take back those that are whole, acknowledge what the log has lost
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    settings: RawSettings,
}

/// Checks, and prints the report. Problems that remain make the outcome [`Outcome::Problems`].
pub(crate) async fn run(args: CheckArgs) -> anyhow::Result<Outcome> {
    let settings = Settings::load(args.settings)?;
    settings.log.start("warn");
    must_be_there(&settings)?;
    let decoder = OtlpDecoder::new(settings.collector.open_json_bodies);
    let report = spoor_storage::check(&settings.storage, &decoder, args.repair).await?;
    // A closed standard output does not change what was found.
    drop(writeln!(std::io::stdout(), "{report}"));
    Ok(if report.is_clean() {
        Outcome::Success
    } else {
        Outcome::Problems
    })
}

/// Commands that only read must not create a data directory where there is none.
pub(crate) fn must_be_there(settings: &Settings) -> anyhow::Result<()> {
    let data_dir = settings.data_dir();
    if data_dir.is_dir() {
        return Ok(());
    }
    Err(Hinted::new(
        format!("there is no data directory `{}`", data_dir.display()),
        "name it with --data-dir or SPOOR_DATA_DIR",
    )
    .into())
}
