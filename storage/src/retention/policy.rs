//! All rules together, as users write and read them.

use serde::{Deserialize, Serialize};

use super::RetentionRule;
use super::filter::{CompileFilter, compile};
use crate::clock::Clock;
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

impl PolicyRecord {
    /// The record of the policy that comes after this one.
    pub(crate) fn next(
        &self,
        policy: RetentionPolicy,
        clock: &dyn Clock,
        changed_by: Option<String>,
    ) -> Self {
        Self {
            policy,
            version: self.version + 1,
            changed_ns: Some(clock.now_ns()),
            changed_by,
        }
    }
}

impl RetentionPolicy {
    /// Errors with the first thing in it that does not make sense; `compiler` knows the language of
    /// queries.
    pub fn check(&self, compiler: Option<&dyn CompileFilter>) -> Result<()> {
        if self.rules.len() > MAX_RULES {
            return Err(Error::invalid(format!(
                "{} rules are more than {MAX_RULES}",
                self.rules.len()
            )));
        }
        for (at, rule) in self.rules.iter().enumerate() {
            rule.check().map_err(|error| of_rule(at, &error))?;
        }
        compile(self, compiler)?;
        if self.max_total_bytes == Some(0) {
            return Err(Error::invalid("`max_total_bytes` is 0")
                .with_hint("to keep everything, leave it out"));
        }
        Ok(())
    }
}

/// `error` of the rule at place `at`, with which one that is.
pub(super) fn of_rule(at: usize, error: &Error) -> Error {
    let hint = error.hint().unwrap_or("see docs/api.md").to_owned();
    Error::new(
        error.kind(),
        format!("rule {}: {}", at + 1, error.message()),
    )
    .with_hint(hint)
}
