//! Spans counted by service and operation, by file and in bounded memory.

use std::collections::{BTreeMap, HashMap};

use arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::Expr;
use datafusion::prelude::col;
use spoor_storage::{DataFile, Result, Table};

use super::figures::Figures;
use crate::api::Buckets;
use crate::by_file::{Cell as _, Cells, Count, Places, Sorted, distinct_values};
use crate::failure::from_datafusion;
use crate::otlp::{integers, strings};

/// At most this many operations are told apart. Operations beyond are a sign of ids in span
/// names; their spans count for the service.
const MAX_OPERATIONS: usize = 5_000;
/// At most this many services are told apart.
const MAX_SERVICES: usize = 5_000;
/// Durations of an operation that are kept one by one.
const EXACT: usize = 4_096;
/// Ends the kind in the key of an operation.
const MARK: char = '\0';

/// One operation of a service.
pub(super) type Operation = Figures<EXACT>;

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

/// One operation with its names.
#[derive(Debug)]
pub(super) struct NamedOperation {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) operation: Operation,
}

/// Counts spans by operation, service and kind.
#[derive(Debug)]
pub(super) struct OperationCount {
    pub(super) buckets: Option<Buckets>,
}

impl Count for OperationCount {
    type Cell = Operation;

    const WHAT: &'static str = "spans, errors and durations by operation";
    // A list doubles when it is full.
    const ROW_BYTES: u64 = 2 * size_of::<i64>() as u64;
    const CELL_BYTES: u64 = 2 * (EXACT * size_of::<i64>()) as u64;

    fn by(&self) -> Option<&Expr> {
        None
    }

    fn values(&self, file: &DataFile) -> u64 {
        let of = |field| distinct_values(file, Table::Spans, field);
        of("name").max(of("service_name"))
    }

    fn read(&self, rows: DataFrame) -> Result<DataFrame> {
        let mut columns = Places::columns(Table::Spans, self.buckets);
        columns.extend(Operations::COLUMNS.map(col));
        rows.select(columns).map_err(from_datafusion)
    }

    fn add(&self, batch: &RecordBatch, sorted: &mut Sorted<Operation>) -> Result<()> {
        let places = Places::open(batch)?;
        let spans = Columns::open(batch, 2)?;
        let mut key = String::new();
        for row in 0..batch.num_rows() {
            write_key(spans.labels(row), &mut key);
            let operation = sorted.cell(places.of(row), &key);
            operation.add_span(spans.failed(row), spans.durations.value(row));
        }
        Ok(())
    }
}

/// `SERVER␀4␀cartGET /`: no two operations have the same.
fn write_key([service, name, kind]: [&str; 3], key: &mut String) {
    key.clear();
    key.push_str(kind);
    key.push(MARK);
    key.push_str(&service.len().to_string());
    key.push(MARK);
    key.push_str(service);
    key.push_str(name);
}

/// Service, name and kind of the operation with this key.
pub(super) fn labels_of(key: &str) -> Option<[&str; 3]> {
    let (kind, rest) = key.split_once(MARK)?;
    let (length, rest) = rest.split_once(MARK)?;
    let (service, name) = rest.split_at_checked(length.parse().ok()?)?;
    Some([service, name, kind])
}

/// The columns of a batch that say what a span did.
struct Columns {
    services: arrow::array::StringArray,
    names: arrow::array::StringArray,
    kinds: arrow::array::StringArray,
    codes: arrow::array::StringArray,
    durations: arrow::array::Int64Array,
}

impl Columns {
    /// [`Operations::COLUMNS`] from a place on.
    fn open(batch: &RecordBatch, from: usize) -> Result<Self> {
        Ok(Self {
            services: strings(batch.column(from))?,
            names: strings(batch.column(from + 1))?,
            kinds: strings(batch.column(from + 2))?,
            codes: strings(batch.column(from + 3))?,
            durations: integers(batch.column(from + 4))?,
        })
    }

