//! Rows of `logs` as entries: what is a label of the stream, what is metadata, what is the line.
//!
//! Where only some labels are needed and it is known where they can be, only those are read; else
//! the maps of attributes are.

use std::borrow::Cow;
use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, MapArray, StringArray};
use arrow::datatypes::{Int32Type, Int64Type, TimestampNanosecondType, UInt32Type};
use arrow::record_batch::RecordBatch;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{coalesce, col};
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{Error, Result, ValueType};

use super::fields::Fields;
use super::labels::{EXTRACTED, Kind, Labels};
use super::pipeline::Entry;
use super::values::label_name;
use crate::attributes::value_json;
use crate::functions::attribute_value;
use crate::language::level_of;

/// The service that sent the record.
pub(crate) const SERVICE: &str = "service_name";
/// The level, for records that have one.
pub(crate) const LEVEL: &str = "level";
/// The level, `unknown` for records that have none.
pub(crate) const DETECTED_LEVEL: &str = "detected_level";
/// The value of [`DETECTED_LEVEL`] without a level.
pub(crate) const UNKNOWN: &str = "unknown";

/// Resource attributes that are labels of the stream: those that Loki makes labels of when it is
/// sent OTLP. The service has a column.
const STREAM_ATTRIBUTES: &[&str] = &[
    "service.namespace",
    "service.instance.id",
    "deployment.environment",
    "deployment.environment.name",
    "cloud.region",
    "cloud.availability_zone",
    "container.name",
    "k8s.cluster.name",
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.container.name",
    "k8s.replicaset.name",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.cronjob.name",
    "k8s.job.name",
];

/// Labels that have columns, with these.
const FIXED: &[(&str, &[&str])] = &[
    (SERVICE, &["service_name"]),
    (LEVEL, &["severity_number", "severity_text"]),
    (DETECTED_LEVEL, &["severity_number", "severity_text"]),
    ("trace_id", &["trace_id"]),
    ("span_id", &["span_id"]),
    ("severity_number", &["severity_number"]),
    ("severity_text", &["severity_text"]),
    ("event_name", &["event_name"]),
    ("flags", &["flags"]),
    ("observed_timestamp", &["observed_time"]),
    ("scope_name", &["scope_name"]),
    ("scope_version", &["scope_version"]),
];

/// The maps of attributes with their types.
const MAPS: [(&str, &str); 3] = [
    ("attributes", "attribute_types"),
    ("scope_attributes", "scope_attribute_types"),
    ("resource_attributes", "resource_attribute_types"),
];

/// The names of all labels that streams may have.
pub(crate) fn stream_labels() -> impl Iterator<Item = String> {
    let fixed = [SERVICE, LEVEL].into_iter().map(str::to_owned);
    fixed.chain(
        STREAM_ATTRIBUTES
            .iter()
            .map(|key| label_name(key).into_owned()),
    )
}

/// Whether a label has columns of its own.
pub(crate) fn is_fixed(label: &str) -> bool {
    FIXED.iter().any(|(name, _)| *name == label)
}

/// Which labels are needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Needed {
    All,
    Names(BTreeSet<String>),
}

impl Needed {
    /// These and no others.
    pub(crate) fn names(names: impl IntoIterator<Item = String>) -> Self {
        let names: BTreeSet<String> = names.into_iter().collect();
        // To tell what is called so, all must be known.
        if names.iter().any(|name| name.ends_with(EXTRACTED)) {
            Self::All
        } else {
            Self::Names(names)
        }
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Names(names) => names.contains(name),
        }
    }

    /// Whether attributes are among them.
    pub(crate) fn has_attributes(&self) -> bool {
        match self {
            Self::All => true,
            Self::Names(names) => names.iter().any(|name| !is_fixed(name)),
        }
    }
}

/// What is read of each row.
#[derive(Debug)]
pub(crate) struct RowPlan {
    needed: Needed,
    line: bool,
    attributes: Attributes,
}

#[derive(Debug)]
enum Attributes {
    Maps,
    /// Label, kind, the value's expression.
    Columns(Vec<(String, Kind, Expr)>),
}

impl RowPlan {
    /// `line`: whether the body is needed.
    pub(crate) fn new(needed: Needed, line: bool, fields: &Fields) -> Self {
        let attributes = columns(&needed, fields).map_or(Attributes::Maps, Attributes::Columns);
        Self {
            needed,
            line,
            attributes,
        }
    }

    /// Everything, of rows that have all columns.
    pub(crate) fn all() -> Self {
        Self {
            needed: Needed::All,
            line: true,
            attributes: Attributes::Maps,
        }
    }

    /// Whether the body is read.
    pub(crate) fn has_line(&self) -> bool {
        self.line
    }

