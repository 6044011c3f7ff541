//! Jaeger's query parameters: times in microseconds, durations as Go writes them, tags as JSON.

use serde_json::Value;
use spoor_storage::{Error, Result, TimeRange, TraceId};

use crate::trace::trace_id_of;

const DEFAULT_LIMIT: usize = 100;
/// Jaeger's UI offers no more.
const MAX_LIMIT: usize = 1_500;
const DAY_MS: i64 = 86_400_000;

/// The parameters of a request as they were given.
#[derive(Debug)]
pub(super) struct Given(pub(super) Vec<(String, String)>);

/// What `/api/traces` searches for.
#[derive(Debug, PartialEq)]
pub(super) struct TraceQuery {
    pub(super) trace_ids: Vec<TraceId>,
    pub(super) service: Option<String>,
    pub(super) operation: Option<String>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) range: TimeRange,
    /// Nanoseconds.
    pub(super) min_duration_ns: Option<i64>,
    /// Nanoseconds.
    pub(super) max_duration_ns: Option<i64>,
    pub(super) limit: usize,
}

impl Given {
    /// The parameter, unless it is missing or empty.
    pub(super) fn one<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(given, value)| given == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The service, which must be given.
    pub(super) fn service(&self) -> Result<&str> {
        self.one("service")
            .ok_or_else(|| Error::invalid("parameter 'service' is required"))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>> {
        let read = |text: &str| {
            text.parse::<i64>()
                .map_err(|_| malformed(name, text, "a whole number"))
        };
        self.one(name).map(read).transpose()
    }

    pub(super) fn duration(&self, name: &str) -> Result<Option<i64>> {
        let read = |text: &str| {
            parse_duration_ns(text)
                .ok_or_else(|| malformed(name, text, "a duration like 100ms, 1.5s or 2h45m"))
        };
        self.one(name).map(read).transpose()
    }

    /// The parameters of `/api/traces`.
    pub(super) fn trace_query(&self, now_ns: i64) -> Result<TraceQuery> {
        let trace_ids = self
            .all("traceID")
            .map(trace_id_of)
            .collect::<Result<Vec<_>>>()?;
        let service = if trace_ids.is_empty() {
            Some(self.service()?)
        } else {
            self.one("service")
        };
        let [min, max] = self.durations(["minDuration", "maxDuration"])?;
        Ok(TraceQuery {
            trace_ids,
            service: service.map(str::to_owned),
            operation: self.one("operation").map(str::to_owned),
            tags: self.tags()?,
            range: self.search_range(now_ns)?,
            min_duration_ns: min,
            max_duration_ns: max,
            limit: self.limit("limit")?,
        })
    }

    /// The least and the greatest duration, in nanoseconds.
    pub(super) fn durations(&self, names: [&str; 2]) -> Result<[Option<i64>; 2]> {
        let [min, max] = names;
        let bounds = [self.duration(min)?, self.duration(max)?];
        match bounds {
            [Some(least), Some(greatest)] if greatest < least => Err(Error::invalid(format!(
                "'{max}' should be greater than '{min}'"
            ))),
            _ => Ok(bounds),
        }
    }

    /// How many traces: 100 if it is not said or 0, at most 1,500.
    pub(super) fn limit(&self, name: &str) -> Result<usize> {
        match self.number(name)? {
            None | Some(0) => Ok(DEFAULT_LIMIT),
            Some(limit) => Ok(usize::try_from(limit)
                .map_err(|_| malformed(name, &limit.to_string(), "a count"))?
                .min(MAX_LIMIT)),
        }
    }

    /// `start` and `end` in microseconds; without `start`, `lookback` before the end if it is a
    /// duration (the UI also sends `custom`).
    fn search_range(&self, now_ns: i64) -> Result<TimeRange> {
        let time = |name| Ok::<_, Error>(self.number(name)?.map(|time| time.saturating_mul(1_000)));
        let (start, end) = (time("start")?, time("end")?);
        let lookback = self.one("lookback").and_then(parse_duration_ns);
        let start = start.or_else(|| Some(end.unwrap_or(now_ns).saturating_sub(lookback?)));
        Ok(TimeRange {
            start_ns: start.unwrap_or(i64::MIN),
            // Jaeger's end is inside.
            end_ns: end.map_or(i64::MAX, |end| end.saturating_add(1_000)),
        })
    }

    /// `endTs` (now) and `lookback` (a day), both in milliseconds.
    pub(super) fn dependency_range(&self, now_ns: i64) -> Result<TimeRange> {
        let to_ns = |ms: i64| ms.saturating_mul(1_000_000);
        let end_ns = self.number("endTs")?.map_or(now_ns, to_ns);
        let lookback_ns = to_ns(self.number("lookback")?.unwrap_or(DAY_MS));
        Ok(TimeRange {
            start_ns: end_ns.saturating_sub(lookback_ns),
            end_ns,
        })
    }

    /// `tag=key:value` and `tags={"key":"value"}`, each any number of times.
    fn tags(&self) -> Result<Vec<(String, String)>> {
        let mut tags = Vec::new();
        for tag in self.all("tag") {
            let (key, value) = tag.split_once(':').ok_or_else(|| {
                Error::invalid(format!(
                    "malformed 'tag' parameter, expecting key:value, received: {tag}"
                ))
            })?;
            tags.push((key.to_owned(), value.to_owned()));
        }
        tags.extend(self.json_tags("tags")?);
        Ok(tags)
    }

    /// `name={"key":"value"}`, any number of times.
    pub(super) fn json_tags(&self, name: &str) -> Result<Vec<(String, String)>> {
        let mut tags = Vec::new();
        for text in self.all(name) {
            let Ok(Value::Object(object)) = serde_json::from_str(text) else {
                return Err(Error::invalid(format!(
                    "malformed '{name}' parameter, expecting a JSON object of strings, received: {text}"
                )));
            };
            for (key, value) in object {
                let value = match value {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                tags.push((key, value));
            }
        }
        Ok(tags)
    }
}

pub(super) fn malformed(name: &str, text: &str, expected: &str) -> Error {
    Error::invalid(format!(
        "unable to parse param '{name}': `{text}` is not {expected}"
    ))
}

/// A duration as Go writes it (`1h30m`, `1.5s`, `100ms`, `20us`, `µs`, `ns`; also `d` for days,
/// which Jaeger's UI uses) in nanoseconds.
fn parse_duration_ns(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(0);
    }
    let mut total = 0_i64;
    while !rest.is_empty() || total == 0 {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let unit_end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let unit_ns = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            _ => return None,
        };
        total = total.checked_add(scaled(number, unit_ns)?)?;
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    Some(total)
}

/// A decimal number of units.
fn scaled(number: &str, unit_ns: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = if whole.is_empty() {
        0
    } else {
        whole.parse::<i64>().ok()?
    };
    let mut total = whole.checked_mul(unit_ns)?;
    let mut unit_ns = unit_ns;
    for digit in fraction.chars() {
        unit_ns /= 10;
        total = total.checked_add(i64::from(digit.to_digit(10)?).checked_mul(unit_ns)?)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000_000_000;

    fn given(pairs: &[(&str, &str)]) -> Given {
        Given(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn reads_durations_as_go_writes_them() {
        for (text, ns) in [
            ("100ms", 100_000_000),
            ("1.5s", 1_500_000_000),
            ("1h30m", 5_400_000_000_000),
            ("20us", 20_000),
            ("20µs", 20_000),
            ("7ns", 7),
            (".5ms", 500_000),
            ("2d", 172_800_000_000_000),
            ("0", 0),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration_ns(text), Some(ns), "{text}");
        }
        for text in [
            "",
            "5",
            "ms",
            "1x",
            "-1s",
            "1.2.3s",
            ".s",
            "99999999999h",
            "custom",
            "1s2",
        ] {
            assert_eq!(parse_duration_ns(text), None, "{text}");
        }
    }

    #[test]
    fn reads_what_the_ui_sends() {
        let query = given(&[
            ("end", "1571896375369202"),
            ("limit", "20"),
            ("lookback", "1h"),
            ("maxDuration", ""),
            ("minDuration", "1.2ms"),
            ("operation", "get /"),
            ("service", "shop"),
            ("start", "1571892775369000"),
            ("tags", r#"{"error":"true","http.status_code":"500"}"#),
            ("tag", "a:b:c"),
        ])
        .trace_query(NOW)
        .unwrap();
        assert_eq!(
            query,
            TraceQuery {
                trace_ids: vec![],
                service: Some("shop".to_owned()),
                operation: Some("get /".to_owned()),
                tags: [("a", "b:c"), ("error", "true"), ("http.status_code", "500")]
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .to_vec(),
                range: TimeRange {
                    start_ns: 1_571_892_775_369_000_000,
                    end_ns: 1_571_896_375_369_203_000,
                },
                min_duration_ns: Some(1_200_000),
                max_duration_ns: None,
                limit: 20,
            }
        );
    }

    #[test]
    fn lookback_counts_from_the_end_or_from_now() {
        let range = |pairs: &[(&str, &str)]| {
            let mut pairs = pairs.to_vec();
            pairs.push(("service", "s"));
            given(&pairs).trace_query(NOW).unwrap().range
        };
        assert_eq!(range(&[]), TimeRange::ALL);
        assert_eq!(range(&[("lookback", "custom")]), TimeRange::ALL);
        assert_eq!(range(&[("lookback", "1s")]).start_ns, NOW - 1_000_000_000);
        assert_eq!(range(&[("lookback", "1us"), ("end", "5")]).start_ns, 4_000);
        let dependencies = given(&[("endTs", "5000"), ("lookback", "2000")]);
        let expected = TimeRange {
            start_ns: 3_000_000_000,
            end_ns: 5_000_000_000,
        };
        assert_eq!(dependencies.dependency_range(NOW).unwrap(), expected);
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        let message =
            |pairs: &[(&str, &str)]| given(pairs).trace_query(NOW).unwrap_err().to_string();
        assert_eq!(message(&[]), "parameter 'service' is required");
        for (name, value) in [
            ("limit", "x"),
            ("limit", "-1"),
            ("start", "today"),
            ("minDuration", "5"),
            ("tags", "x"),
            ("tags", "[1]"),
            ("tag", "x"),
            ("traceID", "xyz"),
        ] {
            let said = message(&[("service", "s"), (name, value)]);
            assert!(said.contains(value), "{name}={value}: {said}");
        }
        let both = [
            ("service", "s"),
            ("minDuration", "2s"),
            ("maxDuration", "1s"),
        ];
        assert_eq!(
            message(&both),
            "'maxDuration' should be greater than 'minDuration'"
        );
        assert!(
            given(&[("traceID", "a1")]).trace_query(NOW).is_ok(),
            "ids need no service"
        );
    }
}
