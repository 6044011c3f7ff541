//! Which keys of a file get a column of their own.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;

use super::SHAPES;
use super::census::{Census, KeyCount};
use super::scalar::ColumnKind;
use crate::model::{Table, schema_of};
use crate::snapshot::FieldStatistics;
use crate::statistics::MAPS;

/// Columns of all scopes together. Each costs some hundred bytes of footer and pages a row group.
const MAX_COLUMNS: usize = 64;
/// A column with fewer values than this costs more than it saves.
const MIN_VALUES: u64 = 128;
/// A key is common if one row in this many has it.
const ROWS_A_VALUE: u64 = 50;
/// Of ten entries of a key this many must be of the column's type.
const OF_TEN: u64 = 9;
/// Longer keys are not promoted.
const MAX_KEY_BYTES: usize = 128;

/// A key that gets a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) key: String,
    pub(crate) kind: ColumnKind,
    /// Most values are distinct, so that a dictionary would only cost.
    pub(crate) unique: bool,
}

/// The keys of a file that get columns, by scope in the order of [`MAPS`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Promotion {
    pub(crate) scopes: [Vec<Column>; MAPS.len()],
}

impl Promotion {
    /// What suits these rows (canonical form).
    pub(crate) fn of_batches(batches: &[RecordBatch]) -> Self {
        Self::of(&Census::of_batches(batches))
    }

    /// What suits `rows` rows of files with these statistics.
    pub(crate) fn of_statistics<'a>(
        rows: u64,
        files: impl IntoIterator<Item = &'a FieldStatistics>,
    ) -> Self {
        Self::of(&Census::of_statistics(rows, files))
    }

    fn of(census: &Census) -> Self {
        let least = (census.rows / ROWS_A_VALUE).max(MIN_VALUES);
        let mut candidates: Vec<(usize, &str, &KeyCount, ColumnKind)> = census
            .scopes
            .iter()
            .enumerate()
            .flat_map(|(at, keys)| keys.iter().map(move |(key, count)| (at, key, count)))
            .filter(|(_, key, count)| count.count >= least && may_name_a_column(key))
            .filter_map(|(at, key, count)| {
                let (kind, of_kind) = count.kind()?;
                (of_kind * 10 >= count.count * OF_TEN).then_some((at, key.as_str(), count, kind))
            })
            .collect();
        candidates.sort_unstable_by(|a, b| {
            b.2.count
                .cmp(&a.2.count)
                .then_with(|| (a.0, a.1).cmp(&(b.0, b.1)))
        });
        // Many readers do not tell columns apart by case.
        let mut names = HashSet::new();
        candidates.retain(|(at, key, ..)| names.insert((*at, key.to_lowercase())));
        candidates.truncate(MAX_COLUMNS);
        // In the order in which they are usually sent, so that few rows need a shape.
        candidates.sort_by(|a, b| {
            let place = |count: &KeyCount| count.places as f64 / count.count.max(1) as f64;
            place(a.2).total_cmp(&place(b.2))
        });
        let mut promotion = Self::default();
        for (at, key, count, kind) in candidates {
            promotion.scopes[at].push(Column {
                key: key.to_owned(),
                kind,
                unique: count
                    .distinct
                    .is_some_and(|distinct| distinct * 2 > count.count),
            });
        }
        promotion
    }

    /// The columns of a file with these promoted keys.
    pub(crate) fn schema(&self, table: Table) -> SchemaRef {
        let mut fields: Vec<Arc<Field>> = Vec::new();
        for field in schema_of(table).fields() {
            fields.push(Arc::clone(field));
            let shape = MAPS
                .iter()
                .position(|(_, types, _)| types == field.name())
                .filter(|at| !self.scopes[*at].is_empty());
            if let Some(at) = shape {
                fields.push(Arc::new(Field::new(SHAPES[at], DataType::Utf8, true)));
            }
        }
        for (columns, (_, _, prefix)) in self.scopes.iter().zip(MAPS) {
            fields.extend(columns.iter().map(|column| {
                let name = format!("{prefix}{}", column.key);
                Arc::new(Field::new(name, column.kind.data_type(), true))
            }));
        }
        Arc::new(Schema::new(fields))
    }

    /// The names of all promoted columns with whether a dictionary suits them.
    pub(crate) fn column_names(&self) -> impl Iterator<Item = (String, bool)> {
        self.scopes
            .iter()
            .zip(MAPS)
            .flat_map(|(columns, (_, _, prefix))| {
                columns
                    .iter()
                    .map(move |column| (format!("{prefix}{}", column.key), !column.unique))
            })
    }
}

/// Keys that make names other readers can use: printable, not long, and not those of the leaves
/// of the map column (`attributes.entries.keys`).
fn may_name_a_column(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= MAX_KEY_BYTES
        && !key.chars().any(char::is_control)
        && !["entries", "key_value"].contains(&key.split('.').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::FieldStatistic;

    fn statistics(fields: &[(&str, u64, &str)]) -> FieldStatistics {
        let fields = fields
            .iter()
            .enumerate()
            .map(|(at, (name, count, letters))| {
                let share = count / letters.len() as u64;
                let statistic = FieldStatistic {
                    count: *count,
                    types: letters.chars().map(|letter| (letter, share)).collect(),
                    position: u32::try_from(at).unwrap(),
                    ..FieldStatistic::default()
                };
                ((*name).to_owned(), statistic)
            })
            .collect();
        FieldStatistics { fields }
    }

    fn keys(promotion: &Promotion) -> Vec<Vec<&str>> {
        promotion
            .scopes
            .iter()
            .map(|scope| scope.iter().map(|column| column.key.as_str()).collect())
            .collect()
    }

    #[test]
    fn common_keys_of_one_scalar_type_are_promoted_in_their_usual_order() {
        let file = statistics(&[
            ("attributes.z", 9000, "s"),
            ("attributes.a", 10_000, "i"),
            ("attributes.rare", 100, "s"),
            ("attributes.mixed", 10_000, "si"),
            ("attributes.list", 10_000, "a"),
            ("attributes.Z", 8000, "s"),
            ("attributes.entries.keys", 10_000, "s"),
            ("resource.host", 10_000, "s"),
            ("service_name", 10_000, "s"),
        ]);
        let promotion = Promotion::of_statistics(10_000, [&file]);
        assert_eq!(
            keys(&promotion),
            [vec!["z", "a"], vec!["host"], vec![], vec![]]
        );
        assert_eq!(promotion.scopes[0][1].kind, ColumnKind::Int);
        let schema = promotion.schema(Table::Spans);
        assert!(schema.field_with_name("attributes.a").is_ok());
        assert!(schema.field_with_name("resource_attribute_shape").is_ok());
        assert!(schema.field_with_name("scope_attribute_shape").is_err());
    }

    #[test]
    fn columns_are_few_however_many_keys_there_are() {
        let names: Vec<String> = (0..10_000).map(|n| format!("attributes.key{n}")).collect();
        let fields: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), 5000, "s"))
            .collect();
        let promotion = Promotion::of_statistics(10_000, [&statistics(&fields)]);
        assert_eq!(promotion.scopes[0].len(), MAX_COLUMNS);
    }

    #[test]
    fn small_files_have_no_columns() {
        let file = statistics(&[("attributes.a", 100, "s")]);
        let promotion = Promotion::of_statistics(100, [&file]);
        assert_eq!(promotion, Promotion::default());
        assert_eq!(promotion.schema(Table::Logs), schema_of(Table::Logs));
    }
}
