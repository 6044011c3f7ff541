//! Numbers of rows by value and bucket.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type};
use arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, in_list, lit, when};
use datafusion::prelude::{coalesce, col, starts_with};
use spoor_storage::{DataFile, Result, Table};

use super::{ByFile, Count, Places, Sorted};
use crate::api::{Buckets, query_name};
use crate::failure::from_datafusion;
use crate::language::{field_text, is_attribute, level_rank_expr};

/// What stands for rows without a value.
pub(crate) const NONE: &str = "(none)";

/// Levels with `unset`.
const LEVELS: u64 = 7;

/// Counts rows by the value of a field.
#[derive(Debug)]
pub(crate) struct RowCount<'a> {
    table: Table,
    field: &'a str,
    value: Expr,
    is_level: bool,
    has_none: bool,
    buckets: Option<Buckets>,
}

impl<'a> RowCount<'a> {
    /// By the values of `field`, and those that have none as [`NONE`].
    pub(crate) fn by(table: Table, field: &'a str, buckets: Option<Buckets>) -> Result<Self> {
        let of_values = Self::of_values(table, field, buckets)?;
        if of_values.is_level {
            return Ok(of_values);
        }
        Ok(Self {
            value: coalesce(vec![of_values.value, lit(NONE)]),
            has_none: true,
            ..of_values
        })
    }

    /// By the values of `field`; those that have none do not count. Levels are their ranks, as text.
    pub(crate) fn of_values(
        table: Table,
        field: &'a str,
        buckets: Option<Buckets>,
    ) -> Result<Self> {
        let is_level = table == Table::Logs && matches!(field, "level" | "severity");
        Ok(Self {
            table,
            field,
            value: if is_level {
                level_rank_expr().map_err(from_datafusion)?
            } else {
                field_text(field, table)
            },
            is_level,
            has_none: false,
            buckets,
        })
    }

    /// By a text that tells more than the values of `field` do.
    pub(crate) fn of_text(table: Table, field: &'a str, text: Expr) -> Self {
        Self {
            table,
            field,
            value: text,
            is_level: false,
            has_none: false,
            buckets: None,
        }
    }

    /// Whether values are ranks of levels, as text.
    pub(crate) fn is_level(&self) -> bool {
        self.is_level
    }

    /// The same by the values in `top`, with all others as `rest`.
    pub(crate) fn only(&self, top: &[Box<str>], rest: &str) -> Result<Self> {
        let known = top.iter().map(|value| lit(value.as_ref())).collect();
        let value = self.value.clone();
        let named = when(in_list(value.clone(), known, false), value)
            .otherwise(lit(rest))
            .map_err(from_datafusion)?;
        Ok(Self {
            value: named,
            ..*self
        })
    }

