import type { JSX } from "preact";
import type { ServiceCount, TraceSummary } from "../api/types";
import { serviceColour } from "../lib/colour";
import { count, duration, plural, rowTime, type Zone } from "../lib/format";
import { nanosToMs } from "../lib/time";
import { Icon } from "../ui/icons";

export const TRACE_ROW = 30;
export const PHONE_TRACE_ROW = 62;
const CHIPS = 4;

interface Props {
  trace: TraceSummary;
  longest: number;
  selected: boolean;
  zone: Zone;
  hasQuery: boolean;
}

export function TraceRow({ trace, longest, selected, zone, hasQuery }: Props): JSX.Element {
  const root = trace.root;
  return (
    <a id={`trace-${trace.trace_id}`} class={selected ? "trace-row selected" : "trace-row"} href={`/trace/${trace.trace_id}`} title={`Trace ${trace.trace_id}`}>
      <time class="trace-time">{rowTime(nanosToMs(trace.start_time_unix_nano), zone)}</time>
      <span class="trace-root">
        {root ? (
          <>
            <i class="service-dot" style={{ background: serviceColour(root.service_name) }} />
            <span class="trace-service">{root.service_name}</span>
            <span class="trace-name">{root.name}</span>
          </>
        ) : (
          <>
            <i class="service-dot service-dot-none" />
            <span class="trace-name muted">Root span missing</span>
            <code class="muted">{trace.trace_id.slice(0, 12)}…</code>
          </>
        )}
      </span>
      <span class="trace-duration">
        <span class="trace-bar" aria-hidden="true">
          <i class={trace.error_count > 0 ? "bar-error" : ""} style={{ width: `${Math.max(0.5, (trace.duration_ns / longest) * 100)}%` }} />
        </span>
        <span class="number">{duration(trace.duration_ns)}</span>
      </span>
      <span class="trace-spans number" title={`${plural(trace.matched_spans, "span matches", "spans match")}`}>
        {hasQuery && trace.matched_spans < trace.span_count && <span class="muted">{count(trace.matched_spans)} of </span>}
        {count(trace.span_count)}
        <span class="phone-only"> spans</span>
      </span>
      <span class="trace-errors number">
        {trace.error_count > 0 && (
          <span class="error-count">
            <Icon name="warn" size={12} />
            {count(trace.error_count)}
          </span>
        )}
      </span>
      <Chips services={trace.services} />
    </a>
  );
}

function Chips({ services }: { services: ServiceCount[] }): JSX.Element {
  const most = [...services].sort((a, b) => b.span_count - a.span_count);
  const shown = most.slice(0, CHIPS);
  return (
    <span class="chips">
      {shown.map((service) => (
        <span key={service.service_name} class="chip" title={`${service.service_name}: ${plural(service.span_count, "span")}`}>
          <i class="service-dot" style={{ background: serviceColour(service.service_name) }} />
          <span>{service.service_name}</span>
        </span>
      ))}
      {most.length > CHIPS && (
        <span class="chip chip-more" title={most.slice(CHIPS).map((service) => service.service_name).join(", ")}>
          +{most.length - CHIPS}
        </span>
      )}
    </span>
  );
}