    /// What is selected from the table.
    pub(crate) fn select(&self) -> Vec<Expr> {
        let mut names: BTreeSet<&str> = BTreeSet::from(["time", RECORD_ID]);
        for (_, columns) in FIXED.iter().filter(|(label, _)| self.needed.has(label)) {
            names.extend(*columns);
        }
        if self.line {
            names.insert("body");
        }
        let mut exprs = Vec::new();
        match &self.attributes {
            Attributes::Maps => names.extend(MAPS.iter().flat_map(|(map, types)| [*map, *types])),
            Attributes::Columns(given) => {
                let named = given.iter().enumerate();
                exprs.extend(named.map(|(at, (.., expr))| expr.clone().alias(column_name(at))));
            }
        }
        exprs.extend(names.into_iter().map(col));
        exprs
    }
}

fn column_name(at: usize) -> String {
    format!("label {at}")
}

/// The labels that are attributes, one by one, if it is known where they are and each place says
/// what the label shows.
fn columns(needed: &Needed, fields: &Fields) -> Option<Vec<(String, Kind, Expr)>> {
    let Needed::Names(names) = needed else {
        return None;
    };
    let mut found = Vec::new();
    for name in names.iter().filter(|name| !is_fixed(name)) {
        let places = fields.places(name)?;
        let mut metadata = Vec::new();
        for (at, place) in places.iter().enumerate() {
            let same_map = |other: &super::fields::Place| other.column == place.column;
            if !place.plain || places.iter().skip(at + 1).any(same_map) {
                return None;
            }
            let value = attribute_value(col(place.column), &place.key);
            if place.column == "resource_attributes" && is_stream_attribute(&place.key) {
                found.push((name.clone(), Kind::Stream, value));
            } else {
                metadata.push(value);
            }
        }
        match metadata.len() {
            0 => {}
            1 => found.push((name.clone(), Kind::Metadata, metadata.swap_remove(0))),
            _ => found.push((name.clone(), Kind::Metadata, coalesce(metadata))),
        }
    }
    Some(found)
}

/// The label of an attribute. Those of columns are never an attribute's.
fn attribute_label(key: &str) -> Cow<'_, str> {
    let name = label_name(key);
    if is_fixed(&name) {
        Cow::Owned(format!("{name}{EXTRACTED}"))
    } else {
        name
    }
}

fn is_stream_attribute(key: &str) -> bool {
    STREAM_ATTRIBUTES.contains(&key)
}

/// A batch opened for reading entries.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    plan: &'a RowPlan,
    batch: &'a RecordBatch,
    time: &'a [i64],
    record_id: &'a [i64],
    body: Option<&'a StringArray>,
    maps: Vec<(&'a MapArray, &'a StringArray)>,
    columns: Vec<(&'a str, Kind, &'a StringArray)>,
}

fn wrong(name: &str) -> Error {
    Error::internal(format!("the column `{name}` is not what the schema says"))
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a dyn Array> {
    batch
        .column_by_name(name)
        .map(AsRef::as_ref)
        .ok_or_else(|| wrong(name))
}

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    column(batch, name)?
        .as_string_opt()
        .ok_or_else(|| wrong(name))
}

impl<'a> Rows<'a> {
    pub(crate) fn open(plan: &'a RowPlan, batch: &'a RecordBatch) -> Result<Self> {
        let mut rows = Self {
            plan,
            batch,
            time: column(batch, "time")?
                .as_primitive_opt::<TimestampNanosecondType>()
                .ok_or_else(|| wrong("time"))?
                .values(),
            record_id: column(batch, RECORD_ID)?
                .as_primitive_opt::<Int64Type>()
                .ok_or_else(|| wrong(RECORD_ID))?
                .values(),
            body: plan.line.then(|| texts(batch, "body")).transpose()?,
            maps: Vec::new(),
            columns: Vec::new(),
        };
        match &plan.attributes {
            Attributes::Maps => {
                for (map, types) in MAPS {
                    let map = column(batch, map)?.as_map_opt().ok_or_else(|| wrong(map))?;
                    rows.maps.push((map, texts(batch, types)?));
                }
            }
            Attributes::Columns(given) => {
                for (at, (name, kind, _)) in given.iter().enumerate() {
                    rows.columns
                        .push((name, *kind, texts(batch, &column_name(at))?));
                }
            }
        }
        Ok(rows)
    }

    pub(crate) fn len(&self) -> usize {
        self.time.len()
    }

    /// Breaks ties of time.
    pub(crate) fn record_id(&self, row: usize) -> i64 {
        self.record_id[row]
    }

