//! Which namespace a service is in.
//!
//! `service.namespace` says it, and where that is missing Kubernetes' namespace. Counted file by file, so that what
//! is known of a file is not read again.

use std::collections::BTreeMap;

use datafusion::functions::core::expr_fn::nullif;
use datafusion::logical_expr::lit;
use datafusion::prelude::{coalesce, col};
use spoor_storage::{Result, Table, TimeRange};

use crate::by_file::{ByFile, GroupColumn, GroupCount, parts};
use crate::language::field_text;
use crate::services::calls::read_for;
use crate::session::QuerySession;

/// The first that has a value counts.
const FIELDS: [&str; 2] = ["resource.service.namespace", "resource.k8s.namespace.name"];

/// The namespace of each service that has one: of those that it says, the one of most of its spans.
#[derive(Debug, Default)]
pub(super) struct Namespaces(BTreeMap<Box<str>, Box<str>>);

impl Namespaces {
    /// Of the services whose spans make the graph of `range`.
    pub(super) async fn of(session: &QuerySession, range: TimeRange) -> Result<Self> {
        let named = |field: &str| nullif(field_text(field, Table::Spans), lit(""));
        let columns = [
            GroupColumn {
                name: "service_name".to_owned(),
                value: col("service_name"),
            },
            GroupColumn {
                name: FIELDS[0].to_owned(),
                value: coalesce(FIELDS.map(named).to_vec()),
            },
        ];
        let rows = ByFile {
            session,
            table: Table::Spans,
            range: read_for(range),
            filter: lit(true),
            buckets: None,
        };
        let count = GroupCount::by(Table::Spans, &columns, None);
        let Some(cells) = rows.cells(&count).await? else {
            session.note_incomplete("there are too many services; none has its namespace");
            return Ok(Self::default());
        };
        let counts = cells.into_values().filter_map(|(group, spans)| {
            let mut parts = parts(&group);
            let (service, namespace) = (parts.next()??.into(), parts.next()??.into());
            Some((service, namespace, spans.into_values().sum()))
        });
        Ok(Self::most_frequent(counts))
    }

    /// Of namespaces with as many spans the first by name, so that the order of files does not matter.
    fn most_frequent(counts: impl Iterator<Item = (Box<str>, Box<str>, u64)>) -> Self {
        let mut best: BTreeMap<Box<str>, (u64, Box<str>)> = BTreeMap::new();
        for (service, namespace, spans) in counts {
            match best.get_mut(&service) {
                Some((most, known)) if spans > *most || (spans == *most && namespace < *known) => {
                    (*most, *known) = (spans, namespace);
                }
                Some(_) => {}
                None => {
                    best.insert(service, (spans, namespace));
                }
            }
        }
        let best = best.into_iter();
        Self(best.map(|(service, (_, name))| (service, name)).collect())
    }

    /// The namespace of a service; `None` of one that says none.
    pub(super) fn of_service(&self, service: &str) -> Option<&str> {
        self.0.get(service).map(|namespace| &**namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_spans_decide_and_then_the_name() {
        let counts = [
            ("cart", "staging", 3),
            ("cart", "prod", 7),
            ("cart", "test", 1),
            ("pay", "b", 2),
            ("pay", "a", 2),
            ("pay", "c", 2),
        ];
        let counts = counts.map(|(service, name, spans)| -> (Box<str>, Box<str>, u64) {
            (service.into(), name.into(), spans)
        });
        for turned in 0..counts.len() {
            let mut counts = counts.clone();
            counts.rotate_left(turned);
            let found = Namespaces::most_frequent(counts.into_iter());
            let of = |service| found.of_service(service);
            assert_eq!(
                (of("cart"), of("pay"), of("mail")),
                (Some("prod"), Some("a"), None)
            );
        }
    }
}
