//! Makes attributes columns: finds the quoted names `"attributes.x"` and the calls `attr('x')` of
//! a statement, turns the calls into names, and keeps the computed columns out of `*`.
//!
//! Calls of `time_bucket` and `approx_percentile` get the names that DataFusion knows them by.
//!
//! As columns of the tables, they pass through joins, subqueries and `ORDER BY` as any other
//! column does, and the output has the name that was written.

mod buckets;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, ExcludeSelectItem, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, ObjectName, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, Statement, TableFactor, TableWithJoins, Value, VisitMut,
    VisitorMut, WildcardAdditionalOptions,
};
use spoor_storage::{Error, Result, Table};

use crate::table::Place;

/// A query names at most this many attributes.
const MAX_ATTRIBUTES: usize = 200;

/// Columns that hold ids as lower-case hex.
const ID_COLUMNS: [&str; 3] = ["trace_id", "span_id", "parent_span_id"];

/// A computed column that a statement names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Needed {
    /// The column's name, as it is in the rewritten statement.
    pub(super) name: String,
    /// The key, for `attr('key')`; otherwise the name says place and key.
    pub(super) anywhere: Option<String>,
}

/// Rewrites a statement in place and says which computed columns it names.
pub(super) fn rewrite(statement: &mut Statement) -> Result<Vec<Needed>> {
    let mut names = Names::default();
    if let ControlFlow::Break(error) = VisitMut::visit(statement, &mut names) {
        return Err(error);
    }
    let needed: Vec<Needed> = names.needed.into_iter().collect();
    if needed.len() > MAX_ATTRIBUTES {
        return Err(Error::invalid(format!(
            "the query names more than {MAX_ATTRIBUTES} attributes"
        )));
    }
    if !needed.is_empty() {
        let mut wildcards = Wildcards {
            needed: &needed,
            common: &names.common,
        };
        let ControlFlow::Continue(()) = VisitMut::visit(statement, &mut wildcards);
    }
    Ok(needed)
}

/// First pass: names and calls.
#[derive(Default)]
struct Names {
    needed: BTreeSet<Needed>,
    /// Names of `WITH` queries; they hide the tables.
    common: BTreeSet<String>,
}

impl VisitorMut for Names {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        if let Some(with) = &query.with {
            self.common.extend(
                with.cte_tables
                    .iter()
                    .map(|table| normalized(&table.alias.name)),
            );
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match expr {
            Expr::Identifier(name) => self.note(name),
            Expr::CompoundIdentifier(parts) => {
                if let Some(name) = parts.last() {
                    self.note(name);
                }
            }
            Expr::Function(call) if is_call(call, "attr") => {
                let Some(key) = attr_key(call) else {
                    let error =
                        Error::invalid("`attr` takes one text constant, the attribute's key");
                    return ControlFlow::Break(error.with_hint("write attr('http.route')"));
                };
                let name = format!("attr('{key}')");
                self.needed.insert(Needed {
                    name: name.clone(),
                    anywhere: Some(key),
                });
                *expr = Expr::Identifier(Ident::with_quote('"', name));
            }
            Expr::Function(call) if is_call(call, "time_bucket") => {
                if let Err(error) = buckets::of_time(call) {
                    return ControlFlow::Break(error);
                }
            }
            Expr::Function(call) if is_call(call, "approx_percentile") => {
                call.name = ObjectName::from(vec![Ident::new("approx_percentile_cont")]);
            }
            Expr::BinaryOp {
                left,
                op: BinaryOperator::Eq | BinaryOperator::NotEq,
                right,
            } => {
                if is_id(left) {
                    lower_case(right);
                } else if is_id(right) {
                    lower_case(left);
                }
            }
            Expr::InList {
                expr: subject,
                list,
                ..
            } if is_id(subject) => {
                list.iter_mut().for_each(lower_case);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Names {
    fn note(&mut self, name: &Ident) {
        if name.quote_style.is_some() && Place::split(&name.value).is_some() {
            self.needed.insert(Needed {
                name: name.value.clone(),
                anywhere: None,
            });
        }
    }
}

fn is_call(call: &Function, function: &str) -> bool {
    matches!(call.name.0.as_slice(), [part] if part
        .as_ident()
        .is_some_and(|name| name.value.eq_ignore_ascii_case(function)))
}

fn attr_key(call: &Function) -> Option<String> {
    let FunctionArguments::List(list) = &call.args else {
        return None;
    };
    match list.args.as_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))] => match &value.value {
            Value::SingleQuotedString(key) if !key.is_empty() => Some(key.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn is_id(expr: &Expr) -> bool {
    let name = match expr {
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(parts) => parts.last(),
        _ => None,
    };
    name.is_some_and(|name| ID_COLUMNS.contains(&normalized(name).as_str()))
}

fn lower_case(expr: &mut Expr) {
    if let Expr::Value(value) = expr
        && let Value::SingleQuotedString(text) = &mut value.value
    {
        text.make_ascii_lowercase();
    }
}

/// Unquoted names are lower-case, as the planner has them.
fn normalized(name: &Ident) -> String {
    match name.quote_style {
        Some(_) => name.value.clone(),
        None => name.value.to_lowercase(),
    }
}

/// Second pass: `*` without the computed columns.
struct Wildcards<'a> {
    needed: &'a [Needed],
    common: &'a BTreeSet<String>,
}

impl VisitorMut for Wildcards<'_> {
    type Break = std::convert::Infallible;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        let relations = self.relations(select);
        if relations.iter().any(|relation| relation.computed) {
            let items = std::mem::take(&mut select.projection);
            select.projection = items
                .into_iter()
                .flat_map(|item| self.expand(item, &relations))
                .collect();
        }
        ControlFlow::Continue(())
    }
}

/// One relation of a `FROM`.
struct Relation {
    /// By which its columns are qualified.
    name: ObjectName,
    /// Whether it is one of our tables, which have the computed columns.
    computed: bool,
}

impl Wildcards<'_> {
    fn relations(&self, select: &Select) -> Vec<Relation> {
        let mut found = Vec::new();
        for from in &select.from {
            self.add(from, &mut found);
        }
        found
    }

