//! All rules together, as users write and read them.

use serde::{Deserialize, Serialize};

use super::RetentionRule;
use crate::error::{Error, Result};

/// Rules that a policy may have.
const MAX_RULES: usize = 200;

/// What is kept, and how long. The default keeps everything for ever.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionPolicy {
    /// The first rule that a row meets decides; rows that meet none are kept for ever.
    pub rules: Vec<RetentionRule>,
    /// Over this many bytes of files, the oldest hours expire, whatever the rules say.
    pub max_total_bytes: Option<u64>,
}

/// A policy as it is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// The policy.
    pub policy: RetentionPolicy,
    /// How often it was changed; 0: never.
    pub version: u64,
    /// When it was changed last, nanoseconds since the Unix epoch.
    pub changed_ns: Option<i64>,
    /// By whom, as far as is known.
    pub changed_by: Option<String>,
}

impl RetentionPolicy {
    /// Errors with the first thing in it that does not make sense.
    pub fn check(&self) -> Result<()> {
        if self.rules.len() > MAX_RULES {
            return Err(Error::invalid(format!(
                "{} rules are more than {MAX_RULES}",
                self.rules.len()
            )));
        }
        for (at, rule) in self.rules.iter().enumerate() {
            rule.check().map_err(|error| {
                let hint = error.hint().unwrap_or("see docs/api.md").to_owned();
                Error::invalid(format!("rule {}: {}", at + 1, error.message())).with_hint(hint)
            })?;
        }
        if self.max_total_bytes == Some(0) {
            return Err(Error::invalid("`max_total_bytes` is 0")
                .with_hint("to keep everything, leave it out"));
        }
        Ok(())
    }
}
