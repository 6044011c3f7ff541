//! What is wrong with the settings, all of it at once.

use std::fmt;

/// One thing that is wrong and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What is wrong; lower-case, names the setting and its value.
    pub(crate) what: String,
    /// What to do next.
    pub(crate) hint: String,
}

/// Everything that is wrong; never empty once it is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Problems {
    list: Vec<Problem>,
    of_machine: bool,
}

impl Problems {
    /// Of settings that are right in themselves and that this machine cannot fulfil now.
    pub(crate) fn of_machine() -> Self {
        Self {
            list: Vec::new(),
            of_machine: true,
        }
    }

    /// Whether the settings must change, whatever the machine does.
    pub(crate) fn is_wrong_usage(&self) -> bool {
        !self.of_machine
    }

    pub(crate) fn add(&mut self, what: impl Into<String>, hint: impl Into<String>) {
        self.list.push(Problem {
            what: what.into(),
            hint: hint.into(),
        });
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    /// `Ok` if nothing is wrong.
    pub(crate) fn into_result(self) -> Result<(), Self> {
        if self.list.is_empty() {
            Ok(())
        } else {
            Err(self)
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", problem.what)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
