//! What filters say about where matching rows can be: a time range, services, an index lookup.
//!
//! Each is a bound from above: whatever an expression might mean beyond what is understood here,
//! no row that matches is outside.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use spoor_storage::index::Lookup;
use spoor_storage::{Table, TimeRange, TraceId};

use super::DynamicColumn;
use crate::functions::text_query::TextQuery;
use crate::functions::{
    ATTRIBUTE_VALUE, MATCHES, TraceSet, link_asked_for, literal_text, traces_asked_for,
};

mod pattern;
mod time;

/// Where rows that match can be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pruning {
    pub(super) range: TimeRange,
    /// `None`: any service.
    pub(super) services: Option<BTreeSet<String>>,
    pub(super) lookup: Lookup,
    /// Filters that only ask for words of the indexed text, and all of them as one lookup. The
    /// index may decide these; the scan evaluates them wherever it does not.
    pub(super) words: Vec<Expr>,
    pub(super) words_lookup: Lookup,
    /// The traces that rows must belong to, if the filters name them.
    pub(super) traces: Option<Vec<TraceId>>,
    /// Sets of traces to each of which rows must belong.
    pub(super) trace_sets: Vec<Arc<TraceSet>>,
}

/// The index is asked for so many traces; more are likely in most of its blocks.
const MAX_LOOKED_UP_TRACES: usize = 64 << 10;

impl Pruning {
    /// The bounds of a conjunction of filters on the logical columns.
    pub(super) fn of(table: Table, dynamic: &[DynamicColumn], filters: &[Expr]) -> Self {
        let context = Context { table, dynamic };
        let mut words = Vec::new();
        let mut words_lookups = Vec::new();
        let mut lookups = Vec::new();
        for filter in filters {
            if let Some(lookup) = words_only(table, filter) {
                words.push(filter.clone());
                words_lookups.push(lookup);
            } else {
                lookups.push(context.lookup(filter));
            }
        }
        let lookup = and(lookups);
        Self {
            range: filters
                .iter()
                .map(|filter| time::range(filter, table.time_column()))
                .fold(TimeRange::ALL, time::intersection),
            services: filters
                .iter()
                .filter_map(services)
                .reduce(|a, b| a.intersection(&b).cloned().collect()),
            traces: traces(&lookup),
            trace_sets: filters.iter().flat_map(trace_sets).collect(),
            lookup,
            words,
            words_lookup: and(words_lookups),
        }
    }
}

/// Whether indexes are asked where rows are that pass a filter.
pub(crate) fn is_looked_up(table: Table, filter: &Expr) -> bool {
    let pruning = Pruning::of(table, &[], std::slice::from_ref(filter));
    [pruning.lookup, pruning.words_lookup]
        .iter()
        .any(|lookup| *lookup != Lookup::All)
}

/// The range of time that a conjunction of filters leaves, and those filters that say something else, too.
pub(crate) fn split_time(filters: Vec<Expr>, table: Table) -> (TimeRange, Vec<Expr>) {
    let mut range = TimeRange::ALL;
    let mut others = Vec::new();
    for filter in filters {
        match time::exact_range(&filter, table.time_column()) {
            Some(of_filter) => range = time::intersection(range, of_filter),
            None => others.push(filter),
        }
    }
    (range, others)
}

struct Context<'a> {
    table: Table,
    dynamic: &'a [DynamicColumn],
}

