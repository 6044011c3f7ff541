//! Records counted by shape, in bounded memory and independent of their order.
//!
//! When there are too many shapes all become coarser by one level. Which level that ends at depends on the
//! records and not on the order in which they come, so the same records give the same patterns.

use std::collections::HashMap;

use super::shape::{Coarseness, Shape};
use super::tally::{Record, Tally};
use crate::api::Buckets;
use crate::parameters::Periods;

/// Shapes kept.
const MAX_SHAPES: usize = 10_000;

/// Counts by shape.
#[derive(Debug)]
pub(super) struct ShapeTable {
    periods: Periods,
    buckets: Option<Buckets>,
    most: usize,
    level: Coarseness,
    shapes: HashMap<Box<str>, Tally>,
}

impl ShapeTable {
    pub(super) fn new(periods: Periods, buckets: Option<Buckets>) -> Self {
        Self {
            periods,
            buckets,
            most: MAX_SHAPES,
            level: Coarseness::default(),
            shapes: HashMap::new(),
        }
    }

    /// Counts one record.
    pub(super) fn add(&mut self, text: &str, record: Record<'_>) {
        let key = Shape::of(text).coarse(self.level).key();
        if let Some(known) = self.shapes.get_mut(key.as_str()) {
            known.add(record, self.periods, self.buckets);
            return;
        }
        let mut tally = Tally::default();
        tally.add(record, self.periods, self.buckets);
        self.shapes.insert(key.into(), tally);
        self.make_room();
    }

    /// Adds what was counted of the shape with this key.
    pub(super) fn add_counted(&mut self, key: &str, counted: &Tally) {
        let key = match self.level {
            Coarseness::Words => key.into(),
            level => Shape::of_key(key).coarse(level).key().into(),
        };
        self.shapes.entry(key).or_default().merge(counted);
        self.make_room();
    }

    fn make_room(&mut self) {
        while self.shapes.len() > self.most && self.level != Coarseness::Nothing {
            self.level = self.level.next();
            for (key, tally) in std::mem::take(&mut self.shapes) {
                let key = Shape::of_key(&key).coarse(self.level).key();
                self.shapes.entry(key.into()).or_default().merge(&tally);
            }
        }
    }

    /// How coarse the shapes have become.
    pub(super) fn level(&self) -> Coarseness {
        self.level
    }

    /// About how many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        const EACH: usize = 768;
        let buckets = self
            .buckets
            .map_or(0, |buckets| buckets.count * size_of::<u64>());
        let keys: usize = self.shapes.keys().map(|key| key.len()).sum();
        keys + self.shapes.len() * (EACH + buckets)
    }

    /// The shapes with what was counted, the most frequent first.
    pub(super) fn finish(self) -> Vec<(Shape, Tally)> {
        let mut shapes: Vec<(Box<str>, Tally)> = self.shapes.into_iter().collect();
        shapes
            .sort_by(|(a, left), (b, right)| right.rows().cmp(&left.rows()).then_with(|| a.cmp(b)));
        shapes
            .into_iter()
            .map(|(key, tally)| (Shape::of_key(&key), tally))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use spoor_storage::TimeRange;

    use super::*;
    use crate::listing::RowPlace;

    fn record(time_ns: i64) -> Record<'static> {
        Record {
            place: RowPlace {
                time_ns,
                record_id: time_ns,
            },
            level: "info",
            service: None,
        }
    }

    fn counted(texts: &[String], most: usize) -> (Coarseness, Vec<(String, u64)>) {
        let periods = Periods::of(TimeRange::ALL, None).unwrap();
        let mut table = ShapeTable {
            most,
            ..ShapeTable::new(periods, None)
        };
        for (at, text) in (0..).zip(texts) {
            table.add(text, record(at));
            assert!(table.shapes.len() <= most);
        }
        let level = table.level();
        let shapes = table.finish();
        let named = |(shape, tally): (Shape, Tally)| (shape.template(), tally.count);
        (level, shapes.into_iter().map(named).collect())
    }

    #[test]
    fn too_many_shapes_become_coarser_the_same_in_any_order() {
        let mut texts: Vec<String> = (0..500)
            .map(|at| format!("user{} did {} things and no more", at % 97, at % 7))
            .collect();
        texts.extend((0..50).map(|at| format!("word{} other", char::from(b'a' + at % 26))));
        let found = counted(&texts, 40);
        assert_eq!(found.0, Coarseness::PlainWords);
        assert_eq!(
            found.1[0],
            ("<*> did <num> things and no more".to_owned(), 500)
        );
        assert_eq!(found.1.iter().map(|shape| shape.1).sum::<u64>(), 550);
        texts.reverse();
        let reversed = counted(&texts, 40);
        assert_eq!(reversed, found);
        texts.sort();
        assert_eq!(counted(&texts, 40), found);
        let (level, one) = counted(&texts, 1);
        assert_eq!(
            (level, one),
            (Coarseness::Nothing, vec![("…".to_owned(), 550)])
        );
    }
}
