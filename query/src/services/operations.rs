//! Spans counted by service and operation, in one pass and bounded memory.

use std::collections::{BTreeMap, HashMap};

use arrow::array::Array as _;
use arrow::record_batch::RecordBatch;
use spoor_storage::Result;

use super::quantile::Durations;
use crate::otlp::{integers, strings};

/// At most this many operations are told apart. Operations beyond are a sign of ids in span
/// names; their spans count for the service.
const MAX_OPERATIONS: usize = 5_000;
/// At most this many services are told apart.
const MAX_SERVICES: usize = 5_000;

/// Services and their operations while spans are added.
#[derive(Debug, Default)]
pub(super) struct Operations {
    services: HashMap<String, Service>,
    listed: usize,
    /// Spans that count for their service only, and spans that count nowhere.
    pub(super) spans_without_place: u64,
    pub(super) spans_without_service: u64,
}

/// One service.
#[derive(Debug, Default)]
pub(super) struct Service {
    pub(super) span_count: u64,
    pub(super) error_count: u64,
    /// By name, then kind.
    operations: HashMap<String, BTreeMap<String, Operation>>,
}

/// One operation of a service.
#[derive(Debug, Default)]
pub(super) struct Operation {
    pub(super) error_count: u64,
    pub(super) durations: Durations,
}

/// One operation with its names.
#[derive(Debug)]
pub(super) struct NamedOperation {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) operation: Operation,
}

impl Operations {
    /// The columns that [`Operations::add`] takes, in order.
    pub(super) const COLUMNS: [&str; 5] =
        ["service_name", "name", "kind", "status_code", "duration_ns"];

    /// Adds a batch of [`Operations::COLUMNS`].
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let services = strings(batch.column(0))?;
        let names = strings(batch.column(1))?;
        let kinds = strings(batch.column(2))?;
        let codes = strings(batch.column(3))?;
        let durations = integers(batch.column(4))?;
        for row in 0..services.len() {
            let error = codes.value(row) == "ERROR";
            let labels = [services.value(row), names.value(row), kinds.value(row)];
            self.add_span(labels, error, durations.value(row));
        }
        Ok(())
    }

    fn add_span(&mut self, [service, name, kind]: [&str; 3], error: bool, duration_ns: i64) {
        if !self.services.contains_key(service) {
            if self.services.len() >= MAX_SERVICES {
                self.spans_without_service += 1;
                return;
            }
            self.services.insert(service.to_owned(), Service::default());
        }
        let Some(service) = self.services.get_mut(service) else {
            return;
        };
        service.span_count += 1;
        service.error_count += u64::from(error);
        let known = service
            .operations
            .get_mut(name)
            .and_then(|kinds| kinds.get_mut(kind));
        let operation = match known {
            Some(known) => known,
            None if self.listed >= MAX_OPERATIONS => {
                self.spans_without_place += 1;
                return;
            }
            None => {
                self.listed += 1;
                let kinds = service.operations.entry(name.to_owned()).or_default();
                kinds.entry(kind.to_owned()).or_default()
            }
        };
        operation.error_count += u64::from(error);
        operation.durations.add(duration_ns);
    }

    /// The services by name.
    pub(super) fn finish(self) -> BTreeMap<String, Service> {
        self.services.into_iter().collect()
    }
}

impl Service {
    /// Its operations, the one with the most spans first.
    pub(super) fn into_operations(self) -> Vec<NamedOperation> {
        let mut named: Vec<NamedOperation> = self
            .operations
            .into_iter()
            .flat_map(|(name, kinds)| {
                kinds
                    .into_iter()
                    .map(move |(kind, operation)| NamedOperation {
                        name: name.clone(),
                        kind,
                        operation,
                    })
            })
            .collect();
        named.sort_by(|a, b| {
            let count = |named: &NamedOperation| named.operation.durations.count();
            count(b)
                .cmp(&count(a))
                .then_with(|| a.name.cmp(&b.name))
                .then_with(|| a.kind.cmp(&b.kind))
        });
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_service_name_and_kind() {
        let mut operations = Operations::default();
        operations.add_span(["a", "GET", "SERVER"], false, 10);
        operations.add_span(["a", "GET", "CLIENT"], true, 20);
        operations.add_span(["a", "GET", "CLIENT"], false, 40);
        operations.add_span(["b", "GET", "CLIENT"], false, 30);
        let mut services = operations.finish();
        let a = services.remove("a").unwrap();
        assert_eq!((a.span_count, a.error_count), (3, 1));
        let mut found = a.into_operations();
        let clients = &mut found[0];
        assert_eq!(
            (clients.kind.as_str(), clients.operation.error_count),
            ("CLIENT", 1)
        );
        assert_eq!(clients.operation.durations.percentiles([50, 95]), [20, 40]);
        assert_eq!(found.len(), 2);
        assert_eq!(services["b"].span_count, 1);
    }

    #[test]
    fn names_with_ids_do_not_grow_without_bound() {
        let mut operations = Operations::default();
        for number in 0..MAX_OPERATIONS + 10 {
            operations.add_span(["a", &format!("GET /{number}"), "SERVER"], false, 1);
        }
        assert_eq!(operations.spans_without_place, 10);
        let a = operations.finish().remove("a").unwrap();
        assert_eq!(
            a.span_count,
            MAX_OPERATIONS as u64 + 10,
            "spans count all the same"
        );
        assert_eq!(a.into_operations().len(), MAX_OPERATIONS);
    }
}
