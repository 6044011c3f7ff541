//! Texts as shapes: the words, with what varies by nature masked.
//!
//! A shape is places with gaps around them: `user alice took 5ms` is the words `user`, `alice`, `took`
//! and a number, with blanks between. Texts of one shape differ in numbers, ids, times … only.

use super::classify::{Kind, classify};

/// Bytes of a text that are looked at; a template ends with `…` where there are more.
pub(super) const MAX_TEXT: usize = 1_024;
/// Around a place in the key of a shape; no text has it, since control characters are blanks.
const MARK: char = '\u{1}';
/// What a template shows for the rest of a text.
const REST: char = '…';
/// Stands for a place that is not the same everywhere.
pub(super) const HOLE: char = '\u{1}';

/// How coarse shapes are. Each level loses more, and the next loses all that this one does, so that
/// the shapes of a set of texts depend on the set and not on its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Coarseness {
    /// All words.
    #[default]
    Words,
    /// No words with digits, and no paths.
    PlainWords,
    /// And only the first 12 places.
    Beginning,
    /// And only the first 3.
    FirstWords,
    /// Nothing: one shape.
    Nothing,
}

/// One place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) kind: Kind,
    /// The text, if it is the same wherever the shape or pattern comes from.
    pub(super) text: Option<Box<str>>,
}

/// Places and what is around them: one gap more than places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) gaps: Vec<Box<str>>,
    pub(super) slots: Vec<Slot>,
}

// === impl Coarseness ===

impl Coarseness {
    /// The next level; the last one is its own.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Words => Self::PlainWords,
            Self::PlainWords => Self::Beginning,
            Self::Beginning => Self::FirstWords,
            Self::FirstWords | Self::Nothing => Self::Nothing,
        }
    }

    fn most_slots(self) -> usize {
        match self {
            Self::Words | Self::PlainWords => usize::MAX,
            Self::Beginning => 12,
            Self::FirstWords | Self::Nothing => 3,
        }
    }
}

// === impl Shape ===

impl Shape {
    /// The shape of a text.
    pub(super) fn of(text: &str) -> Self {
        let (text, cut) = match text.char_indices().find(|(at, _)| *at >= MAX_TEXT) {
            Some((at, _)) => (text.get(..at).unwrap_or_default(), true),
            None => (text, false),
        };
        let mut lexer = Lexer {
            rest: text,
            shape: Self {
                gaps: Vec::new(),
                slots: Vec::new(),
            },
            gap: String::new(),
        };
        lexer.run();
        let mut shape = lexer.shape;
        if cut {
            lexer.gap.push(REST);
        }
        shape.gaps.push(lexer.gap.into());
        shape.join_lists();
        shape
    }

    /// A text that is equal for equal shapes.
    pub(super) fn key(&self) -> String {
        let mut key = String::new();
        for (at, gap) in self.gaps.iter().enumerate() {
            key.push_str(gap);
            if let Some(slot) = self.slots.get(at) {
                key.push(MARK);
                key.push_str(slot.kind.placeholder());
                key.push_str(slot.text.as_deref().unwrap_or_default());
                key.push(MARK);
            }
        }
        key
    }

    /// The shape that has this key.
    pub(super) fn of_key(key: &str) -> Self {
        let mut shape = Self {
            gaps: Vec::new(),
            slots: Vec::new(),
        };
        for (at, part) in key.split(MARK).enumerate() {
            if at % 2 == 0 {
                shape.gaps.push(part.into());
                continue;
            }
            let kind = Kind::ALL
                .into_iter()
                .find(|kind| part.starts_with(kind.placeholder()))
                .unwrap_or(Kind::Word);
            let text = part.strip_prefix(kind.placeholder()).unwrap_or_default();
            shape.slots.push(Slot {
                kind,
                text: (!text.is_empty()).then(|| text.into()),
            });
        }
        shape
    }

    /// The shape at a level.
    pub(super) fn coarse(mut self, level: Coarseness) -> Self {
        if level == Coarseness::Nothing {
            return Self {
                gaps: vec![REST.to_string().into()],
                slots: Vec::new(),
            };
        }
        if level >= Coarseness::PlainWords {
            for slot in &mut self.slots {
                let varies = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
                if slot.kind == Kind::Path || slot.text.as_deref().is_some_and(varies) {
                    slot.text = None;
                }
            }
        }
        let most = level.most_slots();
        if self.slots.len() > most {
            self.slots.truncate(most);
            self.gaps.truncate(most);
            self.gaps.push(REST.to_string().into());
        }
        self
    }

