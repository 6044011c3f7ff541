//! Failures counted by group, in bounded memory.

use std::collections::BTreeMap;

use spoor_storage::TraceId;

use crate::exceptions::Exception;
use crate::listing::RowPlace;
use crate::otlp::SpanRef;
use crate::parameters::Periods;
use crate::patterns::{Coarsen, Grouped, Merge, Record, Tally, count_bounded, template_of};
use crate::trace::assemble::{Placed, assemble};
use crate::trace::{LoadedTrace, Origin, error_origin};

/// Groups told apart.
const MAX_GROUPS: usize = 2_000;
/// Root operations told apart of one group.
const MAX_ROOTS: usize = 100;
/// Traces kept of one group.
const MAX_SAMPLES: usize = 3;
/// Bytes of a message that is kept as it is.
const SHORT: usize = 8;
/// Status codes that say why, where there is no exception and no message.
const CODES: [&str; 5] = [
    "error.type",
    "http.response.status_code",
    "http.status_code",
    "rpc.grpc.status_code",
    "db.response.status_code",
];

/// Failures are of one group if these are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct GroupKey {
    pub(super) service_name: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) exception_type: Option<String>,
    /// What the exception or the status says, as a template; or a status code.
    pub(super) message: Option<String>,
}

/// A trace of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sample {
    pub(super) start_ns: i64,
    pub(super) trace_id: TraceId,
    pub(super) span_id: [u8; 8],
    /// Services from the topmost failing span down to the origin, each once where it follows itself.
    pub(super) path: Vec<String>,
}

/// What is known of a group.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) tally: Tally,
    pub(super) root_failed_count: u64,
    /// By service and name.
    pub(super) roots: BTreeMap<(String, String), u64>,
    /// The newest.
    pub(super) samples: Vec<Sample>,
}

/// Groups while traces are added.
#[derive(Debug)]
pub(super) struct Groups {
    periods: Periods,
    by_key: Grouped<GroupKey, Group>,
}

impl Groups {
    pub(super) fn new(periods: Periods) -> Self {
        Self {
            periods,
            by_key: Grouped::new(MAX_GROUPS),
        }
    }

    /// Adds the failure of a trace, if it has one.
    pub(super) fn add(&mut self, id: TraceId, trace: &LoadedTrace) {
        let nodes = trace.nodes();
        let tree = assemble(&nodes);
        let Some(origin) = error_origin(&nodes, &tree) else {
            return;
        };
        let span_at = |place: usize| trace.span(tree.order[place].span);
        let broken = span_at(origin.place());
        let SpanRef { columns, row } = broken;
        let place = RowPlace {
            time_ns: columns.start_ns(row),
            record_id: columns.record_id(row),
        };
        let record = Record {
            place,
            level: "error",
            service: None,
        };
        let root = root_of(&tree.order, origin.top());
        let SpanRef {
            columns: of,
            row: at,
        } = trace.span(root);
        let operation = (of.service_name(at).to_owned(), of.name(at).to_owned());
        let sample = Sample {
            start_ns: place.time_ns,
            trace_id: id,
            span_id: columns.span_id(row),
            path: services_of(&origin, &span_at),
        };
        let periods = self.periods;
        self.by_key.add(GroupKey::of(broken), |group| {
            group.tally.add(record, periods, None);
            if periods.is_baseline(place.time_ns) {
                return;
            }
            group.root_failed_count += u64::from(origin.root_failed);
            count_bounded(&mut group.roots, operation, 1, MAX_ROOTS);
            group.samples.push(sample);
            group.keep_newest();
        });
    }

    /// Whether groups are coarser than the failures are, since there are too many.
    pub(super) fn are_coarse(&self) -> bool {
        self.by_key.is_coarse()
    }

    /// The groups with a failure in the second period, most frequent first; and how many failures the first
    /// period has, of all groups.
    pub(super) fn finish(self) -> (Vec<(GroupKey, Group)>, u64) {
        self.by_key.into_most_frequent(|group| &group.tally)
    }
}

/// First what is said does not count any more, then the type, then the operation, then the service.
impl Coarsen for GroupKey {
    const LEVELS: u8 = 4;

    fn coarse(mut self, level: u8) -> Self {
        if level >= 1 {
            self.message = None;
        }
        if level >= 2 {
            self.exception_type = None;
        }
        if level >= 3 {
            self.name.clear();
            self.kind.clear();
        }
        if level >= Self::LEVELS {
            self.service_name.clear();
        }
        self
    }
}

impl Merge for Group {
    fn merge(&mut self, other: Self) {
        self.tally.merge(&other.tally);
        self.root_failed_count += other.root_failed_count;
        for (root, count) in other.roots {
            count_bounded(&mut self.roots, root, count, MAX_ROOTS);
        }
        self.samples.extend(other.samples);
        self.keep_newest();
    }
}

impl Group {
    fn keep_newest(&mut self) {
        self.samples.sort_unstable_by(|a, b| b.cmp(a));
        self.samples.truncate(MAX_SAMPLES);
    }
}

impl GroupKey {
    fn of(SpanRef { columns, row }: SpanRef<'_>) -> Self {
        let exception = Exception::last_of(columns, row);
        let status = columns.status_message(row).filter(|text| !text.is_empty());
        let said = exception.and_then(|exception| exception.message).or(status);
        let code = || {
            CODES.iter().find_map(|code| {
                let mut attributes = columns.attributes(row).iter();
                let found = attributes.find(|attribute| attribute.key == *code)?;
                Some(format!("{code} {}", found.text?))
            })
        };
        // What is so short is a code and no sentence: `404` is not `<num>`.
        let templated = |text: &str| match text.len() {
            0..=SHORT => text.to_owned(),
            _ => template_of(text),
        };
        Self {
            service_name: columns.service_name(row).to_owned(),
            name: columns.name(row).to_owned(),
            kind: columns.kind(row).to_owned(),
            exception_type: exception
                .and_then(|exception| exception.kind)
                .map(str::to_owned),
            message: said.map(templated).or_else(code),
        }
    }
}

/// The span at the root above a place.
fn root_of(order: &[Placed], mut place: usize) -> usize {
    while let Some(parent) = order[place].parent {
        place = parent;
    }
    order[place].span
}

fn services_of<'t>(origin: &Origin, span_at: &impl Fn(usize) -> SpanRef<'t>) -> Vec<String> {
    let mut path: Vec<String> = Vec::new();
    for place in &origin.path {
        let SpanRef { columns, row } = span_at(*place);
        let service = columns.service_name(row);
        if path.last().is_none_or(|last| last != service) {
            path.push(service.to_owned());
        }
    }
    path
}
