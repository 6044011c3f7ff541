import type { JSX } from "preact";
import type { Operation, Service } from "../api/types";
import { count, duration, percent } from "../lib/format";
import { filterText } from "../lib/query";
import { href } from "../lib/router";
import { Delta } from "../ui/delta";

const SHOWN_OPERATIONS = 200;

interface Props {
  service: Service;
  /** The same in the period before, if that is looked at. */
  before?: Service | null;
  /** Finds the service's spans. */
  query: string;
  range: { start: string | null; end: string | null };
}

/** What a service does, the busiest first, each a link to its traces. */
export function Operations({ service, before = null, query, range }: Props): JSX.Element {
  if (service.operations.length === 0) return <p class="hint">No spans, only logs.</p>;
  const slowest = Math.max(1, ...service.operations.map((operation) => operation.p95_ns));
  const earlier = new Map((before?.operations ?? []).map((operation) => [keyOf(operation), operation]));
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
          <li key={keyOf(operation)}>
            <a class="operation" href={href("/traces", { q: `${query} ${filterText("name", operation.name)}`, ...range })}>
              <span class="operation-name">{operation.name}</span>
              <span class="kind">{operation.kind.toLowerCase()}</span>
              <span class="number">
                {count(operation.span_count)}
                {before && <SpansBefore now={operation} before={earlier.get(keyOf(operation)) ?? null} />}
              </span>
              <span class="number">
                <span class={operation.error_count > 0 ? "error-text" : "muted"}>{operation.error_count > 0 ? percent(operation.error_count, operation.span_count) : "–"}</span>
                <ErrorsBefore now={operation} before={earlier.get(keyOf(operation)) ?? null} />
              </span>
              <Latency operation={operation} before={earlier.get(keyOf(operation)) ?? null} slowest={slowest} />
            </a>
          </li>
        ))}
      </ul>
      {sorted.length > SHOWN_OPERATIONS && <p class="hint">The {SHOWN_OPERATIONS} busiest of {count(sorted.length)} operations.</p>}
    </>
  );
}

const keyOf = (operation: Operation): string => `${operation.kind} ${operation.name}`;

function SpansBefore({ now, before }: { now: Operation; before: Operation | null }): JSX.Element {
  if (before) return <Delta now={now.span_count} before={before.span_count} was={count(before.span_count)} moreIsWorse={false} />;
  return (
    <span class="delta delta-even" title="Not in the period before">
      new
    </span>
  );
}

const errorShare = (of: Operation): number => of.error_count / Math.max(1, of.span_count);

function ErrorsBefore({ now, before }: { now: Operation; before: Operation | null }): JSX.Element | null {
  if (!before || (now.error_count === 0 && before.error_count === 0)) return null;
  return <Delta now={errorShare(now)} before={errorShare(before)} was={percent(before.error_count, before.span_count)} moreIsWorse share />;
}

/** From zero to the median in full colour, on to the 95th percentile in a lighter one. */
function Latency({ operation, before, slowest }: { operation: Operation; before: Operation | null; slowest: number }): JSX.Element {
  const width = (ns: number): string => `${Math.max(0.5, (ns / slowest) * 100)}%`;
  return (
    <span class="latency" title={`p50 ${duration(operation.p50_ns)}, p95 ${duration(operation.p95_ns)}`}>
      <span class="latency-bar" aria-hidden="true">
        <i class="p95" style={{ width: width(operation.p95_ns) }} />
        <i class="p50" style={{ width: width(operation.p50_ns) }} />
      </span>
      <span class="number">
        {duration(operation.p50_ns)}
        {before && <Delta now={operation.p50_ns} before={before.p50_ns} was={duration(before.p50_ns)} moreIsWorse />}
      </span>
      <span class="number">
        <span class="muted">{duration(operation.p95_ns)}</span>
        {before && <Delta now={operation.p95_ns} before={before.p95_ns} was={duration(before.p95_ns)} moreIsWorse />}
      </span>
    </span>
  );
}
