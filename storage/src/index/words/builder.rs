//! Collects the words of a file's texts while its rows are written.

use tantivy::postings::TermInfo;
use tantivy::termdict::TermDictionaryBuilder;

use super::patterns::{Patterns, UNKNOWN};
use super::shapes::{Shapes, VARIABLE};
use super::vocabulary::{MAX_WORDS, Vocabulary};
use super::{FLAG_OVERFLOW, HashedWord};
use crate::error::{Error, Result};
use crate::index::packed::{AREA_PART_BYTES, Kind, Packer};
use crate::index::rows::{RowsEncoder, read_u32, varint};
use crate::index::terms;
use crate::text::for_each_token;

/// Stands for a row without a text.
const NO_TEXT: u32 = u32::MAX;
/// Stands for a row whose words are in `loose`.
const LOOSE: u32 = u32::MAX - 1;

/// One pass over the texts, in the order of rows; memory is four bytes a row, the words, the
/// shapes and the rows of words with digits.
#[derive(Debug)]
pub(in crate::index) struct WordsBuilder {
    vocabulary: Vocabulary,
    overflow: bool,
    /// Rows of words with digits, by number of the word: they are variable everywhere.
    numbers: Vec<RowsEncoder>,
    shapes: Shapes,
    /// The shape of each row, or [`NO_TEXT`], or [`LOOSE`].
    rows: Vec<u32>,
    /// For each loose row its words: how many, then their numbers.
    loose: Vec<u8>,
    scratch: Vec<u8>,
    tokens: Vec<u32>,
}

impl WordsBuilder {
    pub(in crate::index) fn new() -> Self {
        Self::with_room_for(MAX_WORDS)
    }

    pub(super) fn with_room_for(words: usize) -> Self {
        Self {
            vocabulary: Vocabulary::new(words),
            overflow: false,
            numbers: Vec::new(),
            shapes: Shapes::new(),
            rows: Vec::new(),
            loose: Vec::new(),
            scratch: Vec::new(),
            tokens: Vec::new(),
        }
    }

