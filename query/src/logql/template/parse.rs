//! Reading templates.

use super::functions::Function;
use super::value::Value;
use super::{Node, Operand, TemplateError};
use crate::failure::nearest;

/// Blocks and brackets may be this deep.
const MAX_DEPTH: usize = 32;

type Parsed<T> = Result<T, TemplateError>;

fn wrong<T>(message: impl Into<String>, hint: impl Into<String>) -> Parsed<T> {
    Err(TemplateError {
        message: message.into(),
        hint: hint.into(),
    })
}

/// What a template is cut into.
#[derive(Debug)]
enum Piece {
    Text(String),
    /// Between the brackets.
    Action(String),
}

pub(super) fn parse(text: &str) -> Parsed<Vec<Node>> {
    let pieces = pieces(text)?;
    let mut reader = Blocks {
        pieces: &pieces,
        at: 0,
    };
    let (nodes, end) = reader.block(0)?;
    match end {
        None => Ok(nodes),
        Some(word) => wrong(
            format!("`{word}` ends nothing"),
            "an `{{if …}}` is missing before it",
        ),
    }
}

fn pieces(text: &str) -> Parsed<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut trim = false;
    loop {
        let (before, after) = match rest.split_once("{{") {
            Some((before, after)) => (before, Some(after)),
            None => (rest, None),
        };
        let mut before = if trim { before.trim_start() } else { before };
        let Some(after) = after else {
            pieces.push(Piece::Text(before.to_owned()));
            return Ok(pieces);
        };
        let after = match after.strip_prefix("- ") {
            Some(after) => {
                before = before.trim_end();
                after
            }
            None => after,
        };
        pieces.push(Piece::Text(before.to_owned()));
        let Some((action, after)) = split_action(after) else {
            return wrong("`{{` is not closed", "add `}}`");
        };
        trim = action.ends_with(" -");
        let action = action.strip_suffix(" -").unwrap_or(action).trim();
        if !action.starts_with("/*") {
            pieces.push(Piece::Action(action.to_owned()));
        }
        rest = after;
    }
}

/// Up to the `}}` that is in no text.
fn split_action(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '`' => quote = Some(c),
            None => {
                let (action, rest) = text.split_at_checked(at)?;
                if let Some(rest) = rest.strip_prefix("}}") {
                    return Some((action, rest));
                }
            }
        }
    }
    None
}

struct Blocks<'a> {
    pieces: &'a [Piece],
    at: usize,
}

impl Blocks<'_> {
    /// Nodes up to `end`, `else` or the end of the text, with the action that ended them.
    fn block(&mut self, depth: usize) -> Parsed<(Vec<Node>, Option<String>)> {
        if depth > MAX_DEPTH {
            return wrong("blocks are nested too deep", "make the template simpler");
        }
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.get(self.at) {
            self.at += 1;
            let action = match piece {
                Piece::Text(text) => {
                    if !text.is_empty() {
                        nodes.push(Node::Text(text.clone()));
                    }
                    continue;
                }
                Piece::Action(action) => action,
            };
            let (word, rest) = first_word(action);
            match word {
                "end" | "else" => return Ok((nodes, Some(action.clone()))),
                "if" | "with" => nodes.push(self.branch(word == "with", rest, depth)?),
                "range" | "define" | "template" | "block" | "break" | "continue" => {
                    return wrong(
                        format!("`{word}` is not supported in templates"),
                        "use `if`, `with` and functions",
                    );
                }
                _ => nodes.push(Node::Show(pipeline(action)?)),
            }
        }
        Ok((nodes, None))
    }

    fn branch(&mut self, with: bool, condition: &str, depth: usize) -> Parsed<Node> {
        let condition = pipeline(condition)?;
        let (then, end) = self.block(depth + 1)?;
        let Some(end) = end else {
            return wrong("an `if` or `with` has no end", "add `{{end}}`");
        };
        let (word, rest) = first_word(&end);
        let otherwise = match (word, first_word(rest)) {
            ("else", ("if", condition)) => {
                vec![self.branch(false, condition, depth + 1)?]
            }
            ("else", ("", _)) => {
                let (nodes, end) = self.block(depth + 1)?;
                if end.as_deref() != Some("end") {
                    return wrong("an `else` has no end", "add `{{end}}`");
                }
                nodes
            }
            ("end", ("", _)) => Vec::new(),
            _ => {
                return wrong(
                    format!("unexpected `{end}`"),
                    "write `{{else}}` or `{{end}}`",
                );
            }
        };
        Ok(Node::If {
            condition,
            then,
            otherwise,
            with,
        })
    }
}

fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

// === pipelines ===

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    Pipe,
    Dot,
    Label(String),
    Constant(Value),
    Word(String),
}

fn pipeline(text: &str) -> Parsed<Operand> {
    let tokens = tokens(text)?;
    let mut reader = Pipelines {
        tokens: &tokens,
        at: 0,
    };
    let operand = reader.pipeline(0)?;
    if reader.at < tokens.len() {
        return wrong(format!("unexpected `)` in `{text}`"), "remove it");
    }
    Ok(operand)
}

