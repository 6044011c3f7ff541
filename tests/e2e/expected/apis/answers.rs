//! What answers say, as numbers by name.

use serde_json::Value;

use super::super::facts::Counts;
use super::{named, one};
use crate::api::number;

/// What is at a place of the answer, one by one.
pub(super) fn list<'a>(
    json: &'a Value,
    pointer: &str,
) -> impl Iterator<Item = &'a Value> + use<'a> {
    json.pointer(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Adds up numbers by name.
pub(super) fn tally(items: impl IntoIterator<Item = (String, i64)>) -> Counts {
    let mut found = Counts::new();
    for (name, number) in items {
        *found.entry(name).or_default() += number;
    }
    found
}

/// Rows of SQL: a number, or texts and then a number.
pub(super) fn rows(rows: &Value) -> Counts {
    tally(list(rows, "").map(|row| {
        let cells: Vec<&Value> = list(row, "").collect();
        let (last, names) = cells.split_last().unwrap();
        let names: Vec<String> = names.iter().map(|name| text(name)).collect();
        (names.join(" → "), number(last))
    }))
}

/// The number at a place.
pub(super) fn at(pointer: &'static str) -> impl Fn(&Value) -> Counts {
    move |json| one(json.pointer(pointer).map_or(0, number))
}

/// Series of a histogram by name: what a list of theirs adds up to.
pub(super) fn series(key: &'static str) -> impl Fn(&Value) -> Counts {
    move |json| {
        tally(list(json, "/series").map(|series| {
            let sum = list(series, &format!("/{key}")).map(number).sum();
            (text(&series["name"]), sum)
        }))
    }
}

/// Things in a list by the text of one of their fields.
pub(super) fn names(list_at: &'static str, key: &'static str) -> impl Fn(&Value) -> Counts {
    move |json| named(list(json, list_at).map(|item| text(&item[key])))
}

/// Things in a list by the text of one of their fields, with the number in another.
pub(super) fn numbers(
    list_at: &'static str,
    key: &'static str,
    count: &'static str,
) -> impl Fn(&Value) -> Counts {
    move |json| tally(list(json, list_at).map(|item| (text(&item[key]), number(&item[count]))))
}

/// A list of texts.
pub(super) fn texts(list_at: &'static str) -> impl Fn(&Value) -> Counts {
    move |json| named(list(json, list_at).map(text))
}

// === Tempo ===

/// The value of a label or attribute in whatever type it is.
fn typed(value: &Value) -> String {
    let of_type = |kind: &str| value.get(kind).filter(|value| !value.is_null());
    for kind in ["stringValue", "intValue", "doubleValue", "boolValue"] {
        if let Some(value) = of_type(kind) {
            return value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
        }
    }
    String::new()
}

/// What series are of: the value of their label, `""` of those without.
fn label_of(series: &Value) -> String {
    let labels = list(series, "/labels").filter(|label| label["key"] != "__name__");
    labels.map(|label| typed(&label["value"])).collect()
}

/// Series of an instant metrics query, times `unit`.
pub(super) fn instants(unit: f64) -> impl Fn(&Value) -> Counts {
    move |json| {
        tally(list(json, "/series").map(|series| {
            let value = series["value"].as_f64().unwrap_or_default();
            (label_of(series), rounded(value * unit))
        }))
    }
}

/// Series of a metrics query over time, added up.
pub(super) fn samples(json: &Value) -> Counts {
    tally(list(json, "/series").map(|series| {
        let values = list(series, "/samples").filter_map(|sample| sample["value"].as_f64());
        (label_of(series), rounded(values.sum()))
    }))
}

/// The one series of a metrics query by its instants in nanoseconds, times `unit`.
pub(super) fn by_time(unit: f64) -> impl Fn(&Value) -> Counts {
    move |json| {
        tally(list(json, "/series/0/samples").map(|sample| {
            let at = number(&sample["timestampMs"]) * 1_000_000;
            let value = sample["value"].as_f64().unwrap_or_default();
            (at.to_string(), rounded(value * unit))
        }))
    }
}

pub(super) fn rounded(value: f64) -> i64 {
    value.round() as i64
}

// === Loki ===

/// A number that is written as text.
fn sample(value: &Value) -> i64 {
    rounded(value.as_str().map_or(0.0, |text| text.parse().unwrap()))
}

/// Samples of an instant query by a label, or all together.
pub(super) fn vector(label: &'static str) -> impl Fn(&Value) -> Counts {
    move |json| {
        let series = list(json, "/data/result");
        tally(series.map(|series| (text(&series["metric"][label]), sample(&series["value"][1]))))
    }
}

/// Samples of a range query by a label, added up.
pub(super) fn matrix(label: &'static str) -> impl Fn(&Value) -> Counts {
    move |json| {
        tally(list(json, "/data/result").map(|series| {
            let sum = list(series, "/values").map(|value| sample(&value[1])).sum();
            (text(&series["metric"][label]), sum)
        }))
    }
}

/// The values of a label that series have.
pub(super) fn metric_names(label: &'static str) -> impl Fn(&Value) -> Counts {
    move |json| named(list(json, "/data/result").map(|series| text(&series["metric"][label])))
}

/// How many lines came.
pub(super) fn lines(json: &Value) -> Counts {
    let streams = list(json, "/data/result");
    one(streams
        .map(|stream| list(stream, "/values").count() as i64)
        .sum())
}
