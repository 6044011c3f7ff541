import type { JSX } from "preact";
import type { Operation, Service } from "../api/types";
import { count, duration, percent } from "../lib/format";
import { filterText } from "../lib/query";
import { href } from "../lib/router";

const SHOWN_OPERATIONS = 200;

interface Props {
  service: Service;
  /** Finds the service's spans. */
  query: string;
  range: { start: string | null; end: string | null };
}

/** What a service does, the busiest first, each a link to its traces. */
export function Operations({ service, query, range }: Props): JSX.Element {
  if (service.operations.length === 0) return <p class="hint">No spans, only logs.</p>;
  const slowest = Math.max(1, ...service.operations.map((operation) => operation.p95_ns));
  const sorted = [...service.operations].sort((a, b) => b.span_count - a.span_count);
  return (
    <>
      <div class="operation operation-head hide-phone" aria-hidden="true">
        <span>Operation</span>
        <span>Kind</span>
        <span class="number">Spans</span>
        <span class="number">Errors</span>
        <span class="latency">
          <span>Latency</span>
          <span class="number">p50</span>
          <span class="number">p95</span>
        </span>
      </div>
      <ul class="operations">
        {sorted.slice(0, SHOWN_OPERATIONS).map((operation) => (
          <li key={`${operation.kind} ${operation.name}`}>
            <a class="operation" href={href("/traces", { q: `${query} ${filterText("name", operation.name)}`, ...range })}>
              <span class="operation-name">{operation.name}</span>
              <span class="kind">{operation.kind.toLowerCase()}</span>
              <span class="number">{count(operation.span_count)}</span>
              <span class={operation.error_count > 0 ? "number error-text" : "number muted"}>{operation.error_count > 0 ? percent(operation.error_count, operation.span_count) : "–"}</span>
              <Latency operation={operation} slowest={slowest} />
            </a>
          </li>
        ))}
      </ul>
      {sorted.length > SHOWN_OPERATIONS && <p class="hint">The {SHOWN_OPERATIONS} busiest of {count(sorted.length)} operations.</p>}
    </>
  );
}

/** From zero to the median in full colour, on to the 95th percentile in a lighter one. */
function Latency({ operation, slowest }: { operation: Operation; slowest: number }): JSX.Element {
  const width = (ns: number): string => `${Math.max(0.5, (ns / slowest) * 100)}%`;
  return (
    <span class="latency" title={`p50 ${duration(operation.p50_ns)}, p95 ${duration(operation.p95_ns)}`}>
      <span class="latency-bar" aria-hidden="true">
        <i class="p95" style={{ width: width(operation.p95_ns) }} />
        <i class="p50" style={{ width: width(operation.p50_ns) }} />
      </span>
      <span class="number">{duration(operation.p50_ns)}</span>
      <span class="number muted">{duration(operation.p95_ns)}</span>
    </span>
  );
}
