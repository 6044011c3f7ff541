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
import { ServiceName } from "../ui/service";
import { Incomplete, Skeleton } from "../ui/states";
import { TraceLine } from "../ui/traceline";
import type { Call, Graph } from "./graph";

interface Props {
  call: Call;
  graph: Graph;
  range: Range;
  /** Of the range; null when it has no beginning. */
  seconds: number | null;
  onChoose: (name: string) => void;
  onClose: () => void;
}

/** One way between two services: how often, how well, how fast, and traces that went it. */
export function CallPanel({ call, graph, range, seconds, onChoose, onClose }: Props): JSX.Element {
  const isService = (name: string): boolean => !graph.others.has(name);
  const between = isService(call.from) && isService(call.to);
  const side = (name: string, label: string): JSX.Element => (
    <button type="button" class="call-side" title={`${label} and its calls`} onClick={() => onChoose(name)}>
      <span class="muted">{label}</span>
      <ServiceName name={name} />
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
          { label: "p50", value: duration(call.p50_ns) },
          { label: "p95", value: duration(call.p95_ns) },
        ]}
      />
      {!between && <p class="hint">As the side saw it that sends spans.</p>}
      <Examples ids={call.samples} />
      {between && (
        <a class="text-button" href={href("/traces", { q: `${filterText("service", call.to)} trace:(${filterText("service", call.from)})`, ...range })}>
          All traces with both
        </a>
      )}
    </Panel>
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
