//! Which words a text must have to match a regular expression or a `LIKE` pattern.
//!
//! `timed? out after \d+ms` can only match a text with a word that starts with `time`, and one that is
//! `out` followed by `after` and by one that ends with `ms`. Tokens are those of
//! [`spoor_storage::text`]: what the pattern says of the characters around a piece of literal text
//! decides whether the piece is a whole token, a start, an end or a part of one. What cannot be said
//! for sure is left out: the answer is a bound from above.

use regex_syntax::hir::{Class, Hir, HirKind, Look};
use spoor_storage::index::{Lookup, Word};

use super::{and, or};

/// Parts of tokens with fewer literal characters stand for too many words to look them all up.
const MIN_PART_CHARS: usize = 3;
/// Larger classes are not looked into; `\d` has some 700 characters.
const MAX_CLASS_CHARS: u32 = 1024;
/// Deeper nested patterns are not looked into.
const MAX_DEPTH: u32 = 50;

/// The lookup that every text must satisfy in which the regular expression finds something.
pub(super) fn of_regex(pattern: &str, ignore_case: bool) -> Lookup {
    let parsed = regex_syntax::ParserBuilder::new()
        .case_insensitive(ignore_case)
        .nest_limit(MAX_DEPTH)
        .build()
        .parse(pattern);
    let Ok(hir) = parsed else {
        // The filter itself will say what is wrong.
        return Lookup::All;
    };
    let mut pieces = Pieces::default();
    pieces.add(&hir);
    pieces.finish()
}

/// The lookup that every text must satisfy which is `LIKE` the pattern.
pub(super) fn of_like(pattern: &str, ignore_case: bool) -> Lookup {
    let mut pieces = Pieces::default();
    pieces.push(Piece::Gap);
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '%' | '_' => pieces.cut(),
            '\\' => {
                characters.next();
                pieces.cut();
            }
            // Without regard to case, others may stand for it: ſ for s.
            other if ignore_case && (!other.is_ascii() || matches!(other, 's' | 'S')) => {
                pieces.cut();
            }
            other => pieces.character(other),
        }
    }
    pieces.push(Piece::Gap);
    pieces.finish()
}

/// What stands at a place of a text that matches.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Piece {
    /// This alphanumeric character, in any case.
    Letter(char),
    /// One or more alphanumeric characters.
    Letters,
    /// No alphanumeric character, or an end of the text.
    Gap,
}

/// Pieces that stand one after the other, and what was found to be needed before them.
#[derive(Debug, Default)]
struct Pieces {
    run: Vec<Piece>,
    needed: Vec<Lookup>,
}

impl Pieces {
    fn push(&mut self, piece: Piece) {
        self.run.push(piece);
    }

    fn character(&mut self, character: char) {
        self.push(if character.is_alphanumeric() {
            Piece::Letter(character)
        } else {
            Piece::Gap
        });
    }

    /// Anything, or nothing, may follow.
    fn cut(&mut self) {
        let run = std::mem::take(&mut self.run);
        self.needed.extend(sequences(&run));
    }

    fn finish(mut self) -> Lookup {
        self.cut();
        and(self.needed)
    }

    fn add(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Empty => {}
            HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
                Ok(text) => text.chars().for_each(|character| self.character(character)),
                Err(_) => self.cut(),
            },
            HirKind::Class(class) => match piece_of(class) {
                Some(piece) => self.push(piece),
                None => self.cut(),
            },
            HirKind::Look(look) => self.look(*look),
            HirKind::Repetition(repetition) => {
                let of_one_kind = match repetition.sub.kind() {
                    HirKind::Class(class) => piece_of(class),
                    HirKind::Literal(literal) => match literal.0.as_ref() {
                        [byte] if byte.is_ascii_alphanumeric() => Some(Piece::Letters),
                        [byte] if byte.is_ascii() => Some(Piece::Gap),
                        _ => None,
                    },
                    _ => None,
                };
                match of_one_kind {
                    Some(Piece::Gap) if repetition.min > 0 => self.push(Piece::Gap),
                    Some(_) if repetition.min > 0 => self.push(Piece::Letters),
                    _ => {
                        self.cut();
                        if repetition.min > 0 {
                            let mut inner = Self::default();
                            inner.add(&repetition.sub);
                            self.needed.push(inner.finish());
                        }
                    }
                }
            }
            HirKind::Capture(capture) => self.add(&capture.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.add(part)),
            HirKind::Alternation(parts) => {
                self.cut();
                let each = parts.iter().map(|part| {
                    let mut inner = Self::default();
                    inner.add(part);
                    inner.finish()
                });
                self.needed.push(or(each.collect()));
            }
        }
    }

    /// An assertion about the characters on both sides of a place.
    fn look(&mut self, look: Look) {
        match look {
            Look::Start
            | Look::End
            | Look::StartLF
            | Look::EndLF
            | Look::StartCRLF
            | Look::EndCRLF => self.push(Piece::Gap),
            // At a `\b`, too, anything may follow: ² is no `\w`, but part of a token.
            _ => self.cut(),
        }
    }
}

