//! Which rows of a file have expired, and by which rule.
//!
//! Most files are decided by their hour and their services in the catalog. Only a file on which
//! rules disagree, or which may hold rows of pinned traces, is read, and of it only the columns
//! that conditions ask for.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, MapArray, StringArray};
use arrow::datatypes::Int32Type;
use arrow::record_batch::RecordBatch;
use object_store::ObjectStore;
use roaring::RoaringBitmap;

use super::{Filters, RetentionPolicy, RetentionRule, Test};
use crate::compaction::FileRows;
use crate::deletion::is_pinned;
use crate::error::{Error, Result};
use crate::hidden::whole;
use crate::model::TraceId;
use crate::snapshot::DataFile;
use crate::statistics::MAPS;

/// What decides about files at one moment.
#[derive(Debug)]
pub(crate) struct Evaluation<'a> {
    pub(crate) store: &'a Arc<dyn ObjectStore>,
    pub(crate) policy: &'a RetentionPolicy,
    /// Of each rule of the policy.
    pub(crate) filters: &'a Filters,
    pub(crate) pinned: &'a HashSet<TraceId>,
    pub(crate) now_ns: i64,
}

/// Rows that have expired, by the number of their rule.
pub(crate) type Expired = Vec<(usize, RoaringBitmap)>;

/// What the catalog alone says of a rule's condition on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meets {
    No,
    Some,
    All,
}

/// The rows of `file` that have expired. With `by_size` they all have, but for pinned ones.
pub(crate) async fn evaluate(
    evaluation: &Evaluation<'_>,
    file: &DataFile,
    by_size: bool,
) -> Result<Expired> {
    let rules = evaluation.policy.rules.as_slice();
    if by_size {
        let rows = without_pinned(evaluation, file, whole(file.rows)?).await?;
        return Ok(vec![(rules.len(), rows)]);
    }
    let candidates = candidates(evaluation, file);
    if candidates.iter().all(|(_, _, expired)| !expired) {
        return Ok(Vec::new());
    }
    if let [(rule, Meets::All, true)] = candidates.as_slice() {
        let rows = without_pinned(evaluation, file, whole(file.rows)?).await?;
        return Ok(vec![(*rule, rows)]);
    }
    read_rows(evaluation, file, &candidates).await
}

/// Rules that rows of the file may meet, in order, up to one that all meet, each with whether it
/// has expired.
fn candidates(evaluation: &Evaluation<'_>, file: &DataFile) -> Vec<(usize, Meets, bool)> {
    let mut found = Vec::new();
    for (at, rule) in evaluation.policy.rules.iter().enumerate() {
        let meets = match (meets(rule, file), evaluation.filters.get(at)) {
            (Meets::All, Some(Test::Unknown)) => Meets::Some,
            (meets, _) => meets,
        };
        if meets != Meets::No {
            let expired = rule.has_expired(file.hour, evaluation.now_ns);
            found.push((at, meets, expired));
        }
        if meets == Meets::All {
            break;
        }
    }
    found
}

fn meets(rule: &RetentionRule, file: &DataFile) -> Meets {
    if rule.table != file.table {
        return Meets::No;
    }
    let by_service = match &rule.service {
        None => Meets::All,
        Some(service) if !file.services.contains(service) => return Meets::No,
        Some(_) if file.services.len() == 1 => Meets::All,
        Some(_) => Meets::Some,
    };
    if rule.looks_at_rows() {
        Meets::Some
    } else {
        by_service
    }
}

/// `rows` without those of pinned traces.
async fn without_pinned(
    evaluation: &Evaluation<'_>,
    file: &DataFile,
    mut rows: RoaringBitmap,
) -> Result<RoaringBitmap> {
    if evaluation.pinned.is_empty() {
        return Ok(rows);
    }
    let mut batches =
        FileRows::open_columns(Arc::clone(evaluation.store), file, &["trace_id"]).await?;
    let mut first = 0_u32;
    while let Some(batch) = batches.next().await? {
        for (row, place) in (first..).zip(0..batch.num_rows()) {
            if is_pinned(batch.column(0), place, evaluation.pinned) {
                rows.remove(row);
            }
        }
        first += u32::try_from(batch.num_rows()).unwrap_or(u32::MAX);
    }
    rows.optimize();
    Ok(rows)
}

async fn read_rows(
    evaluation: &Evaluation<'_>,
    file: &DataFile,
    candidates: &[(usize, Meets, bool)],
) -> Result<Expired> {
    let rules: Vec<Candidate<'_>> = candidates
        .iter()
        .filter_map(|(at, _, expired)| {
            Some(Candidate {
                at: *at,
                rule: evaluation.policy.rules.get(*at)?,
                test: evaluation.filters.get(*at)?,
                expired: *expired,
            })
        })
        .collect();
    let mut found = Found {
        rules: &rules,
        pinned: evaluation.pinned,
        expired: vec![RoaringBitmap::new(); rules.len()],
        row: 0,
    };
    if rules.iter().any(|one| one.rule.looks_at_whole_rows()) {
        // Attributes can lie in more columns than one: only whole rows say what they are.
        let mut rows = FileRows::open(Arc::clone(evaluation.store), file).await?;
        while let Some(batch) = rows.next().await? {
            found.add(&batch)?;
        }
    } else {
        let mut columns = BTreeSet::from(["service_name"]);
        for Candidate { rule, .. } in &rules {
            if rule.severity_below.is_some() || rule.severity_at_least.is_some() {
                columns.extend(["severity_number", "severity_text"]);
            }
            if rule.status.is_some() {
                columns.insert("status_code");
            }
        }
        if !evaluation.pinned.is_empty() {
            columns.insert("trace_id");
        }
        let columns: Vec<_> = columns.into_iter().collect();
        let mut batches =
            FileRows::open_columns(Arc::clone(evaluation.store), file, &columns).await?;
        while let Some(batch) = batches.next().await? {
            found.add(&batch)?;
        }
    }
    let expired = rules
        .iter()
        .zip(found.expired)
        .filter(|(_, rows)| !rows.is_empty())
        .map(|(one, mut rows)| {
            rows.optimize();
            (one.at, rows)
        })
        .collect();
    Ok(expired)
}

