import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { count, duration, percent } from "../lib/format";
import { usePhone } from "../lib/prefs";
import { VirtualList } from "../ui/virtual";
import type { Call, Graph } from "./graph";
import { NodeName } from "./name";

const ROW = 28;
const HEAD = 24;

/** The same calls as rows: for screen readers, for copying, for those who know the name. */
export function EdgeTable({ graph, onChoose, onChooseCall }: { graph: Graph; onChoose: (name: string) => void; onChooseCall: (call: Call) => void }): JSX.Element {
  const phone = usePhone();
  const rows = useMemo(() => [...graph.edges].sort((a, b) => b.calls - a.calls), [graph]);
  return (
    <VirtualList
      class="edge-list"
      label="Calls between services, the most first"
      count={rows.length}
      rowHeight={ROW}
      headerHeight={phone ? 0 : HEAD}
      header={
        <div class="edge-row edge-head hide-phone" aria-hidden="true">
          <span>Caller</span>
          <span />
          <span>Called</span>
          <span class="number">Calls</span>
          <span class="number">Failed</span>
          <span class="number">p95</span>
        </div>
      }
      renderRow={(index) => {
        const edge = rows[index];
        return (
          edge && (
            <div key={`${edge.from} ${edge.to}`} class="edge-row">
              <button type="button" onClick={() => onChoose(edge.from)}>
                <NodeName name={edge.from} graph={graph} />
              </button>
              <button type="button" class="muted edge-call" title="These calls, and traces with them" onClick={() => onChooseCall(edge)}>
                calls
              </button>
              <button type="button" onClick={() => onChoose(edge.to)}>
                <NodeName name={edge.to} graph={graph} />
              </button>
              <span class="number">{count(edge.calls)}</span>
              <span class={edge.errors > 0 ? "number error-text" : "number muted"} title={`${count(edge.errors)} failed`}>
                {edge.errors > 0 ? percent(edge.errors, edge.calls) : "–"}
              </span>
              <span class="number muted" title={edge.parts ? "The 95th percentile is at most this" : "95th percentile"}>
                {edge.parts && "≤ "}
                {duration(edge.p95_ns)}
              </span>
              <span class="warn-text">{graph.cyclic.has(edge) ? "in a cycle" : ""}</span>
            </div>
          )
        );
      }}
    />
  );
}
