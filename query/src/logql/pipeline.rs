//! What stages do to an entry.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::ast::{
    Conversion, LabelFilter, LabelFormat, LineFilter, LineTest, Picked, Quantity, Stage, Unwrap,
};
use super::labels::{ERROR, ERROR_DETAILS, Labels};
use super::values;

mod json;
mod logfmt;
mod pattern;

pub(crate) use json::{JsonPath, flattened};
pub(crate) use logfmt::pairs;
pub(crate) use pattern::{LinePattern, PatternParser};

/// A log record on its way through a pipeline.
#[derive(Debug, Clone)]
pub(crate) struct Entry<'a> {
    pub(crate) time_ns: i64,
    pub(crate) line: Cow<'a, str>,
    pub(crate) labels: Labels<'a>,
}

impl Entry<'_> {
    /// Runs a stage; whether the entry is left.
    pub(crate) fn passes_stage(&mut self, stage: &Stage) -> bool {
        match stage {
            Stage::Line(filter) => return filter.holds(&self.line),
            Stage::Filter(filter) => return filter.holds(&mut self.labels),
            Stage::Json(given) => json::extract(&self.line, given, &mut self.labels),
            Stage::Logfmt { strict, fields, .. } => {
                logfmt::extract(&self.line, *strict, fields, &mut self.labels);
            }
            Stage::Regexp(regex) => self.regexp(regex),
            Stage::Pattern(pattern) => {
                for (name, value) in pattern.captures(&self.line) {
                    self.labels.extract(name, value.to_owned());
                }
            }
            Stage::Unpack => self.unpack(),
            Stage::LineFormat(template) => {
                match template.render(self.time_ns, &self.line, &self.labels) {
                    Ok(line) => self.line = Cow::Owned(line),
                    Err(reason) => self.labels.note_error("TemplateFormatErr", reason),
                }
            }
            Stage::LabelFormat(given) => self.format_labels(given),
            Stage::Decolorize => {
                if self.line.contains('\u{1b}')
                    && let Some(colours) = COLOURS.as_ref()
                {
                    self.line = Cow::Owned(colours.replace_all(&self.line, "").into_owned());
                }
            }
            Stage::Drop(picked) => {
                let error = self.labels.value(ERROR).to_owned();
                self.labels
                    .retain(|label| !is_picked(picked, &label.name, &label.value));
                if !error.is_empty() && !self.labels.has_error() {
                    self.labels.remove(ERROR_DETAILS);
                }
            }
            Stage::Keep(picked) => self.labels.retain(|label| {
                label.name.starts_with("__error") || is_picked(picked, &label.name, &label.value)
            }),
        }
        true
    }

    fn regexp(&mut self, regex: &Regex) {
        let Some(captures) = regex.captures(&self.line) else {
            return;
        };
        for name in regex.capture_names().flatten() {
            if let Some(found) = captures.name(name) {
                self.labels.extract(name, found.as_str().to_owned());
            }
        }
    }

    /// What Promtail packed: texts become labels, `_entry` becomes the line.
    fn unpack(&mut self) {
        let parsed = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&self.line);
        let object = match parsed {
            Ok(object) => object,
            Err(error) => {
                self.labels.note_error("JSONParserErr", error.to_string());
                return;
            }
        };
        for (key, value) in object {
            let serde_json::Value::String(text) = value else {
                continue;
            };
            if key == "_entry" {
                self.line = Cow::Owned(text);
            } else {
                self.labels.extract(&values::label_name(&key), text);
            }
        }
    }

    fn format_labels(&mut self, given: &[(String, LabelFormat)]) {
        for (name, format) in given {
            match format {
                LabelFormat::Rename(of) => {
                    if let Some(value) = self.labels.get(of).map(str::to_owned) {
                        self.labels.remove(of);
                        self.labels.set(name, value);
                    }
                }
                LabelFormat::Template(template) => {
                    match template.render(self.time_ns, &self.line, &self.labels) {
                        Ok(value) => self.labels.set(name, value),
                        Err(reason) => self.labels.note_error("TemplateFormatErr", reason),
                    }
                }
            }
        }
    }

    /// The number that a metric takes from the entry; the label is gone then. `None` if there is no
    /// such label, or a filter does not hold. What is no number is an error of the entry.
    pub(crate) fn unwrapped(&mut self, unwrap: &Unwrap) -> Option<f64> {
        let text = self.labels.get(&unwrap.label)?;
        let number = match unwrap.conversion {
            Conversion::Number => values::number(text),
            Conversion::Duration => values::duration_ns(text)
                .map(|ns| ns as f64 / 1e9)
                .or_else(|| values::number(text)),
            Conversion::Bytes => values::bytes(text),
        };
        if number.is_none() {
            let details = format!("`{text}` of `{}` is no number", unwrap.label);
            self.labels.note_error("SampleExtractionErr", details);
        }
        self.labels.remove(&unwrap.label);
        let passes = unwrap
            .filters
            .iter()
            .all(|filter| filter.holds(&mut self.labels));
        passes.then(|| number.unwrap_or_default())
    }
}

/// The sequences with which terminals are told of colours.
static COLOURS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("\u{1b}\\[[0-9;?]*[ -/]*[@-~]").ok());

fn is_picked(picked: &[Picked], name: &str, value: &str) -> bool {
    picked.iter().any(|picked| {
        picked.name == name && picked.test.as_ref().is_none_or(|test| test.holds(value))
    })
}

impl LineFilter {
    /// Whether a line passes.
    pub(crate) fn holds(&self, line: &str) -> bool {
        let any = self.any.iter().any(|test| match test {
            LineTest::Contains(text) => line.contains(text.as_str()),
            LineTest::Regex(regex) => regex.is_match(line),
            LineTest::Pattern(pattern) => pattern.is_match(line),
            LineTest::Ip(range) => range.is_in(line),
        });
        any != self.negated
    }
}

impl LabelFilter {
    /// Whether an entry passes. A value that cannot be compared with a number passes and is an error.
    pub(crate) fn holds(&self, labels: &mut Labels<'_>) -> bool {
        match self {
            Self::And(left, right) => left.holds(labels) && right.holds(labels),
            Self::Or(left, right) => left.holds(labels) || right.holds(labels),
            Self::Text(matcher) => matcher.test.holds(labels.value(&matcher.name)),
            Self::Number { name, op, value } => {
                if labels.has_error() {
                    return true;
                }
                let Some(text) = labels.get(name) else {
                    return false;
                };
                let compared = match value {
                    Quantity::Number(wanted) => values::number(text).map(|n| (n, *wanted)),
                    Quantity::Duration(wanted) => {
                        values::duration_ns(text).map(|n| (n as f64, *wanted as f64))
                    }
                    Quantity::Bytes(wanted) => values::bytes(text).map(|n| (n, *wanted)),
                };
                if let Some((found, wanted)) = compared {
                    return op.holds(found, wanted);
                }
                let details = format!("`{text}` of `{name}` cannot be compared");
                labels.note_error("LabelFilterErr", details);
                true
            }
            Self::Ip {
                name,
                negated,
                range,
            } => {
                let Some(text) = labels.get(name) else {
                    return *negated;
                };
                if let Ok(address) = text.parse() {
                    return range.has(address) != *negated;
                }
                let details = format!("`{text}` of `{name}` is no address");
                labels.note_error("LabelFilterErr", details);
                true
            }
        }
    }
}
