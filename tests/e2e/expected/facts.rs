//! Compares and remembers every difference, so that one run shows all of them.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use serde_json::Value;

use crate::api::{Answer, Api, number, rows};

/// One part of `expected.json` and how its rows are told from those of the others.
pub(super) struct Dataset<'a> {
    pub(super) name: &'a str,
    /// The whole entry.
    pub(super) entry: &'a Value,
    /// Its `traces` or `logs` figures.
    pub(super) figures: &'a Value,
    /// SQL condition that holds for its rows only.
    pub(super) filter: String,
    /// First instant, nanoseconds.
    pub(super) start_ns: i64,
    /// First instant after it, nanoseconds.
    pub(super) end_ns: i64,
    services: Vec<String>,
}

impl<'a> Dataset<'a> {
    pub(super) fn spans(name: &'a str, entry: &'a Value) -> Self {
        let figures = &entry["traces"];
        let times = (&figures["first_start_ns"], &figures["last_end_ns"]);
        Self::new(
            name,
            entry,
            figures,
            "start_time",
            times,
            &figures["spans_per_service"],
        )
    }

    pub(super) fn logs(name: &'a str, entry: &'a Value) -> Self {
        let figures = &entry["logs"];
        let times = (&figures["first_ns"], &figures["last_ns"]);
        Self::new(
            name,
            entry,
            figures,
            "time",
            times,
            &figures["logs_per_service"],
        )
    }

    fn new(
        name: &'a str,
        entry: &'a Value,
        figures: &'a Value,
        time_column: &str,
        (first, last): (&Value, &Value),
        services: &Value,
    ) -> Self {
        let services: Vec<String> = services
            .as_object()
            .unwrap()
            .keys()
            .map(|name| service(name).to_owned())
            .collect();
        let (start_ns, end_ns) = (first.as_i64().unwrap(), last.as_i64().unwrap() + 1);
        let filter = format!(
            "{time_column} >= {} AND {time_column} < {} AND service_name IN ({})",
            timestamp(start_ns),
            timestamp(end_ns),
            services
                .iter()
                .map(|name| literal(name))
                .collect::<Vec<_>>()
                .join(", "),
        );
        Self {
            name,
            entry,
            figures,
            filter,
            start_ns,
            end_ns,
            services,
        }
    }

    pub(super) fn has_service(&self, name: &str) -> bool {
        self.services.iter().any(|service| service == name)
    }

    pub(super) fn services(&self) -> &[String] {
        &self.services
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.figures.get(key).is_some()
    }
}

/// What a span without `service.name` is filed under.
pub(super) fn service(name: &str) -> &str {
    if name.is_empty() {
        "unknown_service"
    } else {
        name
    }
}

/// A SQL string literal.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A SQL time literal.
pub(super) fn timestamp(time_ns: i64) -> String {
    format!("'{}'", time_text(time_ns))
}

/// A time as users write it.
pub(super) fn time_text(time_ns: i64) -> String {
    let time = DateTime::from_timestamp_nanos(time_ns);
    time.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

/// Text to number; what `GROUP BY` gives and what most of `expected.json` is.
pub(super) type Counts = BTreeMap<String, i64>;

pub(super) fn counts(value: &Value) -> Counts {
    let object = value.as_object().unwrap();
    object
        .iter()
        .map(|(key, value)| (key.clone(), number(value)))
        .collect()
}

/// As [`counts`], with the missing service named as Spoor names it.
pub(super) fn counts_per_service(value: &Value) -> Counts {
    counts(value)
        .into_iter()
        .map(|(key, count)| (service(&key).to_owned(), count))
        .collect()
}

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Everything,
    /// All but TraceQL, in which another test asks the same of files.
    WithoutTraceql,
    /// Every fourth of those questions: enough to see that nothing changed since everything was asked.
    Quarter,
}

/// GET; what is wrong with an answer other than a complete 200.
pub(super) async fn get(
    api: &Api,
    path: &str,
    parameters: &[(&str, &str)],
) -> Result<Value, String> {
    let what = || format!("{path} {parameters:?}");
    complete(&api.try_get(path, parameters).await, what)
}