/// A rule that rows of the file may meet.
struct Candidate<'a> {
    /// Its place in the policy.
    at: usize,
    rule: &'a RetentionRule,
    test: &'a Test,
    /// Whether what meets it has expired.
    expired: bool,
}

/// Rows found so far.
struct Found<'a> {
    rules: &'a [Candidate<'a>],
    pinned: &'a HashSet<TraceId>,
    expired: Vec<RoaringBitmap>,
    row: u32,
}

impl Found<'_> {
    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = Columns::of(batch);
        let passing = self.rules.iter().map(|one| passing(one.test, batch));
        let passing = passing.collect::<Result<Vec<_>>>()?;
        for place in 0..batch.num_rows() {
            let pinned = columns
                .trace_id
                .is_some_and(|column| is_pinned(column, place, self.pinned));
            if let Some(rule) = self.expired_by(&columns, &passing, place)
                && !pinned
            {
                self.expired[rule].insert(self.row);
            }
            self.row = self
                .row
                .checked_add(1)
                .ok_or_else(|| Error::internal("more rows than a file may hold"))?;
        }
        Ok(())
    }

    /// The rule that lets a row of the batch expire: the first that it meets. If it may also meet one of which nobody
    /// knows, it expires only when it would by either of them.
    fn expired_by(
        &self,
        columns: &Columns<'_>,
        passing: &[Option<BooleanArray>],
        place: usize,
    ) -> Option<usize> {
        let met = self.rules.iter().zip(passing).map(|(one, passing)| {
            columns.meet(one.rule, place)
                && passing
                    .as_ref()
                    .is_none_or(|rows| rows.is_valid(place) && rows.value(place))
        });
        for (at, (one, met)) in self.rules.iter().zip(met).enumerate() {
            match (met, one.expired, one.test) {
                (false, _, _) | (true, true, Test::Unknown) => {}
                (true, true, _) => return Some(at),
                (true, false, _) => return None,
            }
        }
        None
    }
}

/// The rows of `batch` that pass a rule's query, if it has one that means something.
fn passing(test: &Test, batch: &RecordBatch) -> Result<Option<BooleanArray>> {
    let Test::Query(filter) = test else {
        return Ok(None);
    };
    let passing = filter.passes(batch)?;
    if passing.len() != batch.num_rows() {
        return Err(Error::internal("a query was not decided for every row"));
    }
    Ok(Some(passing))
}

/// The columns that conditions look at, as far as they were read.
struct Columns<'a> {
    service_name: Option<&'a StringArray>,
    severity_number: Option<&'a [i32]>,
    severity_text: Option<&'a StringArray>,
    status_code: Option<&'a StringArray>,
    trace_id: Option<&'a dyn Array>,
    maps: Vec<&'a MapArray>,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Self {
        let text = |name: &str| batch.column_by_name(name).and_then(|c| c.as_string_opt());
        Self {
            service_name: text("service_name"),
            severity_number: batch
                .column_by_name("severity_number")
                .and_then(|column| column.as_primitive_opt::<Int32Type>())
                .map(|column| column.values().as_ref()),
            severity_text: text("severity_text"),
            status_code: text("status_code"),
            trace_id: batch.column_by_name("trace_id").map(AsRef::as_ref),
            maps: MAPS
                .iter()
                .filter_map(|(map, _, _)| batch.column_by_name(map)?.as_map_opt())
                .collect(),
        }
    }

    fn meet(&self, rule: &RetentionRule, row: usize) -> bool {
        let is = |column: Option<&StringArray>, wanted: &Option<String>| match wanted {
            None => true,
            Some(wanted) => {
                column.is_some_and(|column| column.is_valid(row) && column.value(row) == wanted)
            }
        };
        let number = self.severity_number.map_or(0, |numbers| numbers[row]);
        let text = self
            .severity_text
            .filter(|column| column.is_valid(row))
            .map(|column| column.value(row));
        is(self.service_name, &rule.service)
            && is(self.status_code, &rule.status)
            && rule.meets_severity(number, text)
            && rule
                .attributes
                .iter()
                .all(|(key, value)| self.maps.iter().any(|map| has(map, row, key, value)))
    }
}

/// Whether the map in row `row` has an entry of this key and value.
fn has(map: &MapArray, row: usize, key: &str, value: &str) -> bool {
    let (keys, values) = (
        map.keys().as_string::<i32>(),
        map.values().as_string::<i32>(),
    );
    let offsets = map.value_offsets();
    (offsets[row] as usize..offsets[row + 1] as usize).any(|entry| {
        keys.value(entry) == key && values.is_valid(entry) && values.value(entry) == value
    })
}
