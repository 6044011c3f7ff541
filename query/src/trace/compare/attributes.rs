//! In which attributes the two sides of a group differ.

use std::collections::{BTreeMap, BTreeSet};

use super::Side;
use super::align::Group;
use crate::otlp::{Attribute, JsonWriter, SpanRef, write_plain_value};

/// So many differences of a group are shown.
const MAX_DIFFERENCES: usize = 60;
/// So many values of one attribute are shown a side.
const MAX_VALUES: usize = 4;
/// So many spans of a side are looked at: of a loop of thousands, these tell enough.
const MAX_SPANS: usize = 64;
/// Of longer values only so much is compared and shown.
const MAX_VALUE_BYTES: usize = 1_000;
/// Put before the keys of the resource.
const RESOURCE: &str = "resource.";

/// One attribute whose values are not the same on both sides.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// `resource.<key>` for attributes of the resource.
    pub(super) key: String,
    /// JSON texts, in order; none if no span of the side has it.
    pub(super) sides: [Vec<Vec<u8>>; 2],
}

type Values = BTreeMap<String, [BTreeSet<Vec<u8>>; 2]>;

/// Differences of a group that both sides have, by key.
pub(super) fn differences(left: &Side, right: &Side, group: &Group) -> Vec<Difference> {
    if group.sides.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    let mut values = Values::new();
    for (which, side) in [left, right].into_iter().enumerate() {
        for place in group.sides[which].iter().take(MAX_SPANS) {
            add_span(&mut values, which, side.placed_span(*place));
        }
    }
    values
        .into_iter()
        .filter(|(_, [left, right])| left != right)
        .take(MAX_DIFFERENCES)
        .map(|(key, sides)| Difference {
            key,
            sides: sides.map(|values| values.into_iter().take(MAX_VALUES).collect()),
        })
        .collect()
}

fn add_span(values: &mut Values, which: usize, span: SpanRef<'_>) {
    let SpanRef { columns, row } = span;
    for attribute in columns.attributes(row).iter() {
        add(values, which, attribute.key.to_owned(), attribute);
    }
    for attribute in columns.resource(row).iter() {
        let key = format!("{RESOURCE}{}", attribute.key);
        add(values, which, key, attribute);
    }
    if let Some(message) = columns.status_message(row) {
        let mut json = JsonWriter::new();
        json.string(shortened(message));
        insert(values, which, "status_message".to_owned(), json.finish());
    }
}

fn add(values: &mut Values, which: usize, key: String, attribute: Attribute<'_>) {
    let mut json = JsonWriter::new();
    match attribute.text {
        Some(text) if text.len() > MAX_VALUE_BYTES => json.string(shortened(text)),
        _ => write_plain_value(&mut json, attribute),
    }
    insert(values, which, key, json.finish());
}

fn insert(values: &mut Values, which: usize, key: String, json: Vec<u8>) {
    values.entry(key).or_default()[which].insert(json);
}

/// The beginning, as far as it is shown.
fn shortened(text: &str) -> &str {
    let mut end = text.len().min(MAX_VALUE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
