import type { JSX } from "preact";
import type { ServiceCount, TraceSummary } from "../api/types";
import { serviceColour } from "../lib/colour";
import { count, duration, plural, type Zone } from "../lib/format";
import { href } from "../lib/router";
import type { TraceCell } from "../lib/tracecells";
import { Icon } from "../ui/icons";
import { RowTime } from "../ui/time";

export const TRACE_ROW = 30;
/** Of the comfortable density; the same as in the style sheet. */
export const ROOMY_TRACE_ROW = 40;
export const PHONE_TRACE_ROW = 62;
const CHIPS = 4;

interface Props {
  trace: TraceSummary;
  longest: number;
  selected: boolean;
  zone: Zone;
  withYear: boolean;
  hasQuery: boolean;
  /** The columns for which there is room. */
  cells: readonly TraceCell[];
  /** To be compared with another. */
  marked: boolean;
  onMark: () => void;
  /** Whether the spans that match are shown below; null when that says nothing. */
  open: boolean | null;
  onOpen: () => void;
}

/** One trace, and the mark beside it: a button within a link would be neither. */
export function TraceRow(props: Props): JSX.Element {
  const { trace, marked, onMark, open, onOpen } = props;
  return (
    <div class="trace-line">
      {open !== null && (
        <button type="button" class={open ? "trace-twist open" : "trace-twist"} aria-expanded={open} title={open ? "Hide its spans" : `Show ${plural(trace.matched_spans, "span that matches", "spans that match")} (→)`} aria-label={`Spans of trace ${trace.trace_id.slice(0, 8)} that match`} onClick={onOpen}>
          <Icon name="chevron" size={12} />
        </button>
      )}
      <TraceLink {...props} />
      <button type="button" class="trace-mark" aria-pressed={marked} title="Mark to compare (c)" aria-label={`Mark trace ${trace.trace_id.slice(0, 8)} to compare`} onClick={onMark}>
        <Icon name="compare" />
      </button>
    </div>
  );
}

function TraceLink(props: Props): JSX.Element {
  const { trace, selected, cells } = props;
  return (
    <a id={`trace-${trace.trace_id}`} class={selected ? "trace-row selected" : "trace-row"} href={href(`/trace/${trace.trace_id}`)} title={`Trace ${trace.trace_id}`}>
      {cells.map((cell) => (
        <Cell key={cell} cell={cell} {...props} />
      ))}
    </a>
  );
}

function Cell({ cell, trace, longest, zone, withYear, hasQuery }: Props & { cell: TraceCell }): JSX.Element {
  const { root } = trace;
  switch (cell) {
    case "time":
      return <RowTime class="trace-time" nanos={trace.start_time_unix_nano} zone={zone} withYear={withYear} />;
    case "root":
      return <Root trace={trace} />;
    case "duration":
      return (
        <span class="trace-duration">
          <span class="trace-bar" aria-hidden="true">
            <i class={`${trace.error_count > 0 ? "bar-error" : ""}${trace.duration_ns > longest ? " bar-cut" : ""}`} style={{ width: `${Math.min(100, Math.max(0.5, (trace.duration_ns / longest) * 100))}%` }} />
          </span>
          <span class="number">{duration(trace.duration_ns)}</span>
        </span>
      );
    case "spans":
      return (
        <span class="trace-spans number" title={`${plural(trace.matched_spans, "span matches", "spans match")}`}>
          {hasQuery && trace.matched_spans < trace.span_count && <span class="muted">{count(trace.matched_spans)} of </span>}
          {count(trace.span_count)}
          <span class="phone-only">{trace.span_count === 1 ? " span" : " spans"}</span>
        </span>
      );
    case "errors":
      return (
        <span class="trace-errors number">
          {trace.error_count > 0 && (
            <span class="error-count">
              <Icon name="warn" size={12} />
              {count(trace.error_count)}
            </span>
          )}
        </span>
      );
    case "services":
      return <Chips services={trace.services} root={root?.service_name ?? null} />;
    case "matched":
      return <span class="trace-cell number">{count(trace.matched_spans)}</span>;
    case "status":
      return <span class={root?.status_code === "ERROR" ? "trace-cell error-text" : "trace-cell muted"}>{root ? root.status_code.toLowerCase() : "–"}</span>;
    case "kind":
      return <span class="trace-cell muted">{root ? root.kind.toLowerCase() : "–"}</span>;
    case "trace_id":
      return <code class="trace-cell muted">{trace.trace_id}</code>;
  }
}

function Root({ trace }: { trace: TraceSummary }): JSX.Element {
  const { root } = trace;
  return (
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
          {trace.services.length === 1 && <span class="trace-service">{trace.services[0]?.service_name}</span>}
          <span class="trace-rootless">root span not here</span>
        </>
      )}
    </span>
  );
}

/** How many services took part, and which did most; the root stands in the row already. */
function Chips({ services, root }: { services: ServiceCount[]; root: string | null }): JSX.Element {
  const others = services.filter((service) => service.service_name !== root).sort((a, b) => b.span_count - a.span_count);
  return (
    <span class="chips" title={others.map((service) => service.service_name).join(", ")}>
      <span class="chip-count number">{services.length}</span>
      {others.slice(0, CHIPS).map((service) => (
        <span key={service.service_name} class="chip" title={`${service.service_name}: ${plural(service.span_count, "span")}`}>
          <i class="service-dot" style={{ background: serviceColour(service.service_name) }} />
          {service.service_name}
        </span>
      ))}
    </span>
  );
}
