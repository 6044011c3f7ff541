//! Records by shape, from what is known of files.
//!
//! The shapes of a file's texts are the same in every question, so they are counted once (`by_file`), as fine
//! as they come. Put together they become coarser where they are too many, as those of records do: that
//! depends on which there are and not on the order. Similar shapes are joined only when all are known.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::Expr;
use datafusion::prelude::col;
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{DataFile, Result, Table};

use super::shape::Shape;
use super::tally::{Record, Tally};
use crate::api::Buckets;
use crate::by_file::{Cell, Count, Places, Sorted};
use crate::failure::from_datafusion;
use crate::language::level_of;
use crate::listing::RowPlace;
use crate::otlp::{integers, nanoseconds, optional_text, strings};
use crate::parameters::Periods;

/// A [`Tally`] of a bucket as it is kept.
#[derive(Debug)]
pub(crate) struct KeptTally {
    count: u64,
    levels: Box<[(&'static str, u64)]>,
    services: Box<[(Arc<str>, u64)]>,
    first: Option<RowPlace>,
    last: Option<RowPlace>,
}

impl Cell for Tally {
    type Kept = KeptTally;

    fn add(&mut self, other: &Self) {
        self.merge(other);
    }

    fn kept(&self) -> KeptTally {
        let services = self.services.iter();
        KeptTally {
            count: self.count,
            levels: self
                .levels
                .iter()
                .map(|(level, count)| (*level, *count))
                .collect(),
            services: services
                .map(|(name, count)| (Arc::clone(name), *count))
                .collect(),
            first: self.first,
            last: self.last,
        }
    }

    fn add_kept(&mut self, kept: &KeptTally) {
        let levels = kept.levels.iter().copied();
        let services = kept.services.iter();
        self.merge(&Self {
            count: kept.count,
            levels: levels.collect(),
            services: services
                .map(|(name, count)| (Arc::clone(name), *count))
                .collect(),
            first: kept.first,
            last: kept.last,
            ..Self::default()
        });
    }

    fn rows(&self) -> u64 {
        self.count
    }

    fn more_bytes(&self) -> usize {
        const LEVEL_BYTES: usize = 32;
        let names: usize = self.services.keys().map(|name| name.len()).sum();
        LEVEL_BYTES * self.levels.len() + SERVICE_BYTES * self.services.len() + names
    }

    fn more_kept_bytes(kept: &KeptTally) -> usize {
        let names: usize = kept.services.iter().map(|(name, _)| name.len()).sum();
        size_of_val(&*kept.levels) + SERVICE_BYTES * kept.services.len() + names
    }
}

/// What a service of a tally costs besides its name.
const SERVICE_BYTES: usize = 64;

/// Counts records by the shape of their text.
#[derive(Debug)]
pub(super) struct ShapeCount {
    pub(super) buckets: Option<Buckets>,
}

impl Count for ShapeCount {
    type Cell = Tally;

    const WHAT: &'static str = "levels, services, first and last record by shape of the text";
    const ROW_BYTES: u64 = SERVICE_BYTES as u64;
    const CELL_BYTES: u64 = 8 * SERVICE_BYTES as u64;

    fn by(&self) -> Option<&Expr> {
        None
    }

    fn values(&self, _: &DataFile) -> u64 {
        /// Most formats of a file are far from the others, or in few of its buckets.
        const USUAL_SHAPES: u64 = 50;
        USUAL_SHAPES
    }

    fn read(&self, rows: DataFrame) -> Result<DataFrame> {
        let mut columns = Places::columns(Table::Logs, self.buckets);
        columns.extend(RecordColumns::NAMES.map(col));
        rows.select(columns).map_err(from_datafusion)
    }

    fn add(&self, batch: &RecordBatch, sorted: &mut Sorted<Tally>) -> Result<()> {
        let places = Places::open(batch)?;
        let records = RecordColumns::open(batch, 2)?;
        let mut names: HashMap<&str, Arc<str>> = HashMap::new();
        for row in 0..batch.num_rows() {
            let name = records.service(row);
            let service = names.entry(name).or_insert_with(|| name.into());
            let record = records.record(row, Some(service));
            let shape = Shape::of(records.text(row)).key();
            let tally = sorted.cell(places.of(row), &shape);
            tally.add(record, Periods::ALL, None);
        }
        Ok(())
    }
}

/// The columns of a batch that a record and its text are read from.
pub(super) struct RecordColumns {
    times: arrow::array::Int64Array,
    ids: arrow::array::Int64Array,
    bodies: arrow::array::StringArray,
    severities: arrow::array::Int64Array,
    severity_texts: arrow::array::StringArray,
    services: arrow::array::StringArray,
}

impl RecordColumns {
    /// The columns, in order.
    pub(super) const NAMES: [&str; 6] = [
        "time",
        RECORD_ID,
        "body",
        "severity_number",
        "severity_text",
        "service_name",
    ];

    /// [`RecordColumns::NAMES`] from a place on.
    pub(super) fn open(batch: &RecordBatch, from: usize) -> Result<Self> {
        Ok(Self {
            times: nanoseconds(batch.column(from))?,
            ids: integers(batch.column(from + 1))?,
            bodies: strings(batch.column(from + 2))?,
            severities: integers(batch.column(from + 3))?,
            severity_texts: strings(batch.column(from + 4))?,
            services: strings(batch.column(from + 5))?,
        })
    }

    /// The text; of a record without any, the empty one.
    pub(super) fn text(&self, row: usize) -> &str {
        optional_text(&self.bodies, row).unwrap_or_default()
    }

    pub(super) fn service(&self, row: usize) -> &str {
        self.services.value(row)
    }

    pub(super) fn record<'a>(&self, row: usize, service: Option<&'a Arc<str>>) -> Record<'a> {
        let severity = i32::try_from(self.severities.value(row)).unwrap_or_default();
        Record {
            place: RowPlace {
                time_ns: self.times.value(row),
                record_id: self.ids.value(row),
            },
            level: level_of(severity, optional_text(&self.severity_texts, row)),
            service,
        }
    }
}
