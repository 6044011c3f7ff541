//! Numbers for the distinct keys of a map column.
//!
//! Senders repeat themselves: after one key usually comes the key that came after it last time.
//! Guessing that costs one comparison; only a wrong guess hashes.

use std::collections::HashMap;

use arrow::array::MapArray;

use super::runs::{Entries, MapRuns, runs};

/// Distinct keys that get a number: keys that carry ids must not grow memory or the catalog.
const MAX_KEYS: usize = 4096;
/// Longer keys get none.
const MAX_KEY_BYTES: usize = 1024;
/// The number of keys that have none.
pub(crate) const OVERFLOW: u32 = u32::MAX;

/// The distinct keys of one map column.
#[derive(Debug)]
pub(crate) struct KeyTable {
    numbers: HashMap<Box<str>, u32>,
    names: Vec<Box<str>>,
    /// What came after a key last time; the last place is for the start of a row.
    after: Vec<u32>,
    overflowed: bool,
}

impl Default for KeyTable {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            names: Vec::new(),
            after: vec![OVERFLOW; MAX_KEYS + 1],
            overflowed: false,
        }
    }
}

impl KeyTable {
    /// The names of the keys by their numbers.
    pub(crate) fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// Whether there were keys without a number.
    pub(crate) fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// The number of a key, given now if it has none and there are any left.
    pub(crate) fn number(&mut self, key: &str) -> u32 {
        if let Some(number) = self.numbers.get(key) {
            return *number;
        }
        if self.names.len() >= MAX_KEYS || key.len() > MAX_KEY_BYTES {
            self.overflowed = true;
            return OVERFLOW;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(OVERFLOW);
        self.numbers.insert(key.into(), number);
        self.names.push(key.into());
        number
    }

    /// The runs of `map` and the numbers of their keys.
    pub(crate) fn runs(&mut self, map: &MapArray) -> MapRuns {
        let entries = Entries::of(map);
        let mut found = MapRuns::default();
        for run in runs(map) {
            let mut before = MAX_KEYS;
            for entry in entries.of_row(run.start) {
                let key = entries.key(entry);
                let guess = self.after[before];
                let right = self
                    .names
                    .get(guess as usize)
                    .is_some_and(|name| **name == *key);
                let number = if right {
                    guess
                } else {
                    let number = self.number(key);
                    self.after[before] = number;
                    number
                };
                found.push(number);
                before = (number as usize).min(MAX_KEYS);
            }
            found.end(run.end);
        }
        found
    }
}