fn tokens(text: &str) -> Parsed<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let symbol = match first {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            '|' => Some(Token::Pipe),
            // Loki's documents have a comma where Go has none.
            ',' => {
                rest = rest.trim_start_matches(',').trim_start();
                continue;
            }
            _ => None,
        };
        let used = if let Some(symbol) = symbol {
            tokens.push(symbol);
            1
        } else if first == '"' || first == '`' {
            let (value, used) = quoted(rest)?;
            tokens.push(Token::Constant(Value::Text(value)));
            used
        } else {
            let end = rest
                .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '|' | '"' | '`' | ','))
                .unwrap_or(rest.len());
            let (word, _) = rest.split_at_checked(end).unwrap_or((rest, ""));
            tokens.push(bare(word)?);
            end
        };
        rest = rest
            .split_at_checked(used)
            .map_or("", |(_, rest)| rest)
            .trim_start();
    }
    Ok(tokens)
}

fn bare(word: &str) -> Parsed<Token> {
    if word == "." {
        return Ok(Token::Dot);
    }
    if let Some(label) = word.strip_prefix('.') {
        return Ok(Token::Label(label.to_owned()));
    }
    if word.starts_with('$') || word.contains(":=") {
        return wrong(
            format!("variables such as `{word}` are not supported in templates"),
            "write labels as `.label`",
        );
    }
    if let Ok(number) = word.parse::<i64>() {
        return Ok(Token::Constant(Value::Int(number)));
    }
    if word.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+')
        && let Ok(number) = word.parse::<f64>()
    {
        return Ok(Token::Constant(Value::Float(number)));
    }
    Ok(match word {
        "true" => Token::Constant(Value::Bool(true)),
        "false" => Token::Constant(Value::Bool(false)),
        "nil" => Token::Constant(Value::Text(String::new())),
        _ => Token::Word(word.to_owned()),
    })
}

/// A text in quotes, and the bytes it takes.
fn quoted(text: &str) -> Parsed<(String, usize)> {
    let raw = text.starts_with('`');
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '`' if raw => return Ok((value, at + 1)),
            '"' if !raw => return Ok((value, at + 1)),
            '\\' if !raw => match chars.next().map(|(_, escaped)| escaped) {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some('r') => value.push('\r'),
                Some(other) => value.push(other),
                None => break,
            },
            c => value.push(c),
        }
    }
    wrong("a text in the template is not closed", "add a quote")
}

struct Pipelines<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Pipelines<'_> {
    fn pipeline(&mut self, depth: usize) -> Parsed<Operand> {
        if depth > MAX_DEPTH {
            return wrong("brackets are nested too deep", "make the template simpler");
        }
        let mut before: Option<Operand> = None;
        loop {
            before = Some(self.command(before, depth)?);
            match self.tokens.get(self.at) {
                Some(Token::Pipe) => self.at += 1,
                _ => break,
            }
        }
        before.ok_or_else(|| TemplateError {
            message: "nothing stands between the brackets".to_owned(),
            hint: "write a label such as `.level`".to_owned(),
        })
    }

    fn command(&mut self, before: Option<Operand>, depth: usize) -> Parsed<Operand> {
        let mut operands = Vec::new();
        let mut function = None;
        while let Some(token) = self.tokens.get(self.at) {
            let operand = match token {
                Token::Pipe | Token::Close => break,
                Token::Open => {
                    self.at += 1;
                    let inner = self.pipeline(depth + 1)?;
                    if self.tokens.get(self.at) != Some(&Token::Close) {
                        return wrong("a `(` of the template is not closed", "add a `)`");
                    }
                    inner
                }
                Token::Dot => Operand::Dot,
                Token::Label(name) => Operand::Label(name.clone()),
                Token::Constant(value) => Operand::Constant(value.clone()),
                Token::Word(name) => {
                    let found = function_named(name)?;
                    if function.is_none() && operands.is_empty() {
                        function = Some(found);
                        self.at += 1;
                        continue;
                    }
                    Operand::Call(found, Vec::new())
                }
            };
            operands.push(operand);
            self.at += 1;
        }
        match function {
            Some(function) => {
                operands.extend(before);
                check_count(function, operands.len())?;
                Ok(Operand::Call(function, operands))
            }
            None => match (operands.pop(), operands.is_empty(), before) {
                (Some(only), true, None) => Ok(only),
                (None, _, _) => wrong(
                    "a command of the template is missing",
                    "write a label or a function",
                ),
                _ => wrong(
                    "a value of the template is called as if it were a function",
                    "write functions first: `{{ lower .level }}`",
                ),
            },
        }
    }
}

fn function_named(name: &str) -> Parsed<Function> {
    if let Some(function) = Function::named(name) {
        return Ok(function);
    }
    let known: Vec<&str> = Function::names().collect();
    let hint = match nearest(name, &known).first() {
        Some(near) => format!("did you mean `{near}`?"),
        None => "docs/logql.md lists the functions that are there".to_owned(),
    };
    wrong(format!("there is no function `{name}` in templates"), hint)
}

fn check_count(function: Function, given: usize) -> Parsed<()> {
    let (least, most) = function.arguments();
    if (least..=most).contains(&given) {
        return Ok(());
    }
    let wanted = if least == most {
        least.to_string()
    } else {
        format!("at least {least}")
    };
    wrong(
        format!(
            "`{}` takes {wanted} arguments and has {given}",
            function.name()
        ),
        "what comes before a `|` is the last argument",
    )
}
