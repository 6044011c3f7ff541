import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { Service } from "../api/types";
import { serviceColour } from "../lib/colour";
import { count, duration, percent } from "../lib/format";
import { components, cyclicEdges } from "../lib/graph";
import { setParams } from "../lib/router";
import { traceGraph, type TraceCall, type TraceGraph as Found } from "../lib/tracegraph";
import { Canvas } from "../map/canvas";
import type { Call, Graph } from "../map/graph";
import { EmptyState } from "../ui/states";
import type { TraceState } from "./use-view";

/** The services of a trace as a graph, and each way between them with its calls and their time. */
export function TraceGraph({ state }: { state: TraceState }): JSX.Element {
  const found = useMemo(() => traceGraph(state.trace.spans), [state.trace]);
  const graph = useMemo(() => drawn(found), [found]);
  const rates = useMemo(() => new Map(found.nodes.map((node) => [node.name, rateOf(node)] as const)), [found]);
  const [chosen, setChosen] = useState<string | null>(null);
  if (found.calls.length === 0) {
    return (
      <EmptyState title="Nobody calls anybody here">
        <p>All spans of this trace are of one service, and none of them asks a database or a queue.</p>
      </EmptyState>
    );
  }
  const show = (call: TraceCall): void => {
    setParams({ tab: null }, "replace");
    state.select(call.example);
  };
  const calls = found.calls.filter((call) => chosen === null || call.from === chosen || call.to === chosen);
  return (
    <div class="trace-graph">
      <Canvas graph={graph} rates={rates} chosen={chosen} needle="" onChoose={setChosen} />
      <div class="trace-graph-calls table-scroll" role="region" aria-label="Calls between services" tabIndex={0}>
        <table class="services">
          <thead>
            <tr>
              <th>Caller and called</th>
              <th class="number">Calls</th>
              <th class="number">Failed</th>
              <th class="number" title="Of all calls together">
                Time
              </th>
              <th class="number">Longest</th>
            </tr>
          </thead>
          <tbody>
            {calls.map((call) => (
              <tr key={`${call.from} ${call.to}`} class="service-row">
                <td>
                  <button type="button" class="service-open trace-call" title="Show the longest of them in the timeline" onClick={() => show(call)}>
                    <Side name={call.from} found={found} />
                    <span class="muted">→</span>
                    <Side name={call.to} found={found} />
                  </button>
                </td>
                <td class="number">{count(call.calls)}</td>
                <td class={call.errors > 0 ? "number error-text" : "number muted"}>{call.errors > 0 ? percent(call.errors, call.calls) : "–"}</td>
                <td class="number">{duration(call.total_ns)}</td>
                <td class="number">{duration(call.longest_ns)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Side({ name, found }: { name: string; found: Found }): JSX.Element {
  const isService = found.nodes.find((node) => node.name === name)?.kind === null;
  return (
    <span class="trace-call-side">
      <i class={isService ? "service-dot" : "service-dot service-dot-none"} style={isService ? { background: serviceColour(name) } : undefined} />
      {name}
    </span>
  );
}

/** As the map of services draws it. */
function drawn({ nodes, calls }: Found): Graph {
  const names = nodes.map(({ name }) => name);
  const edges = calls.map((call): Call => ({ from: call.from, to: call.to, calls: call.calls, errors: call.errors, p50_ns: call.longest_ns, p95_ns: call.longest_ns, samples: [] }));
  const others = new Map(nodes.flatMap(({ name, kind, system }) => (kind === null ? [] : [[name, { name: name.replace(/ \(\w+\)$/, ""), kind, system, namespace: null }] as const])));
  return { nodes: names, edges, cyclic: cyclicEdges(edges, components(names, edges)), others };
}

const rateOf = (node: Found["nodes"][number]): Service => ({ service_name: node.name, span_count: node.spans, error_count: node.errors, log_count: 0, operations: [] });
