//! The shapes of texts: their tokens in order, what has a digit (and every id) masked.

use std::collections::HashMap;

use super::vocabulary::Seeded;

/// Stands in a shape, and in a pattern, for a token that differs from text to text.
pub(super) const VARIABLE: u32 = u32::MAX;
/// Distinct shapes a file may have before texts of new ones are kept word by word.
const MAX_SHAPES: usize = 1 << 17;
/// Tokens of all shapes together, for the same bound on memory (16 MiB).
const MAX_TOKENS: usize = 1 << 22;
/// Texts of more tokens have no shape.
const MAX_SHAPE_TOKENS: usize = 512;

/// Gives shapes their numbers and counts their rows.
#[derive(Debug)]
pub(super) struct Shapes {
    ids: HashMap<Box<[u32]>, u32, Seeded>,
    rows: Vec<u32>,
    tokens: usize,
}

impl Shapes {
    pub(super) fn new() -> Self {
        Self {
            ids: HashMap::with_hasher(Seeded::new()),
            rows: Vec::new(),
            tokens: 0,
        }
    }

    /// The shape of one more row; `None` if it is new and there is no room.
    pub(super) fn count(&mut self, tokens: &[u32]) -> Option<u32> {
        if tokens.len() > MAX_SHAPE_TOKENS {
            return None;
        }
        if let Some(id) = self.ids.get(tokens) {
            self.rows[*id as usize] += 1;
            return Some(*id);
        }
        if self.rows.len() >= MAX_SHAPES || self.tokens + tokens.len() > MAX_TOKENS {
            return None;
        }
        let id = u32::try_from(self.rows.len()).ok()?;
        self.ids.insert(tokens.into(), id);
        self.rows.push(1);
        self.tokens += tokens.len();
        Some(id)
    }

    /// Every shape: its tokens and its rows, by number.
    pub(super) fn into_list(self) -> Vec<Shape> {
        let mut list: Vec<Shape> = self
            .rows
            .iter()
            .map(|rows| Shape {
                tokens: Box::default(),
                rows: *rows,
            })
            .collect();
        for (tokens, id) in self.ids {
            list[id as usize].tokens = tokens;
        }
        list
    }
}

/// A shape and how many rows have it.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) tokens: Box<[u32]>,
    pub(super) rows: u32,
}
