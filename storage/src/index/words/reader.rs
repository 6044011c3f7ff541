//! Looks words up.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use roaring::RoaringBitmap;
use tantivy::directory::{FileSlice, OwnedBytes};
use tantivy::termdict::{TermDictionary, TermStreamer};
use tantivy_fst::Automaton;

use super::automata::{Near, Parts};
use super::patterns::UNKNOWN;
use super::{FLAG_OVERFLOW, shapes::VARIABLE};
use crate::error::{Error, Result};
use crate::index::Word;
use crate::index::rows::{decode, read_u32, read_varint};

/// A word with stars (or one that stands for many in another way) may stand for so many of the
/// dictionary; for more the texts are read.
const MAX_EXPANDED: usize = 1 << 15;

/// In anything shorter tantivy would look for the end before the start.
const LEAST_DICTIONARY_BYTES: usize = 16;

/// The dictionary and the patterns of a file.
pub(in crate::index) struct Words {
    dictionary: TermDictionary,
    patterns: Vec<Pattern>,
    /// Rows that have no text.
    pub(in crate::index) no_text: RoaringBitmap,
    /// Whether words that are no ids may be kept by block only.
    pub(in crate::index) overflow: bool,
}

struct Pattern {
    /// Places of words in the dictionary, or [`VARIABLE`].
    tokens: Vec<u32>,
    /// Its list in the area of lists.
    list: Range<usize>,
}

/// The words of a dictionary that one word of a question stands for.
#[derive(Debug, Default, Clone)]
pub(in crate::index) struct Found {
    /// Places in the dictionary, ascending.
    ordinals: Vec<u32>,
    /// Their entries in the area of words.
    pub(in crate::index) entries: Vec<Range<usize>>,
}

/// The patterns a sequence of words is in, or may be in.
#[derive(Debug, Default)]
pub(in crate::index) struct Aligned {
    /// All words are constant there.
    pub(in crate::index) surely: BTreeSet<u32>,
    /// Some of the words (bits by place in the sequence) must be variable in a row.
    pub(in crate::index) maybe: BTreeMap<u64, BTreeSet<u32>>,
    /// The only variable token of these is where one word of the sequence must be: a row that has
    /// it variable has the sequence.
    pub(in crate::index) single: BTreeMap<usize, BTreeSet<u32>>,
}

impl Words {
    pub(in crate::index) fn open(
        dictionary: OwnedBytes,
        patterns: &[u8],
        rows: u32,
    ) -> Result<Self> {
        let unreadable = |source| Error::corrupt("cannot open a dictionary").with_source(source);
        if dictionary.len() < LEAST_DICTIONARY_BYTES {
            return Err(Error::corrupt("a dictionary is too short"));
        }
        let dictionary =
            TermDictionary::open(FileSlice::new(Arc::new(dictionary))).map_err(unreadable)?;
        Self::read_patterns(dictionary, patterns, rows)
    }

    fn read_patterns(dictionary: TermDictionary, mut bytes: &[u8], rows: u32) -> Result<Self> {
        let cut = || Error::corrupt("the patterns are cut off");
        let bytes = &mut bytes;
        let (flags, rest) = bytes.split_first().ok_or_else(cut)?;
        *bytes = rest;
        let length = read_u32(bytes)? as usize;
        let (list, rest) = bytes.split_at_checked(length).ok_or_else(cut)?;
        *bytes = rest;
        let mut no_text = RoaringBitmap::new();
        decode(list, rows, &mut no_text)?;
        let count = read_u32(bytes)? as usize;
        let words = dictionary.num_terms() as u64;
        // Each has two bytes at least, so no room is made for what cannot be there.
        let mut patterns = Vec::with_capacity(count.min(bytes.len() / 2 + 1));
        let mut start = 0_usize;
        for _ in 0..count {
            let length = read_u32(bytes)? as usize;
            let end = start.checked_add(length).ok_or_else(cut)?;
            let tokens = read_u32(bytes)? as usize;
            let mut pattern = Vec::with_capacity(tokens.min(bytes.len()));
            for _ in 0..tokens {
                pattern.push(match read_varint(bytes)? {
                    0 => VARIABLE,
                    code if code <= words => u32::try_from(code - 1)
                        .map_err(|_| Error::corrupt("a word has too large a number"))?,
                    _ => return Err(Error::corrupt("a pattern has a word that is not there")),
                });
            }
            patterns.push(Pattern {
                tokens: pattern,
                list: start..end,
            });
            start = end;
        }
        Ok(Self {
            dictionary,
            patterns,
            no_text,
            overflow: flags & FLAG_OVERFLOW != 0,
        })
    }