/// What one character of a class is, if that can be said.
fn piece_of(class: &Class) -> Option<Piece> {
    let Class::Unicode(class) = class else {
        // Of bytes: ASCII, or no text at all.
        return None;
    };
    let ranges = class.ranges();
    let few = ranges
        .iter()
        .map(|range| u32::from(range.end()) - u32::from(range.start()) + 1)
        .sum::<u32>()
        <= MAX_CLASS_CHARS;
    if !few {
        return None;
    }
    let mut characters = ranges.iter().flat_map(|range| range.start()..=range.end());
    let first = characters.next()?;
    if first.is_alphanumeric() {
        let same = |character: char| {
            character.is_ascii() && first.is_ascii() && character.eq_ignore_ascii_case(&first)
        };
        let mut one = first.is_ascii();
        for character in characters {
            if !character.is_alphanumeric() {
                return None;
            }
            one &= same(character);
        }
        return Some(if one {
            Piece::Letter(first)
        } else {
            Piece::Letters
        });
    }
    characters
        .all(|character| !character.is_alphanumeric())
        .then_some(Piece::Gap)
}

/// The tokens of a run, those of them one after the other that something is known of.
fn sequences(run: &[Piece]) -> Vec<Lookup> {
    let mut found = Vec::new();
    let mut sequence = Vec::new();
    let mut at = 0;
    while at < run.len() {
        if run[at] == Piece::Gap {
            at += 1;
            continue;
        }
        let length = run[at..]
            .iter()
            .position(|piece| *piece == Piece::Gap)
            .unwrap_or(run.len() - at);
        let token = &run[at..at + length];
        let begun = at > 0;
        at += length;
        let ended = at < run.len();
        match word(token, begun, ended) {
            Some(word) => sequence.push(word),
            None if sequence.is_empty() => {}
            None => found.push(Lookup::Words(std::mem::take(&mut sequence))),
        }
    }
    if !sequence.is_empty() {
        found.push(Lookup::Words(sequence));
    }
    found
}

/// What the token is that has these pieces in it, with nothing before them if `begun` and nothing
/// after them if `ended`.
fn word(token: &[Piece], begun: bool, ended: bool) -> Option<Word> {
    let mut parts = vec![String::new()];
    if !begun {
        parts.push(String::new());
    }
    for piece in token {
        match piece {
            Piece::Letter(letter) => {
                let last = parts.last_mut()?;
                last.push(*letter);
            }
            _ => parts.push(String::new()),
        }
    }
    if !ended {
        parts.push(String::new());
    }
    if let [whole] = parts.as_slice() {
        return Some(Word::Exact(whole.to_lowercase()));
    }
    // A part of a word may be lower-cased differently from the word: Σ.
    let known: usize = parts.iter().map(String::len).sum();
    if known < MIN_PART_CHARS || !parts.iter().all(|part| part.is_ascii()) {
        return None;
    }
    for part in &mut parts {
        part.make_ascii_lowercase();
    }
    match parts.as_slice() {
        [start, end] if end.is_empty() => Some(Word::Prefix(start.clone())),
        _ => {
            let last = parts.len() - 1;
            let mut at = 0;
            parts.retain(|part| {
                at += 1;
                !part.is_empty() || at == 1 || at == last + 1
            });
            Some(Word::Parts(parts))
        }
    }
}

#[cfg(test)]
mod tests;
