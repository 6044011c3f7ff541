//! The figures once more, by every API that can say them: one table of facts, each with its value and
//! the ways to ask for it, which must all give that value.
//!
//! ```text
//!  fact "spans_per_service" ─ value {cart: 7, …} ─┬─ search, facets, services, graph, traces (/api/v1)
//!                                                 ├─ SQL: `spans`, `logs`, `traces`, `services`, `service_edges`
//!                                                 ├─ TraceQL (/api/v1, Tempo), LogQL (Loki)
//!                                                 └─ Jaeger, both versions
//! ```
//! A way that cannot say a fact is not in its row; where that is not plain the row says why.

mod answers;
mod failing;
mod found;
mod logs;
mod native;
mod operations;
mod others;
mod questions;
mod spans;
mod times;
mod traces;
mod whole;

use std::num::NonZero;

use futures::stream::{self, StreamExt};
use serde_json::Value;

use self::questions::{Questions, Request};
use super::facts::{Counts, Dataset, Facts};

/// Operations, services, terms and traces of which each takes a question of its own.
const ASKED: usize = 3;

/// What is known, and who must know it.
struct Fact {
    /// As `expected.json` calls it.
    name: String,
    /// A number by what it is of; one that is of nothing else is of `""`. Nothing is as good as 0.
    value: Counts,
    /// Whether there may be others besides that are not known.
    is_partial: bool,
    ways: Vec<Way>,
}

/// A way to ask for a fact.
struct Way {
    /// What they say is added up.
    requests: Vec<Request>,
    read: Read,
    /// What it says of the fact, if that is not all: the first words of names.
    says: Option<&'static [&'static str]>,
    /// Whether the fact is how many different things there are.
    is_counted: bool,
    /// How far off it may be, as a share.
    tolerance: f64,
}

/// What an answer says; of SQL it is given the rows.
type Read = Box<dyn Fn(&Value) -> Counts + Send + Sync>;

/// A fact that is one number.
fn number_of(name: &str, value: i64, ways: Vec<Way>) -> Fact {
    counts_of(name, one(value), ways)
}

/// A fact that is several numbers, all there are.
fn counts_of(name: &str, value: Counts, ways: Vec<Way>) -> Fact {
    Fact {
        name: name.to_owned(),
        value,
        is_partial: false,
        ways,
    }
}

/// A single number.
fn one(number: i64) -> Counts {
    Counts::from([(String::new(), number)])
}

/// Names, without a number that they have.
fn named(names: impl IntoIterator<Item = String>) -> Counts {
    names.into_iter().map(|name| (name, 1)).collect()
}

impl Fact {
    fn partial(mut self) -> Self {
        self.is_partial = true;
        self
    }

    /// Whether what a way found is what is known, as far as it says it.
    fn check(&self, facts: &mut Facts<'_>, file: &str, way: &Way, found: &Counts) {
        let what = format!("{file}: {} by {}", self.name, way.shown());
        let kind = |name: &String| name.split(' ').next().unwrap_or_default().to_owned();
        let said = |name: &String| way.says.is_none_or(|says| says.contains(&&*kind(name)));
        let known = |name: &String| !self.is_partial || self.value.contains_key(name);
        let names = self.value.keys().chain(found.keys());
        let number = |counts: &Counts, name: &String| counts.get(name).copied().unwrap_or(0);
        let (mut expected, mut got) = (Counts::new(), Counts::new());
        for name in names.filter(|name| said(name) && known(name)) {
            let (left, right) = (number(&self.value, name), number(found, name));
            if !way.is_near(left, right) {
                expected.insert(name.clone(), left);
                got.insert(name.clone(), right);
            }
        }
        facts.same(&what, expected, got);
    }
}

impl Way {
    fn get(
        path: impl Into<String>,
        parameters: Vec<(&'static str, String)>,
        read: impl Fn(&Value) -> Counts + Send + Sync + 'static,
    ) -> Self {
        Self::of(vec![Request::Get(path.into(), parameters)], read)
    }

    /// A number, or texts and their numbers.
    fn sql(query: impl Into<String>) -> Self {
        Self::of(vec![Request::Sql(query.into())], answers::rows)
    }

    fn of(requests: Vec<Request>, read: impl Fn(&Value) -> Counts + Send + Sync + 'static) -> Self {
        Self {
            requests,
            read: Box::new(read),
            says: None,
            is_counted: false,
            tolerance: 0.0,
        }
    }

    fn only(mut self, says: &'static [&'static str]) -> Self {
        self.says = Some(says);
        self
    }

