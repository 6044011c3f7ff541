//! The words of texts (bodies of logs, names of spans), exact by row.
//!
//! Most texts come from a few hundred format strings. So each row has a *pattern*: tokens in order,
//! constant or variable. A word that is constant in a pattern decides all its rows at once, from one
//! list of rows a pattern; only variable words have lists of rows of their own. Id-like words, which
//! occur once or twice, are hashed and kept by block (see `terms`).
//!
//! ```text
//! texts ─► vocabulary (words by number) ─► shapes (digits masked) ─► patterns (rare variants joined)
//!
//! Words        tantivy's term dictionary: word → where its entry is in WordRows
//! WordRows     entry = varint patterns | (varint step of the pattern's number)* | list
//! Patterns     flags u8 | varint bytes | list of the rows without a text | varint patterns | pattern*
//! pattern      = varint bytes of its list in PatternRows | varint tokens | varint token*
//! token        = 0 variable, else 1 + place of the word in the dictionary
//! PatternRows  one list after the other
//! ```
//! Lists are those of `rows`. Pattern 0 has no tokens: its rows are known word by word only. Flag 1
//! says that words did not fit and some are kept by block only.

mod automata;
mod builder;
mod patterns;
mod reader;
mod shapes;
mod vocabulary;

pub(super) use builder::WordsBuilder;
pub(super) use reader::{Found, Words, read_entry};
pub(super) use vocabulary::Seeded;

const FLAG_OVERFLOW: u8 = 1;

/// A word that is kept by block.
#[derive(Debug, Clone, Copy)]
pub(super) struct HashedWord<'a>(pub(super) &'a [u8]);
