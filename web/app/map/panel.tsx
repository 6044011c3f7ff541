import type { JSX } from "preact";
import type { Service } from "../api/types";
import { count, duration, percent } from "../lib/format";
import { filterText } from "../lib/query";
import { href } from "../lib/router";
import type { Range } from "../lib/time";
import { Figures, Panel } from "../ui/panel";
import { ServiceName } from "../ui/service";
import type { Call, Graph } from "./graph";

interface Props {
  name: string;
  graph: Graph;
  service: Service | null;
  range: Range;
  onChoose: (name: string | null) => void;
}

/** One service of the map: its figures, who calls it, whom it calls. */
export function NodePanel({ name, graph, service, range, onChoose }: Props): JSX.Element {
  const callers = graph.edges.filter((edge) => edge.to === name).sort((a, b) => b.calls - a.calls);
  const callees = graph.edges.filter((edge) => edge.from === name).sort((a, b) => b.calls - a.calls);
  const query = filterText("service", name);
  const other = graph.others.get(name);
  return (
    <Panel label={`Service ${name}`} head={<ServiceName name={name} />} onClose={() => onChoose(null)}>
      {other ? (
        <p class="hint">
          {other.system ?? other.kind}, which sends no spans: known by those who call it, and timed by them.
        </p>
      ) : (
        <p class="state-actions">
          <a class="button button-small" href={href(`/services/${encodeURIComponent(name)}`, { ...range })}>
            Service page
          </a>
          <a class="button button-small" href={href("/traces", { q: query, ...range })}>
            Traces
          </a>
          <a class="button button-small" href={href("/logs", { q: query, ...range })}>
            Logs
          </a>
        </p>
      )}
      {service && (
        <Figures
          figures={[
            { label: "Spans", value: count(service.span_count) },
            { label: "Errors", class: service.error_count > 0 ? "error-text" : "", value: `${count(service.error_count)} · ${percent(service.error_count, service.span_count)}` },
          ]}
        />
      )}
      <Calls title="Called by" edges={callers} graph={graph} nameOf={(edge) => edge.from} onChoose={onChoose} />
      <Calls title="Calls" edges={callees} graph={graph} nameOf={(edge) => edge.to} onChoose={onChoose} />
    </Panel>
  );
}

interface CallsProps {
  title: string;
  edges: Call[];
  graph: Graph;
  nameOf: (edge: Call) => string;
  onChoose: (name: string) => void;
}

function Calls({ title, edges, graph, nameOf, onChoose }: CallsProps): JSX.Element {
  const most = Math.max(1, ...edges.map((edge) => edge.calls));
  return (
    <section class="attributes">
      <h3>
        {title} <span class="muted">{edges.length}</span>
      </h3>
      {edges.length === 0 && <p class="hint">Nobody in this range</p>}
      <ul class="facet-values">
        {edges.map((edge) => (
          <li key={nameOf(edge)} class="facet-value" style={{ "--share": `${(edge.calls / most) * 100}%` }}>
            <button type="button" title={`${count(edge.calls)} calls, ${percent(edge.errors, edge.calls)} failed, p95 ${duration(edge.p95_ns)}`} onClick={() => onChoose(nameOf(edge))}>
              <span class="facet-text">
                <ServiceName name={nameOf(edge)} />
              </span>
              {graph.cyclic.has(edge) && <span class="warn-text">cycle</span>}
              {edge.errors > 0 && <span class="error-text number">{percent(edge.errors, edge.calls)}</span>}
              <span class="number muted">{count(edge.calls)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
