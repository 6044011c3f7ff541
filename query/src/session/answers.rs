//! What indexes have said to a query.
//!
//! One look for few rows, slices of time and the rows that are shown all ask the same of the same files, and to make a list of
//! a common word of what is stored takes longer than to look through the rows of the first slice.

use std::collections::HashMap;

use parking_lot::Mutex;
use spoor_storage::FileId;
use spoor_storage::index::{Lookup, RowAnswer};

/// Bytes of answers that a query keeps: those about some millions of rows. More are asked for again.
const MAX_BYTES: usize = 1 << 20;
/// A query asks two different things of a table, or a few more where it searches in related rows.
const MAX_LOOKUPS: usize = 8;

/// Answers that are kept until the query is over: files and their indexes never change.
#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    of_lookups: Vec<(Lookup, HashMap<FileId, RowAnswer>)>,
    bytes: usize,
}

impl Answers {
    pub(crate) fn get(&self, file: FileId, lookup: &Lookup) -> Option<RowAnswer> {
        let kept = self.0.lock();
        let (_, answers) = kept.of_lookups.iter().find(|(of, _)| of == lookup)?;
        answers.get(&file).cloned()
    }

    /// Keeps an answer if there is room for it.
    pub(crate) fn keep(&self, file: FileId, lookup: &Lookup, answer: &RowAnswer) {
        let bytes = answer.bytes();
        let mut kept = self.0.lock();
        if kept.bytes.saturating_add(bytes) > MAX_BYTES {
            return;
        }
        let known = kept.of_lookups.iter().position(|(of, _)| of == lookup);
        let at = known.unwrap_or(kept.of_lookups.len());
        if at >= MAX_LOOKUPS {
            return;
        }
        if known.is_none() {
            kept.of_lookups.push((lookup.clone(), HashMap::new()));
        }
        let is_new = kept
            .of_lookups
            .get_mut(at)
            .is_some_and(|(_, answers)| answers.insert(file, answer.clone()).is_none());
        kept.bytes += if is_new { bytes } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use spoor_storage::index::{RowSet, Word};

    use super::*;

    fn word(word: &str) -> Lookup {
        Lookup::Words(vec![Word::Exact(word.to_owned())])
    }

    fn answer(rows: u32) -> RowAnswer {
        let rows: RowSet = (0..rows).map(|row| row * 2).collect();
        RowAnswer {
            sure: rows.clone(),
            maybe: rows,
        }
    }

    #[test]
    fn answers_come_back_by_file_and_lookup_as_long_as_there_is_room() {
        let answers = Answers::default();
        let files: Vec<FileId> = (0..1_000).map(|_| FileId::generate()).collect();
        answers.keep(files[1], &word("a"), &answer(3));
        answers.keep(files[1], &word("b"), &answer(4));
        answers.keep(files[2], &word("a"), &answer(5));
        for (number, asked, expected) in [
            (1, "a", Some(answer(3))),
            (1, "b", Some(answer(4))),
            (2, "a", Some(answer(5))),
            (2, "b", None),
            (3, "a", None),
        ] {
            assert_eq!(answers.get(files[number], &word(asked)), expected);
        }
        // Each is some sixteen thousand bytes, twice.
        for file in &files[3..] {
            answers.keep(*file, &word("a"), &answer(60_000));
        }
        assert!(answers.0.lock().bytes <= MAX_BYTES);
        assert_eq!(answers.get(files[3], &word("a")), Some(answer(60_000)));
        assert_eq!(answers.get(files[999], &word("a")), None);
    }

    #[test]
    fn not_many_lookups_are_kept() {
        let answers = Answers::default();
        let file = FileId::generate();
        for number in 0..100 {
            answers.keep(file, &word(&number.to_string()), &answer(1));
        }
        assert_eq!(answers.0.lock().of_lookups.len(), MAX_LOOKUPS);
        assert_eq!(answers.get(file, &word("0")), Some(answer(1)));
        assert_eq!(answers.get(file, &word("99")), None);
    }
}
