//! The last words of a command that failed: what, why, and what to do next.

use std::io::Write;
use std::process::ExitCode;

use crate::colour;
use crate::settings::Problems;

/// Something to do about an error, wherever in the chain it is attached.
#[derive(Debug)]
pub(crate) struct Hinted {
    message: String,
    hint: String,
}

impl Hinted {
    /// An error with a message and what to do about it.
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

impl std::fmt::Display for Hinted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Hinted {}

/// Writes `error` to standard error.
pub(crate) fn report(error: &anyhow::Error) {
    let text = render(error, colour::suits(&std::io::stderr()));
    // Nobody is left to be told that standard error is gone.
    drop(std::io::stderr().write_all(text.as_bytes()));
}

/// 2 for wrong settings, as for wrong flags, else 1.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error
        .downcast_ref::<Problems>()
        .is_some_and(Problems::is_wrong_usage)
    {
        ExitCode::from(2)
    } else {
        ExitCode::FAILURE
    }
}

fn render(error: &anyhow::Error, colour: bool) -> String {
    let (red, bold, end) = if colour {
        ("\x1b[1;31m", "\x1b[1m", "\x1b[0m")
    } else {
        ("", "", "")
    };
    let tell = |message: &str, what_to_do: Option<&str>| {
        let hint = what_to_do.map(|hint| format!("  {bold}hint{end}: {hint}\n"));
        format!("{red}error{end}: {message}\n{}", hint.unwrap_or_default())
    };
    match error.downcast_ref::<Problems>() {
        Some(problems) => problems
            .iter()
            .map(|problem| tell(&problem.what, Some(&problem.hint)))
            .collect(),
        None => tell(&message(error), hint(error)),
    }
}

/// The chain of causes in one line. A storage error tells its causes itself.
fn message(error: &anyhow::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in error.chain() {
        words.push(cause.to_string());
        if cause.is::<spoor_storage::Error>() {
            break;
        }
    }
    words.join(": ")
}

fn hint(error: &anyhow::Error) -> Option<&str> {
    error.chain().find_map(|cause| {
        if let Some(hinted) = cause.downcast_ref::<Hinted>() {
            return Some(hinted.hint.as_str());
        }
        cause.downcast_ref::<spoor_storage::Error>()?.hint()
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use spoor_storage::{Error, ErrorKind};

    use super::*;

    #[test]
    fn causes_are_told_once_and_the_hint_last() {
        let cause = std::io::Error::other("no space");
        let error = Error::new(ErrorKind::Unavailable, "cannot write")
            .with_hint("free some")
            .with_source(cause);
        let error = Err::<(), _>(error).context("import stopped").unwrap_err();
        assert_eq!(
            render(&error, false),
            "error: import stopped: cannot write: no space\n  hint: free some\n"
        );
    }

    #[test]
    fn all_problems_of_the_settings_are_listed() {
        let mut problems = Problems::default();
        problems.add("`a` is `1`", "write 2");
        problems.add("`b` is `x`", "write y");
        let error = anyhow::Error::from(problems);
        assert_eq!(
            render(&error, false),
            "error: `a` is `1`\n  hint: write 2\nerror: `b` is `x`\n  hint: write y\n"
        );
    }
}