/// The rows of SQL; what is wrong with an answer other than a complete 200.
pub(super) async fn sql(api: &Api, query: &str) -> Result<Value, String> {
    let answer = api.try_sql(query, "application/json").await;
    complete(&answer, || query.to_owned()).map(|mut json| json["rows"].take())
}

fn complete(answer: &Answer, what: impl Fn() -> String) -> Result<Value, String> {
    if answer.status != 200 {
        return Err(format!("{}: {} {}", what(), answer.status, answer.text));
    }
    let json = answer.json();
    match json.get("complete") {
        Some(complete) if *complete != true => {
            let reasons = &json["incomplete_reasons"];
            Err(format!("{}: incomplete {reasons}", what()))
        }
        _ => Ok(json),
    }
}

pub(super) struct Facts<'a> {
    api: &'a Api,
    extent: Extent,
    questions: usize,
    compared: usize,
    failures: Vec<String>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(api: &'a Api, extent: Extent) -> Self {
        Self {
            api,
            extent,
            questions: 0,
            compared: 0,
            failures: Vec::new(),
        }
    }

    /// Whether the next question is to be asked at all.
    pub(super) fn is_asked(&mut self) -> bool {
        self.questions += 1;
        self.extent != Extent::Quarter || self.questions.is_multiple_of(4)
    }

    pub(super) fn fail(&mut self, message: String) {
        self.failures.push(message);
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "most callers have no use for them any more"
    )]
    pub(super) fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, expected: T, got: T) {
        self.compared += 1;
        if expected != got {
            self.fail(format!(
                "{what}\n  expected {expected:?}\n       got {got:?}"
            ));
        }
    }

    /// Whom it asks.
    pub(super) fn api(&self) -> &'a Api {
        self.api
    }

    /// GET; an answer other than a complete 200 is a difference. None if that is so, or if it was
    /// not asked.
    pub(super) async fn get(&mut self, path: &str, parameters: &[(&str, &str)]) -> Option<Value> {
        if !self.is_asked() {
            return None;
        }
        let answer = get(self.api, path, parameters).await;
        self.unless_failed(answer)
    }

    pub(super) async fn sql(&mut self, query: &str) -> Option<Vec<Vec<Value>>> {
        if !self.is_asked() {
            return None;
        }
        self.compared += 1;
        let answer = sql(self.api, query).await;
        self.unless_failed(answer).map(|found| rows(&found))
    }

    fn unless_failed(&mut self, answer: Result<Value, String>) -> Option<Value> {
        answer.map_err(|problem| self.fail(problem)).ok()
    }

    /// One number by SQL.
    pub(super) async fn number(&mut self, what: &str, expected: i64, query: &str) {
        if let Some(rows) = self.sql(query).await {
            self.same(what, expected, number(&rows[0][0]));
        }
    }

    /// One row of numbers by SQL, each with its name.
    pub(super) async fn numbers(&mut self, what: &str, figures: &[(&str, i64, &str)], from: &str) {
        let columns: Vec<&str> = figures.iter().map(|(_, _, column)| *column).collect();
        let query = format!("SELECT {} FROM {from}", columns.join(", "));
        let Some(rows) = self.sql(&query).await else {
            return;
        };
        for ((name, expected, _), got) in figures.iter().zip(&rows[0]) {
            self.same(&format!("{what} {name}"), *expected, number(got));
        }
    }

    /// `GROUP BY` one text column.
    pub(super) async fn groups(&mut self, what: &str, expected: &Counts, query: &str) {
        let Some(rows) = self.sql(query).await else {
            return;
        };
        let got: Counts = rows
            .iter()
            .map(|row| {
                (
                    row[0].as_str().unwrap_or_default().to_owned(),
                    number(&row[1]),
                )
            })
            .collect();
        self.same(what, expected, &got);
    }

    pub(super) fn finish(self, when: &str) {
        let least = match self.extent {
            Extent::Everything | Extent::WithoutTraceql => 1_500,
            Extent::Quarter => 200,
        };
        assert!(
            self.compared > least,
            "{when}: only {} figures compared",
            self.compared
        );
        assert!(
            self.failures.is_empty(),
            "{when}: {} of {} figures differ\n{}",
            self.failures.len(),
            self.compared,
            self.failures.join("\n"),
        );
    }
}