    /// Adds the next row. Words that are not kept by row are given to `hashed`.
    pub(in crate::index) fn add(
        &mut self,
        text: Option<&str>,
        mut hashed: impl FnMut(HashedWord<'_>),
    ) {
        let Some(text) = text else {
            self.rows.push(NO_TEXT);
            return;
        };
        let row = u32::try_from(self.rows.len()).unwrap_or(NO_TEXT);
        self.tokens.clear();
        let (vocabulary, numbers, tokens) =
            (&mut self.vocabulary, &mut self.numbers, &mut self.tokens);
        let overflow = &mut self.overflow;
        // The constant word before: what follows it mostly follows it again.
        let mut before = None;
        for_each_token(text, &mut self.scratch, |token| {
            if terms::is_hashed(token) {
                hashed(HashedWord(token));
                tokens.push(VARIABLE);
                return;
            }
            let has_digit = terms::has_digit(token);
            let id = if has_digit {
                vocabulary.id(token)
            } else {
                vocabulary.id_after(before, token)
            };
            if let Some(id) = id {
                if has_digit {
                    let place = id as usize;
                    if numbers.len() <= place {
                        numbers.resize_with(place + 1, RowsEncoder::default);
                    }
                    numbers[place].push(row);
                    tokens.push(VARIABLE);
                } else {
                    before = Some(id);
                    tokens.push(id);
                }
            } else {
                *overflow = true;
                hashed(HashedWord(token));
                tokens.push(VARIABLE);
            }
        });
        let shape = self.shapes.count(&self.tokens);
        self.rows.push(shape.unwrap_or(LOOSE));
        if shape.is_none() {
            self.add_loose();
        }
    }

    fn add_loose(&mut self) {
        self.tokens.sort_unstable();
        self.tokens.dedup();
        let words = self.tokens.iter().filter(|token| **token != VARIABLE);
        varint(words.clone().count() as u64, &mut self.loose);
        for word in words {
            varint(u64::from(*word), &mut self.loose);
        }
    }

    /// Writes the parts.
    pub(in crate::index) fn finish(self, packer: &mut Packer) -> Result<()> {
        let shapes = self.shapes.into_list();
        let patterns = Patterns::of(&shapes);
        let mut words = self.numbers;
        words.resize_with(self.vocabulary.len(), RowsEncoder::default);
        // Words of a shape that its pattern does not have in their place.
        let extra: Vec<Vec<u32>> = shapes
            .iter()
            .zip(&patterns.of_shape)
            .map(|(shape, pattern)| {
                variable_words(&shape.tokens, &patterns.patterns[*pattern as usize])
            })
            .collect();
        let mut by_pattern = vec![RowsEncoder::default(); patterns.patterns.len()];
        let mut no_text = RowsEncoder::default();
        let mut loose = self.loose.as_slice();
        for (row, shape) in (0..).zip(&self.rows) {
            match *shape {
                NO_TEXT => no_text.push(row),
                LOOSE => {
                    by_pattern[UNKNOWN as usize].push(row);
                    for _ in 0..read_u32(&mut loose)? {
                        words[read_u32(&mut loose)? as usize].push(row);
                    }
                }
                shape => {
                    by_pattern[patterns.of_shape[shape as usize] as usize].push(row);
                    for word in &extra[shape as usize] {
                        words[*word as usize].push(row);
                    }
                }
            }
        }
        let sorted = self.vocabulary.sorted();
        write_words(&sorted, words, &patterns.patterns, packer)?;
        let head = (self.overflow, no_text.finish()?);
        write_patterns(head, &sorted, &patterns.patterns, by_pattern, packer)
    }
}

fn variable_words(shape: &[u32], pattern: &[u32]) -> Vec<u32> {
    let mut words: Vec<u32> = if pattern.len() == shape.len() {
        shape
            .iter()
            .zip(pattern)
            .filter(|(word, constant)| word != constant)
            .map(|(word, _)| *word)
            .collect()
    } else {
        shape.to_vec()
    };
    words.retain(|word| *word != VARIABLE);
    words.sort_unstable();
    words.dedup();
    words
}

/// For each word: how many patterns have it, their numbers as steps, and the rows in which it is
/// variable.
fn write_words(
    sorted: &[(&[u8], u32)],
    mut rows: Vec<RowsEncoder>,
    patterns: &[Vec<u32>],
    packer: &mut Packer,
) -> Result<()> {
    let mut constant: Vec<Vec<u32>> = vec![Vec::new(); rows.len()];
    for (number, pattern) in (0..).zip(patterns) {
        for word in pattern.iter().filter(|word| **word != VARIABLE) {
            let of = &mut constant[*word as usize];
            if of.last() != Some(&number) {
                of.push(number);
            }
        }
    }
    let failed = |source| Error::internal("cannot write a dictionary").with_source(source);
    let mut dictionary = TermDictionaryBuilder::create(Vec::new()).map_err(failed)?;
    let mut area = Vec::new();
    let mut ends = Vec::with_capacity(sorted.len());
    for (word, id) in sorted {
        let start = area.len();
        let of = &constant[*id as usize];
        varint(of.len() as u64, &mut area);
        let mut before = 0;
        for number in of {
            varint(u64::from(number - before), &mut area);
            before = *number;
        }
        let list = std::mem::take(&mut rows[*id as usize]);
        area.extend_from_slice(&list.finish()?);
        let info = TermInfo {
            doc_freq: 1,
            postings_range: start..area.len(),
            positions_range: 0..0,
        };
        dictionary.insert(word, &info).map_err(failed)?;
        ends.push(area.len());
    }
    packer.part(Kind::Words, "", &dictionary.finish().map_err(failed)?);
    packer.area(Kind::WordRows, (&area, AREA_PART_BYTES), ends.into_iter());
    Ok(())
}

fn write_patterns(
    (overflow, no_text): (bool, Vec<u8>),
    sorted: &[(&[u8], u32)],
    patterns: &[Vec<u32>],
    rows: Vec<RowsEncoder>,
    packer: &mut Packer,
) -> Result<()> {
    let mut ordinals = vec![0; sorted.len()];
    for (ordinal, (_, id)) in (0_u32..).zip(sorted) {
        ordinals[*id as usize] = ordinal;
    }
    let mut part = vec![if overflow { FLAG_OVERFLOW } else { 0 }];
    varint(no_text.len() as u64, &mut part);
    part.extend_from_slice(&no_text);
    varint(patterns.len() as u64, &mut part);
    let mut area = Vec::new();
    let mut ends = Vec::with_capacity(patterns.len());
    for (pattern, rows) in patterns.iter().zip(rows) {
        let list = rows.finish()?;
        varint(list.len() as u64, &mut part);
        area.extend_from_slice(&list);
        ends.push(area.len());
        varint(pattern.len() as u64, &mut part);
        for token in pattern {
            let code = match *token {
                VARIABLE => 0,
                word => u64::from(ordinals[word as usize]) + 1,
            };
            varint(code, &mut part);
        }
    }
    packer.part(Kind::Patterns, "", &part);
    packer.area(
        Kind::PatternRows,
        (&area, AREA_PART_BYTES),
        ends.into_iter(),
    );
    Ok(())
}
