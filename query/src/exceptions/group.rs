//! Exceptions counted by group, in bounded memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Exception, frames_of};
use crate::api::Buckets;
use crate::by_file::Cell as _;
use crate::listing::RowPlace;
use crate::parameters::Periods;
use crate::patterns::{
    Coarsen, Grouped, Merge, Record, Services, Tally, count_bounded, template_of,
};

/// Groups told apart.
const MAX_GROUPS: usize = 5_000;
/// Operations and messages told apart of one group.
const MAX_OPERATIONS: usize = 50;
const MAX_MESSAGES: usize = 20;
/// All exceptions are errors.
const LEVEL: &str = "error";
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
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct GroupKey {
    pub(super) kind: Option<String>,
    pub(super) frames: Vec<String>,
    /// Only where there is no stack.
    message: Option<String>,
}

/// What is known of a group.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    pub(super) tally: Tally,
    pub(super) span_count: u64,
    pub(super) log_count: u64,
    /// By service and name.
    pub(super) operations: BTreeMap<(String, String), u64>,
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
    by_key: Grouped<GroupKey, Group>,
}

/// What they came to.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) groups: Vec<(GroupKey, Group)>,
    pub(super) services: Services,
    /// Exceptions of the first period, of all groups.
    pub(super) baseline_total: u64,
}

// === impl Groups ===

impl Groups {
    pub(super) fn new(periods: Periods, buckets: Option<Buckets>) -> Self {
        Self {
            periods,
            buckets,
            services: Services::default(),
            by_key: Grouped::new(MAX_GROUPS),
        }
    }

    pub(super) fn add(&mut self, exception: Exception<'_>, origin: Origin<'_>) {
        let record = Record {
            place: origin.place,
            level: LEVEL,
            service: self.services.known(origin.service),
        };
        let (periods, buckets) = (self.periods, self.buckets);
        self.by_key.add(GroupKey::of(exception), |group| {
            group.tally.add(record, periods, buckets);
            if !periods.is_baseline(origin.place.time_ns) {
                group.add(exception, origin);
            }
        });
    }

    /// Adds what was counted of a group in buckets of the first period (`None`), or of the second.
    pub(super) fn add_counted(
        &mut self,
        key: GroupKey,
        counted: BTreeMap<i64, Group>,
        buckets: Option<Buckets>,
    ) {
        let (mut group, mut tallies) = (Group::default(), BTreeMap::new());
        for (bucket, mut counted) in counted {
            tallies.insert(bucket, std::mem::take(&mut counted.tally));
            if buckets.is_some() {
                group.merge(counted);
            }
        }
        group.tally.take(tallies, buckets, &mut self.services);
        self.by_key.add(key, |known| known.merge(group));
    }

    /// Whether groups are coarser than the exceptions are, since there are too many.
    pub(super) fn are_coarse(&self) -> bool {
        self.by_key.is_coarse()
    }

    /// The groups with an exception in the second period, most frequent first.
    pub(super) fn finish(self) -> Found {
        let (groups, baseline_total) = self.by_key.into_most_frequent(|group| &group.tally);
        Found {
            groups,
            services: self.services,
            baseline_total,
        }
    }

    /// About how many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        const EACH: usize = 8 << 10;
        self.by_key.len() * EACH
    }
}

impl GroupKey {
    /// A text that is equal for equal keys.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The key that has this text.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn of(exception: Exception<'_>) -> Self {
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

/// First the frame at the top of the stack has to do, then the type.
impl Coarsen for GroupKey {
    const LEVELS: u8 = 3;

    fn coarse(mut self, level: u8) -> Self {
        if level >= 1 {
            self.frames.truncate(1);
            self.message = None;
        }
        if level >= 2 {
            self.frames.clear();
        }
        if level >= Self::LEVELS {
            self.kind = None;
        }
        self
    }
}

impl Merge for Group {
    fn merge(&mut self, other: Self) {
        self.tally.merge(&other.tally);
        self.span_count += other.span_count;
        self.log_count += other.log_count;
        for (operation, count) in other.operations {
            count_bounded(&mut self.operations, operation, count, MAX_OPERATIONS);
        }
        for (message, count) in other.messages {
            count_bounded(&mut self.messages, message, count, MAX_MESSAGES);
        }
        self.span = self.span.max(other.span);
        self.log = self.log.max(other.log);
    }
}

impl Group {
    /// Adds an exception, of whatever period.
    pub(super) fn count(
        &mut self,
        exception: Exception<'_>,
        origin: Origin<'_>,
        service: &Arc<str>,
    ) {
        let record = Record {
            place: origin.place,
            level: LEVEL,
            service: Some(service),
        };
        self.tally.add(record, Periods::ALL, None);
        self.add(exception, origin);
    }

    /// About the bytes that it takes beside itself.
    pub(super) fn bytes(&self) -> usize {
        /// What an entry costs besides its text.
        const ENTRY_BYTES: usize = 64;
        let operations = self.operations.keys();
        let operations = operations.map(|(service, name)| service.len() + name.len());
        let messages = self.messages.keys().map(String::len);
        let entries = self.operations.len() + self.messages.len();
        let texts: usize = operations.chain(messages).sum();
        self.tally.more_bytes() + entries * ENTRY_BYTES + texts
    }

    fn add(&mut self, exception: Exception<'_>, origin: Origin<'_>) {
        if let Some(message) = exception.message {
            count_bounded(&mut self.messages, template_of(message), 1, MAX_MESSAGES);
        }
        match origin.source {
            Source::Span {
                name,
                trace_id,
                span_id,
            } => {
                self.span_count += 1;
                let operation = (origin.service.to_owned(), name.to_owned());
                count_bounded(&mut self.operations, operation, 1, MAX_OPERATIONS);
                self.span = self.span.max(Some((origin.place, trace_id, span_id)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_less_level_by_level() {
        let key = GroupKey::of(Exception {
            kind: Some("x.Refused"),
            message: Some("order 7 refused"),
            stack: Some("\tat a.B.c(B.java:1)\n\tat d.E.f(E.java:2)"),
        });
        assert_eq!(key.frames.len(), 2);
        let same_top = GroupKey::of(Exception {
            kind: Some("x.Refused"),
            message: None,
            stack: Some("\tat a.B.c(B.java:1)\n\tat other.G.h(G.java:2)"),
        });
        let other = GroupKey::of(Exception {
            kind: Some("y.Other"),
            message: Some("order 7 refused"),
            stack: None,
        });
        assert_eq!(GroupKey::of_text(&key.text()).as_ref(), Some(&key));
        let same = |level| {
            let coarse = key.clone().coarse(level);
            [&same_top, &other].map(|key| key.clone().coarse(level) == coarse)
        };
        assert_eq!(same(0), [false, false]);
        assert_eq!(same(1), [true, false]);
        assert_eq!(same(2), [true, false]);
        assert_eq!(same(GroupKey::LEVELS), [true, true]);
    }
}
