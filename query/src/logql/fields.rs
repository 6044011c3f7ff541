//! Where the attributes that a label name stands for are: `http_method` may be `http.method` of the
//! record or of its resource.

use std::collections::BTreeMap;

use spoor_storage::{Table, TimeRange, ValueType};

use super::values::label_name;
use crate::session::QuerySession;

/// So many fields one file's statistics hold at most; with as many, some may be missing.
const MAX_KNOWN: usize = 4_096;
/// Longer keys are not in the statistics.
const MAX_KEY_BYTES: usize = 1_024;

/// Prefixes of the statistics' names with the columns, in the order in which labels are looked for.
const PLACES: [(&str, &str); 3] = [
    ("attributes.", "attributes"),
    ("scope.", "scope_attributes"),
    ("resource.", "resource_attributes"),
];

/// A place where a label's value may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) column: &'static str,
    pub(crate) key: String,
    /// Whether the stored text is what the label shows, in every row.
    pub(crate) plain: bool,
}

/// The attributes of the rows in a range, by the label names they have.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    /// Whether no attribute is missing.
    complete: bool,
    by_label: BTreeMap<String, Vec<Place>>,
}

impl Fields {
    /// Nothing is known: nothing may be concluded.
    pub(crate) fn unknown() -> Self {
        Self::default()
    }

    /// From the statistics of files and buffer; reads no rows of files.
    pub(crate) fn of(session: &QuerySession, range: TimeRange) -> Self {
        let statistics = session
            .snapshot()
            .field_statistics(session.tenant(), Table::Logs, range);
        let mut fields = Self {
            complete: statistics.fields.len() < MAX_KNOWN,
            by_label: BTreeMap::new(),
        };
        for (prefix, column) in PLACES {
            for (name, field) in &statistics.fields {
                let Some(key) = name.strip_prefix(prefix).filter(|_| field.count > 0) else {
                    continue;
                };
                let structured = [ValueType::Array, ValueType::KeyValueList];
                let plain = structured
                    .iter()
                    .all(|kind| !field.types.contains_key(&kind.letter()));
                let place = Place {
                    column,
                    key: key.to_owned(),
                    plain,
                };
                let label = label_name(key).into_owned();
                fields.by_label.entry(label).or_default().push(place);
            }
        }
        fields
    }

    /// All places of a label; `None` if there may be more than is known.
    pub(crate) fn places(&self, label: &str) -> Option<&[Place]> {
        let known = self.complete && label.len() < MAX_KEY_BYTES;
        known.then(|| self.by_label.get(label).map_or(&[][..], Vec::as_slice))
    }

    /// The names under which the statistics have a label's values, if those are what it shows.
    pub(crate) fn statistics_names(&self, label: &str) -> Option<Vec<String>> {
        let places = self.places(label)?;
        let name = |place: &Place| {
            let prefix = PLACES.iter().find(|(_, column)| *column == place.column)?;
            place.plain.then(|| format!("{}{}", prefix.0, place.key))
        };
        places.iter().map(name).collect()
    }

    /// Whether an attribute of the resource has the label.
    pub(crate) fn in_resource(&self, label: &str) -> bool {
        self.by_label.get(label).is_some_and(|places| {
            places
                .iter()
                .any(|place| place.column == "resource_attributes")
        })
    }
}
