//! When things are: the first and the last instant, and figures minute by minute.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::facts::Counts;
use super::super::minutes::{MINUTE_NS, minute_ns};
use super::answers::{by_time, list, tally};
use super::native::Asker;
use super::{Fact, Request, Way, counts_of};
use crate::api::number;

const HOUR_NS: i64 = 60 * MINUTE_NS;

pub(super) fn of_spans(asker: &Asker<'_>) -> Vec<Fact> {
    let mut table = vec![ends(
        asker,
        ("first_start_ns", "last_end_ns"),
        vec![
            asker.traces_view("'first', min(CAST(start_time AS BIGINT))", "true"),
            asker.traces_view(
                "'last', max(CAST(start_time AS BIGINT) + duration_ns)",
                "true",
            ),
            Way::get(
                "/api/v1/traces",
                asker.within(&[("query", &asker.search), ("limit", "1000")]),
                |json| {
                    let start = |trace: &Value| number(&trace["start_time_unix_nano"]);
                    let ends = list(json, "/traces").map(|t| start(t) + number(&t["duration_ns"]));
                    let first = list(json, "/traces").map(start).min();
                    first_and_last(first, ends.max())
                },
            ),
        ],
    )];
    let Some(minutes) = Minutes::of(asker) else {
        return table;
    };
    let roots = "nestedSetParent < 0";
    let by_sql = "SELECT CAST(CAST(time_bucket('1m', start_time) AS BIGINT) AS VARCHAR), count(*) FROM spans \
                  WHERE {filter} AND parent_span_id IS NULL GROUP BY 1";
    table.push(counts_of(
        "per_minute_utc traces",
        minutes.figure("traces"),
        vec![
            minutes.bars("NOT has:parent_span_id", "span_count"),
            minutes.traceql(&format!("{} | count_over_time()", asker.filter(roots)), 1.0),
            asker.sql(by_sql),
        ],
    ));
    for (name, key, quantile) in [
        ("root_p50_ns", "p50_ns", ".5"),
        ("root_p95_ns", "p95_ns", ".95"),
    ] {
        let query = format!(
            "{} | quantile_over_time(duration, {quantile})",
            asker.filter(roots)
        );
        table.push(counts_of(
            &format!("per_minute_utc {name}"),
            minutes.figure(name),
            vec![
                minutes.bars("NOT has:parent_span_id", key),
                minutes.traceql(&query, 1e9),
            ],
        ));
    }
    table
}

pub(super) fn of_logs(asker: &Asker<'_>) -> Vec<Fact> {
    let page = |order: &'static str, name: &'static str| {
        let parameters = [
            ("query", asker.search.as_str()),
            ("limit", "1"),
            ("order", order),
        ];
        Way::get("/api/v1/logs", asker.within(&parameters), move |json| {
            tally([(name.to_owned(), number(&json["logs"][0]["time_unix_nano"]))])
        })
    };
    let line = |direction: &'static str, name: &'static str| {
        let parameters = [
            ("query", asker.selector.as_str()),
            ("limit", "1"),
            ("direction", direction),
        ];
        let path = "/loki/api/v1/query_range";
        Way::get(path, asker.within(&parameters), move |json| {
            let first = &json["data"]["result"][0]["values"][0][0];
            tally([(name.to_owned(), number(first))])
        })
    };
    let first: &[&str] = &["first"];
    let last: &[&str] = &["last"];
    let mut table = vec![ends(
        asker,
        ("first_ns", "last_ns"),
        vec![
            page("asc", "first").only(first),
            page("desc", "last").only(last),
            line("forward", "first").only(first),
            line("backward", "last").only(last),
        ],
    )];
    let Some(minutes) = Minutes::of(asker) else {
        return table;
    };
    for (name, search, condition, pipeline) in [
        ("logs", "", "true", ""),
        (
            "error_logs",
            "level>=error",
            "severity_number >= 17",
            "| level=~`error|fatal`",
        ),
    ] {
        let by_sql = format!(
            "SELECT CAST(CAST(time_bucket('1m', time) AS BIGINT) AS VARCHAR), count(*) FROM logs \
             WHERE {{filter}} AND {condition} GROUP BY 1"
        );
        table.push(counts_of(
            &format!("per_minute_utc {name}"),
            minutes.figure(name),
            vec![
                minutes.bars(search, "counts"),
                minutes.logql(pipeline),
                asker.sql(&by_sql),
            ],
        ));
    }
    table
}

