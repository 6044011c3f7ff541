//! The patterns of texts that somebody else reads, as the line filter `|>` of LogQL writes them.

use spoor_storage::Result;

use super::cluster::patterns_of;
use super::counted::ShapeCount;
use super::shape::{Coarseness, HOLE, Shape};
use super::table::ShapeTable;
use super::tally::{Record, Services, Tally};
use crate::api::Buckets;
use crate::by_file::ByFile;
use crate::listing::RowPlace;
use crate::parameters::Periods;

/// Patterns while texts are added; memory is bounded as that of [`ShapeTable`] is.
#[derive(Debug)]
pub(crate) struct Miner(ShapeTable);

/// One pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mined {
    /// With `<_>` for what varies. Runs of blanks are shown as one.
    pub(crate) pattern: String,
    /// Texts by bucket.
    pub(crate) counts: Vec<u64>,
}

impl Miner {
    pub(crate) fn new(buckets: Buckets) -> Self {
        Self(ShapeTable::new(Periods::ALL, Some(buckets)))
    }

    /// Of the texts of rows in these buckets, from what is known of files; `None` if that is too much.
    pub(crate) async fn of_rows(rows: &ByFile<'_>, buckets: Buckets) -> Result<Option<Self>> {
        let count = ShapeCount {
            buckets: Some(buckets),
        };
        let Some(cells) = rows.cells(&count).await? else {
            return Ok(None);
        };
        let mut miner = Self::new(buckets);
        for (shape, counted) in cells.into_values() {
            let mut tally = Tally::default();
            tally.take(counted, Some(buckets), &mut Services::default());
            miner.0.add_counted(&shape, &tally);
        }
        Ok(Some(miner))
    }

    /// Counts one text.
    pub(crate) fn add(&mut self, place: RowPlace, text: &str) {
        let record = Record {
            place,
            level: "",
            service: None,
        };
        self.0.add(text, record);
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// The patterns, the most frequent first, and whether they are coarser than the texts are.
    pub(crate) fn finish(self) -> (Vec<Mined>, bool) {
        let coarse = self.0.level() > Coarseness::Words;
        let mut mined: Vec<Mined> = Vec::new();
        for found in patterns_of(&self.0.finish()) {
            let pattern = line_pattern(&found.shape);
            // Kinds of places are not told apart here.
            match mined.iter_mut().find(|known| known.pattern == pattern) {
                Some(known) => {
                    let both = known.counts.iter_mut().zip(&found.tally.counts);
                    both.for_each(|(known, count)| *known += count);
                }
                None => mined.push(Mined {
                    pattern,
                    counts: found.tally.counts,
                }),
            }
        }
        mined.sort_by_key(|mined| std::cmp::Reverse(mined.counts.iter().sum::<u64>()));
        (mined, coarse)
    }
}

/// `user <_> took <_>ms`
fn line_pattern(shape: &Shape) -> String {
    let text = without_captures(&shape.with_holes());
    let mut pattern = String::with_capacity(text.len() + 16);
    let mut before = None;
    for letter in text.chars() {
        match letter {
            // Nothing would tell where the one place ends and the next begins.
            HOLE if before == Some(HOLE) => {}
            HOLE => pattern.push_str("<_>"),
            letter => pattern.push(letter),
        }
        before = Some(letter);
    }
    pattern
}

/// What a text has between `<` and `>` would be read as a place with a name.
fn without_captures(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        kept.push_str(before);
        match after.split_once('>') {
            Some((name, beyond))
                if !name.is_empty()
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') =>
            {
                kept.push(HOLE);
                rest = beyond;
            }
            _ => {
                kept.push('<');
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patterns::shape::Shape;

    #[test]
    fn places_are_captures_and_never_side_by_side() {
        for (text, pattern) in [
            ("took 5ms for user=17 ok", "took <_> for user=<_> ok"),
            ("17 18", "<_> <_>"),
            ("<br> and <a b>", "<_> and <a b>"),
            ("plain words", "plain words"),
            ("", ""),
        ] {
            assert_eq!(line_pattern(&Shape::of(text)), pattern, "{text}");
        }
        let touching = Shape::of_key("a\u{1}<num>\u{1}\u{1}<*>\u{1}b");
        assert_eq!(line_pattern(&touching), "a<_>b");
        let long = line_pattern(&Shape::of(&"abc ".repeat(600)));
        assert!(long.ends_with("<_>"), "{long}");
    }

    #[test]
    fn what_looks_the_same_is_counted_together() {
        let buckets = Buckets {
            start_ns: 0,
            width_ns: 10,
            count: 3,
        };
        let mut miner = Miner::new(buckets);
        let texts = [
            (1, "job 17 done"),
            (12, "job 0190f5a1-4b1c-7c3a-9f00-000000000001 done"),
            (15, "job 18 done"),
            (29, "other"),
        ];
        for (time_ns, text) in texts {
            let place = RowPlace {
                time_ns,
                record_id: time_ns,
            };
            miner.add(place, text);
        }
        let (mined, coarse) = miner.finish();
        assert!(!coarse);
        let shown: Vec<_> = mined
            .iter()
            .map(|mined| (mined.pattern.as_str(), mined.counts.as_slice()))
            .collect();
        assert_eq!(
            shown,
            [
                ("job <_> done", [1_u64, 2, 0].as_slice()),
                ("other", [0, 0, 1].as_slice())
            ]
        );
    }
}
