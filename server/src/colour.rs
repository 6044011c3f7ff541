//! Whether what is written may have colours: decided here for all commands.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

/// Whether nobody wants colours. One for the process: also errors outside of any command are told by it.
static UNWANTED: AtomicBool = AtomicBool::new(false);

/// What every command is told about colours.
#[derive(Debug, Args)]
pub(crate) struct ColourArgs {
    /// Without colours, which only terminals get
    #[arg(long, env = "NO_COLOR", value_name = "ANY", num_args = 0..=1, require_equals = true,
        default_missing_value = "1", hide_env = true, global = true)]
    no_color: Option<String>,
}

impl ColourArgs {
    /// Puts it in force for all that is written from now on.
    pub(crate) fn apply(&self) {
        UNWANTED.store(self.are_unwanted(), Ordering::Relaxed);
    }

    /// By the convention of `NO_COLOR`, an empty value says nothing.
    fn are_unwanted(&self) -> bool {
        self.no_color.as_ref().is_some_and(|set| !set.is_empty())
    }
}

/// Whether what is written to `stream` may have colours.
pub(crate) fn suits(stream: &impl IsTerminal) -> bool {
    !UNWANTED.load(Ordering::Relaxed) && stream.is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_says_nothing() {
        for (no_color, unwanted) in [(None, false), (Some(""), false), (Some("0"), true)] {
            let args = ColourArgs {
                no_color: no_color.map(str::to_owned),
            };
            assert_eq!(args.are_unwanted(), unwanted, "{no_color:?}");
        }
    }
}