fn first_and_last(first: Option<i64>, last: Option<i64>) -> Counts {
    let of = |name: &str, at: Option<i64>| (name.to_owned(), at.unwrap_or_default());
    Counts::from([of("first", first), of("last", last)])
}

fn ends(asker: &Asker<'_>, (first, last): (&str, &str), mut ways: Vec<Way>) -> Fact {
    // Of SQL each says one.
    if asker.table == "spans" {
        let [first, last, ..] = ways.as_mut_slice() else {
            unreachable!("they are three");
        };
        first.says = Some(&["first"]);
        last.says = Some(&["last"]);
    }
    let of = |key: &str| Some(number(&asker.dataset.figures[key]));
    counts_of(
        &format!("{first} and {last}"),
        first_and_last(of(first), of(last)),
        ways,
    )
}

/// The minutes of which there are figures.
struct Minutes<'a> {
    asker: &'a Asker<'a>,
    figures: &'a serde_json::Map<String, Value>,
}

impl<'a> Minutes<'a> {
    fn of(asker: &'a Asker<'a>) -> Option<Self> {
        let figures = asker.dataset.entry.get("per_minute_utc")?.as_object()?;
        Some(Self { asker, figures })
    }

    fn figure(&self, key: &str) -> Counts {
        let minutes = self.figures.iter();
        minutes
            .map(|(minute, figures)| (minute_ns(minute).to_string(), number(&figures[key])))
            .collect()
    }

    fn first_and_end(&self) -> (i64, i64) {
        let minutes = || self.figures.keys().map(|minute| minute_ns(minute));
        let (first, last) = (minutes().min(), minutes().max());
        (
            first.unwrap_or_default(),
            last.unwrap_or_default() + MINUTE_NS,
        )
    }

    /// Bars of an hour each, of a minute.
    fn bars(&self, query: &str, key: &'static str) -> Way {
        let minutes = self.figures.keys().map(|minute| minute_ns(minute));
        let hours: BTreeSet<i64> = minutes.map(|at| at / HOUR_NS * HOUR_NS).collect();
        let query = format!("{} {query}", self.asker.search);
        let requests = hours.into_iter().map(|hour| {
            let parameters = vec![
                ("query", query.trim_end().to_owned()),
                ("start", hour.to_string()),
                ("end", (hour + HOUR_NS).to_string()),
                ("buckets", "60".to_owned()),
            ];
            Request::Get(
                format!("/api/v1/{}/histogram", self.asker.table),
                parameters,
            )
        });
        Way::of(requests.collect(), move |json| {
            let start = number(&json["start_unix_nano"]);
            let width = number(&json["bucket_ns"]);
            tally(list(json, "/series").flat_map(|series| {
                let bars = list(series, &format!("/{key}")).zip(0_i64..);
                let bars = bars.map(|(bar, at)| ((start + at * width).to_string(), number(bar)));
                bars.collect::<Vec<_>>()
            }))
        })
    }

    fn traceql(&self, query: &str, unit: f64) -> Way {
        let (first, end) = self.first_and_end();
        let parameters = vec![
            ("q", query.to_owned()),
            ("start", first.to_string()),
            ("end", end.to_string()),
            ("step", "60s".to_owned()),
        ];
        Way::get("/tempo/api/metrics/query_range", parameters, by_time(unit))
    }

    fn logql(&self, pipeline: &str) -> Way {
        let (first, end) = self.first_and_end();
        // A window has its end and not its start, a minute the other way round.
        let query = format!(
            "sum(count_over_time({} [1m] offset -59s999999999ns))",
            self.asker.stream(pipeline)
        );
        let parameters = vec![
            ("query", query),
            ("start", first.to_string()),
            ("end", (end - MINUTE_NS).to_string()),
            ("step", "60".to_owned()),
        ];
        Way::get("/loki/api/v1/query_range", parameters, |json| {
            tally(list(json, "/data/result/0/values").map(|value| {
                let at = number(&value[0]) * 1_000_000_000;
                let sample = value[1].as_str().map_or(0, |text| text.parse().unwrap());
                (at.to_string(), sample)
            }))
        })
    }
}