impl Context<'_> {
    fn lookup(&self, filter: &Expr) -> Lookup {
        match filter {
            Expr::Alias(alias) => self.lookup(&alias.expr),
            Expr::IsTrue(inner) => self.lookup(inner),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
                Operator::And => and(vec![self.lookup(left), self.lookup(right)]),
                Operator::Or => or(vec![self.lookup(left), self.lookup(right)]),
                Operator::Eq => self.equality(left, right),
                Operator::RegexMatch => self.pattern(left, right, false, pattern::of_regex),
                Operator::RegexIMatch => self.pattern(left, right, true, pattern::of_regex),
                _ => Lookup::All,
            },
            Expr::Like(like) if !like.negated && like.escape_char.is_none() => self.pattern(
                &like.expr,
                &like.pattern,
                like.case_insensitive,
                pattern::of_like,
            ),
            Expr::InList(list) if !list.negated => or(list
                .list
                .iter()
                .map(|value| self.equality(&list.expr, value))
                .collect()),
            Expr::ScalarFunction(call) if call.name() == MATCHES => {
                words_only(self.table, filter).unwrap_or(Lookup::All)
            }
            Expr::ScalarFunction(call) => match (traces_asked_for(call), link_asked_for(call)) {
                (Some((Expr::Column(column), set)), _) if column.name == "trace_id" => of_set(set),
                (_, Some((Expr::Column(column), id))) if column.name == "links" => {
                    Lookup::Linked(id)
                }
                _ => Lookup::All,
            },
            Expr::Not(_) | Expr::IsNotTrue(_) => {
                words_only(self.table, filter).unwrap_or(Lookup::All)
            }
            // A boolean attribute by itself.
            Expr::Column(column) => match self.dynamic_named(&column.name) {
                Some(dynamic) => attribute(&dynamic.key, "true"),
                None => Lookup::All,
            },
            _ => Lookup::All,
        }
    }

    fn equality(&self, left: &Expr, right: &Expr) -> Lookup {
        let ((subject, Expr::Literal(value, _)) | (Expr::Literal(value, _), subject)) =
            (left, right)
        else {
            return Lookup::All;
        };
        match subject {
            Expr::Column(column) if column.name == "trace_id" => {
                value.try_as_str().flatten().map_or(Lookup::All, trace)
            }
            Expr::Column(column) => self
                .dynamic_named(&column.name)
                .and_then(|dynamic| Some(attribute(&dynamic.key, &canonical_text(value)?)))
                .unwrap_or(Lookup::All),
            Expr::ScalarFunction(call) if call.name() == ATTRIBUTE_VALUE => {
                let key = call.args.last().and_then(literal_text);
                match (key, value.try_as_str().flatten()) {
                    (Some(key), Some(text)) => attribute(key, text),
                    _ => Lookup::All,
                }
            }
            _ => Lookup::All,
        }
    }

    /// What `lookup_of` says of a constant pattern, if it is the indexed text that must match it.
    fn pattern(
        &self,
        subject: &Expr,
        pattern: &Expr,
        ignore_case: bool,
        lookup_of: fn(&str, bool) -> Lookup,
    ) -> Lookup {
        match subject {
            Expr::Column(column) if column.name == indexed_text(self.table) => {
                literal_text(pattern).map_or(Lookup::All, |text| lookup_of(text, ignore_case))
            }
            _ => Lookup::All,
        }
    }

    fn dynamic_named(&self, name: &str) -> Option<&DynamicColumn> {
        self.dynamic.iter().find(|column| column.name == name)
    }
}

/// The lookup of a filter that asks for words of the text that the index has the words of, and for
/// nothing else: it is true for exactly the rows that the lookup stands for.
pub(super) fn words_only(table: Table, filter: &Expr) -> Option<Lookup> {
    match filter {
        Expr::Alias(alias) => words_only(table, &alias.expr),
        Expr::IsTrue(inner) => words_only(table, inner),
        Expr::IsNotTrue(inner) => {
            words_only(table, inner).map(|inner| Lookup::Without(Box::new(inner)))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let both = || Some(vec![words_only(table, left)?, words_only(table, right)?]);
            match op {
                Operator::And => both().map(and),
                Operator::Or => both().map(or),
                _ => None,
            }
        }
        _ => null_without_text(table, filter),
    }
}

/// As [`words_only`], for filters that are null for rows without a text: `NOT` leaves those out.
fn null_without_text(table: Table, filter: &Expr) -> Option<Lookup> {
    let inner = |filter| null_without_text(table, filter);
    match filter {
        Expr::Alias(alias) => inner(&alias.expr),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And => Some(and(vec![inner(left)?, inner(right)?])),
            Operator::Or => Some(or(vec![inner(left)?, inner(right)?])),
            _ => None,
        },
        Expr::Not(negated) => inner(negated).map(|lookup| Lookup::Not(Box::new(lookup))),
        Expr::ScalarFunction(call) if call.name() == MATCHES => {
            let [Expr::Column(column), query] = call.args.as_slice() else {
                return None;
            };
            if column.name != indexed_text(table) {
                return None;
            }
            let query = TextQuery::parse(literal_text(query)?).ok()?;
            Some(simplify(query.lookup()))
        }
        _ => None,
    }
}

/// The column that the index has the words of.
pub(super) fn indexed_text(table: Table) -> &'static str {
    match table {
        Table::Logs => "body",
        Table::Spans => "name",
    }
}

