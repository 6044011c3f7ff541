//! Reads full-text queries by recursive descent over characters.

use super::{TextQuery, TokenPattern, TokenRegex};

/// Parentheses and negations may be this deep; more would only serve to overflow a stack.
const MAX_DEPTH: usize = 64;

/// Where a full-text query went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at character {position}")]
pub struct TextSyntaxError {
    /// Offset in characters.
    pub position: usize,
    /// What is wrong.
    pub message: String,
}

pub(super) fn parse(query: &str) -> Result<TextQuery, TextSyntaxError> {
    let mut parser = Parser {
        chars: query.chars().collect(),
        at: 0,
    };
    let parsed = parser.any(0)?;
    match parser.peek() {
        None => Ok(parsed),
        Some(_) => Err(parser.error("unexpected `)`")),
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
}

impl Parser {
    fn any(&mut self, depth: usize) -> Result<TextQuery, TextSyntaxError> {
        if depth > MAX_DEPTH {
            return Err(self.error("too many parentheses"));
        }
        let mut alternatives = vec![self.all(depth)?];
        while self.keyword("OR") {
            alternatives.push(self.all(depth)?);
        }
        Ok(single_or(alternatives, TextQuery::Any))
    }

    fn all(&mut self, depth: usize) -> Result<TextQuery, TextSyntaxError> {
        let mut parts = vec![self.not(depth)?];
        loop {
            if self.keyword("AND") {
                parts.push(self.not(depth)?);
                continue;
            }
            match self.peek() {
                None | Some(')') => break,
                Some(_) if self.at_keyword("OR") => break,
                Some(_) => parts.push(self.not(depth)?),
            }
        }
        Ok(single_or(parts, TextQuery::All))
    }

    fn not(&mut self, depth: usize) -> Result<TextQuery, TextSyntaxError> {
        if depth > MAX_DEPTH {
            return Err(self.error("too many negations"));
        }
        if self.keyword("NOT") {
            return Ok(TextQuery::Not(Box::new(self.not(depth + 1)?)));
        }
        match self.peek() {
            Some('-')
                if self
                    .chars
                    .get(self.at + 1)
                    .is_some_and(|c| !c.is_whitespace() && *c != '-') =>
            {
                self.at += 1;
                Ok(TextQuery::Not(Box::new(self.not(depth + 1)?)))
            }
            Some('(') => {
                self.at += 1;
                let inner = self.any(depth + 1)?;
                if self.peek() != Some(')') {
                    return Err(self.error("a `(` is not closed"));
                }
                self.at += 1;
                Ok(inner)
            }
            Some('"') => self.phrase(),
            Some('~') if self.chars.get(self.at + 1) == Some(&'"') => self.regex(),
            Some(')') | None => Err(self.error("a word is missing")),
            Some(_) => self.word(),
        }
    }

    fn regex(&mut self) -> Result<TextQuery, TextSyntaxError> {
        let start = self.at;
        self.at += 1;
        let pattern = self.quoted()?;
        let regex = TokenRegex::new(&pattern).ok_or_else(|| TextSyntaxError {
            position: start,
            message: format!("`{pattern}` is not a regular expression, or too large a one"),
        })?;
        Ok(TextQuery::Sequence(vec![TokenPattern::Regex(regex)]))
    }

    fn phrase(&mut self) -> Result<TextQuery, TextSyntaxError> {
        let start = self.at;
        let phrase = self.quoted()?;
        TextQuery::phrase(&phrase).ok_or_else(|| no_tokens(start, &phrase))
    }

    /// What is between the quotation marks.
    fn quoted(&mut self) -> Result<String, TextSyntaxError> {
        let start = self.at;
        self.at += 1;
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let Some(length) = rest.iter().position(|c| *c == '"') else {
            self.at = start;
            return Err(self.error("a `\"` is not closed"));
        };
        let text: String = rest.iter().take(length).collect();
        self.at += length + 1;
        Ok(text)
    }

    fn word(&mut self) -> Result<TextQuery, TextSyntaxError> {
        let start = self.at;
        while self
            .chars
            .get(self.at)
            .is_some_and(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '"'))
        {
            self.at += 1;
        }
        let word: String = self
            .chars
            .get(start..self.at)
            .unwrap_or_default()
            .iter()
            .collect();
        TextQuery::word(&word).ok_or_else(|| no_tokens(start, &word))
    }

    fn peek(&mut self) -> Option<char> {
        while self.chars.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        self.chars.get(self.at).copied()
    }

    fn at_keyword(&mut self, keyword: &str) -> bool {
        self.peek();
        let mut at = self.at;
        for expected in keyword.chars() {
            if self.chars.get(at) != Some(&expected) {
                return false;
            }
            at += 1;
        }
        self.chars
            .get(at)
            .is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | '"'))
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.at_keyword(keyword);
        if found {
            self.at += keyword.len();
        }
        found
    }

    fn error(&self, message: &str) -> TextSyntaxError {
        TextSyntaxError {
            position: self.at.min(self.chars.len()),
            message: message.to_owned(),
        }
    }
}

fn no_tokens(position: usize, word: &str) -> TextSyntaxError {
    TextSyntaxError {
        position,
        message: format!("`{word}` has no letter or digit to search for"),
    }
}

fn single_or(mut parts: Vec<TextQuery>, many: fn(Vec<TextQuery>) -> TextQuery) -> TextQuery {
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => many(parts),
    }
}
