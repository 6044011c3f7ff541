//! Traces that failed show it in a span's name and in logs.

use serde_json::Value;

use super::super::facts::counts;
use super::answers::{instants, names, series, text};
use super::native::quoted;
use super::others::logql;
use super::{Fact, Way, counts_of, number_of};
use crate::api::number;

const NAME: &str = "BasicErrorController.error";
/// Records that say so.
const ERRORS: &str = "level:[error TO *] service:ts-*";
const ERRORS_SQL: &str =
    "SELECT trace_id FROM logs WHERE severity_number >= 17 AND service_name LIKE 'ts-%'";

pub(super) fn table(figures: &Value) -> Vec<Fact> {
    let of = |key: &str| number(&figures[key]);
    let search = format!("name:{}", quoted(NAME));
    let filter = format!("{{ name = {NAME:?} }}");
    let failed = format!(
        "SELECT count(*) FROM traces WHERE trace_id IN (SELECT trace_id FROM spans WHERE name = '{NAME}')"
    );
    let with_logs = format!("logs:({ERRORS})");
    let example = format!("{search} trace_id:{}", text(&figures["example_trace"]));
    let tempo = within(&[("q", &filter), ("limit", "1000")]);
    let with_span = "traces_with_span_BasicErrorController.error";
    let with_both = "of_these_with_an_ERROR_log";
    let with_log = "traces_with_ERROR_log";
    vec![
        number_of(
            with_span,
            of(with_span),
            vec![
                traces(&[("query", &search)]),
                traces(&[("traceql", &filter)]),
                Way::get("/tempo/api/search", tempo, names("/traces", "traceID")).counted(),
                Way::sql(failed.clone()),
            ],
        ),
        number_of(
            with_both,
            of(with_both),
            vec![
                traces(&[("query", &format!("{search} {with_logs}"))]),
                traces(&[("traceql", &filter), ("logs", ERRORS)]),
                Way::sql(format!("{failed} AND trace_id IN ({ERRORS_SQL})")),
            ],
        ),
        number_of(
            with_log,
            of(with_log),
            vec![
                traces(&[("query", &with_logs)]),
                traces(&[("traceql", "{ }"), ("logs", ERRORS)]),
                Way::sql(format!(
                    "SELECT count(DISTINCT trace_id) FROM ({ERRORS_SQL})"
                )),
                logql(
                    "count(sum by (trace_id) (count_over_time({service_name=~`ts-.*`} | level=`error` [10y])))"
                        .to_owned(),
                ),
            ],
        ),
        by_service(figures, &search, &filter),
        // The example is found by its id, and is one of them.
        number_of("example_trace", 1, vec![traces(&[("query", &example)])]),
    ]
}

fn by_service(figures: &Value, search: &str, filter: &str) -> Fact {
    let name = "error_controller_spans_per_service";
    let query = format!("{filter} | count_over_time() by(resource.service.name)");
    let by = [("query", search), ("by", "service_name"), ("limit", "50")];
    counts_of(
        name,
        counts(&figures[name]),
        vec![
            Way::get("/api/v1/spans/histogram", within(&by), series("span_count")),
            Way::get(
                "/tempo/api/metrics/query",
                within(&[("q", &query)]),
                instants(1.0),
            ),
        ],
    )
}

/// Parameters, and the day of all of it.
fn within(parameters: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let day = [
        ("start", "2023-01-29T00:00:00Z"),
        ("end", "2023-01-30T00:00:00Z"),
    ];
    let all = parameters.iter().chain(&day);
    all.map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}

fn traces(parameters: &[(&'static str, &str)]) -> Way {
    let mut parameters = within(parameters);
    parameters.push(("limit", "1000".to_owned()));
    Way::get("/api/v1/traces", parameters, names("/traces", "trace_id")).counted()
}
