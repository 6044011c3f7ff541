import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { Attributes, LogRecord, SpanLink, Timeline, TimelineSpan } from "../api/types";
import type { StoredSpan } from "../api/windows";
import { about, count, duration, percent, signed, useZone } from "../lib/format";
import { readGenAi } from "../lib/genai";
import { filterText } from "../lib/query";
import { scopeAttributes } from "../lib/record";
import { href, navigate, setParams, usePlace } from "../lib/router";
import type { SameId } from "../lib/sameid";
import { weightOf } from "../lib/sampling";
import { AttributeTable, type FilterAction } from "../ui/attributes";
import { LogLine } from "../ui/logline";
import { Figures, FindAttribute } from "../ui/panel";
import { ServiceName } from "../ui/service";
import { timeTitle } from "../ui/time";
import { Events } from "./events";
import { Conversation } from "./genai";
import { sentAt } from "./hover";
import { Nearby } from "./nearby";
import { SameIdNote, SHOWN_SHARING, type Sharing } from "./sameid";
import { Statement } from "./statement";
import type { Around, LinkedFrom as LinkedFromSpan, Percentile } from "./use-around";

interface Props {
  trace: Timeline;
  /** Its place in the trace. */
  index: number;
  span: TimelineSpan;
  /** How long the end of the trace waited for it. */
  critical: number;
  logs: LogRecord[];
  /** Where all its logs are. */
  logsHref: string;
  /** Once it has come. */
  around: Around | null;
  /** Without a server to ask what else there is. */
  isFile: boolean;
  /** Those that have its id not alone. */
  sameId: SameId | undefined;
  /** Goes to another span. */
  onGo: (index: number) => void;
}

/** A value clicked in a trace starts a search for traces that have it too. */
const SEARCH_TRACES: FilterAction = {
  query: "",
  toggle: (field, value, exclude) => navigate(href("/traces", { q: filterText(field, value, exclude) })),
};

/** All there is of a span, in the panel and on its own page. */
export function SpanDetails(props: Props): JSX.Element {
  const { span, logs, sameId } = props;
  const said = useMemo(() => readGenAi(span, logs), [span, logs]);
  const wantsFields = usePlace().params.get("pane") === "fields";
  return (
    <>
      <Pills span={span} />
      {span.status_message && <p class="status-message">{span.status_message}</p>}
      {sameId && <SameIdNote others={sameId.all.length - 1} isCall={sameId.isCall} start_ns={span.start_offset_ns} spans={sharingOf(props)} onGo={props.onGo} />}
      {said && (
        <span class="segmented" role="group" aria-label="Of this span">
          <button type="button" aria-pressed={!wantsFields} onClick={() => setParams({ pane: null }, "replace")}>
            Conversation
          </button>
          <button type="button" aria-pressed={wantsFields} onClick={() => setParams({ pane: "fields" }, "replace")}>
            Span
          </button>
        </span>
      )}
      {said && !wantsFields ? <Conversation said={said} /> : <Fields {...props} />}
    </>
  );
}

/** The others that have the id of a span, as many as are named. */
function sharingOf({ trace, index, sameId }: Props): Sharing[] {
  const others = (sameId?.all ?? []).filter((place) => place !== index).slice(0, SHOWN_SHARING);
  return others.flatMap((place) => {
    const span = trace.spans[place];
    return span ? [{ ...span, index: place }] : [];
  });
}

function Pills({ span }: { span: TimelineSpan }): JSX.Element {
  const isError = span.status_code === "ERROR";
  const weight = weightOf(span);
  return (
    <p class="pills">
      <span class="kind">{span.kind.toLowerCase()}</span>
      <span class={isError ? "status status-error" : "status"}>{isError ? "error" : span.status_code === "OK" ? "ok" : "status unset"}</span>
      {weight !== null && weight > 1 && (
        <span class="kind" title="It was sampled: one of so many was kept">
          stands for {about(weight)}
        </span>
      )}
      <a class="text-button" href={href("/traces", { q: `${filterText("service", span.service_name)} ${filterText("name", span.name)}` })}>
        More of this operation
      </a>
    </p>
  );
}

