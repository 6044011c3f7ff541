import type { JSX } from "preact";
import type { GraphEdge, ServiceGraph } from "../api/groups";
import type { Loaded } from "../api/use";
import { count, duration, percent } from "../lib/format";
import { href } from "../lib/router";
import type { Range } from "../lib/time";
import { callOf, callTitle } from "../map/graph";
import { ServiceName } from "../ui/service";

interface Props {
  name: string;
  graph: Loaded<ServiceGraph>;
  range: Range;
}

/** Who calls the service and whom or what it calls, the most calls first, with how well and how fast. */
export function ServiceLinks({ name, graph, range }: Props): JSX.Element {
  const edges = graph.data?.edges ?? [];
  const known = graph.data !== null;
  return (
    <section class="page-part page-links">
      {graph.error && <p class="hint form-error">{graph.error.message}</p>}
      <LinkList title="Called by" edges={edges.filter((edge) => edge.to === name && edge.to_kind === "service")} side="from" known={known} range={range} />
      <LinkList title="Calls" edges={edges.filter((edge) => edge.from === name && edge.from_kind === "service")} side="to" known={known} range={range} />
    </section>
  );
}

interface ListProps {
  title: string;
  edges: GraphEdge[];
  /** Which end is listed. */
  side: "from" | "to";
  known: boolean;
  range: Range;
}

function LinkList({ title, edges, side, known, range }: ListProps): JSX.Element {
  const most = Math.max(1, ...edges.map((edge) => edge.calls));
  return (
    <div>
      <h2 class="link-head">
        {title} {known && <span class="muted">{edges.length}</span>}
        {edges.length > 0 && (
          <span class="link-figures" aria-hidden="true">
            <span>p95</span>
            <span>calls</span>
          </span>
        )}
      </h2>
      {known && edges.length === 0 && <p class="hint">None in this range</p>}
      <ul class="facet-values">
        {[...edges]
          .sort((a, b) => b.calls - a.calls)
          .map((edge) => (
            <LinkRow key={`${edge[side]} ${edge[`${side}_kind`]}`} edge={edge} side={side} most={most} range={range} />
          ))}
      </ul>
    </div>
  );
}

function LinkRow({ edge, side, most, range }: { edge: GraphEdge; side: "from" | "to"; most: number; range: Range }): JSX.Element {
  const call = callOf(edge);
  const isService = edge[`${side}_kind`] === "service";
  const map = href("/map", { node: edge[side === "from" ? "to" : "from"], hops: "1", from: call.from, to: call.to, ...range });
  return (
    <li class="facet-value" style={{ "--share": `${(edge.calls / most) * 100}%` }}>
      <span class="link-row">
        {isService ? (
          <a class="link-name" href={href(`/services/${encodeURIComponent(edge[side])}`, { ...range })}>
            <ServiceName name={edge[side]} />
          </a>
        ) : (
          <span class="service link-name" title={`${call[side]}: sends no spans, known by its callers`}>
            <i class="service-dot service-dot-none" />
            <span class="service-text">{call[side]}</span>
          </span>
        )}
        <a class="link-figures number muted" href={map} title={`${callTitle(call)}\nTraces with it`}>
          {edge.error_count > 0 && <span class="error-text">{percent(edge.error_count, edge.calls)}</span>}
          <span>{duration(edge.p95_ns)}</span>
          <span>{count(edge.calls)}</span>
        </a>
      </span>
    </li>
  );
}
