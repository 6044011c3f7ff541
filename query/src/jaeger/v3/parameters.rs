//! The parameters of version 3: names in either way of writing, times as RFC 3339.

use spoor_storage::{Error, Result, TimeRange};

use crate::jaeger::parameters::{Given, TraceQuery, malformed};
use crate::parameters::{now_ns, parse_time};

/// Parts of a query that narrow it and that we cannot follow; to leave them out would find more
/// than was asked for.
const REFUSED: [&str; 4] = [
    "query.filter",
    "query.order_by",
    "query.pagination.page_size",
    "query.pagination.page_token",
];

/// The parameters of a request; `startTime` and `start_time` are the same.
#[derive(Debug)]
pub(super) struct GivenV3(Given);

impl GivenV3 {
    pub(super) fn new(pairs: Vec<(String, String)>) -> Self {
        let named = |(name, value): (String, String)| (snake_case(&name), value);
        Self(Given(pairs.into_iter().map(named).collect()))
    }

    /// The parameter, unless it is missing or empty.
    pub(super) fn one<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.0.one(name)
    }

    /// The service, which must be given.
    pub(super) fn service(&self) -> Result<&str> {
        self.0.service()
    }

    /// What `/api/v3/traces` searches for. Errors if a parameter is malformed or refused.
    pub(super) fn trace_query(&self) -> Result<TraceQuery> {
        if let Some(name) = REFUSED.into_iter().find(|name| self.one(name).is_some()) {
            return Err(Error::invalid(format!(
                "parameter '{name}' is not supported: search with query.service_name, \
                 query.operation_name, query.attributes and the bounds of time and duration"
            )));
        }
        self.boolean("query.raw_traces")?;
        let [min, max] = self
            .0
            .durations(["query.duration_min", "query.duration_max"])?;
        let depth = match self.one("query.search_depth") {
            Some(_) => "query.search_depth",
            None => "query.num_traces",
        };
        Ok(TraceQuery {
            trace_ids: Vec::new(),
            service: self.one("query.service_name").map(str::to_owned),
            operation: self.one("query.operation_name").map(str::to_owned),
            tags: self.0.json_tags("query.attributes")?,
            range: self.range(["query.start_time_min", "query.start_time_max"])?,
            min_duration_ns: min,
            max_duration_ns: max,
            limit: self.0.limit(depth)?,
        })
    }

    /// Reads what only tells Jaeger where to look for a trace, so that mistakes are told all the same.
    pub(super) fn check_trace_hints(&self) -> Result<()> {
        self.range(["start_time", "end_time"])?;
        self.boolean("raw_traces")
    }

    /// Both ends are required, as a graph of all time is seldom meant.
    pub(super) fn dependency_range(&self) -> Result<TimeRange> {
        if self.one("start_time").is_none() || self.one("end_time").is_none() {
            return Err(Error::invalid("start_time and end_time are required"));
        }
        self.range(["start_time", "end_time"])
    }

    fn range(&self, names: [&str; 2]) -> Result<TimeRange> {
        let time = |name: &str| {
            let read = |text| {
                parse_time(text, now_ns())
                    .map_err(|_| malformed(name, text, "a time like 2023-01-29T08:48:16Z"))
            };
            self.one(name).map(read).transpose()
        };
        let [start, end] = names;
        let range = TimeRange {
            start_ns: time(start)?.unwrap_or(i64::MIN),
            end_ns: time(end)?.unwrap_or(i64::MAX),
        };
        if range.start_ns > range.end_ns {
            return Err(Error::invalid(format!("'{end}' is before '{start}'")));
        }
        Ok(range)
    }

    /// Traces come as they were sent either way.
    fn boolean(&self, name: &str) -> Result<()> {
        match self.one(name) {
            None
            | Some(
                "true" | "True" | "TRUE" | "t" | "T" | "1" | "false" | "False" | "FALSE" | "f"
                | "F" | "0",
            ) => Ok(()),
            Some(text) => Err(malformed(name, text, "true or false")),
        }
    }
}

/// `query.startTimeMin` as `query.start_time_min`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}
