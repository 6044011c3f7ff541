//! Retention rules and pins in the crash matrix: what was answered is in force, an attempt that failed
//! may be.

use std::collections::BTreeMap;

use super::*;
use crate::model::TraceId;
use crate::retention::{Pin, RetentionPolicy, RetentionRule};

const TRACE: TraceId = TraceId([9; 16]);

/// What may be in force.
#[derive(Debug)]
pub(super) struct Rules {
    policies: Vec<RetentionPolicy>,
    pinned: Vec<bool>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            policies: vec![RetentionPolicy::default()],
            pinned: vec![false],
        }
    }
}

/// Rules that no record of the matrix meets: what they do has tests of its own.
fn rules(number: u64) -> RetentionPolicy {
    RetentionPolicy {
        rules: vec![RetentionRule {
            table: Table::Logs,
            service: Some(format!("nobody-{number}")),
            severity_below: None,
            severity_at_least: None,
            status: None,
            attributes: BTreeMap::new(),
            query: None,
            keep: "1d".to_owned(),
        }],
        max_total_bytes: None,
    }
}

impl World {
    /// Puts other rules in force, pins a trace and unpins it.
    pub(super) async fn change_rules(&mut self) -> Result<()> {
        let policy = rules(self.next);
        self.rules.policies.push(policy.clone());
        self.storage().set_retention(policy.clone(), None).await?;
        self.rules.policies = vec![policy];
        let pin = Pin {
            pinned_ns: 1,
            pinned_by: None,
            note: String::new(),
        };
        self.rules.pinned.push(true);
        self.storage().pin(&TenantId::default(), TRACE, pin).await?;
        self.rules.pinned = vec![true];
        self.rules.pinned.push(false);
        self.storage().unpin(&TenantId::default(), TRACE).await?;
        self.rules.pinned = vec![false];
        Ok(())
    }

    /// What is in force is what may be, and settles what was not known.
    pub(super) fn verify_rules(&mut self, context: &str) {
        let storage = self.storage();
        let policy = storage.retention().record.policy;
        let pinned = storage.pinned(&TenantId::default(), TRACE).is_some();
        let may_be = &self.rules;
        assert!(
            may_be.policies.contains(&policy),
            "{context}: {policy:?}, {may_be:?}"
        );
        assert!(
            may_be.pinned.contains(&pinned),
            "{context}: {pinned}, {may_be:?}"
        );
        self.rules = Rules {
            policies: vec![policy],
            pinned: vec![pinned],
        };
    }
}
