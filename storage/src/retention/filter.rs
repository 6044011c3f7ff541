//! What a rule's query means. Storage does not know the search language; who does gives it this.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::record_batch::RecordBatch;

use super::policy::of_rule;
use super::{PolicyRecord, RetentionPolicy, RetentionRule};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Table;

/// Makes tests of rows from queries.
pub trait CompileFilter: Debug + Send + Sync {
    /// The test that `query` means for rows of `table`. Errors with [`crate::ErrorKind::Invalid`] if it
    /// means nothing.
    fn compile(&self, table: Table, query: &str) -> Result<Arc<dyn RowFilter>>;
}

/// A test of rows.
pub trait RowFilter: Debug + Send + Sync {
    /// For each row of `batch`, which has the table's stored schema
    /// ([`crate::model::schema_of`]), whether it passes; null is no.
    fn passes(&self, batch: &RecordBatch) -> Result<BooleanArray>;
}

/// What a policy's rules mean, in their order.
pub(crate) type Filters = Vec<Test>;

/// What the query of a rule says of rows.
#[derive(Debug)]
pub(crate) enum Test {
    /// There is no query: the other conditions say all.
    NoQuery,
    /// Those that pass meet it.
    Query(Arc<dyn RowFilter>),
    /// The rule means nothing. Whatever meets its other conditions may be what it is about.
    Unknown,
}

/// A rule that means nothing: an earlier version took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    /// Which one, from 1.
    pub rule: usize,
    /// What is wrong with it.
    pub message: String,
    /// What to do about it, if we know.
    pub hint: Option<String>,
}

/// A policy in force, and what it means.
#[derive(Debug)]
pub(crate) struct Understood {
    pub(crate) record: Arc<PolicyRecord>,
    pub(crate) filters: Filters,
    /// Of each rule that is [`Test::Unknown`].
    pub(crate) problems: Vec<RuleProblem>,
}

impl Understood {
    /// Errors only if it cannot be known what rules mean.
    pub(crate) fn of(
        record: Arc<PolicyRecord>,
        compiler: Option<&dyn CompileFilter>,
    ) -> Result<Self> {
        let mut problems = Vec::new();
        let mut filters = Filters::new();
        for (at, rule) in record.policy.rules.iter().enumerate() {
            let test = rule.check().and_then(|()| test_of(rule, compiler));
            filters.push(match test {
                Err(error) if error.kind() == ErrorKind::Invalid => {
                    problems.push(RuleProblem {
                        rule: at + 1,
                        message: error.message().to_owned(),
                        hint: error.hint().map(str::to_owned),
                    });
                    Test::Unknown
                }
                test => test.map_err(|error| of_rule(at, &error))?,
            });
        }
        Ok(Self {
            record,
            filters,
            problems,
        })
    }
}

/// Compiles the queries of all rules. Errors with the first that means nothing.
pub(crate) fn compile(
    policy: &RetentionPolicy,
    compiler: Option<&dyn CompileFilter>,
) -> Result<Filters> {
    let rules = policy.rules.iter().enumerate();
    rules
        .map(|(at, rule)| test_of(rule, compiler).map_err(|error| of_rule(at, &error)))
        .collect()
}

fn test_of(rule: &RetentionRule, compiler: Option<&dyn CompileFilter>) -> Result<Test> {
    let Some(query) = &rule.query else {
        return Ok(Test::NoQuery);
    };
    let compiler =
        compiler.ok_or_else(|| Error::internal("nobody is here who understands queries"))?;
    compiler.compile(rule.table, query).map(Test::Query)
}
