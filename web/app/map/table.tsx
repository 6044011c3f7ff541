import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { count } from "../lib/format";
import { VirtualList } from "../ui/virtual";
import { ServiceName } from "../ui/service";
import type { Graph } from "./view";

const ROW = 28;

/** The same calls as rows: for screen readers, for copying, for those who know the name. */
export function EdgeTable({ graph, onChoose }: { graph: Graph; onChoose: (name: string) => void }): JSX.Element {
  const rows = useMemo(() => [...graph.edges].sort((a, b) => b.calls - a.calls), [graph]);
  return (
    <VirtualList
      class="edge-list"
      label="Calls between services, the most first"
      count={rows.length}
      rowHeight={ROW}
      renderRow={(index) => {
        const edge = rows[index];
        return (
          edge && (
            <div key={`${edge.from} ${edge.to}`} class="edge-row">
              <button type="button" onClick={() => onChoose(edge.from)}>
                <ServiceName name={edge.from} />
              </button>
              <span class="muted">calls</span>
              <button type="button" onClick={() => onChoose(edge.to)}>
                <ServiceName name={edge.to} />
              </button>
              <span class="number">{count(edge.calls)}</span>
              <span class="warn-text">{graph.cyclic.has(edge) ? "in a cycle" : ""}</span>
            </div>
          )
        );
      }}
    />
  );
}
