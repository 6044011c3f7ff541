//! What full-text search looks for, and whether a text has it.
//!
//! ```text
//! query  = and { "OR" and }          and  = not { ["AND"] not }
//! not    = ("NOT" | "-") not | "(" query ")" | '"' phrase '"' | '~"' regex '"' | word
//! ```
//! A word stands for its tokens one after the other (`semicomplete.com` is `semicomplete`, `com`),
//! and so does a phrase. A `*` in a word stands for any characters of a token; a word that ends with
//! `~1` or `~2` stands for tokens that so many edits of a character make it. A regular expression must
//! match a whole (lower-case) token. Tokens are those of
//! [`spoor_storage::text`], so the index and this test cannot disagree.
//!
//! A text in ASCII, as nearly all are, is searched byte by byte without an allocation.

use spoor_storage::index::{Lookup, Word};
use spoor_storage::text;

mod parse;
mod search;

pub use parse::TextSyntaxError;

/// A compiled regular expression may take so much memory.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// A parsed full-text query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextQuery {
    /// All of these.
    All(Vec<TextQuery>),
    /// Any of these.
    Any(Vec<TextQuery>),
    /// Not this.
    Not(Box<TextQuery>),
    /// These tokens one after the other; never empty.
    Sequence(Vec<TokenPattern>),
}

/// What one token must look like; lower-case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenPattern {
    /// Is this.
    Exact(String),
    /// Starts so.
    Prefix(String),
    /// These parts in order with anything between them; the first part is at the start and the
    /// last at the end (either may be empty).
    Parts(Vec<String>),
    /// Is at most so many insertions, deletions and substitutions of a character away.
    Near(String, u8),
    /// Matches as a whole.
    Regex(TokenRegex),
}

/// A regular expression for a token; equal if it is written the same.
#[derive(Debug, Clone)]
pub struct TokenRegex {
    pattern: String,
    whole: regex::Regex,
}

impl PartialEq for TokenRegex {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

impl Eq for TokenRegex {}

impl TokenRegex {
    fn new(pattern: &str) -> Option<Self> {
        let whole = regex::RegexBuilder::new(&format!("^(?:{pattern})$"))
            .size_limit(MAX_REGEX_BYTES)
            .build()
            .ok()?;
        Some(Self {
            pattern: pattern.to_owned(),
            whole,
        })
    }
}

impl TextQuery {
    /// Reads a query. Errors say at which character it went wrong.
    pub fn parse(query: &str) -> Result<Self, TextSyntaxError> {
        parse::parse(query)
    }

    /// The tokens of `phrase` one after the other, `*` being punctuation; `None` if it has none.
    pub fn phrase(phrase: &str) -> Option<Self> {
        let tokens: Vec<_> = text::tokens(phrase)
            .map(|token| TokenPattern::Exact(token.into_owned()))
            .collect();
        (!tokens.is_empty()).then_some(Self::Sequence(tokens))
    }

    /// As [`TextQuery::phrase`], but `*` stands for any characters of a token.
    pub fn word(word: &str) -> Option<Self> {
        if let Some(near) = TokenPattern::near(word) {
            return Some(Self::Sequence(vec![near]));
        }
        let tokens: Vec<_> = word
            .split(|c: char| !c.is_alphanumeric() && c != '*')
            .filter_map(TokenPattern::parse)
            .collect();
        (!tokens.is_empty()).then_some(Self::Sequence(tokens))
    }

    /// Whether a word stands for the words near it: `timeout~1`.
    pub(crate) fn is_near_word(word: &str) -> bool {
        TokenPattern::near(word).is_some()
    }

    /// Whether `text` has what is looked for.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::All(queries) => queries.iter().all(|query| query.matches(text)),
            Self::Any(queries) => queries.iter().any(|query| query.matches(text)),
            Self::Not(query) => !query.matches(text),
            Self::Sequence(tokens) => search::has_sequence(text, tokens),
        }
    }

    /// The same question to the index.
    pub fn lookup(&self) -> Lookup {
        match self {
            Self::All(queries) => Lookup::And(queries.iter().map(Self::lookup).collect()),
            Self::Any(queries) => Lookup::Or(queries.iter().map(Self::lookup).collect()),
            Self::Not(query) => Lookup::Not(Box::new(query.lookup())),
            Self::Sequence(tokens) => {
                Lookup::Words(tokens.iter().map(TokenPattern::word).collect())
            }
        }
    }
}

impl TokenPattern {
    /// A token in which `*` stands for any characters; `None` if nothing else is in it.
    fn parse(token: &str) -> Option<Self> {
        if token.bytes().all(|byte| byte == b'*') {
            return None;
        }
        let lower = token.to_lowercase();
        let parts: Vec<String> = lower.split('*').map(str::to_owned).collect();
        Some(match parts.as_slice() {
            [only] => Self::Exact(only.clone()),
            [first, last] if last.is_empty() => Self::Prefix(first.clone()),
            _ => Self::Parts(parts),
        })
    }

    /// `timeout~1`; `None` if it is anything else.
    fn near(word: &str) -> Option<Self> {
        let (token, distance) = word.rsplit_once('~')?;
        let distance = match distance {
            "1" => 1,
            "2" => 2,
            _ => return None,
        };
        let whole = !token.is_empty() && token.chars().all(char::is_alphanumeric);
        whole.then(|| Self::Near(token.to_lowercase(), distance))
    }

    /// Whether a lower-case token looks so.
    fn is(&self, token: &str) -> bool {
        match self {
            Self::Exact(wanted) => token == wanted,
            Self::Prefix(start) => token.starts_with(start.as_str()),
            Self::Parts(parts) => text::has_parts(token.as_bytes(), parts, |part, at| at == part),
            Self::Near(word, distance) => text::within_distance(token, word, *distance),
            Self::Regex(regex) => regex.whole.is_match(token),
        }
    }

    fn word(&self) -> Word {
        match self {
            Self::Exact(token) => Word::Exact(token.clone()),
            Self::Prefix(start) => Word::Prefix(start.clone()),
            Self::Parts(parts) => Word::Parts(parts.clone()),
            Self::Near(word, distance) => Word::Near {
                word: word.clone(),
                distance: *distance,
            },
            Self::Regex(regex) => Word::Regex(regex.pattern.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