    fn labels(&self, row: usize) -> [&str; 3] {
        [&self.services, &self.names, &self.kinds].map(|column| column.value(row))
    }

    fn failed(&self, row: usize) -> bool {
        self.codes.value(row) == "ERROR"
    }
}

impl Operations {
    /// The columns that [`Operations::add`] takes, in order.
    pub(super) const COLUMNS: [&str; 5] =
        ["service_name", "name", "kind", "status_code", "duration_ns"];

    /// Adds a batch of [`Operations::COLUMNS`].
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let spans = Columns::open(batch, 0)?;
        for row in 0..batch.num_rows() {
            let (failed, duration_ns) = (spans.failed(row), spans.durations.value(row));
            if let Some(operation) = self.place(spans.labels(row), 1, u64::from(failed)) {
                operation.add_span(failed, duration_ns);
            }
        }
        Ok(())
    }

    /// Adds what was counted by [`OperationCount`], the operations with the most spans first.
    pub(super) fn add_cells(&mut self, cells: impl IntoIterator<Item = Cells<Operation>>) {
        let mut found: HashMap<Box<str>, Operation> = HashMap::new();
        for (key, buckets) in cells.into_iter().flat_map(Cells::into_values) {
            let operation = found.entry(key).or_default();
            for more in buckets.values() {
                operation.add(more);
            }
        }
        let mut found: Vec<(Box<str>, Operation)> = found.into_iter().collect();
        found.sort_unstable_by(|(a, one), (b, other)| {
            let order = other.span_count().cmp(&one.span_count());
            order.then_with(|| a.cmp(b))
        });
        for (key, operation) in found {
            let Some(labels) = labels_of(&key) else {
                continue;
            };
            let (spans, errors) = (operation.span_count(), operation.error_count);
            if let Some(place) = self.place(labels, spans, errors) {
                *place = operation;
            }
        }
    }

    /// Counts spans for their service; the operation that they are of, if it has a place.
    fn place(
        &mut self,
        [service, name, kind]: [&str; 3],
        spans: u64,
        errors: u64,
    ) -> Option<&mut Operation> {
        if !self.services.contains_key(service) {
            if self.services.len() >= MAX_SERVICES {
                self.spans_without_service += spans;
                return None;
            }
            self.services.insert(service.to_owned(), Service::default());
        }
        let service = self.services.get_mut(service)?;
        service.span_count += spans;
        service.error_count += errors;
        let kinds = service.operations.get(name);
        let is_listed = kinds.is_some_and(|kinds| kinds.contains_key(kind));
        if !is_listed {
            if self.listed >= MAX_OPERATIONS {
                self.spans_without_place += spans;
                return None;
            }
            self.listed += 1;
            let kinds = service.operations.entry(name.to_owned()).or_default();
            kinds.insert(kind.to_owned(), Operation::default());
        }
        service.operations.get_mut(name)?.get_mut(kind)
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
            let count = |named: &NamedOperation| named.operation.span_count();
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

    impl Operations {
        fn add_span(&mut self, labels: [&str; 3], failed: bool, duration_ns: i64) {
            if let Some(operation) = self.place(labels, 1, u64::from(failed)) {
                operation.add_span(failed, duration_ns);
            }
        }
    }

    #[test]
    fn keys_tell_operations_apart() {
        let all = [
            ["cart", "GET /", "SERVER"],
            ["", "", ""],
            ["a", "bc", "CLIENT"],
            ["ab", "c", "CLIENT"],
            ["1\0a", "\0", "CLIENT"],
            ["ü", "\0\0x", "INTERNAL"],
        ];
        let mut keys = Vec::new();
        for labels in all {
            let mut key = "before".to_owned();
            write_key(labels, &mut key);
            assert_eq!(labels_of(&key), Some(labels));
            keys.push(key);
        }
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all.len());
        assert_eq!(labels_of("SERVER\099\0cart"), None);
    }

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
