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
mod spans;
mod times;
mod traces;
mod whole;

use serde_json::{Value, json};

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

enum Request {
    Get(String, Vec<(&'static str, String)>),
    Sql(String),
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
        let shown = |request: &Request| match request {
            Request::Sql(query) => query.clone(),
            Request::Get(path, parameters) => {
                let all = parameters.iter();
                let all: Vec<String> = all.map(|(name, value)| format!("{name}={value}")).collect();
                format!("{path}?{}", all.join("&"))
            }
        };
        match self.requests.as_slice() {
            [first, _, ..] => format!("{} (and {} more)", shown(first), self.requests.len() - 1),
            requests => requests.iter().map(shown).collect(),
        }
    }

    /// What is found this way; `None` if it was not asked or could not be.
    async fn found(&self, facts: &mut Facts<'_>) -> Option<Counts> {
        let mut found = Counts::new();
        for request in &self.requests {
            let answer = match request {
                Request::Sql(query) => json!(facts.sql(query).await?),
                Request::Get(path, parameters) => {
                    let given = parameters.iter();
                    let given: Vec<(&str, &str)> =
                        given.map(|(name, value)| (*name, value.as_str())).collect();
                    facts.get(path, &given).await?
                }
            };
            for (name, number) in (self.read)(&answer) {
                *found.entry(name).or_default() += number;
            }
        }
        if self.is_counted {
            let names = found.into_values().filter(|number| *number > 0);
            return Some(one(names.count() as i64));
        }
        Some(found)
    }

    fn is_near(&self, expected: i64, found: i64) -> bool {
        let off = (expected - found).abs() as f64;
        off <= (expected as f64 * self.tolerance).ceil()
    }
}

/// Asks for every fact in every way.
async fn ask(facts: &mut Facts<'_>, file: &str, table: Vec<Fact>) {
    for fact in table {
        for way in &fact.ways {
            let Some(found) = way.found(facts).await else {
                continue;
            };
            let what = format!("{file}: {} by {}", fact.name, way.shown());
            let kind = |name: &String| name.split(' ').next().unwrap_or_default().to_owned();
            let said = |name: &String| way.says.is_none_or(|says| says.contains(&&*kind(name)));
            let known = |name: &String| !fact.is_partial || fact.value.contains_key(name);
            let names = fact.value.keys().chain(found.keys());
            let number = |counts: &Counts, name: &String| counts.get(name).copied().unwrap_or(0);
            let (mut expected, mut got) = (Counts::new(), Counts::new());
            for name in names.filter(|name| said(name) && known(name)) {
                let (left, right) = (number(&fact.value, name), number(&found, name));
                if !way.is_near(left, right) {
                    expected.insert(name.clone(), left);
                    got.insert(name.clone(), right);
                }
            }
            facts.same(&what, expected, got);
        }
    }
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
