//! Templates of `line_format` and `label_format`: the part of Go's that Loki's documents use.
//!
//! ```text
//! template = { text | "{{" pipeline "}}" | if | with }
//! if       = "{{if" pipeline "}}" template { "{{else if" … } [ "{{else}}" template ] "{{end}}"
//! pipeline = command { "|" command }        command = operand { operand }
//! operand  = .label | "text" | number | function | "(" pipeline ")" | $variable is not there
//! ```
//! `-` beside a bracket trims blanks. What a pipeline gives is the last argument of the next command.

use super::labels::Labels;

mod date;
mod functions;
mod parse;
mod value;

use functions::Function;
use value::Value;

/// One rendered text may be so long.
const MAX_BYTES: usize = 1 << 20;

/// A template that was read.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    written: String,
    nodes: Vec<Node>,
}

/// What is wrong with a template.
#[derive(Debug)]
pub(crate) struct TemplateError {
    pub(crate) message: String,
    pub(crate) hint: String,
}

#[derive(Debug, Clone)]
enum Node {
    Text(String),
    Show(Operand),
    If {
        condition: Operand,
        then: Vec<Node>,
        otherwise: Vec<Node>,
        /// `with`: `.` is the condition's value inside.
        with: bool,
    },
}

#[derive(Debug, Clone)]
enum Operand {
    Label(String),
    /// `.` by itself.
    Dot,
    Constant(Value),
    Call(Function, Vec<Operand>),
}

/// What a template is rendered with.
struct Context<'a> {
    time_ns: i64,
    line: &'a str,
    labels: &'a Labels<'a>,
}

impl Template {
    /// Reads a template. Depth is bounded.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        Ok(Self {
            written: text.to_owned(),
            nodes: parse::parse(text)?,
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }

    /// The text for one entry, or what went wrong.
    pub(crate) fn render(
        &self,
        time_ns: i64,
        line: &str,
        labels: &Labels<'_>,
    ) -> Result<String, String> {
        let context = Context {
            time_ns,
            line,
            labels,
        };
        let mut out = String::new();
        context.render(&self.nodes, None, &mut out)?;
        Ok(out)
    }

    /// The labels that it reads; `None` if it may read any.
    pub(crate) fn labels(&self) -> Option<Vec<&str>> {
        let mut found = Vec::new();
        labels_of_nodes(&self.nodes, &mut found).then_some(found)
    }
}

fn labels_of_nodes<'a>(nodes: &'a [Node], found: &mut Vec<&'a str>) -> bool {
    nodes.iter().all(|node| match node {
        Node::Text(_) => true,
        Node::Show(operand) => labels_of(operand, found),
        Node::If {
            condition,
            then,
            otherwise,
            ..
        } => {
            labels_of(condition, found)
                && labels_of_nodes(then, found)
                && labels_of_nodes(otherwise, found)
        }
    })
}

fn labels_of<'a>(operand: &'a Operand, found: &mut Vec<&'a str>) -> bool {
    match operand {
        Operand::Label(name) => {
            found.push(name);
            true
        }
        Operand::Dot => false,
        Operand::Constant(_) => true,
        Operand::Call(_, arguments) => arguments.iter().all(|argument| labels_of(argument, found)),
    }
}

impl Context<'_> {
    fn render(&self, nodes: &[Node], dot: Option<&Value>, out: &mut String) -> Result<(), String> {
        for node in nodes {
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Show(operand) => out.push_str(&self.value(operand, dot)?.shown()),
                Node::If {
                    condition,
                    then,
                    otherwise,
                    with,
                } => {
                    let value = self.value(condition, dot)?;
                    if value.is_true() {
                        let inner = if *with { Some(&value) } else { dot };
                        self.render(then, inner, out)?;
                    } else {
                        self.render(otherwise, dot, out)?;
                    }
                }
            }
            if out.len() > MAX_BYTES {
                return Err(format!("the text is longer than {MAX_BYTES} bytes"));
            }
        }
        Ok(())
    }

    fn value(&self, operand: &Operand, dot: Option<&Value>) -> Result<Value, String> {
        match operand {
            Operand::Label(name) => Ok(Value::Text(self.labels.value(name).to_owned())),
            Operand::Dot => Ok(dot.cloned().unwrap_or_else(|| {
                let labels = self.labels.iter();
                let all =
                    labels.map(|label| (label.name.clone().into(), label.value.clone().into()));
                Value::Text(super::labels::text_of(&all.collect()))
            })),
            Operand::Constant(value) => Ok(value.clone()),
            Operand::Call(Function::Line, _) => Ok(Value::Text(self.line.to_owned())),
            Operand::Call(Function::Timestamp, _) => Ok(Value::Time(self.time_ns)),
            Operand::Call(Function::And, given) => self.first(given, dot, |value| !value.is_true()),
            Operand::Call(Function::Or, given) => self.first(given, dot, Value::is_true),
            Operand::Call(function, given) => {
                let values = given
                    .iter()
                    .map(|operand| self.value(operand, dot))
                    .collect::<Result<Vec<_>, _>>()?;
                function.call(&values)
            }
        }
    }

    /// The first value that decides, else the last; what comes after it is not looked at.
    fn first(
        &self,
        given: &[Operand],
        dot: Option<&Value>,
        decides: impl Fn(&Value) -> bool,
    ) -> Result<Value, String> {
        let mut last = Value::Bool(false);
        for operand in given {
            last = self.value(operand, dot)?;
            if decides(&last) {
                break;
            }
        }
        Ok(last)
    }
}

#[cfg(test)]
mod tests;
