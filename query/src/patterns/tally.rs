//! What is counted of the records of a shape or pattern.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Buckets;
use crate::listing::RowPlace;
use crate::parameters::Periods;

/// Services told apart, of all patterns together.
const MAX_SERVICES: usize = 1_000;
/// The services beyond.
const OTHER: &str = "(other)";

/// Services by number.
#[derive(Debug, Default)]
pub(crate) struct Services {
    names: Vec<String>,
    numbers: BTreeMap<String, u32>,
}

/// How many of the records are of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ServiceCount {
    pub(crate) service_name: String,
    pub(crate) count: u64,
}

/// One record, without its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub(crate) place: RowPlace,
    pub(crate) level: &'static str,
    pub(crate) service: u32,
}

/// Records counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// In the period asked about.
    pub(crate) count: u64,
    /// In the period before.
    pub(crate) baseline_count: u64,
    pub(crate) levels: BTreeMap<&'static str, u64>,
    /// By number.
    pub(crate) services: BTreeMap<u32, u64>,
    pub(crate) first: Option<RowPlace>,
    pub(crate) last: Option<RowPlace>,
    /// By bucket; empty until there is a record.
    pub(crate) counts: Vec<u64>,
}

// === impl Services ===

impl Services {
    /// The number of a service; those that came too late have one together.
    pub(crate) fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let name = if self.names.len() < MAX_SERVICES {
            name
        } else {
            OTHER
        };
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        if self.names.len() <= MAX_SERVICES {
            self.names.push(name.to_owned());
            self.numbers.insert(name.to_owned(), number);
        }
        self.numbers.get(name).copied().unwrap_or_default()
    }

    pub(crate) fn name(&self, number: u32) -> &str {
        self.names
            .get(number as usize)
            .map_or(OTHER, String::as_str)
    }

    /// The `most` services with the most records.
    pub(crate) fn top(&self, tally: &Tally, most: usize) -> Vec<ServiceCount> {
        let mut counts: Vec<ServiceCount> = tally
            .services
            .iter()
            .map(|(number, count)| ServiceCount {
                service_name: self.name(*number).to_owned(),
                count: *count,
            })
            .collect();
        counts.sort_by(|a, b| {
            b.count
                .cmp(&a.count)
                .then_with(|| a.service_name.cmp(&b.service_name))
        });
        counts.truncate(most);
        counts
    }

    /// Whether some services are not told apart.
    pub(crate) fn are_too_many(&self) -> bool {
        self.names.len() > MAX_SERVICES
    }
}

// === impl Tally ===

impl Tally {
    pub(crate) fn add(&mut self, record: Record, periods: Periods, buckets: Option<Buckets>) {
        if periods.is_baseline(record.place.time_ns) {
            self.baseline_count += 1;
            return;
        }
        self.count += 1;
        *self.levels.entry(record.level).or_default() += 1;
        *self.services.entry(record.service).or_default() += 1;
        self.see(record.place);
        let Some(buckets) = buckets else { return };
        self.counts.resize(buckets.count, 0);
        let at = (record.place.time_ns - buckets.start_ns) / buckets.width_ns;
        if let Some(count) = usize::try_from(at)
            .ok()
            .and_then(|at| self.counts.get_mut(at))
        {
            *count += 1;
        }
    }

    fn see(&mut self, place: RowPlace) {
        self.first = Some(self.first.map_or(place, |first| first.min(place)));
        self.last = Some(self.last.map_or(place, |last| last.max(place)));
    }

    /// Adds what was counted elsewhere.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.baseline_count += other.baseline_count;
        for (level, count) in &other.levels {
            *self.levels.entry(level).or_default() += count;
        }
        for (service, count) in &other.services {
            *self.services.entry(*service).or_default() += count;
        }
        for place in [other.first, other.last].into_iter().flatten() {
            self.see(place);
        }
        self.counts
            .resize(self.counts.len().max(other.counts.len()), 0);
        for (mine, count) in self.counts.iter_mut().zip(&other.counts) {
            *mine += count;
        }
    }

    /// In both periods.
    pub(crate) fn rows(&self) -> u64 {
        self.count + self.baseline_count
    }
}
