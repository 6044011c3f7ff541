//! `index/stats`, `index/volume`, `index/volume_range`: how much there is. Here it is counted.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::Response;
use serde_json::{Value as Json_, json};
use spoor_storage::{Error, Result, Table, TimeRange};

use super::answer::{LokiError, matrix, vector};
use super::labels::{counted_streams, shown, streams};
use super::request::Given;
use crate::api::ApiState;
use crate::by_file::Cell as _;
use crate::logql::ast::{Grouping, LogQuery, RangeAggregation, RangeFunction, TextOp};
use crate::logql::labels::LabelSet;
use crate::logql::metrics::{Metrics, Series, Steps};
use crate::logql::rows::Needed;
use crate::logql::scan::{Lines, Processed, Scan, Wanted};
use crate::session::QuerySession;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 10_000;

/// Without `start` and `since`.
const DEFAULT_RANGE_NS: i64 = 6 * 3_600_000_000_000;

/// `index/stats?query=&start=&end=`
pub(super) async fn stats(state: ApiState, given: Given) -> Result<Json<Json_>, LokiError> {
    let (query, range) = (given.query()?, given.range(None)?);
    let session = state.begin().await?;
    let (streams, Lines { entries, bytes }) =
        match counted_streams(&session, &query, range, true).await? {
            Some(found) => {
                let mut sum = Lines::default();
                for lines in found.values() {
                    sum.add(lines);
                }
                (shown(&session, found.into_keys()).len(), sum)
            }
            None => read_all(&session, &query, range).await?,
        };
    let (snapshot, tenant) = (session.snapshot(), session.tenant());
    let files = snapshot.files(tenant, Table::Logs, range).len();
    let batches = snapshot.batches(tenant, Table::Logs, range).len();
    let mut answer = json!({
        "streams": streams, "chunks": files + batches, "entries": entries, "bytes": bytes,
    });
    let reasons = session.outcome().incomplete_reasons;
    if !reasons.is_empty() {
        answer["warnings"] = json!(reasons);
    }
    Ok(Json(answer))
}

/// How many streams there are, their entries and bytes.
async fn read_all(
    session: &QuerySession,
    query: &LogQuery,
    range: TimeRange,
) -> Result<(usize, Lines)> {
    let wanted = Wanted {
        labels: Needed::names([]),
        line: true,
    };
    let scan = Scan::new(session, query, range, &wanted);
    let mut lines = Lines::default();
    scan.each(range, |entry, _| {
        lines.entries += 1;
        lines.bytes += entry.line.len() as u64;
        Ok(())
    })
    .await?;
    Ok((streams(session, query, range).await?.len(), lines))
}

/// How volumes are put together.
struct Volume {
    query: LogQuery,
    labels: Vec<String>,
    /// By the names of labels, whatever their values.
    by_name: bool,
    limit: usize,
}

impl Volume {
    fn of(given: &Given) -> Result<Self> {
        given.required("query")?;
        let query = given.query()?;
        let labels: Vec<String> = if let Some(labels) = given.get("targetLabels") {
            let names = labels.split(',').map(|name| name.trim().to_owned());
            names.collect()
        } else {
            let positive = query
                .matchers
                .iter()
                .filter(|matcher| matches!(matcher.test.op, TextOp::Equal | TextOp::Regex));
            positive.map(|matcher| matcher.name.clone()).collect()
        };
        let by_name = match given.get("aggregateBy") {
            None | Some("series") => false,
            Some("labels") => true,
            Some(other) => {
                return Err(Error::invalid(format!(
                    "`aggregateBy` is `{other}`; it can be series or labels"
                )));
            }
        };
        Ok(Self {
            query,
            labels,
            by_name,
            limit: given.limit("limit", DEFAULT_LIMIT, MAX_LIMIT)?,
        })
    }

    /// Bytes of lines, the largest first.
    async fn series(&self, metrics: &mut Metrics<'_>, range_ns: i64) -> Result<Vec<Series>> {
        let range = RangeAggregation {
            function: RangeFunction::Bytes,
            query: self.query.clone(),
            unwrap: None,
            range_ns,
            offset_ns: 0,
            grouping: None,
        };
        let grouping = Grouping {
            without: false,
            labels: self.labels.clone(),
        };
        let mut series = metrics.windows(&range, Some(&grouping)).await?;
        if self.by_name {
            series = by_names(&series);
        }
        let total = |series: &Series| series.samples.iter().flatten().sum::<f64>();
        series.sort_by(|a, b| total(b).total_cmp(&total(a)));
        series.truncate(self.limit);
        Ok(series)
    }
}

fn by_names(series: &[Series]) -> Vec<Series> {
    let mut found: BTreeMap<&str, Vec<Option<f64>>> = BTreeMap::new();
    for one in series {
        for name in one.labels.keys() {
            let sums = found
                .entry(name)
                .or_insert_with(|| vec![None; one.samples.len()]);
            for (sum, sample) in sums.iter_mut().zip(&one.samples) {
                *sum = match (*sum, *sample) {
                    (Some(sum), Some(sample)) => Some(sum + sample),
                    (sum, sample) => sum.or(sample),
                };
            }
        }
    }
    found
        .into_iter()
        .map(|(name, samples)| Series {
            labels: LabelSet::from([(name.to_owned(), String::new())]),
            samples,
        })
        .collect()
}

/// `index/volume?query=&start=&end=&limit=&targetLabels=&aggregateBy=`
pub(super) async fn volume(state: ApiState, given: Given) -> Result<Response, LokiError> {
    let volume = Volume::of(&given)?;
    let range = given.range(Some(DEFAULT_RANGE_NS))?;
    let session = state.begin().await?;
    let mut metrics = Metrics {
        session: &session,
        // Windows have their end and not their start, ranges the other way round.
        steps: Steps::at(range.end_ns.saturating_sub(1)),
        processed: Processed::default(),
    };
    let length = range.end_ns.saturating_sub(range.start_ns);
    let series = volume.series(&mut metrics, length).await?;
    Ok(vector(&session, range.end_ns, &series, metrics.processed))
}

/// `index/volume_range?query=&start=&end=&step=&limit=&targetLabels=&aggregateBy=`
pub(super) async fn volume_range(state: ApiState, given: Given) -> Result<Response, LokiError> {
    let volume = Volume::of(&given)?;
    let (steps, step_ns) = given.steps(DEFAULT_RANGE_NS)?;
    let session = state.begin().await?;
    let mut metrics = Metrics {
        session: &session,
        steps,
        processed: Processed::default(),
    };
    let series = volume.series(&mut metrics, step_ns).await?;
    Ok(matrix(&session, steps, &series, metrics.processed))
}
