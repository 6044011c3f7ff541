import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { getJson, postJson } from "../api/client";
import type { SqlAnswer } from "../api/types";
import { findSpan, type FoundSpans, type SimilarSpans, type StoredSpan, type TraceWindow, type WindowRow } from "../api/windows";
import { useApi, type Loaded } from "../api/use";
import { count, duration, percent, plural, signed } from "../lib/format";
import { readGenAi } from "../lib/genai";
import { filterText } from "../lib/query";
import { href, hrefWith, usePlace } from "../lib/router";
import { looksLikeCall } from "../lib/sameid";
import { childrenStatement, figuresOf } from "../lib/spansql";
import { Events } from "../trace/events";
import { Conversation } from "../trace/genai";
import { Links, SpanAttributes } from "../trace/details";
import { SpanFrame } from "../trace/panel";
import { SameIdNote, SHOWN_SHARING } from "../trace/sameid";
import { Statement } from "../trace/statement";
import { NAMELESS } from "../trace/use-view";
import { Figures, Panel, PanelTool } from "../ui/panel";
import { ServiceName } from "../ui/service";
import { Incomplete } from "../ui/states";
import type { LargeState } from "./use-large";

const SHOWN_GROUPS = 50;

interface Props {
  state: LargeState;
  row: WindowRow;
  onClose: () => void;
  onZoom: () => void;
}

/** What the windows do not say of a span is asked for when somebody looks at it. */
export function LargePanel(props: Props): JSX.Element {
  const { similar } = props.row;
  return similar ? <SimilarPanel {...props} similar={similar} /> : <SpanPanel {...props} />;
}

function SpanPanel({ state, row, onClose, onZoom }: Props): JSX.Element {
  const { head } = state;
  const { path, params } = usePlace();
  const reference = `${row.span_id}.${row.span_index}`;
  const answer = useApi<FoundSpans>(`span ${head.trace_id} ${reference}`, (signal) => findSpan(head.trace_id, row, signal));
  return (
    <SpanFrame trace={head} span={row} reference={reference} onClose={onClose} onZoom={onZoom}>
      <LargeSpan head={head} row={row} answer={answer} logsHref={hrefWith(path, params, { tab: "logs", logs: "span" })} start_ns={state.startOf(row)} from_ns={state.full.from} onGo={(other) => void state.goTo({ span_index: other.span_index }).catch(() => undefined)} />
    </SpanFrame>
  );
}

interface SpanProps {
  /** Of its trace. */
  head: TraceWindow;
  row: WindowRow;
  /** What is stored of it, which its row does not say. */
  answer: Loaded<FoundSpans>;
  /** Where its logs are. */
  logsHref: string;
  /** When it starts, on the clock that is shown, and when the trace does. */
  start_ns: number;
  from_ns: number;
  /** Goes to another span. */
  onGo: (row: WindowRow) => void;
}

/** A span of a large trace, in the panel and on its own page. */
export function LargeSpan({ head, row, answer, logsHref, start_ns, from_ns, onGo }: SpanProps): JSX.Element {
  const [needle, setNeedle] = useState("");
  const moved = start_ns - row.start_offset_ns;
  const span = answer.loading || answer.error ? null : answer.data?.span;
  return (
    <>
      <p class="pills">
        <span class="kind">{row.kind.toLowerCase()}</span>
        <span class={row.error ? "status status-error" : "status"}>{row.error ? "error" : "no error"}</span>
        <a class="text-button" href={logsHref}>
          Its logs
        </a>
        <a class="text-button" href={href("/traces", { q: `${filterText("service", row.service_name)} ${filterText("name", row.name)}` })}>
          More of this operation
        </a>
      </p>
      {span?.status_message && <p class="status-message">{span.status_message}</p>}
      {row.same_id_count > 0 && <SameId key={row.span_id} traceId={head.trace_id} row={row} onGo={onGo} />}
      <Figures
        figures={[
          { label: "Duration", value: duration(row.duration_ns) },
          { label: "Own time", title: "Time in which none of its children ran", value: `${duration(row.self_time_ns)} · ${percent(row.self_time_ns, row.duration_ns)}` },
          { label: "Starts at", value: `+${duration(start_ns - from_ns)}` },
          { label: "Of trace", value: percent(row.duration_ns, head.duration_ns) },
          { label: "Critical", title: "Time in which the end of the trace waited for this span itself", value: row.critical_time_ns > 0 ? duration(row.critical_time_ns) : "–" },
          moved !== 0 && { label: "Clock moved by", title: "The clock of its service differs from that of its caller; its times as they were sent are unchanged on disk", class: "warn-text", value: signed(moved) },
          { label: "Spans below", value: count(row.descendant_count) },
        ]}
      />
      {answer.error && <p class="hint form-error">{answer.error.message}</p>}
      <Incomplete answers={[answer.data]} />
      {span ? <Fields span={span} needle={needle} onNeedle={setNeedle} start={BigInt(head.start_time_unix_nano) + BigInt(span.start_offset_ns)} /> : !answer.error && <p class="hint">{answer.loading ? "Loading its attributes…" : "It is not stored any more."}</p>}
      {row.child_count > 0 && <Children key={row.span_id} traceId={head.trace_id} row={row} />}
    </>
  );
}

