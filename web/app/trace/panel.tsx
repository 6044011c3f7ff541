import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Attributes, LogRecord, SpanLink, Timeline, TimelineSpan } from "../api/types";
import { count, duration, percent, signed } from "../lib/format";
import { filterText } from "../lib/query";
import { href, navigate, setParams } from "../lib/router";
import { AttributeTable, type FilterAction } from "../ui/attributes";
import { CopyButton } from "../ui/copy";
import { Icon } from "../ui/icons";
import { LevelBadge } from "../ui/level";
import { ServiceName } from "../ui/service";
import { oneLine } from "../logs/row";
import { Events } from "./events";
import type { Around, LinkedFrom as LinkedFromSpan, Percentile } from "./use-around";
import { NAMELESS, type TraceState } from "./use-view";

interface Props {
  state: TraceState;
  span: TimelineSpan;
  logs: LogRecord[];
  /** Once it has come. */
  around: Around | null;
  onClose: () => void;
  onZoom: () => void;
}

/** A value clicked in a trace starts a search for traces that have it too. */
export const SEARCH_TRACES: FilterAction = {
  query: "",
  toggle: (field, value, exclude) => navigate(href("/traces", { q: filterText(field, value, exclude) })),
};

export function SpanPanel({ state, span, logs, around, onClose, onZoom }: Props): JSX.Element {
  const [needle, setNeedle] = useState("");
  const lower = needle.trim().toLowerCase();
  const isError = span.status_code === "ERROR";
  return (
    <aside class="panel" aria-label="Span">
      <header class="panel-head">
        <ServiceName name={span.service_name} />
        <span class="panel-tools">
          <button type="button" class="icon-button" title="Zoom to this span (z)" aria-label="Zoom to this span" onClick={onZoom}>
            <Icon name="search" />
          </button>
          <CopyButton text={() => JSON.stringify(span, null, 2)} title="Copy the span as JSON" />
          <button type="button" class="icon-button" title="Close (Esc)" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </span>
      </header>
      <div class="panel-scroll">
        <h2 class="panel-title">{span.name || NAMELESS}</h2>
        <p class="pills">
          <span class="kind">{span.kind.toLowerCase()}</span>
          <span class={isError ? "status status-error" : "status"}>{isError ? "error" : span.status_code === "OK" ? "ok" : "status unset"}</span>
          <a class="text-button" href={href("/traces", { q: `${filterText("service", span.service_name)} ${filterText("name", span.name)}` })}>
            More of this operation
          </a>
        </p>
        {span.status_message && <p class="status-message">{span.status_message}</p>}
        <Timing trace={state.trace} span={span} critical={state.critical().times.get(state.selected) ?? 0} percentile={around?.percentileOf(state.selected) ?? null} />
        <Events events={span.events} />
        <Links links={span.links} />
        <LinkedFrom links={around?.linkedFrom(span.span_id) ?? []} />
        <Logs logs={logs} />
        <input class="field field-small" placeholder="Find a field" aria-label="Find a field" value={needle} onInput={(event) => setNeedle(event.currentTarget.value)} />
        <AttributeTable title="Attributes" attributes={span.attributes} filter={SEARCH_TRACES} needle={lower} />
        <AttributeTable title="Resource" attributes={span.resource} filter={SEARCH_TRACES} needle={lower} />
        <AttributeTable title="Scope" attributes={scopeOf(span)} filter={null} needle={lower} />
        <AttributeTable title="Span" attributes={idsOf(span)} filter={null} needle={lower} />
      </div>
    </aside>
  );
}

interface TimingProps {
  trace: Timeline;
  span: TimelineSpan;
  critical: number;
  percentile: Percentile | null;
}

