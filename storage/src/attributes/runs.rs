//! Rows that follow each other with the same entries.
//!
//! Rows of a request lie together (see `file::stretches`) and have one resource and mostly one scope: what is done
//! for each entry of those is done once a run, for the price of comparing a few hundred bytes a row.

use std::ops::Range;

use arrow::array::{Array, AsArray, MapArray, StringArray};

/// The rows of `map` (texts by texts) in runs: all of one have the same keys and values in the same order.
pub(crate) fn runs(map: &MapArray) -> impl Iterator<Item = Range<usize>> {
    let entries = Entries::of(map);
    let mut start = 0;
    std::iter::from_fn(move || {
        if start == map.len() {
            return None;
        }
        let mut end = start + 1;
        while end < map.len() && entries.is_repeated(end) {
            end += 1;
        }
        let run = start..end;
        start = end;
        Some(run)
    })
}

/// The runs of a map column and the keys of their entries: found once, and used by all that looks at entries.
#[derive(Debug, Default)]
pub(crate) struct MapRuns {
    /// Which row and which number come after each run.
    ends: Vec<(usize, usize)>,
    /// The numbers of the keys that each run's rows have.
    numbers: Vec<u32>,
}

/// Rows with the same entries.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) rows: Range<usize>,
    /// The numbers of the keys of each of these rows.
    pub(crate) keys: &'a [u32],
}

impl MapRuns {
    /// Adds the number of a key of the run that [`Self::end`] ends.
    pub(super) fn push(&mut self, number: u32) {
        self.numbers.push(number);
    }

    pub(super) fn end(&mut self, row: usize) {
        self.ends.push((row, self.numbers.len()));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Run<'_>> {
        let mut from = (0, 0);
        self.ends.iter().map(move |end| {
            let run = Run {
                rows: from.0..end.0,
                keys: &self.numbers[from.1..end.1],
            };
            from = *end;
            run
        })
    }
}

/// `rows` in parts of one text each, as the types of rows with the same entries are.
pub(crate) fn alike(texts: &StringArray, rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut start = rows.start;
    std::iter::from_fn(move || {
        if start >= rows.end {
            return None;
        }
        let first = texts.value(start).as_bytes();
        let same = |row: &usize| same_bytes(texts.value(*row).as_bytes(), first);
        let end = start + 1 + (start + 1..rows.end).take_while(same).count();
        Some(std::mem::replace(&mut start, end)..end)
    })
}

/// The entries of a map column.
pub(crate) struct Entries<'a> {
    offsets: &'a [i32],
    keys: &'a StringArray,
    values: &'a StringArray,
}

impl<'a> Entries<'a> {
    pub(crate) fn of(map: &'a MapArray) -> Self {
        Self {
            offsets: map.value_offsets(),
            keys: map.keys().as_string(),
            values: map.values().as_string(),
        }
    }

    /// The places of a row's entries.
    pub(crate) fn of_row(&self, row: usize) -> Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    pub(crate) fn key(&self, entry: usize) -> &'a str {
        self.keys.value(entry)
    }

    /// The value of an entry, if it has one.
    pub(crate) fn value(&self, entry: usize) -> Option<&'a str> {
        self.values
            .is_valid(entry)
            .then(|| self.values.value(entry))
    }

    /// Whether a row has the entries of the row before.
    fn is_repeated(&self, row: usize) -> bool {
        let Some(before) = row.checked_sub(1) else {
            return false;
        };
        let (before, here) = (self.of_row(before), self.of_row(row));
        if before.is_empty() || here.is_empty() {
            return before.is_empty() && here.is_empty();
        }
        before.len() == here.len()
            && same_texts(self.values, &before, &here)
            && same_texts(self.keys, &before, &here)
            && (self.values.null_count() == 0
                || before
                    .zip(here)
                    .all(|(a, b)| self.values.is_null(a) == self.values.is_null(b)))
    }
}

/// Whether the texts at two ranges of one length are the same; nulls are as empty texts.
fn same_texts(texts: &StringArray, a: &Range<usize>, b: &Range<usize>) -> bool {
    let offsets = texts.value_offsets();
    let (ends_a, ends_b) = (&offsets[a.start..=a.end], &offsets[b.start..=b.end]);
    let bytes = |ends: &[i32]| {
        let (first, last) = (ends[0] as usize, ends[ends.len() - 1] as usize);
        &texts.value_data()[first..last]
    };
    same_bytes(bytes(ends_a), bytes(ends_b))
        && ends_a
            .iter()
            .zip(ends_b)
            .all(|(a, b)| a - ends_a[0] == b - ends_b[0])
}

/// Whether two strings of bytes are the same. Those without any may lie nowhere, and to compare nothing with masked
/// loads from there takes a processor hundreds of times as long as to see that it is nothing.
pub(crate) fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && (a.is_empty() || a == b)
}

#[cfg(test)]
mod tests {
    use arrow::array::{MapBuilder, StringBuilder};

    use super::*;

    fn map(rows: &[&[(&str, Option<&str>)]]) -> MapArray {
        let mut builder = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        for row in rows {
            for (key, value) in *row {
                builder.keys().append_value(key);
                builder.values().append_option(*value);
            }
            builder.append(true).unwrap();
        }
        builder.finish()
    }

    #[test]
    fn only_rows_with_the_same_entries_are_a_run() {
        let pod = [("pod", Some("a")), ("zone", Some("eu"))];
        let rows: [&[(&str, Option<&str>)]; 12] = [
            &pod,
            &pod,
            // The same letters, cut elsewhere.
            &[("pod", Some("ae")), ("zone", Some("u"))],
            &[("podz", Some("ae")), ("one", Some("u"))],
            // Another order, one more, none.
            &[("zone", Some("eu")), ("pod", Some("a"))],
            &[("zone", Some("eu")), ("pod", Some("a")), ("x", Some(""))],
            &[],
            &[],
            // An empty value is not none.
            &[("x", Some(""))],
            &[("x", None)],
            &[("x", None)],
            &pod,
        ];
        let map = map(&rows);
        let expected = [0..2, 2..3, 3..4, 4..5, 5..6, 6..8, 8..9, 9..11, 11..12];
        assert_eq!(runs(&map).collect::<Vec<_>>(), expected);
        // As well of a slice, whose entries begin elsewhere.
        let found: Vec<_> = runs(&map.slice(1, 10)).collect();
        let expected = [0..1, 1..2, 2..3, 3..4, 4..5, 5..7, 7..8, 8..10];
        assert_eq!(found, expected);
        assert_eq!(runs(&map.slice(3, 0)).count(), 0);
    }
}
