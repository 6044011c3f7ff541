//! How attributes lie in a file: common keys as typed columns of their own, the rest in a map.
//!
//! In memory every scope's attributes are one map of texts with a string of type letters beside
//! it (the *canonical* form, see [`crate::model::ValueType`]). In a file, each scope is
//!
//! ```text
//! attributes.http.route   utf8 ┐ one column for each promoted key: utf8, bool, int64 or double,
//! attributes.retries     int64 ┘ null where the row has no such attribute
//! attributes               map   the entries that are in no column, in their order
//! attribute_types         utf8   their type letters
//! attribute_shape         utf8   in which order columns and map entries follow each other
//! ```
//!
//! An attribute of a row is in exactly one place: its column or the map. A row keeps an entry in
//! the map if its type is not the column's, if its text is not what the column would give back,
//! if it is very long, or if the row has the key twice. A null shape is the usual order: the
//! columns as they come, then the map. Any other is a list of column numbers (from 0, in the order
//! of the scope's columns) and of `*`, an entry of the map, `*3` three of them: `1,0,*2,4`.
//!
//! Which keys are promoted is decided for each file ([`Promotion`]) and said in its key-value
//! metadata under [`METADATA_KEY`]:
//!
//! ```json
//! {"attributes": {"columns": [{"key": "http.route"}, {"key": "retries", "in_map": true}],
//!                 "map_keys": ["exception.stacktrace"]}}
//! ```
//! `in_map`: some rows have this key in the map. `map_keys`: all keys in the map; absent if they
//! are too many to list. A scope without columns is not mentioned and has no shape.

mod census;
mod keys;
mod map;
mod promotion;
mod restore;
mod runs;
mod scalar;
mod shape;
mod split;

use std::collections::BTreeMap;

use arrow::datatypes::Schema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::statistics::MAPS;

pub(crate) use keys::{KeyTable, OVERFLOW};
pub(crate) use promotion::Promotion;
pub use restore::restore;
pub(crate) use runs::{Entries, MapRuns, alike, runs, same_bytes};
pub use scalar::{ColumnKind, text_of};
pub(crate) use split::Splitter;

/// Under which key the file's metadata lists the promoted keys.
pub const METADATA_KEY: &str = "spoor.attributes";

/// The shape columns, in the order of [`MAPS`].
const SHAPES: [&str; MAPS.len()] = [
    "attribute_shape",
    "resource_attribute_shape",
    "scope_attribute_shape",
    "body_field_shape",
];

/// The metadata of one scope.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct ScopeMetadata {
    columns: Vec<ColumnMetadata>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    map_keys: Option<Vec<String>>,
}

/// The metadata of one promoted key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ColumnMetadata {
    key: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    in_map: bool,
}

/// A promoted key of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PromotedKey {
    /// The attribute's key.
    pub key: String,
    /// The name of its column.
    pub column: String,
    /// The type of its column.
    pub kind: ColumnKind,
    /// Whether rows may have it in the map.
    pub in_map: bool,
}

/// How one scope's attributes lie in a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScopeColumns {
    /// The name of the map column.
    pub map: &'static str,
    /// The name of the column with the types of the map's entries.
    pub types: &'static str,
    /// The name of the column with the order.
    pub shape: &'static str,
    /// The promoted keys in the order of their columns.
    pub promoted: Vec<PromotedKey>,
    map_keys: Option<Vec<String>>,
}

impl ScopeColumns {
    /// The column of `key`, if it has one.
    pub fn promoted(&self, key: &str) -> Option<&PromotedKey> {
        self.promoted.iter().find(|promoted| promoted.key == key)
    }

    /// Whether a row of the file may have `key` in the map.
    pub fn may_be_in_map(&self, key: &str) -> bool {
        match (self.promoted(key), &self.map_keys) {
            (Some(promoted), _) => promoted.in_map,
            (None, Some(keys)) => keys.iter().any(|other| other == key),
            (None, None) => true,
        }
    }
}

/// How the attributes of a file lie in it; empty if it does not say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileAttributes {
    scopes: Vec<ScopeColumns>,
}

impl FileAttributes {
    /// Reads it from the Arrow schema of a file. Errors with [`crate::ErrorKind::Corrupt`] if the
    /// metadata and the columns do not fit together.
    pub fn of(schema: &Schema) -> Result<Self> {
        let Some(json) = schema.metadata().get(METADATA_KEY) else {
            return Ok(Self::default());
        };
        let mut metadata: BTreeMap<String, ScopeMetadata> =
            serde_json::from_str(json).map_err(|source| {
                Error::corrupt("a file's list of attributes is not readable").with_source(source)
            })?;
        let mut scopes = Vec::new();
        for (at, (map, types, prefix)) in MAPS.into_iter().enumerate() {
            let Some(scope) = metadata.remove(map) else {
                continue;
            };
            let promoted = scope
                .columns
                .into_iter()
                .map(|column| promoted_key(schema, prefix, column))
                .collect::<Result<_>>()?;
            scopes.push(ScopeColumns {
                map,
                types,
                shape: SHAPES[at],
                promoted,
                map_keys: scope.map_keys,
            });
        }
        Ok(Self { scopes })
    }

    /// The scope whose map column is `map`, if the file tells of it.
    pub fn scope(&self, map: &str) -> Option<&ScopeColumns> {
        self.scopes.iter().find(|scope| scope.map == map)
    }

    /// The scope of which `name` is the map or the column of types, if the canonical form of that
    /// column has to be restored.
    pub fn restored(&self, name: &str) -> Option<&ScopeColumns> {
        self.scopes
            .iter()
            .find(|scope| (scope.map == name || scope.types == name) && !scope.promoted.is_empty())
    }
}

fn promoted_key(schema: &Schema, prefix: &str, column: ColumnMetadata) -> Result<PromotedKey> {
    let name = format!("{prefix}{}", column.key);
    let kind = schema
        .field_with_name(&name)
        .ok()
        .and_then(|field| ColumnKind::of_type(field.data_type()))
        .ok_or_else(|| {
            Error::corrupt(format!(
                "a file has no attribute column `{name}` of a known type"
            ))
        })?;
    Ok(PromotedKey {
        key: column.key,
        column: name,
        kind,
        in_map: column.in_map,
    })
}

#[cfg(test)]
mod tests;