function Timing({ trace, span, critical, percentile }: TimingProps): JSX.Element {
  const share = span.duration_ns > 0 ? (span.self_time_ns / span.duration_ns) * 100 : 0;
  return (
    <dl class="timing">
      <div>
        <dt>Duration</dt>
        <dd>{duration(span.duration_ns)}</dd>
      </div>
      <div title="Time in which none of its children ran">
        <dt>Own time</dt>
        <dd>
          {duration(span.self_time_ns)}
          <span class="meter" aria-hidden="true">
            <i style={{ width: `${Math.min(100, share)}%` }} />
          </span>
        </dd>
      </div>
      <div>
        <dt>Starts at</dt>
        <dd>+{duration(span.start_offset_ns)}</dd>
      </div>
      <div>
        <dt>Of trace</dt>
        <dd>{percent(span.duration_ns, trace.duration_ns)}</dd>
      </div>
      <div title="Time in which the end of the trace waited for this span itself">
        <dt>Critical</dt>
        <dd>{critical > 0 ? duration(critical) : "–"}</dd>
      </div>
      {percentile && (
        <div title={`Of ${count(percentile.among)} spans of this operation, from an hour before to an hour after, so many took no longer`}>
          <dt>Slower than</dt>
          <dd class={percentile.percent >= 95 ? "warn-text" : ""}>
            {percent(percentile.percent, 100)} <span class="muted">of {count(percentile.among)}</span>
          </dd>
        </div>
      )}
      {span.clock_delta_ns !== undefined && span.clock_delta_ns !== 0 && (
        <div title="Its machine's clock differs from that of its caller: the span was moved by this, its times as they were sent are unchanged on disk">
          <dt>Clock moved by</dt>
          <dd class="warn-text">{signed(span.clock_delta_ns)}</dd>
        </div>
      )}
    </dl>
  );
}

export function Links({ links }: { links: readonly SpanLink[] }): JSX.Element | null {
  if (links.length === 0) return null;
  return (
    <section class="attributes">
      <h3>
        Links <span class="muted">{links.length}</span>
      </h3>
      <ul class="links">
        {links.map((link) => (
          <li key={link.trace_id + link.span_id}>
            <a href={href(`/trace/${link.trace_id}`, { span: link.span_id })}>
              <code>{link.trace_id}</code>
            </a>
            <span class="muted">
              span <code>{link.span_id}</code>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Spans that link here: what it set off, mostly. */
function LinkedFrom({ links }: { links: LinkedFromSpan[] }): JSX.Element | null {
  if (links.length === 0) return null;
  return (
    <section class="attributes">
      <h3>
        Linked from <span class="muted">{links.length}</span>
      </h3>
      <ul class="links">
        {links.map((link) => (
          <li key={link.trace_id + link.span_id}>
            <a href={href(`/trace/${link.trace_id}`, { span: link.span_id })}>
              <ServiceName name={link.service_name} />
            </a>
            <span class="muted">{link.name}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

const SHOWN_LOGS = 8;

function Logs({ logs }: { logs: LogRecord[] }): JSX.Element | null {
  if (logs.length === 0) return null;
  return (
    <section class="attributes">
      <h3>
        Logs <span class="muted">{logs.length}</span>
      </h3>
      <ul class="span-logs">
        {logs.slice(0, SHOWN_LOGS).map((log) => (
          <li key={log.id} class={`row-${log.level}`}>
            <LevelBadge level={log.level} />
            <span title={log.body ?? ""}>{oneLine(log)}</span>
          </li>
        ))}
      </ul>
      <button type="button" class="text-button" onClick={() => setParams({ tab: "logs", logs: "span" }, "replace")}>
        {logs.length > SHOWN_LOGS ? `All ${logs.length} in the Logs tab` : "Show in the Logs tab"}
      </button>
    </section>
  );
}

function scopeOf(span: TimelineSpan): Attributes {
  return {
    ...(span.scope.name ? { name: span.scope.name } : {}),
    ...(span.scope.version ? { version: span.scope.version } : {}),
    ...span.scope.attributes,
  };
}

function idsOf(span: TimelineSpan): Attributes {
  return { span_id: span.span_id, ...(span.parent_span_id ? { parent_span_id: span.parent_span_id } : {}) };
}
