//! What the timeline says beyond the tree: where it broke, what it waited for, whose clock is off.

use std::collections::HashMap;

use spoor_storage::{Result, TimeRange, TraceId};

use crate::otlp::{JsonWriter, SpanRef};
use crate::session::QuerySession;
use crate::trace::assemble::{Placed, SpanNode, Tree};
use crate::trace::critical::{critical_parts, critical_times};
use crate::trace::linked::{LinkedFrom, linked_from, write_linked_from};
use crate::trace::load::LoadedTrace;
use crate::trace::origin::logs::{OriginLog, logs_of};
use crate::trace::origin::{Origin, error_origin, write_origin};
use crate::trace::overview::{Extent, write_skew};
use crate::trace::percentile::Percentiles;
use crate::trace::similar::{Groups, Similar};
use crate::trace::skew::ClockSkew;

/// What is looked up only if asked for: it reads other traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::trace) struct Include {
    pub(in crate::trace) percentiles: bool,
    pub(in crate::trace) linked_from: bool,
}

/// Everything beyond the tree.
#[derive(Debug)]
pub(in crate::trace) struct Analysis<'a> {
    /// By place.
    pub(super) critical_ns: Vec<i64>,
    skew: ClockSkew<&'a str>,
    similar: Vec<Similar>,
    origin: Option<(Origin, Vec<OriginLog>)>,
    percentiles: Option<Percentiles>,
    linked_from: Option<Vec<LinkedFrom>>,
}

impl<'a> Analysis<'a> {
    pub(in crate::trace) async fn of(
        session: &QuerySession,
        id: TraceId,
        trace: &'a LoadedTrace,
        nodes: &[SpanNode],
        tree: &Tree,
        include: Include,
    ) -> Result<Self> {
        let service = |span: usize| {
            let SpanRef { columns, row } = trace.span(span);
            columns.service_name(row)
        };
        let mut numbers = HashMap::new();
        let operations: Vec<u32> = trace
            .spans()
            .map(|SpanRef { columns, row }| {
                let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                let operation = [
                    columns.service_name(row),
                    columns.name(row),
                    columns.kind(row),
                ];
                *numbers.entry(operation).or_insert(next)
            })
            .collect();
        let origin = match error_origin(nodes, tree) {
            Some(origin) => {
                let span = &nodes[tree.order[origin.place()].span];
                Some((origin, logs_of(session, id, span.span_id).await?))
            }
            None => None,
        };
        let extent = Extent::of_nodes(nodes);
        let around = TimeRange {
            start_ns: extent.start_ns,
            end_ns: extent.end_ns,
        };
        Ok(Self {
            critical_ns: critical_times(tree, &critical_parts(nodes, tree)),
            skew: ClockSkew::of(nodes, tree, &service),
            similar: Groups::of(nodes, tree, |span| operations[span]).largest(),
            origin,
            percentiles: if include.percentiles {
                Some(Percentiles::of(session, trace, around).await?)
            } else {
                None
            },
            linked_from: if include.linked_from {
                Some(linked_from(session, id, around).await?)
            } else {
                None
            },
        })
    }

    /// The fields of the trace.
    pub(super) fn write_trace(&self, json: &mut JsonWriter, trace: &LoadedTrace, tree: &Tree) {
        let told = self.origin.as_ref().map(|(origin, logs)| {
            let span = trace.span(tree.order[origin.place()].span);
            (origin, span, logs.as_slice())
        });
        write_origin(json, told);
        let pairs = self.skew.pairs.iter();
        write_skew(
            json,
            pairs.map(|((caller, called), skew)| (*caller, *called, *skew)),
        );
        self.write_similar(json, trace, tree);
        if let Some(linked) = &self.linked_from {
            write_linked_from(json, linked);
        }
    }

    /// The fields of the span at a place.
    pub(super) fn write_span(
        &self,
        json: &mut JsonWriter,
        place: usize,
        start_offset_ns: i64,
        span: SpanRef<'_>,
    ) {
        json.key("critical_time_ns");
        json.int(self.critical_ns[place]);
        let skew_ns = self.skew.of_place[place];
        json.key("skew_ns");
        json.int(skew_ns);
        json.key("adjusted_start_offset_ns");
        json.int(start_offset_ns.saturating_add(skew_ns));
        let Some(percentiles) = &self.percentiles else {
            return;
        };
        json.key("percentile");
        match percentiles.span(span) {
            Some((percent, among, exact)) => {
                json.begin_object();
                json.key("percent");
                json.double(percent);
                json.key("among");
                json.int(among);
                json.key("exact");
                json.bool(exact);
                json.end_object();
            }
            None => json.null(),
        }
    }

    fn write_similar(&self, json: &mut JsonWriter, trace: &LoadedTrace, tree: &Tree) {
        json.key("similar_siblings");
        json.list(&self.similar, |json, group| {
            let place: &Placed = &tree.order[group.first];
            let SpanRef { columns, row } = trace.span(place.span);
            json.begin_object();
            json.key("parent_index");
            match group.parent {
                Some(parent) => json.count(parent),
                None => json.null(),
            }
            json.key("first_index");
            json.count(group.first);
            json.key("longest_index");
            json.count(group.longest);
            json.key("service_name");
            json.string(columns.service_name(row));
            json.key("name");
            json.string(columns.name(row));
            json.key("kind");
            json.string(columns.kind(row));
            json.key("span_count");
            json.count(group.count);
            json.key("error_count");
            json.count(group.error_count);
            json.key("duration_ns");
            json.int(group.duration_ns);
            json.end_object();
        });
    }
}
