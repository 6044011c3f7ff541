//! Columns that are computed from attribute maps: `"attributes.http.route"`, `attr('http.route')`.

use arrow::datatypes::{DataType, Field};
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, try_cast};
use spoor_storage::{FieldStatistics, Table, ValueType};

use crate::functions::{attribute_value, first_attribute_value};

/// Where an attribute is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// Of the span or log record.
    Record,
    /// A field of a log body that is a JSON object.
    Body,
    /// Of the instrumentation scope.
    Scope,
    /// Of the resource.
    Resource,
}

/// Where an unqualified attribute is looked for, first found first.
pub(crate) const SEARCH_ORDER: [Place; 4] =
    [Place::Record, Place::Body, Place::Scope, Place::Resource];

impl Place {
    /// The prefix in qualified names, without the dot.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Record => "attributes",
            Self::Body => "body",
            Self::Scope => "scope",
            Self::Resource => "resource",
        }
    }

    /// The map column of `table`; spans have no bodies.
    pub(crate) fn column(self, table: Table) -> Option<&'static str> {
        match (self, table) {
            (Self::Record, _) => Some("attributes"),
            (Self::Body, Table::Logs) => Some("body_fields"),
            (Self::Body, Table::Spans) => None,
            (Self::Scope, _) => Some("scope_attributes"),
            (Self::Resource, _) => Some("resource_attributes"),
        }
    }

    /// The place and key of a qualified name such as `resource.host.name`.
    pub(crate) fn split(name: &str) -> Option<(Self, &str)> {
        let (prefix, key) = name.split_once('.')?;
        let place = SEARCH_ORDER
            .into_iter()
            .find(|place| place.prefix() == prefix)?;
        (!key.is_empty()).then_some((place, key))
    }
}

/// The map columns of a table in the order in which an unqualified attribute is looked for.
pub(crate) fn map_columns(table: Table) -> impl Iterator<Item = &'static str> {
    SEARCH_ORDER
        .into_iter()
        .filter_map(move |place| place.column(table))
}

/// A computed column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DynamicColumn {
    /// As it is written in the query.
    pub(crate) name: String,
    /// The attribute's key.
    pub(crate) key: String,
    /// The type of its values.
    pub(crate) data_type: DataType,
    /// How it is computed from the logical columns.
    pub(crate) expr: Expr,
}

impl DynamicColumn {
    /// The attribute of one place as a column `name`, typed as the statistics say.
    pub(crate) fn qualified(
        name: &str,
        table: Table,
        place: Place,
        key: &str,
        statistics: &FieldStatistics,
    ) -> Self {
        let data_type = type_of(statistics, place, key);
        let text = match place.column(table) {
            Some(column) => attribute_value(column_named(column), key),
            None => Expr::Literal(datafusion::common::ScalarValue::Utf8(None), None),
        };
        Self {
            name: name.to_owned(),
            key: key.to_owned(),
            expr: typed(text, &data_type),
            data_type,
        }
    }

    /// The attribute from the first place that has it as a column `name`; typed if all places
    /// that have the key agree on the type.
    pub(crate) fn anywhere(
        name: &str,
        table: Table,
        key: &str,
        statistics: &FieldStatistics,
    ) -> Self {
        let mut types: Vec<DataType> = SEARCH_ORDER
            .into_iter()
            .filter(|place| statistics.fields.contains_key(&qualified_name(*place, key)))
            .map(|place| type_of(statistics, place, key))
            .collect();
        types.dedup();
        let data_type = match types.as_slice() {
            [only] => only.clone(),
            _ => DataType::Utf8,
        };
        let text = first_attribute_value(map_columns(table).map(column_named).collect(), key);
        Self {
            name: name.to_owned(),
            key: key.to_owned(),
            expr: typed(text, &data_type),
            data_type,
        }
    }

    pub(crate) fn field(&self) -> Field {
        Field::new(&self.name, self.data_type.clone(), true)
    }
}

fn column_named(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

fn qualified_name(place: Place, key: &str) -> String {
    format!("{}.{key}", place.prefix())
}

/// A number or boolean only if nothing else was ever seen under the key; text otherwise, which
/// holds every value.
fn type_of(statistics: &FieldStatistics, place: Place, key: &str) -> DataType {
    let Some(field) = statistics.fields.get(&qualified_name(place, key)) else {
        return DataType::Utf8;
    };
    let mut letters = field
        .types
        .iter()
        .filter(|(letter, rows)| **rows > 0 && **letter != ValueType::Empty.letter())
        .map(|(letter, _)| *letter);
    match (letters.next(), letters.next()) {
        (Some('i'), None) => DataType::Int64,
        (Some('d'), None) => DataType::Float64,
        (Some('b'), None) => DataType::Boolean,
        _ => DataType::Utf8,
    }
}

fn typed(text: Expr, data_type: &DataType) -> Expr {
    match data_type {
        DataType::Utf8 => text,
        other => try_cast(text, other.clone()),
    }
}
