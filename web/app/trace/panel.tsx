import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Attributes, LogRecord, SpanLink, Timeline, TimelineSpan } from "../api/types";
import { count, duration, percent, signed } from "../lib/format";
import { filterText } from "../lib/query";
import { scopeAttributes } from "../lib/record";
import { href, navigate, setParams } from "../lib/router";
import { hourAround, nanosToMs, toIso } from "../lib/time";
import { AttributeTable, type FilterAction } from "../ui/attributes";
import { CopyButton } from "../ui/copy";
import { LevelBadge } from "../ui/level";
import { Figures, FindAttribute, Panel, PanelTool } from "../ui/panel";
import { ServiceLink, ServiceName } from "../ui/service";
import { PLACES } from "../logs/context";
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
    <Panel
      label="Span"
      head={<ServiceLink name={span.service_name} range={hourAround(state.trace.start_time_unix_nano, state.trace.duration_ns)} />}
      tools={
        <>
          <PanelTool icon="search" label="Zoom to this span" keys="z" onClick={onZoom} />
          <CopyButton text={() => JSON.stringify(span, null, 2)} title="Copy the span as JSON" />
        </>
      }
      title={span.name || NAMELESS}
      onClose={onClose}
    >
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
      <Logs trace={state.trace} span={span} logs={logs} />
      <FindAttribute value={needle} onInput={setNeedle} />
      <AttributeTable title="Attributes" attributes={span.attributes} filter={SEARCH_TRACES} needle={lower} />
      <AttributeTable title="Resource" attributes={span.resource} filter={SEARCH_TRACES} needle={lower} />
      <AttributeTable title="Scope" attributes={scopeAttributes(span.scope)} filter={null} needle={lower} />
      <AttributeTable title="Span" attributes={idsOf(span)} filter={null} needle={lower} />
    </Panel>
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
  const moved = span.clock_delta_ns ?? 0;
  const caller = trace.spans[span.parent_index ?? -1];
  const after = caller ? Math.max(0, span.start_offset_ns + span.duration_ns - caller.start_offset_ns - caller.duration_ns) : 0;
  return (
    <Figures
      figures={[
        { label: "Duration", value: duration(span.duration_ns) },
        { label: "Own time", title: "Time in which none of its children ran", value: <Metered text={duration(span.self_time_ns)} share={share} /> },
        { label: "Starts at", value: `+${duration(span.start_offset_ns)}` },
        { label: "Of trace", value: percent(span.duration_ns, trace.duration_ns) },
        { label: "Critical", title: "Time in which the end of the trace waited for this span itself", value: critical > 0 ? duration(critical) : "–" },
        percentile && {
          label: "Slower than",
          title: `Of ${count(percentile.among)} spans of this operation, from an hour before to an hour after, so many took no longer`,
          class: percentile.percent >= 95 ? "warn-text" : "",
          value: (
            <>
              {percent(percentile.percent, 100)} <span class="muted">of {count(percentile.among)}</span>
            </>
          ),
        },
        after > 0 && { label: "After its caller", title: "It ran on when its caller had ended: nobody waited for that, and its bar is thin there", value: duration(after) },
        moved !== 0 && {
          label: "Clock moved by",
          title: "Its machine's clock differs from that of its caller: the span was moved by this, its times as they were sent are unchanged on disk",
          class: "warn-text",
          value: signed(moved),
        },
      ]}
    />
  );
}

function Metered({ text, share }: { text: string; share: number }): JSX.Element {
  return (
    <>
      {text}
      <span class="meter" aria-hidden="true">
        <i style={{ width: `${Math.min(100, share)}%` }} />
      </span>
    </>
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

/** Around a span that carries no logs of its own. */
const NEAR_NS = 1_000_000_000n;

/** What the same service, in the same place if that is known, logged while the span ran. */
function nearbyLogs(trace: Timeline, span: TimelineSpan): string {
  const start = BigInt(trace.start_time_unix_nano) + BigInt(span.start_offset_ns - (span.clock_delta_ns ?? 0));
  const field = PLACES.find((name) => typeof span.resource[name] === "string");
  const place = field ? ` ${filterText(`resource.${field}`, String(span.resource[field]))}` : "";
  const at = (ns: bigint): string => toIso(nanosToMs(String(ns)));
  return href("/logs", { q: filterText("service", span.service_name) + place, start: at(start - NEAR_NS), end: at(start + BigInt(span.duration_ns) + NEAR_NS), order: "asc" });
}

function Logs({ trace, span, logs }: { trace: Timeline; span: TimelineSpan; logs: LogRecord[] }): JSX.Element | null {
  if (logs.length === 0) {
    return (
      <p class="hint">
        No log carries its id.{" "}
        <a class="text-button" href={nearbyLogs(trace, span)}>
          What its service logged then
        </a>
      </p>
    );
  }
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

function idsOf(span: TimelineSpan): Attributes {
  return { span_id: span.span_id, ...(span.parent_span_id ? { parent_span_id: span.parent_span_id } : {}) };
}
