//! `with (…)` at the end of a query: what Tempo may do differently if it is asked to.
//!
//! Answers are always the most recent ones, and whole. So `most_recent` and `sample`, which say that
//! something else would do as well, are kept by not doing it; what is not known is refused, since
//! nobody could tell what was left undone.

use super::{Parsed, Parser};
use crate::failure::nearest;
use crate::tokens::Failure;
use crate::traceql::ast::Hints;
use crate::traceql::metrics::MAX_EXEMPLARS;
use crate::traceql::value::Value;

const KNOWN: [&str; 3] = ["most_recent", "sample", "exemplars"];

impl Parser<'_> {
    pub(super) fn hints(&mut self) -> Parsed<Hints> {
        if self.word() != Some("with") {
            return Ok(Hints::default());
        }
        self.advance();
        let given = self.arguments("with", Self::hint)?;
        Ok(Hints {
            exemplars: given.into_iter().flatten().next_back(),
        })
    }

    /// How many exemplars it asks for, if it is about them.
    fn hint(&mut self) -> Parsed<Option<usize>> {
        let at = self.position();
        let Some(name) = self.word() else {
            return Err(self.unexpected("the name of a hint"));
        };
        if !KNOWN.contains(&name) {
            let failure = Failure::new(at, format!("`{name}` is not a hint that is known here"));
            return Err(failure.hint(match nearest(name, &KNOWN).first() {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the hints are {}", KNOWN.join(", ")),
            }));
        }
        self.advance();
        self.expect("=", "the name of a hint")?;
        let at = self.position();
        let Some(value) = self.literal() else {
            return Err(self.unexpected("a value"));
        };
        let wrong = |expected: &str| {
            let shown = value.shown();
            Failure::new(at, format!("`{name}` is {expected}, not `{shown}`"))
        };
        match (name, &value) {
            ("most_recent" | "sample", Value::Bool(_)) => Ok(None),
            ("most_recent", _) => Err(wrong("true or false")),
            ("sample", part) if part.number().is_some_and(|part| part > 0.0 && part <= 1.0) => {
                Ok(None)
            }
            ("sample", _) => Err(wrong("true, false or a part such as 0.1")),
            (_, Value::Bool(wanted)) => Ok(Some(if *wanted { MAX_EXEMPLARS } else { 0 })),
            (_, Value::Int(number)) if *number >= 0 => {
                let number = usize::try_from(*number).unwrap_or(usize::MAX);
                Ok(Some(number.min(MAX_EXEMPLARS)))
            }
            _ => Err(wrong("true, false or a number")),
        }
    }
}
