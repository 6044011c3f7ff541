//! Retention rules in the settings file.
//!
//! ```toml
//! [retention]
//! max_total_bytes = "500GB"
//! [[retention.rules]]
//! table = "logs"
//! severity_below = "info"
//! keep = "7d"
//! ```
//! With a `[retention]`, also an empty one, the file is the policy.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use spoor_query::language::RuleQueries;
use spoor_storage::{FixedRetention, RetentionPolicy, RetentionRule};
use toml::Spanned;

use super::problem::Problems;
use super::quantity;
use super::text::Text;

/// `[retention]`, as written.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawRetention {
    rules: Vec<Spanned<toml::Value>>,
    max_total_bytes: Option<Text>,
    #[serde(flatten)]
    unknown: BTreeMap<String, toml::Value>,
}

impl RawRetention {
    /// The policy; `None` if something in it is wrong, which is then a problem with its line in
    /// `text`, the file at `path`.
    pub(super) fn resolve(
        &self,
        path: &Path,
        text: &str,
        problems: &mut Problems,
    ) -> Option<FixedRetention> {
        let shown = path.display();
        let before = problems.iter().count();
        for key in self.unknown.keys() {
            problems.add(
                format!("`retention.{key}` in `{shown}` is not a setting"),
                "there are `[[retention.rules]]` and `max_total_bytes`",
            );
        }
        let mut policy = RetentionPolicy::default();
        if let Some(Text(size)) = &self.max_total_bytes {
            match quantity::size(size) {
                Ok(bytes) => policy.max_total_bytes = Some(bytes),
                Err(hint) => problems.add(format!("`retention.max_total_bytes` is `{size}`"), hint),
            }
        }
        for (at, rule) in self.rules.iter().enumerate() {
            let line = text.bytes().take(rule.span().start);
            let line = line.filter(|&byte| byte == b'\n').count() + 1;
            let place = format!("retention rule {} in `{shown}` line {line}", at + 1);
            match rule_of(rule.get_ref().clone()) {
                Ok(rule) => policy.rules.push(rule),
                Err((what, hint)) => problems.add(format!("{place} is wrong: {what}"), hint),
            }
        }
        if problems.iter().count() > before {
            return None;
        }
        // What is wrong with single rules is told by now.
        if let Err(error) = policy.check(Some(&RuleQueries)) {
            let hint = error.hint().unwrap_or_default().to_owned();
            problems.add(
                format!("`retention` in `{shown}`: {}", error.message()),
                hint,
            );
            return None;
        }
        Some(FixedRetention {
            policy,
            set_in: format!("the settings file `{shown}`"),
        })
    }
}

/// A rule that makes sense, or what is wrong with it and what to do.
fn rule_of(value: toml::Value) -> Result<RetentionRule, (String, String)> {
    let rule = RetentionRule::deserialize(value).map_err(|error| {
        let hint = "write `table`, `keep` and conditions, as `spoor retention` prints them";
        (error.message().trim().to_owned(), hint.to_owned())
    })?;
    let alone = RetentionPolicy {
        rules: vec![rule],
        max_total_bytes: None,
    };
    if let Err(error) = alone.check(Some(&RuleQueries)) {
        let what = error.message();
        let what = what.strip_prefix("rule 1: ").unwrap_or(what).to_owned();
        return Err((what, error.hint().unwrap_or_default().to_owned()));
    }
    let RetentionPolicy { mut rules, .. } = alone;
    Ok(rules.swap_remove(0))
}