    /// The `most` most frequent values that begin with `prefix`, ties by value. Everything is read.
    pub(crate) async fn most_frequent(
        &self,
        rows: &ByFile<'_>,
        prefix: Option<&str>,
        most: usize,
    ) -> Result<Vec<(Box<str>, u64)>> {
        let mut wanted = self.value.clone().is_not_null();
        if let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) {
            wanted = wanted.and(starts_with(self.value.clone(), lit(prefix)));
        }
        let frame = rows
            .all_rows()?
            .filter(wanted)
            .and_then(|frame| {
                frame.aggregate(
                    vec![self.value.clone().alias("value")],
                    vec![count(lit(1)).alias("rows")],
                )
            })
            .and_then(|frame| {
                let by = [("rows", false), ("value", true)];
                frame.sort(
                    by.map(|(name, ascending)| col(name).sort(ascending, false))
                        .to_vec(),
                )
            })
            .and_then(|frame| frame.limit(0, Some(most)))
            .map_err(from_datafusion)?;
        let mut values = Vec::new();
        for batch in rows.session.collect(frame).await? {
            let texts = arrow::compute::cast(batch.column(0), &DataType::Utf8)?;
            let texts = texts.as_string::<i32>().iter().flatten();
            let counts = batch.column(1).as_primitive::<Int64Type>().values();
            let counts = counts.iter().map(|rows| rows.unsigned_abs());
            values.extend(texts.map(Box::from).zip(counts));
        }
        Ok(values)
    }

    /// The first `most` values in their order. Everything is read.
    pub(crate) async fn first(&self, rows: &ByFile<'_>, most: usize) -> Result<Vec<String>> {
        let frame = rows
            .all_rows()?
            .filter(self.value.clone().is_not_null())
            .and_then(|frame| {
                frame
                    .select(vec![self.value.clone().alias("value")])?
                    .distinct()
            })
            .and_then(|frame| frame.sort(vec![col("value").sort(true, false)]))
            .and_then(|frame| frame.limit(0, Some(most)))
            .map_err(from_datafusion)?;
        let mut values = Vec::new();
        for batch in rows.session.collect(frame).await? {
            let texts = arrow::compute::cast(batch.column(0), &DataType::Utf8)?;
            values.extend(texts.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
        Ok(values)
    }
}

impl Count for RowCount<'_> {
    type Cell = u64;

    const WHAT: &'static str = "rows";

    fn by(&self) -> Option<&Expr> {
        Some(&self.value)
    }

    fn values(&self, file: &DataFile) -> u64 {
        if self.is_level {
            LEVELS
        } else {
            distinct_values(file, self.table, self.field)
        }
    }

    fn read(&self, rows: DataFrame) -> Result<DataFrame> {
        let rows = if self.has_none {
            rows
        } else {
            let has_value = self.value.clone().is_not_null();
            rows.filter(has_value).map_err(from_datafusion)?
        };
        let mut columns = Places::columns(self.table, self.buckets);
        columns.push(self.value.clone().alias("value"));
        rows.aggregate(columns, vec![count(lit(1)).alias("rows")])
            .map_err(from_datafusion)
    }

    fn add(&self, batch: &RecordBatch, sorted: &mut Sorted<u64>) -> Result<()> {
        let places = Places::open(batch)?;
        // Ranks of levels become text as well.
        let values = arrow::compute::cast(batch.column(2), &DataType::Utf8)?;
        let values = values.as_string::<i32>();
        let counts = batch.column(3).as_primitive::<Int64Type>().values();
        for (row, count) in counts.iter().enumerate() {
            *sorted.cell(places.of(row), values.value(row)) += count.unsigned_abs();
        }
        Ok(())
    }

    /// Exact values of a column of text.
    fn known(&self, file: &DataFile) -> Option<Vec<(Box<str>, u64)>> {
        let field = field_text(self.field, self.table);
        let Expr::Column(column) = &field else {
            return None;
        };
        if !self.has_none && self.value != field {
            return None;
        }
        let values = file.fields.fields.get(&column.name)?;
        if self.is_level || !values.exact {
            return None;
        }
        let known = values.top_values.iter();
        let mut known: Vec<(Box<str>, u64)> = known
            .map(|(value, rows)| (value.as_str().into(), *rows))
            .collect();
        let without = file.rows.checked_sub(values.count)?;
        if self.has_none && without > 0 {
            known.push((NONE.into(), without));
        }
        Some(known)
    }
}

/// How many values of a field a file has, by its statistics; of a column without any, as many as rows.
pub(crate) fn distinct_values(file: &DataFile, table: Table, field: &str) -> u64 {
    let same = |name: &str| name == field || query_name(name, table) == field;
    let fields = file.fields.fields.iter();
    let distinct = fields.filter(|(name, _)| same(name));
    let known = distinct
        .map(|(_, field)| field.distinct)
        .reduce(|a, b| a + b);
    match known {
        Some(distinct) => distinct.saturating_add(1),
        None if is_attribute(field, table) => 1,
        None => file.rows,
    }
}