    pub(crate) fn entry(&self, row: usize) -> Entry<'a> {
        let line = self
            .body
            .filter(|body| body.is_valid(row))
            .map_or("", |body| body.value(row));
        Entry {
            time_ns: self.time[row],
            line: Cow::Borrowed(line),
            labels: self.labels(row),
        }
    }

    fn labels(&self, row: usize) -> Labels<'a> {
        let mut labels = Labels::default();
        let mut add = |name: Cow<'a, str>, value: Cow<'a, str>, kind| {
            if self.plan.needed.has(&name) {
                labels.add(name, value, kind);
            }
        };
        for (name, kind) in [(SERVICE, Kind::Stream), (LEVEL, Kind::Stream)] {
            if let Some(value) = self.fixed(name, row) {
                add(Cow::Borrowed(name), value, kind);
            }
        }
        let resource = self.maps.get(2);
        for_each(resource, row, |key, value| {
            if is_stream_attribute(key) {
                add(label_name(key), value, Kind::Stream);
            }
        });
        for (name, kind, values) in &self.columns {
            if *kind == Kind::Stream && values.is_valid(row) {
                add(
                    Cow::Borrowed(*name),
                    Cow::Borrowed(values.value(row)),
                    *kind,
                );
            }
        }
        for (name, _) in FIXED.iter().skip(2) {
            if let Some(value) = self.fixed(name, row) {
                add(Cow::Borrowed(name), value, Kind::Metadata);
            }
        }
        for (place, map) in self.maps.iter().enumerate() {
            for_each(Some(map), row, |key, value| {
                let told = place == 2 && (is_stream_attribute(key) || key == "service.name");
                if !told {
                    add(attribute_label(key), value, Kind::Metadata);
                }
            });
        }
        for (name, kind, values) in &self.columns {
            if *kind == Kind::Metadata && values.is_valid(row) {
                add(
                    Cow::Borrowed(*name),
                    Cow::Borrowed(values.value(row)),
                    *kind,
                );
            }
        }
        labels
    }

    /// The value of a label that has columns.
    fn fixed(&self, label: &str, row: usize) -> Option<Cow<'a, str>> {
        if !self.plan.needed.has(label) {
            return None;
        }
        match label {
            LEVEL => self.level(row).map(Cow::Borrowed),
            DETECTED_LEVEL => Some(Cow::Borrowed(self.level(row).unwrap_or(UNKNOWN))),
            "severity_number" => {
                let number = self.severity_number(row)?;
                (number != 0).then(|| Cow::Owned(number.to_string()))
            }
            "flags" => {
                let flags = self.batch.column_by_name("flags")?;
                let flags = flags.as_primitive_opt::<UInt32Type>()?.value(row);
                (flags != 0).then(|| Cow::Owned(flags.to_string()))
            }
            "observed_timestamp" => {
                let times = self.batch.column_by_name("observed_time")?;
                let times = times.as_primitive_opt::<TimestampNanosecondType>()?;
                times
                    .is_valid(row)
                    .then(|| Cow::Owned(times.value(row).to_string()))
            }
            name => self.text(name, row).map(Cow::Borrowed),
        }
    }

    fn text(&self, name: &str, row: usize) -> Option<&'a str> {
        let texts = self.batch.column_by_name(name)?.as_string_opt::<i32>()?;
        texts.is_valid(row).then(|| texts.value(row))
    }

    fn severity_number(&self, row: usize) -> Option<i32> {
        let numbers = self.batch.column_by_name("severity_number")?;
        Some(numbers.as_primitive_opt::<Int32Type>()?.value(row))
    }

    fn level(&self, row: usize) -> Option<&'static str> {
        let number = self.severity_number(row)?;
        match level_of(number, self.text("severity_text", row)) {
            "unset" => None,
            level => Some(level),
        }
    }
}

/// Each attribute of a row that has a value; lists as plain JSON.
fn for_each<'a>(
    map: Option<&(&'a MapArray, &'a StringArray)>,
    row: usize,
    mut each: impl FnMut(&'a str, Cow<'a, str>),
) {
    let Some((map, types)) = map.filter(|(map, _)| map.is_valid(row)) else {
        return;
    };
    let keys = map.keys().as_string_opt::<i32>();
    let values = map.values().as_string_opt::<i32>();
    let (Some(keys), Some(values)) = (keys, values) else {
        return;
    };
    let letters = if types.is_valid(row) {
        types.value(row).as_bytes()
    } else {
        &[]
    };
    let offsets = map.value_offsets();
    let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
    for entry in start..end {
        if values.is_null(entry) {
            continue;
        }
        let text = values.value(entry);
        let kind = letters
            .get(entry - start)
            .and_then(|letter| ValueType::from_letter(*letter));
        let value = match kind {
            Some(kind @ (ValueType::Array | ValueType::KeyValueList)) => {
                Cow::Owned(value_json(Some(text), kind).to_string())
            }
            _ => Cow::Borrowed(text),
        };
        each(keys.value(entry), value);
    }
}
