//! What `/api/metrics/…` is asked: times and durations in milliseconds.

use spoor_storage::{Error, Result};

use crate::jaeger::parameters::{Given, malformed};
use crate::services::Moving;

const HOUR_MS: i64 = 3_600_000;
const STEP_MS: i64 = 5_000;
const RATE_MS: i64 = 600_000;
/// Points of one series.
const MAX_STEPS: i64 = 11_000;
const KINDS: [&str; 6] = [
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
];

/// Which spans are counted, and when.
#[derive(Debug, PartialEq)]
pub(super) struct MetricsQuery {
    pub(super) services: Vec<String>,
    /// As spans have them.
    pub(super) kinds: Vec<String>,
    pub(super) by_operation: bool,
    pub(super) moving: Moving,
}

impl Given {
    /// What is asked of `/api/metrics/…`.
    pub(super) fn metrics_query(&self, now_ns: i64) -> Result<MetricsQuery> {
        let services: Vec<String> = self.all("service").map(str::to_owned).collect();
        if services.is_empty() {
            return Err(Error::invalid(
                "unable to parse param 'service': please provide at least one service name",
            ));
        }
        let lookback = self.milliseconds("lookback", HOUR_MS, 0)?;
        let step = self.milliseconds("step", STEP_MS, 1)?;
        let steps = lookback / step;
        if steps >= MAX_STEPS {
            let message = format!("a `lookback` of {lookback} ms has {steps} steps of {step} ms");
            let hint = format!("there can be {MAX_STEPS}: ask for a larger `step`");
            return Err(Error::invalid(message).with_hint(hint));
        }
        let end = self.number("endTs")?;
        let end_ns = end.map_or(now_ns, to_ns);
        Ok(MetricsQuery {
            services,
            kinds: self.kinds()?,
            by_operation: self.flag("groupByOperation")?,
            moving: Moving {
                first_ns: end_ns.saturating_sub(to_ns(lookback)),
                step_ns: to_ns(step),
                count: usize::try_from(steps + 1).unwrap_or(1),
                window_ns: to_ns(self.milliseconds("ratePer", RATE_MS, 1)?),
            },
        })
    }

    /// Which quantile of the latencies.
    pub(super) fn quantile(&self) -> Result<f64> {
        let text = self.one("quantile").ok_or_else(|| {
            Error::invalid("unable to parse param 'quantile': it is required for latencies")
        })?;
        let quantile = text.parse::<f64>().ok();
        quantile
            .filter(|quantile| *quantile > 0.0 && *quantile <= 1.0)
            .ok_or_else(|| malformed("quantile", text, "a number above 0 and up to 1"))
    }

    fn milliseconds(&self, name: &str, default: i64, least: i64) -> Result<i64> {
        match self.number(name)? {
            None => Ok(default),
            Some(given) if given >= least => Ok(given),
            Some(given) => {
                let expected = format!("a count of milliseconds of at least {least}");
                Err(malformed(name, &given.to_string(), &expected))
            }
        }
    }

    /// As Go reads truth.
    fn flag(&self, name: &str) -> Result<bool> {
        match self.one(name) {
            None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
            Some(other) => Err(malformed(name, other, "`true` or `false`")),
        }
    }

    /// Kinds of spans; those of servers unless said otherwise. Both of Jaeger's ways to write them are known.
    fn kinds(&self) -> Result<Vec<String>> {
        let mut kinds = Vec::new();
        for text in self.all("spanKind") {
            let lower = text.to_ascii_lowercase();
            let kind = lower.strip_prefix("span_kind_").unwrap_or(&lower);
            if !KINDS.contains(&kind) {
                let expected = format!("one of {}", KINDS.join(", "));
                return Err(malformed("spanKind", text, &expected));
            }
            kinds.push(kind.to_ascii_uppercase());
        }
        if kinds.is_empty() {
            kinds.push("SERVER".to_owned());
        }
        Ok(kinds)
    }
}

fn to_ns(milliseconds: i64) -> i64 {
    milliseconds.saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Given {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Given(pairs.iter().map(owned).collect())
    }

    #[test]
    fn defaults_are_those_of_jaeger() {
        let query = given(&[("service", "a"), ("service", "b")]);
        let query = query.metrics_query(7_200_000_000_000).unwrap();
        assert_eq!(query.services, ["a", "b"]);
        assert_eq!(
            (query.kinds.as_slice(), query.by_operation),
            (&["SERVER".to_owned()][..], false)
        );
        let hour = Moving {
            first_ns: 3_600_000_000_000,
            step_ns: 5_000_000_000,
            count: 721,
            window_ns: 600_000_000_000,
        };
        assert_eq!(query.moving, hour);
        assert_eq!(query.moving.instant_ns(720), 7_200_000_000_000);
    }

    #[test]
    fn what_is_given_is_meant() {
        let query = given(&[
            ("service", "a"),
            ("endTs", "10000"),
            ("lookback", "2500"),
            ("step", "1000"),
            ("ratePer", "60000"),
            ("groupByOperation", "T"),
            ("spanKind", "client"),
            ("spanKind", "SPAN_KIND_PRODUCER"),
        ]);
        let query = query.metrics_query(0).unwrap();
        assert_eq!(query.kinds, ["CLIENT", "PRODUCER"]);
        assert!(query.by_operation);
        let moving = query.moving;
        assert_eq!((moving.first_ns, moving.count), (7_500_000_000, 3));
        let quantile = given(&[("quantile", "0.95")]).quantile().unwrap();
        assert_eq!(quantile.to_string(), "0.95");
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let refused = |name: &str, value: &str| {
            let given = given(&[("service", "a"), (name, value)]);
            given.metrics_query(0).unwrap_err().to_string()
        };
        for (name, value) in [
            ("step", "0"),
            ("step", "fast"),
            ("ratePer", "0"),
            ("lookback", "-1"),
            ("endTs", "now"),
            ("groupByOperation", "yes"),
            ("spanKind", "loud"),
        ] {
            let said = refused(name, value);
            assert!(said.contains(name) && said.contains(value), "{said}");
        }
        assert!(refused("step", "1").contains("3600000 steps"));
        let nobody = given(&[("service", "")]).metrics_query(0).unwrap_err();
        assert!(nobody.to_string().contains("at least one service"));
        for quantile in ["0", "1.01", "NaN", "-1", "most"] {
            assert!(
                given(&[("quantile", quantile)]).quantile().is_err(),
                "{quantile}"
            );
        }
    }
}