fn attribute(key: &str, value: &str) -> Lookup {
    Lookup::Attribute {
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

/// The text under which storage keeps a value that compares equal to `value`; `None` where more
/// than one text can.
fn canonical_text(value: &ScalarValue) -> Option<String> {
    match value {
        ScalarValue::Int64(Some(number)) => Some(number.to_string()),
        ScalarValue::Boolean(Some(value)) => Some(value.to_string()),
        other => other.try_as_str().flatten().map(str::to_owned),
    }
}

/// Ids in rows are 32 lower-case digits; a text of another form equals none of them, and is
/// left for the filter to say so.
fn trace(text: &str) -> Lookup {
    match text.parse::<TraceId>() {
        Ok(id) if text.len() == 32 => Lookup::Trace(id),
        _ => Lookup::All,
    }
}

fn of_set(set: &TraceSet) -> Lookup {
    match set.len() {
        0 => Lookup::Or(Vec::new()),
        1..=MAX_LOOKED_UP_TRACES => Lookup::Traces(Arc::clone(set.ids())),
        _ => Lookup::All,
    }
}

/// The sets that a filter asks rows to be in, all of them.
fn trace_sets(filter: &Expr) -> Vec<Arc<TraceSet>> {
    match filter {
        Expr::Alias(alias) => trace_sets(&alias.expr),
        Expr::IsTrue(inner) => trace_sets(inner),
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::And,
            right,
        }) => [trace_sets(left), trace_sets(right)].concat(),
        Expr::ScalarFunction(call) => match traces_asked_for(call) {
            Some((Expr::Column(column), set)) if column.name == "trace_id" => vec![Arc::clone(set)],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn simplify(lookup: Lookup) -> Lookup {
    match lookup {
        Lookup::And(parts) => and(parts.into_iter().map(simplify).collect()),
        Lookup::Or(parts) => or(parts.into_iter().map(simplify).collect()),
        Lookup::Not(inner) => Lookup::Not(Box::new(simplify(*inner))),
        other => other,
    }
}

fn and(parts: Vec<Lookup>) -> Lookup {
    let mut kept: Vec<Lookup> = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Lookup::All => {}
            Lookup::And(inner) => kept.extend(inner),
            other if kept.contains(&other) => {}
            other => kept.push(other),
        }
    }
    match kept.len() {
        0 => Lookup::All,
        1 => kept.swap_remove(0),
        _ => Lookup::And(kept),
    }
}

fn or(parts: Vec<Lookup>) -> Lookup {
    if parts.contains(&Lookup::All) {
        return Lookup::All;
    }
    let mut kept: Vec<Lookup> = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Lookup::Or(inner) => kept.extend(inner),
            other if kept.contains(&other) => {}
            other => kept.push(other),
        }
    }
    match kept.len() {
        1 => kept.swap_remove(0),
        _ => Lookup::Or(kept),
    }
}

/// The traces a lookup narrows to, if it names any.
fn traces(lookup: &Lookup) -> Option<Vec<TraceId>> {
    match lookup {
        Lookup::Trace(id) => Some(vec![*id]),
        Lookup::Traces(ids) => Some(ids.iter().copied().collect()),
        Lookup::And(parts) => parts.iter().find_map(traces),
        Lookup::Or(parts) => {
            let found: Option<Vec<Vec<TraceId>>> = parts.iter().map(traces).collect();
            found.map(|found| found.concat())
        }
        _ => None,
    }
}

/// The services a filter narrows to, if it names them.
fn services(filter: &Expr) -> Option<BTreeSet<String>> {
    match filter {
        Expr::Alias(alias) => services(&alias.expr),
        Expr::IsTrue(inner) => services(inner),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And => match (services(left), services(right)) {
                (Some(a), Some(b)) => Some(a.intersection(&b).cloned().collect()),
                (a, b) => a.or(b),
            },
            Operator::Or => Some(services(left)?.union(&services(right)?).cloned().collect()),
            Operator::Eq => match (left.as_ref(), right.as_ref()) {
                (Expr::Column(column), value) | (value, Expr::Column(column))
                    if column.name == "service_name" =>
                {
                    Some(BTreeSet::from([literal_value(value)?.to_owned()]))
                }
                _ => None,
            },
            _ => None,
        },
        Expr::InList(list) if !list.negated => match list.expr.as_ref() {
            Expr::Column(column) if column.name == "service_name" => list
                .list
                .iter()
                .map(|value| literal_value(value).map(str::to_owned))
                .collect(),
            _ => None,
        },
        _ => None,
    }
}

fn literal_value(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
