//! SQL, read only: one `SELECT` or `EXPLAIN` over `spans`, `logs` and what is computed from them.
//!
//! ```text
//!  text ─► statement ─► checked ─► attributes become columns ([`rewrite`]) ─► plan ─► searches become
//!                                 conditions ([`search`]) ─► joins on trace ids narrowed ([`semi`])
//! ```
//! What only counts rows by columns is not read again once it was counted ([`groups`]).
//! The catalog of a query holds those tables and nothing else, there are no table functions
//! and no file formats, so nothing else can be reached even if a check were missing.

mod backtracking;
mod depth;
mod edges;
mod explain;
mod groups;
mod place;
mod rewrite;
mod search;
mod semi;
pub(crate) mod text;
mod views;

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider, SchemaProvider,
};
use datafusion::common::TableReference;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::session_state::SessionState;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use spoor_storage::{Error, FieldStatistics, Result, Table, TimeRange};

use crate::api::ApiError;
use crate::failure::{from_datafusion, nearest};
use crate::session::QuerySession;
use crate::table::{DynamicColumn, Place};

pub(crate) use explain::stream;
pub(crate) use groups::GroupsByFile;

use place::Found;

/// Longer statements are refused before they are read.
const MAX_SQL_BYTES: usize = 256 << 10;

/// Where the tables are, as DataFusion's defaults call it.
const CATALOG: &str = "datafusion";
const SCHEMA: &str = "public";

/// Plans a statement. Errors with [`spoor_storage::ErrorKind::Invalid`] for what cannot be read,
/// is not a query, or names what is not there; with the place, wherever it is known.
pub(crate) async fn plan(session: &QuerySession, sql: &str) -> Result<DataFrame, ApiError> {
    planned(session, sql)
        .await
        .map_err(|found| found.placed(sql))
}

async fn planned(session: &QuerySession, sql: &str) -> Result<DataFrame, Found> {
    if sql.len() > MAX_SQL_BYTES {
        return Err(
            Error::invalid(format!("the query is longer than {MAX_SQL_BYTES} bytes")).into(),
        );
    }
    let by_datafusion = |error| Found::by_datafusion(sql, error);
    backtracking::check(sql)?;
    let state = session.sql_state()?;
    let dialect = state.config().options().sql_parser.dialect;
    let mut statement = state
        .sql_to_statement(sql, &dialect)
        .map_err(by_datafusion)?;
    if matches!(statement, Statement::Explain(_)) {
        session.explain();
    }
    let query = query_of(&mut statement)?;
    depth::check(query)?;
    let needed = rewrite::rewrite(query)?;
    let references = check_tables(&state, &statement)?;
    let schema = register_tables(session, &state, &needed)?;
    views::register(&state, &schema, &references).await?;
    if references.iter().any(|name| name.table() == edges::NAME) {
        let edges = edges::ServiceEdges(session.scope());
        schema
            .register_table(edges::NAME.to_owned(), Arc::new(edges))
            .map_err(from_datafusion)?;
    }
    let plan = state
        .statement_to_plan(statement)
        .await
        .map_err(by_datafusion)?;
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)
        .map_err(from_datafusion)?;
    let plan = search::resolved(session, plan).await?;
    let plan = semi::narrowed(session, &state, plan).await?;
    Ok(DataFrame::new(state, plan))
}

/// How many attributes a statement names, once it is rewritten; errors as [`plan`] does before it
/// looks at tables.
pub(crate) fn attributes_of(state: &SessionState, sql: &str) -> Result<usize> {
    backtracking::check(sql)?;
    let dialect = state.config().options().sql_parser.dialect;
    let mut statement = state
        .sql_to_statement(sql, &dialect)
        .map_err(from_datafusion)?;
    let query = query_of(&mut statement)?;
    depth::check(query)?;
    Ok(rewrite::rewrite(query)?.len())
}