    /// As a template.
    pub(super) fn template(&self) -> String {
        let mut template = String::new();
        for (at, gap) in self.gaps.iter().enumerate() {
            template.push_str(gap);
            if let Some(slot) = self.slots.get(at) {
                template.push_str(slot.text.as_deref().unwrap_or(slot.kind.placeholder()));
            }
        }
        template
    }

    /// The text, with a [`HOLE`] for each place that is not the same everywhere.
    pub(super) fn with_holes(&self) -> String {
        let mut text = String::new();
        for (at, gap) in self.gaps.iter().enumerate() {
            text.push_str(gap);
            if let Some(slot) = self.slots.get(at) {
                match &slot.text {
                    Some(constant) => text.push_str(constant),
                    None => text.push(HOLE),
                }
            }
        }
        // The rest of a long text is a place as well.
        text.replace(REST, &HOLE.to_string())
    }

    /// Three or more places with nothing but commas between are one: lists have no length of their own.
    fn join_lists(&mut self) {
        let comma = |gap: &str| gap == "," || gap == ", ";
        let mut at = 0;
        while at < self.slots.len() {
            let mut last = at;
            while last + 1 < self.slots.len() && comma(&self.gaps[last + 1]) {
                last += 1;
            }
            if last >= at + 2 {
                self.slots.drain(at + 1..=last);
                self.gaps.drain(at + 1..=last);
                self.slots[at] = Slot {
                    kind: Kind::List,
                    text: None,
                };
            }
            at += 1;
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    shape: Shape,
    gap: String,
}

// === impl Lexer ===

impl<'a> Lexer<'a> {
    fn run(&mut self) {
        while let Some(first) = self.rest.chars().next() {
            if first.is_whitespace() || first.is_control() {
                self.take(first.len_utf8());
                if !self.gap.ends_with(' ') {
                    self.gap.push(' ');
                }
            } else if let Some((kind, len)) = self.address() {
                let text = self.take(len);
                self.put(kind, text);
            } else if separates(first) {
                self.take(first.len_utf8());
                self.gap.push(first);
            } else {
                let len = length_until(self.rest, |letter| {
                    letter.is_whitespace() || letter.is_control() || separates(letter)
                });
                let run = self.take(len);
                self.words(run);
            }
        }
    }

    /// A path or URL at this place, and its length.
    fn address(&self) -> Option<(Kind, usize)> {
        let ends = |letter: char| {
            letter.is_whitespace() || letter.is_control() || "\"'`<>()[]{}|,;".contains(letter)
        };
        let len = length_until(self.rest, ends);
        let text = self.rest.get(..len)?.trim_end_matches(['.', ':', '!', '?']);
        let begins = |scheme: &str| {
            !scheme.is_empty()
                && scheme
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+')
        };
        if text
            .split_once("://")
            .is_some_and(|(scheme, _)| begins(scheme))
        {
            return Some((Kind::Url, text.len()));
        }
        let path = (text.starts_with('/') || text.starts_with("./") || text.starts_with("../"))
            && (text == "/" || text.bytes().any(|byte| byte.is_ascii_alphanumeric()));
        path.then_some((Kind::Path, text.len()))
    }

    /// A run of letters without separators; it may still be several words.
    fn words(&mut self, run: &str) {
        let word = run.trim_end_matches(['.', ':', '!', '?']);
        if let Some(kind) = classify(word) {
            self.put(kind, word);
        } else {
            let mut rest = word;
            while !rest.is_empty() {
                let len = length_until(rest, joins);
                let (part, after) = rest.split_at(len);
                if !part.is_empty() {
                    self.put(classify(part).unwrap_or(Kind::Word), part);
                }
                let mut letters = after.chars();
                self.gap.extend(letters.next());
                rest = letters.as_str();
            }
        }
        self.gap.push_str(run.get(word.len()..).unwrap_or_default());
    }

    fn put(&mut self, kind: Kind, text: &str) {
        self.shape.gaps.push(std::mem::take(&mut self.gap).into());
        self.shape.slots.push(Slot {
            kind,
            text: kind.has_text().then(|| text.into()),
        });
    }

    fn take(&mut self, len: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }
}

fn length_until(text: &str, ends: impl Fn(char) -> bool) -> usize {
    text.find(ends).unwrap_or(text.len())
}

/// Never part of a word.
fn separates(letter: char) -> bool {
    "[](){}<>\"'`=,;|".contains(letter)
}

/// Part of a number, address or time, and between words otherwise.
fn joins(letter: char) -> bool {
    ":#@&?!$+*\\^~%".contains(letter)
}

#[cfg(test)]
mod tests;
