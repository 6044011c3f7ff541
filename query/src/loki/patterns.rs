//! `patterns`: the formats that lines come from, counted in steps of time.

use axum::Json;
use serde_json::{Value, json};
use spoor_storage::{Result, TimeRange};

use super::answer::{LokiError, answered};
use super::request::{Given, log_query};
use crate::api::{ApiState, Buckets};
use crate::listing::RowPlace;
use crate::logql::ast::LogQuery;
use crate::logql::rows::Needed;
use crate::logql::scan::{Budget, Scan, Wanted};
use crate::patterns::{Mined, Miner};
use crate::session::QuerySession;

const SECOND_NS: i64 = 1_000_000_000;
/// Without `start` and `since`.
const DEFAULT_RANGE_NS: i64 = 3_600 * SECOND_NS;
/// Steps are made longer, by a whole factor, until there are no more.
const MAX_STEPS: i64 = 1_000;
/// Patterns of an answer, the most frequent ones.
const MAX_PATTERNS: usize = 1_000;
/// Lines between two looks at how much memory is taken.
const LINES_A_LOOK: usize = 4_096;

/// `patterns?query=&start=&end=&since=&step=`
pub(super) async fn patterns(state: ApiState, given: Given) -> Result<Json<Value>, LokiError> {
    let query = log_query(given.required("query")?)?;
    let range = given.range(Some(DEFAULT_RANGE_NS))?;
    let step_ns = given.step(range.end_ns.saturating_sub(range.start_ns))?;
    let buckets = steps(range, step_ns);
    let session = state.begin().await?;
    let mut mined = mine(&session, &query, range, buckets).await?;
    if mined.len() > MAX_PATTERNS {
        mined.truncate(MAX_PATTERNS);
        session.note_incomplete(format!("there are more than {MAX_PATTERNS} patterns"));
    }
    let shown: Vec<Value> = mined.iter().map(|mined| shown(mined, buckets)).collect();
    Ok(Json(answered(&session, &json!(shown))))
}

/// Whole seconds at multiples of the step.
fn steps(range: TimeRange, step_ns: i64) -> Buckets {
    let step_s = step_ns.saturating_add(SECOND_NS - 1).div_euclid(SECOND_NS);
    let (start_s, end_s) = (
        range.start_ns.div_euclid(SECOND_NS),
        range.end_ns.saturating_sub(1).div_euclid(SECOND_NS),
    );
    let needed = |step_s: i64| end_s.div_euclid(step_s) - start_s.div_euclid(step_s) + 1;
    let mut step_s = step_s.max(1);
    while needed(step_s) > MAX_STEPS {
        step_s = step_s.saturating_mul(2);
    }
    Buckets {
        start_ns: (start_s.div_euclid(step_s) * step_s).saturating_mul(SECOND_NS),
        width_ns: step_s.saturating_mul(SECOND_NS),
        count: usize::try_from(needed(step_s)).unwrap_or(1),
    }
}

async fn mine(
    session: &QuerySession,
    query: &LogQuery,
    range: TimeRange,
    buckets: Buckets,
) -> Result<Vec<Mined>> {
    let wanted = Wanted {
        labels: Needed::names([]),
        line: true,
    };
    let scan = Scan::new(session, query, range, &wanted);
    let known = match scan.rows_left(range, buckets) {
        Some(rows) => Miner::of_rows(&rows, buckets).await?,
        None => None,
    };
    let miner = match known {
        Some(miner) => miner,
        None => read(&scan, range, buckets, &Budget::of(session, "log patterns")).await?,
    };
    let (mined, coarse) = miner.finish();
    if coarse {
        session.note_incomplete(
            "there are too many different texts: patterns are coarser than the texts are",
        );
    }
    Ok(mined)
}

/// Reads every line.
async fn read(
    scan: &Scan<'_>,
    range: TimeRange,
    buckets: Buckets,
    budget: &Budget,
) -> Result<Miner> {
    let mut miner = Miner::new(buckets);
    let (mut taken, mut lines) = (0, 0);
    scan.each(range, |entry, record_id| {
        let place = RowPlace {
            time_ns: entry.time_ns,
            record_id,
        };
        miner.add(place, &entry.line);
        lines += 1;
        if lines % LINES_A_LOOK == 0 {
            let bytes = miner.bytes();
            budget.grow(bytes.saturating_sub(taken))?;
            taken = taken.max(bytes);
        }
        Ok(())
    })
    .await?;
    Ok(miner)
}

/// `{"pattern", "samples": [[seconds, count], …]}`; steps without lines are left out.
fn shown(mined: &Mined, buckets: Buckets) -> Value {
    let starts = (0..).map(|at: i64| (buckets.start_ns + at * buckets.width_ns) / SECOND_NS);
    let samples: Vec<Value> = starts
        .zip(&mined.counts)
        .filter(|(_, count)| **count > 0)
        .map(|(second, count)| json!([second, count]))
        .collect();
    json!({"pattern": mined.pattern, "samples": samples})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_whole_seconds_at_multiples_of_themselves_and_never_too_many() {
        let range = |start_s: i64, end_s: i64| TimeRange {
            start_ns: start_s * SECOND_NS,
            end_ns: end_s * SECOND_NS,
        };
        let minutes = steps(range(61, 240), 60 * SECOND_NS);
        assert_eq!(
            (minutes.start_ns, minutes.width_ns, minutes.count),
            (60 * SECOND_NS, 60 * SECOND_NS, 3)
        );
        let day = steps(range(0, 86_400), SECOND_NS / 2);
        assert_eq!((day.width_ns, day.count), (128 * SECOND_NS, 675));
        let ages = steps(
            TimeRange {
                start_ns: i64::MIN,
                end_ns: i64::MAX,
            },
            1,
        );
        assert!((1..=1_000).contains(&ages.count), "{ages:?}");
    }
}
