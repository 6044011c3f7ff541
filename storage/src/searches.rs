//! Searches that people save under a name, to find them again.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::model::SearchId;

/// Saved searches that a tenant may have.
pub(crate) const MAX_SEARCHES: usize = 1_000;

const MAX_NAME_CHARS: usize = 200;
const MAX_QUERY_BYTES: usize = 16 << 10;
/// Names and values of all parameters together.
const MAX_PARAMETERS_BYTES: usize = 4 << 10;

/// Where a search is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SearchView {
    /// Log records.
    Logs,
    /// Traces.
    Traces,
    /// SQL.
    Sql,
    /// Services.
    Services,
    /// Exceptions and failures.
    Errors,
}

impl SearchView {
    const ALL: [Self; 5] = [
        Self::Logs,
        Self::Traces,
        Self::Sql,
        Self::Services,
        Self::Errors,
    ];

    /// As in the catalog and in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Traces => "traces",
            Self::Sql => "sql",
            Self::Services => "services",
            Self::Errors => "errors",
        }
    }
}

impl fmt::Display for SearchView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for SearchView {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut views = Self::ALL.into_iter();
        views.find(|view| view.word() == text).ok_or_else(|| {
            Error::invalid(format!(
                "`{text}` is not a view: it is one of {}",
                Self::ALL.map(Self::word).join(", ")
            ))
        })
    }
}

/// What is saved, as its author gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchContent {
    /// What it is called; no two of a view are called the same.
    pub name: String,
    /// Where it is made.
    pub view: SearchView,
    /// The query, as it was written; nobody looks whether it can be read.
    #[serde(default)]
    pub query: String,
    /// What else the view needs to show the same again.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

impl SearchContent {
    /// The same with a trimmed name. Errors with what is too long, or no name.
    pub(crate) fn checked(mut self) -> Result<Self> {
        self.name = self.name.trim().to_owned();
        let chars = self.name.chars().count();
        if !(1..=MAX_NAME_CHARS).contains(&chars) {
            return Err(Error::invalid(format!(
                "`name` has {chars} characters; it can have 1 to {MAX_NAME_CHARS}"
            )));
        }
        if self.name.contains(char::is_control) {
            return Err(Error::invalid(
                "`name` has a line break or control character",
            ));
        }
        let parameters = self.parameters.iter();
        let parameters = parameters
            .map(|(name, value)| name.len() + value.len())
            .sum();
        for (what, bytes, most) in [
            ("`query` has", self.query.len(), MAX_QUERY_BYTES),
            ("`parameters` have", parameters, MAX_PARAMETERS_BYTES),
        ] {
            if bytes > most {
                let message = format!("{what} {bytes} bytes; a saved search has at most {most}");
                return Err(Error::new(ErrorKind::TooLarge, message));
            }
        }
        Ok(self)
    }
}

/// A saved search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSearch {
    /// Which one it is, whatever it is called.
    pub id: SearchId,
    /// What was saved.
    pub content: SearchContent,
    /// Since when, nanoseconds since the Unix epoch.
    pub created_ns: i64,
    /// When it was last changed, nanoseconds since the Unix epoch.
    pub updated_ns: i64,
}
