//! Numbers of rows by the values of several columns together.

use arrow::array::{Array as _, AsArray, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, GroupingSet, lit};
use spoor_storage::{DataFile, Result, Table};

use super::{Count, Places, Sorted, distinct_values};
use crate::api::Buckets;
use crate::failure::from_datafusion;

/// Those that there are, and 0.
const SEVERITY_NUMBERS: u64 = 25;

/// One of the columns that rows are grouped by.
#[derive(Debug, Clone)]
pub(crate) struct GroupColumn {
    /// As statistics name it.
    pub(crate) name: String,
    /// Its values, of a type that is the same again once it was text.
    pub(crate) value: Expr,
}

/// Counts rows by groups.
#[derive(Debug)]
pub(crate) struct GroupCount<'a> {
    table: Table,
    columns: &'a [GroupColumn],
    by: Expr,
    buckets: Option<Buckets>,
}

impl<'a> GroupCount<'a> {
    pub(crate) fn by(table: Table, columns: &'a [GroupColumn], buckets: Option<Buckets>) -> Self {
        let values = columns.iter().map(|column| column.value.clone());
        Self {
            table,
            columns,
            by: Expr::GroupingSet(GroupingSet::GroupingSets(vec![values.collect()])),
            buckets,
        }
    }
}

impl Count for GroupCount<'_> {
    type Cell = u64;

    const WHAT: &'static str = "groups";

    fn by(&self) -> Option<&Expr> {
        Some(&self.by)
    }

    fn values(&self, file: &DataFile) -> u64 {
        let values = self
            .columns
            .iter()
            .map(|column| match column.name.as_str() {
                // Of which there are no statistics.
                "severity_number" => SEVERITY_NUMBERS,
                name => distinct_values(file, self.table, name),
            });
        values.fold(1, u64::saturating_mul).min(file.rows)
    }

    fn read(&self, rows: DataFrame) -> Result<DataFrame> {
        let mut by = Places::columns(self.table, self.buckets);
        let columns = self.columns.iter().zip(0..);
        by.extend(columns.map(|(column, at)| column.value.clone().alias(format!("group {at}"))));
        rows.aggregate(by, vec![count(lit(1)).alias("rows")])
            .map_err(from_datafusion)
    }

    fn add(&self, batch: &RecordBatch, sorted: &mut Sorted<u64>) -> Result<()> {
        let places = Places::open(batch)?;
        let (rows, values) = match batch.columns().split_last() {
            Some((rows, before)) => (rows, &before[2..]),
            None => return Ok(()),
        };
        let values: Vec<StringArray> = values
            .iter()
            .map(|column| {
                let text = arrow::compute::cast(column, &DataType::Utf8)?;
                Ok(text.as_string::<i32>().clone())
            })
            .collect::<Result<_>>()?;
        let mut name = String::new();
        for (row, count) in rows.as_primitive::<Int64Type>().values().iter().enumerate() {
            name.clear();
            for column in &values {
                write_part(&mut name, column.is_valid(row).then(|| column.value(row)));
            }
            *sorted.cell(places.of(row), &name) += count.unsigned_abs();
        }
        Ok(())
    }

    /// How many rows there are, and exact values of a column of text.
    fn known(&self, file: &DataFile) -> Option<Vec<(Box<str>, u64)>> {
        let column = match self.columns {
            [] => return Some(vec![("".into(), file.rows)]),
            [
                GroupColumn {
                    value: Expr::Column(column),
                    ..
                },
            ] => column,
            _ => return None,
        };
        let values = file.fields.fields.get(&column.name)?;
        if !values.exact {
            return None;
        }
        let named = |value: Option<&str>, rows: u64| {
            let mut name = String::new();
            write_part(&mut name, value);
            (name.into_boxed_str(), rows)
        };
        let known = values.top_values.iter();
        let mut known: Vec<_> = known
            .map(|(value, rows)| named(Some(value), *rows))
            .collect();
        let without = file.rows.checked_sub(values.count)?;
        known.extend((without > 0).then(|| named(None, without)));
        Some(known)
    }
}

/// A group's name is `-` for each column without a value, and else how many bytes that has, `:` and the value.
fn write_part(name: &mut String, value: Option<&str>) {
    match value {
        None => name.push('-'),
        Some(value) => name.extend([&value.len().to_string(), ":", value]),
    }
}

/// The values that a group's name is made of.
pub(crate) fn parts(name: &str) -> impl Iterator<Item = Option<&str>> {
    let mut left = name;
    std::iter::from_fn(move || {
        if let Some(rest) = left.strip_prefix('-') {
            left = rest;
            return Some(None);
        }
        let (length, rest) = left.split_once(':')?;
        let (value, rest) = rest.split_at_checked(length.parse().ok()?)?;
        left = rest;
        Some(Some(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_groups_are_taken_apart_again() {
        let groups: [&[Option<&str>]; 6] = [
            &[],
            &[None],
            &[Some(""), None, Some("a")],
            &[Some("-"), Some("1:a"), Some("größe:2")],
            &[None, None, Some("3:-:")],
            &[Some("a"), Some("")],
        ];
        for group in groups {
            let mut name = String::new();
            for value in group {
                write_part(&mut name, *value);
            }
            assert_eq!(parts(&name).collect::<Vec<_>>(), group, "{name}");
        }
    }
}