/// The statement that reads, inside `EXPLAIN` if there is one; an error if it is another kind.
fn query_of(statement: &mut Statement) -> Result<&mut SqlStatement> {
    match statement {
        Statement::Statement(inner) => match inner.as_mut() {
            query @ SqlStatement::Query(_) => Ok(query),
            other => Err(refused(&other.to_string())),
        },
        Statement::Explain(explain) => query_of(&mut explain.statement),
        other => Err(refused(&other.to_string())),
    }
}

fn refused(statement: &str) -> Error {
    let word = statement
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_uppercase();
    Error::invalid(format!(
        "`{word}` is not allowed: the SQL endpoint only reads"
    ))
    .with_hint(
        "write one SELECT or EXPLAIN on `spans`, `logs`, `traces`, `services` or `service_edges`; GET /api/v1/fields lists attributes",
    )
}

/// The tables that are named. Those that are not there are an error before DataFusion says it in its
/// words.
fn check_tables(state: &SessionState, statement: &Statement) -> Result<Vec<TableReference>> {
    let references = state
        .resolve_table_references(statement)
        .map_err(from_datafusion)?;
    for reference in &references {
        let known = match reference {
            TableReference::Bare { table } => {
                table.parse::<Table>().is_ok()
                    || views::view(table).is_some()
                    || table.as_ref() == edges::NAME
            }
            _ => false,
        };
        if !known {
            let name = reference.to_string();
            let mut names = Table::ALL.map(Table::name).to_vec();
            names.extend(views::VIEWS.iter().map(|view| view.name));
            names.push(edges::NAME);
            let error = Error::invalid(format!("there is no table `{name}`"));
            return Err(match nearest(&name, &names).first() {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None => error.with_hint(format!("the tables are `{}`", names.join("`, `"))),
            });
        }
    }
    Ok(references)
}

/// Puts both tables, with the computed columns the query names, where the planner finds them.
fn register_tables(
    session: &QuerySession,
    state: &SessionState,
    needed: &[rewrite::Needed],
) -> Result<Arc<dyn SchemaProvider>> {
    let schema: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
    for table in Table::ALL {
        // Statistics are summed only for queries that name attributes.
        let statistics = if needed.is_empty() {
            FieldStatistics::default()
        } else {
            session
                .snapshot()
                .field_statistics(session.tenant(), table, TimeRange::ALL)
        };
        let columns: Vec<_> = needed
            .iter()
            .map(|column| dynamic(column, table, &statistics))
            .collect();
        let provider = session.provider(table, &columns);
        schema
            .register_table(table.name().to_owned(), provider)
            .map_err(from_datafusion)?;
    }
    let catalog = state
        .catalog_list()
        .catalog(CATALOG)
        .ok_or_else(|| Error::internal("the query has no catalog"))?;
    catalog
        .register_schema(SCHEMA, Arc::clone(&schema))
        .map_err(from_datafusion)?;
    Ok(schema)
}

fn dynamic(column: &rewrite::Needed, table: Table, statistics: &FieldStatistics) -> DynamicColumn {
    match (&column.anywhere, Place::split(&column.name)) {
        (None, Some((place, key))) => {
            DynamicColumn::qualified(&column.name, table, place, key, statistics)
        }
        (Some(key), _) => DynamicColumn::anywhere(&column.name, table, key, statistics),
        (None, None) => DynamicColumn::anywhere(&column.name, table, &column.name, statistics),
    }
}

/// An empty catalog for one query.
pub(crate) fn catalog_list() -> Result<Arc<dyn CatalogProviderList>> {
    let catalog = Arc::new(MemoryCatalogProvider::new());
    catalog
        .register_schema(SCHEMA, Arc::new(MemorySchemaProvider::new()))
        .map_err(from_datafusion)?;
    let list = MemoryCatalogProviderList::new();
    list.register_catalog(CATALOG.to_owned(), catalog);
    Ok(Arc::new(list))
}

/// A plan of rows that are there already.
fn in_memory(
    rows: RecordBatch,
    projection: Option<&Vec<usize>>,
) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
    let schema = rows.schema();
    let source = MemorySourceConfig::try_new(&[vec![rows]], schema, projection.cloned())?;
    Ok(DataSourceExec::from_data_source(
        source.with_show_sizes(false),
    ))
}
