//! The formats of each service in two periods.

use super::cluster::patterns_of;
use super::search::query_of;
use super::shape::Coarseness;
use super::table::ShapeTable;
use super::tally::{Record, Services};
use crate::listing::RowPlace;
use crate::parameters::Periods;
/// Between a service and the number of a period.
const SEPARATOR: char = '\u{0}';

/// Counts texts by format, service and period; memory is bounded as that of [`ShapeTable`] is.
#[derive(Debug)]
pub(crate) struct ByService {
    table: ShapeTable,
    services: Services,
}

/// A format, and how often one service used it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServicePattern {
    pub(crate) service_name: String,
    pub(crate) template: String,
    /// Finds its records in the search language, and maybe others.
    pub(crate) query: String,
    /// Of most of its records.
    pub(crate) level: &'static str,
    /// Records in each period.
    pub(crate) counts: [u64; 2],
}

impl ByService {
    pub(crate) fn new() -> Self {
        Self {
            table: ShapeTable::new(Periods::ALL, None),
            services: Services::default(),
        }
    }

    /// Counts a text of a period, 0 or 1.
    pub(crate) fn add(
        &mut self,
        period: u32,
        service_name: &str,
        level: &'static str,
        place: RowPlace,
        text: &str,
    ) {
        // Each service counts as one for each period.
        let key = format!("{service_name}{SEPARATOR}{period}");
        let record = Record {
            place,
            level,
            service: self.services.known(&key),
        };
        self.table.add(text, record);
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes()
    }

    /// The formats by service, and whether some are coarser than the texts are or some services not told apart.
    pub(crate) fn finish(self) -> (Vec<ServicePattern>, bool) {
        let Self { table, services } = self;
        let coarse = table.level() > Coarseness::Words || services.are_too_many();
        let mut found: Vec<ServicePattern> = Vec::new();
        for pattern in patterns_of(&table.finish()) {
            let most = pattern.tally.levels.iter().max_by_key(|level| *level.1);
            let level = most.map_or("unset", |(level, _)| *level);
            let (template, query) = (pattern.shape.template(), query_of(&pattern.shape));
            let first = found.len();
            for (key, count) in &pattern.tally.services {
                let Some((service_name, period)) = key
                    .rsplit_once(SEPARATOR)
                    .filter(|_| services.tells_apart(key))
                else {
                    continue;
                };
                let known = found[first..]
                    .iter()
                    .position(|known| known.service_name == service_name);
                let at = known.map_or_else(
                    || {
                        found.push(ServicePattern {
                            service_name: service_name.to_owned(),
                            template: template.clone(),
                            query: query.clone(),
                            level,
                            counts: [0; 2],
                        });
                        found.len() - 1
                    },
                    |at| first + at,
                );
                found[at].counts[usize::from(period == "1")] += count;
            }
        }
        (found, coarse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_has_counts_of_its_own() {
        let mut counted = ByService::new();
        let place = RowPlace {
            time_ns: 1,
            record_id: 1,
        };
        for (period, service, times) in [(0, "cart", 3), (1, "cart", 2), (1, "shop", 4)] {
            for n in 0..times {
                let text = format!("no route to 10.0.0.{n}");
                counted.add(period, service, "error", place, &text);
            }
        }
        counted.add(0, "shop", "warn", place, "slow answer");
        let (found, coarse) = counted.finish();
        assert!(!coarse);
        let shown: Vec<_> = found
            .iter()
            .map(|pattern| {
                (
                    pattern.service_name.as_str(),
                    pattern.template.as_str(),
                    pattern.level,
                    pattern.counts,
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("cart", "no route to <ip>", "error", [3, 2]),
                ("shop", "no route to <ip>", "error", [0, 4]),
                ("shop", "slow answer", "warn", [1, 0]),
            ]
        );
        assert_eq!(found[0].query, "\"no route to\"");
    }
}
