//! Which rows are asked about: a query, and a range of time.

use serde::Deserialize;
use spoor_storage::{Result, Table, TimeRange};

use super::{TimeParameter, time_range};
use crate::api::optional;
use crate::language::{self, Query, SyntaxError};
use crate::openapi::words::SearchQuery;

/// The parameter of whoever searches.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct QueryParameter {
    /// Which rows: spans or log records that match.
    #[serde(default)]
    #[param(value_type = SearchQuery)]
    pub(crate) query: String,
}

/// The parameters of whoever asks about a time.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RangeParameters {
    /// The first instant; of spans, at which they start. Without it bars over time begin with the first row that matches.
    #[serde(default, deserialize_with = "optional")]
    start: Option<TimeParameter>,
    /// The instant after the last. Without it bars over time end with the last row that matches.
    #[serde(default, deserialize_with = "optional")]
    end: Option<TimeParameter>,
}

impl QueryParameter {
    /// The query. Errors, with the place, if it cannot be read or if rows of `table` cannot be asked so.
    pub(crate) fn of(&self, table: Table) -> Result<Query, SyntaxError> {
        let query = language::parse(&self.query)?;
        language::check(&query, table)?;
        Ok(query)
    }
}

impl RangeParameters {
    /// The range; what is missing is unbounded. Errors if it ends before it starts.
    pub(crate) fn range(&self) -> Result<TimeRange> {
        time_range(self.start, self.end)
    }
}