    /// The words that `word` stands for; `None` if they are too many.
    pub(in crate::index) fn find(&self, word: &Word) -> Result<Option<Found>> {
        let unreadable = |source| Error::corrupt("cannot look up a word").with_source(source);
        match word {
            Word::Exact(word) => {
                let mut found = Found::default();
                let ordinal = self.dictionary.term_ord(word).map_err(unreadable)?;
                let info = self.dictionary.get(word).map_err(unreadable)?;
                if let (Some(ordinal), Some(info)) = (ordinal, info) {
                    found.push(ordinal, info.postings_range)?;
                }
                Ok(Some(found))
            }
            Word::Prefix(start) => {
                let mut range = self.dictionary.range().ge(start);
                if let Some(end) = after_prefix(start.as_bytes()) {
                    range = range.lt(end);
                }
                collect(range.into_stream().map_err(unreadable)?)
            }
            Word::Parts(parts) => {
                let search = self.dictionary.search(Parts(parts));
                collect(search.into_stream().map_err(unreadable)?)
            }
            Word::Near { word, distance } => {
                let near = Near {
                    word,
                    distance: *distance,
                };
                let search = self.dictionary.search(near);
                collect(search.into_stream().map_err(unreadable)?)
            }
            Word::Regex(regex) => {
                // What the automaton cannot express is left to the texts, and so is what needs
                // tables of Unicode, which may be of another version than the other engine's.
                let plain = !regex.contains('\\') && !regex.contains("(?") && !regex.contains("[:");
                let Some(regex) = plain.then(|| tantivy_fst::Regex::new(regex).ok()).flatten()
                else {
                    return Ok(None);
                };
                let search = self.dictionary.search(&regex);
                collect(search.into_stream().map_err(unreadable)?)
            }
        }
    }

    /// In which patterns words follow each other as in `sequence`.
    pub(in crate::index) fn align(&self, sequence: &[Found]) -> Aligned {
        let mut aligned = Aligned::default();
        for (number, pattern) in (0_u32..).zip(&self.patterns) {
            if number == UNKNOWN {
                aligned.maybe.entry(u64::MAX).or_default().insert(number);
                continue;
            }
            let windows = pattern.tokens.windows(sequence.len());
            let masks: BTreeSet<u64> = windows.filter_map(|window| fit(window, sequence)).collect();
            if masks.contains(&0) {
                aligned.surely.insert(number);
                continue;
            }
            let variables = pattern.tokens.iter().filter(|token| **token == VARIABLE);
            let single = variables.count() == 1;
            for mask in masks {
                aligned.maybe.entry(mask).or_default().insert(number);
                if single && sequence.len() <= MASK_WORDS {
                    let place = mask.trailing_zeros() as usize;
                    aligned.single.entry(place).or_default().insert(number);
                }
            }
        }
        aligned
    }

    /// Where the lists of patterns are.
    pub(in crate::index) fn lists(&self, patterns: &BTreeSet<u32>) -> Result<Vec<Range<usize>>> {
        patterns
            .iter()
            .map(|number| {
                self.patterns
                    .get(*number as usize)
                    .map(|pattern| pattern.list.clone())
                    .ok_or_else(|| Error::corrupt("a word is in a pattern that is not there"))
            })
            .collect()
    }
}

/// Words of a sequence whose places are told apart; further ones count as if they were constant,
/// which leaves a superset.
const MASK_WORDS: usize = 64;

/// Which words of a sequence must be variable for the tokens of a pattern to be it; `None` if they
/// cannot be.
fn fit(window: &[u32], sequence: &[Found]) -> Option<u64> {
    let mut mask = 0;
    for (place, (token, found)) in window.iter().zip(sequence).enumerate() {
        if *token == VARIABLE {
            // Never 0 with a variable in it, which would say that all are constant.
            mask |= 1_u64 << place.min(MASK_WORDS - 1);
        } else if found.ordinals.binary_search(token).is_err() {
            return None;
        }
    }
    Some(mask)
}

impl Found {
    fn push(&mut self, ordinal: u64, entry: Range<usize>) -> Result<()> {
        let ordinal =
            u32::try_from(ordinal).map_err(|_| Error::corrupt("a dictionary is too large"))?;
        self.ordinals.push(ordinal);
        self.entries.push(entry);
        Ok(())
    }
}

fn collect<A: Automaton>(mut stream: TermStreamer<'_, A>) -> Result<Option<Found>> {
    let mut found = Found::default();
    while stream.advance() {
        if found.ordinals.len() >= MAX_EXPANDED {
            return Ok(None);
        }
        found.push(stream.term_ord(), stream.value().postings_range.clone())?;
    }
    Ok(Some(found))
}

/// The first key after all that start with `prefix`, if there is one.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

/// Reads a word's entry: the patterns it is constant in, and the rows it is variable in.
pub(in crate::index) fn read_entry(
    mut bytes: &[u8],
    rows: u32,
    patterns: &mut BTreeSet<u32>,
    variable: &mut RoaringBitmap,
) -> Result<()> {
    let count = read_u32(&mut bytes)?;
    let mut number = 0_u32;
    for _ in 0..count {
        number = number
            .checked_add(read_u32(&mut bytes)?)
            .ok_or_else(|| Error::corrupt("a pattern has too large a number"))?;
        patterns.insert(number);
    }
    decode(bytes, rows, variable)
}
