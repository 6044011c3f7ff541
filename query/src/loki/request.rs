//! Parameters of requests, in the address or in a form.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use spoor_storage::{Error, ErrorKind, Result, TimeRange};

use super::answer::LokiError;
use super::parsed;
use crate::logql::ast::{Expr, LogQuery};
use crate::logql::metrics::Steps;
use crate::logql::values::{duration_ns, url_decoded};
use crate::parameters::{now_ns, parse_time};

/// A form may be so long.
const MAX_FORM_BYTES: usize = 1 << 20;

const SECOND_NS: i64 = 1_000_000_000;

/// What a request gives.
#[derive(Debug)]
pub(super) struct Given(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Given {
    type Rejection = LokiError;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, LokiError> {
        let mut given = Self::of(request.uri().query().unwrap_or_default());
        if request.method() == http::Method::POST {
            let body = axum::body::to_bytes(request.into_body(), MAX_FORM_BYTES)
                .await
                .map_err(|error| {
                    let message = format!("the form cannot be read: {error}");
                    Error::new(ErrorKind::TooLarge, message)
                })?;
            let form = Self::of(&String::from_utf8_lossy(&body));
            given.0.extend(form.0);
        }
        Ok(given)
    }
}

impl Given {
    fn of(encoded: &str) -> Self {
        let pairs = encoded
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (url_decoded(name), url_decoded(value)));
        Self(pairs.collect())
    }

    /// The last one of this name that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).last()
    }

    pub(super) fn all<'a, 'n>(
        &'a self,
        name: &'n str,
    ) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.0
            .iter()
            .filter(move |(known, value)| known == name && !value.trim().is_empty())
            .map(|(_, value)| value.trim())
    }

    pub(super) fn required(&self, name: &str) -> Result<&str> {
        self.get(name)
            .ok_or_else(|| Error::invalid(format!("the parameter `{name}` is missing")))
    }

    pub(super) fn expr(&self) -> Result<Expr> {
        parsed(self.required("query")?)
    }

    /// A selector with or without stages; everything if none is given.
    pub(super) fn query(&self) -> Result<LogQuery> {
        match self.get("query") {
            None => Ok(LogQuery::default()),
            Some(text) => log_query(text),
        }
    }

    /// A time, if one is given.
    pub(super) fn time(&self, name: &str) -> Result<Option<i64>> {
        self.get(name)
            .map(|text| {
                parse_time(text, now_ns()).map_err(|error| {
                    Error::invalid(format!("`{name}`: {error}"))
                        .with_hint("write Unix nanoseconds, seconds with a fraction or RFC 3339")
                })
            })
            .transpose()
    }

    /// `15s`, or seconds; longer than nothing.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "below 2^63, checked; fractions of a nanosecond have no meaning"
    )]
    pub(super) fn duration(&self, name: &str) -> Result<Option<i64>> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let nanoseconds = match text.parse::<f64>() {
            Ok(seconds) => (seconds.abs() < 9e9).then_some((seconds * 1e9) as i64),
            Err(_) => duration_ns(text),
        };
        match nanoseconds {
            Some(nanoseconds) if nanoseconds > 0 => Ok(Some(nanoseconds)),
            _ => Err(
                Error::invalid(format!("`{name}` is not a duration: `{text}`"))
                    .with_hint("write 15s, 1m or a number of seconds"),
            ),
        }
    }

    pub(super) fn limit(&self, name: &str, default: usize, most: usize) -> Result<usize> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        match text.parse::<usize>() {
            Ok(limit) if limit > most => Err(Error::invalid(format!(
                "max entries limit per query exceeded, {name} > max ({limit} > {most})"
            ))),
            Ok(limit) if limit > 0 => Ok(limit),
            _ => Err(Error::invalid(format!(
                "`{name}` must be a positive number"
            ))),
        }
    }

    /// Start and end; without `start` and `since` it is `default_ns` before the end, or all time.
    pub(super) fn range(&self, default_ns: Option<i64>) -> Result<TimeRange> {
        let (start, end) = (self.time("start")?, self.time("end")?);
        let since = self.duration("since")?.or(default_ns);
        let until = end.unwrap_or_else(now_ns);
        let start = match (start, since) {
            (Some(start), _) => start,
            (None, Some(since)) => until.min(now_ns()).saturating_sub(since),
            (None, None) => i64::MIN,
        };
        // Without any bound also what the future holds is found, as everywhere.
        let end = match (start, end, default_ns) {
            (i64::MIN, None, None) => i64::MAX,
            _ => until,
        };
        if start >= end {
            return Err(Error::invalid("`end` is not after `start`"));
        }
        Ok(TimeRange {
            start_ns: start,
            end_ns: end,
        })
    }

    /// The step for a range of time: by default a 250th of it, in whole seconds.
    pub(super) fn step(&self, length_ns: i64) -> Result<i64> {
        let default = (length_ns / 250 / SECOND_NS).max(1) * SECOND_NS;
        Ok(self.duration("step")?.unwrap_or(default))
    }

    /// The steps of a metric query, and how long one is.
    pub(super) fn steps(&self, default_range_ns: i64) -> Result<(Steps, i64)> {
        let range = self.range(Some(default_range_ns))?;
        let step_ns = self.step(range.end_ns.saturating_sub(range.start_ns))?;
        let steps = Steps::new(range.start_ns, range.end_ns, step_ns)?;
        Ok((steps, step_ns))
    }
}

/// A selector with or without stages.
pub(super) fn log_query(text: &str) -> Result<LogQuery> {
    match parsed(text)? {
        Expr::Logs(query) => Ok(query),
        _ => Err(
            Error::invalid("a stream selector is needed here, and no metric query")
                .with_hint("write {service_name=\"checkout\"}"),
        ),
    }
}
