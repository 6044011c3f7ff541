import type { JSX } from "preact";
import type { LogRecord, TimelineSpan } from "../api/types";
import { serviceColour } from "../lib/colour";
import { count, duration } from "../lib/format";
import { selfSegments } from "../lib/tree";
import { nanosToMs } from "../lib/time";
import { Icon } from "../ui/icons";
import { NAMELESS, type TraceState } from "./use-view";

interface Props {
  index: number;
  span: TimelineSpan;
  state: TraceState;
  perNs: number;
  barWidth: number;
  logs: LogRecord[] | undefined;
}

export function SpanRow({ index, span, state, perNs, barWidth, logs }: Props): JSX.Element {
  const collapsed = state.collapsed.has(index);
  const isError = span.status_code === "ERROR";
  const dim = state.matchSet !== null && !state.matchSet.has(index);
  const classes = ["span-row", isError ? "span-error" : "", dim ? "span-dim" : "", state.matchSet?.has(index) ? "span-match" : ""];
  return (
    <div
      id={`span-${index}`}
      class={classes.join(" ")}
      role="row"
      aria-level={span.depth + 1}
      aria-expanded={span.child_count > 0 ? !collapsed : undefined}
      aria-selected={index === state.selected}
      style={{ "--depth": String(span.depth), "--service": serviceColour(span.service_name) }}
      onClick={() => state.select(index)}
    >
      <div class="span-tree" role="gridcell">
        <span class="span-guides" aria-hidden="true" />
        <Twist span={span} collapsed={collapsed} onToggle={() => state.toggle(index)} />
        <i class="span-stripe" aria-hidden="true" />
        <span class="span-label" title={`${span.service_name}  ${span.name}`}>
          {state.trace.spans[span.parent_index ?? -1]?.service_name !== span.service_name && <span class="span-service">{span.service_name}</span>}
          <span class="span-name">{span.name || NAMELESS}</span>
        </span>
        {span.missing_parent && (
          <span class="span-flag" title="Its parent is not stored">
            orphan
          </span>
        )}
        {(isError || (collapsed && span.error_below)) && (
          <span class="span-alert" title={isError ? "Error" : "An error below"}>
            <Icon name="warn" size={12} />
          </span>
        )}
      </div>
      <div class="span-cell" role="gridcell">
        <Bar index={index} span={span} state={state} perNs={perNs} barWidth={barWidth} logs={logs} />
      </div>
    </div>
  );
}

function Twist({ span, collapsed, onToggle }: { span: TimelineSpan; collapsed: boolean; onToggle: () => void }): JSX.Element {
  if (span.child_count === 0) return <span class="span-twist" />;
  return (
    <button
      type="button"
      class={collapsed ? "span-twist" : "span-twist open"}
      tabIndex={-1}
      aria-label={collapsed ? `Expand ${count(span.descendant_count)} spans` : "Collapse"}
      title={collapsed ? `${count(span.descendant_count)} spans below` : undefined}
      onClick={(event) => {
        event.stopPropagation();
        onToggle();
      }}
    >
      <Icon name="chevron" size={12} />
      {collapsed && <span class="span-below">{count(span.descendant_count)}</span>}
    </button>
  );
}

const SMALL_BAR = 6;
const MAX_SEGMENTS = 60;
const MAX_TICKS = 60;

/** Light where callees run, full where the span itself works; log records and events as ticks. */
function Bar({ index, span, state, perNs, barWidth, logs }: Props): JSX.Element | null {
  const { zoom } = state;
  const left = (span.start_offset_ns - zoom.from) * perNs;
  const width = span.duration_ns * perNs;
  if (left > barWidth || left + width < 0) {
    return <span class={`span-away ${left > barWidth ? "span-away-right" : ""}`}>{left > barWidth ? "›" : "‹"}</span>;
  }
  const visibleLeft = Math.max(0, left);
  const visibleRight = Math.min(barWidth, left + width);
  const drawn = Math.max(2, visibleRight - visibleLeft);
  const inBar = (ns: number): number => Math.min(drawn, Math.max(0, (ns - zoom.from) * perNs - visibleLeft));
  // A bar of a few pixels has no room for two tones, and the light one alone would hardly be seen.
  const leaf = span.child_count === 0 || drawn < SMALL_BAR;
  const segments = leaf ? [] : selfSegments(state.trace.spans, index).slice(0, MAX_SEGMENTS);
  return (
    <>
      <span class={leaf ? "bar bar-leaf" : "bar"} style={{ left: `${visibleLeft}px`, width: `${drawn}px` }}>
        {segments.map((segment) => {
          const from = inBar(segment.start);
          const size = inBar(segment.end) - from;
          return size >= 0.5 && <i key={segment.start} style={{ left: `${from}px`, width: `${size}px` }} />;
        })}
      </span>
      {ticksOf(span, state, logs).map((tick) => {
        const x = (tick.ns - zoom.from) * perNs;
        return x >= 0 && x <= barWidth && <b key={tick.key} class={`tick tick-${tick.kind}`} style={{ left: `${x}px` }} title={tick.title} />;
      })}
      <span class="bar-label" style={{ left: `${visibleLeft + drawn + 6}px` }}>
        {duration(span.duration_ns)}
      </span>
    </>
  );
}

interface Tick {
  key: string;
  ns: number;
  kind: string;
  title: string;
}

function ticksOf(span: TimelineSpan, state: TraceState, logs: LogRecord[] | undefined): Tick[] {
  const startMs = nanosToMs(state.trace.start_time_unix_nano);
  const start = BigInt(state.trace.start_time_unix_nano);
  const ticks: Tick[] = span.events.slice(0, MAX_TICKS).map((event, index) => ({
    key: `event ${index}`,
    ns: span.start_offset_ns + event.offset_ns,
    kind: event.name === "exception" ? "error" : "event",
    title: event.name,
  }));
  for (const log of (logs ?? []).slice(0, MAX_TICKS)) {
    // Nanoseconds as 64-bit numbers would lose digits; their distance does not.
    const ns = Math.abs(nanosToMs(log.time_unix_nano) - startMs) < 1e9 ? Number(BigInt(log.time_unix_nano) - start) : Number.NaN;
    const kind = log.level === "error" || log.level === "fatal" ? "error" : log.level === "warn" ? "warn" : "log";
    if (!Number.isNaN(ns)) ticks.push({ key: log.id, ns, kind, title: `${log.level}: ${(log.body ?? "").slice(0, 200)}` });
  }
  return ticks;
}
