//! Requests that were acknowledged and that the log does not give back.
//!
//! Numbers of requests grow by one, so a gap between two of them says how many are gone: their
//! records are broken, or their segment is. Which table and which times they had, nobody knows, so every
//! answer lacks them. What was found is an entry of the catalog, written before the log can be
//! deleted, and stays until somebody says that it is known (`spoor check --repair`).

use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::error::Result;
use crate::model::{Table, TenantId};

/// Losses that are kept apart; more are counted with the last one.
const MAX_LOSSES: usize = 1_000;

/// Requests of the log that are lost, all for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// How many they are.
    pub requests: u64,
    /// Whose records they had and of which table, if it is a request that is whole and does not decode.
    pub of: Option<(TenantId, Table)>,
    /// Whether somebody knows.
    pub acknowledged: bool,
}

impl Loss {
    /// Requests between two that are there.
    pub(crate) fn gap(first: u64, last: u64) -> Self {
        Self {
            first,
            last,
            requests: last - first + 1,
            of: None,
            acknowledged: false,
        }
    }

    /// A request that does not decode.
    pub(crate) fn undecodable(sequence: u64, tenant: TenantId, table: Table) -> Self {
        Self {
            of: Some((tenant, table)),
            ..Self::gap(sequence, sequence)
        }
    }

    /// Whether records of this table may be among what is lost.
    pub(crate) fn concerns(&self, tenant: &TenantId, table: Table) -> bool {
        match &self.of {
            Some(of) => *of == (tenant.clone(), table),
            None => true,
        }
    }

    /// What an answer says that lacks it.
    pub(crate) fn reason(&self) -> String {
        format!(
            "write-ahead log: {}; `spoor check --repair` acknowledges the loss",
            self.what()
        )
    }

    /// What a check says about it.
    pub(crate) fn problem(&self, acknowledged: bool) -> String {
        let what = self.what();
        if acknowledged {
            format!("{what}: acknowledged, answers do not say so any more")
        } else {
            format!("{what}: answers say that they lack it until --repair acknowledges the loss")
        }
    }

    fn what(&self) -> String {
        let which = match (self.first, self.last) {
            (first, last) if first == last => format!("request {first}"),
            (first, last) => format!("{} of requests {first} to {last}", self.requests),
        };
        let what = match &self.of {
            Some((_, table)) => format!("cannot be decoded by this version ({table})"),
            None => "is damaged or missing".to_owned(),
        };
        format!("{which} {what}")
    }
}

/// All losses of a directory, as the catalog has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Losses(Vec<Loss>);

impl Losses {
    pub(crate) async fn read(catalog: &Catalog) -> Result<Self> {
        Ok(Self(catalog.losses().await?))
    }

    /// Those that nobody has acknowledged.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Loss> {
        self.0.iter().filter(|loss| !loss.acknowledged)
    }

    /// Writes a loss down, unless it was found at an earlier start.
    pub(crate) async fn note(&mut self, catalog: &Catalog, loss: Loss) -> Result<()> {
        if !self.add(loss) {
            return Ok(());
        }
        catalog.set_losses(&self.0).await
    }

    /// Adds a loss, if it is not known already.
    pub(crate) fn add(&mut self, loss: Loss) -> bool {
        let known = |old: &Loss| old.first <= loss.first && loss.last <= old.last;
        if self.0.iter().any(known) {
            return false;
        }
        // What an earlier start found in parts.
        self.0
            .retain(|old| old.first < loss.first || old.last > loss.last);
        let full = self.0.len() >= MAX_LOSSES;
        match self.0.last_mut() {
            Some(last) if full => {
                last.last = last.last.max(loss.last);
                last.requests += loss.requests;
                last.of = None;
                last.acknowledged = false;
            }
            _ => self.0.push(loss),
        }
        true
    }

    /// A request that could not be decoded before is there: no loss any more.
    pub(crate) async fn found(&mut self, catalog: &Catalog, sequence: u64) -> Result<()> {
        let before = self.0.len();
        self.0
            .retain(|loss| loss.of.is_none() || (loss.first, loss.last) != (sequence, sequence));
        if self.0.len() == before {
            return Ok(());
        }
        catalog.set_losses(&self.0).await
    }

    /// Notes down that all of them are known.
    pub(crate) async fn acknowledge(&mut self, catalog: &Catalog) -> Result<()> {
        for loss in &mut self.0 {
            loss.acknowledged = true;
        }
        catalog.set_losses(&self.0).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_counted_once_and_the_list_has_a_bound() {
        let mut losses = Losses::default();
        assert!(losses.add(Loss::gap(5, 7)));
        assert!(
            !losses.add(Loss::gap(5, 7)),
            "the next start finds it again"
        );
        losses.0[0].acknowledged = true;
        assert!(!losses.add(Loss::gap(6, 6)) && losses.open().count() == 0);
        for number in 0..2 * MAX_LOSSES as u64 {
            assert!(losses.add(Loss::gap(10 + 2 * number, 10 + 2 * number)));
        }
        assert_eq!(losses.0.len(), MAX_LOSSES);
        let lost: u64 = losses.0.iter().map(|loss| loss.requests).sum();
        assert_eq!(lost, 3 + 2 * MAX_LOSSES as u64);
        let last = losses.0.last().unwrap();
        assert!(
            last.reason()
                .contains(&format!("{} of requests", last.requests))
        );
    }
}
