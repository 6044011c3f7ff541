//! What the parser would try again and again. Where an expression begins with a word such as `CAST` and does not read
//! as one, the parser reads it once more as a call or a name; so a fault inside of `n` of them, one in the other, is
//! found after 2ⁿ tries and more, before any limit of time can end it. A look at the tokens refuses such statements.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use spoor_storage::{Error, Result};

/// So many may be open at once. `TRIM` is tried four times: 65,536 tries, some hundredths of a second.
const MAX_OPEN: usize = 8;

/// Words that open a bracket of which the parser tries two readings or more.
const OPENING: [&str; 17] = [
    "ARRAY",
    "CAST",
    "CEIL",
    "CONVERT",
    "EXISTS",
    "EXTRACT",
    "FLOOR",
    "MAP",
    "MATCH",
    "OVERLAY",
    "POSITION",
    "SAFE_CAST",
    "STRUCT",
    "SUBSTR",
    "SUBSTRING",
    "TRIM",
    "TRY_CAST",
];

/// What is open: a bracket, or a `CASE` until its `END`.
#[derive(Debug, Default)]
struct Open {
    is_case: bool,
    /// 1 if the parser tries more than one reading of it.
    tried: usize,
    /// `NOT` and `INTERVAL` before what comes next in it.
    prefixes: usize,
}

/// Errors with [`spoor_storage::ErrorKind::Invalid`] for a statement that the parser may not come to an end with.
/// What cannot be cut into tokens is left to the parser, which says why.
pub(super) fn check(sql: &str) -> Result<()> {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else {
        return Ok(());
    };
    let mut open = vec![Open::default()];
    let mut opens = false;
    let mut tokens = tokens
        .iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .peekable();
    while let Some(token) = tokens.next() {
        let opened = std::mem::take(&mut opens);
        match token {
            Token::Word(word) if word.quote_style.is_none() => {
                let word = word.value.to_ascii_uppercase();
                match word.as_str() {
                    "CASE" => open.push(Open {
                        is_case: true,
                        tried: 1,
                        prefixes: 0,
                    }),
                    "END" if open.last().is_some_and(|last| last.is_case) => {
                        open.pop();
                    }
                    // An interval with its text is read at once.
                    "INTERVAL" if matches!(tokens.peek(), Some(Token::SingleQuotedString(_))) => {}
                    "NOT" | "INTERVAL" => {
                        if let Some(last) = open.last_mut() {
                            last.prefixes += 1;
                        }
                    }
                    "AND" | "OR" => end_prefixes(&mut open),
                    word => opens = OPENING.contains(&word) || word == "TRY_CONVERT",
                }
            }
            Token::LParen | Token::LBracket | Token::LBrace => open.push(Open {
                is_case: false,
                tried: usize::from(opened),
                prefixes: 0,
            }),
            Token::RParen | Token::RBracket | Token::RBrace => {
                while open.len() > 1 && open.pop().is_some_and(|closed| closed.is_case) {}
            }
            Token::Comma => end_prefixes(&mut open),
            _ => {}
        }
        let count: usize = open.iter().map(|each| each.tried + each.prefixes).sum();
        if count > MAX_OPEN {
            return Err(Error::invalid(format!(
                "the query is nested too deep: more than {MAX_OPEN} of CASE, CAST, NOT, TRIM, SUBSTRING and the like, one in the other"
            ))
            .with_hint("name inner ones in a WITH query"));
        }
    }
    Ok(())
}

fn end_prefixes(open: &mut [Open]) {
    if let Some(last) = open.last_mut() {
        last.prefixes = 0;
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    #[test]
    fn what_is_tried_again_is_bounded_and_the_parser_ends() {
        let each = [
            "CAST(",
            "TRY_CAST(",
            "cast (",
            "CASE (",
            "CASE WHEN (",
            "NOT (",
            "NOT ",
            "INTERVAL ",
            "CEIL(",
            "FLOOR(",
            "POSITION(",
            "SUBSTRING(",
            "SUBSTR(",
            "TRIM(",
            "OVERLAY(",
            "ARRAY[",
            "CONVERT(",
            "EXTRACT(YEAR FROM ",
            "NOT a = CAST(",
            "CAST((",
        ];
        for part in each {
            let words = if part.starts_with("NOT a") { 2 } else { 1 };
            let fine = format!("SELECT {}", part.repeat(MAX_OPEN / words));
            assert!(check(&fine).is_ok(), "{fine}");
            // Not closed: the parser finds the fault, after all its tries.
            // `NOT` alone may be a name.
            let read = Parser::parse_sql(&GenericDialect {}, &fine);
            assert!(read.is_err() || part == "NOT ", "{fine}");
            let deeper = format!("SELECT {}", part.repeat(MAX_OPEN + 1));
            let error = check(&deeper).unwrap_err().to_string();
            assert!(error.contains("nested too deep"), "{error}");
        }
    }

    #[test]
    fn long_statements_that_are_not_deep_are_fine() {
        let case = "CASE WHEN NOT a THEN CAST(b AS INT) ELSE TRIM(c) END";
        for sql in [
            format!("SELECT {}", vec![case; 50].join(", ")),
            format!("SELECT 1 WHERE {}", vec!["NOT (a = 1)"; 50].join(" AND ")),
            format!("SELECT now() {}", "+ INTERVAL '1 day' ".repeat(50)),
            format!("SELECT {}1{}", "(".repeat(30), ")".repeat(30)),
            format!("SELECT {}1{}", "abs(".repeat(30), ")".repeat(30)),
            "SELECT 'CAST(CAST(CAST(CAST(CAST(CAST(CAST(CAST(CAST('".to_owned(),
            "SELECT \"CAST\"(1), 'not closed".to_owned(),
            ") ] END ".repeat(20),
        ] {
            assert!(check(&sql).is_ok(), "{sql}");
        }
    }
}
