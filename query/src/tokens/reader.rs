//! Reads tokens front to back. Depth and size are bounded.

use super::{Failure, Spanned, Token};

/// Brackets and signs may be this deep.
pub(crate) const MAX_DEPTH: usize = 64;

/// Operands of one query may be so many: values, filters, stages.
const MAX_TERMS: usize = 256;

pub(crate) type Parsed<T> = Result<T, Failure>;

/// Where a parser is; `M` is what it knows of the tokens beside.
pub(crate) struct Reader<'a, T, M = ()> {
    tokens: &'a [Spanned<T>],
    pub(crate) beside: M,
    at: usize,
    /// Where the text ends, in bytes.
    end: usize,
    depth: usize,
    terms: usize,
}

impl<'a, T: Token, M> Reader<'a, T, M> {
    /// At the first token of a text.
    pub(crate) fn new(tokens: &'a [Spanned<T>], text: &str, beside: M) -> Self {
        Self {
            tokens,
            beside,
            at: 0,
            end: text.len(),
            depth: 0,
            terms: 0,
        }
    }

    pub(crate) fn peek(&self) -> Option<&'a T> {
        self.ahead(0)
    }

    pub(crate) fn ahead(&self, by: usize) -> Option<&'a T> {
        self.tokens.get(self.at + by).map(|spanned| &spanned.token)
    }

    /// The number of the next token.
    pub(crate) fn place(&self) -> usize {
        self.at
    }

    /// Where the next token starts.
    pub(crate) fn position(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |next| next.at)
    }

    pub(crate) fn advance(&mut self) {
        self.at += 1;
    }

    pub(crate) fn symbol(&self) -> Option<&'static str> {
        self.peek().and_then(Token::symbol)
    }

    pub(crate) fn word(&self) -> Option<&'a str> {
        self.peek().and_then(Token::word)
    }

    pub(crate) fn take(&mut self, symbol: &str) -> bool {
        let found = self.symbol() == Some(symbol);
        if found {
            self.advance();
        }
        found
    }

    /// The bracket that closes what was opened at `open`.
    pub(crate) fn close(&mut self, bracket: &str, open: usize) -> Parsed<()> {
        if self.take(bracket) {
            return Ok(());
        }
        if self.peek().is_some() {
            return Err(self.unexpected(&format!("`{bracket}`")));
        }
        let opened = match bracket {
            "}" => '{',
            "]" => '[',
            _ => '(',
        };
        Err(Failure::new(open, format!("this `{opened}` is not closed"))
            .hint(format!("add a `{bracket}`")))
    }

    /// That something else stands where `wanted` should be.
    pub(crate) fn unexpected(&self, wanted: &str) -> Failure {
        match self.peek() {
            None => Failure::new(self.end, format!("the query ends where {wanted} should be")),
            Some(found) => Failure::new(
                self.position(),
                format!("unexpected `{}` where {wanted} should be", found.shown()),
            ),
        }
    }

    /// Reads what is inside of something.
    pub(crate) fn deeper<R>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<R>) -> Parsed<R> {
        if self.depth >= MAX_DEPTH {
            return Err(Failure::new(
                self.position(),
                "the query is nested too deep",
            ));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// Before each operand.
    pub(crate) fn count_term(&mut self) -> Parsed<()> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(Failure::new(
                self.position(),
                "the query has too many terms",
            ));
        }
        Ok(())
    }
}
