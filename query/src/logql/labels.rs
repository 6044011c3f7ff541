//! The labels of one entry: of its stream, its metadata, and what stages made of the line.

use std::borrow::Cow;

/// Where a label comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Service, level and the resource attributes that Loki makes labels of.
    Stream,
    /// Everything else that the record has.
    Metadata,
    /// Read from the line, or set by a stage.
    Parsed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: Cow<'a, str>,
    pub(crate) kind: Kind,
}

/// Labels of one entry, each name once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Labels<'a>(Vec<Label<'a>>);

/// What went wrong with an entry in a stage.
pub(crate) const ERROR: &str = "__error__";
/// More about it.
pub(crate) const ERROR_DETAILS: &str = "__error_details__";

/// What is put to a name that a label of the record has already.
pub(crate) const EXTRACTED: &str = "_extracted";

impl<'a> Labels<'a> {
    /// The value of a label; that of one that is not there is empty.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.find(name).map(|label| label.value.as_ref())
    }

    fn find(&self, name: &str) -> Option<&Label<'a>> {
        self.0.iter().find(|label| label.name == name)
    }

    /// Adds a label of the record. The first of its name counts, but metadata never hides what the
    /// stream is called: it is told under another name.
    pub(crate) fn add(&mut self, name: Cow<'a, str>, value: Cow<'a, str>, kind: Kind) {
        if value.is_empty() {
            return;
        }
        let name = match self.find(&name).map(|known| known.kind) {
            None => name,
            Some(Kind::Stream) if kind == Kind::Metadata => {
                let other = format!("{name}{EXTRACTED}");
                if self.find(&other).is_some() {
                    return;
                }
                Cow::Owned(other)
            }
            Some(_) => return,
        };
        self.0.push(Label { name, value, kind });
    }

    /// Sets a label whatever it was before; an empty value takes it away.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.remove(name);
        if !value.is_empty() {
            self.0.push(Label {
                name: Cow::Owned(name.to_owned()),
                value: Cow::Owned(value),
                kind: Kind::Parsed,
            });
        }
    }

    /// Sets a label that was read from the line; a label of the record with the name stays.
    pub(crate) fn extract(&mut self, name: &str, value: String) {
        match self.find(name) {
            Some(known) if known.kind != Kind::Parsed => {
                self.set(&format!("{name}{EXTRACTED}"), value);
            }
            _ => self.set(name, value),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.retain(|label| label.name != name);
    }

    /// Keeps those for which `keep` is true.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Label<'a>) -> bool) {
        self.0.retain(keep);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Label<'a>> {
        self.0.iter()
    }

    /// Notes the first thing that goes wrong.
    pub(crate) fn note_error(&mut self, error: &str, details: impl Into<String>) {
        if self.get(ERROR).is_none() {
            self.set(ERROR, error.to_owned());
            self.set(ERROR_DETAILS, details.into());
        }
    }

    pub(crate) fn has_error(&self) -> bool {
        self.get(ERROR).is_some()
    }
}

/// Names with values, in the order of names: what a series or a stream is called.
pub(crate) type LabelSet = std::collections::BTreeMap<String, String>;

/// `{a="b", c="d"}`
pub(crate) fn text_of(labels: &LabelSet) -> String {
    let labels: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    format!("{{{}}}", labels.join(", "))
}
