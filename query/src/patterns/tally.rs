//! What is counted of the records of a shape or pattern.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::grouped::count_bounded;
use crate::api::Buckets;
use crate::listing::RowPlace;
use crate::parameters::Periods;

/// Services told apart, of all patterns together: the first ones in the order of their names, so that the
/// order of the records does not matter.
const MAX_SERVICES: usize = 1_000;
/// The services beyond.
const OTHER: &str = "(other)";

/// Names of services, each kept once.
#[derive(Debug, Default)]
pub(crate) struct Services {
    names: BTreeSet<Arc<str>>,
    /// Whether there were others.
    more: bool,
}

/// How many of the records are of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ServiceCount {
    pub(crate) service_name: String,
    pub(crate) count: u64,
}

/// One record, without its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) place: RowPlace,
    pub(crate) level: &'static str,
    /// Unless it is not told apart.
    pub(crate) service: Option<&'a Arc<str>>,
}

/// Records counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// In the period asked about.
    pub(crate) count: u64,
    /// In the period before.
    pub(crate) baseline_count: u64,
    pub(crate) levels: BTreeMap<&'static str, u64>,
    /// Of the second period; some may not be told apart any more.
    /// One more than are told apart, so that it shows that there are too many.
    pub(super) services: BTreeMap<Arc<str>, u64>,
    pub(crate) first: Option<RowPlace>,
    pub(crate) last: Option<RowPlace>,
    /// By bucket; empty until there is a record.
    pub(crate) counts: Vec<u64>,
}

// === impl Services ===

impl Services {
    /// The service, if it is told apart as far as is known by now.
    pub(crate) fn known(&mut self, name: &str) -> Option<&Arc<str>> {
        if !self.names.contains(name) {
            if self.names.len() >= MAX_SERVICES {
                self.more = true;
                if self.names.last().is_some_and(|last| name > &**last) {
                    return None;
                }
                self.names.pop_last();
            }
            self.names.insert(name.into());
        }
        self.names.get(name)
    }

    /// How many records are of each service, those with the most first; what is not told apart comes together.
    fn counts(&self, tally: &Tally) -> Vec<ServiceCount> {
        let told_apart = |(name, _): &(&Arc<str>, &u64)| self.names.contains(*name);
        let mut counts: Vec<ServiceCount> = tally
            .services
            .iter()
            .filter(told_apart)
            .map(|(name, count)| ServiceCount {
                service_name: name.to_string(),
                count: *count,
            })
            .collect();
        let other = tally.count - counts.iter().map(|each| each.count).sum::<u64>();
        if other > 0 {
            counts.push(ServiceCount {
                service_name: OTHER.to_owned(),
                count: other,
            });
        }
        counts.sort_by(|a, b| {
            b.count
                .cmp(&a.count)
                .then_with(|| a.service_name.cmp(&b.service_name))
        });
        counts
    }

    /// The `most` services with the most records, and how many there are.
    pub(crate) fn top(&self, tally: &Tally, most: usize) -> (Vec<ServiceCount>, usize) {
        let mut counts = self.counts(tally);
        let all = counts.len();
        counts.truncate(most);
        (counts, all)
    }

    /// Whether a service is told apart from others.
    pub(super) fn tells_apart(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Whether some services are not told apart.
    pub(crate) fn are_too_many(&self) -> bool {
        self.more
    }
}

// === impl Tally ===

impl Tally {
    pub(crate) fn add(&mut self, record: Record<'_>, periods: Periods, buckets: Option<Buckets>) {
        if periods.is_baseline(record.place.time_ns) {
            self.baseline_count += 1;
            return;
        }
        self.count += 1;
        *self.levels.entry(record.level).or_default() += 1;
        if let Some(service) = record.service {
            self.add_service(service, 1);
        }
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

    fn add_service(&mut self, name: &Arc<str>, count: u64) {
        if let Some(known) = self.services.get_mut(name) {
            *known += count;
        } else {
            let most = MAX_SERVICES + 1;
            count_bounded(&mut self.services, Arc::clone(name), count, most);
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
            self.add_service(service, *count);
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

    /// Adds what was counted in buckets of the first period (`None`), or of the second.
    pub(crate) fn take(
        &mut self,
        counted: BTreeMap<i64, Self>,
        buckets: Option<Buckets>,
        services: &mut Services,
    ) {
        for (bucket, mut counted) in counted {
            counted
                .services
                .retain(|name, _| services.known(name).is_some());
            let Some(buckets) = buckets else {
                self.baseline_count += counted.count;
                continue;
            };
            self.merge(&counted);
            self.counts.resize(buckets.count, 0);
            if let Some(place) = buckets.place(bucket) {
                self.counts[place] += counted.count;
            }
        }
    }

    /// In both periods.
    pub(crate) fn rows(&self) -> u64 {
        self.count + self.baseline_count
    }
}

#[cfg(test)]
mod tests {
    use spoor_storage::TimeRange;

    use super::*;

    fn counted(names: &[String]) -> (Vec<ServiceCount>, usize, bool) {
        let periods = Periods::of(TimeRange::ALL, None).unwrap();
        let (mut services, mut tallies) = (Services::default(), [const { None }; 2]);
        for (at, name) in names.iter().enumerate() {
            let record = Record {
                place: RowPlace {
                    time_ns: 1,
                    record_id: 1,
                },
                level: "info",
                service: services.known(name),
            };
            let tally: &mut Tally = tallies[at % 2].get_or_insert_default();
            tally.add(record, periods, None);
        }
        let [Some(mut one), Some(other)] = tallies else {
            panic!("both have records");
        };
        one.merge(&other);
        let (top, all) = services.top(&one, 3);
        (top, all, services.are_too_many())
    }

    #[test]
    fn too_many_services_are_told_apart_the_same_in_any_order() {
        let mut names: Vec<String> = (0..3_000).map(|at| format!("s{:04}", at % 1_500)).collect();
        names.extend(["s0007".to_owned(), "s0008".to_owned()]);
        names.extend(["s0008".to_owned(), "s1400".to_owned()]);
        let found = counted(&names);
        let expected = [("(other)", 1_001), ("s0008", 4), ("s0007", 3)];
        let expected = expected.map(|(name, count)| ServiceCount {
            service_name: name.to_owned(),
            count,
        });
        assert_eq!(found, (expected.to_vec(), 1_001, true));
        names.reverse();
        assert_eq!(counted(&names), found);
        names.sort();
        assert_eq!(counted(&names), found);
        let few = counted(&["b", "a", "b", "c"].map(str::to_owned));
        assert_eq!((few.0[0].count, few.1, few.2), (2, 3, false));
    }
}
