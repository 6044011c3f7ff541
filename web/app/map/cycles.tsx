import type { JSX } from "preact";
import type { ServiceGraph } from "../api/groups";
import { count, plural } from "../lib/format";
import { href } from "../lib/router";
import { Panel } from "../ui/panel";

/** The cycles by name: which were gone round within one request, and one to look at. */
export function CyclePanel({ graph, onClose }: { graph: ServiceGraph; onClose: () => void }): JSX.Element {
  return (
    <Panel label="Cycles" head={<b>{plural(graph.cycles.length, "cycle")}</b>} onClose={onClose}>
      <p class="hint">Services that call each other in a circle. Where no request goes all the way round, it is the calls of different requests.</p>
      <ul class="cycles">
        {graph.cycles.map((cycle) => (
          <li key={cycle.name}>
            <b>{cycle.name}</b>
            <span class="muted">
              {cycle.round_count > 0 ? `closed ${count(cycle.round_count)} times within one request` : "not within one request"}
              {cycle.sample_trace_ids[0] && (
                <>
                  {" · "}
                  <a href={href(`/trace/${cycle.sample_trace_ids[0]}`)}>example</a>
                </>
              )}
            </span>
            <span class="cycle-calls">
              {cycle.edges.map((edge) => (
                <a key={`${edge.from} ${edge.to}`} href={href("/map", { node: edge.from, hops: "1" })}>
                  {edge.from} → {edge.to} <span class="number muted">{count(edge.calls)}</span>
                </a>
              ))}
            </span>
          </li>
        ))}
      </ul>
      {graph.more_cycles && <p class="hint">There are more cycles than these.</p>}
    </Panel>
  );
}
