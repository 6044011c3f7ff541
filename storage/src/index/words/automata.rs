//! What a word of a question accepts, as automata over the dictionary.

use tantivy_fst::Automaton;

use crate::text::within_distance;

/// Accepts words in which parts follow each other (see [`crate::text::has_parts`]).
pub(super) struct Parts<'a>(pub(super) &'a [String]);

/// How far a word got: the next part, and the bytes since the last one that may still begin it.
#[derive(Debug, Clone)]
pub(super) struct PartsState {
    word: Vec<u8>,
    /// Whether what was read still has the first part at its start.
    alive: bool,
}

impl Automaton for Parts<'_> {
    type State = PartsState;

    fn start(&self) -> PartsState {
        PartsState {
            word: Vec::new(),
            alive: true,
        }
    }

    fn is_match(&self, state: &PartsState) -> bool {
        state.alive && crate::text::has_parts(&state.word, self.0, |part, at| part == at)
    }

    fn can_match(&self, state: &PartsState) -> bool {
        state.alive
    }

    fn accept(&self, state: &PartsState, byte: u8) -> PartsState {
        let mut next = state.clone();
        let at = next.word.len();
        next.word.push(byte);
        let first = self.0.first().map_or(&[][..], |part| part.as_bytes());
        next.alive &= first.get(at).is_none_or(|expected| *expected == byte);
        next
    }
}

/// Accepts words at most so many edits away.
pub(super) struct Near<'a> {
    pub(super) word: &'a str,
    pub(super) distance: u8,
}

impl Automaton for Near<'_> {
    type State = Vec<u8>;

    fn start(&self) -> Vec<u8> {
        Vec::new()
    }

    fn is_match(&self, state: &Vec<u8>) -> bool {
        std::str::from_utf8(state).is_ok_and(|word| within_distance(word, self.word, self.distance))
    }

    fn can_match(&self, state: &Vec<u8>) -> bool {
        // A start that is already further away than all edits can repair ends here.
        let longest = self.word.len() + 4 * usize::from(self.distance);
        if state.len() > longest {
            return false;
        }
        std::str::from_utf8(state).map_or(true, |start| {
            crate::text::start_within_distance(start, self.word, self.distance)
        })
    }

    fn accept(&self, state: &Vec<u8>, byte: u8) -> Vec<u8> {
        let mut next = state.clone();
        next.push(byte);
        next
    }
}
