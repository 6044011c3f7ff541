//! Exceptions counted by group, in bounded memory.

use std::collections::{BTreeMap, HashMap};

use super::{Exception, frames_of};
use crate::api::Buckets;
use crate::listing::RowPlace;
use crate::parameters::Periods;
use crate::patterns::{Record, Services, Tally, template_of};

/// Groups told apart.
const MAX_GROUPS: usize = 5_000;
/// Operations and messages told apart of one group.
const MAX_OPERATIONS: usize = 50;
const MAX_MESSAGES: usize = 20;
/// Bytes of a type.
const MAX_TYPE: usize = 300;

/// Where one was recorded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) place: RowPlace,
    pub(super) service: &'a str,
    pub(super) source: Source<'a>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    Span {
        name: &'a str,
        trace_id: [u8; 16],
        span_id: [u8; 8],
    },
    Log,
}

/// Two are of one group if these are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct GroupKey {
    pub(super) kind: Option<String>,
    pub(super) frames: Vec<String>,
    /// Only where there is no stack.
    message: Option<String>,
}

/// What is known of a group.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) tally: Tally,
    pub(super) span_count: u64,
    pub(super) log_count: u64,
    /// By service number and name.
    pub(super) operations: BTreeMap<(u32, String), u64>,
    messages: BTreeMap<String, u64>,
    /// The newest span and log record.
    pub(super) span: Option<(RowPlace, [u8; 16], [u8; 8])>,
    pub(super) log: Option<RowPlace>,
}

/// Groups while exceptions are added.
#[derive(Debug)]
pub(super) struct Groups {
    periods: Periods,
    buckets: Option<Buckets>,
    pub(super) services: Services,
    by_key: HashMap<GroupKey, Group>,
    /// Exceptions that have no group, since there are too many.
    pub(super) without_group: u64,
}

// === impl Groups ===

impl Groups {
    pub(super) fn new(periods: Periods, buckets: Option<Buckets>) -> Self {
        Self {
            periods,
            buckets,
            services: Services::default(),
            by_key: HashMap::new(),
            without_group: 0,
        }
    }

    pub(super) fn add(&mut self, exception: Exception<'_>, origin: Origin<'_>) {
        let key = GroupKey::of(exception);
        if self.by_key.len() >= MAX_GROUPS && !self.by_key.contains_key(&key) {
            self.without_group += 1;
            return;
        }
        let service = self.services.number(origin.service);
        let record = Record {
            place: origin.place,
            level: "error",
            service,
        };
        let group = self.by_key.entry(key).or_default();
        group.tally.add(record, self.periods, self.buckets);
        if !self.periods.is_baseline(origin.place.time_ns) {
            group.add(exception, origin, service);
        }
    }

    /// The groups with an exception in the second period, most frequent first.
    pub(super) fn finish(&mut self) -> Vec<(GroupKey, Group)> {
        let mut groups: Vec<(GroupKey, Group)> = self
            .by_key
            .drain()
            .filter(|(_, group)| group.tally.count > 0)
            .collect();
        groups.sort_by(|(a, left), (b, right)| {
            let (left, right) = (left.tally.count, right.tally.count);
            right.cmp(&left).then_with(|| a.cmp(b))
        });
        groups
    }

    /// About how many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        const EACH: usize = 8 << 10;
        self.by_key.len() * EACH
    }
}

impl GroupKey {
    fn of(exception: Exception<'_>) -> Self {
        let frames = exception.stack.map(frames_of).unwrap_or_default();
        let cut = |text: &str| {
            let end = text.floor_char_boundary(MAX_TYPE);
            text.get(..end).unwrap_or_default().to_owned()
        };
        Self {
            kind: exception.kind.filter(|kind| !kind.is_empty()).map(cut),
            message: exception
                .message
                .filter(|_| frames.is_empty())
                .map(template_of),
            frames,
        }
    }
}

impl Group {
    fn add(&mut self, exception: Exception<'_>, origin: Origin<'_>, service: u32) {
        if let Some(message) = exception.message {
            count_bounded(&mut self.messages, template_of(message), MAX_MESSAGES);
        }
        match origin.source {
            Source::Span {
                name,
                trace_id,
                span_id,
            } => {
                self.span_count += 1;
                let operation = (service, name.to_owned());
                count_bounded(&mut self.operations, operation, MAX_OPERATIONS);
                let newest = self.span.is_none_or(|(place, ..)| place < origin.place);
                if newest {
                    self.span = Some((origin.place, trace_id, span_id));
                }
            }
            Source::Log => {
                self.log_count += 1;
                self.log = self.log.max(Some(origin.place));
            }
        }
    }

    /// The most frequent message, as a template.
    pub(super) fn message(&self) -> Option<&str> {
        let most = |(a, left): &(&String, &u64), (b, right): &(&String, &u64)| {
            left.cmp(right).then_with(|| b.cmp(a))
        };
        let (message, _) = self.messages.iter().max_by(most)?;
        Some(message)
    }
}

fn count_bounded<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K, most: usize) {
    if counts.len() < most || counts.contains_key(&key) {
        *counts.entry(key).or_default() += 1;
    }
}
