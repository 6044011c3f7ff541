//! Conditions on labels: `status >= 500 and method = "GET" or duration > 250ms`.

use super::{Parsed, Parser, comparison};
use crate::logql::ast::{LabelFilter, Matcher, Quantity};
use crate::logql::lexer::Token;

/// Whether a label filter comes here and not a stage of another kind.
pub(super) fn begins_filter(parser: &Parser<'_>) -> bool {
    let after_name = |token: Option<&Token>| {
        matches!(
            token,
            Some(Token::Symbol(
                "=" | "==" | "!=" | "=~" | "!~" | "<" | "<=" | ">" | ">="
            ))
        )
    };
    match parser.peek() {
        Some(Token::Symbol("(")) => true,
        Some(Token::Word(_) | Token::Text(_)) => after_name(parser.ahead(1)),
        _ => false,
    }
}

impl Parser<'_> {
    /// `or` binds less than `and`, a comma and nothing at all, which all mean `and`.
    pub(super) fn label_filter(&mut self) -> Parsed<LabelFilter> {
        let mut left = self.all_of()?;
        while self.take_word("or") {
            let right = self.all_of()?;
            left = LabelFilter::Or(Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn all_of(&mut self) -> Parsed<LabelFilter> {
        let mut left = self.one_filter()?;
        loop {
            let joined = self.take_word("and") || self.take(",");
            if !joined && !begins_filter(self) {
                return Ok(left);
            }
            let right = self.one_filter()?;
            left = LabelFilter::And(Box::new(left), Box::new(right));
        }
    }

    fn one_filter(&mut self) -> Parsed<LabelFilter> {
        self.count_term()?;
        let open = self.position();
        if self.take("(") {
            let inner = self.deeper(Self::label_filter)?;
            self.close(")", open)?;
            return Ok(inner);
        }
        let name = self.label()?;
        let wanted = "a comparison such as `=`, `!=`, `=~` or `>`";
        if matches!(self.symbol(), Some("=" | "!="))
            && let Some(Token::Word(word)) = self.ahead(1)
            && word == "ip"
        {
            let negated = self.symbol() == Some("!=");
            self.advance();
            let range = self.ip()?;
            return Ok(LabelFilter::Ip {
                name,
                negated,
                range,
            });
        }
        let quantity = match self.ahead(1) {
            Some(Token::Symbol("-")) => self.ahead(2),
            other => other,
        };
        let is_quantity = matches!(
            quantity,
            Some(Token::Number(_) | Token::Duration(_) | Token::Bytes(_))
        );
        if let Some(op) = self.symbol().and_then(comparison).filter(|_| is_quantity) {
            self.advance();
            let value = self.quantity()?;
            return Ok(LabelFilter::Number { name, op, value });
        }
        if let Some("<" | "<=" | ">" | ">=") = self.symbol() {
            self.advance();
            return Err(self.unexpected("a number, a duration or a size"));
        }
        let test = self.text_test(wanted)?;
        Ok(LabelFilter::Text(Matcher { name, test }))
    }

    fn quantity(&mut self) -> Parsed<Quantity> {
        let negative = self.take("-");
        let sign = if negative { -1.0 } else { 1.0 };
        let quantity = match self.peek() {
            Some(Token::Number(number)) => Quantity::Number(sign * number),
            Some(Token::Duration(duration)) => {
                Quantity::Duration(if negative { -duration } else { *duration })
            }
            Some(Token::Bytes(bytes)) => Quantity::Bytes(sign * bytes),
            _ => return Err(self.unexpected("a number, a duration or a size")),
        };
        self.advance();
        Ok(quantity)
    }
}