    fn counted(mut self) -> Self {
        self.is_counted = true;
        self
    }

    /// Nearest rank, exactly for up to `exact` of `count` and within 0.4 % for more.
    fn near(mut self, count: i64, exact: i64) -> Self {
        if count > exact {
            self.tolerance = 0.004;
        }
        self
    }

    /// As a failure names it.
    fn shown(&self) -> String {
        match self.requests.as_slice() {
            [first, more @ ..] if !more.is_empty() => {
                format!("{} (and {} more)", first.shown(), more.len())
            }
            requests => requests.iter().map(Request::shown).collect(),
        }
    }

    /// Whether it asks in TraceQL, and not what another way asks as well.
    fn is_traceql(&self) -> bool {
        self.requests.iter().all(|request| match request {
            Request::Get(path, parameters) => {
                let has_traceql = parameters.iter().any(|(name, _)| *name == "traceql");
                has_traceql || path == "/tempo/api/metrics/query"
            }
            Request::Sql(_) => false,
        })
    }

    /// What is found this way, or why nothing can be.
    async fn found(&self, questions: &Questions<'_>) -> Result<Counts, String> {
        let mut found = Counts::new();
        for request in &self.requests {
            let answer = questions.answer(request).await?;
            for (name, number) in (self.read)(&answer) {
                *found.entry(name).or_default() += number;
            }
        }
        if self.is_counted {
            let names = found.into_values().filter(|number| *number > 0);
            return Ok(one(names.count() as i64));
        }
        Ok(found)
    }

    fn is_near(&self, expected: i64, found: i64) -> bool {
        let off = (expected - found).abs() as f64;
        off <= (expected as f64 * self.tolerance).ceil()
    }
}

/// Asks for every fact in every way.
async fn ask(facts: &mut Facts<'_>, file: &str, table: Vec<Fact>) {
    let questions = &Questions::to(facts.api());
    let ways = table.iter().flat_map(|fact| {
        let ways = fact.ways.iter();
        ways.map(move |way| (fact, way))
    });
    let ways: Vec<(&Fact, &Way)> = ways.filter(|_| facts.is_asked()).collect();
    let found = ways
        .into_iter()
        .map(|(fact, way)| async move { (fact, way, way.found(questions).await) });
    let mut found = stream::iter(found).buffered(at_a_time());
    while let Some((fact, way, found)) = found.next().await {
        match found {
            Ok(found) => fact.check(facts, file, way, &found),
            Err(problem) => facts.fail(problem),
        }
    }
}

/// How many questions are under way: as many as the machine has processors for.
fn at_a_time() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// All facts of the spans of a dataset.
pub(super) async fn compare_spans(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    let file = format!("{}-traces", dataset.name);
    let asker = native::Asker::of_spans(dataset);
    ask(facts, &file, spans::table(&asker)).await;
    ask(facts, &file, found::table(&asker)).await;
    ask(facts, &file, operations::table(&asker)).await;
    ask(facts, &file, times::of_spans(&asker)).await;
    ask(facts, &file, traces::table(&asker)).await;
}

/// Facts of the spans of a dataset, by TraceQL alone.
pub(super) async fn compare_traceql(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    let asker = native::Asker::of_spans(dataset);
    let mut table = spans::numbers(&asker);
    table.extend(spans::edges(&asker));
    table.extend(found::table(&asker));
    for fact in &mut table {
        fact.ways.retain(Way::is_traceql);
    }
    ask(facts, &format!("{}-traces", dataset.name), table).await;
}

/// All facts of the logs of a dataset.
pub(super) async fn compare_logs(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    let file = format!("{}-logs", dataset.name);
    let asker = native::Asker::of_logs(dataset);
    ask(facts, &file, logs::table(&asker)).await;
    ask(facts, &file, logs::linked(&asker)).await;
    ask(facts, &file, times::of_logs(&asker)).await;
}

/// Facts of everything, for what cannot be asked about one dataset.
pub(super) async fn compare_whole(facts: &mut Facts<'_>, expected: &Value) {
    ask(facts, "all files", whole::table(expected)).await;
    let failing = failing::table(&expected["nezha-tt"]["failing_transactions"]);
    ask(facts, "nezha-tt", failing).await;
}
