//! The parameters `traceql` and `logs` of a list of traces.

use datafusion::logical_expr::Expr;
use spoor_storage::{Error, Result, Table, TimeRange};

use super::ast::Query;
use crate::api::ApiError;
use crate::language;
use crate::session::QuerySession;

/// A TraceQL query in the place of a search, and what a log record of its traces must match.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) query: Query,
    logs: Option<language::Query>,
}

impl Asked {
    /// `None` if there is no `traceql`. Errors if it stands beside a `query`, if `logs` stands without
    /// it, and if one of them cannot be read.
    pub(crate) fn of(
        traceql: Option<&str>,
        query: &str,
        logs: Option<&str>,
    ) -> std::result::Result<Option<Self>, ApiError> {
        let Some(text) = traceql else {
            if logs.is_some() {
                let error = Error::invalid("`logs` stands beside `traceql` only");
                return Err(error.with_hint("write `logs:(…)` in `query`").into());
            }
            return Ok(None);
        };
        if !query.trim().is_empty() {
            let error = Error::invalid("`query` and `traceql` cannot be given both");
            return Err(error.with_hint("leave one of them out").into());
        }
        Ok(Some(Self {
            query: super::parse(text)?,
            logs: logs.map(language::with_logs).transpose()?,
        }))
    }

    /// What a span that is found must meet besides; only those in `range` will be looked at.
    pub(crate) async fn condition(
        &self,
        session: &QuerySession,
        range: TimeRange,
    ) -> Result<Option<Expr>> {
        match &self.logs {
            Some(logs) => language::condition(session, logs, Table::Spans, range)
                .await
                .map(Some),
            None => Ok(None),
        }
    }
}