    fn add(&self, from: &TableWithJoins, found: &mut Vec<Relation>) {
        self.add_factor(&from.relation, found);
        for join in &from.joins {
            self.add_factor(&join.relation, found);
        }
    }

    fn add_factor(&self, factor: &TableFactor, found: &mut Vec<Relation>) {
        match factor {
            TableFactor::Table { name, alias, .. } => {
                let table = match name.0.as_slice() {
                    [part] => part.as_ident().map(normalized).unwrap_or_default(),
                    _ => String::new(),
                };
                found.push(Relation {
                    name: alias.as_ref().map_or_else(
                        || name.clone(),
                        |alias| ObjectName::from(vec![alias.name.clone()]),
                    ),
                    computed: table.parse::<Table>().is_ok() && !self.common.contains(&table),
                });
            }
            TableFactor::Derived {
                alias: Some(alias), ..
            } => found.push(Relation {
                name: ObjectName::from(vec![alias.name.clone()]),
                computed: false,
            }),
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => self.add(table_with_joins, found),
            _ => {}
        }
    }

    /// `*` becomes one qualified wildcard a relation, without the computed columns of our tables.
    fn expand(&self, item: SelectItem, relations: &[Relation]) -> Vec<SelectItem> {
        match item {
            SelectItem::Wildcard(options) => match relations {
                [_] => vec![SelectItem::Wildcard(self.without(options))],
                several => several
                    .iter()
                    .map(|relation| self.qualified(relation, options.clone()))
                    .collect(),
            },
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) => {
                let computed = relations.iter().any(|relation| {
                    relation.computed
                        && relation
                            .name
                            .to_string()
                            .eq_ignore_ascii_case(&name.to_string())
                });
                vec![self.qualified(&Relation { name, computed }, options)]
            }
            other => vec![other],
        }
    }

    fn qualified(&self, relation: &Relation, options: WildcardAdditionalOptions) -> SelectItem {
        let options = if relation.computed {
            self.without(options)
        } else {
            options
        };
        SelectItem::QualifiedWildcard(
            SelectItemQualifiedWildcardKind::ObjectName(relation.name.clone()),
            options,
        )
    }

    fn without(&self, mut options: WildcardAdditionalOptions) -> WildcardAdditionalOptions {
        let mut names = match options.opt_exclude.take() {
            Some(ExcludeSelectItem::Single(name)) => vec![name],
            Some(ExcludeSelectItem::Multiple(names)) => names,
            None => Vec::new(),
        };
        for needed in self.needed {
            let name = ObjectName::from(vec![Ident::with_quote('"', needed.name.as_str())]);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        options.opt_exclude = Some(ExcludeSelectItem::Multiple(names));
        options
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    fn rewritten(sql: &str) -> (String, Vec<String>) {
        let mut statement = Parser::parse_sql(&GenericDialect {}, sql)
            .unwrap()
            .swap_remove(0);
        let needed = rewrite(&mut statement).unwrap();
        (
            statement.to_string(),
            needed.into_iter().map(|column| column.name).collect(),
        )
    }

    #[test]
    fn calls_become_names_and_names_are_found_anywhere() {
        let (sql, needed) = rewritten(
            "SELECT attr('a') FROM logs l WHERE l.\"resource.b\" = 1 GROUP BY \"body.c\" ORDER BY \"plain\"",
        );
        assert_eq!(
            sql,
            "SELECT \"attr('a')\" FROM logs l WHERE l.\"resource.b\" = 1 GROUP BY \"body.c\" ORDER BY \"plain\""
        );
        assert_eq!(needed, ["attr('a')", "body.c", "resource.b"]);
    }

    #[test]
    fn stars_leave_computed_columns_out() {
        let (sql, _) = rewritten("SELECT *, \"attributes.a\" FROM logs");
        assert_eq!(
            sql,
            "SELECT * EXCLUDE (\"attributes.a\"), \"attributes.a\" FROM logs"
        );
        let (sql, _) = rewritten(
            "WITH logs AS (SELECT * FROM spans WHERE attr('a') = 'x') SELECT * FROM logs",
        );
        assert!(sql.ends_with("SELECT * FROM logs"), "{sql}");
        assert!(
            sql.contains("SELECT * EXCLUDE (\"attr('a')\") FROM spans"),
            "{sql}"
        );
        let (sql, _) =
            rewritten("SELECT * FROM logs l JOIN (SELECT 1 AS n) d ON l.\"scope.a\" = d.n");
        assert!(
            sql.starts_with("SELECT l.* EXCLUDE (\"scope.a\"), d.* FROM"),
            "{sql}"
        );
    }

    #[test]
    fn ids_are_compared_in_lower_case() {
        let (sql, _) = rewritten(
            "SELECT 1 FROM logs WHERE trace_id = 'AB' OR l.span_id IN ('CD') OR body = 'EF'",
        );
        assert!(
            sql.ends_with("trace_id = 'ab' OR l.span_id IN ('cd') OR body = 'EF'"),
            "{sql}"
        );
    }

    #[test]
    fn attr_wants_a_constant() {
        let mut statement = Parser::parse_sql(&GenericDialect {}, "SELECT attr(body) FROM logs")
            .unwrap()
            .swap_remove(0);
        assert!(rewrite(&mut statement).is_err());
    }
}
