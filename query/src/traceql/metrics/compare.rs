//! `compare({ … })`: how often each attribute has each value, in the selection and in the baseline.

use std::collections::BTreeMap;

use super::series::Series;
use crate::otlp::{Attributes, SpanRef};
use crate::traceql::ast::{Metrics, MetricsFunction};
use crate::traceql::value::Value;

/// Baseline, then selection.
type Counts = [Vec<u64>; 2];

const GROUPS: [&str; 2] = ["baseline", "selection"];

/// Adds the columns that are compared.
pub(super) fn columns(metrics: &Metrics, columns: &mut Vec<&'static str>) {
    if !matches!(metrics.function, MetricsFunction::Compare { .. }) {
        return;
    }
    for column in [
        "name",
        "kind",
        "status_code",
        "service_name",
        "attributes",
        "attribute_types",
        "resource_attributes",
        "resource_attribute_types",
    ] {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
}

/// Values of attributes while spans are added.
#[derive(Debug, Default)]
pub(super) struct Comparing {
    intervals: usize,
    /// By attribute, then by the value's text.
    values: BTreeMap<String, BTreeMap<String, (Value<'static>, Counts)>>,
}

impl Comparing {
    pub(super) fn new(intervals: usize) -> Self {
        Self {
            intervals,
            values: BTreeMap::new(),
        }
    }

    /// Adds a span; how many more numbers are held now.
    pub(super) fn add(&mut self, interval: usize, span: SpanRef<'_>, selected: bool) -> usize {
        let SpanRef { columns, row } = span;
        let place = (interval, usize::from(selected));
        let word = |text: &str| Value::Text(text.to_lowercase().into());
        let own = [
            ("name", Value::text(columns.name(row))),
            ("kind", word(columns.kind(row))),
            ("status", word(columns.status_code(row))),
            (
                "resource.service.name",
                Value::text(columns.service_name(row)),
            ),
        ];
        let mut more = 0;
        for (name, value) in own {
            more += self.count(name, value, place);
        }
        more += self.attributes("span", columns.attributes(row), place);
        more + self.attributes("resource", columns.resource(row), place)
    }

    fn attributes(
        &mut self,
        scope: &str,
        attributes: Attributes<'_>,
        place: (usize, usize),
    ) -> usize {
        let mut more = 0;
        for attribute in attributes.iter() {
            let name = format!("{scope}.{}", attribute.key);
            if name != "resource.service.name" {
                let value = Value::of_attribute(attribute.value_type, attribute.text);
                more += self.count(&name, value, place);
            }
        }
        more
    }

    fn count(&mut self, name: &str, value: Value<'_>, (interval, group): (usize, usize)) -> usize {
        if value.is_nil() {
            return 0;
        }
        let key = crate::traceql::evaluate::group_key(&value);
        if !self.values.contains_key(name) {
            self.values.insert(name.to_owned(), BTreeMap::new());
        }
        let Some(values) = self.values.get_mut(name) else {
            return 0;
        };
        let before = values.len();
        let empty = || vec![0; self.intervals];
        let (_, counts) = values
            .entry(key)
            .or_insert_with(|| (value.into_owned(), [empty(), empty()]));
        counts[group][interval] += 1;
        (values.len() - before) * self.intervals * 2
    }

    /// The `top` most frequent values of each attribute in each group, and how many spans have the
    /// attribute.
    pub(super) fn finish(self, top: usize) -> Vec<Series> {
        let mut found = Vec::new();
        for (name, values) in self.values {
            for (group, meta) in GROUPS.into_iter().enumerate() {
                let mut counted: Vec<(u64, &Value<'static>, &Vec<u64>)> = values
                    .values()
                    .map(|(value, counts)| (counts[group].iter().sum(), value, &counts[group]))
                    .filter(|(total, ..)| *total > 0)
                    .collect();
                // Stable: values that are as frequent stay in their order.
                counted.sort_by_key(|(total, ..)| std::cmp::Reverse(*total));
                let mut totals = vec![0; self.intervals];
                for (_, _, counts) in &counted {
                    for (total, count) in totals.iter_mut().zip(*counts) {
                        *total += count;
                    }
                }
                if counted.len() > top {
                    let labels = [
                        ("__meta_error", "__too_many_values__"),
                        ("__meta_type", meta),
                    ];
                    found.push(series(&labels, &name, Value::Nil, &[]));
                }
                for (_, value, counts) in counted.iter().take(top) {
                    found.push(series(
                        &[("__meta_type", meta)],
                        &name,
                        (*value).clone(),
                        counts,
                    ));
                }
                if !counted.is_empty() {
                    let meta = format!("{meta}_total");
                    found.push(series(
                        &[("__meta_type", &meta)],
                        &name,
                        Value::Nil,
                        &totals,
                    ));
                }
            }
        }
        found
    }
}

fn series(meta: &[(&str, &str)], name: &str, value: Value<'static>, counts: &[u64]) -> Series {
    let mut labels: Vec<(String, Value<'static>)> = meta
        .iter()
        .map(|(label, text)| ((*label).to_owned(), Value::Text((*text).to_owned().into())))
        .collect();
    labels.push((name.to_owned(), value));
    let samples = counts.iter().map(|count| Some(*count as f64)).collect();
    Series {
        labels,
        samples,
        exemplars: Vec::new(),
    }
}
