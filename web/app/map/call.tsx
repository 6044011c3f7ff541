import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { TracePage } from "../api/types";
import { useApi } from "../api/use";
import { count, duration, leavesThisYear, percent, useZone } from "../lib/format";
import { filterText } from "../lib/query";
import { perSecond } from "../lib/red";
import { href } from "../lib/router";
import { nanosToMs, type Range } from "../lib/time";
import { Figures, Panel } from "../ui/panel";
import { Incomplete, Skeleton } from "../ui/states";
import { TraceLine } from "../ui/traceline";
import { callTitle, type Call, type Graph } from "./graph";
import { NodeName } from "./name";

const MOST_PARTS = 50;

interface Props {
  call: Call;
  graph: Graph;
  range: Range;
  /** Of the range; null when it has no beginning. */
  seconds: number | null;
  onChoose: (name: string) => void;
  onChooseCall: (call: Call) => void;
  onClose: () => void;
}

/** One way between two services: how often, how well, how fast, and traces that went it. */
export function CallPanel({ call, graph, range, seconds, onChoose, onChooseCall, onClose }: Props): JSX.Element {
  const isService = (name: string): boolean => !graph.others.has(name) && !graph.groups?.has(name);
  const between = isService(call.from) && isService(call.to);
  const side = (name: string, label: string): JSX.Element => (
    <button type="button" class="call-side" title={graph.groups?.has(name) ? `${label}: open it` : `${label} and its calls`} onClick={() => onChoose(name)}>
      <span class="muted">{label}</span>
      <NodeName name={name} graph={graph} />
    </button>
  );
  return (
    <Panel label="Call path" head={<b>Call path</b>} onClose={onClose}>
      <div class="call-sides">
        {side(call.from, "Caller")}
        {side(call.to, "Called")}
      </div>
      <Figures
        figures={[
          { label: "Calls", value: count(call.calls) },
          seconds !== null && seconds > 0 && { label: "Rate", value: perSecond(call.calls / seconds) },
          { label: "Failed", class: call.errors > 0 ? "error-text" : "", value: `${count(call.errors)} · ${percent(call.errors, call.calls)}` },
          !call.parts && { label: "p50", value: duration(call.p50_ns) },
          { label: "p95", title: call.parts && "No path between their services is slower than this", value: `${call.parts ? "≤ " : ""}${duration(call.p95_ns)}` },
        ]}
      />
      {call.parts && <Parts parts={call.parts} graph={graph} onChooseCall={onChooseCall} />}
      {!between && !call.parts && <p class="hint">As the side saw it that sends spans.</p>}
      <Examples ids={call.samples} />
      {between && (
        <a class="text-button" href={href("/traces", { q: `${filterText("service", call.to)} trace:(${filterText("service", call.from)})`, ...range })}>
          All traces with both
        </a>
      )}
    </Panel>
  );
}

/** The paths that are one on the map, as long as their namespaces are closed. */
function Parts({ parts, graph, onChooseCall }: Pick<Props, "graph" | "onChooseCall"> & { parts: readonly Call[] }): JSX.Element {
  const sorted = [...parts].sort((a, b) => b.calls - a.calls);
  const most = Math.max(1, ...parts.map((part) => part.calls));
  return (
    <section class="attributes">
      <h3>
        Between services <span class="muted">{count(parts.length)}</span>
      </h3>
      <ul class="facet-values">
        {sorted.slice(0, MOST_PARTS).map((part) => (
          <li key={`${part.from} ${part.to}`} class="facet-value" style={{ "--share": `${(part.calls / most) * 100}%` }}>
            <button type="button" title={callTitle(part)} onClick={() => onChooseCall(part)}>
              <span class="facet-text">
                {part.from} → {part.to}
              </span>
              {graph.cyclic.has(part) && <span class="warn-text">cycle</span>}
              {part.errors > 0 && <span class="error-text number">{percent(part.errors, part.calls)}</span>}
              <span class="number muted">{count(part.calls)}</span>
            </button>
          </li>
        ))}
      </ul>
      {parts.length > MOST_PARTS && <p class="hint">The {MOST_PARTS} with the most calls.</p>}
    </section>
  );
}

function Examples({ ids }: { ids: readonly string[] }): JSX.Element | null {
  const zone = useZone();
  const query = `trace_id:(${ids.join(" OR ")})`;
  const found = useApi<TracePage>(ids.length > 0 ? query : null, (signal) => getJson("/api/v1/traces", { query, limit: ids.length }, signal));
  if (ids.length === 0) return null;
  const traces = found.data?.traces ?? [];
  const withYear = leavesThisYear(traces.map((trace) => nanosToMs(trace.start_time_unix_nano)), Date.now());
  return (
    <section class="attributes">
      <h3>Example traces</h3>
      {found.error && <p class="hint form-error">{found.error.message}</p>}
      <Incomplete answers={[found.data]} />
      {!found.data && !found.error && <Skeleton rows={ids.length} rowHeight={30} />}
      <ul class="error-traces">
        {traces.map((trace) => (
          <li key={trace.trace_id}>
            <a href={href(`/trace/${trace.trace_id}`)} title={`Trace ${trace.trace_id}`}>
              <TraceLine trace={trace} zone={zone} withYear={withYear} marksErrors />
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