function Fields({ trace, index, span, critical, logs, logsHref, around, isFile }: Props): JSX.Element {
  const [needle, setNeedle] = useState("");
  const spanStart = BigInt(sentAt(trace.start_time_unix_nano, span));
  return (
    <>
      <Timing trace={trace} span={span} critical={critical} percentile={around?.percentileOf(index) ?? null} />
      <Statement attributes={span.attributes} />
      <Events events={span.events} spanStart={spanStart} offset_ns={span.start_offset_ns} />
      <Links links={span.links} />
      <LinkedFrom links={around?.linkedFrom(span.span_id) ?? []} />
      <Logs logs={logs} all={logsHref} />
      {!isFile && <Nearby key={span.span_id} trace={trace} span={span} />}
      <SpanAttributes span={span} needle={needle} onNeedle={setNeedle} />
    </>
  );
}

interface AttributesProps {
  span: StoredSpan & { parent_span_id?: string | null };
  /** Held by whoever stays when another span is looked at. */
  needle: string;
  onNeedle: (needle: string) => void;
}

/** All attributes that come with a span, and what they are looked through with. */
export function SpanAttributes({ span, needle, onNeedle }: AttributesProps): JSX.Element {
  const lower = needle.trim().toLowerCase();
  return (
    <>
      <FindAttribute value={needle} onInput={onNeedle} />
      <AttributeTable title="Attributes" attributes={span.attributes} bytes={span.bytes_in_attributes} filter={SEARCH_TRACES} needle={lower} />
      <AttributeTable title="Resource" scope="resource" before={[span.attributes, span.scope.attributes]} attributes={span.resource} bytes={span.bytes_in_resource} filter={SEARCH_TRACES} needle={lower} />
      <AttributeTable title="Scope" attributes={scopeAttributes(span.scope)} bytes={span.scope.bytes_in_attributes} filter={null} needle={lower} />
      <AttributeTable title="Span" attributes={idsOf(span)} filter={null} needle={lower} />
    </>
  );
}

interface TimingProps {
  trace: Timeline;
  span: TimelineSpan;
  critical: number;
  percentile: Percentile | null;
}

function Timing({ trace, span, critical, percentile }: TimingProps): JSX.Element {
  const zone = useZone();
  const share = span.duration_ns > 0 ? (span.self_time_ns / span.duration_ns) * 100 : 0;
  const moved = span.clock_delta_ns ?? 0;
  const caller = trace.spans[span.parent_index ?? -1];
  const after = caller ? Math.max(0, span.start_offset_ns + span.duration_ns - caller.start_offset_ns - caller.duration_ns) : 0;
  return (
    <Figures
      figures={[
        { label: "Duration", value: duration(span.duration_ns) },
        { label: "Own time", title: "Time in which none of its children ran", value: <Metered text={duration(span.self_time_ns)} share={share} /> },
        { label: "Starts at", title: timeTitle(sentAt(trace.start_time_unix_nano, span), zone, span.start_offset_ns), value: `+${duration(span.start_offset_ns)}` },
        { label: "Of trace", value: percent(span.duration_ns, trace.duration_ns) },
        { label: "Critical", title: "Time in which the end of the trace waited for this span itself", value: critical > 0 ? duration(critical) : "–" },
        percentile && {
          label: "Slower than (± 24 h)",
          title: `Of ${count(percentile.among)} spans of this operation, from a day before to a day after, so many took no longer`,
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

function Logs({ logs, all }: { logs: LogRecord[]; all: string }): JSX.Element | null {
  if (logs.length === 0) return null;
  return (
    <section class="attributes">
      <h3>
        Logs <span class="muted">{logs.length}</span>
      </h3>
      <ul class="span-logs">
        {logs.slice(0, SHOWN_LOGS).map((log) => (
          <LogLine key={log.id} log={log} />
        ))}
      </ul>
      <a class="text-button" href={all}>
        {logs.length > SHOWN_LOGS ? `All ${logs.length} in the Logs tab` : "Show in the Logs tab"}
      </a>
    </section>
  );
}

function idsOf(span: AttributesProps["span"]): Attributes {
  return { span_id: span.span_id, ...(span.parent_span_id ? { parent_span_id: span.parent_span_id } : {}), ...(span.trace_state ? { trace_state: span.trace_state } : {}) };
}