/** Those that share the id of a span are asked for when somebody looks at it. */
function SameId({ traceId, row, onGo }: { traceId: string; row: WindowRow; onGo: (row: WindowRow) => void }): JSX.Element {
  const answer = useApi<FoundSpans>(`same id ${traceId} ${row.span_id}`, (signal) => getJson(`/api/v1/traces/${traceId}/timeline/find`, { span_id: row.span_id, include: "rows", limit: SHOWN_SHARING + 1 }, signal));
  const others = (answer.data?.rows ?? []).filter((other) => other.span_index !== row.span_index);
  const go = (index: number): void => {
    const other = others.find((each) => each.span_index === index);
    if (other) onGo(other);
  };
  return <SameIdNote others={row.same_id_count} isCall={looksLikeCall(row.kind, row.same_id_count)} start_ns={row.start_offset_ns} spans={others.map((other) => ({ ...other, index: other.span_index }))} onGo={go} />;
}

/** What similar siblings come to, and the way to the longest of them. */
function SimilarPanel({ state, row, similar, onClose, onZoom }: Props & { similar: SimilarSpans }): JSX.Element {
  return (
    <Panel
      label="Similar spans"
      head={<ServiceName name={row.service_name} />}
      tools={<PanelTool icon="search" label="Zoom to these spans" keys="z" onClick={onZoom} />}
      title={`${count(similar.span_count)} × ${row.name || NAMELESS}`}
      onClose={onClose}
    >
      <p class="pills">
        <span class="kind">{row.kind.toLowerCase()}</span>
        {similar.error_count > 0 && <span class="status status-error">{plural(similar.error_count, "error")}</span>}
        <button type="button" class="text-button" onClick={() => state.openGroup(row)}>
          Show each
        </button>
        <button type="button" class="text-button" onClick={() => void state.goTo({ span_index: similar.longest_index }).catch(() => undefined)}>
          Go to the longest
        </button>
      </p>
      <Figures
        figures={[
          { label: "In all", title: "The durations of all of them added up", value: duration(similar.duration_ns) },
          { label: "From first to last", title: "From the earliest start to the latest end, and its share of the trace", value: `${duration(row.duration_ns)} · ${percent(row.duration_ns, state.head.duration_ns)}` },
          { label: "Shortest", value: duration(similar.duration_min_ns) },
          { label: "Median", value: duration(similar.duration_median_ns) },
          { label: "Longest", value: duration(similar.duration_max_ns) },
          { label: "Own time", title: "Of all of them", value: duration(row.self_time_ns) },
          { label: "Critical", title: "Time in which the end of the trace waited for one of them itself", value: row.critical_time_ns > 0 ? duration(row.critical_time_ns) : "–" },
          { label: "Spans below", value: count(row.descendant_count) },
        ]}
      />
    </Panel>
  );
}

/** `start`: when it began, since the Unix epoch. */
function Fields({ span, start, needle, onNeedle }: { span: StoredSpan; start: bigint; needle: string; onNeedle: (needle: string) => void }): JSX.Element {
  const said = useMemo(() => readGenAi(span), [span]);
  return (
    <>
      {said && <Conversation said={said} />}
      <Statement attributes={span.attributes} />
      <Events events={span.events} spanStart={start} offset_ns={span.start_offset_ns} />
      <Links links={span.links} />
      <SpanAttributes span={span} needle={needle} onNeedle={onNeedle} />
    </>
  );
}

/** All that is directly below a span, laid together by what it does: what a wall of rows would not say. */
function Children({ traceId, row }: { traceId: string; row: WindowRow }): JSX.Element {
  const answer = useApi<SqlAnswer>(`children ${traceId} ${row.span_id}`, (signal) => postJson("/api/v1/sql", { query: childrenStatement(traceId, row.span_id, SHOWN_GROUPS) }, signal));
  const groups = (answer.data?.rows ?? []).map(figuresOf);
  return (
    <section class="attributes">
      <h3>
        Children <span class="muted">{count(row.child_count)}</span>
      </h3>
      {answer.error && <p class="hint form-error">{answer.error.message}</p>}
      <Incomplete answers={[answer.data]} />
      <ul class="child-groups">
        {groups.slice(0, SHOWN_GROUPS).map((group) => (
          <li key={`${group.service_name} ${group.name}`}>
            <span class="child-name">
              <b class="number">{count(group.spans)}&thinsp;×</b> <ServiceName name={group.service_name} /> {group.name || NAMELESS}
            </span>
            <span class="muted number">
              {duration(group.total_ns)} in all, p50 {duration(group.p50_ns)}, longest {duration(group.max_ns)}
              {group.errors > 0 && <span class="error-text">, {count(group.errors)} failed</span>}
            </span>
          </li>
        ))}
      </ul>
      {groups.length > SHOWN_GROUPS && <p class="hint">The {SHOWN_GROUPS} most frequent.</p>}
    </section>
  );
}
